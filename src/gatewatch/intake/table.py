r"""Tables in text whose columns a header names: Zeek's TSV logs, AWS VPC flow logs, the log of the Windows Firewall.

::

    #fields	ts	uid	id.orig_h	id.orig_p	…
    version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
    #Fields: date time action protocol src-ip dst-ip src-port dst-port size …

The header is authoritative, and a file may hold several (rotated logs in one): a row is read by the last header before it. A row becomes a record
whose ``message`` is the row and whose ``fields`` are its header as JSON; header, comments and blank lines are no records. Rows of the two formats
with a default order of columns are known without a header, too (:func:`take_flow`, :func:`take_firewall`): CloudWatch exports have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np
import polars as pl

from gatewatch.intake.batch import Batch, RawReject
from gatewatch.intake.framed import FRAMED
from gatewatch.intake.line import TOO_LONG, Lines, cut, read_lines, transcode
from gatewatch.schema.table import FIREWALL_NAMES, FLOW_NAMES, Header

ZEEK, VPC, FIREWALL = "zeek-tsv", "aws-vpc-flow", "windows-firewall-log"
"""The programs of the records, by which they find their source."""

NO_HEADER = "row before any header"
MANY = "more than 256 different headers"
_HEADERS = 256
_JUDGED = 24  # lines at the beginning among which the header must be
_COLUMNS = 400
_SEPARATOR = re.compile(r"#separator +(\\x[0-9A-Fa-f]{2}|[^ ])$")
_ZEEK = re.compile(rb"#separator +(?:\\x[0-9A-Fa-f]{2}|[^ \r\n])\r?$|#fields[\t ,;|]", re.MULTILINE)
_FLOW_NAME = re.compile(r"[a-z][a-z0-9-]{1,40}")
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"  # some editors put it before the first line
_LATEST_YEAR = 2200  # from then on it is no time, but a default or a mistake
_LAST_SECOND = 7_258_118_400  # its beginning, seconds since the epoch

_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?Z "
FLOW_GATE = rf"^(?:{_ISO})?[2-9] [0-9]{{12}} eni-[0-9a-f]+ "
_FLOW_ROW = (
    rf"^(?:{_ISO})?(?P<row>2 [0-9]{{12}} eni-[0-9a-f]+ [^ ]+ [^ ]+ (?:-|[0-9]+) (?:-|[0-9]+) (?:-|[0-9]+) (?:-|[0-9]+) (?:-|[0-9]+) "
    r"[0-9]+ [0-9]+ (?:-|ACCEPT|REJECT) (?:OK|NODATA|SKIPDATA))$"
)
FIREWALL_GATE = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} (?:(?:ALLOW|DROP|OPEN|OPEN-INBOUND|CLOSE) (?:[A-Z0-9-]+|[0-9]+) |INFO-EVENTS-LOST - )"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows under a header become records; ``utc``: their wall clock is UTC."""

    program: str
    header: Header
    utc: bool = False

    def frame(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return *rows* (``record, offset, line``) as records."""
        line = rows["line"]
        nothing = pl.lit(None)
        time: pl.Expr = nothing.cast(FRAMED["time"])
        local: pl.Expr = nothing.cast(FRAMED["local"])
        clock = _clock(line, self.header)
        if clock is not None:
            local = pl.lit(clock)
            if self.utc:
                time, local = local.dt.replace_time_zone("UTC"), nothing.cast(FRAMED["local"])
        else:
            time = pl.lit(_epoch(line, self.header))
        made = {
            "time": time,
            "local": local,
            "resolution": pl.lit(1_000_000 if clock is not None else 1, pl.Int64),
            "program": pl.lit(self.program),
            "message": pl.lit(line),
            "count": pl.lit(1, pl.UInt32),
            "fields": pl.lit(msgspec.json.encode(self.header).decode()),
        }
        return rows.select("record", "offset", *[made.get(name, nothing).cast(dtype).alias(name) for name, dtype in list(FRAMED.items())[2:]])


def _pick(line: pl.Series, header: Header, name: str) -> pl.Series | None:
    """Return the column *name* of rows; None where the header has none."""
    if name not in header.names:
        return None
    place = header.names.index(name)
    apart = re.escape(header.separator)
    before = rf"(?:[^{apart}]*{apart}){{{place}}}" if place else ""
    return line.str.extract(rf"^{before}([^{apart}]*)")


def _epoch(line: pl.Series, header: Header) -> pl.Series:
    """Return the time of rows that bear seconds since the epoch, in ``ts`` or ``start``."""
    text = _pick(line, header, "ts" if "ts" in header.names else "start")
    if text is None:
        return pl.Series([None], dtype=FRAMED["time"]).new_from_index(0, len(line))
    seconds = text.cast(pl.Float64, strict=False)
    seconds = seconds.set(~((seconds > 0) & (seconds < _LAST_SECOND)).fill_null(False), None)
    return (seconds * 1_000_000).round().cast(pl.Int64).cast(FRAMED["time"])


def _clock(line: pl.Series, header: Header) -> pl.Series | None:
    """Return the wall clock of rows that bear ``date`` and ``time``; None for tables that have none."""
    if header.names[:2] == ("date", "time"):
        text = line.str.slice(0, 19).str.replace(header.separator, " ", literal=True)
    else:
        date, time = _pick(line, header, "date"), _pick(line, header, "time")
        if date is None or time is None:
            return None
        text = date + " " + time
    wall = text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    return wall.set((wall.dt.year() >= _LATEST_YEAR).fill_null(value=False), None)


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* is such a table."""
    lines = b"".join(transcode([head])).split(b"\n", _JUDGED)[:_JUDGED]
    reader = _Headers()
    for line in lines:
        text = line.decode("utf-8", "replace").strip("\r")
        if not text.strip():
            continue
        if _ZEEK.match(line.removeprefix(_MARK.encode())) or (reader.read(text) and reader.layout is not None):
            return 1.0
        if not text.removeprefix(_MARK).startswith("#"):
            return 0.0
    return 0.0


@dataclass(slots=True)
class _Headers:
    """What the header lines so far say."""

    layout: Layout | None = None
    separator: str = "\t"
    path: str = ""
    unset: str = "-"
    empty: str = "(empty)"
    utc: bool = False
    seen: dict[Layout, Layout] = field(default_factory=dict)
    overflowed: bool = False

    def read(self, line: str) -> bool:
        """Take note of *line*; return whether it is a header line."""
        line = line.removeprefix(_MARK)
        if line.startswith("#Fields: "):
            names = tuple(line[9:].split())
            firewall = {"action", "protocol", "src-ip", "dst-ip"} <= set(names)
            self._use(Layout(FIREWALL, Header(names), self.utc) if firewall else None)
        elif line.startswith("#Time Format: "):
            self.utc = line[14:].strip().upper() in {"UTC", "GMT"}
        elif (found := _SEPARATOR.match(line)) is not None:
            word = found[1]
            self.separator = chr(bytes.fromhex(word[2:])[0]) if len(word) > 1 else word
            self.path, self.unset, self.empty, self.layout = "", "-", "(empty)", None
        elif line.startswith("#"):
            key, _, rest = line.partition(self.separator)
            if key in ("#path", "#unset_field", "#empty_field"):
                setattr(self, {"#path": "path", "#unset_field": "unset", "#empty_field": "empty"}[key], rest)
            elif key == "#fields":
                names = tuple(rest.split(self.separator))
                self._use(Layout(ZEEK, Header(names, self.separator, self.path, self.unset, self.empty)))
        elif "srcaddr" in line and _is_flow_header(line):
            self._use(Layout(VPC, Header(tuple(line.split()))))
        else:
            return False
        return True

    def _use(self, layout: Layout | None) -> None:
        self.overflowed = layout is not None and layout not in self.seen and len(self.seen) >= _HEADERS
        if layout is None or self.overflowed or len(layout.header.names) > _COLUMNS:
            self.layout = None
        else:
            self.layout = self.seen.setdefault(layout, layout)


def _is_flow_header(line: str) -> bool:
    names = line.split()
    both = {"srcaddr", "pkt-srcaddr"} & set(names) and {"dstaddr", "pkt-dstaddr"} & set(names)
    return bool(both) and all(_FLOW_NAME.fullmatch(name) for name in names)


def read(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the rows of a file in batches; their numbers run on over the file."""
    headers = _Headers()
    number = 0
    for block in cut(chunks):
        batches = _block(read_lines(block), headers, number)
        number += sum(batch.read for batch in batches)
        yield from batches


def _block(lines: Lines, headers: _Headers, base: int) -> list[Batch]:
    """Return the rows of a block, those of one layout together."""
    text = lines.line.str.strip_chars_end("\r\n\0")
    begins = lines.raw[np.minimum(lines.bounds[:-1], len(lines.raw) - 1)] if len(text) else np.empty(0, np.uint8)
    special = (
        (begins == ord("#"))
        | text.str.starts_with(_MARK).to_numpy()
        | text.str.contains("srcaddr", literal=True).to_numpy()
        | (text.str.len_bytes() == 0).to_numpy()
    )
    parts: dict[Layout | None, list[tuple[int, int]]] = {}
    counted = ~special
    start = 0
    for place in [*np.flatnonzero(special).tolist(), len(text)]:
        if place > start:
            parts.setdefault(headers.layout, []).append((start, place))
        start = place + 1
        if place < len(text):
            line = text[place]
            if line and not headers.read(line):
                counted[place] = True
                parts.setdefault(headers.layout, []).append((place, place + 1))
    order = np.sort(np.concatenate([lines.number[counted], np.array([number for number, _ in lines.long], dtype=np.int64)]))

    def numbered(numbers: np.ndarray) -> np.ndarray:
        return np.searchsorted(order, numbers) + base + 1

    rejects = [RawReject(int(numbered(np.array([number]))[0]), offset, TOO_LONG, "") for number, offset in lines.long]
    strange: list[RawReject] = []
    batches: list[Batch] = []
    for layout, spans in parts.items():
        places = np.concatenate([np.arange(low, high) for low, high in spans])
        record, offset = numbered(lines.number[places]), lines.offset[places]
        part = text if len(places) == len(text) else text.gather(places)
        if layout is None:
            why = MANY if headers.overflowed else NO_HEADER
            strange += [RawReject(int(n), int(at), why, raw[:4096]) for n, at, raw in zip(record, offset, part.to_list(), strict=True)]
            continue
        rows = pl.DataFrame([pl.Series("record", record, dtype=pl.Int64), pl.Series("offset", offset, dtype=pl.Int64), part.alias("line")])
        batches.append(Batch(layout.frame(rows)))
    if rejects or strange:
        batches.append(Batch(pl.DataFrame(schema=FRAMED), rejects, strange=sorted(strange)))
    return batches


DEFAULT_FLOW = Layout(VPC, Header(FLOW_NAMES))
_DEFAULT_FIREWALL = {len(names): Layout(FIREWALL, Header(names)) for names in (FIREWALL_NAMES, (*FIREWALL_NAMES, "pid"))}


def take_flow(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of the lines (``record, offset, …, line``) that are rows of a VPC flow log in the default order, and the other lines."""
    row = lines["line"].str.extract(_FLOW_ROW)
    ours = row.is_not_null()
    taken = lines.filter(ours).select("record", "offset").with_columns(row.filter(ours).alias("line"))
    return DEFAULT_FLOW.frame(taken), lines.filter(~ours)


def take_firewall(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of the lines that are rows of the Windows Firewall's log in the usual order, and the other lines."""
    width = lines["line"].str.count_matches(" ", literal=True) + 1
    parts = [layout.frame(lines.filter(width == count).select("record", "offset", "line")) for count, layout in _DEFAULT_FIREWALL.items()]
    good = pl.concat(parts)
    good = good.filter(pl.col("local").is_not_null()).sort("record")
    return good, lines.join(good.select("record"), on="record", how="anti", maintain_order="left")
