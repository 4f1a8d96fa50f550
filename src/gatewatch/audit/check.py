"""What a check is: a declared demand, the evidence it needs, and the function that judges facts by it.

A criterion yields one :class:`Verdict` for each thing it judges. It is called only when the evidence it needs is there, and a criterion that
yields nothing is an error of ours, never a pass: a thing that is out of question is ``not_applicable``, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from gatewatch.audit.reach.query import Reach
from gatewatch.schema.facts.base import Fact, Facts, Setting, Where
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.findings import Mapping, Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.site.model import Site


@dataclass(frozen=True, slots=True)
class Need:
    """Evidence a check cannot do without: a fact of one of ``kinds`` for which ``when`` holds.

    ``collect``: what to bring, for people. ``systems``: on every machine of these systems the evidence is to be expected, so a machine
    without it is ``unknown`` by itself; empty: one such fact anywhere is enough.
    """

    kinds: tuple[type[Fact], ...]
    collect: str
    when: Callable[[Any], bool] | None = None
    systems: tuple[System, ...] = ()

    def met(self, facts: Facts, host: str | None = None) -> bool:
        """Return whether *facts* (of *host*) hold such evidence."""
        return any(self.when is None or self.when(fact) for kind in self.kinds for fact in facts.of(kind, host))

    def missing(self, facts: Facts) -> list[str]:
        """Return the machines on which the evidence was to be expected and is not there."""
        if not self.systems:
            return []
        machines = {machine.host: None for machine in facts.of(Machine) if machine.system in self.systems}
        return [host for host in machines if not self.met(facts, host)]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a criterion may ask beside the facts: the site, and the day it is (given, never the clock's)."""

    site: Site
    today: date
    _kept: dict[tuple[int, bool], Reach] = field(default_factory=dict, compare=False, repr=False)

    def reach(self, facts: Facts, *, fresh: bool = False) -> Reach:
        """Return who reaches what by *facts*, compiled once for all checks; *fresh*: who connects for the first time."""
        if (id(facts), fresh) not in self._kept:
            self._kept[id(facts), fresh] = Reach(facts, self.site, fresh)
        return self._kept[id(facts), fresh]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a criterion says of one thing. ``severity``: another than the check's, where the case is graver or lighter."""

    status: Status
    host: str
    message: str
    value: str = ""
    resolved: str = ""
    where: tuple[Where, ...] = ()
    service: str = ""
    subject: str = ""
    severity: Severity | None = None
    as_of: datetime | None = None
    snippet: str = ""  # the remediation for this very case, where it can be written down
    absent: str = ""  # the product that nothing shows, set by the runner


Criterion = Callable[[Facts, Ground], Iterable[Verdict]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check. ``id``: measure and number, as in the catalogue; a changed meaning is a new id. ``about``: what passes, in one sentence."""

    id: str
    title: str
    about: str
    measures: tuple[Measure, ...]
    severity: Severity
    needs: tuple[Need, ...]
    judge: Criterion
    remediation: Remediation
    mappings: tuple[Mapping, ...]
    references: tuple[str, ...] = ()
    automated: bool = True
    services: tuple[str, ...] = field(default=())  # remote services it speaks of


def nist(*items: str) -> tuple[Mapping, ...]:
    """Return controls of NIST SP 800-53 revision 5."""
    return tuple(Mapping("NIST 800-53", "r5", item) for item in items)


def cis(benchmark: str, version: str, *items: str) -> tuple[Mapping, ...]:
    """Return recommendations of a CIS benchmark; their numbers mean nothing without its version."""
    return tuple(Mapping(f"CIS {benchmark}", version, item) for item in items)


def stig(guide: str, *items: str) -> tuple[Mapping, ...]:
    """Return rules of a DISA STIG: ``RHEL-09-255040 (V-257985)``."""
    return tuple(Mapping("STIG", guide, item) for item in items)


def by_setting(
    fact: Fact,
    setting: Setting | None,
    good: bool | None,
    message: str,
    *,
    service: str = "",
    subject: str = "",
    severity: Severity | None = None,
) -> Verdict:
    """Return the verdict on one setting: pass or fail by *good*, unknown where it is None, not set or not sure."""
    if setting is None:
        silent = f"{message}: not in the evidence"
        return Verdict(status=Status.UNKNOWN, host=fact.host, message=silent, service=service, subject=subject, as_of=fact.as_of)
    status = Status.UNKNOWN if good is None or setting.uncertain else Status.PASS if good else Status.FAIL
    return Verdict(
        status=status,
        host=fact.host,
        message=f"{message}; not sure: {setting.uncertain}" if setting.uncertain else message,
        value=f"{setting.name} {setting.value}",
        resolved=setting.how,
        where=(setting.where,) if setting.where is not None else fact.where[:1],
        service=service,
        subject=subject,
        severity=severity,
        as_of=fact.as_of,
    )
