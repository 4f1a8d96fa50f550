r"""Whole lines of another log in a shipper's JSON: Filebeat's and Logstash's ``message``, Docker's ``log``, Splunk's ``_raw``, ``event.original``,
Wazuh's ``full_log``, Loki's ``line``, Humio's ``@rawstring``, Google's ``textPayload``, ``SyslogMessage``, ``@message``, ``raw``.

::

    {"@timestamp":"2026-01-05T12:00:01.000Z","message":"<166>Jan 05 2026 12:00:00 fw01 : %ASA-6-605005: Login …","host":{"name":"r1"}}
    {"preview":false,"result":{"_raw":"Jan  5 12:00:00 gate01 sshd[4711]: Failed password …","_time":"2026-01-05 12:00:00.000 UTC"}}

The line becomes the message of a record that nobody claims, which is then read as a line of a file would be (:mod:`gatewatch.intake.nested`): its
time and its host are its own, the year that a stamp leaves out is the shipper's. Only texts that begin like a record are taken; the others are
documents, as before. Rows of Microsoft Sentinel's tables of other devices become the CEF that they were made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import polars as pl

from gatewatch.intake import syslog_shape
from gatewatch.intake.json_shape import FAULTS, Framed, Interest, Objects
from gatewatch.intake.nested_line import AUDIT, BARE_SSHD, BEGINS
from gatewatch.schema.records import RECORD_DTYPES

_MILLIS = 100_000_000_000  # seconds of the year 5138
_LATEST = 4_102_444_800  # the year 2100


class _Document(msgspec.Struct):
    message: Any = None
    log: Any = None
    raw: Any = msgspec.field(default=None, name="_raw")
    event: Any = None
    result: Any = None
    full_log: Any = None
    line: Any = None
    plain: Any = msgspec.field(default=None, name="raw")
    rawstring: Any = msgspec.field(default=None, name="@rawstring")
    told: Any = msgspec.field(default=None, name="@message")
    payload: Any = msgspec.field(default=None, name="textPayload")
    syslog: Any = msgspec.field(default=None, name="SyslogMessage")
    stamp: Any = msgspec.field(default=None, name="@timestamp")
    time: Any = None
    timestamp: Any = None
    date: Any = None
    vendor: Any = msgspec.field(default=None, name="DeviceVendor")
    schema: Any = msgspec.field(default=None, name="EventSchema")


_document = msgspec.json.Decoder(_Document)


@dataclass(frozen=True, slots=True)
class LineShape:
    """The shape of objects one of whose texts is a line of another log."""

    name: str = "shipped line"
    regex: str = (
        r'"(?:@?message|log|_raw|original|full_log|line|raw|@rawstring|textPayload|SyslogMessage)"[ \t]*:[ \t]*'
        r'" *(?:[0-9A-Z\[<%\\{*]|node=|type=|time=|date=|id=|device|events |kernel|audit|[a-z0-9-]+,[a-z])'
        r'|"DeviceVendor"[ \t]*:|"EventSchema"[ \t]*:[ \t]*"Authentication"'
    )

    def frame(self, objects: Objects, interest: Interest | None) -> Framed:  # noqa: ARG002 - only Windows has channels
        """Make a record of each line in the objects that match the regex and hold one."""
        ours = objects.text.str.contains(self.regex)
        if not ours.any():
            return Framed(pl.DataFrame(schema=RECORD_DTYPES), objects)
        some = objects.filter(ours)
        told = [_line(text) for text in some.text.to_list()]
        lines = pl.Series([line for line, _ in told], dtype=pl.String)
        times = pl.Series([moment for _, moment in told], dtype=pl.String).str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
        # an object carried as text is read as one of its own where no shape knows what carries it: it is a line beside a stamp, which one does
        object_ = lines.str.starts_with("{") & ~some.text.str.contains(r'"@timestamp"[ \t]*:')
        bare = lines.str.contains(BARE_SSHD) & some.text.str.contains(_OF_SSHD) & ~some.text.str.contains(syslog_shape.SHAPE.regex)
        begins = ((lines.str.contains(BEGINS) & ~object_) | lines.str.contains(AUDIT) | bare).fill_null(value=False)
        taken = ours.scatter(ours.arg_true(), begins)
        made = {"offset": some.offset.filter(begins), "message": lines.filter(begins), "time": times.filter(begins)}
        height = int(begins.sum())
        columns = [
            made[name].alias(name) if name in made else pl.Series(name, [1 if name == "count" else None], dtype=dtype).new_from_index(0, height)
            for name, dtype in RECORD_DTYPES.items()
        ]
        return Framed(pl.DataFrame(columns), objects.filter(~taken))


def _line(text: str) -> tuple[str | None, str | None]:
    """Return the first of an object's texts, null where there is none or more than one line, and when it was shipped."""
    try:
        document = _document.decode(text)
    except FAULTS:
        return None, None
    if isinstance(document.vendor, str) or document.schema == "Authentication":
        return _common(msgspec.json.decode(text)), None
    event, result = document.event, document.result
    told = (
        document.message,
        event.get("original") if isinstance(event, dict) else None,
        document.log,
        document.raw,
        result.get("_raw") if isinstance(result, dict) else None,
        document.full_log,
        document.told,
        document.rawstring,
        document.plain,
        document.line,
        document.payload,
        document.syslog,
    )
    line = next((one.strip(" \r\n") for one in told if isinstance(one, str) and one.strip()), None)
    moment = document.stamp or document.time or document.timestamp or document.date or (result.get("_time") if isinstance(result, dict) else None)
    when = moment if isinstance(moment, str) and moment[10:11] == "T" else _epoch(moment)
    return (None if line is None or "\n" in line else line), when


