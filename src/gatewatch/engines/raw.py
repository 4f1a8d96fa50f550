"""Raw records shown again: the line, XML event, JSON object or EVTX record that stands at an offset of a file or archive member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gatewatch.intake import evtx, json_record
from gatewatch.intake.limit import Limits
from gatewatch.intake.line import LINE_CAP, transcode
from gatewatch.intake.opening import open_paths
from gatewatch.schema.records import Framing, Problem

SHOWN = 2000  # characters of a record that are quoted
# their message is all that can be shown
_UNQUOTED = frozenset({Framing.UTMP, Framing.JOURNAL_BINARY, Framing.JOURNAL_EXPORT, Framing.PARQUET, Framing.RADIUS_DETAIL})
_OBJECT = b"}"  # ends an object, but not the first of them does
_WHOLE: dict[Framing, bytes] = {Framing.EVTX: b"", Framing.WINDOWS_XML: b"</Event>"}  # records that are no lines, and how they end


def rereadable(path: Path, framing: Framing) -> bool:
    """Return whether the records of a file can be read once more, so that their texts need not be kept."""
    return str(path) != "-" and framing not in _UNQUOTED


def read_records(path: Path, name: str, framing: Framing, offsets: Iterable[int], limits: Limits) -> dict[int, str]:
    """Return the records of the member *name* of *path* that begin at *offsets*, on one line each; what cannot be read again is missing."""
    if framing in _UNQUOTED:
        return {}
    lines = {} if framing in _WHOLE else read_lines(path, name, offsets, limits)
    spread = [offset for offset, text in lines.items() if len(text) < SHOWN and not text.rstrip(",").endswith("}")] if framing is Framing.JSON else []
    if framing not in _WHOLE and not spread:
        return lines
    wanted = sorted(spread or set(offsets))
    if not wanted or str(path) == "-":
        return {}
    for item in open_paths([str(path)], limits):
        if isinstance(item, Problem) or item.name != name:
            continue
        chunks = (bytes(part) for part in item.chunks(1 << 22))
        return evtx.quote(chunks, wanted) if framing is Framing.EVTX else {**lines, **_windows(chunks, wanted, _WHOLE.get(framing, _OBJECT))}
    return lines


def _windows(chunks: Iterable[bytes], wanted: Sequence[int], end: bytes) -> dict[int, str]:
    """Pick records that may run over several lines out of a stream: from their offset to *end*, or as far as is quoted."""
    found: dict[int, str] = {}
    start, held = 0, b""
    pending = list(wanted)
    for chunk in transcode(chunks):
        held += chunk
        while pending and pending[0] + 4 * SHOWN <= start + len(held):
            found[pending[0]] = _piece(held[pending[0] - start :], end)
            pending.pop(0)
        if not pending:
            return found
        gone = min(len(held), pending[0] - start)
        held, start = held[gone:], start + gone
    for offset in pending:
        if start <= offset < start + len(held):
            found[offset] = _piece(held[offset - start :], end)
    return found


def _piece(data: bytes, end: bytes) -> str:
    if end == _OBJECT:
        return " ".join(json_record.first_object(data[: 4 * SHOWN]).decode("utf-8", "replace").split())[:SHOWN]
    stop = data.find(end, 0, 4 * SHOWN) if end else -1
    return " ".join(data[: stop + len(end) if stop >= 0 else 4 * SHOWN].decode("utf-8", "replace").split())[:SHOWN]


def read_lines(path: Path, name: str, offsets: Iterable[int], limits: Limits) -> dict[int, str]:
    """Return the lines of the member *name* of *path* that begin at *offsets*; what cannot be read again is missing."""
    wanted = sorted(set(offsets))
    if not wanted or str(path) == "-":
        return {}
    if name == str(path) and _is_plain(path):
        return _seek(path, wanted)
    for item in open_paths([str(path)], limits):
        if isinstance(item, Problem) or item.name != name:
            continue
        return _stream(item.chunks(1 << 22), wanted)
    return {}


def _is_plain(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            head = handle.read(6)
    except OSError:
        return False
    packed = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"\xff\xfe", b"\xfe\xff")
    return not head.startswith(packed)


def _seek(path: Path, wanted: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    try:
        with path.open("rb") as handle:
            for offset in wanted:
                handle.seek(offset)
                found[offset] = _text(handle.readline(LINE_CAP))
    except OSError:
        pass
    return found


def _stream(chunks: Iterable[bytes], wanted: Sequence[int]) -> dict[int, str]:
    """Pick lines out of a stream that cannot seek; holds one chunk and one line."""
    found: dict[int, str] = {}
    place, pending, at = 0, 0, b""
    for chunk in transcode(bytes(part) for part in chunks):
        window = at + chunk
        begin = place - len(at)
        while pending < len(wanted):
            offset = wanted[pending] - begin
            if offset >= len(window):
                break
            end = window.find(b"\n", offset)
            if end < 0 and len(window) - offset < LINE_CAP:
                break
            found[wanted[pending]] = _text(window[offset : end if end >= 0 else offset + SHOWN])
            pending += 1
        place += len(chunk)
        if pending == len(wanted):
            return found
        keep = max(0, len(window) - max(0, wanted[pending] - begin)) if wanted[pending] < place else 0
        at = window[len(window) - keep :] if keep else b""
    if pending < len(wanted) and at:
        found[wanted[pending]] = _text(at)
    return found


def _text(line: bytes) -> str:
    return line.rstrip(b"\r\n\0").decode("utf-8", "replace")[:SHOWN]
