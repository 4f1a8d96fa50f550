"""The stamps of PAN-OS rows: ``1,2026/01/05 12:00:00,0123,GLOBALPROTECT,0,2561,2026/01/05 11:59:58,vsys1,…``.

A row may stand after a collector's header. Its time is that of generation (the seventh field), a wall clock without zone; where a later field holds
the same moment with a zone and in finer steps (``2026-01-05T11:59:58.250+01:00``), that counts; else the offset of the header's stamp, where it has
one and the row would not be later than it.

References: https://docs.paloaltonetworks.com/pan-os/11-1/pan-os-admin/monitoring/use-syslog-for-monitoring/syslog-field-descriptions
"""

from __future__ import annotations

import polars as pl

from gatewatch.intake.framed import DAY, FRAMED, NAIVE
from gatewatch.intake.header import runs, zone_offsets

PROGRAM = "panos"
_TYPES = r"(?:GLOBALPROTECT|SYSTEM|CONFIG|TRAFFIC|THREAT|AUTHENTICATION|USERID|HIPMATCH|HIP-MATCH|DECRYPTION|CORRELATION|GTP|SCTP|TUNNEL|IPTAG|AUDIT)"
_MOMENT = r"[0-9]{4}[/-][0-9]{2}[/-][0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z?"
GATE = rf"\b[0-9]+,{_MOMENT},[^,]*,{_TYPES},"
HOLDS = f",{_TYPES},"
_STAMP = r"(?:[A-Z][a-z]{2} [ 0-9]?[0-9] (?:[0-9]{4} )?[0-9:.]{8,18}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[^ ]+)"
_HEADER = (
    rf"^(?P<before>(?:<[0-9]{{1,3}}>)?(?:[0-9] )?(?:(?P<outer>{_STAMP}) +(?:(?P<relay>[^ ,]+) +)?)?"
    rf"(?:(?P<inner>{_STAMP}) +(?P<host>[^ ,]+) +)?(?:- ){{0,4}})"
    rf"[0-9]+,{_MOMENT},[^,]*,{_TYPES},[^,]*,[^,]*,(?P<wall>{_MOMENT}),"
)
_SHORT = (
    rf"^(?P<before>(?:<[0-9]{{1,3}}>)?(?:[0-9] )?(?:(?P<outer>{_STAMP}) +(?:(?P<host>[^ ,]+) +)?)?(?:- ){{0,4}})"
    rf"[0-9]+,(?P<wall>{_MOMENT}),[^,]*,{_TYPES}(?:,[^,]*){{0,2}}$"
)
_FINE = r",([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{1,6})(Z|[+-][0-9]{2}:[0-9]{2})(?:,|$)"


_SENT = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})$"
_LATE = 15 * 60 * 1_000_000  # microseconds by which the clocks of device and collector may differ
_PLAIN = "%Y-%m-%d %H:%M:%S"


def _once(table: pl.DataFrame, name: str, read: pl.Expr) -> pl.Series:
    """Return *read*, an expression over the column *name*, as ``clock``; what many rows in a row say is read once."""
    found = runs(table, [name])
    if found is None:
        return table.select(read.alias("clock"))["clock"]
    return found[0].select(read.alias("clock"))["clock"].gather(found[1])


def _sent(table: pl.DataFrame, clock: pl.Series) -> pl.Series:
    """Return the seconds east of UTC by which the header's stamp was written, null where it does not say or cannot be the row's.

    *clock* is the row's wall clock in microseconds: no row is made after it was sent, so one that would be was not written in the header's zone.
    """
    stamp = table.select(pl.coalesce("inner", "outer").alias("stamp"))
    if not stamp["stamp"].str.contains("T", literal=True).any():
        return pl.Series([None], dtype=pl.Int64).new_from_index(0, table.height)
    found = stamp.select(pl.col("stamp").str.extract_groups(_SENT).alias("g")).unnest("g")
    wall = found["1"].str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False).cast(pl.Int64)
    return zone_offsets(found["2"]).set(~(clock - wall <= _LATE).fill_null(value=False), None)


def _fine(table: pl.DataFrame) -> pl.DataFrame:
    """Return the finer stamp of each row and its zone, as ``fine`` and ``zone``, of the fields after the seventh; null where there is none."""
    may = table["line"].str.contains(_FINE)
    rest = pl.col("line").str.slice(pl.col("before").str.len_chars()).str.replace(r"^(?:[^,]*,){6}[^,]*", "")
    found = table.select("line", "before").filter(may).select(rest.str.extract_groups(_FINE).alias("g")).unnest("g")
    places = may.arg_true()
    made = []
    for group, name in (("1", "fine"), ("2", "zone")):
        blank = pl.Series(name, [None], dtype=pl.String).new_from_index(0, table.height)
        made.append(blank.scatter(places, found[group]) if len(places) else blank)
    return pl.DataFrame(made)


def take(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of *lines* that are PAN-OS rows (:data:`FRAMED`), and the other lines."""
    table = lines.hstack(lines.select(pl.col("line").str.extract_groups(_HEADER).alias("g")).unnest("g"))
    if table["wall"].has_nulls():  # a row cut short has the time of its receipt only
        short = lines.select(pl.col("line").str.extract_groups(_SHORT).alias("g")).unnest("g")
        table = table.with_columns(pl.col(name).fill_null(short[name]) for name in ("before", "outer", "host", "wall"))
    plain = pl.col("wall").str.replace_all("/", "-").str.replace("T", " ").str.slice(0, 19)
    clock = _once(table, "wall", plain.str.to_datetime(_PLAIN, time_unit="us", strict=False))
    table = table.with_columns(pl.coalesce("host", "relay").alias("host"), clock)
    table = table.hstack(_fine(table))
    sound = table["clock"].is_not_null()
    if not sound.any():
        return pl.DataFrame(schema=FRAMED), lines
    table = table.filter(sound)
    clock = table["clock"].cast(pl.Int64)
    fine = (
        table["fine"].str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False).cast(pl.Int64) - zone_offsets(table["zone"]) * 1_000_000
    )
    near = ((fine - clock).abs() <= DAY * 1_000_000).fill_null(value=False)
    zulu = table["wall"].str.ends_with("Z")
    time = fine.set(~near, None).zip_with(near | ~zulu, clock)
    time = time.zip_with(time.is_not_null(), clock - _sent(table, clock) * 1_000_000)
    made: dict[str, pl.Expr] = {
        "time": pl.lit(time.cast(FRAMED["time"])),
        "local": pl.lit(clock.set(time.is_not_null(), None).cast(NAIVE)),
        "rel": pl.lit(None),
        "resolution": pl.when(pl.lit(near)).then(1_000).otherwise(1_000_000),
        "program": pl.lit(PROGRAM),
        "pid": pl.lit(None),
        "count": pl.lit(1),
        "fields": pl.lit(None),
        "message": pl.col("line").str.slice(pl.col("before").str.len_chars()).str.strip_chars("\r\n\0 \t"),
    }
    framed = table.select(made.get(name, pl.col(name)).cast(dtype).alias(name) for name, dtype in FRAMED.items())
    return framed, lines.filter(~sound)
