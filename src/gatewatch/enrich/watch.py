"""The watch list: accepted logons whose address, user or host somebody watches say so in ``extra.watch``, with the reason that was given.

An entry counts while it is in force at the time of the event. What is done with it is a rule's matter (``watch-listed-success``).
"""

from __future__ import annotations

from datetime import datetime

import msgspec
import polars as pl

from gatewatch.schema.events import Kind, ensure
from gatewatch.site.model import Site

KEY = "watch"


def mark_watched(events: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Return *events* with ``extra.watch`` on the accepted logons that the watch list of *site* names; the rows and their order stay."""
    if not site.watch:
        return events
    events = ensure(events, "extra", "src_ip", "user", "host")
    logons = (events["kind"].cast(pl.String) == str(Kind.AUTH_SUCCESS)).fill_null(False) & events["time"].is_not_null()
    rows = logons.arg_true()
    columns = events.select("src_ip", "user", "host", "time", "extra")[rows]
    marked: list[tuple[int, str]] = []
    for row, (address, user, host, time, extra) in zip(rows.to_list(), columns.iter_rows(), strict=True):
        why = _why(site, address, user, host, time)
        if why is not None:
            marked.append((row, _with(extra, why)))
    if not marked:
        return events
    made = pl.DataFrame(marked, schema={"zz_at": pl.UInt32, "zz_extra": pl.String}, orient="row")
    joined = events.with_row_index("zz_at").join(made, on="zz_at", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("zz_extra", "extra").alias("extra")).drop("zz_at", "zz_extra")


def _why(site: Site, address: str | None, user: str | None, host: str | None, time: datetime) -> str | None:
    entry = site.watching(address, user, host, time)
    return entry.why if entry is not None else None


def _with(extra: str | None, why: str) -> str:
    try:
        values = msgspec.json.decode(extra) if extra else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        values = {}
    return msgspec.json.encode({**(values if isinstance(values, dict) else {}), KEY: why}).decode()
