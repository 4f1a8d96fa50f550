"""Running the checks: facts in, sorted findings and the table of measures out.

Evidence that is missing gives ``unknown`` with what to collect; a criterion that fails or says nothing gives ``error``. Neither is a pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gatewatch.audit.check import Check, Ground, Verdict
from gatewatch.audit.exposure import ExposureTable
from gatewatch.audit.product import Presence
from gatewatch.schema.facts.base import Fact, Facts
from gatewatch.schema.findings import Finding, MeasureRow, Status, Waiver
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.site.model import Site
from gatewatch.site.posture import WaiverEntry

EVERYWHERE = "(site)"
"""The host of a finding that concerns no single one."""
# What a fault in a criterion may raise; it becomes a finding with status error, which is open until somebody mends it.
_FAULTS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, AssertionError)


@dataclass(frozen=True, slots=True)
class Derivation:
    """A step that makes facts out of facts, such as the doors of sshd out of its settings and PAM."""

    name: str
    derive: Callable[[Facts], Iterable[Fact]]

    def __call__(self, facts: Facts) -> list[Fact]:
        """Return the facts made."""
        return list(self.derive(facts))


def gather(facts: Iterable[Fact], site: Site, derivations: Sequence[Derivation]) -> Facts:
    """Return the index of *facts*, hosts called by the site's names, with what the *derivations* make of them."""
    made = Facts()
    made.add(fact if (name := site.host_name(fact.host)) == fact.host else replace(fact, host=name) for fact in facts)
    for derivation in derivations:
        made.add(derivation(made))
    return made


def run(facts: Facts, ground: Ground, checks: Sequence[Check]) -> list[Finding]:
    """Return the findings of all *checks*, in the order in which they are to be read."""
    exposures = ExposureTable(facts, ground.site, ground.reach(facts))
    presence = Presence(facts, ground.site)
    waivers = ground.site.posture.waivers
    used: set[int] = set()
    found: list[Finding] = []
    for check in checks:
        for verdict in _verdicts(check, facts, ground, presence):
            waiver = _waiver(check, verdict, waivers, ground, used)
            found.append(_finding(check, verdict, exposures, waiver))
    return sorted(found, key=order)


def order(finding: Finding) -> tuple[object, ...]:
    """Return the key by which findings are sorted: open first, then severity, exposure, check, host and subject."""
    return (
        not finding.open, finding.status.rank, -finding.severity.rank, finding.exposure.rank, finding.check, finding.host, finding.subject,
        finding.where, finding.message,
    )  # fmt: skip


def table(findings: Sequence[Finding], checks: Sequence[Check]) -> tuple[MeasureRow, ...]:
    """Return a row for every measure there is, in ATT&CK's order, also for those without a finding."""
    counts = {measure: dict.fromkeys(Status, 0) for measure in Measure}
    waived = dict.fromkeys(Measure, 0)
    for finding in findings:
        for measure in finding.measures:
            if finding.waived:
                waived[measure] += 1
            else:
                counts[measure][finding.status] += 1
    rows = [MeasureRow(one, sum(1 for check in checks if one in check.measures), counts[one], waived[one]) for one in Measure]
    return tuple(rows)


def _verdicts(check: Check, facts: Facts, ground: Ground, presence: Presence) -> Iterator[Verdict]:
    lacking = [need for need in check.needs if not need.met(facts)]
    if lacking:
        collect = "; ".join(need.collect for need in lacking)
        absent = presence.absent(check, lacking)
        yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message=f"no evidence: {collect}", absent=absent)
        return
    try:
        verdicts = list(check.judge(facts, ground))
    except _FAULTS as error:
        message = f"the check itself failed ({type(error).__name__}: {error}); please report it"
        yield Verdict(status=Status.ERROR, host=EVERYWHERE, message=message[:400])
        return
    if not verdicts:
        yield Verdict(status=Status.ERROR, host=EVERYWHERE, message="the check had evidence and said nothing; please report it")
    yield from verdicts
    judged = {verdict.host for verdict in verdicts}
    for need in check.needs:
        for host in need.missing(facts):
            if host not in judged:
                judged.add(host)
                yield Verdict(status=Status.UNKNOWN, host=host, message=f"no evidence of this host: {need.collect}")


def _waiver(check: Check, verdict: Verdict, entries: Sequence[WaiverEntry], ground: Ground, used: set[int]) -> Waiver | None:
    if verdict.status not in {Status.FAIL, Status.UNKNOWN, Status.MANUAL}:
        return None
    covering = [entry for entry in entries if entry.covers(check.id, verdict.host, verdict.subject)]
    used.update(entry.number for entry in covering)
    valid = next((entry for entry in covering if ground.today <= entry.until), None)
    entry = valid or next(iter(covering), None)
    return Waiver(entry.owner, entry.reason, entry.until, expired=valid is None) if entry is not None else None


def _finding(check: Check, verdict: Verdict, exposures: ExposureTable, waiver: Waiver | None) -> Finding:
    content = repr((check.id, verdict.host, verdict.service, verdict.subject))
    remediation = check.remediation
    if verdict.snippet:
        remediation = type(remediation)(remediation.text, verdict.snippet, remediation.lockout)
    return Finding(
        id=hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:12],
        check=check.id,
        title=check.title,
        mitigation=check.measures[0].mitigation,
        measures=check.measures,
        status=verdict.status,
        severity=verdict.severity or check.severity,
        host=verdict.host,
        service=verdict.service,
        subject=verdict.subject,
        message=verdict.message,
        value=verdict.value,
        resolved=verdict.resolved,
        where=verdict.where,
        as_of=verdict.as_of,
        exposure=exposures.of(verdict.host, verdict.service),
        remediation=remediation,
        collect="; ".join(need.collect for need in check.needs) if verdict.status is Status.UNKNOWN else "",
        absent=verdict.absent,
        mappings=check.mappings,
        references=check.references,
        waiver=waiver,
    )


def stale_waivers(findings: Sequence[Finding], entries: Sequence[WaiverEntry], ground: Ground) -> list[str]:
    """Return a sentence for each waiver that covers nothing any more, or has expired."""
    notes = []
    for entry in entries:
        covered = [one for one in findings if entry.covers(one.check, one.host, one.subject)]
        if entry.until < ground.today:
            notes.append(f"waiver {entry.number} ({entry.check}, owner {entry.owner}) expired on {entry.until} and no longer counts")
        elif not any(one.status is Status.FAIL for one in covered):
            notes.append(f"waiver {entry.number} ({entry.check}, owner {entry.owner}) covers no failed finding; remove it")
    return notes


def gravest(findings: Sequence[Finding]) -> Severity | None:
    """Return the gravest severity of an open finding."""
    return max((finding.severity for finding in findings if finding.open), key=lambda level: level.rank, default=None)
