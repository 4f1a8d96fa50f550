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
_PROTOCOLS = {"tcp": (TCP,), "udp": (UDP,), "icmp": (1,), "gre": (47,), "ipsec-esp": (50,), "ipsec-ah": (51,), "icmpv6": (58,)}
_KNOWN = frozenset({
    "action", "chain", "comment", "disabled", "log", "log-prefix", "protocol", "dst-port", "src-port", "src-address", "dst-address", "in-interface",
    "out-interface", "in-interface-list", "out-interface-list", "src-address-list", "dst-address-list", "connection-state", "jump-target",
    "to-addresses", "to-ports", "reject-with",
})  # fmt: skip
"""Conditions that are decided; every other makes a rule one that may match."""


_TABLES = {"ip firewall filter": "", "ip firewall nat": "", "ip firewall raw": "raw "}
_BASE = frozenset({"input", "forward", "dstnat", "raw prerouting"})
_FIRST = (("prerouting", "raw"), ("input", "filter"))
_LOOPBACK = (127 << 24, (128 << 24) - 1)


@dataclass(slots=True)
class Router:
    """What the rules rest on: networks by interface, interfaces by list, addresses by list, interfaces that lead outside."""

    document: Document
    networks: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    own: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    addresses: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    outer: dict[str, None] = field(default_factory=dict)
    includes: dict[str, list[str]] = field(default_factory=dict)

    def members(self, name: str) -> list[str]:
        """Return the interfaces of a list, those of the lists it includes among them."""
        if name == "all":
            return list(self.networks)
        names = [name, *(inner for inner in self.includes.get(name, []) if inner != name)]
        return list(dict.fromkeys(face for one in names for face in self.lists.get(one, [])))


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
        elif one.menu == "interface list" and one.get("include"):
            made.includes[one.get("name")] = one.get("include").split(",")
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
        if kind not in {"dst-nat", "redirect", "netmap", "accept", "return", "jump"}:
            return None
        to, port = parse_span(one.get("to-addresses")), parse_port(one.get("to-ports"))
        if kind in {"dst-nat", "redirect", "netmap"}:
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
    protocols = (int(protocol),) if protocol.isascii() and protocol.isdigit() and int(protocol[:4]) < 256 else _PROTOCOLS.get(protocol)
    more = [f"{name}={value[:40]}" for name, value in one.values.items() if name not in _KNOWN]
    unknown = [
        text
        for text in (doubt, other, odd, strange, ", ".join(more), "ports" if None in ports else "")
        if text
    ]
    unknown += [f"protocol {protocol}"] if protocol and protocols is None else []
    return Rule(
        action, known.document.where(one.line), sources=sources, destinations=targets, protocols=protocols,
        ports=spans(span for span in ports if span is not None) if words and None not in ports else None, interfaces_in=inward,
        interfaces_out=outward, new=new, unknown="; ".join(unknown), target=_target(one), nat=nat, log=one.get("log") == "yes",
        comment=one.get("comment")[:80],
    )  # fmt: skip


def _target(one: Command) -> str:
    return f"{_TABLES.get(one.menu, '')}{one.get('jump-target')}" if one.get("jump-target") else ""


def packet_filter(known: Router, listed: list[Command], host: str, cut: str) -> PacketFilter:
    """Return the router's packet filter."""
    chains: dict[str, list[Rule]] = {"input": [], "forward": [], "dstnat": [], "raw prerouting": []}
    for one in listed:
        if one.menu in _TABLES and one.verb == "add" and one.on and one.get("chain") not in {"srcnat", "output"}:
            made = rule(one, known)
            if made is not None:
                chains.setdefault(f"{_TABLES[one.menu]}{one.get('chain', 'input')}", []).append(made)
    zones = {name: zone for zone, names in known.lists.items() for name in names}
    return PacketFilter(
        host=host, as_of=known.document.as_of, where=(known.document.where(1),), platform="routeros", semantics=Semantics.FIRST_MATCH,
        chains=tuple(Chain(name, tuple(rules), Action.ACCEPT if name in _BASE else None) for name, rules in chains.items()),
        prerouting=("raw prerouting", "dstnat"), input=("input",), forward=("forward",), covers=(FOUR_SPAN,), incomplete=cut,
        interfaces=tuple(
            Interface(name, zones.get(name, ""), spans(known.own.get(name, [])), spans(inner)) for name, inner in known.networks.items()
        ),
    )  # fmt: skip


