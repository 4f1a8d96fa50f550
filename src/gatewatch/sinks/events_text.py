"""Event columns as text, whole columns at a time: JSON members and CSV cells."""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.sinks.escape import FORMULA, SUSPECT, cell, json_line

ISO = "%Y-%m-%dT%H:%M:%S%.6fZ"
# characters that JSON leaves alone and a terminal does not
_STEERING = (
    r"[\x7f-\x{9f}\x{ad}\x{61c}\x{180e}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{feff}\x{fff9}-\x{fffb}\x{e0000}-\x{e007f}]"
)


def member(key: str, value: pl.Expr, *, bare: bool = False) -> pl.Expr:
    """Return ``"key":value`` for every row of *value*, null where *value* is null. A *bare* value (number, truth value) needs no quotes."""
    if bare:
        return pl.concat_str([pl.lit(f'"{key}":'), value.cast(pl.String)])
    encoded = pl.struct(value.alias(key)).struct.json_encode()
    # the braces of a one-member object are dropped
    return pl.when(value.is_not_null()).then(encoded.str.strip_prefix("{").str.strip_suffix("}"))


def is_bare(name: str) -> bool:
    """Return whether the event column *name* is written without quotes."""
    dtype = ev.DTYPES[name]
    return dtype.is_integer() or dtype == pl.Boolean or isinstance(dtype, pl.Duration)


def braces(members: list[pl.Expr]) -> pl.Expr:
    """Return one JSON object per row of the *members* that are not null."""
    return pl.concat_str([pl.lit("{"), pl.concat_str(members, separator=",", ignore_nulls=True), pl.lit("}")])


def safe_lines(lines: pl.Series) -> pl.Series:
    """Return JSON *lines* with the characters that steer a terminal as JSON escapes."""
    touched = lines.str.contains(_STEERING)
    if not touched.any():
        return lines
    repaired = [json_line(line) if bad else line for line, bad in zip(lines.to_list(), touched.to_list(), strict=True)]
    return pl.Series(lines.name, repaired, dtype=pl.String)


def plain(name: str) -> pl.Expr:
    """Return the event column *name* as JSON holds it: times as text in UTC, durations in microseconds."""
    dtype = ev.DTYPES[name]
    if dtype == ev.UTC:
        return pl.col(name).dt.strftime(ISO)
    if isinstance(dtype, pl.Duration):
        return pl.col(name).dt.total_microseconds()
    return pl.col(name)


def csv_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Return *frame* (the event table) as CSV holds it: lists joined by ``;``, texts escaped, cells that look like formulas quoted."""
    lists = [name for name, dtype in ev.DTYPES.items() if isinstance(dtype, pl.List)]
    flat = frame.with_columns(plain(name) for name in frame.columns).with_columns(pl.col(lists).list.join(";"))
    texts = [name for name, dtype in flat.schema.items() if dtype == pl.String and flat[name].null_count() < flat.height]
    return flat.with_columns(_cells(flat[name]) for name in texts)


def _cells(column: pl.Series) -> pl.Series:
    touched = column.str.contains(SUSPECT) | column.str.contains(FORMULA)
    if not touched.any():
        return column
    values = [cell(value) if bad else value for value, bad in zip(column.to_list(), touched.to_list(), strict=True)]
    return pl.Series(column.name, values, dtype=pl.String)
