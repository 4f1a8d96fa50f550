"""JSON files: objects one a line, in an array, in a wrapper, spread over lines or one behind the other, with junk between.

Each object goes to the first of :data:`SHAPES` that knows it; those that none knows are ``strange`` in the batch. Lines are framed as columns, block
by block (:func:`frame_block`), so that what nobody is interested in is never decoded; the other forms are read object by object (:func:`read`).
Offsets are those of the objects in the unpacked stream, as UTF-8. What tools write between the records (``Record 1`` of evtx_dump, the head and
the foot of macOS ``log show``) is no record.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import numpy as np
import polars as pl

from gatewatch.intake import (
    cloudwatch,
    coat,
    container_shape,
    identity_shape,
    journal_shape,
    macos_json,
    network_shape,
    otlp,
    own_shape,
    security_log,
    shipped_line,
    syslog_shape,
    windows_json,
)
from gatewatch.intake.batch import RAW_CAP, Batch, RawReject, empty_records, raw_text
from gatewatch.intake.json_scan import Found, is_silent, mend, scan, wrapped
from gatewatch.intake.json_shape import BROKEN, FAULTS, Interest, Objects, Proof, Shape, parted
from gatewatch.intake.line import TOO_LONG, Block, Lines, read_lines, transcode

SHAPES: tuple[Shape, ...] = (
    windows_json.SHAPE,
    *container_shape.SHAPES,  # before others: a pod's author writes part of the record
    macos_json.SHAPE,
    own_shape.GATEWATCH,
    own_shape.OCSF,
    identity_shape.ZSCALER,
    identity_shape.KEYCLOAK_LOG,
    own_shape.ECS,
    network_shape.ZEEK,
    network_shape.SURICATA,
    network_shape.GLOBALPROTECT,
    cloudwatch.SHAPE,
    *identity_shape.SHAPES,
    journal_shape.SHAPE,
    security_log.SHAPE,
    shipped_line.SHAPE,  # what a product's shape knows is its own, lines and all
    syslog_shape.SHAPE,
    own_shape.SHIPPED,  # last: shippers add its key to everything
)
UNKNOWN = "no known JSON shape"

_BETWEEN = b" \t\r\n\x1e,[]\0\xef\xbb\xbf"
_JUDGED = 20  # lines that decide whether each holds an object
_BATCH_BYTES = 8 << 20
_MANY, _FEW = 64, 2  # objects, shapes: fewer are not worth a look ahead
_ASKED = 16  # objects that tell what most are
_OBJECT = re.compile(rb'\{\s*(?:\}|"[^"\\\n]{0,200}"\s*:\s*(?:["{\[\]0-9tfn-]|$))')
# what is looked at closely: wrappers, Elasticsearch hits, footers
_PECULIAR = (
    r'^\{[ \t]*"(?:_|@odata|count"|hits"|took"|timed_out"|pit_id"|kind"[ \t]*:[ \t]*"(?:[A-Za-z]*List|admin#reports#activities)"|apiVersion"'
    r'|(?:etag|next[A-Z][A-Za-z]*|pagination|paging|cursor|messageType|logGroup)"|(?:status|page)"[ \t]*:[ \t]*[{0-9t]'
    r'|stat"[ \t]*:[ \t]*"|eventType"[ \t]*:[ \t]*"com\.okta\.event_hook"|(?:response|data)"[ \t]*:[ \t]*\{'
    r'|(?:[Rr]ecords|value|items|[Ee]vents|logs|authlogs|data|results|response|logEvents|[Tt]ables|[Cc]olumns|resourceLogs)"[ \t]*:[ \t]*\['
    r'|FrameType"|TableName"'
    r'|name"[ \t]*:[^:]*"columns")'
)


class _Hit(msgspec.Struct):
    source: msgspec.Raw = msgspec.field(default=msgspec.Raw(b""), name="_source")
    fields: dict[str, Any] | None = None


_hit = msgspec.json.Decoder(_Hit)


class _Result(msgspec.Struct):
    raw: Any = msgspec.field(default=None, name="_raw")


class _Carrier(msgspec.Struct):
    """What a log service puts around a record that it holds as text: CloudWatch, Splunk's exports, agents of containers."""

    message: Any = None
    at_message: Any = msgspec.field(default=None, name="@message")
    log: Any = None
    log_s: Any = None
    raw: Any = msgspec.field(default=None, name="_raw")
    result: _Result | None = None


