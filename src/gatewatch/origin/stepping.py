"""Stepping stones: the inner address of a host that people enter from outside, told by who logs on from it elsewhere.

The log of a jump host seldom names the jump host's own address. Those of the hosts behind it do, and habit tells whose it is: on several days,
people log on from that address only while they are on the same jump host. An address at which anybody also works without that is a workstation, and
two jump hosts behind one address are told apart by nothing.
"""

from __future__ import annotations

from types import MappingProxyType

import polars as pl

from gatewatch.origin.address import EPOCH, INNER, Hosts
from gatewatch.origin.session import LASTS, Sessions

DAYS = 3  # on which somebody came from the address while on the one host
LOGONS = 5
EXCEPTIONS = 0.1  # the share of logons without such a session (its record was lost, a clock was wrong)


def with_stones(hosts: Hosts, sessions: Sessions) -> Hosts:
    """Return *hosts* with the inner addresses that *sessions* show to be those of entered hosts; what is known otherwise stays."""
    table = sessions.table.filter(pl.col("user").is_not_null() & pl.col("host").is_not_null())
    entered = table.filter(pl.col("outside") & ~pl.col("tunnel")).select(
        "user", pl.col("host").alias("stone"), pl.col("start").alias("came"), pl.coalesce("end", pl.col("start") + LASTS).alias("left")
    )
    inner = pl.col("scope").cast(pl.String).is_in([str(scope) for scope in INNER])
    onward = table.filter(inner & pl.col("src_ip").is_not_null() & ~pl.col("src_ip").is_in(sorted({*hosts.fixed, *hosts.learnt})))
    onward = onward.join(entered.select("user").unique(), on="user", how="semi").select("user", "host", "src_ip", "start")
    if not onward.height:
        return hosts
    paired = onward.sort("start").join_asof(
        entered.sort("came"), left_on="start", right_on="came", by="user", strategy="backward", check_sortedness=False
    )
    live = (pl.col("start") <= pl.col("left")) & (pl.col("stone") != pl.col("host"))
    told = paired.with_columns(pl.when(live).then("stone").alias("stone"), pl.col("start").dt.date().alias("day"))
    found = (
        told.group_by("src_ip")
        .agg(
            pl.len().alias("logons"),
            pl.col("stone").count().alias("live"),
            pl.col("stone").drop_nulls().n_unique().alias("stones"),
            pl.col("day").filter(pl.col("stone").is_not_null()).n_unique().alias("days"),
            pl.col("stone").drop_nulls().first(),
        )
        .filter(
            (pl.col("stones") == 1)
            & (pl.col("live") >= LOGONS)
            & (pl.col("days") >= DAYS)
            & (pl.col("logons") - pl.col("live") <= pl.col("logons") * EXCEPTIONS)
        )
        .sort("src_ip")
    )
    stones = {str(address): ((EPOCH,), (str(host),)) for address, host in found.select("src_ip", "stone").iter_rows()}
    return Hosts(hosts.fixed, MappingProxyType({**hosts.learnt, **stones})) if stones else hosts
