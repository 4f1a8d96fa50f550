r"""FreeRADIUS' detail files: packets as blocks of ``Name = value`` lines under a date, with an empty line after each.

::

    Mon Jan  5 12:00:00 2026
            User-Name = "ann"
            Acct-Status-Type = Start
            Calling-Station-Id = "203.0.113.7"
            Framed-IP-Address = 10.8.0.6
            Timestamp = 1767614400

A record's ``fields`` are its attributes as a JSON object, with the date as ``date``; those that come several times are joined by line ends. What the
values mean is told by :mod:`gatewatch.sources.radius_accounting`. Values are never kept as text: a server may be told to log passwords.

References: rlm_detail (FreeRADIUS), https://www.rfc-editor.org/rfc/rfc2866
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import polars as pl

from gatewatch.intake.batch import Batch, RawReject, raw_text
from gatewatch.intake.line import transcode
from gatewatch.schema.records import RECORD_DTYPES

PROGRAM = "radius-detail"
BROKEN = "broken RADIUS record"
TOO_LONG = "RADIUS record longer than 1 MiB"
DATE = "date"
_DATE = rb"[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [12][0-9]{3}"
_NAME = rb"[A-Za-z][A-Za-z0-9._-]{0,127}"
_SNIFF = re.compile(rb"\s{0,8}" + _DATE + rb"\r?\n[ \t]+" + _NAME + rb"(?::[0-9]+)? [+:]?= ")
_HEAD = re.compile(_DATE)
_PAIR = re.compile(rb"[ \t]+(" + _NAME + rb')(?::[0-9]+)? [+:]?= ("(?:[^"\\]|\\.)*"|[^"].*|)')
_ESCAPE = re.compile(r"\\([0-7]{3}|.)", re.DOTALL)
_CHARACTERS = {"n": "\n", "r": "\r", "t": "\t"}
_END = re.compile(rb"\n[ \t\r]*\n")
_CAP = 1 << 20
_BATCH = 20_000


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* is such a file."""
    return 0.95 if _SNIFF.match(b"".join(transcode([head]))) else 0.0


def read(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the packets of a file in batches; what is none is a reject."""
    rows: list[tuple[int, int, str]] = []
    rejects: list[RawReject] = []
    for number, (offset, raw, reason) in enumerate(_blocks(chunks), 1):
        fields = attributes(raw) if reason is None else None
        if fields is None:
            # the text is not shown: an attribute that cannot be read may be a password
            rejects.append(RawReject(number, offset, reason or BROKEN, raw_text(raw.partition(b"\n")[0])))
        else:
            rows.append((number, offset, msgspec.json.encode(fields).decode()))
        if len(rows) + len(rejects) >= _BATCH:
            yield _batch(rows, rejects)
            rows, rejects = [], []
    if rows or rejects:
        yield _batch(rows, rejects)


def attributes(raw: bytes) -> dict[str, str] | None:
    """Return the attributes of a block, None where a line of it is none."""
    first, *lines = raw.strip(b"\r\n").split(b"\n")
    if _HEAD.fullmatch(first.strip()) is None or not lines:
        return None
    found = {DATE: first.strip().decode("ascii")}
    for line in lines:
        pair = _PAIR.fullmatch(line.rstrip(b"\r"))
        if pair is None:
            return None
        name, value = pair[1].decode("ascii"), _value(pair[2])
        found[name] = f"{found[name]}\n{value}" if name in found else value
    return found


def _value(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    if text.startswith('"'):
        text = text[1:-1]
        return _ESCAPE.sub(_unescaped, text) if "\\" in text else text
    return text.strip()


def _unescaped(found: re.Match[str]) -> str:
    word = found[1]
    return _CHARACTERS.get(word, word) if len(word) == 1 else chr(int(word, 8))


def _blocks(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes, str | None]]:
    """Yield ``(offset, block, why it is rejected or None)``."""
    held, base = b"", 0
    for chunk in transcode(chunks):
        held += chunk
        at = 0
        for end in _END.finditer(held):
            if held[at : end.start()].strip():
                yield base + at, held[at : end.start()], TOO_LONG if end.start() - at > _CAP else None
            at = end.end()
        held, base = held[at:], base + at
        if len(held) > 2 * _CAP:
            yield base, held, TOO_LONG
            base += len(held)
            held = b""
    if held.strip():
        yield base, held, None


def _batch(rows: list[tuple[int, int, str]], rejects: list[RawReject]) -> Batch:
    known: dict[str, list[Any]] = {
        "record": [number for number, _, _ in rows],
        "offset": [offset for _, offset, _ in rows],
        "program": [PROGRAM] * len(rows),
        "count": [1] * len(rows),
        "fields": [fields for _, _, fields in rows],
    }
    table = {name: pl.Series(name, known.get(name, [None] * len(rows)), dtype=dtype) for name, dtype in RECORD_DTYPES.items()}
    return Batch(pl.DataFrame(table), rejects)
