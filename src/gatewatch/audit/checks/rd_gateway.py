"""Remote Desktop Gateway: to what and for whom it opens, what it carries, how long; several factors."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.checks.windows_logon import everybody
from gatewatch.audit.factor import judge_path
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.windows import GatewayPolicy
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_COLLECT = (
    "Get-CimInstance -Namespace root/cimv2/TerminalServices -ClassName Win32_TSGatewayConnectionAuthorizationPolicy | ConvertTo-Json, "
    "and Win32_TSGatewayResourceAuthorizationPolicy"
)
_CAP = Need((GatewayPolicy,), _COLLECT, when=lambda one: one.kind == "cap")
_RAP = Need((GatewayPolicy,), _COLLECT, when=lambda one: one.kind == "rap")
_MEASURES = (Measure.REMOTE_ACCESS, Measure.REMOTE_ACCESS_TOOL)
Judge = Callable[[GatewayPolicy], tuple[bool | None, str, str]]


def _each(kind: str, judge: Judge) -> Callable[[Facts, Ground], Iterator[Verdict]]:
    """Return a criterion that judges every policy of a *kind*: good, what is said, the value."""

    def criterion(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
        for policy in facts.of(GatewayPolicy):
            if policy.kind != kind:
                continue
            good, said, value = judge(policy)
            status = Status.UNKNOWN if good is None else Status.PASS if good else Status.FAIL
            if not policy.enabled:
                status, said = Status.NOT_APPLICABLE, "the policy is disabled"
            yield Verdict(
                status=status, host=policy.host, message=f"{policy.name}: {said}", service="rdgateway", subject=policy.name, value=value,
                resolved="as the gateway's WMI provider says", where=policy.where, as_of=policy.as_of,
            )  # fmt: skip

    return criterion


def _resources(policy: GatewayPolicy) -> tuple[bool | None, str, str]:
    if policy.resources not in {"ALL", "CG", "RG"}:
        return None, "the evidence does not say to which resources it opens", policy.resources
    wide = [port for port in policy.ports if port == "*"]
    if policy.resources == "ALL":
        return False, "opens to every host of the network", policy.resources
    return not wide, "opens to every port" if wide else "opens to a group of hosts", f"{policy.resources} {';'.join(policy.ports)}"


def _who(policy: GatewayPolicy) -> tuple[bool | None, str, str]:
    wide = [group for group in policy.groups if everybody(group)]
    if not policy.groups:
        return None, "the evidence does not say for whom", ""
    return not wide, f"opens for everybody: {', '.join(wide)}" if wide else "opens for chosen groups", "; ".join(policy.groups)


def _devices(policy: GatewayPolicy) -> tuple[bool | None, str, str]:
    both = (policy.drives_disabled, policy.clipboard_disabled)
    if None in both and False not in both:
        return None, "the evidence does not say what is redirected", ""
    good = all(both)
    open_ones = [name for name, off in zip(("drives", "clipboard"), both, strict=True) if not off]
    return (
        good,
        "drives and clipboard are not redirected" if good else f"redirects {' and '.join(open_ones)}",
        f"redirected: {', '.join(open_ones) or 'none'}",
    )


def _time(policy: GatewayPolicy) -> tuple[bool | None, str, str]:
    if policy.idle is None and policy.session is None:
        return None, "the evidence does not say when sessions end", ""
    good = bool(policy.idle) and bool(policy.session)
    lacking = [name for name, set_ in (("idle", policy.idle), ("session", policy.session)) if not set_]
    value = f"idle {policy.idle} min, session {policy.session} min"
    return good, "sessions end" if good else f"no {' and no '.join(lacking)} timeout", value


def _paths(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for path in facts.of(AccessPath):
        if path.product == "rd-gateway":
            yield judge_path(path, ground.site.posture)


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.2-02a",
        title="RD Gateway opens to chosen hosts and ports",
        about="No resource authorization policy in force opens to all resources or to every port.",
        measures=_MEASURES,
        severity=Severity.HIGH,
        needs=(_RAP,),
        judge=_each("rap", _resources),
        remediation=Remediation(
            "Name a group of hosts in the policy, and port 3389.", "", "Hosts outside the group can no longer be reached through the gateway."
        ),
        mappings=nist("AC-17", "AC-6", "AC-17(3)"),
        services=("rdgateway",),
    ),
    Check(
        id="M1035.2-02b",
        title="RD Gateway opens for chosen groups",
        about="No connection authorization policy in force names Domain Users, Authenticated Users or Everyone.",
        measures=_MEASURES,
        severity=Severity.HIGH,
        needs=(_CAP,),
        judge=_each("cap", _who),
        remediation=Remediation("Make a group of those who work remotely, and name it in the policy."),
        mappings=nist("AC-17", "AC-6"),
        services=("rdgateway",),
    ),
    Check(
        id="M1035.2-02c",
        title="RD Gateway redirects no drives and no clipboard",
        about="Device redirection is off, or drives and clipboard are disabled.",
        measures=_MEASURES,
        severity=Severity.MEDIUM,
        needs=(_CAP,),
        judge=_each("cap", _devices),
        remediation=Remediation("Disable device redirection for drives and clipboard in the policy."),
        mappings=nist("AC-17", "AC-4"),
        services=("rdgateway",),
    ),
    Check(
        id="M1035.2-02d",
        title="RD Gateway ends idle and long sessions",
        about="Idle timeout and session timeout of every connection policy are set.",
        measures=_MEASURES,
        severity=Severity.MEDIUM,
        needs=(_CAP,),
        judge=_each("cap", _time),
        remediation=Remediation("Set both timeouts in the policy."),
        mappings=nist("AC-12", "AC-17"),
        services=("rdgateway",),
    ),
    Check(
        id="M1032.2-11b",
        title="RD Gateway asks for several factors",
        about="Every connection policy leaves smart cards only, or passwords with an NPS extension that refuses who has not registered.",
        measures=(Measure.AUTH_METHOD, Measure.MFA_TOOL),
        severity=Severity.CRITICAL,
        needs=(Need((AccessPath,), _COLLECT, when=lambda path: path.product == "rd-gateway"),),
        judge=_paths,
        remediation=Remediation(
            "Install the NPS extension for Entra MFA (or another), and refuse who has not registered.",
            "reg add HKLM\\SOFTWARE\\Microsoft\\AzureMfa /v REQUIRE_USER_MATCH /t REG_SZ /d TRUE /f",
            "Enrol every user first.",
        ),
        mappings=nist("IA-2(1)", "IA-2(2)", "AC-17"),
        references=("NIST SP 800-63B",),
        services=("rdgateway",),
    ),
)
