"""Years, zones and folds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake.framed import DAY
from gatewatch.intake.stamp import FileClock, base_year, name_date, resolve
from gatewatch.intake.syslog import Stamps
from gatewatch.schema.events import TimeBasis

ZONES = ("UTC", "Europe/Vienna", "America/New_York", "Asia/Kathmandu")


def _frame(walls: list[datetime], rel: int | None = 0) -> pl.DataFrame:
    return pl.DataFrame(
        {"time": [None] * len(walls), "local": walls, "rel": [rel] * len(walls), "resolution": [1_000_000] * len(walls)},
        schema={"time": pl.Datetime("us", "UTC"), "local": pl.Datetime("us"), "rel": pl.Int16, "resolution": pl.Int64},
    )


def _clock(first: int, last: int, years: int = 0) -> FileClock:
    clock = FileClock()
    clock.add(Stamps(first=first, last=last, years=years))
    return clock


@given(st.datetimes(datetime(2000, 1, 1), datetime(2000, 12, 31, 23, 59, 59)), st.integers(1999, 2035), st.sampled_from(ZONES))
def test_a_wall_clock_moves_to_its_year(wall: datetime, year: int, zone: str) -> None:
    wall = wall.replace(microsecond=0)
    try:
        moved = wall.replace(year=year)
    except ValueError:  # 29 February of a common year: read as 1 March
        moved = wall.replace(year=year, month=3, day=1)
    result = resolve(_frame([wall]), year=year, basis=TimeBasis.YEAR_GIVEN, zone=zone).row(0, named=True)
    info = ZoneInfo(zone)
    expected = moved.replace(tzinfo=info).astimezone(UTC)
    if expected.astimezone(info).replace(tzinfo=None) != moved:  # a time the zone skips is read an hour later
        expected = (moved.replace(tzinfo=info, fold=0)).astimezone(UTC)
    assert result["time"] == expected
    assert result["time_basis"] == "year_given"


def test_the_hour_that_occurs_twice() -> None:
    walls = [
        datetime(2025, 10, 26, 2, 10),
        datetime(2025, 10, 26, 2, 50),
        datetime(2025, 10, 26, 2, 5),
        datetime(2025, 10, 26, 2, 59),
        datetime(2025, 10, 26, 3, 1),
    ]
    times = resolve(_frame(walls, None), year=None, basis=TimeBasis.ABSOLUTE, zone="Europe/Vienna")["time"].to_list()
    assert [moment.strftime("%H:%M") for moment in times] == ["00:10", "00:50", "01:05", "01:59", "02:01"]


def test_without_a_year_there_is_no_time() -> None:
    assert resolve(_frame([datetime(2000, 3, 1)]), year=None, basis=TimeBasis.ABSOLUTE, zone="UTC")["time"].to_list() == [None]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("var/log/auth.log-20260104.gz", date(2026, 1, 4)),
        ("case-2025-12-31/auth.log", date(2025, 12, 31)),
        ("site.zip!logs-2026.01.04/auth.log", date(2026, 1, 4)),
        ("auth.log.1", None),
        ("sshd-19991399.log", None),
    ],
)
def test_dates_in_names(name: str, expected: date | None) -> None:
    assert name_date(name) == expected


def test_the_year_is_given_or_a_neighbours_or_in_the_name_or_the_mtime() -> None:
    december, january = 362 * DAY, 3 * DAY
    clock = _clock(december, january, 1)
    neighbour = [(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC))]
    mtime = datetime(2030, 5, 5, tzinfo=UTC)
    assert base_year(clock, given=2019, neighbours=neighbour, name="auth.log-20260104", mtime=mtime) == (2019, TimeBasis.YEAR_GIVEN)
    assert base_year(clock, given=None, neighbours=neighbour, name="auth.log-20280104", mtime=mtime) == (2025, TimeBasis.YEAR_NEIGHBOUR)
    assert base_year(clock, given=None, neighbours=[], name="auth.log-20260104", mtime=mtime) == (2025, TimeBasis.YEAR_NAME)
    assert base_year(clock, given=None, neighbours=[], name="auth.log", mtime=mtime) == (2029, TimeBasis.YEAR_MTIME)
    assert base_year(clock, given=None, neighbours=[], name="auth.log", mtime=None) is None


def test_a_log_of_last_december_read_in_january_is_not_a_year_off() -> None:
    mtime = datetime(2026, 1, 3, 6, 0, tzinfo=UTC)
    assert base_year(_clock(350 * DAY, 360 * DAY), given=None, neighbours=[], name="auth.log.1", mtime=mtime) == (2025, TimeBasis.YEAR_MTIME)
    # a zone ahead of the collector's clock: the last line is "tomorrow"
    assert base_year(_clock(0, 2 * DAY + 40_000), given=None, neighbours=[], name="auth.log", mtime=mtime) == (2026, TimeBasis.YEAR_MTIME)


def test_new_year_between_two_blocks() -> None:
    clock = FileClock()
    assert clock.add(Stamps(first=360 * DAY, last=365 * DAY + 80_000, years=0)) == 0
    assert clock.add(Stamps(first=10, last=5 * DAY, years=0)) == 1
    assert clock.add(Stamps(first=366 * DAY - 1, last=366 * DAY - 1, years=0)) == 1
    assert clock.years == 1
