"""Events as evtx_dump writes them, read as columns: the system part by regex, the data as they stand. What is not just so is left to be decoded."""

from __future__ import annotations

import polars as pl

from gatewatch.intake.json_shape import Objects
from gatewatch.schema.records import WINDOWS_DTYPES

_BEGIN = r'^\{"Event": ?\{(?:"#attributes": ?\{[^{}]*\}, ?)?"System": ?\{'
_ATTRIBUTES = r': ?\{"#attributes": ?\{(?:"[A-Za-z]+": ?(?:"[^"\\]*"|[0-9]+), ?)*'
_PARTS = {
    "provider": r'"Provider"' + _ATTRIBUTES + r'"Name": ?"([^"\\]+)"',
    "event_id": r'"EventID": ?(?:\{(?:"#attributes": ?\{[^{}]*\}, ?)?"#text": ?)?"?([0-9]{1,5})"?[,}]',
    "stamp": r'"TimeCreated"' + _ATTRIBUTES + r'"SystemTime": ?"([^"\\]+)"',
    "event_record": r'"EventRecordID": ?"?([0-9]+)"?[,}]',
    "activity": r'"Correlation"' + _ATTRIBUTES + r'"ActivityID": ?"([^"\\]+)"',
    "pid": r'"Execution"' + _ATTRIBUTES + r'"ProcessID": ?"?([0-9]+)"?[,}]',
    "channel": r'"Channel": ?"([^"\\]+)"',
    "host": r'"Computer": ?"([^"\\]+)"',
    "user_sid": r'"Security"' + _ATTRIBUTES + r'"UserID": ?"(S-1-[0-9-]+)"',
}
_NEEDED = ("provider", "event_id", "event_record", "channel", "host", "time")
_NESTED = ('":{', '": {', '":[', '": [', '"Data":', '"#text"', '"Binary":')


def columns(objects: Objects) -> tuple[pl.DataFrame, pl.Series]:
    """Return rows of ``WINDOWS_DTYPES`` for those of *objects* that are as usual, and which they are."""
    spaced = pl.col("text").str.contains(', "EventData": {', literal=True)
    at = pl.when(spaced).then(pl.col("text").str.replace(', "EventData": {', ',"EventData":{', literal=True)).otherwise("text")
    pieces = at.str.splitn(',"EventData":{', 2).struct.rename_fields(["head", "tail"])
    table = pl.DataFrame({"text": objects.text, "offset": objects.offset}).with_columns(pieces.alias("p")).unnest("p")
    tail = pl.col("tail").str.strip_chars_end("\r\n")
    usual = pl.col("head").str.contains(_BEGIN) & tail.str.ends_with("}}}") & ~tail.str.contains_any(list(_NESTED))
    table = table.with_columns(tail, usual.fill_null(False).alias("usual"))
    rows = table.filter("usual").with_columns(pl.col("head").str.extract(regex, 1).alias(name) for name, regex in _PARTS.items())
    fraction = pl.col("stamp").str.extract(r"\.([0-9]{1,6})[0-9]*Z$", 1).fill_null("").str.len_bytes()
    rows = rows.with_columns(
        pl.col("stamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC", strict=False).alias("time"),
        pl.lit(10).pow(6 - fraction.cast(pl.Int64)).cast(pl.Int64).alias("resolution"),
        pl.col("event_id").cast(pl.Int32, strict=False),
        pl.col("event_record").cast(pl.Int64, strict=False),
        pl.col("activity").str.to_lowercase().str.strip_chars("{}"),
        pl.concat_str(pl.lit("{"), pl.col("tail").str.strip_suffix("}}")).alias("fields"),
    )
    good = pl.all_horizontal(pl.col(name).is_not_null() for name in _NEEDED) & (pl.col("event_id") < 1 << 16)
    kept = rows.select(good.alias("g"))["g"]
    fits = table["usual"]
    if not kept.all():
        fits = fits.scatter(fits.arg_true(), kept)
        rows = rows.filter(kept)
    made = {"program": pl.col("channel"), "count": pl.lit(1)}
    return (
        rows.select(
            made.get(name, pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in WINDOWS_DTYPES.items()
        ),
        fits,
    )
