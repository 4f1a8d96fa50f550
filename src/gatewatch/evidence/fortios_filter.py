"""FortiOS: policies, local-in policies, virtual addresses and administration of one virtual domain, as one packet filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatewatch.evidence.address import outside, parse_port, parse_span, spans
from gatewatch.evidence.fortios_tree import Node, Tree
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import FOUR_SPAN, SIX_SPAN, TCP, UDP, Action, Chain, Interface, Nat, PacketFilter, Rule, Semantics, Spans
from gatewatch.schema.facts.gateway import Management

_DEPTH = 16
PLANES = {"https": 443, "http": 80, "ssh": 22, "telnet": 23, "snmp": 161, "fgfm": 541}
_KNOWN = {
    "HTTPS": (6, 443), "HTTP": (6, 80), "SSH": (6, 22), "TELNET": (6, 23), "RDP": (6, 3389), "SMB": (6, 445), "SAMBA": (6, 139), "VNC": (6, 5900),
    "FTP": (6, 21), "SMTP": (6, 25), "LDAP": (6, 389), "WINRM": (6, 5985),
}  # fmt: skip
Item = tuple[tuple[int, ...] | None, Spans | None, Spans | None]


@dataclass(slots=True)
class Objects:
    """Addresses and services of a domain, those of the device behind them."""

    nodes: tuple[Node, ...]

    def _find(self, table: str, name: str) -> Node | None:
        return next((node.table(table).entries[name] for node in self.nodes if name in node.table(table).entries), None)

    def address(self, name: str, version: int = 4, depth: int = 0) -> Spans | None:
        """Return the addresses of an address object or group; None where they cannot be told."""
        six = "6" if version == 6 else ""
        if name.lower() in {"all", "none"}:
            return ((SIX_SPAN if version == 6 else FOUR_SPAN),) if name.lower() == "all" else ()
        found = self._find(f"firewall address{six}", name)
        if found is not None:
            kind = found.get("type", "ipmask" if version == 4 else "ipprefix")
            if kind == "ipmask":
                one = parse_span("/".join(found.many("subnet")[:2])) if found.many("subnet") else FOUR_SPAN
            elif kind == "ipprefix":
                one = parse_span(found.get("ip6", "::/0"))
            elif kind == "iprange":
                one = parse_span(f"{found.get('start-ip')}-{found.get('end-ip')}")
            else:
                one = None
            return (one,) if one is not None else None
        group = self._find(f"firewall addrgrp{six}", name)
        if group is None or depth > _DEPTH:
            return None
        made: list[tuple[int, int]] = []
        for member in group.many("member"):
            part = self.address(member, version, depth + 1)
            if part is None:
                return None
            made += part
        without: list[tuple[int, int]] = []
        if group.get("exclude") == "enable":
            for member in group.many("exclude-member"):
                without += self.address(member, version, depth + 1) or ()
        whole = spans(made)
        return tuple(gap for one in whole for gap in outside([span for span in without if span[1] >= one[0] and span[0] <= one[1]], one))

    def service(self, name: str, depth: int = 0) -> list[Item] | None:
        """Return what a service or group stands for; None where it cannot be told."""
        if name.upper() == "ALL":
            return [(None, None, None)]
        if name.upper() in {"ALL_TCP", "ALL_UDP"}:
            return [((TCP if name.upper() == "ALL_TCP" else UDP,), None, None)]
        found = self._find("firewall service custom", name)
        if found is not None:
            return _custom(found)
        group = self._find("firewall service group", name)
        if group is not None and depth <= _DEPTH:
            made: list[Item] = []
            for member in group.many("member"):
                part = self.service(member, depth + 1)
                if part is None:
                    return None
                made += part
            return made
        known = _KNOWN.get(name.upper())
        return [((known[0],), None, ((known[1], known[1]),))] if known else None

    def virtual(self, name: str, depth: int = 0) -> list[Node]:
        """Return the virtual addresses of a name: one, or those of a group."""
        found = self._find("firewall vip", name)
        if found is not None:
            return [found]
        group = self._find("firewall vipgrp", name)
        return [one for member in group.many("member") for one in self.virtual(member, depth + 1)] if group is not None and depth < _DEPTH else []


def _custom(node: Node) -> list[Item] | None:
    kind = node.get("protocol", "TCP/UDP/SCTP")
    if kind == "IP":
        number = node.get("protocol-number", "0")
        return [((int(number[:4]),) if number.isdigit() and 0 < int(number[:4]) < 256 else None, None, None)]
    if kind in {"ICMP", "ICMP6"}:
        return [((1 if kind == "ICMP" else 58,), None, None)]
    made: list[Item] = []
    for protocol, name in ((TCP, "tcp-portrange"), (UDP, "udp-portrange")):
        for text in node.many(name):
            target, _, source = text.partition(":")
            ports, from_ports = parse_port(target), parse_port(source) if source else None
            if ports is None or (source and from_ports is None):
                return None
            made.append(((protocol,), (from_ports,) if from_ports else None, (ports,)))
    return made or None


def packet_filter(tree: Tree, name: str, domain: Node, host: str, planes: list[Management], faces: list[Interface]) -> PacketFilter:
    """Return the packet filter of a virtual domain."""
    shared = tree.shared()
    known = Objects((domain, shared))
    box = [*_policies(tree, known, domain, "firewall local-in-policy", "deny"), *_services(tree, domain, shared, known, planes)]
    forward = list(_policies(tree, known, domain, "firewall policy", "deny"))
    logging = domain.table("log setting")
    if logging.get("fwpolicy-implicit-log", "disable") == "enable":
        forward.append(Rule(Action.DROP, tree.document.where(logging.line), log=True))
    chains = (
        Chain("vip", tuple(_virtual(tree, domain))), Chain("input", tuple(box), Action.DROP), Chain("forward", tuple(forward), Action.DROP),
    )  # fmt: skip
    return PacketFilter(
        host=host, as_of=tree.document.as_of, where=(Where(tree.document.name),), platform="fortios", semantics=Semantics.FIRST_MATCH, chains=chains,
        prerouting=("vip",), input=("input",), forward=("forward",), interfaces=tuple(faces), name=name, incomplete=tree.cut,
    )  # fmt: skip


def interfaces(shared: Node, domain: Node, name: str) -> list[Interface]:
    """Return the interfaces of a domain, with their zones and the networks behind them."""
    zones = {member: zone for zone, node in domain.table("system zone").entries.items() for member in node.many("interface")}
    routes: dict[str, list[tuple[int, int]]] = {}
    for route in domain.table("router static").entries.values():
        found = parse_span("/".join(route.many("dst")[:2])) if route.many("dst") else None
        if found is not None and found != FOUR_SPAN:
            routes.setdefault(route.get("device"), []).append(found)
    made = []
    for face, node in shared.table("system interface").entries.items():
        if name and node.get("vdom", "root") != name:
            continue
        address = node.many("ip")
        whole = parse_span("/".join(address[:2])) if len(address) > 1 else None
        alone = parse_span(address[0]) if address and address[0] != "0.0.0.0" else None  # noqa: S104 - none is set
        networks = [*([whole] if whole is not None and alone is not None else []), *routes.get(face, [])]
        made.append(Interface(face, zones.get(face, ""), (alone,) if alone is not None else (), spans(networks)))
    return made


def _policies(tree: Tree, known: Objects, domain: Node, table: str, default: str) -> Iterator[Rule]:
    for node in domain.table(table).entries.values():
        if node.get("status", "enable") == "disable":
            continue
        action = Action.ACCEPT if node.get("action", default) in {"accept", "ipsec", "ssl-vpn"} else Action.DROP
        place = tree.document.where(node.line)
        doubts = [f"only for {kind} {', '.join(node.many(kind)[:3])}" for kind in ("users", "groups", "fsso-groups") if node.many(kind)]
        doubts += [
            f"{kind} {', '.join(node.many(kind)[:3])}" for kind in (
                "internet-service-name", "internet-service-src-name", "internet-service-custom", "internet-service-src-custom", "geoip-match",
                "ztna-ems-tag", "src-vendor-mac",
            ) if node.many(kind)
        ]  # fmt: skip
        if node.get("schedule", "always") != "always":
            doubts.append("only at some times")
        source = _side(known, node, "srcaddr", doubts)
        target = _side(known, node, "dstaddr", doubts)
        items: list[Item] = []
        for service in node.many("service"):
            part = known.service(service)
            if part is None:
                doubts.append(f"service {service} cannot be told")
            items += part or [(None, None, None)]
        log = node.get("logtraffic", "utm") == "all" if table == "firewall policy" else node.get("logtraffic") == "enable"
        incoming = _names(node.many("srcintf") or node.many("intf"), domain)
        outgoing = _names(node.many("dstintf"), domain)
        if node.get("service-negate") == "enable":
            doubts.append("all services but those named")
            items = []
        for listed, from_ports, to_ports in items or [(None, None, None)]:
            yield Rule(
                action, place, sources=source, destinations=target, protocols=listed, ports=to_ports, source_ports=from_ports, interfaces_in=incoming,
                interfaces_out=outgoing, unknown="; ".join(dict.fromkeys(doubts)), log=log,
            )  # fmt: skip


def _names(names: list[str], domain: Node) -> tuple[str, ...] | None:
    if not names or "any" in names:
        return None
    zones = domain.table("system zone").entries
    return tuple(member for name in names for member in (zones[name].many("interface") if name in zones else [name]))


def _side(known: Objects, node: Node, side: str, doubts: list[str]) -> Spans | None:
    """Return the addresses of one side of a policy, of both families."""
    made: list[tuple[int, int]] = []
    some = False
    for version in (4, 6):
        for name in node.many(side if version == 4 else f"{side}6"):
            some = True
            virtual = known.virtual(name) if side == "dstaddr" and version == 4 else []
            if virtual:
                for one in virtual:
                    made += [span for text in one.many("mappedip") if (span := parse_span(text)) is not None]
                continue
            part = known.address(name, version)
            if part is None:
                doubts.append(f"address {name} cannot be told")
                return None
            made += part
    if not some:
        return None
    found = spans(made)
    if node.get(f"{side}-negate") == "enable":
        return outside(found, FOUR_SPAN)
    return None if found == spans([FOUR_SPAN, SIX_SPAN]) else found


def _virtual(tree: Tree, domain: Node) -> Iterator[Rule]:
    for node in domain.table("firewall vip").entries.values():
        if node.get("status", "enable") == "disable":
            continue
        outer = [span for text in node.many("extip") if (span := parse_span(text)) is not None]
        inner = [span for text in node.many("mappedip") if (span := parse_span(text)) is not None]
        forward = node.get("portforward") == "enable"
        ports = parse_port(node.get("extport")) if forward else None
        mapped = parse_port(node.get("mappedport") or node.get("extport")) if forward else None
        face = node.get("extintf", "any")
        if outer and inner and outer[0][0] != 0:
            yield Rule(
                Action.NAT, tree.document.where(node.line), destinations=spans(outer), interfaces_in=None if face in {"any", ""} else (face,),
                protocols=(UDP if node.get("protocol") == "udp" else TCP,) if forward else None, ports=(ports,) if ports else None,
                nat=Nat(spans(inner), (mapped,) if mapped else None, shift=True),
                unknown="" if node.get("type", "static-nat") in {"static-nat", ""} else f"type {node.get('type')}",
            )  # fmt: skip


def _services(tree: Tree, domain: Node, shared: Node, known: Objects, planes: list[Management]) -> Iterator[Rule]:
    names = {one.name for one in interfaces(shared, domain, "")}
    for plane in planes:
        if plane.protocol and plane.interface in names:
            yield Rule(
                Action.ACCEPT, plane.where[0], sources=plane.sources, ports=((plane.port, plane.port),),
                protocols=(UDP if plane.protocol == "snmp" else TCP,), interfaces_in=(plane.interface,), unknown=plane.uncertain,
            )  # fmt: skip
    ssl = domain.table("vpn ssl settings")
    faces = tuple(ssl.many("source-interface"))
    if faces and ssl.get("status", "enable") == "enable":
        doubts: list[str] = []
        port = parse_port(ssl.get("port", "443"))
        source = _side(known, ssl, "source-address", doubts)
        yield Rule(
            Action.ACCEPT, tree.document.where(ssl.line), sources=source, protocols=(TCP, UDP), ports=(port,) if port else None, interfaces_in=faces,
            unknown="; ".join(doubts),
        )  # fmt: skip
    for node in domain.table("vpn ipsec phase1-interface").entries.values():
        face = node.get("interface")
        yield Rule(
            Action.ACCEPT, tree.document.where(node.line), protocols=(UDP,), ports=((500, 500), (4500, 4500)), interfaces_in=(face,) if face else None
        )
