"""The timeline: the events that can take part in a chain, in the total order, and which of them can follow which.

A *position* below is an index into the timeline, so comparing two positions compares the events in the total order
(time, stream, record position, row). Times are microseconds since 1970 (Int64).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewatch.schema.events import UTC as INSTANT
from gatewatch.schema.events import ensure

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What Python's datetime can say; an instant outside it is as good as none.
FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
TIMED = pl.col("time").is_between(FIRST, LAST)
"""Whether an event has an instant; one without never takes part."""
FOREVER = 1 << 58  # microseconds; sums of a few of these stay within 64 bits


@dataclass(frozen=True, slots=True)
class Timeline:
    """Events as columns, sorted by the total order.

    ``row`` is the caller's row number; ``lo`` and ``hi`` are ``time`` minus and plus its uncertainty; ``stream`` is a code, -1
    where stream or record position is not known. ``early`` and ``late`` widen ``lo`` and ``hi`` by the disorder of the
    stream, so that *early of b after late of a* means that b surely follows a. ``disordered`` marks events whose record order contradicts
    their time (a clock set back, records written out of turn, two events of one record).
    """

    row: Ints
    time: Ints
    lo: Ints
    hi: Ints
    stream: Ints
    place: Ints
    weight: Ints
    early: Ints
    late: Ints
    disordered: Bools

    def follows(self, a: Ints | int, b: Ints | int) -> Bools:
        """Whether the events *b* can follow the events *a* (positions, broadcast against each other)."""
        same = (self.stream[a] == self.stream[b]) & (self.stream[a] >= 0)
        apart = (self.hi[b] >= self.lo[a]) & np.not_equal(a, b)
        found: Bools = np.where(same, self.place[b] > self.place[a], apart)
        return found

    def surely_follows(self, a: Ints | int, b: Ints | int) -> Bools:
        """Whether *b* follows *a* however the clocks stood: by record order in one stream, by disjoint intervals between two."""
        same = (self.stream[a] == self.stream[b]) & (self.stream[a] >= 0)
        found: Bools = np.where(same, self.place[b] > self.place[a], self.lo[b] > self.hi[a])
        return found


def build(events: pl.DataFrame) -> tuple[Timeline, Ints]:
    """Return the timeline of *events* (rows that are :data:`TIMED`) and, for each row, its position in it."""
    frame = ensure(events, "time_err", "stream", "position", "count")
    logs = frame["stream"].cast(pl.String)
    names = logs.unique().drop_nulls().sort()
    time = _ints(frame["time"].cast(INSTANT).to_physical())
    place = _ints(frame["position"].cast(pl.Int64).fill_null(-FOREVER))
    stream = _ints(logs.cast(pl.Enum(names)).to_physical().cast(pl.Int64).fill_null(-1))
    row = _ints(frame["row"])
    order = _sorted((row, place, stream, time))
    err = np.clip(_ints(frame["time_err"].cast(pl.Duration("us")).to_physical().fill_null(0)), 0, FOREVER)[order]
    known = frame["position"].is_not_null().to_numpy()
    stream = np.where(known, stream, -1)[order]
    time, place = time[order], place[order]
    lo, hi = time - err, time + err
    early, late, disordered = _widen(time, lo, hi, stream, place)
    weight = _ints(frame["count"].fill_null(1))[order]
    positions = np.empty(len(order), np.int64)
    positions[order] = np.arange(len(order))
    return Timeline(row[order], time, lo, hi, stream, place, weight, early, late, disordered), positions


def instant(time: int) -> datetime:
    """Return microseconds since 1970 as an instant, held within what a datetime can say."""
    return min(max(timedelta(microseconds=int(time)), FIRST - EPOCH), LAST - EPOCH) + EPOCH


def _ints(series: pl.Series) -> Ints:
    return series.cast(pl.Int64).to_numpy()


def _sorted(keys: tuple[Ints, ...]) -> Ints:
    """Return the order that sorts by *keys*, the last one first; cheap when they are sorted already."""
    size = len(keys[0])
    rising = np.zeros(max(size - 1, 0), np.bool_)
    for key in keys:
        rising = (key[1:] > key[:-1]) | ((key[1:] == key[:-1]) & rising)
    return np.arange(size) if rising.all() else np.lexsort(keys)


def _widen(time: Ints, lo: Ints, hi: Ints, stream: Ints, place: Ints) -> tuple[Ints, Ints, Bools]:
    """Return ``early``, ``late`` and ``disordered`` (see :class:`Timeline`)."""
    early, late, disordered = lo.copy(), hi.copy(), np.zeros(len(time), np.bool_)
    order = np.argsort(stream, kind="stable")
    streams = stream[order]
    wrong = (streams[1:] == streams[:-1]) & (streams[1:] >= 0) & (place[order[1:]] <= place[order[:-1]])
    for code in np.unique(streams[1:][wrong]):
        members = order[np.searchsorted(streams, code) : np.searchsorted(streams, code, "right")]
        members = members[np.argsort(place[members], kind="stable")]
        times, places = time[members], place[members]
        # Events of one record are unordered: the later ones reach back to the first of the record.
        begin = np.searchsorted(places, places)
        highest = np.maximum.accumulate(times)
        lowest = np.minimum.accumulate(times[::-1])[::-1][begin]
        early[members] = np.minimum(early[members], lowest)
        late[members] = np.maximum(late[members], highest)
        twin = np.searchsorted(places, places, "right") - begin > 1
        disordered[members] = (highest > times) | (lowest < times) | twin
    return early, late, disordered
