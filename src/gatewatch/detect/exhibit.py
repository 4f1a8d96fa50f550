"""Exhibits: the rows of the event frame that matches point at, read once into plain records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, overload

import polars as pl

from gatewatch.schema.client import account_named
from gatewatch.schema.events import DTYPES, Kind, ensure

RULE = "rule:"
DOORS = frozenset({"vpn", "citrix", "rdgateway"})
"""The services of gateways, whose records say in ``extra`` through which door somebody came."""


class Exhibit(NamedTuple):
    """One event, with the rules it met (``rules``, sorted).

    ``weight`` is the column ``count``; the other fields are the columns of that name. ``extra`` is there for the services in :data:`DOORS`
    and for identity providers.
    """

    row: int
    time: datetime
    kind: str
    pattern: str | None
    service: str | None
    host: str | None
    user: str | None
    target_user: str | None
    src_ip: str | None
    src_host: str | None
    dst_ip: str | None
    dst_host: str | None
    dst_port: int | None
    session: str | None
    auth_method: str | None
    mfa: str | None
    process: str | None
    command: str | None
    object: str | None
    extra: str | None
    weight: int
    source: str
    stream: str
    file: str
    record: int
    offset: int
    scope: str | None
    country: str | None
    asn: int | None
    as_org: str | None
    anonymizer: bool | None
    known: bool
    known_by: str | None
    off_hours: bool | None
    origin_ip: str | None
    origin_session: str | None
    hop: int | None
    hop_confidence: str | None
    bytes_out: int | None
    rules: tuple[str, ...] = ()

    @property
    def counted(self) -> bool:
        """Whether the outside origin is sure enough to count; what rivals on a shared host may have done is only shown."""
        return self.origin_ip is not None and self.hop_confidence != "possible"

    @property
    def entered(self) -> bool:
        """Whether somebody came in by this event: a logon, or the answer of a control plane that a sensor saw."""
        return self.kind == Kind.AUTH_SUCCESS or (self.kind == Kind.SESSION_START and "control-plane-answered" in self.rules)

    @property
    def opened(self) -> bool:
        """Whether a host of the site opened it towards the outside, and a log of the network tells so: it says nothing of who did."""
        return "outbound-remote-access" in self.rules

    @property
    def account(self) -> str | None:
        """The account acted on; a sudo record names there only whose rights were used, an outbound logon as whom."""
        return None if self.kind in {Kind.PRIVILEGE_USE, Kind.LOGON_OUT} else self.target_user

    @property
    def outside(self) -> bool:
        """Whether the event is the outsider's own connection, not something that followed further in."""
        return self.origin_ip is not None and not self.hop


class Shown(Sequence[Exhibit]):
    """The events of those of *rows* that were read, looked up when they are asked for: thousands of matches hold hundreds, mostly the same ones."""

    __slots__ = ("read", "rows")

    def __init__(self, rows: Sequence[int], read: Mapping[int, Exhibit]) -> None:
        self.rows = rows
        self.read = read

    def __iter__(self) -> Iterator[Exhibit]:
        """Iterate over the events, in order."""
        return filter(None, map(self.read.get, self.rows))

    def __bool__(self) -> bool:
        """Whether any was read."""
        return (len(self.rows) > 0 and self.rows[0] in self.read) or next(iter(self), None) is not None

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, at: int) -> Exhibit: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Exhibit, ...]: ...

    def __getitem__(self, at: int | slice) -> Exhibit | tuple[Exhibit, ...]:
        """Return one of them, or some."""
        last = self.read.get(self.rows[at]) if at == -1 else None
        return tuple(self)[at] if last is None else last


def union(parts: Iterable[Shown]) -> Iterator[Exhibit]:
    """Yield the events of all of *parts*, which look them up in the same place, each once and in no order."""
    rows: set[int] = set()
    read: Mapping[int, Exhibit] = {}
    for part in parts:
        rows.update(part.rows)
        read = part.read
    return filter(None, map(read.get, rows))


