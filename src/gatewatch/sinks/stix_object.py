"""STIX 2.1 objects with ids that depend on nothing but their content.

Observables have the UUIDv5 of their contributing properties in the namespace of the specification (section 2.9), so they are the same
objects in every tool. All others have one in a namespace of our own. Reference: STIX 2.1, OASIS standard of 10 June 2021.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from gatewatch.schema.measure import Mitigation
from gatewatch.sinks.escape import mend

OBSERVABLE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
OWN = uuid.uuid5(uuid.NAMESPACE_DNS, "gatewatch.invalid")
ATTACK_RELEASE = datetime(2025, 10, 28, tzinfo=UTC)  # of ATT&CK 18: what we say of techniques and mitigations is from there

Object = dict[str, Any]


def stamp(moment: datetime) -> str:
    """Return an instant as STIX writes it: UTC, milliseconds, ``Z``."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Bundle:
    """The objects of a bundle, each once, in the order made."""

    made: dict[str, Object] = field(default_factory=dict)

    def add(self, thing: Object) -> str:
        """Take *thing* in and return its id."""
        self.made.setdefault(thing["id"], thing)
        return str(thing["id"])

    def domain(self, kind: str, key: object, created: datetime, modified: datetime | None = None, **properties: Any) -> str:
        """Add a domain object or relationship whose id comes from *kind* and *key*; None leaves a property out."""
        thing: Object = {"type": kind, "spec_version": "2.1", "id": own_id(kind, key), "created": stamp(created)}
        thing["modified"] = stamp(max(created, modified) if modified is not None else created)
        thing |= {name: value for name, value in properties.items() if value is not None}
        return self.add(thing)

    def observable(self, kind: str, contributing: Mapping[str, Any], **more: Any) -> str:
        """Add an observable; *contributing* are the properties its id comes from."""
        thing: Object = {"type": kind, "spec_version": "2.1", "id": observable_id(kind, contributing)}
        thing |= {name: value for name, value in {**contributing, **more}.items() if value is not None}
        return self.add(thing)

    def relate(self, source: str, verb: str, target: str, created: datetime, why: str | None = None) -> str:
        """Add a relationship."""
        key = (source, verb, target)
        return self.domain("relationship", key, created, relationship_type=verb, source_ref=source, target_ref=target, description=why)

    def address(self, text: str | None) -> str | None:
        """Add an address; None where *text* is none."""
        try:
            version = ip_address((text or "").partition("%")[0]).version
        except ValueError:
            return None
        return self.observable(f"ipv{version}-addr", {"value": text})

    def technique(self, identity: str, name: str, creator: str) -> str:
        """Add an attack pattern of ATT&CK."""
        url = f"https://attack.mitre.org/techniques/{identity.replace('.', '/')}"
        reference = [{"source_name": "mitre-attack", "external_id": identity, "url": url}]
        return self.domain("attack-pattern", identity, ATTACK_RELEASE, created_by_ref=creator, name=name or identity, external_references=reference)

    def mitigation(self, mitigation: Mitigation, creator: str) -> str:
        """Add a course of action of ATT&CK, with the relationship that it mitigates T1133."""
        reference = [
            {"source_name": "mitre-attack", "external_id": str(mitigation), "url": f"https://attack.mitre.org/mitigations/{mitigation}"}
        ]
        action = self.domain(
            "course-of-action", str(mitigation), ATTACK_RELEASE, created_by_ref=creator, name=mitigation.label, description=mitigation.sentence,
            external_references=reference,
        )  # fmt: skip
        self.relate(action, "mitigates", self.technique("T1133", "External Remote Services", creator), ATTACK_RELEASE, mitigation.sentence)
        return action

    def whole(self) -> Object:
        """Return the bundle."""
        return {"type": "bundle", "id": own_id("bundle", sorted(self.made)), "objects": list(self.made.values())}


def own_id(kind: str, key: object) -> str:
    """Return an id in our own namespace."""
    return f"{kind}--{uuid.uuid5(OWN, mend(f'{kind} {key!r}'))}"


def observable_id(kind: str, contributing: Mapping[str, Any]) -> str:
    """Return the id of an observable by the canonical JSON (RFC 8785) of its contributing properties: text and lists of it only."""
    clean = {name: _mended(value) for name, value in contributing.items() if value is not None}
    canonical = json.dumps(clean, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{kind}--{uuid.uuid5(OBSERVABLE, canonical)}"


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return mend(value)
    return [_mended(one) for one in value] if isinstance(value, list) else value


def distinct(references: Iterable[str | None]) -> list[str]:
    """Return the ids that are there, each once."""
    return [one for one in dict.fromkeys(references) if one is not None]
