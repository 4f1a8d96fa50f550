"""Framed records: what text framings hand on, before the year of a stamp without one is known."""

from __future__ import annotations

import polars as pl

NAIVE = pl.Datetime("us")
DAY = 86_400

EAST = "east"
"""A column that records may have besides: seconds east of UTC of a wall clock that names its zone and not its year; ``pl.Int32``."""

FRAMED: dict[str, pl.DataType] = {
    "record": pl.Int64(),
    "offset": pl.Int64(),
    "time": pl.Datetime("us", "UTC"),  # where the stamp has year and zone
    "local": NAIVE,  # else the wall clock; in the year 2000 where ``rel`` is not null
    "rel": pl.Int16(),
    "resolution": pl.Int64(),  # microseconds
    "host": pl.String(),
    "program": pl.String(),
    "pid": pl.String(),
    "message": pl.String(),
    "count": pl.UInt32(),
    "fields": pl.String(),
}
