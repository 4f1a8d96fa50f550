"""EVTX against what the parser alone says of it, and against damage: in files written here, and in the public ones where they are."""

from __future__ import annotations

import io
import json
import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from evtx import PyEvtxParser
from evtx_writer import CHUNK, HEAD, head, seal, write_evtx
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from gatewatch.intake import evtx, evtx_draft
from gatewatch.intake.batch import Batch, RawReject
from gatewatch.intake.evtx_chunk import Cutter
from gatewatch.intake.evtx_column import data_of
from gatewatch.intake.evtx_data import DataReader
from gatewatch.intake.evtx_peek import Judge, table
from gatewatch.schema.records import WINDOWS_DTYPES

PUBLIC = sorted((Path(__file__).parents[2] / "../shared/data/windows").rglob("*.evtx"))


def event(number: int, event_id: int = 4625, **more: Any) -> dict[str, Any]:
    data = {"TargetUserName": f"user{number}", "IpAddress": "203.0.113.7", "LogonType": 3}
    time = f"2026-01-05T{8 + number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.123456Z"
    made = {"EventID": event_id, "Channel": "Security", "Computer": "gate01.example.net", "SystemTime": time, "EventData": data}
    return made | more


class Result:
    def __init__(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            assert dict(batch.records.schema) == WINDOWS_DTYPES
            assert batch.read == batch.records.height + len(batch.rejects) + batch.skipped.total() + batch.copied
        self.records = pl.concat([batch.records for batch in batches])
        self.rejects: list[RawReject] = [reject for batch in batches for reject in batch.rejects]
        self.skipped = sum((batch.skipped for batch in batches), Counter[tuple[str, int]]())
        self.copied = sum(batch.copied for batch in batches)
        self.jumps = [jump for batch in batches for jump in batch.jumps]
        self.problems = [problem for batch in batches for problem in batch.problems]
        self.read = sum(batch.read for batch in batches)

    @property
    def users(self) -> list[str]:
        return [json.loads(text)["TargetUserName"] for text in self.records["fields"]]


def everything(channel: str, event_id: int) -> bool:
    return True


def read(data: bytes, interest: Callable[[str, int], bool] = everything, seen: set[bytes] | None = None, step: int = 50_000) -> Result:
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    return Result(list(evtx.read(pieces, interest, set() if seen is None else seen)))


def chunks_of(data: bytes) -> list[bytes]:
    return [data[at : at + CHUNK] for at in range(HEAD, len(data), CHUNK)]


def parsed(data: bytes) -> list[dict[str, Any]]:
    """What the parser alone makes of the file, without the records it cannot read."""
    found = []
    records = PyEvtxParser(io.BytesIO(data)).records_json()
    while True:
        try:
            found.append(json.loads(next(records)["data"])["Event"])
        except RuntimeError:
            continue
        except StopIteration:
            return found


@pytest.mark.parametrize("plain", [False, True])
def test_a_record_becomes_a_row(plain: bool) -> None:
    logon = event(1, ActivityID="f4208cec-4df9-4d54-882a-4c115abc0000", UserID="S-1-5-20", ProcessID=77, EventRecordID=900)
    row = read(write_evtx([logon], plain=plain)).records.row(0, named=True)
    fields = json.loads(row.pop("fields"))
    assert fields == {"TargetUserName": "user1", "IpAddress": "203.0.113.7", "LogonType": "3" if plain else 3}
    assert str(row.pop("time")) == "2026-01-05 08:00:01.123456+00:00"
    assert row == {
        "record": 1,
        "offset": 4608,
        "local": None,
        "rel": None,
        "resolution": 1,
        "host": "gate01.example.net",
        "program": "Security",
        "pid": "77",
        "message": None,
        "count": 1,
        "channel": "Security",
        "event_id": 4625,
        "provider": "Microsoft-Windows-Security-Auditing",
        "event_record": 900,
        "activity": "f4208cec-4df9-4d54-882a-4c115abc0000",
        "user_sid": "S-1-5-20",
    }


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({}, None),
        ({"EventData": {}}, None),
        ({"EventData": ["one"]}, {"param1": "one"}),
        ({"EventData": ["one", "two", ""]}, {"param1": "one", "param2": "two", "param3": ""}),
        ({"EventData": {"Brace": "a:{b", "Bracket": "c:[d", "Data": "e"}}, {"Brace": "a:{b", "Bracket": "c:[d", "Data": "e"}),
        ({"EventData": {"Nothing": None, "Big": 1 << 40}}, {"Nothing": "", "Big": 1 << 40}),
        ({"EventData": {"Text": 'a "quoted"\\ \u00e4\u4e2d\n'}}, {"Text": 'a "quoted"\\ \u00e4\u4e2d\n'}),
        ({"UserData": {"EventXML": {"Param1": "u", "Param2": "203.0.113.7"}}}, {"Param1": "u", "Param2": "203.0.113.7"}),
        ({"UserData": {"LogFileCleared": {"SubjectUserName": "u"}}}, {"SubjectUserName": "u"}),
    ],
)
def test_data_become_one_flat_object(section: Mapping[str, Any], expected: Mapping[str, Any] | None) -> None:
    made = event(1)
    del made["EventData"]
    text = read(write_evtx([made | section])).records["fields"][0]
    if expected == {"Brace": "a:{b", "Bracket": "c:[d", "Data": "e"}:
        expected = {"Brace": "a:{b", "Bracket": "c:[d", "param1": "e"}  # as if it had no name
    assert (None if text is None else json.loads(text)) == expected


