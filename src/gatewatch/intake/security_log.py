r"""Rows of the table ``CommonSecurityLog`` of Log Analytics and Sentinel: lines of CEF, taken apart into columns; written as such a line again.

``{"TimeGenerated":"2026-01-05T12:00:00Z","DeviceVendor":"Fortinet","DeviceProduct":"Fortigate","DeviceEventClassID":"32001",…,"SourceIP":"192.0.2.7",…}``

The line is read as one of a file would be (:mod:`gatewatch.sources.cef`); its time is that of ``ReceiptTime``, else ``TimeGenerated``. A message
of Cisco's firewalls is one by itself.

References: https://learn.microsoft.com/azure/sentinel/cef-name-mapping
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec
import polars as pl

from gatewatch.intake.json_shape import FAULTS, Framed, Interest, Objects
from gatewatch.schema.records import RECORD_DTYPES

_HEADER = ("DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Activity", "LogSeverity")
_KEYS = {
    "DeviceAction": "act",
    "ApplicationProtocol": "app",
    "DeviceEventCategory": "cat",
    "EventCount": "cnt",
    "DeviceExternalID": "deviceExternalId",
    "DeviceFacility": "deviceFacility",
    "DestinationHostName": "dhost",
    "DestinationNTDomain": "dntdom",
    "DestinationServiceName": "destinationServiceName",
    "DestinationProcessName": "dproc",
    "DestinationPort": "dpt",
    "DestinationIP": "dst",
    "DestinationUserID": "duid",
    "DestinationUserName": "duser",
    "DestinationUserPrivileges": "dpriv",
    "DeviceAddress": "dvc",
    "DeviceName": "dvchost",
    "EndTime": "end",
    "EventOutcome": "outcome",
    "EventType": "type",
    "ExternalID": "externalId",
    "Protocol": "proto",
    "Reason": "reason",
    "ReceiptTime": "rt",
    "RequestClientApplication": "requestClientApplication",
    "RequestURL": "request",
    "SourceHostName": "shost",
    "SourceIP": "src",
    "SourceNTDomain": "sntdom",
    "SourcePort": "spt",
    "SourceProcessName": "sproc",
    "SourceServiceName": "sourceServiceName",
    "SourceUserID": "suid",
    "SourceUserName": "suser",
    "StartTime": "start",
    **{f"DeviceCustomString{n}{tail}": f"cs{n}{tail}" for n in range(1, 7) for tail in ("", "Label")},
    **{f"DeviceCustomNumber{n}{tail}": f"cn{n}{tail}" for n in range(1, 4) for tail in ("", "Label")},
    **{f"FlexString{n}{tail}": f"flexString{n}{tail}" for n in (1, 2) for tail in ("", "Label")},
    "Message": "msg",
}
_ELSEWHERE = frozenset(_KEYS.values()) - {"cat", "start", "end", "type"}
"""What has a column of its own: among the other keys only somebody who logs on can have written it."""
_MORE = re.compile(r";(?=[A-Za-z][A-Za-z0-9_.-]*=)")
_CISCO = re.compile(r"%(?:ASA|FTD|PIX|FWSM)-[0-7]-[0-9]{6}: ")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class SecurityLogShape:
    """The shape of such rows."""

    name: str = "row of CommonSecurityLog"
    regex: str = r'"DeviceEventClassID"[ \t]*:|"Type"[ \t]*:[ \t]*"CommonSecurityLog"'

    def frame(self, objects: Objects, interest: Interest | None) -> Framed:  # noqa: ARG002 - only Windows has channels
        """Make a record of each row of the objects that match the regex."""
        ours = objects.text.str.contains(self.regex)
        if not ours.any():
            return Framed(pl.DataFrame(schema=RECORD_DTYPES), objects)
        some = objects.filter(ours)
        told = [_line(text) for text in some.text.to_list()]
        sound = pl.Series([line is not None for line, _ in told], dtype=pl.Boolean)
        moments = pl.Series([moment for line, moment in told if line is not None], dtype=pl.String)
        made = {
            "offset": some.offset.filter(sound),
            "message": pl.Series([line for line, _ in told if line is not None], dtype=pl.String),
            "time": moments.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False).cast(RECORD_DTYPES["time"]),
        }
        height = int(sound.sum())
        columns = [
            made[name].alias(name) if name in made else pl.Series(name, [1 if name == "count" else None], dtype=dtype).new_from_index(0, height)
            for name, dtype in RECORD_DTYPES.items()
        ]
        return Framed(pl.DataFrame(columns), objects.filter(~ours.scatter(ours.arg_true(), sound)))


def _line(text: str) -> tuple[str | None, str | None]:
    """Return the line of CEF that a row was, and when the row was made; null where it is no such row."""
    try:
        row = _decode(text)
    except FAULTS:
        return None, None
    inner = row.get("properties")
    row = inner if isinstance(inner, dict) and "DeviceVendor" in inner else row
    when = row.get("TimeGenerated") or row.get("time") or row.get("@timestamp")
    moment = when if isinstance(when, str) and when[10:11] == "T" else None
    message = _text(row.get("Message"))
    if _CISCO.match(message):
        return message, moment
    if not _text(row.get("DeviceVendor")):
        return None, None
    head = [re.sub(r"([|\\])", r"\\\1", _text(row.get(name))) for name in _HEADER]
    pairs = [f"{key}={_escaped(value)}" for name, key in _KEYS.items() if (value := _text(row.get(name)))]
    more = [pair for pair in _MORE.split(_text(row.get("AdditionalExtensions"))) if pair and pair.partition("=")[0] not in _ELSEWHERE]
    return f"CEF:0|{'|'.join(head)}|{' '.join([*pairs, *more])}", moment


def _text(value: object) -> str:
    """Return a value as text of one line; empty for what is none."""
    if isinstance(value, str):
        return " ".join(value.split()) if "\n" in value or "\r" in value else value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("=", "\\=")


SHAPE = SecurityLogShape()
