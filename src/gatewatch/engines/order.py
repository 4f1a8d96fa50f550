"""The total order of events: by time, stream and position, so that the same events always come in the same order.

The position is that of the record in its stream. Exports of consoles and search engines are often written newest first; such a file is read from its
end, as otherwise its record order, which matching trusts more than times, would say that the logon came before the failures. What a provider hands
out in no order has no position: its times alone count.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from gatewatch.engines.collect import FileState
from gatewatch.schema import events as ev

LEAST_FALLS = 2  # steps back in time, and none or few forward, that make a file one that is written newest first
SHARE = 10  # ... few: one in so many
_LEAST_SPAN = timedelta(seconds=1)
PROVIDERS = frozenset(
    {"entra-signin", "entra-audit", "m365", "okta", "duo", "cloudtrail", "onelogin", "auth0", "saas-audit", "azure-activity", "teleport"}
)
"""Sources whose records a provider hands out: by one clock, in whatever order was asked for."""


def in_order(events: pl.DataFrame, files: Sequence[FileState]) -> pl.DataFrame:
    """Return *events* of *files* (with ``file_id``) by the total order (time, stream, position), numbered; those without a time come last."""
    streams = {state.index: state.stream for state in files}
    bases = {state.index: state.base for state in files}
    zones = {state.index: state.name for state in files}
    events = ev.ensure(events, "user", "src_ip", "src_host", "session", "command", "target_user", "message", "count", "time_err", "received")
    if not streams:
        return events.with_columns(
            pl.lit(None, pl.String).alias("stream"), pl.lit(None, pl.Int64).alias("position"), pl.lit(None, pl.String).alias("file")
        ).with_row_index("row")
    orient(events, files)
    ends = {state.index: state.base + state.records + 1 if state.newest_first else None for state in files}
    loose = pl.col("file_id").is_in([state.index for state in files if state.scattered])
    events = events.with_columns(
        pl.col("file_id").replace_strict(streams, return_dtype=pl.String).alias("stream"),
        pl.when(~loose)
        .then(
            pl.coalesce(
                pl.col("file_id").replace_strict(ends, return_dtype=pl.Int64) - pl.col("record"),
                pl.col("file_id").replace_strict(bases, return_dtype=pl.Int64) + pl.col("record"),
            )
        )
        .alias("position"),
        pl.col("file_id").replace_strict(zones, return_dtype=pl.String).alias("file"),
    )
    if "event_record" in events.columns:  # Windows: the stream is the computer's channel, whatever files it came in
        named = pl.col("event_record").is_not_null() & pl.col("host").is_not_null()
        events = events.with_columns(
            pl.when(named).then(pl.col("host") + ":" + pl.col("channel").cast(pl.String)).otherwise("stream").alias("stream"),
            pl.when(named).then("event_record").otherwise("position").alias("position"),
        )
    events = events.drop([name for name in ("event_record", "channel", "user_sid") if name in events.columns])
    return events.sort("time", "stream", "position", "record", nulls_last=True).with_row_index("row")


def orient(events: pl.DataFrame, files: Sequence[FileState]) -> None:
    """Mark the *files* that are written newest first, and those of providers that are in no order.

    That is told by the times of their *events* (``file_id, record, time``).
    """
    # records with a number of their own have an order, too
    numbered = pl.col("event_record").is_not_null() if "event_record" in events.columns else pl.lit(value=False)
    told = events.filter(~numbered).select("file_id", "record", "time").drop_nulls()
    first, last = (pl.col("time").get(pl.col("record").arg_min()), pl.col("time").get(pl.col("record").arg_max()))
    ends = told.group_by("file_id").agg((first - last).alias("back"))
    falling = ends.filter(pl.col("back") >= _LEAST_SPAN)["file_id"]
    newest: set[int] = set()
    if len(falling):
        part = told.filter(pl.col("file_id").is_in(falling.implode())).sort("file_id", "record")
        step = pl.col("time").diff().over("file_id")
        steps = (
            part.with_columns(step.alias("step"))
            .group_by("file_id")
            .agg((pl.col("step") < timedelta(0)).sum().alias("falls"), (pl.col("step") > timedelta(0)).sum().alias("rises"))
        )
        newest = set(steps.filter((pl.col("falls") >= LEAST_FALLS) & (pl.col("rises") * SHARE <= pl.col("falls")))["file_id"].to_list())
    mixed: set[int] = set()
    handed = [state.index for state in files if state.sources and PROVIDERS.issuperset(state.sources) and state.index not in newest]
    if handed:
        part = told.filter(pl.col("file_id").is_in(handed)).sort("file_id", "record")
        falls = part.with_columns((pl.col("time").diff().over("file_id") < timedelta(0)).alias("fell"))
        mixed = set(falls.filter("fell")["file_id"].unique().to_list())
    for state in files:
        state.newest_first, state.scattered = state.index in newest, state.index in mixed


def told_newest_first(files: Sequence[FileState]) -> list[str]:
    """Return the note about files that were read from their end."""
    names = [state.name for state in files if state.newest_first]
    if not names:
        return []
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return [f"{names[0]}{more}: written newest first, so read from the end"]
