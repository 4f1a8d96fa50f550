"""Loading ``gatewatch.toml``: every key is known, every value is checked, and all that is wrong is said at once with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

from gatewatch.errors import SiteError
from gatewatch.site.line import find_lines
from gatewatch.site.model import GeoFiles, Host, Known, Networks, Place, Policy, Site, Source, Watch
from gatewatch.site.posture_load import read_posture
from gatewatch.site.range import Network
from gatewatch.site.reader import (
    YEARS,
    Fault,
    Faults,
    Reader,
    flag,
    parse_address_text,
    parse_cidr,
    parse_country,
    parse_day,
    parse_name,
    parse_service,
    parse_zone,
    real,
    text,
    whole,
)
from gatewatch.site.setting import parse_fingerprint, parse_user, read_layers
from gatewatch.site.suggestion import did_you_mean
from gatewatch.site.tunable import BY_NAME, KNOWN_LISTS

_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_MMDB_MARK = b"\xab\xcd\xefMaxMind.com"
_MMDB_TAIL = 128 * 1024  # the format says that its metadata begin no earlier
_LISTS = tuple(tunable.name for tunable in KNOWN_LISTS)


def load_site(path: str | Path) -> Site:
    """Return the site that *path* describes. SiteError, one ``file:line: what`` per line, when anything in it is wrong."""
    site, faults = _read(Path(path))
    wrong = [fault for fault in faults if not fault.warning]
    if site is None or wrong:
        raise SiteError("\n".join(f"{path}:{fault.line}: {fault.text}" for fault in wrong))
    return site


def load_watch(path: str | Path) -> tuple[Watch, ...]:
    """Return the watch-list entries of a file of their own: ``[[watch]]`` tables as in the site file, nothing else. SiteError when wrong."""
    found: list[Watch] = []

    def read(root: Reader) -> None:
        found.extend(_watch(entry, number) for number, entry in enumerate(root.tables("watch"), 1))
        root.close()

    faults = _load(Path(path), read)
    wrong = [fault for fault in faults if not fault.warning]
    if not found and not wrong:
        wrong = [Fault(1, "holds no [[watch]] entry")]
    if wrong:
        raise SiteError("\n".join(f"{path}:{fault.line}: {fault.text}" for fault in wrong))
    return tuple(found)


def check(path: str | Path) -> list[str]:
    """Return what is wrong or doubtful in the site file *path*, as ``file:line: error: …`` and ``file:line: warning: …``."""
    return [f"{path}:{fault.line}: {'warning' if fault.warning else 'error'}: {fault.text}" for fault in _read(Path(path))[1]]


def _read(path: Path) -> tuple[Site | None, list[Fault]]:
    made: list[Site] = []
    faults = _load(path, lambda root: made.append(_site(root, path)))
    return (made[0] if made else None), faults


def _load(path: Path, read: Callable[[Reader], None]) -> list[Fault]:
    """Hand the tables of the TOML file *path* to *read*; return what is wrong, by line."""
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return [Fault(1, f"cannot be read: {error.strerror or error}")]
    except UnicodeDecodeError as error:
        return [Fault(1 + error.object[: error.start].count(b"\n"), "is not UTF-8 text")]
    try:
        values = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        line = int(place.group(1)) if place is not None and place.group(1) else content.count("\n") + 1
        return [Fault(line, f"is no TOML: {_TOML_PLACE.sub('', str(error))}")]
    except RecursionError:
        return [Fault(1, "is no TOML: nested too deeply")]
    faults = Faults(find_lines(content))
    read(Reader(values, (), faults))
    return sorted(set(faults.found))


def _site(root: Reader, path: Path) -> Site:
    general = root.table("site")
    name, zone, year = general.get("name", text), general.get("zone", parse_zone), general.get("year", whole(YEARS[0], YEARS[-1]))
    general.close()
    places = _places(root)
    geo = _geo(root, path)
    policy = root.table("policy")
    rdp_only_after_vpn = policy.get("rdp_only_after_vpn", flag)
    policy.close()
    site = Site(
        name=name or "",
        zone=zone or "UTC",
        year=year,
        networks=_networks(root),
        places=places,
        hosts=_hosts(root),
        sources=tuple(_source(entry) for entry in root.tables("sources")),
        layers=read_layers(root, tuple(place.name for place in places if place.country is None)),
        known=tuple(_known(entry, number, geo, places) for number, entry in enumerate(root.tables("known"), 1)),
        watch=tuple(_watch(entry, number) for number, entry in enumerate(root.tables("watch"), 1)),
        policy=Policy(bool(rdp_only_after_vpn)),
        geo=geo,
        posture=read_posture(root),
        path=str(path),
    )
    root.close()
    return site


def _networks(root: Reader) -> Networks:
    table = root.table("network")
    ranges = {name: table.many(name, parse_cidr) for name in ("outside", "vpn_pools", "clusters", "proxies", "internal")}
    table.close()
    said: dict[object, str] = {}
    for name, networks in ranges.items():
        for network in networks:
            if network in said:
                table.fault(name, f"{network} is in both {said[network]} and {name}")
            said[network] = name
    return Networks(**ranges)


def _places(root: Reader) -> tuple[Place, ...]:
    found: list[Place] = []
    for name, table in root.named("places"):
        networks = table.many("cidrs", parse_cidr)
        country = table.get("country", parse_country)
        lat, lon, radius = table.get("lat", real(-90, 90)), table.get("lon", real(-180, 180)), table.get("radius_km", real(0, 20_040))
        table.close()
        if not networks:
            table.fault(None, f"{table.title} has no 'cidrs': the ranges that lie there")
        if (lat is None) != (lon is None):
            table.fault(None, f"{table.title} needs both lat and lon, or neither")
        found.append(Place(name, networks, country, lat, lon, radius))
    return tuple(found)


def _hosts(root: Reader) -> tuple[Host, ...]:
    found: list[Host] = []
    names: dict[str, str] = {}
    addresses: dict[str, str] = {}
    told: set[str] = set()
    for title, table in root.named("hosts"):
        name = title.casefold()
        host = Host(
            name,
            table.many("addresses", parse_address_text),
            table.many("aliases", parse_name),
            table.get("zone", parse_zone),
            table.get("site", text),
        )
        table.close()
        for alias in (name, *host.aliases):
            if names.setdefault(alias, name) != name or (alias == name and name in told):
                table.fault(None, f"the name {alias!r} belongs to two hosts, {names[alias]} and {name}")
        for address in host.addresses:
            if addresses.setdefault(address, name) != name:
                table.fault("addresses", f"the address {address} belongs to two hosts, {addresses[address]} and {name}")
        found.append(host)
        told.add(name)
    return tuple(found)


def _source(table: Reader) -> Source:
    source = Source(
        zone=table.get("zone", parse_zone),
        year=table.get("year", whole(YEARS[0], YEARS[-1])),
        file=table.get("file", text),
        host=table.get("host", parse_name),
        source=table.get("source", text),
    )
    table.close()
    if not any(key in table.values for key in ("file", "host", "source")):
        table.fault(None, f"{table.title} says neither file, host nor source: a zone or year for all logs belongs in [site]")
    if "zone" not in table.values and "year" not in table.values:
        table.fault(None, f"{table.title} gives neither zone nor year")
    return source


def _list_name(value: object) -> str:
    if value not in _LISTS:
        raise ValueError(f"{value!r} is no list of known sources{did_you_mean(str(value), _LISTS)}; there are {', '.join(_LISTS)}")
    return str(value)


def _known(table: Reader, number: int, geo: GeoFiles, places: tuple[Place, ...]) -> Known:
    hint = "an allow entry says why it is there and who answers for it"
    named = {place.name: place.networks for place in places}

    def place_ranges(value: object) -> tuple[Network, ...]:
        if not isinstance(value, str) or value not in named:
            raise ValueError(f"{value!r} is no place of [places]{did_you_mean(str(value), named)}")
        return named[value]

    entry = Known(
        number=number,
        why=table.need("why", text, hint) or "",
        owner=table.need("owner", text, hint) or "",
        name=table.get("name", text),
        tunable=table.get("list", _list_name) or _LISTS[0],
        networks=(*table.many("cidrs", parse_cidr), *(network for ranges in table.many("places", place_ranges) for network in ranges)),
        asns=table.many("asns", whole(1, 2**32 - 1)),
        countries=table.many("countries", parse_country),
        fingerprints=table.many("fingerprints", parse_fingerprint),
        users=table.many("users", parse_user),
        services=table.many("services", parse_service),
        since=table.get("since", parse_day),
        until=table.get("until", parse_day),
    )
    table.close()
    what = ("cidrs", "places", "asns", "countries", "fingerprints")
    if not any(key in table.values for key in what):
        table.fault(None, f"{table.title} names no source: give one of {', '.join(what)}")
    if entry.since is not None and entry.until is not None and entry.since > entry.until:
        table.fault("until", f"until: {entry.until} is before since ({entry.since})")
    own = BY_NAME[entry.tunable].services
    if own and any(service not in own for service in entry.services):
        table.fault("services", f"services: {entry.tunable} speaks of {', '.join(own)} only")
    if entry.asns and geo.network is None:
        table.fault("asns", "asns: no address can match without an autonomous-system database ([geo] network)", warning=True)
    if "until" not in table.values:
        table.fault(None, f"{table.title} has no 'until': it never expires", warning=True)
    return entry


def _watch(table: Reader, number: int) -> Watch:
    entry = Watch(
        number=number,
        why=table.need("why", text, "a watch entry says why it is there") or "",
        networks=table.many("cidrs", parse_cidr),
        users=table.many("users", parse_user),
        hosts=table.many("hosts", parse_name),
        since=table.get("since", parse_day),
        until=table.get("until", parse_day),
    )
    table.close()
    if not any(key in table.values for key in ("cidrs", "users", "hosts")):
        table.fault(None, f"{table.title} watches nothing: give one of cidrs, users, hosts")
    if entry.since is not None and entry.until is not None and entry.since > entry.until:
        table.fault("until", f"until: {entry.until} is before since ({entry.since})")
    return entry


def _geo(root: Reader, path: Path) -> GeoFiles:
    table = root.table("geo")

    def file(value: object) -> Path:
        found = path.parent / text(value)
        if not found.is_file():
            raise ValueError(f"there is no file {found}")
        return found

    def database(value: object) -> Path:
        found = file(value)
        with found.open("rb") as stream:
            stream.seek(max(0, found.stat().st_size - _MMDB_TAIL))
            if _MMDB_MARK not in stream.read():
                raise ValueError(f"{found} is no MMDB database")
        return found

    files = GeoFiles(table.get("city", database), table.get("network", database), table.many("anonymizers", file))
    table.close()
    return files
