"""What of a document of the Elastic Common Schema is read, and documents whose keys are paths (``source.ip``) laid out as objects in objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gatewatch.sources.document import Part

_DEEPEST = 8  # objects in objects that are looked into


class Name(Part):
    """Anything with a name."""

    name: Any = None
    email: Any = None


class Event(Part):
    """``event``: what happened."""

    category: Any = None
    type: Any = None
    kind: Any = None
    outcome: Any = None
    action: Any = None
    dataset: Any = None
    reason: Any = None


class User(Part):
    """``user``: who did it, and to whom."""

    name: Any = None
    email: Any = None
    domain: Any = None
    target: Name | None = None
    changes: Name | None = None
    effective: Name | None = None


class End(Part):
    """One end of a connection."""

    ip: Any = None
    address: Any = None
    port: Any = None
    domain: Any = None
    user: Name | None = None


class Machine(Part):
    """``host``, ``observer``: a machine."""

    name: Any = None
    hostname: Any = None


class Parent(Part):
    """``process.parent``."""

    executable: Any = None
    name: Any = None


class Process(Part):
    """``process``."""

    executable: Any = None
    name: Any = None
    command_line: Any = None
    parent: Parent | None = None


class Network(Part):
    """``network``."""

    protocol: Any = None


class Ssh(Part):
    """``system.auth.ssh`` of Filebeat."""

    method: Any = None


class Auth(Part):
    """``system.auth``."""

    ssh: Ssh | None = None


class System(Part):
    """``system``."""

    auth: Auth | None = None


class Related(Part):
    """``related``."""

    user: Any = None


class SignIn(Part):
    """``azure.signinlogs``."""

    result_type: Any = None
    category: Any = None
    properties: Any = None


class Azure(Part):
    """``azure``."""

    signinlogs: SignIn | None = None


class Audit(Part):
    """``o365.audit``."""

    ErrorNumber: Any = None
    LogonError: Any = None


class Office(Part):
    """``o365``."""

    audit: Audit | None = None


class Document(Part):
    """A document, as far as it is read."""

    at: Any = msgspec.field(default=None, name="@timestamp")
    message: Any = None
    event: Event | None = None
    user: User | None = None
    source: End | None = None
    client: End | None = None
    destination: End | None = None
    host: Machine | None = None
    observer: Machine | None = None
    network: Network | None = None
    process: Process | None = None
    service: Name | None = None
    system: System | None = None
    related: Related | None = None
    group: Name | None = None
    winlog: Any = None
    azure: Azure | None = None
    o365: Office | None = None


def nested(document: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Return *document* with keys such as ``source.ip`` as objects in objects; what is nested already comes first.

    >>> nested({"source.ip": "192.0.2.7", "source": {"port": 22}})
    {'source': {'port': 22, 'ip': '192.0.2.7'}}
    """
    made: dict[str, Any] = {}
    for key, value in document.items():
        if "." not in key:
            made[key] = nested(value, depth + 1) if isinstance(value, dict) and depth < _DEEPEST else value
    for key, value in document.items():
        head, dot, rest = key.partition(".")
        if dot and rest and depth < _DEEPEST:
            _put(made, head, nested({rest: value}, depth + 1))
    return made


def _put(made: dict[str, Any], key: str, value: Any) -> None:
    """Lay *value* under *key* into *made*, where nothing is yet."""
    there = made.get(key)
    if there is None:
        made[key] = value
    elif isinstance(there, dict) and isinstance(value, dict):
        for name, inner in value.items():
            _put(there, name, inner)
