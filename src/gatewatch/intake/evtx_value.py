"""The system parts of many EVTX records, read from their values: numbers, times and names in arrays.

A record that follows a template holds an array of values: their sizes and types, then their bytes. What a template cannot tell
(:mod:`gatewatch.intake.evtx_template`) or is of another type than Windows writes makes the record odd: it is decoded as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
import numpy.typing as npt

from gatewatch.intake.evtx_chunk import CHUNK_HEAD, CHUNK_SIZE, RECORD_HEAD
from gatewatch.intake.evtx_template import CHANNEL, NAMED, SLOTS, TEMPLATE_HEAD, Template, Templates, read_event

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

TEXT, UINT16, UINT32, UINT64, GUID, FILETIME, SID = 0x01, 0x06, 0x08, 0x0A, 0x0F, 0x11, 0x13  # types
_FRAGMENT, _INSTANCE = 0x0001010F, 0x0C  # how the binary XML of a record begins
_DEFINITION = RECORD_HEAD + 10  # where a record says at which byte its template is defined
_VALUES = _DEFINITION + 4
_LEAST = _VALUES + TEMPLATE_HEAD + 8  # bytes of a record that has a template
_MOST_VALUES = 1 << 10
_MOST_NAMES = 1 << 10
_WIDTH = len(SLOTS) + len(NAMED) + 1  # numbers that are kept of a template


class Names:
    """Texts that come again and again, by number; threads may share them."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._lock = Lock()

    def number(self, text: str) -> int:
        """Return the number of *text*; -1 where there are too many to be true."""
        found = self._numbers.get(text)
        if found is not None:
            return found
        with self._lock:
            if text not in self._numbers:
                if len(self.texts) >= _MOST_NAMES:
                    return -1
                self.texts.append(text)
                self._numbers[text] = len(self.texts) - 1
            return self._numbers[text]


@dataclass(frozen=True, slots=True)
class Values:
    """The values of some records, one entry or row for each in every array.

    ``sound``: whether they can be read; ``slots``: by slot, the place among the values; ``constant``: the numbers of constant names;
    ``ends``: where each value ends; ``described``: type and size of each; ``end``: where the record ends; ``base``: where its chunk begins;
    ``template``: the number of its template; ``sizes``: where types and sizes of all its values stand; ``count``: how many they are.
    """

    data: bytes
    sound: Flags
    slots: Ints
    constant: Ints
    ends: Ints
    described: npt.NDArray[np.uint32]
    end: Ints
    base: Ints
    template: Ints
    sizes: Ints
    count: Ints

    def take(self, rows: Ints) -> Values:
        """Return the values of the records *rows*."""
        system = (self.sound, self.slots, self.constant, self.ends, self.described, self.end, self.base)
        arrays = (*system, self.template, self.sizes, self.count)
        return Values(self.data, *(array[rows] for array in arrays))  # type: ignore[arg-type]  # they keep their types

    def find(self, slot: int, kind: int, size: int = -1) -> tuple[Ints, Ints, Flags, Flags]:
        """Return, for the values of *slot*, place and size; which are there; which are not of this *kind* and *size* (-1: any)."""
        row = np.arange(len(self.sound))
        there = self.sound & (self.slots[:, slot] >= 0)
        index = np.where(there, self.slots[:, slot], 0)
        what = self.described[row, index].astype(np.int64)
        end, length = self.ends[row, index], what & 0xFFFF
        there &= length > 0
        right = (what >> 16 == kind) & (end <= self.end) & ((length == size) | (size < 0))
        return np.where(there & right, end - length, self.base), length, there & right, there & ~right

    def numbers(self, slot: int, kind: int, dtype: str) -> tuple[Ints, Flags, Flags]:
        """Return the numbers of *slot*, which are there, and which are odd."""
        width = np.dtype(dtype).itemsize
        at, _, there, odd = self.find(slot, kind, width)
        return gather(self.data, at, width).view(dtype).astype(np.int64), there, odd

    def names(self, slot: int, names: Names) -> tuple[Ints, Flags]:
        """Return the numbers of the names of *slot* (-1: none), and which are odd."""
        number = self.constant[:, NAMED.index(slot)].copy()
        at, size, there, odd = self.find(slot, TEXT)
        if there.any():
            number[there] = self._named(at[there], size[there], names)
        return number, odd | (there & (number < 0)) | ~self.sound

    def _named(self, at: Ints, size: Ints, names: Names) -> Ints:
        """Return the numbers of the names of *size* bytes at the places *at*; nearly always all are the same."""
        first = self.data[int(at[0]) : int(at[0] + size[0])]
        if (size == len(first)).all() and gather(self.data, at, len(first)).tobytes() == first * len(at):
            return np.full(len(at), names.number(first.decode("utf-16-le", "replace")), np.int64)
        return self.mapped(at, size, lambda name: names.number(name.decode("utf-16-le", "replace")))

    def mapped(self, at: Ints, size: Ints, number: Callable[[bytes], int]) -> Ints:
        """Return what *number* says of the *size* bytes at the places *at*; it is asked once for the same bytes."""
        pieces = self.pieces(at, size)
        known = {piece: number(piece) for piece in dict.fromkeys(pieces)}
        return np.array([known[piece] for piece in pieces], np.int64)

    def pieces(self, at: Ints, size: Ints) -> list[bytes]:
        """Return the *size* bytes at the places *at*; often all are of one size."""
        length = int(size[0]) if len(size) else 0
        if length and (size == length).all():
            alike: list[bytes] = gather(self.data, at, length).tolist()
            return alike
        return [self.data[begin : begin + length] for begin, length in zip(at.tolist(), size.tolist(), strict=True)]


