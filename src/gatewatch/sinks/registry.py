"""The sinks there are, and delivery to where the user wants them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import polars as pl

from gatewatch.errors import UsageError
from gatewatch.schema.incidents import Scan
from gatewatch.schema.traces import Trace
from gatewatch.sinks import events_csv, events_jsonl, events_ocsf, events_parquet, table_access
from gatewatch.sinks.console import Console
from gatewatch.sinks.html import Html
from gatewatch.sinks.jsonl import Jsonl
from gatewatch.sinks.navigator import Navigator
from gatewatch.sinks.sink import Sink
from gatewatch.sinks.stix import Stix
from gatewatch.sinks.target import Target, binary, open_target, open_targets, text, wants_color, width_of
from gatewatch.sinks.timesketch import Timesketch
from gatewatch.sinks.trace import FORMATS, write_trace

SINKS: tuple[Sink, ...] = (Console(), Jsonl(), Timesketch(), Html(), Stix(), Navigator())
ACCESS_FORMATS = table_access.FORMATS
TRACE_FORMATS = FORMATS
EVENT_WRITERS: dict[str, Callable[[Iterator[pl.DataFrame], BinaryIO], None]] = {
    "jsonl": events_jsonl.write,
    "csv": events_csv.write,
    "parquet": events_parquet.write,
    "ocsf": events_ocsf.write,
}


def names() -> list[str]:
    """Return the formats of a scan: those of :data:`gatewatch.sinks.target.SCAN_FORMATS`."""
    return [sink.name for sink in SINKS]


def check_outputs(outputs: Sequence[str], choices: Sequence[str] | None = None) -> list[Target]:
    """Return the targets of *outputs*; raise :class:`UsageError` before any work is done when one cannot be written."""
    return open_targets(outputs, choices or names())


def deliver(scan: Scan, outputs: Sequence[str]) -> None:
    """Write *scan* to every output, files first, so that the terminal's last words are the summary."""
    by_name = {sink.name: sink for sink in SINKS}
    for target in sorted(check_outputs(outputs), key=lambda one: one.file is None):
        with text(target) as out:
            by_name[target.format].write(scan, out, color=wants_color(target, os.environ), width=width_of(target, os.environ))


def deliver_access(scan: Scan, output: str) -> None:
    """Write the access ledger of *scan*."""
    target = open_target(output, ACCESS_FORMATS)
    with text(target) as out:
        table_access.write_access(scan, target.format, out, color=wants_color(target, os.environ), width=width_of(target, os.environ))


def deliver_trace(trace: Trace, output: str) -> None:
    """Write *trace*."""
    target = open_target(output, TRACE_FORMATS)
    with text(target) as out:
        write_trace(trace, target.format, out, color=wants_color(target, os.environ), width=width_of(target, os.environ))


def deliver_events(frames: Iterator[pl.DataFrame], output: str) -> None:
    """Write *frames* of events; nothing is read from *frames* before the output is known to be writable."""
    target = open_target(output, tuple(EVENT_WRITERS))
    if target.format == "parquet" and target.file is None and sys.stdout.isatty():
        raise UsageError("parquet is no text; write it to a file: -o parquet:FILE")
    with binary(target) as out:
        write_events(frames, target.format, out)


def write_events(frames: Iterator[pl.DataFrame], form: str, out: BinaryIO) -> None:
    """Write *frames* of events as *form*: jsonl, csv, parquet or ocsf."""
    EVENT_WRITERS[form](frames, out)
