"""Decode the wanted among the records of several EVTX chunks.

The parser knows only whole chunks. So the chunks it gets are copies in which each wanted record is made to seem long enough to cover the
unwanted ones behind it: what follows the end of an event within its record is not looked at. Record ids are replaced by ordinal numbers,
which tell what became of each. A chunk in which something cannot be read is given again, unchanged but for the ids.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from itertools import compress
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np
from evtx import PyEvtxParser

from gatewatch.intake.evtx_chunk import CHUNK_SIZE, FILE_HEAD, FILE_SIGNATURE, LAST_ID
from gatewatch.intake.evtx_peek import Table
from gatewatch.intake.evtx_value import Flags, Ints

_HEAD = struct.Struct("<8sQQQIHHHH")  # signature, first, last chunk, next record, sizes, version, number of chunks
_FAULT = re.compile(r"(?:Failed to parse record number ([0-9]{1,19}): )?(.*)", re.DOTALL)
_TEXT: Callable[[Any], str] = itemgetter("data")
_BOTH: Callable[[Any], tuple[int, str]] = itemgetter("event_record_id", "data")
T = TypeVar("T")


def decode(records: Table, wanted: Flags) -> tuple[list[int], list[str], dict[int, str]]:
    """Return the wanted records that can be read, as places in *records* and JSON texts, and what the parser says of the others."""
    rows = np.flatnonzero(wanted)
    if not len(rows):
        return [], [], {}
    busy = np.zeros(int(records.chunk[-1]) + 1, np.bool_)
    busy[records.chunk[rows]] = True
    first = np.append(True, records.last[:-1])
    fed = np.flatnonzero(wanted | (first & busy[records.chunk]))
    data = _feed(records, fed, merge=True)
    plain, faults = _parse(data, _TEXT)
    if not faults and len(plain) == len(fed):
        return rows.tolist(), plain if len(fed) == len(rows) else list(compress(plain, wanted[fed].tolist())), {}
    texts = _by_row(fed, _parse(data, _BOTH)[0])
    missing = np.array([row for row in rows.tolist() if row not in texts], np.int64)
    said: dict[int, str] = {}
    for chunk in np.unique(records.chunk[missing]).tolist():
        own = np.flatnonzero(records.chunk == chunk)
        found, faults = _parse(_feed(records, own, merge=False), _BOTH)
        texts |= _by_row(own, found)
        said |= dict.fromkeys(own.tolist(), faults[-1][1] if faults else "")
        said |= {int(own[number - 1]): text for number, text in faults if 0 < number <= len(own)}
    read = [row for row in rows.tolist() if row in texts]
    return read, [texts[row] for row in read], {row: said.get(row, "") for row in rows.tolist() if row not in texts}


def _by_row(fed: Ints, found: list[tuple[int, str]]) -> dict[int, str]:
    return {int(fed[number - 1]): text for number, text in found if 0 < number <= len(fed)}


def _feed(records: Table, fed: Ints, *, merge: bool) -> bytearray:
    """Return a file with the chunks that hold the records *fed*, numbered from 1; with *merge*, those between them are covered."""
    start, chunk = records.start[fed], records.chunk[fed]
    last = np.append(chunk[1:] != chunk[:-1], True)
    chunks = chunk[last]
    view = memoryview(records.data)
    head = _HEAD.pack(FILE_SIGNATURE, 0, len(chunks) - 1, len(fed) + 1, 128, 1, 3, FILE_HEAD, len(chunks)).ljust(FILE_HEAD, b"\0")
    data = bytearray().join([head, *(view[number * CHUNK_SIZE : (number + 1) * CHUNK_SIZE] for number in chunks.tolist())])
    words, longs = np.frombuffer(data, "<u4"), np.frombuffer(data, "<u8")
    moved = np.cumsum(np.append(False, last[:-1]))  # the chunk's place in what is fed
    place = start + (moved - chunk) * CHUNK_SIZE + FILE_HEAD
    number = np.arange(1, len(fed) + 1)
    if merge:
        words[place[:-1][~last[:-1]] // 4 + 1] = np.diff(place)[~last[:-1]]
    longs[place // 8 + 1] = number
    longs[(moved[last] * CHUNK_SIZE + FILE_HEAD + LAST_ID) // 8] = number[last]
    return data


def _parse(data: bytearray, choose: Callable[[Any], T]) -> tuple[list[T], list[tuple[int, str]]]:
    """Return what is chosen of each record of the file *data*, and what could not be read: its number (0: unknown) and what the parser says."""
    found: list[T] = []
    faults: list[tuple[int, str]] = []
    try:
        records = map(choose, PyEvtxParser(io.BytesIO(data), 1).records_json())
    except RuntimeError as error:
        return found, [(0, str(error))]
    while True:
        try:
            found.extend(records)  # nothing is kept of a record but what is chosen: dicts by the thousand are work for the collector
            return found, faults
        except RuntimeError as error:
            said = _FAULT.match(str(error))
            faults.append((int(said[1] or 0), said[2]) if said else (0, ""))
