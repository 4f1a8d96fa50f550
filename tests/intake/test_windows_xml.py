"""XML exports: every wrapping gives the same event, a broken one costs itself only, and no bytes raise."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows_export import DATA, SCHEMA, rendered, xml

from gatewatch.intake.windows_xml import EVENT_CAP, data_of, read, sniff
from gatewatch.schema.records import WINDOWS_DTYPES

SHARED = Path(__file__).parents[3] / "shared" / "data" / "hub"


def frame(data: bytes, size: int = 1 << 20) -> tuple[pl.DataFrame, list[tuple[int, int, str]], int]:
    batches = list(read(data[at : at + size] for at in range(0, len(data), size)))
    records = pl.concat([batch.records for batch in batches]) if batches else pl.DataFrame(schema=WINDOWS_DTYPES)
    rejects = [(bad.record, bad.offset, bad.reason) for batch in batches for bad in batch.rejects]
    for batch in batches:
        assert batch.records.schema == pl.Schema(WINDOWS_DTYPES)
        assert batch.read == batch.records.height + len(batch.rejects) + batch.skipped.total()
    return records, rejects, sum(batch.read for batch in batches)


def test_one_event() -> None:
    records, rejects, _ = frame(xml(message=rendered()).encode())
    assert rejects == []
    row = records.row(0, named=True)
    assert json.loads(row.pop("fields")) == DATA
    assert row.pop("message").startswith("An account failed to log on.")
    assert row.pop("time") == datetime(2026, 1, 25, 12, 0, 0, 123456, tzinfo=UTC)
    assert row == {
        "record": 1,
        "offset": 0,
        "local": None,
        "rel": None,
        "resolution": 1,
        "host": "ws01.corp.example",
        "program": "Security",
        "pid": "712",
        "count": 1,
        "channel": "Security",
        "event_id": 4625,
        "provider": "Microsoft-Windows-Security-Auditing",
        "event_record": 7,
        "activity": "31491fb2-5b07-0001-4d20-4931075bd801",
        "user_sid": None,
    }


DECLARATION = '<?xml version="1.0" encoding="utf-8" standalone="yes"?>'
WRAPPED = {
    "wevtutil": f"{xml(quote=chr(39))}\r\n{xml(quote=chr(39))}",
    "wevtutil in one line": xml() + xml(),
    "event viewer": f"\ufeff{DECLARATION}\r\n<Events>{xml()}{xml()}</Events>",
    "evtx_dump": f"Record 1\n{DECLARATION}\n{xml()}\n\nRecord 2\n{DECLARATION}\n{xml()}\n",
    "copied": "- " + xml().replace("<System>", "- <System>").replace("<EventData>", "- <EventData>") + "- " + xml(),
    "prefixed": f"<w:Events xmlns:w='{SCHEMA}'><!-- two -->{xml(prefix='w')}{xml(prefix='w')}</w:Events>",
    "spread": xml().replace("><", ">\n  <") + "\n" + xml().replace("><", ">\r\n\t<"),
}


@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("size", [1 << 20, 61])
def test_wrappings(name: str, encoding: str, size: int) -> None:
    text = WRAPPED[name]
    data = text.encode(encoding)
    assert sniff(data[: 64 * 1024]) == 1.0
    records, rejects, total = frame(data, size)
    assert rejects == [] and total == 2
    assert [json.loads(fields) for fields in records["fields"]] == [DATA, DATA]
    assert records["time"].to_list() == [datetime(2026, 1, 25, 12, 0, 0, 123456, tzinfo=UTC)] * 2
    if encoding == "utf-8":
        assert all(data[at:].startswith((b"<Event ", b"<w:Event ")) for at in records["offset"])


def test_data_of_every_shape() -> None:
    head = xml().partition("<EventData>")[0]
    shapes = {
        "<EventData><Data>a</Data><Data>b</Data><Binary>00</Binary></EventData>": {"param1": "a", "param2": "b", "Binary": "00"},
        "<EventData><Data Name='A'/><Data Name='B'>x</Data><Data Name='B'>y</Data></EventData>": {"A": "", "B": "x", "B2": "y"},
        "<UserData><EventXML xmlns='Event_NS'><User>CORP\\bob</User><Address>192.0.2.7</Address></EventXML></UserData>": {
            "User": "CORP\\bob",
            "Address": "192.0.2.7",
        },
        "<UserData><e:LogFileCleared xmlns:e='u'><e:Channel>System</e:Channel></e:LogFileCleared></UserData>": {"Channel": "System"},
        "<UserData><EventInfo><Username>bob</Username><More><Deep>1</Deep></More></EventInfo></UserData>": {"Username": "bob", "Deep": "1"},
        "": {},
    }
    for body, data in shapes.items():
        records, rejects, _ = frame(f"{head}{body}</Event>".encode())
        assert rejects == []
        assert json.loads(records["fields"][0]) == data
    assert data_of("<EventData><Data Name='A'>1</Data></EventData>") == {"A": "1"}
    assert data_of("<EventData>") is None


@pytest.mark.parametrize(
    ("middle", "reason"),
    [
        ("<Event><System><EventID>4625</System></Event>", "broken XML"),
        ("<Event><System><EventID>4625</EventID>", "broken XML: the event ends early"),
        ("<Event><System><EventID>4625</EventID></System></Event>", "event without id or channel"),
        (xml().replace("4625", "99999"), "event without id or channel"),
        (f"<Event><!-- {'x' * EVENT_CAP} --></Event>", "event longer than 4 MiB"),
        ("<!DOCTYPE Event [<!ENTITY a 'b'>]>", "XML with a DTD"),
        (f"<Event><!DOCTYPE x>{xml()[6:]}", "broken XML"),
        ("Jan  5 12:00:00 something else", "no Windows event"),
        ("</Event>", "no Windows event"),
    ],
)
@pytest.mark.parametrize("size", [1 << 20, 4093])
def test_a_broken_event_costs_itself_only(middle: str, reason: str, size: int) -> None:
    data = f"{xml(number=1)}\n{middle}\n{xml(number=2)}".encode()
    records, rejects, total = frame(data, size)
    assert records["event_record"].to_list() == [1, 2]
    assert records["record"].to_list() == [1, 3] and total == 3
    assert [(record, why) for record, _, why in rejects] == [(2, reason)]
    assert data[rejects[0][1] :].lstrip().startswith(middle.encode()[:20])


def test_an_entity_is_never_expanded() -> None:
    bomb = (
        '<!DOCTYPE Events [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Events>'
        + xml({**DATA, "TargetUserName": "X"}).replace(">X<", ">&b;<")
        + "</Events>"
    )
    records, rejects, _ = frame(bomb.encode())
    assert records.height == 0
    assert [why for *_, why in rejects] == ["XML with a DTD", "broken XML"]


def test_a_cut_file_and_a_long_event_at_its_end() -> None:
    whole = xml().encode()
    _, rejects, _ = frame(whole + whole[:-5])
    assert [why for *_, why in rejects] == ["broken XML: the event ends early"]
    _, rejects, _ = frame(whole + b"<Event>" + b"x" * (2 * EVENT_CAP), 1 << 19)
    assert rejects == [(2, len(whole), "event longer than 4 MiB")]


def test_what_xml_does_not_know_is_replaced() -> None:
    data = xml({"A": "X"}).encode().replace(b">X<", b">caf\xe9 \x1b[0m&#x1b;&#11;<")
    records, rejects, _ = frame(data)
    assert rejects == []
    mark = "\N{REPLACEMENT CHARACTER}"
    assert json.loads(records["fields"][0]) == {"A": f"caf{mark} {mark}[0m{mark}{mark}"}


def test_what_nobody_wants_is_counted() -> None:
    data = "".join([xml(), xml().replace("4625", "4634"), xml().replace("4625", "4634")]).encode()
    (batch,) = read([data], lambda channel, number: (channel, number) == ("Security", 4625))
    assert batch.records.height == 1 and batch.read == 3
    assert batch.skipped == {("Security", 4634): 2}


def test_an_event_whose_channel_is_found_by_parsing_only_is_counted_too() -> None:
    data = xml().replace("<Channel>Security<", "<Channel>A &amp; B<").encode()
    (batch,) = read([data], lambda channel, number: False)
    assert batch.skipped == {("A & B", 4625): 1} and batch.read == 1


def test_an_event_without_channel_and_provider() -> None:
    data = "<Event><System><EventID>4625</EventID></System><EventData><Data Name='TargetUserName'>bob</Data></EventData></Event>"
    records, _, _ = frame(data.encode())
    assert records["channel"].to_list() == ["Security"]
    assert frame(data.replace("4625", "99").encode())[1] and frame(data.replace("Target", "Other").encode())[1]


def test_a_message_stands_in_for_data_that_are_not_there() -> None:
    records, _, _ = frame(xml({}, message=rendered()).encode())
    assert json.loads(records["fields"][0])["IpAddress"] == DATA["IpAddress"]


def test_other_files_are_not_ours() -> None:
    assert sniff(b"<html><Event handlers>") == 0.0
    assert sniff(b"Jan  5 12:00:00 gate sshd[1]: " + xml().encode()) == 0.0
    assert sniff(b"") == 0.0


PIECES = st.sampled_from(
    [xml().encode(), b"<Event", b"<Event>", b"</Event>", b"<Events>", b"\n", b"- ", b"<!DOCTYPE", b"\xff\xfe", b"<a:Event ", b"]]>"]
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=30)), max_size=8), st.integers(2, 400))
def test_no_bytes_raise_and_the_cut_does_not_matter(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    sniff(data)
    records, rejects, total = frame(data)
    assert total == records.height + len(rejects)
    assert sorted([*records["record"], *(record for record, *_ in rejects)]) == list(range(1, total + 1))
    again, same, _ = frame(data, size)
    assert again.equals(records)
    assert [(record, why) for record, _, why in same] == [(record, why) for record, _, why in rejects]


@pytest.mark.parametrize("name", ["windows-bf/windows-bf.log", "windows-logs/windows-logs.log"])
def test_shared_samples(name: str) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip("shared data absent")
    assert sniff(path.read_bytes()[: 64 * 1024]) == 1.0
    records, rejects, _ = frame(path.read_bytes())
    assert rejects == [] and records.height >= 1
    assert records["event_id"].unique().to_list() == [4625]
    data = [json.loads(fields) for fields in records["fields"]]
    assert all(one["TargetUserName"] not in ("", "-") and one["IpAddress"].count(".") == 3 for one in data)