def open_to(known: Router, listed: list[Command], port: int, face: str, family: str = "ip") -> tuple[Spans | None, str]:
    """Return who reaches a port of the router by an interface (None: anybody), and why that is not sure. ``family``: ip or ipv6."""
    let: list[tuple[int, int]] = []
    drops, accepts = "", ""  # what may refuse, what may let in
    past = False  # a rule of the raw table may have let it past the others there
    for one in _input(listed, family):
        if one.get("ipsec-policy") == "in,ipsec":
            continue  # not what comes in plain
        made = rule(one, known)
        if made is None or not _meets(made, port, face):
            continue
        if one.menu.endswith("raw") and (past or made.action is Action.ACCEPT):
            past = True
            drops = drops or (f"line {one.line} may refuse it" if made.action is not Action.ACCEPT else "")
            continue
        why = made.unknown or ("it is for some addresses of the router" if made.destinations is not None else "")
        if made.action in {Action.JUMP, Action.RETURN} and not why:
            if made.action is Action.JUMP and not _decides(listed, one.menu, one.get("jump-target")):
                continue
            why = one.get("action")
        if made.action is Action.DROP and _filled(one, listed):
            continue  # refuses who was caught before: others get through
        if why:
            said = f"line {one.line} cannot be decided: {why}"
            drops = drops or (said if made.action is not Action.ACCEPT else "")
            accepts = accepts or (said if made.action is not Action.DROP else "")
        elif made.action is Action.ACCEPT and made.sources is not None:
            let += made.sources
        elif made.sources is not None:
            drops = drops or f"line {one.line} refuses some of them"
        elif made.action is Action.DROP:
            return (None, accepts) if accepts else (spans(let), drops if let else "")
        else:
            break
    return None, drops


def _decides(listed: list[Command], menu: str, chain: str, depth: int = 5) -> bool:
    """Return whether a chain may let in or refuse anything."""
    inner = [one for one in listed if one.menu == menu and one.verb == "add" and one.on and one.get("chain") == chain]
    jumps = [one for one in inner if one.get("action") == "jump"]
    if any(one.get("action", "accept") in _ACTIONS and one not in jumps and one.get("action") != "return" for one in inner):
        return True
    return any(depth < 1 or _decides(listed, menu, one.get("jump-target"), depth - 1) for one in jumps)


def _filled(one: Command, listed: list[Command]) -> bool:
    """Return whether a rule is for the senders in a list that other rules fill while the router runs."""
    name = one.get("src-address-list")
    return bool(name) and any(
        other.get("action") == "add-src-to-address-list" and other.get("address-list") == name for other in listed if other.menu in _TABLES
    )


def _meets(made: Rule, port: int, face: str) -> bool:
    """Return whether a rule may be met by a first packet to a TCP port of the router on an interface."""
    if not made.new or (made.protocols is not None and TCP not in made.protocols):
        return False
    if made.ports is not None and not any(low <= port <= high for low, high in made.ports):
        return False
    if made.interfaces_in is not None and not _by(made.interfaces_in, face):
        return False
    return made.destinations is None or bool(_less_loopback(made.destinations))


def _less_loopback(spans_: Spans) -> list[tuple[int, int]]:
    """Return the spans that are not within 127.0.0.0/8, which nothing from outside is for."""
    return [span for span in spans_ if not (_LOOPBACK[0] <= span[0] and span[1] <= _LOOPBACK[1])]


def _input(listed: list[Command], family: str) -> Iterator[Command]:
    for chain, menu in _FIRST:
        yield from (one for one in listed if one.menu == f"{family} firewall {menu}" and one.verb == "add" and one.on and one.get("chain") == chain)


def _by(faces: tuple[str, ...], face: str) -> bool:
    return face not in {one[1:] for one in faces} if faces and faces[0].startswith("!") else face in faces