def test_the_event_id_of_old_providers_has_qualifiers() -> None:
    installed = event(1, 7045, Channel="System", Provider="Service Control Manager", Qualifiers=16384)
    result = read(write_evtx([installed]), lambda channel, event_id: (channel, event_id) == ("System", 7045))
    assert result.records["event_id"].to_list() == [7045]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("constant", [False, True])
def test_what_nobody_asks_for_is_counted(plain: bool, constant: bool) -> None:
    events = [event(number, 4625 if number % 3 else 5156 + number % 2, constant=constant) for number in range(500)]
    result = read(write_evtx(events, plain=plain), lambda channel, event_id: event_id == 4625)
    assert result.skipped == {("Security", 5156): 84, ("Security", 5157): 83}
    assert result.users == [f"user{number}" for number in range(500) if number % 3]
    assert result.records["record"].to_list() == [number + 1 for number in range(500) if number % 3]
    assert result.read == 500


def test_interest_is_asked_once_for_a_kind() -> None:
    asked: Counter[tuple[str, int]] = Counter()

    def ask(channel: str, event_id: int) -> bool:
        asked[channel, event_id] += 1
        return False

    assert read(write_evtx([event(number, 4624 + number % 4) for number in range(900)]), ask).records.height == 0
    assert asked == {("Security", event_id): 1 for event_id in range(4624, 4628)}


def test_channels_of_one_file_are_told_apart() -> None:
    names = ["Security", "System", "Microsoft-Windows-A/Operational", "Microsoft-Windows-B/Operational"]
    events = [event(number, Channel=names[number % 4]) for number in range(400)]
    result = read(write_evtx(events), lambda channel, event_id: channel == "Microsoft-Windows-B/Operational")
    assert result.skipped == {(name, 4625): 100 for name in names[:3]}
    assert set(result.records["channel"]) == {"Microsoft-Windows-B/Operational"}


def test_the_end_of_a_record_may_hold_the_head_of_one_that_stood_there() -> None:
    data = bytearray(write_evtx([event(number) for number in range(60)]))
    whole = read(bytes(data))
    for offset in whole.records["offset"].to_list():
        (size,) = struct.unpack_from("<I", data, offset + 4)
        end = offset + size
        assert end % 8 == 0
        data[end - 8 : end - 4] = b"**\0\0"
    records = read(HEAD * b"\0" + seal(data[HEAD : HEAD + CHUNK])).records
    assert records["offset"].to_list() == whole.records["offset"].to_list()


def test_a_record_that_holds_a_whole_record_is_one() -> None:
    inner = struct.pack("<4sIQQ", b"**\0\0", 64, 5, 5).ljust(60, b"A") + struct.pack("<I", 64)
    data = bytearray(write_evtx([event(1, EventData={"X": "Z" * 200, "TargetUserName": "a"}), event(2), event(3)]))
    at = data.index("Z".encode("utf-16-le") * 100)
    at += -at % 8
    data[at : at + 64] = inner
    result = read(bytes(data[:HEAD]) + seal(data[HEAD:]))
    assert (result.read, result.users[1:]) == (3, ["user2", "user3"])


