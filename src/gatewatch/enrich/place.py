"""Place: country, network and position of a public address, from the site's own places and from MMDB databases.

Without a database of the site, the country comes from the bundled registry data (whose address block it is; statistics © Number Resource
Organization, nro.net, CC BY 4.0), which knows neither networks nor positions. Records as MaxMind, DB-IP, IPinfo and sapics lay them out
are understood.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Protocol

import maxminddb

from gatewatch.errors import SiteError
from gatewatch.site.model import Place, Site
from gatewatch.site.range import RangeMap

BUNDLED = "geo-whois-asn-country.mmdb"


@dataclass(frozen=True, slots=True)
class Spot:
    """What is known of where an address is; kilometres and degrees. ``country`` may be the site's own place name."""

    country: str | None = None
    asn: int | None = None
    as_org: str | None = None
    radius_km: float | None = None
    lat: float | None = None
    lon: float | None = None


NOWHERE = Spot()


class Database(Protocol):
    """Something that returns the record of an address."""

    def get(self, ip_address: str) -> object:
        """Return the record of an address in text form, or None."""


class Geo:
    """The databases of a site, opened once; ``notes`` says which and of what day."""

    def __init__(self, place: Database, network: Database | None = None, notes: tuple[str, ...] = ()) -> None:
        """Take databases that are open; without *network*, the first is asked for networks too."""
        self._place = place
        self._network = network
        self.notes = notes

    @classmethod
    def open(cls, site: Site) -> Geo:
        """Open the databases that *site* names, else the bundled one. SiteError when a file is no MMDB."""
        bundled = files("gatewatch") / "content" / "geo" / BUNDLED
        place = _open(str(site.geo.city or bundled), site)
        network = _open(str(site.geo.network), site) if site.geo.network is not None else None
        notes = tuple(_note(reader) for reader in (place, network) if reader is not None)
        return cls(place, network, notes)

    def spot(self, version: int, number: int) -> Spot:
        """Return what the databases say of an address given as a number."""
        text = str(ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number))
        place = _record(self._place, text)
        network = _record(self._network, text) if self._network is not None else place
        location = place.get("location")
        location = location if isinstance(location, Mapping) else {}
        return Spot(
            country=_country(place),
            asn=_asn(network),
            as_org=_text(network, "autonomous_system_organization", "as_name", "as_organization", "org"),
            radius_km=_number(location, "accuracy_radius"),
            lat=_number(location, "latitude", "lat"),
            lon=_number(location, "longitude", "lon", "lng"),
        )


def _open(path: str, site: Site) -> maxminddb.Reader:
    try:
        return maxminddb.open_database(path)
    except (maxminddb.InvalidDatabaseError, OSError, ValueError) as error:
        raise SiteError(f"{site.path or 'gatewatch.toml'}:1: [geo]: {path} is no MMDB database: {error}") from error


def _note(reader: maxminddb.Reader) -> str:
    built = datetime.fromtimestamp(reader.metadata().build_epoch, UTC).date()
    return f"{reader.metadata().database_type}, built {built}"


def _record(database: Database, address: str) -> Mapping[str, Any]:
    """Return the record of *address*; a damaged one is as good as none."""
    try:
        found = database.get(address)
    except (maxminddb.InvalidDatabaseError, ValueError):  # ValueError: IPv6 in a database of IPv4 only
        return {}
    return found if isinstance(found, Mapping) else {}


def _country(record: Mapping[str, Any]) -> str | None:
    """Return the country code of a record in any of the usual layouts; where the address is registered only when nothing better is said."""
    for key in ("country", "country_code", "registered_country"):
        value = record.get(key)
        code = value.get("iso_code") if isinstance(value, Mapping) else value
        if isinstance(code, str) and len(code) == 2 and code.isalpha():
            return code.upper()
    return None


def _asn(record: Mapping[str, Any]) -> int | None:
    for key in ("autonomous_system_number", "asn", "as_number"):
        value = record.get(key)
        if isinstance(value, str) and value.upper().removeprefix("AS").isdecimal():
            value = int(value.upper().removeprefix("AS"))
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**32:
            return value
    return None


def _text(record: Mapping[str, Any], *keys: str) -> str | None:
    return next((value for key in keys if isinstance(value := record.get(key), str) and value), None)


def _number(record: Mapping[str, Any], *keys: str) -> float | None:
    values = (record.get(key) for key in keys)
    return next((float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)), None)


class Places:
    """Where addresses are: the site's own places first, then the databases."""

    def __init__(self, site: Site, geo: Geo) -> None:
        """Index the places of *site*; *geo* answers for the rest."""
        self._named: RangeMap[Place] = RangeMap((network, place) for place in site.places for network in place.networks)
        self._geo = geo

    def spot(self, version: int, number: int, routed: tuple[int, int] | None) -> Spot:
        """Return where the address is; *routed* is what databases know it by, None when no database can."""
        found = self._geo.spot(*routed) if routed is not None else NOWHERE
        named = self._named.find(version, number)
        if not named:
            return found
        place = named[0]
        radius = place.radius_km if place.lat is not None else None
        return replace(found, country=place.country or place.name, radius_km=radius, lat=place.lat, lon=place.lon)
