"""Windows against a plain count."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.detect import window

EVENT = st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(-1, 3), st.integers(0, 4))  # key, time, value, weight


@given(st.lists(EVENT, max_size=30), st.integers(0, 5))
def test_sums_and_distincts_equal_a_plain_count(events: list[tuple[int, int, int, int]], width: int) -> None:
    events.sort(key=lambda event: event[:2])
    key, time, value, weight = (np.array([event[i] for event in events], np.int64) for i in range(4))
    members = [[i for i in range(end + 1) if key[i] == key[end] and time[i] >= time[end] - width] for end in range(len(events))]
    start = np.array([inside[0] for inside in members], np.int64)
    stop = np.searchsorted(key * 100 + time, key * 100 + time + width, "right")

    assert window.sums(weight, start).tolist() == [sum(int(weight[i]) for i in inside) for inside in members]
    expected = [len({int(value[i]) for i in inside} - {-1}) for inside in members]
    assert window.distincts(value, key, stop).tolist() == expected


def test_measure_counts_only_what_is_kept() -> None:
    weight, value = np.array([1, 5, 2]), np.array([7, -1, 7])
    assert window.measure(weight, None, np.array([True, False, True])) == 3
    assert window.measure(weight, value, np.array([True, True, True])) == 1
    assert window.measure(weight, value, np.array([False, True, False])) == 0
