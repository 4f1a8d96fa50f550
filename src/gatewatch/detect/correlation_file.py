"""Correlation files: parsed by pySigma, resolved against the rules they refer to, refused by name when they cannot be exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)
from sigma.exceptions import SigmaError

from gatewatch.detect.correlation import PREFIX, Correlation, CorrelationType, evaluate
from gatewatch.detect.correlation_measure import Bound, Expression
from gatewatch.detect.field_map import GENERIC, Field, FieldMap
from gatewatch.detect.rule import RuleSet
from gatewatch.detect.sigma_document import Document, Refusal, read_documents
from gatewatch.detect.sigma_leaf import dtype_of, text_of
from gatewatch.detect.sigma_regex import Refused
from gatewatch.schema.incidents import Severity

_RESERVED = frozenset({"first", "last", "value", "events", "row", "rows"})
_BOUNDS = SigmaCorrelationConditionOperator.operators()


@dataclass(frozen=True, eq=False)
class CorrelationSet:
    """Correlations, each after those it refers to, and the refusals."""

    correlations: tuple[Correlation, ...]
    refused: tuple[Refusal, ...] = ()

    def evaluate(self, events: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """Return where each correlation fires (:func:`gatewatch.detect.correlation.evaluate`), by name.

        *events*: with the ``rule:<name>`` columns of all rules that the correlations refer to.
        """
        found: dict[str, pl.DataFrame] = {}
        for correlation in self.correlations:
            found[correlation.name] = evaluate(correlation, events)
            fired = found[correlation.name]["row"].unique().implode()
            events = events.with_columns(pl.col("row").is_in(fired).alias(f"{PREFIX}{correlation.name}"))
        return found

    @property
    def silenced(self) -> tuple[str, ...]:
        """The rules that do not report by themselves: those of correlations without ``generate``, sorted."""
        quiet = {rule for correlation in self.correlations if not correlation.generate for rule in correlation.rules}
        return tuple(sorted(quiet))


def load_correlations(paths: Sequence[Path], rules: RuleSet) -> CorrelationSet:
    """Return the correlation documents among *paths* (files and folders), resolved against *rules* and against each other."""
    documents, refused = read_documents(paths)
    waiting: list[tuple[Document, SigmaCorrelationRule, tuple[Bound, ...]]] = []
    taken = {rule.name: rule.path for rule in rules.rules}
    for document in documents:
        if document.is_correlation:
            try:
                sigma, bounds = _parse(document)
                name = _name(document, sigma)
                if name in taken:
                    raise Refused(f"{name} is already taken by {taken[name]}")  # noqa: TRY301 - refused like every other fault of the document
                taken[name] = document.path
                waiting.append((document, sigma, bounds))
            except Refused as error:
                refused.append(document.refuse(error))
    made: dict[str, Correlation] = {}
    labels: dict[str, str] = {}
    while waiting:
        later: list[tuple[Document, SigmaCorrelationRule, tuple[Bound, ...]]] = []
        expected = {label for document, sigma, _ in waiting for label in (_name(document, sigma), sigma.name, str(sigma.id))}
        for document, sigma, bounds in waiting:
            if any(reference in expected and reference not in labels for reference in _references(sigma)):
                later.append((document, sigma, bounds))
                continue
            try:
                correlation = _resolve(document, sigma, bounds, rules, labels)
            except Refused as error:
                refused.append(document.refuse(error))
            else:
                made[correlation.name] = correlation
                labels |= dict.fromkeys((name for name in (correlation.name, sigma.name, correlation.id) if name), correlation.name)
        if len(later) == len(waiting):
            refused += [document.refuse("correlations refer to each other in a circle") for document, _, _ in later]
            break
        waiting = later
    return CorrelationSet(tuple(made.values()), tuple(refused))


def _name(document: Document, sigma: SigmaCorrelationRule) -> str:
    return sigma.name if "#" in document.name and sigma.name else document.name


def _parse(document: Document) -> tuple[SigmaCorrelationRule, tuple[Bound, ...]]:
    """Parse *document*; several bounds in one condition, which pySigma does not know, are taken one at a time."""
    section = document.content["correlation"]
    if not isinstance(section, dict):
        raise Refused("the correlation section is no mapping")
    condition = section.get("condition")
    try:
        bounds: tuple[Bound, ...] = ()
        if isinstance(condition, dict):
            others = {key: value for key, value in condition.items() if key not in _BOUNDS}
            named = sorted(key for key in condition if key in _BOUNDS)
            single = [SigmaCorrelationCondition.from_dict({**others, key: condition[key]}) for key in named]
            bounds = tuple(Bound(one.op.name.lower(), one.count) for one in single)  # type: ignore[arg-type]
            section = {**section, "condition": {**others, **{key: condition[key] for key in named[:1]}}}
        return SigmaCorrelationRule.from_dict({**document.content, "correlation": section}), bounds
    except (SigmaError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"not valid Sigma: {error}") from error  # pySigma meets misshapen documents with any of these


def _references(sigma: SigmaCorrelationRule) -> list[str]:
    if sigma.rules is not None:
        return [rule.reference for rule in sigma.rules]
    return sigma.condition.get_referenced_rules() if isinstance(sigma.condition, SigmaExtendedCorrelationCondition) else []


def _resolve(
    document: Document, sigma: SigmaCorrelationRule, bounds: tuple[Bound, ...], rules: RuleSet, labels: Mapping[str, str]
) -> Correlation:
    kind = CorrelationType(sigma.type.name.lower())
    references = _references(sigma)
    if not references:
        raise Refused("it refers to no rule")
    names, maps = _referenced(references, rules, labels)
    by = tuple(sigma.group_by or ())
    if _RESERVED & set(by) or len(set(by)) != len(by):
        raise Refused(f"group-by must be distinct and none of {', '.join(sorted(_RESERVED))}")
    keys = {names[reference]: tuple(_key(sigma, name, reference, maps[reference]) for name in by) for reference in references}
    values: dict[str, tuple[Field, ...]] = {}
    if not kind.is_temporal and kind is not CorrelationType.EVENT_COUNT:
        values = {names[reference]: _values(sigma, kind, maps[reference]) for reference in references}
    expression = None
    if isinstance(sigma.condition, SigmaExtendedCorrelationCondition):
        expression = _expression(sigma.condition.parsed, names)
        bounds = (Bound("gte", len(references)),)
    if kind is CorrelationType.TEMPORAL_ORDERED:
        _check_order(expression, bounds, len(references))
    percentile = sigma.condition.percentile if isinstance(sigma.condition, SigmaCorrelationCondition) else None
    if kind is CorrelationType.VALUE_PERCENTILE and not 0 <= (-1 if percentile is None else percentile) <= 100:
        raise Refused("value_percentile needs a percentile from 0 to 100")
    return Correlation(
        name=_name(document, sigma),
        id=None if sigma.id is None else str(sigma.id),
        title=sigma.title,
        level=Severity.INFORMATIONAL if sigma.level is None else Severity(sigma.level.name.lower()),
        tags=tuple(str(tag) for tag in sigma.tags),
        path=document.path,
        type=kind,
        rules=tuple(names[reference] for reference in references),
        by=by,
        keys=MappingProxyType(keys),
        values=MappingProxyType(values),
        timespan=timedelta(seconds=sigma.timespan.seconds),
        bounds=bounds or (Bound("gte", len(references)),),
        percentile=percentile,
        expression=expression if kind is CorrelationType.TEMPORAL else None,
        generate=sigma.generate,
    )


def _referenced(references: Sequence[str], rules: RuleSet, labels: Mapping[str, str]) -> tuple[dict[str, str], dict[str, FieldMap]]:
    names: dict[str, str] = {}
    maps: dict[str, FieldMap] = {}
    for reference in references:
        rule = rules.find(str(reference))
        if rule is None and reference not in labels:
            raise Refused(f"there is no rule {reference!r}")
        names[reference] = labels[reference] if rule is None else rule.name
        maps[reference] = FieldMap(GENERIC) if rule is None else rule.fields
    return names, maps


def _key(sigma: SigmaCorrelationRule, name: str, reference: str, fields: FieldMap) -> Field:
    """Return the field that holds the group-by *name* in the events of rule *reference*."""
    alias = sigma.aliases.aliases.get(name)
    if alias is not None:
        mapped = {rule.reference: field for rule, field in alias.mapping.items()}
        if reference not in mapped:
            raise Refused(f"alias {name!r} names no field for rule {reference!r}")
        name = str(mapped[reference])
    field = fields.find(name)
    text_of(field)
    return field


def _values(sigma: SigmaCorrelationRule, kind: CorrelationType, fields: FieldMap) -> tuple[Field, ...]:
    condition = sigma.condition
    names: Any = condition.fieldref if isinstance(condition, SigmaCorrelationCondition) else None
    found = tuple(fields.find(str(name)) for name in (names if isinstance(names, list) else [names]))
    if kind.is_numeric and (len(found) != 1 or not (dtype_of(found[0]).is_numeric() or dtype_of(found[0]) == pl.String)):
        raise Refused(f"{kind} needs one field that holds numbers")
    for field in found:
        text_of(field)
    return found


def _expression(node: object, names: Mapping[str, str]) -> Expression:
    if isinstance(node, SigmaRuleReference):
        return Expression("rule", rule=names[node.reference])
    if isinstance(node, CorrelationConditionItem):
        parts = tuple(_expression(part, names) for part in node.args)
        if isinstance(node, CorrelationConditionNOT):
            return Expression("not", parts)
        return Expression("and" if isinstance(node, CorrelationConditionAND) else "or", parts)
    raise Refused("the condition cannot be read")


def _check_order(expression: Expression | None, bounds: Sequence[Bound], rules: int) -> None:
    if expression is not None and (expression.operator != "and" or any(part.operator != "rule" for part in expression.parts)):
        raise Refused("temporal_ordered: only rules joined by 'and' have an order")
    if expression is None and bounds not in ((), (Bound("gte", rules),)):
        raise Refused("temporal_ordered: a condition other than all rules in order has no defined meaning")
