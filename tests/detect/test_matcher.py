"""The matcher's rules one by one, and what other systems got wrong (the numbers are those of our list of peers' failures)."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl
import pytest
from tests.detect.oracle import oracle

from gatewatch.detect.chain import Chain, Count, Stage
from gatewatch.detect.matcher import match
from gatewatch.errors import ContentError
from gatewatch.schema import events as ev
from gatewatch.schema.incidents import Match, Severity, StageHit

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
IP = "192.0.2.7"
RULES = ("fail", "win", "onward", "steal", "mfa")
COLUMNS = (
    *("time", "time_err", "stream", "position", "count", "host", "session", "origin_session"),
    *("origin_ip", "user", "target_user", "src_ip"),
)
SCHEMA = {"row": pl.UInt32(), **{name: ev.DTYPES[name] for name in COLUMNS}, **{f"rule:{rule}": pl.Boolean() for rule in RULES}}

GUESS = Stage("guess", ("fail",), count=Count(5, "15m"))
LOGON = Stage("logon", ("win",), after="15m", anchor=True)
ONWARD = Stage("onward", ("onward",), after="24h", optional=True)


def at(second: float, rule: str, **values: Any) -> dict[str, Any]:
    """Return an event that meets *rule*, so many seconds after the start."""
    return {"time": START + timedelta(seconds=second), "stream": "a", "origin_ip": IP, f"rule:{rule}": True, **values}


def stream(*events: dict[str, Any]) -> pl.DataFrame:
    """Return *events* as a frame; record order within a stream is the order given."""
    numbered = [{"row": row, "position": row, **event} for row, event in enumerate(events)]
    return pl.DataFrame(numbered, schema=SCHEMA)


def chain(*stages: Stage, by: tuple[str, ...] = ("origin_ip",), span: str | None = "48h") -> Chain:
    anchor = next(stage.name for stage in stages if stage.anchor)
    return Chain("a-chain", "A chain", by, stages, {anchor: Severity.HIGH}, "Why.", span=span)


CORE = chain(GUESS, LOGON, ONWARD)


def found(chain: Chain, events: pl.DataFrame, **options: Any) -> list[Match]:
    """Return the matches, after checking that the oracle sees the same."""
    matches = match(chain, events, _number, **options)
    assert matches == oracle(chain, events, _number, **options)
    return matches


def _number(name: str) -> float:
    return {"FailedLogonThreshold": 5, "TimeWindow": 900}[name]


def fails(*seconds: float, **values: Any) -> list[dict[str, Any]]:
    return [at(second, "fail", **values) for second in seconds]


def rows(matches: list[Match]) -> list[dict[str, tuple[int, ...]]]:
    return [{stage.name: tuple(stage.rows) for stage in it.stages} for it in matches]


def test_a_guess_that_ends_in_a_logon_and_goes_onward() -> None:
    events = stream(*fails(0, 1, 2, 3, 4), at(10, "win"), at(60, "onward"), at(90, "onward"))
    [it] = found(CORE, events)
    assert it.chain == "a-chain" and it.key == (("origin_ip", IP),) and it.anchor == 5 and it.notes == ()
    second = timedelta(seconds=1)
    assert it.stages == (
        StageHit("guess", (0, 1, 2, 3, 4), 5, START, START + 4 * second),
        StageHit("logon", (5,), 1, START + 10 * second, START + 10 * second),
        StageHit("onward", (6, 7), 2, START + 60 * second, START + 90 * second),
    )


def test_an_optional_stage_that_did_not_happen_is_missing() -> None:
    [it] = found(CORE, stream(*fails(0, 1, 2, 3, 4), at(10, "win")))
    assert [stage.name for stage in it.stages] == ["guess", "logon"]


def test_nothing_and_nobody() -> None:
    assert found(CORE, stream()) == []
    assert found(CORE, stream(at(0, "win"))) == []
    assert found(CORE, stream(*fails(0, 1, 2, 3, 4))) == []


def test_one_match_for_each_anchor_event() -> None:
    events = stream(*fails(0, 1, 2, 3, 4), at(10, "win"), at(20, "win"), at(30, "win"))
    assert [it.anchor for it in found(CORE, events)] == [5, 6, 7]


# What peers got wrong


def test_01_of_all_permutations_only_the_ordered_one_matches() -> None:
    stages = ("fail", "win", "onward", "steal")
    ordered = chain(*(Stage(name, (name,), anchor=name == "onward") for name in stages))
    for order in itertools.permutations(stages):
        assert bool(found(ordered, stream(*(at(i, rule) for i, rule in enumerate(order))))) == (order == stages)
        together = stream(*(at(0, rule) for rule in order))  # all within one second: record order decides
        assert bool(found(ordered, together)) == (order == stages)


def test_02_interleaved_entities_never_mix() -> None:
    other = "198.51.100.9"
    events = [at(i, "fail", origin_ip=(IP, other)[i % 2]) for i in range(8)]
    assert found(CORE, stream(*events, at(10, "win"), at(11, "win", origin_ip=other))) == []
    assert len(found(CORE, stream(*events, *fails(9), at(10, "win"), at(11, "win", origin_ip=other)))) == 1


@pytest.mark.parametrize(("second", "matches"), [(900, 1), (900.000001, 0)])
def test_03_a_distinct_count_takes_nothing_from_beyond_the_window(second: float, matches: int) -> None:
    spray = chain(msgspec.structs.replace(GUESS, count=Count(3, "15m", "user")), LOGON)
    names = [at(0, "fail", user="ann"), at(1, "fail", user="bob"), at(second, "fail", user="cid"), at(second + 1, "win")]
    assert len(found(spray, stream(*names))) == matches


def test_03_a_distinct_count_counts_values_not_events_and_no_nulls() -> None:
    spray = chain(msgspec.structs.replace(GUESS, count=Count(3, "15m", "user")), LOGON)
    users = ["ann", "bob", "ann", None, "bob", None]
    events = [at(i, "fail", user=user) for i, user in enumerate(users)]
    assert found(spray, stream(*events, at(10, "win"))) == []
    assert len(found(spray, stream(*events, at(8, "fail", user="cid"), at(10, "win")))) == 1


@pytest.mark.parametrize(("second", "matches"), [(900, 1), (900.000001, 0)])
def test_07_a_failure_outside_the_window_does_not_count(second: float, matches: int) -> None:
    assert len(found(CORE, stream(*fails(0, 1, 2, 3, second), at(second + 1, "win")))) == matches


@pytest.mark.parametrize(("second", "matches"), [(904, 1), (904.000001, 0)])
def test_07_a_logon_later_than_after_does_not_match(second: float, matches: int) -> None:
    assert len(found(CORE, stream(*fails(0, 1, 2, 3, 4), at(second, "win")))) == matches


@pytest.mark.parametrize(("second", "matches"), [(60, 1), (61, 0)])
def test_08_one_then_one(second: float, matches: int) -> None:
    pair = chain(Stage("first", ("fail",)), Stage("then", ("win",), after="60s", anchor=True))
    assert len(found(pair, stream(at(0, "fail"), at(second, "win")))) == matches


def test_12_absence_is_judged_only_when_covered_and_the_deadline_has_passed() -> None:
    no_mfa = chain(Stage("logon", ("win",), anchor=True), Stage("no-mfa", ("mfa",), absent=True, within="5m"))
    optional = chain(*(msgspec.structs.replace(stage, optional=stage.absent) for stage in no_mfa.stages))
    silent, with_mfa = stream(at(0, "win")), stream(at(0, "win"), at(300, "mfa"))
    late = START + timedelta(seconds=301)

    def seen(*_: object) -> bool | None:
        return True

    def unseen(*_: object) -> bool | None:
        return None

    def blind(*_: object) -> bool | None:
        return False

    [it] = found(no_mfa, silent, covered=seen, until=late)
    assert it.stages[1] == StageHit("no-mfa", (), 0, START, START + timedelta(seconds=300))
    for options in ({"covered": seen}, {"covered": seen, "until": START + timedelta(seconds=300)}):
        assert found(no_mfa, silent, **options) == []
        [it] = found(optional, silent, **options)
        assert it.notes == ("no-mfa: unknown, the logs end before the deadline",) and len(it.stages) == 1
    for options in ({"covered": unseen}, {"covered": blind}, {}):
        assert found(no_mfa, silent, until=late, **options) == []
        [it] = found(optional, silent, until=late, **options)
        assert it.notes == ("no-mfa: unknown, no log known to cover it",)
    assert found(no_mfa, with_mfa, covered=seen, until=late) == []
    assert found(optional, with_mfa, covered=seen, until=late)[0].notes == ()


def test_12_absence_before_the_anchor_asks_for_that_interval() -> None:
    unasked = chain(Stage("no-mfa", ("mfa",), absent=True, within="5m"), Stage("logon", ("win",), anchor=True))
    asked = []

    def covered(stage: str, row: int, first: datetime, last: datetime) -> bool | None:
        asked.append((stage, row, first, last))
        return True

    assert len(match(unasked, stream(at(0, "mfa"), at(301, "win")), _number, covered=covered)) == 1
    assert asked == [("no-mfa", 1, START + timedelta(seconds=1), START + timedelta(seconds=301))]
    assert found(unasked, stream(at(0, "mfa"), at(300, "win")), covered=covered) == []


@pytest.mark.parametrize("offset", [0, 0.4, 59, 60, 899, 3599.999, 43_199, 86_399])
def test_13_a_window_may_straddle_any_boundary(offset: float) -> None:
    events = stream(*fails(*(offset + second for second in (0, 225, 450, 675, 900))), at(offset + 901, "win"))
    assert len(found(CORE, events)) == 1


def test_14_late_and_shuffled_input_changes_nothing() -> None:
    events = stream(*fails(0, 1, 2, 3, 4), at(10, "win"), *fails(11, 12), at(60, "onward"))
    for seed in range(20):
        assert match(CORE, events.sample(fraction=1, shuffle=True, seed=seed), _number) == found(CORE, events)


def test_18_a_later_failure_hides_no_earlier_entry() -> None:
    [it] = found(CORE, stream(*fails(0, 1, 2, 3, 4), at(10, "win"), *fails(11, 12, 13, 5000)))
    assert it.anchor == 5 and it.stages[0].rows == (0, 1, 2, 3, 4)


def test_27_the_logon_does_not_cancel_the_slow_guess() -> None:
    slow = chain(msgspec.structs.replace(GUESS, count=Count(4, "24h")), msgspec.structs.replace(LOGON, after="6h"))
    assert len(found(slow, stream(*fails(0, 20_000, 40_000, 60_000), at(80_000, "win")))) == 1


def test_28_failures_on_several_hosts_count_together() -> None:
    events = [at(i, "fail", stream=f"host{i}", host=f"host{i}", position=1) for i in range(5)]
    assert len(found(CORE, stream(*events, at(10, "win", stream="host9", host="host9")))) == 1


@pytest.mark.parametrize("before", range(6))
def test_31_the_logon_must_follow_the_last_failure_that_counts(before: int) -> None:
    seconds = [0, 1, 2, 3, 4]
    events = stream(*fails(*seconds[:before]), at(before - 0.5, "win"), *fails(*seconds[before:]))
    assert len(found(CORE, events)) == (before == 5)


@pytest.mark.parametrize("before", range(6))
def test_31_also_within_one_second(before: int) -> None:
    events = stream(*fails(*[0] * before), at(0, "win"), *fails(*[0] * (5 - before)))
    assert len(found(CORE, events)) == (before == 5)


def test_31_what_surely_follows_the_logon_does_not_count_even_under_another_clock() -> None:
    own = [*fails(0), at(1, "win"), *fails(1, 1, 1)]
    firewall = at(2, "fail", stream="firewall", time_err=timedelta(seconds=5))
    assert found(CORE, stream(*own, firewall)) == []
    assert len(found(CORE, stream(*fails(0, 0, 0, 0), at(1, "win"), firewall))) == 1


# Order and clocks


def test_record_order_outranks_the_clock_within_a_stream() -> None:
    pair = chain(Stage("first", ("fail",)), Stage("then", ("win",), anchor=True))
    assert len(found(pair, stream(at(5, "fail"), at(3, "win")))) == 1
    assert found(pair, stream(at(5, "win"), at(3, "fail"))) == []


@pytest.mark.parametrize(
    ("second", "err", "matches", "certain"), [(10, 0, 1, True), (10, 2, 1, True), (10, 2.5, 1, False), (0, 2.5, 1, False), (0, 2, 0, True)]
)
def test_between_streams_overlapping_clocks_make_it_possible(second: float, err: float, matches: int, certain: bool) -> None:
    pair = chain(Stage("first", ("fail",)), Stage("then", ("win",), anchor=True))
    error = timedelta(seconds=err)
    seen = found(pair, stream(at(5, "fail", time_err=error), at(second, "win", stream="b", time_err=error)))
    assert [it.stages[1].certain for it in seen] == [certain] * matches


def test_what_surely_came_before_is_preferred_to_what_may_have() -> None:
    vague = at(10, "fail", stream="b", time_err=timedelta(seconds=3))
    [it] = found(CORE, stream(*fails(0, 1, 2, 3, 4), vague, at(11, "win")))
    assert it.stages[0].rows == (0, 1, 2, 3, 4) and it.stages[1].certain
    [it] = found(CORE, stream(*fails(0, 1, 2, 3), vague, at(11, "win")))
    assert it.stages[0].rows == (0, 1, 2, 3, 4) and not it.stages[1].certain


def test_an_earlier_event_of_a_vague_clock_may_be_the_one_within_bounds() -> None:
    pair = chain(Stage("first", ("fail",)), Stage("then", ("win",), after="60s", anchor=True))
    vague, exact = at(0, "fail", stream="b", time_err=timedelta(seconds=30)), at(1, "fail")
    [it] = found(pair, stream(vague, exact, at(90, "win")))
    assert it.stages[0].rows == (0,) and it.stages[1].certain
    assert found(pair, stream(vague, exact, at(91, "win"))) == []


def test_the_span_may_be_kept_only_from_an_earlier_event_of_a_vague_clock() -> None:
    first, second = Stage("first", ("fail",)), Stage("second", ("mfa",))
    steps = chain(first, second, Stage("then", ("win",), anchor=True), span="60s")
    events = [at(0, "fail", stream="b", time_err=timedelta(seconds=30)), at(1, "fail"), at(40, "mfa")]
    assert rows(found(steps, stream(*events, at(90, "win")))) == [{"first": (0,), "second": (2,), "then": (3,)}]
    assert found(steps, stream(*events, at(91, "win"))) == []


def test_a_required_late_stage_may_need_another_beginning() -> None:
    needed = chain(Stage("first", ("fail",)), Stage("then", ("win",), anchor=True), Stage("on", ("onward",)), span="60s")
    events = [at(0, "fail", stream="b", time_err=timedelta(seconds=30)), at(1, "fail"), at(40, "win")]
    assert rows(found(needed, stream(*events, at(90, "onward")))) == [{"first": (0,), "then": (2,), "on": (3,)}]
    assert found(needed, stream(*events, at(91, "onward"))) == []


def test_no_event_takes_two_places_in_one_choice() -> None:
    twice = chain(*(Stage(name, ("fail",), anchor=name == "one") for name in ("one", "two", "three")))
    same_second = [at(0, "fail", stream=name) for name in "ab"]
    assert found(twice, stream(*same_second)) == []
    assert len(found(twice, stream(*same_second, at(0, "fail", stream="c")))) == 3


def test_three_in_a_row_need_an_order_that_all_clocks_allow() -> None:
    steps = chain(Stage("one", ("fail",)), Stage("two", ("win",)), Stage("three", ("onward",), anchor=True))
    vague = at(5, "win", stream="b", time_err=timedelta(seconds=5))
    assert found(steps, stream(at(8, "fail", stream="a"), vague, at(3, "onward", stream="c"))) == []
    assert len(found(steps, stream(at(3, "fail", stream="a"), vague, at(8, "onward", stream="c")))) == 1


def test_three_in_a_row_need_it_also_after_the_anchor() -> None:
    steps = chain(Stage("logon", ("win",), anchor=True), Stage("one", ("fail",)), Stage("two", ("mfa",)), Stage("three", ("onward",)))
    logon, two = at(0, "win"), at(2, "mfa", stream="c")
    assert len(found(steps, stream(logon, at(1, "fail", stream="b"), two, at(3, "onward", stream="b")))) == 1
    assert found(steps, stream(logon, at(1, "fail", stream="b", position=9), two, at(3, "onward", stream="b"))) == []


def test_a_stage_placed_by_record_order_still_follows_one_placed_by_the_session() -> None:
    one = Stage("one", ("fail",), after="1s", either="during-session")
    two = Stage("two", ("mfa",), after="1s", either="during-session")
    steps = chain(Stage("logon", ("win",), anchor=True), one, two, Stage("three", ("onward",), after="3s"))
    here = {"host": "db1", "session": "pid:4711"}
    events = [at(0, "win", **here), at(5, "mfa", **here), at(7, "onward"), at(10, "fail", **here)]
    assert found(steps, stream(*events)) == []
    assert len(found(steps, stream(*events[:2], at(6, "fail", **here), *events[2:]))) == 1


def test_the_count_of_a_session_begins_at_the_anchor() -> None:
    many = Stage("many", ("onward",), count=Count(2, "60s"), after="1s", either="during-session")
    steps = chain(Stage("first", ("fail",)), Stage("logon", ("win",), anchor=True), many)
    here = {"host": "db1", "session": "pid:4711"}
    events = [at(5, "fail", stream="b", position=9), at(6, "win", **here), at(27, "onward", stream="b", position=3, **here)]
    [it] = found(steps, stream(*events, at(28, "onward", stream="b", position=10, **here)))
    assert it.stages[2].rows == (2, 3)
    assert found(steps, stream(*events)) == []


def test_the_span_runs_from_an_event_of_the_choice() -> None:
    hint = Stage("hint", ("mfa",), optional=True)
    steps = chain(hint, Stage("first", ("fail",)), Stage("then", ("win",), anchor=True), span="60s")
    vague = at(0, "mfa", position=9, time_err=timedelta(seconds=30))
    assert found(steps, stream(vague, at(1, "fail", stream="b"), at(80, "win"))) == []  # by its record the hint came last
    assert len(found(steps, stream({**vague, "position": 0}, at(1, "fail", stream="b"), at(80, "win")))) == 1


def test_events_without_an_instant_take_no_part() -> None:
    events = [*fails(0, 1, 2, 3), at(0, "fail", time=None), at(10, "win"), at(0, "win", time=None)]
    assert found(CORE, stream(*events)) == []
    assert found(CORE, stream(at(0, "win", time=None))) == []


# Keys


def test_a_null_key_matches_nothing() -> None:
    assert found(CORE, stream(*fails(0, 1, 2, 3, 4, origin_ip=None), at(10, "win", origin_ip=None))) == []
    both = chain(GUESS, LOGON, by=("origin_ip", "user"))
    assert found(both, stream(*fails(0, 1, 2, 3, 4), at(10, "win"))) == []
    assert found(both, stream(*fails(0, 1, 2, 3, 4, user="ann"), at(10, "win", user="ann")))[0].key == (("origin_ip", IP), ("user", "ann"))


def test_a_stage_may_take_its_key_from_another_column() -> None:
    made = Stage("made", ("steal",), alias={"user": "target_user"})
    used = chain(made, Stage("used", ("win",), anchor=True), by=("user",))
    assert len(found(used, stream(at(0, "steal", user="root", target_user="eve"), at(1, "win", user="eve")))) == 1
    assert found(used, stream(at(0, "steal", user="eve", target_user="root"), at(1, "win", user="eve"))) == []


def test_a_key_column_that_the_frame_lacks_is_null() -> None:
    events = stream(*fails(0, 1, 2, 3, 4), at(10, "win"))
    assert match(CORE, events.drop("origin_ip", "session", "origin_session", "time_err", "count"), _number) == []
    assert len(match(CORE, events.drop("session", "origin_session", "time_err", "count"), _number)) == 1


# Counts


def test_a_record_counts_as_often_as_it_says() -> None:
    events = stream(at(0, "fail", count=4), at(1, "fail"), at(10, "win"))
    [it] = found(CORE, events)
    assert it.stages[0].count == 5 and it.stages[0].rows == (0, 1)


def test_the_evidence_keeps_the_first_and_the_last_rows_and_counts_all() -> None:
    events = stream(*fails(*(i / 10 for i in range(500))), at(60, "win"))
    guess = found(CORE, events)[0].stages[0]
    assert guess.count == 500 and guess.rows == (*range(20), *range(320, 500))


def test_a_count_stage_after_another_stage_counts_only_what_follows_it() -> None:
    steps = chain(Stage("first", ("win",)), Stage("many", ("fail",), count=Count(3, "15m"), anchor=True))
    assert found(steps, stream(*fails(0, 1), at(2, "win"), *fails(3, 4))) == []
    [it] = found(steps, stream(*fails(0, 1), at(2, "win"), *fails(3, 4, 5)))
    assert it.anchor == 5 and it.stages[1].rows == (3, 4, 5)


def test_a_count_stage_may_come_after_the_anchor() -> None:
    many = Stage("many", ("onward",), count=Count(3, "60s"), after="24h")
    steps = chain(Stage("logon", ("win",), anchor=True), many)
    moves = [at(second, "onward") for second in (5, 100, 110, 120, 130)]
    [it] = found(steps, stream(at(1, "onward"), at(2, "win"), *moves))
    assert it.stages[1].rows == (3, 4, 5, 6) and it.stages[1].count == 4
    assert found(steps, stream(at(1, "onward"), at(2, "win"), *moves[:3])) == []


def test_tunables_are_asked_for() -> None:
    guess = msgspec.structs.replace(GUESS, count=Count("$FailedLogonThreshold", "$TimeWindow"))
    tuned = chain(guess, msgspec.structs.replace(LOGON, after="$TimeWindow"))
    assert len(found(tuned, stream(*fails(0, 1, 2, 3, 4), at(904, "win")))) == 1
    assert found(tuned, stream(*fails(0, 1, 2, 3), at(10, "win"))) == []


# Span, sessions, stages in the middle


@pytest.mark.parametrize(("second", "stages"), [(172_804, 3), (172_805, 2)])
def test_all_completions_lie_within_the_span_of_the_first(second: float, stages: int) -> None:
    far = chain(GUESS, LOGON, msgspec.structs.replace(ONWARD, after="7d"))
    [it] = found(far, stream(*fails(0, 1, 2, 3, 4), at(10, "win"), at(second, "onward")))
    assert len(it.stages) == stages


def test_a_required_late_stage_must_happen() -> None:
    needed = chain(GUESS, LOGON, msgspec.structs.replace(ONWARD, optional=False, after="60s"))
    assert found(needed, stream(*fails(0, 1, 2, 3, 4), at(10, "win"), at(71, "onward"))) == []
    assert len(found(needed, stream(*fails(0, 1, 2, 3, 4), at(10, "win"), at(70, "onward")))) == 1


def test_during_the_session_has_no_deadline() -> None:
    during = chain(GUESS, LOGON, msgspec.structs.replace(ONWARD, after="60s", either="during-session"))
    here = {"host": "db1", "session": "pid:4711"}
    entry = [*fails(0, 1, 2, 3, 4), at(10, "win", **here)]
    week = 7 * 86_400
    assert len(found(during, stream(*entry, at(week, "onward", **here)))[0].stages) == 3
    assert len(found(during, stream(*entry, at(week, "onward", host="db2", session="pid:4711")))[0].stages) == 2
    assert len(found(during, stream(at(-1, "onward", **here), *entry))[0].stages) == 2
    caused = [*entry[:-1], at(10, "win", **here, origin_session="s1"), at(week, "onward", host="db2", origin_session="s1")]
    assert len(found(during, stream(*caused))[0].stages) == 3


def test_no_session_is_nobodys_session() -> None:
    during = chain(GUESS, LOGON, msgspec.structs.replace(ONWARD, after="60s", either="during-session"))
    events = stream(*fails(0, 1, 2, 3, 4), at(10, "win", host="db1"), at(100, "onward", host="db1"))
    assert len(found(during, events)[0].stages) == 2


def test_an_optional_stage_before_the_anchor_is_reported_when_it_fits() -> None:
    steps = chain(Stage("first", ("fail",)), Stage("second", ("mfa",), after="10s", optional=True), Stage("logon", ("win",), anchor=True))
    assert rows(found(steps, stream(at(0, "fail"), at(5, "mfa"), at(9, "win")))) == [{"first": (0,), "second": (1,), "logon": (2,)}]
    assert rows(found(steps, stream(at(0, "fail"), at(11, "mfa"), at(12, "win")))) == [{"first": (0,), "logon": (2,)}]


def test_a_late_stage_may_follow_another_or_the_anchor() -> None:
    steal = Stage("steal", ("steal",), after="60s", optional=True)
    steps = chain(Stage("logon", ("win",), anchor=True), msgspec.structs.replace(ONWARD, after="60s"), steal)
    [it] = found(steps, stream(at(0, "win"), at(50, "steal"), at(55, "onward"), at(110, "steal"), at(120, "steal")))
    assert rows([it]) == [{"logon": (0,), "onward": (2,), "steal": (1, 3)}]


def test_the_row_numbers_are_the_callers() -> None:
    events = stream(*fails(0, 1, 2, 3, 4), at(10, "win")).with_columns((pl.col("row") * 10 + 7).cast(pl.UInt32))
    [it] = found(CORE, events)
    assert it.anchor == 57 and it.stages[0].rows == (7, 17, 27, 37, 47)


def test_a_rule_that_was_not_evaluated_is_refused() -> None:
    with pytest.raises(ContentError, match="chain a-chain: no rule 'onward' was evaluated"):
        match(CORE, stream(at(0, "win")).drop("rule:onward"), _number)


def test_another_rule_or_chain_silences_nothing() -> None:
    events = stream(*fails(0, 1, 2, 3, 4), at(10, "win"), at(20, "onward"))
    more = events.with_columns(pl.lit(True).alias("rule:another"))
    assert match(CORE, more, _number) == match(CORE, events, _number) != []
