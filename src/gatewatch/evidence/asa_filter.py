"""Cisco ASA and FTD: access lists, interfaces, address translation and services of the device, as one packet filter.

An access list stands in front of what comes in by its interface, then the global one; without either, traffic passes to interfaces of a lower
security level. What ``ssh``, ``http`` and ``telnet`` allow comes before the control-plane list. Lists speak of addresses after translation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from gatewatch.evidence.address import parse_span, spans
from gatewatch.evidence.asa_tree import ANY, Command, Config, Objects, ServiceItem, operator, protocols, service_item
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import TCP, UDP, Action, Chain, Interface, Nat, PacketFilter, Rule, Semantics, Spans
from gatewatch.schema.facts.gateway import Management

_END = "end of the list"
_OWN = "management-only: nothing passes through"
_MOST = 4096  # rules a single entry may become


@dataclass(slots=True)
class Port:
    """An interface with a name."""

    name: str
    level: int
    address: Spans = ()
    networks: list[tuple[int, int]] = field(default_factory=list)
    external: bool | None = False
    passes: bool = True
    where: Where | None = None


def ports(config: Config) -> dict[str, Port]:
    """Return the named interfaces; what the default route or security level 0 names faces outside.

    Of one that is ``management-only`` neither says that: level 0 is what any name but ``inside`` gets, and its routes are a table of their own.
    Where all interfaces share level 0, as those of FTD do, the default route alone tells.
    """
    made: dict[str, Port] = {}
    routed: set[str] = set()
    for one in config.all("interface"):
        named, level, address = one.find("nameif"), one.find("security-level"), one.find("ip", "address")
        if named is None or len(named.words) < 2 or one.find("shutdown") is not None:
            continue
        number = int(level.words[1][:4]) if level is not None and len(level.words) > 1 and level.words[1].isdigit() else 0
        own = one.find("management-only") is not None
        outside = number == 0 or (address is not None and "setroute" in address.words)
        port = Port(named.words[1], number, where=config.where(named), external=None if own and outside else outside, passes=not own)
        if address is not None and len(address.words) > 3 and (whole := parse_span(f"{address.words[2]}/{address.words[3]}")) is not None:
            alone = parse_span(address.words[2])
            port.networks.append(whole)
            port.address = (alone,) if alone is not None else ()
        made[port.name] = port
        if own is False and address is not None and "setroute" in address.words:
            routed.add(port.name)
    for route in config.all("route"):
        if len(route.words) < 4 or route.words[1] not in made:
            continue
        where_to = parse_span(f"{route.words[2]}/{route.words[3]}")
        if route.words[2] in {"0.0.0.0", "0"}:  # noqa: S104 - the default route
            if "tunneled" not in route.words and made[route.words[1]].passes:  # tunneled: for what came by VPN, inwards
                made[route.words[1]].external = True
                routed.add(route.words[1])
        elif where_to is not None:
            made[route.words[1]].networks.append(where_to)
    through = [port for port in made.values() if port.passes]
    if len(through) > 1 and all(port.level == 0 for port in through):
        for port in through:
            port.external = port.name in routed if routed else None
    return made


def entry(config: Config, known: Objects, command: Command) -> list[Rule]:
    """Return the rules of one line of an access list."""
    words = command.words[2:]
    place = config.where(command)
    if words[:1] == ["line"]:
        words = words[2:]
    standard = words[:1] == ["standard"]
    if words[:1] in (["extended"], ["advanced"], ["standard"]):
        words = words[1:]
    if not words or words[0] not in {"permit", "deny", "trust"}:
        return []
    action = Action.DROP if words[0] == "deny" else Action.ACCEPT
    words = words[1:]
    doubts: list[str] = []
    if standard:
        found, _ = known.address(words)
        return [Rule(action, place, destinations=found, unknown="" if found is not None else "an address that cannot be told")]
    items: list[ServiceItem] | None
    if words[:1] in (["object"], ["object-group"]) and len(words) > 1:
        items, words = known.service(words[1]), words[2:]
    else:
        listed = protocols(words[0]) if words else ()
        items, words = ([(listed, None, None)] if listed != () else None), words[1:]
    if items is None:
        doubts.append("a service that cannot be told")
        items = [(None, None, None)]
    sides: list[tuple[Spans | None, str | None, list[ServiceItem] | None, Spans | None]] = []
    for _ in range(2):
        ifc = None
        if words[:1] == ["ifc"] and len(words) > 1:
            ifc, words = words[1], words[2:]
        while words[:1] and words[0] in {"user", "user-group", "object-group-user", "security-group", "object-group-security"}:
            doubts.append(f"only for {' '.join(words[:2])}")
            words = words[3:] if words[0] == "security-group" else words[2:]
        found, used = known.address(words)
        if not used:
            return [Rule(action, place, unknown="an entry that cannot be read")]
        if found is None:
            doubts.append(f"{' '.join(words[:used])} cannot be told")
        words = words[used:]
        numbers, used = operator(words)
        group = None
        if used:
            if numbers is None:
                doubts.append(f"port {' '.join(words[1:used])} cannot be told")
            words = words[used:]
        elif words[:1] == ["object-group"] and len(words) > 1 and words[1] in known.service_groups:
            group = known.service(words[1])
            if group is None:
                doubts.append(f"{words[1]} cannot be told")
            words = words[2:]
        sides.append((found, ifc, group, numbers))
    if "inactive" in words:
        return []
    if "time-range" in words:
        doubts.append("only at some times")
    icmp = words[:1] and words[0] not in {"log", "time-range", "rule-id", "event-log"}
    if icmp and items[0][0] not in {(1,), (58,)}:
        doubts.append(f"condition {words[0]!r}")
    log = "disable" not in words if action is Action.DROP else "log" in words or "event-log" in words  # a refusal logs by default (106023)
    made = list(islice(_rules(action, place, items, sides, "; ".join(dict.fromkeys(doubts)), log), _MOST))
    return [*made, Rule(action, place, unknown="more combinations than can be told", log=log)] if len(made) == _MOST else made


def _rules(
    action: Action,
    place: Where,
    items: list[ServiceItem],
    sides: list[tuple[Spans | None, str | None, list[ServiceItem] | None, Spans | None]],
    doubt: str,
    log: bool,
) -> Iterator[Rule]:
    (source, ifc_in, source_group, source_ports), (target, ifc_out, target_group, target_ports) = sides
    for listed, item_source, item_target in items:
        for from_ports in _choices(source_group, source_ports, item_source):
            for to_ports in _choices(target_group, target_ports, item_target):
                yield Rule(
                    action,
                    place,
                    sources=None if source == ANY else source,
                    destinations=None if target == ANY else target,
                    protocols=listed,
                    ports=to_ports,
                    source_ports=from_ports,
                    interfaces_in=(ifc_in,) if ifc_in else None,
                    interfaces_out=(ifc_out,) if ifc_out else None,
                    unknown=doubt,
                    log=log,
                )


def _choices(group: list[ServiceItem] | None, written: Spans | None, item: Spans | None) -> list[Spans | None]:
    if group:
        return [one[2] for one in group]
    return [written if written is not None else item]


def packet_filter(config: Config, known: Objects, host: str, product: str, planes: list[Management], gap: str) -> PacketFilter:
    """Return the packet filter of a device."""
    faces = ports(config)
    lists: dict[str, list[Rule]] = {}
    for one in config.all("access-list"):
        if len(one.words) > 2 and one.words[2] != "remark":
            lists.setdefault(one.words[1], []).extend(entry(config, known, one))
    chains = [Chain(f"acl {name}", tuple(rules)) for name, rules in lists.items()]
    forward: list[Rule] = []
    outward: list[Rule] = []
    box = list(_services(config, faces, planes))
    covered: set[str] = set()
    for port in faces.values():
        if not port.passes and port.where is not None:
            forward += [Rule(Action.DROP, port.where, interfaces_in=(port.name,), comment=_OWN)]
            outward += [Rule(Action.DROP, port.where, interfaces_out=(port.name,), comment=_OWN)]
    whole = next((one for one in config.all("access-group") if len(one.words) > 2 and one.words[2] == "global"), None)
    for one in config.all("access-group"):
        words = one.words
        if len(words) < 5 or words[3] != "interface":
            continue
        place, target, face = config.where(one), f"acl {words[1]}", (words[4],)
        if "control-plane" in words:
            box.append(Rule(Action.JUMP, place, target=target, interfaces_in=face))
        elif words[2] == "in":
            covered.add(words[4])
            forward.append(Rule(Action.JUMP, place, target=target, interfaces_in=face))
            if whole is None:
                forward.append(Rule(Action.DROP, place, interfaces_in=face, comment=_END))
        else:
            outward += [Rule(Action.JUMP, place, target=target, interfaces_out=face), Rule(Action.DROP, place, interfaces_out=face, comment=_END)]
    if whole is not None:
        forward += [Rule(Action.JUMP, config.where(whole), target=f"acl {whole.words[1]}"), Rule(Action.DROP, config.where(whole), comment=_END)]
    else:
        forward += _levels(config, faces, covered)
    chains += [
        Chain("nat", tuple(_translations(config, known, faces))), Chain("forward", tuple(forward), Action.DROP),
        Chain("out", tuple(outward), Action.ACCEPT), Chain("input", tuple(box), Action.DROP),
    ]  # fmt: skip
    return PacketFilter(
        host=host, as_of=config.document.as_of, where=(Where(config.document.name),), platform=product, semantics=Semantics.FIRST_MATCH,
        chains=tuple(chains), prerouting=("nat",), input=("input",), forward=("forward", "out"), incomplete=gap,
        interfaces=tuple(Interface(one.name, one.name, one.address, spans(one.networks)) for one in faces.values()),
    )  # fmt: skip


def _levels(config: Config, faces: dict[str, Port], covered: set[str]) -> Iterator[Rule]:
    same = config.last("same-security-traffic", "permit", "inter-interface") is not None
    for one in faces.values():
        for other in faces.values():
            if one.name in covered or one is other or one.where is None:
                continue
            if one.level > other.level or (one.level == other.level and same):
                yield Rule(Action.ACCEPT, one.where, interfaces_in=(one.name,), interfaces_out=(other.name,), comment="to a lower security level")


def _services(config: Config, faces: dict[str, Port], planes: list[Management]) -> Iterator[Rule]:
    for plane in planes:
        if plane.protocol:
            yield Rule(
                Action.ACCEPT, plane.where[0], sources=plane.sources, protocols=(TCP,), ports=((plane.port, plane.port),),
                interfaces_in=(plane.interface,), unknown=plane.uncertain,
            )  # fmt: skip
    for web in config.all("webvpn"):
        number = web.find("port")
        port = int(number.words[1][:6]) if number is not None and len(number.words) > 1 and number.words[1].isdigit() else 443
        for line in web.below:
            if line.starts("enable") and len(line.words) > 1:
                for protocol in (TCP, UDP):
                    yield Rule(
                        Action.ACCEPT, config.where(line), protocols=(protocol,), ports=((port, port),), interfaces_in=(line.words[1],)
                    )
    for one in config.all("crypto"):
        if len(one.words) > 3 and one.words[1] in {"ikev1", "ikev2", "isakmp"} and one.words[2] == "enable" and one.words[3] in faces:
            yield Rule(Action.ACCEPT, config.where(one), protocols=(UDP,), ports=((500, 500), (4500, 4500)), interfaces_in=(one.words[3],))


def _translations(config: Config, known: Objects, faces: dict[str, Port]) -> Iterator[Rule]:
    for one in config.all("nat"):  # twice NAT stands before that of objects
        words = one.words
        if words[2:4] == ["source", "static"] and len(words) > 5 and "inactive" not in words and words[4] != words[5]:
            rest = words[6:]
            real, mapped = known.network(words[4]), _mapped(known, faces, words[1], words[5])
            at = rest.index("service") if "service" in rest else -1
            inner = known.service(rest[at + 1]) if at >= 0 and len(rest) > at + 2 else None
            outer = known.service(rest[at + 2]) if at >= 0 and len(rest) > at + 2 else None
            if real and mapped:
                rule_ports = outer[0][1] or outer[0][2] if outer else None
                listed = outer[0][0] if outer else None
                nat = Nat(real, (inner[0][1] or inner[0][2]) if inner else None, shift=True)
                yield Rule(Action.NAT, config.where(one), destinations=mapped, protocols=listed, ports=rule_ports, nat=nat)
    for name, command in known.networks.items():
        for line in command.below:
            words = line.words
            if words[0] != "nat" or len(words) < 4 or words[2] != "static":
                continue
            real, mapped = known.network(name), _mapped(known, faces, words[1], words[3])
            if not real or not mapped:
                continue
            listed, inner_ports, outer_ports = None, None, None
            if "service" in words and len(words) > words.index("service") + 3:
                at = words.index("service")
                item = service_item([words[at + 1], "eq", words[at + 2]])
                other = service_item([words[at + 1], "eq", words[at + 3]])
                if item is None or other is None:
                    continue
                listed, inner_ports, outer_ports = item[0], item[2], other[2]
            yield Rule(
                Action.NAT, config.where(line), destinations=mapped, protocols=listed, ports=outer_ports, nat=Nat(real, inner_ports, shift=True)
            )


def _mapped(known: Objects, faces: dict[str, Port], between: str, word: str) -> Spans | None:
    """Return the addresses seen outside: ``interface`` stands for that of the second of ``(inside,outside)``."""
    if word == "interface":
        outer = between.strip("()").rpartition(",")[2]
        return faces[outer].address if outer in faces else None
    return known.network(word) or known.span(word)
