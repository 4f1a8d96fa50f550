"""Packed events: texts that repeat kept as categories, columns that say nothing left out, so that millions of events stay small.

A text takes 16 bytes a row and more; its category 4. Comparisons, ``is_in``, grouping and sorting (by the text) work on both; the string functions of
Polars and joins of a category with a text do not: read such columns through :func:`plain`.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import DTYPES

PACKED = (
    "host", "observer", "host_ip", "source", "pattern", "user", "user_domain", "target_user", "src_ip", "src_host", "dst_ip", "dst_host",
    "assigned_ip", "process", "parent", "object", "stream", "file", "channel", "country", "as_org", "known_by", "site",
    "origin_ip", "origin_session", "hop_confidence",
)  # fmt: skip
"""The columns whose texts repeat. Session ids are short and mostly different; commands, messages and extras are too."""


CORE = frozenset({"time", "kind", "host", "source", "pattern", "session", "user", "src_ip", "src_host", "service", "record", "offset", "count"})
"""The columns that every table of events has, whether any event fills them or not."""


def pack(events: pl.DataFrame) -> pl.DataFrame:
    """Return *events* with the texts of :data:`PACKED` columns as categories, without those columns of the schema that are null throughout."""
    known = [name for name in events.columns if name in CORE or name not in DTYPES or events[name].null_count() < events.height]
    return events.select(pl.col(name).cast(pl.Categorical) if name in PACKED and events[name].dtype == pl.String else pl.col(name) for name in known)


def plain(events: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return *events*, or its columns *names*, with categories as texts."""
    return events.select(names or pl.all()).with_columns(pl.col(pl.Categorical).cast(pl.String))
