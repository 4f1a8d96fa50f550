"""Failures before an anchor, against the plain reading: each success settles the failures of its own user and key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.detect.failure import Book, micros, network

BASE = datetime(2026, 5, 4, 9, tzinfo=UTC)
KEYS = st.sampled_from([("origin_ip",), ("user",), ("host", "user")])
EVENTS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(["gate01", "db02", None]),
        st.sampled_from(["ann", "bob", "root", None]),
        st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8:1:2::3", "2001:db8:1:2::4", None]),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=25,
)


def _frame(events: list[tuple[bool, str | None, str | None, str | None, int]]) -> pl.DataFrame:
    rows = [
        (row, BASE + timedelta(minutes=row // 2), host, user, address, address, weight, None, None, passed)
        for row, (passed, host, user, address, weight) in enumerate(events)
    ]
    schema = {
        "row": pl.UInt32, "time": pl.Datetime("us", "UTC"), "host": pl.String, "user": pl.String, "src_ip": pl.String, "origin_ip": pl.String,
        "count": pl.UInt32, "country": pl.String, "asn": pl.UInt32, "passed": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


@given(EVENTS, KEYS, st.integers(0, 26), st.integers(0, 14))
def test_a_success_settles_what_its_user_failed_before_under_the_same_key(
    events: list[tuple[bool, str | None, str | None, str | None, int]], key: tuple[str, ...], row: int, minute: int
) -> None:
    frame = _frame(events)
    since = BASE + timedelta(minutes=minute)
    book = Book(frame.filter(~pl.col("passed")), frame.filter("passed"), key)
    records = frame.to_dicts()
    for wanted in {tuple(record[name] for name in key) for record in records}:
        if None in wanted:
            continue
        same = [record for record in records if tuple(record[name] for name in key) == wanted and record["row"] < row]
        before = [record for record in same if not record["passed"] and record["time"] >= since]
        passed = [record for record in same if record["passed"] and record["user"] is not None]
        kept = [record for record in before if not any(it["user"] == record["user"] and it["row"] > record["row"] for it in passed)]
        found, settled = book.before(wanted, row, since)
        assert settled == (len(kept) < len(before))
        tally = book.tally(found)
        assert (tally is None) == (not kept)
        if tally is not None:
            assert tally.attempts == sum(record["count"] for record in kept)
            assert tally.names == len({record["user"] for record in kept} - {None})
            assert (tally.first, tally.last) == (kept[0]["time"], kept[-1]["time"])
            nets = {"2001:db8:1:2::/64" if record["src_ip"].startswith("2001") else record["src_ip"] for record in kept if record["src_ip"]}
            assert tally.sources == tuple(sorted(nets))
        failed = [record for record in records if tuple(record[name] for name in key) == wanted and not record["passed"]]
        total = sum(record["count"] for record in failed if record["time"] >= since)
        assert book.total(wanted, since, BASE + timedelta(hours=1)) == total


@given(EVENTS, st.sampled_from(["ann", "zoe", None]), st.sets(st.sampled_from(["ann", "bob", "root", ""])), st.integers(1, 200))
def test_attempts_apart_are_those_counted_one_by_one(
    events: list[tuple[bool, str | None, str | None, str | None, int]], user: str | None, came: set[str], times: int
) -> None:
    failed = [event for event in events if not event[0] and event[3] is not None] * times  # many codes are counted otherwise than few
    frame = _frame(failed).with_columns(pl.lit("192.0.2.1").alias("origin_ip"))
    book = Book(frame, frame.clear(), ("origin_ip",))
    found = np.arange(frame.height)
    home = book.known(dict.fromkeys(came, BASE)) < micros(BASE + timedelta(seconds=1))
    total = sum(event[4] for event in failed)
    mine = sum(event[4] for event in failed if event[2] == user)
    strange = sum(event[4] for event in failed if event[2] != user and (event[2] or "") not in came)
    assert book.apart(found, user, home) == (total, mine, strange)
    tally = book.tally(found, user)
    names = {event[2] for event in failed}
    assert (tally is None) == (not failed)
    if tally is not None:
        assert (tally.attempts, tally.names, tally.only) == (total, len(names - {None}), next(iter(names)) if len(names) == 1 else None)
        assert tally.sources == tuple(sorted({network(event[3] or "") for event in failed}))
        assert tally.mine == (mine if user is not None else 0)
