"""Trees: JSON, YAML and XML read without entities, alias bombs or surprise; each returns the tree and why there is none.

YAML scalars keep YAML 1.1's types (as Kubernetes' own reader does): ``on`` is true. Duplicate keys: the last counts, as there.
"""

from __future__ import annotations

import json
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

import msgspec
import yaml

_ALIASES = 200  # in one YAML file; configuration uses a handful
_DEPTH = 200
_CAP = 64 * 1024**2


class _Bomb(yaml.YAMLError):
    """More aliases than configuration has."""


class _Loader(yaml.SafeLoader):
    """The safe loader, which counts aliases and depth: both multiply what a walk over the tree costs."""

    aliases = 0
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            self.aliases += 1
            if self.aliases > _ALIASES:
                raise _Bomb(f"more than {_ALIASES} aliases")
        self.depth += 1
        if self.depth > _DEPTH:
            raise _Bomb(f"nested more than {_DEPTH} deep")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Entities(ValueError):  # noqa: N818 - says what the document has
    """The document declares entities, or a document type at all."""


class _Refusing(TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002 - the name is the parser's
        raise _Entities


def parse_json(text: str) -> tuple[Any, str]:
    """Return the tree of a JSON document, or None and why."""
    try:
        return msgspec.json.decode(text), ""
    except (msgspec.DecodeError, UnicodeError) as error:
        first = str(error)
    except RecursionError:
        return None, "is no JSON: nested too deeply"
    try:
        return json.loads(text), ""  # msgspec is stricter than some exporters (NaN, lone surrogates)
    except (ValueError, RecursionError):
        return None, f"is no JSON: {first}"


def parse_yaml(text: str) -> tuple[list[Any] | None, str]:
    """Return the documents of a YAML file, or None and why; JSON is YAML and read as JSON."""
    if text.lstrip()[:1] in ("{", "["):
        made, fault = parse_json(text)
        if not fault:
            return [made], ""
    try:
        return list(yaml.load_all(text, _Loader)), ""
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        return None, f"is no YAML{line}: {getattr(error, 'problem', None) or error}"
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:  # odd dates, unhashable keys
        return None, f"is no YAML: {error}"


def parse_xml(data: bytes) -> tuple[Element | None, str]:
    """Return the root element of an XML document, or None and why; one with a document type is refused."""
    parser = XMLParser(target=_Refusing())  # noqa: S314 - any document type, and so every entity, is refused above
    try:
        parser.feed(data)
        root: Element = parser.close()
    except _Entities:
        return None, "declares a document type; entities are not read"
    except ParseError as error:
        return None, f"is no XML: {error}"
    except (ValueError, LookupError, RecursionError) as error:  # LookupError: an encoding nobody has
        return None, f"is no XML: {error}"
    return root, ""
