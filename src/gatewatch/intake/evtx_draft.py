"""Drafts: records of an EVTX file that were chosen and not read yet. Reading them is work for other threads, while the file is read on.

Of most records the data are read from their values: into columns of their own where somebody says which data are asked for
(:class:`Naming`), else into JSON. What is left is decoded by the parser.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Condition
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import polars as pl

from gatewatch.intake import evtx_event
from gatewatch.intake.batch import Batch, RawReject
from gatewatch.intake.evtx_column import Columns, data_of
from gatewatch.intake.evtx_data import DataReader, Names, Told
from gatewatch.intake.evtx_decode import decode
from gatewatch.intake.evtx_peek import Interest, Judge, Table
from gatewatch.intake.evtx_value import Flags, Ints, Values

UNREADABLE = "its binary XML cannot be read"
RENAMED = 2  # computers that one log may name, a host before and after it was renamed
DECODED = 3000  # records decoded together, about


@runtime_checkable
class Naming(Protocol):
    """An :data:`Interest` that knows more."""

    def data(self, channel: str, event_id: int) -> tuple[str, ...] | None:
        """Return the names of the data of such an event that are asked for; None where it may be any."""


class Part(NamedTuple):
    """Records of some chunks: their values, the number of channel and event id of each, its number and offset, and which of them are wanted."""

    records: Table
    values: Values
    key: Ints
    number: Ints
    offset: Ints
    wanted: Flags


class Hosts:
    """The computers that a file's records name, known when its drafts are read."""

    def __init__(self) -> None:
        self._found: set[str | None] = set()
        self._open = 0
        self._changed = Condition()

    def begin(self) -> None:
        """Say that one more draft will be read."""
        with self._changed:
            self._open += 1

    def end(self, found: set[str | None]) -> None:
        """Take the computers of a draft that was read."""
        with self._changed:
            self._found |= found
            self._open -= 1
            self._changed.notify_all()

    def several(self) -> bool:
        """Return whether they are too many for a log of one host, once all other drafts are read (they were begun before)."""
        with self._changed:
            self._changed.wait_for(lambda: self._open == 0)
            return len(self._found) > RENAMED


class Draft:
    """What was chosen for a batch. To be read once; of the drafts of a file each may be read as soon as those before it are begun."""

    def __init__(self, source: Source, parts: list[Part], rest: Batch, hosts: Hosts) -> None:
        """Take *parts*, and what is known of other records in *rest*; its jumps count where the file's *hosts* are not several."""
        self._source = source
        self._parts = parts
        self._rest = rest
        self._hosts = hosts
        hosts.begin()

    def batch(self) -> Batch:
        """Return the batch; waits for the drafts before it where it has to know of them."""
        found: set[str | None] = set()
        try:
            made = self._batch(found)
        finally:
            self._hosts.end(found)
        if made.jumps and self._hosts.several():
            # a log that collects those of many computers is in the order of their arrival
            made.jumps = []
        return made

    def _batch(self, found: set[str | None]) -> Batch:
        reading = _Reading(self._source, self._rest)
        parts, self._parts = self._parts, []
        parts.reverse()
        while parts:
            reading.read(parts.pop())
        found |= reading.hosts()
        return reading.batch()


class Source:
    """What the drafts of a file have in common: what is asked of its records, and the templates that were met."""

    def __init__(self, judge: Judge, interest: Interest) -> None:
        self.judge = judge
        self.interest = interest
        self._naming = interest if isinstance(interest, Naming) else None
        self._asked: dict[int, Names | None] = {}
        self.data = DataReader(judge.reader, self._names)

    def _names(self, key: int) -> Names | None:
        """Return which data of an event are asked for."""
        if key not in self._asked:
            self._asked[key] = None if self._naming is None or key < 0 else self._naming.data(*self.judge.name(key))
        return self._asked[key]

    def columns(self) -> Columns:
        """Return columns to collect records in."""
        return Columns(self.judge.reader.names, self.judge.reader.channels)


