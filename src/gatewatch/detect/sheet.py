"""Predicates over keys of ``extra``, answered together: each key is read once, each distinct value asked once, each leaf once.

:func:`ask` gives the rows that meet each of many predicates, as :func:`gatewatch.detect.predicate.expression` would. Windows events repeat
themselves: the values of most keys are few, so a leaf is asked of the distinct values and looked up for the rows. A conjunction goes
on with the rows that are left, the cheap parts first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewatch.detect.extra_key import read
from gatewatch.detect.predicate import All, Among, Constant, Leaf, Not, Predicate, Some, columns_of, expression, leaves_of
from gatewatch.schema.packing import plain

Rows = NDArray[np.uint32]
Places = NDArray[np.intp]
Answers = NDArray[np.bool_]
SLICE = 1 << 17  # rows whose keys are held at a time
_SPARSE = 4  # distinct values are worth it when there are this many rows to each
_TOGETHER = 1 << 12  # leaves over so few distinct values are asked in one go
_CODE = "zz_code"


def ask(predicates: Mapping[str, Predicate], frame: pl.DataFrame, rows: pl.Series, size: int = SLICE) -> Iterator[tuple[str, Rows]]:
    """Yield, slice by slice, the numbers among *rows* of *frame* that meet each of *predicates*."""
    numbers = rows.to_numpy()
    leaves = list(dict.fromkeys(leaf for predicate in predicates.values() for leaf in leaves_of(predicate)))
    keys = {key for leaf in leaves for key in leaf.keys}
    columns = frozenset().union(*map(columns_of, predicates.values()))
    part = frame.select(sorted(columns))
    for start in range(0, len(numbers), size):
        chosen = rows[start : start + size]
        sheet = Sheet(read(part if len(chosen) == frame.height else part[chosen], keys), leaves)
        for name, predicate in predicates.items():
            yield name, numbers[start : start + size][sheet.holds(predicate, np.arange(len(chosen)))]


@dataclass(frozen=True, slots=True)
class _Distinct:
    """The distinct values of some columns, and which of them each row has."""

    values: pl.DataFrame
    codes: Places


class Sheet:
    """Some events with the columns that *leaves* read, and what is known of them so far."""

    def __init__(self, frame: pl.DataFrame, leaves: Iterable[Leaf]) -> None:
        self._frame = frame
        self._full = {name for name in frame.columns if frame[name].null_count() < frame.height}
        self._distinct: dict[tuple[str, ...], _Distinct | None] = {}
        self._told: dict[Leaf, Answers] = {}  # by distinct value, or by row where values are not repeated
        self._sharing: dict[tuple[str, ...], list[Leaf]] = {}
        for leaf in leaves:
            self._sharing.setdefault(self._columns(leaf), []).append(leaf)

    def holds(self, predicate: Predicate, places: Places) -> Answers:
        """Return which of the rows at *places* meet *predicate*."""
        match predicate:
            case Constant():
                return np.full(len(places), predicate.value)
            case Not():
                return ~self.holds(predicate.part, places)
            case Leaf():
                return self._leaf(predicate, places)
            case Among():
                found = plain(self._frame[places]).select(expression(predicate)).to_series()
                return found.to_numpy()
            case All() | Some():
                return self._fold(predicate, places)

    def _fold(self, predicate: All | Some, places: Places) -> Answers:
        """Ask the parts in turn of the rows not yet settled: by a no where all must hold, by a yes where one may."""
        settles = isinstance(predicate, Some)
        open_rows = np.arange(len(places))
        answers = np.full(len(places), not settles)
        for part in sorted(predicate.parts, key=self._cost):
            settled = self.holds(part, places[open_rows]) == settles
            answers[open_rows[settled]] = settles
            open_rows = open_rows[~settled]
            if not len(open_rows):
                break
        return answers

    def _cost(self, predicate: Predicate) -> int:
        match predicate:
            case Leaf():
                return 0 if self._values(self._columns(predicate)) is not None else 1
            case Not():
                return self._cost(predicate.part)
            case All() | Some():
                return 1 + max(map(self._cost, predicate.parts))
            case _:
                return 0

    def _columns(self, leaf: Leaf) -> tuple[str, ...]:
        """Return the columns that *leaf* reads and that hold anything at all."""
        names = [key.label for key in leaf.keys]
        made = {column for key in leaf.keys for column in key.columns}
        return tuple(name for name in (*names, *(name for name in leaf.columns if name not in made)) if name in self._full)

    def _values(self, columns: tuple[str, ...]) -> _Distinct | None:
        if columns not in self._distinct:
            self._distinct[columns] = self._factorise(columns)
        return self._distinct[columns]

    def _factorise(self, columns: tuple[str, ...]) -> _Distinct | None:
        height = self._frame.height
        if not columns:
            return _Distinct(self._frame.head(1), np.zeros(height, np.intp))
        values = self._frame.select(columns).unique(maintain_order=True)
        if values.height * _SPARSE > height:
            return None
        coded = self._frame.select(columns).join(values.with_row_index(_CODE), on=columns, how="left", maintain_order="left", nulls_equal=True)
        missing = [pl.lit(None, self._frame.schema[name]).alias(name) for name in self._frame.columns if name not in columns]
        return _Distinct(values.with_columns(missing), coded[_CODE].to_numpy().astype(np.intp))

    def _leaf(self, leaf: Leaf, places: Places) -> Answers:
        columns = self._columns(leaf)
        distinct = self._values(columns)
        if distinct is not None:
            if leaf not in self._told:
                few = distinct.values.height <= _TOGETHER
                self._tell(self._sharing[columns] if few else [leaf], distinct.values)
            return self._told[leaf][distinct.codes[places]]
        if leaf in self._told:
            return self._told[leaf][places]
        if len(places) * _SPARSE > self._frame.height:
            self._tell([leaf], self._frame)
            return self._told[leaf][places]
        return plain(self._frame[places]).select(_question(leaf)).to_series().to_numpy()

    def _tell(self, leaves: list[Leaf], frame: pl.DataFrame) -> None:
        told = plain(frame).select(_question(leaf).alias(str(at)) for at, leaf in enumerate(leaves))
        for at, leaf in enumerate(leaves):
            self._told[leaf] = told[str(at)].to_numpy()


def _question(leaf: Leaf) -> pl.Expr:
    return (leaf.expr if leaf.shared is None else leaf.shared).fill_null(False)

