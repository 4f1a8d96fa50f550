"""Leases: which session an inner address was given to, and for how long.

A VPN gateway tells it in the logon itself, in a record under the session's id, or in one that names user and address. A lease lasts until its session
ends, until the gateway says it was given back, or until the same gateway gives the address to another session before anybody said that the first
had ended (a gateway gives no address twice). Where the ends are known and the leases overlap all the same, or two gateways give one address, both
stand, as rivals. Where no logon was seen at all (a log is missing, or only a status file is there) the record that gives the address is itself proof
of a session: it has a name of its own, and its outside address is the origin.

Columns: ``address, host`` (the gateway), ``sid, ip`` (of a session without a logon, its outside address), ``user, start, end``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import polars as pl

from gatewatch.origin.session import Sessions, outside, segments
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import UTC, Kind, ensure
from gatewatch.schema.packing import plain

AHEAD = timedelta(seconds=60)  # an address may be given before the logon is written
_NEAR: tuple[tuple[Literal["backward", "forward"], timedelta | None], ...] = (("backward", None), ("forward", AHEAD))
LEASES = pl.Schema(
    {
        "address": pl.String(),
        "host": pl.String(),
        "sid": pl.String(),
        "ip": pl.String(),
        "user": pl.String(),
        "start": UTC,
        "end": UTC,
    }
)


def leases(events: pl.DataFrame, sessions: Sessions) -> pl.DataFrame:
    """Return the leases that enriched *events* tell of, by address and start (columns: :data:`LEASES`)."""
    events = ensure(events, "assigned_ip", "host", "session", "user", "src_ip", "scope", "time", "kind", "extra")
    told = events.filter(pl.col("assigned_ip").is_not_null() & pl.col("time").is_not_null() & pl.col("host").is_not_null())
    if not told.height:
        return pl.DataFrame(schema=LEASES)
    told = _both(plain(told, "row", "assigned_ip", "host", "session", "user", "src_ip", "scope", "time", "kind", "extra"))
    kind = pl.col("kind").cast(pl.String)
    given = told.filter(kind.is_in([str(Kind.AUTH_SUCCESS), str(Kind.SESSION_START)])).select(
        "row", "host", "session", "user", "src_ip", outside().alias("outside"), pl.col("assigned_ip").alias("address"), "time"
    )
    given = _owners(given, sessions)
    # with no session and no outside address, nobody is known to hold it
    given = given.filter(pl.col("sid").is_not_null() | (pl.col("outside") & pl.col("src_ip").is_not_null()))
    name = pl.concat_str(pl.col("host"), pl.col("session").fill_null("-"), pl.col("time").dt.strftime("%Y%m%dT%H%M%S"), "row", separator="/")
    made = given.with_columns(
        pl.when(pl.col("sid").is_null()).then("src_ip").alias("ip"),
        pl.coalesce("sid", pl.lit("lease:") + name).alias("sid"),
        pl.col("time").alias("start"),
    )
    # the same address of the same session, told again, is one lease
    made = made.sort("start", "row").unique(["address", "host", "sid"], keep="first", maintain_order=True)
    known = sessions.table.select("sid", pl.col("until").alias("over"))
    made = made.join(known, on="sid", how="left", maintain_order="left")
    made = _given_back(made, told.filter(kind == str(Kind.SESSION_END)), events)
    made = made.sort("address", "host", "start", "row")
    following = pl.col("start").shift(-1).over("address", "host")
    end = pl.when(pl.col("end").is_null()).then(following - pl.duration(microseconds=1)).otherwise("end")
    made = made.with_columns(pl.when(end < pl.col("start")).then("start").otherwise(end).alias("end"))
    return _cut(made.select(*LEASES), sessions).sort("address", "start", "sid")


def _both(told: pl.DataFrame) -> pl.DataFrame:
    """Add the records that give a second address, an IPv6 one, once more with that."""
    given = told.select("row", pl.col("extra").cast(pl.String).str.json_path_match("$.ipv6").alias("zz_text")).drop_nulls()
    said = {text: canonical_address(text) for text in given["zz_text"].unique().to_list()}
    kept = {text: address for text, address in said.items() if address not in {None, "::"}}
    if not kept:
        return told
    second_of = pl.col("zz_text").replace_strict(kept, default=None, return_dtype=pl.String).alias("zz_second")
    given = given.with_columns(second_of).drop_nulls("zz_second")
    second = told.join(given.select("row", "zz_second"), on="row").filter(pl.col("zz_second") != pl.col("assigned_ip"))
    return pl.concat([told, second.drop("assigned_ip").rename({"zz_second": "assigned_ip"}).select(told.columns)])


def _owners(given: pl.DataFrame, sessions: Sessions) -> pl.DataFrame:
    """Add ``sid``: the logon itself, the session of the id, else the user's on the gateway."""
    own = given.join(sessions.table.select("row", "sid"), on="row", how="left", maintain_order="left")
    ids = (
        sessions.ids.select("host", "session", "sid", pl.col("start").alias("begun"), "until")
        .sort("begun")
        .with_columns(pl.lit(None, pl.String).alias("source"))
    )
    people = sessions.table.filter(pl.col("user").is_not_null() & pl.col("host").is_not_null())
    users = people.select("host", "user", "sid", pl.col("start").alias("begun"), "until", pl.col("src_ip").alias("source")).sort("begun")
    for table, key in ((ids, "session"), (users, "user")):
        for strategy, tolerance in _NEAR:
            open_ = own.filter(pl.col("sid").is_null() & pl.col(key).is_not_null()).drop("sid")
            if not open_.height or not table.height:
                continue
            near = open_.sort("time").join_asof(
                table,
                left_on="time",
                right_on="begun",
                by=["host", key],
                strategy=strategy,
                tolerance=tolerance,
                check_sortedness=False,
            )
            near = near.filter(pl.col("sid").is_not_null() & (pl.col("until").is_null() | (pl.col("time") <= pl.col("until"))))
            # a user's earlier session from another address is not the one that was given this
            near = near.filter(pl.col("source").is_null() | pl.col("src_ip").is_null() | (pl.col("source") == pl.col("src_ip")))
            own = own.join(near.select("row", pl.col("sid").alias("found")), on="row", how="left", maintain_order="left")
            own = own.with_columns(pl.coalesce("sid", "found").alias("sid")).drop("found")
    return own


