"""A plain reading of Sigma correlations: every event, every window, from scratch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

from gatewatch.detect.correlation import Correlation, CorrelationType

Event = Mapping[str, Any]


def fires(correlation: Correlation, events: Sequence[Event]) -> list[tuple[tuple[str, ...], int, list[int]]]:
    """Return ``(key, row, rows of the window)`` for every event and group at which *correlation* fires."""
    found = []
    for end, event in enumerate(events):
        for key in sorted(groups(correlation, event)):
            window = [
                other
                for other in range(end + 1)
                if event["time"] - correlation.timespan <= events[other]["time"] and key in groups(correlation, events[other])
            ]
            value = measure(correlation, [(events[at], key) for at in window])
            if value is not None and all(compare(bound.operator, value, bound.number) for bound in correlation.bounds):
                found.append((key, event["row"], [events[at]["row"] for at in window]))
    return found


def memberships(correlation: Correlation, event: Event) -> list[tuple[tuple[str, ...], str, tuple[Any, ...]]]:
    """Return ``(group, rule, values)`` of each rule through which *event* is referenced."""
    made = []
    for rule in dict.fromkeys(correlation.rules):
        key = tuple(None if event[field.column] is None else str(event[field.column]) for field in correlation.keys[rule])
        values = tuple(event[field.column] for field in correlation.values.get(rule, ()))
        if event[f"rule:{rule}"] and None not in key and None not in values:
            made.append((key, rule, values))
    return made


def groups(correlation: Correlation, event: Event) -> set[tuple[str, ...]]:
    return {key for key, _, _ in memberships(correlation, event)}


def measure(correlation: Correlation, window: list[tuple[Event, tuple[str, ...]]]) -> Any:
    rules = [{rule for key, rule, _ in memberships(correlation, event) if key == wanted} for event, wanted in window]
    values = [sorted({found for key, _, found in memberships(correlation, event) if key == wanted}) for event, wanted in window]
    flat = [found[0] for several in values for found in several if found]
    match correlation.type:
        case CorrelationType.EVENT_COUNT:
            return sum(1 if event["count"] is None else event["count"] for event, _ in window)
        case CorrelationType.VALUE_COUNT:
            return len({found for several in values for found in several})
        case CorrelationType.TEMPORAL:
            present = set().union(*rules)
            if correlation.expression is not None:
                return len(correlation.rules) if meets(correlation.expression, present) else 0
            return sum(rule in present for rule in correlation.rules)
        case CorrelationType.TEMPORAL_ORDERED:
            size = len(correlation.rules)
            ordered = any(
                all(rule in rules[at] for rule, at in zip(correlation.rules, places, strict=True))
                for places in combinations(range(len(rules)), size)
            )
            return size if ordered else 0
        case CorrelationType.VALUE_SUM:
            return sum(Fraction(value) for value in flat)
        case CorrelationType.VALUE_AVG:
            return Fraction(sum(Fraction(value) for value in flat), len(flat))
        case _:
            share = Fraction(50 if correlation.type is CorrelationType.VALUE_MEDIAN else correlation.percentile or 0, 100)
            return quantile(sorted(Fraction(value) for value in flat), share)


def quantile(values: list[Fraction], share: Fraction) -> Fraction:
    place = share * (len(values) - 1)
    low = place.numerator // place.denominator
    high = min(low + 1, len(values) - 1)
    return values[low] * (1 - (place - low)) + values[high] * (place - low)


def meets(expression: Any, present: set[str]) -> bool:
    parts = [meets(part, present) for part in expression.parts]
    return {"rule": expression.rule in present, "not": not any(parts), "and": all(parts), "or": any(parts)}[expression.operator]


def compare(operator: str, value: Any, number: float) -> bool:
    return {
        "lt": value < number,
        "lte": value <= number,
        "gt": value > number,
        "gte": value >= number,
        "eq": value == number,
        "neq": value != number,
    }[operator]