_FIELDS = tuple("count" if name == "weight" else name for name in Exhibit._fields if name not in {"row", "rules"})
_FILL: dict[str, object] = {"count": 1, "source": "", "stream": "", "file": "", "record": 0, "offset": 0, "known": False}


def read_exhibits(events: pl.DataFrame, rows: Iterable[int]) -> dict[int, Exhibit]:
    """Return the events of *rows* (values of the column ``row``) that have a time, by row."""
    wanted = sorted(set(rows))
    if not wanted:
        return {}
    return _records(events.filter(pl.col("row").is_in(wanted) & pl.col("time").is_not_null()))


def read_logons(events: pl.DataFrame, sessions: Iterable[str], read: Mapping[int, Exhibit] = MappingProxyType({})) -> dict[str, Exhibit]:
    """Return the logon with which each outside session began, by the session's id; those *read* before are not read again."""
    wanted = sorted(set(sessions))
    if not wanted:
        return {}
    events = ensure(events, "origin_session", "hop", "kind")
    began = events.filter(
        (pl.col("kind") == str(Kind.AUTH_SUCCESS))
        & (pl.col("hop") == 0)
        & pl.col("origin_session").is_in(wanted)
        & pl.col("time").is_not_null()
    ).sort("row")
    began = began.unique("origin_session", keep="first", maintain_order=True)
    rows = began["row"].to_list()
    fresh = _records(began.filter(pl.Series([row not in read for row in rows], dtype=pl.Boolean)))
    result: dict[str, Exhibit] = {}
    for row in rows:
        exhibit = fresh[row] if row in fresh else read[row]
        result[exhibit.origin_session or ""] = exhibit
    return result


def _records(events: pl.DataFrame) -> dict[int, Exhibit]:
    rules = [name for name in events.columns if name.startswith(RULE)]
    frame = ensure(events, *_FIELDS).sort("row")
    doors = pl.col("service").cast(pl.String).is_in(sorted(DOORS | {"idp"}))
    columns = {
        name: pl.col(name).cast(pl.String) if DTYPES[name] in {pl.String, pl.Enum} or isinstance(DTYPES[name], pl.Enum) else pl.col(name)
        for name in _FIELDS
    }
    columns["extra"] = pl.when(doors).then(columns["extra"])
    plain = frame.select("row", *(column.fill_null(_FILL[name]) if name in _FILL else column for name, column in columns.items()))
    flags = _flags(frame, rules)
    rows = zip(*(_values(plain[name]) for name in plain.columns), strict=True)
    return {values[0]: Exhibit._make((*values, flags.get(values[0], ()))) for values in rows}


def _values(column: pl.Series) -> list[Any]:
    """Return the values of *column*, texts that repeat as one object: events say the same by the thousand."""
    if column.dtype != pl.String:
        return column.to_list()
    made: dict[str | None, str | None] = {}
    return [made.setdefault(value, value) for value in column.to_list()]


def _flags(frame: pl.DataFrame, columns: list[str]) -> Mapping[int, tuple[str, ...]]:
    flags: dict[int, list[str]] = {}
    rows = frame["row"].to_numpy()
    for column in sorted(columns):
        for row in rows[frame[column].to_numpy()].tolist():
            flags.setdefault(row, []).append(column.removeprefix(RULE))
    return {row: tuple(names) for row, names in flags.items()}


def is_station(event: Exhibit) -> bool:
    """Return whether the client that a logon names is the outsider's own machine: one hop in, by the address the VPN gave."""
    return event.kind == Kind.AUTH_SUCCESS and event.hop == 1 and event.hop_confidence == "certain" and event.src_host is not None


def as_whom(event: Exhibit) -> str | None:
    """Return as whom an event of onward movement went on: who was logged on, whose credentials were used, or the name in
    a client's command."""
    if event.kind == Kind.AUTH_SUCCESS:
        return event.user if event.hop else None
    if event.kind == Kind.LOGON_OUT:
        return event.target_user
    return account_named(event.command)
