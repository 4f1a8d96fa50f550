"""OCSF compliance findings (class 2003), one JSON object per line. Reference: OCSF 1.3, compliance_finding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, TextIO

from gatewatch.schema.findings import Audit, Finding, Status
from gatewatch.schema.incidents import Severity
from gatewatch.sinks.document import encode

_SEVERITY = {Severity.INFORMATIONAL: 1, Severity.LOW: 2, Severity.MEDIUM: 3, Severity.HIGH: 4, Severity.CRITICAL: 5}
_OUTCOME = {Status.PASS: (1, "Pass"), Status.FAIL: (3, "Fail"), Status.UNKNOWN: (0, "Unknown")}


@dataclass(frozen=True, slots=True)
class AuditOcsf:
    """Writes each finding as an OCSF compliance finding."""

    name: str = "ocsf"
    title: str = "OCSF compliance findings, one JSON object per line"

    def write(self, audit: Audit, out: TextIO, *, color: bool, width: int, everything: bool) -> None:  # noqa: ARG002 - a machine reads all
        """Write all findings of *audit*."""
        moment = int(datetime.combine(audit.today, time(), UTC).timestamp() * 1000)
        out.writelines(encode(_finding(finding, moment, audit.version)) + "\n" for finding in audit.findings)


def _finding(finding: Finding, moment: int, version: str) -> dict[str, Any]:
    number, word = _OUTCOME.get(finding.status, (99, str(finding.status)))
    seen = int(finding.as_of.timestamp() * 1000) if finding.as_of is not None else moment
    return {
        "activity_id": 1,
        "category_uid": 2,
        "class_uid": 2003,
        "type_uid": 200301,
        "time": moment,
        "severity_id": _SEVERITY[finding.severity],
        "status_id": 3 if finding.waived else 1,
        "message": finding.message,
        "metadata": {"version": "1.3.0", "product": {"name": "gatewatch", "vendor_name": "gatewatch", "version": version or "0"}},
        "finding_info": {"uid": finding.id, "title": finding.title, "last_seen_time": seen, "attacks": [{"technique": {"uid": "T1133"}}]},
        "compliance": {
            "control": finding.check,
            "requirements": [f"{one.catalogue} {one.version} {one.item}" for one in finding.mappings],
            "standards": list(dict.fromkeys(f"{one.catalogue} {one.version}" for one in finding.mappings)),
            "status": word,
            "status_id": number,
        },
        "remediation": {"desc": finding.remediation.text},
        "resources": [{"name": finding.host, "type": "host"}],
        "unmapped": {"status": str(finding.status), "value": finding.value, "measures": [str(one) for one in finding.measures]},
    }
