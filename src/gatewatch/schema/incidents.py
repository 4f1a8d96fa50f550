"""Matches and incidents: what the detection half hands to the sinks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from gatewatch.schema.control import Control, Move, WhatIf
from gatewatch.schema.coverage import Coverage, Unseen
from gatewatch.schema.records import ClockFault, Problem, Reject, Stranger, Tally


class Severity(StrEnum):
    """Sigma's levels, lowest first."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Position from 0 (informational) to 4 (critical)."""
        return _RANKS[self]


_RANKS = {level: rank for rank, level in enumerate(Severity)}


class StageHit(msgspec.Struct, frozen=True):
    """One stage of a match. ``rows`` are indices into the event frame that was matched, in order, the completion last.

    ``count`` is the weight of all contributing events, also of those beyond the rows kept as evidence.
    """

    name: str
    rows: Sequence[int]  # equal to a tuple
    count: int
    first: datetime
    last: datetime
    certain: bool = True  # false: the order against the stage before rests on overlapping clocks ("possible")


class Match(msgspec.Struct, frozen=True):
    """One chain met once: at most one per anchor event."""

    chain: str
    key: tuple[tuple[str, str], ...]
    anchor: int  # index into the event frame
    stages: tuple[StageHit, ...]
    notes: tuple[str, ...] = ()  # what could not be judged (an absence that no log covers)


class Evidence(msgspec.Struct, frozen=True):
    """A raw record, and where it stands."""

    source: str
    stream: str
    file: str
    record: int
    offset: int
    raw: str


class Stage(msgspec.Struct, frozen=True):
    """A stage as reported: when, how often, on what evidence."""

    name: str
    time: datetime
    last: datetime
    count: int
    certain: bool
    summary: str
    evidence: tuple[Evidence, ...]


class Factor(msgspec.Struct, frozen=True):
    """A reason for the severity, with its score (0 when it could not be judged)."""

    factor: str
    score: int
    note: str = ""


class Origin(msgspec.Struct, frozen=True):
    """Where the outsider came from."""

    ip: str | None
    country: str | None = None
    scope: str | None = None
    asn: int | None = None
    as_org: str | None = None
    known_by: str | None = None
    others: tuple[str, ...] = ()  # further outside addresses of the same incident


class Hop(msgspec.Struct, frozen=True):
    """One edge of the path from the outside address inwards."""

    source: str  # an address or a host
    target: str  # a host, account, file or address
    via: str  # ssh, sudo, second door, ...
    user: str | None
    time: datetime
    confidence: str  # certain, likely or possible


class Technique(msgspec.Struct, frozen=True, order=True):
    """An ATT&CK technique or strategy an incident shows."""

    id: str
    name: str


class Incident(msgspec.Struct, frozen=True):
    """What a responder reads: one intrusion (or a stopped one), with its proof."""

    id: str
    aliases: tuple[str, ...]
    chain: str
    chains: tuple[str, ...]
    analytic: str
    title: str
    verdict: str
    severity: Severity
    confidence: str  # high, medium or low
    why: tuple[Factor, ...]
    origin: Origin
    users: tuple[str, ...]
    hosts: tuple[str, ...]
    service: str | None
    first_seen: datetime
    last_seen: datetime
    failures: int
    accepted: datetime | None
    open: bool | None  # true: a session was still open where the logs end; null: cannot be known
    stages: tuple[Stage, ...]
    path: tuple[Hop, ...]
    attack: tuple[Technique, ...]
    mitigations: tuple[Control, ...]  # what would have cut or shown it, and whether it was there
    coverage: tuple[str, ...]
    blind_spots: tuple[str, ...]
    near_misses: tuple[str, ...]
    contain: tuple[str, ...]
    next_steps: tuple[str, ...]
    zone: str  # IANA zone in which local times are shown
    moves: tuple[Move, ...] = ()  # what a control would have had to meet, in order


class Attempts(msgspec.Struct, frozen=True):
    """A source that only failed: never an incident."""

    ip: str | None
    src_host: str | None
    country: str | None
    count: int
    users: int
    hosts: int
    first: datetime
    last: datetime


class Access(msgspec.Struct, frozen=True):
    """A row of the access ledger: one accepted access from outside."""

    time: datetime
    end: datetime | None
    open: bool | None
    duration_s: float | None
    user: str | None
    origin_ip: str | None
    src_host: str | None
    scope: str | None
    country: str | None
    service: str | None
    host: str | None
    session: str | None
    method: str | None
    mfa: str
    failures_before: int
    first_seen: bool
    known: bool
    known_by: str | None
    off_hours: bool | None
    followed_by: tuple[str, ...]  # "sudo x3", "port forward x1", ...
    incidents: tuple[str, ...]
    file: str
    record: int


class Scan(msgspec.Struct):
    """Everything one scan found; what every sink gets."""

    incidents: list[Incident]
    access: Sequence[Access]
    attempts: list[Attempts]
    attempts_total: int
    coverage: list[Coverage]
    unseen: list[Unseen]
    tallies: list[Tally]
    rejects: list[Reject]
    problems: list[Problem]
    clock_faults: list[ClockFault]
    records: int
    bytes: int
    zone: str
    site: str
    notes: list[str] = []
    version: str = ""
    what_if: WhatIf | None = None
    techniques: dict[str, str] = {}  # id: observed, detectable or blind
    extra: dict[str, Any] = {}
    strangers: list[Stranger] = []
