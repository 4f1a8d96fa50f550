"""Parquet: the event table as gatewatch writes it, and OCSF events as security lakes keep them.

A Parquet file is told by its first bytes and read in stretches of rows, from the disk: one that comes out of an archive or a pipe is written to a
temporary file first, for its directory stands at its end. The columns say what it is: those of the event table (``kind``, ``source``, ``pattern``)
come out as they are, beside those of a record; rows with a ``class_uid`` become JSON objects, as if they had been lines. A record's offset is its
row.

References: https://parquet.apache.org/docs/file-format/
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl

from gatewatch.intake.batch import Batch, RawReject, empty_records
from gatewatch.schema.events import DTYPES, UTC
from gatewatch.schema.records import RECORD_DTYPES

MAGIC = b"PAR1"
OWN = "gatewatch"  # the program of rows of the event table
OCSF = "ocsf"
BROKEN = "broken Parquet"
UNKNOWN = "Parquet whose columns are neither OCSF nor gatewatch's events"
ROWS = 100_000  # rows that are held together
_PLACE = ("file", "record", "offset", "stream", "position")  # where the events stood in the logs they come from
_LEARNT = (
    *("site", "scope", "country", "asn", "as_org", "place_radius_km", "anonymizer", "known", "known_by", "off_hours"),
    *("origin_ip", "origin_session", "hop", "hop_confidence"),
)
"""What is found out anew in every scan."""
_TELLING = frozenset({"kind", "source", "pattern", "time"})
_FAULTS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
# the parts of an OCSF event that its source looks at
_OCSF_COLUMNS = (
    *("class_uid", "activity_id", "activity_name", "type_uid", "status_id", "status", "status_code", "status_detail", "time", "time_dt", "message"),
    *("metadata", "user", "actor", "src_endpoint", "dst_endpoint", "device", "session", "auth_protocol", "auth_protocol_id", "is_mfa", "is_remote"),
    *("logon_type", "logon_type_id", "service", "process", "file", "api", "unmapped", "count", "traffic", "user_result", "http_request", "resources"),
    *("disposition_id", "action_id", "group", "privileges", "is_cleartext", "certificate", "connection_info", "share", "resource", "job", "name"),
)


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* is Parquet."""
    return 1.0 if head.startswith(MAGIC) else 0.0


def read(chunks: Iterable[bytes], path: Path) -> Iterator[Batch]:
    """Yield the rows of a file; *path* is read itself where it is the file, else *chunks*, which are what it unpacks to."""
    if _is_plain(path):
        yield from _rows(path)
        return
    with tempfile.NamedTemporaryFile(prefix="gatewatch-", suffix=".parquet") as copy:
        for chunk in chunks:
            copy.write(chunk)
        copy.flush()
        yield from _rows(Path(copy.name))


def _is_plain(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return path.is_file() and handle.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def _rows(path: Path) -> Iterator[Batch]:
    done = 0
    try:
        table = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        schema = dict(table.collect_schema())
        wanted = _wanted(schema)
        if wanted is None:
            yield Batch(empty_records(), strange=[RawReject(1, 0, UNKNOWN, ", ".join(schema))])
            return
        table = table.select(wanted)
        total = int(table.select(pl.len()).collect().item())
        while done < total:
            part = table.slice(done, ROWS).collect()
            frame = _own(part, done) if _TELLING.issubset(wanted) else _objects(part, done)
            done += part.height
            yield Batch(frame)
    except _FAULTS as error:
        yield Batch(empty_records(), [RawReject(done + 1, done, BROKEN, str(error).split("\n", 1)[0])])


def _wanted(schema: Mapping[str, pl.DataType]) -> list[str] | None:
    """Return the columns to read, None where they are of no table we know."""
    if _TELLING.issubset(schema):
        return [name for name in DTYPES if name in schema and name not in _PLACE and name not in _LEARNT]
    return [name for name in _OCSF_COLUMNS if name in schema] if "class_uid" in schema else None


def _own(part: pl.DataFrame, done: int) -> pl.DataFrame:
    """Return rows of the event table as records that have its columns; what is none of a column's values is null."""
    return part.select(_as(name, dtype) for name, dtype in part.schema.items()).with_columns(_place(part.height, done, OWN, part.columns))


def _as(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column as the event table has it."""
    column, wanted = pl.col(name), DTYPES[name]
    if dtype == wanted:
        return column
    if dtype.is_nested() or wanted.is_nested():
        return pl.lit(None, wanted).alias(name)
    if wanted == UTC and dtype == pl.String:
        return column.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    if isinstance(wanted, pl.Enum):
        column = column.cast(pl.String, strict=False)
    return column.cast(wanted, strict=False)


def _objects(part: pl.DataFrame, done: int) -> pl.DataFrame:
    """Return OCSF rows as JSON objects."""
    times = [name for name, dtype in part.schema.items() if isinstance(dtype, pl.Datetime)]
    part = part.with_columns(pl.col(times).dt.epoch("ms"))
    fields = part.select(pl.struct(pl.all()).struct.json_encode().alias("fields"))
    return fields.with_columns(_place(part.height, done, OCSF, ["fields"])).select(list(RECORD_DTYPES))


def _place(height: int, done: int, program: str, present: list[str]) -> list[pl.Expr]:
    """Return the columns of a record that rows lack."""
    number = pl.int_range(done, done + height, dtype=pl.Int64)
    given = {"record": number + 1, "offset": number, "program": pl.lit(program)}
    if program != OWN:
        given["count"] = pl.lit(1, pl.UInt32)
    return [
        given.get(name, pl.lit(None, dtype)).cast(dtype).alias(name) for name, dtype in RECORD_DTYPES.items() if name in given or name not in present
    ]
