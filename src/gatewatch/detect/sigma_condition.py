"""A Sigma detection section compiled to a predicate: selections, ``1 of sel*``, ``all of them``, and, or, not.

pySigma parses the rule, applies the modifiers and resolves the condition to a tree; this module turns that tree into ours. Keywords
(values without a field) are searched in ``message``, or where their log source keeps its text. Strings of one field that are linked by
*or* become one alternation, so a list of a thousand values costs one pass over the text; its networks become one leaf.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.modifiers import SigmaCaseSensitiveModifier
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections
from sigma.types import (
    Placeholder,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaExpansion,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaType,
)

from gatewatch.detect.field_map import Field, FieldMap
from gatewatch.detect.predicate import Predicate, every, negation, some
from gatewatch.detect.sigma_fragment import FRAGMENTS
from gatewatch.detect.sigma_leaf import Network, compare, networks_leaf, regex_leaf, regex_pattern, text_leaf
from gatewatch.detect.sigma_regex import POLICY, Refused, check, keyword_pattern, literal, wildcard_pattern

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
    """Compile nodes linked by *or*, the strings of one field as one alternation, and its regexes as another."""
    patterns: dict[tuple[Field, bool], list[str]] = {}
    regexes: dict[Field, list[str]] = {}
    networks: dict[Field, list[Network]] = {}
    parts: list[Predicate] = []
    for node in _flat(nodes):
        value = getattr(node, "value", None)
        if isinstance(node, ConditionFieldEqualsValueExpression) and isinstance(value, SigmaString):
            key = (fields.find(node.field), isinstance(value, SigmaCasedString))
            patterns.setdefault(key, []).append(wildcard_pattern(value))
        elif isinstance(node, ConditionValueExpression) and isinstance(value, SigmaString):
            patterns.setdefault((fields.keyword, isinstance(value, SigmaCasedString)), []).append(keyword_pattern(value))
        elif isinstance(node, ConditionFieldEqualsValueExpression) and isinstance(value, SigmaRegularExpression):
            regexes.setdefault(fields.find(node.field), []).append(regex_pattern(value))
        elif isinstance(node, ConditionFieldEqualsValueExpression) and isinstance(value, SigmaCIDRExpression):
            networks.setdefault(fields.find(node.field), []).append(value.network)
        else:
            parts.append(_compile(node, fields))
    parts += [networks_leaf(field, tuple(inside)) for field, inside in networks.items()]
    for field, found in regexes.items():
        parts += [regex_leaf(field, pattern) for pattern in _joined(found)]
    for (field, cased), alternatives in patterns.items():
        for start in range(0, len(alternatives), _ALTERNATIVES):
            parts.append(text_leaf(field, f"(?:{'|'.join(alternatives[start : start + _ALTERNATIVES])})", cased=cased))
    return some(parts)


def _flat(nodes: Sequence[Any]) -> Iterator[Any]:
    """Yield *nodes*, an expansion as the alternatives it stands for."""
    for node in nodes:
        value = getattr(node, "value", None)
        if not isinstance(value, SigmaExpansion):
            yield node
        elif isinstance(node, ConditionValueExpression):
            yield from _flat([ConditionValueExpression(part) for part in value.values])
        else:
            yield from _flat([ConditionFieldEqualsValueExpression(node.field, part) for part in value.values])


def _joined(patterns: Sequence[str]) -> Sequence[str]:
    """Return *patterns* as one, or as they are where one would be too large for the engine."""
    try:
        return [check("|".join(f"(?:{pattern})" for pattern in patterns))]
    except Refused:
        return patterns


def _value(field: Field, value: SigmaType, fields: FieldMap) -> Predicate:
    if isinstance(value, SigmaExpansion):
        return _alternatives([ConditionFieldEqualsValueExpression(field.name, part) for part in value.values], fields)
    return compare(field, value, fields)


def _keyword(value: SigmaType, fields: FieldMap) -> Predicate:
    match value:
        case SigmaExpansion():
            return _alternatives([ConditionValueExpression(part) for part in value.values], fields)
        case SigmaString():
            return text_leaf(fields.keyword, keyword_pattern(value), cased=isinstance(value, SigmaCasedString))
        case SigmaRegularExpression():
            return regex_leaf(fields.keyword, regex_pattern(value))
        case SigmaNumber():
            return text_leaf(fields.keyword, literal(str(value.number)), cased=True)
        case _:
            raise Refused(f"keywords of type {type(value).__name__} are not supported")


def _expand(detection: SigmaDetection, placeholders: Placeholders) -> None:
    """Put the site's values in the place of the placeholders that ``expand`` left in *detection*."""
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            _expand(item, placeholders)
        else:
            _expand_item(item, placeholders)


def _expand_item(item: SigmaDetectionItem, placeholders: Placeholders) -> None:
    if SigmaCaseSensitiveModifier in item.modifiers:  # modifiers that build new strings forget the case
        item.value = [_cased(value) for value in item.value]
    if not any(_has_placeholder(value) for value in item.value):
        return
    item.value = [_expanded(value, placeholders) for value in item.value]


def _cased(value: SigmaType) -> SigmaType:
    if isinstance(value, SigmaExpansion):
        return SigmaExpansion([_cased(part) for part in value.values])
    return SigmaCasedString.from_sigma_string(value) if isinstance(value, SigmaString) else value


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
        return SigmaExpansion([SigmaRegularExpression(text.to_plain(regex=True), value.flags, POLICY) for text in texts])
    if isinstance(value, SigmaString) and value.contains_placeholder():
        return SigmaExpansion(list(_fill(value, placeholders, escape=False)))
    return value


def _fill(value: SigmaString, placeholders: Placeholders, *, escape: bool) -> list[SigmaString]:
    made = [type(value)("")]
    for part in value.s:
        if isinstance(part, Placeholder):
            texts: list[Any] = _texts(part.name, placeholders, escape=escape)
        else:
            texts = [part]
        made = [start + text for start in made for text in texts]
        if len(made) > _ALTERNATIVES:
            raise Refused(f"placeholders expand to more than {_ALTERNATIVES} values")
    return made


def _texts(name: str, placeholders: Placeholders, *, escape: bool) -> list[str]:
    if escape and name in FRAGMENTS:
        return [FRAGMENTS[name]]
    if not placeholders.get(name):
        raise Refused(f"placeholder %{name}% is not in the site's table")
    return [literal(text) if escape else text for text in placeholders[name]]
