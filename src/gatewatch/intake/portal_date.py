"""Dates as the portals of Azure write them into CSV: ``3/2/2026, 8:15:00.000 AM`` in the language of whoever exports, in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gatewatch.intake.windows_date import Order, order_by_clock

_SLASHED = re.compile(
    r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4}),? ([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]{1,9})?))?"
    r"(?:[ \N{NARROW NO-BREAK SPACE}]?([AaPp])[Mm])?"
)


def month_first_of(dates: Iterable[str]) -> bool | None:
    """Return whether the month comes first in dates with slashes; None where nothing tells, or where they contradict each other."""
    told: set[bool] = set()
    clocks: set[bool] = set()
    for date in dates:
        found = _SLASHED.fullmatch(date.strip())
        if found is None:
            continue
        if int(found[2]) > 12:
            told.add(True)
        elif int(found[1]) > 12 or "." in date[:3]:
            told.add(False)
        elif (order := order_by_clock(date)) is not None:
            clocks.add(order is Order.MONTH_FIRST)
    told = told or clocks
    return told.pop() if len(told) == 1 else None


def iso_time(date: str, month_first: bool | None) -> str | None:
    """Return *date* as ISO text, what has no slashes as it is; None where day and month cannot be told apart."""
    found = _SLASHED.fullmatch(date.strip())
    if found is None:
        return date.strip()
    first, second, year, hour, minute, seconds, half = found.groups()
    if month_first is None:
        return None
    month, day = (first, second) if month_first else (second, first)
    hours = int(hour) % 12 + (12 if half in {"p", "P"} else 0) if half else int(hour)
    return f"{year}-{int(month):02}-{int(day):02}T{hours:02}:{minute}:{seconds or '00'}Z"
