"""EVTX, the binary logs of Windows, as a stream: chunk by chunk, damage and all.

Chunks whose checksums are right are read in groups. What a group holds is known before anything is decoded
(:mod:`gatewatch.intake.evtx_peek`), so only records of interest cost more than a glance; they are read later, from drafts
(:mod:`gatewatch.intake.evtx_draft`). A chunk with a wrong checksum is not read; its
records are counted as rejects. Two kinds of chunks are read in spite of it, record by record as far as their frames are sound: one that
is cut short, and in a file that was copied while in use the last one, whose checksum Windows had not written yet.

References: libevtx, "Windows XML Event Log (EVTX) format"; [MS-EVEN6] (binary XML).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from gatewatch.intake.batch import Batch, RawReject
from gatewatch.intake.evtx_chunk import (
    CHUNK_SIGNATURE,
    CHUNK_SIZE,
    DIRTY,
    FILE_SIGNATURE,
    LAST_ID,
    NO_CHECKSUMS,
    RECORD_LEAST,
    Chunk,
    Cutter,
    goes_on,
    has_sound_head,
    loosen,
    scattered,
)
from gatewatch.intake.evtx_decode import decode
from gatewatch.intake.evtx_draft import Draft, Hosts, Part, Source
from gatewatch.intake.evtx_jump import Clock
from gatewatch.intake.evtx_peek import UNWANTED, Interest, Judge, table

BAD = "in a chunk with a bad checksum"
ROWS = 80_000  # of a batch
GROUP, GROUPED = 192, 25_000  # chunks, records looked at together
HELD = 16 << 20  # bytes of chunks that a draft holds: they are read by another thread
SPAN = 160 << 20  # bytes of a file between two batches
FIRST_NUMBER = 8  # offset in a chunk, of the numbers of its first and last record
_NUMBERS = struct.Struct("<QQ")
QUOTED = 2000  # characters of a record in a report


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* is EVTX, or chunks of it."""
    if head.startswith(FILE_SIGNATURE):
        return 1.0
    return 0.9 if head.startswith(CHUNK_SIGNATURE) else 0.0


def read(chunks: Iterable[bytes], interest: Callable[[str, int], bool], seen: set[bytes]) -> Iterator[Batch]:
    """Yield the batches that :func:`drafts` are for."""
    for draft in drafts(chunks, interest, seen):
        yield draft.batch()


def drafts(chunks: Iterable[bytes], interest: Callable[[str, int], bool], seen: set[bytes]) -> Iterator[Draft]:
    """Yield the records of a file that *interest* asks for (by channel and event id, once for each), the others counted.

    *seen* are the digests of the chunks read so far in this scan, and grows: a copy is counted and not read again. It is of use within one
    process only.
    """
    reader = _Reader(interest, seen)
    cutter = Cutter(chunks)
    for chunk in cutter.chunks():
        reader.add(chunk, 0 if cutter.head is None else cutter.head.flags)
        if reader.full:
            yield reader.draft()
    reader.finish(cutter)
    yield reader.draft(last=True)


def quote(chunks: Iterable[bytes], offsets: Sequence[int]) -> dict[int, str]:
    """Return the records at *offsets* again, as JSON of at most :data:`QUOTED` characters; one that cannot be read is not there."""
    wanted = sorted(set(offsets))
    result: dict[int, str] = {}
    for chunk in Cutter(chunks).chunks():
        if not wanted or chunk.offset > wanted[-1]:
            break
        own = [offset - chunk.offset for offset in wanted if chunk.offset <= offset < chunk.offset + len(chunk.data)]
        data = (chunk.data if chunk.sound and not goes_on(chunk.data) else loosen(chunk.data)) if own else None
        if data is not None:
            records = table(data)
            rows, texts, _ = decode(records, np.isin(records.start, own))
            places = (chunk.offset + records.start[rows]).tolist()
            result |= {place: text[:QUOTED] for place, text in zip(places, texts, strict=True)}
    return result


class _Held(NamedTuple):
    """A chunk that may be the one Windows was writing to, the highest record id in it, and the number of the record before its first."""

    chunk: Chunk
    data: bytes
    newest: int
    base: int


