"""pfSense and OPNsense: aliases, rules and port forwards as one packet filter.

Rules of an interface stop at the first match; floating rules without quick count only when none of these matched, and of them the last.
Translation comes before the rules, which therefore name the inner address. What nothing allows is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from gatewatch.evidence.address import outside, parse_port, parse_span, spans
from gatewatch.evidence.document import Document
from gatewatch.evidence.panos_tree import text
from gatewatch.schema.facts.filter import FOUR_SPAN, LINE, SIX_SPAN, TCP, UDP, Action, Chain, Interface, Nat, PacketFilter, Rule, Semantics, Spans

_PROTOCOLS = {"tcp": (TCP,), "udp": (UDP,), "tcp/udp": (TCP, UDP), "icmp": (1,), "esp": (50,), "gre": (47,)}
_DEPTH = 8
_OFF = frozenset({"0", "no", "false", "off"})


def flag(node: Element, name: str) -> bool:
    """Return whether an element stands for yes: it is there, and does not say no."""
    found = node.find(name)
    return found is not None and (found.text or "").strip().lower() not in _OFF


@dataclass(slots=True)
class Face:
    """An interface: its key (wan, lan, opt1), name, own address and network, and whether it has a gateway."""

    key: str
    name: str
    address: Spans = ()
    network: Spans = ()
    external: bool = False


@dataclass(slots=True)
class Network:
    """What names stand for."""

    faces: dict[str, Face] = field(default_factory=dict)
    aliases: dict[str, tuple[str, list[str]]] = field(default_factory=dict)


def network(root: Element) -> Network:
    """Return interfaces and aliases."""
    made = Network()
    listed = root.find("interfaces")
    for one in listed if listed is not None else ():
        if not isinstance(one.tag, str) or one.find("if") is None:
            continue
        own, size = text(one, "ipaddr"), text(one, "subnet")
        alone = parse_span(own) if own[:1].isdigit() else None
        whole = parse_span(f"{own}/{size}") if alone is not None and size.isdigit() else None
        external = one.tag == "wan" or bool(text(one, "gateway"))
        made.faces[one.tag] = Face(one.tag, text(one, "descr", one.tag), (alone,) if alone else (), (whole,) if whole else (), external)
    for one in [*root.findall("aliases/alias"), *root.findall("OPNsense/Firewall/Alias/aliases/alias")]:
        content = text(one, "address") or text(one, "content")
        made.aliases[text(one, "name")] = (text(one, "type"), content.split())
    return made


def _alias(known: Network, name: str, depth: int = 0) -> tuple[str, list[tuple[int, int]] | None]:
    kind, words = known.aliases[name]
    made: list[tuple[int, int]] = []
    ports = kind == "port"
    if kind not in {"host", "network", "port", "networkgroup"} or depth > _DEPTH:
        return kind, None
    for word in words:
        if word in known.aliases:
            _, part = _alias(known, word, depth + 1)
        else:
            span = parse_port(word) if ports else parse_span(word)
            part = [span] if span is not None else None
        if part is None:
            return kind, None
        made += part
    return kind, made


def _addresses(known: Network, side: Element | None, doubts: list[str]) -> Spans | None:
    if side is None or side.find("any") is not None:
        return None
    word = text(side, "network") or text(side, "address")
    found: Spans | None = None
    base = word.removesuffix("ip")
    if word in known.faces:
        found = known.faces[word].network or None
    elif word.endswith("ip") and base in known.faces:
        found = known.faces[base].address or None
    elif word == "(self)":
        found = spans(span for face in known.faces.values() for span in face.address)
    elif word in known.aliases:
        _, listed = _alias(known, word)
        found = spans(listed) if listed is not None else None
    else:
        span = parse_span(word)
        found = (span,) if span is not None else None
    if found is None:
        doubts.append(f"{word or 'an address'} cannot be told")
        return None
    return outside(found, LINE) if flag(side, "not") else found


def _ports(known: Network, side: Element | None, doubts: list[str]) -> Spans | None:
    word = text(side, "port")
    if not word:
        return None
    if word in known.aliases:
        _, listed = _alias(known, word)
        if listed is None:
            doubts.append(f"port {word} cannot be told")
        return spans(listed) if listed is not None else None
    span = parse_port(word)
    if span is None:
        doubts.append(f"port {word} cannot be told")
    return (span,) if span is not None else None


def _rule(document: Document, known: Network, node: Element, number: int) -> Rule | None:
    if flag(node, "disabled"):
        return None
    kind = text(node, "type", "pass")
    if kind == "match":
        return None
    doubts: list[str] = []
    protocol = text(node, "protocol", "any").lower()
    listed = _PROTOCOLS.get(protocol)
    if listed is None and protocol not in {"any", ""}:
        doubts.append(f"protocol {protocol}")
    source, target = _addresses(known, node.find("source"), doubts), _addresses(known, node.find("destination"), doubts)
    family = {"inet": FOUR_SPAN, "inet6": SIX_SPAN}.get(text(node, "ipprotocol", "inet"))
    if source is None and family is not None:
        source = (family,)
    doubts += [f"{name} {text(node, name)}" for name in ("sched", "os", "tagged", "source_user") if text(node, name)]
    faces = tuple(one for one in text(node, "interface").split(",") if one and one != "any")
    quote = " ".join(part for part in (kind, text(node, "descr")) if part)
    return Rule(
        Action.ACCEPT if kind == "pass" else Action.DROP, document.spot(f"filter/rule[{number}]", quote), sources=source, destinations=target,
        protocols=listed, ports=_ports(known, node.find("destination"), doubts), source_ports=_ports(known, node.find("source"), doubts),
        interfaces_in=faces or None, unknown="; ".join(dict.fromkeys(doubts)), log=flag(node, "log"),
    )  # fmt: skip


def _forwards(document: Document, known: Network, root: Element) -> Iterator[Rule]:
    for number, node in enumerate(root.findall("nat/rule"), 1):
        doubts: list[str] = []
        target = text(node, "target")
        span = parse_span(target) if target else None
        if target in known.aliases:
            _, listed = _alias(known, target)
            span = listed[0] if listed else None
        if flag(node, "disabled") or span is None or flag(node, "nordr"):
            continue
        entry = _addresses(known, node.find("destination"), doubts)
        outer = _ports(known, node.find("destination"), doubts)
        inner = parse_port(text(node, "local-port")) if text(node, "local-port") else None
        if inner is not None and outer is not None and len(outer) == 1 and inner[0] == inner[1]:  # the first of a range: the others follow it
            inner = (inner[0], min(inner[0] + outer[0][1] - outer[0][0], 65535))
        face = text(node, "interface")
        source = _addresses(known, node.find("source"), doubts)
        yield Rule(
            Action.NAT, document.spot(f"nat/rule[{number}]", text(node, "descr") or f"to {target}"), sources=source, destinations=entry,
            protocols=_PROTOCOLS.get(text(node, "protocol", "tcp").lower(), (TCP, UDP)), ports=outer,
            interfaces_in=(face,) if face else None, nat=Nat((span,), (inner,) if inner else outer, shift=True), unknown="; ".join(doubts),
        )  # fmt: skip


def packet_filter(document: Document, root: Element, known: Network, host: str, product: str) -> PacketFilter:
    """Return the packet filter of a device."""
    quick: list[Rule] = []
    usual: list[Rule] = []
    late: list[Rule] = []
    for number, node in enumerate(root.findall("filter/rule"), 1):
        rule = _rule(document, known, node, number)
        if rule is None:
            continue
        floating = flag(node, "floating")
        if floating and text(node, "direction", "any") == "out":
            continue
        (usual if not floating else quick if flag(node, "quick") else late).append(rule)
    chain = Chain("rules", (*quick, *usual, *reversed(late)), Action.DROP)
    return PacketFilter(
        host=host, as_of=document.as_of, where=(document.spot("filter"),), platform=product, semantics=Semantics.FIRST_MATCH,
        chains=(Chain("nat", tuple(_forwards(document, known, root))), chain), prerouting=("nat",), input=("rules",), forward=("rules",),
        interfaces=tuple(Interface(one.key, one.name, one.address, one.network) for one in known.faces.values()),
    )  # fmt: skip
