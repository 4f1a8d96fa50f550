"""Events as JSON lines: one event per line, absent values left out, durations in microseconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.sinks.events_text import braces, is_bare, member, plain, safe_lines


def write(frames: Iterator[pl.DataFrame], out: BinaryIO) -> None:
    """Write *frames* (any subset of the event columns) in order."""
    for frame in frames:
        names = [name for name in ev.NAMES if name in frame.columns and frame[name].null_count() < frame.height]
        if not names:
            continue
        lines = frame.select(braces([member(name, plain(name), bare=is_bare(name)) for name in names]).alias("line"))["line"]
        out.write(("\n".join(safe_lines(lines)) + "\n").encode())
