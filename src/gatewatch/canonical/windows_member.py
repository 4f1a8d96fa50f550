"""Names for security identifiers: Windows often says only the SID of an account, of the one that did something or of the one put into a group.

Other records say SID and name together; from them a book is made. A SID that bore several names keeps the last.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import ensure

_PAIRS = (("TargetSid", "target_user"), ("TargetUserSid", "user"), ("SubjectUserSid", "user"))
_SID = r"^S-1-5-21(?:-[0-9]+){4}$"
_ACCOUNT = r"^(?:user|account|password)-"  # what TargetSid is the SID of an account in


class SidBook:
    """Which account a SID is, by the records that say both."""

    def __init__(self, events: pl.DataFrame) -> None:
        """Read *events*."""
        self._names = pl.DataFrame(schema={"sid": pl.String, "name": pl.String})
        if not events.height or "extra" not in events.columns:
            return
        events = ensure(events, "user", "target_user", "pattern", "time")
        ours = events["source"].cast(pl.String).str.starts_with("windows-") & events["extra"].is_not_null()
        told = events.filter(ours).select("time", "extra", "user", "target_user", "pattern")
        names: list[pl.DataFrame] = []
        for key, column in _PAIRS:
            part = told.filter(pl.col(column).is_not_null() & pl.col("extra").str.contains(f'"{key}"', literal=True))
            if key == "TargetSid":
                part = part.filter(pl.col("pattern").cast(pl.String).str.contains(_ACCOUNT))
            sids = part.select(pl.col("extra").str.json_path_match(f"$.{key}").alias("sid"), pl.col(column).cast(pl.String).alias("name"), "time")
            names.append(sids.filter(pl.col("sid").str.contains(_SID)))
        self._names = pl.concat(names).sort("time", nulls_last=False).unique("sid", keep="last", maintain_order=True).select("sid", "name")

    def name(self, events: pl.DataFrame) -> pl.DataFrame:
        """Return *events* with ``user`` and ``target_user`` filled where a Windows record has only the SID (``user_sid``; ``extra``)."""
        if not self._names.height or not events.height:
            return events
        if "user_sid" in events.columns:
            events = self._fill(ensure(events, "user"), "user", events["user_sid"])
        if "extra" in events.columns and "target_user" in events.columns:
            member = pl.coalesce(pl.col("extra").str.json_path_match("$.MemberSid"), pl.col("extra").str.json_path_match("$.TargetSid"))
            lacking = (events["kind"].cast(pl.String) == "account_change") & events["target_user"].is_null() & events["extra"].is_not_null()
            if lacking.any():
                sids = events.select(pl.when(pl.lit(lacking)).then(member).alias("sid"))["sid"]
                events = self._fill(events, "target_user", sids)
        return events

    def _fill(self, events: pl.DataFrame, column: str, sids: pl.Series) -> pl.DataFrame:
        named = sids.replace_strict(self._names["sid"], self._names["name"], default=None, return_dtype=pl.String)
        if named.null_count() == len(named):
            return events
        return events.with_columns(pl.coalesce(column, pl.lit(named.cast(events[column].dtype))).alias(column))
