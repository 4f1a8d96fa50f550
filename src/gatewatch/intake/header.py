"""Headers told by regex: the framings of syslog-like lines other than the classic one, and the classic one where it is odd."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from gatewatch.intake.framed import EAST, FRAMED, NAIVE
from gatewatch.schema.framing import Framing

_PRIORITY = r"^(?:auth|authpriv|cron|daemon|ftp|kern|lpr|mail|news|syslog|user|uucp|local[0-7])\.[a-z]+$"

# names that stand for one zone only, in hours; CST, IST, BST and their like stand for several
_HOURS = {"Z": 0, "z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3}
_HOURS |= {"EDT": -4, "CDT": -5, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8, "AKDT": -8, "AKST": -9, "HST": -10, "JST": 9, "KST": 9, "AEDT": 11}


ZONES = "|".join(sorted(name for name in _HOURS if len(name) > 1))
"""The names of zones whose offset is known, as a regex."""


@dataclass(frozen=True, slots=True)
class TextFraming:
    """A framing as a regex with the groups ``stamp, zone, host, program, pid, message`` (all but ``message`` optional)."""

    name: Framing
    regex: str
    stamp: str  # how ``stamp`` reads: iso, bsd, ctime, bsd-year, epoch, none, or one of :data:`_LAYOUTS`
    program: str | None = None  # where the header names none


ISO = r"(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[T \t][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?)(?P<zone>Z|z| ?[+-][0-9]{2}:?[0-9]{2}| UTC| GMT)?"
# stamps with a year, by style; a fraction of a second may follow each
_LAYOUTS = {
    "ctime": "%b %d %H:%M:%S %Y",
    "bsd-year": "%b %d %Y %H:%M:%S",
    "year-first": "%Y %b %d %H:%M:%S",
    "iso-comma": "%Y-%m-%d, %H:%M:%S",
    "compact": "%Y%m%d-%H:%M:%S",
    "juli": "%d-%b-%Y %H:%M:%S",
    "java": "%b %d, %Y %I:%M:%S %p",
    "day-first": "%d/%m/%Y %H:%M:%S",
    "common": "%d/%b/%Y %H:%M:%S",
}
_SD = r'(?:-|(?P<sd>(?:\[[^\]"]*(?:"(?:[^"\\]|\\.)*"[^\]"]*)*\])+))'

TIMELESS = (
    r"sshd(?:-session|-auth)?|dropbear|sudo|su|login|charon(?:-systemd)?|ipsec|openvpn|ovpn-[A-Za-z0-9_.-]+|radiusd|freeradius|PulseSecure|Juniper|"
    r"xrdp(?:-sesman)?|pppd|vsftpd|systemd-logind|guacd"
)
"""Programs of which a line without any time is read, as a regex."""

FRAMINGS: tuple[TextFraming, ...] = (
    TextFraming(
        Framing.SYSLOG_5424,
        rf"^(?:<[0-9]{{1,3}}>[0-9]|1) (?:-|{ISO}) (?P<host>[^ ]+) (?P<program>[^ ]+) (?P<pid>[^ ]+) [^ ]+ {_SD}"
        r"(?: +(?:\x{FEFF})?(?P<message>.*))?$",
        "iso",
    ),
    TextFraming(Framing.WIN32_OPENSSH, rf"^(?P<pid>[0-9]+) {ISO} (?P<message>.*)$", "iso", "sshd"),
    # host is told from program by what follows: a host is followed by another word that ends in ":" (perhaps after "[pid]")
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^(?:<[0-9]{{1,3}}> ?)?{ISO},? +(?P<host>[^ \[]*[^ \[:]) +(?:[a-z0-9]+\.[a-z]+ )?"
        r"(?P<program>[^ \[:\x7b\x22]+)(?:\[(?P<pid>[^\] ]*)\])?(?: <[A-Za-z]+>)?: ?(?P<message>.*)$",
        "iso",
    ),
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^(?:<[0-9]{{1,3}}> ?)?{ISO},? +(?:[A-Z]+ )?(?P<program>[^ \[:\x7b\x22]+) *(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "iso",
    ),
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^[A-Z][a-z]{{2}} {ISO}(?: [A-Z]{{3,5}})? (?P<host>[^ ]+) (?P<program>[^ \[:\x7b\x22]+)(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "iso",
    ),
    TextFraming(  # logread -t of OpenWrt: the instant in brackets
        Framing.SYSLOG_BSD,
        r"^[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [12][0-9]{3} \[(?P<stamp>[0-9]{9,10}\.[0-9]{1,6})\] "
        r"(?:[a-z0-9]+\.[a-z]+ )?(?P<program>[^ \[:\x7b\x22]+)(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "epoch",
    ),
    TextFraming(
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}> ?)?(?:[A-Z][a-z]{2} )?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [12][0-9]{3}) "
        r"(?:(?P<host>[^ \[]*[^ \[:]) +)?(?:[a-z0-9]+\.[a-z]+ )?(?P<program>[^ \[:\x7b\x22]+)(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "ctime",
    ),
    TextFraming(
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}> ?)?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [12][0-9]{3} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) "
        r"(?:(?P<host>[^ \[]*[^ \[:]) +)?(?P<program>[^ \[:\x7b\x22]+)(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "bsd-year",
    ),
    TextFraming(  # AIX: facility and severity, and what its syslogd writes of a relayed message
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}> ?)?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}) +(?P<host>[^ \[:]+) +"
        r"(?:[a-z0-9]+(?:\|[a-z0-9]+)?:[a-z]+ (?:Message forwarded from [^ :]+: )?|Message forwarded from [^ :]+: )"
        r"(?P<program>[^ \[:|]+)(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "bsd",
    ),
    TextFraming(  # a relay's header before a line whose own stamp is ISO's, which looks like a program and its colon
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}> ?)?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) +"
        r"(?P<host>[^ ]+) +(?P<message>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}.*)$",
        "bsd",
    ),
    TextFraming(
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}> ?)?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) +"
        r"(?P<host>[^ \[]*[^ \[:]) +(?:<?[a-z0-9]+\.[a-z]+>? )?(?P<program>[^ \[:\x7b\x22]+)(?:\[(?P<pid>[^\] ]*)\])?"
        r"(?: <[A-Za-z]+>)?: ?(?P<message>.*)$",
        "bsd",
    ),
    TextFraming(
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}> ?)?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?):? +"
        r"(?P<program>[^ \[:\x7b\x22]+)(?:\[(?P<pid>[^\] ]*)\])?(?: <[A-Za-z]+>)?: ?(?P<message>.*)$",
        "bsd",
    ),
    TextFraming(
        Framing.SYSLOG_BSD,
        r"^(?:<[0-9]{1,3}> ?)?(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)"
        r"(?:: +| +(?P<host>[^ ]+) +)(?P<message>.*)$",
        "bsd",
    ),
    TextFraming(
        Framing.SYSLOG_ISO,
        r"^(?P<stamp>[0-9]{9,10}\.[0-9]{1,6}) (?P<host>[^ ]+) (?P<program>[^ \[:\x7b\x22]+)(?:\[(?P<pid>[^\] ]*)\])?: ?(?P<message>.*)$",
        "epoch",
    ),
    TextFraming(  # the log pages of pfSense, copied
        Framing.SYSLOG_BSD,
        r"^(?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2})\t(?P<program>[^ \t\[:]+)\t(?P<pid>[0-9]*)\t(?P<message>.*)$",
        "bsd",
    ),
    TextFraming(  # a container runtime's stamp before a line of any program
        Framing.SYSLOG_ISO,
        rf"^{ISO} std(?:out|err) [FP] (?P<message>.*)$",
        "iso",
    ),
    TextFraming(  # Kiwi Syslog's files
        Framing.SYSLOG_ISO,
        rf"^{ISO}\t[A-Z][A-Za-z0-9]+\.[A-Z][A-Za-z]+\t(?P<host>[^ \t]+)\t(?P<message>.*)$",
        "iso",
    ),
    TextFraming(  # whether the day or the month comes first, it does not say: the line within tells its time, or none is known
        Framing.SYSLOG_ISO,
        r"^[0-9]{2}-[0-9]{2}-[0-9]{4}\t[0-9]{2}:[0-9]{2}:[0-9]{2}\t[A-Z][A-Za-z0-9]+\.[A-Z][A-Za-z]+\t(?P<host>[^ \t]+)\t(?P<message>.*)$",
        "none",
    ),
    TextFraming(  # a line from which the time was cut: only programs whose lines are worth reading without
        Framing.SYSLOG_BSD,
        rf"^(?:<[0-9]{{1,3}}> ?)?(?P<program>{TIMELESS})(?:\[(?P<pid>[0-9]+)\])?: (?P<message>.*)$",
        "none",
    ),
)


_HEAD = "zz_head"
_REST = "(?P<message>"
_LAST = r"(?: +(?:\x{FEFF})?(?P<message>.*))?$"


@lru_cache(maxsize=256)
def _head(regex: str) -> str | None:
    """Return a regex that stops where the message of *regex* begins, the whole header in the group ``zz_head``; None where the end matters too.

    What ends in ``.*$`` fits whatever follows, so nothing is lost by not reading on; the text of a line is most of it.
    """
    if regex.endswith(_LAST):
        return rf"^(?P<{_HEAD}>{regex[1 : -len(_LAST)]}(?: +(?:\x{{FEFF}})?|$))"
    before, found, after = regex.removeprefix("^").partition(_REST)
    if not found or not after.endswith(".*)$") or not regex.startswith("^"):
        return None
    return f"^(?P<{_HEAD}>{before}){after.removesuffix('.*)$')}(?P<zz>)"


def groups_of(regex: str, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Return the groups of *regex* in the *lines* that fit it, and which these are."""
    head = _head(regex)
    groups = lines.select(pl.col("line").str.extract_groups(head or regex + "(?P<zz>)").alias("g")).unnest("g")
    hits = groups["zz" if head is None else _HEAD].is_not_null()
    if not hits.all():
        groups = groups.filter(hits)
    if head is not None:
        text = lines["line"] if groups.height == lines.height else lines["line"].filter(hits)
        begun = pl.DataFrame([text.alias("line"), groups[_HEAD]])
        message = begun.select(pl.col("line").str.strip_prefix(pl.col(_HEAD)).alias("message"))["message"]
        groups = groups.with_columns(message)
    return groups.drop(name for name in ("zz", _HEAD) if name in groups.columns), hits


