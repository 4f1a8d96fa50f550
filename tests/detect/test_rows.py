"""Rows of a match: equal to a tuple of the same numbers, however they are asked."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.detect.rows import Chosen, Rows

ROWS = st.lists(st.integers(0, 50), min_size=1, max_size=30, unique=True)


@given(ROWS, st.data())
def test_rows_are_as_a_tuple(of: list[int], data: st.DataObject) -> None:
    places = st.lists(st.integers(0, len(of) - 1), max_size=20)
    parts = data.draw(st.lists(places, min_size=1, max_size=2))
    rows = Rows(of, tuple(np.array(part, np.int64) for part in parts))
    plain = tuple(of[place] for part in parts for place in part)
    assert rows == plain
    assert tuple(rows) == plain
    assert len(rows) == len(plain)
    assert (rows[:4], rows[-8:], rows[1:3]) == (plain[:4], plain[-8:], plain[1:3])
    if plain:
        assert (rows[0], rows[-1]) == (plain[0], plain[-1])
        assert isinstance(rows[0], int)
    wanted = data.draw(st.sets(st.integers(0, 50)))
    chosen = Chosen(wanted)
    assert chosen.of(rows) == chosen.of(plain) == [row for row in plain if row in wanted]
    assert chosen.of(rows) == chosen.of(plain), "asked again"
