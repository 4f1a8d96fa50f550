"""Findings as JSON lines, and as CSV: every finding, whatever its outcome."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TextIO

from gatewatch.schema.findings import Audit
from gatewatch.sinks.audit_sink import place
from gatewatch.sinks.document import encode
from gatewatch.sinks.escape import cell

_COLUMNS = ("id", "check", "title", "mitigation", "measures", "status", "severity", "host", "service", "subject", "message", "value", "resolved")


@dataclass(frozen=True, slots=True)
class AuditJsonl:
    """Writes each finding as one JSON object."""

    name: str = "jsonl"
    title: str = "findings, one JSON object per line"

    def write(self, audit: Audit, out: TextIO, *, color: bool, width: int, everything: bool) -> None:  # noqa: ARG002 - a machine reads all
        """Write all findings of *audit*, in the order of the audit."""
        out.writelines(encode(finding) + "\n" for finding in audit.findings)


@dataclass(frozen=True, slots=True)
class AuditCsv:
    """Writes each finding as one row."""

    name: str = "csv"
    title: str = "findings, one row each"

    def write(self, audit: Audit, out: TextIO, *, color: bool, width: int, everything: bool) -> None:  # noqa: ARG002 - a machine reads all
        """Write all findings of *audit*, in the order of the audit."""
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*_COLUMNS, "where", "exposure", "waived_until", "remediation", "mappings"])
        for finding in audit.findings:
            row = [_shown(getattr(finding, name)) for name in _COLUMNS]
            until = str(finding.waiver.until) if finding.waiver is not None and finding.waived else ""
            mappings = "; ".join(f"{one.catalogue} {one.version} {one.item}" for one in finding.mappings)
            row += ["; ".join(place(one) for one in finding.where), finding.exposure, until, finding.remediation.text, mappings]
            writer.writerow([cell(text) for text in row])


def _shown(value: object) -> str:
    return " ".join(str(one) for one in value) if isinstance(value, tuple) else str(value)
