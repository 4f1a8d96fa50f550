"""Linux audit logs (``audit.log``, ``ausearch`` output) cut into time, host and message, in columns.

A line reads ``[node=NAME ]type=USER_LOGIN msg=audit(1767614400.123:45): text``. ``ausearch`` puts ``----`` and ``time->...`` lines between
events; they stay records, for the source to ignore by name, so that the numbers add up. A line of another shape stays a record without
time. ``ausearch -i`` writes local times in the words of its locale; such lines get no time.

References: auditd.conf(5) (``log_format``, ``name_format``), ausearch(8), audit-documentation (Linux Audit project).
"""

from __future__ import annotations

import re

import polars as pl

from gatewatch.schema.events import TimeBasis
from gatewatch.schema.records import RECORD_DTYPES

PROGRAM = "audit"
EPOCH = r"^(?:node=[^ ]+ )?type=[^ ]+ msg=audit\(([0-9]{1,11})\.([0-9]{3}):[0-9]+\)"
_LINE = re.compile(rb"(?:node=[^ \n]+ )?type=[A-Z_0-9\[\]]+ msg=audit\([0-9./: ]+:[0-9]+\)")
_SEPARATOR = re.compile(rb"----\r?$|time->|$")


def sniff(head: bytes) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* is an audit log: the share of its lines that are."""
    lines = head.split(b"\n")[:200]
    if len(lines) > 1:
        lines.pop()  # perhaps cut by the head's end
    judged = [line for line in lines if not _SEPARATOR.match(line)]
    hits = sum(1 for line in judged if _LINE.match(line))
    return hits / len(judged) if judged else 0.0


def frame(lines: pl.DataFrame) -> pl.DataFrame:
    """Turn *lines* (``record, offset, line``; the line end may be on it) into records (:data:`RECORD_DTYPES`), one for each."""
    text = pl.col("line").str.strip_chars_end("\r\n")
    stamp = pl.col("line").str.extract_groups(EPOCH)
    node = pl.col("line").str.extract(r"^node=([^ ]+) ")
    seconds = stamp.struct[0].cast(pl.Int64)
    epoch = (seconds * 1_000_000 + stamp.struct[1].cast(pl.Int64) * 1_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    made: dict[str, pl.Expr] = {
        "record": pl.col("record"),
        "offset": pl.col("offset"),
        "time": epoch,
        "time_err": pl.when(epoch.is_not_null()).then(pl.duration(milliseconds=1)),
        "time_basis": pl.when(epoch.is_not_null()).then(pl.lit(str(TimeBasis.ABSOLUTE))),
        "host": node,
        "program": pl.lit(PROGRAM),
        "message": text.str.replace(r"^node=[^ ]+ ", ""),
        "count": pl.lit(1),
    }
    return lines.select(made.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in RECORD_DTYPES.items())
