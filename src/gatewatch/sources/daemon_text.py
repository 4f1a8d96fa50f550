"""Sources of daemons that write a line of text whose fields must be read one by one: few lines matter, the others are never taken apart."""

from __future__ import annotations

from collections.abc import Callable, Collection
from re import Pattern

import polars as pl

from gatewatch.schema.events import UTC, Kind, Service
from gatewatch.sources.document import DocumentSource, Made
from gatewatch.sources.header_time import stamped
from gatewatch.sources.pattern import Outcome, rows_left

_CARRIED = ("record", "time", "local", "rel", "resolution", "time_err", "time_basis", "received")


class _Lines:
    """Hands a line on as it is, where a source of JSON would decode it."""

    def decode(self, line: str) -> str:
        return line


class _Plain(DocumentSource):
    """A source of lines instead of JSON."""

    def __init__(self, name: str, title: str, programs: tuple[str, ...], read: Callable[[str], Made], service: Service | None) -> None:
        super().__init__(name=name, title=title, programs=programs, read=read, service=service, timeless=True)
        self._decoder = _Lines()  # type: ignore[assignment]


class DaemonText:
    """The source of one daemon's text.

    ``busy``: a linear-time regex that lines must fit to matter; ``known``: one that every line of the daemon fits, told of those ignored by
    ``idle``. ``read``: what a busy line means, as :class:`gatewatch.sources.document.DocumentSource` has it; the time is that of the record, unless
    ``own_time`` is a regex whose group finds an ISO time with a zone in the line: that has a year, which the header may lack.
    """

    def __init__(
        self,
        *,
        name: str,
        title: str,
        programs: tuple[str, ...],
        busy: str,
        known: str,
        idle: str,
        read: Callable[[str], Made],
        references: tuple[str, ...],
        service: Service | None,
        own_time: str = "",
    ) -> None:
        self.name = name
        self.title = title
        self.programs = programs
        self.own_time = own_time
        self.references = references
        self.service = service
        self.busy = busy
        self.known = known
        self.idle = idle
        self._inner = _Plain(name, title, programs, read, service)

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records* whose ``message`` is a line of ours. Kinds outside *wanted* are recognised and make no events."""
        text = records["message"].fill_null("")
        busy = text.str.contains(self.busy)
        known = busy | text.str.contains(self.known)
        lines = records.filter(busy).with_columns(pl.col("message").alias("fields"))
        if self.own_time and lines.height:
            lines = _own(lines, self.own_time)
        outcome = self._inner.decode(lines, wanted, apart)
        idle = int((known & ~busy).sum())
        if idle:
            outcome.ignored = dict(sorted({**outcome.ignored, self.idle: outcome.ignored.get(self.idle, 0) + idle}.items()))
        outcome.unrecognised = rows_left(records.filter(~known))
        if outcome.events.height:
            outcome.events = self._placed(outcome.events, lines)
        return outcome

    def _placed(self, events: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
        """Give *events* the times, the host and the weight of their records."""
        carried = lines.select(*[name for name in _CARRIED if name in lines.columns], "host", pl.col("count").alias("zz_count"))
        kept = events.drop([name for name in (*_CARRIED[1:], "host", "observer") if name in events.columns])
        joined = kept.join(carried, on="record", how="left", maintain_order="left")
        return joined.with_columns((pl.col("count") * pl.col("zz_count")).alias("count"), pl.col("host").alias("observer")).drop("zz_count")


def _own(lines: pl.DataFrame, regex: str) -> pl.DataFrame:
    """Return *lines* with the time their text bears, where it does."""
    text = pl.col("message").str.extract(regex)
    time = text.str.replace(r"(\.[0-9]{6})[0-9]+", "$1").str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    own = pl.when(time.is_not_null()).then(pl.when(text.str.contains(".", literal=True)).then(1).otherwise(1_000_000))
    columns = [
        time.cast(UTC).cast(pl.Int64).alias("own_time"),
        pl.lit(None, pl.Int64).alias("own_local"),
        own.cast(pl.Int64).alias("own_resolution"),
    ]
    return stamped(lines.with_columns(columns), near=False)


def pairs(line: str, quoted: Pattern[str]) -> dict[str, str | None]:
    """Return the ``key=value`` pairs of *line* that the regex *quoted* finds, unquoted; a key that contradicts itself is null."""
    found: dict[str, str | None] = {}
    for match in quoted.finditer(line):
        key, value = match[1], match[2]
        if value.startswith('"') and value.endswith('"') and len(value) > 1:
            value = _unquoted(value[1:-1])
        if key in found and found[key] != value:
            value = None
        found[key] = value
    return found


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def _unquoted(value: str) -> str:
    if "\\" not in value:
        return value
    made, rest = [], iter(value)
    for char in rest:
        if char == "\\":
            after = next(rest, "")
            made.append(_ESCAPES.get(after, after if after in {'"', "\\"} else f"\\{after}"))
        else:
            made.append(char)
    return "".join(made)
