"""Spill: events that outgrow memory go to Parquet, and come back in slices of whole days.

While files are read, frames are written as they are: their times may not be known yet. Once they are, everything is written again by day, or by
hour where a day holds much; as many days or hours as fit are read together. Of bulk events, those go with the next slice that reports in it may
belong to: connections that were still failing in the last minutes, and what names no connection since the last quiet moment.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal, Self

import polars as pl

from gatewatch.engines.collect import Collected, FileState
from gatewatch.engines.settle import settled

Held = Literal["bulk", "acts"]

HOLD_BACK = timedelta(minutes=10)  # as long as reports of one connection may lie apart
QUIET = timedelta(seconds=20)  # no reports of one failure lie so far apart that name no connection
_WHOLE = -1  # instead of an hour: of a whole day
NO_DAY = date(1, 1, 1)  # where events without a time go
SLICE = 400_000
BUSY = 1000  # events an hour, from which on a stretch is written by hours


class Spill:
    """A temporary folder of Parquet files; empty until something is spilled. Use as a context manager."""

    def __init__(self, rows: int, held: Held = "bulk") -> None:
        """Hold at most about *rows* of the events that files keep under *held* in memory."""
        self.rows = rows
        self.slice = max(rows // 4, min(rows // 2, SLICE))  # rows that are written, and come back, together
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
                if number == len(frames) or sum(one.height for one in waiting) >= self.slice:
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
                whole = [pl.concat(frames, how="diagonal_relaxed", rechunk=False)]
                frames.clear()
                yield whole.pop()
            return
        days: dict[date, _Day] = {}
        for state in collected.files:
            for path in self._parts.pop(state.index, []):
                self._by_day(settled(pl.read_parquet(path), state), days)
                path.unlink()
            for frame in self._take(state):
                self._by_day(frame, days)
        held: pl.DataFrame | None = None
        for end, frame in _slices(days, self.slice):
            made = frame if held is None else pl.concat([held, frame], how="diagonal_relaxed")
            del frame
            # what is done is done in one moment: only failures are told of several times
            made, held = (made, None) if self._held == "acts" else _hold_back(made, end)
            if made.height:
                made = made.sort("file_id", "record")
                yield made
        if held is not None and held.height:
            yield held

    def _path(self, name: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="gatewatch-"))
        return self._folder / name

    def _by_day(self, frame: pl.DataFrame, days: dict[date, _Day]) -> None:
        hour = pl.col("time").dt.hour().cast(pl.Int32).fill_null(_WHOLE)
        keyed = frame.with_columns(pl.col("time").dt.date().fill_null(NO_DAY).alias("zz_day"), hour.alias("zz_hour"))
        sizes = keyed.group_by("zz_day").agg(pl.len() >= BUSY * pl.col("zz_hour").n_unique())
        busy = sizes.filter(pl.col("len"))["zz_day"]
        spread = keyed.with_columns(pl.when(pl.col("zz_day").is_in(busy.implode())).then("zz_hour").otherwise(_WHOLE).alias("zz_hour"))
        parts = spread.partition_by("zz_day", "zz_hour", as_dict=True, include_key=False)
        for (day, place), part in sorted(parts.items(), key=lambda item: (str(item[0][0]), item[0][1])):
            path = self._path(f"day-{day}-{self._count}.parquet")
            part.write_parquet(path, compression="lz4", statistics=False)
            days.setdefault(day, _Day()).add(place, path, part.height)
            self._count += 1


class _Day:
    """The files of a day: of an hour each, or of the whole day where it is quiet."""

    def __init__(self) -> None:
        self.rows = 0
        self._files: dict[int, list[Path]] = {}

    def add(self, place: int, path: Path, rows: int) -> None:
        """Add a file of *rows* events, of an hour or :data:`_WHOLE`."""
        self._files.setdefault(place, []).append(path)
        self.rows += rows

    def read(self) -> pl.DataFrame:
        """Return all its events; the files go."""
        return _read([path for place in sorted(self._files) for path in self._files[place]])

    def hours(self) -> Iterator[tuple[int, list[pl.DataFrame]]]:
        """Yield its events by the hour, each as the only one of a list; the files go."""
        rest = _read(self._files.pop(_WHOLE)) if _WHOLE in self._files else None
        for hour in range(24):
            parts = [_read(self._files[hour])] if hour in self._files else []
            if rest is not None:
                parts.append(rest.filter(pl.col("time").dt.hour() == hour))
            parts = [part for part in parts if part.height]
            if parts:
                yield hour, [_together(parts)]


def _read(paths: Sequence[Path]) -> pl.DataFrame:
    frame = pl.concat([pl.read_parquet(path) for path in paths], how="diagonal_relaxed")
    for path in paths:
        path.unlink()
    return frame


def _slices(days: Mapping[date, _Day], rows: int) -> Iterator[tuple[datetime | None, pl.DataFrame]]:
    """Yield the events in the order of their days, about *rows* together, each slice with its end; those without a time stand alone, without."""
    waiting: list[pl.DataFrame] = []
    end: datetime | None = None
    for day in sorted(days):
        if day == NO_DAY:
            yield None, days[day].read()
            continue
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - of UTC, as the column says
        pieces = days[day].hours() if days[day].rows > rows else iter([(23, [days[day].read()])])
        for hour, whole in pieces:
            for end, frame in _minutes(whole.pop(), midnight + timedelta(hours=hour), rows):
                waiting.append(frame)
                del frame
                if sum(one.height for one in waiting) >= rows:
                    yield end, _together(waiting)
    if waiting:
        yield end, _together(waiting)


def _together(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Return *frames* as one; the list keeps none of them."""
    made = pl.concat(frames, how="diagonal_relaxed") if len(frames) > 1 else frames[0]
    frames.clear()
    return made


