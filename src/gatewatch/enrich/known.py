"""Known sources: which allow entry vouches for an event, at the time of the event.

Entries are ``[[known]]`` in file order, then the plain lists of ``[tunables]`` (KnownRemoteIPs, KnownSSHClients, KnownVNCServers,
AllowedCIDRs), of which the most specific setting that holds for service, site and user replaces the others. The first entry in force
wins. When only entries out of force match, ``known`` is false and ``known_by`` says which, so nobody wonders why yesterday's entry no
longer helps.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, ensure
from gatewatch.site.model import Site
from gatewatch.site.range import Network, RangeMap
from gatewatch.site.tunable import KNOWN_LISTS, Grants, Layer

K = TypeVar("K", bound=Hashable)

_DEAD = -1  # grants out of force are numbered down from here
_KEYED = (str(AuthMethod.KEY), str(AuthMethod.CERTIFICATE))
_NEEDED = ("kind", "src_ip", "user", "service", "site", "time", "auth_method", "object")


@dataclass(frozen=True, slots=True)
class _When:
    """The conditions of a grant apart from its source; grants that share them are judged together."""

    users: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    layer: tuple[str, int] | None = None  # tunable and place among its layers

    @property
    def bound(self) -> bool:
        return self.start is not None or self.end is not None


@dataclass(frozen=True, slots=True)
class _Grant:
    label: str
    when: _When
    networks: tuple[Network, ...] = ()
    asns: tuple[int, ...] = ()
    countries: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()


class KnownSources:
    """The allow entries of a site, by address class: addresses that the same entries cover share a number, 0 for none."""

    def __init__(self, site: Site) -> None:
        """Index the entries of *site*."""
        self._layers = {tunable.name: _layers(site, tunable.name) for tunable in KNOWN_LISTS}
        self._grants = (*_entries(site), *_lists(self._layers))
        pairs = [(grant, number) for number, grant in enumerate(self._grants)]
        self._ranges: RangeMap[int] = RangeMap((network, number) for grant, number in pairs for network in grant.networks)
        self._asns = _index((asn, number) for grant, number in pairs for asn in grant.asns)
        self._countries = _index((code, number) for grant, number in pairs for code in grant.countries)
        self._prints = {text: number for grant, number in reversed(pairs) for text in grant.fingerprints}
        self._classes: dict[tuple[int, ...], int] = {(): 0}
        self._whens = list(dict.fromkeys(grant.when for grant in self._grants))

    def class_of(self, version: int, number: int, country: str | None, asn: int | None) -> int:
        """Return the number of the set of entries that cover an address."""
        covering = {*self._ranges.find(version, number)}
        covering.update(self._asns.get(asn, ()), self._countries.get(country, ()))
        return self._classes.setdefault(tuple(sorted(covering)), len(self._classes))

    def judge(self, events: pl.DataFrame, classes: pl.Series) -> pl.DataFrame:
        """Return ``known, known_by`` of *events*; *classes* bears the class of each ``src_ip`` (null where there is no address)."""
        events = ensure(events, *_NEEDED)
        known = pl.DataFrame({"class": classes}).select(pl.when(pl.col("class").is_not_null()).then(False).alias("known")).to_series()
        winner = pl.repeat(None, events.height, dtype=pl.Int64, eager=True)
        shown = self._fingerprint(events)
        concerned = ((classes > 0).fill_null(False) | shown.is_not_null()).arg_true()
        if len(concerned):
            frame = events.select(_NEEDED)[concerned].with_columns(classes[concerned].alias("class"), shown[concerned].alias("print"))
            frame = frame.join(self._class_table(), on="class", how="left", maintain_order="left")
            live, dead = self._winners()
            found = frame.select(concerned.alias("at"), live.alias("live"), dead.alias("dead")).filter(
                pl.any_horizontal(pl.col("live", "dead").is_not_null())
            )
            known = known.scatter(found["at"], found["live"].is_not_null())
            winner = winner.scatter(found["at"], found.select(pl.coalesce("live", _DEAD - pl.col("dead"))).to_series())
        return pl.DataFrame({"known": known, "known_by": self._labels(winner)})

    def _fingerprint(self, frame: pl.DataFrame) -> pl.Series:
        """Return the number of the grant for the key that an accepted logon proves, else null: a key offered may be anybody's."""
        if not self._prints:
            return pl.repeat(None, frame.height, dtype=pl.Int64, eager=True)
        proved = (pl.col("kind").cast(pl.String) == str(Kind.AUTH_SUCCESS)) & pl.col("auth_method").cast(pl.String).is_in(_KEYED)
        text = pl.when(proved).then(pl.col("object").cast(pl.String))
        return frame.select(text.replace_strict(self._prints, default=None, return_dtype=pl.Int64)).to_series()

    def _class_table(self) -> pl.DataFrame:
        """Return, per class and condition, the first grant of the class under that condition."""
        rows = list(self._classes.items())
        columns: dict[str, list[int | None]] = {"class": [number for _, number in rows]}
        for index, when in enumerate(self._whens):
            columns[f"when{index}"] = [next((at for at in numbers if self._grants[at].when == when), None) for numbers, _ in rows]
        return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64))

    def _winners(self) -> tuple[pl.Expr, pl.Expr]:
        """Return the first grant in force and the first one out of force, as grant numbers."""
        live: list[pl.Expr] = []
        dead: list[pl.Expr] = [pl.lit(None, pl.Int64)]
        for index, when in enumerate(self._whens):
            shown = [number for number in self._prints.values() if self._grants[number].when == when]
            candidate = pl.min_horizontal(pl.col(f"when{index}"), pl.when(pl.col("print").is_in(shown)).then(pl.col("print")))
            holds = self._holds(when)
            if not when.bound:
                live.append(pl.when(holds).then(candidate))
                continue
            timely = _between(when.start, when.end)
            live.append(pl.when(holds & timely).then(candidate))
            dead.append(pl.when(holds & ~timely).then(candidate))
        return pl.min_horizontal(live), pl.min_horizontal(dead)

    def _holds(self, when: _When) -> pl.Expr:
        holds = pl.lit(True)
        if when.users:
            holds = holds & _among("user", when.users)
        if when.services:
            holds = holds & _among("service", when.services)
        if when.layer is not None:
            name, place = when.layer
            layers = self._layers[name]
            for above in layers[:place]:
                holds = holds & ~_layer_holds(above)
            holds = holds & _layer_holds(layers[place])
        return holds

    def _labels(self, winner: pl.Series) -> pl.Series:
        labels = {number: grant.label for number, grant in enumerate(self._grants)}
        labels |= {_DEAD - number: f"not in force: {label}" for number, label in labels.items()}
        return winner.replace_strict(labels, default=None, return_dtype=pl.String) if labels else winner.cast(pl.String)


