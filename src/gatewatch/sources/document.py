"""Sources of JSON records: one object, read into typed fields, becomes one event (or several, or none).

A shape of :mod:`gatewatch.intake.json_record` hands over the object as text in ``fields``. A :class:`DocumentSource` decodes it into the struct
``shape`` (only the fields it names; leaves are ``Any``, nested objects ``Struct | None``) and lets ``read`` say what it means: the columns of an
event as a dict, a list of such dicts, or a text: why the record is ignored. ``read`` raises :class:`Unreadable` for what must be rejected. What it
returns is raw; the columns made of it:

=====================  ================================================================================================
key                    becomes
=====================  ================================================================================================
``kind``, ``pattern``  required; what the event is
``time``               an aware datetime, microseconds since the epoch, or ISO text (without a zone: UTC, or with ``zoned=False`` the file's zone)
``user``               ``user`` and ``user_domain`` (:func:`gatewatch.schema.users.split_user`); ``user_domain`` itself is the fallback
``target_user``        ``target_user``, resolved the same way
``rhost``, ``dhost``   ``src_ip`` or ``src_host``, ``dst_ip`` or ``dst_host``; a ``src_host`` or ``dst_host`` beside them comes first
``src_ip`` …           ``src_ip``, ``dst_ip``, ``assigned_ip``, ``host_ip`` when they are an address; a ``src_ip`` or ``dst_ip`` comes before
                       what ``rhost`` or ``dhost`` says
``src_port`` …         ``src_port``, ``dst_port``: 1 to 65535, as number or text
``bytes_in`` …         ``bytes_in``, ``bytes_out``; ``count`` (default 1)
``extra``              a dict, or a function that returns it, called only where it is kept; what is null in it is left out
``command``            masked where it holds what looks like a secret
others                 the column of that name, null when it is empty or ``-``
=====================  ================================================================================================

Nothing an object holds raises: text where an object is expected is taken for absent, and so is an object where text is expected.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import polars as pl
from msgspec.structs import fields as struct_fields

from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources.pattern import Outcome, no_rows
from gatewatch.sources.resolver import as_name, map_values, resolve_host, resolve_user
from gatewatch.sources.windows import masked

BROKEN = "broken JSON"
NO_OBJECT = "no JSON object"
NO_TIME = "no time"
BAD_TIME = "unreadable time"
FAULTS = (msgspec.MsgspecError, UnicodeError, RecursionError)

Made = Mapping[str, Any] | Iterable[Mapping[str, Any]] | str
Read = Callable[[Any], Made]
Moment = tuple[int | None, int | None, int | None]
"""Microseconds since the epoch, or of a wall clock, and the resolution."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = 631_152_000_000_000, 7_258_118_400_000_000  # 1990 and 2200, microseconds: outside, it is no time but a default or a mistake
_SECOND = 1_000_000
_CARRIED = ("record", "offset")
_USERS = ("user", "target_user")
_HOSTS = {"rhost": ("src_ip", "src_host"), "dhost": ("dst_ip", "dst_host")}
_ADDRESSES = ("src_ip", "dst_ip", "assigned_ip", "host_ip")
_PORTS = ("src_port", "dst_port")
_NUMBERS = ("bytes_in", "bytes_out")
_ENUMS = ("kind", "service", "auth_method", "mfa")
_WITH_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[0-9.]+):([0-9]{1,5})")
_WORDS: dict[str | None, str] = {str(word): str(word) for words in (Kind, Service, AuthMethod, Mfa) for word in words}
_NOTHING = frozenset({"", "-"})
_APART = frozenset({"time", "count", "extra", "user_domain", *_USERS, *_HOSTS, *_ADDRESSES, *_PORTS, *_NUMBERS, *_ENUMS, "src_host", "dst_host"})


class Unreadable(Exception):  # noqa: N818 - what it says of the record
    """A record that is ours and cannot be read, with the reason."""


class Part(msgspec.Struct, gc=False, kw_only=True):
    """A part of an object: what structs of sources derive from; every field has a default."""


