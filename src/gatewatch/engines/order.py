"""The total order of events: by time, stream and position, so that the same events always come in the same order."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from gatewatch.engines.collect import FileState
from gatewatch.schema import events as ev

_READ = ("user", "src_ip", "src_host", "session", "command", "target_user", "message", "count", "time_err", "received")
_SPENT = ("event_record", "channel", "user_sid")  # said by stream, position and user


def in_order(events: pl.DataFrame, files: Sequence[FileState]) -> pl.DataFrame:
    """Return *events* of *files* (with ``file_id``) by the total order (time, stream, position), numbered; those without a time come last.

    What names the file and the stream is a category: there are few.
    """
    if not files:
        none = [pl.lit(None, kind).alias(name) for name, kind in (("stream", pl.Categorical()), ("position", pl.Int64()), ("file", pl.Categorical()))]
        return ev.ensure(events, *_READ).with_columns(none).with_row_index("row")
    ids = [state.index for state in files]
    names, paths = (pl.Series([getattr(state, name) for state in files], dtype=pl.Categorical) for name in ("stream", "name"))
    bases = pl.Series([state.base for state in files], dtype=pl.Int64)
    key = events.select(
        "time",
        pl.col("file_id").replace_strict(ids, names).alias("stream"),
        (pl.col("file_id").replace_strict(ids, bases) + pl.col("record")).alias("position"),
        pl.col("file_id").replace_strict(ids, paths).alias("file"),
    )
    if "event_record" in events.columns:  # Windows: the stream is the computer's channel, whatever files it came in
        named = events["event_record"].is_not_null() & events["host"].is_not_null()
        if named.any():
            log = pl.concat_str(events["host"].cast(pl.String), pl.lit(":"), events["channel"].cast(pl.String)).cast(pl.Categorical)
            key = key.with_columns(
                pl.when(named).then(log).otherwise("stream").alias("stream"),
                pl.when(named).then(events["event_record"]).otherwise("position").alias("position"),
            )
    order = key.select(pl.arg_sort_by("time", _rank(key["stream"]), "position", nulls_last=True, maintain_order=True)).to_series()
    columns = events.drop([name for name in (*_SPENT, "stream", "position", "file") if name in events.columns]).get_columns()
    columns += key.drop("time").get_columns()
    del events, key
    # one by one, so that each goes before the next is copied
    ordered = [columns.pop(0)[order] for _ in range(len(columns))]
    return ev.ensure(pl.DataFrame(ordered).with_row_index("row"), *_READ)


def _rank(stream: pl.Series) -> pl.Series:
    """Return the place of each stream's name among all, as a number; null where it has none."""
    names = stream.unique().drop_nulls().cast(pl.String).sort()
    return stream.replace_strict(names, pl.int_range(len(names), dtype=pl.UInt32, eager=True), default=None)
