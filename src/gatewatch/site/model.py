"""The site as its owner describes it in ``gatewatch.toml``: networks, places, hosts, zones, tunables, allow and watch entries.

Everything is frozen and checked on loading (:mod:`gatewatch.site.load`); :meth:`Site.default` is the site nobody described.
Host and user names are case-folded; instants are UTC.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from gatewatch.errors import UsageError
from gatewatch.site.hours import Hours
from gatewatch.site.posture import Posture
from gatewatch.site.range import Network, parse_address, within
from gatewatch.site.suggestion import did_you_mean
from gatewatch.site.tunable import BY_NAME, TUNABLES, Layer, Tunable, Value


@dataclass(frozen=True, slots=True)
class Networks:
    """The address ranges of ``[network]``. The most specific range decides; of equal ones, the first in this order."""

    outside: tuple[Network, ...] = ()  # to be treated as public
    vpn_pools: tuple[Network, ...] = ()
    clusters: tuple[Network, ...] = ()
    proxies: tuple[Network, ...] = ()  # their forwarded addresses may be believed
    internal: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where some ranges are, said by the site itself; it overrules every database."""

    name: str
    networks: tuple[Network, ...]
    country: str | None = None
    lat: float | None = None
    lon: float | None = None
    radius_km: float | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """A host: the addresses it bears, the other names logs give it, its zone and site."""

    name: str
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    zone: str | None = None
    site: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Zone and year of the logs that meet every given condition (file glob, host, source module)."""

    zone: str | None = None
    year: int | None = None
    file: str | None = None
    host: str | None = None
    source: str | None = None

    @property
    def rank(self) -> tuple[bool, bool, bool]:
        """How specific it is: a file before a host before a source module."""
        return (self.file is not None, self.host is not None, self.source is not None)

    def holds(self, host: str | None, file: str | None, source: str | None) -> bool:
        """Return whether every condition is met."""
        return (
            (self.file is None or (file is not None and _globbed(file, self.file)))
            and (self.host is None or host == self.host)
            and (self.source is None or source == self.source)
        )


def _globbed(name: str, pattern: str) -> bool:
    path = name.replace("\\", "/").replace("!", "/")
    return fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, f"*/{pattern}")


@dataclass(frozen=True, slots=True)
class Known:
    """An allow entry (``[[known]]``): sources somebody vouches for, why, and until which day (inclusive, in the site's zone).

    A source is covered when it is in ``networks``, in one of ``asns``, in one of ``countries`` or shows one of ``fingerprints``;
    ``users`` and ``services`` narrow the entry. Expiry is judged at the time of the event.
    """

    number: int  # 1-based, in file order
    why: str
    owner: str
    name: str | None = None
    tunable: str = "KnownRemoteIPs"  # the list it is the long form of
    networks: tuple[Network, ...] = ()
    asns: tuple[int, ...] = ()
    countries: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None

    @property
    def label(self) -> str:
        """The entry for people: ``KnownRemoteIPs entry 3 'office' (owner ann, until 2026-12-31)``."""
        name = f" '{self.name}'" if self.name else ""
        until = f"until {self.until}" if self.until is not None else "no expiry"
        return f"{self.tunable} entry {self.number}{name} (owner {self.owner}, {until})"


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch-list entry: any success from these addresses, by these users or on these hosts is of interest."""

    number: int
    why: str
    networks: tuple[Network, ...] = ()
    users: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None

    def covers(self, address: str | None, user: str | None, host: str | None) -> bool:
        """Return whether the entry names the address, the user or the host."""
        if (user is not None and user in self.users) or (host is not None and host in self.hosts):
            return True
        parsed = parse_address(address) if address is not None else None
        return parsed is not None and any(within(network, *parsed) for network in self.networks)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the site forbids; a policy that is declared and broken is proof by itself."""

    rdp_only_after_vpn: bool = False


@dataclass(frozen=True, slots=True)
class GeoFiles:
    """Databases and lists that the site brings along; paths are absolute or relative to the working folder."""

    city: Path | None = None  # a country or city database (MMDB)
    network: Path | None = None  # an autonomous-system database (MMDB)
    anonymizers: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """A tunable with what the site made of it; for ``gatewatch list tunables``."""

    tunable: Tunable
    value: Value | None
    overrides: tuple[tuple[str, Value | None, int], ...]  # (where, value, line)


@dataclass(frozen=True, slots=True)
class Site:
    """The whole of ``gatewatch.toml``."""

    name: str = ""
    zone: str = "UTC"
    year: int | None = None
    networks: Networks = Networks()
    places: tuple[Place, ...] = ()
    hosts: tuple[Host, ...] = ()
    sources: tuple[Source, ...] = ()
    layers: tuple[Layer, ...] = ()
    known: tuple[Known, ...] = ()
    watch: tuple[Watch, ...] = ()
    policy: Policy = Policy()
    geo: GeoFiles = GeoFiles()
    posture: Posture = field(default_factory=Posture)
    path: str | None = None
    _names: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _addresses: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _by_name: Mapping[str, Host] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the hosts and put the most specific settings first."""
        names = {alias: host.name for host in self.hosts for alias in (host.name, *host.aliases)}
        addresses = {address: host.name for host in self.hosts for address in host.addresses}
        object.__setattr__(self, "_names", MappingProxyType(names))
        object.__setattr__(self, "_addresses", MappingProxyType(addresses))
        object.__setattr__(self, "_by_name", MappingProxyType({host.name: host for host in self.hosts}))
        object.__setattr__(self, "layers", tuple(sorted(self.layers, key=lambda layer: layer.rank, reverse=True)))
        sources = [replace(source, host=names.get(source.host, source.host) if source.host else None) for source in reversed(self.sources)]
        object.__setattr__(self, "sources", tuple(sorted(sources, key=lambda source: source.rank, reverse=True)))

    @classmethod
    def default(cls) -> Site:
        """Return the site nobody described: UTC, ATT&CK's thresholds, nothing known."""
        return cls()

    # Hosts and zones

    def host_name(self, name: str) -> str:
        """Return the one name of a host that logs call *name*; an unknown name is returned as it is."""
        return self._names.get(name.casefold(), name)

    def host_names(self) -> tuple[str, ...]:
        """Return the names of the hosts described, in file order."""
        return tuple(self._by_name)

    def addresses(self) -> Mapping[str, str]:
        """Return the host that bears each inner address."""
        return self._addresses

    def site_of(self, host: str | None) -> str | None:
        """Return the site a host belongs to; the site of the file when the host names none; None when neither has a name."""
        found = self._by_name.get(self.host_name(host)) if host is not None else None
        return (found.site if found is not None else None) or self.name or None

    def host_zone(self, host: str | None) -> str:
        """Return the zone a host stands in."""
        found = self._by_name.get(self.host_name(host)) if host is not None else None
        return (found.zone if found is not None else None) or self.zone

    def zone_of(self, host: str | None, file: str | None = None, source: str | None = None) -> str:
        """Return the IANA zone of a log without one: ``[[sources]]`` (most specific first), then the host's, then the site's."""
        host = self.host_name(host) if host is not None else None
        for entry in self.sources:
            if entry.zone is not None and entry.holds(host, file, source):
                return entry.zone
        return self.host_zone(host)

    def year_of(self, host: str | None, file: str | None = None, source: str | None = None) -> int | None:
        """Return the year of a log without one, where the site says it."""
        host = self.host_name(host) if host is not None else None
        for entry in self.sources:
            if entry.year is not None and entry.holds(host, file, source):
                return entry.year
        return self.year

    # Tunables

    def value(
        self, name: str, *, analytic: str | None = None, service: str | None = None, site: str | None = None, user: str | None = None
    ) -> Value | None:
        """Return a tunable as the most specific setting has it. UsageError when there is no such tunable."""
        tunable = BY_NAME.get(name)
        if tunable is None:
            raise UsageError(f"there is no tunable {name!r}{did_you_mean(name, BY_NAME)}")
        analytic = tunable.analytic or analytic
        for layer in self.layers:
            if name in layer.values and layer.holds(analytic=analytic, service=service, site=site, user=user):
                return layer.values[name]
        return tunable.default

    def number(
        self, name: str, *, analytic: str | None = None, service: str | None = None, site: str | None = None, user: str | None = None
    ) -> int:
        """Return a number, or a length of time in seconds. UsageError when the tunable is neither or unknown."""
        value = self.value(name, analytic=analytic, service=service, site=site, user=user)
        if not isinstance(value, int):
            raise UsageError(f"the tunable {name!r} is no number")
        return value

    def hours(self, user: str | None = None, site: str | None = None, service: str | None = None) -> Hours | None:
        """Return the business hours of a user at a site; None where none are configured."""
        windows = self.value("BusinessHours", service=service, site=site, user=user)
        if not windows:
            return None
        holidays = self.value("Holidays", service=service, site=site, user=user) or ()
        zone = self.value("HoursZone", service=service, site=site, user=user)
        return Hours(windows, holidays, zone)  # type: ignore[arg-type]

    def countries(self, user: str | None = None, site: str | None = None, service: str | None = None) -> tuple[str, ...] | None:
        """Return the countries and places allowed (GeoIPWhitelist); None where the site names none."""
        return self.value("GeoIPWhitelist", service=service, site=site, user=user)  # type: ignore[return-value]

    def list_tunables(self) -> tuple[Setting, ...]:
        """Return every tunable with its value for the whole site and where it is overridden, in the order they are declared."""
        rows = []
        for tunable in TUNABLES:
            layers = sorted((layer for layer in self.layers if tunable.name in layer.values), key=lambda layer: layer.order)
            overrides = tuple((layer.where, layer.values[tunable.name], layer.lines.get(tunable.name, 0)) for layer in layers)
            rows.append(Setting(tunable, self.value(tunable.name, analytic=None), overrides))
        return tuple(rows)

    # Entries with a term

    def term(self, since: date | None, until: date | None) -> tuple[datetime | None, datetime | None]:
        """Return the half-open interval of instants between two days, both inclusive, in the site's zone."""
        after = until + timedelta(days=1) if until is not None and until < date.max else None
        return self._midnight(since), self._midnight(after)

    def _midnight(self, day: date | None) -> datetime | None:
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone)).astimezone(UTC) if day is not None else None

    def watching(self, address: str | None, user: str | None, host: str | None, at: datetime) -> Watch | None:
        """Return the first watch-list entry in force at the instant *at* that names the address, the user or the host."""
        for entry in self.watch:
            start, end = self.term(entry.since, entry.until)
            if entry.covers(address, user, host) and (start is None or start <= at) and (end is None or at < end):
                return entry
        return None
