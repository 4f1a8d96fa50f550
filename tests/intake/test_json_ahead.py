"""The look ahead at many objects: what it spares changes nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatewatch.intake import coat, json_record, windows_json
from gatewatch.intake.batch import Batch
from gatewatch.intake.json_shape import Objects, Proof, parted
from gatewatch.intake.line import Block
from gatewatch.intake.windows_shape import read_event

SAMPLES = Path(__file__).parents[1] / "samples"
BESIDE = (
    '{"eventID":"3fae","awsRegion":"eu-central-1"}',
    '{"eventID":"4624","win":{"system":{"eventID":"4624","channel":"Security","computer":"A"}}}',
    '{"data":{"win":{"system":{"eventID":"4624","channel":"Security"}}},"eventID":"1"}',
    '{"Id":"4625","LogName":"Security","Message":"x"}',
    '{"Id":"5a","Workload":"Exchange","Operation":"MailItemsAccessed"}',
    '{"Id":1,"source":"WinEventLog:Security"}',
    '{"eventID":"1","System":{"Channel":"Security"}}',
    '{"sourcetype":"x","event":{"eventType":"user.session.start","published":"2026-01-05T12:00:00.000Z"}}',
    '{"_own":"1","version":"1.1","short_message":"a","full_message":"{\\"eventType\\":\\"user.session.start\\"}","host":"h","timestamp":1767614400}',
    '{"labels":{},"line":"Jan  5 12:00:00 gate01 sshd[1]: Accepted password for a from 192.0.2.1 port 22 ssh2","timestamp":"2026-01-05T12:00:00Z"}',
    '{"id":"1","service":"s","attributes":{"eventType":"user.session.start"}}',
    '{"ts":1767614400.1,"uid":"CabcdefGhij1","id.orig_h":"192.0.2.1","service":"ssl"}',
)


def _lines() -> list[str]:
    found = [line for path in sorted(SAMPLES.glob("*/*.jsonl")) for line in path.read_text(encoding="utf-8", errors="replace").split("\n")]
    return [line for line in found if line.startswith("{") and line.endswith("}")]


def _framed(lines: list[str]) -> list[Batch]:
    data = "\n".join(lines).encode() + b"\n"
    return json_record.frame_block(Block(data, len(data), 0), None)


def _told(batches: list[Batch]) -> list[object]:
    rows = sorted((str(row) for batch in batches for row in batch.records.rows(named=True)), key=str)
    apart = sorted(str(one) for batch in batches for one in (*batch.rejects, *batch.strange))
    return [rows, apart, sum((batch.skipped for batch in batches), batches[0].skipped.__class__()) if batches else None]


@pytest.mark.parametrize("seed", range(12))
def test_a_look_ahead_changes_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [*_lines(), *BESIDE]
    first = lines[seed * len(lines) // 12]
    mixed = [first] * 3 + lines
    monkeypatch.setattr(json_record, "_MANY", 1)
    ahead = _told(_framed(mixed))
    monkeypatch.setattr(json_record, "_MANY", 1 << 30)
    assert ahead == _told(_framed(mixed))
    assert ahead[0]


def test_what_is_neither_of_windows_nor_in_a_coat_is_looked_ahead_for() -> None:
    for name in ("awsRegion", "eventType", "createdDateTime", "Workload"):
        line = next(line for line in _lines() if f'"{name}"' in line)
        assert json_record._doubt(Objects.of([(place, line) for place in range(100)])) is not None


@pytest.mark.parametrize("regex", windows_json.REGEXES)
def test_no_event_of_windows_escapes_any_of_the_regexes(regex: str) -> None:
    read = 0
    for line in (*_lines(), *BESIDE):
        try:
            found = read_event(line)
        except (msgspec.MsgspecError, RecursionError):
            continue
        if found is not None and pl.Series([line]).str.contains(windows_json.SHAPE.regex)[0]:
            read += 1
            assert pl.Series([line]).str.contains(regex)[0], line
    assert read > 4


@pytest.mark.parametrize("regex", [coat.BEGINS, coat.REGEX, coat.INNER])
def test_every_coat_matches_each_regex(regex: str) -> None:
    coats = [line for line in (*_lines(), *BESIDE) if coat.taken_off(line) is not None]
    assert len(coats) > 2
    assert all(pl.Series(coats).str.contains(regex))


_PIECES = st.sampled_from(["{", "}", '"a":1', ",", '{"a":1}', '"', '{"b":{"c":[]}}', "[", "]", " ", "\\", "{}", "\t", "é", '{"a":"}'])


@given(st.lists(st.lists(_PIECES, max_size=6).map("".join), min_size=1, max_size=5))
@example(["{}{}", '{"a":"x}'])
@example(['{"a":"x}', '{y"}'])
@example(['{"a":{}', '{"b":1}}'])
def test_lines_are_proved_sound_together_as_one_by_one(middles: list[str]) -> None:
    lines = [f"{{{middle}}}" if not middle.startswith("{") or not middle.endswith("}") else middle for middle in middles]
    alone = not parted(Objects.of(list(enumerate(lines))))[1]
    assert Proof("\n".join(lines).encode(), len(lines)).covers(len(lines)) is alone


def test_a_few_of_many_lines_are_not_proved_by_all() -> None:
    assert not Proof(b"{}\n" * 10, 10).covers(4)
