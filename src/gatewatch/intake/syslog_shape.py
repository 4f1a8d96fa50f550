r"""Syslog records that a collector took apart: program, process and text stand under keys of their own.

::

    {"timestamp":"2026-01-05T12:00:00+01:00","host":"gate01","programname":"sshd","procid":"4711","message":" Failed password …"}
    {"PROGRAM":"sshd","PID":"4711","MESSAGE":"Failed password …","HOST":"gate01","ISODATE":"2026-01-05T12:00:00+01:00"}
    {"TimeGenerated":"2026-01-05T12:00:00Z","HostName":"gate01","ProcessName":"sshd","ProcessID":4711,"SyslogMessage":"Failed password …"}

============================================  ==================================================================
written by                                    keys of program, text, host and time
============================================  ==================================================================
rsyslog                                       ``programname`` (``syslogtag``), ``message``, ``host``, ``timestamp``
syslog-ng                                     ``PROGRAM``, ``MESSAGE``, ``HOST``, ``ISODATE``
Fluentd, Fluent Bit, Google's Ops Agent       ``ident``, ``message``, ``host``, ``time``; within ``jsonPayload``
Vector, Telegraf                              ``appname``, ``message``, ``hostname``, ``timestamp``
Logstash                                      ``program``, ``message``, ``logsource``, ``@timestamp``
Log Analytics, Sentinel (table Syslog)        ``ProcessName``, ``SyslogMessage``, ``HostName``, ``EventTime``
Graylog                                       ``application_name``, ``message``, ``source``, ``timestamp`` (UTC)
GELF                                          ``_application_name``, ``short_message``, ``host``, ``timestamp``
Filebeat, Elastic Agent                       ``process.name``, ``message``, ``host.hostname``, ``@timestamp``
============================================  ==================================================================

They become the records that the line itself would have become. A time without a zone is none, but in Graylog's. ``process.name`` counts only for
programs of remote access: shippers write it for anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import polars as pl

from gatewatch.intake.header import TIMELESS
from gatewatch.intake.json_shape import FAULTS, Framed, Interest, Objects
from gatewatch.schema.records import RECORD_DTYPES

_PROGRAMS = ("programname", "PROGRAM", "appname", "app_name", "ident", "program", "ProcessName", "_application_name", "application_name", "syslogtag")
_TEXTS = ("message", "MESSAGE", "msg", "SyslogMessage", "short_message")
_HOSTS = ("host", "HOST", "hostname", "logsource", "HostName", "Computer", "source")
_PIDS = ("procid", "PID", "pid", "ProcessID", "_process_id", "process_id")
_TIMES = ("ISODATE", "EventTime", "timestamp", "time", "@timestamp", "TimeGenerated", "DATE", "date")
_LATEST = 4_102_444_800  # 2100
_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class SyslogShape:
    """The shape of objects that hold the parts of a syslog record."""

    name: str = "syslog record"
    regex: str = rf'"(?:{"|".join(_PROGRAMS)})"[ \t]*:[ \t]*"[^"]|"(?:name|process\.name)"[ \t]*:[ \t]*"(?:{TIMELESS}|kernel)"'

    def frame(self, objects: Objects, interest: Interest | None) -> Framed:  # noqa: ARG002 - only Windows has channels
        """Make a record of each object that has a program and a text."""
        ours = objects.text.str.contains(self.regex)
        if not ours.any():
            return Framed(pl.DataFrame(schema=RECORD_DTYPES), objects)
        some = objects.filter(ours)
        parts = [_parts(text) for text in some.text.to_list()]
        sound = pl.Series([part is not None for part in parts], dtype=pl.Boolean)
        rows = [part for part in parts if part is not None]
        times = pl.Series([row[0] for row in rows], dtype=pl.String).str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
        made = {
            "offset": some.offset.filter(sound),
            "time": times.cast(RECORD_DTYPES["time"]),
            **{name: pl.Series([row[place] for row in rows], dtype=pl.String) for place, name in enumerate(("host", "program", "pid", "message"), 1)},
        }
        columns = [
            made[name].alias(name)
            if name in made
            else pl.Series(name, [1 if name == "count" else None], dtype=dtype).new_from_index(0, len(rows))
            for name, dtype in RECORD_DTYPES.items()
        ]
        return Framed(pl.DataFrame(columns), objects.filter(~ours.scatter(ours.arg_true(), sound)))


def _parts(text: str) -> tuple[str | None, str | None, str, str | None, str] | None:
    """Return time, host, program, pid and text of a record; None where the object is none."""
    try:
        outer = _decode(text)
    except FAULTS:
        return None
    inner = outer.get("jsonPayload")
    values = {**outer, **inner} if isinstance(inner, dict) else outer
    process = values.get("process")
    beside = process if isinstance(process, dict) else {}
    program = _first(values, _PROGRAMS) or _text(beside.get("name")) or _text(values.get("process.name"))
    said = _first(values, _TEXTS)
    if not program or said is None:
        return None
    tag, _, rest = program.rstrip(":").partition("[")
    pid = _first(values, _PIDS) or _text(beside.get("pid")) or rest.rstrip("]") or None
    said = said.strip("\r\n\0 \t")
    if said.startswith(tag):  # Graylog keeps the tag
        after = said[len(tag) :].partition(": ")
        if after[1] and (not after[0] or (after[0][:1] == "[" and after[0][-1:] == "]")):
            said, pid = after[2], pid or after[0][1:-1] or None
    host = values.get("host")
    named = host.get("hostname") or host.get("name") if isinstance(host, dict) else _first(values, _HOSTS)
    return _moment(values), _text(named), tag.rsplit("/", 1)[-1], pid, said


def _text(value: object) -> str | None:
    """Return a value as text; null for what is none, or empty."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) and value.strip() != "-" else None


def _first(values: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := _text(values.get(name))) is not None), None)


def _moment(values: dict[str, Any]) -> str | None:
    """Return the first time of the object that is an instant, as ISO text."""
    for name in _TIMES:
        value = values.get(name)
        if isinstance(value, str):
            clock = value.strip().replace(" ", "T", 1)
            if len(clock) < 19 or clock[10] != "T":
                continue
            if clock[-1] in "Zz" or "+" in clock[19:] or "-" in clock[19:]:
                return clock
            if "application_name" in values or any(key.startswith("gl2_") for key in values):
                return clock + "Z"
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = next((value / scale for scale in (1, 1_000, 1_000_000, 1_000_000_000) if 0 < value < _LATEST * scale), None)
            if seconds is not None:
                return datetime.fromtimestamp(seconds, UTC).isoformat()
    return None


SHAPE = SyslogShape()
