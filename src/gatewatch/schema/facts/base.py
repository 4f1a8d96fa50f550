"""The base of every fact: whose it is, from when, and where it stands; settings with their provenance; the index checks ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import msgspec


class Where(msgspec.Struct, frozen=True, order=True):
    """A place in evidence: the file, its line (1-based; 0 where lines mean nothing), a path within a document, the text there.

    ``quote`` has its secrets masked before it comes here; ``pointer`` is a JSON or registry path, or an element's.
    """

    file: str
    line: int = 0
    quote: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value in force, and why: ``where`` is the deciding line (None for a default), ``how`` says how it was resolved.

    ``uncertain`` tells why the value may be another in truth (a file it includes is not in the evidence); empty when it is sure.
    Secrets never become values: ``***`` stands for one that is set.
    """

    name: str
    value: str
    how: str
    where: Where | None = None
    uncertain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What evidence says of a ``host``. ``as_of``: when it was so (collection, else the file's time); None where nobody knows."""

    host: str
    as_of: datetime | None = None
    where: tuple[Where, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Fact):
    """The settings of one service in force on a host, by lower-case name; the base of the services' own facts.

    ``service`` is a value of :class:`gatewatch.schema.events.Service` where there is one, else a short name.
    ``scope`` tells several of a host apart (a tunnel group, a virtual server, an instance).
    """

    service: str
    scope: str = ""
    version: str = ""
    values: tuple[Setting, ...] = ()

    def get(self, name: str) -> Setting | None:
        """Return the setting *name*; None where neither the configuration nor a known default gives it."""
        return next((setting for setting in self.values if setting.name == name), None)

    def text(self, name: str, default: str = "") -> str:
        """Return the value of *name*, or *default*."""
        setting = self.get(name)
        return setting.value if setting is not None else default


F = TypeVar("F", bound=Fact)


@dataclass(slots=True)
class Facts:
    """All facts of an audit, by type and by host, in the order they were read."""

    _by_type: dict[type[Fact], list[Fact]] = field(default_factory=dict)
    _by_host: dict[tuple[type[Fact], str], list[Fact]] = field(default_factory=dict)
    _hosts: dict[str, None] = field(default_factory=dict)

    def add(self, facts: Iterable[Fact]) -> None:
        """Take *facts* in."""
        for fact in facts:
            self._by_type.setdefault(type(fact), []).append(fact)
            self._by_host.setdefault((type(fact), fact.host), []).append(fact)
            self._hosts[fact.host] = None

    def of(self, kind: type[F], host: str | None = None) -> list[F]:
        """Return the facts of exactly the type *kind*, of one *host* where it is given."""
        return self._by_type.get(kind, []) if host is None else self._by_host.get((kind, host), [])  # type: ignore[return-value]

    def hosts(self) -> list[str]:
        """Return every host there are facts of, in the order met."""
        return list(self._hosts)

    def __iter__(self) -> Iterator[Fact]:
        for found in self._by_type.values():
            yield from found

    def __len__(self) -> int:
        return sum(len(found) for found in self._by_type.values())
