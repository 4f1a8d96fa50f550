"""The smallest hitting set against every set there is."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.audit.hitting import smallest

MEMBERS = 9
SETS = st.lists(st.frozensets(st.integers(0, MEMBERS - 1), min_size=1, max_size=6), max_size=12)
COSTS = st.lists(st.integers(1, 5), min_size=MEMBERS, max_size=MEMBERS)


def every(sets: list[frozenset[int]], cost: list[int]) -> tuple[tuple[int, ...], int]:
    """Try all sets, fewest members first."""
    for size in range(MEMBERS + 1):
        found = [chosen for chosen in combinations(range(MEMBERS), size) if all(one & set(chosen) for one in sets)]
        if found:
            return min(found, key=lambda one: (sum(cost[at] for at in one), one)), len(found) - 1
    raise AssertionError("all members together hit every set that is not empty")


@settings(max_examples=1500, deadline=None)
@given(SETS, COSTS)
def test_it_is_the_best_of_all_sets(sets: list[frozenset[int]], cost: list[int]) -> None:
    assert smallest(sets, cost) == every(sets, cost)


def test_what_nothing_hits_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        smallest([frozenset({1}), frozenset()], [1, 1])


def test_fewest_members_come_before_least_effort() -> None:
    assert smallest([frozenset({0, 1}), frozenset({0, 2})], [5, 1, 1]) == ((0,), 0)


def test_nothing_to_hit_needs_nothing() -> None:
    assert smallest([], [1, 1]) == ((), 0)


def test_many_incidents_over_all_measures_are_no_burden() -> None:
    """Sixteen pairs that share nothing: the greatest answer and the most ties 32 measures allow."""
    best, others = smallest([frozenset({at, at + 16}) for at in range(16)], [1] * 32)
    assert best == tuple(range(16))
    assert others == 2**16 - 1