class DocumentSource:
    """The source of one kind of JSON record.

    ``programs`` are the names of its shapes. ``essential``: the field of ``shape`` without which (or fields without all of which) an object is
    spelled otherwise (``EventType`` or ``eventtype`` for ``eventType``): it is then read again whatever the case of its keys. ``hint``: a
    linear-time regex over the raw text that a record must match to matter; the others are ignored for the reason ``others``, unread. ``idle``:
    pairs of such a regex and the reason why records that match it are ignored, unread. ``zoned``: whether a time without a zone is UTC.
    ``timeless``: whether a record without a time makes an event.
    """

    def __init__(
        self,
        *,
        name: str,
        title: str,
        programs: tuple[str, ...],
        read: Read,
        shape: type[msgspec.Struct] | None = None,
        references: tuple[str, ...] = (),
        service: Service | None = None,
        essential: str | tuple[str, ...] = (),
        hint: str = "",
        others: str = "says nothing of remote access",
        idle: tuple[tuple[str, str], ...] = (),
        zoned: bool = True,
        timeless: bool = False,
    ) -> None:
        self.name = name
        self.title = title
        self.programs = programs
        self.read = read
        self.shape = shape
        self.references = references
        self.service = service
        self.essential = (essential,) if isinstance(essential, str) else essential
        self.hint = hint
        self.others = others
        self.idle = idle
        self.zoned = zoned
        self.timeless = timeless
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(dict[str, Any] if shape is None else shape)

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records* whose ``fields`` are JSON objects of ours. Kinds outside *wanted* are recognised and make no events.

        In a scan, events of the kinds *apart* bear no ``extra``.
        """
        ignored: Counter[str] = Counter()
        rejected: list[tuple[int, str]] = []
        rows: list[Mapping[str, Any]] = []
        owners: list[int] = []
        moments: list[Moment] = []
        used = 0
        allowed = None if wanted is None else frozenset(str(kind) for kind in wanted)
        bare = frozenset() if wanted is None or Kind.OTHER in wanted else frozenset(str(kind) for kind in apart)
        places, texts = self._busy(records["fields"], ignored)
        decode, read, essential = self._decoder.decode, self.read, self.essential
        for place, text in zip(places, texts, strict=True):
            try:
                entry = decode(text)
                plain = not essential or any(getattr(entry, name) is not None for name in essential)
            except FAULTS:
                plain = False
            try:
                if plain:
                    try:
                        made = self._several(read(entry), ignored)
                    except Unreadable:  # perhaps its keys are written otherwise
                        made = self._several(read(self._lenient(text)), ignored)
                else:
                    made = self._several(read(self._lenient(text)), ignored)
            except Unreadable as error:
                rejected.append((place, str(error)))
                continue
            if made is None:
                continue
            used += 1
            for row, moment in made:
                if allowed is None or row["kind"] in allowed:
                    rows.append(row)
                    owners.append(place)
                    moments.append(moment)
        left = records.select(*_CARRIED, pl.col("fields").alias("message"))
        lost = no_rows(reason=True)
        if rejected:
            rejected.sort()
            lost = left[[place for place, _ in rejected]].with_columns(pl.Series("reason", [reason for _, reason in rejected], dtype=pl.String))
        return Outcome(self._table(records, rows, owners, moments, bare), dict(sorted(ignored.items())), no_rows(), lost, used)

    def _busy(self, texts: pl.Series, ignored: Counter[str]) -> tuple[Sequence[int], Sequence[str]]:
        """Return the places and texts of the records that must be read; count the others."""
        texts = texts.fill_null("")
        if not (self.hint or self.idle):
            return range(len(texts)), texts.to_list()
        places = pl.Series("place", range(len(texts)), dtype=pl.UInt32)
        for regex, reason in self.idle:
            idle = texts.str.contains(regex)
            if idle.any():
                ignored[reason] += int(idle.sum())
                texts, places = texts.filter(~idle), places.filter(~idle)
        if self.hint:
            busy = texts.str.contains(self.hint)
            if not busy.all():
                ignored[self.others] += int((~busy).sum())
                texts, places = texts.filter(busy), places.filter(busy)
        return places.to_list(), texts.to_list()

    def _several(self, made: Made, ignored: Counter[str]) -> list[tuple[Mapping[str, Any], Moment]] | None:
        """Return the events that *made* stands for, with their times; None where it says why there are none."""
        if isinstance(made, str):
            ignored[made] += 1
            return None
        return [(row, self._moment(row.get("time"))) for row in ((made,) if isinstance(made, Mapping) else made)]

    def _lenient(self, text: str) -> Any:
        """Return the object as ``shape``, whatever the case of its keys and the types of its values."""
        try:
            whole = msgspec.json.decode(text)
        except FAULTS:
            raise Unreadable(BROKEN) from None
        if not isinstance(whole, dict):
            raise Unreadable(NO_OBJECT)
        return whole if self.shape is None else filled(self.shape, whole)

    def _moment(self, value: Any) -> Moment:
        """Return *value* as microseconds (with a zone, without one) and its resolution."""
        resolution: int | None = 1
        if value.__class__ is str:
            text = value.strip()
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise Unreadable(BAD_TIME if text else NO_TIME) from None
            if "." not in text:
                resolution = _SECOND
        elif value.__class__ is int:
            if not _EARLIEST <= value < _LATEST:
                raise Unreadable(BAD_TIME)
            return value, None, resolution
        elif isinstance(value, datetime):
            moment = value
        elif value is None and self.timeless:
            return None, None, None
        else:
            raise Unreadable(NO_TIME if value is None else BAD_TIME)
        naive = moment.tzinfo is None
        try:
            span = (moment.replace(tzinfo=UTC) if naive else moment) - _EPOCH
        except OverflowError:
            raise Unreadable(BAD_TIME) from None
        micros = (span.days * 86_400 + span.seconds) * _SECOND + span.microseconds
        if not _EARLIEST <= micros < _LATEST:
            raise Unreadable(BAD_TIME)
        return (None, micros, resolution) if naive and not self.zoned else (micros, None, resolution)

    def _table(
        self,
        records: pl.DataFrame,
        rows: Sequence[Mapping[str, Any]],
        owners: Sequence[int],
        moments: Sequence[Moment],
        bare: Collection[str] = (),
    ) -> pl.DataFrame:
        """Return *rows*, in the order of the records they come from, as events."""
        if not rows:
            return ev.empty("record", "offset", "time", "host", "count", "kind", "source", "pattern")
        known = list(dict.fromkeys(chain.from_iterable(rows)))
        raw = {name: [row.get(name) for row in rows] for name in known}
        frame = records.select(*_CARRIED)[pl.Series(owners, dtype=pl.UInt32)]
        times, locals_, fine = zip(*moments, strict=True)
        columns: list[pl.Series | pl.Expr] = [
            pl.Series("time", times, dtype=pl.Int64).cast(ev.DTYPES["time"]),
            pl.Series("local", locals_, dtype=pl.Int64).cast(pl.Datetime("us")),
            pl.Series("rel", [None], dtype=pl.Int16).new_from_index(0, len(rows)),
            pl.Series("resolution", fine, dtype=pl.Int64),
            pl.Series("count", [_number(value, 1, 0xFFFF_FFFF) or 1 for value in raw.get("count", (1,) * len(rows))], dtype=pl.UInt32),
            pl.Series("source", [self.name], dtype=pl.String).new_from_index(0, len(rows)),
        ]
        if self.service is not None:
            raw["service"] = [row.get("service", self.service) for row in rows]
        columns += [pl.Series(name, [_WORDS.get(value) for value in raw[name]], dtype=ev.DTYPES[name]) for name in _ENUMS if name in raw]
        for name in _USERS:
            if name in raw:
                columns += resolve_user(_texts(name, raw[name]), name)
        for name, (address, host) in _HOSTS.items():
            columns += _endpoint(raw, name, address, host)
        ends = {end for name, (end, _) in _HOSTS.items() if name in raw}
        columns += [map_values(_texts(name, raw[name]), canonical_address).alias(name) for name in _ADDRESSES if name in raw and name not in ends]
        columns += [pl.Series(name, [_number(value, 1, 0xFFFF) for value in raw[name]], dtype=pl.UInt16) for name in _PORTS if name in raw]
        columns += [pl.Series(name, [_number(value, 0, 2**63 - 1) for value in raw[name]], dtype=pl.Int64) for name in _NUMBERS if name in raw]
        if "extra" in raw:
            packed = [None if row["kind"] in bare else _packed(value) for row, value in zip(rows, raw["extra"], strict=True)]
            columns.append(pl.Series("extra", packed, dtype=pl.String))
        for name in known:
            if name not in _APART:
                dtype = ev.DTYPES[name]
                values = _texts(name, raw[name]) if dtype == pl.String else pl.Series(name, raw[name], dtype=dtype)
                columns.append(masked(values) if name == "command" else values)
        frame = frame.with_columns(columns)
        if "host" not in frame.columns:
            frame = frame.with_columns(pl.lit(None, pl.String).alias("host"))
        if "user_domain" in raw:
            own = pl.Series("d", [None if v is None else v.casefold() for v in _texts("d", raw["user_domain"]).to_list()], dtype=pl.String)
            there = pl.col("user_domain") if "user_domain" in frame.columns else pl.lit(None, pl.String)
            frame = frame.with_columns(pl.coalesce(there, pl.lit(own)).alias("user_domain"))
        return frame


def filled(shape: type[msgspec.Struct], values: Mapping[str, Any]) -> Any:
    """Return *values* as *shape*: keys match in any case, nested objects may be JSON as text, and one that is none is absent."""
    folded = {key.casefold(): value for key, value in values.items()}
    made: dict[str, Any] = {}
    for name, key, low, inner in _layout(shape):
        value = values.get(key, folded.get(low))
        if value is None:
            continue
        if inner is not None and isinstance(value, str):
            value = _unpacked(value)
        if inner is None:
            made[name] = value
        elif inner[1]:
            made[name] = [filled(inner[0], item) for item in value if isinstance(item, dict)] if isinstance(value, list) else None
        else:
            made[name] = filled(inner[0], value) if isinstance(value, dict) else None
    return shape(**made)


def _unpacked(value: str) -> Any:
    """Return what JSON within JSON holds; None where it is none."""
    if value[:1] not in {"{", "["}:
        return None
    try:
        return msgspec.json.decode(value)
    except FAULTS:
        return None


@lru_cache(maxsize=256)
def _layout(shape: type[msgspec.Struct]) -> tuple[tuple[str, str, str, tuple[type[msgspec.Struct], bool] | None], ...]:
    """Return, for each field, its name, its key as declared and case-folded, and the struct it holds."""
    hints = get_type_hints(shape)
    return tuple((one.name, one.encode_name, one.encode_name.casefold(), _nested(hints[one.name])) for one in struct_fields(shape))


def _nested(hint: Any) -> tuple[type[msgspec.Struct], bool] | None:
    """Return the struct that *hint* (``Struct | None``, ``list[Struct] | None``) names, and whether there are several."""
    for one in (hint, *get_args(hint)):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            return one, False
        if get_origin(one) is list and issubclass(get_args(one)[0], msgspec.Struct):
            return get_args(one)[0], True
    return None


def said(value: Any) -> str | None:
    """Return *value* when it is text that says something, a number as text, else None."""
    if value.__class__ is str:
        return None if value in _NOTHING else value
    return str(value) if value.__class__ is int else None


def mapping(value: Any) -> dict[str, Any]:
    """Return a nested object, which may be JSON as text; empty where it is none."""
    if value.__class__ is str:
        value = _unpacked(value)
    return value if isinstance(value, dict) else {}


def epoch(value: float) -> int:
    """Return a number of seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by its size, as microseconds.

    >>> epoch(1772439300), epoch(1772439300123), epoch(1772439300.5)
    (1772439300000000, 1772439300123000, 1772439300500000)
    """
    if value < -_LATEST:  # so far that the product may be infinite
        raise Unreadable(BAD_TIME)
    for factor in (_SECOND, 1000, 1):
        if value * factor < _LATEST:
            return int(value * factor)
    if value < _LATEST * 1000:
        return int(value // 1000)
    raise Unreadable(BAD_TIME)


def port_of(value: Any) -> str | None:
    """Return the port of ``192.0.2.7:50022`` or ``[2001:db8::7]:50022``; None where there is none."""
    found = _WITH_PORT.fullmatch(value) if value.__class__ is str else None
    return found.group(1) if found is not None else None


def _texts(name: str, values: Sequence[Any]) -> pl.Series:
    return pl.Series(name, [said(value) for value in values], dtype=pl.String)


def _number(value: Any, least: int, most: int) -> int | None:
    if (value.__class__ is str and value.isascii() and value.isdigit() and len(value) < 20) or (value.__class__ is float and value.is_integer()):
        value = int(value)
    return value if value.__class__ is int and least <= value <= most else None


def _packed(extra: Any) -> str | None:
    if callable(extra):
        extra = extra()
    kept = {name: value for name, value in extra.items() if value is not None and value != ""} if extra else None
    try:
        return msgspec.json.encode(kept).decode() if kept else None
    except FAULTS:
        return None


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
