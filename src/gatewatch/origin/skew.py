"""Skew: how far the clocks of two hosts are apart, from events that both wrote.

Two hosts see one event where a client writes that it logs on elsewhere (4648, RDP client, WinRM client) and the target writes the logon, and where
a gateway and the server that checks its passwords write the same account from the same outside address. Occurrences are paired in order where both
sides have equally many; at least :data:`PAIRS` pairs that agree within :data:`AGREE` make an estimate, the median. Less is no estimate: a wrong
correction is worse than none. Estimates are shown, and used where the order of two sessions is judged. Only the
surest change times (:mod:`gatewatch.origin.clock`).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from gatewatch.origin.address import Hosts
from gatewatch.origin.passage import short
from gatewatch.schema.events import Kind, ensure

PAIRS = 3
AGREE = 60_000_000  # microseconds between the least and the greatest of the estimate's pairs
WORTH = 5_000_000  # below this, a difference may be the way the records are written
MOST = 4096  # occurrences of one key that are looked at
RADIUS = ("windows-nps", "nps", "freeradius", "radius-accounting")  # sources whose host checks what another gives

SKEWS = pl.Schema({"host": pl.String(), "other": pl.String(), "offset": pl.Int64(), "spread": pl.Int64(), "pairs": pl.UInt32()})


def skews(events: pl.DataFrame, hosts: Hosts) -> pl.DataFrame:
    """Return the clocks that are apart: by how many microseconds *other* is ahead of *host*, give or take ``spread`` (columns: :data:`SKEWS`)."""
    part, logons = _parts(events)
    made = estimates(pl.concat([_both(_leaving(part, hosts), _arriving(logons, hosts)), _seen_twice(logons)]))
    return made.filter(pl.col("offset").abs() >= WORTH)


def sure_pairs(events: pl.DataFrame, hosts: Hosts) -> pl.DataFrame:
    """Return the pairs that two hosts surely wrote of one event: ``host, other, apart``.

    Departure and arrival of a logon, or a gateway's and its RADIUS server's record; other logons that two hosts saw may be a script's, one after the
    other.
    """
    part, logons = _parts(events)
    twice = _seen_twice(logons)
    servers = logons.filter(pl.col("source").is_in(RADIUS))["host"].unique().implode()
    twice = twice.filter(pl.col("host").is_in(servers) != pl.col("other").is_in(servers))
    return pl.concat([_both(_leaving(part, hosts), _arriving(logons, hosts)), twice])


def estimates(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the estimates that *pairs* allow, also of clocks that agree (columns: :data:`SKEWS`), by host."""
    turned = pl.col("host") > pl.col("other")
    pairs = pairs.select(
        pl.when(turned).then("other").otherwise("host").alias("host"),
        pl.when(turned).then("host").otherwise("other").alias("other"),
        pl.when(turned).then(-pl.col("apart")).otherwise("apart").alias("apart"),
    )
    made = (
        pairs.group_by("host", "other")
        .agg(
            pl.col("apart").median().cast(pl.Int64).alias("offset"),
            (pl.col("apart").max() - pl.col("apart").min()).alias("spread"),
            pl.len().alias("pairs"),
        )
        .filter((pl.col("pairs") >= PAIRS) & (pl.col("spread") <= AGREE))
    )
    return made.sort("host", "other").cast(SKEWS)


def _parts(events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the departures and arrivals of logons, and the arrivals alone."""
    events = ensure(events, "host", "user", "target_user", "src_ip", "dst_host", "dst_ip", "scope", "time", "kind", "source")
    kind = pl.col("kind").cast(pl.String)
    part = events.filter(
        kind.is_in([str(Kind.LOGON_OUT), str(Kind.AUTH_SUCCESS)]) & pl.col("time").is_not_null() & pl.col("host").is_not_null()
    )
    names = ("host", "user", "target_user", "src_ip", "dst_host", "dst_ip")
    part = part.select(pl.col(*names, "scope", "source").cast(pl.String), kind, pl.col("time").to_physical())
    return part, part.filter(pl.col("kind") == str(Kind.AUTH_SUCCESS))


def told(found: pl.DataFrame) -> list[str]:
    """Return the estimates as sentences."""
    return [
        f"the clock of {other} is about {abs(offset) // 1_000_000} s {'ahead of' if offset > 0 else 'behind'} that of {host} "
        f"({pairs} events both saw, within {spread // 1_000_000} s): times are as logged; the order between the two is judged with it"
        for host, other, offset, spread, pairs in found.iter_rows()
    ]


def apart(found: pl.DataFrame) -> Mapping[tuple[str, str], tuple[int, int]]:
    """Return (offset, spread) by pair of hosts, both ways round."""
    made = {}
    for host, other, offset, spread, _ in found.iter_rows():
        made[host, other], made[other, host] = (offset, spread), (-offset, spread)
    return made


def _leaving(part: pl.DataFrame, hosts: Hosts) -> pl.DataFrame:
    out = part.filter(pl.col("kind") == str(Kind.LOGON_OUT))
    borne = [hosts.at(address, moment) for address, moment in out.select("dst_ip", "time").iter_rows()]
    target = pl.coalesce(short(pl.col("dst_host")), short(pl.col("borne")))
    return out.with_columns(pl.Series("borne", borne, dtype=pl.String)).select(
        "host", short(pl.col("host")).alias("near"), target.alias("far"), pl.coalesce("target_user", "user").alias("account"), "time"
    )


def _arriving(logons: pl.DataFrame, hosts: Hosts) -> pl.DataFrame:
    inner = logons.filter(pl.col("scope") != "public")
    borne = [hosts.at(address, moment) for address, moment in inner.select("src_ip", "time").iter_rows()]
    return inner.with_columns(pl.Series("borne", borne, dtype=pl.String)).select(
        pl.col("host").alias("other"),
        short(pl.col("borne")).alias("near"),
        short(pl.col("host")).alias("far"),
        pl.col("user").alias("account"),
        "time",
    )


def _both(leaving: pl.DataFrame, arriving: pl.DataFrame) -> pl.DataFrame:
    """Pair departures and arrivals of one account between two hosts, in order, where there are as many of both."""
    key = ["near", "far", "account"]
    one, two = (_numbered(frame.drop_nulls(key), key) for frame in (leaving, arriving))
    joined = one.join(two, on=[*key, "nth", "many"], how="inner", suffix="_there")
    return joined.select("host", "other", (pl.col("time_there") - pl.col("time")).alias("apart"))


def _seen_twice(logons: pl.DataFrame) -> pl.DataFrame:
    """Pair the logons of one account from one outside address that two hosts wrote, where both wrote equally many."""
    outside = logons.filter((pl.col("scope") == "public") & pl.col("user").is_not_null() & pl.col("src_ip").is_not_null())
    outside = outside.filter(pl.col("host").n_unique().over("user", "src_ip") == 2)
    numbered = _numbered(outside.select("host", "user", "src_ip", "time"), ["host", "user", "src_ip"])
    joined = numbered.join(numbered, on=["user", "src_ip", "nth", "many"], how="inner", suffix="_there").filter(pl.col("host") < pl.col("host_there"))
    return joined.select("host", pl.col("host_there").alias("other"), (pl.col("time_there") - pl.col("time")).alias("apart"))


def _numbered(frame: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return (
        frame.sort("time")
        .with_columns(pl.int_range(pl.len()).over(key).alias("nth"), pl.len().over(key).alias("many"))
        .filter(pl.col("many") <= MOST)
    )
