"""Sigma correlations over events: all eight types, sliding windows, exact.

The reading, which the oracle of the tests repeats in plain words. The *referenced* events of a correlation are those that meet one of
its rules and have no null among its group-by fields. A correlation fires at a referenced event *e* when its condition holds over the
referenced events of the same group in ``[e.time - timespan, e.time]`` that are not after *e* in the total order. There are no fixed
buckets and no state to reset, so a window is found at every offset, and a longer timespan never loses a count.

==================  =================================================================================================
type                what the condition is asked of
==================  =================================================================================================
event_count         the number of events, each weighing its ``count``
value_count         the number of distinct values of ``field`` (of distinct combinations, for several fields)
temporal            the number of referenced rules that occur; by default all must. Or a condition in and, or, not
temporal_ordered    whether events of all rules occur in the order listed, one after the other, from first to last
value_sum, _avg     the sum or mean of ``field``
value_median        the median of ``field``; value_percentile: its percentile, interpolated between the nearest values
==================  =================================================================================================

For the value types an event without the field (or, for the numeric ones, without a finite number in it) is not referenced. A condition
may hold several bounds (``gte: 5``, ``lt: 9``): all must hold. An alias names the group-by field of each rule, so an event that meets
two rules may belong to two groups. A correlation may refer to another: it occurs at the events where it fires.

Sigma: https://github.com/SigmaHQ/sigma-specification/blob/main/specification/sigma-correlation-rules-specification.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import polars as pl

from gatewatch.detect.correlation_measure import Bound, Expression, Members, holds, measure
from gatewatch.detect.field_map import Field
from gatewatch.detect.sigma_leaf import dtype_of, value_of
from gatewatch.schema.events import DTYPES, UTC, ensure
from gatewatch.schema.incidents import Severity

PREFIX = "rule:"
EVIDENCE = 64
_NUMERIC = ("value_sum", "value_avg", "value_percentile", "value_median")


class CorrelationType(StrEnum):
    """Sigma's correlation types."""

    EVENT_COUNT = "event_count"
    VALUE_COUNT = "value_count"
    TEMPORAL = "temporal"
    TEMPORAL_ORDERED = "temporal_ordered"
    VALUE_SUM = "value_sum"
    VALUE_AVG = "value_avg"
    VALUE_PERCENTILE = "value_percentile"
    VALUE_MEDIAN = "value_median"

    @property
    def is_numeric(self) -> bool:
        """Whether it computes with the numbers in a field."""
        return self.value in _NUMERIC

    @property
    def is_temporal(self) -> bool:
        """Whether it asks which rules occur."""
        return self in (CorrelationType.TEMPORAL, CorrelationType.TEMPORAL_ORDERED)