class _Reader:
    """Reads chunks and collects what becomes of their records."""

    def __init__(self, interest: Interest, seen: set[bytes]) -> None:
        self._judge = Judge(interest)
        self._source = Source(self._judge, interest)
        self._seen = seen
        self._clock = Clock()
        self._group: list[tuple[int, bytes, bool]] = []  # a chunk's offset, its bytes as they are to be read, whether it is a copy
        self._grouped = 0  # records of the group, as the heads of its chunks say
        self._held: _Held | None = None
        self._next = Batch(pl.DataFrame())
        self._parts: list[Part] = []
        self._wanted = self._bytes = 0  # records and bytes of the parts
        self._hosts = Hosts()
        self._record = 0  # the last number given to a record
        self._span = 0  # bytes since the last batch
        self._bad_chunks = self._bad_records = 0
        self._newest = -1  # the highest record id in a sound chunk

    @property
    def full(self) -> bool:
        """Whether it is time for a batch."""
        return self._wanted + len(self._next.rejects) >= ROWS or self._bytes >= HELD or self._span >= SPAN

    def add(self, chunk: Chunk, flags: int) -> None:
        """Take the next chunk of a file that has these *flags*."""
        self._span += len(chunk.data)
        if chunk.sound:
            mended = loosen(chunk.data) if flags & DIRTY and goes_on(chunk.data) else None
            self._append(chunk, chunk.data if mended is None else mended)
            return
        self._read_group()  # records are numbered in the order of the file
        trusted = bool(flags & NO_CHECKSUMS) or (not chunk.whole and has_sound_head(chunk.data))
        data = loosen(chunk.data) if trusted or flags & DIRTY else None
        if data is None:
            self._reject(chunk, self._record)
        elif trusted:
            self._append(chunk, data)
        else:
            self._hold(chunk, data)

    def _append(self, chunk: Chunk, data: bytes) -> None:
        digest = chunk.data[8:128] + hash(chunk.data).to_bytes(8, "little", signed=True)
        copied = digest in self._seen
        self._seen.add(digest)
        self._group.append((chunk.offset, data, copied))
        first, last = _NUMBERS.unpack_from(data, FIRST_NUMBER)
        self._grouped += min(max(last - first, 0), CHUNK_SIZE // RECORD_LEAST) + 1
        if len(self._group) >= GROUP or self._grouped >= GROUPED:
            self._read_group()

    def _hold(self, chunk: Chunk, data: bytes) -> None:
        """Keep the chunk with the highest record ids among those with a bad checksum; the others are rejected."""
        held = _Held(chunk, data, struct.unpack_from("<Q", data, LAST_ID)[0], self._record)
        self._record += sum(1 for _ in scattered(chunk.data))
        if self._held is None or self._held.newest < held.newest:
            self._held, spare = held, self._held
        else:
            spare = held
        if spare is not None:
            self._reject(spare.chunk, spare.base)

    def _reject(self, chunk: Chunk, base: int) -> None:
        found = list(scattered(chunk.data))
        self._next.rejects += [
            RawReject(number, chunk.offset + frame.start, BAD, f"EventRecordID {frame.number}") for number, frame in enumerate(found, base + 1)
        ]
        self._record = max(self._record, base + len(found))
        self._bad_chunks += 1
        self._bad_records += len(found)

    def _read_group(self, base: int | None = None) -> None:
        """Read the chunks collected so far; their records are numbered after *base*."""
        group, self._group, self._grouped = self._group, [], 0
        if not group:
            return
        records = table(b"".join(data for _, data, _ in group))
        number = (self._record if base is None else base) + 1 + np.arange(len(records.start))
        self._record = max(self._record, int(number[-1]) if len(number) else 0)
        offset = np.array([offset for offset, _, _ in group])[records.chunk] + records.start % CHUNK_SIZE
        copies = np.array([copied for _, _, copied in group])[records.chunk]
        self._next.copied += int(copies.sum())
        self._newest = max(self._newest, self._clock.add(records, number, copies))
        verdict, key, values = self._judge.judge(records)
        for one, count in zip(*np.unique(key[(verdict == UNWANTED) & ~copies], return_counts=True), strict=True):
            self._next.skipped[self._judge.name(int(one))] += int(count)
        wanted = (verdict != UNWANTED) & ~copies
        if wanted.any():
            self._parts.append(Part(records, values, key, number, offset, wanted))
            self._wanted += int(wanted.sum())
            self._bytes += len(records.data)

    def finish(self, cutter: Cutter) -> None:
        """Read what is left at the end of the file, and say what is wrong with it."""
        self._read_group()
        problems = list(cutter.problems)
        if self._held is not None:
            chunk, data, newest, base = self._held
            if newest > self._newest:
                self._append(chunk, data)
                self._read_group(base)
                problems.append(f"copied while in use: the chunk at byte {chunk.offset:,} is read without its checksum")
            else:
                self._reject(chunk, base)
        if self._bad_chunks:
            what = f"{self._bad_chunks:,} of {cutter.found:,} chunks have a bad checksum; their {self._bad_records:,} records are not read"
            problems.append(what)
        self._next.problems = problems

    def draft(self, *, last: bool = False) -> Draft:
        """Hand over what was collected and start anew; the *last* one says where the clock jumped."""
        made, self._next = self._next, Batch(pl.DataFrame())
        parts, self._parts = self._parts, []
        self._span = self._wanted = self._bytes = 0
        made.jumps = self._clock.jumps() if last else []
        return Draft(self._source, parts, made, self._hosts)
