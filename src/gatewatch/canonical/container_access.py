"""Requests to container APIs: one access for each quarter of an hour, one event for each stream, however the log was cut into batches.

A source tells an access once for a batch and quarter of an hour (:mod:`gatewatch.sources.kubernetes_audit`), and the beginning and the end
of a stream may come in different batches. Here the first of each stays.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, ensure

ACCESS = ("api-access", "anonymous-access", "kubelet-access")
QUARTER = "15m"
_SOURCE = "kubernetes-"
_STREAMS = (str(Kind.CONTAINER_EXEC), str(Kind.PORT_FORWARD))


def merge_requests(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* without repeated accesses and without the second report of a stream; the rows that stay keep their order."""
    events = ensure(events, "host", "user", "user_domain", "src_ip", "session", "extra", "time")
    ours = events["source"].cast(pl.String).str.starts_with(_SOURCE).fill_null(False)
    if not ours.any():
        return events
    numbered = events.with_row_index("zz_row")
    part = numbered.filter(ours)
    agent = pl.col("extra").str.json_path_match("$['userAgent']")
    access = part.filter(pl.col("pattern").cast(pl.String).is_in(ACCESS)).with_columns(
        agent.alias("zz_agent"), pl.col("time").dt.truncate(QUARTER).alias("zz_quarter")
    )
    told = access.sort("time", "zz_row").unique(
        ["host", "pattern", "user", "user_domain", "src_ip", "zz_agent", "zz_quarter"], keep="first", maintain_order=True
    )
    streams = part.filter(pl.col("kind").cast(pl.String).is_in(_STREAMS)).with_columns(
        pl.col("extra").str.json_path_match("$['auditID']").alias("zz_audit")
    )
    streams = streams.filter(pl.col("zz_audit").is_not_null())
    begun = streams.sort("time", "zz_row").unique(["host", "zz_audit"], keep="first", maintain_order=True)
    gone = pl.concat([access["zz_row"], streams["zz_row"]]).to_frame().join(
        pl.concat([told["zz_row"], begun["zz_row"]]).to_frame(), on="zz_row", how="anti"
    )
    return numbered.join(gone, on="zz_row", how="anti", maintain_order="left").drop("zz_row") if gone.height else events
