"""Lines out of byte chunks, with their offsets, without copying the text.

Chunks are cut at the last line end; the rest is carried over. A line longer than :data:`LINE_CAP` becomes a reject, and its bytes are never
held together. Bytes that are no UTF-8 are replaced line by line, so one bad byte costs a character.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import nanoarrow as na
import numpy as np
import polars as pl

LINE_CAP = 1 << 20
TOO_LONG = "line longer than 1 MiB"
_BOMS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines that stand together in a file.

    ``data``: the bytes, each line with its end (the last one may lack it); ``start``: offset of the first byte in the unpacked file;
    ``record``: 1-based number of the first line; ``long``: ``(record, offset)`` of lines over the cap, which ``data`` lacks.
    """

    data: bytes
    start: int
    record: int
    lines: int
    long: tuple[tuple[int, int], ...] = ()


def transcode(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *chunks* as UTF-8 when they begin with a UTF-16 byte order mark, without a UTF-8 mark, else unchanged."""
    decoder: codecs.IncrementalDecoder | None = None
    first = True
    for chunk in chunks:
        data = bytes(chunk)
        if first and data:
            first = False
            for mark, name in _BOMS:
                if data.startswith(mark):
                    decoder = codecs.getincrementaldecoder(name)("replace")
                    data = data[2:]
        yield decoder.decode(data).encode("utf-8", "replace") if decoder else data
    if decoder is not None:
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def cut(chunks: Iterable[bytes]) -> Iterator[Block]:
    """Yield blocks of whole lines from *chunks*; offsets and record numbers run on over the file."""
    carry = b""
    start = 0  # offset of carry
    record = 1
    skipping: tuple[int, int] | None = None  # the over-long line being dropped
    for chunk in transcode(chunks):
        data = carry + chunk if carry else chunk
        if skipping is not None:
            end = data.find(b"\n")
            if end < 0:
                start += len(data)
                carry = b""
                continue
            yield Block(b"", start, record, 1, (skipping,))
            record += 1
            start += end + 1
            data = data[end + 1 :]
            skipping = None
        last = data.rfind(b"\n") + 1
        if last:
            body = data[:last] if last < len(data) else data
            carry = data[last:] if last < len(data) else b""
            lines = body.count(b"\n")
            yield Block(body, start, record, lines)
            start += last
            record += lines
        else:
            carry = data
        if len(carry) > LINE_CAP:
            skipping = (record, start)
            start += len(carry)
            carry = b""
    if skipping is not None:
        yield Block(b"", start, record, 1, (skipping,))
    elif carry:
        yield Block(carry, start, record, 1)


def table(block: Block) -> tuple[pl.DataFrame, np.ndarray, list[tuple[int, int]]]:
    """Return ``(frame, bytes, long)``: the lines of *block* as ``record, offset, line`` (line with its end), the bytes of the block
    repaired to UTF-8 as an array whose line starts are ``frame["start"]``, and the over-long lines as ``(record, offset)``.
    """
    data = block.data
    raw = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(raw == 10) + 1
    if len(data) and (not len(ends) or ends[-1] != len(data)):
        ends = np.append(ends, len(data))
    bounds = np.empty(len(ends) + 1, dtype=np.int64)
    bounds[0] = 0
    bounds[1:] = ends
    offsets = bounds[:-1] + block.start
    records = np.arange(block.record, block.record + len(ends), dtype=np.int64)
    if not data.isascii():
        data, bounds = _repair(data, bounds)
        raw = np.frombuffer(data, dtype=np.uint8)
    array = na.c_array_from_buffers(na.large_string(), len(bounds) - 1, [None, bounds, data], null_count=0)
    frame = pl.DataFrame(
        {"record": records, "offset": offsets, "start": bounds[:-1], "line": pl.Series(array, dtype=pl.String)},
        schema_overrides={"record": pl.Int64, "offset": pl.Int64, "start": pl.Int64},
    )
    long = list(block.long)
    lengths = np.diff(bounds)
    if len(lengths) and int(lengths.max()) > LINE_CAP:
        over = lengths > LINE_CAP
        long += list(zip(records[over].tolist(), offsets[over].tolist(), strict=True))
        frame = frame.filter(~pl.Series(over))
    return frame, raw, long


def _repair(data: bytes, bounds: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Replace what is no UTF-8, line by line; offsets of the original are the caller's and stay valid."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return data, bounds
    lines = [data[a:b].decode("utf-8", "replace").encode("utf-8") for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
    repaired = np.empty(len(lines) + 1, dtype=np.int64)
    repaired[0] = 0
    np.cumsum([len(line) for line in lines], out=repaired[1:])
    return b"".join(lines), repaired
