"""Every annotated line of the daemons of containers decodes as it says, and no line raises.

``tests/samples/<source>/*.log``: as for other text (:mod:`sample`), but an ``expect:`` line for each event of a line, or ``expect: none`` where its
fact is told by another line.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.schema.events import COLUMNS, Kind
from gatewatch.schema.records import RECORD_DTYPES
from gatewatch.sources import docker_daemon, docker_events, falco_events, kubernetes_kubelet, registry
from gatewatch.sources.daemon_text import DaemonText
from gatewatch.sources.two_forms import TwoForms

SAMPLES = Path(__file__).parents[1] / "samples"
SOURCES: tuple[DaemonText | TwoForms, ...] = (kubernetes_kubelet.SOURCE, docker_daemon.SOURCE, docker_events.SOURCE, falco_events.SOURCE)
STATED = ("user", "target_user", "src_ip", "src_host")
BULK = (Kind.CONNECTION, Kind.CONNECTION_CLOSED, Kind.OTHER)
WANTED = frozenset(Kind) - set(BULK)


class Line(NamedTuple):
    where: str
    program: str
    text: str
    wants: tuple[str, ...]


def load(source: DaemonText | TwoForms) -> list[Line]:
    found: list[Line] = []
    for path in sorted((SAMPLES / source.name).glob("*.log")):
        program, wants = source.programs[0], []
        for number, raw in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if raw.startswith("# program: "):
                program = raw[11:]
            elif raw.startswith(("# expect: ", "# ignore: ", "# unrecognised")):
                wants.append(raw[2:])
            elif raw and not raw.startswith("#"):
                assert wants, f"{path.name}:{number}: no expectation above it"
                found.append(Line(f"{path.name}:{number}", program, raw, tuple(wants)))
                wants = []
    return found


def frame(lines: list[tuple[str, str]]) -> pl.DataFrame:
    rows = [
        {"record": n, "offset": n * 100, "program": program, "message": text, "count": 1, "host": "node-1", "time": None}
        for n, (program, text) in enumerate(lines, 1)
    ]
    return pl.DataFrame([{name: row.get(name) for name in RECORD_DTYPES} for row in rows], schema=RECORD_DTYPES)


def words(text: str) -> dict[str, str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    return dict(word.split("=", 1) for word in lexer)


def seen(row: dict[str, Any], column: str) -> str:
    value = json.loads(row["extra"] or "{}").get(column[6:]) if column.startswith("extra.") else row.get(column)
    return "null" if value is None else str(value)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@pytest.mark.parametrize("wanted", [None, WANTED], ids=["all", "scan"])
def test_samples_decode_as_annotated(source: DaemonText | TwoForms, wanted: frozenset[Kind] | None) -> None:
    lines = load(source)
    records = frame([(line.program, line.text) for line in lines])
    parts, unclaimed = registry.split(records)
    assert [part.name for part, _ in parts] == [source.name]
    assert not unclaimed.height
    outcome = source.decode(records, wanted)
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in outcome.events.iter_rows(named=True):
        rows.setdefault(row["record"], []).append(row)
    unrecognised = set(outcome.unrecognised["record"])
    for number, line in enumerate(lines, 1):
        expected = [words(want[8:]) for want in line.wants if want.startswith("expect: ") and want != "expect: none"]
        expected = [one for one in expected if wanted is None or one["kind"] not in BULK]
        found = rows.get(number, [])
        assert (number in unrecognised) == (line.wants == ("unrecognised",)), line.where
        assert len(found) == len(expected), f"{line.where}: became {found}"
        for want, row in zip(expected, found, strict=True):
            for column, value in want.items():
                assert seen(row, column) == value, f"{line.where}: {column} = {seen(row, column)}, not {value}"
            for column in STATED:
                assert row.get(column) is None or column in want, f"{line.where}: {column} = {row[column]} is not expected"
            assert row["host"] == "node-1"
    assert outcome.ignored == dict(Counter(want[8:] for line in lines for want in line.wants if want.startswith("ignore: ")))
    assert outcome.used + sum(outcome.ignored.values()) + outcome.unrecognised.height + outcome.rejected.height == len(lines)


LINES = sorted({line.text for source in SOURCES for line in load(source)})
MESSAGES = st.one_of(
    st.text(max_size=80),
    st.sampled_from(LINES),
    st.tuples(st.sampled_from(LINES), st.integers(0, 200), st.text(max_size=12)).map(lambda t: t[0][: t[1]] + t[2] + t[0][t[1] :]),
)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@settings(max_examples=80, deadline=None)
@given(texts=st.lists(MESSAGES, max_size=10), scanned=st.booleans())
def test_no_line_raises_and_all_are_accounted_for(source: DaemonText | TwoForms, texts: list[str], scanned: bool) -> None:
    records = frame([(source.programs[0], text) for text in texts])
    outcome = source.decode(records, WANTED if scanned else None)
    assert outcome.used + sum(outcome.ignored.values()) + outcome.unrecognised.height + outcome.rejected.height == len(texts)
    declared = {column.name: column.dtype for column in COLUMNS}
    assert all(dtype == declared[name] for name, dtype in outcome.events.schema.items() if name in declared)
    assert set(outcome.events["record"]) <= set(records["record"])
