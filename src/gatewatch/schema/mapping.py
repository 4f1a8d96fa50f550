"""Maps: how a user describes a log format of their own, so that its records become events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class MapForm(StrEnum):
    """How a record of a mapped format is cut into fields."""

    JSON = "json"  # an object; fields are its keys, ``a.b`` those of nested ones
    CSV = "csv"  # a line of cells; fields are the columns that the map names
    REGEX = "regex"  # a line, or the message of a syslog record; fields are the named groups


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the value of a column comes from: a field, perhaps through a table of its values; or a constant."""

    field: str = ""
    values: Mapping[str, str] | None = None
    constant: str | None = None


@dataclass(frozen=True, slots=True)
class MapTime:
    """The field that holds the time, and how it reads: ``iso``, ``epoch`` or a pattern of strptime; ``zone`` is that of times without one."""

    field: str = ""
    form: str = "iso"
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class MapSample:
    """A record as it stands in a log, and what must become of it: columns of the event, or nothing because it is ignored."""

    raw: str
    expect: Mapping[str, str]
    ignore: bool
    line: int  # of the map file


@dataclass(frozen=True, slots=True)
class MapSpec:
    """One mapped format. ``recognise``: linear-time regexes that the text of every record matches; events come from the source ``map:<name>``."""

    name: str
    title: str
    form: MapForm
    recognise: tuple[str, ...]
    kind: Choice
    time: MapTime
    to: Mapping[str, Choice] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    regex: str = ""
    program: str | None = None
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    samples: tuple[MapSample, ...] = ()
    path: str = ""
    line: int = 1

    @property
    def source(self) -> str:
        """The name of the source of its events."""
        return f"map:{self.name}"
