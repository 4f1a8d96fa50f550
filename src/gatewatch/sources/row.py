"""Rows of text tables and JSON objects as columns of text, for sources that read by the name of the column.

An absent, empty or unset value is null. Numbers of JSON objects come as JSON writes them, nested values as JSON.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import polars as pl
from msgspec.structs import astuple

from gatewatch.schema import events as ev
from gatewatch.schema.events import TIME_BASIS, UTC, Kind, TimeBasis
from gatewatch.schema.table import Header
from gatewatch.sources.document_value import LATEST
from gatewatch.sources.pattern import Outcome, no_rows, rows_left

RAW = "x_"
"""Before the name of a raw column."""

COLUMNS = "wrong number of columns"
NO_TIME = "no time"
BROKEN = "broken JSON"
CARRIED = ("record", "offset", "time", "time_err", "time_basis", "received", "local", "rel", "resolution", "host", "count")
_FAULTS = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError, OverflowError)
_FAR = 253_402_300_800  # the year 10000


_header = msgspec.json.Decoder(Header)


def read_header(text: str | None) -> Header | None:
    """Return the header in *text*; None where it is none."""
    try:
        return _header.decode(text or "")
    except _FAULTS:
        return None


def fits(messages: pl.Series, header: Header) -> pl.Series:
    """Return which of *messages* have as many columns as *header*."""
    return (messages.str.count_matches(header.separator, literal=True) == len(header.names) - 1).fill_null(False)


def split_rows(messages: pl.Series, header: Header, wanted: Sequence[str]) -> pl.DataFrame:
    """Return the columns *wanted* of *messages*, all of which fit *header*, as ``x_<name>``."""
    places = {name: place for place, name in reversed(list(enumerate(header.names)))}
    known = [name for name in dict.fromkeys(wanted) if name in places]
    nothing = list(dict.fromkeys([header.unset, header.empty, ""]))
    table = _by_reader(messages, header.separator, nothing, [places[name] for name in known])
    if table is None:
        rows = [(text or "").split(header.separator) for text in messages.to_list()]
        cells = {name: [row[places[name]] if places[name] < len(row) else "" for row in rows] for name in known}
        table = {places[name]: pl.Series([None if cell in nothing else cell for cell in cells[name]], dtype=pl.String) for name in known}
    missing = [_nulls(f"{RAW}{name}", len(messages)) for name in dict.fromkeys(wanted) if name not in places]
    return pl.DataFrame([*[table[places[name]].alias(f"{RAW}{name}") for name in known], *missing])


def _by_reader(messages: pl.Series, separator: str, nothing: list[str], places: list[int]) -> dict[int, pl.Series] | None:
    """Return columns by their places, read by the CSV reader; None where it would not read these texts as lines."""
    if not len(messages) or not places or len(separator.encode()) != 1:
        return None
    text = messages.str.join("\n").item() or ""
    if text.count("\n") != len(messages) - 1 or "\r" in text or text.startswith(("\n", "\N{ZERO WIDTH NO-BREAK SPACE}")) or "\n\n" in text:
        return None
    try:
        table = pl.read_csv(
            text.encode(), has_header=False, separator=separator, quote_char=None, infer_schema=False, columns=sorted(places), null_values=nothing
        )
    except pl.exceptions.PolarsError:
        return None
    if table.height != len(messages) or table.width != len(places):
        return None
    return dict(zip(sorted(places), table.get_columns(), strict=True))


def object_decoder(names: Sequence[str]) -> msgspec.json.Decoder[Any]:
    """Return a decoder of JSON objects that keeps the keys *names*."""
    fields: list[tuple[str, Any, Any]] = [(f"f{place}", Any, None) for place in range(len(names))]
    return msgspec.json.Decoder(msgspec.defstruct("Row", fields, rename={f"f{place}": name for place, name in enumerate(names)}, gc=False))


def read_objects(texts: pl.Series, names: Sequence[str], decoder: msgspec.json.Decoder[Any]) -> tuple[pl.DataFrame, pl.Series | None]:
    """Return the keys *names* of the objects in *texts* as ``x_<name>``, and which texts were sound (None: all; the others have no row)."""
    found, sound = _decoded(texts.fill_null(""), decoder)
    columns = list(zip(*map(astuple, found), strict=True)) if found else [()] * len(names)
    frame = pl.DataFrame([as_text(values).alias(f"{RAW}{name}") for name, values in zip(names, columns, strict=True)])
    frame = frame.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in frame.columns)
    return frame, None if all(sound) else pl.Series(sound, dtype=pl.Boolean)


def _decoded(texts: pl.Series, decoder: msgspec.json.Decoder[Any]) -> tuple[list[Any], list[bool]]:
    """Return the sound objects in *texts*, and which texts they are."""
    try:
        found = decoder.decode_lines(texts.str.join("\n").item() or "")
    except _FAULTS:
        found = []
    if len(found) == len(texts):
        return found, [True] * len(texts)
    found, sound = [], []
    for text in texts.to_list():
        try:
            found.append(decoder.decode(text))
            sound.append(True)
        except _FAULTS:
            sound.append(False)
    return found, sound


def as_text(values: Sequence[Any]) -> pl.Series:
    """Return decoded JSON *values* as text."""
    try:
        return pl.Series(values, dtype=pl.String)
    except TypeError:  # not all are text
        kinds = set(map(type, values)) - {type(None)}
    if kinds in ({int}, {float}, {bool}):
        try:
            return pl.Series(values).cast(pl.String)
        except (OverflowError, TypeError, pl.exceptions.PolarsError):
            pass
    return pl.Series([_text(value) for value in values], dtype=pl.String)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else msgspec.json.encode(value).decode()


def _nulls(name: str, size: int) -> pl.Series:
    return pl.Series(name, [None], dtype=pl.String).new_from_index(0, size)


def moments(texts: pl.Series) -> pl.Series:
    """Return times written as seconds or milliseconds since the epoch, or as ISO 8601 with a zone; null where they are none of these.

    What lies beyond the year 2200 is no time, but a default or a mistake.
    """
    number = texts.cast(pl.Float64, strict=False)
    seconds = number.zip_with((number < 1e11).fill_null(True), number / 1000)
    seconds = seconds.set(~((seconds > 0) & (seconds < _FAR)).fill_null(False), None)
    time = (seconds * 1_000_000).round().cast(pl.Int64).cast(UTC)
    if time.null_count() == texts.null_count():
        return _sane(time)
    iso = texts.str.replace(" ", "T").str.replace(r"([+-][0-9]{2}):?([0-9]{2})$", "${1}:${2}").str.replace("Z$", "+00:00")
    spelled = iso.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)
    return _sane(time.zip_with(time.is_not_null(), spelled))


def _sane(time: pl.Series) -> pl.Series:
    return time.set((time.cast(pl.Int64) >= LATEST).fill_null(value=False), None)


def stamped(frame: pl.DataFrame, time: pl.Series, blur: pl.Expr | None = None) -> pl.DataFrame:
    """Return *frame* with *time*, uncertain by *blur* microseconds (null: one second), in the form the framing of its records wants."""
    error = pl.lit(1, pl.Int64) if blur is None else blur.fill_null(1_000_000).clip(1, 86_400_000_000).cast(pl.Int64)
    if "local" in frame.columns:
        return frame.with_columns(pl.lit(time).alias("time"), error.alias("resolution"))
    return frame.with_columns(
        pl.lit(time).alias("time"),
        error.cast(pl.Duration("us")).alias("time_err"),
        pl.lit(str(TimeBasis.ABSOLUTE), TIME_BASIS).alias("time_basis"),
    )


@dataclass(slots=True)
class Taken:
    """What became of records so far; the parts of an :class:`~gatewatch.sources.pattern.Outcome`."""

    wanted: Collection[Kind] | None
    events: list[pl.DataFrame] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)
    rejected: list[pl.DataFrame] = field(default_factory=list)
    unrecognised: list[pl.DataFrame] = field(default_factory=list)
    used: int = 0

    def wants(self, kinds: Collection[Kind]) -> bool:
        """Return whether any of *kinds* is asked for."""
        return self.wanted is None or any(kind in self.wanted for kind in kinds)

    def ignore(self, reason: str, number: int) -> None:
        """Take note of *number* records that are ignored."""
        if number:
            self.ignored[reason] = self.ignored.get(reason, 0) + number

    def reject(self, records: pl.DataFrame, bad: pl.Series, reason: str) -> pl.DataFrame:
        """Reject the *bad* ones of *records*; return the others. The text of a JSON object stands for its message."""
        if not bad.any():
            return records
        lost = records.filter(bad)
        if "fields" in lost.columns:
            lost = lost.with_columns(pl.coalesce("message", "fields").alias("message"))
        self.rejected.append(rows_left(lost, reason))
        return records.filter(~bad)

    def take(self, made: pl.DataFrame) -> None:
        """Take event rows, one a record: those without ``kind`` are ignored for the reason in ``pattern``, unwanted ones only counted."""
        silent = made["kind"].is_null()
        if silent.any():
            for reason, number in made.filter(silent)["pattern"].value_counts().sort("pattern").iter_rows():
                self.ignore(reason or "says nothing of remote access", number)
            made = made.filter(~silent)
        self.used += made.height
        if self.wanted is not None and made.height:
            made = made.filter(made["kind"].cast(pl.String).is_in([str(kind) for kind in self.wanted]))
        if made.height:
            self.events.append(made.drop([name for name in made.columns if name.startswith(RAW)]))

    def outcome(self) -> Outcome:
        """Return all of it."""
        if self.events:
            events = pl.concat(self.events, how="diagonal").sort("record", maintain_order=True) if len(self.events) > 1 else self.events[0]
        else:
            events = ev.empty("record", "offset", "time", "host", "count", "kind", "source", "pattern")
        rejected = pl.concat(self.rejected) if self.rejected else no_rows(reason=True)
        left = pl.concat(self.unrecognised) if self.unrecognised else no_rows()
        return Outcome(events, dict(sorted(self.ignored.items())), left, rejected, self.used)
