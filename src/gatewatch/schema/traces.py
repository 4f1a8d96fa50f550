"""A trace: everything that came from an address, a user, a host or a session, as a tree of sessions."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Step(msgspec.Struct, frozen=True):
    """A session of a trace: where, who, how it was reached, how surely, and what was done in it."""

    session: str
    parent: str | None  # the session it came through; null where it came from outside, or where that is not known
    depth: int
    host: str | None
    user: str | None
    service: str | None
    source: str | None
    start: datetime
    end: datetime | None
    origin: str
    hop: int
    confidence: str  # certain, likely or possible
    order: str  # certain or possible: whether it surely began after its parent
    via: str
    rivals: tuple[str, ...]
    rival_count: int
    did: tuple[str, ...]  # "command x3", "logon elsewhere x1", ...
    asked: bool  # one of those that were asked for, not only on their way


class Attempt(msgspec.Struct, frozen=True):
    """Failures of one origin at one distance from it."""

    origin: str
    hop: int
    host: str | None
    count: int
    first: datetime
    last: datetime


class Trace(msgspec.Struct, frozen=True):
    """What was asked, the tree in the order to print it, failures, and what cannot be said."""

    kind: str  # address, user, host or session
    value: str
    steps: tuple[Step, ...]
    attempts: tuple[Attempt, ...]
    inside: int  # sessions that were asked for and have no origin outside
    notes: tuple[str, ...]
    zone: str
