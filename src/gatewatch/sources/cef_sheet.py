"""What CEF and LEEF records of any device mean, many at once: :func:`.cef_meaning.read_any` is asked once for all records whose words are the same.

What differs from record to record (who, from where, when) are columns already. Records whose meaning depends on who is named in them, whose time
stands in a field that cannot be read, and those of devices with words of their own are left to the reader of single records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import timezone
from typing import Any

import polars as pl

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind
from gatewatch.sources import cef_meaning as meaning
from gatewatch.sources import cef_time
from gatewatch.sources.cef_column import HEADER, ROW
from gatewatch.sources.cef_text import Text
from gatewatch.sources.cef_word import has_topic, judge_plain
from gatewatch.sources.document import Unreadable
from gatewatch.sources.document_table import Columns, moment, packed
from gatewatch.sources.document_value import LATEST, SECOND

_APPS = ("app", "applicationprotocol", "destinationservicename", "service")
_PORTS = (("spt", "sourceport", "srcport"), ("dpt", "destinationport", "dstport"))
_ZONES = ("dtz", "devicetimezone")
_WORDS = (*meaning.ACTIONS, *meaning.OUTCOMES, "categorybehavior", "cat")
WANTED = frozenset(
    key
    for keys in (
        *(_WORDS, _APPS, *_PORTS, _ZONES, cef_time.KEYS, meaning.USERS, meaning.ACTORS, meaning.TARGETS, meaning.DOMAINS, meaning.SOURCES),
        *(meaning.SOURCE_NAMES, meaning.DESTINATIONS, meaning.DESTINATION_NAMES, meaning.DEVICES, meaning.DEVICE_ADDRESSES),
        ("c6a2", "c6a2label", "cnt", "baseeventcount", "msg", "message", "reason", "cause"),
    )
    for key in keys
)
"""The keys that are read."""
_EPOCH = r"^[0-9]{9,19}$"
_SIZES = ((100_000_000_000, 1_000_000), (100_000_000_000_000, 1_000), (100_000_000_000_000_000, 1))  # below which, and microseconds in one
_EARLIEST = 631_152_000_000_000  # 1990, microseconds


def _raw(table: pl.DataFrame, key: str) -> pl.Expr:
    return pl.col(f"k_{key}") if f"k_{key}" in table.columns else pl.lit(None, pl.String)


def _first(table: pl.DataFrame, keys: Sequence[str]) -> pl.Expr:
    """Return the first of *keys* that says anything, as :func:`.cef_meaning.first` does."""
    found = [pl.col(f"k_{key}") for key in keys if f"k_{key}" in table.columns]
    says = [pl.when(~one.str.strip_chars().str.to_lowercase().is_in(sorted(meaning.NOTHING))).then(one) for one in found]
    return pl.coalesce(says) if says else pl.lit(None, pl.String)


def meanings(table: pl.DataFrame, own: Callable[[str], bool]) -> tuple[pl.DataFrame, list[str]]:
    """Return *table* with the meaning of each record, and the reasons why some are ignored.

    ``m_kind``, ``m_pattern``, ``m_auth_method``, ``m_service``: of an event; ``m_why``: the place of the reason; all null where only the single
    record tells. *own* says whether a device has words of its own.
    """
    words = [f"k_{key}" for key in _WORDS if f"k_{key}" in table.columns]
    port = pl.coalesce(pl.when(_raw(table, key) != "").then(_raw(table, key)) for key in ("dpt", "dstport"))
    asked = table.with_columns(
        _first(table, _APPS).alias("m_app"), pl.when(port.is_in(sorted(meaning.PORTS))).then(port).alias("m_port")
    )
    by = [*HEADER, *words, "m_app", "m_port"]
    unique = asked.select(by).unique(maintain_order=True)
    rows: list[tuple[Any, ...]] = []
    reasons: dict[str, int] = {}
    for row in unique.iter_rows(named=True):
        values = {name[2:]: value for name, value in row.items() if name in words and value is not None}
        values |= {key: value for key, value in (("app", row["m_app"]), ("dpt", row["m_port"])) if value is not None}
        text = Text(row["vendor"], row["product"], row["event"], row["name"], "", values)
        made = None if own(f"{text.vendor}|{text.product}") or _depends(text) else meaning.read_any(text)
        if isinstance(made, dict):
            rows.append((made["kind"], made["pattern"], made.get("auth_method"), made["service"], None))
        else:
            rows.append((None, None, None, None, reasons.setdefault(made, len(reasons)) if isinstance(made, str) else None))
    schema = {**dict.fromkeys(("m_kind", "m_pattern", "m_auth_method", "m_service"), pl.String), "m_why": pl.UInt32}
    told = unique.hstack(pl.DataFrame(rows, schema=schema, orient="row"))
    return asked.join(told, on=by, how="left", maintain_order="left", nulls_equal=True), list(reasons)


def _depends(text: Text) -> bool:
    """Return whether the names in a record may change what its words mean."""
    action = meaning.first(text.values, meaning.ACTIONS) or ""
    if any(one and judge_plain(one) is not None for one in (action, text.name, text.event)):
        return False
    return has_topic(action) or has_topic(text.name)


def moments(table: pl.DataFrame) -> pl.DataFrame:
    """Return the time that each record of *table* bears: ``time``, ``local``, ``resolution`` (microseconds); ``sound``: whether it can be read so."""
    keys = [key for key in cef_time.KEYS if f"k_{key}" in table.columns]
    value = pl.coalesce(pl.when(pl.col(f"k_{key}") != "").then(pl.col(f"k_{key}")) for key in keys) if keys else pl.lit(None, pl.String)
    zone = pl.coalesce(pl.when(_raw(table, key) != "").then(_raw(table, key)) for key in _ZONES)
    told = table.with_columns(value.alias("value"), zone.alias("zone")).select("value", "zone")
    number = pl.when(pl.col("value").str.contains(_EPOCH)).then("value").cast(pl.Int64, strict=False)
    scaled: Any = pl.when(number < _SIZES[0][0]).then(number * _SIZES[0][1])
    for below, factor in _SIZES[1:]:
        scaled = scaled.when(number < below).then(number * factor)
    time = told.select(scaled.otherwise(number // 1_000).alias("time"))["time"]
    fine = pl.select(pl.when(time % SECOND != 0).then(1).otherwise(SECOND).cast(pl.Int64)).to_series().set(time.is_null(), None)
    none = pl.Series([None], dtype=pl.Int64).new_from_index(0, table.height)
    worded = told["value"].is_not_null() & time.is_null()
    sound = told["value"].is_null() | time.is_between(_EARLIEST, LATEST - 1).fill_null(value=False)
    frame = pl.DataFrame([time.alias("time"), none.alias("local"), fine.alias("resolution"), sound.alias("sound")])
    if not worded.any():
        return frame
    unique = told.filter(worded).unique(maintain_order=True)
    read = [_worded(value, cef_time.zone_of(zone or "")) for value, zone in unique.iter_rows()]
    schema = {"time": pl.Int64, "local": pl.Int64, "resolution": pl.Int64, "sound": pl.Boolean}
    known = unique.hstack(pl.DataFrame(read, schema=schema, orient="row"))
    found = told.filter(worded).join(known, on=["value", "zone"], how="left", maintain_order="left", nulls_equal=True)
    places = worded.arg_true()
    return frame.with_columns(frame[name].scatter(places, found[name]) for name in schema)


def _worded(value: str, zone: timezone | None) -> tuple[int | None, int | None, int | None, bool]:
    found = cef_time.read_one(value, zone)
    if found is None:  # perhaps another field says more
        return None, None, None, False
    try:
        return (*moment(found.isoformat(), zoned=False, timeless=True), True)
    except Unreadable:
        return None, None, None, False


def columns(table: pl.DataFrame, bare: Collection[str]) -> Columns:
    """Return the events of *table*, as :func:`meanings` and :func:`moments` have it, as columns that the table of events is made of.

    Kinds that are *bare* bear no ``extra``.
    """
    changed = pl.col("m_kind") == str(Kind.ACCOUNT_CHANGE)
    device = pl.coalesce(_first(table, meaning.DEVICES), _first(table, meaning.DEVICE_ADDRESSES))
    labelled = pl.when(_raw(table, "c6a2label").str.to_lowercase().str.contains("source", literal=True)).then(_first(table, ("c6a2",)))
    nameless = pl.coalesce(_first(table, meaning.SOURCES), labelled).is_null()
    names = table.with_columns(_first(table, meaning.SOURCE_NAMES).alias("n"))["n"]
    bare_name = nameless & pl.lit(pl.Series([_is_address(one) for one in names.to_list()], dtype=pl.Boolean))
    made = table.select(
        pl.col("m_kind").alias("kind"),
        pl.col("m_pattern").alias("pattern"),
        pl.col("m_service").alias("service"),
        pl.col("m_auth_method").alias("auth_method"),
        device.alias("observer"),
        pl.coalesce(_first(table, meaning.DESTINATION_NAMES), device).alias("host"),
        pl.when(changed).then(_first(table, meaning.ACTORS)).otherwise(_first(table, meaning.USERS)).alias("user"),
        pl.when(changed).then(_first(table, meaning.TARGETS)).alias("target_user"),
        pl.when(~changed).then(_first(table, meaning.DOMAINS)).alias("user_domain"),
        pl.coalesce(_first(table, meaning.SOURCES), labelled, pl.when(bare_name).then(_first(table, meaning.SOURCE_NAMES))).alias("rhost"),
        _first(table, _PORTS[0]).alias("src_port"),
        pl.when(~bare_name).then(_first(table, meaning.SOURCE_NAMES)).alias("src_host"),
        _first(table, meaning.DESTINATIONS).alias("dhost"),
        _first(table, _PORTS[1]).alias("dst_port"),
        _first(table, ("cnt", "baseeventcount")).alias("count"),
        pl.coalesce(_first(table, ("msg", "message")), pl.when(pl.col("name") != "").then("name")).alias("message"),
    )
    reason = table.select(*HEADER, pl.col("m_kind").is_in(sorted(bare)).alias("bare"), _first(table, ("reason", "cause")).alias("reason"))
    unique = reason.unique(maintain_order=True)
    extra = [None if row.pop("bare") else packed(row) for row in unique.iter_rows(named=True)]
    packs = unique.with_columns(pl.Series("extra", extra, dtype=pl.String))
    made = made.with_columns(reason.join(packs, on=reason.columns, how="left", maintain_order="left", nulls_equal=True)["extra"])
    return Columns(table[ROW].to_list(), {one.name: one for one in made.iter_columns() if one.null_count() < len(one)})


def _is_address(name: str | None) -> bool:
    return name is not None and canonical_address(name) is not None


def ignored(table: pl.DataFrame, reasons: Sequence[str]) -> Counter[str]:
    """Return the reasons why records of *table* are ignored, counted."""
    return Counter({reasons[why]: number for why, number in table["m_why"].drop_nulls().value_counts().iter_rows()})
