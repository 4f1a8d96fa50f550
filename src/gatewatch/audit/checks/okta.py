"""Okta: whether every rule that lets somebody in asks for two factors."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.sign_on import SignOnRule
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure


def _asked(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(SignOnRule)):
        rules = facts.of(SignOnRule, host)
        applications = any(one.kind == "app" for one in rules)
        for rule in rules:
            yield _judged(rule, applications=applications)


def _judged(rule: SignOnRule, *, applications: bool) -> Verdict:
    limit = f", for {', '.join(rule.only)} only" if rule.only else ""
    if not rule.allow:
        status, said = Status.PASS, f"refuses{limit}"
    elif rule.factors is not None and rule.factors >= 2:
        status, said = Status.PASS, f"asks for {rule.factors} factors{limit}"
    elif rule.kind == "session" and applications:
        status, said = Status.NOT_APPLICABLE, "begins the session; applications ask by policies of their own"
    elif rule.kind == "session" and rule.early:
        status, said = Status.UNKNOWN, "begins the session with one factor; what applications ask for is not in the evidence (ACCESS_POLICY)"
    elif rule.factors is None:
        status, said = Status.UNKNOWN, "how many factors it asks for is not said"
    else:
        status, said = Status.FAIL, f"lets in with a single factor{limit}"
    return Verdict(
        status=status, host=rule.host, message=f"{rule.policy + ': ' if rule.policy else ''}{rule.name} {said}", service="idp",
        subject=f"{rule.policy} {rule.name}".strip(), value=f"{rule.factors or '?'} factors", where=rule.where, as_of=rule.as_of,
        resolved="each rule that is in force, by what it asks for",
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1032.1-05b",
        title="Okta: every rule that lets in asks for two factors",
        about="Active rules of authentication policies ask for two factors (or a chain of two methods), or refuse; so do those of sign-on policies "
        "where applications have no policies of their own.",
        measures=(Measure.IAM, Measure.MFA_TOOL),
        severity=Severity.CRITICAL,
        needs=(Need((SignOnRule,), "GET /api/v1/policies?type=ACCESS_POLICY and each policy's rules > EVIDENCE/ORG/commands/okta-ID.json"),),
        judge=_asked,
        remediation=Remediation(
            "Set the rule's factor mode to 2FA, the catch-all rule's too.", '"verificationMethod": {"factorMode": "2FA", "type": "ASSURANCE"}',
            "Whoever has registered no second factor is kept out: enrol users first, and keep an account for emergencies.",
        ),
        mappings=nist("IA-2(1)", "IA-2(2)"),
        references=("Okta API: Policies",),
    ),
)
