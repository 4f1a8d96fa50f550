"""The matcher equals the oracle on random streams full of ties, and keeps its promises whatever the stream.

``GATEWATCH_EXAMPLES`` raises the number of examples for a longer hunt.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.detect.oracle import oracle

from gatewatch.detect.chain import Chain, Count, Stage, faults
from gatewatch.detect.matcher import match
from gatewatch.schema import events as ev
from gatewatch.schema.incidents import Severity
from gatewatch.schema.platform import Platform

EXAMPLES = int(os.environ.get("GATEWATCH_EXAMPLES", "150"))
START = datetime(2024, 5, 1, tzinfo=UTC)
RULES = ("r0", "r1", "r2", "r3")
SECONDS = st.sampled_from(["0s", "1s", "2s", "3s", "6s", "$TimeWindow"])
SCHEMA = {
    "row": pl.UInt32(),
    **{name: ev.DTYPES[name] for name in ("time", "time_err", "stream", "position", "count", "host", "session", "origin_session")},
    **{name: ev.DTYPES[name] for name in ("src_ip", "user", "target_user", "source")},
    **{f"rule:{rule}": pl.Boolean() for rule in RULES},
}
slow = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def number(name: str) -> float:
    return {"FailedLogonThreshold": 2, "TimeWindow": 2}[name]


def covered(stage: str, row: int, first: datetime, last: datetime) -> bool | None:
    return (True, True, False, None)[row % 4]


@st.composite
def counts(draw: st.DrawFn) -> Count:
    gte: int | str = draw(st.sampled_from([1, 2, 3]) | st.just("$FailedLogonThreshold"))
    return Count(gte, draw(SECONDS), draw(st.sampled_from([None, None, "user"])))


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    size = draw(st.integers(1, 4))
    anchor = draw(st.integers(0, size - 1))
    stages = []
    for index in range(size):
        rules = tuple(draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=2, unique=True)))
        alias = draw(st.sampled_from([{}, {}, {"user": "target_user"}]))
        if index != anchor and draw(st.integers(0, 9)) == 0:
            optional = draw(st.booleans())
            stages.append(Stage(f"s{index}", rules, alias=alias, absent=True, within=draw(SECONDS), optional=optional))
            continue
        first = all(stage.absent for stage in stages)
        stages.append(
            Stage(
                f"s{index}",
                rules,
                count=draw(st.none() | counts()),
                after=None if first else draw(st.none() | SECONDS),
                either="during-session" if index > anchor and draw(st.booleans()) else None,
                optional=index != anchor and draw(st.booleans()),
                anchor=index == anchor,
                alias=alias,
            )
        )
    by = draw(st.sampled_from([("user",), ("user", "src_ip")]))
    span = draw(st.none() | SECONDS)
    platform = draw(st.sampled_from([None, None, Platform.WINDOWS, Platform.LINUX]))
    chain = Chain("chain", "Title", by, tuple(stages), {f"s{anchor}": Severity.HIGH}, "Why.", span=span, platform=platform)
    assert not list(faults(chain))
    return chain


@st.composite
def long_chains(draw: st.DrawFn) -> Chain:
    """Return chains of three stages before or after the anchor, where overlapping clocks can tie knots."""
    late = draw(st.booleans())
    stages = []
    for index in range(4):
        anchor = index == (0 if late else 3)
        stages.append(
            Stage(
                f"s{index}",
                (RULES[index],),
                count=None if anchor else draw(st.sampled_from([None, None, Count(2, "2s"), Count(2, "3s", "src_ip")])),
                after=draw(st.sampled_from([None, "1s", "3s"])) if index else None,
                either=draw(st.sampled_from([None, "during-session"])) if late and index else None,
                optional=not anchor and draw(st.booleans()),
                anchor=anchor,
            )
        )
    span = draw(st.sampled_from([None, "2s", "4s"]))
    return Chain("long", "Title", ("host",), tuple(stages), {"s0": Severity.HIGH}, "Why.", span=span)


@st.composite
def knots(draw: st.DrawFn) -> pl.DataFrame:
    """Return events of one key under clocks that overlap, each meeting one rule or two."""
    rows: list[dict[str, Any]] = []
    for row in range(draw(st.integers(4, 11))):
        met = draw(st.sets(st.sampled_from(RULES), min_size=1, max_size=2))
        rows.append(
            {
                "row": row,
                "time": START + timedelta(seconds=draw(st.integers(0, 6))),
                "time_err": timedelta(seconds=draw(st.sampled_from([0, 0, 1, 2, 4]))),
                "stream": draw(st.sampled_from(["a", "a", "b", None])),
                "position": draw(st.integers(0, 6)),
                "host": "h",
                "session": draw(st.sampled_from(["p", "p", "q"])),
                "src_ip": draw(st.sampled_from(["192.0.2.1", "192.0.2.2", None])),
                **{f"rule:{rule}": rule in met for rule in RULES},
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA)


@st.composite
def streams(draw: st.DrawFn, most: int = 12) -> pl.DataFrame:
    """Return events with few distinct seconds, few keys (null among them), several streams, some clocks that are wrong."""
    size = draw(st.integers(1, most))
    width = draw(st.integers(1, 8))
    names = draw(st.sampled_from([("a",), ("a", "b"), ("a", "b", None)]))
    errors = draw(st.sampled_from([(None,), (0, 1), (None, 1, 2), (0, 3)]))
    wild = draw(st.booleans())
    users = draw(st.sampled_from([("u",), ("u", "v"), ("u", "v", None)]))
    rows: list[dict[str, Any]] = []
    for row in range(size):
        err = draw(st.sampled_from(errors))
        event: dict[str, Any] = {
            "row": row,
            "time": None if draw(st.integers(0, 19)) == 0 else START + timedelta(seconds=draw(st.integers(0, width))),
            "time_err": None if err is None else timedelta(seconds=err),
            "stream": draw(st.sampled_from(names)),
            "position": None if draw(st.integers(0, 19)) == 0 else draw(st.integers(0, size)) if wild else row,
            "count": draw(st.sampled_from([None, 1, 1, 2, 5])),
            "host": draw(st.sampled_from(["h", "h", None])),
            "session": draw(st.sampled_from(["p", "q", None])),
            "origin_session": draw(st.sampled_from(["o", None, None])),
            "src_ip": draw(st.sampled_from(["192.0.2.1", "192.0.2.1", "192.0.2.2", None])),
            "user": draw(st.sampled_from(users)),
            "target_user": draw(st.sampled_from(users)),
            "source": draw(st.sampled_from(["windows-logon", "sshd", None])),
        }
        event |= {f"rule:{rule}": draw(st.booleans()) for rule in RULES}
        rows.append(event)
    if not wild:  # positions rise with time, as in a sound log
        order = sorted(range(size), key=lambda row: (rows[row]["time"] or START, row))
        for position, row in enumerate(order):
            if rows[row]["position"] is not None:
                rows[row]["position"] = position
    return pl.DataFrame(rows, schema=SCHEMA)


def anchors(chain: Chain, events: pl.DataFrame, **options: Any) -> set[int]:
    return {it.anchor for it in match(chain, events, number, **options)}


@slow
@given(chains(), streams())
def test_equals_the_oracle(chain: Chain, events: pl.DataFrame) -> None:
    assert match(chain, events, number, covered=covered) == oracle(chain, events, number, covered)


@st.composite
def guesses(draw: st.DrawFn) -> Chain:
    """Return chains of the commonest shape: one required stage, the anchor, perhaps something after it."""
    guess = Stage("guess", ("r0",), count=draw(st.none() | counts()))
    logon = Stage("logon", ("r1",), after=draw(st.none() | SECONDS), anchor=True)
    onward = Stage("onward", ("r2", "r3"), after=draw(st.none() | SECONDS), optional=draw(st.booleans()), either="during-session")
    stages = (guess, logon, onward) if draw(st.booleans()) else (guess, logon)
    span = draw(st.none() | SECONDS)
    return Chain("guess", "Title", ("user",), stages, {"logon": Severity.HIGH}, "Why.", span=span)


@slow
@given(guesses(), streams(18))
def test_equals_the_oracle_on_the_common_shape(chain: Chain, events: pl.DataFrame) -> None:
    assert match(chain, events, number) == oracle(chain, events, number)


@slow
@given(long_chains(), knots())
def test_equals_the_oracle_on_long_chains(chain: Chain, events: pl.DataFrame) -> None:
    assert match(chain, events, number) == oracle(chain, events, number)


@slow
@given(chains(), streams(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(chain: Chain, events: pl.DataFrame, random: Any) -> None:
    rows = list(range(events.height))
    random.shuffle(rows)
    assert match(chain, events[rows], number) == match(chain, events, number)


@slow
@given(chains(), streams(), streams())
def test_unrelated_events_remove_no_match(chain: Chain, events: pl.DataFrame, others: pl.DataFrame) -> None:
    chain = msgspec.structs.replace(chain, stages=tuple(stage for stage in chain.stages if not stage.absent))
    others = others.with_columns(
        (pl.col("row") + events.height).cast(pl.UInt32),
        pl.lit("other").alias("user"),
        pl.lit("other").alias("target_user"),
    )
    before = match(chain, events, number)
    after = match(chain, pl.concat([events, others]), number)
    assert [it for it in after if it.anchor < events.height] == before


@slow
@given(chains(), streams(), streams(4))
def test_more_events_of_the_same_key_remove_no_match(chain: Chain, events: pl.DataFrame, others: pl.DataFrame) -> None:
    chain = msgspec.structs.replace(chain, stages=tuple(stage for stage in chain.stages if not stage.absent))
    others = others.with_columns((pl.col("row") + events.height).cast(pl.UInt32))
    assert anchors(chain, events) <= anchors(chain, pl.concat([events, others]))


@slow
@given(chains(), streams())
def test_a_wider_window_loses_no_match(chain: Chain, events: pl.DataFrame) -> None:
    def wider(stage: Stage) -> Stage:
        count = stage.count and msgspec.structs.replace(stage.count, window="5s")
        return msgspec.structs.replace(stage, count=count, after=stage.after and "7s")

    stages = tuple(stage for stage in chain.stages if not stage.absent)
    chain = msgspec.structs.replace(chain, stages=stages)
    narrow = msgspec.structs.replace(chain, stages=tuple(_narrow(stage) for stage in stages), span=chain.span and "4s")
    wide = msgspec.structs.replace(chain, stages=tuple(wider(stage) for stage in stages), span=chain.span and "8s")
    assert anchors(narrow, events) <= anchors(wide, events)


def _narrow(stage: Stage) -> Stage:
    count = stage.count and msgspec.structs.replace(stage.count, window="3s")
    return msgspec.structs.replace(stage, count=count, after=stage.after and "4s")


@slow
@given(chains(), streams())
def test_less_exact_clocks_lose_no_match(chain: Chain, events: pl.DataFrame) -> None:
    chain = msgspec.structs.replace(chain, stages=tuple(stage for stage in chain.stages if not stage.absent))
    vague = events.with_columns(pl.col("time_err").fill_null(timedelta(0)) + timedelta(seconds=1))
    assert anchors(chain, events) <= anchors(chain, vague)


@slow
@given(chains(), streams(), st.integers(-9, 9))
def test_the_place_on_the_clock_does_not_matter(chain: Chain, events: pl.DataFrame, days: int) -> None:
    moved = events.with_columns(pl.col("time") + timedelta(days=days, milliseconds=617))
    assert anchors(chain, events) == anchors(chain, moved)


@slow
@given(chains(), streams())
def test_each_anchor_matches_at_most_once(chain: Chain, events: pl.DataFrame) -> None:
    found = [it.anchor for it in match(chain, events, number)]
    assert len(found) == len(set(found))
