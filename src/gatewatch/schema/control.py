"""Controls: what ATT&CK's measures would have done about an incident, and which of them were there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from gatewatch.schema.measure import Measure, Mitigation


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the outsider did, as observed: what a control would have had to meet. No label: only what the event says.

    ``outside``: the outsider's own connection, not one from further in. ``door``: the realm, tunnel group or portal the event names.
    ``count``: how many such events of the stage it stands for.
    """

    stage: str
    time: datetime
    kind: str
    service: str | None = None
    host: str | None = None
    user: str | None = None
    src_ip: str | None = None
    src_host: str | None = None
    scope: str | None = None
    anonymizer: bool | None = None
    dst_host: str | None = None
    dst_ip: str | None = None
    dst_port: int | None = None
    method: str | None = None
    mfa: str | None = None
    process: str | None = None
    command: str | None = None
    object: str | None = None
    door: str | None = None
    outside: bool = False
    rules: tuple[str, ...] = ()
    count: int = 1


class Standing(StrEnum):
    """Whether a control was there, gravest first: proved to be missing, not known, proved to be there."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    PRESENT = "present"

    @property
    def rank(self) -> int:
        """Position from 0 (missing)."""
        return list(Standing).index(self)


class Effect(StrEnum):
    """What a control does about a move: cuts it, may cut it, or only shows it to somebody."""

    CUTS = "cuts"
    MAY_CUT = "may cut"
    SHOWS = "shows"


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """A measure that would have met a stage of an incident on a host, and whether it was there.

    ``id``: the mitigation; ``measure``: its measure; ``stage``, ``host``, ``service`` and ``time``: the move it would have met; ``why``: how.
    ``status`` is that of the evidence of ``as_of``, and ``then`` says what follows for the time of the move (evidence is seldom of that
    very time). ``finding`` and ``check`` decide; empty where a log or a packet filter does, as ``proof`` says. ``breaks``: the
    measure alone would have broken the incident.
    """

    id: Mitigation
    name: str
    measure: Measure
    label: str
    status: Standing
    effect: Effect
    stage: str
    time: datetime
    host: str
    service: str
    why: str
    as_of: datetime | None = None
    then: str = ""
    finding: str = ""
    check: str = ""
    proof: str = ""
    fix: str = ""
    collect: str = ""
    breaks: bool = False


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """A measure, or a mitigation with all its measures, and the incidents it alone would have broken.

    ``proved``: those in which evidence shows it to be missing; ``entry``: those in which already the way in is cut; ``may``: those it may
    have broken, which are not counted. ``effort`` from 1 (a setting) to 5 (a project); of a mitigation that of the cheapest of
    its measures that breaks as much alone, else that of all of them that cut something.
    """

    id: str
    label: str
    effort: int
    breaks: tuple[str, ...]
    proved: tuple[str, ...]
    entry: tuple[str, ...]
    may: tuple[str, ...]


class Smallest(msgspec.Struct, frozen=True):
    """A smallest set that breaks every incident that can be broken: its members, their effort, and how many other sets are as small."""

    members: tuple[str, ...]
    effort: int
    others: int


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """What the measures would have done to all incidents. ``unbroken``: those nothing would surely have broken."""

    incidents: tuple[str, ...]
    measures: tuple[Breaker, ...]
    mitigations: tuple[Breaker, ...]
    smallest: Smallest
    smallest_mitigations: Smallest
    unbroken: tuple[str, ...]


def named(measure: Measure) -> tuple[Mitigation, str, Measure, str]:
    """Return mitigation, its name, measure and its label, as :class:`Control` says them."""
    return measure.mitigation, measure.mitigation.label, measure, measure.label
