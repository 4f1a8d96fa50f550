"""The sinks of audits, and delivery to where the user wants them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from gatewatch.schema.findings import Audit
from gatewatch.sinks.audit_console import AuditConsole
from gatewatch.sinks.audit_html import AuditHtml
from gatewatch.sinks.audit_jsonl import AuditCsv, AuditJsonl
from gatewatch.sinks.audit_navigator import AuditNavigator
from gatewatch.sinks.audit_ocsf import AuditOcsf
from gatewatch.sinks.audit_sarif import AuditSarif
from gatewatch.sinks.audit_sink import AuditSink
from gatewatch.sinks.audit_stix import AuditStix
from gatewatch.sinks.target import open_targets, text, wants_color, width_of

AUDIT_SINKS: tuple[AuditSink, ...] = (
    AuditConsole(),
    AuditJsonl(),
    AuditCsv(),
    AuditHtml(),
    AuditSarif(),
    AuditOcsf(),
    AuditNavigator(),
    AuditStix(),
)


def audit_formats() -> list[str]:
    """Return the formats of an audit."""
    return [sink.name for sink in AUDIT_SINKS]


def deliver_audit(audit: Audit, outputs: Sequence[str], *, everything: bool) -> None:
    """Write *audit* to every output, files first, so that the terminal's last words are the summary."""
    by_name = {sink.name: sink for sink in AUDIT_SINKS}
    for target in sorted(open_targets(outputs, audit_formats()), key=lambda one: one.file is None):
        with text(target) as out:
            by_name[target.format].write(
                audit, out, color=wants_color(target, os.environ), width=width_of(target, os.environ), everything=everything
            )
