r"""The unified log of macOS as JSON: ``log show --style ndjson`` and ``json``, collectors that keep some of its keys, and parsers of its files.

``{"timestamp":"2026-06-29 15:54:42.063082+0200","processImagePath":"\/usr\/sbin\/sshd","processID":3186,"eventMessage":"…","machTimestamp":…}``
``{"caption":…,"input":{"match":{"event":{"composedMessage":"…","process":"sshd","timestamp":1782740082.06,…}}}}`` (Jamf Protect)
``{"timestamp":"2026-06-29T13:54:42.063082000Z","process":"/usr/sbin/sshd","pid":3186,"message":"…","library_uuid":"…","log_type":"Default",…}``

An object becomes a record like a line of the other styles (:mod:`.macos_text`): the program is the last part of the process' path after ``macos:``,
the message that of the process. Where the process is not named (``processImagePath``, ``process``), the program that sent the message is, unless that
is a library. The log names no host. An object without an instant is rejected.

References: log(1); https://github.com/mandiant/macos-UnifiedLogs
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import polars as pl

from gatewatch.intake.batch import RAW_CAP, RawReject
from gatewatch.intake.json_shape import FAULTS, Framed, Interest, Objects
from gatewatch.intake.macos_text import PREFIX
from gatewatch.schema.events import TimeBasis
from gatewatch.schema.records import RECORD_DTYPES

NO_TIME = "no time"
_LAYOUT = "%Y-%m-%d %H:%M:%S%.f%z"
_LATEST = 4_102_444_800  # the year 2100
_OWN_STAMP = r'"timestamp"\s*:\s*"[0-9-]{10} [0-9:]{8}\.[0-9]{6}[+-][0-9]{4}"'
_LIBRARY = (".dylib", ".framework", ".bundle")


class _Entry(msgspec.Struct):
    """The keys that matter; a key may hold anything."""

    timestamp: Any = None
    path: Any = msgspec.field(default=None, name="processImagePath")
    process: Any = None
    sender: Any = msgspec.field(default=None, name="senderImagePath")
    number: Any = msgspec.field(default=None, name="processID")
    pid: Any = None
    said: Any = msgspec.field(default=None, name="eventMessage")
    message: Any = None
    composed: Any = msgspec.field(default=None, name="composedMessage")
    identifier: Any = msgspec.field(default=None, name="processIdentifier")
    input: Any = None
    match: Any = None
    event: Any = None


_decoder = msgspec.json.Decoder(_Entry)


@dataclass(frozen=True, slots=True)
class MacosUnified:
    """The shape of the unified log's entries."""

    name: str = "macos-unified"
    regex: str = (
        r'"(?:machTimestamp|processImagePath|eventMessage|composedMessage)"\s*:|"library_uuid"\s*:.*"log_type"\s*:|"log_type"\s*:.*"library_uuid"\s*:'
        rf'|"process"\s*:.*{_OWN_STAMP}|{_OWN_STAMP}.*"process"\s*:'
    )

    def frame(self, objects: Objects, interest: Interest | None) -> Framed:  # noqa: ARG002 - only Windows has channels
        """Make a record of each object that matches the regex."""
        ours = objects.text.str.contains(self.regex)
        if not ours.any():
            return Framed(pl.DataFrame(schema=RECORD_DTYPES), objects)
        broken: list[tuple[int, str]] = []
        offsets: list[int] = []
        texts: list[str] = []
        stamps: list[str | None] = []
        programs: list[str | None] = []
        pids: list[str | None] = []
        messages: list[str] = []
        for offset, text in objects.filter(ours).pairs():
            try:
                entry = _innermost(_decoder.decode(text))
            except FAULTS:
                broken.append((offset, text))
                continue
            stamp, process = entry.timestamp, _program(entry)
            pid = next((value for value in (entry.number, entry.pid, entry.identifier) if value is not None), None)
            message = next((value for value in (entry.said, entry.message, entry.composed) if value is not None), None)
            offsets.append(offset)
            texts.append(text)
            stamps.append(stamp if isinstance(stamp, str) else _of_epoch(stamp) if entry.composed is not None else None)
            programs.append(None if process is None else PREFIX + process)
            pids.append(str(pid) if isinstance(pid, int) and not isinstance(pid, bool) else None)
            messages.append(message if isinstance(message, str) else "")
        spaced = pl.Series(stamps, dtype=pl.String).str.replace("T", " ", literal=True).str.replace("Z$", "+0000")
        times = spaced.str.to_datetime(_LAYOUT, time_unit="us", time_zone="UTC", strict=False)
        size = len(offsets)
        columns = {
            "offset": pl.Series(offsets, dtype=pl.Int64),
            "time": times,
            "time_err": pl.Series([1], dtype=pl.Int64).cast(pl.Duration("us")).new_from_index(0, size),
            "time_basis": pl.Series([str(TimeBasis.ABSOLUTE)], dtype=RECORD_DTYPES["time_basis"]).new_from_index(0, size),
            "program": pl.Series(programs, dtype=pl.String),
            "pid": pl.Series(pids, dtype=pl.String),
            "message": pl.Series(messages, dtype=pl.String).str.strip_chars("\r\n\0 \t"),
            "count": pl.Series([1], dtype=pl.UInt32).new_from_index(0, size),
        }
        table = pl.DataFrame(
            [
                columns[name].alias(name) if name in columns else pl.Series(name, [None], dtype=dtype).new_from_index(0, size)
                for name, dtype in RECORD_DTYPES.items()
            ]
        )
        timeless = times.is_null()
        rejects = [RawReject(0, offsets[at], NO_TIME, texts[at][:RAW_CAP]) for at in timeless.arg_true().to_list()]
        return Framed(table.filter(~timeless), objects.filter(~ours), rejects=rejects, broken=broken)


def _innermost(entry: _Entry) -> _Entry:
    """Return the entry of the unified log that an alert of Jamf Protect holds, ``input.match.event``; else *entry*."""
    held: Any = entry.input if isinstance(entry.input, dict) else {"match": entry.match}
    for name in ("match", "event"):
        held = held.get(name) if isinstance(held, dict) else None
    return msgspec.convert(held, _Entry) if isinstance(held, dict) and "composedMessage" in held else entry


def _of_epoch(stamp: Any) -> str | None:
    """Return seconds since the epoch as text; null for anything else."""
    if not isinstance(stamp, int | float) or isinstance(stamp, bool) or not 0 < stamp < _LATEST:
        return None
    return f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%d %H:%M:%S.%f+0000}"


def _program(entry: _Entry) -> str | None:
    """Return the program of an entry by its name; None where no key tells it."""
    for value in (entry.path, entry.process):
        if isinstance(value, str) and value:
            return value.rsplit("/", 1)[-1]
    sender = entry.sender
    if isinstance(sender, str) and sender and not any(mark in sender for mark in _LIBRARY):
        return sender.rsplit("/", 1)[-1]
    return None


SHAPE = MacosUnified()
