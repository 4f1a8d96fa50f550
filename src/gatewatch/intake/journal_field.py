"""The fields of a journal entry that matter here, and entries as rows; shared by the three framings of the systemd journal.

``time`` is ``_SOURCE_REALTIME_TIMESTAMP`` (when the sender wrote it) or else ``__REALTIME_TIMESTAMP`` (when the journal got it, always
in ``received``); both count microseconds. ``program`` is ``SYSLOG_IDENTIFIER``, else ``_COMM``, else the unit's name (``sshd.service``),
and ``audit`` for the audit transport.

References: systemd.journal-fields(7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import NoneType

import msgspec
import polars as pl

from gatewatch.intake.batch import Batch, RawReject, raw_text
from gatewatch.schema.events import TimeBasis
from gatewatch.schema.records import RECORD_DTYPES

ROWS = 50_000  # records of one batch
_BYTES = 64 * 1024**2  # of the messages of one batch
VALUE_CAP = 1 << 20  # bytes of one value, and of one record where it is a line
NO_ENTRY = "no journal entry: neither time nor message"

RECEIVED = "__REALTIME_TIMESTAMP"
SENT = "_SOURCE_REALTIME_TIMESTAMP"
CHOSEN: tuple[str, ...] = (
    "PRIORITY",
    "SYSLOG_FACILITY",
    "MESSAGE_ID",
    "SESSION_ID",
    "USER_ID",
    "LEADER",
    "UNIT",
    "_TRANSPORT",
    "_BOOT_ID",
    "_UID",
    "_EXE",
    "_SYSTEMD_UNIT",
    "_SYSTEMD_SESSION",
    "_AUDIT_SESSION",
    "_AUDIT_LOGINUID",
    "_AUDIT_TYPE",
    "_AUDIT_TYPE_NAME",
    "_AUDIT_ID",
    "CONTAINER_ID",
    "CONTAINER_NAME",
)
NAMED: tuple[str, ...] = (RECEIVED, SENT, "_HOSTNAME", "SYSLOG_IDENTIFIER", "_COMM", "_PID", "SYSLOG_PID", "_TRANSPORT", "MESSAGE")
WANTED = frozenset(CHOSEN) | frozenset(NAMED)
_AUDIT_PREFIXES = ("_AUDIT_FIELD_", "AUDIT_FIELD_")
_PAM_SUFFIX = r"^([^(]+)\(pam_[a-z0-9_]+\)$"
_UNIT = r'"_SYSTEMD_UNIT": ?"([a-z][a-z0-9_-]*)(?:@[^"]*)?\.service"'
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")

Value = object  # text, or what JSON makes of the rest: null, an array of byte numbers, an array of values


def is_name(name: str) -> bool:
    """Return whether *name* can name a journal field."""
    return _NAME.fullmatch(name) is not None


def is_wanted(name: str) -> bool:
    """Return whether the field *name* is kept."""
    return name in WANTED or name.startswith(_AUDIT_PREFIXES)


def text(value: Value) -> str | None:
    """Return *value* as text: an array of byte numbers is decoded, an array of values joined by line ends."""
    if isinstance(value, list):
        if all(type(part) is int and 0 <= part < 256 for part in value):
            return bytes(value).decode("utf-8", "replace")
        return "\n".join(part for part in map(_flat, value) if part is not None)
    return _flat(value)


def first(value: Value) -> str | None:
    """Return the first of a repeated field as text, None where there is none."""
    if isinstance(value, list) and value and type(value[0]) is not int:
        value = value[0]
    return text(value)


def _flat(value: Value) -> str | None:
    """One value of a repeated field; what no journal writes only shows as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(type(part) is int for part in value):
        return text(value)
    return as_json(value)


def as_json(value: Value) -> str:
    """Return *value* as JSON, whatever numbers and depth some other writer gave it."""
    try:
        return msgspec.json.encode(value).decode()
    except (OverflowError, RecursionError, ValueError):
        return "null"


def add(entry: dict[str, Value], name: str, value: str) -> None:
    """Add a field to *entry*; a repeated one becomes an array, as in the JSON format."""
    if name not in entry:
        entry[name] = value
        return
    held = entry[name]
    if isinstance(held, list):
        held.append(value)
    else:
        entry[name] = [held, value]


def chosen(entry: Mapping[str, Value]) -> str | None:
    """Return the structured fields of *entry* as a JSON object, None when it has none."""
    found: dict[str, Value] = {name: entry[name] for name in CHOSEN if entry.get(name) is not None}
    found.update((name, entry[name]) for name in sorted(entry) if name.startswith(_AUDIT_PREFIXES) and entry[name] is not None)
    return as_json(found) if found else None


