"""The header of Citrix ADC (NetScaler) messages, whose date may be written in either order.

``<134> 01/16/2026:14:17:00 GMT ns01 0-PPE-0 : default SSLVPN LOGIN 2345680 0 : …``; the zone, the host, or the whole header may be missing, and
``ns.log`` puts a classic header with a priority before it.

The order is a setting of the device; with the year first there is no doubt. Where a classic or an ISO header stands before it, the order counts that
gives its day, or one next to it. Else the line does not tell it: what other lines of the host tell so decides, then dates that only one order can
read; where every date can be read both ways, the order in which the lines lie closer together counts, and month before day where they lie as close.

References: https://developer-docs.netscaler.com/en-us/netscaler-syslog-message-reference/
"""

from __future__ import annotations

from datetime import date

import polars as pl

from gatewatch.intake.framed import FRAMED
from gatewatch.intake.header import empty_stamp, groups_of, runs, zone_offsets

PROGRAM = "netscaler"
GATE = r"[ -]PPE-[0-9]+ *: |^(?:<[0-9]{1,3}>)? ?default (?:[A-Z_]+ )?[A-Z_]+ [0-9]+ [0-9]+ : "
HOLDS = "PPE-|default "
_RELAY = (
    r"(?:(?:(?P<relay_month>[A-Z][a-z]{2}) (?P<relay_day>[ 0-9]?[0-9]) (?:[0-9]{4} )?[0-9:]{8}|"
    r"[0-9]{4}-(?P<iso_month>[0-9]{2})-(?P<iso_day>[0-9]{2})T[^ ]+) +"
    r"(?:<[a-z0-9]+\.[a-z]+> +)?(?P<relay>[^ /]+) +)?"
)
_HEADER = (
    rf"^(?:<[0-9]{{1,3}}>)? *{_RELAY}"
    r"(?:(?P<first>[0-9]{4})/(?P<month>[0-9]{2})/(?P<day>[0-9]{2})|(?P<a>[0-9]{2})/(?P<b>[0-9]{2})/(?P<year>[0-9]{4}))"
    r":(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?P<zone> [A-Z]{3,5}(?: |$))? *(?:(?P<host>[^ ]+) +)?(?:[0-9]+-)?PPE-[0-9]+ *: *(?P<message>.*)$"
)
_BARE = (  # the date cut off, or the whole header
    r"^(?:<[0-9]{1,3}>)? ?(?:[0-9]{2}:[0-9]{2}:[0-9]{2}(?: [A-Z]{3,5})? +(?:[^ ]+ +)?(?:[0-9]+-)?PPE-[0-9]+ *: +)?"
    r"(?P<message>(?:default )?(?:[A-Z_]+ )?[A-Z_]+ [0-9]+(?: [0-9]+)? : .*)$"
)
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}


