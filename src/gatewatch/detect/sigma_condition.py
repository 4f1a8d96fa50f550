"""A Sigma detection section compiled to a predicate: selections, ``1 of sel*``, ``all of them``, and, or, not.

pySigma parses the rule, applies the modifiers and resolves the condition to a tree; this module turns that tree into ours. Keywords
(values without a field) are searched in ``message``. Strings of one field that are linked by *or* become one alternation, so a list of
a thousand values costs one pass over the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections
from sigma.types import (
    Placeholder,
    SigmaCasedString,
    SigmaExpansion,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaType,
)

from gatewatch.detect.field_map import Field, FieldMap
from gatewatch.detect.predicate import Predicate, every, negation, some
from gatewatch.detect.sigma_leaf import compare, regex_leaf, regex_pattern, text_leaf
from gatewatch.detect.sigma_regex import Refused, keyword_pattern, literal, wildcard_pattern

MESSAGE = Field("message", "message")
_ALTERNATIVES = 2000  # values per alternation: the engine limits the size of one compiled pattern
Placeholders = Mapping[str, Sequence[str]]


def compile_detection(detections: SigmaDetections, fields: FieldMap, placeholders: Placeholders) -> Predicate:
    """Return *detections* as a predicate; several conditions are alternatives. Raises ``Refused`` by name."""
    for detection in detections.detections.values():
        _expand(detection, placeholders)
    parts: list[Predicate] = []
    for condition in detections.parsed_condition:
        tree = condition.parsed
        if tree is None:
            raise Refused("the condition is empty")
        parts.append(_compile(tree, fields))
    return some(parts)


def _compile(node: Any, fields: FieldMap) -> Predicate:
    match node:
        case ConditionNOT():
            return negation(_compile(node.args[0], fields))
        case ConditionAND():
            return every([_compile(part, fields) for part in node.args])
        case ConditionOR():
            return _alternatives(node.args, fields)
        case ConditionFieldEqualsValueExpression():
            return _value(fields.find(node.field), node.value, fields)
        case ConditionValueExpression():
            return _keyword(node.value, fields)
        case _:
            raise Refused(f"conditions of type {type(node).__name__} are not supported")


def _alternatives(nodes: Sequence[Any], fields: FieldMap) -> Predicate:
    """Compile nodes linked by *or*, the strings of one field as one alternation."""
    patterns: dict[tuple[Field, bool], list[str]] = {}
    parts: list[Predicate] = []
    for node in nodes:
        value = getattr(node, "value", None)
        if isinstance(node, ConditionFieldEqualsValueExpression) and isinstance(value, SigmaString):
            key = (fields.find(node.field), isinstance(value, SigmaCasedString))
            patterns.setdefault(key, []).append(wildcard_pattern(value))
        elif isinstance(node, ConditionValueExpression) and isinstance(value, SigmaString):
            patterns.setdefault((MESSAGE, isinstance(value, SigmaCasedString)), []).append(keyword_pattern(value))
        else:
            parts.append(_compile(node, fields))
    for (field, cased), alternatives in patterns.items():
        for start in range(0, len(alternatives), _ALTERNATIVES):
            parts.append(text_leaf(field, f"(?:{'|'.join(alternatives[start : start + _ALTERNATIVES])})", cased=cased))
    return some(parts)


def _value(field: Field, value: SigmaType, fields: FieldMap) -> Predicate:
    if isinstance(value, SigmaExpansion):
        return _alternatives([ConditionFieldEqualsValueExpression(field.name, part) for part in value.values], fields)
    return compare(field, value, fields)


def _keyword(value: SigmaType, fields: FieldMap) -> Predicate:
    match value:
        case SigmaExpansion():
            return _alternatives([ConditionValueExpression(part) for part in value.values], fields)
        case SigmaString():
            return text_leaf(MESSAGE, keyword_pattern(value), cased=isinstance(value, SigmaCasedString))
        case SigmaRegularExpression():
            return regex_leaf(MESSAGE, regex_pattern(value))
        case SigmaNumber():
            return text_leaf(MESSAGE, literal(str(value.number)), cased=True)
        case _:
            raise Refused(f"keywords of type {type(value).__name__} are not supported")


def _expand(detection: SigmaDetection, placeholders: Placeholders) -> None:
    """Replace the placeholders that ``expand`` left in *detection* by the site's values."""
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            _expand(item, placeholders)
        else:
            _expand_item(item, placeholders)


def _expand_item(item: SigmaDetectionItem, placeholders: Placeholders) -> None:
    if not any(_has_placeholder(value) for value in item.value):
        return
    item.value = [_expanded(value, placeholders) for value in item.value]


def _has_placeholder(value: SigmaType) -> bool:
    if isinstance(value, SigmaExpansion):
        return any(_has_placeholder(part) for part in value.values)
    return isinstance(value, SigmaString | SigmaRegularExpression) and value.contains_placeholder()


def _expanded(value: SigmaType, placeholders: Placeholders) -> SigmaType:
    """Return *value* with every placeholder filled; several fillings are alternatives, also under ``all``."""
    if isinstance(value, SigmaExpansion):
        return SigmaExpansion([_expanded(part, placeholders) for part in value.values])
    if isinstance(value, SigmaRegularExpression) and value.contains_placeholder():
        texts = _fill(value.regexp, placeholders, escape=True)
        return SigmaExpansion([SigmaRegularExpression(text.to_plain(regex=True), value.flags) for text in texts])
    if isinstance(value, SigmaString) and value.contains_placeholder():
        return SigmaExpansion(list(_fill(value, placeholders, escape=False)))
    return value


def _fill(value: SigmaString, placeholders: Placeholders, *, escape: bool) -> list[SigmaString]:
    made = [type(value)("")]
    for part in value.s:
        if isinstance(part, Placeholder):
            if not placeholders.get(part.name):
                raise Refused(f"placeholder %{part.name}% is not in the site's table")
            texts: list[Any] = [literal(text) if escape else text for text in placeholders[part.name]]
        else:
            texts = [part]
        made = [start + text for start in made for text in texts]
        if len(made) > _ALTERNATIVES:
            raise Refused(f"placeholders expand to more than {_ALTERNATIVES} values")
    return made
