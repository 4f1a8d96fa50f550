"""Microsoft 365's unified audit log exported as CSV: rows whose column ``AuditData`` holds the record as JSON.

::

    RecordId,CreationDate,RecordType,Operation,UserId,AuditData,AssociatedAdminUnits
    i-1,2026-03-02T08:15:00.0000000Z,15,UserLoggedIn,ann@corp.example,"{""CreationTime"":""2026-03-02T08:15:00"",…}",

The search page of Purview and ``Search-UnifiedAuditLog | Export-Csv`` differ in the other columns, which repeat what the record says; the date is
taken where the record has none. Each record goes to the source ``m365`` as if it had come as JSON. A row ends at the first line end outside quotes.
Reference: https://learn.microsoft.com/purview/audit-log-export-records.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import polars as pl

from gatewatch.intake.batch import Batch, RawReject, raw_text
from gatewatch.intake.csv_row import BROKEN, Raw, cells_of, headers, rows, sound
from gatewatch.schema.records import RECORD_DTYPES

PROGRAM = "m365"
NO_DATA = "row without AuditData"
NO_JSON = "AuditData is no JSON object"
_COLUMN = "auditdata"
_DATE = "creationdate"
_TIME = '"CreationTime"'
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,16}Z?")
_BATCH_BYTES = 8 << 20


class _Any(msgspec.Struct):
    """Any object: decoding it only tells whether it is sound."""


_any = msgspec.json.Decoder(_Any)


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* is such an export."""
    return 0.0 if _header(rows([head])) is None else 0.95


def read(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the records of a file in batches."""
    found = rows(chunks)
    header = _header(found)
    if header is None:
        return
    delimiter, place, width, dated = header
    held: list[tuple[int, int, str]] = []
    rejects: list[RawReject] = []
    size = 0
    for number, (offset, raw, reason) in enumerate(sound(found, lambda row: _data(row, delimiter, place, width) is not None), 1):
        data = None if reason is not None else _data(raw, delimiter, place, width)
        if data and dated >= 0 and _TIME not in data:
            data = _timed(data, _data(raw, delimiter, dated, width) or "")
        if data is None or not data or not _is_object(data):
            why = reason or (BROKEN if data is None else NO_DATA if not data else NO_JSON)
            rejects.append(RawReject(number, offset, why, raw_text(raw)))
        else:
            held.append((number, offset, data))
        size += len(raw)
        if size >= _BATCH_BYTES:
            yield _batch(held, rejects)
            held, rejects, size = [], [], 0
    if held or rejects:
        yield _batch(held, rejects)


def _header(found: Iterator[Raw]) -> tuple[str, int, int, int] | None:
    """Take the header off *found*; return the delimiter, the place of the column, the number of columns and the place of dates (-1: none)."""
    for delimiter, names in headers(found):
        cells = [name.lower() for name in names]
        if len(cells) > 1 and _COLUMN in cells:
            return delimiter, cells.index(_COLUMN), len(cells), cells.index(_DATE) if _DATE in cells else -1
    return None


def _data(raw: bytes, delimiter: str, place: int, width: int) -> str | None:
    """Return the JSON of a row, None where the row does not fit the header."""
    cells = cells_of(raw, delimiter)
    return cells[place].strip() if cells is not None and len(cells) == width else None


def _timed(data: str, date: str) -> str:
    """Return a record that says no time with that of its row, where it is no date of some language."""
    if _ISO.fullmatch(date) is None or not data.startswith("{"):
        return data
    rest = data[1:].lstrip()
    return f'{{{_TIME}:"{date}"{"" if rest.startswith("}") else ","}{rest}'


def _is_object(text: str) -> bool:
    try:
        _any.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True


def _batch(held: list[tuple[int, int, str]], rejects: list[RawReject]) -> Batch:
    known: dict[str, list[Any]] = {
        "record": [number for number, _, _ in held],
        "offset": [offset for _, offset, _ in held],
        "program": [PROGRAM] * len(held),
        "count": [1] * len(held),
        "fields": [data for _, _, data in held],
    }
    table = {name: pl.Series(name, known.get(name, [None] * len(held)), dtype=dtype) for name, dtype in RECORD_DTYPES.items()}
    return Batch(pl.DataFrame(table), rejects)
