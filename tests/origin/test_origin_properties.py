"""What adding, splitting and shuffling may not change; and that no origin is ever invented."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import polars as pl
import pytest
from tests.origin.world import HOSTS, OUTSIDE, frame, world

from gatewatch.origin.attach import Attacher, attributed
from gatewatch.origin.attribution import attribute, bind
from gatewatch.origin.session import build

COLUMNS = ("origin_ip", "hop", "hop_confidence")
SEEDS = range(30)


def verdicts(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    events = frame(rows)
    sessions = build(events)
    bindings = bind(events, sessions, HOSTS)
    return attributed(events, sessions, attribute(sessions, bindings), bindings)[0].select(COLUMNS).rows()


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row["time"])


@pytest.mark.parametrize("seed", SEEDS)
def test_arrival_order_changes_nothing(seed: int) -> None:
    # the total order is by time: files may come in any order and records late
    rows = world(seed)
    shuffled = rows.copy()
    Random(seed).shuffle(shuffled)
    assert verdicts(ordered(shuffled)) == verdicts(rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_unrelated_users_and_hosts_remove_no_attribution(seed: int) -> None:
    rows = world(seed)
    number = Random(seed)
    others = []
    for at in range(20):
        base = number.choice(rows)["time"] + timedelta(microseconds=at + 1)
        others.append(
            {"time": base, "kind": "auth_success", "user": f"other{at % 3}", "host": f"far{at % 2}", "session": f"pid:{5000 + at}", "source": "sshd"}
            | {"src_ip": "10.7.7.7" if at % 2 else "192.0.2.99", "scope": "private" if at % 2 else "public", "service": "ssh"}
        )
    both = ordered([*rows, *others])
    result = verdicts(both)
    told = {id(row): verdict for row, verdict in zip(both, result, strict=True)}
    assert [told[id(row)] for row in rows] == verdicts(rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_batches_are_as_the_whole(seed: int) -> None:
    rows = world(seed)
    events = frame(rows)
    sessions = build(events)
    bindings = bind(events, sessions, HOSTS)
    attacher = Attacher(sessions, attribute(sessions, bindings), bindings)
    whole = attacher.columns(attacher.find(events)).rows()
    cut = max(events.height // 3, 1)
    parts = [events.slice(at, cut) for at in range(0, events.height, cut)]
    assert pl.concat([attacher.columns(attacher.find(part)) for part in parts]).rows() == whole


@pytest.mark.parametrize("seed", SEEDS)
def test_every_origin_is_an_address_that_was_seen_outside(seed: int) -> None:
    rows = world(seed)
    seen = {row["src_ip"] for row in rows if row.get("src_ip") in OUTSIDE}
    for address, hop, confidence in verdicts(rows):
        assert (address is None) == (hop is None) == (confidence is None)
        assert address is None or address in seen


@pytest.mark.parametrize("seed", SEEDS)
def test_without_anybody_outside_nothing_has_an_origin(seed: int) -> None:
    rows = [row for row in world(seed) if row.get("src_ip") not in OUTSIDE]
    assert all(address is None for address, _, _ in verdicts(rows))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_attribution_table_says_the_same_and_why(seed: int) -> None:
    events = frame(world(seed))
    sessions = build(events)
    bindings = bind(events, sessions, HOSTS)
    made, table = attributed(events, sessions, attribute(sessions, bindings), bindings)
    there = made.filter(pl.col("origin_session").is_not_null())
    assert table.select("row", "origin_ip", "origin_session", "hop", "confidence").equals(
        there.select("row", "origin_ip", "origin_session", "hop", pl.col("hop_confidence").alias("confidence"))
    )
    assert table["via"].cast(pl.String).str.len_chars().min() is None or table["via"].cast(pl.String).str.len_chars().min() > 0  # type: ignore[operator]
    for rivals, count, confidence, chosen in table.select("rivals", "rival_count", "confidence", "origin_ip").iter_rows():
        assert len(rivals) <= 8 and len(rivals) <= count and chosen not in rivals
        assert not rivals or confidence == "possible"
