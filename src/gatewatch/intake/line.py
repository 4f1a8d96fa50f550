"""Lines out of byte chunks, with their offsets, without copying the text.

Chunks are cut at the last line end; the rest is carried over. A line longer than :data:`LINE_CAP` becomes a reject, and its bytes are never
held together. Bytes that are no UTF-8 are replaced line by line, so one bad byte costs a character.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import nanoarrow as na
import numpy as np
import polars as pl

LINE_CAP = 1 << 20
TOO_LONG = "line longer than 1 MiB"
_SERIAL = re.compile(rb"(?:node=[^ \n]+ )?type=[A-Z0-9_\[\]]+ msg=(audit\([0-9.]+:[0-9]+\))")
_EVENT_BYTES = 256 * 1024  # how far back the lines of one audit event are looked for
_BOMS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines that stand together in a file.

    ``data`` up to ``size``: the bytes, each line with its end (the last one may lack it); ``start``: offset of the first byte in the unpacked
    file; ``long``: offset of a line over the cap that ``data`` lacks (the block then holds nothing else).
    """

    data: bytes
    size: int
    start: int
    long: int | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a block. ``line``: the text with its end, repaired to UTF-8; line *i* is ``raw[bounds[i]:bounds[i + 1]]``.

    ``offset``: where each line begins in the unpacked file; ``number``: 1-based, within the block; ``long``: ``(number, offset)`` of lines over the
    cap, which the others lack; ``count``: all lines, with the long ones; ``ascii``: characters are bytes.
    """

    line: pl.Series
    raw: np.ndarray
    bounds: np.ndarray
    offset: np.ndarray
    number: np.ndarray
    long: list[tuple[int, int]]
    count: int
    ascii: bool

    def frame(self) -> pl.DataFrame:
        """Return ``record, offset, start, line``."""
        return pl.DataFrame(
            [
                pl.Series("record", self.number, dtype=pl.Int64),
                pl.Series("offset", self.offset, dtype=pl.Int64),
                pl.Series("start", self.bounds[:-1], dtype=pl.Int64),
                self.line.alias("line"),
            ]
        )


def transcode(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *chunks* as UTF-8 when they begin with a UTF-16 byte order mark, without a UTF-8 mark, else unchanged."""
    decoder: codecs.IncrementalDecoder | None = None
    first = True
    half = b""  # the first byte, which may be half a mark
    for chunk in chunks:
        data = half + bytes(chunk) if half else bytes(chunk)
        if first and data:
            if len(data) < 2:
                half = data
                continue
            half, first = b"", False
            for mark, name in _BOMS:
                if data.startswith(mark):
                    decoder = codecs.getincrementaldecoder(name)("replace")
                    data = data[2:]
        yield decoder.decode(data).encode("utf-8", "replace") if decoder else data
    if half:
        yield half
    if decoder is not None:
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def cut(chunks: Iterable[bytes]) -> Iterator[Block]:
    """Yield blocks of whole lines from *chunks*; offsets run on over the file."""
    carry = b""
    start = 0  # offset of carry
    skipping: int | None = None  # where the over-long line being dropped began
    for chunk in transcode(chunks):
        data = carry + chunk if carry else chunk
        if skipping is not None:
            end = data.find(b"\n")
            if end < 0:
                start += len(data)
                carry = b""
                continue
            yield Block(b"", 0, start, skipping)
            start += end + 1
            data = data[end + 1 :]
            skipping = None
        last = _whole(data, data.rfind(b"\n") + 1)
        if last:
            yield Block(data, last, start)
            start += last
        carry = data[last:]
        whole = carry.rfind(b"\n") + 1
        if len(carry) - whole > LINE_CAP:
            if whole:
                yield Block(carry, whole, start)
            skipping = start + whole
            start += len(carry)
            carry = b""
    if skipping is not None:
        yield Block(b"", 0, start, skipping)
    elif carry:
        yield Block(carry, len(carry), start)


def _whole(data: bytes, last: int) -> int:
    """Return where to cut *data*, whose whole lines end at *last*, so that an audit event (several lines of one serial) stays together."""
    begin = data.rfind(b"\n", 0, last - 1) + 1 if last else 0
    found = _SERIAL.match(data, begin, last)
    if found is None:
        return last
    first = data.find(found[1], max(0, last - _EVENT_BYTES))
    start = data.rfind(b"\n", 0, first) + 1
    if start == 0 and last > _EVENT_BYTES:
        return last
    return start


def read_lines(block: Block) -> Lines:
    """Return the lines of *block*."""
    if block.long is not None:
        nothing = np.empty(0, dtype=np.int64)
        return Lines(pl.Series([], dtype=pl.String), np.empty(0, np.uint8), np.zeros(1, np.int64), nothing, nothing, [(1, block.long)], 1, True)
    data = block.data
    raw = np.frombuffer(data, dtype=np.uint8, count=block.size)
    ends = np.flatnonzero(raw == 10)
    bounds = np.empty(len(ends) + 1, dtype=np.int64)
    bounds[0] = 0
    np.add(ends, 1, out=bounds[1:])
    if bounds[-1] != block.size:
        bounds = np.append(bounds, block.size)
    offset = bounds[:-1] + block.start
    number = np.arange(1, len(bounds), dtype=np.int64)
    plain = data.isascii()
    if not plain:
        data, bounds = _repair(data[: block.size], bounds)
        raw = np.frombuffer(data, dtype=np.uint8)
    array = na.c_array_from_buffers(na.large_string(), len(bounds) - 1, [None, bounds, data], null_count=0)
    line = pl.Series(array, dtype=pl.String)
    long: list[tuple[int, int]] = []
    count = len(bounds) - 1
    lengths = np.diff(bounds)
    if count and int(lengths.max()) > LINE_CAP:
        over = lengths > LINE_CAP
        long = list(zip(number[over].tolist(), offset[over].tolist(), strict=True))
        # the rest stands apart now, so the lines are cut out again
        kept = [data[a:b] for a, b, bad in zip(bounds[:-1].tolist(), bounds[1:].tolist(), over.tolist(), strict=True) if not bad]
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(text) for text in kept], dtype=np.int64)])
        data = b"".join(kept)
        array = na.c_array_from_buffers(na.large_string(), len(bounds) - 1, [None, bounds, data], null_count=0)
        line, raw = pl.Series(array, dtype=pl.String), np.frombuffer(data, dtype=np.uint8)
        offset, number = offset[~over], number[~over]
    return Lines(line, raw, bounds, offset, number, long, count, plain)


def is_utf8(data: bytes) -> bool:
    """Return whether *data* is sound UTF-8; nothing is decoded, and other threads go on meanwhile.

    >>> is_utf8("é".encode()), is_utf8(b"\xe9")
    (True, False)
    """
    whole = na.c_array_from_buffers(na.large_binary(), 1, [None, np.array([0, len(data)], np.int64), data], null_count=0)
    try:
        return pl.Series(whole).cast(pl.String, strict=False).null_count() == 0
    except pl.exceptions.ComputeError:
        return False


def _repair(data: bytes, bounds: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Replace what is no UTF-8, line by line; offsets of the original are the caller's and stay valid."""
    if is_utf8(data):
        return data, bounds
    lines = [data[a:b].decode("utf-8", "replace").encode("utf-8") for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
    repaired = np.empty(len(lines) + 1, dtype=np.int64)
    repaired[0] = 0
    np.cumsum([len(line) for line in lines], out=repaired[1:])
    return b"".join(lines), repaired
