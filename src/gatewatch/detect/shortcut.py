"""The shortcut: for chains with one stage before a plain anchor, what the total order alone already decides, for all anchors at once.

Around an anchor whose record order and time agree, every event before it in the total order can precede it. So the full windows hold, and
two look-ups find the latest completion that surely precedes it. Where clocks overlap and that leaves a doubt, the anchor
is handed to :mod:`gatewatch.detect.prelude`, which is exact for every shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gatewatch.detect.lane import Lane
from gatewatch.detect.timeline import FOREVER, Bools, Ints

NONE = -1
UNDECIDED = -2
_CHUNK = 2_000_000  # pairs looked at together: some 16 MB a column


@dataclass(frozen=True, slots=True)
class Verdict:
    """For each event of the anchor's lane the completion before it: an index, NONE or UNDECIDED; and whether it surely precedes."""

    choice: Ints
    certain: Bools


def decide(lane: Lane, anchor: Lane, span: int | None) -> Verdict:
    """Return what the total order decides about the completions of *lane*, a required stage, before the events of *anchor*."""
    line, done = lane.timeline, lane.completes
    if not len(done):
        return Verdict(np.full(len(anchor.at), NONE), np.zeros(len(anchor.at), np.bool_))
    bounds = [bound for bound in (anchor.after, span) if bound is not None]
    first = line.lo[anchor.at] - min(bounds, default=4 * FOREVER)
    highest = _running_end(lane, done)

    sure = _latest_sure(lane, anchor, done)
    certain = (sure >= 0) & (line.hi[lane.at[done[sure]]] >= first)
    doubt = ~certain & (sure >= 0) & (highest[sure] >= first)  # an earlier one, of a less exact clock, may still lie within bounds
    doubt |= ~certain & _overlapped(lane, anchor, done, ~certain)

    last = np.searchsorted(lane.code[done], anchor.code) - 1
    last[(last >= 0) & (lane.key[done[last]] != anchor.key)] = NONE
    possible = (last >= 0) & (line.hi[lane.at[done[last]]] >= first)  # if not, it ended before the anchor began, and was among the sure

    doubt |= line.disordered[anchor.at]
    choice = np.where(certain, done[sure], np.where(possible, done[last], NONE))
    choice[doubt] = np.where(_could(lane, anchor, first)[doubt], UNDECIDED, NONE)
    return Verdict(choice, certain & (choice >= 0))


def _running_end(lane: Lane, done: Ints) -> Ints:
    """Return for each completion the latest ``hi`` of those of its key up to it."""
    ends = lane.timeline.hi[lane.at[done]]
    ranks, rank = np.unique(ends, return_inverse=True)
    code = lane.key[done] * len(ranks) + rank  # keys rise, so a running maximum never reaches back into the key before
    highest: Ints = ranks[np.maximum.accumulate(code) % len(ranks)]
    return highest


def _latest_sure(lane: Lane, anchor: Lane, done: Ints) -> Ints:
    """Return for each anchor the latest completion that surely precedes it (an index into *done*), or NONE."""
    line, keys = lane.timeline, lane.key[done]
    # Of the same stream: the one before it in the total order.
    size, streams = len(line.time), int(line.stream.max()) + 2
    code = (keys * streams + line.stream[lane.at[done]] + 1) * size + lane.at[done]
    order = np.argsort(code)
    wanted = anchor.key * streams + line.stream[anchor.at] + 1
    found = np.searchsorted(code[order], wanted * size + anchor.at) - 1
    fits = (found >= 0) & (code[order[found]] // size == wanted) & (line.stream[anchor.at] >= 0)
    twin = np.where(fits, order[found], NONE)
    # Of any stream: the latest of those that ended before it could begin.
    ends = line.hi[lane.at[done]]
    ranks, rank = np.unique(ends, return_inverse=True)
    code = keys * (len(ranks) + 1) + rank
    order = np.argsort(code, kind="stable")
    found = np.searchsorted(code[order], anchor.key * (len(ranks) + 1) + np.searchsorted(ranks, line.lo[anchor.at])) - 1
    fits = (found >= 0) & (keys[order[found]] == anchor.key)
    apart = np.where(fits, np.maximum.accumulate(order)[found], NONE)
    return np.maximum(twin, apart)


def _overlapped(lane: Lane, anchor: Lane, done: Ints, which: Bools) -> Bools:
    """Whether a completion after the anchor in the total order may yet precede it; judged for the anchors *which*."""
    line, code = lane.timeline, lane.code[done]
    blur = _per_key(lane, line.time - line.lo)[anchor.key]
    begin = np.searchsorted(code, anchor.code, "right")
    end = np.searchsorted(code, anchor.key * len(line.time) + np.searchsorted(line.time, line.hi[anchor.at] + blur, "right"))
    result = np.zeros(len(anchor.at), np.bool_)
    for part in _parts(np.flatnonzero(which & (end > begin)), end - begin):
        sizes = (end - begin)[part]
        owner = np.repeat(part, sizes)
        member = np.repeat(begin[part] - np.cumsum(sizes) + sizes, sizes) + np.arange(len(owner))
        result[owner[line.follows(lane.at[done[member]], anchor.at[owner])]] = True
    return result


def _parts(indices: Ints, sizes: Ints) -> Iterator[Ints]:
    """Yield *indices* in parts of at most about ``_CHUNK`` in the sum of their *sizes*."""
    cuts = np.cumsum(sizes[indices]) // _CHUNK
    yield from np.split(indices, np.flatnonzero(np.diff(cuts)) + 1)


def _could(lane: Lane, anchor: Lane, first: Ints) -> Bools:
    """Whether enough events lie near each anchor for any completion at all: necessary, cheap, not sufficient."""
    line = lane.timeline
    window = lane.count.window if lane.count is not None else 0
    blur = _per_key(lane, line.hi - line.time)[anchor.key]
    reach = _per_key(lane, line.time - line.early)[anchor.key]
    begin = lane.first_not_before(anchor.key, first - blur - window)
    end = lane.first_not_before(anchor.key, line.late[anchor.at] + reach + 1)
    weight = np.ones(len(lane.at), np.int64) if lane.count is None or lane.value is not None else line.weight[lane.at]
    total = np.concatenate(([0], np.cumsum(weight)))
    return total[end] - total[np.minimum(begin, end)] >= (1 if lane.count is None else lane.count.gte)


def _per_key(lane: Lane, width: Ints) -> Ints:
    """Return the largest *width* (by position) among the events of each key; every key has one, as the stage is required."""
    return np.maximum.reduceat(width[lane.at], lane.offset[:-1])
