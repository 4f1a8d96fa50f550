"""The unified log as JSON: one record an entry, whatever else the entry holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake import json_record
from gatewatch.intake.batch import Batch
from gatewatch.intake.line import cut

PRE = 'Filtering the log data using "process == "sshd""\n'


def entry(**changed: Any) -> dict[str, Any]:
    return {
        "traceID": 1,
        "eventMessage": "Accepted password for ann from 192.0.2.7 port 1 ssh2",
        "timestamp": "2026-06-29 15:54:42.063082+0200",
        "processImagePath": "/usr/sbin/sshd",
        "machTimestamp": 176396721012799,
        "processID": 3186,
        "backtrace": {"frames": [{"imageOffset": 1}]},
    } | changed


def lines(*entries: Any) -> str:
    return "".join(json.dumps(one).replace("/", "\\/") + "\n" for one in entries)


def frame(text: str) -> list[Batch]:
    return [batch for block in cut([text.encode()]) for batch in json_record.frame_block(block, None)]


def test_an_entry_becomes_a_record_of_its_program() -> None:
    text = PRE + lines(entry(), entry(processImagePath="/System/x.bundle/Contents/MacOS/screensharingd", processID=7)) + '{"count":2,"finished":1}\n'
    (batch,) = frame(text)
    rows = batch.records.select("time", "host", "program", "pid", "message", "fields").rows()
    at = datetime(2026, 6, 29, 13, 54, 42, 63082, UTC)
    assert rows == [
        (at, None, "macos:sshd", "3186", "Accepted password for ann from 192.0.2.7 port 1 ssh2", None),
        (at, None, "macos:screensharingd", "7", "Accepted password for ann from 192.0.2.7 port 1 ssh2", None),
    ]
    assert batch.read == 2
    assert (batch.rejects, batch.strange) == ([], [])


def test_an_array_over_many_lines_is_read_alike() -> None:
    text = json.dumps([entry(), entry(processID=2)], indent=2)
    batches = list(json_record.read([text.encode()], None))
    assert [pid for batch in batches for pid in batch.records["pid"].to_list()] == ["3186", "2"]


@pytest.mark.parametrize("stamp", [None, "", "2026-06-29 15:54:42.063082", "yesterday", 5, "2026-13-29 15:54:42.063082+0200"])
def test_an_entry_without_an_instant_is_rejected(stamp: Any) -> None:
    (batch,) = frame(lines(entry(timestamp=stamp), entry()))
    assert [(reject.record, reject.reason) for reject in batch.rejects] == [(1, "no time")]
    assert batch.records["record"].to_list() == [2]


@pytest.mark.parametrize(
    ("changed", "program", "pid", "message"),
    [
        ({"processImagePath": None}, None, "3186", "x"),
        ({"processImagePath": ""}, None, "3186", "x"),
        ({"processImagePath": 7}, None, "3186", "x"),
        ({"processID": "3186"}, "macos:sshd", None, "x"),
        ({"processID": True}, "macos:sshd", None, "x"),
        ({"eventMessage": None}, "macos:sshd", "3186", ""),
        ({"eventMessage": ["x"]}, "macos:sshd", "3186", ""),
        ({"eventMessage": " x\n"}, "macos:sshd", "3186", "x"),
    ],
)
def test_odd_values_are_null(changed: dict[str, Any], program: str | None, pid: str | None, message: str) -> None:
    (batch,) = frame(lines(entry(eventMessage="x") | changed))
    assert batch.records.select("program", "pid", "message").rows() == [(program, pid, message)]


def test_a_broken_entry_costs_itself() -> None:
    text = lines(entry()) + lines(entry())[:90] + "\n" + lines(entry(processID=3))
    batches = frame(text)
    assert [pid for batch in batches for pid in batch.records["pid"].to_list()] == ["3186", "3"]
    assert sum(len(batch.rejects) for batch in batches) == 1


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["timestamp", "processImagePath", "processID", "eventMessage", "machTimestamp"]),
            st.none() | st.text() | st.integers() | st.booleans() | st.lists(st.integers()),
        ),
        max_size=6,
    )
)
def test_every_object_ends_somewhere(objects: list[dict[str, Any]]) -> None:
    batches = frame("".join(json.dumps(one) + "\n" for one in objects if one))
    assert sum(batch.read for batch in batches) == sum(1 for one in objects if one)
