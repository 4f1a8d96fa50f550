"""One login, one event: reports of the same fact by several logs become one row.

A password failure over ssh is written by sshd (twice for an unknown user), by PAM, by auditd and into btmp. Reports are joined by host and
connection (the pid of the sshd process), cut where a connection's reports lie further apart than a connection can live. The report of highest rank
is kept; its gaps are filled from the others; where another log counts more occurrences, its number stands (``max``, not sum).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from gatewatch.schema.events import DTYPES, Kind, Service, ensure

FAILURE_GAP = pl.duration(minutes=10)  # LoginGraceTime is two minutes; a later failure under the same pid is another connection
FAILURE_GAP_MICROS = 600_000_000
SESSION_GAP = pl.duration(seconds=60)
_KEY = ("host", "session")
_FILL = (
    *("user", "user_domain", "src_ip", "src_host", "src_port", "invalid_user", "linked_session", "object", "auth_method"),
    *("assigned_ip", "bytes_in", "bytes_out"),
)
TOGETHER = 400_000  # reports that are looked at together
_MERGED = (Kind.AUTH_SUCCESS, Kind.AUTH_STOPPED, Kind.SESSION_START, Kind.SESSION_END)


def rank() -> pl.Expr:
    """Return the priority of a report, 0 first: the service's own line, another's audit, PAM, the notice of an unknown user, its summaries, btmp."""
    pattern = pl.col("pattern").cast(pl.String)
    source = pl.col("source").cast(pl.String)
    return (
        pl.when(source.is_in(["auditd", "m365"]) | ((source == "okta") & pattern.str.ends_with("-refused")))
        .then(1)
        .when(source == "utmp")
        .then(5)
        .when(source == "logind")
        .then(4)
        .when(pattern.str.starts_with("pam"))
        .then(2)
        .when(pattern.str.starts_with("invalid-user"))
        .then(3)
        .when(pattern.str.contains("max-attempts|too-many|not-allowed|refused|disconnect|closed|received|close-session|ssl-tunnel-up|webvpn-started|xrdp-front"))
        .then(4)
        .otherwise(0)
        .cast(pl.UInt8)
        .alias("zz_rank")
    )


def label() -> pl.Expr:
    """Return how a report is named in ``corroborated_by``: ``pam`` for PAM lines whoever logged them, else the source."""
    pattern = pl.col("pattern").cast(pl.String)
    return pl.when(pattern.str.starts_with("pam")).then(pl.lit("pam")).otherwise(pl.col("source").cast(pl.String))


def ranks(events: pl.DataFrame) -> np.ndarray:
    """Return the rank of every row of *events*, judged once per distinct (source, pattern)."""
    pairs = events.select(pl.struct("source", "pattern").alias("p"))["p"] if events["pattern"].dtype != pl.Categorical else None
    if pairs is not None:
        table = pairs.unique().struct.unnest().with_columns(rank())
        return events.select("source", "pattern").join(table, on=["source", "pattern"], how="left", maintain_order="left")["zz_rank"].to_numpy()
    codes = [events[name].to_physical().cast(pl.UInt64) for name in ("source", "pattern")]
    packed = (codes[0] * (1 << 32) + codes[1]).alias("code")
    first = packed.to_frame().with_row_index("at").group_by("code").agg(pl.col("at").min())
    table = events.select("source", "pattern")[first["at"]].with_columns(rank())
    return packed.replace_strict(first["code"], table["zz_rank"], return_dtype=pl.UInt8).to_numpy()


def drop_repeats(events: pl.DataFrame) -> pl.DataFrame:
    """Return the failures of one block without the reports that a better report of the same connection, in the block, makes superfluous.

    Their weight stays on the row that is kept (columns ``repeat2 … repeat5``, by rank), so that :func:`merge_failures` counts as if they were there:
    the result does not depend on how the file was cut. Rows without session, user or source are left alone.
    """
    if "session" not in events.columns or "user" not in events.columns or "src_ip" not in events.columns or not events.height:
        return events
    found = ranks(events)
    if not found.any() or found.all():
        return events
    moments = [
        pl.col("local") if name == "local" else pl.col("time").dt.replace_time_zone(None) for name in ("local", "time") if name in events.columns
    ]
    named = (events["session"].is_not_null() & events["host"].is_not_null()).to_numpy()
    # 64 bits for (host, session): a collision within a block would need billions of connections
    key = (events["session"].hash(1) * 31 + events["host"].hash(2)).to_numpy()
    at = events.select(pl.coalesce(moments).cast(pl.Int64).fill_null(0).alias("at"))["at"].to_numpy()
    weight = events["count"].to_numpy().astype(np.int64)
    whole = (events["user"].is_not_null() & events["src_ip"].is_not_null()).to_numpy()
    own = np.flatnonzero((found == 0) & named)
    keys, keeper, place = np.unique(key[own], return_index=True, return_inverse=True)
    if not len(keys):
        return events
    first, last = np.full(len(keys), np.iinfo(np.int64).max), np.full(len(keys), np.iinfo(np.int64).min)
    total = np.bincount(place, weights=weight[own], minlength=len(keys))
    partial = np.bincount(place, weights=~whole[own], minlength=len(keys)) > 0
    np.minimum.at(first, place, at[own])
    np.maximum.at(last, place, at[own])
    simple = ~partial
    repeats: dict[int, tuple[Any, Any, Any]] = {}
    for r in (int(r) for r in np.unique(found) if r > 0):
        rows = np.flatnonzero((found == r) & named)
        near = np.minimum(np.searchsorted(keys, key[rows]), len(keys) - 1)
        hit = keys[near] == key[rows]
        rows, near = rows[hit], near[hit]
        np.minimum.at(first, near, at[rows])
        np.maximum.at(last, near, at[rows])
        sums = np.bincount(near, weights=weight[rows], minlength=len(keys))
        # audit's report is no mere repeat: it links the audit session
        simple &= (sums == 0) if r == 1 else (sums <= total)
        if r > 1:
            repeats[r] = (rows, near, sums)
    simple &= (last - first) <= FAILURE_GAP_MICROS
    keep = np.ones(events.height, dtype=np.bool_)
    columns = []
    for r, (rows, near, sums) in repeats.items():
        keep[rows[simple[near]]] = False
        column = np.zeros(events.height, dtype=np.uint16)
        column[own[keeper]] = np.where(simple, np.minimum(sums, 65535), 0)
        columns.append(pl.Series(f"repeat{r}", column))
    if keep.all():
        return events
    return events.with_columns(columns).filter(pl.Series(keep))


def merge_failures(events: pl.DataFrame) -> pl.DataFrame:
    """Return the failures of *events* (kind auth_failure) with reports of one attempt merged; rows keep their order.

    Needs ``time, host, session, source, pattern, count``; rows without host or session pass through. Adds
    ``corroborated_by`` for what was merged here; :func:`label_repeats` adds what :func:`drop_repeats` had dropped.
    """
    events = ensure(events, "session", "host", "corroborated_by", "user", "src_ip")
    repeats = [f"repeat{r}" for r in (2, 3, 4, 5)]
    events = events.with_columns(pl.lit(None, pl.UInt16).alias(name) for name in repeats if name not in events.columns)
    found = ranks(events)
    if not len(found):
        return events.drop(repeats)
    events = events.with_columns(pl.Series("zz_rank", found)).with_row_index("zz_row")
    key = list(_KEY)
    # most connections are settled: only those with a lesser report left, or with repeats dropped, need a look
    lesser = events.filter((pl.col("zz_rank") > 0) & pl.col("session").is_not_null() & pl.col("host").is_not_null()).select(key).unique()
    if lesser.height * 20 < events.height:  # few: a look at the ids alone leaves most rows where they are
        near = events["session"].is_in(lesser["session"].unique().implode()).fill_null(False)
        maybe, sure = events.filter(near), events.filter(~near)
    else:
        maybe, sure = events, events.clear()
    touched = maybe.join(lesser, on=key, how="semi", maintain_order="left")
    untouched = pl.concat([sure, maybe.join(lesser, on=key, how="anti", maintain_order="left", nulls_equal=False)])
    if touched.height:
        merged = _merge_touched(touched)
        untouched = pl.concat([untouched, merged.select(untouched.columns)])
    if maybe.height:
        untouched = untouched.sort("zz_row")
    return untouched.drop("zz_row", "zz_rank")


def label_repeats(merged: pl.DataFrame) -> pl.DataFrame:
    """Return merged failures with ``corroborated_by`` filled from the repeats that were dropped, whose weights go."""
    if "repeat2" not in merged.columns:  # there were no failures to merge
        return merged
    weights = [pl.col(f"repeat{r}").fill_null(0) > 0 for r in (2, 3, 4, 5)]
    known = pl.col("corroborated_by").is_not_null()
    return merged.with_columns(pl.when(known).then("corroborated_by").otherwise(_labels(*weights)).alias("corroborated_by")).drop(
        "repeat2", "repeat3", "repeat4", "repeat5"
    )


def _labels(pam: pl.Expr, invalid: pl.Expr, summary: pl.Expr, btmp: pl.Expr) -> pl.Expr:
    """Return ``corroborated_by`` for repeats by rank; null where there are none (few distinct lists, so they are made once)."""
    code = pam.cast(pl.UInt8) + 2 * (invalid | summary).cast(pl.UInt8) + 4 * btmp.cast(pl.UInt8)
    lists = [[], ["pam"], ["sshd"], ["pam", "sshd"], ["utmp"], ["pam", "utmp"], ["sshd", "utmp"], ["pam", "sshd", "utmp"]]
    choice: Any = pl.when(pl.lit(False)).then(pl.lit(None, DTYPES["corroborated_by"]))
    for number, names in enumerate(lists[1:], 1):
        choice = choice.when(code == number).then(pl.lit(names, DTYPES["corroborated_by"]))
    result: pl.Expr = choice.otherwise(pl.lit(None, DTYPES["corroborated_by"]))
    return result


def _merge_touched(touched: pl.DataFrame) -> pl.DataFrame:
    """Merge the connections that have lesser reports left."""
    keyed = _segments(touched.with_columns(label().alias("zz_label")), FAILURE_GAP)
    key = [*_KEY, "zz_segment"]
    own = [pl.col("count").filter(pl.col("zz_rank") == r).sum().cast(pl.Int64) for r in range(6)]
    dropped = [pl.col(f"repeat{r}").fill_null(0).sum().cast(pl.Int64) if r >= 2 else pl.lit(0, pl.Int64) for r in range(6)]
    weights = keyed.group_by(key).agg(pl.col("zz_rank").min().alias("zz_best"), *[(own[r] + dropped[r]).alias(f"zz_w{r}") for r in range(6)])
    weights = weights.with_columns(
        pl.max_horizontal([f"zz_w{r}" for r in range(6)]).alias("zz_most"),
        pl.concat_list([f"zz_w{r}" for r in range(6)]).list.get(pl.col("zz_best").cast(pl.Int64)).alias("zz_own"),
    ).select(*key, "zz_best", (pl.col("zz_most") - pl.col("zz_own")).alias("zz_extra"))
    mixed = keyed.join(weights, on=key, how="left", maintain_order="left")
    kept = mixed.filter(pl.col("zz_rank") == pl.col("zz_best"))
    others = mixed.filter(pl.col("zz_rank") != pl.col("zz_best"))
    fills = [name for name in _FILL if name in touched.columns]
    best_of = (
        others.sort("zz_rank", "zz_row")
        .group_by(key, maintain_order=True)
        .agg(
            *[pl.col(name).drop_nulls().first().alias(f"zz_{name}") for name in fills],
            pl.col("zz_label").unique().sort().alias("zz_by"),
        )
    )
    kept = kept.join(best_of, on=key, how="left", maintain_order="left")
    last = pl.col("zz_row") == pl.col("zz_row").max().over(key)
    return kept.with_columns(
        *[pl.coalesce(name, f"zz_{name}").alias(name) for name in fills],
        (pl.col("count") + pl.when(last).then(pl.col("zz_extra")).otherwise(0)).cast(pl.UInt32).alias("count"),
        pl.col("zz_by").cast(DTYPES["corroborated_by"]).alias("corroborated_by"),
    )


def merge_sessions(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* with several reports of one logon, session start or session end under one host and session made one row.

    The highest-ranked report is kept in its place and filled from the others within a minute; other kinds pass through unchanged.
    """
    events = ensure(events, "session", "host", "corroborated_by", "linked_session", "src_ip", "user", "service", "assigned_ip")
    if not events.height:
        return events
    named = pl.col("session").is_not_null() & pl.col("host").is_not_null() & pl.col("time").is_not_null()
    elsewhere = pl.col("source").cast(pl.String).str.starts_with("windows-")  # joined by :mod:`.windows_logon`
    mergeable = pl.col("kind").is_in([str(kind) for kind in _MERGED]) & named & ~elsewhere
    places = events.select(mergeable.fill_null(value=False).alias("m"))["m"].arg_true()
    # a session of an identity provider is a cookie, no connection: from another address it is another fact
    cookie = (pl.col("service").cast(pl.String) == str(Service.IDP)).fill_null(value=False)
    # a tunnel with two inner addresses tells of each: the IPv6 one is another fact
    inner = (pl.col("kind") == str(Kind.SESSION_START)) & pl.col("assigned_ip").cast(pl.String).str.contains(":", literal=True).fill_null(value=False)
    source, given = pl.col("src_ip").cast(pl.String), pl.col("assigned_ip").cast(pl.String)
    place = pl.when(cookie).then(source).when(inner).then(given).fill_null("").alias("zz_place")
    fills = [name for name in _FILL if name in events.columns and events[name].null_count() < events.height]
    told = events.select(*_KEY, "time", "kind", "source", "pattern", place)
    found = [_best(told[rows].with_columns(rows.alias("zz_row")), events, fills) for rows in _apart(events["session"], places)]
    best = pl.concat([one for one, _ in found])
    if not best.height:
        return events
    kept = np.ones(events.height, dtype=np.bool_)
    for _, gone in found:
        kept[gone.to_numpy()] = False
    columns = [_lent(events, best, name) for name in fills]
    by = _lent(events, best.with_columns(pl.col("zz_by").cast(DTYPES["corroborated_by"]).alias("zz_corroborated_by")), "corroborated_by", over=True)
    return events.with_columns(*columns, by).filter(pl.Series(kept))


