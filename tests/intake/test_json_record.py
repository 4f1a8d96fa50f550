"""Framing of JSON files: every form gives the same records, junk and broken objects cost themselves, and everything is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatewatch.intake import journal_json, json_record
from gatewatch.intake.batch import Batch
from gatewatch.intake.json_scan import BROKEN, CUT, LONG_OBJECT, NO_JSON
from gatewatch.intake.json_shape import Framed, JsonShape, Objects
from gatewatch.intake.line import TOO_LONG, Block, cut, transcode
from gatewatch.schema.records import RECORD_DTYPES


def event(number: int = 0, **more: object) -> dict[str, Any]:
    system = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
        "EventID": 4625,
        "TimeCreated": {"#attributes": {"SystemTime": "2026-01-05T12:00:00.250000Z"}},
        "EventRecordID": number,
        "Channel": "Security",
        "Computer": "GATE01",
    }
    return {"Event": {"System": system, "EventData": {"TargetUserName": 'a{"}][é\\"', "IpAddress": "203.0.113.77", **more}}}


EVENTS = [event(number) for number in range(30)]
COMPACT = [json.dumps(one, separators=(",", ":")) for one in EVENTS]
HITS = {
    "took": 3,
    "timed_out": False,
    "_shards": {"total": 1},
    "hits": {"total": {"value": 30}, "max_score": None, "hits": [{"_id": "x", "_source": one} for one in EVENTS]},
}
LINES = {
    "lines": "".join(f"{one}\n" for one in COMPACT),
    "no last line end": "\n".join(COMPACT),
    "crlf and a mark": "\ufeff" + "".join(f"{one}\r\n" for one in COMPACT),
    "blank lines": "\n\n" + "".join(f"{one}\n\n" for one in COMPACT),
    "indented": "".join(f"  {one} \n" for one in COMPACT),
    "array of lines": "[" + ",\n".join(COMPACT) + "]\n",
    "array of lines, brackets apart": "[\n" + ",\n".join(COMPACT) + "\n]\n",
    "json-seq": "".join(f"\x1e{one}\n" for one in COMPACT),
    "evtx_dump": "".join(f"Record {place}\n{one}\n" for place, one in enumerate(COMPACT, 1)),
    "log show": 'Filtering the log data using "process == sshd"\n' + "".join(f"{one}\n" for one in COMPACT) + '{"count":30,"finished":1}\n',
    "hits": "".join(json.dumps({"_index": "w", "_source": one}) + "\n" for one in EVENTS),
}
OTHERS = {
    "pretty": "".join(json.dumps(one, indent=2) + "\n" for one in EVENTS),
    "evtx_dump, pretty": "".join(f"Record {place}\n{json.dumps(one, indent=2)}\n" for place, one in enumerate(EVENTS, 1)),
    "array": json.dumps(EVENTS),
    "pretty array": json.dumps(EVENTS, indent=4),
    "one behind the other": "".join(COMPACT),
    "Records": json.dumps({"Records": EVENTS}),
    "value": json.dumps({"@odata.context": "https://example.com/$metadata", "value": EVENTS, "@odata.nextLink": "https://example.com/2"}, indent=1),
    "items": json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": EVENTS}),
    "hits of a search": json.dumps(HITS),
    "hits of a search, pretty": json.dumps(HITS, indent=2),
    "one array a line": "".join(f"[{COMPACT[place]},{COMPACT[place + 1]}]\n" for place in range(0, 30, 2)),
}
FORMS = LINES | OTHERS


def block(data: bytes, interest: Callable[[str, int], bool] | None = None) -> list[Batch]:
    """Frame *data* as the engine does, which numbers on from block to block."""
    batches: list[Batch] = []
    for piece in cut([data]):
        shift = sum(batch.read for batch in batches)
        for batch in json_record.frame_block(piece, interest):
            batch.records = batch.records.with_columns(pl.col("record") + shift)
            batch.rejects, batch.strange = ([one._replace(record=one.record + shift) for one in part] for part in (batch.rejects, batch.strange))
            batches.append(batch)
    check(batches)
    return batches


def read(data: bytes, size: int = 1 << 20) -> list[Batch]:
    batches = list(json_record.read((data[at : at + size] for at in range(0, len(data), size)), None))
    check(batches)
    return batches


def check(batches: list[Batch]) -> None:
    """Every record has a number of its own, and they are as many as were read."""
    for batch in batches:
        parts = batch.records.height + len(batch.rejects) + len(batch.strange) + batch.skipped.total()
        assert batch.read == parts
    numbers = sorted(
        [number for batch in batches for number in batch.records["record"].to_list()]
        + [one.record for batch in batches for one in [*batch.rejects, *batch.strange]]
    )
    if not any(batch.skipped for batch in batches):
        assert numbers == list(range(1, len(numbers) + 1))


def table(batches: list[Batch]) -> pl.DataFrame:
    return pl.concat([batch.records for batch in batches if batch.records.height])


def faults(batches: list[Batch]) -> list[tuple[int, str]]:
    return [(one.record, one.reason) for batch in batches for one in batch.rejects]


def whole(frame: pl.DataFrame, data: bytes) -> None:
    assert frame["event_record"].to_list() == list(range(30))
    assert frame["record"].to_list() == list(range(1, 31))
    assert frame["fields"].str.json_path_match("$.TargetUserName").to_list() == ['a{"}][é\\"'] * 30
    shown = [json.loads(json_record.first_object(data[offset:])) for offset in frame["offset"].to_list()]
    assert [one.get("_source", one) for one in shown] == EVENTS


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 977, 1 << 20])
def test_every_form_gives_the_same_records(form: str, size: int) -> None:
    data = FORMS[form].encode()
    batches = read(data, size)
    assert faults(batches) == []
    whole(table(batches), data)


@pytest.mark.parametrize("form", FORMS)
def test_blocks_of_lines_give_the_same_records(form: str) -> None:
    data = FORMS[form].encode() + b"\n" * (form in OTHERS)
    batches = block(data)
    assert faults(batches) == []
    whole(table(batches), data)


@pytest.mark.parametrize("form", FORMS)
def test_which_forms_are_lines(form: str) -> None:
    data = FORMS[form].encode()
    assert json_record.is_lines(data[:65536]) == (form in LINES)
    assert json_record.sniff(data[:65536]) == json_record.sniff(data[:60]) == 0.6


@pytest.mark.parametrize("form", ["lines", "pretty array", "Records"])
@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be"])
def test_utf16(form: str, codec: str) -> None:
    data = ("\ufeff" if codec == "utf-16-be" else "").encode(codec) + FORMS[form].encode(codec)
    assert json_record.sniff(data[:4096]) == 0.6
    whole(table(read(data)), b"".join(transcode([data])))
    if form == "lines":
        assert json_record.is_lines(data[:65536])
        whole(table(block(data)), b"".join(transcode([data])))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "Jan  5 12:00:00 gate sshd[1]: {'a': 1}",
        "{not json}",
        "{ brace } and text",
        "[2026-01-05 12:00:00] info",
        "[1, 2, 3]",
        '"text"',
        'a,b\n{"a":1}',
        "<Event>",
        "type=USER_LOGIN msg=audit(1767614400.123:45): {",
        "}{",
    ],
)
def test_what_is_no_json(text: str) -> None:
    assert json_record.sniff(text.encode()) == 0.0


def test_the_journal_wins_over_us() -> None:
    line = json.dumps({"__REALTIME_TIMESTAMP": "1767614400000000", "MESSAGE": "x", "_HOSTNAME": "gate"}).encode()
    assert journal_json.sniff(line) > json_record.sniff(line) == 0.6
    assert journal_json.sniff(COMPACT[0].encode()) == 0.0


@pytest.mark.parametrize("way", [block, read])
@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('{"Event":{"System":{"EventID":4625,"Chan', None),
        ('{"Event":{"System":{"EventID":4625,"Channel":"Security"}}', None),
        ('{"Event":{"System":{"EventID":4625 "Channel":"Security"}}}', BROKEN),
        ('{"Event":{"System":{"EventID":4625,"Channel":"Security\\x"}}}', BROKEN),
        ('{"Event":{"System":{"EventID":4625,"Channel":"Security"}},}', BROKEN),
        ('{"Event"', None),
        ("some words", NO_JSON),
        ('"Event":', NO_JSON),
    ],
)
def test_a_broken_object_costs_itself(way: Callable[[bytes], list[Batch]], broken: str, reason: str | None) -> None:
    data = f"{COMPACT[0]}\n{broken}\n{COMPACT[2]}\n{COMPACT[3]}\n".encode()
    batches = way(data)
    assert table(batches)["event_record"].to_list() == [0, 2, 3]
    ((number, why),) = faults(batches)
    assert number == 2
    assert why == reason or (reason is None and why in (BROKEN, CUT))
    ((offset, raw),) = [(one.offset, one.raw) for batch in batches for one in batch.rejects]
    assert data[offset:].decode().startswith(raw)
    assert raw.strip() == broken


@pytest.mark.parametrize("indent", [1, 4])
@pytest.mark.parametrize("around", ["[{}]", '{{"Records":[{}]}}'])
def test_a_broken_object_of_several_lines_costs_itself(around: str, indent: int) -> None:
    texts = [json.dumps(one, indent=indent) for one in EVENTS[:5]]
    texts[1] = texts[1][: len(texts[1]) // 2]
    texts[3] = texts[3].replace('"Security",', '"Security')
    batches = read(around.format(",\n".join(texts)).encode())
    assert table(batches)["event_record"].to_list() == [0, 2, 4]
    assert [number for number, _ in faults(batches)] == [2, 4]


def test_the_last_object_may_be_cut() -> None:
    for form in ("array", "pretty", "one behind the other", "Records", "lines"):
        data = FORMS[form].encode()[:-60]
        batches = read(data)
        assert faults(batches) == [(30, CUT)]
        assert table(batches).height == 29


def test_two_objects_on_a_line() -> None:
    data = f"{COMPACT[0]}\n{COMPACT[1]}{COMPACT[2]}\n{COMPACT[3]} {COMPACT[4]},{COMPACT[5]}\n{COMPACT[6]}\n".encode()
    (batch,) = block(data)
    assert batch.records["event_record"].to_list() == list(range(7))
    assert batch.records["record"].to_list() == list(range(1, 8))
    assert [data[offset : offset + 8] for offset in batch.records["offset"].to_list()] == [b'{"Event"'] * 7


def test_an_object_over_several_lines_between_lines() -> None:
    data = f"{COMPACT[0]}\n{json.dumps(EVENTS[1], indent=1)}\n{COMPACT[2]}\n".encode()
    (batch,) = block(data)
    assert (batch.records["event_record"].to_list(), batch.rejects) == ([0, 1, 2], [])


@pytest.mark.parametrize("way", [block, read])
@pytest.mark.parametrize("harm", ["a\x01\tb", "\\ud800", "\ufffe"])
def test_text_that_only_some_readers_refuse(way: Callable[[bytes], list[Batch]], harm: str) -> None:
    data = f"{COMPACT[0]}\n{COMPACT[1]}\n".replace("203.0.113.77", harm, 1).encode()
    batches = way(data)
    assert faults(batches) == []
    assert table(batches).height == 2


def test_bytes_that_are_no_utf8_keep_the_offsets() -> None:
    lines = [one.encode() for one in COMPACT[:6]]
    lines[1] = lines[1].replace(b"GATE01", b"G\xff\xfe\xfd\xfc\xfb01")
    lines[2] = b"\xff\xff\xff" + lines[2] + lines[3].replace(b"GATE01", b"\xff\xff\xff") + b"\xff"
    lines[3:4] = []
    data = b"\n".join(lines)
    batches = block(data)
    frame = table(batches)
    assert frame["event_record"].to_list() == list(range(6))
    assert [data[offset : offset + 8] for offset in frame["offset"].to_list()] == [b'{"Event"'] * 6
    assert {why for _, why in faults(batches)} == {NO_JSON}


def test_objects_that_are_too_long() -> None:
    long = json.dumps(event(1, Big="x" * (1 << 20)))
    for data, reason in ((f"{COMPACT[0]}\n{long}\n{COMPACT[2]}\n", TOO_LONG), (f"[{COMPACT[0]},{long},{COMPACT[2]}]", LONG_OBJECT)):
        batches = (block if reason == TOO_LONG else read)(data.encode())
        assert table(batches)["event_record"].to_list() == [0, 2]
        assert faults(batches) == [(2, reason)] if reason == LONG_OBJECT else [why for _, why in faults(batches)] == [reason]
    unending = json.dumps(event(1, Big="x" * (3 << 20)))
    batches = read(f"[{COMPACT[0]},{unending},{COMPACT[2]}]".encode(), 1 << 16)
    assert (table(batches)["event_record"].to_list(), faults(batches)) == ([0, 2], [(2, LONG_OBJECT)])


def test_nesting_without_end() -> None:
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    for way in (block, read):
        batches = way(f"{COMPACT[0]}\n{deep}\n{COMPACT[1]}\n".encode())
        assert table(batches)["event_record"].to_list() == [0, 1]
        assert faults(batches) == [(2, BROKEN)]


def test_a_wrapper_within_lines() -> None:
    data = f'{COMPACT[0]}\n{json.dumps({"Records": EVENTS[1:4]})}\n{COMPACT[4]}\n'.encode()
    (batch,) = block(data)
    assert batch.records["event_record"].to_list() == list(range(5))


def test_an_array_within_an_event_is_no_wrapper() -> None:
    record = {"EventID": 4624, "Channel": "Security", "value": [{"a": 1}, {"b": 2}]}
    (batch,) = block(json.dumps(record).encode())
    assert json.loads(batch.records["fields"][0]) == {"value": [{"a": 1}, {"b": 2}]}


def test_no_objects_no_batches() -> None:
    for text in ("", "\n", "[]", '{"Records": []}', "[\n]\n", "Record 1\n"):
        assert block(text.encode()) == read(text.encode()) == []


def test_objects_that_no_shape_knows_are_strange() -> None:
    (batch,) = block(f'{{"a":1}}\n{COMPACT[1]}\n{{"b":"é"}}\n'.encode())
    assert [(one.record, one.reason, one.raw.strip()) for one in batch.strange] == [
        (1, json_record.UNKNOWN, '{"a":1}'),
        (3, json_record.UNKNOWN, '{"b":"é"}'),
    ]
    assert batch.records["record"].to_list() == [2]


def test_a_shape_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_record, "SHAPES", (*json_record.SHAPES, JsonShape("zeek", r'"id\.orig_h"')))
    batches = block(f'{{"id.orig_h":"203.0.113.77"}}\n{COMPACT[1]}\n{{"b":1}}\n{{"id.orig_h":x}}\n'.encode())
    assert [batch.records.columns == list(RECORD_DTYPES) for batch in batches] == [False, True]
    row = batches[1].records.row(0, named=True)
    assert dict(batches[1].records.schema) == RECORD_DTYPES
    assert {name: value for name, value in row.items() if value is not None} == {
        "record": 1,
        "offset": 0,
        "program": "zeek",
        "count": 1,
        "fields": '{"id.orig_h":"203.0.113.77"}',
    }
    assert faults(batches) == [(4, BROKEN)]
    assert sum(batch.read for batch in batches) == 4


def test_a_shape_frames_only_its_own() -> None:
    framed = JsonShape("x", '"x"').frame(Objects.of([(0, '{"x":1}'), (9, '{"y":1}')]), None)
    assert isinstance(framed, Framed)
    assert (framed.records["offset"].to_list(), framed.left.pairs()) == ([0], [(9, '{"y":1}')])


MARKS = ["[", "]", ",", "{", "}", "\n", '"', "\\", '{"Records":[', "Record 1\n", '{"_source":', "x"]
PIECES = st.one_of(
    st.sampled_from([*COMPACT[:3], json.dumps(EVENTS[3], indent=1), *MARKS]),
    st.binary(max_size=12).map(lambda data: data.decode("latin-1")),
)


@given(st.lists(PIECES, max_size=12), st.integers(1, 4000))
@example(["\xff\xfe"], 1)  # a mark alone, cut in two
@example(["\xfe\xff", "\0{\0}"], 1)
def test_no_bytes_raise_and_all_are_counted(pieces: list[str], size: int) -> None:
    data = "".join(pieces).encode("latin-1", "replace")
    head = json_record.sniff(data), json_record.is_lines(data)
    assert head[0] in (0.0, 0.6)
    block(data)
    block(data, lambda channel, number: False)
    batches = read(data, size)
    assert [faults([batch]) for batch in batches] == [faults([batch]) for batch in read(data)]


@given(st.lists(st.sampled_from(COMPACT[:3]), max_size=6), st.data())
def test_what_stands_between_objects_takes_none_away(texts: list[str], data: st.DataObject) -> None:
    junk = [data.draw(st.sampled_from(["\n", "\n\n", " ,\n", "\nsome words\n", "\nRecord 7\n", "\n]\n[\n"])) for _ in texts]
    stream = "".join(text + between for text, between in zip(texts, junk, strict=True)).encode()
    wanted = [COMPACT.index(text) for text in texts]
    for batches in (block(stream), read(stream, 100)):
        assert [number for batch in batches for number in batch.records.to_dict().get("event_record", [])] == wanted


@pytest.mark.parametrize("first", ["entra-signin", "duo", "okta", "zeek", "cloudtrail"])
def test_a_look_ahead_changes_nothing(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(__file__).parents[1] / "samples"
    lines = [line for path in sorted(folder.glob("*/*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    ahead = [line for path in sorted((folder / first).glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "{"]
    data = "\n".join([*ahead, *lines, ""]).encode()
    block = Block(data, len(data), 0)

    def outcome() -> list[tuple[object, ...]]:
        batches = json_record.frame_block(block, None)
        rows = [row for batch in batches for row in batch.records.select("record", "offset", "program", "fields").iter_rows()]
        return [tuple(sorted(rows, key=str)), *((sorted(one.rejects), sorted(one.strange), one.skipped) for one in batches)]

    with_it = outcome()
    monkeypatch.setattr(json_record, "_MANY", len(data))
    assert outcome() == with_it


CARRIED = {"eventType": "user.session.start", "published": "2026-03-02T08:15:00Z", "outcome": {"result": "SUCCESS"}}


@pytest.mark.parametrize("way", [block, read])
@pytest.mark.parametrize(
    "around",
    [
        {"preview": False, "offset": 0, "result": {"_raw": json.dumps(CARRIED), "_time": "1"}},
        {"_raw": json.dumps(CARRIED), "host": "relay"},
        {"logStreamName": "s", "timestamp": 1, "message": json.dumps(CARRIED), "ingestionTime": 2},
        {"log": f"{json.dumps(CARRIED)}\n", "stream": "stdout"},
    ],
)
def test_a_record_that_another_carries_as_text(way: Callable[[bytes], list[Batch]], around: dict[str, Any]) -> None:
    batches = way(f"{json.dumps(around)}\n{COMPACT[1]}\n".encode())
    found = [row for batch in batches for row in batch.records.select("record", "program", "fields").rows()]
    assert (1, "okta", json.dumps(CARRIED)) in found
    assert faults(batches) == []


@pytest.mark.parametrize("text", ["{broken", "words", "[1]", '{"a": 1}', '{"message": "{\\"eventType\\": \\"user.session.start\\"}"}'])
def test_what_is_carried_and_is_no_record_stays_strange(text: str) -> None:
    (batch,) = block(json.dumps({"message": text}).encode() + b"\n")
    assert (batch.records.height, [one.record for one in batch.strange]) == (0, [1])


@pytest.mark.parametrize("way", [block, read])
@pytest.mark.parametrize(
    "around",
    [
        lambda records: {"stat": "OK", "response": {"authlogs": records, "metadata": {"total_objects": 3}}},
        lambda records: {
            "eventType": "com.okta.event_hook",
            "eventTypeVersion": "1.0",
            "cloudEventsVersion": "0.1",
            "source": "https://corp.example/hook",
            "eventId": "e",
            "data": {"events": records},
            "eventTime": "2026-03-02T08:15:01Z",
        },
    ],
)
def test_a_wrapper_in_an_object(way: Callable[[bytes], list[Batch]], around: Callable[[Any], Any]) -> None:
    for text in (json.dumps(around(EVENTS[:3])), json.dumps(around(EVENTS[:3]), indent=1)):
        batches = way(text.encode() + b"\n")
        assert (table(batches)["event_record"].to_list(), faults(batches)) == ([0, 1, 2], [])


def test_docker_s_actor_is_no_list() -> None:
    """Microsoft's audit log begins with an id as well, and has several actors."""
    record = {"id": "i", "auditData": {"Workload": "AzureActiveDirectory", "Actor": [{"ID": "x", "Type": 5}]}}
    (batch,) = block(json.dumps(record).encode() + b"\n")
    assert batch.records["program"].to_list() == ["m365"]