def take(framing: TextFraming, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of the lines that fit *framing*, and the other lines."""
    groups, hits = groups_of(framing.regex, lines)
    if not groups.height:
        return pl.DataFrame(schema=FRAMED), lines
    whole = groups.height == lines.height
    table = (lines if whole else lines.filter(hits)).hstack(groups)
    present = set(groups.columns)

    def group(name: str) -> pl.Expr:
        return pl.col(name) if name in present else pl.lit(None, pl.String).alias(name)

    def field_or_null(name: str) -> pl.Expr:
        return pl.when(~group(name).is_in(["-", ""])).then(group(name)).alias(name)

    time, local, rel, resolution = read_stamps(framing.stamp, table)
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
    if framing.stamp == "bsd" and "zone" in present:
        framed = framed.with_columns(zone_offsets(table["zone"]).cast(pl.Int32).alias(EAST))
    # a header whose stamp cannot be (month "Foo", hour 25) is no header
    bad = pl.col("time").is_null() & pl.col("local").is_null()
    if framing.name is Framing.SYSLOG_5424 or framing.stamp == "none":  # the first may say "-" for its stamp
        bad = pl.lit(value=False)
    wrong = framed.select(bad.alias("b"), pl.col("record"))["b"]
    left = lines.clear() if whole else lines.filter(~hits)
    if wrong.any():
        left = pl.concat([left, lines.filter(hits).filter(wrong)]).sort("record")
        framed = framed.filter(~wrong)
    return framed, left


def in_turn(framings: Sequence[TextFraming]) -> Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]]:
    """Return a function that takes what any of *framings* fits, tried in order: lines in; their records and the lines left out."""

    def run(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        parts = []
        for framing in framings:
            if not lines.height:
                break
            taken, lines = take(framing, lines)
            if taken.height:
                parts.append(taken)
        return (pl.concat(parts, how="diagonal").sort("record") if parts else pl.DataFrame(schema=FRAMED)), lines

    return run


def runs(table: pl.DataFrame, names: Sequence[str]) -> tuple[pl.DataFrame, pl.Series] | None:
    """Return the columns *names* of *table* once for each run of equal rows, and the run of each row; None where too few are equal."""
    if not table.height:
        return None
    changed = table.select(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names).alias("c"))["c"]
    changed = changed.scatter(0, values=True)
    if int(changed.sum()) * 2 > table.height:
        return None
    return table.select(names).filter(changed), changed.cast(pl.UInt32).cum_sum() - 1


def read_stamps(style: str, table: pl.DataFrame) -> tuple[pl.Series, pl.Series, pl.Series, pl.Series]:
    """Return what :func:`_read_stamp` does; a stamp that many lines in a row bear is read once."""
    found = None if style == "none" else runs(table, [name for name in ("stamp", "zone") if name in table.columns])
    if found is None:
        return _read_stamp(style, table)
    time, local, rel, resolution = _read_stamp(style, found[0])
    return time.gather(found[1]), local.gather(found[1]), rel.gather(found[1]), resolution.gather(found[1])


def _read_stamp(style: str, table: pl.DataFrame) -> tuple[pl.Series, pl.Series, pl.Series, pl.Series]:
    """Return ``time`` (UTC), ``local`` (naive), ``rel`` and ``resolution`` (µs) of the column ``stamp``, unique value by unique value."""
    size = table.height
    if style == "none":
        return empty_stamp(size)
    fraction = table.select(pl.col("stamp").str.extract(r"[.,]([0-9]+)$").str.slice(0, 6).fill_null("").alias("f"))["f"]
    digits = fraction.str.len_bytes().cast(pl.Int64)
    resolution = pl.Series([1_000_000 // 10**n for n in range(7)], dtype=pl.Int64).gather(digits)
    micros = fraction.str.pad_end(6, "0").cast(pl.Int64, strict=False).fill_null(0)
    none_time, none_local, none_rel, _ = empty_stamp(size)
    whole = table.select(pl.col("stamp").str.replace(r"[.,][0-9]+$", "").alias("w"))["w"]
    if style == "epoch":
        seconds = whole.cast(pl.Int64, strict=False)
        return (seconds * 1_000_000 + micros).cast(FRAMED["time"]), none_local, none_rel, resolution
    if style == "iso":
        parsed = whole.str.replace("[T\t]", " ").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
        local = (parsed.cast(pl.Int64) + micros).cast(NAIVE)
        shift = zone_offsets(table["zone"]) if "zone" in table.columns else pl.Series([None], dtype=pl.Int64).new_from_index(0, size)
        time = (local.cast(pl.Int64) - shift * 1_000_000).cast(FRAMED["time"])
        return time, local.set(shift.is_not_null(), None), none_rel, resolution
    spaced = whole.str.replace_all(r" +", " ")
    if style in _LAYOUTS:
        layout = _LAYOUTS[style]
        parsed = spaced.str.to_datetime(layout, time_unit="us", strict=False)
        local = (parsed.cast(pl.Int64) + micros).cast(NAIVE)
        if "zone" not in table.columns:
            return none_time, local, none_rel, resolution
        shift = zone_offsets(table["zone"])
        time = (local.cast(pl.Int64) - shift * 1_000_000).cast(FRAMED["time"])
        return time, local.set(shift.is_not_null(), None), none_rel, resolution
    parsed = ("2000 " + spaced).str.to_datetime("%Y %b %d %H:%M:%S", time_unit="us", strict=False)
    local = (parsed.cast(pl.Int64) + micros).cast(NAIVE)
    rel = pl.Series([0], dtype=pl.Int16).new_from_index(0, size).set(local.is_null(), None)
    return none_time, local, rel, resolution


def empty_stamp(size: int) -> tuple[pl.Series, pl.Series, pl.Series, pl.Series]:
    """Return ``time``, ``local``, ``rel`` and ``resolution`` of *size* records that bear no stamp."""
    kinds = (FRAMED["time"], NAIVE, pl.Int16(), pl.Int64())
    time, local, rel, resolution = (pl.Series([None], dtype=kind).new_from_index(0, size) for kind in kinds)
    return time, local, rel, resolution


def zone_offsets(zones: pl.Series) -> pl.Series:
    """Return the seconds east of UTC of each zone suffix; null where there is none or its name stands for several zones."""
    stripped = zones.str.strip_chars(" ")
    unique = stripped.drop_nulls().unique()
    if not len(unique):
        return pl.Series([None], dtype=pl.Int64).new_from_index(0, len(zones))
    offsets = pl.Series([_offset(text) for text in unique.to_list()], dtype=pl.Int64)
    return stripped.replace_strict(unique, offsets, default=None, return_dtype=pl.Int64)


def _offset(text: str) -> int | None:
    """Return the seconds east of UTC of a zone suffix."""
    if text in _HOURS:
        return _HOURS[text] * 3600
    found = re.fullmatch(r"([+-])([0-9]{2}):?([0-9]{2})", text)
    if found is None:
        return None
    return (-1 if found[1] == "-" else 1) * (int(found[2]) * 3600 + int(found[3]) * 60)