class Builder:
    """Collects entries and rejects until a batch is full; ``number`` is that of the last record."""

    def __init__(self) -> None:
        self.number = 0
        self._rows: list[tuple[Value, ...]] = []  # record, offset, fields and the values of NAMED
        self._rejects: list[RawReject] = []
        self._held = 0  # characters of the messages

    @property
    def full(self) -> bool:
        """Whether the batch has its number of records."""
        return len(self._rows) + len(self._rejects) >= ROWS or self._held >= _BYTES

    @property
    def empty(self) -> bool:
        """Whether nothing was collected since the last batch."""
        return not self._rows and not self._rejects

    def add(self, offset: int, values: tuple[Value, ...], fields: str | None) -> bool:
        """Add the entry at *offset* with the *values* of the fields :data:`NAMED`; return False for none (neither time nor message)."""
        if values[0] is None and values[1] is None and values[-1] is None:
            return False
        self.number += 1
        message = values[-1]
        self._held += len(message) if isinstance(message, str | list) else 0
        self._rows.append((self.number, offset, fields, *values))
        return True

    def add_entry(self, offset: int, entry: Mapping[str, Value]) -> bool:
        """Add the entry at *offset* given by its fields; return False for none."""
        return self.add(offset, tuple(map(entry.get, NAMED)), chosen(entry))

    def reject(self, offset: int, reason: str, raw: bytes | bytearray | memoryview) -> None:
        """Add a record that cannot be read."""
        self.number += 1
        self._rejects.append(RawReject(self.number, offset, reason, raw_text(raw)))

    def batch(self) -> Batch:
        """Hand over what was collected and start anew."""
        columns = list(zip(*self._rows, strict=True)) or [()] * (3 + len(NAMED))
        frame = pl.DataFrame(
            {
                "record": columns[0],
                "offset": columns[1],
                "fields": columns[2],
                **{name: _column(values, text if name == "MESSAGE" else first) for name, values in zip(NAMED, columns[3:], strict=True)},
            },
            schema={"record": pl.Int64, "offset": pl.Int64, "fields": pl.String, **dict.fromkeys(NAMED, pl.String)},
        ).with_columns(_present(name) for name in NAMED if name != "MESSAGE")
        received, sent = instant(RECEIVED), instant(SENT)
        unit = pl.col("fields").str.extract(_UNIT).replace("ssh", "sshd")
        program = pl.coalesce("SYSLOG_IDENTIFIER", "_COMM", unit).str.replace(_PAM_SUFFIX, "$1")
        records = frame.select(
            pl.col("record"),
            pl.col("offset"),
            pl.coalesce(sent, received).alias("time"),
            pl.lit(0).cast(RECORD_DTYPES["time_err"]).alias("time_err"),
            pl.lit(str(TimeBasis.ABSOLUTE), RECORD_DTYPES["time_basis"]).alias("time_basis"),
            received.alias("received"),
            pl.col("_HOSTNAME").alias("host"),
            pl.when(pl.col("_TRANSPORT") == "audit").then(pl.lit("audit")).otherwise(program).alias("program"),
            pl.coalesce("_PID", "SYSLOG_PID").alias("pid"),
            pl.col("MESSAGE").fill_null("").str.replace_all("\0", "\N{REPLACEMENT CHARACTER}", literal=True).alias("message"),
            pl.lit(1, pl.UInt32).alias("count"),
            pl.col("fields"),
        )
        made = Batch(records, self._rejects)
        self._rows, self._rejects, self._held = [], [], 0
        return made


def _column(values: tuple[Value, ...], flatten: Callable[[Value], str | None]) -> tuple[Value, ...]:
    """Most columns are text all through, which costs no call per value."""
    return values if set(map(type, values)) <= {str, NoneType} else tuple(map(flatten, values))


def _present(name: str) -> pl.Expr:
    clean = pl.col(name).str.replace_all("\0", "\N{REPLACEMENT CHARACTER}", literal=True)
    return pl.when(clean != "").then(clean).alias(name)


def instant(name: str) -> pl.Expr:
    """Return the column *name* of microseconds as text as an instant; null before 1970-01-02 and after the year 9999."""
    number = pl.col(name).cast(pl.Int64, strict=False)
    return pl.when(number.is_between(86_400_000_000, 253_402_300_799_999_999)).then(number.cast(pl.Datetime("us", "UTC")))
