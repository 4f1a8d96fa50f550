"""The audit as one HTML page that opens anywhere, offline, and runs nothing; the report's style and content security policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO

from markupsafe import Markup

from gatewatch.schema.findings import Audit, Status
from gatewatch.schema.measure import Mitigation
from gatewatch.schema.records import Disposition
from gatewatch.sinks.audit_sink import WORD, place
from gatewatch.sinks.html import environment, style_hash, style_sheet

_MOST = 2000


@dataclass(frozen=True, slots=True)
class AuditHtml:
    """Writes the audit as one self-contained page."""

    name: str = "html"
    title: str = "a self-contained page for the browser and for print"

    def write(self, audit: Audit, out: TextIO, *, color: bool, width: int, everything: bool) -> None:  # noqa: ARG002 - a terminal's matters
        """Write the page."""
        style = style_sheet()
        shown = [one for one in audit.findings if everything or one.status not in {Status.PASS, Status.NOT_APPLICABLE}]
        page = environment().get_template("audit.html.j2")
        out.writelines(
            page.generate(
                audit=audit,
                findings=shown[:_MOST],
                left=max(len(shown) - _MOST, 0),
                failed=list(audit.open()),
                columns=[Status.FAIL, Status.UNKNOWN, Status.MANUAL, Status.PASS, Status.NOT_APPLICABLE],
                word=WORD,
                place=place,
                mitigations=list(Mitigation),
                odd=[one for one in audit.files if one.disposition in {Disposition.REJECTED, Disposition.UNRECOGNISED}][:500],
                style=Markup(style),  # noqa: S704 - our own file
                style_hash=style_hash(style),
            )
        )
