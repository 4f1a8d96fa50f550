"""Windows: sums and distinct counts over the last moments of a key, for every event at once.

The arrays are sorted by key and, within it, by the total order; the window of an event is a run of them that ends with it.
"""

from __future__ import annotations

import numpy as np

from gatewatch.detect.timeline import Bools, Ints


def sums(weight: Ints, start: Ints) -> Ints:
    """Return for each event the weight from ``start`` up to and with it."""
    total = np.concatenate(([0], np.cumsum(weight)))
    return total[1:] - total[start]


def distincts(value: Ints, key: Ints, stop: Ints) -> Ints:
    """Return for each event the number of distinct values in its window.

    *value* holds codes, -1 for null, which counts for nothing; *stop* is for each event the first one of its key whose
    window no longer reaches back to it. A sweep over intervals: an occurrence is alive until the value occurs
    again or leaves the window, so the alive occurrences at an event are the distinct values of its window.
    """
    size = len(value)
    known = np.flatnonzero(value >= 0)
    order = known[np.lexsort((known, value[known], key[known]))]
    again = np.full(len(order), size)
    if len(order) > 1:
        same = (value[order[1:]] == value[order[:-1]]) & (key[order[1:]] == key[order[:-1]])
        again[:-1] = np.where(same, order[1:], size)
    ends = np.bincount(np.minimum(again, stop[order]), minlength=size + 1)
    return np.cumsum((value >= 0) - ends[:size])


def measure(weight: Ints, value: Ints | None, keep: Bools) -> int:
    """Return the weight, or with *value* the number of distinct values, of the events of one window that *keep* marks."""
    if value is None:
        return int(weight[keep].sum())
    found = value[keep]
    return len(np.unique(found[found >= 0]))
