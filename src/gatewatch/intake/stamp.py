"""From wall clocks to instants: the year of a log that has none, the zone of a log that names none.

The year comes from ``--year`` or the site file, else from year-bearing neighbours (lines of the same host), else from a date in the name of the file
or archive member, else from the modification time. Only New Year (:mod:`gatewatch.intake.syslog`) changes it within a file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from gatewatch.intake.framed import DAY, EAST
from gatewatch.intake.syslog import NEW_YEAR, Stamps
from gatewatch.schema.events import TIME_BASIS, TimeBasis

_SLACK = timedelta(days=2)
_NAME_DATE = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12][0-9]|3[01])(?![0-9]{3})")


@dataclass(slots=True)
class FileClock:
    """The stamps of one file, stitched from its blocks in order."""

    first: int | None = None  # seconds into the leap year 2000
    last: int | None = None
    years: int = 0
    jumps: list[tuple[int, str, str]] = field(default_factory=list)
    absolute_first: int | None = None  # µs since the epoch
    absolute_last: int | None = None

    def add(self, stamps: Stamps) -> int:
        """Take the next block; return the New Years between the first line of the file and the block's first line."""
        base = self.years
        if stamps.first is not None and stamps.last is not None:
            if self.first is None or self.last is None:
                self.first = stamps.first
            else:
                step = stamps.first - self.last
                if step < -NEW_YEAR:
                    base += 1
                elif step > NEW_YEAR and self.last < DAY and stamps.first > 365 * DAY:
                    base -= 1
            self.last = stamps.last
            self.years = base + stamps.years
        self.jumps += stamps.jumps
        for name, pick in (("absolute_first", min), ("absolute_last", max)):
            ours, theirs = getattr(self, name), getattr(stamps, name)
            if theirs is not None:
                setattr(self, name, theirs if ours is None else pick(ours, theirs))
        return base


def name_date(name: str) -> date | None:
    """Return the last plausible date written in a path, reading its components from the end."""
    for part in reversed(re.split(r"[/!\\]", name)):
        for year, month, day in reversed(_NAME_DATE.findall(part)):
            try:
                return date(int(year), int(month), int(day))
            except ValueError:
                continue
    return None


def instant(seconds: int, year: int) -> datetime:
    """Return the moment *seconds* into leap year 2000, moved to *year* (29 February of a common year becomes 1 March)."""
    moment = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    try:
        return moment.replace(year=year)
    except ValueError:
        return moment.replace(year=year, month=3, day=1)


def _latest_year(last: int, years: int, bound: datetime) -> int:
    """Return the base year that puts the last stamp as late as possible, but not after *bound*."""
    year = bound.year + 1
    while instant(last, year) > bound:
        year -= 1
    return year - years


def base_year(
    clock: FileClock,
    *,
    given: int | None,
    neighbours: Sequence[tuple[datetime, datetime]],
    name: str,
    mtime: datetime | None,
) -> tuple[int, TimeBasis] | None:
    """Return the year of the file's first year-less stamp and how it is known; None when nothing tells.

    ``given`` is the year of the first record; ``neighbours`` are time ranges of year-bearing records of the same host.
    """
    if clock.first is None or clock.last is None:
        return None
    if given is not None:
        return given, TimeBasis.YEAR_GIVEN
    best: tuple[timedelta, int] | None = None
    for start, end in neighbours:
        for year in range(start.year - clock.years - 1, end.year + 2):
            ours = (instant(clock.first, year), instant(clock.last, year + clock.years))
            distance = max(ours[0] - end, start - ours[1], timedelta(0))
            if best is None or (distance, -year) < (best[0], -best[1]):
                best = (distance, year)
    if best is not None and best[0] <= timedelta(days=150):
        return best[1], TimeBasis.YEAR_NEIGHBOUR
    dated = name_date(name)
    if dated is not None:
        bound = datetime(dated.year, dated.month, dated.day, tzinfo=UTC) + _SLACK
        return _latest_year(clock.last, clock.years, bound), TimeBasis.YEAR_NAME
    if mtime is not None:
        return _latest_year(clock.last, clock.years, mtime + timedelta(days=1)), TimeBasis.YEAR_MTIME
    return None


def resolve(events: pl.DataFrame, *, year: int | None, basis: TimeBasis, zone: str) -> pl.DataFrame:
    """Turn ``time | local, rel, resolution`` into ``time, time_err, time_basis`` (columns in: those four; out: those three).

    ``rel`` counts New Years from *year*; a year-less stamp without a known year gets no time. A wall clock time that a zone skips is read an hour
    later; one that occurs twice is the second occurrence once the log has jumped back within that hour, else the first.
    """
    if "local" not in events.columns:
        return events
    local = pl.col("local")
    shifted: Any = pl.when(pl.col("rel").is_null()).then(local)  # a chain of whens, whose type changes with its first link
    if year is not None:
        # strptime-free: year differences are whole numbers of days, judged per distinct (rel, after-February) pair
        days = {
            int(rel): ((date(year + int(rel), 1, 1) - date(2000, 1, 1)).days, int(_leap(year + int(rel))))
            for rel in events["rel"].drop_nulls().unique().to_list()
        }
        for rel, (offset, leap) in sorted(days.items()):
            past = (local.dt.ordinal_day() > 59 + 1) if not leap else pl.lit(False)
            moved = local + pl.duration(days=offset) - pl.when(past).then(pl.duration(days=1)).otherwise(pl.duration(days=0))
            shifted = shifted.when(pl.col("rel") == rel).then(moved)
    frame = events.with_columns(shifted.alias("zz_wall"))
    wall = pl.col("zz_wall")
    fold = (wall.diff() < pl.duration(minutes=-5)).fill_null(False)
    second = fold.cast(pl.Int32).cum_sum().over(wall.dt.truncate("1d")) > 0
    if zone == "UTC":
        zoned = wall.dt.replace_time_zone("UTC")
    else:
        choice = pl.when(second).then(pl.lit("latest")).otherwise(pl.lit("earliest"))
        zoned = pl.coalesce(
            wall.dt.replace_time_zone(zone, ambiguous=choice, non_existent="null").dt.convert_time_zone("UTC"),
            (wall + pl.duration(hours=1)).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC"),
        )
    if EAST in frame.columns:
        own = (wall - pl.duration(seconds=pl.col(EAST))).dt.replace_time_zone("UTC")
        zoned, frame = pl.coalesce("zz_own", zoned), frame.with_columns(own.alias("zz_own"))
    known = pl.col("time").is_not_null()
    wall_basis = pl.when(pl.col("rel").is_null()).then(pl.lit(str(TimeBasis.ZONED))).otherwise(pl.lit(str(basis)))
    return frame.with_columns(
        pl.coalesce("time", zoned).alias("time"),
        pl.duration(microseconds=pl.col("resolution")).alias("time_err"),
        pl.when(known).then(pl.lit(str(TimeBasis.ABSOLUTE))).otherwise(wall_basis).cast(TIME_BASIS).alias("time_basis"),
    ).drop("local", "rel", "resolution", "zz_wall", EAST, "zz_own", strict=False)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
