"""Business hours: what can be written, what it means."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.site.hours import DAY_MINUTES, Holiday, Hours, Window, parse_holiday, parse_windows

MONDAY = datetime(2026, 3, 2)


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("Mon 08:00-18:00", {(0, 480, 1080)}),
        ("Mon-Tue 08:00-12:00 13:00-17:00", {(0, 480, 720), (0, 780, 1020), (1, 480, 720), (1, 780, 1020)}),
        ("Mon,Wed 8:00-9:00, Sun 10:00-11:00", {(0, 480, 540), (2, 480, 540), (6, 600, 660)}),
        ("Sat-Mon 00:00-24:00", {(5, 0, 1440), (6, 0, 1440), (0, 0, 1440)}),
        ("Friday 22:00-06:00", {(4, 1320, 1800)}),
        ("fri 22:00\N{EN DASH}06:00", {(4, 1320, 1800)}),
    ],
)
def test_parse_windows(text: str, windows: set[tuple[int, int, int]]) -> None:
    assert parse_windows(text) == tuple(sorted(Window(*window) for window in windows))


def test_daily_is_every_day() -> None:
    assert {window.day for window in parse_windows("daily 09:00-17:00")} == set(range(7))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("08:00-18:00", "names no day"),
        ("Mon-Fri", "no hours"),
        ("Mon 08:00-18:00 Tue", "no hours"),
        ("Mon 08:00-08:00", "empty"),
        ("Mon 25:00-26:00", "no time of day"),
        ("Mon 08:60-09:00", "no time of day"),
        ("Mon 24:00-08:00", "no time of day"),
        ("Mon-Fry 08:00-18:00", "neither a day"),
        ("Mon 8-18", "neither a day"),
        ("", "neither a day"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_windows(text)


def test_hours_past_midnight_are_not_empty() -> None:
    """A peer's rule wrote ``19 ... 8`` and compared both ends of one day: never true (peers 15)."""
    hours = Hours(parse_windows("Mon 19:00-08:00"))
    covered = [hour for hour in range(48) if hours.covers(MONDAY + timedelta(hours=hour))]
    assert covered == [*range(19, 32)]


def test_intervals_are_half_open() -> None:
    hours = Hours(parse_windows("Mon 08:00-18:00"))
    assert hours.covers(MONDAY.replace(hour=8))
    assert hours.covers(MONDAY.replace(hour=17, minute=59, second=59, microsecond=999_999))
    assert not hours.covers(MONDAY.replace(hour=18))
    assert not hours.covers(MONDAY.replace(hour=7, minute=59, second=59, microsecond=999_999))


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    night = parse_windows("Mon 22:00-06:00")
    tuesday_early = MONDAY + timedelta(days=1, hours=3)
    assert Hours(night, (Holiday(3, 3),)).covers(tuesday_early)
    assert not Hours(night, (Holiday(3, 2),)).covers(tuesday_early)


def test_sunday_night_runs_into_monday() -> None:
    assert Hours(parse_windows("Sun 22:00-06:00")).covers(MONDAY.replace(hour=5))


@given(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440), st.integers(0, 7 * 1440 - 1))
def test_covers_agrees_with_counting_minutes(day: int, start: int, length: int, minute: int) -> None:
    hours = Hours((Window(day, start, start + length),))
    week = 7 * DAY_MINUTES
    offset = (minute - day * DAY_MINUTES - start) % week
    assert hours.covers(MONDAY + timedelta(minutes=minute)) == (offset < length)


def test_holidays() -> None:
    assert parse_holiday(date(2026, 12, 25)) == Holiday(12, 25, 2026)
    assert parse_holiday("2026-12-25") == Holiday(12, 25, 2026)
    assert parse_holiday("12-25") == Holiday(12, 25)
    assert parse_holiday("02-29") == Holiday(2, 29)
    assert Holiday(12, 25).on(date(1999, 12, 25))
    assert not Holiday(12, 25, 2026).on(date(2027, 12, 25))


@pytest.mark.parametrize("value", ["", "25.12.2026", "13-01", "02-30", 1225, True, datetime(2026, 12, 25)])
def test_what_is_no_holiday_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="no date"):
        parse_holiday(value)
