"""An ATT&CK Navigator layer: T1133, scored by how much of its five mitigations is in place. Reference: Navigator layer format 4.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO

from gatewatch.schema.findings import Audit, MeasureRow, Status
from gatewatch.schema.measure import Mitigation
from gatewatch.sinks.document import encode


@dataclass(frozen=True, slots=True)
class AuditNavigator:
    """Writes the audit as a Navigator layer; the score is the share of judged measures without a failed finding, 0 to 100."""

    name: str = "navigator"
    title: str = "an ATT&CK Navigator layer of the mitigations of T1133"

    def write(self, audit: Audit, out: TextIO, *, color: bool, width: int, everything: bool) -> None:  # noqa: ARG002 - a machine reads all
        """Write the layer."""
        judged = [row for row in audit.table if row.counts.get(Status.FAIL, 0) or row.counts.get(Status.PASS, 0)]
        good = [row for row in judged if not row.counts.get(Status.FAIL, 0)]
        metadata = []
        for mitigation in Mitigation:
            rows = [row for row in audit.table if row.measure.mitigation is mitigation]
            metadata.append({"name": f"{mitigation} {mitigation.label}", "value": "; ".join(f"{row.measure.label}: {_state(row)}" for row in rows)})
        technique = {
            "techniqueID": "T1133",
            "score": round(100 * len(good) / len(judged)) if judged else None,
            "comment": f"{len(good)} of {len(judged)} judged measures without a failed finding; {len(audit.table) - len(judged)} not judged",
            "metadata": metadata,
            "enabled": True,
            "showSubtechniques": False,
        }
        layer = {
            "name": f"T1133 mitigations{f' of {audit.site}' if audit.site else ''}",
            "versions": {"attack": "18", "navigator": "5.1.0", "layer": "4.5"},
            "domain": "enterprise-attack",
            "description": f"gatewatch audit as of {audit.today}, {len(audit.hosts)} hosts",
            "techniques": [technique],
            "gradient": {"colors": ["#ff6666", "#ffe766", "#8ec843"], "minValue": 0, "maxValue": 100},
        }
        out.write(encode(layer) + "\n")


def _state(row: MeasureRow) -> str:
    if row.counts.get(Status.FAIL, 0) or row.counts.get(Status.ERROR, 0):
        return "missing"
    if row.counts.get(Status.UNKNOWN, 0) or row.counts.get(Status.MANUAL, 0):
        return "unknown"
    return "present" if row.counts.get(Status.PASS, 0) else "not judged"
