"""One login, one event: reports of the same fact by several logs become one row.

A password failure over ssh is written by sshd (twice for an unknown user), by PAM, by auditd and into btmp. Reports are joined by host and
connection (the pid of the sshd process), cut where a connection's reports lie further apart than a connection can live. The report of highest rank
is kept; its gaps are filled from the others; where another log counts more occurrences, its number stands (``max``, not sum).
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import DTYPES, Kind, ensure

FAILURE_GAP = pl.duration(minutes=10)  # LoginGraceTime is two minutes; a later failure under the same pid is another connection
SESSION_GAP = pl.duration(seconds=60)
_KEY = ("host", "session")
_FILL = ("user", "user_domain", "src_ip", "src_host", "src_port", "invalid_user", "linked_session", "object", "auth_method")
_MERGED = (Kind.AUTH_SUCCESS, Kind.AUTH_STOPPED, Kind.SESSION_START, Kind.SESSION_END)


def rank() -> pl.Expr:
    """Return the priority of a report, 0 first: the service's own line, audit, PAM, the notice of an unknown user, its summaries, btmp."""
    pattern = pl.col("pattern").cast(pl.String)
    source = pl.col("source").cast(pl.String)
    return (
        pl.when(source == "auditd")
        .then(1)
        .when(source == "utmp")
        .then(5)
        .when(source == "logind")
        .then(4)
        .when(pattern.str.starts_with("pam"))
        .then(2)
        .when(pattern.str.starts_with("invalid-user"))
        .then(3)
        .when(pattern.str.contains("max-attempts|too-many|not-allowed|refused|disconnect|closed|received|close-session"))
        .then(4)
        .otherwise(0)
        .cast(pl.UInt8)
        .alias("zz_rank")
    )


def label() -> pl.Expr:
    """Return how a report is named in ``corroborated_by``: ``pam`` for PAM lines whoever logged them, else the source."""
    pattern = pl.col("pattern").cast(pl.String)
    return pl.when(pattern.str.starts_with("pam")).then(pl.lit("pam")).otherwise(pl.col("source").cast(pl.String))


def merge_failures(events: pl.DataFrame) -> pl.DataFrame:
    """Return the failures of *events* (kind auth_failure) with reports of one attempt merged; rows keep their order.

    Needs ``time, host, session, source, pattern, count``; rows without host or session pass through. Adds ``corroborated_by``.
    """
    events = ensure(events, "session", "host", "corroborated_by")
    ranks = events.select(pl.struct("source", "pattern").alias("p"))["p"].unique().struct.unnest().with_columns(rank(), label().alias("zz_label"))
    events = events.with_row_index("zz_row").join(ranks, on=["source", "pattern"], how="left", maintain_order="left")
    if ranks["zz_rank"].n_unique() <= 1:
        return events.drop("zz_row", "zz_rank", "zz_label")
    keyed = events.filter(pl.col("session").is_not_null() & pl.col("host").is_not_null())
    keyed = _segments(keyed, FAILURE_GAP)
    key = [*_KEY, "zz_segment"]
    weights = keyed.group_by(key).agg(
        pl.col("zz_rank").min().alias("zz_best"),
        pl.col("zz_rank").n_unique().alias("zz_ranks"),
        *[pl.col("count").filter(pl.col("zz_rank") == r).sum().alias(f"zz_w{r}") for r in range(6)],
    )
    several = weights.filter(pl.col("zz_ranks") > 1)
    if not several.height:
        return events.drop("zz_row", "zz_rank", "zz_label")
    several = several.with_columns(
        pl.max_horizontal([f"zz_w{r}" for r in range(6)]).alias("zz_most"),
        pl.concat_list([f"zz_w{r}" for r in range(6)]).list.get(pl.col("zz_best").cast(pl.Int64)).alias("zz_own"),
    ).select(*key, "zz_best", (pl.col("zz_most") - pl.col("zz_own")).alias("zz_extra"))
    mixed = keyed.join(several, on=key, how="inner", maintain_order="left")
    kept = mixed.filter(pl.col("zz_rank") == pl.col("zz_best"))
    others = mixed.filter(pl.col("zz_rank") != pl.col("zz_best"))
    fills = [name for name in _FILL if name in events.columns]
    best_of = others.sort("zz_rank", "zz_row").group_by(key, maintain_order=True).agg(
        *[pl.col(name).drop_nulls().first().alias(f"zz_{name}") for name in fills],
        pl.col("zz_label").unique().sort().alias("zz_by"),
    )
    kept = kept.join(best_of, on=key, how="left", maintain_order="left")
    last = pl.col("zz_row") == pl.col("zz_row").max().over(key)
    kept = kept.with_columns(
        *[pl.coalesce(name, f"zz_{name}").alias(name) for name in fills],
        (pl.col("count") + pl.when(last).then(pl.col("zz_extra")).otherwise(0)).cast(pl.UInt32).alias("count"),
        pl.col("zz_by").cast(DTYPES["corroborated_by"]).alias("corroborated_by"),
    )
    touched = mixed.select("zz_row")
    rest = events.join(touched, on="zz_row", how="anti", maintain_order="left")
    merged = pl.concat([rest, kept.select(rest.columns)]).sort("zz_row")
    return merged.drop("zz_row", "zz_rank", "zz_label")


