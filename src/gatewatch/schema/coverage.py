"""Coverage: which logs were there, for which host and time, and where they are silent."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Gap(msgspec.Struct, frozen=True, order=True):
    """A silence in a stream much longer than its habit."""

    start: datetime
    end: datetime


class Coverage(msgspec.Struct, frozen=True, order=True):
    """What one source said of one host."""

    source: str
    host: str | None
    stream: str
    first: datetime | None
    last: datetime | None
    zone: str
    time_basis: str
    events: int
    gaps: tuple[Gap, ...] = ()


class Unseen(msgspec.Struct, frozen=True, order=True):
    """Something a chain would want to see and no log given covers, with the native command that collects it."""

    what: str
    why: str
    collect: str