def _given_back(made: pl.DataFrame, back: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Add ``end``: the session's, or when the gateway says that the address (or, without a logon, the id) is free, whichever is first."""
    released = back.select("host", pl.col("assigned_ip").alias("address"), pl.col("time").alias("freed")).sort("freed")
    made = made.sort("start").join_asof(
        released, left_on="start", right_on="freed", by=["host", "address"], strategy="forward", check_sortedness=False
    )
    ends = events.filter((pl.col("kind").cast(pl.String) == str(Kind.SESSION_END)) & pl.col("session").is_not_null() & pl.col("time").is_not_null())
    ends = plain(ends, "host", "session", "time").rename({"time": "closed"}).sort("closed")
    made = made.join_asof(ends, left_on="start", right_on="closed", by=["host", "session"], strategy="forward", check_sortedness=False)
    bare = pl.when(pl.col("ip").is_not_null()).then("closed")
    return made.with_columns(pl.min_horizontal("over", "freed", bare).alias("end"))


def _cut(made: pl.DataFrame, sessions: Sessions) -> pl.DataFrame:
    """Hand leases on to the later segments of their session: after a reconnect the address is that of the new source."""
    parts = segments(sessions).filter(pl.len().over("first") > 1)
    if not parts.height:
        return made
    first = parts.select("sid", "first", "number")
    joined = made.join(first, on="sid", how="inner").join(
        parts.select("first", pl.col("sid").alias("other"), pl.col("start").alias("from"), pl.col("number").alias("later")), on="first"
    )
    joined = joined.filter((pl.col("later") >= pl.col("number")) & (pl.col("end").is_null() | (pl.col("from") <= pl.col("end"))))
    joined = joined.sort("address", "host", "sid", "later").with_columns(
        pl.max_horizontal("start", pl.when(pl.col("later") > pl.col("number")).then("from")).alias("start"),
        pl.col("from").shift(-1).over("address", "host", "sid", "number").alias("next"),
    )
    ended = pl.min_horizontal("end", pl.col("next") - pl.duration(microseconds=1)).alias("end")
    handed = joined.with_columns(ended, pl.col("other").alias("sid")).select(*LEASES)
    return pl.concat([made.join(first, on="sid", how="anti"), handed])
