"""The Journal Export Format: text and binary fields, chunk borders, and broken entries."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake import journal_export
from gatewatch.intake.batch import Batch, RawReject
from gatewatch.schema.records import RECORD_DTYPES

_BASE = 1_767_614_400_000_000


def field(name: str, value: bytes, *, binary: bool = False) -> bytes:
    return name.encode() + (b"\n" + len(value).to_bytes(8, "little") if binary else b"=") + value + b"\n"


def entry(number: int, *more: bytes, message: bytes | None = None) -> bytes:
    text = b"Connection %d closed by 192.0.2.7 port 50022" % number if message is None else message
    head = b"__CURSOR=s=0;i=%d\n__REALTIME_TIMESTAMP=%d\n_HOSTNAME=gate\nSYSLOG_IDENTIFIER=sshd\n_PID=4711\n" % (number, _BASE + number)
    return head + field("MESSAGE", text, binary=b"\n" in text) + b"".join(more) + b"\n"


def read(data: bytes, size: int = 1 << 20) -> tuple[pl.DataFrame, list[RawReject]]:
    batches: list[Batch] = list(journal_export.read(data[at : at + size] for at in range(0, len(data), size)))
    for batch in batches:
        assert dict(batch.records.schema) == RECORD_DTYPES
        assert batch.read == batch.records.height + len(batch.rejects)
    frames = [batch.records for batch in batches]
    return pl.concat(frames) if frames else pl.DataFrame(schema=RECORD_DTYPES), [reject for batch in batches for reject in batch.rejects]


@pytest.mark.parametrize("size", [1, 13, 1 << 20])
def test_entries_across_chunk_borders(size: int) -> None:
    parts = [entry(number, message=b"two\n\n__lines %d" % number if number % 3 == 0 else None) for number in range(20)]
    records, rejects = read(b"".join(parts), size)
    assert rejects == []
    assert records["offset"].to_list() == [len(b"".join(parts[:number])) for number in range(20)]
    assert records["message"][3] == "two\n\n__lines 3"
    assert records["time"][1] == datetime(2026, 1, 5, 12, 0, 0, 1, tzinfo=UTC)
    assert records.select("host", "program", "pid").unique().rows() == [("gate", "sshd", "4711")]


def test_fields_are_kept_and_repeated_ones_are_arrays() -> None:
    more = (field("SESSION_ID", b"12"), field("LEADER", b"9"), field("LEADER", b"10"), field("_CMDLINE", b"x"))
    records, _ = read(entry(0, *more))
    assert json.loads(records["fields"][0]) == {"SESSION_ID": "12", "LEADER": ["9", "10"]}


def test_invalid_utf8_and_nul_are_replaced() -> None:
    assert read(entry(0, message=b"a\xff\0b"))[0]["message"].to_list() == ["a\ufffd\ufffdb"]


def test_large_binary_fields_that_are_not_kept_are_passed_over() -> None:
    core = field("COREDUMP", b"\n\n__CURSOR=no\n" * 200_000, binary=True)
    records, rejects = read(entry(0, core) + entry(1), 1 << 16)
    assert rejects == []
    assert records["message"].str.contains("Connection").to_list() == [True, True]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("size", [1 << 16, 1 << 23])
def test_a_message_beyond_the_cap_is_a_reject(binary: bool, size: int) -> None:
    long = b"__REALTIME_TIMESTAMP=1\n" + field("MESSAGE", b"x" * (3 << 20), binary=binary) + b"\n"
    records, rejects = read(entry(0) + long + entry(2), size)
    assert [(reject.record, reject.reason) for reject in rejects] == [(2, "line longer than 1 MiB")]
    assert records["record"].to_list() == [1, 3]


def test_a_field_repeated_without_end_is_a_reject() -> None:
    records, rejects = read(entry(0, field("UNIT", b"x" * 1000) * 3000) + entry(1))
    assert [reject.reason for reject in rejects] == ["line longer than 1 MiB"]
    assert records["record"].to_list() == [2]


@pytest.mark.parametrize(
    "broken",
    [
        b"no field\nMESSAGE=x\n\n",
        b"\xff=x\nMESSAGE=x\n\n",
        b"__CURSOR=x\nlower=x\nMESSAGE=x\n\n",
        b"__CURSOR=x\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffabc\n\n",
        b"__CURSOR=x\nMESSAGE\n\x02\0\0\0\0\0\0\0abcdef\n\n",
    ],
)
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_broken_entry_costs_itself_only(broken: bytes, size: int) -> None:
    records, rejects = read(entry(0) + broken + entry(2), size)
    assert [(reject.record, reject.offset, reject.reason) for reject in rejects] == [(2, len(entry(0)), "broken journal entry")]
    assert rejects[0].raw.startswith(broken[:8].decode("utf-8", "replace"))
    assert records["record"].to_list() == [1, 3]


def test_an_entry_of_nothing_known_is_a_reject() -> None:
    _, rejects = read(b"__CURSOR=x\n_PID=1\n\n" + entry(1))
    assert [reject.reason for reject in rejects] == ["no journal entry: neither time nor message"]


@pytest.mark.parametrize("end", [b"MESSAGE\n\x09", b"MESSAGE\n\x09\0\0\0\0\0\0\0abc", b"_HOSTNAME=ga"])
def test_a_cut_end_is_a_reject(end: bytes) -> None:
    records, rejects = read(entry(0) + b"__REALTIME_TIMESTAMP=1\n" + end)
    assert [reject.reason for reject in rejects] == ["broken journal entry: it ends early"]
    assert records.height == 1


def test_a_missing_last_line_end_loses_nothing() -> None:
    records, rejects = read(entry(0).rstrip(b"\n"))
    assert rejects == []
    assert records["message"].to_list() == ["Connection 0 closed by 192.0.2.7 port 50022"]


def test_sniff() -> None:
    assert journal_export.sniff(entry(0)) == 1.0
    assert journal_export.sniff(entry(0).partition(b"\n")[2]) == 0.9
    assert journal_export.sniff(b"PATH=/bin\nHOME=/root\n") == 0.0
    assert journal_export.sniff(b"") == 0.0


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(st.binary(max_size=40), st.sampled_from([entry(1), b"\n", b"\n\n__", b"MESSAGE\n", b"MESSAGE=x\n", bytes(8)])),
        max_size=10,
    ),
    st.integers(1, 50),
)
def test_no_bytes_raise_and_all_end(parts: list[bytes], size: int) -> None:
    records, rejects = read(b"".join(parts), size)
    numbers = sorted([*records["record"].to_list(), *(reject.record for reject in rejects)])
    assert numbers == list(range(1, len(numbers) + 1))
