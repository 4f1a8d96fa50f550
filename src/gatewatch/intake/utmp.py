"""The login records of Unix (utmp, wtmp, btmp and the macOS utmpx), cut into records.

The files have no signature (but for macOS) and their layout is that of the machine that wrote them, so the layout is found by content: each
candidate is laid over the head of the file and scored by the plausibility of types, times and names (:func:`find_layout`).

=============  =====  ==========================================================
layout         bytes  written by
=============  =====  ==========================================================
linux-le       384    x86-64, i386, ppc64le, 32-bit Arm
linux-be       384    ppc, ppc64, s390 (31 bit)
linux-le-64    400    aarch64, riscv64, loongarch64 (64-bit session and time)
linux-be-64    400    s390x
macos          628    macOS ``utmpx`` (after a signature record ``utmpx-1.00``)
=============  =====  ==========================================================

A record becomes a row with a readable ``message`` and its raw values in ``fields`` (a JSON object, :class:`Entry`). A damaged record is a
reject; where bytes were lost, the reader finds the next record that fits. In btmp a name may be a password typed at the wrong
prompt: names that no account bears (:func:`bears_secret`) are masked before they leave this module.

References: utmp(5), glibc ``bits/utmp.h``, Apple ``utmpx.h``.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl

from gatewatch.intake.batch import Batch, RawReject
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import TimeBasis
from gatewatch.schema.records import RECORD_DTYPES

REDACTED = "<redacted>"
ROWS = 65_536  # records of one batch

_FIRST = 315_532_800  # 1980-01-01
_LAST = 4_102_444_800  # 2100-01-01
_HEAD = 64 * 1024
_SEARCHES = 1_000  # fruitless searches for the next sound record before damaged ones are only stepped over
_LEAST = 0.25  # share of sound records below which a file is something else
_LINUX = ("EMPTY", "RUN_LVL", "BOOT_TIME", "NEW_TIME", "OLD_TIME", "INIT_PROCESS", "LOGIN_PROCESS", "USER_PROCESS", "DEAD_PROCESS", "ACCOUNTING")
_MACOS = (
    *("EMPTY", "RUN_LVL", "BOOT_TIME", "OLD_TIME", "NEW_TIME", "INIT_PROCESS", "LOGIN_PROCESS", "USER_PROCESS", "DEAD_PROCESS"),
    *("ACCOUNTING", "SIGNATURE", "SHUTDOWN_TIME"),
)
_AUTOFILL = 0x8000  # macOS: flag beside the type
_ACCOUNT = re.compile(r"[A-Za-z0-9_.@\\-]{1,32}\$?")
_BASE = re.compile(r"(?:^|[^a-z])([uwb]tmp)", re.IGNORECASE)
_UNSAFE = re.compile(rb"[\x00-\x1f\x7f]")


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """The values of one record, as they travel in ``fields``."""

    type: str
    pid: int = 0
    line: str = ""
    id: str = ""
    user: str = ""
    host: str = ""
    addr: str | None = None
    session: int = 0
    termination: int = 0
    exit: int = 0
    layout: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """One shape of the record: its ``struct`` format, where the fields stand in it, and the names of its types."""

    name: str
    record: struct.Struct
    order: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of one record."""
        return self.record.size


_ORDER = ("type", "pid", "line", "id", "user", "host", "termination", "exit", "session", "sec", "usec", "addr", "rest")
_ORDER_MACOS = ("user", "id", "line", "pid", "type", "sec", "usec", "host", "rest")
LAYOUTS: tuple[Layout, ...] = (
    Layout("linux-le", struct.Struct("<h2xi32s4s32s256shhiIi16s20s"), _ORDER, _LINUX),
    Layout("linux-be", struct.Struct(">h2xi32s4s32s256shhiIi16s20s"), _ORDER, _LINUX),
    Layout("linux-le-64", struct.Struct("<h2xi32s4s32s256shhqqq16s20s4x"), _ORDER, _LINUX),
    Layout("linux-be-64", struct.Struct(">h2xi32s4s32s256shhqqq16s20s4x"), _ORDER, _LINUX),
    Layout("macos", struct.Struct("<256s4s32siH2xIi256s64s"), _ORDER_MACOS, _MACOS),
)
_WIDEST = max(layout.size for layout in LAYOUTS)


class _Raw(msgspec.Struct, frozen=True):
    """A record before judgement; the byte strings still have what follows the first NUL."""

    type: int
    pid: int
    line: bytes
    id: bytes
    user: bytes
    host: bytes
    sec: int
    usec: int
    addr: bytes = b""
    session: int = 0
    termination: int = 0
    exit: int = 0
    rest: bytes = b""


def bears_secret(user: str) -> bool:
    """Return whether *user* looks like no account name and may be a password typed at the prompt for the name."""
    return bool(user) and _ACCOUNT.fullmatch(user) is None


