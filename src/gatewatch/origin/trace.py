"""Tracing: the tree of sessions that an address, a user, a host or a session leads to, and that led there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import polars as pl

from gatewatch.origin.bond import Bond
from gatewatch.origin.ledger import NAMES
from gatewatch.origin.session import Sessions
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind, ensure
from gatewatch.schema.traces import Attempt, Step, Trace

KINDS = ("address", "user", "host", "session")
MOST_STEPS = 5000
Clocks = Mapping[tuple[str, str], tuple[int, int]]
NO_CLOCKS: Clocks = MappingProxyType({})
_SECOND = timedelta(seconds=1)
_READ = ("row", "time", "time_err", "stream", "kind", "count", "origin_ip", "hop", "host")


def subject(text: str, sessions: Sessions) -> tuple[str, str]:
    """Return what *text* names: ``(kind, value)``.

    ``user:``, ``host:``, ``session:`` and ``address:`` say it; else an address is one by its
    form, and a name is whatever of session, user and host the logs know by it, in this order.
    """
    kind, colon, rest = text.partition(":")
    if colon and kind in KINDS and rest:
        return kind, (canonical_address(rest) or rest) if kind == "address" else rest
    address = canonical_address(text)
    if address is not None:
        return "address", address
    table = sessions.table
    if ((table["sid"] == text) | (table["session"] == text)).any() or (re.fullmatch(r"0x[0-9A-Fa-f]+", text) and _named(text, sessions)):
        return "session", text
    name = text.casefold()
    if (table["user"] == name).any():
        return "user", name
    return ("host", text) if (table["host"].str.to_lowercase() == name).any() else ("user", name)


def trace(
    text: str,
    sessions: Sessions,
    bonds: Mapping[str, Bond],
    events: pl.DataFrame,
    attribution: pl.DataFrame,
    *,
    clocks: Clocks = NO_CLOCKS,
    zone: str = "UTC",
) -> Trace:
    """Return the trace of what *text* names, from attached *events* and their attribution table; *clocks*: :func:`gatewatch.origin.skew.apart`."""
    return traces([text], sessions, bonds, events, attribution, clocks=clocks, zone=zone)[0]


def traces(
    texts: Iterable[str],
    sessions: Sessions,
    bonds: Mapping[str, Bond],
    events: pl.DataFrame,
    attribution: pl.DataFrame,
    *,
    clocks: Clocks = NO_CLOCKS,
    zone: str = "UTC",
) -> list[Trace]:
    """Return the trace of each of *texts*, as :func:`trace` does; what sessions from outside had no part in is looked at once only."""
    table = sessions.table.with_columns(pl.col("service").cast(pl.String))
    entered = table.filter(pl.col("sid").is_in(list(bonds)))
    within = attribution.filter(pl.col("within").is_in(entered["sid"].implode()))
    told = pl.col("row").is_in(within["row"].implode()) | pl.col("row").is_in(entered["row"].implode()) | pl.col("origin_ip").is_not_null()
    events = ensure(events, "time_err", "stream").filter(told).select(_READ)
    family = _Family(entered, bonds, events, within, clocks)
    found = []
    for text in texts:
        kind, value = subject(text, sessions)
        wanted = _wanted(kind, value, table, bonds, sessions)
        asked = [sid for sid in wanted if sid in bonds]
        found.append(
            Trace(
                kind=kind,
                value=value,
                steps=tuple(family.steps(asked)[:MOST_STEPS]),
                attempts=tuple(_attempts(kind, value, asked, bonds, events)),
                inside=len(wanted) - len(asked),
                notes=_notes(kind, value, wanted, asked),
                zone=zone,
            )
        )
    return found


def _named(value: str, sessions: Sessions) -> list[str]:
    """Return the sessions that bear an id, own or further, with or without what says of which kind it is (``logon:0x9a01``)."""
    names = pl.concat([sessions.table.select("sid", "session"), sessions.ids.select("sid", "session")])
    ids = pl.col("session").str.to_lowercase()
    found = names.filter((pl.col("sid") == value) | (ids == value.lower()) | ids.str.ends_with(f":{value.lower()}"))
    return found["sid"].unique().sort().to_list()


def _wanted(kind: str, value: str, table: pl.DataFrame, bonds: Mapping[str, Bond], sessions: Sessions) -> list[str]:
    """Return the sessions that are asked for, in order of their start."""
    if kind == "address":
        own = [sid for sid, bond in bonds.items() if bond.ip == value]
        rows = table.filter((pl.col("src_ip") == value) | pl.col("sid").is_in(own))
    elif kind == "session":
        rows = table.filter(pl.col("sid").is_in(_named(value, sessions)))
    elif kind == "user":
        rows = table.filter(pl.col("user") == value.casefold())
    else:
        folded = pl.col("host").str.to_lowercase()
        rows = table.filter((folded == value.casefold()) | (folded.str.extract(r"^([^.]+)") == value.casefold()))
    found: list[str] = rows.sort("start", "row")["sid"].to_list()
    return found


class _Family:
    """The sessions from outside, who came from whom, and what was done in them."""

    def __init__(self, table: pl.DataFrame, bonds: Mapping[str, Bond], events: pl.DataFrame, within: pl.DataFrame, clocks: Clocks) -> None:
        """Take the rows (*table*) and *bonds* of the sessions, and the *events* that *within* says were theirs."""
        self._table, self._bonds, self._events, self._within, self._clocks = table, bonds, events, within, clocks
        self._children: dict[str, list[str]] = {}
        for sid, bond in bonds.items():
            if bond.parent is not None:
                self._children.setdefault(bond.parent, []).append(sid)

    def steps(self, asked: Sequence[str]) -> list[Step]:
        """Return what led to the sessions *asked*, these, and what came from them, as a tree in the order of their start."""
        bonds, taken = self._bonds, self._kin(asked)
        rows = {row["sid"]: row for row in self._table.filter(pl.col("sid").is_in(list(taken))).iter_rows(named=True)}
        known = sorted((sid for sid in taken if sid in rows), key=lambda sid: (rows[sid]["start"], rows[sid]["row"]))
        if not known:
            return []
        did = _deeds(known, self._events, self._within)
        when = _instants([rows[sid]["row"] for sid in known], self._events)
        mine = frozenset(asked)
        roots = [sid for sid in known if bonds[sid].parent not in rows]
        below: dict[str, list[str]] = {}
        for sid in known:
            parent = bonds[sid].parent
            if parent in rows:
                below.setdefault(str(parent), []).append(sid)
        steps: list[Step] = []
        stack = [(sid, 0) for sid in reversed(roots)]
        while stack:
            sid, depth = stack.pop()
            row, bond = rows[sid], bonds[sid]
            order = _order(row, rows.get(bond.parent or ""), when, self._clocks)
            steps.append(_step(row, bond, depth, did.get(sid, ()), sid in mine, order))
            stack += [(child, depth + 1) for child in reversed(below.get(sid, ()))]
        return steps

    def _kin(self, asked: Sequence[str]) -> dict[str, None]:
        """Return *asked*, their ancestors and their descendants."""
        taken: dict[str, None] = {}
        for sid in asked:
            way: str | None = sid
            while way is not None and way not in taken:
                taken[way] = None
                way = self._bonds[way].parent if way in self._bonds else None
        pending = list(asked)
        while pending:
            for child in self._children.get(pending.pop(), ()):
                if child not in taken:
                    taken[child] = None
                    pending.append(child)
        return taken


def _step(row: Mapping[str, Any], bond: Bond, depth: int, did: tuple[str, ...], asked: bool, order: str) -> Step:
    return Step(
        session=row["sid"], parent=bond.parent, depth=depth, host=row["host"], user=row["user"], service=row["service"],
        source=row["src_ip"] or row["src_host"], start=row["start"], end=row["until"], origin=bond.ip, hop=bond.hop, confidence=bond.confidence,
        order=order, via=bond.via, rivals=bond.rivals, rival_count=bond.rival_count, did=did, asked=asked,
    )  # fmt: skip


def _instants(rows: Sequence[int], events: pl.DataFrame) -> dict[int, tuple[datetime, timedelta, str | None]]:
    """Return by row: the time, its uncertainty and the stream."""
    part = events.filter(pl.col("row").is_in(list(rows))).select("row", "time", "time_err", "stream")
    return {row: (time, err or _SECOND, stream) for row, time, err, stream in part.iter_rows()}


def _order(
    row: Mapping[str, Any], parent: Mapping[str, Any] | None, when: Mapping[int, tuple[datetime, timedelta, str | None]], clocks: Clocks
) -> str:
    """Return whether a session certainly began after its parent: in one log, or where the intervals of the two instants do not overlap.

    Where the clocks of the two hosts are known to be apart, the later instant is set back by as much, and its interval is as wide as the estimate.
    """
    if parent is None or row["row"] not in when or parent["row"] not in when:
        return "certain"
    (later, later_err, stream), (earlier, earlier_err, other) = when[row["row"]], when[parent["row"]]
    offset, spread = clocks.get((parent["host"] or "", row["host"] or ""), (0, 0))
    later, later_err = later - timedelta(microseconds=offset), later_err + timedelta(microseconds=spread)
    return "certain" if (stream is not None and stream == other) or earlier + earlier_err < later - later_err else "possible"


def _deeds(sids: Sequence[str], events: pl.DataFrame, attribution: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return what was done in each session, in words with numbers."""
    names = {str(kind): name for kind, name in NAMES.items() if kind is not Kind.AUTH_SUCCESS}
    part = attribution.filter(pl.col("within").is_in(list(sids))).select("row", "within")
    joined = events.select("row", pl.col("kind").cast(pl.String), "count").join(part, on="row", how="inner")
    counts = joined.filter(pl.col("kind").is_in(list(names))).group_by("within", "kind").agg(pl.col("count").fill_null(1).sum())
    found: dict[str, list[str]] = {}
    for sid, kind, number in counts.sort("within", "kind").iter_rows():
        found.setdefault(sid, []).append(f"{names[kind]} x{number}")
    return {sid: tuple(items) for sid, items in found.items()}


def _attempts(kind: str, value: str, asked: Sequence[str], bonds: Mapping[str, Bond], events: pl.DataFrame) -> list[Attempt]:
    origins = Counter(bonds[sid].ip for sid in asked)
    wanted = sorted({value, *origins} if kind == "address" else set(origins))
    part = events.filter(
        (pl.col("kind").cast(pl.String) == str(Kind.AUTH_FAILURE)) & pl.col("origin_ip").is_in(wanted) & pl.col("time").is_not_null()
    )
    counts = part.group_by("origin_ip", "hop", "host").agg(
        pl.col("count").fill_null(1).cast(pl.Int64).sum(), pl.col("time").min().alias("first"), pl.col("time").max().alias("last")
    )
    return [
        Attempt(*row)
        for row in counts.sort("origin_ip", "hop", "first", "host").select("origin_ip", "hop", "host", "count", "first", "last").iter_rows()
    ]


def _notes(kind: str, value: str, wanted: Sequence[str], asked: Sequence[str]) -> tuple[str, ...]:
    if not wanted:
        return (f"no accepted logon in these logs belongs to the {kind} {value}",)
    if not asked:
        return (f"none of the logons of the {kind} {value} has an origin outside, as far as these logs tell",)
    return ()
