"""Attribution of sessions and attach of events, at growing sizes: CPU time and peak memory.

``python bench/origin.py [SESSIONS] [EVENTS]`` (default 1,000,000 and 50,000,000) makes a synthetic estate (VPN leases, jump hosts, hops,
inside users), then measures building the sessions, binding, attribution, and attach in batches. The making of the events is not counted.
Run it at a tenth and at three tenths of the size to see that the cost grows linearly.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from gatewatch.origin.attach import Attacher
from gatewatch.origin.attribution import attribute, bind
from gatewatch.origin.session import build
from gatewatch.schema.events import DTYPES

BATCH = 1_000_000
START = 1_767_600_000_000_000  # 2026-01-05
SPAN = 30 * 86_400_000_000
HOUR = 3_600_000_000


def estate(number: int) -> tuple[pl.DataFrame, dict[str, str], dict[str, np.ndarray]]:
    """Return the logons and logoffs of *number* sessions in order, the hosts of addresses, and what the events need to know of the sessions."""
    dice = np.random.default_rng(1)
    hosts = max(number // 200, 10)
    users = max(number // 50, 20)
    kind = dice.choice(4, number, p=[0.25, 0.25, 0.3, 0.2])  # vpn, from a lease, hop, inside
    start = np.sort(dice.integers(0, SPAN, number)) + START
    length = dice.exponential(HOUR, number).astype(np.int64) + 60_000_000
    user = dice.integers(0, users, number)
    host = dice.integers(0, hosts, number)
    pool = max(number // 4, 100)
    lease = dice.integers(0, pool, number)
    source_host = dice.integers(0, hosts, number)
    host_ip, pool_ip = np.array(_addresses(100, hosts)), np.array(_addresses(8, pool))
    outside = np.array([f"203.0.113.{n % 250 + 1}" for n in range(250)] + [f"198.51.100.{n % 250 + 1}" for n in range(250)])
    host_name, user_name = np.array([f"host{n:05}" for n in range(hosts)]), np.array([f"user{n:05}" for n in range(users)])
    src = np.where(kind == 0, outside[dice.integers(0, 500, number)], np.where(kind == 1, pool_ip[lease], host_ip[source_host]))
    where = np.where(kind == 0, "vpn1", host_name[host])
    session = np.char.add("pid:", np.arange(number).astype(str))
    logons = pl.DataFrame(
        {
            "time": pl.Series(start).cast(pl.Datetime("us", "UTC")),
            "kind": pl.Series(["auth_success"] * number, dtype=DTYPES["kind"]),
            "host": where,
            "user": user_name[user],
            "src_ip": src,
            "session": session,
            "assigned_ip": _where(kind == 0, pool_ip[lease]),
            "scope": pl.Series(np.where(kind == 0, "public", "private"), dtype=pl.String).cast(DTYPES["scope"]),
            "service": pl.Series(np.where(kind == 0, "vpn", "ssh"), dtype=pl.String).cast(DTYPES["service"]),
        }
    )
    ended = dice.random(number) < 0.9
    ends = logons.select((pl.col("time") + pl.Series(length).cast(pl.Duration("us"))).alias("time"), "host", "user", "session").filter(
        pl.Series(ended)
    )
    ends = ends.with_columns(pl.lit("session_end").cast(DTYPES["kind"]).alias("kind"))
    events = pl.concat([logons, ends], how="diagonal").sort("time").with_row_index("row")
    known = {"start": start, "length": length, "where": where, "user": user_name[user], "session": session, "pool_ip": pool_ip, "host_ip": host_ip}
    return events, dict(zip(host_ip.tolist(), host_name.tolist(), strict=True)), known


def _addresses(base: int, number: int) -> list[str]:
    return [f"10.{base + n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(number)]


def _where(mask: np.ndarray, values: np.ndarray) -> pl.Series:
    """Return *values* where *mask*, else null."""
    return pl.select(pl.when(pl.Series(mask)).then(pl.Series(values))).to_series()


def batch(number: int, seed: int, known: dict[str, Any], low: float, high: float, first: int) -> pl.DataFrame:
    """Return *number* events of sessions begun in a part of the span: by id, by user, from leased addresses, from entered hosts."""
    dice = np.random.default_rng(seed)
    count = len(known["start"])
    one = dice.integers(int(low * count), max(int(high * count), int(low * count) + 1), number)
    moment = known["start"][one] + (dice.random(number) * known["length"][one]).astype(np.int64)
    way = dice.choice(4, number, p=[0.4, 0.3, 0.15, 0.15])
    kinds = np.array(["exec", "privilege_use", "auth_failure", "connection_denied"])
    source = np.where(
        way == 2, known["pool_ip"][dice.integers(0, len(known["pool_ip"]), number)], known["host_ip"][dice.integers(0, len(known["host_ip"]), number)]
    )
    frame = pl.DataFrame(
        {
            "time": pl.Series(moment).cast(pl.Datetime("us", "UTC")),
            "kind": pl.Series(kinds[way]).cast(DTYPES["kind"]),
            "host": known["where"][one],
            "user": known["user"][one],
            "session": _where(way == 0, known["session"][one]),
            "src_ip": _where(way > 1, source),
            "scope": _where(way > 1, np.full(number, "private")).cast(DTYPES["scope"]),
        }
    )
    return frame.sort("time").with_row_index("row", offset=first)


def main() -> None:
    """Measure."""
    number, total = (
        (int(value) for value in (*sys.argv[1:], "1000000", "50000000")[:2]) if len(sys.argv) != 2 else (int(sys.argv[1]), int(sys.argv[1]) * 50)
    )
    events, hosts, known = estate(number)
    spent: dict[str, float] = {}

    def timed(name: str, step: Callable[[], Any]) -> Any:
        before, wall = time.process_time(), time.perf_counter()
        result = step()
        spent[name] = spent.get(name, 0.0) + time.process_time() - before
        spent[name + " wall"] = spent.get(name + " wall", 0.0) + time.perf_counter() - wall
        return result

    sessions = timed("sessions", partial(build, events))
    bindings = timed("bindings", partial(bind, events, sessions, hosts))
    bonds = timed("attribution", lambda: attribute(sessions, bindings))
    logons = events.height
    del events
    attacher = timed("tracks", lambda: Attacher(sessions, bonds, bindings))
    done, found, batches = 0, 0, -(-total // BATCH)
    for at in range(batches):
        part = batch(min(BATCH, total - done), at + 2, known, at / batches, (at + 1) / batches, logons + done)
        made = timed("attach", lambda part=part: attacher.columns(attacher.find(part)))
        found += made["origin_ip"].is_not_null().sum()
        done += part.height
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    cpu = sum(value for name, value in spent.items() if not name.endswith("wall"))
    wall = sum(value for name, value in spent.items() if name.endswith("wall"))
    print(f"{number:,} sessions, {len(bonds):,} with an origin; {done:,} events, {found:,} with an origin")
    for name in ("sessions", "bindings", "attribution", "tracks", "attach"):
        print(f"  {name:12} {spent[name]:7.1f} s CPU {spent[name + ' wall']:7.1f} s")
    print(f"  {'all':12} {cpu:7.1f} s CPU {wall:7.1f} s; peak {peak:.2f} GB")


if __name__ == "__main__":
    main()
