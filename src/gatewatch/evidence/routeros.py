"""MikroTik RouterOS: an export (``/export``), with its services, doors of users and administrators, and packet filter.

::

    # 2026-01-05 10:00:00 by RouterOS 7.13.2
    /ip service
    set telnet disabled=yes
    set winbox address=10.9.0.0/24
    /interface l2tp-server server
    set enabled=yes use-ipsec=yes

An export leaves out what is at its default: telnet, ftp, www, ssh, api, api-ssl and winbox are on unless it says otherwise. References: MikroTik,
"Services", "User", "PPP AAA", "Configuration management".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence.address import parse_span, spans
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome
from gatewatch.evidence.routeros_filter import Router, open_to, packet_filter, router
from gatewatch.evidence.routeros_tree import Command, commands
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.filter import Spans
from gatewatch.schema.facts.gateway import GatewaySettings, Management
from gatewatch.schema.facts.machine import Listener, Machine, System

_HEAD = re.compile(r"(?m)^#.{0,80}\bby RouterOS (\d[\w.]{0,20})")
_MENU = re.compile(r"(?m)^/ip[ /]firewall[ /](?:filter|nat|raw)\b")
_RULE = re.compile(r"(?m)^(?:/ip[ /]firewall[ /](?:filter|nat|raw)[ /])?add (?:action=\S{1,40} )?chain=")
_SERVICES = {
    "telnet": (23, True), "ftp": (21, True), "www": (80, True), "ssh": (22, True), "api": (8728, True), "winbox": (8291, True),
    "api-ssl": (8729, True), "www-ssl": (443, False),
}  # fmt: skip
_PLAIN = ("telnet", "ftp", "www", "api")
_PROTOCOL = {"www": "http", "www-ssl": "https"}
_DIALLED = {"pptp": 1723, "l2tp": 1701, "sstp": 443, "ovpn": 1194}
_PASSWORD = Factor(FactorKind.KNOWLEDGE, "password")


def _recognise(document: Document) -> int:
    if _HEAD.search(document.head):
        return SURE
    text = document.text[:65536]
    return SURE - 10 if _MENU.search(text) and _RULE.search(text) else 0


def _last(listed: list[Command], menu: str) -> dict[str, str]:
    made: dict[str, str] = {}
    for one in listed:
        if one.menu == menu and one.verb == "set":
            made.update(one.values)
    return made


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    del bundle  # one folder may hold many routers
    for document in documents:
        listed, torn = commands(document)
        if not listed:
            yield Ignored(document, "sets nothing")
            continue
        version = _HEAD.search(document.head)
        cut = "the export ends within a line" if torn else "" if version is not None else "without the head of an export it may be a part"
        name = _last(listed, "system identity").get("name", "")
        host = (name if re.fullmatch(r"[\w .-]{1,80}", name) else document.stem).casefold()
        yield Machine(
            host=host, as_of=document.as_of, where=(document.where(1),), system=System.NETWORK, product="RouterOS",
            version=version[1] if version is not None else "",
        )  # fmt: skip
        known = router(document, listed)
        yield packet_filter(known, listed, host, cut)
        yield from _services(document, listed, known, host, cut)
        yield from _admin(document, listed, host, cut)
        yield from _doors(document, listed, host, cut)


def _enabled(listed: list[Command], name: str) -> tuple[bool, int, str, int]:
    """Return whether a service is on, its port, the addresses it answers to, and the line that says so."""
    port, on = _SERVICES[name]
    address, line = "", 0
    for one in listed:
        if one.menu == "ip service" and name in one.target.split(","):
            line = one.line
            if one.verb in {"enable", "disable"}:
                on = one.verb == "enable"
            on = one.get("disabled", "no" if on else "yes") != "yes"
            port = int(one.get("port")) if one.get("port").isdigit() and int(one.get("port")[:6]) < 65536 else port
            address = one.get("address", address)
    return on, port, address, line


def _six(listed: list[Command]) -> bool:
    """Return whether the router has addresses of IPv6 that others may reach."""
    if _last(listed, "ipv6 settings").get("disable-ipv6") == "yes":
        return False
    return any(one.menu in {"ipv6 address", "ipv6 dhcp-client"} and one.verb == "add" and one.on for one in listed)


def _services(document: Document, listed: list[Command], known: Router, host: str, cut: str) -> Iterator[Outcome]:
    values = []
    doubt = cut and f"{cut}: what it does not say may be missing"
    for name in _SERVICES:
        on, port, address, line = _enabled(listed, name)
        place = document.where(line or 1)
        how = "as the export says" if line else "default of RouterOS, which an export leaves out"
        values.append(Setting(name, "on" if on else "off", how, place, "" if line else doubt))
        if not on:
            continue
        allowed: Spans | None = spans(span for text in address.split(",") if (span := parse_span(text)) is not None) if address else None
        yield Listener(
            host=host, as_of=document.as_of, where=(place,), address="*", port=port, service=name if name in {"ssh", "telnet", "ftp"} else ""
        )
        for face in known.outer or {"": None}:
            let, unsure = open_to(known, listed, port, face) if face else (None, "which interface faces the internet is not in the evidence")
            if face and allowed is None and let is not None and _six(listed):
                six, why = open_to(known, listed, port, face, "ipv6")
                let, unsure = (let, unsure) if six == () else (None, f"over IPv6: {why or 'no rule of /ipv6 firewall refuses it'}")
            let = None if cut else let  # the rest of a rule may be cut off
            narrow = allowed if let is None else let if allowed is None else tuple(one for one in let if any(
                low <= one[0] and one[1] <= high for low, high in allowed))  # fmt: skip
            yield Management(
                host=host, as_of=document.as_of, where=(place,), product="routeros", interface=face or "(any)", protocol=_PROTOCOL.get(name, name),
                port=port, sources=narrow, external=True if face else None, text=address,
                uncertain=cut or (unsure if allowed is None else ""),
            )  # fmt: skip
    pptp = _last(listed, "interface pptp-server server").get("enabled", "no")
    values.append(Setting("pptp", "on" if pptp == "yes" else "off", "as the export says, or its default", document.where(1), doubt))
    values.append(Setting("outer", ",".join(known.outer), "interface list WAN, DHCP client, PPPoE, LTE and default route", document.where(1), cut))
    yield GatewaySettings(host=host, as_of=document.as_of, where=(document.where(1),), service="vpn", product="routeros", values=tuple(values))


def _radius(listed: list[Command], service: str) -> list[str]:
    adds = [one for one in listed if one.menu == "radius" and one.verb == "add" and one.on and service in one.get("service").split(",")]
    return [one.get("address") for one in adds if one.get("address")]


def _asked(listed: list[Command], menu: str, service: str) -> list[Factor]:
    if _last(listed, menu).get("use-radius", "no") != "yes":
        return []
    return [Factor(FactorKind.DELEGATED, f"radius {one}", one, servers=(one,)) for one in _radius(listed, service) or ["radius"]]


def _admin(document: Document, listed: list[Command], host: str, cut: str) -> Iterator[Outcome]:
    users = [one for one in listed if one.menu == "user" and one.verb in {"add", "set"} and one.on]
    place = (document.where(users[0].line if users else 1),)
    ways = [Way((_PASSWORD,), "password of a local user", place, cut)]
    ways += [Way((one,), one.method, place, cut) for one in _asked(listed, "user aaa", "login")]
    yield AccessPath(
        host=host, as_of=document.as_of, where=place, service="web", product="routeros", name="administration", ways=tuple(ways), admin=True
    )


def _doors(document: Document, listed: list[Command], host: str, cut: str) -> Iterator[Outcome]:
    secrets = [one for one in listed if one.menu == "ppp secret" and one.verb == "add" and one.on]
    asked = _asked(listed, "ppp aaa", "ppp")
    for kind, port in _DIALLED.items():
        menu = f"interface {kind}-server server"
        lines = [one for one in listed if one.menu == menu and (one.get("enabled") == "yes" or one.get("disabled") == "no")]
        if not lines:
            continue
        server = lines[-1]
        card = server.get("require-client-certificate") == "yes" or server.get("verify-client-certificate") == "yes"
        extra = (Factor(FactorKind.DEVICE, "certificate"),) if card else ()
        label = "certificate, then " if card else ""
        place = (document.where(server.line),)
        mine = [one for one in secrets if one.get("service", "any") in {"any", kind}]
        ways = [Way((*extra, _PASSWORD), f"{label}password of a local user", (document.where(mine[0].line), *place), cut)] if mine else []
        ways += [Way((*extra, one), f"{label}{one.method}", place, cut) for one in asked]
        yield AccessPath(
            host=host, as_of=document.as_of, where=place, service="vpn", product="routeros", name=kind, ways=tuple(ways),
            listeners=(("*", int(server.get("port")) if server.get("port").isdigit() else port, "tcp" if kind != "l2tp" else "udp"),),
        )  # fmt: skip
    peers = [one for one in listed if one.menu == "interface wireguard peers" and one.verb == "add" and one.on and not one.get("endpoint-address")]
    for face in dict.fromkeys(one.get("interface") for one in peers):
        mine = [one for one in peers if one.get("interface") == face]
        key = Factor(FactorKind.POSSESSION, "key")
        yield AccessPath(
            host=host, as_of=document.as_of, where=(document.where(mine[0].line),), service="vpn", product="routeros", name=f"wireguard {face}",
            ways=tuple(Way((key,), f"key of peer {at}", (document.where(one.line),), cut) for at, one in enumerate(mine[:50], 1)),
            listeners=(("*", 13231, "udp"),),
        )  # fmt: skip


FORMAT = Format(
    name="routeros",
    title="MikroTik RouterOS (/export)",
    recognise=_recognise,
    read=_read,
    collect="/export file=router, without show-sensitive",
    references=("MikroTik: Configuration management", "MikroTik: Services"),
)
