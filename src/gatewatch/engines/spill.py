"""Spill: events that outgrow memory go to Parquet, and come back in slices of whole days.

While files are read, frames are written as they are: their times may not be known yet. Once they are, everything is written again by day; as
many days as fit are read together, with the connections that were still failing in the last minutes before them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, Self

import polars as pl

from gatewatch.engines.collect import Collected, FileState
from gatewatch.engines.settle import settled

Held = Literal["bulk", "acts"]

HOLD_BACK = timedelta(minutes=10)  # as long as reports of one connection may lie apart
NO_DAY = date(1, 1, 1)  # where events without a time go


class Spill:
    """A temporary folder of Parquet files; empty until something is spilled. Use as a context manager."""

    def __init__(self, rows: int, held: Held = "bulk") -> None:
        """Hold at most about *rows* of the events that files keep under *held* in memory."""
        self.rows = rows
        self._held: Held = held
        self._folder: Path | None = None
        self._parts: dict[int, list[Path]] = {}
        self._count = 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @property
    def used(self) -> bool:
        """Whether anything was spilled."""
        return self._folder is not None

    def relieve(self, collected: Collected) -> None:
        """Write the frames of all files out when they hold too many rows."""
        if collected.held[self._held] <= self.rows:
            return
        collected.held[self._held] = 0
        for state in collected.files:
            frames = self._take(state)
            waiting: list[pl.DataFrame] = []
            for number, frame in enumerate(frames, 1):
                waiting.append(frame)
                if number == len(frames) or sum(one.height for one in waiting) >= self.rows // 4:
                    path = self._path(f"part-{self._count}.parquet")
                    pl.concat(waiting, how="diagonal_relaxed").write_parquet(path, compression="lz4", statistics=False)
                    self._parts.setdefault(state.index, []).append(path)
                    self._count += 1
                    waiting = []

    def _of(self, state: FileState) -> list[pl.DataFrame]:
        return state.bulk if self._held == "bulk" else state.acts

    def _take(self, state: FileState) -> list[pl.DataFrame]:
        """Return the frames of a file, which holds them no longer."""
        frames, self._of(state)[:] = list(self._of(state)), []
        return frames

    def slices(self, collected: Collected) -> Iterator[pl.DataFrame]:
        """Yield the settled events of all files: at once when they are in memory, else day by day."""
        if not self.used:
            frames = [frame for state in collected.files for frame in self._take(state)]
            if frames:
                yield pl.concat(frames, how="diagonal_relaxed", rechunk=False)
            return
        days: dict[date, list[tuple[Path, int]]] = {}
        for state in collected.files:
            for path in self._parts.pop(state.index, []):
                self._by_day(settled(pl.read_parquet(path), state), days)
                path.unlink()
            for frame in self._take(state):
                self._by_day(frame, days)
        held: pl.DataFrame | None = None
        for group in _groups(days, self.rows // 4):
            paths = [path for day in group for path, _ in days[day]]
            frame = pl.concat([pl.read_parquet(path) for path in paths], how="diagonal_relaxed")
            for path in paths:
                path.unlink()
            if held is not None:
                frame = pl.concat([held, frame], how="diagonal_relaxed")
            frame, held = _hold_back(frame, group[-1])
            if frame.height:
                yield frame.sort("file_id", "record")
        if held is not None and held.height:
            yield held

    def _path(self, name: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="gatewatch-"))
        return self._folder / name

    def _by_day(self, frame: pl.DataFrame, days: dict[date, list[tuple[Path, int]]]) -> None:
        keyed = frame.with_columns(pl.col("time").dt.date().fill_null(NO_DAY).alias("zz_day"))
        for (day,), part in sorted(keyed.partition_by("zz_day", as_dict=True, include_key=False).items(), key=lambda item: str(item[0])):
            path = self._path(f"day-{day}-{self._count}.parquet")
            part.write_parquet(path, compression="lz4", statistics=False)
            days.setdefault(day, []).append((path, part.height))
            self._count += 1


def _groups(days: Mapping[date, Sequence[tuple[Path, int]]], rows: int) -> Iterator[list[date]]:
    """Yield the days in order, as many together as hold about *rows* events; those without a time stand alone."""
    group: list[date] = []
    held = 0
    for day in sorted(days):
        group.append(day)
        held += sum(number for _, number in days[day])
        if held >= rows or day == NO_DAY:
            yield group
            group, held = [], 0
    if group:
        yield group


def _hold_back(frame: pl.DataFrame, day: date) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Return *frame* without the connections that have an event in the last minutes of *day*, and those."""
    if day == NO_DAY or "session" not in frame.columns:
        return frame, None
    late = (
        frame.filter(pl.col("time") >= pl.lit(day + timedelta(days=1)).cast(pl.Datetime("us", "UTC")) - HOLD_BACK).select("host", "session").unique()
    )
    if not late.height:
        return frame, None
    keep = frame.join(late, on=["host", "session"], how="anti", nulls_equal=True, maintain_order="left")
    return keep, frame.join(late, on=["host", "session"], how="semi", nulls_equal=True, maintain_order="left")
