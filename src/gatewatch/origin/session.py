"""Sessions: every accepted logon with its beginning, its end where the logs show one, and the ids it is known by.

Columns of the table: ``sid`` (stable id: host, session and start), ``host, user, service, src_ip, src_host, scope, auth_method, start, end,
closed, row`` (the logon's row), ``outside`` and ``tunnel`` (outside, but through a loopback address), ``at_ip`` (the host's own address, where the
logon's record names it). ``until`` is when its ids stop naming it: its end, unless it was only disconnected. The second table maps the ids under
which later events name the session: ``host, session, sid, start, until``.

A row is a *segment*: one source, from its beginning on. A reconnect (4778, LSM 25, a token shown from a new address) is a new row under the same id;
:func:`segments` says which rows are one session.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from gatewatch.schema.events import Kind, Scope, Service, ensure
from gatewatch.schema.packing import plain

GRACE = timedelta(seconds=5)  # lines of a session may trail its end
BOOT_LASTS = timedelta(minutes=15)
LOGIND_GAP = timedelta(seconds=10)
TUNNELLED = (Service.RDP, Service.VNC)
REPORTED = timedelta(seconds=20)  # reports of one Windows logon may come before the one that is kept
LASTS = timedelta(days=7)  # numbers are given anew after a restart
TOR_LASTS = timedelta(days=30)
ENDING = ("logon-twin", "rdp-session-logon", "rdp-session-reconnect")
_DESKTOP = r"^(?:logon|ts):"
PAUSED = "rdp-(?:session-)?disconnect|session-suspended"  # ends of a connection after which the session and its programs go on


@dataclass(frozen=True, slots=True)
class Sessions:
    """The session table and the ids that name its rows."""

    table: pl.DataFrame
    ids: pl.DataFrame


def outside() -> pl.Expr:
    """Return whether the source of an event lies outside the site."""
    return (pl.col("scope") == str(Scope.PUBLIC)).fill_null(False)


def tunnelled() -> pl.Expr:
    """Return whether a remote desktop was reached through the loopback address: somebody forwards it, from wherever."""
    return ((pl.col("scope") == str(Scope.LOOPBACK)) & pl.col("service").cast(pl.String).is_in([str(service) for service in TUNNELLED])).fill_null(
        False
    )


def _by_tor(events: pl.DataFrame, logons: pl.DataFrame) -> pl.Series:
    """Return which of *logons* by SSH came through the loopback address of a host whose Tor, by its own log, began in the thirty days before.

    SSH to the host itself is work of every day, and no tunnel by itself; where Tor runs it is how a hidden service is used.
    """
    told = (pl.col("service").cast(pl.String) == str(Service.TOR)) & pl.col("kind").cast(pl.String).is_in(
        [str(Kind.SERVICE_START), str(Kind.CONFIG_CHANGE)]
    )
    begun = events.filter(told.fill_null(False) & pl.col("host").is_not_null() & pl.col("time").is_not_null())
    here = (pl.col("scope") == str(Scope.LOOPBACK)) & (pl.col("service").cast(pl.String) == str(Service.SSH))
    if not begun.height or not logons.height:
        return pl.Series([False], dtype=pl.Boolean).new_from_index(0, logons.height)
    before = plain(begun, "host", "time").rename({"time": "tor"}).sort("tor")
    places = logons.select(pl.int_range(pl.len()).alias("place"), "host", "start", here.fill_null(False).alias("here")).sort("start")
    joined = places.join_asof(before, left_on="start", right_on="tor", by="host", strategy="backward", tolerance=TOR_LASTS, check_sortedness=False)
    return joined.sort("place").select(pl.col("here") & pl.col("tor").is_not_null())["here"]


def build(events: pl.DataFrame) -> Sessions:
    """Return the sessions of *events* (sorted by total order, with ``row``, enriched)."""
    events = ensure(events, "linked_session", "scope", "src_host", "auth_method", "user", "service", "src_ip", "session", "host", "pattern")
    events = ensure(events, "host_ip", "dst_ip")
    logons = events.filter((pl.col("kind") == str(Kind.AUTH_SUCCESS)) & pl.col("time").is_not_null()).select(
        "row",
        "host",
        "user",
        "service",
        "src_ip",
        "src_host",
        "scope",
        "auth_method",
        "session",
        "linked_session",
        pl.col("time").alias("start"),
        pl.coalesce("host_ip", "dst_ip").alias("at_ip"),
    )
    logons = plain(logons).with_columns(
        (outside() | tunnelled()).alias("outside"),
        tunnelled().alias("tunnel"),
        pl.concat_str(
            pl.col("host").fill_null("?"), pl.col("session").fill_null("-"), pl.col("start").dt.strftime("%Y%m%dT%H%M%S"), "row", separator="/"
        ).alias("sid"),
    )
    hidden = pl.lit(_by_tor(events, logons))
    logons = logons.with_columns(pl.col("outside") | hidden, pl.col("tunnel") | hidden)
    following = pl.col("start").shift(-1).over("host", "session")
    logons = logons.with_columns(pl.when(pl.col("session").is_not_null()).then(following).alias("next"))
    aliases = _aliases(logons, events)
    ends = events.filter((pl.col("kind") == str(Kind.SESSION_END)) & pl.col("session").is_not_null() & pl.col("time").is_not_null())
    ends = plain(ends, "host", "session", "time", "row", "pattern")
    logons = _ends(logons, aliases, ends)
    # a desktop gone on with elsewhere is no longer where it was, whether the log says that it was left or not (a VPN session takes its lease along)
    gone_on = pl.col("session").str.contains(_DESKTOP) & pl.col("next").is_not_null()
    logons = logons.with_columns(
        pl.when(gone_on.fill_null(False)).then(pl.min_horizontal(name, "next")).otherwise(name).alias(name) for name in ("end", "until")
    )
    boots = events.filter((pl.col("kind") == str(Kind.BOOT)) & pl.col("time").is_not_null())
    boots = plain(boots, "host", "time").rename({"time": "boot"}).sort("boot")
    # one boot is reported several times (kernel, startup finished, wtmp): only the first ends what was open
    boots = boots.filter((pl.col("boot").diff().over("host") > BOOT_LASTS).fill_null(True))
    if boots.height and logons.height:
        logons = (
            logons.sort("start").join_asof(boots, left_on="start", right_on="boot", by="host", strategy="forward", check_sortedness=False).sort("row")
        )
        logons = logons.with_columns(pl.min_horizontal("end", "boot").alias("end"), pl.min_horizontal("until", "boot").alias("until")).drop("boot")
    table = logons.with_columns(pl.col("end").is_not_null().alias("closed"))
    return Sessions(table.drop("linked_session", "next"), _ids(table, aliases, events))


def _lasting() -> pl.Expr:
    """Return whether a session may be gone on with under its id: a Windows session, or one whose token is shown again."""
    return pl.col("session").str.contains(_DESKTOP) | (pl.col("auth_method").cast(pl.String) == "token")


def segments(sessions: Sessions) -> pl.DataFrame:
    """Return the segments of *sessions*: ``sid`` (of the segment), ``first`` (of the session's first segment), ``number, source, start, end``.

    A logon goes on with the one before it under the same id of the same host while that one has not ended, where the id is a Windows session's or
    the logon showed a token; a number used again by another process is another session.
    """
    table = sessions.table.sort("host", "session", "start", "row")
    lasting = _lasting()
    before = pl.col("until").shift(1).over("host", "session")
    later = (pl.int_range(pl.len()).over("host", "session") > 0) & lasting.fill_null(False) & pl.col("session").is_not_null()
    goes_on = later & (before.is_null() | (before >= pl.col("start")))
    marked = table.with_columns(goes_on.alias("goes_on"), (~goes_on).cum_sum().alias("group"))
    marked = marked.with_columns(
        pl.col("sid").first().over("group").alias("first"),
        pl.int_range(pl.len()).over("group").cast(pl.UInt32).alias("number"),
        pl.col("start").shift(-1).over("group").alias("next"),
    )
    end = pl.min_horizontal("end", "next").alias("end")
    return marked.select("sid", "first", "number", pl.coalesce("src_ip", "src_host").alias("source"), "start", end).sort("start", "sid")


def _aliases(logons: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return ``host, session, sid, start, ending``: further ids of sessions, and whether the end of the id is that of the session."""
    own = logons.filter(pl.col("session").is_not_null())
    linked = own.filter(pl.col("linked_session").is_not_null()).select(
        "host", pl.col("linked_session").alias("session"), "sid", "start", pl.col("linked_session").str.starts_with("logon:").alias("ending")
    )
    # "User child is on pid N", audit USER_START, the other reports of a Windows logon: a later event of the session names another id of it
    names = events.filter(
        pl.col("linked_session").is_not_null() & pl.col("session").is_not_null() & (pl.col("kind") != str(Kind.AUTH_SUCCESS))
    ).select(pl.col("host").cast(pl.String), "session", "linked_session", "time", pl.col("pattern").cast(pl.String).is_in(ENDING).alias("ending"))
    # a Windows session keeps the numbers of its tokens over reconnects, and some reports come before the one that is kept
    windows = pl.col("session").str.contains(r"^(?:logon|ts):")
    early = pl.when(windows).then(pl.col("start") - REPORTED).otherwise("start")
    lasting = windows & (pl.col("time") < pl.col("start")) & (pl.col("start") - pl.col("time") <= LASTS)
    more = (
        own.select("host", "session", "sid", "start", "next")
        .join(names, on=["host", "session"], how="inner")
        .filter(((pl.col("time") >= early) & (pl.col("next").is_null() | (pl.col("time") < pl.col("next")))) | lasting)
    )
    more = more.select("host", pl.col("linked_session").alias("session"), "sid", "start", "ending")
    return pl.concat([linked, more]).unique(maintain_order=True)


def _ends(logons: pl.DataFrame, aliases: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Add ``end`` and ``until``: the last end reported under the session's id, or one that ends with it, before the id is used again."""
    never = pl.lit(None, pl.Datetime("us", "UTC"))
    if not logons.height or not ends.height:
        return logons.with_columns(never.alias("end"), never.alias("until"))
    own = logons.filter(pl.col("session").is_not_null()).select("host", "session", "sid", "start")
    ids = pl.concat([own, aliases.filter("ending").drop("ending")]).unique(maintain_order=True).sort("host", "session", "start")
    ids = ids.join(logons.select("sid", "row"), on="sid", how="left", maintain_order="left").with_columns(
        pl.col("start").shift(-1).over("host", "session").alias("next")
    )
    paused = pl.col("pattern").cast(pl.String).str.contains(PAUSED).fill_null(False)
    ended = ends.select("host", "session", pl.col("time").alias("at"), pl.col("row").alias("end_row"), paused.alias("paused"))
    pairs = ids.join(ended, on=["host", "session"], how="inner").filter(pl.col("end_row") > pl.col("row"))
    pairs = pairs.filter((pl.col("at") >= pl.col("start")) & (pl.col("next").is_null() | (pl.col("at") < pl.col("next"))))
    found = pairs.group_by("sid").agg(pl.col("at").max().alias("end"), pl.col("at").filter(~pl.col("paused")).max().alias("until"))
    return logons.join(found, on="sid", how="left", maintain_order="left")


def _ids(table: pl.DataFrame, aliases: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return ``host, session, sid, start, until`` for the logon's own id, its other ids and the logind session that began with it."""
    until = (pl.col("until") + GRACE).alias("until")
    own = table.filter(pl.col("session").is_not_null()).select("host", "session", "sid", "start", until)
    more = aliases.drop("ending").join(table.select("sid", until), on="sid", how="inner", maintain_order="left")
    logind = events.filter((pl.col("kind") == str(Kind.SESSION_START)) & pl.col("session").str.starts_with("logind:").fill_null(False))
    logind = plain(logind, "host", "user", "session", "time").rename({"time": "at"})
    parts = [own, more.select(own.columns)]
    if logind.height and table.height:
        near = logind.sort("at").join_asof(
            table.filter(pl.col("user").is_not_null()).select("host", "user", "sid", "start", until).sort("start"),
            left_on="at",
            right_on="start",
            by=["host", "user"],
            strategy="backward",
            tolerance=LOGIND_GAP,
            check_sortedness=False,
        )
        parts.append(near.filter(pl.col("sid").is_not_null()).select("host", "session", "sid", "start", "until"))
    return pl.concat(parts).unique(maintain_order=True).sort("host", "session", "start", "sid")