@pytest.mark.parametrize("step", [1000, 4096, 65536, 1 << 20])
def test_how_the_stream_is_cut_changes_nothing(step: int) -> None:
    data = write_evtx([event(number) for number in range(1500)])
    assert read(data, step=step).records.equals(read(data).records)


def test_a_copy_of_a_chunk_is_counted_and_not_read_again() -> None:
    seen: set[bytes] = set()
    older = write_evtx([event(number) for number in range(300)], each=100)
    newer = write_evtx([event(number) for number in range(350)], each=100)
    assert read(older, seen=seen).copied == 0
    result = read(newer, seen=seen)
    assert (result.copied, result.users) == (300, [f"user{number}" for number in range(300, 350)])
    assert result.records["record"][0] == 301


def test_a_chunk_with_a_bad_checksum_is_counted_and_the_others_are_read() -> None:
    data = bytearray(write_evtx([event(number) for number in range(30)], each=10))
    data[HEAD + CHUNK + 2000] ^= 1
    result = read(bytes(data))
    assert result.users == [f"user{number}" for number in (*range(10), *range(20, 30))]
    assert [(reject.record, reject.reason) for reject in result.rejects] == [(number, evtx.BAD) for number in range(11, 21)]
    assert result.records["record"].to_list() == [*range(1, 11), *range(21, 31)]
    assert result.problems == ["1 of 3 chunks have a bad checksum; their 10 records are not read"]


def test_records_after_a_hole_in_a_bad_chunk_are_counted_too() -> None:
    data = bytearray(write_evtx([event(number) for number in range(10)]))
    offsets = read(bytes(data)).records["offset"].to_list()
    data[offsets[4] : offsets[6]] = bytes(offsets[6] - offsets[4])
    assert [reject.offset for reject in read(bytes(data)).rejects] == offsets[:4] + offsets[6:]


def test_the_chunk_in_use_is_read_without_its_checksum() -> None:
    data = bytearray(write_evtx([event(number) for number in range(30)], each=10, flags=1))
    stale = HEAD + 2 * CHUNK
    data[stale + 52] ^= 1
    result = read(bytes(data))
    assert result.users == [f"user{number}" for number in range(30)]
    assert result.problems == [f"copied while in use: the chunk at byte {stale:,} is read without its checksum"]


def test_another_chunk_of_a_file_in_use_is_not() -> None:
    data = bytearray(write_evtx([event(number) for number in range(30)], each=10, flags=1))
    for chunk in (0, 1):
        data[HEAD + chunk * CHUNK + 2000] ^= 1
    result = read(bytes(data))
    assert result.users == [f"user{number}" for number in range(20, 30)]
    assert sorted(reject.record for reject in result.rejects) == list(range(1, 21))


def test_in_a_file_in_use_records_may_go_on_behind_the_end_that_the_header_tells() -> None:
    long, short = (write_evtx([event(number) for number in range(count)], flags=1) for count in (12, 8))
    data = bytearray(long)
    data[HEAD : HEAD + 512] = short[HEAD : HEAD + 512]
    assert read(bytes(data)).users == [f"user{number}" for number in range(12)]
    struct.pack_into("<I", data, 120, 0)  # a file that was closed has old records there
    assert read(bytes(data)).users == [f"user{number}" for number in range(8)]


def test_a_ring_begins_anywhere() -> None:
    chunks = chunks_of(write_evtx([event(number) for number in range(40)], each=10))
    turned = head(4) + b"".join(chunks[2:] + chunks[:2])
    result = read(turned)
    assert (len(result.users), result.jumps, result.problems) == (40, [], [])


def test_a_file_cut_short_gives_its_whole_records() -> None:
    data = write_evtx([event(number) for number in range(30)], each=20)
    offsets = read(data).records["offset"].to_list()
    result = read(data[: offsets[25] + 100])
    assert result.users == [f"user{number}" for number in range(25)]
    assert result.problems == [f"the chunk at byte {HEAD + CHUNK:,} is cut short: {offsets[25] + 100 - HEAD - CHUNK:,} of 65,536 bytes"]
    assert read(data[: HEAD + CHUNK]).problems == ["ends early: 1 of 2 chunks are there"]
    assert read(data[:1000]).problems == ["ends early: within the header of the file"]


