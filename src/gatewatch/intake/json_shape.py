"""Shapes of JSON records: what tells the objects of one kind of log apart, and how they become records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import msgspec
import polars as pl

from gatewatch.intake.batch import RawReject
from gatewatch.schema.records import RECORD_DTYPES

Interest = Callable[[str, int], bool]
"""Whether an event of a Windows channel and id can matter."""


@runtime_checkable
class Hinting(Protocol):
    """An :data:`Interest` that knows more."""

    def hint(self, channel: str, event_id: int) -> str | None:
        """Return the regex that the data of such an event, as JSON, must hold to matter; None where all matter."""


BROKEN = "broken JSON"
FAULTS = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
"""What decoding an object may raise."""


class _Any(msgspec.Struct, gc=False):
    """Any object: decoding it only tells whether it is sound."""


_any = msgspec.json.Decoder(_Any)


class Proof:
    """Whether each of *count* lines, all of which begin with ``{`` and end with ``}``, is one sound object.

    Objects are counted over all lines at once, which is quicker than line by line and tells the same: no value but an object ends with ``}``, none
    goes on with ``{`` behind it, and no text runs over the end of a line. So each line holds whole objects, and where there are as many as lines,
    one.
    """

    def __init__(self, lines: Any, count: int) -> None:
        self._lines = lines
        self._count = count
        self._holds: bool | None = None

    def covers(self, number: int) -> bool:
        """Return whether all lines are sound; False, unlooked, where only a few of them, *number*, are asked about."""
        if self._holds is None and 2 * number >= self._count:
            try:
                self._holds = len(_any.decode_lines(self._lines)) == self._count
            except FAULTS:
                self._holds = False
        return self._holds is True


@dataclass(frozen=True, slots=True)
class Objects:
    """JSON objects in file order: their text and where each begins, and what may prove all of them sound."""

    text: pl.Series
    offset: pl.Series
    proof: Proof | None = None

    @classmethod
    def of(cls, found: list[tuple[int, str]]) -> Objects:
        """Return *found*, pairs of offset and text, as objects."""
        return cls(pl.Series([text for _, text in found], dtype=pl.String), pl.Series([offset for offset, _ in found], dtype=pl.Int64))

    def __len__(self) -> int:
        return len(self.text)

    def filter(self, mask: pl.Series) -> Objects:
        """Return the objects that *mask* marks."""
        return Objects(self.text.filter(mask), self.offset.filter(mask), self.proof)

    def merged(self, others: Objects) -> Objects:
        """Return these and *others* in the order of their offsets."""
        if not len(self) or not len(others):
            return others if not len(self) else self
        offset = pl.concat([self.offset, others.offset])
        order = offset.arg_sort()
        return Objects(pl.concat([self.text, others.text]).gather(order), offset.gather(order), self.proof if self.proof is others.proof else None)

    def pairs(self) -> list[tuple[int, str]]:
        """Return ``(offset, text)`` of each."""
        return list(zip(self.offset.to_list(), self.text.to_list(), strict=True))


@dataclass(slots=True)
class Framed:
    """What a shape made of objects.

    ``records``: those that are its own, in file order (the caller numbers them by their offsets); ``skipped``: its own that nobody was interested
    in, by channel and event id; ``rejects``: its own that lack what a record needs (numbered by the caller); ``left``: no such objects;
    ``broken``: no sound JSON.
    """

    records: pl.DataFrame
    left: Objects
    skipped: Counter[tuple[str, int]] = field(default_factory=Counter)
    rejects: list[RawReject] = field(default_factory=list)
    broken: list[tuple[int, str]] = field(default_factory=list)


class Shape(Protocol):
    """The objects of one kind of log. ``regex``: linear-time, over an object's text; every such object matches it (others may)."""

    @property
    def name(self) -> str:
        """The name users see."""

    @property
    def regex(self) -> str:
        """What every object of the shape matches."""

    def frame(self, objects: Objects, interest: Interest | None) -> Framed:
        """Make records of those of *objects* that are of this shape."""


@dataclass(frozen=True, slots=True)
class JsonShape:
    """A shape whose objects become plain records: ``program`` is its name, ``fields`` the object; its source does the rest."""

    name: str
    regex: str

    def frame(self, objects: Objects, interest: Interest | None) -> Framed:  # noqa: ARG002 - only Windows has channels
        """Make a record of each object that matches the regex."""
        ours = objects.text.str.contains(self.regex)
        mine, broken = parted(objects.filter(ours))
        columns = [
            mine.offset.alias("offset"),
            pl.Series("program", [self.name], dtype=pl.String).new_from_index(0, len(mine)),
            pl.Series("count", [1], dtype=pl.UInt32).new_from_index(0, len(mine)),
            mine.text.str.strip_chars(" \t\r\n").alias("fields"),
        ]
        known = {column.name: column for column in columns}
        table = [known.get(name, pl.Series(name, [None], dtype=dtype).new_from_index(0, len(mine))) for name, dtype in RECORD_DTYPES.items()]
        return Framed(pl.DataFrame(table), objects.filter(~ours), broken=broken)


def parted(objects: Objects) -> tuple[Objects, list[tuple[int, str]]]:
    """Return which of *objects* are sound, and the others as pairs of offset and text."""
    if objects.proof is not None and objects.proof.covers(len(objects)):
        return objects, []
    sound = [_is_sound(text) for text in objects.text.to_list()]
    if all(sound):
        return objects, []
    mask = pl.Series(sound, dtype=pl.Boolean)
    return objects.filter(mask), objects.filter(~mask).pairs()


def _is_sound(text: str) -> bool:
    try:
        _any.decode(text)
    except FAULTS:
        return False
    return True
