"""Which host bears which inner address, over time: what the site file says, else what the logs themselves say.

Two records tell: one that names the address of the host that wrote it (``host_ip``, as Sysmon's outbound connections do), and a logon from an inner
address whose client calls itself by the name of a host whose log we have. A client may call itself what it likes and addresses are given anew, so an
address counts only where what is said of it agrees at that time: where all that one host says comes before all that the next says, the address went
from one to the other (a host was renamed, or a lease of DHCP ended); where they alternate, nothing is known. What the site file says goes before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

import polars as pl

from gatewatch.schema.events import Kind, Scope, Service, ensure
from gatewatch.schema.packing import plain
from gatewatch.schema.platform import OUTBOUND, OUTBOUND_MAC, Platform, on_platform

INNER = (Scope.PRIVATE, Scope.SHARED, Scope.VPN_POOL, Scope.LINK_LOCAL)
_OUTSIDE = r"^(?:127\.|::1$|0\.0\.0\.0$|169\.254\.|fe80:)"
EPOCH = -(1 << 62)
CONTROL_PLANE = "control-plane"  # the pattern of a sensor's record that one answered
DOCKER = ("docker-events", "docker-daemon")  # sources of Docker's own logs


@dataclass(frozen=True, slots=True)
class Hosts:
    """The host of each inner address at an instant (microseconds since 1970)."""

    fixed: Mapping[str, str] = field(default_factory=dict)
    learnt: Mapping[str, tuple[tuple[int, ...], tuple[str, ...]]] = field(default_factory=lambda: MappingProxyType({}))

    def at(self, address: str | None, moment: int) -> str | None:
        """Return the host that bears *address* at *moment*; None where nobody says."""
        if address is None:
            return None
        found = self.fixed.get(address)
        if found is not None:
            return found
        spans = self.learnt.get(address)
        if spans is None:
            return None
        return spans[1][max(bisect_right(spans[0], moment) - 1, 0)]

    def spans(self) -> pl.DataFrame:
        """Return the same as a table: ``address, at, host``: from the instant ``at`` on, in microseconds."""
        rows = [(address, EPOCH, host) for address, host in sorted(self.fixed.items())]
        for address, (starts, hosts) in sorted(self.learnt.items()):
            if address not in self.fixed:
                rows += [(address, EPOCH if number == 0 else start, host) for number, (start, host) in enumerate(zip(starts, hosts, strict=True))]
        return pl.DataFrame(rows, schema={"address": pl.String, "at": pl.Int64, "host": pl.String}, orient="row")


def name_hosts(events: pl.DataFrame, hosts: Hosts, macs: Iterable[str] = ()) -> pl.DataFrame:
    """Return *events* with the host named where a record has only its address.

    So does a sensor or a resolver that tells of another's contact with Tor, of what it knocks at, of a control plane that answered, or of a
    connection out to somebody's SSH or VNC; where the host's own logs are those of a Mac (*macs*, and what the events say), the pattern of such a
    connection says so. A control plane whose host nobody names bears its address as its name; Docker's own logs seldom name their host: where one
    Docker API answered and none of them does, they are that host's.
    """
    events = ensure(events, "host", "host_ip", "kind", "time", "pattern", "source")
    told = pl.col("kind").cast(pl.String).is_in([str(Kind.RELAY_CONTACT), str(Kind.PROBE)]) | (pl.col("pattern").cast(pl.String) == OUTBOUND)
    bare = pl.col("host").is_null() & pl.col("host_ip").is_not_null() & told
    rows = events.select(bare.fill_null(value=False).alias("bare"))["bare"].arg_true()
    if len(rows):
        part = events[rows].select(pl.col("host_ip").cast(pl.String), pl.col("time").to_physical().fill_null(EPOCH))
        names = pl.Series([hosts.at(address, moment) for address, moment in part.iter_rows()], dtype=pl.String)
        events = events.with_columns(events["host"].cast(pl.String).scatter(rows, names).cast(events["host"].dtype).alias("host"))
    events = _name_planes(events, hosts)
    out = events.select((pl.col("pattern").cast(pl.String) == OUTBOUND).fill_null(value=False).alias("out"))["out"]
    if not out.any():
        return events
    own = events.filter(on_platform(Platform.MACOS) & pl.col("host").is_not_null())["host"].unique().to_list()
    opened = pl.lit(out) & pl.col("host").is_in(sorted({*own, *macs}))
    pattern = pl.when(opened).then(pl.lit(OUTBOUND_MAC)).otherwise(pl.col("pattern").cast(pl.String))
    return events.with_columns(pattern.cast(events["pattern"].dtype).alias("pattern"))


def _name_planes(events: pl.DataFrame, hosts: Hosts) -> pl.DataFrame:
    """Return *events* with the hosts of control planes that answered, and of Docker's logs that name none."""
    events = ensure(events, "service")
    answered = (pl.col("pattern").cast(pl.String) == CONTROL_PLANE) & pl.col("host_ip").is_not_null()
    rows = events.select((answered & pl.col("host").is_null()).fill_null(value=False).alias("bare"))["bare"].arg_true()
    if not len(rows):
        return events
    part = events[rows].select(pl.col("host_ip").cast(pl.String), pl.col("time").to_physical().fill_null(EPOCH))
    names = pl.Series([hosts.at(address, moment) or address for address, moment in part.iter_rows()], dtype=pl.String)
    events = events.with_columns(events["host"].cast(pl.String).scatter(rows, names).cast(events["host"].dtype).alias("host"))
    docker = (pl.col("service").cast(pl.String) == str(Service.DOCKER_API)).fill_null(value=False)
    planes = events.filter(answered & docker)["host"].unique().to_list()
    own = events.filter(pl.col("source").cast(pl.String).is_in(DOCKER))
    if len(planes) != 1 or not own["host"].is_null().all():
        return events
    unnamed = pl.col("source").cast(pl.String).is_in(DOCKER) & pl.col("host").is_null()
    host = pl.when(unnamed).then(pl.lit(planes[0])).otherwise(pl.col("host").cast(pl.String))
    return events.with_columns(host.cast(events["host"].dtype).alias("host"))


