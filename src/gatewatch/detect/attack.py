"""ATT&CK: the strategy DET0354, its analytics, the mitigations of T1133 and the names of techniques, as package data.

The texts are MITRE's: see ``notice`` in ``content/attack/t1133.json``. The version is data too; nothing here names an event code.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

import msgspec

from gatewatch.schema.incidents import Technique


class LogSource(msgspec.Struct, frozen=True):
    """A log source an analytic asks for: data component (name and id), log and channel."""

    data_component: str
    id: str
    name: str
    channel: str | None


class Mutable(msgspec.Struct, frozen=True):
    """A mutable element of an analytic: what a site may tune."""

    field: str
    description: str


class Analytic(msgspec.Struct, frozen=True):
    """One analytic of a detection strategy."""

    id: str
    platforms: tuple[str, ...]
    description: str
    log_sources: tuple[LogSource, ...]
    mutable: tuple[Mutable, ...]


class Strategy(msgspec.Struct, frozen=True):
    """A detection strategy."""

    id: str
    name: str
    analytics: tuple[Analytic, ...]


class Mitigation(msgspec.Struct, frozen=True):
    """A mitigation, with the sentence ATT&CK writes of it for T1133."""

    id: str
    name: str
    text: str


class Attack(msgspec.Struct, frozen=True):
    """What we keep of ATT&CK, with its version and copyright notice."""

    notice: str
    version: str
    source: str
    technique: Technique
    strategy: Strategy
    mitigations: tuple[Mitigation, ...]
    techniques: dict[str, str]


@lru_cache(maxsize=1)
def attack() -> Attack:
    """Return the package's ATT&CK data."""
    data = (files("gatewatch") / "content" / "attack" / "t1133.json").read_bytes()
    return msgspec.json.decode(data, type=Attack)


def techniques(ids: Iterable[str]) -> tuple[Technique, ...]:
    """Return the techniques *ids*, each once, sorted; an id we have no name for is its own name.

    >>> techniques(["T1133", "T1110", "T1133"])[1].name
    'External Remote Services'
    """
    names = attack().techniques
    return tuple(Technique(one, names.get(one, one)) for one in sorted(set(ids)))
