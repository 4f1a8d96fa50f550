"""RouterOS: interfaces, lists and the rules of ``/ip firewall``, and to whom a service of the router itself is open.

The first rule that matches decides; what none decides is accepted. Rules of established connections do not match one that begins.
Reference: MikroTik, "Filter" and "NAT".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.address import outside, parse_port, parse_span, spans
from gatewatch.evidence.document import Document
from gatewatch.evidence.routeros_tree import Command
from gatewatch.schema.facts.filter import FOUR_SPAN, TCP, UDP, Action, Chain, Interface, Nat, PacketFilter, Rule, Semantics, Spans

_ACTIONS = {"accept": Action.ACCEPT, "drop": Action.DROP, "reject": Action.DROP, "tarpit": Action.DROP, "jump": Action.JUMP, "return": Action.RETURN}
_PROTOCOLS = {"tcp": (TCP,), "udp": (UDP,), "icmp": (1,), "gre": (47,), "ipsec-esp": (50,), "ipsec-ah": (51,)}
_KNOWN = frozenset({
    "action", "chain", "comment", "disabled", "log", "log-prefix", "protocol", "dst-port", "src-port", "src-address", "dst-address", "in-interface",
    "out-interface", "in-interface-list", "out-interface-list", "src-address-list", "dst-address-list", "connection-state", "jump-target",
    "to-addresses", "to-ports", "reject-with",
})  # fmt: skip
"""Conditions that are decided; every other makes a rule one that may match."""


@dataclass(slots=True)
class Router:
    """What the rules rest on: networks by interface, interfaces by list, addresses by list, interfaces that lead outside."""

    document: Document
    networks: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    own: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    addresses: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    outer: dict[str, None] = field(default_factory=dict)

    def members(self, name: str) -> list[str]:
        """Return the interfaces of a list."""
        return list(self.networks) if name == "all" else self.lists.get(name, [])


def router(document: Document, listed: list[Command]) -> Router:
    """Return the surroundings that *listed* sets."""
    made = Router(document)
    for one in listed:
        if not one.on or one.verb not in {"add", "set"}:
            continue
        if one.menu == "ip address" and one.get("interface"):
            span = parse_span(one.get("address"))
            if span is not None:
                made.networks.setdefault(one.get("interface"), []).append(span)
                host = parse_span(one.get("address").partition("/")[0])
                made.own.setdefault(one.get("interface"), []).extend([host] if host is not None else [])
        elif one.menu == "interface list member" and one.get("list"):
            made.lists.setdefault(one.get("list"), []).append(one.get("interface"))
        elif one.menu == "ip firewall address-list" and one.get("list"):
            span = parse_span(one.get("address"))
            held = made.addresses.setdefault(one.get("list"), [])
            held += [span] if span is not None else []
        elif one.menu == "ip dhcp-client" and one.get("add-default-route", "yes") != "no":
            made.outer[one.get("interface")] = None
        elif one.menu in {"interface lte", "interface pppoe-client"}:
            made.outer[one.get("name") or one.target] = None
    for name in made.lists.get("WAN", []):
        made.outer[name] = None
    for name in list(made.outer):
        made.networks.setdefault(name, [])
    _route(made, listed)
    return made


def _route(made: Router, listed: list[Command]) -> None:
    for one in listed:
        if one.menu == "ip route" and one.verb == "add" and one.on and one.get("dst-address", "0.0.0.0/0") == "0.0.0.0/0":
            way = one.get("gateway").partition("%")[0]
            hop = parse_span(way)
            found = [name for name, spans_ in made.networks.items() if hop is not None and any(low <= hop[0] <= high for low, high in spans_)]
            for name in found or ([way] if way in made.networks else []):
                made.outer[name] = None


def _faces(one: Command, known: Router, side: str) -> tuple[tuple[str, ...] | None, str]:
    """Return the interfaces of a condition, and what of it cannot be decided."""
    word = one.get(f"{side}-interface")
    if word:
        return (word,), ""
    word = one.get(f"{side}-interface-list")
    if not word:
        return None, ""
    bare = word.removeprefix("!")
    members = known.members(bare)
    if not members and bare not in {"none", "all"}:
        return None, f"the members of interface list {bare} are not in the evidence"
    if not word.startswith("!"):
        return tuple(members), ""
    if len(members) == 1:
        return (f"!{members[0]}",), ""
    return tuple(name for name in known.networks if name not in members), ""


def _places(one: Command, known: Router, side: str) -> tuple[Spans | None, str]:
    """Return the addresses of a condition, and what of it cannot be decided."""
    found: Spans | None = None
    word = one.get(f"{side}-address")
    if word:
        span = parse_span(word.removeprefix("!"))
        if span is None:
            return None, f"{side}-address {word[:40]}"
        found = outside([span], FOUR_SPAN) if word.startswith("!") else (span,)
    name = one.get(f"{side}-address-list")
    if name:
        bare = name.removeprefix("!")
        if bare not in known.addresses:
            return found, f"the address list {bare} is filled while it runs, or is not in the evidence"
        inner = spans(known.addresses[bare])
        listed = outside(inner, FOUR_SPAN) if name.startswith("!") else inner
        return (listed, "") if found is None else (found, f"address list {bare} beside an address")
    return found, ""


def rule(one: Command, known: Router) -> Rule | None:
    """Return a rule of the filter or of the translation; None for one that decides nothing."""
    action = _ACTIONS.get(one.get("action", "accept"))
    nat = None
    if one.menu == "ip firewall nat":
        kind = one.get("action", "accept")
        if kind not in {"dst-nat", "redirect", "netmap"}:
            return Rule(Action.ACCEPT, known.document.where(one.line)) if kind == "accept" else None
        to, port = parse_span(one.get("to-addresses")), parse_port(one.get("to-ports"))
        nat = Nat((to,) if to is not None else None, (port,) if one.get("to-ports") and port is not None else None, local=kind == "redirect")
        action = Action.NAT
    if action is None:
        return None
    states = one.get("connection-state")
    new = not states or ("new" in states.split(",")) != states.startswith("!")
    sources, doubt = _places(one, known, "src")
    targets, other = _places(one, known, "dst")
    inward, odd = _faces(one, known, "in")
    outward, strange = _faces(one, known, "out")
    words = [text for text in one.get("dst-port").split(",") if text]
    ports = [parse_port(text) for text in words]
    protocol = one.get("protocol").lower()
    more = [name for name in one.values if name not in _KNOWN]
    unknown = [text for text in (doubt, other, odd, strange, ", ".join(more), "ports" if None in ports else "") if text]
    unknown += [f"protocol {protocol}"] if protocol and protocol not in _PROTOCOLS else []
    return Rule(
        action, known.document.where(one.line), sources=sources, destinations=targets, protocols=_PROTOCOLS.get(protocol),
        ports=spans(span for span in ports if span is not None) if words and None not in ports else None, interfaces_in=inward,
        interfaces_out=outward, new=new, unknown="; ".join(unknown), target=one.get("jump-target"), nat=nat, log=one.get("log") == "yes",
        comment=one.get("comment")[:80],
    )  # fmt: skip


def packet_filter(known: Router, listed: list[Command], host: str, cut: str) -> PacketFilter:
    """Return the router's packet filter."""
    chains: dict[str, list[Rule]] = {"input": [], "forward": [], "dstnat": []}
    for one in listed:
        if one.menu in {"ip firewall filter", "ip firewall nat"} and one.verb == "add" and one.on:
            made = rule(one, known)
            if made is not None and not (one.menu == "ip firewall nat" and one.get("chain") == "srcnat"):
                chains.setdefault(one.get("chain", "input"), []).append(made)
    zones = {name: zone for zone, names in known.lists.items() for name in names}
    return PacketFilter(
        host=host, as_of=known.document.as_of, where=(known.document.where(1),), platform="routeros", semantics=Semantics.FIRST_MATCH,
        chains=tuple(Chain(name, tuple(rules), Action.ACCEPT if name in {"input", "forward", "dstnat"} else None) for name, rules in chains.items()),
        prerouting=("dstnat",), input=("input",), forward=("forward",), covers=(FOUR_SPAN,), incomplete=cut,
        interfaces=tuple(
            Interface(name, zones.get(name, ""), spans(known.own.get(name, [])), spans(inner)) for name, inner in known.networks.items()
        ),
    )  # fmt: skip


