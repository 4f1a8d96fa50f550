"""Cisco ASA and FTD: access lists in front of each outer interface, limits of the VPN, and features nobody needs."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist, stig
from gatewatch.audit.gateway import COLLECT, Demand, among, at_most, judge_settings, need_settings
from gatewatch.audit.reach.span import meet, size
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.filter import FOUR_SPAN, Action, PacketFilter, Rule
from gatewatch.schema.facts.machine import Machine
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_PRODUCTS = ("asa", "ftd")
_LOCKOUT = "Keep the console at hand, and reload in 10 minutes (reload in 10) while you try it."
def _lists(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for rules in facts.of(PacketFilter):
        if rules.platform not in _PRODUCTS:
            continue
        chains = {chain.name: chain for chain in rules.chains}
        forward = chains["forward"].rules if "forward" in chains else ()
        bound = {name for rule in forward if rule.action is Action.JUMP for name in rule.interfaces_in or ("*",)}
        bound |= {name for rule in forward if rule.action is Action.DROP and _bare(rule) for name in rule.interfaces_in or ()}
        for face in rules.interfaces:
            if face.name not in bound and "*" not in bound:
                status = Status.UNKNOWN if rules.incomplete else Status.FAIL
                said = f"no access list stands in front of {face.name}" + (f"; {rules.incomplete}" if rules.incomplete else "")
                yield _verdict(rules, status, said, face.name, rules.where[0])
        if not rules.interfaces:
            yield _verdict(rules, Status.UNKNOWN, "no interface with a name is in the evidence", "interfaces", rules.where[0])
        for jump in (rule for rule in forward if rule.action is Action.JUMP):
            chain = chains.get(jump.target)
            subject = jump.target.removeprefix("acl ")
            if chain is None:
                yield _verdict(rules, Status.UNKNOWN, f"access list {subject} is not in the evidence", subject, jump.where)
                continue
            wide = next((rule for rule in chain.rules if _everything(rule) and not rule.unknown), None)
            if wide is not None:
                yield _verdict(rules, Status.FAIL, f"access list {subject} lets everything through", subject, wide.where)
            else:
                yield _verdict(rules, Status.PASS, f"access list {subject} lets through what it names", subject, jump.where)


def _bare(rule: Rule) -> bool:
    """Return whether a rule stops all that comes in by its interface: one for administration only lets nothing through."""
    parts = (rule.sources, rule.destinations, rule.protocols, rule.ports, rule.source_ports, rule.interfaces_out)
    return rule.interfaces_in is not None and not rule.unknown and all(part is None for part in parts)


def _everything(rule: Rule) -> bool:
    parts = (rule.sources, rule.destinations)
    wide = all(one is None or (one and one[0][0] == 0 and size(meet(one, (FOUR_SPAN,))) == 1 << 32) for one in parts)
    return rule.action is Action.ACCEPT and wide and rule.protocols is None and rule.ports is None


def _verdict(rules: PacketFilter, status: Status, said: str, subject: str, where: Where) -> Verdict:
    return Verdict(
        status=status, host=rules.host, message=said, subject=subject, where=(where,), as_of=rules.as_of,
    )  # fmt: skip


def _defaults(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    doors = [path for path in facts.of(AccessPath) if path.product in _PRODUCTS and not path.admin]
    for path in doors:
        if path.name.startswith("Default"):
            said = f"{path.name} is always there and " + ("takes logins" if path.enabled else "lets nobody hold a session")
            whole = all(one.complete for one in facts.of(Machine, path.host))
            yield Verdict(
                status=Status.UNKNOWN if not whole else Status.FAIL if path.enabled else Status.PASS, host=path.host, subject=path.name,
                where=path.where[:1], message=said if whole else f"{said}, but the configuration is not whole",
                value="vpn-simultaneous-logins 0" if not path.enabled else "", service="vpn", as_of=path.as_of,
            )  # fmt: skip
    for host in dict.fromkeys(path.host for path in facts.of(AccessPath) if path.product in _PRODUCTS):
        mine = [path for path in doors if path.host == host]
        if not mine:
            yield Verdict(status=Status.NOT_APPLICABLE, host=host, message="no remote access is configured", subject="default groups")
        elif not any(path.name.startswith("Default") for path in mine):
            said = "no built-in group can be used: none of them is given a key, and the web portal is off"
            yield Verdict(status=Status.PASS, host=host, message=said, where=mine[0].where[:1], subject="default groups", service="vpn")


def _minutes(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text[:12]) <= 1440


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.5-04",
        title="Cisco ASA: an access list stands in front of every interface, and none lets everything through",
        about="Each named interface is covered by an access list, and no list has an entry that permits ip any any.",
        measures=(Measure.FIREWALL,),
        severity=Severity.HIGH,
        needs=(Need((PacketFilter,), COLLECT["asa"], when=lambda fact: fact.platform in _PRODUCTS),),
        judge=_lists,
        remediation=Remediation("Write a list that names what may pass, end it with deny ip any any log, and bind it.", "access-group OUTSIDE in interface outside", _LOCKOUT),  # noqa: E501 - one remediation
        mappings=(*nist("SC-7", "SC-7(5)"), *stig("Cisco ASA Firewall", "CASA-FW-000230 (V-239865)", "CASA-FW-000250 (V-239867)")),
        references=("Cisco ASA Series Command Reference",),
    ),
    Check(
        id="M1035.2-05",
        title="Cisco ASA: the VPN speaks TLS 1.2, ends idle sessions, and holds down who fails to log in",
        about="ssl server-version is tlsv1.2 or later, sessions end, and the threat detection services for remote access are on.",
        measures=(Measure.REMOTE_ACCESS, Measure.HARDENING),
        severity=Severity.HIGH,
        needs=need_settings(*_PRODUCTS),
        judge=judge_settings((
            Demand(_PRODUCTS, "tls-min", among("tlsv1.2", "tlsv1.3"), "TLS 1.2 or later only", "TLS before 1.2 is spoken"),
            Demand(_PRODUCTS, "vpn-idle-timeout", at_most(60), "idle sessions end", "idle sessions stay for more than an hour"),
            Demand(_PRODUCTS, "vpn-session-timeout", _minutes, "every session ends within a day", "sessions need not end within a day"),
            Demand(_PRODUCTS, "remote-access-client-initiations", among("on"), "sources that only begin logins are held down",
                   "sources may begin logins without end"),
            Demand(_PRODUCTS, "invalid-vpn-access", among("on"), "sources that try built-in groups are held down",
                   "sources may try built-in groups without end"),
        ), feature="remote-access"),
        remediation=Remediation(
            "Set the TLS version, time-outs and threat detection for remote access.",
            "ssl server-version tlsv1.2\nthreat-detection service invalid-vpn-access\n"
            "threat-detection service remote-access-client-initiations hold-down 10 threshold 20",
        ),
        mappings=(*nist("AC-17(2)", "SC-8", "AC-12"), *stig("Cisco ASA VPN", "CASA-VN-000550", "CASA-VN-000700", "CASA-VN-000730")),
        references=("Cisco document 222315",),
        services=("vpn",),
    ),
    Check(
        id="M1042.2-07a",
        title="Cisco ASA: the built-in tunnel groups take no logins",
        about="DefaultWEBVPNGroup and DefaultRAGroup lead to a policy with vpn-simultaneous-logins 0 that nothing overrides.",
        measures=(Measure.UNUSED_FEATURE, Measure.REMOTE_ACCESS),
        severity=Severity.HIGH,
        needs=(Need((AccessPath,), COLLECT["asa"], when=lambda path: path.product in _PRODUCTS),),
        judge=_defaults,
        remediation=Remediation(
            "Set vpn-simultaneous-logins 0 in DfltGrpPolicy, after you have set it in every policy in use.",
            "group-policy DfltGrpPolicy attributes\n vpn-simultaneous-logins 0", "Policies that inherit it lock their users out.",
        ),
        mappings=(*nist("CM-7"), *stig("Cisco ASA Firewall", "CASA-FW-000130 (V-239859)")),
        references=("Cisco ASA Series Command Reference",),
        services=("vpn",),
    ),
    Check(
        id="M1042.2-07b",
        title="Cisco ASA: no telnet",
        about="No interface answers to telnet.",
        measures=(Measure.UNUSED_FEATURE,),
        severity=Severity.HIGH,
        needs=need_settings(*_PRODUCTS),
        judge=judge_settings((Demand(_PRODUCTS, "telnet", among("off"), "telnet is off", "the device is administered by telnet"),)),
        remediation=Remediation("Use ssh; remove the telnet lines.", "clear configure telnet", _LOCKOUT),
        mappings=(*nist("CM-7", "AC-17(2)"), *stig("Cisco ASA NDM", "CASA-ND-000430")),
    ),
    Check(
        id="M1042.5-05",
        title="Gateways: the clientless portal is off",
        about="No group may use the portal that rewrites web pages in the browser.",
        measures=(Measure.PLUGIN, Measure.UNUSED_FEATURE),
        severity=Severity.MEDIUM,
        needs=need_settings("asa", "ftd", "fortios"),
        judge=judge_settings((
            Demand(("asa", "ftd"), "clientless", among("off"), "no policy allows the clientless portal", "a policy allows the clientless portal",
                   feature="webvpn"),
            Demand(("fortios",), "web-mode", among("disable"), "no portal has web mode", "a portal has web mode"),
        )),
        remediation=Remediation("Allow the client only.", "group-policy STAFF attributes\n vpn-tunnel-protocol ssl-client"),
        mappings=nist("CM-7"),
        services=("vpn",),
    ),
)  # fmt: skip
