"""One Windows logon, one event: the reports of one remote logon become one accepted access and the names of its session.

An RDP logon is written as 4624 type 3 (the check of the credentials), 4624 type 10 for a new session or type 7 for a reconnect (twice where the
token is split, each naming the other), 4778 and LSM 25 for a reconnect, LSM 21 and 22, and RemoteConnectionManager 1149. The access is, in this
order: 4778 (it bears the logon id of the session that goes on), type 10 or 7, LSM 21 or 25 where the Security log is missing. The others
stay, as ``session_start``: they link their ids to the session (``linked_session``), lend what the access lacks, and prove nothing by themselves.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from gatewatch.schema.events import DTYPES, Kind, ensure

NEAR = timedelta(seconds=15)
TWINS = timedelta(seconds=5)
GATEWAY = timedelta(seconds=60)  # from the check of the credentials to the connection
PATTERNS = {
    "reconnect": ("rdp-reconnected",),
    "session": ("logon-rdp", "logon-unlock"),
    "service": ("rdp-session-logon", "rdp-session-reconnect"),
    "network": ("logon-network",),
    "hint": ("rdp-authenticated",),
    "winrm": ("winrm-shell",),
    "denied": ("rdp-denied",),
    "gateway": ("gateway-connected",),
}
_LENT = ("src_ip", "src_port", "src_host", "user_domain", "auth_method")
_KEY = ["host", "user"]


def join_logons(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* (all but bulk ones) with the Windows reports of one logon under one accepted access; rows keep their order."""
    if not events.height or not events["source"].cast(pl.String).str.starts_with("windows-").any():
        return events
    events = ensure(
        events,
        "session",
        "linked_session",
        "src_ip",
        "src_port",
        "src_host",
        "user",
        "user_domain",
        "host",
        "service",
        "auth_method",
        "corroborated_by",
    )
    table = events.with_row_index("zz_row").with_columns(pl.col("pattern").cast(pl.String).alias("zz_pattern"))
    table = _join_twins(table)
    rows = _Rows(table)
    links: list[pl.DataFrame] = []  # zz_row (a report), zz_main (its access)
    mains = rows.of("reconnect")
    links.append(_near(rows.of("session").filter(pl.col("zz_pattern") == "logon-unlock"), mains, NEAR, NEAR))
    taken = links[0]["zz_row"]
    mains = pl.concat([mains, rows.of("session").filter(~pl.col("zz_row").is_in(taken.implode()))])
    links.append(_near(rows.of("service"), mains, NEAR, NEAR))
    mains = pl.concat([mains, rows.of("service").filter(~pl.col("zz_row").is_in(links[-1]["zz_row"].implode()))])
    # under NLA the credentials are checked before the right to log on, and a gateway checks them before it connects
    links.append(_near(rows.of("network"), pl.concat([mains, rows.of("denied")]), timedelta(seconds=2), NEAR, same_source=True))
    links.append(_near(rows.of("network"), rows.of("gateway"), timedelta(seconds=5), GATEWAY, same_source=True))
    taken = pl.concat([links[-1]["zz_row"], links[-2]["zz_row"]])
    hints = _near(rows.of("hint"), mains, NEAR, NEAR)
    shells = rows.of("winrm").drop_nulls(_KEY)
    remote = rows.of("network").filter(~pl.col("zz_row").is_in(taken.implode()))
    shelled = _near(remote, shells, timedelta(seconds=5), timedelta(seconds=5), same_source=True)
    return _apply(table, pl.concat(links), hints, shelled)


class _Rows:
    """The reports by their role, narrow."""

    def __init__(self, table: pl.DataFrame) -> None:
        logon = pl.col("kind").cast(pl.String).is_in([str(Kind.AUTH_SUCCESS), str(Kind.SESSION_START), str(Kind.AUTH_STOPPED)])
        self._table = table.filter(logon & pl.col("time").is_not_null() & pl.col("host").is_not_null() & pl.col("user").is_not_null()).select(
            "zz_row", "zz_pattern", "host", "user", "time", "src_ip"
        )

    def of(self, role: str) -> pl.DataFrame:
        return self._table.filter(pl.col("zz_pattern").is_in(PATTERNS[role]))


def _near(reports: pl.DataFrame, mains: pl.DataFrame, before: timedelta, after: timedelta, *, same_source: bool = False) -> pl.DataFrame:
    """Return ``zz_row, zz_main``: for each report the nearest main of the same host and user, at most *before* earlier or *after* later than it."""
    schema = {"zz_row": pl.UInt32, "zz_main": pl.UInt32}
    if not reports.height or not mains.height:
        return pl.DataFrame(schema=schema)
    right = mains.sort("time").select(*_KEY, pl.col("time").alias("zz_time"), pl.col("zz_row").alias("zz_main"), pl.col("src_ip").alias("zz_ip"))
    joined = reports.sort("time").join_asof(
        right, left_on="time", right_on="zz_time", by=_KEY, strategy="nearest", tolerance=max(before, after), check_sortedness=False
    )
    gap = pl.col("zz_time") - pl.col("time")
    keep = pl.col("zz_main").is_not_null() & (gap >= -before) & (gap <= after) & (pl.col("zz_main") != pl.col("zz_row"))
    if same_source:
        keep &= (pl.col("src_ip") == pl.col("zz_ip")).fill_null(True)
    return joined.filter(keep).select(*schema)


