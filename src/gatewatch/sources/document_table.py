"""Events out of what sources of JSON records say: rows as dicts become columns, a few thousand at a time, so that few live at once.

What the keys of a row become is told in :mod:`gatewatch.sources.document`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import msgspec
import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources.document_value import BAD_TIME, FAULTS, LATEST, NO_TIME, NOTHING, SECOND, Unreadable, said
from gatewatch.sources.resolver import as_name, map_values, resolve_host, resolve_user
from gatewatch.sources.windows import masked

CARRIED = ("record", "offset")
Moment = tuple[int | None, int | None, int | None]
"""Microseconds since the epoch, or of a wall clock, and the resolution."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPELLED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{5,18})(?: ([+-][0-9]{2}:?[0-9]{2}))?(?: ?(?:UTC|GMT))?")
"""A time as Go and Ruby show it: ``2026-01-05 12:00:00 +0000 UTC``."""
_SHOWN = re.compile(r"([A-Z][a-z]{2}) ([0-9]{1,2}), ([12][0-9]{3}) @ ([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)")
"""A time as Kibana shows it: ``Jan 5, 2026 @ 12:00:00.000``."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SCRIPT_DATE = re.compile(r"/Date\(([0-9]{1,15})(?:[+-][0-9]{4})?\)/")  # Windows PowerShell's ConvertTo-Json: milliseconds
_EARLIEST = 631_152_000_000_000  # 1990, microseconds: before, it is no time but a default or a mistake
_CHUNK = 1024  # rows kept as dicts
_PLAIN_TIME = r"^[0-9]{4}-[01][0-9]-[0-3][0-9]T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|\+00:00)?$"
_USERS = ("user", "target_user")
_HOSTS = {"rhost": ("src_ip", "src_host"), "dhost": ("dst_ip", "dst_host")}
_ADDRESSES = ("src_ip", "dst_ip", "assigned_ip", "host_ip")
_PORTS = ("src_port", "dst_port")
_NUMBERS = ("bytes_in", "bytes_out")
_ENUMS = ("kind", "service", "auth_method", "mfa")
_WORDS: dict[str | None, str] = {str(word): str(word) for words in (Kind, Service, AuthMethod, Mfa) for word in words}
_APART = frozenset({"time", "count", "extra", "user_domain", *_USERS, *_HOSTS, *_ADDRESSES, *_PORTS, *_NUMBERS, *_ENUMS, "src_host", "dst_host"})

_AS_TEXT = frozenset({"user", "target_user", "rhost", "dhost", "src_host", "dst_host", "host", "observer", "message", "pattern", "extra"})


class Sheet:
    """The rows of one batch, as columns; ``bare`` kinds bear no ``extra``, rows that say no ``service`` have the one given."""

    def __init__(self, bare: Collection[str], service: Service | None) -> None:
        self.owners: list[int] = []
        """Of each row, the place of the record it comes from."""
        self.service = service
        self._bare = bare
        self._held: list[Mapping[str, Any]] = []
        self._columns: dict[str, list[Any]] = {}

    def add(self, row: Mapping[str, Any], owner: int) -> None:
        """Take a *row* of the record at the place *owner*."""
        self._held.append(row)
        self.owners.append(owner)
        if len(self._held) >= _CHUNK:
            self._flush()

    def columns(self) -> dict[str, list[Any]]:
        """Return what was taken, a list for each key that any row has; null where a row lacks it."""
        self._flush()
        return self._columns

    def _flush(self) -> None:
        rows, known = self._held, self._columns
        if not rows:
            return
        before = len(self.owners) - len(rows)
        for name in dict.fromkeys(chain.from_iterable(rows)):
            if name not in known:
                known[name] = [self.service if name == "service" else None] * before
        for name, values in known.items():
            if name == "extra":
                values += [None if row["kind"] in self._bare else packed(row.get("extra")) for row in rows]
            elif name == "service":
                values += [row.get(name, self.service) for row in rows]
            else:
                values += [row.get(name) for row in rows]
        self._held = []


class Columns:
    """Rows that are columns already: ``owners`` as in :class:`Sheet`, and a series for each key."""

    def __init__(self, owners: list[int], series: dict[str, pl.Series]) -> None:
        self.owners = owners
        self.service: Service | None = None
        self._series = series

    def columns(self) -> Mapping[str, Sequence[Any]]:
        """Return the columns, those that are no text as lists."""
        return {name: one if name in _AS_TEXT else one.to_list() for name, one in self._series.items()}  # type: ignore[misc]


def table(records: pl.DataFrame, sheet: Sheet | Columns, moments: tuple[pl.Series, pl.Series, pl.Series], name: str) -> pl.DataFrame:
    """Return the rows of *sheet*, in the order of the *records* they come from, as events of the source *name*."""
    raw = sheet.columns()
    if not sheet.owners:
        return ev.empty("record", "offset", "time", "host", "count", "kind", "source", "pattern")
    size = len(sheet.owners)
    frame = records.select(*CARRIED)[pl.Series(sheet.owners, dtype=pl.UInt32)]
    time, local, resolution = moments
    columns: list[pl.Series | pl.Expr] = [
        time.cast(ev.DTYPES["time"]).alias("time"),
        local.cast(pl.Datetime("us")).alias("local"),
        pl.Series("rel", [None], dtype=pl.Int16).new_from_index(0, size),
        resolution.alias("resolution"),
        _counts(raw["count"]) if "count" in raw else pl.Series("count", [1], dtype=pl.UInt32).new_from_index(0, size),
        pl.Series("source", [name], dtype=pl.String).new_from_index(0, size),
    ]
    if sheet.service is not None and "service" not in raw:
        columns.append(pl.Series("service", [str(sheet.service)], dtype=ev.DTYPES["service"]).new_from_index(0, size))
    columns += [pl.Series(one, [_WORDS.get(value) for value in raw[one]], dtype=ev.DTYPES[one]) for one in _ENUMS if one in raw]
    for one in _USERS:
        if one in raw:
            columns += resolve_user(_texts(one, raw[one]), one)
    for one, (address, host) in _HOSTS.items():
        columns += _endpoint(raw, one, address, host)
    ends = {end for one, (end, _) in _HOSTS.items() if one in raw}
    columns += [map_values(_texts(one, raw[one]), canonical_address).alias(one) for one in _ADDRESSES if one in raw and one not in ends]
    columns += [_numbers(one, raw[one], 1, 0xFFFF).cast(pl.UInt16) for one in _PORTS if one in raw]
    columns += [_numbers(one, raw[one], 0, 2**63 - 1) for one in _NUMBERS if one in raw]
    if "extra" in raw:
        columns.append(pl.Series("extra", raw["extra"], dtype=pl.String))
    for one, given in raw.items():
        if one not in _APART:
            dtype = ev.DTYPES[one]
            values = _texts(one, given) if dtype == pl.String else pl.Series(one, given, dtype=dtype)
            columns.append(masked(values) if one == "command" else values)
    frame = frame.with_columns(columns)
    if "host" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.String).alias("host"))
    if "user_domain" in raw:
        own = pl.Series("d", [None if v is None else v.casefold() for v in _texts("d", raw["user_domain"]).to_list()], dtype=pl.String)
        there = pl.col("user_domain") if "user_domain" in frame.columns else pl.lit(None, pl.String)
        frame = frame.with_columns(pl.coalesce(there, pl.lit(own)).alias("user_domain"))
    return frame


def instants(values: Sequence[Any], *, zoned: bool, timeless: bool) -> tuple[tuple[pl.Series, pl.Series, pl.Series], list[int]]:
    """Return *values* as microseconds (with a zone, without one) and their resolutions, and the places of those that :func:`moment` refuses."""
    texts = pl.Series("t", [value if value.__class__ is str else None for value in values], dtype=pl.String)
    plain = texts.str.contains(_PLAIN_TIME if zoned else _PLAIN_TIME.removesuffix("?$") + "$").fill_null(value=False)
    bare = texts.set(~plain, None).str.strip_suffix("Z").str.strip_suffix("+00:00")
    micros = bare.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False).cast(pl.Int64)
    micros = micros.set(~micros.is_between(_EARLIEST, LATEST - 1), None)
    local = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(values))
    fine = pl.select(pl.when(pl.lit(bare).str.contains(".", literal=True)).then(1).otherwise(SECOND).cast(pl.Int64)).to_series()
    left = micros.is_null().arg_true()
    bad: list[int] = []
    if len(left):
        places, ours, theirs, finer = [], [], [], []
        for place in left.to_list():
            try:
                one, other, resolution = moment(values[place], zoned=zoned, timeless=timeless)
            except Unreadable:
                bad.append(place)
                one, other, resolution = None, None, None
            places.append(place)
            ours.append(one)
            theirs.append(other)
            finer.append(resolution)
        at = pl.Series(places, dtype=pl.UInt32)
        micros, local, fine = (
            whole.scatter(at, pl.Series(part, dtype=pl.Int64)) for whole, part in ((micros, ours), (local, theirs), (fine, finer))
        )
    return (micros, local, fine), bad


def moment(value: Any, *, zoned: bool, timeless: bool) -> Moment:
    """Return *value* as microseconds (with a zone, without one) and its resolution."""
    resolution: int | None = 1
    if value.__class__ is str:
        text = value.strip()
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            spelled = _SPELLED.fullmatch(text)
            if spelled is not None:
                return moment(f"{spelled[1]}{spelled[2] or '+00:00'}", zoned=zoned, timeless=timeless)
            script = _SCRIPT_DATE.fullmatch(text)
            if script is not None:
                return moment(int(script[1]) * 1000, zoned=zoned, timeless=timeless)
            shown = _SHOWN.fullmatch(text)
            if shown is not None and shown[1] in _MONTHS:  # in the zone of whoever exported it
                return moment(f"{shown[3]}-{_MONTHS.index(shown[1]) + 1:02}-{shown[2]:0>2}T{shown[4]}", zoned=False, timeless=timeless)
            raise Unreadable(BAD_TIME if text else NO_TIME) from None
        if "." not in text:
            resolution = SECOND
    elif value.__class__ is int:
        if not _EARLIEST <= value < LATEST:
            raise Unreadable(BAD_TIME)
        return value, None, resolution
    elif isinstance(value, datetime):
        found = value
    elif value is None and timeless:
        return None, None, None
    else:
        raise Unreadable(NO_TIME if value is None else BAD_TIME)
    naive = found.tzinfo is None
    try:
        span = (found.replace(tzinfo=UTC) if naive else found) - _EPOCH
    except OverflowError:
        raise Unreadable(BAD_TIME) from None
    micros = (span.days * 86_400 + span.seconds) * SECOND + span.microseconds
    if not _EARLIEST <= micros < LATEST:
        raise Unreadable(BAD_TIME)
    return (None, micros, resolution) if naive and not zoned else (micros, None, resolution)


def packed(extra: Any) -> str | None:
    """Return *extra*, a dict or a function that returns one, as JSON text; what is null or empty in it is left out."""
    if callable(extra):
        extra = extra()
    kept = {name: value for name, value in extra.items() if value is not None and value != ""} if extra else None
    try:
        return msgspec.json.encode(kept).decode() if kept else None
    except FAULTS:
        return None


def _texts(name: str, values: Sequence[Any]) -> pl.Series:
    if not isinstance(values, pl.Series) and not {str, type(None)}.issuperset(map(type, values)):
        return pl.Series(name, [said(value) for value in values], dtype=pl.String)
    made = pl.Series(name, values, dtype=pl.String)
    nothing = made.is_in(NOTHING).fill_null(value=False)
    return made.set(nothing, None) if nothing.any() else made


def _counts(values: Sequence[Any]) -> pl.Series:
    return _numbers("count", values, 1, 0xFFFF_FFFF).fill_null(1).cast(pl.UInt32)


def _numbers(name: str, values: Sequence[Any], least: int, most: int) -> pl.Series:
    return pl.Series(name, [_number(value, least, most) for value in values], dtype=pl.Int64)


def _number(value: Any, least: int, most: int) -> int | None:
    if (value.__class__ is str and value.isascii() and value.isdigit() and len(value) < 20) or (value.__class__ is float and value.is_integer()):
        value = int(value)
    return value if value.__class__ is int and least <= value <= most else None


def _endpoint(raw: Mapping[str, Sequence[Any]], name: str, address: str, host: str) -> list[pl.Series | pl.Expr]:
    """Return the address and the name of one end."""
    made: list[pl.Series | pl.Expr] = []
    given = map_values(_texts(host, raw[host]), as_name) if host in raw else None
    if name in raw:
        resolved = resolve_host(_texts(name, raw[name]), address, host)
        known = map_values(_texts(address, raw[address]), canonical_address) if address in raw else None
        made.append(resolved[0] if known is None else pl.coalesce(pl.lit(known), resolved[0]).alias(address))
        if given is None:
            made += resolved[1:]
        elif len(resolved) > 1:
            given = pl.select(pl.coalesce(pl.lit(given), resolved[1])).to_series()
    if given is not None:
        made.append(given.alias(host))
    return made
