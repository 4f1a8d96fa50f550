"""One grant of a Network Policy Server, told twice: 6272 (access) and 6278 (full access) of one request are one logon.

The server writes 6278 beside 6272 where health policies are in force (Network Access Protection). What was written of one user from one station
within :data:`WITHIN` is one request; a 6278 alone stays.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta

import polars as pl

from gatewatch.schema.events import ensure

GRANTED, FULLY = "nps-granted", "nps-granted-fully"
WITHIN = timedelta(seconds=5)
_SAME = ("host", "user", "user_domain", "src_ip", "zz_station", "zz_client")


def merge_grants(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* without the 6278 of a request that a 6272 tells; each of these takes one of those away. The order of the rows stays."""
    events = ensure(events, "host", "user", "user_domain", "src_ip", "extra", "time")
    pattern = events["pattern"].cast(pl.String)
    ours = pattern.is_in([GRANTED, FULLY]).fill_null(False) & events["time"].is_not_null()
    if not (pattern == FULLY).any():
        return events
    part = (
        events.with_row_index("zz_row")
        .filter(ours)
        .with_columns(
            pl.col("extra").str.json_path_match("$['CallingStationID']").alias("zz_station"),
            pl.col("extra").str.json_path_match("$['ClientIPAddress']").alias("zz_client"),
            (pl.col("pattern").cast(pl.String) == FULLY).alias("zz_fully"),
        )
        .sort("time", "zz_row")
    )
    waiting: dict[tuple[object, ...], list[datetime]] = {}
    gone: list[int] = []
    # few: logons of a VPN; each 6278 is matched with the nearest 6272 that no other has taken, whichever was written first
    for row in part.filter(~pl.col("zz_fully")).iter_rows(named=True):
        waiting.setdefault(tuple(row[name] for name in _SAME), []).append(row["time"])
    for row in part.filter(pl.col("zz_fully")).iter_rows(named=True):
        times = waiting.get(tuple(row[name] for name in _SAME), [])
        place = bisect_left(times, row["time"])
        near = min((at for at in (place - 1, place) if 0 <= at < len(times)), key=lambda at: abs(times[at] - row["time"]), default=None)
        if near is not None and abs(times[near] - row["time"]) <= WITHIN:
            del times[near]
            gone.append(row["zz_row"])
    return events.filter(~pl.int_range(pl.len(), dtype=pl.UInt32).is_in(gone)) if gone else events