class ValueReader:
    """Finds the values of records; remembers the templates of a file and its names."""

    def __init__(self) -> None:
        self.channels = Names()
        self.names = Names()  # of providers and computers
        self.register = Register(read_event)
        self._rows = [(-1,) * _WIDTH]  # what is kept of each template; last, of none

    def read(self, data: bytes, start: Ints, size: Ints) -> Values:
        """Return the values of the records that begin at *start* in the chunks *data*."""
        octets, halves = np.frombuffer(data, np.uint8), np.frombuffer(data, "<u2")
        end, base = start + size, start // CHUNK_SIZE * CHUNK_SIZE
        usual = (size >= _LEAST) & (np.frombuffer(data, "<u4")[(start + RECORD_HEAD) // 4] == _FRAGMENT)
        usual &= octets[start + RECORD_HEAD + 4] == _INSTANCE
        begin = np.where(usual, start, base)  # what is read of the others says nothing
        definition = _word(halves, begin + _DEFINITION)
        usual &= (definition >= CHUNK_HEAD) & (definition < CHUNK_SIZE - TEMPLATE_HEAD)
        inline = definition == begin + _VALUES - base
        values = begin + _VALUES + np.where(inline, _word(halves, begin + _VALUES + TEMPLATE_HEAD - 4) + TEMPLATE_HEAD, 0)
        usual &= values + 4 <= end
        known = self._by_template(data, base + definition, usual)
        slots, constant, template = known[:, : len(SLOTS)], known[:, len(SLOTS) : -1], known[:, -1]
        values = np.where(usual, values, base)
        count = octets[values].astype(np.int64) | octets[values + 1].astype(np.int64) << 8
        width = int(slots.max()) + 1 if len(slots) and slots.max() >= 0 else 1
        sound = usual & (slots[:, 0] >= 0) & (count > slots.max(axis=1)) & (count < _MOST_VALUES)
        sound &= (octets[values + 2] == 0) & (octets[values + 3] == 0) & (values + 4 + 4 * width <= len(data))
        sizes = np.where(sound, values + 4, base)  # for each value four bytes: its size (2), its type, nothing
        described = gather(data, sizes, 4 * width).view("<u4").reshape(-1, width)
        ends = np.cumsum(described & 0xFFFF, axis=1, dtype=np.int64) + (sizes + 4 * count)[:, None]
        return Values(data, sound, slots, constant, ends, described, end, base, template, sizes, count)

    def _by_template(self, data: bytes, place: Ints, usual: Flags) -> Ints:
        """Return, for each record, the slots of the template defined at *place*, the numbers of its constant names, and its own."""
        number = self.register.at(data, place, usual)
        for template in self.register.templates[len(self._rows) - 1 :]:
            self._rows.insert(-1, (*self._numbered(template), len(self._rows) - 1))
        known: Ints = np.array(self._rows, np.int64)[number]  # the last row is that of -1
        return known

    def _numbered(self, template: Template) -> tuple[int, ...]:
        registers = (self.channels if slot == CHANNEL else self.names for slot in NAMED)
        names = (-1 if text is None else names.number(text) for text, names in zip(template.texts, registers, strict=True))
        return (*template.slots, *names)


class Register:
    """The templates of a file, by number; threads may share them."""

    def __init__(self, read: Callable[[bytes, int, int], Template | None]) -> None:
        self._lock = Lock()
        self.templates: list[Template] = []
        self._numbers: dict[int, int] = {}  # by identity: they stay in the list
        self._known = Templates(read)

    def at(self, data: bytes, place: Ints, usual: Flags) -> Ints:
        """Return the numbers of the templates defined at *place* where it is *usual*; -1 for none. The same few stand in every chunk."""
        number = np.full(len(place), -1, np.int64)
        places, inverse = np.unique(place[usual], return_inverse=True)
        if len(places):
            with self._lock:
                made = self._at(data, places)
            number[usual] = made[inverse]
        return number

    def _at(self, data: bytes, places: Ints) -> Ints:
        made = np.empty(len(places), np.int64)
        alike: dict[bytes, list[int]] = {}
        for row, place in enumerate(places.tolist()):
            alike.setdefault(data[place + 4 : place + TEMPLATE_HEAD], []).append(row)
        for key, rows in alike.items():
            template = self._known.known(key)
            if template is not None and _all_fit(template, data, places[rows]):
                made[rows] = self._number(template)
            else:
                for row in rows:
                    place = int(places[row])
                    made[row] = self._number(self._known.find(data, place // CHUNK_SIZE * CHUNK_SIZE, place))
        return made

    def _number(self, template: Template | None) -> int:
        if template is None:
            return -1
        found = self._numbers.get(id(template))
        if found is None:
            found = self._numbers[id(template)] = len(self.templates)
            self.templates.append(template)
        return found


def _all_fit(template: Template, data: bytes, places: Ints) -> bool:
    """Return whether the templates at *places* all are this one; GUID and size are compared already."""
    reach = max((at + len(piece) for at, piece in template.proof), default=0)
    if int(places.max()) + reach > len(data):
        return False
    return all(gather(data, places + at, len(piece)).tobytes() == piece * len(places) for at, piece in template.proof)


def gather(data: bytes, at: Ints, width: int) -> npt.NDArray[np.void]:
    """Return the *width* bytes at each of the places *at*."""
    every = np.ndarray((len(data) - width + 1,), f"V{width}", data, 0, (1,))
    return every[at]


def _word(halves: npt.NDArray[np.uint16], at: Ints) -> Ints:
    """Return the numbers of four bytes at the even places *at*."""
    low: Ints = halves[at // 2].astype(np.int64)
    return low | halves[at // 2 + 1].astype(np.int64) << 16
