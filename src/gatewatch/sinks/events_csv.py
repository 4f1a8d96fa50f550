"""Events as CSV: every column of the event table, in its order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.sinks.events_text import csv_frame


def write(frames: Iterator[pl.DataFrame], out: BinaryIO) -> None:
    """Write the header and *frames* in order."""
    out.write((",".join(ev.NAMES) + "\n").encode())
    for frame in frames:
        if frame.height:
            csv_frame(ev.complete(frame)).write_csv(out, include_header=False)
