"""Who from outside caused this event: what happens in an outside session bears its origin.

In order of confidence: the session id on the host (``certain``); else the user's live session on the host (``likely``, ``possible`` with rivals);
else, for administrative records that name no actor, the sudo command that just ran the tool, or the one live session that holds root. A logon from an
internal host whose address the site declares inherits the origin of the same user's live session there, one hop further.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from gatewatch.origin.session import GRACE, Sessions
from gatewatch.schema.events import DTYPES, Kind, ensure

MAX_OPEN = timedelta(days=7)  # past this age an unended session explains nothing by user and time alone
ACTORLESS = timedelta(seconds=15)  # sudo writes its line, then the tool writes its own
MAX_HOPS = 16
RECENT = 32  # live sessions of one user on one host that are considered as rivals
_ADMIN = (Kind.ACCOUNT_CHANGE, Kind.CONFIG_CHANGE, Kind.SERVICE_INSTALL, Kind.SCHEDULED_JOB, Kind.LOG_CLEARED)
_SHELL = r"(?:^|/)(?:su|bash|sh|zsh|dash|fish|ksh)(?: |$)|(?:^|/)sudo (?:-i|-s|su)"


@dataclass(frozen=True, slots=True)
class Bond:
    """The outside origin of a session: address, the outside session it began with, hops since, confidence."""

    ip: str
    session: str
    hop: int
    confidence: str


def attribute(sessions: Sessions, addresses: Mapping[str, str]) -> dict[str, Bond]:
    """Return the origin of every session that has one, by ``sid``; *addresses* maps inner addresses to the host that bears them."""
    bonds: dict[str, Bond] = {}
    table = sessions.table.sort("start", "row")
    live: dict[tuple[str, str | None], list[tuple[datetime, datetime | None, str]]] = {}
    for row in table.iter_rows(named=True):
        sid, host, user = row["sid"], row["host"], row["user"]
        if row["outside"] and row["src_ip"] and not row["tunnel"]:
            bonds[sid] = Bond(row["src_ip"], sid, 0, "certain")
        else:
            # a tunnel ends on the host itself, whoever opened it; the way from another host is the same user's
            key = (host, None) if row["tunnel"] else (addresses.get(row["src_ip"] or "") or "", user or "")
            candidates = [entry for entry in live.get(key, []) if (entry[1] is None or row["start"] <= entry[1] + GRACE) and entry[2] in bonds]
            if candidates:
                origins = {bonds[entry[2]].ip for entry in candidates}
                parent = bonds[candidates[-1][2]]
                if parent.hop < MAX_HOPS:
                    bonds[sid] = Bond(parent.ip, parent.session, parent.hop + 1, "likely" if len(origins) == 1 else "possible")
            elif row["tunnel"]:
                bonds[sid] = Bond(row["src_ip"], sid, 0, "certain")
        if host and user:
            for key in ((host, user), (host, None)):
                live.setdefault(key, []).append((row["start"], row["until"], sid))
    return bonds


def attach(events: pl.DataFrame, sessions: Sessions, bonds: Mapping[str, Bond]) -> pl.DataFrame:
    """Return *events* with ``origin_ip, origin_session, hop, hop_confidence``; the rows and their order stay."""
    events = ensure(events, "session", "user", "src_ip", "scope", "command", "target_user", "process", "host", "pattern")
    drop = [name for name in ("origin_ip", "origin_session", "hop", "hop_confidence") if name in events.columns]
    events = events.drop(drop)
    found = _by_id(events, sessions)
    found = _first(found, _own(_without(events, found), sessions))
    found = _first(found, _by_user(_without(events, found), sessions))
    found = _first(found, _by_tool(_without(events, found), events, found, sessions))
    bond_table = pl.DataFrame(
        [(sid, bond.ip, bond.session, bond.hop, bond.confidence) for sid, bond in sorted(bonds.items())],
        schema={"sid": pl.String, "origin_ip": pl.String, "origin_session": pl.String, "hop": pl.UInt8, "hop_confidence": pl.String},
        orient="row",
    )
    weakest = (
        pl.when(pl.min_horizontal(_grade("how"), _grade("hop_confidence")) == 2)
        .then(pl.lit("certain"))
        .when(pl.min_horizontal(_grade("how"), _grade("hop_confidence")) == 1)
        .then(pl.lit("likely"))
        .otherwise(pl.lit("possible"))
    )
    chosen = found.join(bond_table, on="sid", how="inner").with_columns(weakest.alias("hop_confidence")).drop("sid", "how")
    result = events.join(chosen, on="row", how="left", maintain_order="left")
    own = pl.col("origin_ip").is_null() & (pl.col("scope") == "public").fill_null(False) & pl.col("src_ip").is_not_null()
    return result.with_columns(
        pl.when(own).then("src_ip").otherwise("origin_ip").alias("origin_ip"),
        pl.when(own).then(pl.lit(0, pl.UInt8)).otherwise("hop").cast(DTYPES["hop"]).alias("hop"),
        pl.when(own).then(pl.lit("certain")).otherwise("hop_confidence").alias("hop_confidence"),
    )


def _grade(name: str) -> pl.Expr:
    return pl.col(name).replace_strict(["possible", "likely", "certain"], [0, 1, 2], default=0, return_dtype=pl.Int8)


_FOUND = pl.Schema({"row": pl.UInt32(), "sid": pl.String(), "how": pl.String()})


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema=_FOUND)


def _first(found: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([found, more.select(*_FOUND).cast(_FOUND)])


def _without(events: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    return events.join(found.select("row"), on="row", how="anti", maintain_order="left")


def _by_id(events: pl.DataFrame, sessions: Sessions) -> pl.DataFrame:
    """Join by host and session id, within the life of the session."""
    named = events.filter(pl.col("session").is_not_null() & pl.col("time").is_not_null()).select("row", "host", "session", "time").sort("time")
    if not named.height or not sessions.ids.height:
        return _none()
    # the logon bears its own row; several sessions may reuse an id, the latest begun counts
    ids = sessions.ids.sort("start")
    joined = named.join_asof(ids, left_on="time", right_on="start", by=["host", "session"], strategy="backward", check_sortedness=False)
    alive = joined.filter(pl.col("sid").is_not_null() & (pl.col("until").is_null() | (pl.col("time") <= pl.col("until"))))
    return alive.select("row", "sid", pl.lit("certain").alias("how")).cast(_FOUND)


def _own(events: pl.DataFrame, sessions: Sessions) -> pl.DataFrame:
    """Join the logons that began a session and bear no id."""
    own = events.select("row").join(sessions.table.select("row", "sid"), on="row", how="inner")
    return own.select("row", "sid", pl.lit("certain").alias("how")).cast(_FOUND)


def _by_user(events: pl.DataFrame, sessions: Sessions) -> pl.DataFrame:
    """Join by host, user and time; rivals (live sessions of the same user from elsewhere) make it ``possible``.

    Logons and failures are facts of their own connection: they are never explained by another session of the same user.
    """
    own = [
        str(kind)
        for kind in (
            Kind.AUTH_FAILURE,
            Kind.AUTH_SUCCESS,
            Kind.AUTH_STOPPED,
            Kind.MFA_DENIED,
            Kind.CONNECTION,
            Kind.CONNECTION_CLOSED,
            Kind.CONNECTION_DENIED,
            Kind.BAN,
        )
    ]
    loose = events.filter(pl.col("user").is_not_null() & pl.col("time").is_not_null() & pl.col("host").is_not_null() & ~pl.col("kind").is_in(own))
    loose = loose.filter(pl.col("session").is_null() | ~pl.col("session").str.starts_with("pid:"))
    table = sessions.table.filter(pl.col("user").is_not_null() & pl.col("host").is_not_null())
    if not loose.height or not table.height:
        return _none()
    rows = loose.select("row", "host", "user", "time", _numbered("session").alias("numbered"))
    intervals = table.select("host", "user", "sid", "start", pl.col("until").alias("end"), "src_ip", _numbered("session").alias("by_number"))
    # Windows logs say by number which logon did something: another number is another logon
    pairs = [
        _pairs(part, some.drop("by_number"), ["host", "user"])
        for part, some in (
            (rows.filter("numbered").drop("numbered"), intervals.filter(~pl.col("by_number"))),
            (rows.filter(~pl.col("numbered")).drop("numbered"), intervals),
        )
        if part.height and some.height
    ]
    return _pick(pl.concat(pairs)) if pairs else _none()


def _numbered(name: str) -> pl.Expr:
    return pl.col(name).str.starts_with("logon:").fill_null(False)


def _pairs(rows: pl.DataFrame, intervals: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Pair each row with the last :data:`RECENT` intervals of its key begun before it (the whole product would be quadratic)."""
    ranked = intervals.sort("start", "sid").with_columns(pl.int_range(pl.len()).over(by).alias("rank"))
    last = rows.sort("time").join_asof(
        ranked.select(*by, "start", "rank").sort("start"), left_on="time", right_on="start", by=by, strategy="backward", check_sortedness=False
    )
    last = last.filter(pl.col("rank").is_not_null()).drop("start")
    reach = last.with_columns(pl.int_ranges((pl.col("rank") - (RECENT - 1)).clip(0), pl.col("rank") + 1).alias("rank")).explode("rank")
    return reach.join(ranked, on=[*by, "rank"], how="inner").drop("rank")