class _Reading:
    """What becomes of the records of a draft."""

    def __init__(self, source: Source, rest: Batch) -> None:
        self._source = source
        self._rest = rest
        self._rows = evtx_event.Rows()
        self._columns = source.columns()
        self._apart: dict[int, Columns] = {}

    def read(self, part: Part) -> None:
        """Read the wanted records of a part."""
        records, values, key, number, offset, wanted = part
        left = wanted.copy()
        for told in self._source.data.read(values, np.flatnonzero(wanted), key):
            rows = told.rows
            columns = self._columns if told.names is None else self._apart.setdefault(told.key, self._source.columns())
            odd = columns.add(values.take(rows), _frames(told), key[rows], number[rows], offset[rows])
            left[rows[~odd]] = False
        if not left.any():
            return
        # what is decoded leaves the processor's cache soon, so it is taken a few at a time
        turn = np.cumsum(np.bincount(records.chunk[left], minlength=int(records.chunk[-1]) + 1))[records.chunk] // DECODED
        for one in range(int(turn.max(initial=-1)) + 1):
            read, texts, faults = decode(records, left & (turn == one))
            self._rest.rejects += [RawReject(int(number[row]), int(offset[row]), UNREADABLE, said) for row, said in faults.items()]
            self._take(texts, values, np.array(read, np.int64), key, number, offset)

    def _take(self, texts: list[str], values: Values, rows: Ints, key: Ints, number: Ints, offset: Ints) -> None:
        """Take the decoded records *rows*; those with something unusual about them are looked at one by one."""
        if not texts:
            return
        fields = pl.Series("fields", data_of(texts), dtype=pl.String).to_frame()
        left = fields["fields"].is_null().to_numpy()
        odd = np.flatnonzero(self._columns.add(values.take(rows), lambda: fields, key[rows], number[rows], offset[rows], left))
        if not len(odd):
            return
        events = evtx_event.decode([texts[row] for row in odd.tolist()])
        kept: list[tuple[evtx_event.Event, int, int, int]] = []
        for event, row in zip(events, rows[odd].tolist(), strict=True):
            event_id = None if event is None else evtx_event.event_id(event)
            if event is None or event_id is None:
                self._rest.rejects.append(RawReject(int(number[row]), int(offset[row]), evtx_event.NO_EVENT, ""))
            elif key[row] >= 0 or self._source.interest(event.Event.System.Channel or "", event_id):
                kept.append((event, event_id, int(number[row]), int(offset[row])))
            else:
                self._rest.skipped[event.Event.System.Channel or "", event_id] += 1
        if kept:
            self._rows.add(*zip(*kept, strict=True))

    def hosts(self) -> set[str | None]:
        """Return the computers that wrote the records."""
        return self._rows.hosts().union(*(columns.hosts() for columns in (self._columns, *self._apart.values())))

    def batch(self) -> Batch:
        """Return the batch."""
        frame = self._columns.frame()
        if len(self._rows):
            frame = pl.concat([frame, self._rows.frame()], how="diagonal")
        apart = [_with_data(columns.frame()) for _, columns in sorted(self._apart.items()) if len(columns)]
        rest = self._rest
        return Batch(
            evtx_event.complete(frame.sort("record")),
            rest.rejects,
            skipped=rest.skipped,
            copied=rest.copied,
            jumps=rest.jumps,
            problems=rest.problems,
            apart=apart,
        )


def _frames(told: Told) -> Callable[[], pl.DataFrame]:
    if told.names is None:
        return lambda: told.data.texts().to_frame()
    return partial(told.data.frame, told.names, len(told.rows))


def _with_data(frame: pl.DataFrame) -> pl.DataFrame:
    """Return *frame* in the order of the file, complete, with its data behind."""
    frame = frame.sort("record")
    whole = evtx_event.complete(frame)
    return whole.hstack(frame.select(name for name in frame.columns if name not in whole.columns))
