"""Rows and the events shown for them are what the tuples they stand for are."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.detect.exhibit import Exhibit, Shown, union
from gatewatch.detect.rows import Chosen, Rows

ROWS = st.lists(st.integers(0, 50), min_size=1, max_size=30, unique=True)
NOTHING = Exhibit(**dict.fromkeys(Exhibit._fields))._replace(time=datetime(2026, 3, 2, tzinfo=UTC))
BOUND = st.none() | st.integers(-6, 6)


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
