"""Intervals: how far a figure might be off, by drawing the worlds (of one world: its intrusions) again and again (bootstrap, 95 %)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from gatewatch.lab.dice import dice

T = TypeVar("T")
DRAWS = 1_000


def interval(items: Sequence[T], figure: Callable[[Sequence[T]], float | None]) -> tuple[float, float] | None:
    """Return the 2.5th and the 97.5th percentile of *figure* over redrawn *items*; None below three of them."""
    if len(items) < 3:
        return None
    rng = dice(0, "bootstrap", len(items))
    values = sorted(value for value in (figure([rng.choice(items) for _ in items]) for _ in range(DRAWS)) if value is not None)
    if not values:
        return None
    return round(values[int(0.025 * len(values))], 4), round(values[min(len(values) - 1, int(0.975 * len(values)))], 4)
