"""Dialects: the detection of a Sigma rule as a condition of a query language.

A leaf that the language cannot say (a regex where it has none) is left out: it counts as *false*, so an alternative falls away and an exception
no longer excepts. Every such leaf is named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.rule import SigmaRule
from sigma.types import (
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SpecialChars,
)

from gatewatch.detect.sigma_regex import POLICY, wildcard_pattern

Two = Callable[[str, str], str]
_SPECIAL: dict[Any, str] = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}
_OPERATORS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


@dataclass(frozen=True)
class Dialect:
    """How a language writes the parts of a condition; each function takes the field and the value and returns text.

    ``text``: equality without regard to case; ``regex``: found anywhere, None where the language has no such regexes.
    """

    name: str
    conjunction: str
    disjunction: str
    negation: Callable[[str], str]
    column: Callable[[str], str]
    text: Two
    number: Two
    network: Two
    compare: Callable[[str, str, str], str]
    absent: Callable[[str], str]
    regex: Two | None = None
    wildcard: Two | None = None  # text with * and ?, without regard to case; else a regex says it


@dataclass
class Writer:
    """Writes conditions of one dialect; ``left_out`` names what it could not say."""

    dialect: Dialect
    left_out: list[str] = field(default_factory=list)

    def rule(self, content: dict[str, Any]) -> str | None:
        """Return the detection of the Sigma document *content* as a condition; None where nothing of it can be said."""
        sigma = SigmaRule.from_dict(content, policy=POLICY)
        parts = [self._node(condition.parsed, str(content["title"])) for condition in sigma.detection.parsed_condition]
        said = [part for part in parts if isinstance(part, str)]
        return self.either(said) if said else None

    def either(self, parts: list[str]) -> str:
        """Return the conditions *parts* as alternatives."""
        return self._joined(parts, self.dialect.disjunction)

    def _node(self, node: Any, rule: str) -> str | bool:
        """Return a condition, or the constant it comes down to."""
        if isinstance(node, ConditionNOT):
            inner = self._node(node.args[0], rule)
            return not inner if isinstance(inner, bool) else self.dialect.negation(inner)
        if isinstance(node, ConditionAND | ConditionOR):
            either = isinstance(node, ConditionOR)
            parts = [self._node(part, rule) for part in node.args]
            if either in [part for part in parts if isinstance(part, bool)]:
                return either
            said = [part for part in parts if isinstance(part, str)]
            return self._joined(said, self.dialect.disjunction if either else self.dialect.conjunction) if said else not either
        if isinstance(node, ConditionFieldEqualsValueExpression):
            return self._leaf(node.field, node.value, rule)
        return self._skip(rule, "words without a field")

    def _joined(self, parts: list[str], word: str) -> str:
        unique = list(dict.fromkeys(parts))
        return unique[0] if len(unique) == 1 else "(" + f" {word} ".join(unique) + ")"

    def _leaf(self, name: str, value: Any, rule: str) -> str | bool:
        dialect, column = self.dialect, self.dialect.column(name)
        if isinstance(value, SigmaExpansion):
            parts = [self._leaf(name, part, rule) for part in value.values]
            said = [part for part in parts if isinstance(part, str)]
            return self._joined(said, dialect.disjunction) if said else False
        if isinstance(value, SigmaString):
            if not value.contains_special():
                return dialect.text(column, "".join(part for part in value.s if isinstance(part, str)))
            if dialect.wildcard is not None:
                return dialect.wildcard(column, "".join(part if isinstance(part, str) else _SPECIAL.get(part, "") for part in value.s))
            return self._regex(column, f"(?is){wildcard_pattern(value)}", rule, f"a pattern of {name}")
        if isinstance(value, SigmaRegularExpression):
            flags = "(?i)" if SigmaRegularExpressionFlag.IGNORECASE in value.flags else ""
            return self._regex(column, f"{flags}{value.regexp}", rule, f"a regex of {name}")
        if isinstance(value, SigmaCIDRExpression):
            return dialect.network(column, value.cidr)
        if isinstance(value, SigmaCompareExpression):
            return dialect.compare(column, _OPERATORS[value.op.name.lower()], str(value.number))
        if isinstance(value, SigmaNumber | SigmaBool):
            return dialect.number(column, str(value).lower())
        if isinstance(value, SigmaNull):
            return dialect.absent(column)
        if isinstance(value, SigmaExists):
            return dialect.negation(dialect.absent(column)) if value.exists else dialect.absent(column)
        return self._skip(rule, f"a value of {name}")

    def _regex(self, column: str, pattern: str, rule: str, what: str) -> str | bool:
        if self.dialect.regex is None:
            return self._skip(rule, what)
        return self.dialect.regex(column, pattern)

    def _skip(self, rule: str, what: str) -> bool:
        said = f"rule '{rule}': {what} cannot be said in {self.dialect.name} and is left out"
        if said not in self.left_out:
            self.left_out.append(said)
        return False


def quoted(text: str) -> str:
    """Return *text* between double quotes, with quotes and backslashes escaped."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r") + '"'
