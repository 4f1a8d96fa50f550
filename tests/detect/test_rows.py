"""Rows and the events shown for them are what the tuples they stand for are."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.detect.exhibit import Exhibit, Shown, union
from gatewatch.detect.rows import Rows

NOTHING = Exhibit(**dict.fromkeys(Exhibit._fields))._replace(time=datetime(2026, 3, 2, tzinfo=UTC))
BOUND = st.none() | st.integers(-6, 6)


@given(st.lists(st.lists(st.integers(0, 19), max_size=5), min_size=1, max_size=3), BOUND, BOUND, st.sampled_from([None, 1, 2, -1]))
def test_rows_are_their_tuple(parts: list[list[int]], start: int | None, stop: int | None, step: int | None) -> None:
    of = [100 + place for place in range(20)]
    rows = Rows(of, tuple(np.array(part, np.int64) for part in parts))
    plain = tuple(of[place] for part in parts for place in part)
    assert rows == plain
    assert len(rows) == len(plain)
    assert rows[start:stop:step] == plain[start:stop:step]
    for at in range(-len(plain), len(plain)):
        assert rows[at] == plain[at]


@given(st.lists(st.integers(0, 9), max_size=6), st.sets(st.integers(0, 9)))
def test_shown_are_the_events_that_were_read(rows: list[int], known: set[int]) -> None:
    read = {row: NOTHING._replace(row=row) for row in sorted(known)}
    shown, plain = Shown(tuple(rows), read), [read[row] for row in rows if row in read]
    assert list(shown) == plain
    assert len(shown) == len(plain)
    assert bool(shown) == bool(plain)
    if plain:
        assert shown[-1] == plain[-1]
        assert shown[0] == plain[0]
    assert sorted(event.row for event in union([shown, shown])) == sorted({event.row for event in plain})