_carrier = msgspec.json.Decoder(_Carrier)
_COATED = (coat.BEGINS, coat.REGEX, coat.INNER)  # each stands in every coat
_CARRIED = r'"(?:@?message|log|log_s|_raw)"[ \t\r\n]*:[ \t\r\n]*"[ \t\r\n]*\{'


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* holds JSON objects."""
    data = b"".join(transcode([head]))
    for line in data.split(b"\n", _JUDGED)[:_JUDGED]:
        solid = line.strip(_BETWEEN)
        if not solid or is_silent(solid):
            continue
        start = data.index(solid)
        return 0.6 if _OBJECT.match(data, start) else 0.0
    return 0.0


def is_lines(head: bytes) -> bool:
    """Return whether a JSON file that begins with *head* holds one object a line, so that it can be read in blocks of lines."""
    for line in b"".join(transcode([head])).split(b"\n", _JUDGED)[:_JUDGED]:
        solid = line.strip(_BETWEEN)
        if not solid or is_silent(solid):
            continue
        if wrapped(solid) is None and solid.endswith(b"}") and _is_object(solid):
            return True
        if not (_OBJECT.match(solid) and len(solid) > 2):  # a broken object may precede whole ones; a brace alone begins an object of several lines
            return False
    return False


def _is_object(data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    return len(data) > 2 and (not parted(Objects.of([(0, text)]))[1] or mend(text) is not None)


def frame_block(block: Block, interest: Interest | None, first: Sequence[Shape] = ()) -> list[Batch]:
    """Frame a block of lines; stateless. Records are numbered from 1 within the block, by object.

    What *interest* says no to, by channel and event id, is only counted (None: all is framed). Shapes that come *first* are the user's own.
    """
    lines = read_lines(block)
    long = [Found(offset, b"", TOO_LONG) for _, offset in lines.long]
    objects, found = _lines(block, lines)
    return _framed(objects, found + long, interest, block=block, first=first)


def read(chunks: Iterable[bytes], interest: Interest | None, first: Sequence[Shape] = ()) -> Iterator[Batch]:
    """Yield the records of a file of any form; their numbers run on over the file."""
    found: list[Found] = []
    size = number = 0
    for one in scan(transcode(chunks)):
        found.append(one)
        size += len(one.raw)
        if size >= _BATCH_BYTES:
            batches = _framed(Objects.of([]), found, interest, base=number, first=first)
            number += sum(batch.read for batch in batches)
            yield from batches
            found, size = [], 0
    yield from _framed(Objects.of([]), found, interest, base=number, first=first)


def framed(found: Sequence[Found], interest: Interest | None, *, base: int = 0, first: Sequence[Shape] = ()) -> list[Batch]:
    """Return the records of objects *found* elsewhere than in a file of JSON; numbers follow *base*."""
    return _framed(Objects.of([]), list(found), interest, base=base, first=first)


def frame_texts(texts: pl.DataFrame, interest: Interest | None, first: Sequence[Shape] = ()) -> list[pl.DataFrame]:
    """Return the records of JSON objects that are messages of other records, by their columns.

    *texts*: ``record`` (kept) and ``message``. Objects that no shape knows, that lack what a record needs or are broken are not among them.
    """
    run = _Run(first=first)
    run.take(Objects(texts["message"], texts["record"]), interest)
    return [frame.with_columns(pl.col("offset").alias("record")).sort("record") for frame in run.frames]


def first_object(data: bytes) -> bytes:
    """Return the object that *data* begins with, whole or as far as it goes: to show a record again."""
    return next((one.raw for one in scan([data])), data)


def _lines(block: Block, lines: Lines) -> tuple[Objects, list[Found]]:
    """Return the lines that look like one object, and what else the others hold."""
    size = len(lines.line)
    if not size:
        return Objects.of([]), []
    begin, end = lines.bounds[:-1], lines.bounds[1:].copy()
    comma = False
    for char in (10, 13, 44):  # line end, perhaps after a comma
        there = (end > begin) & (lines.raw[np.maximum(end, 1) - 1] == char)
        comma = comma or (char == 44 and bool(there.any()))
        end -= there
    sound = (end > begin + 1) & (lines.raw[np.minimum(begin, len(lines.raw) - 1)] == 0x7B) & (lines.raw[np.maximum(end, 1) - 1] == 0x7D)
    text = lines.line.str.strip_chars_end(",\r\n") if comma else lines.line
    whole = bool(sound.all())
    objects = Objects(text, pl.Series(lines.offset, dtype=pl.Int64), Proof(lines.raw, size) if whole and not comma else None)
    found: list[Found] = []
    if not whole:
        found = _odd(block, lines, ~sound)
        objects = objects.filter(pl.Series(sound))
    peculiar = objects.text.str.contains(_PECULIAR)
    if peculiar.any():
        close = objects.filter(peculiar)
        objects = objects.filter(~peculiar)
        for offset, line in close.pairs():
            raw = line.encode()
            found += _shifted(scan([raw]), offset) if wrapped(raw) is not None or is_silent(raw) else [Found(offset, raw, None)]
    return objects, found


def _odd(block: Block, lines: Lines, odd: np.ndarray) -> list[Found]:
    """Read lines that are no whole object; neighbours together, for an object may be spread over them."""
    places = np.flatnonzero(odd)
    apart = np.diff(lines.number[places]) != 1  # by number: a line over the cap is missing between its neighbours
    found: list[Found] = []
    for run in np.split(places, np.flatnonzero(apart) + 1):
        first, last = int(lines.offset[run[0]]), int(lines.offset[run[-1]])
        found += _shifted(scan([block.data[first - block.start : _line_end(block, last)]]), first)
    return found


def _line_end(block: Block, offset: int) -> int:
    """Return where in the data of *block*, as it was before any repair, the line at *offset* ends."""
    end = block.data.find(b"\n", offset - block.start, block.size)
    return block.size if end < 0 else end


def _shifted(found: Iterable[Found], shift: int) -> list[Found]:
    return [one._replace(offset=one.offset + shift) for one in found]


def _unwrapped(raw: bytes) -> str:
    """Return the text of an object; of an Elasticsearch hit, its document."""
    if raw[1:40].lstrip()[:2] == b'"_':
        try:
            hit = _hit.decode(raw)
            inner = bytes(hit.source)
            if not inner and hit.fields:  # Kibana asks for fields: each a list, mostly of one
                inner = msgspec.json.encode({name: one[0] if isinstance(one, list) and len(one) == 1 else one for name, one in hit.fields.items()})
        except FAULTS:
            inner = b""
        if inner[:1] == b"{":
            raw = inner
    return raw.decode("utf-8", "replace")


def _held(text: str) -> str | None:
    """Return the JSON object that the object *text* carries as text; None where it carries none."""
    try:
        one = _carrier.decode(text)
    except FAULTS:
        return None
    inner = None if one.result is None else one.result.raw
    parts = (one.message, one.at_message, one.raw, inner, one.log, one.log_s)
    held = next((part for part in parts if isinstance(part, str) and part.strip()), "").strip()
    return held if held.startswith("{") and not parted(Objects.of([(0, held)]))[1] else None


def _uncoated(objects: Objects) -> Objects:
    """Return *objects* without what log services put around them."""
    if not len(objects):
        return objects
    coated = objects.text.str.contains(coat.BEGINS).arg_true()
    for regex in (coat.REGEX, coat.INNER):
        coated = coated.filter(objects.text.gather(coated).str.contains(regex))
    texts = objects.text.gather(coated).to_list()
    places = [(place, inner) for place, text in zip(coated.to_list(), texts, strict=True) if (inner := coat.taken_off(text)) is not None]
    if not places:
        return objects
    at = pl.Series([place for place, _ in places], dtype=pl.UInt32)
    return Objects(objects.text.scatter(at, pl.Series([inner for _, inner in places], dtype=pl.String)), objects.offset)


@dataclass(slots=True)
class _Run:
    """What became of objects so far."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    rejects: list[RawReject] = field(default_factory=list)
    strange: list[RawReject] = field(default_factory=list)
    skipped: Counter[tuple[str, int]] = field(default_factory=Counter)
    first: Sequence[Shape] = ()

    def take(self, objects: Objects, interest: Interest | None, *, carried: bool = False) -> list[tuple[int, str]]:
        """Send *objects* to their shapes, then the records that strangers carry as text (these are *carried*); return those that are broken."""
        broken: list[tuple[int, str]] = []
        for shape in self.first:
            objects = self._send(objects, shape, interest, broken)
        doubt = _doubt(objects)
        if doubt is not None:
            objects = self._ahead(objects, *doubt, interest, broken)
        bare = objects if carried else _uncoated(objects)
        for shape in (*(self.first if bare is not objects else ()), SHAPES[0]):
            bare = self._send(bare, shape, interest, broken)
        objects = bare
        likely = _likely(objects)
        if likely > _FEW:
            objects = self._ahead(objects, likely, _any_of(end=likely), interest, broken)
        for shape in SHAPES[1:]:
            objects = self._send(objects, shape, interest, broken)
        if not len(objects):
            return broken
        if not carried:
            carrying = objects.text.str.contains(_CARRIED)
            inner = [(offset, held) for offset, text in objects.filter(carrying).pairs() if (held := _held(text)) is not None]
            if inner:
                within = {offset for offset, _ in inner}
                broken += self.take(Objects.of(inner), interest, carried=True)
                objects = Objects.of([pair for pair in objects.pairs() if pair[0] not in within])
        left, unsound = parted(objects)
        self.strange += [RawReject(0, offset, UNKNOWN, text[:RAW_CAP]) for offset, text in left.pairs()]
        return broken + unsound

    def _ahead(self, objects: Objects, place: int, doubt: str, interest: Interest | None, broken: list[tuple[int, str]]) -> Objects:
        """Send what does not match *doubt* to the shape at *place*, and return what is left: one look instead of as many as there are shapes."""
        doubtful = objects.text.str.contains(doubt)
        return objects.filter(doubtful).merged(self._send(objects.filter(~doubtful), SHAPES[place], interest, broken))

    def _send(self, objects: Objects, shape: Shape, interest: Interest | None, broken: list[tuple[int, str]]) -> Objects:
        """Return what *shape* leaves of *objects*."""
        if not len(objects):
            return objects
        framed = shape.frame(objects, interest)
        if framed.records.height:
            self.frames.append(framed.records)
        self.rejects += framed.rejects
        self.skipped += framed.skipped
        broken += framed.broken
        return framed.left