def merge_sessions(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* with several reports of one logon, session start or session end under one host and session made one row.

    The highest-ranked report is kept in its place and filled from the others within a minute; other kinds pass through unchanged.
    """
    events = ensure(events, "session", "host", "corroborated_by", "linked_session", "src_ip", "user")
    if not events.height:
        return events
    events = events.with_row_index("zz_row").with_columns(rank(), label().alias("zz_label"))
    named = pl.col("session").is_not_null() & pl.col("host").is_not_null() & pl.col("time").is_not_null()
    mergeable = pl.col("kind").is_in([str(kind) for kind in _MERGED]) & named
    part = events.filter(mergeable)
    if not part.height:
        return events.drop("zz_row", "zz_rank", "zz_label")
    key = [*_KEY, "kind", "zz_segment"]
    part = part.sort("host", "session", "kind", "time", "zz_row").with_columns(
        (pl.col("time").diff() > SESSION_GAP).fill_null(False).cast(pl.UInt32).cum_sum().over(*_KEY, "kind").alias("zz_segment")
    )
    # a connection authenticates once: two logons by the service's own line under one pid are two connections, however close
    own = (pl.col("zz_rank") == 0) & (pl.col("kind") == str(Kind.AUTH_SUCCESS))
    part = part.with_columns((pl.col("zz_segment") * 1000 + own.cast(pl.UInt32).cum_sum().over(*_KEY, "kind").clip(1) * own.any().over(*_KEY, "kind").cast(pl.UInt32)).alias("zz_segment"))
    fills = [name for name in _FILL if name in events.columns]
    ordered = part.sort("zz_rank", "time", "zz_row")
    best = ordered.group_by(key, maintain_order=True).agg(
        pl.col("zz_row").first().alias("zz_keep"),
        pl.len().alias("zz_n"),
        *[pl.col(name).drop_nulls().first().alias(f"zz_{name}") for name in fills],
        pl.col("zz_label").slice(1).unique().sort().alias("zz_by"),
    ).filter(pl.col("zz_n") > 1)
    if not best.height:
        return events.drop("zz_row", "zz_rank", "zz_label")
    dropped = part.join(best, on=key, how="inner").filter(pl.col("zz_row") != pl.col("zz_keep")).select("zz_row")
    result = events.join(dropped, on="zz_row", how="anti", maintain_order="left").join(
        best.drop(*key, "zz_n"), left_on="zz_row", right_on="zz_keep", how="left", maintain_order="left"
    )
    result = result.with_columns(
        *[pl.coalesce(name, f"zz_{name}").alias(name) for name in fills],
        pl.coalesce("zz_by", "corroborated_by").cast(DTYPES["corroborated_by"]).alias("corroborated_by"),
    )
    return result.drop([name for name in result.columns if name.startswith("zz_")])


def _segments(keyed: pl.DataFrame, gap: pl.Expr) -> pl.DataFrame:
    """Add ``zz_segment``: 0, counting up where the reports of one host and session lie further apart than *gap*."""
    if "time" not in keyed.columns:
        return keyed.with_columns(pl.lit(0, pl.UInt32).alias("zz_segment"))
    spans = keyed.group_by(_KEY).agg((pl.col("time").max() - pl.col("time").min()).alias("span")).filter(pl.col("span") > gap)
    if not spans.height:
        return keyed.with_columns(pl.lit(0, pl.UInt32).alias("zz_segment"))
    reused = keyed.join(spans.select(*_KEY), on=list(_KEY), how="semi").sort("host", "session", "time", "zz_row")
    reused = reused.with_columns((pl.col("time").diff() > gap).fill_null(False).cast(pl.UInt32).cum_sum().over(*_KEY).alias("zz_segment"))
    return keyed.join(reused.select("zz_row", "zz_segment"), on="zz_row", how="left", maintain_order="left").with_columns(
        pl.col("zz_segment").fill_null(0)
    )