def sniff(head: bytes, name: str) -> float:
    """Return how sure we are, from 0 to 1, that a file that begins with *head* holds login records.

    The *name* (``wtmp.1``, ``btmp``) only adds certainty to content that is plausible by itself.
    """
    found = find_layout(head)
    if found is None:
        return 0.0
    score = found[1]
    return min(1.0, score + 0.2) if _BASE.search(base_name(name)) else score


def find_layout(head: bytes) -> tuple[Layout, float] | None:
    """Return the layout that fits *head* best and its score above 0 and up to 0.8, or None when none does."""
    best: tuple[Layout, float] | None = None
    for layout in LAYOUTS:
        score = 0.8 * _fit(head[:_HEAD], layout)
        if score > 0 and (best is None or score > best[1]):
            best = (layout, score)
    return best


def base_name(name: str) -> str:
    """Return the last part of a member's name (``dir/case.zip!var/log/wtmp.1`` gives ``wtmp.1``)."""
    return re.split(r"[/\\!]", name)[-1]


def read(chunks: Iterable[bytes], name: str) -> Iterator[Batch]:
    """Yield the records of the file *name* in batches of at most :data:`ROWS`; ``program`` is ``utmp``, ``wtmp`` or ``btmp``."""
    source = iter(chunks)
    data = b""
    for chunk in source:
        data += bytes(chunk)
        if len(data) >= _HEAD:
            break
    found = find_layout(data)
    if found is None:
        if data:
            yield _Builder("wtmp", LAYOUTS[0]).reject(1, 0, "no known layout of login records", data).batch()
        return
    layout = found[0]
    builder = _Builder(_program(name, data, layout), layout)
    offset = 0
    record = 0
    searches = _SEARCHES
    ended = False
    while not ended:
        chunk = next(source, None)
        if chunk is None:
            ended = True
        else:
            data += bytes(chunk)
        keep = 0 if ended else 2 * layout.size  # what re-synchronisation may look at
        start = 0
        while len(data) - start >= layout.size + keep:
            record += 1
            raw = _unpack(layout, data, start)
            fault = _fault(raw, layout)
            if fault is None:
                builder.add(record, offset + start, raw)
                start += layout.size
            else:
                step = _resync(data, start, layout) if searches else layout.size
                searches -= searches > 0 and step == layout.size
                builder.reject(record, offset + start, fault, data[start : start + step])
                start += step
            if builder.full:
                yield builder.batch()
        data = data[start:]
        offset += start
    if data:
        builder.reject(record + 1, offset, f"record cut short: {len(data)} of {layout.size} bytes", data)
    if builder.read:
        yield builder.batch()


class _Builder:
    """Collects rows and rejects until a batch is full."""

    def __init__(self, program: str, layout: Layout) -> None:
        self.program = program
        self.layout = layout
        self.read = 0
        self.rows: dict[str, list[object]] = {key: [] for key in ("record", "offset", "time", "time_err", "pid", "message", "fields")}
        self.rejects: list[RawReject] = []

    @property
    def full(self) -> bool:
        """Whether the batch has its number of records."""
        return self.read >= ROWS

    def add(self, record: int, offset: int, raw: _Raw) -> None:
        """Add the row of a sound record."""
        entry = _entry(raw, self.layout, masked=self.program == "btmp")
        rows = self.rows
        rows["record"].append(record)
        rows["offset"].append(offset)
        known = raw.sec or raw.usec
        rows["time"].append(datetime.fromtimestamp(raw.sec, UTC) + timedelta(microseconds=raw.usec) if known else None)
        rows["time_err"].append(timedelta(milliseconds=1) if raw.usec else timedelta(seconds=1))
        rows["pid"].append(str(raw.pid) if raw.pid > 0 else None)
        rows["message"].append(describe(entry))
        rows["fields"].append(msgspec.json.encode(entry).decode())
        self.read += 1

    def reject(self, record: int, offset: int, reason: str, data: bytes) -> _Builder:
        """Add a reject; its sample is escaped and never shows the name field of a damaged btmp record."""
        sample = "" if self.program == "btmp" else _text(data[:120], cut=False)
        self.rejects.append(RawReject(record, offset, reason, sample))
        self.read += 1
        return self

    def batch(self) -> Batch:
        """Hand over what was collected and start anew."""
        height = len(self.rows["record"])
        columns: dict[str, object] = dict(self.rows)
        frame = pl.DataFrame(columns, schema={key: RECORD_DTYPES[key] for key in self.rows}).with_columns(
            pl.lit(self.program).alias("program"),
            pl.lit(str(TimeBasis.ABSOLUTE)).alias("time_basis"),
            pl.lit(1).alias("count"),
        )
        records = frame.select(
            pl.col(key).cast(dtype) if key in frame.columns else pl.lit(None, dtype).alias(key) for key, dtype in RECORD_DTYPES.items()
        )
        made = Batch(records=records, rejects=self.rejects, read=height + len(self.rejects))
        self.rows = {key: [] for key in self.rows}
        self.rejects = []
        self.read = 0
        return made