def _join_twins(table: pl.DataFrame) -> pl.DataFrame:
    """Make one of the two logons that a split token gives a name of the other's session."""
    whole = table.filter(
        (pl.col("kind").cast(pl.String) == str(Kind.AUTH_SUCCESS)) & pl.col("linked_session").is_not_null() & pl.col("session").is_not_null()
    ).select("zz_row", "host", "session", "linked_session", "time")
    pairs = whole.join(
        whole.select("host", pl.col("session").alias("linked_session"), pl.col("zz_row").alias("zz_twin"), pl.col("time").alias("zz_time")),
        on=["host", "linked_session"],
        how="inner",
    ).filter((pl.col("zz_twin") > pl.col("zz_row")) & ((pl.col("zz_time") - pl.col("time")).abs() <= TWINS))
    twins = pairs.unique("zz_twin", keep="first", maintain_order=True).select(
        pl.col("zz_twin").alias("zz_row"), pl.col("session").alias("zz_session")
    )
    if not twins.height:
        return table
    table = table.join(twins, on="zz_row", how="left", maintain_order="left")
    twin = pl.col("zz_session").is_not_null()
    return table.with_columns(
        pl.when(twin).then(pl.lit(str(Kind.SESSION_START))).otherwise(pl.col("kind").cast(pl.String)).cast(DTYPES["kind"]).alias("kind"),
        pl.when(twin).then(pl.lit("logon-twin")).otherwise("pattern").alias("pattern"),
        pl.when(twin).then(pl.lit("logon-twin")).otherwise("zz_pattern").alias("zz_pattern"),
        pl.when(twin).then("session").otherwise("linked_session").alias("linked_session"),
        pl.when(twin).then("zz_session").otherwise("session").alias("session"),
    ).drop("zz_session")


def _apply(table: pl.DataFrame, links: pl.DataFrame, hints: pl.DataFrame, shelled: pl.DataFrame) -> pl.DataFrame:
    links = _to_the_last(links.unique("zz_row", keep="first", maintain_order=True))
    accesses = table.filter(pl.col("zz_row").is_in(links["zz_main"].unique().implode())).select(
        pl.col("zz_row").alias("zz_main"), pl.col("session").alias("zz_session"), pl.col("service").cast(pl.String).alias("zz_service")
    )
    reports = links.join(accesses, on="zz_main", how="left")
    lenders = (
        pl.concat([links, hints]).join(table.select("zz_row", "source", "time", *_LENT), on="zz_row", how="inner").sort("zz_main", "time", "zz_row")
    )
    lent = lenders.group_by("zz_main", maintain_order=True).agg(
        *[pl.col(name).drop_nulls().first().alias(f"zz_{name}") for name in _LENT], pl.col("source").cast(pl.String).unique().sort().alias("zz_by")
    )
    table = table.join(reports.select("zz_row", "zz_main", "zz_session", "zz_service"), on="zz_row", how="left", maintain_order="left")
    table = table.join(lent.rename({"zz_main": "zz_row"}), on="zz_row", how="left", maintain_order="left")
    # the check of the credentials over HTTP often names no address; the shell that it opened does
    shells = table.select(pl.col("zz_row").alias("zz_main"), pl.col("src_ip").alias("zz_shell_ip"))
    shells = shelled.unique("zz_row", keep="first", maintain_order=True).join(shells, on="zz_main", how="left")
    table = table.join(shells.select("zz_row", "zz_shell_ip"), on="zz_row", how="left", maintain_order="left")
    report = pl.col("zz_main").is_not_null()
    winrm = pl.col("zz_row").is_in(shelled["zz_row"].implode())
    unknown = (pl.col("auth_method").cast(pl.String) == "unknown").fill_null(True) & pl.col("zz_auth_method").is_not_null()
    own = pl.col("session").is_not_null() & pl.col("zz_session").is_not_null() & (pl.col("session") != pl.col("zz_session"))
    result = table.with_columns(
        pl.when(report).then(pl.lit(str(Kind.SESSION_START))).otherwise(pl.col("kind").cast(pl.String)).cast(DTYPES["kind"]).alias("kind"),
        pl.when(report & own).then("session").otherwise("linked_session").alias("linked_session"),
        pl.when(report & pl.col("zz_session").is_not_null()).then("zz_session").otherwise("session").alias("session"),
        pl.when(winrm)
        .then(pl.lit("winrm"))
        .when(report)
        .then("zz_service")
        .otherwise(pl.col("service").cast(pl.String))
        .cast(DTYPES["service"])
        .alias("service"),
        pl.when(unknown).then("zz_auth_method").otherwise("auth_method").alias("auth_method"),
        *[pl.coalesce(name, f"zz_{name}").alias(name) for name in _LENT if name not in {"auth_method", "src_ip"}],
        pl.coalesce("src_ip", "zz_src_ip", "zz_shell_ip").alias("src_ip"),
        pl.coalesce("zz_by", "corroborated_by").cast(DTYPES["corroborated_by"]).alias("corroborated_by"),
    )
    return result.drop([name for name in result.columns if name.startswith("zz_")])


def _to_the_last(links: pl.DataFrame) -> pl.DataFrame:
    """Let reports of reports point at the access itself."""
    for _ in range(3):
        onward = links.rename({"zz_row": "zz_main", "zz_main": "zz_next"})
        links = links.join(onward, on="zz_main", how="left").select("zz_row", pl.coalesce("zz_next", "zz_main").alias("zz_main"))
    return links
