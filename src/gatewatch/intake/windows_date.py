"""Dates as a Windows locale writes them, and which order of day and month a file uses.

``1/5/2026 3:04:05 PM`` is January in the United States and May in Australia: only a row whose one number is above 12 tells, for all rows of the
file, or a run of rows over several days: in the wrong order days that follow each other are months apart (:func:`order_by_run`). Dots always mean
day, month, year; a year in front means year, month, day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from gatewatch.intake.windows_row import Stamp, iso_stamp, micros

UNTOLD = "date order cannot be told"
_LOCAL = re.compile(
    r"([0-9]{1,4})([/.-])([0-9]{1,2})\2([0-9]{1,4}),? +([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,]([0-9]{1,9}))?)?(?: ?([AaPp])\.? ?[Mm]\.?)?"
)
_SPACES = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ", "\N{LEFT-TO-RIGHT MARK}": None})


NEAR, FAR = timedelta(days=2), timedelta(days=20)  # between two rows of a log that goes on, and of one read in the wrong order


class Order(StrEnum):
    """The order of day and month in a file."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


Unsettled = tuple[int, int, int, int, int, int, str]
"""A date whose order is not known: first, second, year, hour, minute, second, fraction."""


def read_date(text: str, *, utc: bool = False) -> Stamp | Unsettled | None:
    """Return the time *text* says, its parts where the order of day and month must be known first, or None."""
    text = text.translate(_SPACES).strip()
    stamp = iso_stamp(text, utc=utc)
    if stamp is not None:
        return stamp
    found = _LOCAL.fullmatch(text)
    if found is None:
        return None
    one, mark, two, three = int(found[1]), found[2], int(found[3]), int(found[4])
    hour, minute, second, fraction, half = int(found[5]), int(found[6]), int(found[7] or 0), found[8] or "", found[9]
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "Pp" else 0)
    if len(found[1]) == 4:
        return _stamp((one, two, three, hour, minute, second, fraction), utc)
    if len(found[1]) > 2 or len(found[4]) not in (2, 4):
        return None
    year = three if len(found[4]) == 4 else 2000 + three
    if mark == ".":
        return _stamp((year, two, one, hour, minute, second, fraction), utc)
    return (one, two, year, hour, minute, second, fraction)


def order_of(parts: Unsettled) -> Order | None:
    """Return the order that *parts* prove, None when they could be both."""
    one, two = parts[:2]
    if one > 12 >= two:
        return Order.DAY_FIRST
    return Order.MONTH_FIRST if two > 12 >= one else None


def order_by_run(dates: Sequence[Unsettled]) -> Order | None:
    """Return the order in which rows, as they stand in a file, follow each other closely, where in the other some are weeks apart; None otherwise.

    >>> order_by_run([(3, 3, 2026, 23, 50, 0, ""), (3, 4, 2026, 0, 10, 0, ""), (3, 5, 2026, 9, 0, 0, "")]).value
    'month-first'
    """
    widest = {}
    for order in Order:
        moments = [_moment(date, order) for date in dates]
        if None in moments:
            return None  # order_of tells
        told = [moment for moment in moments if moment is not None]
        widest[order] = max((abs(later - before) for before, later in pairwise(told)), default=timedelta(0))
    near = [order for order, gap in widest.items() if gap <= NEAR]
    return near[0] if len(near) == 1 and max(widest.values()) >= FAR else None


def _moment(date: Unsettled, order: Order) -> datetime | None:
    one, two, year, hour, minute, second, _ = date
    day, month = (one, two) if order is Order.DAY_FIRST else (two, one)
    try:
        return datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - only compared with its like
    except ValueError:
        return None


def order_by_clock(text: str) -> Order | None:
    """Return the order in which browsers write day and month beside the clock of *text*: of those with slashes only American English has ``AM``.

    Browsers put a comma between; without one a spreadsheet may have written it, and nothing is known.

    >>> order_by_clock("3/2/2026, 8:15:00.000 AM").value, order_by_clock("02/03/2026, 08:15:00.000").value, order_by_clock("3/2/2026 8:15")
    ('month-first', 'day-first', None)
    """
    if text.rstrip().endswith(("AM", "PM")):
        return Order.MONTH_FIRST
    return Order.DAY_FIRST if "," in text else None


def settle(parts: Unsettled, order: Order | None, *, utc: bool = False) -> Stamp | None:
    """Return the time *parts* say in *order*; without one, only where both orders say the same."""
    one, two, year, hour, minute, second, fraction = parts
    if order is None and one != two:
        return None
    day, month = (one, two) if order is Order.DAY_FIRST else (two, one)
    return _stamp((year, month, day, hour, minute, second, fraction), utc)


def _stamp(parts: Unsettled, utc: bool) -> Stamp | None:
    value = micros(parts[:6], parts[6])
    fraction = parts[6]
    return None if value is None else Stamp(value, utc, 10 ** max(6 - len(fraction), 0))
