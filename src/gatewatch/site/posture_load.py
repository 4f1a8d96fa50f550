"""Loading the posture tables of ``gatewatch.toml``: ``[zones]``, ``[assets]``, ``[audit]``, ``[[flows]]`` and the other arrays."""

from __future__ import annotations

import re
from datetime import date
from functools import cache

from gatewatch.schema.port import remote_ports, service_of
from gatewatch.site.posture import Asset, Attested, BreakGlass, Flow, PortRange, Posture, Provider, TorStance, WaiverEntry, Zone, ZoneKind
from gatewatch.site.reader import Reader, flag, parse_cidr, parse_day, parse_name, text
from gatewatch.site.suggestion import did_you_mean

_PORTS = re.compile(r"(tcp|udp)/([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")


def parse_ports(value: object) -> PortRange:
    """Return ports such as ``tcp/443`` or ``udp/60000-61000``. ValueError otherwise."""
    found = _PORTS.match(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is no port such as tcp/443 or udp/60000-61000")
    first = int(found[2])
    last = int(found[3] or first)
    if not 0 < first <= last <= 65535:
        raise ValueError(f"{value!r} is no range of ports from 1 to 65535")
    return PortRange(found[1], first, last)


@cache
def _services() -> list[str]:
    return sorted({service_of(port, protocol) for protocol, port in remote_ports()})


def _service(value: object) -> str:
    known = _services()
    if not isinstance(value, str) or value.casefold() not in known:
        raise ValueError(f"{value!r} is no remote service{did_you_mean(str(value), known)}; there are {', '.join(known)}")
    return value.casefold()


def _kind(value: object) -> ZoneKind:
    if value not in set(ZoneKind):
        raise ValueError(f"{value!r} is no kind of zone{did_you_mean(str(value), list(ZoneKind))}; there are {', '.join(ZoneKind)}")
    return ZoneKind(str(value))


def _stance(value: object) -> TorStance:
    if value not in set(TorStance):
        raise ValueError(f"{value!r} is no stance; there are {', '.join(TorStance)} (CISA AA20-183A)")
    return TorStance(str(value))


def _folded(value: object) -> str:
    return text(value).casefold()


def read_posture(root: Reader) -> Posture:
    """Return the posture that the file gives; what is wrong is reported through *root*."""
    zones = tuple(_zone(name, table) for name, table in root.named("zones"))
    names = {zone.name for zone in zones} | {"internet"}
    audit = root.table("audit")
    minimum = audit.table("minimum_version")
    posture = Posture(
        zones=zones,
        assets=tuple(_asset(name, table, names) for name, table in root.named("assets")),
        flows=tuple(_flow(table, names) for table in root.tables("flows")),
        providers=tuple(_provider(table) for table in root.tables("mfa_providers")),
        break_glass=tuple(_break_glass(table) for table in root.tables("break_glass")),
        waivers=tuple(_waiver(table, number) for number, table in enumerate(root.tables("waivers"), 1)),
        attested=tuple(_attested(table) for table in root.tables("attested")),
        management=audit.many("management", parse_cidr),
        concentrators=audit.many("concentrators", parse_name),
        web_proxies=audit.many("web_proxies", _folded),
        resolvers=audit.many("resolvers", _folded),
        remote_tools=audit.many("remote_tools", _folded),
        tor=audit.get("tor", _stance) or TorStance.BLOCK,
        minimum_version=tuple((key.casefold(), minimum.get(key, text) or "") for key in minimum.values),
    )
    minimum.close()
    audit.close()
    return posture


def _zone(name: str, table: Reader) -> Zone:
    kind = table.get("kind", _kind)
    zone = Zone(
        name.casefold(),
        kind or (ZoneKind.INTERNET if name.casefold() == "internet" else ZoneKind.SERVER),
        table.many("cidrs", parse_cidr),
        table.many("interfaces", text),
    )
    table.close()
    if "kind" not in table.values and zone.name != "internet":
        table.fault(None, f"{table.title} has no 'kind': one of {', '.join(ZoneKind)}")
    if not zone.networks and not zone.interfaces and zone.kind is not ZoneKind.INTERNET:
        table.fault(None, f"{table.title} has neither 'cidrs' nor 'interfaces': what lies there")
    return zone


def _zone_name(table: Reader, key: str, names: set[str], need: str) -> str:
    name = (table.need(key, _folded, need) if need else table.get(key, _folded)) or ""
    if name and name not in names:
        table.fault(key, f"{key}: there is no [zones.{name}]{did_you_mean(name, sorted(names))}")
    return name


def _asset(name: str, table: Reader, zones: set[str]) -> Asset:
    asset = Asset(
        name.casefold(),
        _zone_name(table, "zone", zones, "") or None,
        table.many("roles", _folded),
        bool(table.get("critical", flag)),
        table.many("allow", parse_ports),
        table.many("services", _service),
    )
    table.close()
    return asset


def _flow(table: Reader, zones: set[str]) -> Flow:
    hint = "a flow says from which zone to which"
    flow = Flow(
        _zone_name(table, "from", zones, hint),
        _zone_name(table, "to", zones, hint),
        table.many("ports", parse_ports),
        table.need("why", text, "a flow says why it is there") or "",
        table.need("owner", text, "somebody answers for it") or "",
        table.get("until", parse_day),
    )
    table.close()
    if not flow.ports:
        table.fault(None, f"{table.title} names no 'ports'")
    return flow


def _provider(table: Reader) -> Provider:
    mfa = table.need("mfa", flag, "say whether the provider asks for several factors")
    provider = Provider(
        table.need("name", _folded, "the name configuration gives it") or "",
        bool(mfa),
        table.need("why", text, "say how that is known") or "",
        table.many("servers", _folded),
    )
    table.close()
    return provider


def _break_glass(table: Reader) -> BreakGlass:
    entry = BreakGlass(
        table.need("account", _folded, "the account's name") or "",
        table.need("owner", text, "somebody answers for it") or "",
        table.need("why", text, "say what it is kept for") or "",
        table.get("provider", _folded) or "",
        table.get("until", parse_day),
    )
    table.close()
    return entry


def _waiver(table: Reader, number: int) -> WaiverEntry:
    entry = WaiverEntry(
        number,
        table.need("check", text, "the id of a check, see gatewatch list checks") or "",
        table.need("owner", text, "an accepted risk has an owner") or "",
        table.need("reason", text, "an accepted risk has a reason") or "",
        table.need("until", parse_day, "an accepted risk is looked at again") or date.max,
        table.many("hosts", _folded),
        table.many("subjects", _folded),
    )
    table.close()
    return entry


def _attested(table: Reader) -> Attested:
    entry = Attested(
        table.need("topic", _folded, "training, mfa-policy, segmentation-test or what the check asks for") or "",
        table.need("owner", text, "somebody answers for it") or "",
        table.need("done", parse_day, "the day it was done or reviewed") or date.min,
        table.get("until", parse_day),
        table.get("document", text) or "",
    )
    table.close()
    return entry
