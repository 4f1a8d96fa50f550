"""MikroTik RouterOS: services in clear text are off, and no remote service behind the router is forwarded to from outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gatewatch.audit.check import Check, Ground, Verdict, nist
from gatewatch.audit.gateway import Demand, among, judge_settings, need_settings
from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.span import less, meet, normal, shown
from gatewatch.audit.reach.zone import internet, of_network
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import FOUR_SPAN, TCP, UDP, Action, PacketFilter, Rule
from gatewatch.schema.facts.gateway import GatewaySettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import GATEWAYS, remote_ports, service_of

_PRODUCTS = ("routeros",)
_CLEAR = ("telnet", "ftp", "www", "api", "pptp")
_OTHERS = ("connection-nat-state=!dstnat", "ipsec-policy=in,ipsec", "ipsec-policy=out,ipsec")
"""Conditions that a plain packet whose destination was translated does not meet."""


def _forwards(rule: Rule, face: str) -> bool:
    if rule.action is not Action.NAT:
        return False
    faces = rule.interfaces_in
    if faces is None:
        return True
    return face not in {one[1:] for one in faces} if faces and faces[0].startswith("!") else face in faces


def _let_in(rules: PacketFilter, ground: Ground, face: str) -> Iterator[Verdict]:
    """Yield what each forward of an outer interface to a remote service lets in."""
    strangers = less(meet(internet(ground.site), (FOUR_SPAN,)), normal(of_network(one) for one in ground.site.posture.management))
    engine = Engine(replace(rules, chains=tuple(
        replace(chain, rules=tuple(rule for rule in chain.rules if rule.unknown not in _OTHERS)) for chain in rules.chains
    )))  # fmt: skip
    for rule in (rule for chain in rules.chains if chain.name == "dstnat" for rule in chain.rules if _forwards(rule, face)):
        if rule.nat is None or not rule.nat.addresses:
            continue
        target = rule.nat.addresses[0][0]
        ports = rule.nat.ports or rule.ports
        sources = strangers if rule.sources is None else meet(strangers, rule.sources)
        for name, port in remote_ports():
            number, service = TCP if name == "tcp" else UDP, service_of(port, name)
            if service in GATEWAYS or (ports is not None and not any(low <= port <= high for low, high in ports)):
                continue
            if rule.protocols is not None and number not in rule.protocols:
                continue
            fate = engine.through(rules.forward, sources, Packet(number, port, target, local=False, interface_in=face))
            if not fate.accepted:
                continue
            sure = fate.sure and not rule.unknown
            subject = f"{service} {name}/{port} of {shown(((target, target),), 1)[0].partition('/')[0]}"
            yield Verdict(
                status=Status.FAIL if sure else Status.UNKNOWN, host=rules.host, subject=subject, service=service, where=(rule.where,),
                message=f"{face} {'forwards' if sure else 'may forward'} {', '.join(shown(fate.sure or fate.accepted, 3))} to {subject}",
                value=rule.unknown, as_of=rules.as_of, resolved="translation, then the rules of forward in their order",
            )  # fmt: skip


def _inner(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for settings in facts.of(GatewaySettings):
        for rules in facts.of(PacketFilter, settings.host) if settings.product in _PRODUCTS else ():
            if rules.platform not in _PRODUCTS:
                continue
            outer = [name for name in settings.text("outer").split(",") if name]
            found = {one.subject: one for face in outer for one in _let_in(rules, ground, face)}
            yield from found.values()
            if found:
                continue
            why = rules.incomplete or ("" if outer else "which interface faces the internet is not in the evidence: interface list WAN")
            yield Verdict(
                status=Status.UNKNOWN if why else Status.PASS, host=rules.host, where=rules.where[:1], as_of=rules.as_of, subject="forwards",
                message=why or f"no remote service is forwarded to from {', '.join(outer)}", resolved="every remote port of every dst-nat rule",
            )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.9-01r",
        title="RouterOS: no remote service behind it is forwarded to from outside",
        about="No dst-nat rule that answers on an outer interface leads the internet to a remote port of an inner address.",
        measures=(Measure.SEGMENTATION_TOOL, Measure.FIREWALL),
        severity=Severity.CRITICAL,
        needs=need_settings(*_PRODUCTS),
        judge=_inner,
        remediation=Remediation("Remove the forward, and let users come by the VPN.", "/ip firewall nat disable [find dst-port=3389]"),
        mappings=nist("SC-7(5)", "AC-17(3)"),
        references=("MikroTik: NAT",),
    ),
    Check(
        id="M1042.2-08r",
        title="RouterOS: no service in clear text",
        about="telnet, ftp, www, api and the PPTP server are off. All but the last are on unless they are switched off.",
        measures=(Measure.UNUSED_FEATURE, Measure.UNNECESSARY_SERVICE),
        severity=Severity.HIGH,
        needs=need_settings(*_PRODUCTS),
        judge=judge_settings(tuple(Demand(_PRODUCTS, name, among("off"), f"{name} is off", f"{name} is on") for name in _CLEAR)),
        remediation=Remediation(
            "Switch off what is not used; administer by ssh, www-ssl or WinBox from the management network.",
            "/ip service disable telnet,ftp,www,api; /interface pptp-server server set enabled=no",
            "Be sure that ssh or WinBox still lets you in before you switch off the service you use.",
        ),
        mappings=nist("CM-7", "AC-17(2)", "SC-8"),
        references=("MikroTik: Services",),
        services=("telnet", "ftp", "web", "vpn"),
    ),
)
