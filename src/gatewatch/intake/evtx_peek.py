"""Several EVTX chunks at once: where their records stand, and the channel and event id of each, without decoding one.

Everything is done for all records together, in arrays; a record whose bytes do not look as Windows writes them is left open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gatewatch.intake.evtx_chunk import CHUNK_HEAD, CHUNK_SIZE, FREE, RECORD_LEAST
from gatewatch.intake.evtx_template import CHANNEL, EVENT_ID
from gatewatch.intake.evtx_value import UINT16, Flags, Ints, ValueReader, Values

Interest = Callable[[str, int], bool]

UNKNOWN, WANTED, UNWANTED = 0, 1, 2  # what is known of a record before it is decoded
_SIGNATURE = 0x2A2A  # of a record
_IDS = 1 << 16


@dataclass(slots=True)
class Table:
    """The records of some chunks that stand one after the other in ``data``, one entry for each in every array.

    ``start``: place in ``data``; ``chunk``: number of the chunk; ``last``: whether it is the last of its chunk.
    """

    data: bytes
    start: Ints
    size: Ints
    chunk: Ints
    last: Flags


def table(data: bytes) -> Table:
    """Find the records of the chunks *data*; their checksums are right."""
    words = np.frombuffer(data, "<u4")
    start = np.flatnonzero(words == _SIGNATURE) * 4
    start = start[start % 8 == 0]
    # the padding of a record may hold the signature of one that stood there before
    start = start[np.append(True, start[1:] + 8 != start[:-1] + words[start[:-1] // 4 + 1])] if len(start) else start
    end = words[FREE // 4 :: CHUNK_SIZE // 4].astype(np.int64)
    chunk = start // CHUNK_SIZE
    place = start % CHUNK_SIZE
    inside = (place >= CHUNK_HEAD) & (place < end[chunk])
    start, chunk = start[inside], chunk[inside]
    size = words[start // 4 + 1].astype(np.int64)
    last = _lasts(chunk)
    due = np.where(last, chunk * CHUNK_SIZE + end[chunk], np.append(start[1:], 0))
    first = np.flatnonzero(np.append(True, last[:-1])) if len(start) else start
    broken = set(chunk[start + size != due].tolist()) | set(chunk[first][start[first] % CHUNK_SIZE != CHUNK_HEAD].tolist())
    if broken:
        keep = _chained(start, size, chunk, end, broken)
        start, size, chunk = start[keep], size[keep], chunk[keep]
        last = _lasts(chunk)
    return Table(data, start, size, chunk, last)


def _lasts(chunk: Ints) -> Flags:
    return np.append(chunk[1:] != chunk[:-1], True) if len(chunk) else np.zeros(0, np.bool_)


def _chained(start: Ints, size: Ints, chunk: Ints, end: Ints, broken: set[int]) -> Flags:
    """Return which signatures are records, where some stand within records or records do not follow each other in *broken* chunks."""
    keep = np.ones(len(start), np.bool_)
    free = {number: number * CHUNK_SIZE + CHUNK_HEAD for number in broken}
    rows = np.flatnonzero(np.isin(chunk, sorted(broken)))
    for row, number, begin, length in zip(rows.tolist(), chunk[rows].tolist(), start[rows].tolist(), size[rows].tolist(), strict=True):
        if begin < free[number] or length < RECORD_LEAST or begin + length > number * CHUNK_SIZE + int(end[number]):
            keep[row] = False
        else:
            free[number] = begin + length
    # a reader begins at the first place and cannot be led elsewhere
    first = {number: number * CHUNK_SIZE + CHUNK_HEAD for number in broken}
    headless = [number for number in broken if not (keep & (start == first[number])).any()]
    keep[np.isin(chunk, headless)] = False
    return keep


class Judge:
    """Tells which records are wanted."""

    def __init__(self, interest: Interest) -> None:
        self._interest = interest
        self.reader = ValueReader()
        self._verdicts = np.zeros(0, np.uint8)

    def judge(self, records: Table) -> tuple[npt.NDArray[np.uint8], Ints, Values]:
        """Return the verdict on each record, ``channel * 65536 + event id`` (-1 where unknown), and the values of all."""
        values = self.reader.read(records.data, records.start, records.size)
        channel, odd = values.names(CHANNEL, self.reader.channels)
        event_id, there, _ = values.numbers(EVENT_ID, UINT16, "<u2")
        key = np.where(there & ~odd & (channel >= 0), channel * _IDS + event_id, -1)
        missing = len(self.reader.channels.texts) * _IDS - len(self._verdicts)
        if missing:
            self._verdicts = np.append(self._verdicts, np.zeros(missing, np.uint8))
        for number in np.unique(key[(key >= 0) & (self._verdicts[key] == UNKNOWN)]).tolist() if len(self._verdicts) else ():
            self._verdicts[number] = WANTED if self._interest(*self.name(number)) else UNWANTED
        verdict = np.where(key < 0, np.uint8(UNKNOWN), self._verdicts[key] if len(self._verdicts) else np.uint8(UNKNOWN))
        return verdict, key, values

    def name(self, key: int) -> tuple[str, int]:
        """Return the channel and event id of a key."""
        return self.reader.channels.texts[key // _IDS], key % _IDS
