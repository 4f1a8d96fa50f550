"""CEF and LEEF: every annotated line, framed as it stands, becomes what it says; spoilt ones never raise."""

from __future__ import annotations

import ipaddress
import json
import shlex
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake.line import Block, read_lines
from gatewatch.intake.syslog import Framer
from gatewatch.schema.events import COLUMNS, Kind
from gatewatch.sources import cef, leef
from gatewatch.sources.cef_text import take_apart
from gatewatch.sources.pattern import Outcome
from gatewatch.sources.registry import split

SAMPLES = Path(__file__).parents[1] / "samples"
SOURCES = (cef.SOURCE, leef.SOURCE)
STATED = ("user", "target_user", "src_ip", "src_host", "dst_ip", "dst_host")
each_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)


@dataclass(frozen=True, slots=True)
class Line:
    where: str
    raw: str
    verb: str
    rest: str


def load(name: str) -> list[Line]:
    found, want = [], ""
    for path in sorted((SAMPLES / name).glob("*.log")):
        for number, raw in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if raw.startswith(("# expect: ", "# ignore: ", "# reject: ")):
                want = raw[2:]
            elif raw and not raw.startswith("#"):
                assert want, f"{path.name}:{number}"
                verb, _, rest = want.partition(": ")
                found.append(Line(f"{path.name}:{number}: {raw[:120]}", raw, verb, rest))
                want = ""
    return found


def frame(lines: list[str]) -> pl.DataFrame:
    data = ("\n".join(lines) + "\n").encode()
    framed = Framer().frame(read_lines(Block(data, len(data), 0)))
    assert not framed.left.height, framed.left["line"].to_list()
    return framed.records


def seen(row: dict[str, Any], column: str) -> str:
    value = json.loads(row["extra"] or "{}").get(column[6:]) if column.startswith("extra.") else row.get(column)
    if column == "time":
        moment: datetime = row["time"]
        return moment.isoformat()[:19]
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def accounted(outcome: Outcome) -> int:
    return outcome.used + sum(outcome.ignored.values()) + outcome.rejected.height + outcome.unrecognised.height


@each_source
def test_samples_decode_as_annotated(source: cef.CommonEventSource) -> None:
    lines = load(source.name)
    records = frame([line.raw for line in lines])
    parts, unclaimed = split(records)
    assert [one.name for one, _ in parts] == [source.name]
    assert not unclaimed.height
    outcome = source.decode(parts[0][1])
    rows = {row["record"]: row for row in outcome.events.iter_rows(named=True)}
    rejects = {row["record"]: row["reason"] for row in outcome.rejected.iter_rows(named=True)}
    for number, line in enumerate(lines, 1):
        row = rows.get(number)
        assert rejects.get(number) == (line.rest if line.verb == "reject" else None), line.where
        if line.verb != "expect":
            assert row is None, f"{line.where}\nbecame {row}"
            continue
        assert row is not None, line.where
        expect = dict(word.split("=", 1) for word in shlex.split(line.rest.replace("\\", "\\\\")))
        for column, value in expect.items():
            assert seen(row, column) == value, f"{line.where}\n{column}: {seen(row, column)}, not {value}"
        for column in STATED:
            assert row.get(column) is None or column in expect, f"{line.where}\n{column} = {row[column]} is not expected"
    assert outcome.ignored == dict(sorted(Counter(line.rest for line in lines if line.verb == "ignore").items()))
    assert accounted(outcome) == len(lines)


@each_source
def test_events_have_the_declared_columns_whatever_is_wanted(source: cef.CommonEventSource) -> None:
    records = frame([line.raw for line in load(source.name)])
    declared = {column.name: column.dtype for column in COLUMNS}
    whole = source.decode(records)
    for wanted in (None, frozenset({Kind.AUTH_SUCCESS}), frozenset(Kind)):
        outcome = source.decode(records, wanted)
        known = {name: dtype for name, dtype in outcome.events.schema.items() if name in declared}
        assert known == {name: declared[name] for name in known}
        assert set(outcome.events.columns) - set(known) <= {"local", "rel", "resolution"}
        assert accounted(outcome) == records.height
        assert set(outcome.events["kind"].cast(pl.String)) <= ({str(kind) for kind in wanted} if wanted is not None else {str(kind) for kind in Kind})
    assert whole.events["source"].unique().to_list() == [source.name]


