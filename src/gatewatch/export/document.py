"""Rules as plain Sigma: the shipped file with the shared pieces of regexes filled in, so that any Sigma tool can read it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

import yaml

from gatewatch.detect.chain import Chain
from gatewatch.detect.rule import Rule
from gatewatch.detect.sigma_document import read_documents
from gatewatch.detect.sigma_fragment import FRAGMENTS
from gatewatch.schema.platform import PREFIXES, Platform

_PIECE = re.compile("%(" + "|".join(map(re.escape, FRAGMENTS)) + ")%")
PLATFORM = "of_platform"


def identity(*words: str) -> str:
    """Return a stable id (UUID) for something exported."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("gatewatch", "export", *words))))


def content_of(rule: Rule) -> dict[str, Any]:
    """Return the Sigma document of *rule* as it stands in its file."""
    documents, _ = read_documents([rule.path])
    return next(document.content for document in documents if document.content.get("title") == rule.title)


def plain(rule: Rule, chain: Chain, *, anchor: bool) -> dict[str, Any]:
    """Return *rule* as a document of an export of *chain*: pieces filled in, an id and name of its own, the anchor bound to its platform."""
    content = dict(content_of(rule))
    name = rule_name(rule.name, chain, anchor=anchor)
    detection = {key: _filled(value) for key, value in content["detection"].items()}
    if anchor and chain.platform is not None:
        detection |= _bound(str(detection["condition"]), chain.platform)
    return {**content, "id": identity(name), "name": name, "detection": detection}


def rule_name(name: str, chain: Chain, *, anchor: bool) -> str:
    """Return what rule *name* is called in an export of *chain*."""
    return f"{chain.id}-{name}{'-at-anchor' if anchor and chain.platform is not None else ''}"


def _bound(condition: str, platform: Platform) -> dict[str, Any]:
    prefixes = [prefix for some in PREFIXES.values() for prefix in some] if platform is Platform.LINUX else list(PREFIXES[platform])
    word = "not " if platform is Platform.LINUX else ""
    return {PLATFORM: {"source|startswith": prefixes}, "condition": f"({condition}) and {word}{PLATFORM}"}


def _filled(value: Any) -> Any:
    """Return a selection with ``|expand`` gone and the pieces it asked for in place."""
    if isinstance(value, list):
        return [_filled(part) for part in value]
    if not isinstance(value, Mapping):
        return value
    filled: dict[str, Any] = {}
    for key, inner in value.items():
        name, _, modifiers = str(key).partition("|")
        words = modifiers.split("|") if modifiers else []
        fill = "expand" in words
        words = [word for word in words if word != "expand"]
        filled["|".join([name, *words])] = _pieces(inner) if fill else inner
    return filled


def _pieces(text: Any) -> Any:
    if isinstance(text, list):
        return [_pieces(part) for part in text]
    return _PIECE.sub(lambda found: FRAGMENTS[found[1]], text) if isinstance(text, str) else text


def written(documents: list[dict[str, Any]]) -> str:
    """Return *documents* as one YAML file."""
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=150)
