"""Predicates: yes-or-no questions about an event, as a small tree that becomes a Polars expression.

Two-valued throughout: a leaf on a null is false, so its negation is true, and null never travels up. A tree can be simplified for
rows whose ``kind`` and ``source``, or whose answers to some leaves, are known (:func:`given`), so that a rule is only asked of rows that
could meet it and costly leaves are only evaluated where they decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from gatewatch.detect.extra_key import Key
from gatewatch.schema.events import DTYPES, Kind

_KIND = "kind"
_MOST = 1 << 16


@dataclass(frozen=True, slots=True)
class Constant:
    """The same answer for every row."""

    value: bool


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A question about the columns it names; ``expr`` is Boolean and may be null where the row does not know (null is no).

    ``shared`` is the same question where the values of its ``keys`` of ``extra`` have been read into columns; None where it asks for none.
    """

    expr: pl.Expr
    columns: tuple[str, ...]
    shared: pl.Expr | None = None
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Among:
    """Whether a column holds one of ``values``, compared exactly."""

    column: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class All:
    """True where every part is."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """True where at least one part is."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where the part is not."""

    part: Predicate


Predicate = Constant | Leaf | Among | All | Some | Not

_TOLD: dict[Leaf, Mapping[str | None, bool]] = {}  # what leaves answer to each kind
TRUE = Constant(True)
FALSE = Constant(False)


def every(parts: Sequence[Predicate]) -> Predicate:
    """Return the conjunction of *parts*, simplified."""
    kept = tuple(part for part in parts if part != TRUE)
    if FALSE in kept:
        return FALSE
    return kept[0] if len(kept) == 1 else All(kept) if kept else TRUE


def some(parts: Sequence[Predicate]) -> Predicate:
    """Return the disjunction of *parts*, simplified."""
    kept = tuple(part for part in parts if part != FALSE)
    if TRUE in kept:
        return TRUE
    return kept[0] if len(kept) == 1 else Some(kept) if kept else FALSE


def negation(part: Predicate) -> Predicate:
    """Return the opposite of *part*, simplified."""
    if isinstance(part, Constant):
        return Constant(not part.value)
    return part.part if isinstance(part, Not) else Not(part)


def columns_of(predicate: Predicate) -> frozenset[str]:
    """Return the event columns that *predicate* reads."""
    match predicate:
        case Constant():
            return frozenset()
        case Leaf():
            return frozenset(predicate.columns)
        case Among():
            return frozenset({predicate.column})
        case Not():
            return columns_of(predicate.part)
        case All() | Some():
            return frozenset().union(*(columns_of(part) for part in predicate.parts))


def leaves_of(predicate: Predicate) -> Iterator[Leaf]:
    """Yield the leaves of *predicate*, as often as they stand in it."""
    match predicate:
        case Leaf():
            yield predicate
        case Not():
            yield from leaves_of(predicate.part)
        case All() | Some():
            for part in predicate.parts:
                yield from leaves_of(part)


def expression(predicate: Predicate) -> pl.Expr:
    """Return *predicate* as a Boolean expression that is never null."""
    match predicate:
        case Constant():
            return pl.lit(predicate.value)
        case Leaf():
            return predicate.expr.fill_null(False)
        case Among():
            values = pl.Series(sorted(predicate.values), dtype=pl.String).cast(DTYPES[predicate.column], strict=False)
            return pl.col(predicate.column).is_in(values.drop_nulls().implode()).fill_null(False)
        case Not():
            return ~expression(predicate.part)
        case All():
            return pl.all_horizontal([expression(part) for part in predicate.parts])
        case Some():
            return pl.any_horizontal([expression(part) for part in predicate.parts])


def given(predicate: Predicate, known: Mapping[str, str | None], answers: Mapping[Leaf, bool] | None = None) -> Predicate:
    """Return *predicate* simplified for rows whose columns *known* hold these values, and that answer the leaves of *answers* so."""
    match predicate:
        case Constant():
            return predicate
        case Among():
            return Constant(known[predicate.column] in predicate.values) if predicate.column in known else predicate
        case Leaf():
            if answers is not None and predicate in answers:
                return Constant(answers[predicate])
            if not predicate.columns or not all(column in known for column in predicate.columns):
                return predicate
            values = tuple(known[column] for column in predicate.columns)
            told = _TOLD.get(predicate) if predicate.columns == (_KIND,) else None
            return Constant(_answer(predicate, values) if told is None else told[values[0]])
        case Not():
            return negation(given(predicate.part, known, answers))
        case All():
            return _fold(predicate.parts, known, answers, FALSE)
        case Some():
            return _fold(predicate.parts, known, answers, TRUE)


def _fold(
    parts: tuple[Predicate, ...], known: Mapping[str, str | None], answers: Mapping[Leaf, bool] | None, settles: Constant
) -> Predicate:
    """Simplify *parts* in turn and stop at the first that settles the answer: the gate stands first."""
    made: list[Predicate] = []
    for part in parts:
        simple = given(part, known, answers)
        if simple == settles:
            return settles
        made.append(simple)
    return some(made) if settles.value else every(made)


def foresee(predicates: Iterable[Predicate]) -> None:
    """Ask the leaves of *predicates* that read nothing but the kind of an event about every kind, all at once, so that :func:`given` knows."""
    leaves = list(dict.fromkeys(leaf for one in predicates for leaf in leaves_of(one) if leaf.columns == (_KIND,) and leaf not in _TOLD))
    if not leaves or len(_TOLD) + len(leaves) > _MOST:
        return
    kinds = [*map(str, Kind), None]
    answers = pl.DataFrame({_KIND: pl.Series(kinds, dtype=pl.String).cast(DTYPES[_KIND])}).select(
        leaf.expr.fill_null(False).alias(str(place)) for place, leaf in enumerate(leaves)
    )
    _TOLD.update((leaf, dict(zip(kinds, answers[str(place)].to_list(), strict=True))) for place, leaf in enumerate(leaves))


@lru_cache(maxsize=_MOST)
def _answer(leaf: Leaf, values: tuple[str | None, ...]) -> bool:
    row = {name: pl.Series([value], dtype=pl.String).cast(DTYPES[name]) for name, value in zip(leaf.columns, values, strict=True)}
    return bool(pl.DataFrame(row).select(leaf.expr.fill_null(False)).to_series()[0])
