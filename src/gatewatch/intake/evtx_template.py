"""Templates of EVTX records, read as far as it takes to read a record without decoding it.

Windows writes an event as a template (the XML with its constant text) and an array of values. What the system part of an event holds is
one of the values or constant text; the data of most events are values with names. A template of another make gives None: its records are
decoded to be judged.

References: libevtx, "Windows XML Event Log (EVTX) format" (binary XML); [MS-EVEN6] 2.2.12.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import NamedTuple

TEMPLATE_HEAD = 24  # next template, GUID, size of the data that follows
EVENT_ID, CHANNEL, PROVIDER, COMPUTER, TIME, RECORD, PROCESS, ACTIVITY, USER = SLOTS = range(9)
NAMED = (CHANNEL, PROVIDER, COMPUTER)  # may be constant
_MORE = 0x40  # a flag of tokens: more follow
_TEXT = 0x01  # a type of values
_OPEN, _CLOSE_START, _CLOSE_EMPTY, _CLOSE, _VALUE, _ATTRIBUTE, _FRAGMENT = 1, 2, 3, 4, 5, 6, 15
_NORMAL, _OPTIONAL = 13, 14  # substitutions
_SYSTEM = ["Event", "System"]
_ELEMENTS = {"EventID": EVENT_ID, "Channel": CHANNEL, "Computer": COMPUTER, "EventRecordID": RECORD}
_ATTRIBUTES = {
    ("Provider", "Name"): PROVIDER,
    ("TimeCreated", "SystemTime"): TIME,
    ("Correlation", "ActivityID"): ACTIVITY,
    ("Execution", "ProcessID"): PROCESS,
    ("Security", "UserID"): USER,
}
_TOKENS = 500  # of one template that are looked at
_MOST = 64  # values of a record that are looked at for its system part, and data
_MOST_VALUES = 128  # of a record
_BINARY = 0x21  # the type of a value that is binary XML
_FRAGMENT_HEAD = bytes((_FRAGMENT, 1, 1, 0))
_ALL_CLOSED, _INNER_CLOSED, _DATA_CLOSED = bytes((_CLOSE, _CLOSE, 0)), bytes((_CLOSE, 0)), bytes((_CLOSE, 0))  # data, event, the end
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of a datum that is written as it stands


class Template(NamedTuple):
    """Where the system part and the data of a template's records stand.

    ``slots``: by :data:`SLOTS`, the place among the values, -1 where there is none; ``texts``: by :data:`NAMED`, the constant ones; ``data``: name
    and place of each datum, where all there is behind the system part are data with names of their own, each of which is a value; else empty.
    ``inner``: the place of the value that holds the data, as binary XML with a template of its own; -1 where there is none.
    ``proof`` are the bytes, and where they stand, by which the same template is known again in another chunk.
    """

    slots: tuple[int, ...]
    texts: tuple[str | None, ...]
    proof: tuple[tuple[int, bytes], ...]
    data: tuple[tuple[str, int], ...] = ()
    inner: int = -1

    def fits(self, data: bytes, start: int) -> bool:
        """Return whether the template at *start* of *data* is this one; its GUID and size are compared already."""
        for at, piece in self.proof:  # noqa: SIM110 - asked for every template of every chunk: a generator takes twice the time
            if not data.startswith(piece, start + at):
                return False
        return True


class Templates:
    """The templates of a file, remembered by GUID and size; *read* reads one."""

    def __init__(self, read: Callable[[bytes, int, int], Template | None]) -> None:
        self._read = read
        self._known: dict[bytes, Template | None] = {}

    def known(self, key: bytes) -> Template | None:
        """Return the template of this GUID and size that was found last; None where there is none."""
        return self._known.get(key)

    def find(self, data: bytes, base: int, start: int) -> Template | None:
        """Return the template that is defined at *start* of *data*, in the chunk at *base*; None where it is of another make."""
        key = data[start + 4 : start + TEMPLATE_HEAD]
        known = self._known.get(key)
        if known is not None and known.fits(data, start):
            return known
        if known is None and key in self._known:
            return None
        made = self._known[key] = self._read(data, base, start)
        return made


def read_event(data: bytes, base: int, start: int) -> Template | None:
    """Return the template of an event that is defined at *start*; None where it is of another make."""
    try:
        return _Walk(data, base, start).template()
    except (struct.error, IndexError, UnicodeDecodeError):
        return None


def read_data(data: bytes, base: int, start: int) -> Template | None:
    """Return the template of the data of an event that is defined at *start*; None where it is of another make."""
    try:
        return _Walk(data, base, start).data_template()
    except (struct.error, IndexError, UnicodeDecodeError):
        return None


class _Walk:
    """A walk through the tokens of one template."""

    def __init__(self, data: bytes, base: int, start: int) -> None:
        self.data = data
        self.base = base
        self.start = start
        self.at = start + TEMPLATE_HEAD
        self.path: list[str] = []
        self.found: dict[int, int | str] = {}
        self.proof: list[tuple[int, bytes]] = []

    def template(self) -> Template | None:
        for _ in range(_TOKENS):
            inside = self.path[:2] == _SYSTEM
            if not self._step():
                return None
            if inside and self.path == ["Event"]:
                break
        if not isinstance(self.found.get(EVENT_ID), int) or CHANNEL not in self.found:
            return None
        slots = tuple(place if isinstance(place := self.found.get(slot), int) else -1 for slot in SLOTS)
        texts = tuple(text if isinstance(text := self.found.get(slot), str) else None for slot in NAMED)
        data, inner = self._rest()
        return Template(slots, texts, tuple(self.proof), data, inner)

    def data_template(self) -> Template | None:
        """Return the template of the data alone, which is a value of another; None where it is of another make."""
        if not self.data.startswith(_FRAGMENT_HEAD, self.at):
            return None
        self.at += len(_FRAGMENT_HEAD)
        found = self._data(_DATA_CLOSED)
        return Template((), (), tuple(self.proof), found) if found else None

    def _rest(self) -> tuple[tuple[tuple[str, int], ...], int]:
        """Return the data behind the system part, and the place of the value that holds them (-1: they are values of this template)."""
        piece = self.data[self.at : self.at + 4 + len(_INNER_CLOSED)]
        if len(piece) > 4 and piece[0] in (_NORMAL, _OPTIONAL) and piece[3] == _BINARY and piece[4:] == _INNER_CLOSED:
            place = int.from_bytes(piece[1:3], "little")
            self.proof.append((self.at - self.start, piece))
            return (), place if place < _MOST_VALUES else -1
        return self._data(_ALL_CLOSED), -1

    def _data(self, closed: bytes) -> tuple[tuple[str, int], ...]:
        """Return name and place of the data that follow, up to the bytes *closed* at the end; empty where there is anything else."""
        found: dict[str, int] = {}
        proof: list[tuple[int, bytes]] = []
        try:
            if not self._opens(_OPEN, "EventData"):
                return ()
            while self.data[self.at] == _OPEN | _MORE and len(found) < _MOST:
                name, place = self._datum(proof)
                if not _NAME.fullmatch(name) or name == "Data" or name in found:
                    return ()
                found[name] = place
        except (struct.error, IndexError, ValueError):
            return ()
        if not self.data.startswith(closed, self.at):
            return ()
        self.proof += [*proof, (self.at - self.start, closed)]
        return tuple(found.items())

    def _opens(self, token: int, name: str) -> bool:
        """Pass the beginning of an element and return whether it is just that."""
        if self.data[self.at] != token:
            return False
        self.at += 7  # token, dependency, size
        if self._name() != name:
            return False
        self.at += 4 if token & _MORE else 1  # size of the attributes, or the token that closes the beginning
        return bool(token & _MORE) or self.data[self.at - 1] == _CLOSE_START

    def _datum(self, proof: list[tuple[int, bytes]]) -> tuple[str, int]:
        """Pass ``<Data Name="name">%place</Data>``; ValueError for anything else."""
        if not self._opens(_OPEN | _MORE, "Data") or self.data[self.at] != _ATTRIBUTE:
            raise ValueError
        self.at += 1
        called = self._name()
        begin = self.at
        length = struct.unpack_from("<H", self.data, begin + 2)[0]
        end = begin + 4 + 2 * length
        self.at = end + 6  # the token that closes the beginning, the substitution, the token that closes the element
        piece = self.data[begin : self.at]
        place = int.from_bytes(self.data[end + 2 : end + 4], "little")
        usual = called == "Name" and piece[:2] == bytes((_VALUE, _TEXT)) and self.data[end] == _CLOSE_START
        if not usual or self.data[end + 1] not in (_NORMAL, _OPTIONAL) or self.data[end + 5] != _CLOSE or place >= _MOST_VALUES:
            raise ValueError
        proof.append((begin - self.start, piece))
        return piece[4 : 4 + 2 * length].decode("utf-16-le"), place

    def _step(self) -> bool:
        """Pass one token; return False at the end and where it is none of those known here."""
        begin = self.at
        token = self.data[begin]
        kind = token & ~_MORE
        self.at += 1
        if token == _FRAGMENT:
            self.at += 3
        elif kind == _OPEN:
            self.at += 6  # dependency, size
            self.path.append(self._name())
            self.at += 4 if token & _MORE else 0  # size of the attributes
        elif kind == _ATTRIBUTE:
            name = self._name()
            return self._value(_ATTRIBUTES.get((self.path[-1], name)) if self.path[:-1] == _SYSTEM else None)
        elif token in (_CLOSE_EMPTY, _CLOSE):
            self.path.pop()
            return bool(self.path)
        elif kind in (_VALUE, _NORMAL, _OPTIONAL):
            self.at = begin
            return self._value(_ELEMENTS.get(self.path[-1]) if self.path[:-1] == _SYSTEM else None)
        else:
            return token == _CLOSE_START
        return True

    def _value(self, slot: int | None) -> bool:
        """Pass a value; where it belongs to a *slot*, remember it."""
        begin = self.at
        token = self.data[begin] & ~_MORE
        if token in (_NORMAL, _OPTIONAL):
            self.at += 4
        elif token == _VALUE and self.data[begin + 1] == _TEXT:
            self.at += 4 + 2 * int.from_bytes(self.data[begin + 2 : begin + 4], "little")
        else:
            return False
        if slot is None or self.at > len(self.data):
            return slot is None
        piece = self.data[begin : self.at]
        self.proof.append((begin - self.start, piece))
        if slot in self.found or (token == _VALUE and slot not in NAMED):
            return False
        self.found[slot] = piece[4:].decode("utf-16-le") if token == _VALUE else int.from_bytes(piece[1:3], "little")
        return token == _VALUE or int.from_bytes(piece[1:3], "little") < _MOST

    def _name(self) -> str:
        """Return the name that a token refers to and pass it, where it stands in this place."""
        place = self.base + struct.unpack_from("<I", self.data, self.at)[0]
        self.at += 4
        (length,) = struct.unpack_from("<H", self.data, place + 6)
        end = place + 8 + 2 * length
        if place == self.at:
            self.at = end + 2
        return self.data[place + 8 : end].decode("utf-16-le")
