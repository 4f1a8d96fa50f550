"""Both halves joined: the incidents of a scan held against the measures, with the evidence of a site where there is some.

Detection and audit do not know each other; only here their results meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from gatewatch.audit.check import Ground
from gatewatch.audit.link import linked, touches
from gatewatch.audit.standing import Ledger
from gatewatch.audit.whatif import what_if as judge
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.findings import Finding
from gatewatch.schema.incidents import Scan
from gatewatch.schema.records import Disposition
from gatewatch.site.model import Site


def join(scan: Scan, site: Site, evidence: Sequence[str], today: date, *, what_if: bool = False) -> None:
    """Give every incident of *scan* its controls, by the *evidence* in these paths; *what_if*: and the scan what each measure would have done."""
    facts, findings = _evidence(scan, site, evidence, today) if evidence else (Facts(), ())
    ledger = Ledger(facts, findings, Ground(site, today))
    judged = [(incident, touches(incident, ledger)) for incident in scan.incidents]
    scan.incidents = [linked(incident, met, ledger) for incident, met in judged]
    if what_if:
        scan.what_if = judge(judged, ledger)


def _evidence(scan: Scan, site: Site, paths: Sequence[str], today: date) -> tuple[Facts, Sequence[Finding]]:
    """Return facts and findings of the evidence; what could not be read is told in the scan's problems and notes."""
    from gatewatch.engines.posture import examine  # noqa: PLC0415 - every check and format is imported with it

    result, facts = examine(paths, site, today)
    scan.problems = sorted([*scan.problems, *result.problems])
    used = sum(1 for one in result.files if one.disposition is Disposition.USED)
    scan.notes.append(f"evidence: {used} of {len(result.files)} files used, {len(result.hosts)} hosts, {len(result.findings)} findings")
    bad = [one for one in result.files if one.disposition in {Disposition.REJECTED, Disposition.UNRECOGNISED}]
    scan.notes += [f"evidence not read: {one.file}: {one.reason}" for one in bad[:20]]
    if len(bad) > 20:
        scan.notes.append(f"evidence not read: {len(bad) - 20} more files; gatewatch audit tells them all")
    scan.notes += result.notes
    return facts, result.findings
