"""Maps of the user, ready for a scan: loaded, and held against their own samples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from gatewatch.errors import UsageError
from gatewatch.intake.line import Lines
from gatewatch.intake.map_shape import MapShape
from gatewatch.schema.mapping import MapForm, MapSample
from gatewatch.schema.records import RECORD_DTYPES
from gatewatch.site.map_file import load_maps, written
from gatewatch.sources.map import MapSource

_HEADER = datetime(2000, 1, 1, tzinfo=UTC)  # what stands for the header's time in samples of maps that leave it to the header


def load_sources(paths: Sequence[str]) -> tuple[MapSource, ...]:
    """Return the sources that the map files *paths* describe. UsageError with file and line, when one is wrong or a sample becomes something else."""
    sources = tuple(MapSource(spec) for path in paths for spec in load_maps(path))
    names: set[str] = set()
    wrong: list[str] = []
    for source in sources:
        if source.name in names:
            wrong.append(f"{source.spec.path}:{source.spec.line}: there are two maps {source.spec.name!r}")
        names.add(source.name)
        wrong += [
            f"{source.spec.path}:{sample.line}: {fault}" for sample in source.spec.samples for fault in _judge(source, sample, sources)
        ]  # fmt: skip
    if wrong:
        raise UsageError("\n".join(wrong))
    return sources


def shapes(sources: Sequence[MapSource]) -> tuple[MapShape, ...]:
    """Return the shapes of those of *sources* whose records are JSON objects."""
    return tuple(MapShape(source.name, source.spec.recognise) for source in sources if source.spec.form is MapForm.JSON)


def _judge(source: MapSource, sample: MapSample, sources: Sequence[MapSource]) -> list[str]:
    """Return what is wrong with what becomes of a sample."""
    text = pl.Series([sample.raw])
    first = next((other for other in sources if _place(other) == _place(source) and other.claims(text)[0]), None)
    if first is not source:
        return [f"sample: is not recognised by {source.name}" if first is None else f"sample: {first.name} recognises it first"]
    row = dict.fromkeys(RECORD_DTYPES) | {"record": 1, "offset": 0, "count": 1, "message": sample.raw, "fields": sample.raw}
    row["time"] = None if source.spec.time.field else _HEADER
    outcome = source.decode(pl.DataFrame([row], schema=RECORD_DTYPES))
    if outcome.rejected.height:
        return [f"sample: is rejected: {outcome.rejected['reason'][0]}"]
    if not outcome.events.height:
        return [] if sample.ignore else [f"sample: is ignored: {', '.join(outcome.ignored)}"]
    event = outcome.events.row(0, named=True)
    if sample.ignore:
        return [f"sample: is not ignored but becomes {event['kind']}"]
    faults = []
    for column, wanted in sample.expect.items():
        found = _found(event, column, wanted)
        if found is not None:
            faults.append(f"sample: {column} is {found}, not {wanted}")
    return faults


def _place(source: MapSource) -> tuple[bool, str | None]:
    """Return where the records of a map are looked for: among objects, among lines, or in the messages of a program."""
    return source.spec.form is MapForm.JSON, source.spec.program


def _found(event: dict[str, Any], column: str, wanted: str) -> str | None:
    """Return what *column* of the event is where that is not what is *wanted*."""
    if column == "time":
        moment = event["time"] or event["local"]
        try:
            expected = datetime.fromisoformat(wanted)
        except ValueError:
            return f"{moment} and no time stands here"
        if event["time"] is not None and expected.tzinfo is None:
            expected = expected.replace(tzinfo=UTC)
        if event["time"] is None and expected.tzinfo is not None:
            return f"{moment} without a zone"
        return None if expected == moment else written(moment)
    value = json.loads(event.get("extra") or "{}").get(column[6:]) if column.startswith("extra.") else event.get(column)
    found = "null" if value is None else written(value)
    return None if found == wanted else found


def claimed_lines(lines: Lines, sources: Sequence[MapSource]) -> list[pl.DataFrame]:
    """Return the lines that maps recognise as records, a frame for each map."""
    found: list[pl.DataFrame] = []
    frame: pl.DataFrame | None = None
    for source in sources:
        if source.spec.form is MapForm.JSON or source.spec.program is not None:
            continue
        if frame is None:
            frame = lines.frame().select("record", "offset", pl.col("line").str.strip_chars_end("\r\n\0 \t").alias("message"))
        mine = source.claims(frame["message"])
        if mine.any():
            found.append(_records(frame.filter(mine), source.name))
            frame = frame.filter(~mine)
    return found


def without(records: pl.DataFrame, taken: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return *records* but those that were *taken*."""
    return records.join(pl.concat([part.select("record") for part in taken]), on="record", how="anti", maintain_order="left") if taken else records


def split_maps(records: pl.DataFrame, sources: Sequence[MapSource]) -> tuple[list[tuple[MapSource, pl.DataFrame]], pl.DataFrame]:
    """Return the records of each map, by program and, where a map names a program of syslog, by text; and the others."""
    found: list[tuple[MapSource, pl.DataFrame]] = []
    for source in sources:
        mine = records["program"] == (source.spec.program or source.name)
        if source.spec.program is not None:
            mine &= source.claims(records["message"])
        mine = mine.fill_null(value=False)
        if mine.any():
            found.append((source, records.filter(mine)))
            records = records.filter(~mine)
    return found, records


def _records(lines: pl.DataFrame, program: str) -> pl.DataFrame:
    """Return *lines* (``record, offset, message``) as records of *program*."""
    made = {"program": pl.lit(program), "count": pl.lit(1, pl.UInt32)}
    made |= {name: pl.col(name) for name in lines.columns}
    return lines.select(made.get(name, pl.lit(None, dtype)).cast(dtype).alias(name) for name, dtype in RECORD_DTYPES.items())
