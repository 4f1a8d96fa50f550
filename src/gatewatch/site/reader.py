"""Reader: takes a TOML table apart key by key and remembers everything that is wrong with it, so that all is reported at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import polars as pl

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import UTC, Service
from gatewatch.site.country import countries
from gatewatch.site.line import Path, line_of
from gatewatch.site.range import Network, parse_network
from gatewatch.site.suggestion import did_you_mean

T = TypeVar("T")
SERVICES = tuple(service.value for service in Service)
YEARS = range(1970, 2200)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Something wrong with the file at a line; a ``warning`` does not keep it from being used."""

    line: int
    text: str
    warning: bool = False


@dataclass(slots=True)
class Faults:
    """The faults of one file; ``lines`` says where each key stands."""

    lines: dict[Path, int]
    found: list[Fault] = field(default_factory=list)

    def add(self, path: Path, text: str, *, warning: bool = False) -> None:
        """Note that something is wrong at *path*."""
        self.found.append(Fault(line_of(self.lines, path), text, warning))


@cache
def zone_exists(name: str) -> bool:
    """Return whether *name* is an IANA zone that Python and Polars both know (each brings its own database)."""
    try:
        ZoneInfo(name)
        pl.Series([0], dtype=UTC).dt.convert_time_zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.ComputeError):  # OSError: a folder of the database, such as "Europe"
        return False
    return True


def parse_zone(value: object) -> str:
    """Return an IANA zone. ValueError otherwise."""
    if not isinstance(value, str) or not zone_exists(value):
        raise ValueError(f"{value!r} is no IANA zone such as Europe/Berlin{did_you_mean(str(value), available_timezones())}")
    return value


def parse_day(value: object) -> date:
    """Return a date. ValueError otherwise."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError(f"{value!r} is no date such as 2026-12-31")


def parse_cidr(value: object) -> Network:
    """Return a network or a single address. ValueError otherwise."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no address or CIDR")
    return parse_network(value)


def parse_address_text(value: object) -> str:
    """Return an address in canonical form. ValueError otherwise."""
    address = canonical_address(value) if isinstance(value, str) else None
    if address is None:
        raise ValueError(f"{value!r} is no address")
    return address


def parse_name(value: object) -> str:
    """Return a host or user name, case-folded. ValueError otherwise."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is no name")
    return value.strip().casefold()


def parse_service(value: object) -> str:
    """Return a service of the event table. ValueError otherwise."""
    if not isinstance(value, str) or value.casefold() not in SERVICES:
        raise ValueError(f"{value!r} is no service{did_you_mean(str(value), SERVICES) or '; there are ' + ', '.join(SERVICES)}")
    return value.casefold()


def parse_country(value: object) -> str:
    """Return an ISO 3166-1 alpha-2 code. ValueError otherwise."""
    codes = countries()
    if isinstance(value, str):
        if value.upper() in codes:
            return value.upper()
        named = {name: code for code, name in codes.items()}
        near = did_you_mean(value, named).removeprefix("; did you mean ").removesuffix("?")
        if near:
            raise ValueError(f"{value!r} is no ISO 3166-1 code; did you mean {named[near]} ({near})?")
        if value.upper() == "UK":
            raise ValueError(f"{value!r} is no ISO 3166-1 code; did you mean GB?")
    raise ValueError(f"{value!r} is no ISO 3166-1 code such as DE")


class Reader:
    """One table of the file. Each method takes a key away; :meth:`close` reports those that nobody asked for."""

    def __init__(self, values: Mapping[str, Any], path: Path, faults: Faults) -> None:
        """Read *values*, which stand at *path*."""
        self.values = values
        self.path = path
        self.faults = faults
        self.asked: list[str] = []

    def fault(self, key: str | None, text: str, *, warning: bool = False) -> None:
        """Note that something is wrong with *key*, or with the table."""
        self.faults.add(self.path if key is None else (*self.path, key), text, warning=warning)

    def get(self, key: str, parse: Callable[[Any], T]) -> T | None:
        """Return the parsed value of *key*; None when it is absent or wrong. *parse* raises ValueError."""
        self.asked.append(key)
        if key not in self.values:
            return None
        try:
            return parse(self.values[key])
        except ValueError as error:
            self.fault(key, f"{key}: {error}")
            return None

    def need(self, key: str, parse: Callable[[Any], T], hint: str) -> T | None:
        """As :meth:`get`, but the key must be there."""
        if key not in self.values:
            self.asked.append(key)
            self.fault(None, f"{self.title} has no {key!r}: {hint}")
            return None
        return self.get(key, parse)

    def many(self, key: str, parse: Callable[[Any], T], *, unique: bool = True) -> tuple[T, ...]:
        """Return the parsed items of a list (a single value stands for a list of one); wrong items are reported and left out."""
        self.asked.append(key)
        given = self.values.get(key, [])
        found: list[T] = []
        for index, item in enumerate(given if isinstance(given, list) else [given]):
            try:
                value = parse(item)
            except ValueError as error:
                self.faults.add((*self.path, key, index), f"{key}: {error}")
                continue
            if not unique or value not in found:
                found.append(value)
        return tuple(found)

    def table(self, key: str) -> Reader:
        """Return the table *key*; an empty one when it is absent."""
        self.asked.append(key)
        given = self.values.get(key, {})
        if not isinstance(given, dict):
            self.fault(key, f"{key!r} must be a table: [{key}]")
            given = {}
        return Reader(given, (*self.path, key), self.faults)

    def tables(self, key: str) -> list[Reader]:
        """Return the tables of the array *key* (``[[key]]``)."""
        self.asked.append(key)
        given = self.values.get(key, [])
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            self.fault(key, f"{key!r} must be written as [[{key}]], once for each entry")
            return []
        return [Reader(item, (*self.path, key, index), self.faults) for index, item in enumerate(given)]

    def named(self, key: str) -> list[tuple[str, Reader]]:
        """Return the named tables below *key* (``[key.NAME]``), in file order."""
        inner = self.table(key)
        return [(name, inner.table(name)) for name in inner.values]

    def close(self, others: Iterable[str] = ()) -> None:
        """Report every key that was not asked for."""
        known = [*dict.fromkeys(self.asked), *others]
        for key in self.values:
            if key not in known:
                self.fault(key, f"unknown key {key!r} in {self.title}{did_you_mean(key, known)}")

    @property
    def title(self) -> str:
        """The table as the file writes it."""
        names = ".".join(str(part) for part in self.path if isinstance(part, str))
        if not names:
            return "the file"
        return f"[[{names}]]" if isinstance(self.path[-1], int) else f"[{names}]"


def text(value: object) -> str:
    """Return a text that is not empty. ValueError otherwise."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is no text")
    return value.strip()


def flag(value: object) -> bool:
    """Return true or false. ValueError otherwise."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def real(low: float, high: float) -> Callable[[object], float]:
    """Return a parser of numbers from *low* to *high*."""

    def parse(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"{value!r} is no number from {low:g} to {high:g}")
        return float(value)

    return parse


def whole(low: int, high: int) -> Callable[[object], int]:
    """Return a parser of whole numbers from *low* to *high*."""

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{value!r} is no whole number from {low} to {high}")
        return value

    return parse