def _apart(sessions: pl.Series, places: pl.Series) -> list[pl.Series]:
    """Return *places* in parts of about :data:`TOGETHER`; reports of one session stay together."""
    number = len(places) // TOGETHER + 1
    if number == 1:
        return [places]
    part = sessions[places].hash() % number
    return [places.filter(part == one) for one in range(number)]


def _best(part: pl.DataFrame, events: pl.DataFrame, fills: list[str]) -> tuple[pl.DataFrame, pl.Series]:
    """Return the report that stays of each fact that is reported several times, with what the others know, and the rows of the others.

    *part*: ``host, session, time, kind, source, pattern, zz_place, zz_row`` of reports among *events*.
    """
    over = [*_KEY, "zz_place", "kind"]
    key = [*over, "zz_segment"]
    part = part.with_columns(rank(), label().alias("zz_label")).drop("source", "pattern")
    part = part.sort("host", "session", "zz_place", "kind", "time", "zz_row").with_columns(
        (pl.col("time").diff() > SESSION_GAP).fill_null(False).cast(pl.UInt32).cum_sum().over(over).alias("zz_segment")
    )
    # a connection authenticates once: two logons by the service's own line under one pid are two connections, however close
    own = (pl.col("zz_rank") == 0) & (pl.col("kind") == str(Kind.AUTH_SUCCESS))
    part = part.with_columns(
        (
            pl.col("zz_segment") * 1000 + own.cast(pl.UInt32).cum_sum().over(over).clip(1) * own.any().over(over).cast(pl.UInt32)
        ).alias("zz_segment")
    )
    ordered = part.sort("zz_rank", "time", "zz_row")
    several = ordered.filter(ordered.select(key).is_duplicated()).drop("time", "zz_rank")
    several = several.with_columns(events.select(fills)[several["zz_row"]])
    best = several.group_by(key, maintain_order=True).agg(
        pl.col("zz_row").first().alias("zz_keep"),
        *[pl.col(name).drop_nulls().first().alias(f"zz_{name}") for name in fills],
        pl.col("zz_label").slice(1).unique().sort().alias("zz_by"),
    )
    others = several["zz_row"].filter(~several["zz_row"].is_in(best["zz_keep"].implode()))
    return best.select("zz_keep", "zz_by", *(f"zz_{name}" for name in fills)), others


