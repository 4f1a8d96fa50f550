from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from gatewatch.lab.score.assignment import assign

SMALL = st.integers(1, 4).flatmap(lambda columns: st.lists(st.lists(st.integers(0, 9), min_size=columns, max_size=columns), min_size=1, max_size=4))


def best(weights: list[list[int]]) -> float:
    """The slow oracle: every way there is."""
    rows, columns = len(weights), len(weights[0])
    places = [*range(columns), *([None] * rows)]
    return max(sum(weights[row][place] for row, place in enumerate(way) if place is not None) for way in permutations(places, rows))


@given(SMALL)
def test_it_is_the_best_there_is(weights: list[list[int]]) -> None:
    chosen = assign([[float(weight) for weight in row] for row in weights])
    taken = [place for place in chosen if place is not None]
    assert len(taken) == len(set(taken))
    assert all(weights[row][place] > 0 for row, place in enumerate(chosen) if place is not None)
    assert sum(weights[row][place] for row, place in enumerate(chosen) if place is not None) == best(weights)


def test_nothing_to_assign() -> None:
    assert assign([]) == []
    assert assign([[], []]) == [None, None]
