"""One logon at Entra ID, one event: the sign-in log and Microsoft 365's audit log tell the same one, the latter often several times.

A record of Microsoft 365 is the report of a sign-in where it bears its request id (``IntraSystemId``), or else the correlation id of a sign-in of the
same user within five minutes (``InterSystemsId``), or else nothing but the same user, address and time within ten seconds. Where there is no sign-in
log, the first record of a correlation stands for the others within the hour, and a success for the successes that follow within ten seconds from the
same address. Reports stay, as ``connection``; they lend the logon what it lacks. Successes join successes, stops join stops, denials of a second
factor join such denials; failed passwords are joined by request id in :mod:`gatewatch.canonical.merge`.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from gatewatch.schema.events import DTYPES, Kind, ensure

SIGN_IN, AUDIT = "entra-signin", "m365"
REPORT = "logon-report"
SAME_REQUEST = timedelta(minutes=10)
SAME_FLOW = timedelta(minutes=5)
ONE_FLOW = timedelta(hours=1)
NEAR = timedelta(seconds=10)
_KINDS = (Kind.AUTH_SUCCESS, Kind.AUTH_STOPPED, Kind.MFA_DENIED)
_LENT = ("src_ip", "src_port", "src_host", "session")
_KEY = ["zz_kind", "user", "zz_domain"]
_LINK = {"zz_row": pl.UInt32, "zz_main": pl.UInt32}


def join_sign_ins(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* with the reports of one logon as ``connection`` besides it; rows keep their order."""
    source = events["source"].cast(pl.String)
    if not (source == AUDIT).any():
        return events
    events = ensure(
        events,
        "extra",
        "user",
        "user_domain",
        "time",
        "src_ip",
        "src_port",
        "src_host",
        "session",
        "auth_method",
        "mfa",
        "pattern",
        "corroborated_by",
    )
    numbered = events.with_row_index("zz_row")
    part = (
        numbered.filter(source.is_in([SIGN_IN, AUDIT]) & events["kind"].cast(pl.String).is_in([str(kind) for kind in _KINDS]))
        .filter(pl.col("user").is_not_null() & pl.col("time").is_not_null())
        .select(
            "zz_row",
            "time",
            pl.col("source").cast(pl.String),
            pl.col("kind").cast(pl.String).alias("zz_kind"),
            pl.col("user").cast(pl.String),
            pl.col("user_domain").cast(pl.String).fill_null("").alias("zz_domain"),
            pl.col("src_ip").cast(pl.String),
            pl.col("extra").str.json_path_match("$.correlationId").alias("zz_flow"),
            pl.coalesce(pl.col("extra").str.json_path_match("$.requestId"), pl.col("extra").str.json_path_match("$.id")).alias("zz_request"),
        )
        .sort("time", "zz_row")
    )
    mains, reports = part.filter(pl.col("source") == SIGN_IN), part.filter(pl.col("source") == AUDIT)
    links = [_matched(reports, mains, "zz_request", SAME_REQUEST)]
    links.append(_matched(_without(reports, links), mains, "zz_flow", SAME_FLOW))
    links.append(_beside(_without(reports, links), mains))
    alone = _without(reports, links)
    links.append(_followers(alone))
    alone = _without(alone, links[-1:]).filter((pl.col("zz_kind") == str(Kind.AUTH_SUCCESS)) & pl.col("src_ip").is_not_null())
    links.append(_close(alone))
    found = pl.concat(links)
    return _applied(numbered, _to_the_last(found)) if found.height else events


def _without(rows: pl.DataFrame, links: list[pl.DataFrame]) -> pl.DataFrame:
    return rows.join(pl.concat(links), on="zz_row", how="anti", maintain_order="left")


def _matched(reports: pl.DataFrame, mains: pl.DataFrame, column: str, most: timedelta) -> pl.DataFrame:
    """Return ``zz_row, zz_main``: for each report the nearest main with the same id, at most *most* away."""
    right = mains.select(*_KEY, column, pl.col("zz_row").alias("zz_main"), pl.col("time").alias("zz_time"))
    joined = reports.filter(pl.col(column).is_not_null()).join(right, on=[*_KEY, column], how="inner", maintain_order="left_right")
    away = (pl.col("zz_time") - pl.col("time")).abs()
    near = joined.with_columns(away.alias("zz_away")).filter(pl.col("zz_away") <= most).sort("zz_row", "zz_away", "zz_main")
    return near.unique("zz_row", keep="first", maintain_order=True).select(*_LINK)