def _index(pairs: Iterable[tuple[K, int]]) -> dict[K | None, list[int]]:
    found: dict[K | None, list[int]] = {}
    for key, number in pairs:
        found.setdefault(key, []).append(number)
    return found


def _entries(site: Site) -> Iterator[_Grant]:
    for entry in site.known:
        start, end = site.term(entry.since, entry.until)
        own = next(tunable.services for tunable in KNOWN_LISTS if tunable.name == entry.tunable)
        services = entry.services or tuple(str(service) for service in own)
        yield _Grant(
            entry.label, _When(entry.users, services, start, end), entry.networks, entry.asns, entry.countries, entry.fingerprints
        )


def _layers(site: Site, name: str) -> tuple[Layer, ...]:
    """Return the layers that set a list, the most specific first."""
    return tuple(layer for layer in site.layers if name in layer.values)


def _lists(layers: dict[str, tuple[Layer, ...]]) -> Iterator[_Grant]:
    for tunable in KNOWN_LISTS:
        services = tuple(str(service) for service in tunable.services)
        for place, layer in enumerate(layers[tunable.name]):
            value = layer.values[tunable.name]
            if not isinstance(value, Grants):
                continue
            when = _When(services=services, layer=(tunable.name, place))
            for network, written in value.networks:
                yield _Grant(f"{tunable.name} {written} (no owner, no expiry)", when, networks=(network,))
            for text in value.fingerprints:
                yield _Grant(f"{tunable.name} {text} (no owner, no expiry)", when, fingerprints=(text,))


def _among(name: str, values: tuple[str, ...] | frozenset[str]) -> pl.Expr:
    return pl.col(name).cast(pl.String).is_in(sorted(values)).fill_null(False)


def _layer_holds(layer: Layer) -> pl.Expr:
    holds = pl.lit(True)
    for name, values in (("service", layer.services), ("site", layer.sites), ("user", layer.users)):
        if values:
            holds = holds & _among(name, values)
    return holds


def _between(start: datetime | None, end: datetime | None) -> pl.Expr:
    """Return whether ``time`` lies in a half-open interval; an unknown time lies in none."""
    inside = pl.col("time").is_not_null()
    if start is not None:
        inside = inside & (pl.col("time") >= start)
    if end is not None:
        inside = inside & (pl.col("time") < end)
    return inside.fill_null(False)
