"""Enriching events: site, scope, place, anonymizer, known and off hours. Stateless apart from a cache; works on unique addresses."""

from __future__ import annotations

import numpy as np
import polars as pl

from gatewatch.enrich.anonymizer import Anonymizers
from gatewatch.enrich.hours import off_hours
from gatewatch.enrich.known import KnownSources
from gatewatch.enrich.place import NOWHERE, Geo, Places, Spot
from gatewatch.enrich.scope import ScopeTable
from gatewatch.schema.events import DTYPES, SCOPE, Scope, ensure
from gatewatch.schema.platform import OUTBOUND, OUTBOUND_MAC
from gatewatch.site.model import Site
from gatewatch.site.range import parse_address

_CACHE = 1 << 20
_TABLE: dict[str, pl.DataType] = {
    "scope": SCOPE,
    "country": pl.String(),
    "asn": pl.UInt32(),
    "as_org": pl.String(),
    "place_radius_km": pl.Float64(),
    "anonymizer": pl.Boolean(),
    "class": pl.Int64(),
}
_Row = tuple[Scope | None, str | None, int | None, str | None, float | None, bool | None, int | None]
_UNKNOWN: _Row = (None, None, None, None, None, None, None)


class Enricher:
    """Enriches batches of events for one site; what is known of an address is looked up once."""

    def __init__(self, site: Site, geo: Geo | None = None) -> None:
        """Open what *site* names; *geo* replaces its databases. SiteError when a database or list cannot be used."""
        self.site = site
        self._scopes = ScopeTable(site.networks)
        geo = geo if geo is not None else Geo.open(site)
        self._places = Places(site, geo)
        self._anonymizers = Anonymizers(site)
        self._known = KnownSources(site)
        self._rows: dict[str, _Row] = {}
        self.notes = (*geo.notes, *self._anonymizers.notes)

    def __call__(self, events: pl.DataFrame) -> pl.DataFrame:
        """Return *events* with the columns of this room; rows are kept.

        Adds ``site, scope, country, asn, as_org, place_radius_km, anonymizer, known, known_by, off_hours``; reads, as far as they
        are there, ``kind, pattern, src_ip, dst_ip, time, host, user, service, auth_method, object``.
        """
        full = ensure(events, "src_ip", "host")
        found = self._look_up(full["src_ip"])
        full = full.with_columns(self._sites(full["host"]))
        known = self._known.judge(full, self._parties(full, found["class"]))
        hours = off_hours(full, self.site)
        return events.with_columns(full["site"], *found.drop("class").get_columns(), *known.get_columns(), hours)

    def spot(self, address: str) -> Spot:
        """Return what is known of where an address is, with its position where a database or the site gives one."""
        parsed = parse_address(address)
        return self._places.spot(*parsed, self._scopes.routed(*parsed)) if parsed is not None else NOWHERE

    def scope(self, address: str) -> Scope | None:
        """Return the scope of an address; None when it is none."""
        parsed = parse_address(address)
        return self._scopes.scope(*parsed) if parsed is not None else None

    def _look_up(self, addresses: pl.Series) -> pl.DataFrame:
        """Return what is known of each address, row by row."""
        groups = pl.DataFrame({"src_ip": addresses}).with_row_index("at").group_by("src_ip").agg("at")
        if len(self._rows) > _CACHE:
            self._rows.clear()
        rows = [self._row(address) for address in groups["src_ip"].cast(pl.String).to_list()]
        numbers = np.repeat(np.arange(groups.height), groups["at"].list.len().to_numpy())
        which = np.empty(len(addresses), dtype=np.int64)  # scattering costs half of what a join on text does
        which[groups["at"].explode(empty_as_null=False).to_numpy()] = numbers
        return pl.DataFrame(rows, schema=_TABLE, orient="row")[which]

    def _row(self, address: str | None) -> _Row:
        if address is None:
            return _UNKNOWN
        row = self._rows.get(address)
        if row is None:
            row = self._rows[address] = self._describe(address)
        return row

    def _describe(self, address: str) -> _Row:
        parsed = parse_address(address)
        if parsed is None:
            return _UNKNOWN
        routed = self._scopes.routed(*parsed)
        spot = self._places.spot(*parsed, routed)
        return (
            self._scopes.scope(*parsed),
            spot.country,
            spot.asn,
            spot.as_org,
            spot.radius_km,
            self._anonymizers.lists(*parsed, routed),
            self._known.class_of(*parsed, spot.country, spot.asn),
        )

    def _parties(self, events: pl.DataFrame, classes: pl.Series) -> pl.Series:
        """Return *classes* with that of the target where a host of the site opened the connection: it is the other side that an entry vouches for."""
        if not {"pattern", "dst_ip"} <= set(events.columns):
            return classes
        out = events["pattern"].cast(pl.String).is_in([OUTBOUND, OUTBOUND_MAC]).fill_null(False)
        rows = out.arg_true()
        return classes.scatter(rows, self._look_up(events["dst_ip"][rows])["class"]) if len(rows) else classes

    def _sites(self, hosts: pl.Series) -> pl.Series | pl.Expr:
        if not any(host.site for host in self.site.hosts):
            return pl.lit(self.site.name or None, DTYPES["site"]).alias("site")
        named = hosts.cast(pl.String)
        sites = {host: self.site.site_of(host) for host in named.unique().to_list()}
        return named.replace_strict(sites, default=None, return_dtype=pl.String).alias("site")


def enrich(events: pl.DataFrame, site: Site, geo: Geo | None = None) -> pl.DataFrame:
    """Return one batch enriched; for more than one, keep an :class:`Enricher`."""
    return Enricher(site, geo)(events)
