"""The time of a record that stands behind a header: its own where its text bears one, else the header's."""

from __future__ import annotations

from typing import Any

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.sources.document import NO_TIME
from gatewatch.sources.pattern import Outcome

_DAY = pl.duration(days=1)
_STAMPS = ("time", "local", "rel", "resolution")
_SCHEMA: dict[str, Any] = {"local": pl.Datetime("us"), "rel": pl.Int16, "resolution": pl.Int64}
OWN: dict[str, Any] = {"own_time": pl.Int64, "own_local": pl.Int64, "own_resolution": pl.Int64}
"""The columns that hold the time of the text, in microseconds: with a zone, without one, and how fine it is."""


def stamped(records: pl.DataFrame, *, near: bool) -> pl.DataFrame:
    """Return *records* (columns of :data:`OWN` beside the header's) with the time of their text where it bears one.

    With *near*, a time that lies more than a day from the header's is not believed: somebody else may have written it.
    """
    records = records.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in _SCHEMA.items() if name not in records.columns)
    own, wall = pl.col("own_time").cast(ev.UTC), pl.col("own_local").cast(pl.Datetime("us"))
    far = ((own - pl.col("time")).abs() > _DAY) | (((wall - pl.col("local")).abs() > _DAY) & pl.col("rel").is_null())
    given = pl.col("own_time").is_not_null() | pl.col("own_local").is_not_null()
    if near:
        given &= ~far.fill_null(value=False)
    return records.with_columns(
        pl.when(given).then(own).otherwise("time").alias("time"),
        pl.when(given).then(wall).otherwise("local").alias("local"),
        pl.when(given).then(None).otherwise("rel").alias("rel"),
        pl.when(given).then("own_resolution").otherwise("resolution").alias("resolution"),
    ).drop(list(OWN))


def headed(outcome: Outcome, records: pl.DataFrame, *, near: bool = False) -> Outcome:
    """Give the events of *outcome* time and host of the header of their *records* where they have none; those without any time are rejected."""
    events = outcome.events
    if not events.height:
        return outcome
    names = [name for name in _STAMPS if name in records.columns]
    renamed = {"time": "own_time", "local": "own_local", "resolution": "own_resolution", "host": "own_host"}
    events = ev.ensure(events, "observer").with_columns(pl.col("time", "local").cast(pl.Int64)).rename(renamed).drop("rel")
    events = events.join(records.select("record", "host", *names), on="record", how="left", maintain_order="left")
    events = stamped(events, near=near).with_columns(
        pl.coalesce("own_host", "host").alias("host"), pl.coalesce("observer", "host", "own_host").alias("observer")
    )
    never = events["time"].is_null() & events["local"].is_null()
    if never.any():
        gone = events.filter(never)["record"].unique()
        lost = records.filter(pl.col("record").is_in(gone.implode())).select("record", "offset", "message")
        lost = lost.with_columns(pl.lit(NO_TIME).alias("reason"))
        outcome.rejected = pl.concat([outcome.rejected, lost.select(outcome.rejected.columns)])
        outcome.used -= lost.height
        events = events.filter(~never)
    outcome.events = events.drop("own_host")
    return outcome