_OF_SSHD = r'"stream"[ \t]*:[ \t]*"std(?:out|err)"|"(?:ident|program|programname|appname|syslog_identifier)"[ \t]*:[ \t]*"sshd'
"""What says that a line without a header is sshd's, or all that a container writes."""
_FIELDS = (
    ("src", ("SourceIP", "SrcIpAddr", "SrcIp")),
    ("suser", ("SourceUserName", "ActorUsername")),
    ("duser", ("DestinationUserName", "TargetUsername", "TargetUserName")),
    ("dst", ("DestinationIP", "TargetIpAddr", "DstIpAddr")),
    ("dvchost", ("DeviceName", "DvcHostname", "Dvc", "Computer")),
    ("act", ("DeviceAction",)),
    ("outcome", ("EventOutcome", "EventResult")),
    ("msg", ("Message", "EventMessage", "EventResultDetails")),
)
_ESCAPED = str.maketrans({"\\": "\\\\", "|": "\\|", "=": "\\=", "\n": " ", "\r": " "})


def _common(row: dict[str, Any]) -> str | None:
    """Return a row of Sentinel's tables of other devices (CommonSecurityLog, ASIM's authentication) as the CEF it was, or might have been."""

    def told(*names: str) -> str:
        return next((str(row[name]) for name in names if isinstance(row.get(name), str | int) and row[name] != ""), "").translate(_ESCAPED)

    when = told("EventStartTime", "TimeGenerated")
    if not when:
        return None
    head = (told("DeviceVendor", "EventVendor"), told("DeviceProduct", "EventProduct"), told("DeviceVersion"))
    name = told("Activity", "EventType")
    pairs = [f"{key}={value}" for key, names in _FIELDS if (value := told(*names))]
    more = row.get("AdditionalExtensions")
    pairs += more.split(";") if isinstance(more, str) else []
    return "CEF:0|" + "|".join((*head, told("DeviceEventClassID", "EventType"), name, told("LogSeverity"))) + f"|rt={when} " + " ".join(pairs)


def _epoch(moment: object) -> str | None:
    """Return seconds or milliseconds since the epoch as text; null for anything else."""
    if not isinstance(moment, int | float) or isinstance(moment, bool):
        return None
    seconds = moment / 1000 if moment >= _MILLIS else moment
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if 0 < seconds < _LATEST else None


SHAPE = LineShape()