def take(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of *lines* with a NetScaler header (:data:`FRAMED`), and the other lines."""
    groups, hits = groups_of(_HEADER, lines)
    every = groups.height == lines.height
    dated = (lines if every else lines.filter(hits)).hstack(groups)
    rest = lines.clear() if every else lines.filter(~hits)
    parts: list[pl.DataFrame] = []
    left = [rest]
    if dated.height:
        read = _with_stamp(dated.with_columns(pl.coalesce("host", "relay").alias("host")))
        sound = read.filter(pl.col("local").is_not_null() | pl.col("time").is_not_null())
        parts.append(_framed(sound))
        if sound.height < read.height:
            left.append(read.filter(pl.col("local").is_null() & pl.col("time").is_null()).select(lines.columns))
    if rest.height:
        bare: pl.DataFrame = rest.select(*lines.columns, pl.col("line").str.extract(_BARE).alias("message"), pl.lit(None, pl.String).alias("host"))
        found = bare.filter(pl.col("message").is_not_null())
        if found.height:
            time, local, rel, resolution = empty_stamp(found.height)
            parts.append(_framed(found.with_columns(time.alias("time"), local.alias("local"), rel.alias("rel"), resolution.alias("resolution"))))
            left[0] = bare.filter(pl.col("message").is_null()).select(lines.columns)
    taken = pl.concat(parts) if parts else pl.DataFrame(schema=FRAMED)
    return taken, pl.concat(left)


def _framed(table: pl.DataFrame) -> pl.DataFrame:
    made: dict[str, pl.Expr] = {
        "program": pl.lit(PROGRAM),
        "pid": pl.lit(None),
        "count": pl.lit(1),
        "fields": pl.lit(None),
        "message": pl.col("message").str.strip_chars("\r\n\0 \t"),
    }
    return table.select(
        made.get(name, pl.col(name) if name in table.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in FRAMED.items()
    )


def _with_stamp(table: pl.DataFrame) -> pl.DataFrame:
    """Add ``time``, ``local``, ``rel`` and ``resolution``; all null where the date cannot be."""
    around = ("relay_month", "relay_day", "iso_month", "iso_day")
    found = runs(table, ("first", "month", "day", "year", "a", "b", "clock", "zone", "host", *around))
    return _read_stamps(table) if found is None else table.hstack(_read_stamps(found[0]).select("time", "local", "rel", "resolution")[found[1]])


def _read_stamps(table: pl.DataFrame) -> pl.DataFrame:
    swapped = _day_first(table)
    month = pl.coalesce("month", pl.when(swapped).then("b").otherwise("a"))
    day = pl.coalesce("day", pl.when(swapped).then("a").otherwise("b"))
    text = pl.concat_str(pl.coalesce("first", "year"), pl.lit("-"), month, pl.lit("-"), day, pl.lit(" "), pl.col("clock"))
    wall = table.select(text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False).alias("w"))["w"]
    shift = zone_offsets(table["zone"])
    time = (wall.cast(pl.Int64) - shift * 1_000_000).cast(FRAMED["time"])
    _, _, rel, _ = empty_stamp(table.height)
    return table.with_columns(
        time.alias("time"),
        wall.set(shift.is_not_null(), None).alias("local"),
        rel.alias("rel"),
        pl.lit(1_000_000, pl.Int64).alias("resolution"),
    )


def _day_first(table: pl.DataFrame) -> pl.Series:
    """Return, by row, whether the day stands before the month."""
    month = pl.coalesce(pl.col("relay_month").replace_strict(_MONTHS, default=None, return_dtype=pl.Int64), pl.col("iso_month").cast(pl.Int64))
    day = pl.coalesce(pl.col("relay_day").str.strip_chars(" "), "iso_day").cast(pl.Int64, strict=False)
    a, b = pl.col("a").cast(pl.Int64), pl.col("b").cast(pl.Int64)
    by_month = (a == month) & ((b - day).abs() <= 1)
    by_day = (b == month) & ((a - day).abs() <= 1)
    told = pl.when(by_month & ~by_day).then(pl.lit(value=False)).when(by_day & ~by_month).then(pl.lit(value=True))
    read = table.select("host", "year", "a", "b", told.alias("told"))
    dates = read.filter(pl.col("year").is_not_null()).unique(maintain_order=True)
    hosts: dict[str | None, list[tuple[int, int, int]]] = {}
    orders: dict[str | None, bool] = {}
    for host, year, first, second, sure in dates.iter_rows():
        hosts.setdefault(host, []).append((int(year), int(first), int(second)))
        if sure is not None:
            orders.setdefault(host, sure)
    orders |= {host: _is_day_first(seen) for host, seen in hosts.items() if host not in orders}
    day_first = [host for host, first in orders.items() if first]
    known = [host for host in day_first if host is not None]
    found = read["host"].is_in(known).fill_null(value=None in day_first)
    return read.select(pl.coalesce("told", pl.lit(found)).alias("swapped"))["swapped"]


def _is_day_first(dates: list[tuple[int, int, int]]) -> bool:
    """Return whether ``(year, a, b)`` are better read day first."""
    by_month = [_date(year, a, b) for year, a, b in dates]
    by_day = [_date(year, b, a) for year, a, b in dates]
    months, days = [d for d in by_month if d is not None], [d for d in by_day if d is not None]
    if len(months) != len(days):
        return len(days) > len(months)
    if not days:
        return False
    return max(days) - min(days) < max(months) - min(months)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
