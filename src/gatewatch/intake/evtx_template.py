"""Templates of EVTX records, read only as far as it takes to read the system part of a record without decoding it.

Windows writes an event as a template (the XML with its constant text) and an array of values. What the system part of an event holds is
one of the values or constant text. A template of another make gives None: its records are decoded to be judged.

References: libevtx, "Windows XML Event Log (EVTX) format" (binary XML); [MS-EVEN6] 2.2.12.
"""

from __future__ import annotations

import struct
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
_MOST = 64  # values of a record that are looked at


class Template(NamedTuple):
    """Where the system part of a template's records stands.

    ``slots``: by :data:`SLOTS`, the place among the values, -1 where there is none; ``texts``: by :data:`NAMED`, the constant ones.
    ``proof`` are the bytes, and where they stand, by which the same template is known again in another chunk.
    """

    slots: tuple[int, ...]
    texts: tuple[str | None, ...]
    proof: tuple[tuple[int, bytes], ...]

    def fits(self, data: bytes, start: int) -> bool:
        """Return whether the template at *start* of *data* is this one; its GUID and size are compared already."""
        for at, piece in self.proof:  # noqa: SIM110 - asked for every template of every chunk: a generator takes twice the time
            if not data.startswith(piece, start + at):
                return False
        return True


class Templates:
    """The templates of a file, remembered by GUID and size."""

    def __init__(self) -> None:
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
        made = self._known[key] = _read(data, base, start)
        return made


def _read(data: bytes, base: int, start: int) -> Template | None:
    try:
        return _Walk(data, base, start).template()
    except (struct.error, IndexError, UnicodeDecodeError):
        return None


class _Walk:
    """A walk through the tokens of one template, to the end of its system part."""

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
        return Template(slots, texts, tuple(self.proof))

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
