"""RADIUS: packets of detail files and of Network Policy Server's text logs, from their annotated samples, and what joins an answer to its request."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample import SAMPLES

from gatewatch.intake import radius_detail
from gatewatch.intake.line import cut, read_lines
from gatewatch.intake.syslog import Framer
from gatewatch.schema.records import RECORD_DTYPES
from gatewatch.sources import nps, radius_accounting, registry
from gatewatch.sources.pattern import Outcome

STATED = ("user", "src_ip", "src_host")


def seen(row: dict[str, Any], column: str) -> str:
    value = json.loads(row["extra"] or "{}").get(column[6:]) if column.startswith("extra.") else row.get(column)
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def check(where: str, row: dict[str, Any] | None, expect: str) -> None:
    assert row is not None, where
    wanted = dict(word.split("=", 1) for word in shlex.split(expect))
    for column, value in wanted.items():
        assert seen(row, column) == value, f"{where}: {column} = {seen(row, column)}, not {value}"
    for column in STATED:
        assert column in wanted or row.get(column) is None, f"{where}: {column} = {row[column]} is not stated"


def by_record(outcome: Outcome) -> tuple[dict[int, dict[str, Any]], dict[int, str]]:
    return {row["record"]: row for row in outcome.events.iter_rows(named=True)}, dict(outcome.rejected.select("record", "reason").iter_rows())


def detail_samples() -> Iterator[tuple[str, str]]:
    """Yield what is expected and the block of text."""
    want = ""
    block: list[str] = []
    for line in (SAMPLES / "radius-accounting/radius-accounting.detail").read_text(encoding="utf-8").split("\n"):
        if line.startswith(("# expect: ", "# ignore: ", "# reject: ")):
            want = line[2:]
        elif line.startswith("#"):
            continue
        elif line:
            block.append(line)
        elif block:
            yield want, "\n".join(block) + "\n\n"
            block = []


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_detail_files_decode_as_annotated(step: int) -> None:
    samples = list(detail_samples())
    text = "".join(block for _, block in samples).encode()
    assert radius_detail.sniff(text) >= 0.9
    (batch,) = radius_detail.read(text[at : at + step] for at in range(0, len(text), step))
    broken = {reject.record: reject.reason for reject in batch.rejects}
    assert batch.read == len(samples)
    ((source, frame),), unclaimed = registry.split(batch.records)
    assert source is radius_accounting.SOURCE
    assert not unclaimed.height
    outcome = source.decode(frame)
    events, rejected = by_record(outcome)
    ignored = 0
    for number, (want, block) in enumerate(samples, 1):
        verb, _, rest = want.partition(": ")
        if verb == "expect":
            check(block, events.get(number), rest)
        elif verb == "reject":
            assert (broken | rejected).get(number) == rest, block
        else:
            ignored += 1
            assert rest in outcome.ignored, block
            assert number not in events, block
    assert sum(outcome.ignored.values()) == ignored
    assert outcome.used + ignored + len(broken) + len(rejected) == len(samples)


def test_a_rejected_packet_shows_no_attribute() -> None:
    (batch,) = radius_detail.read([b'Mon Jan  5 13:00:00 2026\n\tUser-Password = "secret\n\tUser-Name = "ann"\n\n'])
    assert [reject.raw for reject in batch.rejects] == ["Mon Jan  5 13:00:00 2026"]


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_raise(data: bytes) -> None:
    head = b'Mon Jan  5 13:00:00 2026\n\tUser-Name = "ann"\n'
    for text in (data, head + data, head + b"\t" + data + b"\n\n" + head):
        for batch in radius_detail.read([text]):
            radius_accounting.SOURCE.decode(batch.records)


def test_policy_server_lines_decode_as_annotated() -> None:
    path = SAMPLES / "nps/nps.log"
    samples: list[tuple[str, str]] = []
    want = ""
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith(("# expect: ", "# ignore: ", "# reject: ")):
            want = line[2:]
        elif line and not line.startswith("#"):
            samples.append((want, line))
    (block,) = cut([("\n".join(line for _, line in samples) + "\n").encode()])
    framed = Framer().frame(read_lines(block))
    assert framed.left["line"].to_list() == []
    ((source, frame),), _ = registry.split(framed.records)
    assert source is nps.SOURCE
    outcome = source.decode(frame)
    events, rejected = by_record(outcome)
    for number, (want, line) in enumerate(samples, 1):
        verb, _, rest = want.partition(": ")
        if verb == "expect":
            check(line, events.get(number), rest)
        elif verb == "reject":
            assert rejected.get(number) == rest, line
        else:
            assert number not in events and number not in rejected, line
            assert rest in outcome.ignored, line
    assert outcome.used + sum(outcome.ignored.values()) + len(rejected) == len(samples)
    assert set(events[2]["local"].strftime("%Y-%m-%d %H:%M:%S").split()) == {"2026-01-05", "12:00:00"}


def framed(lines: list[str]) -> pl.DataFrame:
    rows = [{"record": n, "offset": n, "program": "nps", "message": line, "count": 1} for n, line in enumerate(lines, 1)]
    return pl.DataFrame([dict.fromkeys(RECORD_DTYPES) | row for row in rows], schema=RECORD_DTYPES)


def test_an_answer_takes_nothing_from_another_request() -> None:
    asked = '"NPS01","IAS",01/05/2026,12:00:00,1,"ann",,,"198.51.100.7",,,"vpn01","10.0.0.2",5,0,"10.0.0.2","vpn01",,,5,,1,2,4,,0,"{}"' + "," * 20
    said = '"NPS01","IAS",01/05/2026,12:00:01,2,,"CORP\\ann",,,,,,,,0,"10.0.0.2","vpn01",,,,,1,2,4,"VPN",0,"{}"' + "," * 20
    lines = [asked.format("class 1"), said.format("class 2"), said.format("class 1"), said.format("class 1")]
    frame = framed(lines)
    events = nps.SOURCE.decode(frame).events
    assert events.select("record", "src_ip").rows() == [(2, None), (3, "198.51.100.7"), (4, None)]


@given(st.text(max_size=200))
def test_no_line_makes_the_policy_server_raise(text: str) -> None:
    lines = [text, '"NPS01","IAS",01/05/2026,12:00:00,' + text, f'<Event><Timestamp data_type="4">{text}</Event>', f"1.2.3.4,a,{text},IAS,x,{text}"]
    frame = framed(lines)
    outcome = nps.SOURCE.decode(frame)
    assert outcome.used + sum(outcome.ignored.values()) + outcome.rejected.height == len(lines)


LOGGED = [line for line in (SAMPLES / "nps/nps.log").read_text(encoding="utf-8").split("\n") if line and not line.startswith("#")]


@given(st.lists(st.sampled_from(LOGGED) | st.text('",\0\r ab123', max_size=12).map(lambda text: LOGGED[0] + text), max_size=12))
def test_lines_taken_apart_together_are_what_each_is(lines: list[str]) -> None:
    for line, packet in zip(lines, nps._packets(pl.Series(lines, dtype=pl.String)), strict=True):
        alone = nps.attributes(line)
        if alone is None:
            assert packet == line
        elif alone.get("Packet-Type") in {"2", "3", "4"}:
            assert isinstance(packet, dict)
            assert alone.items() <= packet.items()
        else:
            assert packet is None or packet == alone
