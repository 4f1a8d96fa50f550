"""Event data out of JSON: one flat object, whatever way an export nests them.

Named data keep their names and values, unnamed ones are ``param1``, ``param2``, …; of nested elements the innermost names count. Attributes stand
under ``#attributes`` (evtx_dump), behind an ``@`` (xmltodict, EvtxECmd) or under ``$`` (xml2js).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import msgspec

NONE = "{}"
_TEXTS = ("#text", "$", "_", "Value", "value")
_ATTRIBUTES = ("#attributes", "$", "xml_name")  # xml_name: winlogbeat's name of the element
_DEEPEST = 32
_NESTED = re.compile(rb':[ \t\r\n]*[\{\[]|"(?:Data|#text|Binary|xml_name)"')
_XML = re.compile(r'<(?:Data|Param)(?:[ \t]+Name="([^"<>]*)")?[ \t]*(?:/>|>([^<]*)</)')
_NUMBERED = re.compile(r"Data_[0-9]+")  # evtx_dump's further elements of a name
_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def flat(raw: bytes, others: bytes = b"") -> str:
    """Return event data as the text of one flat JSON object; *others* (UserData) where *raw* holds none."""
    if raw[:1] == b"{" and len(raw) > 2 and _NESTED.search(raw) is None:
        return compact(raw)
    made: dict[str, Any] = {}
    for source in (raw, others):
        if source and not made:
            for name, value in _pairs(_any(source), 0):
                put(made, name, value)
    return _encode(made).decode() if made else NONE


def compact(raw: bytes) -> str:
    """Return JSON without blanks between its tokens."""
    return (msgspec.json.format(raw, indent=-1) if raw[1:2] in b" \t\r\n" or b'": ' in raw else raw).decode()


def put(data: dict[str, Any], name: str, value: Any) -> None:
    """Add a datum under its name; the second one of a name gets a number, as the first unnamed one does."""
    number = 1
    chosen = name or "param1"
    while chosen in data:
        number += 1
        chosen = f"{name or 'param'}{number}"
    data[chosen] = value


def attribute(element: Any, name: str) -> Any:
    """Return the attribute *name* of an element, wherever the export puts it; None where there is none."""
    if not isinstance(element, dict):
        return None
    for holder in (element.get("#attributes"), element.get("$"), element):
        if isinstance(holder, dict):
            for key in (name, f"@{name}"):
                if key in holder:
                    return holder[key]
    return None


def scalar(value: Any) -> Any:
    """Return text or number of an element; None where it has neither."""
    for _ in range(4):
        if isinstance(value, dict):
            value = next((value[key] for key in _TEXTS if key in value and not (key == "$" and isinstance(value[key], dict))), None)
        elif isinstance(value, list):
            value = value[0] if len(value) == 1 else None
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _pairs(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the data within an element; unnamed ones have the name ``""``."""
    if not isinstance(value, dict):
        yield from _unnamed(value, depth)
        return
    text = next((key for key in ("#text", "_", "Value") if key in value), None) if depth else None
    name = attribute(value, "Name") if depth else None
    if isinstance(name, str) and (text is not None or _is_text(value)):
        yield name, value.get(text) if text is not None else None
        return
    for key, inner in value.items():
        if key in _ATTRIBUTES or key[:1] == "@" or key == "xmlns" or key.endswith("_attributes") or (key == "Binary" and not inner):
            continue
        if key in ("#text", "_", "Data") or (key == "Value" and len(value) == 1 and depth) or _NUMBERED.fullmatch(key):
            yield from _unnamed(inner, depth + 1)
        elif isinstance(inner, dict) and not _is_text(inner) and depth < _DEEPEST:
            yield from _pairs(inner, depth + 1)
        else:
            yield key, inner.get("#text") if isinstance(inner, dict) and _is_text(inner) else inner


def _is_text(element: dict[str, Any]) -> bool:
    return all(key == "#text" or key in _ATTRIBUTES or key[:1] == "@" for key in element)


def _unnamed(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from _pairs(value, depth + 1)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, dict | list) and depth < _DEEPEST:
                yield from _unnamed(one, depth + 1)
            else:
                yield "", one
    elif isinstance(value, str) and depth == 0 and (inner := _within(value)) is not None:
        yield from inner
    elif value is not None and (value != "" or depth > 1):
        yield "", value


def _within(text: str) -> list[tuple[str, Any]] | None:
    """Return the data of a text that is itself JSON or XML."""
    if text[:1] == "{":
        try:
            return list(_pairs(_any(text), 1))
        except (msgspec.MsgspecError, RecursionError):
            return None
    if text[:1] == "<" and _XML.search(text) is not None:
        return [(html.unescape(found[1] or ""), html.unescape(found[2] or "")) for found in _XML.finditer(text)]
    return None
