"""Which column of the event table a Sigma field name means, per log source. Data, read by the rule compiler.

A name is looked up in the table of its log source, then among our own columns; what is in neither is looked up in ``extra`` under
the same name (``a.b`` also as ``b`` inside ``a``). Rules for ``product: gatewatch`` speak our columns, and write ``extra.name``
for a key of ``extra``: there an unknown name is a typing error, and refused.

The names are those of the Sigma taxonomy (https://sigmahq.io/docs/basics/log-sources.html) and, for auditd, of the audit fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gatewatch.detect.sigma_regex import Refused
from gatewatch.schema.events import DTYPES

_NETWORK = {
    "src_ip": "src_ip",
    "SourceIp": "src_ip",
    "SourceIP": "src_ip",
    "SrcIp": "src_ip",
    "ClientIP": "src_ip",
    "client_ip": "src_ip",
    "IpAddress": "src_ip",
    "SourcePort": "src_port",
    "SrcPort": "src_port",
    "IpPort": "src_port",
    "SourceHostname": "src_host",
    "WorkstationName": "src_host",
    "dst_ip": "dst_ip",
    "DestinationIp": "dst_ip",
    "DestinationIP": "dst_ip",
    "DstIp": "dst_ip",
    "DestinationPort": "dst_port",
    "DstPort": "dst_port",
    "DestinationHostname": "dst_host",
}
_HOST = {"Computer": "host", "ComputerName": "host", "Hostname": "host", "hostname": "host"}
_TEXT = {"Message": "message", "EventTime": "time", "_raw": "message"}
GENERIC: Mapping[str, str] = MappingProxyType(
    {**_NETWORK, **_HOST, **_TEXT, "User": "user", "UserName": "user", "username": "user", "user_name": "user"}
)
"""Names that mean the same wherever they occur."""

PROCESS: Mapping[str, str] = MappingProxyType(
    {
        **GENERIC,
        "Image": "process",
        "ProcessName": "process",
        "CommandLine": "command",
        "ProcessCommandLine": "command",
        "ParentImage": "parent",
        "ParentProcessName": "parent",
        "LogonId": "session",
    }
)
"""The taxonomy of ``category: process_creation``."""

AUDITD: Mapping[str, str] = MappingProxyType(
    {**GENERIC, "exe": "process", "proctitle": "command", "acct": "user", "addr": "src_ip", "hostname": "src_host"}
)
"""Audit fields that a column holds; ``type``, ``a0`` and the like stay in ``extra``."""

SUDO: Mapping[str, str] = MappingProxyType({**GENERIC, "USER": "target_user", "COMMAND": "command"})
"""The words of sudo's own log line."""

_NAME = re.compile(r"[^\W\d][\w .@:/#-]*")


@dataclass(frozen=True, slots=True)
class Field:
    """Where a field is found: in ``column``, or in ``extra`` under one of the key paths ``paths``."""

    name: str
    column: str
    paths: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class FieldMap:
    """The field names of one log source. ``strict`` refuses names that nothing knows."""

    names: Mapping[str, str]
    strict: bool = False

    def find(self, name: str) -> Field:
        """Return where the field *name* is found; raises ``Refused`` for a name that cannot be one."""
        column = self.names.get(name, name)
        if column in DTYPES:
            return Field(name, column)
        key = name.removeprefix("extra.") if name.startswith("extra.") else name
        if self.strict and key == name:
            raise Refused(f"field {name!r} is no column of the event table (a key of extra is written extra.{name})")
        if not _NAME.fullmatch(key):
            raise Refused(f"field name {name!r} cannot be looked up")
        parts = tuple(key.split("."))
        return Field(name, "extra", ((key,), parts) if len(parts) > 1 and all(parts) else ((key,),))


OWN = FieldMap(MappingProxyType({}), strict=True)
