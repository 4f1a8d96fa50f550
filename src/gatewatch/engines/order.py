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

_READ = ("user", "src_ip", "src_host", "session", "command", "target_user", "message", "count", "time_err", "received")
_SPENT = ("event_record", "channel", "user_sid")  # said by stream, position and user
LEAST_FALLS = 2  # steps back in time, and none or few forward, that make a file one that is written newest first
SHARE = 10  # ... few: one in so many
_LEAST_SPAN = timedelta(seconds=1)
PROVIDERS = frozenset(
    {"entra-signin", "entra-audit", "m365", "okta", "duo", "cloudtrail", "onelogin", "auth0", "saas-audit", "azure-activity", "teleport"}
)
"""Sources whose records a provider hands out: by one clock, in whatever order was asked for."""


def in_order(events: pl.DataFrame, files: Sequence[FileState]) -> pl.DataFrame:
    """Return *events* of *files* (with ``file_id``) by the total order (time, stream, position), numbered; those without a time come last.

    What names the file and the stream is a category: there are few.
    """
    if not files:
        none = [pl.lit(None, kind).alias(name) for name, kind in (("stream", pl.Categorical()), ("position", pl.Int64()), ("file", pl.Categorical()))]
        return ev.ensure(events, *_READ).with_columns(none).with_row_index("row")
    orient(events, files)
    ids = [state.index for state in files]
    names, paths = (pl.Series([getattr(state, name) for state in files], dtype=pl.Categorical) for name in ("stream", "name"))
    bases = pl.Series([state.base for state in files], dtype=pl.Int64)
    ends = pl.Series([state.base + state.records + 1 if state.newest_first else None for state in files], dtype=pl.Int64)
    loose = pl.col("file_id").is_in([state.index for state in files if state.scattered])
    position = pl.coalesce(
        pl.col("file_id").replace_strict(ids, ends) - pl.col("record"), pl.col("file_id").replace_strict(ids, bases) + pl.col("record")
    )
    key = events.select(
        "time",
        pl.col("file_id").replace_strict(ids, names).alias("stream"),
        pl.when(~loose).then(position).alias("position"),
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
    order = key.select(pl.arg_sort_by("time", _rank(key["stream"]), "position", events["record"], nulls_last=True, maintain_order=True)).to_series()
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
