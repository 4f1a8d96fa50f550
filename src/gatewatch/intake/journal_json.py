r"""``journalctl -o json``: journal entries as JSON objects, one on a line, after a record separator (``json-seq``), spread over lines
(``json-pretty``) or in an array.

::

    {"__REALTIME_TIMESTAMP":"1767614400000000","_HOSTNAME":"gate","SYSLOG_IDENTIFIER":"sshd","_PID":"4711","MESSAGE":"Server listening"}

Values are strings, null (too long for ``journalctl`` without ``--all``), arrays of byte numbers (no UTF-8 or not printable) or arrays of
these (repeated fields). A broken object costs itself only. References: systemd JOURNAL_EXPORT_FORMATS, "Journal JSON Format"; RFC 7464.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec

from gatewatch.intake.batch import RAW_CAP, Batch
from gatewatch.intake.journal_field import CHOSEN, NAMED, NO_ENTRY, VALUE_CAP, Builder, Value, as_json
from gatewatch.intake.line import TOO_LONG, transcode

_BROKEN = "broken JSON"
_CUT = "broken JSON: it ends early"
_BETWEEN = b" \t\r\x1e,[]\xef\xbb\xbf"  # what may stand around the object on its line
_PROBE = 1 << 20
_JUDGED = 5  # lines that decide whether each holds an object
_SOLID = re.compile(rb"[^ \t\r\n\x1e,\[\]\xef\xbb\xbf]")
_TOKEN = re.compile(rb'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*("?)|[{}]')
_START = re.compile(rb'\{[ \t\r\n]*"')
_KEYS = re.compile(rb'"(?:__REALTIME_TIMESTAMP|__CURSOR|__MONOTONIC_TIMESTAMP)"[ \t]*:')
_LESSER = re.compile(rb'"(?:_BOOT_ID|_HOSTNAME|SYSLOG_IDENTIFIER|_TRANSPORT|_SYSTEMD_UNIT)"[ \t]*:')

_GET = [f"f{index}" for index in range(len(NAMED))]
_named = msgspec.json.Decoder(
    msgspec.defstruct("_Named", [(key, Any, msgspec.field(default=None, name=name)) for key, name in zip(_GET, NAMED, strict=True)])
)
_chosen = msgspec.json.Decoder(
    msgspec.defstruct(
        "_Chosen",
        [(f"f{index}", Any, msgspec.field(default=None, name=name)) for index, name in enumerate(CHOSEN)],
        omit_defaults=True,
    )
)
_values = attrgetter(*_GET)
_transport = attrgetter(_GET[NAMED.index("_TRANSPORT")])
_FAULTS = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* holds journal entries in JSON."""
    head = b"".join(transcode([head]))
    start = _SOLID.search(head)
    if start is None or head[start.start()] != ord("{"):
        return 0.0
    if _KEYS.search(head):
        return 1.0
    return 0.7 if b'"MESSAGE"' in head and _LESSER.search(head) else 0.0