def _minutes(frame: pl.DataFrame, hour: datetime, rows: int) -> Iterator[tuple[datetime, pl.DataFrame]]:
    """Yield the events of an *hour* (or of the day it ends) with their end: by the minute where there are many times *rows*."""
    if frame.height <= 2 * rows:
        yield hour + timedelta(hours=1), frame
        return
    parts = frame.with_columns(pl.col("time").dt.truncate("1m").alias("zz_minute")).partition_by("zz_minute", as_dict=True, include_key=False)
    del frame
    for minute in sorted(key[0] for key in parts):
        yield minute.replace(tzinfo=None) + timedelta(minutes=1), parts.pop((minute,))


def _hold_back(frame: pl.DataFrame, end: datetime | None) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Return *frame* without what may go on behind its *end*, and that: the last reports of connections, and of what names none."""
    if end is None or not frame.height:
        return frame, None
    since = pl.lit(end - HOLD_BACK).cast(pl.Datetime("us", "UTC"))
    frame = frame.with_row_index("zz_at")
    late = pl.col("time") >= since
    named = pl.col("session").is_not_null() if "session" in frame.columns else pl.lit(False)
    rows = [_unnamed(frame.filter(late & ~named), end)]
    if "session" in frame.columns:
        sessions = frame.filter(late & named).select("host", "session").unique()
        if sessions.height:
            rows.append(_last_reports(frame.filter(named).join(sessions, on=["host", "session"], how="semi", nulls_equal=True)))
    chosen = pl.concat(rows)
    if not len(chosen):
        return frame.drop("zz_at"), None
    on = chosen.to_frame()
    return tuple(frame.join(on, on="zz_at", how=how, maintain_order="left").drop("zz_at") for how in ("anti", "semi"))  # type: ignore[return-value]


def _unnamed(late: pl.DataFrame, end: datetime) -> pl.Series:
    """Return ``zz_at`` of the events, all of the last minutes, since the last quiet moment; where there was none, since the quietest."""
    table = late.select("zz_at", "time").sort("time")
    before = table["time"].diff().fill_null(HOLD_BACK)
    if not table.height or pl.Series([end]).dt.replace_time_zone("UTC")[0] - table["time"][-1] >= QUIET:
        return table["zz_at"].clear()
    quiet = (before >= QUIET).arg_true()
    place = quiet[-1] if len(quiet) > 1 else before[1:].arg_max()
    return table["zz_at"] if place is None else table["zz_at"][int(place) + (0 if len(quiet) > 1 else 1) :]


def _last_reports(table: pl.DataFrame) -> pl.Series:
    """Return ``zz_at`` of the last reports of each connection: those between which there is no gap that parts connections."""
    table = table.select("zz_at", "host", "session", "time").sort("time", "zz_at", descending=True)
    gap = (pl.col("time").shift(1).over("host", "session") - pl.col("time")) > HOLD_BACK
    parted = gap.fill_null(False).cast(pl.UInt32).cum_sum().over("host", "session")
    return table.filter(parted == 0)["zz_at"]