def describe(entry: Entry) -> str:
    """Return *entry* as one readable line, without terminal control characters."""
    parts = [entry.type]
    for key in ("user", "line", "id", "host", "addr", "pid", "session", "termination", "exit"):
        value = getattr(entry, key)
        if value:
            parts.append(f"{key}={value}")
    return " ".join(parts)


def _unpack(layout: Layout, data: bytes, start: int) -> _Raw:
    return _Raw(**dict(zip(layout.order, layout.record.unpack_from(data, start), strict=True)))


def _entry(raw: _Raw, layout: Layout, *, masked: bool) -> Entry:
    user = _text(raw.user)
    return Entry(
        type=layout.types[raw.type & ~_AUTOFILL if layout.name == "macos" else raw.type],
        pid=max(raw.pid, 0),
        line=_text(raw.line),
        id=_text(raw.id),
        user=REDACTED if masked and bears_secret(user) else user,
        host=_text(raw.host),
        addr=_address(raw.addr),
        session=raw.session,
        termination=raw.termination,
        exit=raw.exit,
        layout=layout.name,
    )


def _text(raw: bytes, *, cut: bool = True) -> str:
    value = raw.partition(b"\0")[0] if cut else raw
    return _UNSAFE.sub(b"?", value).decode("utf-8", "replace")


def _address(raw: bytes) -> str | None:
    """An IPv4 address fills the first four bytes, in network order on any machine."""
    if len(raw) != 16 or not any(raw):
        return None
    if not any(raw[4:]):
        return canonical_address(".".join(str(byte) for byte in raw[:4]))
    return canonical_address(":".join(f"{raw[i] << 8 | raw[i + 1]:x}" for i in range(0, 16, 2)))


def _fault(raw: _Raw, layout: Layout) -> str | None:
    """Return why *raw* is no sound record of *layout*, or None."""
    kind = raw.type & ~_AUTOFILL if layout.name == "macos" else raw.type
    if not 0 <= kind < len(layout.types):
        return "unknown record type"
    if layout.types[kind] in ("EMPTY", "SIGNATURE"):
        return None
    if not _FIRST <= raw.sec < _LAST or not 0 <= raw.usec < 1_000_000:
        return "time out of range"
    if _UNSAFE.search(raw.line.partition(b"\0")[0]):
        return "terminal line is not text"
    return None


def _resync(data: bytes, start: int, layout: Layout) -> int:
    """Return how many bytes of the damaged record at *start* to give up: one record, unless a sound one begins sooner or a little later."""
    size = layout.size
    if start + 2 * size > len(data):
        return min(size, len(data) - start)
    if _fault(_unpack(layout, data, start + size), layout) is None:
        return size
    for step in range(1, 2 * size):
        if step != size and start + step + size <= len(data) and _strong(_unpack(layout, data, start + step), layout):
            return step
    return size


def _strong(raw: _Raw, layout: Layout) -> bool:
    """Whether *raw* is a sound record beyond chance: not empty, with a time, its unused bytes zero and its line a device name."""
    line = raw.line.partition(b"\0")[0]
    return (
        _fault(raw, layout) is None
        and _FIRST <= raw.sec < _LAST
        and not any(raw.rest)
        and 0 <= raw.pid < 1 << 23
        and re.fullmatch(rb"[!-~]+", line) is not None
        and raw.line.startswith(line + b"\0")
        and layout.types[raw.type & ~_AUTOFILL] != "EMPTY"
    )


def _fit(head: bytes, layout: Layout) -> float:
    """Return the share of records in *head* that are sound and strong under *layout*; 0 without any that bears information."""
    size = layout.size
    whole = len(head) // size
    sound = strong = 0
    for index in range(whole):
        raw = _unpack(layout, head, index * size)
        if layout.name == "macos" and index == 0 and raw.user.startswith(b"utmpx-"):
            return 1.0
        if _fault(raw, layout) is not None or (raw.sec and not _FIRST <= raw.sec < _LAST):
            continue
        printable = not any(_UNSAFE.search(value.partition(b"\0")[0]) for value in (raw.id, raw.user, raw.host))
        if printable and not any(raw.rest) and -1 <= raw.pid < 1 << 23:
            sound += 1
            strong += bool(raw.sec) and bool(raw.line.strip(b"\0") or raw.user.strip(b"\0"))
    return sound / whole if strong and sound >= _LEAST * whole else 0.0


def _program(name: str, head: bytes, layout: Layout) -> str:
    """The file's name says which of the three it is; without one, many failed logins (type 6 with a host) make it btmp."""
    named = _BASE.search(base_name(name))
    if named:
        return named[1].lower()
    failed = others = 0
    for start in range(0, min(len(head), _HEAD) - layout.size + 1, layout.size):
        raw = _unpack(layout, head, start)
        if raw.type == _LINUX.index("LOGIN_PROCESS") and raw.host.strip(b"\0"):
            failed += 1
        elif raw.type:
            others += 1
    return "btmp" if failed > others else "wtmp"
