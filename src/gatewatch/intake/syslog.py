"""Syslog-like lines cut into time, host, program, pid and message, in columns.

Framing is per line with a memory per file: the classic header is recognised on the bytes themselves
(:mod:`~gatewatch.intake.bsd`); what is left is tried against the other framings (:mod:`~gatewatch.intake.header`). Lines no framing fits are
handed back.

A stamp without a year is kept as *local* time in the year 2000 (a leap year) with ``rel``, the number of New Years passed since the first
line of the block; :mod:`gatewatch.intake.stamp` turns it into an instant when the whole file is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from gatewatch.intake.appliance import take_appliances
from gatewatch.intake.bsd import EPOCH_2000, Template, by_header, by_template, fits, read_stamps
from gatewatch.intake.framed import DAY, EAST, FRAMED
from gatewatch.intake.header import FRAMINGS, take
from gatewatch.intake.line import Lines
from gatewatch.schema.framing import Framing

TEMPLATES = 8  # headers of one file that are compared byte by byte
FAULT = 3_600  # a backward jump of more than this many seconds is shown
NEW_YEAR = 300 * DAY

_REPEATED = r"^message repeated ([0-9]+) times: \[ ?(.*?)\]?$"
_LAST = r"^(?:-{2,3} )?last message repeated ([0-9]+) times?(?: -{2,3})?$"
_FOREIGN = {
    **{name: name[:3] for name in ("January", "February", "March", "April", "June", "July", "August", "Sept", "September", "October")},
    **{name: name[:3] for name in ("November", "December")},
    **dict.fromkeys(("ene", "gen", "janv", "jan"), "Jan"),
    **dict.fromkeys(("fev", "févr", "feb"), "Feb"),
    **dict.fromkeys(("Mär", "Mrz", "mars", "mrt", "mar"), "Mar"),
    **dict.fromkeys(("abr", "avril", "apr"), "Apr"),
    **dict.fromkeys(("Mai", "mai", "mei", "mag", "may"), "May"),
    **dict.fromkeys(("juin", "giu", "jun"), "Jun"),
    **dict.fromkeys(("juil", "lug", "jul"), "Jul"),
    **dict.fromkeys(("août", "ago", "aug"), "Aug"),
    **dict.fromkeys(("sept", "set", "sep"), "Sep"),
    **dict.fromkeys(("Okt", "okt", "ott", "out", "oct"), "Oct"),
    **dict.fromkeys(("nov",), "Nov"),
    **dict.fromkeys(("Dez", "dez", "déc", "dic", "dec"), "Dec"),
}
"""How journalctl and syslogd of German, French, Spanish, Italian, Dutch and Portuguese systems abbreviate the months, and their full
names in English."""
_INDENTED = r"^[ \t]+(<[0-9]{1,3}>|[A-Z][a-z]{2} (?:[A-Z][a-z]{2} )?[ 0-9]?[0-9] |[0-9]{4}-[0-9]{2}-[0-9]{2}[T ])"
_ODD = rf"{_INDENTED}|^(?:[0-9]{{1,6}} <[0-9]{{1,3}}>|(?:<[0-9]{{1,3}}>)?(?:{'|'.join(_FOREIGN)})\.? [ 0-9]?[0-9] [0-9]{{2}}:)"


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
        rest = _plain(filled)
        if rest.height:
            found, rest = take_appliances(rest, self.only)
            for name, taken in found:
                parts.append(taken)
                framings[str(name)] = framings.get(str(name), 0) + taken.height
        for framing in self._framings:
            if not rest.height:
                break
            taken, rest = take(framing, rest)
            if taken.height:
                parts.append(taken)
                framings[str(framing.name)] = framings.get(str(framing.name), 0) + taken.height
        table = pl.concat(parts, how="diagonal").sort("record") if len(parts) > 1 else (parts[0] if parts else pl.DataFrame(schema=FRAMED))
        if EAST in table.columns and not table[EAST].count():
            table = table.drop(EAST)
        if table.height:
            table = _count_years(_expand_repeats(table), stamps)
        return Framed(table, rest, blank, stamps, framings)

    def _bsd(self, lines: Lines) -> tuple[list[pl.DataFrame], pl.DataFrame | None]:
        """Take the lines with a classic header ``Mmm dd hh:mm:ss host program[pid]: `` (perhaps after ``<PRI>``)."""
        good, at, micros = read_stamps(lines)
        if not good.any():
            return [], None
        parts: list[pl.DataFrame] = []
        if lines.ascii:
            for template in list(self._templates):
                hits, pid_end, body = fits(lines, template, good, at)
                if hits.any():
                    parts.append(by_template(lines, template, hits, at, pid_end, body, micros))
                    good &= ~hits
                    if not good.any():
                        break
        if good.any():
            slow = by_header(lines, good, at, micros)
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


def _plain(lines: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* without indents and the octet counts that a receiver left before them, and with English names of months."""
    text = pl.col("line")
    odd = lines.select(text.str.contains(_ODD).alias("o"))["o"]
    if not odd.any():
        return lines
    plain = text.str.replace(_INDENTED, "${1}").str.replace(r"^[0-9]{1,6} (<[0-9]{1,3}>)", "${1}")
    groups = plain.str.extract_groups(rf"^(?P<a>(?:<[0-9]{{1,3}}>)?)(?P<b>{'|'.join(_FOREIGN)})\.? (?P<c>[ 0-9]?[0-9] [0-9]{{2}}:.*)$")
    month = groups.struct["b"].replace_strict(_FOREIGN, default=None, return_dtype=pl.String)
    english = pl.concat_str(groups.struct["a"], month, pl.lit(" "), groups.struct["c"])
    return lines.with_columns(pl.when(odd).then(pl.coalesce(english, plain)).otherwise(text).alias("line"))


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
        real = pl.when(pl.col("again").is_null()).then(pl.col(name).fill_null(""))
        before = pl.coalesce(real.forward_fill().over("host"), real.forward_fill(), name)
        before = before if name == "message" else pl.when(before != "").then(before)
        carried.append(pl.when(pl.col("again").is_null()).then(name).otherwise(before).alias(name))
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
    seconds = table["local"].cast(pl.Int64).to_numpy()[yearless] // 1_000_000 - EPOCH_2000
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
