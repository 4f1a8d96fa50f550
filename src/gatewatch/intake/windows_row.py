"""Rows of Windows event logs on their way into a batch; shared by the XML and CSV exports and by forwarded text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import polars as pl

from gatewatch.intake.batch import Batch, RawReject, raw_text
from gatewatch.schema.records import WINDOWS_DTYPES

Interest = Callable[[str, int], bool]
ROWS = 20_000  # records of one batch
_BYTES = 64 * 1024**2  # of the data of one batch
_ISO = re.compile(r"([12][0-9]{3})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))? ?(Z|z|UTC|[+-][0-9]{2}:?[0-9]{2})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 2**63
_NAMES = tuple(WINDOWS_DTYPES)


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """A time as microseconds since the epoch: an instant, or a wall clock where the record names no zone."""

    micros: int
    zoned: bool
    resolution: int  # microseconds


class Event(msgspec.Struct, kw_only=True, gc=False):
    """One Windows event; the fields are those of :data:`gatewatch.schema.records.WINDOWS_DTYPES`."""

    channel: str
    event_id: int
    stamp: Stamp | None = None
    host: str | None = None
    pid: str | None = None
    message: str | None = None
    fields: str | None = None
    provider: str | None = None
    event_record: int | None = None
    activity: str | None = None
    user_sid: str | None = None


def micros(parts: Sequence[int], fraction: str = "") -> int | None:
    """Return microseconds since the epoch of year, month, day, hour, minute and second; None where there is no such time."""
    year, month, day, hour, minute, second = parts
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0"))


def iso_stamp(text: str, *, utc: bool = False) -> Stamp | None:
    """Read ``2026-01-05T12:00:00.1234567Z``; without a zone it is a wall clock, or an instant where *utc* says so."""
    found = _ISO.fullmatch(text.strip())
    if found is None:
        return None
    fraction, zone = found[7] or "", found[8]
    value = micros([int(found[group]) for group in range(1, 7)], fraction)
    if value is None:
        return None
    if zone is not None and zone[0] in "+-":
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        value -= (1 if zone[0] == "+" else -1) * (hours * 3600 + minutes * 60) * 1_000_000
    return Stamp(value, utc or zone is not None, 10 ** max(6 - len(fraction), 0))


def whole(text: str | None, largest: int = _LARGEST) -> int | None:
    """Return *text* as a number from 0 to below *largest*, else None."""
    text = (text or "").strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        return None
    value = int(text)
    return value if value < largest else None


def event_number(text: str | None) -> int | None:
    """Return an event id: a number of 16 bits, else None."""
    return whole(text, 1 << 16)


def present(text: str | None) -> str | None:
    """Return *text* without blanks around it; None where nothing is left, or a dash only."""
    text = (text or "").strip()
    return text if text not in ("", "-") else None


def guid(text: str | None) -> str | None:
    """Return a GUID in lower case, without braces; None where there is none."""
    text = present(text)
    return text.strip("{}").lower() or None if text else None


def as_json(data: Mapping[str, Any]) -> str:
    """Return event data as JSON."""
    return msgspec.json.encode(data).decode()


def add_datum(data: dict[str, Any], name: str, value: str) -> None:
    """Add a datum; the second one of a name gets a number."""
    number, chosen = 1, name
    while chosen in data:
        number += 1
        chosen = f"{name}{number}"
    data[chosen] = value


class Builder:
    """Collects events, rejects and the count of what nobody wants until a batch is full; ``number`` is that of the last record."""

    def __init__(self) -> None:
        self.number = 0
        self._rows: list[tuple[Any, ...]] = []
        self._rejects: list[RawReject] = []
        self._skipped: Counter[tuple[str, int]] = Counter()
        self._held = 0

    @property
    def full(self) -> bool:
        """Whether the batch has its number of records."""
        return len(self._rows) + len(self._rejects) >= ROWS or self._held >= _BYTES

    @property
    def empty(self) -> bool:
        """Whether nothing was collected since the last batch."""
        return not (self._rows or self._rejects or self._skipped)

    def next(self) -> int:
        """Return the number of the next record, for one that is added or rejected later."""
        self.number += 1
        return self.number

    def skip(self, channel: str, event_id: int) -> None:
        """Count a record nobody is interested in."""
        self.number += 1
        self._skipped[channel, event_id] += 1

    def reject(self, offset: int, reason: str, raw: bytes | bytearray | memoryview, number: int | None = None) -> None:
        """Add a record that cannot be read."""
        self._rejects.append(RawReject(number or self.next(), offset, reason, raw_text(raw)))

    def add(self, offset: int, event: Event, number: int | None = None) -> None:
        """Add *event*, whose record begins at *offset*."""
        self._held += len(event.fields or "") + len(event.message or "")
        self._rows.append(row(number or self.next(), offset, event))

    def batch(self) -> Batch:
        """Hand over what was collected and start anew."""
        made = Batch(rows_frame(self._rows), self._rejects, skipped=self._skipped)
        self._rows, self._rejects, self._skipped, self._held = [], [], Counter(), 0
        return made


def row(number: int, offset: int, event: Event) -> tuple[Any, ...]:
    """Return *event* as a row of :func:`rows_frame`."""
    stamp = event.stamp
    return (
        number,
        offset,
        stamp.micros if stamp is not None and stamp.zoned else None,
        stamp.micros if stamp is not None and not stamp.zoned else None,
        None,
        stamp.resolution if stamp is not None else None,
        event.host,
        event.channel,
        event.pid,
        event.message,
        1,
        event.fields,
        event.channel,
        event.event_id,
        event.provider,
        event.event_record,
        event.activity,
        event.user_sid,
    )


def rows_frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Return *rows* as a frame of :data:`gatewatch.schema.records.WINDOWS_DTYPES`, in the order of their numbers."""
    columns = list(zip(*sorted(rows), strict=True)) or [()] * len(_NAMES)
    loose = {name: pl.Int64() if name in ("time", "local") else dtype for name, dtype in WINDOWS_DTYPES.items()}
    frame = pl.DataFrame([pl.Series(name, values, dtype=loose[name]) for name, values in zip(_NAMES, columns, strict=True)])
    text = [
        pl.col(name).str.replace_all("\0", "\N{REPLACEMENT CHARACTER}", literal=True)
        for name, dtype in WINDOWS_DTYPES.items()
        if dtype == pl.String()
    ]
    return frame.with_columns(pl.col("time").cast(WINDOWS_DTYPES["time"]), pl.col("local").cast(WINDOWS_DTYPES["local"]), *text)