def read(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the entries of a file in batches of at most about 50,000; objects that are broken or no entries are rejects."""
    source = iter(chunks)
    probe = b""
    for chunk in source:
        probe += bytes(chunk)
        if len(probe) >= _PROBE:
            break
    pieces = chain([probe], source)
    builder = Builder()
    for offset, raw, reason in _lines(pieces) if _one_per_line(probe) else _objects(pieces):
        if reason is not None:
            builder.reject(offset, reason, raw)
        else:
            _add(builder, offset, raw)
        if builder.full:
            yield builder.batch()
    if not builder.empty:
        yield builder.batch()


def _add(builder: Builder, offset: int, raw: bytes) -> None:
    try:
        named = _named.decode(raw)
        if _transport(named) != "audit":  # its fields have names that cannot be listed beforehand
            fields = as_json(_chosen.decode(raw))
            if not builder.add(offset, _values(named), fields if fields != "{}" else None):
                builder.reject(offset, NO_ENTRY, raw)
            return
        entry = entry_of(raw)
    except _FAULTS:
        entry = entry_of(raw)
    if entry is None:
        builder.reject(offset, _BROKEN, raw)
    elif not builder.add_entry(offset, entry):
        builder.reject(offset, NO_ENTRY, raw)


def entry_of(raw: bytes) -> dict[str, Value] | None:
    """Return the fields of one entry, None for what is no object."""
    try:
        entry: object = msgspec.json.decode(raw)
    except _FAULTS:
        entry = _repair(raw)
    return entry if isinstance(entry, dict) else None


def _repair(raw: bytes) -> object:
    """Read an object that has invalid UTF-8, raw control characters or lone surrogates; None when it is broken otherwise."""
    try:
        return _sound(json.loads(raw.decode("utf-8", "replace"), strict=False))
    except (ValueError, RecursionError):
        return None


def _sound(value: Value) -> Value:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_sound(part) for part in value]
    if isinstance(value, dict):
        return {_sound(key): _sound(part) for key, part in value.items()}
    return value


def _one_per_line(probe: bytes) -> bool:
    lines = [line for line in (line.strip(_BETWEEN) for line in probe.split(b"\n", 4 * _JUDGED)[: 4 * _JUDGED]) if line][:_JUDGED]
    return any(line.startswith(b"{") and line.endswith(b"}") and isinstance(_repair(line), dict) for line in lines)


def _lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes, str | None]]:
    """Yield each line that holds anything as ``(offset, object, why it is rejected or None)``."""
    carry = long = b""
    start = 0  # offset of carry, or of what follows where an over-long line is being dropped
    dropping = -1  # offset of that line
    for piece in transcode(chunks):
        data = piece
        if dropping >= 0:
            end = data.find(b"\n")
            if end < 0:
                start += len(data)
                continue
            yield dropping, long, TOO_LONG
            data, start, dropping = data[end + 1 :], start + end + 1, -1
        lines = (carry + data).split(b"\n")
        carry = lines.pop()
        for line in lines:
            yield from _line(start, line)
            start += len(line) + 1
        if len(carry) > VALUE_CAP:
            dropping, long = start, carry[: 4 * RAW_CAP]
            start += len(carry)
            carry = b""
    if dropping >= 0:
        yield dropping, long, TOO_LONG
    yield from _line(start, carry)


def _line(start: int, line: bytes) -> Iterator[tuple[int, bytes, str | None]]:
    raw = line if line[:1] == b"{" and line[-1:] == b"}" else line.strip(_BETWEEN)
    if raw:
        yield start, raw, TOO_LONG if len(raw) > VALUE_CAP else None


def _objects(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes, str | None]]:
    """Yield each object wherever it begins and ends, as :func:`_lines` does."""
    source = transcode(chunks)
    data = b""
    base = at = 0
    ended = False
    while True:
        solid = _SOLID.search(data, at)
        at = solid.start() if solid else len(data)
        end, sound = _object_end(data, at) if solid else (-1, False)
        if end < 0 and not ended and len(data) - at <= VALUE_CAP:
            more = next(source, None)
            ended = more is None
            data, base, at = data[at:] + (more or b""), base + at, 0
            continue
        if at == len(data):
            return
        if end < 0:
            end, sound = len(data), False
            reason = TOO_LONG if len(data) - at > VALUE_CAP else _CUT
        else:
            reason = TOO_LONG if end - at > VALUE_CAP else _BROKEN
        yield base + at, data[at:end], None if sound and end - at <= VALUE_CAP else reason
        at = end


def _object_end(data: bytes, start: int) -> tuple[int, bool]:
    """Return where the object at *start* ends and whether it is whole; -1 when more data must tell.

    Journal entries hold no objects, so a brace within one shows that it is broken and the next begins there.
    """
    if data[start] != ord("{"):
        following = _START.search(data, start)
        return (following.start() if following else -1), False
    for token in _TOKEN.finditer(data, start + 1):
        first = token[0][:1]
        if first == b"}":
            return token.end(), True
        if first == b"{":
            return token.start(), False
        if not token[1]:
            if token.end() == len(data):
                return -1, False
            following = _START.search(data, token.end())
            return (following.start() if following else -1), False
    return -1, False
