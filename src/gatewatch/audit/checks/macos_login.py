"""Logins to a Mac: whether a smart card is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, nist, stig
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.machine import System
from gatewatch.schema.facts.macos import SmartCardSettings
from gatewatch.schema.findings import Remediation
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure


def _enforced(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in facts.of(SmartCardSettings):
        setting = fact.get("enforcesmartcard")
        good = setting is not None and setting.value == "1"
        said = "logins ask for a smart card" if good else "a password alone is enough to log in"
        yield by_setting(fact, setting, good, said, service="logon", subject="smart card")


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1032.2-13",
        title="macOS: logins ask for a smart card",
        about="A profile sets enforceSmartCard of com.apple.security.smartcard.",
        measures=(Measure.AUTH_METHOD, Measure.MFA_TOOL),
        severity=Severity.MEDIUM,
        needs=(Need((SmartCardSettings,), "sudo profiles show -all -output stdout-xml > profiles.plist", systems=(System.MACOS,)),),
        judge=_enforced,
        remediation=Remediation(
            "Enforce smart cards by a profile, after every user has paired one.", "",
            "Whoever has no card cannot log in any more; exempt a group for emergencies (/etc/SmartcardLogin.plist, NotEnforcedGroup).",
        ),
        mappings=(*nist("IA-2(1)", "IA-2(2)", "IA-2(12)"), *stig("macOS 15", "APPL-15-003020")),
        references=("Apple: SmartCard payload",),
        services=("ssh", "vnc"),
    ),
)
