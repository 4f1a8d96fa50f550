"""Attribution agrees with the oracle on small random worlds, and stays what it is whatever is added, split or shuffled."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from tests.origin.oracle import Oracle, Verdict
from tests.origin.world import HOSTS, frame, world, worlds

from gatewatch.origin.attach import attributed
from gatewatch.origin.attribution import attribute, bind
from gatewatch.origin.session import build

Row = tuple[str | None, int | None, str | None]


def ours(rows: list[dict[str, Any]]) -> tuple[list[tuple[Any, ...]], pl.DataFrame]:
    events = frame(rows)
    sessions = build(events)
    bindings = bind(events, sessions, HOSTS)
    made, table = attributed(events, sessions, attribute(sessions, bindings), bindings)
    return made.select("origin_ip", "hop", "hop_confidence").rows(), table


def theirs(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    oracle = Oracle(rows, HOSTS)

    def flat(verdict: Verdict | None) -> tuple[Any, ...]:
        return (None, None, None) if verdict is None else (verdict.ip, verdict.hop, verdict.confidence)

    return [flat(oracle.origin(at)) for at in range(len(rows))]


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_the_oracle_agrees(rows: list[dict[str, Any]]) -> None:
    assert ours(rows)[0] == theirs(rows)


@pytest.mark.parametrize("part", range(4))
def test_the_oracle_agrees_on_dense_worlds(part: int) -> None:
    for seed in range(part * 200, part * 200 + 200):
        rows = world(seed)
        assert ours(rows)[0] == theirs(rows), f"world {seed}"
