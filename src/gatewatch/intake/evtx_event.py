"""Decoded EVTX records, and how they become rows of :data:`gatewatch.schema.records.WINDOWS_DTYPES`.

A record comes as JSON, ``{"Event": {"System": {...}, "EventData": {...}}}``. Its data become one flat object: named data keep their names
and values, unnamed ones are ``param1``, ``param2``, ...; of nested elements the innermost names count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import polars as pl

from gatewatch.schema.records import WINDOWS_DTYPES

NO_EVENT = "no event in the record"
_NULL = msgspec.Raw(b"null")
_ATTRIBUTES, _TEXT, _UNNAMED = "#attributes", "#text", "Data"
_DATA = '{"Data":'
_DEEPEST = 32  # elements within elements


class _Provider(msgspec.Struct, gc=False):
    Name: str | None = None


class _Created(msgspec.Struct, gc=False):
    SystemTime: str | None = None


class _Correlation(msgspec.Struct, gc=False):
    ActivityID: str | None = None


class _Execution(msgspec.Struct, gc=False):
    ProcessID: int | str | None = None


class _Security(msgspec.Struct, gc=False):
    UserID: str | None = None


class _ProviderElement(msgspec.Struct, gc=False, rename={"attributes": _ATTRIBUTES}):
    attributes: _Provider


class _CreatedElement(msgspec.Struct, gc=False, rename={"attributes": _ATTRIBUTES}):
    attributes: _Created


class _CorrelationElement(msgspec.Struct, gc=False, rename={"attributes": _ATTRIBUTES}):
    attributes: _Correlation


class _ExecutionElement(msgspec.Struct, gc=False, rename={"attributes": _ATTRIBUTES}):
    attributes: _Execution


class _SecurityElement(msgspec.Struct, gc=False, rename={"attributes": _ATTRIBUTES}):
    attributes: _Security


class _Id(msgspec.Struct, gc=False, rename={"text": _TEXT}):
    text: int | str


class _System(msgspec.Struct, gc=False):
    EventID: int | str | _Id
    Channel: str | None = None
    Computer: str | None = None
    Provider: _ProviderElement | None = None
    TimeCreated: _CreatedElement | None = None
    EventRecordID: int | str | None = None
    Correlation: _CorrelationElement | None = None
    Execution: _ExecutionElement | None = None
    Security: _SecurityElement | None = None


class _Event(msgspec.Struct, gc=False):
    System: _System
    EventData: msgspec.Raw = _NULL
    UserData: msgspec.Raw = _NULL
    ProcessingErrorData: msgspec.Raw = _NULL
    BinaryEventData: msgspec.Raw = _NULL
    DebugData: msgspec.Raw = _NULL
    RenderingInfo: msgspec.Raw = _NULL


class Event(msgspec.Struct, gc=False):
    """A decoded record."""

    Event: _Event


_decode = msgspec.json.Decoder(Event).decode
_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_ERRORS = (msgspec.MsgspecError, UnicodeError, RecursionError)


def decode(texts: Sequence[str]) -> list[Event | None]:
    """Decode records; None for what is no event."""
    try:
        return [_decode(text) for text in texts]
    except _ERRORS:
        return [_decode_one(text) for text in texts]


def _decode_one(text: str) -> Event | None:
    try:
        return _decode(text)
    except _ERRORS:
        pass
    try:
        return msgspec.convert(_simplified(_any(text)), Event)
    except (*_ERRORS, TypeError):
        return None


def _simplified(made: Any) -> Any:
    """Return a decoded record whose system part is odd, without what is odd in it (None without any); the data are encoded again."""
    event = made.get("Event") if isinstance(made, dict) else None
    system = event.get("System") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(system, dict):
        return None
    parts = {"Provider": "Name", "TimeCreated": "SystemTime", "Correlation": "ActivityID", "Execution": "ProcessID", "Security": "UserID"}
    plain: dict[str, Any] = {name: _scalar(system.get(name)) for name in ("EventID", "EventRecordID")}
    plain |= {name: _string(_scalar(system.get(name))) for name in ("Channel", "Computer")}
    for element, name in parts.items():
        found = system.get(element)
        attributes = found.get(_ATTRIBUTES) if isinstance(found, dict) else None
        plain[element] = {_ATTRIBUTES: {name: _string(_scalar(attributes.get(name)))}} if isinstance(attributes, dict) else None
    rest = {name: msgspec.Raw(_encode(value)) for name, value in event.items() if name != "System"}
    return {"Event": {"System": plain, **rest}}


def _scalar(value: Any) -> Any:
    value = value.get(_TEXT) if isinstance(value, dict) else value
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _string(value: Any) -> str | None:
    return None if value is None else str(value)


def event_id(event: Event) -> int | None:
    """Return the event id; None where it is no number of 16 bits."""
    found = event.Event.System.EventID
    if isinstance(found, _Id):
        found = found.text
    if isinstance(found, str):
        found = int(found) if found.isascii() and found.isdigit() and len(found) <= 5 else -1
    return found if 0 <= found < 1 << 16 else None


class Rows:
    """Events as columns, collected a few at a time."""

    def __init__(self) -> None:
        self.record: list[int] = []
        self.offset: list[int] = []
        self._ids: list[int] = []
        self._time: list[str | None] = []
        self._host: list[str | None] = []
        self._channel: list[str | None] = []
        self._provider: list[str | None] = []
        self._event_record: list[int | str | None] = []
        self._pid: list[int | str | None] = []
        self._activity: list[str | None] = []
        self._user_sid: list[str | None] = []
        self._message: list[str | None] = []
        self._fields: list[str | None] = []

    def __len__(self) -> int:
        return len(self.record)

    def add(self, events: Sequence[Event], ids: Sequence[int], record: Sequence[int], offset: Sequence[int]) -> None:
        """Add *events* with their *ids*; *record* and *offset* say where they stand in the file."""
        inner = [event.Event for event in events]
        system = [event.System for event in inner]
        self.record += record
        self.offset += offset
        self._ids += ids
        self._time += [None if one.TimeCreated is None else one.TimeCreated.attributes.SystemTime for one in system]
        self._host += [one.Computer for one in system]
        self._channel += [one.Channel for one in system]
        self._provider += [None if one.Provider is None else one.Provider.attributes.Name for one in system]
        self._event_record += [one.EventRecordID for one in system]
        self._pid += [None if one.Execution is None else one.Execution.attributes.ProcessID for one in system]
        self._activity += [None if one.Correlation is None else one.Correlation.attributes.ActivityID for one in system]
        self._user_sid += [None if one.Security is None else one.Security.attributes.UserID for one in system]
        self._message += _messages(inner)
        self._fields += _fields(inner)

    def hosts(self) -> set[str | None]:
        """Return the computers that wrote the events."""
        return set(self._host)

    def frame(self) -> pl.DataFrame:
        """Return what was collected: columns of a Windows record, those that are not always null."""
        text = pl.String()
        return pl.DataFrame(
            {
                "record": pl.Series(self.record, dtype=pl.Int64),
                "offset": pl.Series(self.offset, dtype=pl.Int64),
                "time": pl.Series(self._time, dtype=text),
                "host": pl.Series(self._host, dtype=text),
                "channel": pl.Series(self._channel, dtype=text),
                "pid": _texts(self._pid),
                "message": pl.Series(self._message, dtype=text),
                "fields": pl.Series(self._fields, dtype=text),
                "event_id": pl.Series(self._ids, dtype=pl.Int32),
                "provider": pl.Series(self._provider, dtype=text),
                "event_record": _numbers(self._event_record),
                "activity": pl.Series(self._activity, dtype=text),
                "user_sid": pl.Series(self._user_sid, dtype=text),
            }
        ).with_columns(
            pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC", strict=False),
            pl.col("activity").str.to_lowercase().str.strip_chars("{}"),
        )


def complete(rows: pl.DataFrame) -> pl.DataFrame:
    """Return *rows* with exactly the columns of a Windows record."""
    made = {
        "program": pl.col("channel"),
        "count": pl.lit(1),
        "resolution": pl.when(pl.col("time").is_not_null()).then(1),
    }
    return rows.select(
        made.get(name, pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in WINDOWS_DTYPES.items()
    )


def _texts(values: list[int | str | None]) -> pl.Series:
    try:
        return pl.Series(values, dtype=pl.Int64).cast(pl.String)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return pl.Series([None if value is None else str(value) for value in values], dtype=pl.String)


def _numbers(values: list[int | str | None]) -> pl.Series:
    try:
        return pl.Series(values, dtype=pl.Int64)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return pl.Series([None if value is None else str(value) for value in values], dtype=pl.String).cast(pl.Int64, strict=False)


def _messages(events: Sequence[_Event]) -> list[str | None]:
    """Return the rendered texts, which forwarded events carry."""
    made: list[str | None] = [None] * len(events)
    for row, event in enumerate(events):
        if event.RenderingInfo is not _NULL:
            found = _any(event.RenderingInfo)
            made[row] = _string(_scalar(found.get("Message"))) if isinstance(found, dict) else None
    return made


def _fields(events: Sequence[_Event]) -> list[str | None]:
    """Return the data of events as flat JSON objects; most are flat as they come."""
    texts = [str(event.EventData, "utf-8") for event in events]
    # finding one character is cheap, and most data have no second brace and no bracket
    odd = [row for row, text in enumerate(texts) if text.find("{", 1) > 0 or text.find("[") >= 0 or text[0] != "{" or text.startswith(_DATA)]
    made: list[str | None] = [*texts]
    for row in odd:
        text = texts[row]
        if ":{" in text or ":[" in text or text[0] != "{" or text.startswith(_DATA):
            made[row] = _flat(events[row])
    return made


def _flat(event: _Event) -> str | None:
    result: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    for name in ("EventData", "UserData", "ProcessingErrorData", "BinaryEventData", "DebugData"):
        raw: msgspec.Raw = getattr(event, name)
        if raw is not _NULL:
            value = _any(raw)
            pairs = _pairs({name: value} if name == "BinaryEventData" else value, 0)
            for key, one in pairs:
                _put(result, key, one, numbers)
    return _encode(result).decode() if result else None


def _pairs(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the data within an element; unnamed ones have the name ``""``."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == _ATTRIBUTES or depth > _DEEPEST:
                continue
            if name in (_TEXT, _UNNAMED):
                yield from _unnamed(inner, depth)
            elif isinstance(inner, dict) and set(inner) - {_ATTRIBUTES, _TEXT}:
                yield from _pairs(inner, depth + 1)
            else:
                yield name, inner.get(_TEXT) if isinstance(inner, dict) else inner
    elif value is not None:
        yield from _unnamed(value, depth)


def _unnamed(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from _pairs(value, depth + 1)
    else:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from _pairs(one, depth + 1)
            else:
                yield "", one


def _put(result: dict[str, Any], name: str, value: Any, numbers: dict[str, int]) -> None:
    """Add a datum under its name; the second one of a name gets a number, as the first unnamed one does."""
    chosen = name or "param1"
    while chosen in result:
        numbers[name] = numbers.get(name, 1) + 1
        chosen = f"{name or 'param'}{numbers[name]}"
    result[chosen] = value
