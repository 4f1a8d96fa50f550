"""Syslog-like lines cut into time, host, program, pid and message, in columns.

Framing is per line with a memory per file: the classic BSD header is recognised on the bytes themselves; what is left is tried against the
other framings, the last successful one first. Lines no framing fits are handed back.

A stamp without a year is kept as *local* time in the year 2000 (a leap year) with ``rel``, the number of New Years passed since the first
line of the block; :mod:`gatewatch.intake.stamp` turns it into an instant when the whole file is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from gatewatch.schema.records import Framing

NAIVE = pl.Datetime("us")
DAY = 86_400
FAULT = 3_600  # a backward jump of more than this many seconds is shown
NEW_YEAR = 300 * DAY

FRAMED: dict[str, pl.DataType] = {
    "record": pl.Int64(),
    "offset": pl.Int64(),
    "time": pl.Datetime("us", "UTC"),  # where the stamp has year and zone
    "local": NAIVE,  # else the wall clock; in the year 2000 where ``rel`` is not null
    "rel": pl.Int16(),
    "resolution": pl.Int64(),  # microseconds
    "host": pl.String(),
    "program": pl.String(),
    "pid": pl.String(),
    "message": pl.String(),
    "count": pl.UInt32(),
    "fields": pl.String(),
}

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_CODES = np.array([int.from_bytes(name.encode(), "big") for name in _MONTHS], dtype=np.int32)
_MONTH_ORDER = np.argsort(_MONTH_CODES)
_MONTH_SORTED = _MONTH_CODES[_MONTH_ORDER]
_MONTH_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
_MONTH_START = np.concatenate([[0], np.cumsum(_MONTH_DAYS)[:-1]])
_EPOCH_2000 = 946_684_800

_TAIL = r"(?P<program>[^\[: ][^\[: ]*)(?:\[(?P<pid>[^\] ]*)\])?"
_FAST_HEADER = r"^(?P<host>[!-Z\\^-~]+) (?P<program>[!-9;-Z\\^-~]+)(?:\[(?P<pid>[0-9]+)\])?: "

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class Stamps:
    """What the stamps of one block say about order, for stitching blocks together.

    ``first`` and ``last``: seconds into the leap year 2000 of the first and last year-less stamp; ``years``: New Years between them;
    ``jumps``: ``(record, before, after)`` of backward jumps over an hour; ``absolute_*``: the same for full stamps.
    """

    first: int | None = None
    last: int | None = None
    years: int = 0
    jumps: list[tuple[int, str, str]] = field(default_factory=list)
    absolute_first: int | None = None
    absolute_last: int | None = None


@dataclass(slots=True)
class Framed:
    """A block after framing: ``records`` (columns :data:`FRAMED`), ``left`` (lines without framing: ``record, offset, line``), ``stamps``."""

    records: pl.DataFrame
    left: pl.DataFrame
    blank: int
    stamps: Stamps
    framings: dict[str, int]


@dataclass(frozen=True, slots=True)
class TextFraming:
    """A framing as a regex with the groups ``stamp, zone, host, program, pid, message`` (all but ``message`` optional)."""

    name: Framing
    regex: str
    stamp: str  # how ``stamp`` reads: iso, bsd, ctime, bsd-year, epoch, none
    program: str | None = None  # where the header names none


_ISO = r"(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?)(?P<zone>Z|z| ?[+-][0-9]{2}:?[0-9]{2}| UTC| GMT)?"
_SD = r'(?:-|(?P<sd>(?:\[[^\]"]*(?:"(?:[^"\\]|\\.)*"[^\]"]*)*\])+))'

FRAMINGS: tuple[TextFraming, ...] = (
    TextFraming(
        Framing.SYSLOG_5424,
        rf"^<[0-9]{{1,3}}>[0-9] (?:-|{_ISO}) (?P<host>[^ ]+) (?P<program>[^ ]+) (?P<pid>[^ ]+) [^ ]+ {_SD}(?: +(?:\x{{FEFF}})?(?P<message>.*))?$",
        "iso",
    ),
    TextFraming(Framing.WIN32_OPENSSH, rf"^(?P<pid>[0-9]+) {_ISO} (?P<message>.*)$", "iso", "sshd"),
    # host is told from program by what follows: a host is followed by another word that ends in ":" (perhaps after "[pid]")
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^(?:<[0-9]{{1,3}}>)?{_ISO},? +(?P<host>[^ \[]*[^ \[:]) +(?:[a-z0-9]+\.[a-z]+ )?(?P<program>[^ \[:]+)(?:\[(?P<pid>[^\] ]*)\])?(?: <[A-Za-z]+>)?: ?(?P<message>.*)$",
        "iso",
    ),
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^(?:<[0-9]{{1,3}}>)?{_ISO},? +(?:[A-Z]+ )?(?P<program>[^ \[:]+) ?(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "iso",
    ),
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^[A-Z][a-z]{{2}} {_ISO}(?: [A-Z]{{3,5}})? (?P<host>[^ ]+) (?P<program>[^ \[:]+)(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "iso",
    ),
    TextFraming(
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}>)?(?:[A-Z][a-z]{2} )?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [12][0-9]{3}) "
        r"(?:(?P<host>[^ \[]*[^ \[:]) +)?(?:[a-z0-9]+\.[a-z]+ )?(?P<program>[^ \[:]+)(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "ctime",
    ),
    TextFraming(
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}>)?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [12][0-9]{3} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) "
        r"(?:(?P<host>[^ \[]*[^ \[:]) +)?(?P<program>[^ \[:]+)(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "bsd-year",
    ),
    TextFraming(
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}>)?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) +"
        r"(?P<host>[^ \[]*[^ \[:]) +(?:<?[a-z0-9]+\.[a-z]+>? )?(?P<program>[^ \[:]+)(?:\[(?P<pid>[^\] ]*)\])?(?: <[A-Za-z]+>)?: ?(?P<message>.*)$",
        "bsd",
    ),
    TextFraming(
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}>)?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?):? +"
        r"(?P<program>[^ \[:]+)(?:\[(?P<pid>[^\] ]*)\])?(?: <[A-Za-z]+>)?: ?(?P<message>.*)$",
        "bsd",
    ),
    TextFraming(
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}>)?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)"
        r"(?:: +| +(?P<host>[^ ]+) +)(?P<message>.*)$",
        "bsd",
    ),
    TextFraming(
        Framing.SYSLOG_ISO,
        r"^(?P<stamp>[0-9]{9,10}\.[0-9]{1,6}) (?P<host>[^ ]+) (?P<program>[^ \[:]+)(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "epoch",
    ),
)


class Framer:
    """Frames the blocks of one file; remembers which of the slower framings fitted last (order only: results never depend on it)."""

    def __init__(self, only: Framing | None = None) -> None:
        self.only = only
        self._order = [framing for framing in FRAMINGS if only is None or framing.name is only]

    def frame(self, lines: pl.DataFrame, raw: Bytes) -> Framed:
        """Frame *lines* (``record, offset, start, line``, ``start`` indexing *raw*)."""
        stamps = Stamps()
        parts: list[pl.DataFrame] = []
        framings: dict[str, int] = {}
        rest = lines
        if self.only in (None, Framing.SYSLOG_BSD) and lines.height:
            fast, rest = _bsd(lines, raw)
            if fast.height:
                parts.append(fast)
                framings[str(Framing.SYSLOG_BSD)] = fast.height
        rest = rest.select("record", "offset", pl.col("line").str.strip_chars_end("\r\n\0 \t"))
        filled = rest.filter(pl.col("line") != "")
        blank = rest.height - filled.height
        rest = filled
        for framing in list(self._order):
            if not rest.height:
                break
            taken, rest = _slow(framing, rest)
            if taken.height:
                parts.append(taken)
                framings[str(framing.name)] = framings.get(str(framing.name), 0) + taken.height
        table = pl.concat(parts).sort("record") if len(parts) > 1 else (parts[0] if parts else pl.DataFrame(schema=FRAMED))
        if table.height:
            table = _count_years(_expand_repeats(table), stamps)
        return Framed(table, rest, blank, stamps, framings)


def _digits(raw: Bytes, at: Ints, last: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return the two-digit number at *at* (a leading space reads as zero) and whether it is one."""
    tens = raw[np.minimum(at, last)].astype(np.int64) - 48
    ones = raw[np.minimum(at + 1, last)].astype(np.int64) - 48
    blank = tens == -16
    good = (blank | ((tens >= 0) & (tens <= 9))) & (ones >= 0) & (ones <= 9)
    return np.where(blank, 0, tens) * 10 + ones, good


