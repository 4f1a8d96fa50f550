"""The way of one line: how it is framed and which source gets it, found with the very steps of a scan (:mod:`.decode`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from gatewatch.engines.mapping import claimed_lines, shapes, split_maps
from gatewatch.intake import audit, json_record, nested, windows_text
from gatewatch.intake.line import Block, read_lines
from gatewatch.intake.syslog import Framer
from gatewatch.schema.records import Framing
from gatewatch.sources.map import MapSource
from gatewatch.sources.registry import Source, split


@dataclass(frozen=True, slots=True)
class Route:
    """Where a line goes: its ``framing`` in words, the record (one row; None without framing), and the source that claims it (None: nobody).

    ``inner``: the record stands within the message of a collector's line, or is a forwarded Windows event.
    """

    framing: str
    record: pl.DataFrame | None
    source: Source | None
    inner: bool = False


def route(line: str, maps: Sequence[MapSource] = ()) -> Route:
    """Return the way of *line*."""
    data = line.encode("utf-8", "replace") + b"\n"
    block = Block(data, len(data), 0)
    if json_record.sniff(data) >= 0.5:
        for batch in json_record.frame_block(block, None, shapes(maps)):
            if batch.records.height:
                return _claimed(str(Framing.JSON), batch.records.head(1), maps)
        return Route(str(Framing.JSON), None, None)
    lines = read_lines(block)
    if not len(lines.line):
        return Route("none: longer than a record may be", None, None)
    mapped = claimed_lines(lines, maps)
    if mapped:
        return _claimed("none: a map of yours recognises the line", mapped[0], maps)
    framed = Framer().frame(lines)
    if framed.records.height:
        return _claimed(", ".join(framed.framings), framed.records, maps)
    if framed.left.height and framed.left["line"].str.contains(nested.AUDIT)[0]:
        return _claimed(str(Framing.AUDIT), audit.frame(framed.left), maps)
    return Route("none", None, None)


def _claimed(framing: str, record: pl.DataFrame, maps: Sequence[MapSource]) -> Route:
    own, others = split_maps(record, maps) if "event_id" not in record.columns else ([], record)
    claimed, nobodys = split(others)
    for source, frame in (*own, *claimed):
        # what the source does not know may still hold a record
        if "event_id" in frame.columns or not source.decode(frame, None).unrecognised.height:
            return Route(framing, frame, source)
    if nobodys.height and "event_id" not in nobodys.columns:
        events, _ = windows_text.frame(nobodys)
        for source, frame in split(events)[0] if events.height else []:
            return Route(framing, frame, source, inner=True)
    for inner in nested.frame(record)[0] if "event_id" not in record.columns else []:
        for source, frame in split(inner)[0]:
            return Route(framing, frame, source, inner=True)
    found = [*own, *claimed]
    return Route(framing, record, found[0][0] if found else None)
