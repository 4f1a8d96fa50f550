r"""The chunks of an EVTX file, cut out of a stream and judged by their checksums.

A file is a header of 4 KiB (``ElfFile``) and chunks of 64 KiB (``ElfChnk``), each of which can be read without the others. Where bytes
were lost, the next chunk is found by its signature. Layout, in bytes from the beginning of a chunk::

    0   ElfChnk\0            24  first record id     44  offset of the last record    52  CRC32 of the records
    8   first record number  32  last record id      48  end of the records           120 flags, CRC32 of the header
    512 records: 2a 2a 00 00, size, id (8), time (8), binary XML, size again; each begins at a multiple of 8

References: libevtx, "Windows XML Event Log (EVTX) format"; [MS-EVEN6] (binary XML).
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

FILE_SIGNATURE = b"ElfFile\0"
CHUNK_SIGNATURE = b"ElfChnk\0"
RECORD_SIGNATURE = b"**\0\0"
FILE_HEAD = 4096
CHUNK_SIZE = 65536
CHUNK_HEAD = 512
RECORD_HEAD = 24
RECORD_LEAST = 28
LAST_ID, FREE = 32, 48  # offsets in a chunk
DIRTY, NO_CHECKSUMS = 1, 4  # flags of the file
_TABLES = slice(128, CHUNK_HEAD)  # where names and templates begin; readers find them without, too
_ZEROS = bytes(CHUNK_SIZE)
_RECORD = struct.Struct("<4sIQQ")
_SUMS = struct.Struct("<II")  # at 48: end of the records, their checksum


class FileHead(NamedTuple):
    """What the header of a file says: how many chunks, and its flags."""

    chunks: int
    flags: int


class Frame(NamedTuple):
    """Where a record stands in its chunk, with what its frame says of it."""

    start: int
    size: int
    number: int
    time: int  # FILETIME


class Chunk(NamedTuple):
    """A chunk and its offset in the file. ``sound``: both checksums are right; ``whole``: all its bytes are there."""

    offset: int
    data: bytes
    sound: bool
    whole: bool


class Window:
    """A stream of byte chunks as something to look ahead in."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._pieces: deque[bytes] = deque()  # what was read and not passed yet
        self._size = 0  # bytes of the pieces
        self._at = 0  # bytes of the first piece that were passed
        self.offset = 0

    def peek(self, size: int) -> bytes:
        """Return the next *size* bytes, fewer at the end, without moving on."""
        while self._size - self._at < size:
            piece = next(self._chunks, None)
            if piece is None:
                break
            self._pieces.append(piece)
            self._size += len(piece)
        if not self._pieces:
            return b""
        found = self._pieces[0][self._at : self._at + size]
        if len(found) == size or len(self._pieces) == 1:
            return found
        parts, missing = [found], size - len(found)
        for piece in islice(self._pieces, 1, None):  # what lies across pieces is little: they are many times a chunk
            parts.append(piece[:missing])
            missing -= len(parts[-1])
            if not missing:
                break
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Move on by *size* bytes, which must have been looked at."""
        self._at += size
        self.offset += size
        while self._pieces and self._at >= len(self._pieces[0]):
            passed = len(self._pieces.popleft())
            self._at -= passed
            self._size -= passed


class Cutter:
    """The chunks of a stream, with the file's header and what is wrong with the whole; complete when :meth:`chunks` has ended."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._window = Window(stream)
        self.head: FileHead | None = None
        self.problems: list[str] = []
        self.found = 0
        self._garbage = 0
        self._first_garbage = 0

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks in file order."""
        window = self._window
        self._open()
        while data := window.peek(CHUNK_SIZE):
            if not data.startswith(CHUNK_SIGNATURE):
                self._pass_over(data)
                continue
            sound = len(data) == CHUNK_SIZE and is_sound(data)
            size = len(data) if sound else self._next_head(data)
            self.found += 1
            yield Chunk(window.offset, data[:size], sound, size == CHUNK_SIZE)
            if size < CHUNK_SIZE:
                self.problems.append(f"the chunk at byte {window.offset:,} is cut short: {size:,} of {CHUNK_SIZE:,} bytes")
            window.skip(size)
        if self._garbage:
            self.problems.append(f"{self._garbage:,} bytes from byte {self._first_garbage:,} on are no chunks of an event log")
        if self.head is not None and self.found < self.head.chunks and not self.head.flags & DIRTY:
            self.problems.append(f"ends early: {self.found:,} of {self.head.chunks:,} chunks are there")

    def _open(self) -> None:
        window = self._window
        data = window.peek(FILE_HEAD + len(CHUNK_SIGNATURE))
        if data.startswith(FILE_SIGNATURE):
            if len(data) < FILE_HEAD:
                self.problems.append("ends early: within the header of the file")
            else:
                self.head = FileHead(*struct.unpack_from("<42xH76xI", data))
                if zlib.crc32(data[:120]) != struct.unpack_from("<I", data, 124)[0]:
                    self.problems.append("the header of the file has a bad checksum; its chunks are read all the same")
                    self.head = FileHead(0, self.head.flags)
            window.skip(min(len(data), FILE_HEAD))
        elif data.startswith(CHUNK_SIGNATURE, FILE_HEAD):
            self.problems.append("the header of the file is damaged; its chunks are read all the same")
            window.skip(FILE_HEAD)

    def _pass_over(self, data: bytes) -> None:
        """Move on to the next signature within reach, else by a chunk's size; what is not all zeros is garbage."""
        window = self._window
        if data == _ZEROS[: len(data)]:
            window.skip(len(data))
            return
        found = window.peek(CHUNK_SIZE + len(CHUNK_SIGNATURE) - 1).find(CHUNK_SIGNATURE, 1)
        size = found if found > 0 else len(data)
        if not self._garbage:
            self._first_garbage = window.offset
        self._garbage += size
        window.skip(size)

    def _next_head(self, data: bytes) -> int:
        """Return where, in the damaged chunk *data*, another one begins (bytes were lost); its own length where none does."""
        at = data.find(CHUNK_SIGNATURE, len(CHUNK_SIGNATURE))
        while at > 0:
            if has_sound_head(self._window.peek(at + CHUNK_HEAD)[at:]):
                return at
            at = data.find(CHUNK_SIGNATURE, at + 1)
        return len(data)