def _bsd(lines: pl.DataFrame, raw: Bytes) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take the lines with a classic header ``Mmm dd hh:mm:ss host program[pid]: `` (perhaps after ``<PRI>``)."""
    start = lines["start"].to_numpy()
    last = len(raw) - 1
    shift = np.zeros(len(start), dtype=np.int64)
    tagged = raw[np.minimum(start, last)] == ord("<")
    if tagged.any():
        for width in (3, 4, 5):
            close = tagged & (shift == 0) & (raw[np.minimum(start + width - 1, last)] == ord(">"))
            shift[close] = width
    at = start + shift

    def byte(place: int) -> Bytes:
        return raw[np.minimum(at + place, last)]

    code = (byte(0).astype(np.int32) << 16) | (byte(1).astype(np.int32) << 8) | byte(2)
    slot = np.minimum(np.searchsorted(_MONTH_SORTED, code), 11)
    good = _MONTH_SORTED[slot] == code
    for place, char in ((3, " "), (6, " "), (9, ":"), (12, ":"), (15, " ")):
        good &= byte(place) == ord(char)
    if not good.any():
        return pl.DataFrame(schema=FRAMED), lines
    month = _MONTH_ORDER[slot]
    day, ok_day = _digits(raw, at + 4, last)
    hour, ok_hour = _digits(raw, at + 7, last)
    minute, ok_minute = _digits(raw, at + 10, last)
    second, ok_second = _digits(raw, at + 13, last)
    good &= ok_day & ok_hour & ok_minute & ok_second
    good &= (day >= 1) & (day <= _MONTH_DAYS[month]) & (hour < 24) & (minute < 60) & (second < 61)
    year_follows = (byte(20) == ord(" ")) & np.isin(byte(16), (ord("1"), ord("2")))
    for place in (17, 18, 19):
        year_follows &= (byte(place) >= 48) & (byte(place) <= 57)
    good &= ~year_follows
    seconds = (_MONTH_START[month] + day - 1) * DAY + hour * 3600 + minute * 60 + second
    frame = lines.with_columns(
        pl.Series("good", good),
        pl.Series("local", (seconds + _EPOCH_2000) * 1_000_000, dtype=pl.Int64).cast(NAIVE),
        pl.lit(16, pl.Int64).alias("skip") if not tagged.any() else pl.Series("skip", 16 + shift),
    )
    header = frame.select(pl.col("line").str.slice(pl.col("skip") if tagged.any() else 16).alias("rest"))
    groups = header.select(pl.col("rest").str.extract_groups(_FAST_HEADER).alias("g")).unnest("g")
    fits = pl.col("good") & pl.col("host").is_not_null() & ~pl.col("host").str.ends_with(":")
    table = frame.hstack(groups).hstack(header)
    hits = table.select(fits.fill_null(False).alias("h"))["h"]
    all_fit = bool(hits.all())
    taken = table if all_fit else table.filter(hits)
    left = lines.clear() if all_fit else lines.filter(~hits)
    begin = pl.col("host").str.len_bytes() + pl.col("program").str.len_bytes() + (pl.col("pid").str.len_bytes() + 2).fill_null(0) + 3
    return taken.select(
        "record",
        "offset",
        pl.lit(None, FRAMED["time"]).alias("time"),
        "local",
        pl.lit(0, pl.Int16).alias("rel"),
        pl.lit(1_000_000, pl.Int64).alias("resolution"),
        "host",
        "program",
        "pid",
        pl.col("rest").str.slice(begin).str.strip_chars("\r\n\0 \t").alias("message"),
        pl.lit(1, pl.UInt32).alias("count"),
        pl.lit(None, pl.String).alias("fields"),
    ), left


def _slow(framing: TextFraming, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take the lines that fit one of the regex framings."""
    groups = lines.select(pl.col("line").str.extract_groups(framing.regex + "(?P<zz>)").alias("g")).unnest("g")
    hits = groups["zz"].is_not_null()
    if not hits.any():
        return pl.DataFrame(schema=FRAMED), lines
    table = lines.hstack(groups).filter(hits)
    present = set(groups.columns)

    def group(name: str) -> pl.Expr:
        return pl.col(name) if name in present else pl.lit(None, pl.String).alias(name)

    def field_or_null(name: str) -> pl.Expr:
        return pl.when(~group(name).is_in(["-", ""])).then(group(name)).alias(name)

    time, local, rel, resolution = _read_stamp(framing.stamp, table)
    table = table.with_columns(time.alias("time"), local.alias("local"), rel.alias("rel"), resolution.alias("resolution"))
    program = field_or_null("program") if framing.program is None else pl.lit(framing.program).alias("program")
    framed = table.select(
        "record",
        "offset",
        "time",
        "local",
        "rel",
        "resolution",
        pl.when(~group("host").str.contains(_PRIORITY).fill_null(False)).then(field_or_null("host")).alias("host"),
        program,
        field_or_null("pid"),
        group("message").str.strip_chars("\r\n\0 \t").fill_null("").alias("message"),
        pl.lit(1, pl.UInt32).alias("count"),
        group("sd").alias("fields"),
    )
    # a header whose stamp cannot be (month "Foo", hour 25) is no header
    bad = pl.col("time").is_null() & pl.col("local").is_null()
    if framing.name is Framing.SYSLOG_5424:
        bad = pl.lit(False) & bad
    wrong = framed.select(bad.alias("b"))["b"]
    left = lines.filter(~hits)
    if wrong.any():
        left = pl.concat([left, lines.filter(hits).filter(wrong)]).sort("record")
        framed = framed.filter(~wrong)
    return framed, left


