"""The total order of events: by time, stream and position, so that the same events always come in the same order."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from gatewatch.engines.collect import FileState
from gatewatch.schema import events as ev


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
    events = events.with_columns(
        pl.col("file_id").replace_strict(streams, return_dtype=pl.String).alias("stream"),
        (pl.col("file_id").replace_strict(bases, return_dtype=pl.Int64) + pl.col("record")).alias("position"),
        pl.col("file_id").replace_strict(zones, return_dtype=pl.String).alias("file"),
    )
    if "event_record" in events.columns:  # Windows: the stream is the computer's channel, whatever files it came in
        named = pl.col("event_record").is_not_null() & pl.col("host").is_not_null()
        events = events.with_columns(
            pl.when(named).then(pl.col("host") + ":" + pl.col("channel").cast(pl.String)).otherwise("stream").alias("stream"),
            pl.when(named).then("event_record").otherwise("position").alias("position"),
        )
    events = events.drop([name for name in ("event_record", "channel", "user_sid") if name in events.columns])
    return events.sort("time", "stream", "position", nulls_last=True).with_row_index("row")
