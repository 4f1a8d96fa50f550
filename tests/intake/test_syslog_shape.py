"""Syslog records whose parts a collector put under keys of their own: what each writer calls them, and what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake.json_record import frame_block
from gatewatch.intake.line import Block
from gatewatch.intake.syslog_shape import SHAPE, _parts

TEXT = "Failed password for bob from 203.0.113.9 port 50022 ssh2"
WRITERS: dict[str, dict[str, Any]] = {
    "rsyslog": {"timestamp": "2026-01-05T13:00:00+01:00", "host": "gate01", "programname": "sshd", "procid": "4711", "message": f" {TEXT}"},
    "rsyslog, tag": {"timestamp": "2026-01-05T12:00:00Z", "hostname": "gate01", "syslogtag": "sshd[4711]:", "message": TEXT},
    "syslog-ng": {"PROGRAM": "sshd", "PID": "4711", "MESSAGE": TEXT, "HOST": "gate01", "DATE": "Jan  5 12:00:00", "ISODATE": "2026-01-05T12:00:00Z"},
    "fluentd": {"pri": "38", "host": "gate01", "ident": "sshd", "pid": "4711", "message": TEXT, "time": "2026-01-05T12:00:00Z"},
    "vector": {"appname": "sshd", "hostname": "gate01", "message": TEXT, "procid": 4711, "timestamp": "2026-01-05T12:00:00Z", "version": 1},
    "logstash": {"@timestamp": "2026-01-05T12:00:00Z", "program": "sshd", "pid": "4711", "message": TEXT, "logsource": "gate01"},
    "sentinel": {"TimeGenerated": "2026-01-05T12:00:01Z", "EventTime": "2026-01-05T12:00:00Z", "HostName": "gate01", "SyslogMessage": TEXT}
    | {"ProcessID": 4711, "ProcessName": "sshd", "Facility": "authpriv"},
    "google": {"jsonPayload": {"message": TEXT, "ident": "sshd", "pid": "4711", "host": "gate01"}, "timestamp": "2026-01-05T12:00:00Z"},
    "graylog": {"application_name": "sshd", "source": "gate01", "message": f"sshd[4711]: {TEXT}", "timestamp": "2026-01-05 12:00:00.000"},
    "gelf": {"version": "1.1", "host": "gate01", "short_message": TEXT, "timestamp": 1767614400.0}
    | {"_application_name": "sshd", "_process_id": "4711"},
    "elastic": {"@timestamp": "2026-01-05T12:00:00Z", "process": {"name": "sshd", "pid": 4711}, "host": {"hostname": "gate01"}, "message": TEXT},
}


def framed(record: Any) -> list[dict[str, Any]]:
    data = json.dumps(record).encode() + b"\n"
    return [row for batch in frame_block(Block(data, len(data), 0), None) for row in batch.records.iter_rows(named=True)]


@pytest.mark.parametrize("writer", WRITERS)
def test_parts(writer: str) -> None:
    (row,) = framed(WRITERS[writer])
    assert (row["program"], row["pid"], row["host"], row["message"]) == ("sshd", "4711", "gate01", TEXT)
    assert f"{row['time']:%Y-%m-%dT%H:%M:%S}" == "2026-01-05T12:00:00"


def test_a_time_without_a_zone_is_none() -> None:
    (row,) = framed({"timestamp": "2026-01-05 12:00:00", "host": "gate01", "programname": "sshd", "message": TEXT})
    assert row["time"] is None


@pytest.mark.parametrize(
    "record",
    [
        {"programname": "sshd", "host": "gate01"},
        {"programname": "", "message": TEXT},
        {"process": {"name": "java"}, "message": TEXT, "time": "2026-01-05T12:00:00Z"},
        {"name": "sshd", "message": {"a": 1}},
    ],
)
def test_what_is_none(record: dict[str, Any]) -> None:
    assert not [row for row in framed(record) if row["program"] in {"sshd", "java"}]


@given(st.dictionaries(st.sampled_from(["program", "message", "host", "pid", "time", "process", "jsonPayload"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2), max_leaves=4)))  # fmt: skip
def test_nothing_raises(record: dict[str, Any]) -> None:
    parts = _parts(json.dumps(record))
    assert parts is None or (parts[2] and isinstance(parts[4], str))
    assert SHAPE.name