def micros(moment: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return int(pl.Series([moment], dtype=pl.Datetime("us", "UTC")).to_physical()[0])


def learn_hosts(events: pl.DataFrame, declared: Mapping[str, str]) -> Hosts:
    """Return the hosts of addresses: *declared* by the site, else learnt from enriched *events* (names as in the column ``host``)."""
    events = ensure(events, "host", "host_ip", "src_ip", "src_host", "scope", "kind", "time")
    own = events.filter(pl.col("host_ip").is_not_null() & pl.col("host").is_not_null()).select(pl.col("host_ip").alias("address"), "host", "time")
    own, hosts = plain(own), plain(events.select(pl.col("host").drop_nulls().unique()))
    hosts = hosts.with_columns(
        pl.col("host").str.to_lowercase().str.extract(r"^([^.]+)").alias("short")
    )
    hosts = hosts.filter(pl.len().over("short") == 1)
    logons = events.filter(
        (pl.col("kind").cast(pl.String) == str(Kind.AUTH_SUCCESS))
        & pl.col("scope").cast(pl.String).is_in([str(scope) for scope in INNER])
        & pl.col("src_host").is_not_null()
    ).select(
        pl.col("src_ip").cast(pl.String).alias("address"),
        pl.col("src_host").cast(pl.String).str.to_lowercase().str.extract(r"^([^.]+)").alias("short"),
        "time",
    )
    named = logons.join(hosts, on="short", how="left").select("address", "host", "time")
    said = pl.concat([own, named]).filter(pl.col("address").is_not_null() & ~pl.col("address").str.contains(_OUTSIDE))
    claims = (
        said.group_by("address", "host")
        .agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
        .sort("address", "first", "host", nulls_last=True)
    )
    bare = pl.col("host").is_null() | ((pl.len().over("address") > 1) & pl.col("first").is_null())
    mixed = (pl.col("first") <= pl.col("last").cum_max().shift(1).over("address")).fill_null(False)
    sure = claims.filter(~(bare | mixed).any().over("address")).with_columns(pl.col("first").to_physical().fill_null(EPOCH))
    learnt = {
        str(address): (tuple(starts), tuple(names))
        for address, starts, names in sure.group_by("address", maintain_order=True).agg("first", "host").iter_rows()
    }
    return Hosts(dict(declared), MappingProxyType(learnt))
