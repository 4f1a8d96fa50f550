"""NetScaler: what users may do by default, old protocols, and services of the appliance nobody needs."""

from __future__ import annotations

from gatewatch.audit.check import Check, nist
from gatewatch.audit.gateway import Demand, among, judge_settings, need_settings
from gatewatch.schema.findings import Remediation
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_NETSCALER = ("netscaler",)


def _of(name: str, *values: str, met: str, unmet: str) -> Demand:
    return Demand(_NETSCALER, name, among(*values), met, unmet, optional=True)


_LIMITS = judge_settings((
    _of("default-authorization", "deny", met="users reach what policies name", unmet="users reach everything by default"),
    _of("old-tls", "none", met="TLS 1.2 or later only", unmet="protocols before TLS 1.2 are spoken"),
))  # fmt: skip
_FEATURES = judge_settings((
    _of("gui", "secureonly", "disabled", met="administration by https only", unmet="administration by http as well"),
    _of("telnet", "disabled", met="telnet is off", unmet="telnet is on"),
    _of("ftp", "disabled", met="ftp is off", unmet="ftp is on"),
))  # fmt: skip

CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.2-09",
        title="NetScaler Gateway: users reach only what policies name, over TLS 1.2",
        about="defaultAuthorizationAction is DENY everywhere, and gateways speak nothing before TLS 1.2.",
        measures=(Measure.REMOTE_ACCESS, Measure.HARDENING),
        severity=Severity.HIGH,
        needs=need_settings("netscaler"),
        judge=_LIMITS,
        remediation=Remediation(
            "Set the default to DENY and write authorization policies; switch old protocols off.",
            "set vpn parameter -defaultAuthorizationAction DENY\nset ssl vserver GW -tls1 DISABLED -tls11 DISABLED",
            "Without authorization policies, DENY takes all resources away from users.",
        ),
        mappings=nist("AC-3", "AC-17(2)", "SC-8"),
        references=("NetScaler Gateway documentation",),
        services=("citrix",),
    ),
    Check(
        id="M1042.2-08",
        title="NetScaler: no http, telnet or ftp on the management address",
        about="gui is SECUREONLY or DISABLED, telnet and ftp are DISABLED.",
        measures=(Measure.UNUSED_FEATURE, Measure.UNNECESSARY_SERVICE),
        severity=Severity.HIGH,
        needs=need_settings("netscaler"),
        judge=_FEATURES,
        remediation=Remediation(
            "Switch them off.", "set ns ip 192.0.2.1 -gui SECUREONLY -telnet DISABLED -ftp DISABLED", "Use https and ssh from then on."
        ),
        mappings=nist("CM-7", "AC-17(2)"),
        references=("NetScaler command reference",),
    ),
)

