r"""Annotated samples of network logs that are tables, lines without a header, or JSON: whole files, with the expectation above each record.

``tests/samples/<source>/*.table|*.log|*.jsonl``, in the notation of :mod:`sample`: ``# expect: column=value …`` (``null``; ``extra.name=`` looks into
``extra``; ``blur=`` is ``time_err`` in seconds, ``local=`` the wall clock), ``# ignore: reason``, ``# reject: reason``, ``# unrecognised``. Several
above one record stand for the several rows it holds. What is left when these lines are taken out is the file, headers and all.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from gatewatch.engines.collect import Collected, collect
from gatewatch.intake.limit import Limits
from gatewatch.schema.events import Kind

SAMPLES = Path(__file__).parents[1] / "samples"
SOURCES = ("zeek", "aws-vpc-flow", "windows-firewall-log")
STATED = ("user", "target_user", "src_ip", "src_host", "dst_ip", "dst_host")
WANTED = frozenset(Kind) - {Kind.CONNECTION, Kind.CONNECTION_CLOSED, Kind.OTHER}
FILES = sorted(path for name in SOURCES for suffix in ("table", "log", "jsonl") for path in (SAMPLES / name).glob(f"*.{suffix}"))
_VERBS = ("# expect: ", "# ignore: ", "# reject: ", "# unrecognised")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the record numbered ``record`` should become."""

    where: str
    record: int
    verb: str
    rest: str

    @property
    def columns(self) -> dict[str, str]:
        """The columns expected of the event."""
        return dict(word.split("=", 1) for word in shlex.split(self.rest))


def load(path: Path) -> tuple[list[Expectation], bytes]:
    """Return the expectations in *path* and the file without them."""
    found: list[Expectation] = []
    wants: list[str] = []
    lines: list[str] = []
    record = 0
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if raw.startswith(_VERBS):
            wants.append(raw[2:])
            continue
        if raw.startswith("# ") and path.suffix != ".table":
            continue
        lines.append(raw)
        if wants:
            record += 1
            for want in wants:
                verb, _, rest = want.partition(": ")
                found.append(Expectation(f"{path.parent.name}/{path.name}:{number}", record, verb, rest))
            wants = []
    return found, ("\n".join(lines) + "\n").encode()


def read(data: bytes, folder: Path, wanted: frozenset[Kind] | None = None) -> Collected:
    """Return what the engine makes of a file that holds *data*; its name says nothing."""
    path = folder / "x"
    path.write_bytes(data)
    return collect([str(path)], limits=Limits(), wanted=wanted)


def rows(collected: Collected) -> list[dict[str, Any]]:
    """Return all events, in the order of their records."""
    frames = [
        frame.with_columns(pl.col(pl.Categorical).cast(pl.String)) for state in collected.files for frame in (*state.bulk, *state.rich, *state.acts)
    ]
    found = [row for frame in frames for row in frame.iter_rows(named=True)]
    return sorted(found, key=lambda row: int(row["record"]))


def seen(row: dict[str, Any], column: str) -> str:
    """Return the value of *column* as samples write it."""
    value: Any = row.get(column)
    if column.startswith("extra."):
        value = json.loads(row.get("extra") or "{}").get(column[6:])
    elif column == "blur":
        error = row.get("time_err")
        value = (error or timedelta(microseconds=row.get("resolution") or 0)).total_seconds()
        value = int(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def check(expectation: Expectation, row: dict[str, Any]) -> None:
    """Assert that *row* is what is expected, with no identity that is not stated."""
    columns = expectation.columns
    for column, value in columns.items():
        assert seen(row, column) == value, f"{expectation.where}: {column} = {seen(row, column)}, not {value}"
    for column in STATED:
        assert row.get(column) is None or column in columns, f"{expectation.where}: {column} = {row[column]} is not expected"
