r"""Data of many records, JSON objects of texts and whole numbers, as columns at once; what is not as plain as that is left to be decoded one by one.

The engine's own decoder takes many objects together and says little of each, so it is only asked where there can be no doubt: no value is anything
but a text or a whole number, no key that is asked for stands there twice, nothing is escaped by number, and no text can run on into the next.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

_ODD = r'[\x00-\x1f]|\\u[0-9a-fA-F]{4}|" *: *(?:[^"0-9 ]|0[0-9]|[0-9]{19}|[0-9]+[^0-9,}])'
_TOGETHER = 4096  # objects decoded in one call: they take several times their size meanwhile


def read_columns(texts: pl.Series, names: Sequence[str]) -> list[pl.Series] | None:
    """Return the values of the keys *names* in the objects *texts*, a column of text for each (null: not there); None where one is not plain.

    >>> [column.to_list() for column in read_columns(pl.Series(['{"a":"x","b":7}', None]), ["a", "b"])]
    [['x', None], ['7', None]]
    """
    if not names or not len(texts):
        return None
    shape = pl.Struct([pl.Field(name, pl.String) for name in names])
    asked = rf'"(?:{"|".join(map(re.escape, names))})" *:'
    parts = []
    for start in range(0, len(texts), _TOGETHER):
        part = _part(texts.slice(start, _TOGETHER).fill_null("{}").alias("t").to_frame(), shape, asked)
        if part is None:
            return None
        parts.append(part)
    return pl.concat(parts).get_columns()


def _part(table: pl.DataFrame, shape: pl.Struct, asked: str) -> pl.DataFrame | None:
    """Return the columns of some objects; *asked* finds the keys that are asked for."""
    text = pl.col("t")
    plain, keys = table.select(
        (text.str.starts_with("{") & text.str.ends_with("}") & ~text.str.contains(_ODD)).all().alias("plain"), text.str.count_matches(asked).sum()
    ).row(0)
    if not plain:
        return None
    try:
        # a line end is none within a text of JSON: an object that is not closed ends there
        found = table.select((text + "\n").str.json_decode(shape))["t"]
    except pl.exceptions.PolarsError:
        return None
    columns = found.struct.unnest()
    present = sum(column.len() - column.null_count() for column in columns)
    return columns if columns.height == table.height and keys == present else None  # else a key stands there twice
