"""A plain reading of Sigma detections on one event at a time: no pySigma, no Polars, no regex for wildcards."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]


def holds(condition: Any, selections: Mapping[str, Any], event: Event) -> bool:
    """Evaluate a condition given as a tree: a name, or a word and its parts (``not``, ``and``, ``or``, ``1 of``, ``all of``)."""
    if isinstance(condition, str):
        return selection(selections[condition], event)
    word, *rest = condition
    if word == "not":
        return not holds(rest[0], selections, event)
    if word in ("1 of", "all of"):
        prefix = "" if rest[0] == "them" else rest[0].rstrip("*")
        found = [selection(value, event) for name, value in selections.items() if name.startswith(prefix)]
        return any(found) if word == "1 of" else all(found)
    found = [holds(part, selections, event) for part in rest]
    return all(found) if word == "and" else any(found)


def render(condition: Any) -> str:
    """Return the condition tree as Sigma writes it."""
    if isinstance(condition, str):
        return condition
    word, *rest = condition
    if word == "not":
        return f"not ({render(rest[0])})"
    if word in ("1 of", "all of"):
        return f"{word} {rest[0]}"
    return f" {word} ".join(f"({render(part)})" for part in rest)


def selection(value: Any, event: Event) -> bool:
    """A mapping: all items; a list of mappings: one of them; anything else: keywords, one of them."""
    if isinstance(value, dict):
        return all(item(key, values, event) for key, values in value.items())
    values = value if isinstance(value, list) else [value]
    return any(selection(part, event) if isinstance(part, dict) else keyword(part, event) for part in values)


def keyword(value: Any, event: Event) -> bool:
    text = event.get("message")
    return text is not None and like(("*", *tokens(str(value)), "*"), str(text), cased=not isinstance(value, str))


def item(key: str, values: Any, event: Event) -> bool:
    field, *modifiers = key.split("|")
    options = values if isinstance(values, list) else [values]
    actual = lookup(field, event)
    found = [compare(actual, option, modifiers, event) for option in options] if options else [actual is None]
    combined = all(found) if "all" in modifiers else any(found)
    return not combined if "neq" in modifiers else combined


def lookup(field: str, event: Event) -> Any:
    if field in event:
        return event[field]
    extra = json.loads(event.get("extra") or "{}")
    value = extra.get(field)
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def compare(actual: Any, wanted: Any, modifiers: list[str], event: Event) -> bool:
    if "exists" in modifiers:
        return (actual is not None) is wanted
    if wanted is None:
        return actual is None
    if actual is None:
        return False
    for name in ("lt", "lte", "gt", "gte"):
        if name in modifiers:
            return bounded(name, actual, wanted)
    if "cidr" in modifiers:
        return inside(str(actual), wanted)
    if "re" in modifiers:
        flags = (re.IGNORECASE if "i" in modifiers else 0) | (re.DOTALL if "s" in modifiers else 0)
        return re.search(wanted.replace("$", r"\Z"), word(actual), flags) is not None  # only the very end, no line end before it
    if "fieldref" in modifiers:
        other = lookup(wanted, event)
        return other is not None and fold(word(actual)) == fold(word(other))
    if isinstance(wanted, bool | int | float):
        return actual == wanted if type(actual) is type(wanted) else fold(word(actual)) == fold(word(wanted))
    pattern = tokens(wanted)
    if "contains" in modifiers or "endswith" in modifiers:
        pattern = ["*", *pattern]
    if "contains" in modifiers or "startswith" in modifiers:
        pattern = [*pattern, "*"]
    return like(pattern, word(actual), cased="cased" in modifiers)


def word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def fold(text: str) -> str:
    return "".join(char.lower() for char in text)


def bounded(name: str, actual: Any, wanted: float) -> bool:
    try:
        number = float(actual)
    except ValueError:
        return False
    return {"lt": number < wanted, "lte": number <= wanted, "gt": number > wanted, "gte": number >= wanted}[name]


def inside(text: str, network: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address in ipaddress.ip_network(network)


def tokens(text: str) -> list[str]:
    """Return the characters of a Sigma string: ``*`` and ``?`` are wildcards, a literal character is doubled by a leading ``=``."""
    made: list[str] = []
    index = 0
    while index < len(text):
        char = text[index]
        if char == "\\" and text[index + 1 : index + 2] in ("*", "?", "\\"):
            made.append("=" + text[index + 1])
            index += 2
            continue
        made.append(char if char in "*?" else "=" + char)
        index += 1
    return made


def like(pattern: Any, text: str, *, cased: bool) -> bool:
    """Match by filling the table of (tokens used, characters used)."""
    reached = {0}
    for token in pattern:
        if token == "*":
            reached = set(range(min(reached), len(text) + 1)) if reached else set()
        else:
            reached = {at + 1 for at in reached if at < len(text) and (token == "?" or same(token[1], text[at], cased))}
    return len(text) in reached


def same(wanted: str, actual: str, cased: bool) -> bool:
    return wanted == actual or (not cased and wanted.lower() == actual.lower())
