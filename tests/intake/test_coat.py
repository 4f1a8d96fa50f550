"""Records within what log services put around them: taken off where nothing else stands beside, and read as if they had come alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake.coat import taken_off
from gatewatch.intake.json_record import frame_block
from gatewatch.intake.line import Block

SIGNED = {"eventType": "user.session.start", "published": "2026-01-05T12:00:00.000Z", "actor": {"alternateId": "ann@corp.example"}}
LINE = "Jan  5 12:00:00 gate01 sshd[4711]: Failed password for bob from 203.0.113.9 port 50022 ssh2"
COATS: dict[str, Any] = {
    "Splunk": lambda inner: {"time": 1767614400.5, "host": "h", "source": "s", "sourcetype": "t", "index": "main", "event": inner},
    "Datadog": lambda inner: {"_id": "A", "date": "2026-01-05T12:00:00.500Z", "service": "s", "status": "info", "message": "m", "attributes": inner},
    "service and message": lambda inner: {"service": "s", "message": inner},
    "OpenTelemetry": lambda inner: {"body": inner, "attributes": {}, "timestamp": "2026-01-05T12:00:00.5Z"},
    "Loki": lambda inner: {"labels": {"job": "x"}, "line": inner, "timestamp": "2026-01-05T12:00:00.5Z"},
    "Kafka": lambda inner: {"topic": "x", "partition": 0, "offset": 1, "key": None, "value": inner, "timestamp": 1767614400500},
    "GELF, short": lambda inner: {"version": "1.1", "host": "h", "short_message": inner, "timestamp": 1767614400.5, "level": 6, "_a": 1},
    "GELF": lambda inner: {"version": "1.1", "host": "h", "short_message": "m", "full_message": inner, "timestamp": 1767614400.5, "_a": 1},
}


def framed(record: Any) -> list[dict[str, Any]]:
    data = json.dumps(record).encode() + b"\n"
    return [row for batch in frame_block(Block(data, len(data), 0), None) for row in batch.records.iter_rows(named=True)]


@pytest.mark.parametrize("name", COATS)
@pytest.mark.parametrize("text", [False, True])
def test_an_object(name: str, text: bool) -> None:
    if name in {"Loki", "GELF", "GELF, short", "Datadog"} and text != (name != "Datadog"):
        pytest.skip("there it is only the one or the other")
    (row,) = framed(COATS[name](json.dumps(SIGNED) if text else SIGNED))
    assert (row["program"], json.loads(row["fields"]), row["offset"]) == ("okta", SIGNED, 0)


@pytest.mark.parametrize("name", [name for name in COATS if name != "Datadog"])
def test_a_line(name: str) -> None:
    (row,) = framed(COATS[name](LINE))
    assert row["message"] == LINE
    assert name == "service and message" or f"{row['time']:%Y-%m-%d %H:%M:%S}" == "2026-01-05 12:00:00"


@pytest.mark.parametrize(
    "record",
    [
        {"sourcetype": "t", "event": {}},
        {"sourcetype": "t", "event": 1},
        {"sourcetype": "t", "event": " "},
        {"sourcetype": "t", "event": SIGNED, "user": "bob"},
        {"event": SIGNED},
        {"service": "s", "message": SIGNED, "eventType": "x"},
        {"topic": "t"},
        {"body": {"channel": "Security", "event_id": {"id": 4625}}},
    ],
)
def test_no_coat(record: dict[str, Any]) -> None:
    assert taken_off(json.dumps(record)) is None


KEYS = st.sampled_from(["time", "event", "sourcetype", "body", "service", "message", "x"])


@given(st.dictionaries(KEYS, st.one_of(st.text(max_size=9), st.floats())))
def test_nothing_raises(record: dict[str, Any]) -> None:
    taken_off(json.dumps(record))
    framed(record)
