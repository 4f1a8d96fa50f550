"""Which column of the event table a Sigma field name means, per log source. Data, read by the rule compiler.

A name is looked up in the table of its log source, then among our own columns; what is in neither is looked up in ``extra`` under
the same name (``a.b`` also as ``b`` inside ``a``). Rules for ``product: gatewatch`` speak our columns, and write ``extra.name``
for a key of ``extra``: there an unknown name is a typing error, and refused. Rules for ``product: windows`` speak Windows' own names,
whose values only ``extra`` holds as they were written: they never meet our columns (:mod:`gatewatch.detect.windows_logsource`).

The names are those of the Sigma taxonomy (https://sigmahq.io/docs/basics/log-sources.html) and, for auditd, of the audit fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from gatewatch.detect.extra_key import Key
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


class Form(StrEnum):
    """How the value of a field is made from its keys."""

    FIRST = "first"  # the first that is there
    TRIMMED = "trimmed"  # the first that is there, without the blanks around it
    INTEGRITY = "integrity"  # the first that is there, SIDs of integrity levels as Sysmon's words
    ACCOUNT = "account"  # the first, else domain\\name of the others: SID, domain, name


@dataclass(frozen=True, slots=True)
class Field:
    """Where a field is found: in ``column``, or in ``extra`` under ``keys``, of which ``form`` makes its value."""

    name: str
    column: str
    keys: tuple[Key, ...] = ()
    form: Form = Form.FIRST

    @property
    def columns(self) -> tuple[str, ...]:
        """The event columns it reads."""
        return tuple(sorted({column for key in self.keys for column in key.columns})) if self.keys else (self.column,)


MESSAGE = Field("message", "message")
"""What keywords are searched in."""


def at_keys(name: str, *keys: str, form: Form = Form.FIRST) -> Field:
    """Return the field *name* that stands in ``extra`` under *keys*."""
    return Field(name, "extra", tuple(Key((key,)) for key in keys), form)


@dataclass(frozen=True, slots=True)
class FieldMap:
    """The field names of one log source.

    ``names``: those a column holds; ``fields``: those found elsewhere than their name says; ``absent``: those no event can have, which
    are refused. ``strict`` refuses names that nothing knows; ``own`` (False) says that our columns have no part in it. ``spaced``: keys may
    have blanks where rules write ``New_Value`` or ``NewValue``. ``keyword``: where keywords are searched.
    """

    names: Mapping[str, str]
    strict: bool = False
    own: bool = True
    fields: Mapping[str, Field] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    spaced: bool = False
    keyword: Field = MESSAGE

    def find(self, name: str) -> Field:
        """Return where the field *name* is found; raises ``Refused`` for a name that cannot be one."""
        if name in self.fields:
            return self.fields[name]
        if name in self.absent:
            raise Refused(f"field {name!r} is not kept: only the data of an event are, and its id, channel, provider and computer")
        column = self.names.get(name, name)
        if self.own and column in DTYPES:
            return Field(name, column)
        key = name.removeprefix("extra.") if name.startswith("extra.") else name
        if self.strict and key == name:
            raise Refused(f"field {name!r} is no column of the event table (a key of extra is written extra.{name})")
        if not _NAME.fullmatch(key):
            raise Refused(f"field name {name!r} cannot be looked up")
        paths: list[tuple[str, ...]] = [(key,)]
        parts = tuple(key.split("."))
        if len(parts) > 1 and all(parts):
            paths.append(parts)
        if self.spaced:
            paths += [(key.replace("_", " "),), (_JOINT.sub(" ", key),)]
        return Field(name, "extra", tuple(Key(path) for path in dict.fromkeys(paths)))


_JOINT = re.compile(r"(?<=[a-z])(?=[A-Z])")
OWN = FieldMap(MappingProxyType({}), strict=True)