def _pick(pairs: pl.DataFrame) -> pl.DataFrame:
    """Choose, for each row, the live session begun last; ``possible`` when live sessions of other sources compete."""
    live = pairs.filter(
        (pl.col("start") <= pl.col("time"))
        & (pl.col("end").is_null() | (pl.col("time") <= pl.col("end") + GRACE))
        & (pl.col("time") - pl.col("start") <= MAX_OPEN)
    )
    if not live.height:
        return _none()
    chosen = (
        live.sort("row", "start", "sid").group_by("row", maintain_order=True).agg(pl.col("sid").last(), pl.col("src_ip").n_unique().alias("rivals"))
    )
    how = pl.when(pl.col("rivals") > 1).then(pl.lit("possible")).otherwise(pl.lit("likely"))
    return chosen.select("row", "sid", how.alias("how")).cast(_FOUND)


def _tools() -> pl.Expr:
    """Return, as a regex, the commands that can have written an administrative record: by its program, else by what it says."""
    named = pl.col("process").str.extract(r"([^/]+)$")
    pattern = pl.col("pattern").cast(pl.String)
    return (
        pl.when(named.is_not_null())
        .then(pl.lit(r"(?:^|[/ ;&|])") + named.str.escape_regex() + pl.lit(r"(?: |$)"))
        .when(pattern.str.starts_with("user-"))
        .then(pl.lit(r"user|adduser|deluser|newusers|ch(?:fn|sh|age)"))
        .when(pattern.str.starts_with("group-"))
        .then(pl.lit(r"group|usermod|useradd|adduser|gpasswd|vigr|deluser"))
        .when(pattern.str.starts_with("password"))
        .then(pl.lit(r"passwd|chage|usermod|newusers"))
        .otherwise(pl.lit(r"user|group|passwd|crontab|systemctl|service"))
    )


