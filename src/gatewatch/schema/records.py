"""Records: what intake hands to the sources, and what became of each."""

from __future__ import annotations

from enum import StrEnum

import msgspec
import polars as pl

from gatewatch.schema.events import TIME_BASIS, UTC
from gatewatch.schema.framing import Framing

__all__ = ["DATUM", "RECORD_DTYPES", "WINDOWS_DTYPES", "ClockFault", "Disposition", "Framing", "Problem", "Reject", "Stranger", "Tally"]


RECORD_DTYPES: dict[str, pl.DataType] = {
    "record": pl.Int64(),  # 1-based number in the file or member
    "offset": pl.Int64(),  # byte offset in the unpacked file or member
    "time": UTC,  # null where the record bears no usable time
    "time_err": pl.Duration("us"),
    "time_basis": TIME_BASIS,
    "received": UTC,
    "host": pl.String(),  # null where the record names none
    "program": pl.String(),  # syslog ident / SYSLOG_IDENTIFIER / _COMM, without pid and without "(pam_unix)"-like suffix
    "pid": pl.String(),  # as written; null where absent
    "message": pl.String(),  # the text after the header, without line end
    "count": pl.UInt32(),  # "message repeated N times" gives N and the inner message
    "fields": pl.String(),  # JSON object of structured fields (journald, RFC 5424), null elsewhere
}


WINDOWS_DTYPES: dict[str, pl.DataType] = {
    "record": pl.Int64(),
    "offset": pl.Int64(),
    "time": UTC,  # where the record's time has a zone, as in EVTX
    "local": pl.Datetime("us"),  # else its wall clock
    "rel": pl.Int16(),  # always null: Windows never leaves the year out
    "resolution": pl.Int64(),  # microseconds
    "host": pl.String(),  # Computer, as written
    "program": pl.String(),  # the channel
    "pid": pl.String(),  # of the process that wrote it
    "message": pl.String(),  # the rendered text, where an export carries it
    "count": pl.UInt32(),
    "fields": pl.String(),  # EventData or UserData as one flat JSON object; data without a name are param1, param2, ...
    "channel": pl.String(),  # as Windows writes it: Security, Microsoft-Windows-Sysmon/Operational
    "event_id": pl.Int32(),
    "provider": pl.String(),
    "event_record": pl.Int64(),  # EventRecordID; null where the export dropped it
    "activity": pl.String(),  # ActivityID, lower case, without braces
    "user_sid": pl.String(),  # Security UserID
}
"""Records of Windows event logs, whatever they were exported as."""

DATUM = "x_"
"""Before the name of a datum, in the columns of Windows records whose data stand in columns of their own instead of ``fields``."""


class Disposition(StrEnum):
    """What became of a record: exactly one of these."""

    USED = "used"
    IGNORED = "ignored"
    UNRECOGNISED = "unrecognised"
    REJECTED = "rejected"


class Tally(msgspec.Struct, frozen=True, order=True):
    """How many records of one file met one fate. Tallies add up to the records read.

    ``source`` is null for records nobody claims; ``reason`` is the ignored pattern or the cause of a reject, else empty.
    """

    file: str
    source: str | None
    disposition: Disposition
    reason: str
    count: int


class Reject(msgspec.Struct, frozen=True, order=True):
    """A sample of a rejected or unrecognised record: where it is, why, and its first characters."""

    file: str
    record: int
    offset: int
    reason: str
    raw: str


class Stranger(msgspec.Struct, frozen=True, order=True):
    """A kind of unrecognised records of one file: how many, the first of them, and what came closest.

    ``kind`` and ``name``: of a ``program`` that no source claims, a ``message`` of a source that does not know it, a ``line`` without a known header,
    a ``json`` object, a Windows ``channel``, a ``binary`` file, or ``more`` kinds together. ``raw``: its first characters, secrets masked.
    ``nearest``: a source, null where nothing is near; ``why``: in words.
    """

    file: str
    kind: str
    name: str
    count: int
    record: int
    raw: str
    nearest: str | None
    why: str


class Problem(msgspec.Struct, frozen=True, order=True):
    """Something about a whole file that the reader must know: what, where and whose fault."""

    file: str
    what: str
    fault: str  # "data", "user" or "system"
    fatal: bool = False  # the file (or the rest of it) could not be read


class ClockFault(msgspec.Struct, frozen=True, order=True):
    """A backward jump of the clock within a stream."""

    stream: str
    file: str
    record: int
    before: str
    after: str
