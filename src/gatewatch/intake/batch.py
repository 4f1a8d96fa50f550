"""Batches: what every framing yields, records as a frame and what could not be one as rejects."""

from __future__ import annotations

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

    ``records``: exactly the columns of :data:`gatewatch.schema.records.RECORD_DTYPES`, in file order; ``rejects``: the records of the same
    stretch that could not be read; ``read``: how many records the stretch held. ``records`` and ``rejects`` add up to ``read``.
    """

    records: pl.DataFrame
    rejects: list[RawReject] = field(default_factory=list)
    read: int = -1

    def __post_init__(self) -> None:
        if self.read < 0:
            self.read = self.records.height + len(self.rejects)


def empty_records() -> pl.DataFrame:
    """Return a frame without rows that has the columns of a batch."""
    return pl.DataFrame(schema=RECORD_DTYPES)


def raw_text(data: bytes | bytearray | memoryview) -> str:
    """Return the beginning of *data* as text for a reject: what is no UTF-8 and every NUL is replaced."""
    return bytes(data[: 4 * RAW_CAP]).decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")[:RAW_CAP]