def has_sound_head(data: bytes) -> bool:
    """Return whether the header of the chunk *data* has the right checksum."""
    if len(data) < CHUNK_HEAD:
        return False
    return bool(zlib.crc32(data[128:CHUNK_HEAD], zlib.crc32(data[:120])) == struct.unpack_from("<I", data, 124)[0])


def is_sound(data: bytes) -> bool:
    """Return whether header and records of the chunk *data* have the right checksums."""
    end, checksum = _SUMS.unpack_from(data, FREE)
    return CHUNK_HEAD <= end <= CHUNK_SIZE and has_sound_head(data) and zlib.crc32(memoryview(data)[CHUNK_HEAD:end]) == checksum


def frames(data: bytes, start: int = CHUNK_HEAD) -> Iterator[Frame]:
    """Yield the frames of records from *start* on, one after the other, up to the first that is not sound."""
    while start + RECORD_LEAST <= len(data):
        frame = frame_at(data, start)
        if frame is None:
            return
        yield frame
        start += frame.size


def frame_at(data: bytes, start: int) -> Frame | None:
    """Return the frame of the record at *start*, None where it is not sound."""
    signature, size, number, time = _RECORD.unpack_from(data, start)
    end = start + size
    if signature != RECORD_SIGNATURE or size < RECORD_LEAST or size % 8 or end > len(data):
        return None
    return Frame(start, size, number, time) if int.from_bytes(data[end - 4 : end], "little") == size else None


def scattered(data: bytes) -> Iterator[Frame]:
    """Yield every sound frame of a record in the damaged chunk *data*, whatever lies between."""
    if has_sound_head(data):  # behind the end there may be old records
        data = data[: max(struct.unpack_from("<I", data, FREE)[0], CHUNK_HEAD)]
    at = CHUNK_HEAD
    while (at := data.find(RECORD_SIGNATURE, at)) >= 0 and at + RECORD_LEAST <= len(data):
        frame = frame_at(data, at) if at % 8 == 0 else None
        if frame is not None:
            yield frame
        at += 1 if frame is None else frame.size


def loosen(data: bytes) -> bytes | None:
    """Return the chunk *data* with a header that fits the sound records from its beginning on, as far as their ids grow; None without any."""
    last = None
    for frame in frames(data):
        if last is not None and frame.number <= last.number:
            break
        last = frame
    if last is None:
        return None
    end = last.start + last.size
    made = bytearray(data[:end].ljust(CHUNK_SIZE, b"\0"))
    made[_TABLES] = bytes(CHUNK_HEAD - 128)
    struct.pack_into("<Q", made, LAST_ID, last.number)
    struct.pack_into("<I", made, FREE, end)
    return bytes(made)


def goes_on(data: bytes) -> bool:
    """Return whether a record follows the last one that the header of the chunk *data* knows, as in a log that was copied while in use."""
    (end,) = struct.unpack_from("<I", data, FREE)
    if end + RECORD_LEAST > CHUNK_SIZE:
        return False
    frame = frame_at(data, end)
    return frame is not None and frame.number == struct.unpack_from("<Q", data, LAST_ID)[0] + 1
