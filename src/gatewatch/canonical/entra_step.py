"""Sign-ins to Entra ID that were interrupted and then went on: the interruption is a step of the logon, no stop.

Entra writes a record of its own when it asks for a second factor (50074, 50076), for its enrolment (50072, 50079, 50203) or whether to stay signed
in (50140), and another under the same ``correlationId`` once that is answered; so does Microsoft 365's audit log. Only an interruption that was
never answered means that somebody who knows the password was stopped.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, ensure

STEPS = ("stopped-mfa-required", "stopped-mfa-enrolment", "stopped-stay-signed-in")
LASTS = pl.duration(hours=1)  # a correlation outlives its logon in some clients


def steps_as_connections(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* with the kind ``connection`` for interruptions that the same user's success answered within the hour."""
    events = ensure(events, "extra", "user", "time", "pattern")
    ours = events["source"].cast(pl.String).is_in(["entra-signin", "m365"]).fill_null(value=False)
    if not ours.any():
        return events
    numbered = events.with_row_index("zz_row")
    part = numbered.filter(ours).with_columns(pl.col("extra").str.json_path_match("$.correlationId").alias("zz_flow"))
    part = part.filter(pl.col("zz_flow").is_not_null() & pl.col("user").is_not_null() & pl.col("time").is_not_null())
    asked = part.filter((pl.col("kind").cast(pl.String) == str(Kind.AUTH_STOPPED)) & pl.col("pattern").cast(pl.String).is_in(STEPS))
    let_in = part.filter(pl.col("kind").cast(pl.String) == str(Kind.AUTH_SUCCESS))
    key = ["zz_flow", "user"]
    both = asked.select(*key, "zz_row", "time").join(let_in.select(*key, pl.col("time").alias("zz_in")), on=key)
    answered = both.filter((pl.col("zz_in") >= pl.col("time")) & (pl.col("zz_in") - pl.col("time") <= LASTS))["zz_row"].unique()
    if not len(answered):
        return events
    kind = pl.lit(str(Kind.CONNECTION)).cast(events["kind"].dtype)
    answer = pl.col("zz_row").is_in(answered.implode())
    return numbered.with_columns(pl.when(answer).then(kind).otherwise("kind").alias("kind")).drop("zz_row")
