"""The way out of the DMZ: what stands there opens connections to the internet only where its rules name the other side.

A tunnel out is how a gateway that was taken over is kept (reverse shells, relays of Tor); each device in front of the zone is asked for an address
of the internet that no rule names, so that what passes is open to all of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist, stig
from gatewatch.audit.reach.flow import Engine, Packet, Step
from gatewatch.audit.reach.query import arrive, interface_of, interface_to
from gatewatch.audit.reach.span import less, meet, normal
from gatewatch.audit.reach.zone import internet, of_network
from gatewatch.audit.run import EVERYWHERE
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import FOUR_SPAN, SIX_SPAN, TCP, UDP, Action, PacketFilter, Span, Spans
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.site.posture import Zone, ZoneKind

_PORTS = (("tcp", 443), ("tcp", 80), ("tcp", 22), ("tcp", 47001), ("udp", 443), ("udp", 47001))  # 47001: one that no rule names
_NUMBERS = {"tcp": TCP, "udp": UDP}


def _egress(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    zones = [zone for zone in ground.site.posture.zones if zone.kind is ZoneKind.DMZ and zone.networks]
    if not zones:
        yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message="the site declares no zone of kind dmz with its cidrs: [zones.NAME]")
    for zone in zones:
        inside = normal(of_network(one) for one in zone.networks)
        engines = [engine for engine in ground.reach(facts).engines if engine.rules.forward and _stands_before(engine, zone, inside)]
        if not engines:
            said = f"no packet filter that zone {zone.name} lies behind is in the evidence"
            yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message=said, subject=f"from {zone.name}")
        for engine in engines:
            yield _judged(engine, zone, inside, ground)


def _stands_before(engine: Engine, zone: Zone, inside: Spans) -> bool:
    networks = [span for one in engine.rules.interfaces for span in one.networks] + [one.network for one in engine.routes if one.own >= 0]
    names = {name.casefold() for name in (*zone.interfaces, zone.name)}
    named = any(one.name.casefold() in names or (one.zone and one.zone.casefold() in names) for one in engine.rules.interfaces)
    return named or bool(meet(normal(networks), inside))


def _judged(engine: Engine, zone: Zone, inside: Spans, ground: Ground) -> Verdict:
    """Ask a device, for each family the zone has, for ports that web, SSH and nobody in particular use."""
    meant = [flow for flow in ground.site.posture.flows if flow.source == zone.name and flow.target == "internet"]
    open_: dict[str, None] = {}
    doubt: dict[str, None] = {}
    steps: list[Step] = []
    for family in (FOUR_SPAN, SIX_SPAN):
        sources = meet(inside, (family,))
        target = _unnamed(engine, meet(internet(ground.site), (family,)))
        if not sources or target is None or not meet(engine.rules.covers, (family,)):
            continue
        out = interface_to(engine, target) or interface_of(engine, ground.site.posture.zone("internet"))
        for name, port in _PORTS:
            if any(one.holds(name, port) for flow in meant for one in flow.ports):
                continue
            packet = Packet(_NUMBERS[name], port, target, local=False, interface_in=interface_of(engine, zone), interface_out=out)
            fate = arrive(engine, sources, packet)
            if fate.sure:
                open_[f"{name}/{port}"] = None
                steps += [step for step in fate.steps if step.action is Action.ACCEPT]
            elif fate.accepted:
                doubt[f"{name}/{port}"] = None
                steps += [step for step in fate.steps if not step.sure]
    status, said = Status.PASS, f"zone {zone.name} reaches the internet only where rules name the other side"
    if open_:
        status, said = Status.FAIL, f"zone {zone.name} opens connections to any address of the internet: {', '.join(open_)}"
    elif doubt or engine.rules.incomplete:
        why = engine.rules.incomplete or "a rule cannot be decided"
        ports = ", ".join(doubt) or "any port"
        status, said = Status.UNKNOWN, f"zone {zone.name} may open connections to any address of the internet ({ports}): {why}"
    where = tuple(dict.fromkeys(step.where for step in steps))[:3] or engine.rules.where[:1]
    return Verdict(
        status=status, host=engine.rules.host, message=said, subject=f"from {zone.name}", where=where, as_of=engine.rules.as_of,
        resolved="asked for an address of the internet that no rule names",
    )  # fmt: skip


def _unnamed(engine: Engine, outside: Spans) -> int | None:
    """Return an address of the internet that no rule names, but as a part of half of it or more."""
    named: list[Span] = []
    for chain in engine.rules.chains:
        for rule in chain.rules:
            named += [(low, high) for low, high in rule.destinations or () if high - low < (1 << 30 if high < SIX_SPAN[0] else 1 << 124)]
    left = less(outside, normal(named)) or outside
    return left[-1][0] if left else None


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.2-04",
        title="The DMZ opens connections to named destinations only",
        about="From each zone of kind dmz, no packet filter in front of it lets a connection out to any address of the internet, [[flows]] aside.",
        measures=(Measure.DMZ, Measure.FIREWALL),
        severity=Severity.HIGH,
        needs=(Need((PacketFilter,), "the rules of the firewall between the DMZ and the internet, and [zones] in gatewatch.toml"),),
        judge=_egress,
        remediation=Remediation(
            "Let the DMZ out to the proxy, resolvers, time servers and update mirrors it needs, and log and drop the rest.",
            'nft add rule inet filter forward iifname "dmz0" oifname "wan0" ip daddr != @mirrors drop',
            "What fetches updates or calls out by addresses that are not listed stops.",
        ),
        mappings=(*nist("SC-7(5)", "SC-7", "AC-4"), *stig("Cisco ASA Firewall", "CASA-FW-000010 (V-239852)")),
        references=("ATT&CK T1133", "ATT&CK T1572"),
    ),
)
