"""Stamps of records from lines whose year or zone is settled only when the whole file is known, for sources that expect settled ones.

Such records bear ``time | local, rel, resolution`` (:mod:`gatewatch.intake.framed`) where settled ones bear ``time, time_err, time_basis``;
:func:`blank` gives them the columns that they lack, all null, and :func:`unsettled` gives the events their records' own columns back.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.records import RECORD_DTYPES

_SETTLED = ("time_err", "time_basis", "received")
_FRAMED = ("local", "rel", "resolution", "east")


def blank(records: pl.DataFrame) -> pl.DataFrame:
    """Return *records* with the columns of settled ones; as they are where they have them."""
    lacking = [name for name in _SETTLED if name not in records.columns]
    return records.with_columns(pl.lit(None, RECORD_DTYPES[name]).alias(name) for name in lacking) if lacking else records


def unsettled(events: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return *events* with the stamps of the *records* they come from; what a message states itself counts before its header's.

    Events of settled records are returned as they are.
    """
    if "local" not in records.columns or not events.height:
        return events
    present = [name for name in _FRAMED if name in records.columns]
    told = pl.col("time").is_not_null()
    own = pl.duration(milliseconds=1).dt.total_microseconds() if "time_err" not in events.columns else pl.col("time_err").dt.total_microseconds()
    measured = events.with_columns(own.fill_null(1_000).alias("zz_own"))
    found = measured.drop(name for name in _SETTLED if name in events.columns)
    found = found.join(records.select("record", *present), on="record", how="left", maintain_order="left")
    return found.with_columns(
        pl.when(told).then(pl.col("zz_own") if name == "resolution" else None).otherwise(name).alias(name) for name in present
    ).drop("zz_own")