def _beside(reports: pl.DataFrame, mains: pl.DataFrame) -> pl.DataFrame:
    """Return ``zz_row, zz_main``: for each report the nearest main of the same user and address."""
    key = [*_KEY, "src_ip"]
    right = mains.filter(pl.col("src_ip").is_not_null()).select(*key, "time", pl.col("zz_row").alias("zz_main"))
    left = reports.filter(pl.col("src_ip").is_not_null())
    if not left.height or not right.height:
        return pl.DataFrame(schema=_LINK)
    joined = left.join_asof(right, on="time", by=key, strategy="nearest", tolerance=NEAR, check_sortedness=False)
    return joined.filter(pl.col("zz_main").is_not_null()).select(*_LINK)


def _followers(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``zz_row, zz_main``: those that follow the first of their correlation within the hour."""
    flows = rows.filter(pl.col("zz_flow").is_not_null())
    key = [*_KEY, "zz_flow"]
    first = flows.group_by(key, maintain_order=True).agg(pl.col("zz_row").first().alias("zz_main"), pl.col("time").first().alias("zz_time"))
    joined = flows.join(first, on=key, how="left", maintain_order="left")
    return joined.filter((pl.col("zz_row") != pl.col("zz_main")) & (pl.col("time") - pl.col("zz_time") <= ONE_FLOW)).select(*_LINK)


def _close(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``zz_row, zz_main``: those that follow another of the same user and address within :data:`NEAR`, with the first of their row."""
    key = [*_KEY, "src_ip"]
    begins = (pl.col("time") - pl.col("time").shift(1).over(key) > NEAR).fill_null(value=True)
    runs = rows.with_columns(begins.cast(pl.UInt32).cum_sum().over(key).alias("zz_run"))
    mained = runs.with_columns(pl.col("zz_row").first().over([*key, "zz_run"]).alias("zz_main"))
    return mained.filter(pl.col("zz_row") != pl.col("zz_main")).select(*_LINK)


def _to_the_last(links: pl.DataFrame) -> pl.DataFrame:
    """Let reports of reports point at the logon itself."""
    onward = links.rename({"zz_row": "zz_main", "zz_main": "zz_next"})
    return links.join(onward, on="zz_main", how="left", maintain_order="left").select("zz_row", pl.coalesce("zz_next", "zz_main").alias("zz_main"))


def _applied(numbered: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    columns = ["source", "auth_method", "mfa", *_LENT]
    lenders = links.join(numbered.select("zz_row", *columns), on="zz_row", how="left").sort("zz_main", "zz_row")
    known = [pl.col(name).cast(pl.String) for name in ("auth_method", "mfa")]
    lent = lenders.group_by("zz_main", maintain_order=True).agg(
        *[pl.col(name).drop_nulls().first().alias(f"zz_{name}") for name in _LENT],
        *[value.filter(value != "unknown").drop_nulls().first().alias(f"zz_{value.meta.output_name()}") for value in known],
        pl.col("source").cast(pl.String).unique().sort().alias("zz_by"),
    )
    table = numbered.join(lent.rename({"zz_main": "zz_row"}), on="zz_row", how="left", maintain_order="left")
    report = pl.col("zz_row").is_in(links["zz_row"].implode())
    return table.with_columns(
        pl.when(report).then(pl.lit(str(Kind.CONNECTION))).otherwise(pl.col("kind").cast(pl.String)).cast(DTYPES["kind"]).alias("kind"),
        pl.when(report).then(pl.lit(REPORT)).otherwise(pl.col("pattern").cast(pl.String)).cast(numbered["pattern"].dtype).alias("pattern"),
        *[pl.coalesce(name, pl.col(f"zz_{name}").cast(numbered[name].dtype)).alias(name) for name in _LENT],
        *[_better(name, numbered[name].dtype) for name in ("auth_method", "mfa")],
        pl.coalesce("corroborated_by", pl.col("zz_by")).cast(DTYPES["corroborated_by"]).alias("corroborated_by"),
    ).select(numbered.drop("zz_row").columns)


def _better(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return the column *name*, where it is unknown with what the reports know; only of logons."""
    poor = (pl.col(name).cast(pl.String) == "unknown").fill_null(value=False) & pl.col(f"zz_{name}").is_not_null()
    return pl.when(poor).then(pl.col(f"zz_{name}")).otherwise(pl.col(name).cast(pl.String)).cast(dtype).alias(name)