def _lent(events: pl.DataFrame, best: pl.DataFrame, name: str, *, over: bool = False) -> pl.Series:
    """Return the column *name* of *events* with what ``best`` knows (``zz_keep``, ``zz_<name>``) where it says nothing, or *over* what it says."""
    known = best.select("zz_keep", pl.col(f"zz_{name}").alias("lent")).filter(pl.col("lent").is_not_null())
    column = events[name]
    if not over:
        known = known.filter(column[known["zz_keep"]].is_null())
    if not known.height:
        return column
    rows = pl.DataFrame({"own": column}).with_row_index("zz_keep").join(known, on="zz_keep", how="left", maintain_order="left")
    said = pl.coalesce("lent", "own") if over else pl.coalesce("own", "lent")
    return rows.select(said.alias(name))[name]


def lend_sources(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* with the address of a connection given to the stops of that connection that name none.

    PAM says that an account is expired or locked without saying where the right password came from; sshd's lines under the same host and pid do.
    """
    events = ensure(events, "src_ip", "session", "host")
    lacking = (pl.col("kind") == str(Kind.AUTH_STOPPED)) & pl.col("src_ip").is_null() & pl.col("session").is_not_null() & pl.col("host").is_not_null()
    needy = events.with_row_index("zz_row").filter(lacking).select("zz_row", "host", "session", "time")
    if not needy.height:
        return events
    lenders = events.filter(pl.col("src_ip").is_not_null() & pl.col("session").is_not_null()).select(
        "host", "session", pl.col("time").alias("at"), pl.col("src_ip").alias("lent")
    )
    pairs = needy.join(lenders, on=["host", "session"], how="inner").filter((pl.col("time") - pl.col("at")).abs() <= FAILURE_GAP)
    found = pairs.sort("zz_row", "at").group_by("zz_row", maintain_order=True).agg(pl.col("lent").last())
    joined = events.with_row_index("zz_row").join(found, on="zz_row", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("src_ip", "lent").alias("src_ip")).drop("zz_row", "lent")


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
