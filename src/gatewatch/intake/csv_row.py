"""Rows of CSV as bytes: lines joined while a quote is open, each at its offset.

A row ends at the first line end outside quotes; a stray quote costs its line, not what follows (:func:`sound`).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from gatewatch.intake.line import transcode

ROW_CAP = 4 * 1024**2
TOO_LONG = "row longer than 4 MiB"
BROKEN = "broken CSV row"
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_HEAD_LINES = 8  # lines within which the header stands: PowerShell writes the type above it, spreadsheets the delimiter

Raw = tuple[int, bytes, str | None]
"""A row as bytes: its offset, what it holds, and why it is rejected (None: it is not)."""


def cells_of(raw: bytes, delimiter: str) -> list[str] | None:
    """Return the cells of a row, None where its quoting is broken."""
    text = raw.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}").rstrip("\r\n")
    csv.field_size_limit(ROW_CAP)
    try:
        found = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else None


def headers(found: Iterator[Raw]) -> Iterator[tuple[str, list[str]]]:
    """Take the header off *found* and yield it as read with each delimiter in turn: ``(delimiter, names)``, names without blanks around them."""
    for _, raw, reason in islice(found, _HEAD_LINES):
        text = raw.decode("utf-8", "replace").lstrip(_MARK)
        if reason is not None:
            return
        if text.strip() and not text.startswith(("#TYPE ", "sep=")):
            for delimiter in (",", ";", "\t"):
                yield delimiter, [cell.strip().strip(_MARK).strip() for cell in cells_of(text.encode(), delimiter) or ()]
            return


def sound(found: Iterator[Raw], fits: Callable[[bytes], bool]) -> Iterator[Raw]:
    """Yield the rows; one of several lines that does not fit loses its first line, and what follows is read anew."""
    stack: list[Raw] = []
    while True:
        item = stack.pop() if stack else next(found, None)
        if item is None:
            return
        offset, raw, reason = item
        first = raw.find(b"\n") + 1
        if 0 < first < len(raw) and (reason is not None or not fits(raw)):
            yield offset, raw[:first], reason or BROKEN
            stack += reversed([(offset + first + at, part, why) for at, part, why in rows([raw[first:]])])
        elif raw.strip() or reason is not None:
            yield item


def rows(chunks: Iterable[bytes]) -> Iterator[Raw]:
    """Yield ``(offset, row, why it is rejected or None)``: lines joined while a quote is open, up to :data:`ROW_CAP`."""
    held: list[bytes] = []  # lines of the row that is open
    size = 0
    start = 0  # offset of the row
    long = False  # the line being read is over the cap
    open_quote = False
    for line, whole in _lines(chunks):
        if long:
            start += len(line)
            long = not whole
            continue
        if not held and not whole and len(line) > ROW_CAP:
            yield start, line[: 64 * 1024], TOO_LONG
            start += len(line)
            long = True
            continue
        held.append(line)
        size += len(line)
        open_quote ^= line.count(b'"') % 2 == 1
        if (whole and not open_quote) or size > ROW_CAP:
            raw = b"".join(held)
            yield start, raw, TOO_LONG if size > ROW_CAP else None
            start += size
            long = not whole
            held, size, open_quote = [], 0, False
    if held:
        yield start, b"".join(held), BROKEN if open_quote else None


def _lines(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield lines with their ends, and whether each is whole: one over the cap comes in pieces."""
    carry = b""
    for chunk in transcode(chunks):
        lines = (carry + chunk).split(b"\n")
        carry = lines.pop()
        for line in lines:
            yield line + b"\n", True
        if len(carry) > ROW_CAP:
            yield carry, False
            carry = b""
    if carry:
        yield carry, True
