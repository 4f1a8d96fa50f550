"""Instants and durations as text: UTC and local side by side, never rounded away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_info(name: str) -> tzinfo:
    """Return the zone called *name* (IANA), or UTC where no such zone is known."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def aware(moment: datetime) -> datetime:
    """Return *moment* in UTC; one without a zone is UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """Return *moment* as ISO 8601 in UTC with ``+00:00``."""
    return aware(moment).isoformat()


def utc(moment: datetime) -> str:
    """Return *moment* as ``2026-01-31 17:00:00``, UTC."""
    return _form(aware(moment))


def localize(moment: datetime, zone: tzinfo) -> datetime:
    """Return *moment* in *zone*; at the ends of the calendar, where that cannot be told, in UTC."""
    moment = aware(moment)
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def local(moment: datetime, zone: tzinfo) -> str:
    """Return *moment* as ``2026-01-31 18:00:00`` in *zone*."""
    return _form(localize(moment, zone))


def both(moment: datetime, zone: tzinfo, name: str) -> str:
    """Return *moment* in *zone* and in UTC, the date of the latter only where it differs."""
    here = localize(moment, zone)
    there = aware(moment)
    if here.replace(tzinfo=None) == there.replace(tzinfo=None):
        return f"{_form(there)} UTC"
    return f"{_form(here)} {name} ({there.strftime('%H:%M:%S') if here.date() == there.date() else _form(there)} UTC)"


def duration(length: timedelta) -> str:
    """Return *length* in its two largest units: ``9 min 12 s``."""
    seconds = max(int(length.total_seconds()), 0)
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        number, seconds = divmod(seconds, size)
        if number or (unit == "s" and not parts):
            parts.append(f"{number} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def micros(moment: datetime) -> int:
    """Return *moment* as microseconds since 1970, exact."""
    return (aware(moment) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _form(moment: datetime) -> str:
    # strftime leaves the year of the first millennium unpadded on some platforms
    return f"{moment.year:04d}{moment.strftime('-%m-%d %H:%M:%S')}"
