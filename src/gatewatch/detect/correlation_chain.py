"""Sigma correlations as chains, where a chain means the same."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from gatewatch.detect.chain import Chain, Count, Stage, faults
from gatewatch.detect.correlation import Correlation, CorrelationType

_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def as_chain(correlation: Correlation) -> Chain | None:
    """Return *correlation* as a chain, or None where no chain means the same.

    ``event_count`` and ``value_count`` with one lower bound become one counting stage: both fire at the same events. ``temporal_ordered``
    becomes a stage per rule with the last as the anchor: it matches at each event of the last rule that ends an ordered window, whereas
    the correlation goes on firing at later events of the other rules as long as the window holds. The other types, correlations without
    group-by, and fields that are no columns have no chain.
    """
    columns = _columns(correlation)
    if columns is None or not correlation.by:
        return None
    by = columns[correlation.rules[0]]
    span = _duration(correlation.timespan)
    if correlation.type is CorrelationType.TEMPORAL_ORDERED:
        if len(set(correlation.rules)) != len(correlation.rules):
            return None
        last = len(correlation.rules) - 1
        stages = tuple(
            Stage(
                name=f"{_slug(rule)}-{number + 1}",
                rules=(rule,),
                anchor=number == last,
                alias={key: column for key, column in zip(by, columns[rule], strict=True) if key != column},
            )
            for number, rule in enumerate(correlation.rules)
        )
    else:
        stage = _counting(correlation, span)
        if stage is None or any(columns[rule] != by for rule in correlation.rules):
            return None
        stages = (stage,)
    chain = Chain(
        id=_slug(correlation.name),
        title=correlation.title,
        by=by,
        stages=stages,
        severity={stages[-1].name: correlation.level},
        explanation=f"The Sigma correlation {correlation.title}.",
        span=span,
    )
    return chain if next(faults(chain), None) is None else None


def _counting(correlation: Correlation, span: str) -> Stage | None:
    if correlation.type not in (CorrelationType.EVENT_COUNT, CorrelationType.VALUE_COUNT) or len(correlation.bounds) != 1:
        return None
    bound = correlation.bounds[0]
    if bound.operator not in ("gt", "gte"):
        return None
    least = math.ceil(bound.number) if bound.operator == "gte" else math.floor(bound.number) + 1
    distinct = {tuple(field.column for field in fields) for fields in correlation.values.values()}
    if least < 1 or len(distinct) > 1 or any(len(columns) != 1 for columns in distinct):
        return None
    column = next(iter(distinct), (None,))[0]
    return Stage(name="count", rules=correlation.rules, count=Count(gte=least, window=span, distinct=column), anchor=True)


def _columns(correlation: Correlation) -> dict[str, tuple[str, ...]] | None:
    """Return the key columns of each rule, or None when a key or value stands in ``extra``."""
    tables = (correlation.keys, correlation.values)
    if any(field.keys for table in tables for fields in table.values() for field in fields):
        return None
    return {rule: tuple(field.column for field in fields) for rule, fields in correlation.keys.items()}


def _duration(span: timedelta) -> str:
    seconds = span // timedelta(seconds=1)
    return next(f"{seconds // size}{unit}" for unit, size in _UNITS if seconds % size == 0)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "correlation"
