"""Findings: what an audit says, check by check, and the whole of an audit as the sinks get it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum

import msgspec

from gatewatch.schema.evidence import EvidenceFile
from gatewatch.schema.facts.base import Where
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure, Mitigation
from gatewatch.schema.records import Problem


class Status(StrEnum):
    """The outcome of a check, gravest first. What is not known is never passed."""

    FAIL = "fail"
    ERROR = "error"
    UNKNOWN = "unknown"
    MANUAL = "manual"
    PASS = "pass"  # noqa: S105 - an outcome, no password
    NOT_APPLICABLE = "not_applicable"

    @property
    def rank(self) -> int:
        """Position from 0 (fail)."""
        return list(Status).index(self)


class Exposure(StrEnum):
    """Who can get to the service judged: used in logs from outside, reachable from outside, not, or not known."""

    OBSERVED = "observed"
    EXPOSED = "exposed"
    UNKNOWN = "unknown"
    INTERNAL = "internal"

    @property
    def rank(self) -> int:
        """Position from 0 (observed)."""
        return list(Exposure).index(self)


class Remediation(msgspec.Struct, frozen=True):
    """What to do: in words, as configuration to adapt, and how it could lock its user out (empty: it cannot)."""

    text: str
    snippet: str = ""
    lockout: str = ""


class Mapping(msgspec.Struct, frozen=True, order=True):
    """The same demand in another catalogue: "NIST 800-53" "r5" "AC-17(2)"; "CIS Debian 12" "1.1.0" "5.1.4"; "STIG" "RHEL-09" "V-257…"."""

    catalogue: str
    version: str
    item: str


class Waiver(msgspec.Struct, frozen=True):
    """An accepted risk: who answers for it, why, and until when. ``expired``: it no longer counts."""

    owner: str
    reason: str
    until: date | None
    expired: bool = False


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome of one check for one subject.

    ``message`` is a sentence; ``value`` the effective value judged, ``resolved`` how it came about; ``where`` the deciding lines, the
    first one first; ``collect``: what to bring when it is unknown; ``absent``: the product it speaks of, where evidence is missing and
    neither other evidence nor the site shows that there is one.
    """

    id: str
    check: str
    title: str
    mitigation: Mitigation
    measures: tuple[Measure, ...]
    status: Status
    severity: Severity
    host: str
    service: str = ""
    subject: str = ""
    message: str
    value: str = ""
    resolved: str = ""
    where: tuple[Where, ...] = ()
    as_of: datetime | None = None
    exposure: Exposure = Exposure.UNKNOWN
    remediation: Remediation
    collect: str = ""
    absent: str = ""
    mappings: tuple[Mapping, ...] = ()
    references: tuple[str, ...] = ()
    waiver: Waiver | None = None

    @property
    def waived(self) -> bool:
        """Whether a waiver in force covers it."""
        return self.waiver is not None and not self.waiver.expired

    @property
    def open(self) -> bool:
        """Whether it asks somebody to act."""
        return self.status in {Status.FAIL, Status.ERROR} and not self.waived


class MeasureRow(msgspec.Struct, frozen=True):
    """A line of the table of measures: how many findings ended how. ``checks``: how many checks answer for the measure."""

    measure: Measure
    checks: int
    counts: dict[Status, int]
    waived: int = 0


class Audit(msgspec.Struct):
    """The whole result: findings sorted as they are to be read, the table, and what became of every file."""

    findings: tuple[Finding, ...]
    table: tuple[MeasureRow, ...]
    files: tuple[EvidenceFile, ...]
    problems: tuple[Problem, ...]
    hosts: tuple[str, ...]
    facts: int
    today: date
    site: str = ""
    version: str = ""
    notes: tuple[str, ...] = ()

    def open(self) -> Iterator[Finding]:
        """Yield the findings that ask somebody to act."""
        return (finding for finding in self.findings if finding.open)
