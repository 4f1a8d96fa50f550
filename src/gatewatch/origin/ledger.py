"""The access ledger: every accepted access from outside, and in one line each the sources that only failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import polars as pl

from gatewatch.origin.session import Sessions
from gatewatch.schema.events import Kind, empty, ensure
from gatewatch.schema.incidents import Access, Attempts
from gatewatch.schema.platform import Platform, on_platform

BEFORE = timedelta(hours=24)  # failures of the same source that count as "before" an access
RIGHTS = "administrator rights"
NAMES = {
    Kind.LOGON_OUT: "logon elsewhere",
    Kind.PRIVILEGE_USE: "sudo/su",
    Kind.PRIVILEGE_DENIED: "sudo denied",
    Kind.EXEC: "command",
    Kind.CONTAINER_CREATE: "container created",
    Kind.CONTAINER_EXEC: "command in a container",
    Kind.FILE_TRANSFER: "file transfer",
    Kind.PORT_FORWARD: "port forward",
    Kind.ACCOUNT_CHANGE: "account change",
    Kind.CONFIG_CHANGE: "configuration change",
    Kind.SERVICE_INSTALL: "service installed",
    Kind.SCHEDULED_JOB: "scheduled job",
    Kind.LOG_CLEARED: "log cleared",
    Kind.AUTH_SUCCESS: "further logon",
}


def access(events: pl.DataFrame, sessions: Sessions, failures: pl.DataFrame, incidents: Mapping[str, Sequence[str]]) -> list[Access]:
    """Return the ledger: one row per accepted access whose source is outside (or a name nobody could place).

    ``events``: attached, with ``row``; ``failures``: ``src_ip, time, count`` of all failures; ``incidents``: origin session -> incident ids.
    """
    events = ensure(
        events,
        "service",
        "host",
        "user",
        "src_ip",
        "country",
        "known",
        "known_by",
        "off_hours",
        "mfa",
        "scope",
        "auth_method",
        "file",
        "record",
        "src_host",
        "session",
    )
    table = sessions.table.filter(pl.col("outside") | (pl.col("src_ip").is_null() & pl.col("src_host").is_not_null()))
    rows = (
        table.select("sid", "row", "start", "end", "closed")
        .join(
            events.select(
                "row",
                "time",
                "host",
                "user",
                "service",
                "src_ip",
                "src_host",
                "scope",
                "country",
                "session",
                "auth_method",
                "mfa",
                "known",
                "known_by",
                "off_hours",
                "file",
                "record",
            ),
            on="row",
            how="inner",
        )
        .sort("start", "row")
    )
    if not rows.height:
        return []
    before = _failures_before(rows, failures)
    seen: set[tuple[str | None, str | None]] = set()
    followed = _followed(events)
    result = []
    for row in rows.iter_rows(named=True):
        source = row["src_ip"] or row["src_host"]
        key = (row["user"], source)
        end = row["end"]
        result.append(
            Access(
                time=row["start"],
                end=end,
                open=None if row["session"] is None else not row["closed"],
                duration_s=(end - row["start"]).total_seconds() if end else None,
                user=row["user"],
                origin_ip=row["src_ip"],
                src_host=row["src_host"],
                scope=row["scope"],
                country=row["country"],
                service=row["service"],
                host=row["host"],
                session=row["session"],
                method=row["auth_method"],
                mfa=row["mfa"] or "unknown",
                failures_before=before.get(row["row"], 0),
                first_seen=key not in seen,
                known=bool(row["known"]),
                known_by=row["known_by"],
                off_hours=row["off_hours"],
                followed_by=followed.get(row["sid"], ()),
                incidents=tuple(sorted(incidents.get(row["sid"], ()))),
                file=row["file"] or "",
                record=row["record"] or 0,
            )
        )
        seen.add(key)
    return result


def _failures_before(rows: pl.DataFrame, failures: pl.DataFrame) -> dict[int, int]:
    """Return, by row, the failures of the same source in the day before the access."""
    ours = failures.join(rows.select("src_ip").drop_nulls().unique(), on="src_ip", how="semi").filter(pl.col("time").is_not_null())
    if not ours.height:
        return {}
    ours = ours.sort("time").with_columns(pl.col("count").cast(pl.Int64).cum_sum().over("src_ip").alias("total")).select("src_ip", "time", "total")
    wanted = rows.filter(pl.col("src_ip").is_not_null()).select("row", "src_ip", "start", (pl.col("start") - BEFORE).alias("since"))
    upto = wanted.sort("start").join_asof(ours, left_on="start", right_on="time", by="src_ip", strategy="backward", check_sortedness=False)
    since = wanted.sort("since").join_asof(
        ours, left_on="since", right_on="time", by="src_ip", strategy="backward", allow_exact_matches=False, check_sortedness=False
    )
    joined = upto.select("row", pl.col("total").alias("a")).join(since.select("row", pl.col("total").alias("b")), on="row")
    return {row: (a or 0) - (b or 0) for row, a, b in joined.iter_rows()}


def _followed(events: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    names = {str(kind): name for kind, name in NAMES.items()}
    part = events.filter(pl.col("origin_session").is_not_null() & pl.col("kind").is_in(list(names)))
    part = part.filter(~((pl.col("kind") == str(Kind.AUTH_SUCCESS)) & (pl.col("hop") == 0)))
    windows = on_platform(Platform.WINDOWS).alias("windows")
    counts = ensure(part, "source").group_by("origin_session", "kind", windows).agg(pl.col("count").fill_null(1).sum().alias("n"))
    result: dict[str, dict[str, int]] = {}
    for sid, kind, windows_log, number in counts.sort("origin_session", "kind", "windows").iter_rows():
        word = RIGHTS if windows_log and kind == Kind.PRIVILEGE_USE else names[str(kind)]
        told = result.setdefault(sid, {})
        told[word] = told.get(word, 0) + number
    return {sid: tuple(f"{word} x{number}" for word, number in told.items()) for sid, told in result.items()}


SOURCE = ("src_ip", "src_host")


def attempt_parts(failures: pl.DataFrame, *, whole: bool) -> pl.DataFrame:
    """Return ``src_ip, src_host, user, host, count, first, last`` of failures (``… time, count``) that name a source and a time.

    With *whole*, as they are; else added up, so that many parts stay small.
    """
    named = failures.filter((pl.col("src_ip").is_not_null() | pl.col("src_host").is_not_null()) & pl.col("time").is_not_null())
    # a source is its address; the name it gives itself stands for it only where no address is known
    name = pl.when(pl.col("src_ip").is_null()).then("src_host").alias("src_host")
    rows = named.select("src_ip", name, "user", "host", "count", pl.col("time").alias("first"), pl.col("time").alias("last"))
    return rows if whole else _add_up(rows, [*SOURCE, "user", "host"])


def _add_up(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return rows.group_by(key).agg(pl.col("count").cast(pl.Int64).sum(), pl.col("first").min(), pl.col("last").max())


def attempts(parts: Sequence[pl.DataFrame], accepted: Sequence[str]) -> pl.DataFrame:
    """Return the sources that only failed, busiest first: ``src_ip, src_host, count, first, last``.

    *parts* come from :func:`attempt_parts`; *accepted* are the addresses that got in.
    """
    if not parts:
        return attempt_parts(empty("src_ip", "src_host", "user", "host", "time", "count"), whole=True).drop("user", "host")
    names = any(part["src_host"].null_count() < part.height for part in parts)
    key = list(SOURCE) if names else ["src_ip"]
    totals = _add_up(pl.concat([_add_up(part, key) for part in parts], how="vertical_relaxed"), key)
    if not names:
        totals = totals.with_columns(pl.lit(None, pl.String).alias("src_host"))
    got_in = pl.col("src_ip").is_in(list(accepted)).fill_null(False)
    plain = totals.with_columns(pl.col("src_ip").cast(pl.String), pl.col("src_host").cast(pl.String))
    return plain.filter(~got_in).sort(["count", "first", "src_ip", "src_host"], descending=[True, False, False, False])


def attempt_rows(top: pl.DataFrame, parts: Sequence[pl.DataFrame]) -> list[Attempts]:
    """Return rows of an enriched table of :func:`attempts`, with the accounts and hosts they tried."""
    tried = []
    for part in parts:
        key = [name for name in SOURCE if top[name].null_count() < top.height]
        if key and part.height:
            wanted = top.select(pl.col(name).cast(part.schema[name]) for name in SOURCE)
            ours = part.join(wanted, on=list(SOURCE), how="semi", nulls_equal=True)
            tried.append(ours.select(pl.col(name).cast(pl.String) for name in (*SOURCE, "user", "host")).unique())
    counts: dict[tuple[str | None, str | None], tuple[int, int]] = {}
    if tried:
        grouped = pl.concat(tried).group_by(SOURCE).agg(pl.col("user").drop_nulls().n_unique(), pl.col("host").drop_nulls().n_unique())
        counts = {(ip, name): (users, hosts) for ip, name, users, hosts in grouped.iter_rows()}
    return [
        Attempts(
            ip=row["src_ip"],
            src_host=row["src_host"],
            country=row["country"],
            count=row["count"],
            users=counts.get((row["src_ip"], row["src_host"]), (0, 0))[0],
            hosts=counts.get((row["src_ip"], row["src_host"]), (0, 0))[1],
            first=row["first"],
            last=row["last"],
        )
        for row in top.iter_rows(named=True)
    ]
