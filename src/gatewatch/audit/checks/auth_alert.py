"""Whether somebody is told when factors are abused: rules of the SIEM, and the logs they need."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Criterion, Ground, Need, Verdict, nist
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.identity import AlertRule, LogExport
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_RULES = Need(
    (AlertRule,),
    "the rules your SIEM alerts by, into EVIDENCE/commands/: Sigma files, Elastic's rules_export.ndjson, Sentinel's alert rules as JSON, "
    "savedsearches.conf",
)
_LOGS = Need(
    (LogExport,),
    "az rest --url 'https://management.azure.com/providers/microsoft.aadiam/diagnosticSettings?api-version=2017-04-01' > "
    "EVIDENCE/TENANT/commands/entra-diagnostic-settings.json",
)
_WANTED = ("AuditLogs", "SignInLogs", "NonInteractiveUserSignInLogs")


def _alerts(topics: tuple[str, ...], what: str) -> Criterion:
    """Return a criterion that for each host with rules asks for one that is on and about one of *topics*."""

    def criterion(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
        for host in dict.fromkeys(rule.host for rule in facts.of(AlertRule)):
            rules = facts.of(AlertRule, host)
            mine = [rule for rule in rules if set(topics) & set(rule.topics)]
            on = [rule for rule in mine if rule.enabled]
            unsure = [rule for rule in mine if rule.enabled is None]
            status = Status.PASS if on else Status.UNKNOWN if unsure else Status.FAIL
            chosen = on or unsure or mine
            said = (
                f"an alert tells of {what}: {on[0].name}" if on
                else f"a rule tells of {what}, but the export does not say whether it is on: {unsure[0].name}" if unsure
                else f"the rule that tells of {what} is off: {mine[0].name}" if mine
                else f"none of {len(rules)} rules tells of {what}"
            )  # fmt: skip
            yield Verdict(
                status=status, host=host, message=said, subject=topics[0], value=f"{len(on)} of {len(rules)} rules", where=(chosen or rules)[0].where,
                as_of=rules[0].as_of, resolved="names and queries of the rules that are on",
            )  # fmt: skip

    return criterion


def _exported(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(LogExport)):
        exports = facts.of(LogExport, host)
        sent = {category for one in exports if one.targets for category in one.categories}
        missing = [] if "allLogs" in sent else [name for name in _WANTED if name not in sent]
        said = "sign-ins and changes leave the tenant" if not missing else f"{', '.join(missing)} leave the tenant nowhere"
        yield Verdict(
            status=Status.FAIL if missing else Status.PASS, host=host, service="idp", message=said, subject="log export",
            value=", ".join(sorted(sent)), where=tuple(place for one in exports for place in one.where)[:3],
            as_of=exports[0].as_of, resolved="categories with a target",
        )  # fmt: skip


def _check(number: str, title: str, topics: tuple[str, ...], what: str, text: str) -> Check:
    return Check(
        id=f"M1032.4-{number}", title=title, about=f"A rule that is on tells of {what}.", measures=(Measure.AUTH_ALERT,), severity=Severity.MEDIUM,
        needs=(_RULES,), judge=_alerts(topics, what), remediation=Remediation(text), mappings=nist("SI-4(5)", "AU-6", "IR-5"),
        references=("Sigma specification", "ATT&CK T1621, T1556.006, T1110"),
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1032.4-01", title="Entra: sign-ins and changes are kept outside of the tenant",
        about=f"Diagnostic settings send {', '.join(_WANTED)} to a workspace, event hub or storage account.",
        measures=(Measure.AUTH_ALERT, Measure.ACCESS_LOG), severity=Severity.MEDIUM, needs=(_LOGS,), judge=_exported,
        remediation=Remediation("Add a diagnostic setting with these categories."), mappings=nist("AU-4(1)", "AU-6(3)", "SI-4"),
        references=("microsoft.aadiam/diagnosticSettings",), services=("idp",),
    ),
    _check("02a", "An alert tells of second factors refused again and again", ("mfa-refused",), "refused second factors",
           "Alert on several refused prompts of one user within minutes (Entra: ResultType 500121)."),
    _check("02b", "An alert tells of changed factors", ("factor-changed",), "registered or removed factors",
           "Alert when a method is registered or removed, above all soon after a risky sign-in."),
    _check("02c", "An alert tells of guessed passwords", ("guessing",), "guessed passwords", "Alert on many failures of one user, or of many users."),
    _check("02d", "An alert tells of changed sign-in policies", ("policy-changed",), "changed policies of sign-ins",
           "Alert on every change of Conditional Access."),
)  # fmt: skip