def _likely(objects: Objects) -> int:
    """Return the place in :data:`SHAPES` of the first that may know the first of *objects*; 0 where there are few, or none may."""
    if len(objects) < _MANY:
        return 0
    first = objects.text.head(1)
    return next((place for place, shape in enumerate(SHAPES) if place and first.str.contains(shape.regex)[0]), 0)


def _doubt(objects: Objects) -> tuple[int, str] | None:
    """Return the place in :data:`SHAPES` of the likely one, and a regex that all matches that may have a coat or be known to a shape before it.

    None where most of *objects* would be in doubt.
    """
    if len(objects) < _MANY:
        return None
    some = objects.text.gather_every(max(len(objects) // _ASKED, 1))
    before = []
    for regexes in (windows_json.REGEXES, _COATED):
        held = {regex: some.str.contains(regex).sum() for regex in regexes}
        least = min(held, key=lambda regex: held[regex])
        if 2 * held[least] > len(some):
            return None
        before.append(least)
    likely = _likely(objects)
    return (likely, _any_of(*before, end=likely)) if likely else None


@cache
def _any_of(*regexes: str, end: int) -> str:
    """Return a regex that everything matches that matches one of *regexes* or may be known to a shape from the second up to that at *end*."""
    return "|".join(f"(?:{regex})" for regex in (*regexes, *(shape.regex for shape in SHAPES[1:end])))


def _framed(
    objects: Objects,
    found: list[Found],
    interest: Interest | None,
    *,
    base: int = 0,
    block: Block | None = None,
    first: Sequence[Shape] = (),
) -> list[Batch]:
    """Make batches of *objects*, whole lines of *block*, and of what was *found* apart from them; numbers follow *base*."""
    found = [part for one in found for part in otlp.records(one)]
    sound = [(one.offset, _unwrapped(one.raw)) for one in found if one.reason is None]
    faults = [RawReject(0, one.offset, one.reason, raw_text(one.raw)) for one in found if one.reason is not None]
    lines = objects.offset
    if sound:
        objects = objects.merged(Objects.of(sound))
    run = _Run(rejects=faults, first=first)
    places = [objects.offset.to_numpy(), np.array([fault.offset for fault in faults], dtype=np.int64)]
    broken = run.take(objects, interest)
    if broken:
        whole = set(lines.to_list()) if block is not None else set()
        pieces = [piece for offset, text in broken for piece in _again(offset, text, block if offset in whole else None)]
        mended = [(one.offset, text) for one in pieces if one.reason is None and (text := mend(_unwrapped(one.raw))) is not None]
        fixed = {offset for offset, _ in mended}
        lost = [RawReject(0, one.offset, one.reason or BROKEN, raw_text(one.raw)) for one in pieces if one.offset not in fixed]
        lost += [RawReject(0, offset, BROKEN, text[:RAW_CAP]) for offset, text in run.take(Objects.of(mended), interest)]
        run.rejects += lost
        places[0] = np.setdiff1d(places[0], [offset for offset, _ in broken])
        places += [np.array([*fixed, *(one.offset for one in lost)], dtype=np.int64)]
    return _batches(run, np.unique(np.concatenate(places)), base)


def _again(offset: int, text: str, block: Block | None) -> list[Found]:
    """Look once more at what no decoder took: a line may hold several objects."""
    if block is None:
        return [Found(offset, text.encode(), None)]
    return _shifted(scan([block.data[offset - block.start : _line_end(block, offset)]]), offset)


def _batches(run: _Run, order: np.ndarray, base: int) -> list[Batch]:
    """Number everything by its place among the offsets of the stretch, and part it by columns."""
    if not len(order):
        return []

    def numbered(rejects: list[RawReject]) -> list[RawReject]:
        numbers = np.searchsorted(order, [one.offset for one in rejects]) + base + 1
        return sorted(one._replace(record=number) for one, number in zip(rejects, numbers.tolist(), strict=True))

    frames: dict[tuple[str, ...], list[pl.DataFrame]] = {}
    for frame in run.frames:
        frames.setdefault(tuple(frame.columns), []).append(frame)
    batches = []
    for parts in frames.values():
        table = pl.concat(parts).sort("offset") if len(parts) > 1 else parts[0]
        number = np.searchsorted(order, table["offset"].to_numpy()) + base + 1
        batches.append(Batch(table.with_columns(pl.Series("record", number, dtype=pl.Int64))))
    rest = Batch(batches[0].records if batches else empty_records(), numbered(run.rejects), strange=numbered(run.strange), skipped=run.skipped)
    return [rest, *batches[1:]]
