"""Whole lines of gateways, network devices and macOS, from bytes to the event, with the headers collectors put before them.

``tests/samples/lines/*.log``: ``# expect: column=value …`` above a line says what must come out of it, ``# nothing`` that it makes no event. ``time``
is the time as the line has it (2026 where it names no year), ``utc`` the instant, ``x_NAME`` looks into ``extra``. ``user`` and ``src_ip`` are
never free.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sample import SAMPLES

from gatewatch.intake.line import cut, read_lines
from gatewatch.intake.stamp import resolve
from gatewatch.intake.syslog import Framer
from gatewatch.schema.events import TimeBasis
from gatewatch.sources import registry

FILES = sorted((SAMPLES / "lines").glob("*.log"))


def load(path: Path) -> list[tuple[str | None, str]]:
    """Return what is expected of each line (None: nothing), and the line."""
    found: list[tuple[str | None, str]] = []
    want: str | None = None
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("# expect: "):
            want = line[10:]
        elif line.startswith("# nothing"):
            want = None
        elif line and not line.startswith("# "):
            found.append((want, line))
    return found


def events_of(lines: list[str]) -> dict[int, dict[str, Any]]:
    (block,) = cut([("\n".join(lines) + "\n").encode()])
    framed = Framer().frame(read_lines(block))
    parts, _ = registry.split(framed.records)
    outcomes = [source.decode(part) for source, part in parts]
    frames = [frame for outcome in outcomes for frame in (outcome.events, *outcome.bulk)]
    return {row["record"]: row for frame in frames for row in frame.iter_rows(named=True)}


def resolved(row: dict[str, Any]) -> str:
    """Return the instant of an event in UTC, as settling has it, in a file of 2026 whose clocks are at UTC."""
    names = {"time": pl.Datetime("us", "UTC"), "local": pl.Datetime("us"), "rel": pl.Int16, "resolution": pl.Int64, "east": pl.Int32}
    frame = pl.DataFrame({name: [row.get(name)] for name in names}, schema=names)
    moment = resolve(frame, year=2026, basis=TimeBasis.YEAR_GIVEN, zone="UTC")["time"].item()
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def seen(row: dict[str, Any], column: str) -> str:
    if column.startswith("x_"):
        return str(json.loads(row.get("extra") or "{}").get(column[2:]))
    if column == "utc":
        return resolved(row)
    if column != "time":
        value = row.get(column)
        return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    moment = row.get("time") or row.get("local")
    text = "null" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%f").removesuffix(".000000")
    return f"2026{text[4:]}" if row.get("rel") is not None else text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_lines_become_what_they_say(path: Path) -> None:
    samples = load(path)
    assert len(samples) > 5
    rows = events_of([line for _, line in samples])
    for number, (want, line) in enumerate(samples, 1):
        row = rows.get(number)
        if want is None:
            assert row is None, f"{line}\nbecame {row}"
            continue
        assert row is not None, line
        wanted = dict(word.split("=", 1) for word in shlex.split(want))
        for column, value in wanted.items():
            assert seen(row, column) == value, f"{line}\n{column}: {seen(row, column)}, not {value}"
        for column in ("user", "src_ip"):
            assert column in wanted or row.get(column) is None, f"{line}\n{column} = {row[column]} is not expected"
