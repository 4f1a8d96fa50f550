"""Moments as numbers: seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size."""

from __future__ import annotations

from typing import Any

_LATEST_SECONDS = 100_000_000_000  # the year 5138: whoever counts finer passed that in 1973
_MICROS = ((1, 1_000_000), (1_000, 1_000), (1_000_000, 1))  # units in a second -> microseconds of one


def epoch_micros(value: Any) -> int | None:
    """Return *value*, a number or its digits, as microseconds since the epoch; None when it is neither.

    >>> epoch_micros(1767614400), epoch_micros("1767614400123"), epoch_micros("1767614400123456789"), epoch_micros("soon")
    (1767614400000000, 1767614400123000, 1767614400123456, None)
    """
    if value.__class__ is str:
        if not (value.isascii() and value.isdigit() and len(value) < 20):
            return None
        value = int(value)
    if value.__class__ is float:
        return int(value * 1_000_000) if 0 <= value < _LATEST_SECONDS else int(value) * 1_000 if 0 <= value < 1e15 else None
    if value.__class__ is not int or value < 0:
        return None
    for unit, micros in _MICROS:
        if value < _LATEST_SECONDS * unit:
            return int(value) * micros
    return int(value) // 1_000
