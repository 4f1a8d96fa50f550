"""An audit as a STIX 2.1 bundle: the five mitigations of T1133, and a note for each open finding about the mitigation it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TextIO

from gatewatch.schema.findings import Audit
from gatewatch.schema.measure import Mitigation
from gatewatch.sinks.audit_sink import place
from gatewatch.sinks.document import encode
from gatewatch.sinks.escape import mend
from gatewatch.sinks.stix_object import ATTACK_RELEASE, Bundle


@dataclass(frozen=True, slots=True)
class AuditStix:
    """Writes the audit as one bundle; the same audit gives the same bytes."""

    name: str = "stix"
    title: str = "a STIX 2.1 bundle: mitigations of T1133 and open findings"

    def write(self, audit: Audit, out: TextIO, *, color: bool, width: int, everything: bool) -> None:  # noqa: ARG002 - a machine reads all
        """Write the bundle."""
        bundle = Bundle()
        tool = bundle.domain("identity", "gatewatch", ATTACK_RELEASE, name="gatewatch", identity_class="system")
        site = bundle.domain("identity", ("site", audit.site), ATTACK_RELEASE, name=mend(audit.site) or "the site", identity_class="organization")
        actions = {mitigation: bundle.mitigation(mitigation, tool) for mitigation in Mitigation}
        day = datetime.combine(audit.today, time(), UTC)
        for finding in audit.open():
            lines = "; ".join(f"{place(where)}{': ' if where.quote else ''}{where.quote}" for where in finding.where[:3])
            content = f"{finding.host}: {finding.message}{f' ({lines})' if lines else ''}. To mend: {finding.remediation.text}"
            bundle.domain(
                "note", (finding.id, finding.check, finding.message), finding.as_of or day, created_by_ref=tool,
                abstract=mend(f"{finding.check} {finding.title}"), content=mend(content), labels=[str(finding.severity)],
                object_refs=[actions[finding.mitigation], site],
                external_references=[{"source_name": one.catalogue, "description": f"{one.version} {one.item}"} for one in finding.mappings] or None,
            )  # fmt: skip
        out.write(encode(bundle.whole()) + "\n")
