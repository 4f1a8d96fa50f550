"""The way past the web proxy: whether users and servers reach the web by themselves, through the firewalls in front of their zones."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.query import arrive
from gatewatch.audit.reach.span import join, less, meet, normal, of_address, shown
from gatewatch.audit.reach.zone import of_network
from gatewatch.audit.run import EVERYWHERE
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.filter import TCP, Action, Interface, PacketFilter, Spans
from gatewatch.schema.facts.web import ProxyPolicy
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.site.posture import Zone, ZoneKind

_INNER = frozenset({ZoneKind.USER, ZoneKind.SERVER, ZoneKind.CRITICAL})
_PORTS = (80, 443)
_PLACES = ("203.0.113.201", "198.51.100.201", "192.0.2.201")  # anywhere: addresses no rule speaks of by itself
_UNDECLARED = 'the site declares no zone of users or servers with its networks: [zones.X] kind = "user"'


def _proxies(facts: Facts, ground: Ground) -> Spans:
    """Return the addresses of the site's web proxies: hosts whose proxy is in the evidence, and those of that role."""
    names = {one.host for one in facts.of(ProxyPolicy)}
    names |= {asset.name for asset in ground.site.posture.assets if {"proxy", "web-proxy"} & set(asset.roles)}
    names |= set(ground.site.posture.web_proxies)
    reach = ground.reach(facts)
    literal = [number for name in names if (number := of_address(name)) is not None]
    return normal((at, at) for at in (*literal, *(at for name in sorted(names) for at in reach.addresses(name))))


def _leaves(rules: PacketFilter, zone: Zone, ground: Ground) -> tuple[str | None, str | None] | None:
    """Return the interfaces by which a zone comes to a device and leaves it for the internet; None where the zone is not behind it."""
    networks = normal(of_network(one) for one in zone.networks)
    wanted = {name.casefold() for name in (*zone.interfaces, zone.name)}
    outer = {name.casefold() for one in ground.site.posture.zones if one.kind is ZoneKind.INTERNET for name in (*one.interfaces, one.name)}
    inward = [one for one in rules.interfaces if meet(one.networks, networks) or {one.name.casefold(), one.zone.casefold()} & wanted]
    if not inward:
        return None
    outward = [one for one in rules.interfaces if one not in inward and _faces_out(one, outer)]
    return (inward[0].name if len(inward) == 1 else None), (outward[0].name if len(outward) == 1 else None)


def _faces_out(one: Interface, outer: set[str]) -> bool:
    public = any((at := of_address(place)) is not None and any(low <= at <= high for low, high in one.networks) for place in _PLACES)
    return bool({one.name.casefold(), one.zone.casefold()} & outer) or public


def _past(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    zones = [zone for zone in ground.site.posture.zones if zone.kind in _INNER and zone.networks]
    if not zones:
        yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message=_UNDECLARED)
        return
    proxies = _proxies(facts, ground)
    for zone in zones:
        told = False
        for rules in facts.of(PacketFilter):
            ways = _leaves(rules, zone, ground) if rules.forward else None
            if ways is not None:
                told = True
                yield _device(rules, zone, ways, proxies)
        if not told:
            said = f"no firewall with zone {zone.name} behind it is in the evidence"
            yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, subject=f"zone {zone.name}", message=said)


def _device(rules: PacketFilter, zone: Zone, ways: tuple[str | None, str | None], proxies: Spans) -> Verdict:
    engine = Engine(rules)
    sources = less(meet(normal(of_network(one) for one in zone.networks), rules.covers), proxies)
    sure: Spans = ()
    may: Spans = ()
    places: list[Where] = []
    for port in _PORTS:
        always: Spans | None = None
        for text in _PLACES:
            fate = arrive(engine, sources, Packet(TCP, port, of_address(text), local=False, interface_in=ways[0], interface_out=ways[1]))
            may = join(may, fate.accepted)
            always = fate.sure if always is None else meet(always, fate.sure)
            places += [step.where for step in fate.steps if step.action is Action.ACCEPT][:1]
        sure = join(sure, always or ())
    doubt = f"; {rules.incomplete}" if rules.incomplete else ""
    note = "" if proxies else "; which hosts are proxies is not known ([audit] web_proxies, or [assets.X] roles = [\"proxy\"])"
    if sure and not rules.incomplete:
        status, said = Status.FAIL, f"zone {zone.name} reaches the web past the proxy, from {', '.join(shown(sure, 3))}{note}"
    elif may or rules.incomplete:
        status, said = Status.UNKNOWN, f"zone {zone.name} may reach the web past the proxy{doubt}{note}"
    else:
        status, said = Status.PASS, f"nobody in zone {zone.name} but the proxies reaches the web"
    return Verdict(
        status=status, host=rules.host, message=said, subject=f"zone {zone.name}", resolved="ports 80 and 443 of an address no rule names",
        where=tuple(dict.fromkeys(places))[:3] or rules.where[:1], as_of=rules.as_of, service="proxy",
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1021.1-03",
        title="The web is reached through the proxy only",
        about="From zones of users and servers, ports 80 and 443 of the internet are reached by hosts that are web proxies, and by no others.",
        measures=(Measure.WEB_PROXY, Measure.FIREWALL),
        severity=Severity.HIGH,
        needs=(Need((PacketFilter,), "the rules of the firewalls in front of the zones of users and servers"),),
        judge=_past,
        remediation=Remediation(
            "Deny ports 80 and 443 to the internet for all but the proxies.",
            "nft add rule inet filter forward ip saddr != @proxies tcp dport { 80, 443 } oifname wan0 drop",
            "Whatever does not know the proxy stops working: updates, agents, appliances.",
        ),
        mappings=nist("SC-7(8)", "AC-4"),
        references=("NIST SP 800-53 SC-7(8)",),
    ),
)
