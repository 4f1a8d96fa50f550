"""Records within records: what a collector sent on under a tag of its own, a whole line or a JSON object of another log.

``<13>Jan  5 12:00:01 relay01 files: Jan  5 12:00:00 gate01 sshd[4711]: Failed password …``
``Jan  5 12:00:01 relay01 app: {"eventType":"user.session.start","published":"2026-01-05T12:00:00.000Z",…}``

The message is read as a line of a file would be. A record of the inner line has its own time, host, program and pid; where it bears no time at
all, the collector's counts. Its host is never the collector's. Only messages that nobody claims are tried, once, and only such as begin like a
record: what somebody who logs on chooses stands later in a message. A record without a program whose whole message is one of sshd's is a line of
sshd: containers' own, whose runtime writes no more than a stamp.
"""

from __future__ import annotations

import polars as pl

from gatewatch.intake import audit
from gatewatch.intake.json_record import frame_texts
from gatewatch.intake.json_shape import Interest
from gatewatch.intake.line import Block, read_lines
from gatewatch.intake.nested_line import AUDIT, BARE_SSHD, BEGINS
from gatewatch.intake.syslog import Framer

__all__ = ["AUDIT", "frame"]

_HALF = 183  # days


def frame(records: pl.DataFrame, interest: Interest | None = None) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """Return the records within the messages of *records*, by their columns, and those of *records* that hold none.

    *records* are framed or have their instant; none is of the Windows event log. A message that becomes no record stays what it is.
    """
    message = pl.col("message")
    bare = pl.col("program").is_null() & message.str.contains(BARE_SSHD)
    begins = (message.str.contains(BEGINS) | message.str.contains(AUDIT) | bare) & ~message.str.contains("\n")
    mask = records.select(begins.fill_null(False).alias("m"))["m"]
    if not mask.any():
        return [], records
    outer = records.filter(mask).with_columns(pl.when(bare).then(pl.lit("sshd: ") + message).otherwise(message).alias("message"))
    found: list[pl.DataFrame] = []
    objects = outer.select(message.str.starts_with("{").alias("o"))["o"]
    if objects.any():
        found += frame_texts(outer.filter(objects).select("record", "message"), interest)
    if not objects.all():
        found += _lines(outer.filter(~objects))
    found = [_within(inner, outer) for inner in found if inner.height]
    if not found:
        return [], records
    taken = pl.concat([inner.select("record") for inner in found])
    return found, records.join(taken, on="record", how="anti", maintain_order="left")


def _lines(outer: pl.DataFrame) -> list[pl.DataFrame]:
    """Read the messages as the lines of a file; ``record`` is that of *outer*."""
    data = "\n".join(outer["message"].to_list()).encode() + b"\n"
    framed = Framer().frame(read_lines(Block(data, len(data), 0)))
    numbers = pl.DataFrame({"record": pl.int_range(1, outer.height + 1, dtype=pl.Int64, eager=True), "outer": outer["record"]})
    found = [framed.records]
    if framed.left.height:
        audited = framed.left.filter(pl.col("line").str.contains(AUDIT))
        found += [audit.frame(audited)] if audited.height else []
    back = [one.join(numbers, on="record", how="left", maintain_order="left") for one in found if one.height]
    return [one.with_columns(pl.col("outer").alias("record")).drop("outer") for one in back]


def _within(inner: pl.DataFrame, outer: pl.DataFrame) -> pl.DataFrame:
    """Give *inner* records the place of their outer ones, and their time where they bear none."""
    stamps = [name for name in ("time", "local", "rel", "resolution", "time_err", "time_basis") if name in outer.columns and name in inner.columns]
    around = outer.select("record", pl.col("offset").alias("zz_offset"), *(pl.col(name).alias(f"zz_{name}") for name in stamps))
    joined = inner.join(around, on="record", how="left", maintain_order="left")
    # a document says when it happened, or its source rejects it; "local" tells framed lines from those
    timeless = pl.lit(value=False)
    if "local" in inner.columns and "event_id" not in inner.columns:
        timeless = pl.col("time").is_null() & pl.col("local").is_null()
    if "local" in inner.columns and "time" in outer.columns:
        joined = _dated(joined, outer)
    return joined.with_columns(
        pl.col("zz_offset").alias("offset"),
        *(pl.when(timeless).then(f"zz_{name}").otherwise(name).alias(name) for name in stamps),
    ).select(inner.columns)


def _dated(joined: pl.DataFrame, outer: pl.DataFrame) -> pl.DataFrame:
    """Give the stamps of *joined* that have no year the one nearest to the collector's instant, where that is known."""
    moments = outer.select("record", pl.col("time").dt.replace_time_zone(None).alias("zz_then"))
    joined = joined.join(moments, on="record", how="left", maintain_order="left")
    mask = pl.col("rel").is_not_null() & pl.col("local").is_not_null() & pl.col("zz_then").is_not_null()
    if joined.select(mask.any()).item():
        ahead = pl.col("local").dt.ordinal_day().cast(pl.Int32) - pl.col("zz_then").dt.ordinal_day().cast(pl.Int32)
        year = pl.col("zz_then").dt.year() - (ahead > _HALF).cast(pl.Int32) + (ahead < -_HALF).cast(pl.Int32)
        leap = (pl.col("local").dt.month() == 2) & (pl.col("local").dt.day() == 29)
        never = leap & ~pl.date(year, 1, 1).dt.is_leap_year()  # a 29 February of no such year keeps its stamp as it is
        day = pl.col("local") - pl.when(never).then(pl.duration(days=1)).otherwise(pl.duration(days=0))
        mask &= ~never
        joined = joined.with_columns(
            pl.when(mask).then(day.dt.replace(year=year)).otherwise("local").alias("local"), pl.when(mask).then(None).otherwise("rel").alias("rel")
        )
    return joined.drop("zz_then")
