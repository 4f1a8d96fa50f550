"""Journal entries in JSON: the four shapes, the kinds of values, and broken objects."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake import journal_json
from gatewatch.intake.batch import Batch, RawReject
from gatewatch.schema.records import RECORD_DTYPES

_BASE = 1_767_614_400_000_000


def entry(number: int = 0, **fields: object) -> dict[str, object]:
    return {
        "__REALTIME_TIMESTAMP": str(_BASE + number),
        "_HOSTNAME": "gate",
        "SYSLOG_IDENTIFIER": "sshd",
        "_PID": "4711",
        "MESSAGE": f'Connection {number} {{"closed" by 192.0.2.7 port 50022',
        **fields,
    }


def collect(batches: list[Batch]) -> tuple[pl.DataFrame, list[RawReject]]:
    for batch in batches:
        assert dict(batch.records.schema) == RECORD_DTYPES
        assert batch.read == batch.records.height + len(batch.rejects)
    frames = [batch.records for batch in batches]
    return pl.concat(frames) if frames else pl.DataFrame(schema=RECORD_DTYPES), [reject for batch in batches for reject in batch.rejects]


def read(data: bytes, size: int = 1 << 20) -> tuple[pl.DataFrame, list[RawReject]]:
    return collect(list(journal_json.read(data[at : at + size] for at in range(0, len(data), size))))


def read_one(**fields: object) -> dict[str, object]:
    records, rejects = read(json.dumps(entry(**fields)).encode())  # type: ignore[arg-type]
    assert rejects == []
    return records.row(0, named=True)


ENTRIES = [entry(number) for number in range(30)]
SHAPES = {
    "lines": "".join(json.dumps(e, separators=(",", ":")) + "\n" for e in ENTRIES),
    "seq": "".join(f"\x1e{json.dumps(e)}\n" for e in ENTRIES),
    "pretty": "".join(json.dumps(e, indent="\t", separators=(",", " : ")) + "\n" for e in ENTRIES),
    "array": json.dumps(ENTRIES),
    "pretty array": json.dumps(ENTRIES, indent=2),
    "array of lines": "[" + ",\n".join(map(json.dumps, ENTRIES)) + "]\n",
    "crlf": "\ufeff" + "".join(json.dumps(e) + "\r\n" for e in ENTRIES),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 37, 1 << 20])
def test_every_shape_gives_the_same_records(shape: str, size: int) -> None:
    data = SHAPES[shape].encode()
    records, rejects = read(data, size)
    assert rejects == []
    assert records["message"].to_list() == [e["MESSAGE"] for e in ENTRIES]
    assert records["record"].to_list() == list(range(1, 31))
    assert all(data[offset : offset + 120].lstrip(b"\x1e[ \xef\xbb\xbf").startswith(b"{") for offset in records["offset"])
    assert journal_json.sniff(data) == 1.0


def test_utf16_is_read() -> None:
    data = SHAPES["lines"].encode("utf-16")
    assert journal_json.sniff(data[:4096]) == 1.0
    assert read(data)[0].height == 30


def test_columns_of_an_entry() -> None:
    row = read_one(_SOURCE_REALTIME_TIMESTAMP=str(_BASE - 5), _TRANSPORT="syslog", SESSION_ID="12", _CMDLINE="sshd: alice")
    received = datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert row["time"] == received - timedelta(microseconds=5)
    assert row["received"] == received
    assert (row["time_err"], row["time_basis"], row["count"]) == (timedelta(0), "absolute", 1)
    assert (row["host"], row["program"], row["pid"]) == ("gate", "sshd", "4711")
    assert json.loads(str(row["fields"])) == {"_TRANSPORT": "syslog", "SESSION_ID": "12"}
    assert read_one()["fields"] is None


def test_program_and_pid_fall_back() -> None:
    assert read_one(SYSLOG_IDENTIFIER=None, _COMM="sshd-session")["program"] == "sshd-session"
    assert read_one(SYSLOG_IDENTIFIER="", _COMM="cron")["program"] == "cron"
    assert read_one(SYSLOG_IDENTIFIER="sshd(pam_unix)")["program"] == "sshd"
    assert read_one(SYSLOG_IDENTIFIER=["sshd", "other"])["program"] == "sshd"
    assert read_one(_PID=None, SYSLOG_PID="99")["pid"] == "99"
    assert read_one(_PID=4711)["pid"] == "4711"


def test_audit_entries_keep_their_fields() -> None:
    row = read_one(_TRANSPORT="audit", SYSLOG_IDENTIFIER="x", _AUDIT_TYPE="1112", AUDIT_FIELD_ADDR="192.0.2.7", _AUDIT_FIELD_OP="login")
    assert row["program"] == "audit"
    fields = {"_TRANSPORT": "audit", "_AUDIT_TYPE": "1112", "AUDIT_FIELD_ADDR": "192.0.2.7", "_AUDIT_FIELD_OP": "login"}
    assert json.loads(str(row["fields"])) == fields


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("a\0b", "a\ufffdb"),
        (list(b"two\nlines \xff"), "two\nlines \ufffd"),
        (None, ""),
        ([], ""),
        (["one", "two"], "one\ntwo"),
        ([list(b"one"), "two"], "one\ntwo"),
        ([300, -1], "300\n-1"),
        (17, "17"),
        ({"a": 1}, '{"a":1}'),
        ([[[]]], "[[]]"),
    ],
)
def test_messages_of_every_kind(message: object, text: str) -> None:
    assert read_one(MESSAGE=message)["message"] == text


@pytest.mark.parametrize("stamp", ["", "soon", "-5", "0", "99999999999999999999", ["1"], {}, 1.5])
def test_an_impossible_time_is_null(stamp: object) -> None:
    row = read_one(__REALTIME_TIMESTAMP=stamp)
    assert (row["time"], row["received"]) == (None, None)


def test_the_receive_time_stands_in_for_an_impossible_source_time() -> None:
    assert read_one(_SOURCE_REALTIME_TIMESTAMP="0")["time"] == datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_broken_object_costs_itself_only(shape: str) -> None:
    data = SHAPES[shape].encode()
    at = data.index(b"Connection 10") - 3
    records, rejects = read(data[:at] + b"\xfe" + data[at + 6 :])
    assert [n for n in range(30) if not any(f"Connection {n} " in m for m in records["message"])] == [10]
    assert {reject.reason for reject in rejects} == {"broken JSON"}
    assert rejects[0].record == 11


def test_invalid_utf8_and_control_characters_are_replaced_or_kept() -> None:
    line = json.dumps(entry(MESSAGE="AB CD")).encode()
    records, rejects = read(line.replace(b"AB", b"\xff\x01"))
    assert rejects == []
    assert records["message"].to_list() == ["\ufffd\x01 CD"]
    assert read(line.replace(b"AB", b"\\ud800"))[0]["message"].to_list() == ["? CD"]


@pytest.mark.parametrize("line", [b"{}", b"[1]", b"3", b'"x"', b"{" * 100_000, b'{"a":' * 100_000, b'{"MESSAGE":1e999}', b'{"a":1}'])
def test_what_is_no_entry_is_a_reject(line: bytes) -> None:
    good = json.dumps(entry()).encode()
    records, rejects = read(good + b"\n" + line + b"\n" + good)
    assert records["message"].to_list().count(str(entry()["MESSAGE"])) == 2
    assert len(rejects) + records.height == 3


@pytest.mark.parametrize("shape", ["lines", "pretty"])
@pytest.mark.parametrize("size", [1 << 16, 1 << 24])
def test_an_object_beyond_the_cap_is_a_reject(shape: str, size: int) -> None:
    indent = 1 if shape == "pretty" else None
    objects = [entry(0), entry(1, MESSAGE="x" * (3 << 20)), entry(2)]
    records, rejects = read("\n".join(json.dumps(e, indent=indent) for e in objects).encode(), size)
    assert {reject.reason for reject in rejects} <= {"line longer than 1 MiB", "broken JSON"}
    assert rejects[0].reason == "line longer than 1 MiB"
    assert all(len(reject.raw) <= 4096 for reject in rejects)
    assert records["message"].to_list() == [objects[0]["MESSAGE"], objects[2]["MESSAGE"]]


def test_a_cut_end_is_a_reject() -> None:
    for shape in ("pretty", "array", "lines"):
        data = SHAPES[shape].encode()
        records, rejects = read(data[: len(data) - 40])
        assert (records.height, len(rejects)) == (29, 1)
        assert rejects[0].reason.startswith("broken JSON")


def test_batches_are_bounded() -> None:
    line = json.dumps(entry()).encode() + b"\n"
    batches = list(journal_json.read([line * 60_000]))
    assert [batch.read for batch in batches] == [50_000, 10_000]
    assert batches[1].records["record"][0] == 50_001


def test_sniff_refuses_other_json() -> None:
    assert journal_json.sniff(b'{"MESSAGE":"x","_HOSTNAME":"gate"}') == 0.7
    assert journal_json.sniff(b'{"message":"x","host":"gate"}') == 0.0
    assert journal_json.sniff(b"Jan  5 12:00:00 gate sshd[1]: __REALTIME_TIMESTAMP") == 0.0
    assert journal_json.sniff(b"") == 0.0


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(st.binary(max_size=60), st.sampled_from([b"{", b"}", b'"', b"\n", b"[", b'{"MESSAGE":"x"}', b"\\", b"\x1e"])), max_size=12
    ),
    st.integers(1, 9),
)
def test_no_bytes_raise(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    records, rejects = read(data, size)
    assert records["record"].to_list() == sorted(set(records["record"].to_list()))
    numbers = sorted([*records["record"].to_list(), *(reject.record for reject in rejects)])
    assert numbers == list(range(1, len(numbers) + 1))
