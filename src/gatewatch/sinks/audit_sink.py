"""What a sink of audits is, and the few words they share."""

from __future__ import annotations

from typing import Protocol, TextIO

from gatewatch.schema.facts.base import Where
from gatewatch.schema.findings import Audit, Finding, Status

WORD: dict[Status, str] = {
    Status.FAIL: "fail",
    Status.ERROR: "error",
    Status.UNKNOWN: "unknown",
    Status.MANUAL: "manual",
    Status.PASS: "pass",
    Status.NOT_APPLICABLE: "n.a.",
}


class AuditSink(Protocol):
    """Writes an audit as text. ``everything``: also what passed, is not applicable or waived."""

    @property
    def name(self) -> str:
        """The name behind ``-o``."""

    @property
    def title(self) -> str:
        """What it writes."""

    def write(self, audit: Audit, out: TextIO, *, color: bool, width: int, everything: bool) -> None:
        """Write *audit* to *out*."""


def place(where: Where) -> str:
    """Return a place for people: ``file:line`` or ``file pointer``."""
    if where.line:
        return f"{where.file}:{where.line}"
    return f"{where.file} {where.pointer}".rstrip()


def chosen(audit: Audit, everything: bool) -> list[Finding]:
    """Return the findings a reader must see, or all of them."""
    return [one for one in audit.findings if everything or (one.status not in {Status.PASS, Status.NOT_APPLICABLE} and not one.waived)]
