"""The data of many EVTX records, read from their values: a column of text for each datum that is asked for, or all as the parser would write them.

Most events are data with names, and each datum is a value, of the record itself or, as Windows writes them, of binary XML within it. A text of
ASCII, a whole number, a SID, a GUID are the same whoever writes them; a record that holds anything else where it is asked for, or is not as Windows
writes it to the last byte, is left to the parser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import nanoarrow as na
import numpy as np
import numpy.typing as npt
import polars as pl

from gatewatch.intake.evtx_chunk import CHUNK_HEAD, CHUNK_SIZE
from gatewatch.intake.evtx_column import sid_text
from gatewatch.intake.evtx_template import TEMPLATE_HEAD, Template, read_data
from gatewatch.intake.evtx_value import GUID, SID, TEXT, Flags, Ints, Register, ValueReader, Values, gather
from gatewatch.schema.records import DATUM

_NULL, _BINARY = 0x00, 0x21
_FRAGMENT = b"\x0f\x01\x01\x00"
_INSTANCE = 0x0C
_HEAD = 10  # bytes of a template's instance, up to where its values or its definition stand
_NUMBERS = {0x03: "<i1", 0x04: "<u1", 0x05: "<i2", 0x06: "<u2", 0x07: "<i4", 0x08: "<u4", 0x09: "<i8", 0x0A: "<u8"}
_HEX = {0x14: 4, 0x15: 8}
_SIZES = {kind: int(dtype[2]) for kind, dtype in _NUMBERS.items()} | _HEX | {0x0D: 4, GUID: 16, 0x11: 8, 0x12: 16}
_ANY = 1 << 20  # a type of any size
_MOST_VALUES = 128
_ESCAPED = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_DASHES = (8, 13, 18, 23)  # in a GUID as text
_GUID_ORDER = (3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15)  # the first three parts are little-endian


def _size_of_kinds() -> Ints:
    sizes = np.full(1 << 16, -1, np.int64)
    sizes[list(_SIZES)] = list(_SIZES.values())
    sizes[[_NULL, TEXT, SID, _BINARY]] = _ANY
    return sizes


_SIZE_OF_KIND = _size_of_kinds()
_PLAIN = bytes((*range(0x20, 0x7F), 9, 10, 13))  # characters that are written here
_BLANKS = np.array([9, 10, 13], np.uint16)
_LONG, _SPREAD = 1024, 3  # bytes of a text, and of all together as against their own, up to which they are taken alike
_TO_ESCAPE = [one.encode() for one, _ in _ESCAPED]


class _Part(NamedTuple):
    """Values of some records that follow one template: where types and sizes stand, how many values they are, where they end at the latest."""

    rows: Ints
    sizes: Ints
    width: Ints
    end: Ints


Names = tuple[str, ...]
Kinds = npt.NDArray[np.uint32]
Needs = Callable[[int], Names | None]
"""Which data of an event are asked for, by the number that stands for its channel and id; None: all, as JSON."""


class Told(NamedTuple):
    """Data that can be read: of which records, the number of their channel and id, the data themselves, and the names asked for (None: all)."""

    rows: Ints
    key: int
    data: Written
    names: Names | None


class DataReader:
    """Reads the data of records; remembers the templates it met."""

    def __init__(self, values: ValueReader, needs: Needs) -> None:
        self._outer = values.register
        self._inner = Register(read_data)
        self._needs = needs

    def read(self, values: Values, rows: Ints, key: Ints) -> list[Told]:
        """Return what can be told of the data of the records *rows*, *key* by key; each of a template together."""
        found: list[Told] = []
        template = np.where(values.sound[rows], values.template[rows], -1)
        for number in np.unique(template).tolist():
            if number < 0:
                continue
            alike, known = rows[template == number], self._outer.templates[number]
            keys = key[alike]
            for one in np.unique(keys).tolist():
                own = alike[keys == one]
                names = self._needs(one)
                part = _Part(own, values.sizes[own], values.count[own], values.end[own] - 4)  # its size stands at its end again
                made: list[tuple[Ints, Written]] = []
                if known.data:
                    made = _written(values.data, known, part, names, at_the_end=False)
                elif known.inner >= 0:
                    for inner, within in self._within(values.data, known, part):
                        made += _written(values.data, inner, within, names, at_the_end=True)
                found += [Told(which, one, written, names) for which, written in made]
        return found

    def _within(self, data: bytes, outer: Template, part: _Part) -> list[tuple[Template, _Part]]:
        """Return the templates and values of the binary XML that is a value of the records of *part*."""
        kinds, lengths, ends, sound = _described(data, part, max((*outer.slots, outer.inner)) + 1)
        if kinds is None:
            return []
        begin, end = ends[:, outer.inner] - lengths[:, outer.inner], ends[:, outer.inner]
        sound &= (kinds[:, outer.inner] == _BINARY) & (lengths[:, outer.inner] > _HEAD + 16)
        part, begin, end = _Part(*(array[sound] for array in part)), begin[sound], end[sound]
        if not len(begin):
            return []
        begin += np.where(gather(data, begin, 4) == np.void(_FRAGMENT), 4, 0)
        octets = np.frombuffer(data, np.uint8)
        base = begin // CHUNK_SIZE * CHUNK_SIZE
        definition = gather(data, begin + _HEAD - 4, 4).view("<u4").astype(np.int64)
        sound = (octets[begin] == _INSTANCE) & (definition >= CHUNK_HEAD) & (definition < CHUNK_SIZE - TEMPLATE_HEAD)
        start = begin + _HEAD
        inline = sound & (definition == start - base) & (start + TEMPLATE_HEAD <= end)
        length = gather(data, np.where(inline, start + TEMPLATE_HEAD - 4, base), 4).view("<u4").astype(np.int64)
        start += np.where(inline, length + TEMPLATE_HEAD, 0)
        sound &= start + 4 <= end
        count = gather(data, np.where(sound, start, base), 4).view("<u4").astype(np.int64)
        number = self._inner.at(data, base + definition, sound)
        made = []
        for one in np.unique(number[number >= 0]).tolist():
            own = number == one
            made.append((self._inner.templates[one], _Part(part.rows[own], start[own] + 4, count[own], end[own] - 1)))  # a token ends it
        return made


def _described(data: bytes, part: _Part, width: int) -> tuple[Kinds | None, Ints, Ints, Flags]:
    """Return types, sizes and ends of the values of *part*, and which records have *width* values, each of a size that fits its type."""
    sound = (part.width == width) & (part.sizes + 4 * width <= part.end)
    if width > _MOST_VALUES or not sound.any():
        return None, part.sizes, part.sizes, sound
    described = gather(data, np.where(sound, part.sizes, 0), 4 * width).view("<u4").reshape(-1, width)
    kinds: Kinds = described >> np.uint32(16)
    lengths = (described & 0xFFFF).astype(np.int64)
    ends = np.cumsum(lengths, axis=1)
    ends += (part.sizes + 4 * width)[:, None]
    first = kinds[int(np.argmax(sound))]
    due = _SIZE_OF_KIND[first]
    fixed = np.flatnonzero(due != _ANY)
    usual = (kinds == first).all(axis=1)  # nearly all are of the same types
    fits = usual & (lengths[:, fixed] == due[fixed]).all(axis=1)
    if not usual.all():
        rest = np.flatnonzero(~usual)
        due = _SIZE_OF_KIND[kinds[rest]]
        fits[rest] = (((due == lengths[rest]) | (due == _ANY)) & (due >= 0)).all(axis=1)
    sound &= fits & (ends[:, -1] <= part.end)
    return kinds, lengths, ends, sound


def _written(data: bytes, template: Template, part: _Part, asked: Names | None, *, at_the_end: bool) -> list[tuple[Ints, Written]]:
    """Return the rows of *part* whose data can be written, with these; nothing where there is none. *at_the_end*: nothing follows the values."""
    width = max((*template.slots, *(place for _, place in template.data))) + 1
    kinds, lengths, ends, sound = _described(data, part, width)
    if kinds is None:
        return []
    if at_the_end:
        sound &= ends[:, -1] == part.end
    named = template.data if asked is None else [(name, place) for name, place in template.data if name in asked]
    names, places = [name for name, _ in named], [place for _, place in named]
    begin, lengths = ends[:, places] - lengths[:, places], lengths[:, places]
    made = []
    for kind, rows in _alike(kinds[:, places], np.flatnonzero(sound)):
        one = _of_kinds(data, names, kind, begin[rows], lengths[rows])
        if one is not None:
            made.append((part.rows[rows] if one.keep is None else part.rows[rows[one.keep]], one))
    return made


def _alike(kinds: Kinds, rows: Ints) -> list[tuple[list[int], Ints]]:
    """Return the types that records have, and which of *rows* have them: a datum may be of another type in another record of its template."""
    if not len(rows):
        return []
    first = kinds[rows[0]]
    own = kinds[rows]
    if (own == first).all():
        return [(first.tolist(), rows)]
    groups: dict[bytes, int] = {}
    number = np.array([groups.setdefault(one, len(groups)) for one in map(bytes, own.astype(np.uint8))])  # those of a known size are small
    return [(list(kind), rows[number == place]) for kind, place in groups.items()]


def _of_kinds(data: bytes, names: list[str], kinds: list[int], begin: Ints, length: Ints) -> Written | None:
    """Return values of the same *kinds* in every row; None where there is one that is left to the parser, or no row that is sound."""
    texts = [column for column, kind in enumerate(kinds) if kind == TEXT]
    plain = _Texts(data, begin[:, texts], length[:, texts])
    sound = plain.sound
    columns: list[_Column] = []
    for column, kind in enumerate(kinds):
        if kind == TEXT:
            columns.append(_Column(partial(plain.column, texts.index(column)), escaped=plain.escaped(texts.index(column))))
            continue
        made = _column(data, kind, begin[:, column], length[:, column])
        if made is None:
            return None
        columns.append(made)
        if made.sound is not None:
            sound = sound & made.sound
    if not sound.any():
        return None
    return Written(names, columns, None if sound.all() else sound)


class _Column(NamedTuple):
    """Values as text, once they are asked for; whether JSON has them in quotes, what it escapes in them, and which are sound (None: all)."""

    texts: Callable[[], pl.Series]
    quoted: bool = True
    sound: Flags | None = None
    escaped: str = ""

    def json(self) -> pl.Series:
        """Return the values as JSON writes them between its quotes."""
        texts = self.texts()
        for one, other in _ESCAPED:
            if one in self.escaped:
                texts = texts.str.replace_all(one, other, literal=True)
        return texts


@dataclass(frozen=True, slots=True)
class Written:
    """The data of records, by name; writing them is work that can be done elsewhere while the file is read on. ``keep``: those that count."""

    names: list[str]
    columns: list[_Column]
    keep: Flags | None

    def texts(self) -> pl.Series:
        """Return each as JSON."""
        parts: list[pl.Expr] = []
        before = "{"
        for place, (name, column) in enumerate(zip(self.names, self.columns, strict=True)):
            quote = '"' if column.quoted else ""
            parts += [pl.lit(f'{before}"{name}":{quote}'), pl.col(str(place))]
            before = f"{quote},"
        parts.append(pl.lit(f"{before[:-1]}}}"))
        columns = [column.json().alias(str(place)) for place, column in enumerate(self.columns)]
        made = pl.DataFrame(columns).select(pl.concat_str(parts).alias("fields")).to_series()
        return made if self.keep is None else made.filter(pl.Series(self.keep))

    def frame(self, asked: Names, height: int) -> pl.DataFrame:
        """Return the data *asked* for, *height* rows of columns of text; null where they are not there."""
        there = dict(zip(self.names, self.columns, strict=True))
        keep = None if self.keep is None else pl.Series(self.keep)
        made = []
        for name in asked:
            if name in there:
                texts = there[name].texts()
                made.append((texts if keep is None else texts.filter(keep)).alias(f"{DATUM}{name}"))
            else:
                made.append(pl.Series(f"{DATUM}{name}", [None], dtype=pl.String).new_from_index(0, height))
        return pl.DataFrame(made)


def _column(data: bytes, kind: int, begin: Ints, length: Ints) -> _Column | None:
    """Return values of a *kind* that is no text; None for those that are left to the parser."""
    if kind in _NUMBERS:
        dtype = _NUMBERS[kind]
        number = gather(data, begin, int(dtype[2])).view(dtype)
        return _Column(lambda: pl.Series(number).cast(pl.String), quoted=False)
    if kind in _HEX:
        return _Column(partial(_hex, gather(data, begin, _HEX[kind]).view(f"<u{_HEX[kind]}")))
    if kind == GUID:
        octets = gather(data, begin, 16).view(np.uint8).reshape(-1, 16)
        return _Column(lambda: _guids(octets))
    if kind == SID:
        return _sids(data, begin, length)
    return None


def _hex(numbers: npt.NDArray[Any]) -> pl.Series:
    """Return numbers as Windows writes those of a hexadecimal type."""
    if (numbers == numbers[0]).all():
        return _repeated(f"0x{int(numbers[0]):x}", len(numbers))
    known, inverse = np.unique(numbers, return_inverse=True)
    return pl.Series([f"0x{one:x}" for one in known.tolist()], dtype=pl.String).gather(pl.Series(inverse))


def _sids(data: bytes, begin: Ints, length: Ints) -> _Column:
    """Return SIDs as text, and which of them are such."""
    first = data[int(begin[0]) : int(begin[0] + length[0])]
    number = len(begin)
    if sid_text(first) and _all_are(data, begin, length, first):
        return _Column(lambda: _repeated(sid_text(first), number))
    if (length == len(first)).all() and first:
        pieces: list[bytes] = gather(data, begin, len(first)).tolist()
    else:
        pieces = [data[at : at + size] for at, size in zip(begin.tolist(), length.tolist(), strict=True)]
    known = {piece: sid_text(piece) for piece in dict.fromkeys(pieces)}
    sound = np.array([bool(known[piece]) for piece in pieces], np.bool_) if "" in known.values() else None
    return _Column(lambda: pl.Series([known[piece] for piece in pieces], dtype=pl.String), sound=sound)


def _all_are(data: bytes, begin: Ints, length: Ints, first: bytes) -> bool:
    """Return whether all values are just *first*, as of many data in a log all are the same."""
    if not (length == len(first)).all():
        return False
    return not first or gather(data, begin, len(first)).tobytes() == first * len(begin)


def _repeated(text: str, number: int) -> pl.Series:
    return pl.Series([text], dtype=pl.String).new_from_index(0, number)


def _guids(octets: npt.NDArray[np.uint8]) -> pl.Series:
    """Return GUIDs, 16 bytes each, in upper case."""
    digits = octets[:, _GUID_ORDER].tobytes().hex().upper().encode()
    made = np.full((len(octets), 36), ord("-"), np.uint8)
    places = [place for place in range(36) if place not in _DASHES]
    made[:, places] = np.frombuffer(digits, np.uint8).reshape(-1, 32)
    return _cut(made.tobytes(), np.arange(len(octets) + 1) * 36)


def _cut(joined: bytes, bounds: Ints) -> pl.Series:
    """Return the texts in *joined*, ASCII, that stand between *bounds*."""
    return pl.Series(na.c_array_from_buffers(na.large_string(), len(bounds) - 1, [None, bounds, joined], null_count=0), dtype=pl.String)


class _Texts:
    """Texts of UTF-16 at *begin*, a row for each record and a column for each datum."""

    def __init__(self, data: bytes, begin: Ints, length: Ints) -> None:
        self._rows, width = begin.shape
        self.sound: Flags = np.ones(self._rows, np.bool_)
        self._same: dict[int, str] = {}  # data that are the same in all records
        self._made: dict[int, tuple[bytes, Ints]] = {}  # the characters of the others, and where each text ends
        for column in range(width if self._rows else 0):
            at, size = begin[:, column], length[:, column]
            text = _same(data, at, size)
            if text is not None:
                self._same[column] = text
                continue
            made, sound = _close(data, at, size) or _scattered(data, at, size)
            self._made[column] = made, np.append(0, np.cumsum(size // 2))
            self.sound &= sound & (size % 2 == 0)

    def escaped(self, column: int) -> str:
        """Return those characters in the texts of a datum that JSON escapes, and perhaps others."""
        if column in self._same:
            return self._same[column]
        made = self._made[column][0]
        return "".join(chr(one[0]) for one in _TO_ESCAPE if one in made)

    def column(self, number: int) -> pl.Series:
        """Return the texts of a datum."""
        return _repeated(self._same[number], self._rows) if number in self._same else _cut(*self._made[number])


def _close(data: bytes, at: Ints, size: Ints) -> tuple[bytes, Flags] | None:
    """Return the characters of texts of like sizes together, and which texts are sound; None where sizes differ much.

    As many bytes as the longest has are taken of each.
    """
    width = int(size.max()) // 2 * 2
    if not width or width > _LONG or width * len(size) > _SPREAD * int(size.sum()) or int(at.max()) + width > len(data):
        return None
    units = gather(data, at, width).view("<u2").reshape(len(at), -1)
    odd = (units - np.uint16(0x20)) > np.uint16(0x5E)
    inside = None if (size // 2 * 2 == width).all() else np.arange(width // 2) < (size // 2)[:, None]
    if inside is not None:
        odd &= inside
    wrong = _wrong(units, odd)
    characters = units.astype(np.uint8)
    sound = np.ones(len(at), np.bool_)
    if wrong is not None:
        characters[wrong] = ord("?")  # what is not sound stays in its place, as nothing
        sound[wrong.any(axis=1)] = False
    return (characters if inside is None else characters[inside]).tobytes(), sound


def _scattered(data: bytes, at: Ints, size: Ints) -> tuple[bytes, Flags]:
    """Return the characters of texts of any sizes together, and which texts are sound."""
    ends = np.cumsum(size // 2)
    where = np.repeat(at - 2 * (ends - size // 2), size // 2)
    where += 2 * np.arange(len(where))
    units = np.ndarray((len(data) - 1,), "<u2", data, 0, (1,))[where]  # they stand at odd places, too
    wrong = _wrong(units, (units - np.uint16(0x20)) > np.uint16(0x5E))
    characters = units.astype(np.uint8)
    sound = np.ones(len(at), np.bool_)
    if wrong is not None:
        characters[wrong] = ord("?")
        sound[np.searchsorted(ends, np.flatnonzero(wrong), side="right")] = False
    return characters.tobytes(), sound


def _wrong(units: npt.NDArray[np.uint16], odd: Flags) -> Flags | None:
    """Return which of the *odd* characters are none that are written here; None where there is none."""
    if not odd.any():
        return None
    odd &= ~np.isin(units, _BLANKS)
    return odd if odd.any() else None


def _same(data: bytes, begin: Ints, length: Ints) -> str | None:
    """Return the text of ASCII that all of a datum are; None where they are not."""
    first = data[int(begin[0]) : int(begin[0] + length[0])]
    if len(first) % 2 or first[1::2].strip(b"\0") or first[::2].translate(None, _PLAIN) or not _all_are(data, begin, length, first):
        return None
    return first[::2].decode("ascii")
