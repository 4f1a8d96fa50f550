"""pfSense and OPNsense: remote services behind them, their web interface and ssh from outside, and the doors of their VPNs."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.factor import judge_path
from gatewatch.audit.gateway import COLLECT, need_settings
from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.span import less, meet, normal, shown
from gatewatch.audit.reach.zone import internet, of_network
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import FOUR_SPAN, TCP, UDP, Action, PacketFilter, Spans
from gatewatch.schema.facts.gateway import GatewaySettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import GATEWAYS, remote_ports, service_of

_PRODUCTS = ("pfsense", "opnsense")
_LOCKOUT = "The rule that keeps you from locking yourself out stands on LAN: work from there."


def _outer(settings: GatewaySettings) -> list[str]:
    return [name for name in settings.text("outer").split(",") if name]


def _pairs(facts: Facts) -> Iterator[tuple[GatewaySettings, PacketFilter]]:
    for settings in facts.of(GatewaySettings):
        if settings.product in _PRODUCTS:
            yield from ((settings, rules) for rules in facts.of(PacketFilter, settings.host) if rules.platform in _PRODUCTS)


def _inner(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    outside = internet(ground.site)
    for settings, rules in _pairs(facts):
        engine = Engine(rules)
        own = normal(span for one in rules.interfaces for span in one.addresses)
        behind = normal(span for one in rules.interfaces if one.name not in _outer(settings) for span in one.networks)
        probes = {low for low, high in behind for low in (min(low + 1, high),)}
        for rule in (rule for chain in rules.chains for rule in chain.rules if rule.destinations):
            probes |= {low for low, _ in less(meet(rule.destinations or (), behind), own)}
        found: dict[str, tuple[Spans, Spans, Verdict]] = {}
        for face in _outer(settings):
            for name, port in remote_ports():
                service = service_of(port, name)
                for target in sorted(probes) if service not in GATEWAYS else ():
                    packet = Packet(TCP if name == "tcp" else UDP, port, target, local=False, interface_in=face)
                    fate = engine.through(rules.forward, outside, packet)
                    if not fate.accepted:
                        continue
                    text = shown(((target, target),), 1)[0].partition("/")[0]
                    subject = f"{service} {name}/{port} of {text}"
                    where = tuple(step.where for step in fate.steps if step.action is Action.ACCEPT)[:2]
                    verb = "lets" if fate.sure else "may let"
                    found.setdefault(subject, (fate.sure, fate.accepted, Verdict(
                        status=Status.FAIL if fate.sure else Status.UNKNOWN, host=rules.host, subject=subject, service=service, where=where,
                        message=f"{face} {verb} {', '.join(shown(fate.sure or fate.accepted, 3))} in to {subject}", as_of=rules.as_of,
                        resolved="rules in the order in which they are met",
                    )))  # fmt: skip
        yield from (verdict for _, _, verdict in found.values())
        if not found:
            yield Verdict(
                status=Status.PASS, host=rules.host, message="no remote service behind the device can be reached from outside", subject="rules",
                where=rules.where[:1], as_of=rules.as_of, resolved=f"{len(probes)} addresses asked for every remote port",
            )  # fmt: skip


def _admin(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    strangers = less(meet(internet(ground.site), (FOUR_SPAN,)), normal(of_network(one) for one in ground.site.posture.management))
    for settings, rules in _pairs(facts):
        engine = Engine(rules)
        by_name = {one.name: one for one in rules.interfaces}
        planes = [("web interface", settings.text("webgui-port", "443"))]
        planes += [("ssh", settings.text("ssh-port", "22"))] if settings.text("ssh") == "on" else []
        for name, port in planes:
            for face in _outer(settings):
                target = next((low for low, _ in by_name[face].addresses), None) if face in by_name else None
                number = int(port[:5]) if port.isdigit() else 443
                fate = engine.through(rules.input, strangers, Packet(TCP, number, target, local=True, interface_in=face))
                status = Status.FAIL if fate.sure else Status.UNKNOWN if fate.accepted else Status.PASS
                verb = {Status.FAIL: "answers", Status.UNKNOWN: "may answer"}.get(status, "does not answer")
                yield Verdict(
                    status=status, host=settings.host, message=f"{name} (tcp/{number}) {verb} to the internet on {face}", subject=f"{name} on {face}",
                    where=tuple(step.where for step in fate.steps)[:2] or rules.where[:1], as_of=settings.as_of, value=f"port {number}",
                    severity=None if status is not Status.FAIL else Severity.CRITICAL, service="ssh" if name == "ssh" else "web",
                )  # fmt: skip
        secure = settings.text("webgui-protocol") == "https"
        yield Verdict(
            status=Status.PASS if secure else Status.FAIL, host=settings.host, message=f"the web interface speaks {settings.text('webgui-protocol')}",
            subject="web interface", where=settings.where[:1], as_of=settings.as_of,
        )  # fmt: skip
        if settings.text("ssh") == "on":
            keys = settings.text("ssh-keys-only") == "yes"
            yield Verdict(
                status=Status.PASS if keys else Status.FAIL, host=settings.host, subject="ssh", where=settings.where[:1], as_of=settings.as_of,
                message="ssh takes keys only" if keys else "ssh takes passwords", service="ssh",
            )  # fmt: skip


def _doors(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    mine = [path for path in facts.of(AccessPath) if path.product in _PRODUCTS]
    for path in mine:
        if not path.admin:
            yield judge_path(path, ground.site.posture)
    for host in dict.fromkeys(path.host for path in mine):
        if all(path.admin for path in mine if path.host == host):
            yield Verdict(status=Status.NOT_APPLICABLE, host=host, message="no VPN for users is configured", subject="vpn")


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.9-01",
        title="pfSense, OPNsense: no remote service behind them is reachable from outside",
        about="For every remote port and every address a rule names or a network begins with, the rules let nobody of the internet in.",
        measures=(Measure.SEGMENTATION_TOOL, Measure.FIREWALL),
        severity=Severity.CRITICAL,
        needs=need_settings(*_PRODUCTS),
        judge=_inner,
        remediation=Remediation("Remove the rule or port forward, and let users come by the VPN.", "", _LOCKOUT),
        mappings=nist("SC-7(5)", "AC-17(3)"),
        references=("pfSense documentation: Firewall", "OPNsense documentation: Rules"),
    ),
    Check(
        id="M1035.9-02",
        title="pfSense, OPNsense: administration by https and keys, and not from outside",
        about="The web interface speaks https, ssh takes keys only, and neither answers to the internet.",
        measures=(Measure.SEGMENTATION_TOOL, Measure.NETWORK_SERVICE),
        severity=Severity.HIGH,
        needs=need_settings(*_PRODUCTS),
        judge=_admin,
        remediation=Remediation("Remove the rule on WAN that lets administration in; set https and keys only.", "", _LOCKOUT),
        mappings=nist("AC-17", "CM-7", "SC-8"),
        references=("CISA BOD 23-02",),
    ),
    Check(
        id="M1035.9-03",
        title="pfSense, OPNsense: every VPN for users asks for several factors",
        about="OpenVPN is SSL/TLS and user authentication, or its server asks for several factors; so does IPsec for mobile clients.",
        measures=(Measure.SEGMENTATION_TOOL, Measure.AUTH_METHOD, Measure.MFA_TOOL),
        severity=Severity.HIGH,
        needs=(Need((AccessPath,), COLLECT["pfsense"], when=lambda path: path.product in _PRODUCTS),),
        judge=_doors,
        remediation=Remediation("Set the mode to Remote Access (SSL/TLS + User Auth), or use a server with one-time codes."),
        mappings=nist("IA-2(1)", "IA-2(2)", "AC-17"),
        references=("pfSense documentation: OpenVPN", "NIST SP 800-63B"),
        services=("vpn",),
    ),
)
