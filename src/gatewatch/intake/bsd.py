"""The classic syslog header ``Mmm dd hh:mm:ss host program[pid]: ``, recognised on the bytes.

Eight bytes are one word, so comparing words and shifting digits out of them costs a few nanoseconds a line; a header seen before is compared, not
taken apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from gatewatch.intake.framed import DAY, FRAMED, NAIVE
from gatewatch.intake.line import Lines

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_CODES = np.array([int.from_bytes(name.encode(), "little") for name in _MONTHS], dtype=np.int64)
_MONTH_ORDER = np.argsort(_MONTH_CODES)
_MONTH_SORTED = _MONTH_CODES[_MONTH_ORDER]
_MONTH_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
_MONTH_START = np.concatenate([[0], np.cumsum(_MONTH_DAYS)[:-1]])
EPOCH_2000 = 946_684_800

_FAST_HEADER = r"^(?P<host>[!-Z\\^-~]+) (?P<program>[!#-9;-Z\\^-z|}~]+)(?:\[(?P<pid>[0-9]+)\])?: "

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Template:
    """The constant beginning of a header after the stamp, ``host program[`` or ``host program: ``, as seen in the file."""

    host: str
    program: str
    text: bytes
    with_pid: bool


def read_stamps(lines: Lines) -> tuple[npt.NDArray[np.bool_], Ints, Ints]:
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
    micros = ((_MONTH_START[month] + day - 1) * DAY + hour * 3600 + minute * 60 + second + EPOCH_2000) * 1_000_000
    return good, at, micros


def _words(raw: Bytes) -> npt.NDArray[np.uint64]:
    """Return a view in which element *i* is the eight bytes from *i* on, little-endian; comparing words is eight comparisons in one."""
    return np.ndarray((max(len(raw) - 7, 0),), dtype="<u8", buffer=raw, strides=(1,))


def fits(lines: Lines, template: Template, good: npt.NDArray[np.bool_], at: Ints) -> tuple[npt.NDArray[np.bool_], Ints, Ints]:
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


def by_template(lines: Lines, template: Template, hits: npt.NDArray[np.bool_], at: Ints, pid_end: Ints, body: Ints, micros: Ints) -> pl.DataFrame:
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


def by_header(lines: Lines, good: npt.NDArray[np.bool_], at: Ints, micros: Ints) -> pl.DataFrame:
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
