"""PAN-OS: rules from outside, where administration comes from, and the settings of GlobalProtect."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist, stig
from gatewatch.audit.checks.fortios import any_address
from gatewatch.audit.gateway import COLLECT, Demand, among, judge_settings, lacking, need_settings
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import Action, PacketFilter, Rule
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.site.posture import ZoneKind

_PANOS = ("panos",)
_OUTER = frozenset({"untrust", "outside", "internet", "wan", "l3-untrust", "external"})
_REMOTE = frozenset({"any", "ms-rdp", "ssh", "telnet", "vnc", "vnc-base", "winrm", "ms-wmi", "ms-ds-smb", "teamviewer", "anydesk"})


def _applications(rule: Rule) -> set[str]:
    return {one.strip() for one in rule.comment.removeprefix("applications ").split(",")} if rule.comment.startswith("applications ") else set()


def _inbound(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    named = {name.casefold() for zone in ground.site.posture.zones if zone.kind is ZoneKind.INTERNET for name in (*zone.interfaces, zone.name)}
    for rules in facts.of(PacketFilter):
        if rules.platform != "panos":
            continue
        wrong = []
        for rule in (rule for chain in rules.chains if chain.name == "security" for rule in chain.rules):
            outer = rule.interfaces_in is None or any(zone.casefold() in named | _OUTER for zone in rule.interfaces_in)
            inner = rule.interfaces_out is None or any(zone.casefold() not in named | _OUTER for zone in rule.interfaces_out)
            broad = _applications(rule) & _REMOTE
            open_ports = rule.ports is None or _applications(rule) != {"any"}
            if rule.action is Action.ACCEPT and outer and inner and broad and open_ports and any_address(rule.sources):
                wrong.append((rule, sorted(broad)))
        for rule, names in wrong:
            yield Verdict(
                status=Status.FAIL, host=rules.host, message=f"rule {rule.where.quote!r} lets {', '.join(names)} in from anywhere",
                subject=f"rule {rule.where.quote}", value=rule.comment, where=(rule.where,), as_of=rules.as_of,
            )  # fmt: skip
        if not wrong:
            yield Verdict(
                status=Status.PASS, host=rules.host, message="no rule lets remote administration or any application in from anywhere",
                subject=f"{rules.name} rules", where=rules.where[:1], as_of=rules.as_of,
            )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.5-06a",
        title="PAN-OS: no rule lets remote administration in from outside",
        about="No enabled rule from an outer zone allows any application, or remote desktops and shells, from anywhere to an inner zone.",
        measures=(Measure.FIREWALL,),
        severity=Severity.HIGH,
        needs=(Need((PacketFilter,), COLLECT["panos"], when=lambda fact: fact.platform == "panos"),),
        judge=_inbound,
        remediation=Remediation("Name applications, sources and destinations; let users come by GlobalProtect."),
        mappings=(*nist("SC-7", "SC-7(5)", "AC-17(3)"), *stig("Palo Alto ALG", "PANW-AG-000051 (V-228845)")),
        references=("PAN-OS Administrator's Guide",),
    ),
    Check(
        id="M1030.5-06b",
        title="PAN-OS: the management interface answers to named addresses only",
        about="deviceconfig/system/permitted-ip is not empty.",
        measures=(Measure.FIREWALL, Measure.ACCESS_AUDIT),
        severity=Severity.HIGH,
        needs=need_settings("panos"),
        judge=judge_settings((
            Demand(_PANOS, "permitted-ip", lacking("none", "0.0.0.0/0"), "named addresses only", "anybody who reaches it may try to log in"),
        )),
        remediation=Remediation(
            "Name the management network.", "set deviceconfig system permitted-ip 192.0.2.0/24", "Include the address you work from."
        ),
        mappings=(*nist("AC-17(3)", "SC-7"), *stig("Palo Alto NDM", "PANW-NM-000046")),
        references=("PAN-OS Administrator's Guide",),
    ),
    Check(
        id="M1035.2-07",
        title="PAN-OS: GlobalProtect speaks TLS 1.2 and asks for a certificate and a login",
        about="Each portal and gateway has a TLS profile from 1.2 on, a certificate profile, and client authentication that asks for both.",
        measures=(Measure.REMOTE_ACCESS, Measure.HARDENING),
        severity=Severity.HIGH,
        needs=need_settings("panos"),
        judge=judge_settings((
            Demand(_PANOS, "tls-min", among("tls1-2", "tls1-3"), "TLS 1.2 or later only", "TLS before 1.2 is spoken"),
            Demand(_PANOS, "certificate-and-login", among("yes"), "a certificate and a login", "no certificate is asked for beside the login"),
        ), feature="globalprotect"),
        remediation=Remediation("Set min-version tls1-2 in the TLS profile, and a certificate profile for portal and gateway.", "", ""),
        mappings=(*nist("AC-17(2)", "IA-2"), *stig("Palo Alto ALG", "PANW-AG-000015", "PANW-AG-000016", "PANW-AG-000078")),
        references=("GlobalProtect Administrator's Guide",),
        services=("vpn",),
    ),
)  # fmt: skip
