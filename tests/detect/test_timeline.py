"""The timeline: total order, what can follow what, and how disorder widens an event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.detect import timeline
from gatewatch.schema import events as ev

START = datetime(2024, 5, 1, tzinfo=UTC)
SCHEMA = {"row": pl.UInt32(), **{name: ev.DTYPES[name] for name in ("time", "time_err", "stream", "position", "count")}}


def frame(*events: tuple[float, str | None, int | None, float]) -> pl.DataFrame:
    """Return events given as (second, stream, position, error in seconds)."""
    rows: list[dict[str, Any]] = [
        {
            "row": row,
            "time": START + timedelta(seconds=second),
            "time_err": timedelta(seconds=err),
            "stream": stream,
            "position": position,
            "count": None,
        }
        for row, (second, stream, position, err) in enumerate(events)
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def test_the_total_order_is_time_stream_position_row() -> None:
    events = frame((1, "b", 1, 0), (1, "a", 9, 0), (0, "z", 5, 0), (1, "a", 2, 0), (1, None, 3, 0), (1, "a", 2, 0))
    line, positions = timeline.build(events)
    assert line.row.tolist() == [2, 4, 3, 5, 1, 0]
    assert line.row[positions].tolist() == [0, 1, 2, 3, 4, 5]


def test_record_order_decides_within_a_stream_and_intervals_between_two() -> None:
    line, at = timeline.build(frame((5, "a", 1, 2), (3, "a", 2, 2), (4, "b", 7, 1), (9, "b", 8, 1)))
    first, second, other, later = (int(i) for i in at)
    assert line.surely_follows(first, second) and not line.follows(second, first)  # the clock says otherwise
    assert line.follows(first, other) and line.follows(other, first) and not line.surely_follows(first, other)
    assert line.surely_follows(first, later) and not line.follows(later, first)


def test_touching_intervals_overlap() -> None:
    line, at = timeline.build(frame((0, "a", 1, 1), (2, "b", 1, 1)))
    assert line.follows(int(at[1]), int(at[0])) and not line.surely_follows(int(at[0]), int(at[1]))


def test_nothing_follows_itself_nor_another_event_of_its_record() -> None:
    line, at = timeline.build(frame((0, None, None, 3), (0, "a", 1, 3), (1, "a", 1, 3)))
    assert not line.follows(at, at).any()
    assert not line.follows(int(at[1]), int(at[2])) and not line.follows(int(at[2]), int(at[1]))
    assert line.disordered[at].tolist() == [False, True, True]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9), st.sampled_from(["a", "b", None]), st.integers(0, 9) | st.none(), st.sampled_from([0, 1, 3])
        ),
        max_size=12,
    )
)
def test_early_and_late_decide_whatever_they_can(events: list[tuple[int, str | None, int | None, int]]) -> None:
    line, at = timeline.build(frame(*events))
    for a in at.tolist():
        for b in at.tolist():
            if line.early[b] > line.late[a]:
                assert line.surely_follows(a, b) and not line.follows(b, a)
            if a < b and not (line.disordered[a] or line.disordered[b]):
                assert line.follows(a, b)


def test_instants_beyond_the_calendar_are_held_within_it() -> None:
    assert timeline.instant(-(1 << 60)) == timeline.FIRST
    assert timeline.instant(1 << 60) == timeline.LAST
    assert timeline.instant(1_500_000) == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


def test_only_events_with_an_instant_are_timed() -> None:
    events = frame((0, "a", 1, 0), (1, "a", 2, 0)).with_columns(pl.when(pl.col("row") > 0).then("time"))
    assert events.filter(timeline.TIMED)["row"].to_list() == [1]


def test_an_unsorted_stream_of_one_event_is_sorted() -> None:
    line, at = timeline.build(frame((0, "a", 1, 0)))
    assert np.array_equal(at, [0]) and line.weight.tolist() == [1]
