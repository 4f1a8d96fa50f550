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

from gatewatch.intake.line import Lines
from gatewatch.schema.records import Framing

NAIVE = pl.Datetime("us")
DAY = 86_400
TEMPLATES = 8  # headers of one file that are compared byte by byte
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
_MONTH_CODES = np.array([int.from_bytes(name.encode(), "little") for name in _MONTHS], dtype=np.int64)
_MONTH_ORDER = np.argsort(_MONTH_CODES)
_MONTH_SORTED = _MONTH_CODES[_MONTH_ORDER]
_MONTH_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
_MONTH_START = np.concatenate([[0], np.cumsum(_MONTH_DAYS)[:-1]])
_EPOCH_2000 = 946_684_800

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
        rf"^(?:<[0-9]{{1,3}}>)?{_ISO},? +(?P<host>[^ \[]*[^ \[:]) +(?:[a-z0-9]+\.[a-z]+ )?"
        r"(?P<program>[^ \[:]+)(?:\[(?P<pid>[^\] ]*)\])?(?: <[A-Za-z]+>)?: ?(?P<message>.*)$",
        "iso",
    ),
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^(?:<[0-9]{{1,3}}>)?{_ISO},? +(?:[A-Z]+ )?(?P<program>[^ \[:]+) *(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
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


@dataclass(frozen=True, slots=True)
class Template:
    """The constant beginning of a header after the stamp, ``host program[`` or ``host program: ``, as seen in the file."""

    host: str
    program: str
    text: bytes
    with_pid: bool


class Framer:
    """Frames the blocks of one file.

    It remembers the headers seen (:class:`Template`), so that most lines are framed by comparing bytes. Memory is for speed only: results never
    depend on it.
    """

    def __init__(self, only: Framing | None = None) -> None:
        self.only = only
        self._framings = [framing for framing in FRAMINGS if only is None or framing.name is only]
        self._templates: list[Template] = []

    def frame(self, lines: Lines) -> Framed:
        """Frame *lines*; ``record`` counts from 1 within the block."""
        stamps = Stamps()
        parts: list[pl.DataFrame] = []
        framings: dict[str, int] = {}
        rest = None
        if self.only in (None, Framing.SYSLOG_BSD) and len(lines.line):
            fast, rest = self._bsd(lines)
            if fast:
                parts += fast
                framings[str(Framing.SYSLOG_BSD)] = sum(part.height for part in fast)
        if rest is None:
            rest = lines.frame()
        rest = rest.select("record", "offset", pl.col("line").str.strip_chars_end("\r\n\0 \t"))
        filled = rest.filter(pl.col("line") != "")
        blank = rest.height - filled.height
        rest = filled
        for framing in self._framings:
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

    def _bsd(self, lines: Lines) -> tuple[list[pl.DataFrame], pl.DataFrame | None]:
        """Take the lines with a classic header ``Mmm dd hh:mm:ss host program[pid]: `` (perhaps after ``<PRI>``)."""
        good, at, micros = _bsd_stamps(lines)
        if not good.any():
            return [], None
        parts: list[pl.DataFrame] = []
        if lines.ascii:
            for template in list(self._templates):
                hits, pid_end, body = _fits(lines, template, good, at)
                if hits.any():
                    parts.append(_by_template(lines, template, hits, at, pid_end, body, micros))
                    good &= ~hits
                    if not good.any():
                        break
        if good.any():
            slow = _by_header(lines, good, at, micros)
            if slow.height:
                parts.append(slow)
                self._learn(slow)
        if sum(part.height for part in parts) == len(lines.line):
            return parts, lines.frame().clear()
        taken = pl.concat([part.select("record") for part in parts]) if parts else pl.DataFrame(schema={"record": pl.Int64})
        return parts, lines.frame().join(taken, on="record", how="anti", maintain_order="left")

    def _learn(self, framed: pl.DataFrame) -> None:
        """Remember the commonest headers; a file of many hosts and programs is framed by regex, which costs more but is the same."""
        known = {template.text for template in self._templates}
        common = (
            framed.group_by("host", "program", pl.col("pid").is_not_null().alias("with_pid"))
            .len()
            .filter(pl.col("len") * 20 >= framed.height)
            .sort(["len", "host", "program"], descending=[True, False, False])
        )
        for host, program, with_pid, _ in common.iter_rows():
            text = f"{host} {program}{'[' if with_pid else ': '}"
            if len(self._templates) < TEMPLATES and text.isascii() and text.encode() not in known:
                self._templates.append(Template(host, program, text.encode(), with_pid))


def _bsd_stamps(lines: Lines) -> tuple[npt.NDArray[np.bool_], Ints, Ints]:
    """Return which lines begin with a classic stamp, where the stamp begins, and what it says: µs since the epoch in the year 2000.

    ``Mar  1 00:00:01 `` is sixteen bytes, two words: the digits are taken out by shifts. Lines that end nearer to the end of the block than a
    word is long are left to the slower way.
    """
    raw, start = lines.raw, lines.bounds[:-1]
    words = _words(raw)
    if not len(words):
        return np.zeros(len(start), dtype=np.bool_), start, start
    last = len(words) - 1
    at = start
    tagged = raw[start] == ord("<")
    if tagged.any():
        shift = np.zeros(len(start), dtype=np.int64)
        for width in (3, 4, 5):
            close = raw[np.minimum(start + width - 1, len(raw) - 1)] == ord(">")
            shift[tagged & (shift == 0) & close] = width
        at = start + shift
    good = at + 24 <= last
    head, tail = words[np.minimum(at, last)], words[np.minimum(at + 8, last)]
    # "Mar  1 0" and "0:00:01 ": the spaces and colons must stand
    good &= (head & np.uint64(0x00FF0000FF000000)) == np.uint64(0x0020000020000000)
    good &= (tail & np.uint64(0xFF0000FF0000FF00)) == np.uint64(0x2000003A00003A00)
    if not good.any():
        return good, at, start
    code = (head & np.uint64(0xFFFFFF)).astype(np.int64)
    slot = np.minimum(np.searchsorted(_MONTH_SORTED, code), 11)
    good &= _MONTH_SORTED[slot] == code
    month = _MONTH_ORDER[slot]

    def digit(word: npt.NDArray[np.uint64], place: int) -> npt.NDArray[np.uint8]:
        return ((word >> np.uint64(8 * place)) & np.uint64(0xFF)).astype(np.uint8) - np.uint8(48)  # a space becomes 240

    tens, ones = digit(head, 4), digit(head, 5)
    tens = np.where(tens == 240, np.uint8(0), tens)
    parts = [(tens, ones), (digit(head, 7), digit(tail, 0)), (digit(tail, 2), digit(tail, 3)), (digit(tail, 5), digit(tail, 6))]
    values = []
    for upper, lower in parts:
        good &= (upper <= 9) & (lower <= 9)
        values.append(upper.astype(np.int64) * 10 + lower)
    day, hour, minute, second = values
    good &= (day >= 1) & (day <= _MONTH_DAYS[month]) & (hour < 24) & (minute < 60) & (second < 61)
    follow = words[np.minimum(at + 16, last)]
    year_follows = ((follow >> np.uint64(32)) & np.uint64(0xFF)) == ord(" ")
    if year_follows.any():
        for place in range(4):
            char = (follow >> np.uint64(8 * place)) & np.uint64(0xFF)
            year_follows &= (char >= 48) & (char <= 57)
        good &= ~year_follows
    micros = ((_MONTH_START[month] + day - 1) * DAY + hour * 3600 + minute * 60 + second + _EPOCH_2000) * 1_000_000
    return good, at, micros


def _words(raw: Bytes) -> npt.NDArray[np.uint64]:
    """Return a view in which element *i* is the eight bytes from *i* on, little-endian; comparing words is eight comparisons in one."""
    return np.ndarray((max(len(raw) - 7, 0),), dtype="<u8", buffer=raw, strides=(1,))


def _fits(lines: Lines, template: Template, good: npt.NDArray[np.bool_], at: Ints) -> tuple[npt.NDArray[np.bool_], Ints, Ints]:
    """Return which of the *good* lines bear the template's header, where their pid ends and where their message begins.

    Lines within a few bytes of the end of the block are left to the slower way.
    """
    words = _words(lines.raw)
    place = at + 16
    size = len(template.text)
    body = place + size
    hits = good & (body + 16 <= len(words))
    if size < 8 or not hits.any():
        return np.zeros(len(good), dtype=np.bool_), body, body
    last = len(words) - 1
    for step in [*range(0, size - 8, 8), size - 8]:
        word = np.frombuffer(template.text[step : step + 8], dtype="<u8")[0]
        hits &= words[np.minimum(place + step, last)] == word
    if not template.with_pid:
        return hits, body, body
    # the pid is what stands before the first "]": find it with the zero-byte trick, then check that it is all digits
    text = words[np.minimum(body, last)]
    marks = text ^ np.uint64(0x5D5D5D5D5D5D5D5D)
    zero = (marks - np.uint64(0x0101010101010101)) & ~marks & np.uint64(0x8080808080808080)
    low = (zero & (~zero + np.uint64(1))) >> np.uint64(7)  # bit 8 * n, n the number of bytes before "]"
    below = low - np.uint64(1)  # the bytes before it, as a mask
    digits = np.searchsorted(_POWERS, low).astype(np.int64)
    hits &= (zero != 0) & (digits > 0) & _all_digits(text, below)
    end = body + digits
    hits &= (words[np.minimum(end, last)] & np.uint64(0xFFFFFF)) == np.uint64(0x203A5D)  # "]: "
    return hits, end, end + 3


_POWERS = np.array([1 << (8 * n) for n in range(8)], dtype=np.uint64)


def _all_digits(text: npt.NDArray[np.uint64], mask: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Return whether the bytes of each word under *mask* are ASCII digits: high nibble 3, low nibble at most 9."""
    nibbles = np.uint64(0xF0F0F0F0F0F0F0F0)
    threes = np.uint64(0x3030303030303030)
    carry = ((text & np.uint64(0x0F0F0F0F0F0F0F0F)) + np.uint64(0x0606060606060606)) & np.uint64(0x1010101010101010)
    return ((((text & nibbles) ^ threes) | carry) & mask) == 0  # type: ignore[no-any-return]


def _by_template(lines: Lines, template: Template, hits: npt.NDArray[np.bool_], at: Ints, pid_end: Ints, body: Ints, micros: Ints) -> pl.DataFrame:
    """Cut pid and message out of the lines that bear a template's header."""
    raw, bounds = lines.raw, lines.bounds
    begin = bounds[:-1]
    stop = bounds[1:] - (raw[bounds[1:] - 1] == 10)
    whole = bool(hits.all())
    edge = raw[np.maximum(stop - 1, 0)]
    ragged = bool(((edge <= 32) & hits).any()) or bool((raw[np.minimum(body, len(raw) - 1)][hits] <= 32).any())
    names = {"line": lines.line, "body": pl.Series(body - begin), "size": pl.Series(np.maximum(stop - body, 0))}
    pid_at = at + 16 + len(template.text)
    if template.with_pid:
        names |= {"pid_at": pl.Series(pid_at - begin), "pid_size": pl.Series(pid_end - pid_at)}
    columns = {"record": lines.number, "offset": lines.offset, "local": micros}
    frame = pl.DataFrame([series.alias(name) for name, series in names.items()] + [pl.Series(name, values) for name, values in columns.items()])
    if not whole:
        frame = frame.filter(pl.Series(hits))
    # bytes are characters here, and a slice of bytes need not count them
    message = pl.col("line").cast(pl.Binary).bin.slice(pl.col("body"), pl.col("size")).cast(pl.String)
    return frame.select(
        "record",
        "offset",
        pl.lit(None, FRAMED["time"]).alias("time"),
        pl.col("local").cast(NAIVE),
        pl.lit(0, pl.Int16).alias("rel"),
        pl.lit(1_000_000, pl.Int64).alias("resolution"),
        pl.lit(template.host).alias("host"),
        pl.lit(template.program).alias("program"),
        pl.col("line").str.slice(pl.col("pid_at"), pl.col("pid_size")).alias("pid") if template.with_pid else pl.lit(None, pl.String).alias("pid"),
        (message.str.strip_chars("\r\n\0 \t") if ragged else message).alias("message"),
        pl.lit(1, pl.UInt32).alias("count"),
        pl.lit(None, pl.String).alias("fields"),
    )


def _by_header(lines: Lines, good: npt.NDArray[np.bool_], at: Ints, micros: Ints) -> pl.DataFrame:
    """Take the header of the *good* lines apart by regex."""
    frame = pl.DataFrame(
        [
            pl.Series("record", lines.number),
            pl.Series("offset", lines.offset),
            pl.Series("local", micros).cast(NAIVE),
            lines.line.alias("line"),
            pl.Series("skip", at + 16 - lines.bounds[:-1]),
        ]
    ).filter(pl.Series(good))
    frame = frame.with_columns(pl.col("line").str.slice(pl.col("skip")).alias("rest"))
    table = frame.hstack(frame.select(pl.col("rest").str.extract_groups(_FAST_HEADER).alias("g")).unnest("g"))
    table = table.filter((pl.col("host").is_not_null() & ~pl.col("host").str.ends_with(":")).fill_null(False))
    begin = pl.col("host").str.len_chars() + pl.col("program").str.len_chars() + (pl.col("pid").str.len_chars() + 2).fill_null(0) + 3
    return table.select(
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
    )


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
    begins = [text.str.starts_with(head) for head in ("message repeated ", "last message repeated ", "-- last message ", "--- last message ")]
    candidates = table.select(pl.any_horizontal(begins).alias("c"))["c"]
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
    filled = np.zeros(len(table), dtype=np.int16)
    filled[yearless] = years
    stamps.first, stamps.last, stamps.years = int(seconds[0]), int(seconds[-1]), int(years[-1])
    if not years.any():
        pass  # as it is: all zero
    elif yearless.all():
        table = table.with_columns(pl.Series("rel", years))
    else:
        table = table.with_columns(pl.when(pl.col("rel").is_not_null()).then(pl.Series("filled", filled)).alias("rel"))
    if len(step) and step.min() < -FAULT:
        running = (
            table["local"].dt.replace_time_zone("UTC")
            + (pl.Series(filled).cast(pl.Int64) * (366 * DAY * 1_000_000)).cast(pl.Duration("us"))
        )
        _faults(table, running, stamps)
    return table


def _faults(table: pl.DataFrame, clock: pl.Series, stamps: Stamps) -> None:
    """Note backward jumps over an hour, judged per host: a central file may hold several clocks."""
    steps = np.diff(clock.cast(pl.Int64).to_numpy())
    if not len(steps) or steps.min() > -FAULT * 1_000_000:
        return
    checked = (
        table.select("record", "host", "rel")
        .with_columns(clock.alias("clock"))
        .with_columns(pl.col("clock").shift(1).over("host").alias("before"))
        .filter((pl.col("before") - pl.col("clock")) > pl.duration(seconds=FAULT))
    )
    for record, before, after in checked.select("record", "before", "clock").head(100).iter_rows():
        stamps.jumps.append((record, f"{before:%m-%d %H:%M:%S}", f"{after:%m-%d %H:%M:%S}"))