def test_lost_bytes_within_a_chunk_cost_no_other_chunk() -> None:
    chunks = chunks_of(write_evtx([event(number) for number in range(30)], each=10))
    result = read(head(3) + chunks[0] + chunks[1][:3000] + chunks[2])
    assert [user for user in result.users if user not in {f"user{number}" for number in range(10, 20)}] == [
        f"user{number}" for number in (*range(10), *range(20, 30))
    ]
    assert "user10" in result.users
    assert any("is cut short: 3,000 of" in problem for problem in result.problems)


@pytest.mark.parametrize("shift", [0, 1, 4096, 70_000])
def test_chunks_are_found_without_the_header_of_the_file(shift: int) -> None:
    chunks = chunks_of(write_evtx([event(number) for number in range(20)], each=10))
    result = read(b"x" * shift + b"".join(chunks))
    assert result.users == [f"user{number}" for number in range(20)]
    assert len(result.problems) == (shift > 0)


def test_zeros_are_passed_in_silence_and_garbage_is_told() -> None:
    chunks = chunks_of(write_evtx([event(number) for number in range(20)], each=10))
    result = read(head(2) + chunks[0] + bytes(CHUNK) + chunks[1] + bytes(3 * CHUNK))
    assert (len(result.users), result.problems) == (20, [])
    result = read(head(2) + chunks[0] + b"x" * CHUNK + chunks[1])
    assert len(result.users) == 20
    assert result.problems == [f"65,536 bytes from byte {HEAD + CHUNK:,} on are no chunks of an event log"]


def test_a_file_without_records_or_bytes() -> None:
    result = read(write_evtx([]))
    assert (result.read, result.problems, result.rejects) == (0, [], [])
    assert (read(b"").read, read(b"").problems) == (0, [])


def test_one_unreadable_record_costs_itself() -> None:
    data = bytearray(write_evtx([event(number, 4625 if number % 2 else 5156) for number in range(40)]))
    offsets = read(bytes(data)).records["offset"].to_list()
    data[offsets[21] + 24 : offsets[21] + 32] = b"\xee" * 8
    data[HEAD:] = seal(data[HEAD:])
    result = read(bytes(data), lambda channel, event_id: event_id == 4625)
    assert [(reject.record, reject.reason) for reject in result.rejects] == [(22, evtx_draft.UNREADABLE)]
    assert result.users == [f"user{number}" for number in range(1, 40, 2) if number != 21]
    assert result.skipped == {("Security", 5156): 20}


def test_record_ids_may_begin_again() -> None:
    events = [event(number, EventRecordID=number % 10 + 1) for number in range(30)]
    result = read(write_evtx(events, each=10))
    assert result.records["event_record"].to_list() == [*range(1, 11)] * 3
    result = read(write_evtx(events))
    assert len(result.users) == 30


def test_a_clock_set_back_is_told_in_the_order_of_the_records() -> None:
    def at(hour: int, number: int) -> dict[str, Any]:
        return event(0, SystemTime=f"2026-01-05T{hour:02}:00:{number:02}Z")

    events = [*(at(9, n) for n in range(5)), *(at(7, n) for n in range(5)), *(at(3, n) for n in range(10)), *(at(4, n) for n in range(10))]
    data = write_evtx(events, each=10)
    expected = [
        (6, "2026-01-05T09:00:04+00:00", "2026-01-05T07:00:00+00:00"),
        (11, "2026-01-05T07:00:04+00:00", "2026-01-05T03:00:00+00:00"),
    ]
    assert read(data).jumps == expected
    chunks = chunks_of(data)
    assert read(head(3) + b"".join([*chunks[1:], chunks[0]])).jumps == [(1, *expected[1][1:]), (26, *expected[0][1:])]


def test_a_log_of_many_computers_has_no_clock_of_its_own() -> None:
    events = [event(0, Computer=f"pc{n}", SystemTime=f"2026-01-05T{9 - 2 * n:02}:00:00Z") for n in range(4)]
    assert read(write_evtx(events)).jumps == []
    assert len(read(write_evtx(events[:2])).jumps) == 1


