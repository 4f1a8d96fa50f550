r"""The unified log of macOS as JSON: ``log show --style ndjson`` and ``--style json``.

``{"timestamp":"2026-06-29 15:54:42.063082+0200","processImagePath":"\/usr\/sbin\/sshd","processID":3186,"eventMessage":"…","machTimestamp":…}``

An object becomes a record like a line of the other styles (:mod:`.macos_text`): the program is the last part of the process' path after ``macos:``,
the message that of the process. The log names no host. An object without an instant is rejected.

References: log(1)
"""

from __future__ import annotations

from dataclasses import dataclass
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


class _Entry(msgspec.Struct):
    """The keys that matter; a key may hold anything."""

    timestamp: Any = None
    process: Any = msgspec.field(default=None, name="processImagePath")
    pid: Any = msgspec.field(default=None, name="processID")
    message: Any = msgspec.field(default=None, name="eventMessage")


_decoder = msgspec.json.Decoder(_Entry)


@dataclass(frozen=True, slots=True)
class MacosUnified:
    """The shape of the unified log's entries."""

    name: str = "macos-unified"
    regex: str = r'"(?:machTimestamp|processImagePath)"\s*:'

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
                entry = _decoder.decode(text)
            except FAULTS:
                broken.append((offset, text))
                continue
            stamp, process, pid, message = entry.timestamp, entry.process, entry.pid, entry.message
            offsets.append(offset)
            texts.append(text)
            stamps.append(stamp if isinstance(stamp, str) else None)
            programs.append(PREFIX + process.rsplit("/", 1)[-1] if isinstance(process, str) and process else None)
            pids.append(str(pid) if isinstance(pid, int) and not isinstance(pid, bool) else None)
            messages.append(message if isinstance(message, str) else "")
        times = pl.Series(stamps, dtype=pl.String).str.to_datetime(_LAYOUT, time_unit="us", time_zone="UTC", strict=False)
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


SHAPE = MacosUnified()
