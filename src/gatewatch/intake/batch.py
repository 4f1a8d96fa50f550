"""Batches: what every framing yields, records as a frame and what could not be one as rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from gatewatch.schema.records import RECORD_DTYPES

RAW_CAP = 4096  # characters of a rejected record that are kept


class RawReject(NamedTuple):
    """A record that could not be read: its 1-based number, its byte offset, why, and its first :data:`RAW_CAP` characters."""

    record: int
    offset: int
    reason: str
    raw: str


@dataclass(slots=True)
class Batch:
    """Consecutive records of one file or member.

    ``records``: exactly the columns of :data:`gatewatch.schema.records.RECORD_DTYPES` or of ``WINDOWS_DTYPES``, in file order; ``rejects``: the
    records of the same stretch that could not be read; ``strange``: those that are sound but of no kind we know; ``skipped``: how many records of
    a Windows log, by channel and event id, nobody was interested in; ``copied``: how many stand in a part that was read before, elsewhere;
    ``read``: how many records the stretch held: all of these together. ``jumps``: where the clock went back, as (record, before, after);
    ``problems``: what the reader must know of the file. ``apart``: more records of a Windows log, each frame of one channel and event id: of their
    data those that are asked for stand in columns of text (``x_`` and the name of the datum), and ``fields`` is null.
    """

    records: pl.DataFrame
    rejects: list[RawReject] = field(default_factory=list)
    read: int = -1
    strange: list[RawReject] = field(default_factory=list)
    skipped: Counter[tuple[str, int]] = field(default_factory=Counter)
    copied: int = 0
    jumps: list[tuple[int, str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    apart: list[pl.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.read < 0:
            self.read = self.records.height + sum(frame.height for frame in self.apart)
            self.read += len(self.rejects) + len(self.strange) + self.skipped.total() + self.copied


def joined(blocks: Sequence[Sequence[Batch]]) -> list[Batch]:
    """Return the batches of *blocks*, each of which numbers its records from 1, as few: one for each shape of records, numbered through."""
    groups: dict[tuple[str, ...], list[tuple[Batch, int]]] = {}
    base = 0
    for batches in blocks:
        for batch in batches:
            groups.setdefault(tuple(batch.records.columns), []).append((batch, base))
        base += sum(batch.read for batch in batches)
    return [_join(parts) for parts in groups.values()]


def gathered(batches: Sequence[Batch]) -> Batch:
    """Return *batches* of one file, the records of which are numbered through, as one."""
    apart: dict[tuple[str, int], list[pl.DataFrame]] = {}
    for batch in batches:
        for frame in batch.apart:
            apart.setdefault((frame["channel"][0], frame["event_id"][0]), []).append(frame)
    frames = [batch.records for batch in batches if batch.records.height] or [batches[0].records]
    return Batch(
        pl.concat(frames),
        [one for batch in batches for one in batch.rejects],
        strange=[one for batch in batches for one in batch.strange],
        skipped=sum((batch.skipped for batch in batches), Counter()),
        copied=sum(batch.copied for batch in batches),
        jumps=[jump for batch in batches for jump in batch.jumps],
        problems=[what for batch in batches for what in batch.problems],
        apart=[pl.concat(parts) for parts in apart.values()],
    )


def _join(parts: Sequence[tuple[Batch, int]]) -> Batch:
    def moved(rejects: Sequence[RawReject], base: int) -> list[RawReject]:
        return [one._replace(record=one.record + base) for one in rejects]

    records = [batch.records.with_columns(pl.col("record") + base) if base and batch.records.height else batch.records for batch, base in parts]
    return Batch(
        pl.concat(records) if len(records) > 1 else records[0],
        [one for batch, base in parts for one in moved(batch.rejects, base)],
        strange=[one for batch, base in parts for one in moved(batch.strange, base)],
        skipped=sum((batch.skipped for batch, _ in parts), Counter()),
        copied=sum(batch.copied for batch, _ in parts),
        jumps=[(record + base, before, after) for batch, base in parts for record, before, after in batch.jumps],
        problems=[what for batch, _ in parts for what in batch.problems],
    )


def empty_records() -> pl.DataFrame:
    """Return a frame without rows that has the columns of a batch."""
    return pl.DataFrame(schema=RECORD_DTYPES)


def raw_text(data: bytes | bytearray | memoryview) -> str:
    """Return the beginning of *data* as text for a reject: what is no UTF-8 and every NUL is replaced."""
    return bytes(data[: 4 * RAW_CAP]).decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")[:RAW_CAP]