def test_batches_are_of_a_bearable_size() -> None:
    data = write_evtx([event(number) for number in range(evtx.ROWS // 2)])
    chunks = chunks_of(data)
    batches = list(evtx.read([head(0), *chunks, *chunks, *chunks, *chunks], everything, _Forgetful()))
    assert len(batches) > 1
    assert sum(batch.records.height for batch in batches) == 4 * (evtx.ROWS // 2)
    assert max(batch.records.height for batch in batches) < evtx.ROWS * 1.3 + evtx.GROUPED


class _Forgetful(set[bytes]):
    def add(self, element: bytes) -> None:
        pass


def test_a_record_can_be_quoted_again() -> None:
    data = write_evtx([event(number) for number in range(300)] + [event(300, EventData={"TargetUserName": "x" * 3000})])
    offsets = read(data).records["offset"].to_list()
    quoted = evtx.quote([data], [offsets[250], offsets[3], offsets[3], offsets[300], 12345])
    assert sorted(quoted) == sorted([offsets[250], offsets[3], offsets[300]])
    assert json.loads(quoted[offsets[250]])["Event"]["EventData"]["TargetUserName"] == "user250"
    assert len(quoted[offsets[300]]) == evtx.QUOTED


def test_sniff() -> None:
    data = write_evtx([event(1)])
    assert [evtx.sniff(data), evtx.sniff(data[HEAD:]), evtx.sniff(b"ElfFil"), evtx.sniff(b"")] == [1.0, 0.9, 0.0, 0.0]


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.stem[:40])
def test_public_logs_are_read_as_the_parser_reads_them(path: Path) -> None:
    data = path.read_bytes()
    result = read(data)
    rows = {row["event_record"]: row for row in result.records.iter_rows(named=True)}
    assert len(rows) == result.records.height > 0
    bad = {int(reject.raw.removeprefix("EventRecordID ")) for reject in result.rejects}
    for whole in parsed(data):
        system = whole["System"]
        number = int(system["EventRecordID"])
        if number in bad:
            continue
        row = rows.pop(number)
        event_id = system["EventID"]
        assert row["event_id"] == int(event_id["#text"] if isinstance(event_id, dict) else event_id)
        assert (row["channel"], row["host"]) == (system["Channel"], system["Computer"])
        assert row["time"].strftime("%Y-%m-%dT%H:%M:%S.%f") == system["TimeCreated"]["#attributes"]["SystemTime"][:26]
        named = whole.get("EventData")
        if isinstance(named, dict) and "Data" not in named:
            assert json.loads(row["fields"]) == named
    assert rows == {}


def odd_events() -> list[dict[str, Any]]:
    sections: list[dict[str, Any]] = [{"EventData": {"a": "x"}}, {"EventData": {}}, {"EventData": ["a"]}, {"UserData": {"A": {"b": "c"}}}]
    sids = [{}, {"UserID": "S-1-5-20"}, {"UserID": "S-1-5-21-4294967295-2-3-500"}]
    activities = [{}, {"ActivityID": "f4208cec-4df9-4d54-882a-4c115abc0000"}]
    rest = {"Channel": "System", "Computer": "gate01", "Provider": "P", "EventID": 7045}
    return [
        rest | section | user | activity | {"SystemTime": f"20{number:02}-02-03T04:05:06.{number:06}Z", "ProcessID": number, "constant": number % 2}
        for section in sections
        for user in sids
        for number, activity in enumerate(activities, 10)
    ]


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every record to the parser, and its text to be decoded as a whole."""
    monkeypatch.setattr(DataReader, "read", lambda self, values, rows, key: [])
    monkeypatch.setattr(evtx_draft, "data_of", lambda texts: [None] * len(texts))


TEXTS = st.text(st.characters(codec="utf-16", max_codepoint=0x2FF) | st.sampled_from('"\\\n\r\t{}[]:,\0 '), max_size=12)
DATA = st.fixed_dictionaries({"User": TEXTS | st.none(), "Number": st.integers(0, 1 << 40), "Path": TEXTS})


@given(st.lists(DATA, min_size=1, max_size=8))
@settings(deadline=None)
def test_data_written_from_their_values_are_what_the_parser_writes(data: list[dict[str, Any]]) -> None:
    log = write_evtx([event(number, EventData=one) for number, one in enumerate(data)])
    quick = read(log).records
    with pytest.MonkeyPatch.context() as patch:
        slowly(patch)
        assert_frame_equal(quick, read(log).records)


def test_plain_data_need_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evtx_draft, "decode", lambda records, wanted: ([], [], {}) if not wanted.any() else pytest.fail("the parser was asked"))
    assert read(write_evtx([event(number) for number in range(50)])).users == [f"user{number}" for number in range(50)]


@pytest.mark.skipif(not PUBLIC, reason="no public logs here")
def test_data_of_public_logs_are_written_from_their_values() -> None:
    written = total = 0
    for path in PUBLIC:
        data = b"".join(chunk.data for chunk in Cutter([path.read_bytes()]).chunks() if chunk.sound)
        judge = Judge(everything)
        _, key, values = judge.judge(table(data))
        written += sum(len(told.rows) for told in DataReader(judge.reader, lambda key: None).read(values, np.arange(len(key)), key))
        total += len(key)
    assert written > 0.3 * total


@pytest.mark.parametrize("data", [write_evtx(odd_events()), write_evtx(odd_events(), plain=True)], ids=["templates", "plain"])
def test_rows_are_the_same_whether_the_text_is_decoded_or_not(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = read(data).records
    slowly(monkeypatch)
    slow = read(data).records
    assert slow.height == len(odd_events())
    assert_frame_equal(quick, slow)


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.stem[:40])
def test_rows_of_public_logs_are_the_same_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = read(path.read_bytes()).records
    slowly(monkeypatch)
    assert_frame_equal(quick, read(path.read_bytes()).records)


@pytest.mark.skipif(not PUBLIC, reason="no public logs here")
def test_channel_and_id_of_public_logs_are_known_before_they_are_decoded() -> None:
    known = total = 0
    for path in PUBLIC:
        data = b"".join(chunk.data for chunk in Cutter([path.read_bytes()]).chunks() if chunk.sound)
        _, key, _ = Judge(everything).judge(table(data))
        known, total = known + int((key >= 0).sum()), total + len(key)
    assert known > 0.9 * total


_BASES = [write_evtx([event(n, 4624 + n % 3) for n in range(25)], plain=plain, flags=flags) for plain in (False, True) for flags in (0, 1)]


@given(
    base=st.sampled_from(_BASES),
    flips=st.lists(st.tuples(st.integers(0, 17_000), st.integers(0, 255)), min_size=1, max_size=20),
    cut=st.integers(0, HEAD + CHUNK),
    mend=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_no_bytes_raise_and_all_records_are_accounted_for(base: bytes, flips: list[tuple[int, int]], cut: int, mend: bool) -> None:
    data = bytearray(base)
    for at, value in flips:
        data[at] = value
    if mend and 512 <= struct.unpack_from("<I", data, HEAD + 48)[0] <= CHUNK:
        data[HEAD:] = seal(data[HEAD:])
    result = read(bytes(data), lambda channel, event_id: event_id != 4626)
    assert result.read <= 120
    read(bytes(data[:cut]))
    evtx.quote([bytes(data)], [HEAD + 512, HEAD + 513, cut])


@given(st.binary(max_size=3000))
def test_no_garbage_raises(data: bytes) -> None:
    assert read(data).records.height == 0
    read(write_evtx([event(1)])[: HEAD + 512] + data)


FLAT = st.sampled_from(
    ['{"A":"x"}', '{"A":"{x}"}', '{"A":"[x]"}', '{"A":{"B":1}}', '{"A":["x"]}', '{"Data":{"B":1}}', '{"A":1,"Data":"x"}', '{"A":"', "{}"]
)
ENDS = st.sampled_from(["}}", "}", ',"RenderingInfo":{"Message":"x"}}}', ""])


@given(st.lists(st.tuples(FLAT, ENDS, st.sampled_from(['"EventData":', '"UserData":'])), max_size=6))
def test_data_of_many_records_are_those_of_each(parts: list[tuple[str, str, str]]) -> None:
    head = '{"Event":{"System":' + " " * 240
    texts = [f"{head},{name}{data}{end}" for data, end, name in parts]
    assert data_of(texts) == [data_of([text])[0] for text in texts]
    for text, found in zip(texts, data_of(texts), strict=True):
        if found is not None:
            assert text.endswith(found + "}}")
            assert '"EventData":' + found in text
            assert ":{" not in found
            assert ":[" not in found
