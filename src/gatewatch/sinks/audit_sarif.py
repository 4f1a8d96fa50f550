"""SARIF 2.1.0: findings for code-scanning views; a waiver in force is a suppression. Reference: OASIS SARIF v2.1.0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TextIO
from urllib.parse import quote

from gatewatch.schema.findings import Audit, Finding, Status
from gatewatch.schema.incidents import Severity
from gatewatch.sinks.document import encode
from gatewatch.sinks.escape import mend

_LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFORMATIONAL: "note",
}
_SCORE = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "3.0", Severity.INFORMATIONAL: "0.0"}
_KIND = {
    Status.FAIL: "fail",
    Status.ERROR: "fail",
    Status.PASS: "pass",
    Status.UNKNOWN: "open",
    Status.MANUAL: "review",
    Status.NOT_APPLICABLE: "notApplicable",
}


@dataclass(frozen=True, slots=True)
class AuditSarif:
    """Writes the audit as one SARIF log."""

    name: str = "sarif"
    title: str = "a SARIF 2.1.0 log"

    def write(self, audit: Audit, out: TextIO, *, color: bool, width: int, everything: bool) -> None:  # noqa: ARG002 - a machine reads all
        """Write all findings of *audit*."""
        first = {finding.check: finding for finding in reversed(audit.findings)}
        ids = sorted(first)
        run = {
            "tool": {"driver": {"name": "gatewatch", "semanticVersion": audit.version or "0", "rules": [_rule(first[name]) for name in ids]}},
            "columnKind": "unicodeCodePoints",
            "results": [_result(finding, ids.index(finding.check)) for finding in audit.findings],
        }
        out.write(encode({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}) + "\n")


def _rule(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.check,
        "shortDescription": {"text": finding.title},
        "help": {"text": finding.remediation.text + (f"\n{finding.remediation.lockout}" if finding.remediation.lockout else "")},
        "defaultConfiguration": {"level": _LEVEL[finding.severity]},
        "properties": {
            "security-severity": _SCORE[finding.severity],
            "tags": [*(str(one) for one in finding.measures), *(f"{one.catalogue} {one.version} {one.item}" for one in finding.mappings)],
        },
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    kind = _KIND[finding.status]
    made: dict[str, Any] = {
        "ruleId": finding.check,
        "ruleIndex": index,
        "kind": kind,
        "level": _LEVEL[finding.severity] if kind == "fail" else "none",
        "message": {"text": f"{finding.host}: {finding.message}"},
        "partialFingerprints": {"gatewatch/v1": finding.id},
        "properties": {"host": finding.host, "subject": finding.subject, "exposure": str(finding.exposure), "value": finding.value},
    }
    locations = []
    for where in finding.where[:10]:
        physical: dict[str, Any] = {"artifactLocation": {"uri": quote(mend(where.file))}}
        if where.line:
            physical["region"] = {"startLine": where.line, **({"snippet": {"text": where.quote}} if where.quote else {})}
        locations.append({"physicalLocation": physical, **({"logicalLocations": [{"fullyQualifiedName": where.pointer}]} if where.pointer else {})})
    if locations:
        made["locations"] = locations
    if finding.waiver is not None and finding.waived:
        made["suppressions"] = [{"kind": "external", "status": "accepted", "justification": f"{finding.waiver.owner}: {finding.waiver.reason}"}]
    return made
