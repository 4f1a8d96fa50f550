"""Second factors: on which earlier days somebody came in at a host, and whether a second factor was passed with it each time.

Only who *always* passed one can be said to have left it out: a remembered device, an office whose network is trusted or a service without a
second factor is seen in earlier days, and then its absence says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from gatewatch.detect.baseline import LEAST_DAYS, LEAST_SUCCESSES
from gatewatch.schema.events import Kind, Mfa, ensure

WITHIN = timedelta(minutes=10)  # as in the chains: a factor belongs to a logon so long before or after it
RULE = "mfa-passed"


class Entry(NamedTuple):
    """One logon of somebody on a host, and whether a second factor was passed with it."""

    time: datetime
    passed: bool


def entries(events: pl.DataFrame, users: Iterable[str]) -> dict[tuple[str, str], tuple[Entry, ...]]:
    """Return the logons of *users* by ``(user, host)`` in order of time; only where a factor was passed at all, and tokens are no logons."""
    events = ensure(events, "kind", "user", "host", "time", "mfa", "auth_method")
    told = pl.col("user").is_in(sorted(set(users))) & pl.col("host").is_not_null() & pl.col("time").is_not_null()
    passed = events.filter((pl.col("kind") == str(Kind.MFA_OK)) & told).select("user", "host", "time").sort("time")
    token = (pl.col("auth_method").cast(pl.String) == "token").fill_null(value=False)
    came = events.filter((pl.col("kind") == str(Kind.AUTH_SUCCESS)) & told & ~token).select(
        "user", "host", "time", (pl.col("mfa").cast(pl.String) == str(Mfa.YES)).fill_null(value=False).alias("said")
    )
    if not passed.height and not came["said"].any():
        return {}
    near = came.sort("time").join_asof(
        passed.with_columns(pl.col("time").alias("at")), on="time", by=["user", "host"], strategy="nearest", tolerance=WITHIN, check_sortedness=False
    )
    found: dict[tuple[str, str], list[Entry]] = {}
    for user, host, time, has in near.select("user", "host", "time", pl.col("said") | pl.col("at").is_not_null()).iter_rows():
        found.setdefault((str(user), str(host)), []).append(Entry(time, has))
    return {key: tuple(logons) for key, logons in found.items() if any(one.passed for one in logons)}


def always_before(logons: tuple[Entry, ...], at: datetime) -> int:
    """Return how many logons of the days before that of *at* passed a second factor, 0 where one did not or the history is too short to say."""
    earlier = [one for one in logons if one.time.date() < at.date()]
    if len(earlier) < LEAST_SUCCESSES or (at.date() - earlier[0].time.date()).days < LEAST_DAYS:
        return 0
    return len(earlier) if all(one.passed for one in earlier) else 0
