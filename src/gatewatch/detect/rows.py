"""Rows: the rows of one stage of a match, looked up in what all matches of a chain share."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import overload

import numpy as np

from gatewatch.detect.timeline import Bools, Ints


class Chosen:
    """Rows that are looked at, of all that matches hold: which of a timeline's they are is found once for all its matches."""

    def __init__(self, rows: Container[int]) -> None:
        self._rows = rows
        self._masks: dict[int, tuple[Sequence[int], Bools]] = {}  # by the identity of a timeline's rows, which are kept so that it stays theirs

    def of(self, rows: Sequence[int]) -> list[int]:
        """Return which of *rows* are among them, in order."""
        return rows.among(self.mask) if isinstance(rows, Rows) else [row for row in rows if row in self._rows]

    def mask(self, rows: Sequence[int]) -> Bools:
        """Return which of a timeline's *rows* are among them, by position."""
        found = self._masks.get(id(rows))
        if found is None:
            found = self._masks[id(rows)] = rows, np.fromiter((row in self._rows for row in rows), np.bool_, len(rows))
        return found[1]


class Rows(Sequence[int]):
    """The rows at some positions of a timeline; equal to a tuple of the same numbers.

    ``of`` are the rows of the whole timeline, ``parts`` views of the positions.
    """

    __slots__ = ("_of", "_parts")

    def __init__(self, of: Sequence[int], parts: tuple[Ints, ...]) -> None:
        self._of = of
        self._parts = parts

    def __iter__(self) -> Iterator[int]:
        """Iterate over the rows, in order."""
        of = self._of
        return iter([of[position] for part in self._parts for position in part.tolist()])

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(map(len, self._parts))

    @overload
    def __getitem__(self, at: int) -> int: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[int, ...]: ...

    def __getitem__(self, at: int | slice) -> int | tuple[int, ...]:
        """Return one row, or some."""
        part = self._within(at)
        if part is None:
            return tuple(self)[at]
        of, chosen = self._of, part[at]
        return tuple([of[position] for position in chosen.tolist()]) if isinstance(at, slice) else of[int(chosen)]

    def among(self, mask: Callable[[Sequence[int]], Bools]) -> list[int]:
        """Return the rows at whose positions *mask*, told the rows of the whole timeline, is true, in order."""
        of, chosen = self._of, mask(self._of)
        return [of[position] for part in self._parts for position in part[chosen[part]].tolist()]

    def _within(self, at: int | slice) -> Ints | None:
        """Return the part that alone holds what is asked for; None where that takes a look at all of them."""
        first, last = self._parts[0], self._parts[-1]
        if len(self._parts) == 1:
            return first
        if isinstance(at, int):
            return first if 0 <= at < len(first) else last if -len(last) <= at < 0 else None
        begins = at.start is None and at.stop is not None and 0 <= at.stop <= len(first)
        ends = at.stop is None and at.start is not None and -len(last) <= at.start < 0
        return None if at.step is not None else first if begins else last if ends else None

    def __eq__(self, other: object) -> bool:
        """Whether *other* holds the same rows."""
        return isinstance(other, (tuple, Rows)) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        """Return the hash of the rows as a tuple."""
        return hash(tuple(self))

    def __repr__(self) -> str:
        """Return the rows as a tuple is written."""
        return repr(tuple(self))
