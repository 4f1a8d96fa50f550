"""The access ledger: every accepted access from outside, and in one line each the sources that only failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import overload

import polars as pl

from gatewatch.origin.session import Sessions
from gatewatch.schema.events import Kind, empty, ensure
from gatewatch.schema.incidents import Access, Attempts
from gatewatch.schema.platform import Platform, on_platform

_READ = (
    "host", "user", "service", "src_ip", "src_host", "scope", "country", "session", "auth_method", "mfa", "known", "known_by", "off_hours", "file",
    "record",
)  # fmt: skip
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


class Ledger(Sequence[Access]):
    """The rows of the ledger, in the order of their start: kept as columns, made when they are looked at, as there may be hundreds of thousands."""

    def __init__(self, rows: pl.DataFrame) -> None:
        """Take *rows*: the columns of :class:`~gatewatch.schema.incidents.Access` by name."""
        self._rows = rows.select(Access.__struct_fields__) if rows.height else rows

    def __len__(self) -> int:
        """Return how many there are."""
        return self._rows.height

    def __iter__(self) -> Iterator[Access]:
        """Yield the rows."""
        for row in self._rows.iter_rows(named=True):
            yield Access(**row | {name: tuple(row[name]) for name in ("followed_by", "incidents")})

    @overload
    def __getitem__(self, at: int) -> Access: ...

    @overload
    def __getitem__(self, at: slice) -> Ledger: ...

    def __getitem__(self, at: int | slice) -> Access | Ledger:
        """Return one row, or the ledger of some."""
        if isinstance(at, slice):
            return Ledger(self._rows[at])
        return next(iter(Ledger(self._rows[range(len(self))[at]])))

    def __eq__(self, other: object) -> bool:
        """Whether *other* holds the same rows."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def origins(self) -> list[str]:
        """Return the addresses that got in, sorted."""
        return sorted(self._rows["origin_ip"].cast(pl.String).drop_nulls().unique().to_list()) if self._rows.height else []


def access(events: pl.DataFrame, sessions: Sessions, failures: pl.DataFrame, incidents: Mapping[str, Sequence[str]]) -> Ledger:
    """Return the ledger: one row per accepted access whose source is outside (or a name nobody could place).

    ``events``: attached, with ``row``; ``failures``: ``src_ip, time, count`` of all failures; ``incidents``: origin session -> incident ids.
    """
    events = ensure(events, *_READ)
    table = sessions.table.filter(pl.col("outside") | (pl.col("src_ip").is_null() & pl.col("src_host").is_not_null()))
    starts = table.select("sid", "row", "start", "end", "closed")
    rows = events.select("row", "time", *_READ).join(starts, on="row", how="inner").sort("start", "row")
    if not rows.height:
        return Ledger(pl.DataFrame())
    before = _failures_before(rows, failures)
    followed = _followed(events)
    none: list[str] = []
    named = pl.DataFrame(
        [(sid, sorted(ids)) for sid, ids in sorted(incidents.items())], schema={"sid": pl.String, "incidents": pl.List(pl.String)}, orient="row"
    )
    nothing = pl.lit(none, pl.List(pl.String))
    rows = rows.join(before, on="row", how="left", maintain_order="left").join(followed, on="sid", how="left", maintain_order="left")
    rows = rows.join(named, on="sid", how="left", maintain_order="left")
    return Ledger(
        rows.select(
            "end", "user", "src_host", "scope", "country", "service", "host", "session", "known_by", "off_hours",
            pl.col("start").alias("time"),
            pl.when(pl.col("session").is_not_null()).then(~pl.col("closed")).alias("open"),
            ((pl.col("end") - pl.col("start")).dt.total_microseconds() / 1_000_000).alias("duration_s"),
            pl.col("src_ip").alias("origin_ip"),
            pl.col("auth_method").alias("method"),
            pl.col("mfa").cast(pl.String).fill_null("unknown"),
            pl.col("failures_before").fill_null(0),
            pl.struct("user", pl.coalesce(pl.col("src_ip", "src_host").cast(pl.String))).is_first_distinct().alias("first_seen"),
            pl.col("known").fill_null(value=False),
            pl.col("followed_by").fill_null(nothing),
            pl.col("incidents").fill_null(nothing),
            pl.col("file").cast(pl.String).fill_null(""),
            pl.col("record").fill_null(0),
        )
    )  # fmt: skip


def _failures_before(rows: pl.DataFrame, failures: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, failures_before``: the failures of the same source in the day before the access."""
    ours = failures.join(rows.select("src_ip").drop_nulls().unique(), on="src_ip", how="semi").filter(pl.col("time").is_not_null())
    if not ours.height:
        return pl.DataFrame(schema={"row": rows.schema["row"], "failures_before": pl.Int64()})
    ours = ours.sort("time").with_columns(pl.col("count").cast(pl.Int64).cum_sum().over("src_ip").alias("total")).select("src_ip", "time", "total")
    wanted = rows.filter(pl.col("src_ip").is_not_null()).select("row", "src_ip", "start", (pl.col("start") - BEFORE).alias("since"))
    upto = wanted.sort("start").join_asof(ours, left_on="start", right_on="time", by="src_ip", strategy="backward", check_sortedness=False)
    since = wanted.sort("since").join_asof(
        ours, left_on="since", right_on="time", by="src_ip", strategy="backward", allow_exact_matches=False, check_sortedness=False
    )
    joined = upto.select("row", pl.col("total").alias("a")).join(since.select("row", pl.col("total").alias("b")), on="row")
    return joined.select("row", (pl.col("a").fill_null(0) - pl.col("b").fill_null(0)).alias("failures_before"))


def _followed(events: pl.DataFrame) -> pl.DataFrame:
    """Return ``sid, followed_by``: what was done in each session from outside, in words with numbers."""
    names = {str(kind): name for kind, name in NAMES.items()}
    part = events.filter(pl.col("origin_session").is_not_null() & pl.col("kind").is_in(list(names)))
    part = part.filter(~((pl.col("kind") == str(Kind.AUTH_SUCCESS)) & (pl.col("hop") == 0)))
    windows = on_platform(Platform.WINDOWS).alias("windows")
    counts = ensure(part, "source").group_by("origin_session", "kind", windows).agg(pl.col("count").fill_null(1).sum().alias("n"))
    counts = counts.sort("origin_session", "kind", "windows").with_columns(pl.col("origin_session").cast(pl.String).alias("sid"))
    rights = pl.col("windows") & (pl.col("kind") == str(Kind.PRIVILEGE_USE))
    word = pl.when(rights).then(pl.lit(RIGHTS)).otherwise(pl.col("kind").cast(pl.String).replace_strict(names, default=None, return_dtype=pl.String))
    told = counts.with_columns(word.alias("word")).group_by("sid", "word", maintain_order=True).agg(pl.col("n").sum())
    return told.group_by("sid", maintain_order=True).agg(pl.format("{} x{}", "word", "n").alias("followed_by"))


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
