"""A lane: the events that could complete one stage, laid out so that windows and neighbours are found by bisection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatewatch.detect import window
from gatewatch.detect.chain import Number, Stage, amount, seconds
from gatewatch.detect.timeline import FOREVER, Ints, Timeline


@dataclass(frozen=True, slots=True)
class Counting:
    """A count with its numbers resolved; ``window`` in microseconds."""

    gte: float
    window: int


@dataclass(frozen=True, slots=True)
class Lane:
    """The candidate events of one stage (``late``: of one after the anchor), sorted by key, then by the total order.

    ``at`` are positions in the timeline and ``key`` codes of keys; ``code`` joins both into one rising number;
    ``offset[k]:offset[k + 1]`` is the run of key ``k``. ``after`` and ``within`` are microseconds. The window of an event begins at
    ``start`` (for a stage without count at the event itself) and holds ``weight``; ``full`` is what it holds of what is counted: the
    weight, or the number of distinct values, of which ``value`` has the codes.
    """

    stage: Stage
    late: bool
    timeline: Timeline
    at: Ints
    key: Ints
    code: Ints
    offset: Ints
    after: int | None
    within: int
    count: Counting | None
    start: Ints
    value: Ints | None
    weight: Ints
    full: Ints

    @property
    def completes(self) -> Ints:
        """The indices of the events at which the stage completes when nothing restricts what it counts."""
        if self.count is None:
            return np.arange(len(self.at))
        return np.flatnonzero(self.full >= self.count.gte)

    def first_not_before(self, keys: Ints, times: Ints) -> Ints:
        """Return the index of the first event of each of *keys* at or after each of *times*."""
        line = self.timeline
        return np.searchsorted(self.code, keys * len(line.time) + np.searchsorted(line.time, times))

    def of(self, key: int) -> Ints:
        """Return the positions of the events of *key*, in order."""
        return self.at[self.offset[key] : self.offset[key + 1]]

    def run(self, key: int, first: int, last: int) -> slice:
        """Return the events of *key* from the instant *first* to the instant *last*, both included."""
        times, here, begin = self.timeline.time, self.of(key), int(self.offset[key])
        low, high = np.searchsorted(times, first), np.searchsorted(times, last, "right")
        return slice(begin + int(np.searchsorted(here, low)), begin + int(np.searchsorted(here, high)))


def build(stage: Stage, timeline: Timeline, events: tuple[Ints, Ints, int], value: Ints | None, number: Number, *, late: bool) -> Lane:
    """Return the lane of *stage*; *events* are positions, the code of the key of each, and how many keys there are.

    *value* gives the code of the distinct column for each position of the timeline, where the stage asks for it.
    """
    at, key, keys = events
    code = key * len(timeline.time) + at
    order = np.argsort(code)
    at, key, code = at[order], key[order], code[order]
    count = None if stage.count is None else Counting(amount(stage.count.gte, number), micros(stage.count.window, number) or 0)
    start = np.arange(len(at)) if count is None else _bounds(timeline, code, at, key, -count.window)
    weight = full = window.sums(timeline.weight[at], start)
    if count is not None and value is not None:
        value = value[at]
        full = window.distincts(value, key, _bounds(timeline, code, at, key, count.window + 1))
    offset = np.searchsorted(key, np.arange(keys + 1))
    after, within = micros(stage.after, number), micros(stage.within, number) or 0
    return Lane(stage, late, timeline, at, key, code, offset, after, within, count, start, value, weight, full)


def micros(text: str | None, number: Number) -> int | None:
    """Return the duration *text* in microseconds, held within what a timeline can add to its times."""
    return None if text is None else min(max(round(seconds(text, number) * 1_000_000), 0), FOREVER)


def _bounds(timeline: Timeline, code: Ints, at: Ints, key: Ints, shift: int) -> Ints:
    """Return for each event the index of the first of its key that is at or after its time plus *shift*."""
    # Looked up for the whole timeline first: sorted questions are answered several times faster.
    places = np.searchsorted(timeline.time, timeline.time + shift)
    return np.searchsorted(code, key * len(timeline.time) + places[at])
