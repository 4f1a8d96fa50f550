"""PAN-OS: security and NAT rules of a virtual system as one packet filter; zones stand for interfaces.

Security rules name the destination before translation and the zone after it; the model names both after it, so a rule that speaks of a
translated address speaks of its target too.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from gatewatch.evidence.address import outside, parse_port, parse_span, spans
from gatewatch.evidence.panos_tree import Config, Objects, entries, members, text
from gatewatch.schema.facts.filter import FOUR_SPAN, SIX_SPAN, TCP, UDP, Action, Chain, Interface, Nat, PacketFilter, Rule, Semantics, Span, Spans
from gatewatch.schema.facts.gateway import Management

APPLICATIONS = {"ms-rdp": 3389, "ssh": 22, "telnet": 23, "vnc-base": 5900, "ssl": 443, "web-browsing": 80, "ftp": 21, "smtp": 25, "winrm": 5985}
REMOTE = frozenset({"ms-rdp", "ssh", "telnet", "vnc", "vnc-base", "winrm", "ms-wmi", "ms-ds-smb", "ms-ds-smb-base", "t.120", "teamviewer", "anydesk"})
_KINDS = ("ethernet", "aggregate-ethernet", "vlan", "loopback", "tunnel")


def faces(config: Config) -> dict[str, list[str]]:
    """Return the addresses of each interface."""
    made: dict[str, list[str]] = {}
    network = config.device.find("network/interface") if config.device is not None else None
    for kind in _KINDS:
        base = network.find(kind) if network is not None else None
        if base is None:
            continue
        units = [*[one for one in base if one.tag == "entry"], *entries(base, "units")]
        for one in units:
            for unit in (one, *entries(one, "layer3/units")):
                made[unit.get("name", "")] = members(unit, "layer3/ip") or members(unit, "ip")
    return made


def zones(system: Element) -> dict[str, list[str]]:
    """Return the interfaces of each zone."""
    made = {}
    for one in entries(system, "zone"):
        network = one.find("network")
        made[one.get("name", "")] = [name for kind in (network if network is not None else ()) for name in members(network, kind.tag)]
    return made


def external_interfaces(config: Config) -> set[str]:
    """Return the interfaces a default route leads out by."""
    found = set()
    for router in entries(config.device, "network/virtual-router"):
        for route in entries(router, "routing-table/ip/static-route"):
            if text(route, "destination") in {"0.0.0.0/0", "default"} and text(route, "interface"):
                found.add(text(route, "interface"))
    return found


def routed(config: Config, known: Objects, addresses: dict[str, list[str]]) -> dict[str, list[Span]]:
    """Return the networks that static routes lead to, default ones aside, by interface: the one a route names, or the one its next hop is on."""
    near = {face: [span for text in listed if (span := _one(known, text)) is not None] for face, listed in addresses.items()}
    made: dict[str, list[Span]] = {}
    for router in [*entries(config.device, "network/virtual-router"), *entries(config.device, "network/logical-router")]:
        routes = [one for path in ("routing-table/ip/static-route", "routing-table/ipv6/static-route") for one in entries(router, path)]
        routes += [one for vrf in entries(router, "vrf") for one in entries(vrf, "routing-table/ip/static-route")]
        for route in routes:
            target = _one(known, text(route, "destination"))
            face = text(route, "interface")
            hop = _one(known, text(route, "nexthop/ip-address") or text(route, "nexthop/ipv6-address"))
            if not face and hop is not None:
                face = next((name for name, listed in near.items() if any(low <= hop[0] <= high for low, high in listed)), "")
            if target is not None and face and target not in {FOUR_SPAN, SIX_SPAN}:
                made.setdefault(face, []).append(target)
    return made


def rules_of(config: Config, system: Element, kind: str) -> Iterator[tuple[str, Element]]:
    """Yield the rules of a kind with their pointers, in the order in which they are met."""
    for base in ("pre-rulebase", "rulebase", "post-rulebase"):
        for scope in (config.root.find("panorama"), system):
            for one in entries(scope, f"{base}/{kind}/rules"):
                yield f"{base}/{kind}/rules/entry[@name={one.get('name', '')!r}]", one


def packet_filter(config: Config, name: str, system: Element, host: str, planes: list[Management]) -> PacketFilter:
    """Return the packet filter of a virtual system."""
    known = Objects(config.scopes(system))
    addresses = faces(config)
    listed = zones(system)
    nat = [one for pointer, node in rules_of(config, system, "nat") for one in _nat(config, known, pointer, node)]
    moved = [(one.destinations, one.nat.addresses) for one in nat if one.destinations and one.nat is not None and one.nat.addresses]
    forward = [rule for pointer, node in rules_of(config, system, "security") for rule in _security(config, known, pointer, node, moved)]
    forward += _defaults(config, system, list(listed))
    zone_of = {face: zone for zone, names in listed.items() for face in names}
    box = [
        Rule(
            Action.ACCEPT, plane.where[0], sources=plane.sources, protocols=(TCP,), ports=((plane.port, plane.port),),
            interfaces_in=(zone_of[plane.interface],),
        ) for plane in planes if plane.protocol and plane.interface in zone_of
    ]  # fmt: skip
    for path in ("global-protect/global-protect-portal", "global-protect/global-protect-gateway"):
        for one in entries(system, path):
            face = text(one, "portal-config/local-address/interface") or text(one, "local-address/interface")
            if face in zone_of:
                place = config.spot(f"{path}/entry[@name={one.get('name', '')!r}]")
                box.append(Rule(Action.ACCEPT, place, protocols=(TCP,), ports=((443, 443),), interfaces_in=(zone_of[face],)))
    made = []
    beyond = routed(config, known, addresses)
    for zone, names in listed.items():
        own = [span for face in names for literal in addresses.get(face, ()) if (span := _one(known, literal)) is not None]
        alone = [span for face in names for literal in addresses.get(face, ()) if (span := parse_span(literal.partition("/")[0])) is not None]
        made.append(Interface(zone, zone, spans(alone), spans([*own, *(span for face in names for span in beyond.get(face, ()))])))
    return PacketFilter(
        host=host, as_of=config.document.as_of, where=(config.spot(f"vsys/entry[@name={name!r}]"),), platform="panos",
        semantics=Semantics.FIRST_MATCH, prerouting=("nat",), input=("input",), forward=("security",), interfaces=tuple(made), name=name,
        chains=(Chain("nat", tuple(nat)), Chain("input", tuple(box), Action.DROP), Chain("security", tuple(forward), Action.DROP)),
    )  # fmt: skip


def _one(known: Objects, literal: str) -> tuple[int, int] | None:
    found = parse_span(literal)
    if found is None:
        listed = known.address(literal)
        found = listed[0] if listed else None
    return found


def _overlap(one: Spans, other: Spans) -> bool:
    return any(low <= last and first <= high for low, high in one for first, last in other)


def _any(listed: list[str]) -> tuple[str, ...] | None:
    return None if not listed or "any" in listed else tuple(listed)


def _side(known: Objects, node: Element, side: str, doubts: list[str]) -> Spans | None:
    listed = members(node, side)
    if not listed or "any" in listed:
        return None
    made: list[tuple[int, int]] = []
    for name in listed:
        part = known.address(name)
        if part is None:
            doubts.append(f"{side} {name} cannot be told")
            return None
        made += part
    found = spans(made)
    return outside(found, FOUR_SPAN) if text(node, f"negate-{side}") == "yes" else found


def _security(
    config: Config, known: Objects, pointer: str, node: Element, moved: list[tuple[Spans, Spans]]
) -> Iterator[Rule]:  # fmt: skip
    if text(node, "disabled") == "yes":
        return
    doubts: list[str] = []
    source, target = _side(known, node, "source", doubts), _side(known, node, "destination", doubts)
    if target is not None:
        target = spans([*target, *(span for before, after in moved if _overlap(before, target) for span in after)])
    for kind in ("source-user", "category", "source-hip", "destination-hip", "hip-profiles", "schedule"):
        listed = [one for one in members(node, kind) if one not in {"any", ""}]
        if listed:
            doubts.append(f"only for {kind} {', '.join(listed[:3])}")
    applications = members(node, "application") or ["any"]
    services = members(node, "service") or ["any"]
    items: list[tuple[tuple[int, ...] | None, Spans | None]] = []
    if "any" not in applications:
        known_ports = [APPLICATIONS[one] for one in applications if one in APPLICATIONS]
        if "application-default" in services and len(known_ports) == len(applications):
            items = [((TCP,), spans([(port, port) for port in known_ports]))]
        else:
            doubts.append(f"application {', '.join(applications[:4])}")
    if not items:
        for service in services:
            if service in {"any", "application-default"}:
                items.append((None, None))
                continue
            part = known.service(service)
            if part is None:
                doubts.append(f"service {service} cannot be told")
            items += part or [(None, None)]
    action = Action.ACCEPT if text(node, "action") == "allow" else Action.DROP
    log = text(node, "log-end", "yes") == "yes" or text(node, "log-start") == "yes"
    for listed_protocols, ports in items:
        yield Rule(
            action, config.spot(pointer, node.get("name", "")), sources=source, destinations=target, protocols=listed_protocols, ports=ports,
            interfaces_in=_any(members(node, "from")), interfaces_out=_any(members(node, "to")), unknown="; ".join(dict.fromkeys(doubts)), log=log,
            comment=f"applications {', '.join(applications[:6])}" if action is Action.ACCEPT else "",
        )  # fmt: skip


def _defaults(config: Config, system: Element, names: list[str]) -> Iterator[Rule]:
    own = {one.get("name", ""): one for one in entries(system, "rulebase/default-security-rules/rules")}
    inner = own.get("intrazone-default")
    if inner is None or text(inner, "action", "allow") == "allow":
        for zone in names:
            yield Rule(Action.ACCEPT, config.spot("intrazone-default"), interfaces_in=(zone,), interfaces_out=(zone,), comment="within a zone")
    outer = own.get("interzone-default")
    logs = outer is not None and text(outer, "log-end") == "yes"
    action = Action.ACCEPT if outer is not None and text(outer, "action") == "allow" else Action.DROP
    quote = "interzone-default" if outer is not None else ""
    yield Rule(action, config.spot("interzone-default", quote), log=logs, comment="" if logs else "end of the rules")


def _nat(config: Config, known: Objects, pointer: str, node: Element) -> Iterator[Rule]:
    inner = node.find("destination-translation")
    if inner is None:
        inner = node.find("dynamic-destination-translation")
    if inner is None or text(node, "disabled") == "yes":
        return
    doubts: list[str] = []
    before = _side(known, node, "destination", doubts)
    target = known.address(text(inner, "translated-address"))
    port = parse_port(text(inner, "translated-port")) if text(inner, "translated-port") else None
    service = text(node, "service", "any")
    items: list[tuple[tuple[int, ...] | None, Spans | None]] = [(None, None)]
    if service != "any":
        found = known.service(service)
        if found is None:
            doubts.append(f"service {service} cannot be told")
        else:
            items = list(found)
    if target is None:
        return
    for listed, ports in items:
        yield Rule(
            Action.NAT, config.spot(pointer, node.get("name", "")), destinations=before, protocols=listed or (TCP, UDP), ports=ports,
            interfaces_in=_any(members(node, "from")), nat=Nat(target, (port,) if port else None), unknown="; ".join(doubts),
        )  # fmt: skip