@each_source
def test_a_record_alone_decodes_as_among_others(source: cef.CommonEventSource) -> None:
    lines = load(source.name)
    together = {row["record"]: row for row in source.decode(frame([line.raw for line in lines])).events.iter_rows(named=True)}

    def told(row: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if row is None else {name: value for name, value in row.items() if value is not None and name not in {"record", "offset"}}

    for number, line in enumerate(lines, 1):
        alone = source.decode(frame([line.raw])).events.to_dicts()
        assert told(alone[0] if alone else None) == told(together.get(number)), line.where


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("CEF:0|a|b|c|d|e|1|x=1 y= z=a b  c=d\\=e f=\\\\ g=l1\\nl2", {"x": "1", "y": "", "z": "a b", "c": "d=e", "f": "\\", "g": "l1\nl2"}),
        ("CEF:0|a|b|c|d|e|1|request=http://h/?q=1&r=2 src=192.0.2.7", {"request": "http://h/?q=1&r=2", "src": "192.0.2.7"}),
        ("CEF:0|a|b|c|d|e|x=1", {"x": "1"}),
        ("LEEF:2.0|a|b|c|d|^|x=1^y=a=b^^z", {"x": "1", "y": "a=b"}),
        ("LEEF:1.0|a|b|c|d|x=1\tX=2\ty=3", {"y": "3"}),
    ],
)
def test_pairs(text: str, values: dict[str, str]) -> None:
    assert take_apart(text).values == values


def test_a_user_cannot_pass_for_a_record() -> None:
    """What stands in the text of another program, put there by whoever chose a name, is not taken for CEF."""
    forged = [
        "2026-01-05T12:00:00Z gate sshd[1]: Failed password for CEF:0|A|B|1|login|Login ok|3|suser=root from 203.0.113.9 port 22 ssh2",
        "2026-01-05T12:00:00Z gate sshd: Invalid user CEF:0|A|B|1 from 203.0.113.9 port 22",
        "<38>1 2026-01-05T12:00:00Z gate sshd 1 - - Invalid user CEF:0|A|B|1 from 203.0.113.9 port 22",
        "Jan  5 12:00:00 gate sshd[1]: Invalid user LEEF:1.0|A|B|1 from 203.0.113.9 port 22",
    ]
    parts, unclaimed = split(frame(forged))
    assert [(source.name, part.height) for source, part in parts] == [("sshd", 4)]
    assert not unclaimed.height


RAW = [line.raw for source in SOURCES for line in load(source.name)]
PIECES = st.sampled_from(
    ["|", "=", "\\", "CEF:0|", "LEEF:2.0|", "\t", " ", "src=", "rt=99999999999999999999 ", "\x00", "🦊", "suser=", "x" * 300, "^", "\\n"]
)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(RAW), st.integers(0, 400), st.integers(0, 400), PIECES | st.text(max_size=8)), min_size=1, max_size=5))
def test_spoilt_lines(spoilt: list[tuple[str, int, int, str]]) -> None:
    lines = [(raw[:at] + piece + raw[max(at, to) :]).replace("\n", " ").replace("\r", " ") for raw, at, to, piece in spoilt]
    data = ("\n".join(lines) + "\n").encode("utf-8", "replace")
    records = Framer().frame(read_lines(Block(data, len(data), 0))).records
    for source, part in split(records)[0]:
        if source not in SOURCES:
            continue
        outcome = source.decode(part)
        assert accounted(outcome) == part.height
        for row in outcome.events.iter_rows(named=True):
            for column in ("src_ip", "dst_ip", "assigned_ip"):
                address = row.get(column)
                assert address is None or str(ipaddress.ip_address(address)) == address
            for column in ("user", "target_user", "host", "src_host"):
                assert row.get(column) not in {"", "-", "*****"}
            assert row["time"] is not None or row["local"] is not None
