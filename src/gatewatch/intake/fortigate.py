"""The stamp of FortiGate messages, which is part of their text: ``date=2026-01-05 time=12:00:00 devname="fw01" … eventtime=… tz="+0100" …``.

The line may have a priority, a collector's header or the index of a command-line export before it. ``eventtime`` (seconds, or finer, by its length)
is the instant; where it lies more than a day from ``date`` and ``time``, or is missing, those count, with ``tz`` where it is there.
FortiAuthenticator calls it ``timestamp``; where a collector took ``date`` for the header's and left it out, it is all there is. The host is
``devname``, else ``devid``, else the collector's.

References: https://docs.fortinet.com/document/fortigate/7.6.1/fortios-log-message-reference
"""

from __future__ import annotations

import polars as pl

from gatewatch.intake.framed import DAY, FRAMED, NAIVE
from gatewatch.intake.header import zone_offsets

PROGRAM = "fortigate"
GATE = r"\bdate=[0-9]{4}-[0-9]{2}-[0-9]{2}(?: |,|\",\")time=[0-9]{2}:|\btime=[0-9]{2}:[0-9]{2}:[0-9]{2} (?:devname|timestamp)="
_COMMAS = r"\bdate=[0-9-]{10}(?:,|\",\")time="
_CELL = r'[A-Za-z_][A-Za-z0-9_.-]*=(?:"(?:[^"\\]|\\.)*"|[^ ",]*)'
_STAMP = r"(?:[A-Z][a-z]{2} [ 0-9]?[0-9] (?:[0-9]{4} )?[0-9:.]{8,18}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[^ ]+)"
_PAIR = r'(?:[A-Za-z_]+=(?:"[^"]*"|[^ "]*) +)'
_HEADER = (
    rf"^(?P<before>(?:<[0-9]{{1,3}}>)?(?:[0-9]+: )?(?:{_STAMP} +)?(?:(?P<host>[^ =]+) +)?(?:[^ =]+: )?)"
    rf"{_PAIR}*?(?:date=(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}) )?time=(?P<clock>[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}) "
)
_EPOCH = r' (?:eventtime|timestamp)="?([0-9]{10,19})"?(?: |$)'
_MARK = "\x1f"
_NEAR = 400  # characters of a line within which its stamps stand
_MICROS = {10: 1_000_000, 13: 1_000, 16: 1, 19: 1}  # digits of eventtime -> microseconds; nanoseconds are cut to them


def take(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of *lines* with a FortiGate stamp (:data:`FRAMED`), and the other lines."""
    original, lines = lines, _spaced(lines)
    near = lines.select(pl.col("line").str.slice(0, _NEAR).alias("near"))
    groups = near.select(pl.col("near").str.extract_groups(_HEADER).alias("g")).unnest("g")
    wall = (groups["date"] + " " + groups["clock"]).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    sound = wall.is_not_null() | (groups["date"].is_null() & groups["clock"].is_not_null() & near["near"].str.contains(_EPOCH))
    if not sound.any():
        return pl.DataFrame(schema=FRAMED), original
    table = lines.hstack(groups).hstack(near).with_columns(wall.alias("wall")).filter(sound)
    text = pl.col("near")
    table = table.with_columns(
        text.str.extract(_EPOCH).alias("epoch"),
        text.str.extract(r' tz="?([+-][0-9]{2}:?[0-9]{2})"?(?: |$)').alias("zone"),
        pl.coalesce(_word("devname"), _word("devid"), "host").alias("host"),
    )
    epoch, resolution = _instant(table["epoch"])
    shift = zone_offsets(table["zone"])
    clock = table["wall"].cast(pl.Int64)
    zoned = clock - shift * 1_000_000
    fits = ((epoch - zoned.fill_null(clock)).abs() <= DAY * 1_000_000).fill_null(value=False)
    fits = fits | clock.is_null()  # a collector took the date away
    time = zoned.zip_with(~fits, epoch) if fits.any() else zoned
    fine = resolution.zip_with(fits, pl.Series([1_000_000], dtype=pl.Int64).new_from_index(0, len(fits)))
    made: dict[str, pl.Expr] = {
        "time": pl.lit(time.cast(FRAMED["time"])),
        "local": pl.lit(clock.set(time.is_not_null(), None).cast(NAIVE)),
        "rel": pl.lit(None),
        "resolution": pl.lit(fine),
        "program": pl.lit(PROGRAM),
        "pid": pl.lit(None),
        "count": pl.lit(1),
        "fields": pl.lit(None),
        "message": pl.col("line").str.slice(pl.col("before").str.len_chars()).str.strip_chars("\r\n\0 \t"),
    }
    framed = table.select(made.get(name, pl.col(name)).cast(dtype).alias(name) for name, dtype in FRAMED.items())
    return framed, original.filter(~sound)


def _spaced(lines: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* with those that have commas between their pairs, perhaps each pair in quotes, written as the others are."""
    commas = lines.select(pl.col("line").str.contains(_COMMAS).alias("c"))["c"]
    if not commas.any():
        return lines
    text = pl.col("line")
    doubled = text.str.contains(r'"date=[0-9-]{10}",')  # each pair in quotes, and those within doubled
    for old, new in (('""', _MARK), ('"', ""), (_MARK, '"')):
        text = pl.when(doubled).then(text.str.replace_all(old, new, literal=True)).otherwise(text)
    before = text.str.extract(r"^(.*?)[A-Za-z_]+=")
    spaced = pl.concat_str(before.fill_null(""), text.str.extract_all(_CELL).list.join(" "))
    return lines.with_columns(pl.when(pl.lit(commas)).then(spaced).otherwise("line").alias("line"))


def _word(key: str) -> pl.Expr:
    """Return the value of *key*, null when empty."""
    value = pl.col("near").str.extract(rf'(?:^| ){key}="?([^" ]+)"?(?: |$)')
    return pl.when(value != "").then(value)


def _instant(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return an ``eventtime`` as microseconds since the epoch, null where its length is none, and its resolution."""
    digits = text.str.len_bytes().fill_null(0)
    nanos = digits == 19
    unit = digits.replace_strict(_MICROS, default=None, return_dtype=pl.Int64)
    value = text.cast(pl.Int64, strict=False)
    return (value * unit).zip_with(~nanos, value // 1000), unit
