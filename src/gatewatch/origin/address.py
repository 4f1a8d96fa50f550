"""Which host bears which inner address, as far as the logs themselves say so.

Two records tell: one that names the address of the host that wrote it (``host_ip``, as Sysmon's outbound connections do), and a logon from an inner
address whose client calls itself by the name of a host whose log we have. A client may call itself what it likes and addresses are given anew, so an
address counts only where all that is said of it agrees. What the site file says goes before.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Scope, ensure

_INNER = (Scope.PRIVATE, Scope.SHARED, Scope.VPN_POOL, Scope.LINK_LOCAL)
_OUTSIDE = r"^(?:127\.|::1$|0\.0\.0\.0$|169\.254\.|fe80:)"


def learn_addresses(events: pl.DataFrame) -> dict[str, str]:
    """Return address -> host (names as in the column ``host``) from enriched *events*."""
    events = ensure(events, "host", "host_ip", "src_ip", "src_host", "scope", "kind")
    own = events.filter(pl.col("host_ip").is_not_null() & pl.col("host").is_not_null()).select(pl.col("host_ip").alias("address"), "host")
    hosts = events.select(pl.col("host").drop_nulls().unique()).with_columns(
        pl.col("host").str.to_lowercase().str.extract(r"^([^.]+)").alias("short")
    )
    hosts = hosts.filter(pl.len().over("short") == 1)
    logons = events.filter(
        (pl.col("kind").cast(pl.String) == str(Kind.AUTH_SUCCESS))
        & pl.col("scope").cast(pl.String).is_in([str(scope) for scope in _INNER])
        & pl.col("src_host").is_not_null()
    ).select(pl.col("src_ip").alias("address"), pl.col("src_host").str.to_lowercase().str.extract(r"^([^.]+)").alias("short"))
    named = logons.unique().join(hosts, on="short", how="left").select("address", "host")
    said = pl.concat([own, named.with_columns(pl.col("host"))]).unique()
    said = said.filter(~pl.col("address").str.contains(_OUTSIDE))
    agreed = said.filter(pl.len().over("address") == 1).drop_nulls().sort("address")
    return dict(agreed.iter_rows())
