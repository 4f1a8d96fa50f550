"""Windows events exported as CSV: EvtxECmd, Event Viewer ("Save as CSV"), ``Get-WinEvent | Export-Csv``, Sentinel's SecurityEvent table.

::

    Keywords,Date and Time,Source,Event ID,Task Category
    Audit Failure,1/25/2026 12:00:00 PM,Microsoft-Windows-Security-Auditing,4625,Logon,"An account failed to log on.

    Subject:
    …

A row ends at the first line end outside quotes; a stray quote costs its line, not what follows. What the columns mean is in
:mod:`gatewatch.intake.windows_csv_layout`. Local dates are read once a row settled their order, and rows before it wait until then.
References: EvtxECmd (ericzimmerman.github.io); Export-Csv, Get-WinEvent, SecurityEvent (learn.microsoft.com).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from gatewatch.intake.batch import Batch
from gatewatch.intake.csv_row import BROKEN, Raw, cells_of, rows, sound
from gatewatch.intake.windows_csv_layout import Layout, Row, layout_of
from gatewatch.intake.windows_date import UNTOLD, Order, Unsettled, order_by_run, settle
from gatewatch.intake.windows_row import Builder, Interest

WAITING = 200_000  # rows that wait for one that settles the order of day and month
_NO_TIME = "time cannot be read"
_HEAD_LINES = 8
_PROBED = 5  # rows that decide where the header alone does not


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* is a CSV export of Windows events."""
    found = rows([head])
    layout = _header(found)
    if layout is None or layout.certain:
        return 0.0 if layout is None else 1.0
    probed = [cells_of(raw, layout.delimiter) for _, raw, _ in islice(found, _PROBED)]
    good = sum(cells is not None and layout.convinces(cells) for cells in probed)
    return 0.9 if good and good >= len(probed) - 1 else 0.0


def read(chunks: Iterable[bytes], interest: Interest | None = None) -> Iterator[Batch]:
    """Yield the events of a file in batches; *interest* tells by channel and id which are worth reading (None: all)."""
    found = rows(chunks)
    layout = _header(found)
    if layout is None:
        return
    taker = _Taker(layout, interest)
    for offset, raw, reason in sound(found, lambda raw: _fits(layout, raw)):
        yield from taker.take(offset, raw, reason)
    yield from taker.release()
    if not taker.builder.empty:
        yield taker.builder.batch()


class _Taker:
    """Turns rows into events; those whose order of day and month is not known wait, as bytes, and all that follow wait with them."""

    def __init__(self, layout: Layout, interest: Interest | None) -> None:
        self.builder = Builder()
        self._layout = layout
        self._interest = interest
        self._order: Order | None = None
        self._given_up = False  # rows prove both orders, or too many wait
        self._waiting: list[tuple[int, int, bytes]] = []
        self._dates: list[Unsettled] = []  # of the rows that wait

    def take(self, offset: int, raw: bytes, reason: str | None) -> Iterator[Batch]:
        """Take the row at *offset*; yield the batches that are full."""
        builder = self.builder
        row = self._read(raw) if reason is None else reason
        if isinstance(row, str):
            builder.reject(offset, row, raw)
        elif self._learn(row):
            yield from self.release()
        if builder.full:
            yield builder.batch()
        if isinstance(row, str):
            return
        if self._interest is not None and not self._interest(row.channel, row.event_id):
            builder.skip(row.channel, row.event_id)
        elif self._order is None and not self._given_up and (self._waiting or (row.unsettled is not None and settle(row.unsettled, None) is None)):
            self._waiting.append((builder.next(), offset, zlib.compress(raw, 1)))
            if row.unsettled is not None:
                self._dates.append(row.unsettled)
            if len(self._waiting) > WAITING:
                self._given_up = True
                yield from self.release()
        else:
            self._place(builder.next(), offset, row, raw)

    def _read(self, raw: bytes) -> Row | str:
        cells = cells_of(raw, self._layout.delimiter)
        return self._layout.read(cells) if cells is not None else BROKEN

    def _learn(self, row: Row) -> bool:
        """Take note of the order *row* proves; return whether it is known only now."""
        order = row.order
        if order is None or self._order is order or self._given_up:
            return False
        if self._order is not None:
            self._order, self._given_up = None, True
            return False
        self._order = order
        return True

    def _place(self, number: int, offset: int, row: Row, raw: bytes) -> None:
        event = row.event()
        if isinstance(event, str):
            self.builder.reject(offset, event, raw, number)
            return
        stamp = event.stamp
        if row.unsettled is not None:
            stamp = settle(row.unsettled, self._order or row.order, utc=self._layout.utc)
        if stamp is not None:
            self.builder.add(offset, msgspec.structs.replace(event, stamp=stamp), number)
        else:
            self.builder.reject(offset, UNTOLD if row.unsettled is not None and self._order is None else _NO_TIME, raw, number)

    def release(self) -> Iterator[Batch]:
        """Place the rows that wait: the order is known now, or their run tells it, or it will not be; yield the batches that are full."""
        waiting, self._waiting = self._waiting, []
        if waiting and self._order is None:
            self._order = order_by_run(self._dates)
            self._given_up = self._given_up and self._order is None
        self._dates.clear()
        for number, offset, packed in waiting:
            raw = zlib.decompress(packed)
            row = self._read(raw)
            if isinstance(row, Row):
                self._place(number, offset, row, raw)
            if self.builder.full:
                yield self.builder.batch()


def _header(found: Iterator[Raw]) -> Layout | None:
    """Take the header off *found* and return what the columns mean; None where it is none we know."""
    for _, raw, reason in islice(found, _HEAD_LINES):
        if reason is not None:
            return None
        text = raw.decode("utf-8", "replace").lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")
        if not text.strip() or text.startswith(("#TYPE ", "sep=")):
            continue
        for delimiter in (",", ";", "\t"):
            cells = cells_of(text.encode(), delimiter)
            layout = layout_of(cells, delimiter) if cells is not None else None
            if layout is not None:
                return layout
        return None
    return None


def _fits(layout: Layout, raw: bytes) -> bool:
    cells = cells_of(raw, layout.delimiter)
    return cells is not None and layout.fits(cells)
