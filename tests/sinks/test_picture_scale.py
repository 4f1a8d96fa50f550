from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gatewatch.sinks.moment import zone_info
from gatewatch.sinks.picture_axis import axis_marks, ticks
from gatewatch.sinks.picture_scale import scale

START = datetime(2026, 1, 5, 2, 12, tzinfo=UTC)
MOMENTS = st.datetimes(timezones=st.just(UTC))


def hours(*numbers: float) -> list[tuple[datetime, datetime]]:
    return [(START + timedelta(hours=number), START + timedelta(hours=number, minutes=9)) for number in numbers]


def test_a_long_silence_is_cut_and_the_rest_keeps_its_order() -> None:
    axis = scale(hours(0, 0.5, 19), 0, 600, UTC)
    assert [piece.cut for piece in axis.pieces] == [False, True, False]
    xs = [axis.x(start) for start, _ in hours(0, 0.5, 19)]
    assert xs == sorted(xs)
    assert xs[1] - xs[0] > 100


def test_short_acts_far_apart_stay_visible() -> None:
    axis = scale(hours(0, 10, 20), 0, 600, UTC)
    assert len(axis.breaks()) == 2
    assert all(axis.x(end) - axis.x(start) > 40 for start, end in hours(0, 10, 20))


def test_even_times_are_not_cut() -> None:
    assert not scale(hours(*(number / 4 for number in range(10))), 0, 600, UTC).breaks()


def test_two_bare_instants_are_not_cut() -> None:
    moments = [(START, START), (START + timedelta(minutes=32), START + timedelta(minutes=32))]
    assert not scale(moments, 0, 600, UTC).breaks()


@given(st.lists(st.tuples(MOMENTS, MOMENTS).map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=8))
def test_any_times_fit_between_the_ends_in_order(busy: list[tuple[datetime, datetime]]) -> None:
    axis = scale(busy, 10, 610, zone_info("America/New_York"))
    xs = [axis.x(moment) for moment in sorted(moment for pair in busy for moment in pair)]
    assert xs == sorted(xs)
    assert xs[0] >= 10
    assert xs[-1] <= 610.001
    assert len(ticks(axis)) < 200
    assert axis_marks(axis, 100, "America/New_York", top=10)


def test_ticks_are_round_in_local_time_across_a_change_of_the_clock() -> None:
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)  # Vienna springs forward at 01:00 UTC on the 29th
    axis = scale([(start, start + timedelta(hours=30))], 0, 600, zone_info("Europe/Vienna"), cuts=False)
    found = ticks(axis)
    assert {tick.text[3:] for tick in found} == {"00"}
    assert [tick.day for tick in found if tick.day] == ["28 Mar 2026", "29 Mar 2026", "30 Mar 2026"][-len([t for t in found if t.day]) :]
    assert len({tick.x for tick in found}) == len(found)


def test_every_piece_has_a_label() -> None:
    axis = scale(
        [
            (START, START),
            (START + timedelta(minutes=1), START + timedelta(minutes=2)),
            (START + timedelta(days=40), START + timedelta(days=40)),
        ],
        0,
        600,
        UTC,
    )
    found = ticks(axis)
    for piece in axis.pieces:
        assert piece.cut or any(piece.x0 <= tick.x <= piece.x1 for tick in found)
