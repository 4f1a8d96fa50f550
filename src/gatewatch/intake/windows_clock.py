"""Times of Windows events in JSON: texts, numbers since the epoch, .NET's ``/Date(…)/``; and the zone that two receipt times tell."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from gatewatch.intake.windows_data import scalar
from gatewatch.intake.windows_date import order_of, read_date, settle
from gatewatch.intake.windows_row import Stamp, iso_stamp

_JSON_DATE = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")
_LONGEST = 64  # characters of a time
_LATEST = 4_102_444_800  # 2100
_QUARTER = 15 * 60 * 1_000_000  # microseconds: zones are whole quarters of an hour
_DELAY = 2 * 60 * 1_000_000  # between the agent and the collector, at most
_FARTHEST = 14 * 3600 * 1_000_000


def zone_lead(at: Any, received: Any) -> int | None:
    """Return how far UTC is ahead of the wall clock *received*, the same moment as *at*; None where they are no such pair."""
    if not isinstance(at, str) or not isinstance(received, str):
        return None
    absolute, wall = stamp_of(at[:19], utc=True), stamp_of(received, utc=False)
    if absolute is None or wall is None or wall.zoned:
        return None
    lead = absolute.micros - wall.micros
    shift = round(lead / _QUARTER) * _QUARTER
    return shift if abs(lead - shift) <= _DELAY and abs(shift) <= _FARTHEST else None


_WMI = re.compile(r"([12][0-9]{7})([0-9]{6})\.([0-9]{6})([+-][0-9]{3})")


@lru_cache(maxsize=1 << 14)
def _read_time(text: str, *, utc: bool) -> Stamp | None:
    stamp = iso_stamp(text, utc=utc)
    if stamp is not None:
        return stamp
    written = _WMI.fullmatch(text)
    if written is not None:  # of WMI, with the minutes to UTC
        day, clock, parts, minutes = written.groups()
        zone = f"{minutes[0]}{int(minutes[1:]) // 60:02}:{int(minutes[1:]) % 60:02}"
        iso = f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}.{parts}{zone}"
        return iso_stamp(iso, utc=utc)
    found = _JSON_DATE.fullmatch(text)
    if found is not None:
        return _epoch(int(found[1]))
    date = read_date(text, utc=utc)
    return settle(date, order_of(date), utc=utc) if isinstance(date, tuple) else date


def stamp_of(value: Any, *, utc: bool) -> Stamp | None:
    """Return the time that a text or a number of seconds, or of parts of them, since the epoch says."""
    if isinstance(value, dict | list):
        value = scalar(value)
    if isinstance(value, str):
        return _read_time(value, utc=utc) if len(value) <= _LONGEST else None
    return _epoch(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _epoch(number: float) -> Stamp | None:
    for scale, resolution in ((1, 1_000_000), (1000, 1000), (1_000_000, 1), (1_000_000_000, 1)):
        if 0 < number < _LATEST * scale:
            return Stamp(round(number * 1_000_000 / scale), True, resolution if isinstance(number, int) else 1)
    return None
