"""What a correlation measures over the window of each referenced event, and whether its condition holds."""

from __future__ import annotations

import bisect
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import accumulate
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewatch.detect.window import distincts, sums

Ints = NDArray[np.int64]
Number = int | float | Fraction
Operator = Literal["lt", "lte", "gt", "gte", "eq", "neq"]
OPERATORS: dict[str, Callable[[Number, Number], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}
_ARRAY_OPERATORS: dict[str, Callable[[Ints, int | float], NDArray[np.bool_]]] = {
    "lt": np.less,
    "lte": np.less_equal,
    "gt": np.greater,
    "gte": np.greater_equal,
    "eq": np.equal,
    "neq": np.not_equal,
}


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound of a condition: ``gte 5``."""

    operator: Operator
    number: int | float


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition over rules: ``operator`` is ``and``, ``or``, ``not``, or ``rule`` with the rule's name."""

    operator: Literal["and", "or", "not", "rule"]
    parts: tuple[Expression, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Members:
    """The referenced events as arrays, sorted by group and within it by the total order.

    ``start``: index of the first member of each member's window; ``ends``: the members that end a window (the last of their event);
    ``occurs``: for each rule, as listed, whether the member meets it.
    """

    group: Ints
    row: Ints
    start: Ints
    ends: Ints
    fresh: Ints  # running number of events up to and with each member
    rules: tuple[str, ...]
    occurs: NDArray[np.bool_]

    @classmethod
    def of(cls, table: pl.DataFrame, keys: int, rules: tuple[str, ...], timespan: timedelta) -> Members:
        """Return the members of *table*, sorted by its first *keys* key columns and ``at``."""
        size = table.height
        names = [f"key{number}" for number in range(keys)]
        group = np.zeros(size, np.int64)
        if names and size:
            group = table.select(pl.struct(names).rle_id().cast(pl.Int64)).to_series().to_numpy()
        time = table["time"].to_physical().to_numpy()
        span = timespan // timedelta(microseconds=1)
        instants = np.unique(time)
        width = len(instants) + 1
        places = group * width + np.searchsorted(instants, time)
        start = np.searchsorted(places, group * width + np.searchsorted(instants, time - span))
        at = table["at"].to_numpy().astype(np.int64)
        first = np.ones(size, np.bool_)
        first[1:] = (at[1:] != at[:-1]) | (group[1:] != group[:-1])
        ends = np.append(first[1:], True) if size else first
        numbers = {rule: number for number, rule in enumerate(dict.fromkeys(rules))}
        occurs = np.array([table[f"occurs{numbers[rule]}"].to_numpy() for rule in rules], np.bool_).reshape(len(rules), size)
        row = table["row"].to_numpy().astype(np.int64)
        return cls(group, row, start.astype(np.int64), np.flatnonzero(ends), np.cumsum(first), rules, occurs)

    def events(self, at: int) -> int:
        """Return how many events the window of member *at* holds."""
        return int(self.fresh[at] - self.fresh[self.start[at]] + 1)

    def rows(self, at: int, most: int) -> list[int]:
        """Return the rows of the latest *most* events of the window of member *at*, in order."""
        reach = max(int(self.start[at]), at + 1 - most * len(self.rules))  # an event is a member at most once per rule
        found = dict.fromkeys(self.row[reach : at + 1][::-1].tolist())
        return list(found)[:most][::-1]


def holds(values: Sequence[Number] | Ints, at: Ints, bounds: Sequence[Bound]) -> NDArray[np.bool_]:
    """Return which of the *values* at the places *at* are within all *bounds*."""
    if isinstance(values, np.ndarray):
        met = [_ARRAY_OPERATORS[bound.operator](values[at], bound.number) for bound in bounds]
        return np.array(np.logical_and.reduce(met), np.bool_)
    answers = [all(OPERATORS[bound.operator](values[place], bound.number) for bound in bounds) for place in at.tolist()]
    return np.array(answers, np.bool_)


def measure(
    kind: str, members: Members, table: pl.DataFrame, percentile: int | None, expression: Expression | None
) -> Sequence[Number] | Ints:
    """Return for each member what a correlation of type *kind* measures over its window."""
    match kind:
        case "event_count":
            return sums(table["weight"].to_numpy(), members.start)
        case "value_count":
            return _distinct(members, table)
        case "temporal":
            return _present(members, expression)
        case "temporal_ordered":
            return _in_order(members)
        case "value_sum" | "value_avg":
            return _totals(members, table["value0"].to_list(), mean=kind == "value_avg")
        case _:
            return _quantiles(members, table["value0"].to_list(), 50 if percentile is None else percentile)


def _distinct(members: Members, table: pl.DataFrame) -> Ints:
    names = [name for name in table.columns if name.startswith("value")]
    if not table.height:
        return np.zeros(0, np.int64)
    codes = table.select(pl.struct(names).rank("dense").cast(pl.Int64)).to_series().to_numpy()
    stop = np.searchsorted(members.start, np.arange(table.height), side="right")
    return distincts(codes, members.group, stop)


def _latest(marks: NDArray[np.bool_], values: Ints) -> Ints:
    """Return for each member the greatest of *values* at the *marks* up to and with it, -1 before the first."""
    return np.maximum.accumulate(np.where(marks, values, -1)) if len(values) else values


def _present(members: Members, expression: Expression | None) -> Ints:
    """Count the rules that occur in each window; with a condition, all of them where it holds and none where it does not."""
    index = np.arange(len(members.start))
    present = np.array([_latest(marks, index) >= members.start for marks in members.occurs], np.bool_)
    if expression is None:
        counted: Ints = present.reshape(len(members.rules), len(index)).sum(axis=0)
        return counted
    met = _evaluate(expression, dict(zip(members.rules, present, strict=True)))
    return np.where(met, len(members.rules), 0)


def _evaluate(expression: Expression, present: dict[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    parts = [_evaluate(part, present) for part in expression.parts]
    match expression.operator:
        case "and":
            return np.array(np.logical_and.reduce(parts), np.bool_)
        case "or":
            return np.array(np.logical_or.reduce(parts), np.bool_)
        case "not":
            return ~parts[0]
        case "rule":
            return present[expression.rule]


def _in_order(members: Members) -> Ints:
    """Return how many of the rules, from the first on, occur in the order listed within each window.

    For each prefix of the list, the latest place where a run through it that ends by now can begin: a run fits the window when it begins
    inside, and the latest beginning is the best, for what follows only asks that it be later.
    """
    size = len(members.start)
    reached = np.zeros(size, np.int64)
    began = np.arange(size)
    for number, marks in enumerate(members.occurs):
        before = began if number == 0 else np.concatenate(([-1], began[:-1])) if size else began
        began = _latest(marks, before)
        reached += began >= members.start
    return reached


def _totals(members: Members, values: Sequence[int | float], *, mean: bool) -> Sequence[Number]:
    exact: list[int | Fraction] = [value if isinstance(value, int) else Fraction(value) for value in values]
    running = [0, *accumulate(exact)]
    made: list[Number] = []
    for at, start in enumerate(members.start.tolist()):
        total = running[at + 1] - running[start]
        made.append(Fraction(total, at + 1 - start) if mean else total)
    return made


def _quantiles(members: Members, values: Sequence[int | float], percentile: int) -> Sequence[Number]:
    made: list[Number] = []
    window: list[int | float] = []
    oldest = 0
    for at, start in enumerate(members.start.tolist()):
        while oldest < start:
            del window[bisect.bisect_left(window, values[oldest])]
            oldest += 1
        bisect.insort(window, values[at])
        low, rest = divmod(percentile * (len(window) - 1), 100)
        made.append(window[low] if not rest else _between(window[low], window[low + 1], rest))
    return made


def _between(below: float, above: float, percent: int) -> Number:
    """Return the exact number *percent* of the way from *below* to *above*."""
    return below if below == above else Fraction(below) + (Fraction(above) - Fraction(below)) * percent / 100
