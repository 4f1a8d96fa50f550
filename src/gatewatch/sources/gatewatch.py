"""Events that gatewatch itself wrote: ``gatewatch events -o parquet`` (framed by :mod:`gatewatch.intake.parquet`) and ``-o jsonl``.

``{"time":"2026-01-05T12:00:00.000000Z","time_err":1000000,"time_basis":"absolute","kind":"auth_success","service":"ssh",…,"source":"sshd",…}``

They are what they were: kind, source, pattern and every other column of the event table come back as written. What is found out anew in every scan
(place, scope, known, origin) is left behind, and the place of a record (``file``, ``record``, ``offset``, ``stream``) is that in the file they are
read from. A value that is none of its column's is null; a row without a kind, or with a time that is none, is rejected.

References: the page "Events" of the reference.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind
from gatewatch.sources.document import BAD_TIME, BROKEN, FAULTS
from gatewatch.sources.pattern import Outcome, no_rows
from gatewatch.sources.resolver import map_values

NO_KIND = "no kind of event"
_LAST = "extra"  # the last column that is the event's own
_OWN = tuple(ev.NAMES[: ev.NAMES.index(_LAST) + 1])
_PLACE = ("stream", "position", "file", "record", "offset")
READ = tuple(name for name in _OWN if name not in _PLACE)
_ADDRESSES = ("host_ip", "src_ip", "dst_ip", "assigned_ip")
_decoder = msgspec.json.Decoder(msgspec.defstruct("_Row", [(name, Any, None) for name in READ]))


class GatewatchSource:
    """The source of events in the shape of the event table."""

    name = "gatewatch"
    title = "Events that gatewatch wrote (Parquet, JSON lines)"
    programs = ("gatewatch",)
    references = ("reference/events.md",)

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:  # noqa: ARG002
        """Return *records* as they are: rows that have the columns of the event table, or JSON objects in ``fields``."""
        lost: list[pl.DataFrame] = []
        if "kind" in records.columns:
            table = records
        else:
            table, lost = _read(records)
        table = ev.ensure(table, "kind", "source", "pattern", "count")
        unkind = table["kind"].is_null()
        if unkind.any():
            lost.append(_lost(table.filter(unkind), NO_KIND))
            table = table.filter(~unkind)
        used = table.height
        if wanted is not None:
            table = table.filter(pl.col("kind").cast(pl.String).is_in([str(kind) for kind in wanted]))
        rejected = pl.concat(lost).sort("record") if lost else no_rows(reason=True)
        return Outcome(_sound(table), {}, no_rows(), rejected, used)


def _lost(rows: pl.DataFrame, reason: str) -> pl.DataFrame:
    text = pl.col("fields") if "fields" in rows.columns else pl.lit(None, pl.String)
    return rows.select("record", "offset", text.alias("message"), pl.lit(reason).alias("reason"))


def _sound(table: pl.DataFrame) -> pl.DataFrame:
    """Return the event columns of *table*, addresses in canonical form."""
    columns = [pl.col(name) for name in ("record", "offset", *READ) if name in table.columns]
    table = table.select(columns).with_columns(pl.col("source").fill_null(SOURCE.name), pl.col("count").fill_null(1).clip(1))
    present = [name for name in _ADDRESSES if name in table.columns and table[name].null_count() < table.height]
    return table.with_columns(map_values(table[name], _canonical).alias(name) for name in present)


def _canonical(value: str) -> str | None:
    return canonical_address(value)


def _read(records: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Return the rows that JSON objects hold, and what could not be read."""
    rows: list[Any] = []
    row: Any
    places: list[int] = []
    broken: list[int] = []
    timeless: list[int] = []
    for place, text in enumerate(records["fields"].fill_null("").to_list()):
        try:
            row = _decoder.decode(text)
        except FAULTS:
            broken.append(place)
            continue
        if row.time is not None and _moment(row.time) is None:
            timeless.append(place)
            continue
        rows.append(row)
        places.append(place)
    frame = records.select("record", "offset", "fields")[pl.Series(places, dtype=pl.UInt32)]
    frame = frame.with_columns(_column(name, [getattr(row, name) for row in rows]) for name in READ)
    lost = [_lost(records[found], reason) for found, reason in ((broken, BROKEN), (timeless, BAD_TIME)) if found]
    return frame, lost


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo is not None else None


def _column(name: str, values: Sequence[Any]) -> pl.Series:
    """Return the values of a column; what is none of it is null."""
    dtype = ev.DTYPES[name]
    if dtype == ev.UTC:
        return pl.Series(name, [_moment(value) for value in values], dtype=dtype)
    if isinstance(dtype, pl.List):
        kept = [[item for item in value if isinstance(item, str)] if isinstance(value, list) else None for value in values]
        return pl.Series(name, kept, dtype=dtype)
    if dtype == pl.Boolean:
        return pl.Series(name, [value if isinstance(value, bool) else None for value in values], dtype=dtype)
    if dtype.is_integer() or isinstance(dtype, pl.Duration):
        whole = [value if value.__class__ is int and -(2**63) <= value < 2**63 else None for value in values]
        return pl.Series(name, whole, dtype=pl.Int64).cast(dtype, strict=False)
    return pl.Series(name, [value if isinstance(value, str) and value else None for value in values], dtype=pl.String).cast(dtype, strict=False)


SOURCE = GatewatchSource()
