"""Moments: instants as whole microseconds since 1970 (UTC), and the stamps logs print of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MS = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
FIRST_DAY = date(2026, 3, 2)  # a Monday; a month from here holds a change to summer time
START = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * SECOND
_KEEP = 50_000
_seconds: dict[int, str] = {}
_bsd: dict[tuple[int, int], str] = {}
_offsets: dict[tuple[str, int], int] = {}


def seconds(number: float) -> int:
    """Return a length of time in microseconds."""
    return round(number * SECOND)


def to_datetime(moment: int) -> datetime:
    """Return the instant as a date with time (UTC)."""
    return datetime.fromtimestamp(moment // SECOND, UTC).replace(microsecond=moment % SECOND)


def day_start(day: int, zone: str) -> int:
    """Return midnight of the *day*-th day of the world in *zone*."""
    wall = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time(), ZoneInfo(zone))
    return int(wall.timestamp()) * SECOND


def day_of(moment: int) -> int:
    """Return the number of the world's day (UTC) an instant lies in."""
    return (moment - START) // DAY


def weekday(day: int) -> int:
    """Return the weekday of the *day*-th day, Monday 0."""
    return (FIRST_DAY.weekday() + day) % 7


def calendar(day: int) -> date:
    """Return the date of the *day*-th day."""
    return FIRST_DAY + timedelta(days=day)


def second_of(moment: int) -> str:
    """Return ``2026-03-02T08:15:00`` (UTC)."""
    second = moment // SECOND
    text = _seconds.get(second)
    if text is None:
        if len(_seconds) > _KEEP:
            _seconds.clear()
        text = _seconds[second] = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text


def iso(moment: int) -> str:
    """Return ``2026-03-02T08:15:00.123456+00:00``."""
    return f"{second_of(moment)}.{moment % SECOND:06d}+00:00"


def iso_z(moment: int) -> str:
    """Return ``2026-03-02T08:15:00.123456Z``."""
    return f"{second_of(moment)}.{moment % SECOND:06d}Z"


def offset(zone: str, moment: int) -> int:
    """Return the seconds east of UTC of *zone* at an instant."""
    hour = moment // HOUR
    found = _offsets.get((zone, hour))
    if found is None:
        delta = datetime.fromtimestamp(hour * 3600, ZoneInfo(zone)).utcoffset()
        found = _offsets[zone, hour] = int(delta.total_seconds()) if delta is not None else 0
    return found


def bsd(moment: int, zone: str) -> str:
    """Return ``Mar  2 08:15:00``: neither year nor zone."""
    east = offset(zone, moment)
    second = moment // SECOND + east
    key = (second, 0)
    text = _bsd.get(key)
    if text is None:
        if len(_bsd) > _KEEP:
            _bsd.clear()
        wall = datetime.fromtimestamp(second, UTC)
        text = _bsd[key] = f"{wall:%b} {wall.day:2d} {wall:%H:%M:%S}"
    return text


def wall(moment: int, zone: str, layout: str) -> str:
    """Return the wall clock of *zone* in *layout* (strftime)."""
    return datetime.fromtimestamp(moment // SECOND + offset(zone, moment), UTC).replace(microsecond=moment % SECOND).strftime(layout)