def _read_stamp(style: str, table: pl.DataFrame) -> tuple[pl.Series, pl.Series, pl.Series, pl.Series]:
    """Return ``time`` (UTC), ``local`` (naive), ``rel`` and ``resolution`` (µs) of the column ``stamp``, unique value by unique value."""
    size = table.height
    stamp = table["stamp"]
    fraction = table.select(pl.col("stamp").str.extract(r"[.,]([0-9]+)$").str.slice(0, 6).fill_null("").alias("f"))["f"]
    digits = fraction.str.len_bytes().cast(pl.Int64)
    resolution = pl.Series([1_000_000 // 10**n for n in range(7)], dtype=pl.Int64).gather(digits)
    micros = fraction.str.pad_end(6, "0").cast(pl.Int64, strict=False).fill_null(0)
    none_time = pl.Series([None], dtype=FRAMED["time"]).new_from_index(0, size)
    none_local = pl.Series([None], dtype=NAIVE).new_from_index(0, size)
    none_rel = pl.Series([None], dtype=pl.Int16).new_from_index(0, size)
    whole = table.select(pl.col("stamp").str.replace(r"[.,][0-9]+$", "").alias("w"))["w"]
    if style == "epoch":
        seconds = whole.cast(pl.Int64, strict=False)
        return (seconds * 1_000_000 + micros).cast(FRAMED["time"]), none_local, none_rel, resolution
    if style == "iso":
        parsed = whole.str.replace("T", " ").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
        local = (parsed.cast(pl.Int64) + micros).cast(NAIVE)
        zone = table["zone"].str.strip_chars(" ") if "zone" in table.columns else pl.Series([None] * size, dtype=pl.String)
        unique = zone.drop_nulls().unique()
        if len(unique):
            offsets = pl.Series([_offset(text) for text in unique.to_list()], dtype=pl.Int64)
            shift = zone.replace_strict(unique, offsets, default=None, return_dtype=pl.Int64)
        else:
            shift = pl.Series([None], dtype=pl.Int64).new_from_index(0, size)
        time = (local.cast(pl.Int64) - shift * 1_000_000).cast(FRAMED["time"])
        return time, local.set(shift.is_not_null(), None), none_rel, resolution
    spaced = whole.str.replace_all(r" +", " ")
    if style in {"ctime", "bsd-year"}:
        layout = "%b %d %H:%M:%S %Y" if style == "ctime" else "%b %d %Y %H:%M:%S"
        parsed = spaced.str.to_datetime(layout, time_unit="us", strict=False)
        return none_time, (parsed.cast(pl.Int64) + micros).cast(NAIVE), none_rel, resolution
    parsed = ("2000 " + spaced).str.to_datetime("%Y %b %d %H:%M:%S", time_unit="us", strict=False)
    local = (parsed.cast(pl.Int64) + micros).cast(NAIVE)
    rel = pl.Series([0], dtype=pl.Int16).new_from_index(0, size).set(local.is_null(), None)
    return none_time, local, rel, resolution


def _offset(text: str) -> int:
    """Return the seconds east of UTC of a zone suffix."""
    if text in {"Z", "z", "UTC", "GMT"}:
        return 0
    found = re.fullmatch(r"([+-])([0-9]{2}):?([0-9]{2})", text)
    if found is None:
        return 0
    return (-1 if found[1] == "-" else 1) * (int(found[2]) * 3600 + int(found[3]) * 60)


_PRIORITY = r"^(?:auth|authpriv|cron|daemon|ftp|kern|lpr|mail|news|syslog|user|uucp|local[0-7])\.[a-z]+$"
_REPEATED = r"^message repeated ([0-9]+) times: \[ ?(.*?)\]?$"
_LAST = r"^(?:-{2,3} )?last message repeated ([0-9]+) times?(?: -{2,3})?$"


def _expand_repeats(table: pl.DataFrame) -> pl.DataFrame:
    """Unwrap ``message repeated N times: [ … ]`` and give ``last message repeated N times`` the record before it of that host."""
    text = pl.col("message")
    candidates = table.select((text.str.starts_with("message repeated ") | text.str.contains("last message repeated ", literal=True)).alias("c"))["c"]
    if not candidates.any():
        return table
    table = table.with_columns(
        text.str.extract(_REPEATED, 1).cast(pl.UInt32, strict=False).alias("n"),
        text.str.extract(_REPEATED, 2).alias("inner"),
        text.str.extract(_LAST, 1).cast(pl.UInt32, strict=False).alias("again"),
    )
    table = table.with_columns(
        pl.coalesce("inner", "message").alias("message"),
        pl.coalesce("n", "again", "count").alias("count"),
    )
    carried = []
    for name in ("program", "pid", "message"):
        real = pl.when(pl.col("again").is_null()).then(pl.col(name))
        carried.append(pl.coalesce(real.forward_fill().over("host"), real.forward_fill(), name).alias(name))
    return table.with_columns(carried).drop("n", "inner", "again")


def _count_years(table: pl.DataFrame, stamps: Stamps) -> pl.DataFrame:
    """Fill ``rel`` and *stamps*: New Years are jumps from December to January, other backward jumps over an hour are faults."""
    full = table["time"].drop_nulls()
    if len(full):
        stamps.absolute_first, stamps.absolute_last = int(full.cast(pl.Int64).min()), int(full.cast(pl.Int64).max())  # type: ignore[arg-type]
    yearless = table["rel"].is_not_null().to_numpy()
    if not yearless.any():
        _faults(table, table["time"].fill_null(table["local"].dt.replace_time_zone("UTC")), stamps)
        return table
    seconds = table["local"].cast(pl.Int64).to_numpy()[yearless] // 1_000_000 - _EPOCH_2000
    step = np.diff(seconds)
    years = np.zeros(len(seconds), dtype=np.int16)
    if len(step) and (step.min() < -NEW_YEAR or step.max() > NEW_YEAR):
        forward = step < -NEW_YEAR
        back = (step > NEW_YEAR) & (seconds[:-1] < DAY) & (seconds[1:] > 365 * DAY)  # a straggler of New Year's Eve
        years[1:] = np.cumsum(forward.astype(np.int16) - back.astype(np.int16))
    stamps.first, stamps.last, stamps.years = int(seconds[0]), int(seconds[-1]), int(years[-1])
    if yearless.all():
        table = table.with_columns(pl.Series("rel", years))
    else:
        filled = np.zeros(len(table), dtype=np.int16)
        filled[yearless] = years
        table = table.with_columns(pl.when(pl.col("rel").is_not_null()).then(pl.Series("filled", filled)).alias("rel"))
    if len(step) and step.min() < -FAULT:
        running = table["local"].dt.replace_time_zone("UTC") + pl.select(pl.duration(days=pl.Series(years if yearless.all() else filled).cast(pl.Int64) * 366)).to_series()
        _faults(table, running, stamps)
    return table


def _faults(table: pl.DataFrame, clock: pl.Series, stamps: Stamps) -> None:
    """Note backward jumps over an hour, judged per host: a central file may hold several clocks."""
    step = clock.cast(pl.Int64).diff()
    low = step.min()
    if low is None or int(low) > -FAULT * 1_000_000:  # type: ignore[call-overload]
        return
    checked = (
        table.select("record", "host", "rel")
        .with_columns(clock.alias("clock"))
        .with_columns(pl.col("clock").shift(1).over("host").alias("before"))
        .filter((pl.col("before") - pl.col("clock")) > pl.duration(seconds=FAULT))
    )
    for record, before, after in checked.select("record", "before", "clock").head(100).iter_rows():
        stamps.jumps.append((record, f"{before:%m-%d %H:%M:%S}", f"{after:%m-%d %H:%M:%S}"))
