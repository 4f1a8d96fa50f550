"""Business hours: a week of half-open intervals, and holidays.

``Mon-Fri 08:00-18:00`` · ``Mon-Thu 08:00-12:00 13:00-17:00, Fri 08:00-13:00`` · ``Sat-Sun 22:00-06:00`` (past midnight: the night
belongs to the day on which it begins). The end is not in the interval: 18:00:00 is already off hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MINUTES = 24 * 60

_NUMBERS = {name.lower(): number for number, name in enumerate(DAYS)} | {
    name: number for number, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
}
_DAYS = re.compile(r"([a-z]+)(?:-([a-z]+))?")
_RANGE = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """One working interval of a weekday (0 Monday), in minutes from its midnight; ``end`` passes 1440 when it runs into the next day."""

    day: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class Holiday:
    """A day without business hours; without a ``year``, every year."""

    month: int
    day: int
    year: int | None = None

    def on(self, day: date) -> bool:
        """Return whether *day* is this holiday."""
        return (day.month, day.day) == (self.month, self.day) and self.year in {None, day.year}


@dataclass(frozen=True, slots=True)
class Hours:
    """The business hours of a user or site, in the wall time of ``zone`` (None: that of the host or site)."""

    windows: tuple[Window, ...]
    holidays: tuple[Holiday, ...] = ()
    zone: str | None = None

    def covers(self, local: datetime) -> bool:
        """Return whether the wall time *local* falls into business hours. A night shift that begins before a holiday still counts."""
        minute = local.hour * 60 + local.minute
        today = local.date()
        for window in self.windows:
            if window.day == today.weekday() and window.start <= minute < window.end and not self.is_holiday(today):
                return True
            if window.day == (today.weekday() - 1) % 7 and minute < window.end - DAY_MINUTES and not self.is_holiday(_before(today)):
                return True
        return False

    def is_holiday(self, day: date) -> bool:
        """Return whether *day* is a holiday."""
        return any(holiday.on(day) for holiday in self.holidays)


def _before(day: date) -> date:
    return date.fromordinal(max(1, day.toordinal() - 1))


def parse_windows(text: str) -> tuple[Window, ...]:
    """Return the windows that *text* lists. ValueError says what is wrong with it."""
    windows: list[Window] = []
    days: list[int] = []
    timed = True  # the last token was a range: a day name begins the next group
    for token in re.split(r"[,;\s]+", text.strip().lower().replace("\N{EN DASH}", "-")):
        span = _RANGE.fullmatch(token)
        if span is None:
            if timed:
                days, timed = [], False
            days += _days(token)
            continue
        if not days:
            raise ValueError(f"{token!r} names no day; write for instance 'Mon-Fri {token}'")
        timed = True
        start, end = _minutes(span)
        windows += [Window(day, start, end) for day in days]
    if not timed:
        raise ValueError(f"{text!r} gives a day no hours; write for instance 'Mon-Fri 08:00-18:00'")
    return tuple(sorted(set(windows)))


def _days(word: str) -> list[int]:
    if word == "daily":
        return list(range(7))
    found = _DAYS.fullmatch(word)
    names = [name for name in found.groups() if name is not None] if found is not None else []
    if not names or any(name not in _NUMBERS for name in names):
        raise ValueError(f"{word!r} is neither a day (Mon, Mon-Fri, daily) nor hours (08:00-18:00)")
    first, last = _NUMBERS[names[0]], _NUMBERS[names[-1]]
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _minutes(span: re.Match[str]) -> tuple[int, int]:
    hour, minute, end_hour, end_minute = (int(part) for part in span.groups())
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if minute > 59 or end_minute > 59 or start >= DAY_MINUTES or end > DAY_MINUTES:
        raise ValueError(f"{span.group()!r} is no time of day")
    if start == end:
        raise ValueError(f"{span.group()!r} is empty; a whole day is 00:00-24:00")
    return start, end if end > start else end + DAY_MINUTES


def parse_holiday(value: object) -> Holiday:
    """Return the holiday *value* names: a date, ``"2026-12-25"`` or, every year, ``"12-25"``. ValueError otherwise."""
    if isinstance(value, datetime) or not isinstance(value, date | str):
        raise ValueError(f"{value!r} is no date such as 2026-12-25 or \"12-25\"")
    if isinstance(value, date):
        return Holiday(value.month, value.day, value.year)
    try:
        if re.fullmatch(r"\d{2}-\d{2}", value):
            day = date.fromisoformat(f"2000-{value}")  # a leap year: 02-29 is a day
            return Holiday(day.month, day.day)
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no date such as 2026-12-25 or 12-25") from None
    return Holiday(day.month, day.day, day.year)