def open_to(known: Router, listed: list[Command], port: int, face: str) -> tuple[Spans | None, str]:
    """Return who reaches a port of the router by an interface (None: anybody), and why that is not sure."""
    let: list[tuple[int, int]] = []
    for one in _input(listed):
        made = rule(one, known)
        if made is None or not made.new or (made.protocols is not None and TCP not in made.protocols):
            continue
        if made.ports is not None and not any(low <= port <= high for low, high in made.ports):
            continue
        if made.interfaces_in is not None and not _by(made.interfaces_in, face):
            continue
        if made.unknown or made.action in {Action.JUMP, Action.RETURN} or made.destinations is not None:
            return None, f"line {one.line}: {made.unknown or one.get('action', 'accept')} cannot be decided"
        if made.action is Action.DROP and made.sources is None:
            return spans(let), ""
        if made.action is Action.ACCEPT:
            if made.sources is None:
                return None, ""
            let += made.sources
        elif made.sources is not None:
            return None, f"line {one.line} refuses some of them"
    return None, ""


def _input(listed: list[Command]) -> Iterator[Command]:
    yield from (one for one in listed if one.menu == "ip firewall filter" and one.verb == "add" and one.on and one.get("chain") == "input")


def _by(faces: tuple[str, ...], face: str) -> bool:
    return face not in {one[1:] for one in faces} if faces and faces[0].startswith("!") else face in faces
