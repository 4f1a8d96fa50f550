"""Ivanti Connect Secure: protocols, idle sessions, and administration from outside."""

from __future__ import annotations

from gatewatch.audit.check import Check, nist, stig
from gatewatch.audit.gateway import Demand, among, at_most, judge_settings, need_settings
from gatewatch.schema.findings import Remediation
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_IVANTI = ("ivanti",)
_JUDGE = judge_settings((
    Demand(_IVANTI, "tls-min", among("1.2"), "TLS 1.2 or later only", "TLS before 1.2 is spoken"),
    Demand(_IVANTI, "idle-timeout", at_most(10), "idle sessions end within ten minutes", "idle sessions stay for more than ten minutes"),
    Demand(_IVANTI, "admin-external", among("off"), "no administration on the external port", "administrators may sign in on the external port"),
))  # fmt: skip

CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.2-08",
        title="Ivanti Connect Secure: TLS 1.2, short idle sessions, no administration from outside",
        about="TLS from 1.2 on, idle sessions end within ten minutes, administrators cannot sign in on the external port.",
        measures=(Measure.REMOTE_ACCESS, Measure.HARDENING),
        severity=Severity.HIGH,
        needs=need_settings("ivanti"),
        judge=_JUDGE,
        remediation=Remediation("Set them under Configuration > Security, and in the roles.", "", "Administer by the management port first."),
        mappings=(
            *nist("AC-17(2)", "AC-12", "SC-8"), *stig("Ivanti Connect Secure VPN", "IVCS-VN-000060", "IVCS-VN-000260"),
            *stig("Ivanti Connect Secure NDM", "IVCS-NM-000300"),
        ),
        references=("Ivanti Connect Secure Administration Guide",),
        services=("vpn",),
    ),
)  # fmt: skip
