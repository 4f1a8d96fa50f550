"""Roles of a cluster and who holds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.kube_config import at, texts
from gatewatch.schema.facts.base import Fact
from gatewatch.schema.facts.container import Role, RoleBinding


def binding(document: Document, pointer: str, item: dict[str, Any], bundle: Bundle) -> Iterator[Fact]:
    """Yield who holds a role."""
    listed = item.get("subjects")
    subjects = tuple(
        (str(one.get("kind", "")), str(one.get("namespace") or ""), str(one.get("name", "")))
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict)
    )
    yield RoleBinding(
        host=bundle.host, as_of=document.as_of, where=(document.spot(pointer, f"{item.get('kind')} {at(item, 'metadata.name')}"),),
        namespace="" if item.get("kind") == "ClusterRoleBinding" else str(at(item, "metadata.namespace") or "default"),
        name=str(at(item, "metadata.name") or ""), role_kind=str(at(item, "roleRef.kind") or ""), role=str(at(item, "roleRef.name") or ""),
        subjects=subjects,
    )  # fmt: skip


def role(document: Document, pointer: str, item: dict[str, Any], bundle: Bundle) -> Iterator[Fact]:
    """Yield what a role allows."""
    listed = item.get("rules")
    rules = []
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            groups = texts(one.get("apiGroups")) or ("",)
            resources = tuple(f"{group}/{name}" for group in groups for name in texts(one.get("resources")))
            rules.append((texts(one.get("verbs")), resources, texts(one.get("nonResourceURLs"))))
    yield Role(
        host=bundle.host, as_of=document.as_of, where=(document.spot(pointer, f"{item.get('kind')} {at(item, 'metadata.name')}"),),
        namespace="" if item.get("kind") == "ClusterRole" else str(at(item, "metadata.namespace") or "default"),
        name=str(at(item, "metadata.name") or ""), rules=tuple(rules),
    )  # fmt: skip
