"""FortiOS: policies that let everything through, who may administer from where, and the settings of the SSL VPN."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist, stig
from gatewatch.audit.gateway import COLLECT, Demand, among, at_most, judge_settings, lacking, need_settings
from gatewatch.audit.reach.span import meet, size
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import FOUR_SPAN, Action, PacketFilter, Rule, Spans
from gatewatch.schema.facts.gateway import Management
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.site.posture import ZoneKind

_LOCKOUT = "Check that your own address is among the trusted hosts before you save."


def any_address(spans: Spans | None) -> bool:
    """Return whether *spans* hold every IPv4 address, however they are cut."""
    return spans is None or size(meet(spans, (FOUR_SPAN,))) == 1 << 32


def wide_open(rule: Rule) -> bool:
    """Return whether a rule surely lets everything through, from anywhere to anywhere."""
    return (
        rule.action is Action.ACCEPT and not rule.unknown and any_address(rule.sources) and any_address(rule.destinations)
        and rule.protocols is None and rule.ports is None and rule.source_ports is None
    )  # fmt: skip


def _policies(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    outer_names = {name.casefold() for zone in ground.site.posture.zones if zone.kind is ZoneKind.INTERNET for name in zone.interfaces}
    for rules in facts.of(PacketFilter):
        if rules.platform != "fortios":
            continue
        outer = outer_names | {one.interface.casefold() for one in facts.of(Management, rules.host) if one.external}
        wide = [
            rule for chain in rules.chains if chain.name == "forward" for rule in chain.rules
            if wide_open(rule) and (rule.interfaces_in is None or any(face.casefold() in outer for face in rule.interfaces_in))
        ]  # fmt: skip
        subject = f"{rules.name} policies".strip()
        for rule in wide:
            yield Verdict(
                status=Status.FAIL, host=rules.host, message="a policy lets everything in from anywhere to anywhere", subject=subject,
                where=(rule.where,), as_of=rules.as_of,
            )  # fmt: skip
        if not wide:
            yield Verdict(
                status=Status.UNKNOWN if rules.incomplete else Status.PASS, host=rules.host, subject=subject, as_of=rules.as_of,
                where=rules.where[:1], message=f"no policy lets everything in{'; ' + rules.incomplete if rules.incomplete else ''}",
            )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.5-05a",
        title="FortiOS: no policy lets everything in",
        about="No enabled policy accepts all sources, destinations and services from any interface or one that faces the internet.",
        measures=(Measure.FIREWALL,),
        severity=Severity.HIGH,
        needs=(Need((PacketFilter,), COLLECT["fortios"], when=lambda fact: fact.platform == "fortios"),),
        judge=_policies,
        remediation=Remediation("Name sources, destinations and services in the policy."),
        mappings=(*nist("SC-7", "SC-7(5)"), *stig("FortiGate Firewall", "FNFG-FW-000005 (V-234133)")),
        references=("FortiOS CLI Reference",),
    ),
    Check(
        id="M1030.5-05b",
        title="FortiOS: every administrator comes from trusted hosts",
        about="Each system admin has at least one trusthost that is not everywhere.",
        measures=(Measure.FIREWALL, Measure.ACCESS_AUDIT),
        severity=Severity.HIGH,
        needs=need_settings("fortios"),
        judge=judge_settings((Demand(("fortios",), "trusthost", among("all"), "every administrator has trusted hosts", "an administrator may come from anywhere"),)),  # noqa: E501 - one demand
        remediation=Remediation("Set trusthost1 of every administrator to the management network.", "config system admin\n edit admin\n  set trusthost1 192.0.2.0 255.255.255.0", _LOCKOUT),  # noqa: E501 - one remediation
        mappings=(*nist("AC-17(3)", "SC-7"), *stig("FortiGate Firewall", "FNFG-FW-000115")),
        references=("FortiOS CLI Reference",),
    ),
    Check(
        id="M1035.2-06",
        title="FortiOS: the SSL VPN speaks TLS 1.2, limits attempts and sources, and asks for a certificate",
        about="ssl-min-proto-ver is tls1-2 or later, login-attempt-limit at most 3, source-address names networks, reqclientcert is on.",
        measures=(Measure.REMOTE_ACCESS, Measure.HARDENING),
        severity=Severity.HIGH,
        needs=need_settings("fortios"),
        judge=judge_settings((
            Demand(("fortios",), "ssl-min-proto-ver", among("tls1-2", "tls1-3"), "TLS 1.2 or later only", "TLS before 1.2 is spoken"),
            Demand(("fortios",), "login-attempt-limit", at_most(3), "few attempts", "more than three attempts"),
            Demand(("fortios",), "source-address", lacking("all"), "sources are limited", "anybody may try to log in"),
            Demand(("fortios",), "reqclientcert", among("enable"), "a certificate is asked for", "no certificate is asked for"),
            Demand(("fortios",), "idle-timeout", at_most(1800), "idle sessions end", "idle sessions stay for more than half an hour"),
        ), feature="sslvpn"),
        remediation=Remediation(
            "Restrict the SSL VPN, or leave it for IPsec.",
            "config vpn ssl settings\n set ssl-min-proto-ver tls1-2\n set reqclientcert enable\n set source-address COUNTRY",
        ),
        mappings=(*nist("AC-17(2)", "AC-17(3)", "SC-8"), *stig("FortiGate Firewall", "FNFG-FW-000065 (V-234144)")),
        references=("FortiOS CLI Reference",),
        services=("vpn",),
    ),
    Check(
        id="M1042.1-03",
        title="FortiOS: the SSL VPN is off",
        about="No interface is bound to the SSL VPN; its vendor removed it from FortiOS 7.6.3 on in favour of IPsec.",
        measures=(Measure.LEGACY_SOFTWARE, Measure.UNUSED_FEATURE),
        severity=Severity.MEDIUM,
        needs=need_settings("fortios"),
        judge=judge_settings((Demand(("fortios",), "sslvpn", among("off"), "the SSL VPN is off", "the SSL VPN is on"),)),
        remediation=Remediation("Move users to IPsec with IKEv2 and EAP, then switch it off.", "config vpn ssl settings\n set status disable"),
        mappings=(*nist("CM-7", "SI-2"), *stig("FortiGate Firewall", "FNFG-FW-000065 (V-234144)")),
        references=("FortiOS 7.6.3 release notes",),
        services=("vpn",),
    ),
)  # fmt: skip