def _by_tool(loose: pl.DataFrame, events: pl.DataFrame, found: pl.DataFrame, sessions: Sessions) -> pl.DataFrame:
    """Explain administrative records without an actor: by the sudo command that ran the tool, else by the live session that holds root."""
    silent = loose.filter(
        pl.col("kind").is_in([str(kind) for kind in _ADMIN]) & pl.col("user").is_null() & pl.col("time").is_not_null() & pl.col("host").is_not_null()
    ).with_columns(_tools().alias("tools"))
    if not silent.height:
        return _none()
    sudo = events.filter((pl.col("kind") == str(Kind.PRIVILEGE_USE)) & pl.col("command").is_not_null()).join(found, on="row", how="inner")
    result = _none()
    if sudo.height:
        ran = sudo.select("host", "sid", "how", pl.col("time").alias("at"), "command")
        pairs = (
            silent.select("row", "host", "time", "tools")
            .join(ran, on="host", how="inner")
            .filter((pl.col("time") >= pl.col("at") - timedelta(seconds=1)) & (pl.col("time") - pl.col("at") <= ACTORLESS))
        )
        pairs = pairs.filter(pl.col("command").str.contains(pl.col("tools")))
        if pairs.height:
            result = (
                pairs.sort("row", "at")
                .group_by("row", maintain_order=True)
                .agg(pl.col("sid").last())
                .select("row", "sid", pl.lit("likely").alias("how"))
                .cast(_FOUND)
            )
    rest = silent.join(result.select("row"), on="row", how="anti")
    table = sessions.table
    table = table.with_columns(pl.col("until").alias("end"))
    administrators = events.filter((pl.col("kind") == str(Kind.PRIVILEGE_USE)) & (pl.col("pattern") == "special-privileges")).join(
        found, on="row", how="inner"
    )
    by_right = (pl.col("user") == "root") | pl.col("sid").is_in(administrators["sid"].unique().implode())
    rooted = table.filter(by_right).select("host", "sid", "start", "end", "src_ip")
    if sudo.height:
        shells = sudo.filter(pl.col("command").str.contains(_SHELL)).select("sid", pl.col("time").alias("raised"))
        raised = table.join(shells, on="sid", how="inner").select("host", "sid", pl.col("raised").alias("start"), "end", "src_ip")
        rooted = pl.concat([rooted, raised])
    if rest.height and rooted.height:
        result = pl.concat([result, _pick(_pairs(rest.select("row", "host", "time"), rooted, ["host"]))])
    return result
