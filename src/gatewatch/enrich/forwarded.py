"""Clients behind the site's own proxies: what a declared proxy says of the client is believed, what anybody else says is not.

A Kubernetes API server and Guacamole write the addresses that the request's headers name before that of their peer (``extra.forwarded``).
Only the peer is sure: everything before it may be made up. Where the peer is one of the site's proxies (``[network] proxies``), the address before
it was written by that proxy; where that is a proxy too, the one before it. The first that is no proxy is the source; a chain of proxies alone
leaves the peer.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import ensure
from gatewatch.site.model import Site
from gatewatch.site.range import RangeMap, parse_address

KEPT = "$['forwarded']"
TELLING = ("kubernetes-audit", "guacamole")
"""The sources that write the whole chain."""


def believe(events: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Return *events* with ``src_ip`` and ``session`` those of the client where the site's own proxies say who that is; rows keep their order."""
    if not site.networks.proxies or not events.height or "extra" not in events.columns or "src_ip" not in events.columns:
        return events
    events = ensure(events, "session")
    proxies: RangeMap[bool] = RangeMap([(network, True) for network in site.networks.proxies])
    telling = events["source"].cast(pl.String).is_in(TELLING).fill_null(value=False)
    told = events.select(
        pl.col("src_ip").cast(pl.String).alias("peer"), pl.when(pl.lit(telling)).then(pl.col("extra")).str.json_path_match(KEPT).alias("chain")
    )
    pairs = told.drop_nulls().unique(maintain_order=True)
    found = [_client(peer, chain, proxies) for peer, chain in pairs.iter_rows()]
    if not any(found):
        return events
    table = pairs.with_columns(pl.Series("client", found, dtype=pl.String)).drop_nulls()
    joined = told.join(table, on=["peer", "chain"], how="left", maintain_order="left")
    client = joined["client"]
    session = events["session"].cast(pl.String)
    tail = pl.lit("@" + joined["peer"])
    changed = client.is_not_null()
    own = pl.select(pl.lit(session).str.ends_with(tail).fill_null(value=False)).to_series()
    moved = pl.select(pl.lit(session).str.strip_suffix(tail) + "@" + pl.lit(client)).to_series()
    return events.with_columns(
        pl.when(pl.lit(changed)).then(pl.lit(client).cast(events["src_ip"].dtype)).otherwise("src_ip").alias("src_ip"),
        pl.when(pl.lit(changed & own)).then(pl.lit(moved).cast(events["session"].dtype)).otherwise("session").alias("session"),
    )


def _client(peer: str, chain: str, proxies: RangeMap[bool]) -> str | None:
    """Return the last address of *chain* that is no proxy, where *peer* is one; None where nothing may be believed."""
    if not _is_proxy(peer, proxies):
        return None
    for text in reversed(chain.split(",")):
        address = canonical_address(text.strip())
        if address is None:
            return None
        if not _is_proxy(address, proxies):
            return address
    return None


def _is_proxy(address: str, proxies: RangeMap[bool]) -> bool:
    parsed = parse_address(address)
    return parsed is not None and bool(proxies.find(*parsed))