@dataclass(frozen=True, eq=False)
class Correlation:
    """One Sigma correlation rule, resolved.

    ``rules``: the names behind the ``rule:<name>`` columns, in the order listed; ``by``: the group-by names as written; ``keys`` and
    ``values``: for each rule the fields that hold them; ``bounds``: all must hold; ``expression``: the condition of a temporal
    correlation in and, or, not (None: none); ``generate``: the referenced rules also report by themselves.
    """

    name: str
    id: str | None
    title: str
    level: Severity
    tags: tuple[str, ...]
    path: Path
    type: CorrelationType
    rules: tuple[str, ...]
    by: tuple[str, ...]
    keys: Mapping[str, tuple[Field, ...]]
    values: Mapping[str, tuple[Field, ...]]
    timespan: timedelta
    bounds: tuple[Bound, ...]
    percentile: int | None = None
    expression: Expression | None = None
    generate: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The event columns it reads besides ``row``, ``time``, ``count`` and those of its rules, sorted."""
        fields = [field for table in (self.keys, self.values) for row in table.values() for field in row]
        return tuple(sorted({column for field in fields for column in field.columns}))


def evaluate(correlation: Correlation, events: pl.DataFrame, evidence: int = EVIDENCE) -> pl.DataFrame:
    """Return where *correlation* fires: one row per event that completes a window, in the order of the events.

    *events*: sorted by the total order, with ``row``, ``time``, the columns that the correlation reads (missing ones are null) and the
    ``rule:<name>`` columns of its rules. Events without a time are in no window. Columns returned: the group-by names (text), ``first``
    and ``last`` (times of the first event of the window and of its end), ``value`` (what was measured; how many rules for the temporal
    types), ``events`` (how many), ``row`` (of the end) and ``rows`` (of the latest *evidence* events, the end last).
    """
    table = _members(correlation, events)
    members = Members.of(table, len(correlation.by), correlation.rules, correlation.timespan)
    values = measure(correlation.type.value, members, table, correlation.percentile, correlation.expression)
    fires: list[int] = members.ends[holds(values, members.ends, correlation.bounds)].tolist()
    picked = table[fires]
    shape = {name: pl.col(f"key{number}").alias(name) for number, name in enumerate(correlation.by)}
    frame = picked.select(
        *shape.values(),
        table["time"][[members.start[at] for at in fires]].alias("first"),
        pl.col("time").alias("last"),
        pl.Series("value", [float(values[at]) for at in fires], pl.Float64),
        pl.Series("events", [members.events(at) for at in fires], pl.UInt32),
        pl.col("row"),
        pl.Series("rows", [members.rows(at, evidence) for at in fires], pl.List(pl.UInt32)),
    )
    return frame.with_columns(pl.Series("zz_at", picked["at"])).sort("zz_at", maintain_order=True).drop("zz_at")


def _members(correlation: Correlation, events: pl.DataFrame) -> pl.DataFrame:
    """Return the referenced events, once per group and value, by group, then order.

    Columns: ``row, at, time, weight``, and by number ``key0…``, ``value0…``, ``occurs0…`` (which of the rules it meets).
    """
    frame = ensure(events, "count", "time", *correlation.columns).with_columns(
        pl.col("time").cast(UTC), pl.col("row").cast(pl.UInt32), pl.int_range(pl.len(), dtype=pl.UInt32).alias("at")
    )
    frame = frame.filter(pl.col("time").is_not_null())
    weight = pl.col("count").cast(DTYPES["count"]).fill_null(1).cast(pl.Int64)
    rules = list(dict.fromkeys(correlation.rules))
    marks = [pl.col(f"{PREFIX}{rule}").fill_null(False) for rule in rules]
    fields = {rule: (*correlation.keys[rule], *correlation.values.get(rule, ())) for rule in rules}
    keys = [f"key{number}" for number in range(len(correlation.by))]
    values = [f"value{number}" for number in range(len(fields[rules[0]]) - len(keys))]
    names = ("row", "at", "time", "weight", *keys, *values)
    occurs = [f"occurs{number}" for number in range(len(rules))]

    def part(rule: str, met: Sequence[pl.Expr]) -> pl.DataFrame:
        found = [_key(field) for field in fields[rule][: len(keys)]]
        found += [_value(field, numeric=correlation.type.is_numeric) for field in fields[rule][len(keys) :]]
        named = [expr.alias(name) for expr, name in zip([weight, *found], names[3:], strict=True)]
        return frame.filter(pl.any_horizontal(met)).select(
            "row", "at", "time", *named, *(mark.alias(name) for mark, name in zip(met, occurs, strict=True))
        )

    if len(set(fields.values())) == 1:
        table: pl.DataFrame = part(rules[0], marks).drop_nulls(names)
    else:  # the rules name their fields differently: an event may be a member of several groups
        never = pl.lit(False)
        alone = [part(rule, [mark if at == number else never for at, mark in enumerate(marks)]) for number, rule in enumerate(rules)]
        table = pl.concat(alone, how="vertical_relaxed").drop_nulls(names).group_by(names).agg(pl.col(name).any() for name in occurs)
    return table.sort(*keys, "at", *values)


def _key(field: Field) -> pl.Expr:
    return value_of(field).cast(pl.String)


def _value(field: Field, *, numeric: bool) -> pl.Expr:
    dtype = dtype_of(field)
    if not numeric:
        return value_of(field).cast(pl.String)
    if dtype.is_integer():
        return value_of(field).cast(pl.Int64)
    number = value_of(field).str.strip_chars().cast(pl.Float64, strict=False) if dtype == pl.String else value_of(field).cast(pl.Float64)
    return pl.when(number.is_finite()).then(number)
