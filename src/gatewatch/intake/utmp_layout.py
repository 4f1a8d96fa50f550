"""The shapes of login records (utmp, wtmp, btmp, utmpx), told apart by content.

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

References: glibc ``bits/utmp.h``, Apple ``utmpx.h``.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

import msgspec

HEAD = 64 * 1024  # bytes that decide about the layout
UNSAFE = re.compile(rb"[\x00-\x1f\x7f]")  # control characters: no part of a name
_FIRST = 315_532_800  # 1980-01-01
_LAST = 4_102_444_800  # 2100-01-01
_LEAST = 0.25  # share of sound records below which a file is something else
_LINUX = (
    "EMPTY",
    "RUN_LVL",
    "BOOT_TIME",
    "NEW_TIME",
    "OLD_TIME",
    "INIT_PROCESS",
    "LOGIN_PROCESS",
    "USER_PROCESS",
    "DEAD_PROCESS",
    "ACCOUNTING",
)
_MACOS = (
    *("EMPTY", "RUN_LVL", "BOOT_TIME", "OLD_TIME", "NEW_TIME", "INIT_PROCESS", "LOGIN_PROCESS", "USER_PROCESS", "DEAD_PROCESS"),
    *("ACCOUNTING", "SIGNATURE", "SHUTDOWN_TIME"),
)
_AUTOFILL = 0x8000  # macOS: flag beside the type


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

    def type_of(self, raw: Raw) -> str | None:
        """Return the name of the type of *raw*, or None when this layout has no such type."""
        kind = raw.type & ~_AUTOFILL if self.types is _MACOS else raw.type
        return self.types[kind] if 0 <= kind < len(self.types) else None


_ORDER = ("type", "pid", "line", "id", "user", "host", "termination", "exit", "session", "sec", "usec", "addr", "rest")
_ORDER_MACOS = ("user", "id", "line", "pid", "type", "sec", "usec", "host", "rest")
LAYOUTS: tuple[Layout, ...] = (
    Layout("linux-le", struct.Struct("<h2xi32s4s32s256shhiIi16s20s"), _ORDER, _LINUX),
    Layout("linux-be", struct.Struct(">h2xi32s4s32s256shhiIi16s20s"), _ORDER, _LINUX),
    Layout("linux-le-64", struct.Struct("<h2xi32s4s32s256shhqqq16s20s4x"), _ORDER, _LINUX),
    Layout("linux-be-64", struct.Struct(">h2xi32s4s32s256shhqqq16s20s4x"), _ORDER, _LINUX),
    Layout("macos", struct.Struct("<256s4s32siH2xIi256s64s"), _ORDER_MACOS, _MACOS),
)


class Raw(msgspec.Struct, frozen=True):
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


def find_layout(head: bytes) -> tuple[Layout, float] | None:
    """Return the layout that fits *head* best and its score above 0 and up to 0.8, or None when none does."""
    best: tuple[Layout, float] | None = None
    for layout in LAYOUTS:
        score = 0.8 * _fit(head[:HEAD], layout)
        if score > 0 and (best is None or score > best[1]):
            best = (layout, score)
    return best


def unpack(layout: Layout, data: bytes | bytearray, start: int) -> Raw:
    """Return the record of *data* that begins at *start*; all its bytes must be there."""
    return Raw(**dict(zip(layout.order, layout.record.unpack_from(data, start), strict=True)))


def fault_of(raw: Raw, layout: Layout) -> str | None:
    """Return why *raw* is no sound record of *layout*, or None."""
    kind = layout.type_of(raw)
    if kind is None:
        return "unknown record type"
    if kind in ("EMPTY", "SIGNATURE") and not raw.sec:
        return "empty record with a remainder" if any(raw.rest) else None
    if not _FIRST <= raw.sec < _LAST or not 0 <= raw.usec < 1_000_000:
        return "time out of range"
    if UNSAFE.search(raw.line.partition(b"\0")[0]):
        return "terminal line is not text"
    return None


def is_strong(raw: Raw, layout: Layout) -> bool:
    """Whether *raw* is a sound record beyond chance: not empty, with a time, its unused bytes zero and its line a device name."""
    line = raw.line.partition(b"\0")[0]
    return (
        fault_of(raw, layout) is None
        and _FIRST <= raw.sec < _LAST
        and not any(raw.rest)
        and 0 <= raw.pid < 1 << 23
        and re.fullmatch(rb"[!-~]+", line) is not None
        and raw.line.startswith(line + b"\0")
        and layout.type_of(raw) != "EMPTY"
    )


def _fit(head: bytes, layout: Layout) -> float:
    """Return the share of records in *head* that are sound and strong under *layout*; 0 without any that bears information."""
    size = layout.size
    whole = len(head) // size
    sound = strong = 0
    for index in range(whole):
        raw = unpack(layout, head, index * size)
        if layout.name == "macos" and index == 0 and raw.user.startswith(b"utmpx-"):
            return 1.0
        if fault_of(raw, layout) is not None or (raw.sec and not _FIRST <= raw.sec < _LAST):
            continue
        printable = not any(UNSAFE.search(value.partition(b"\0")[0]) for value in (raw.id, raw.user, raw.host))
        if printable and not any(raw.rest) and -1 <= raw.pid < 1 << 23:
            sound += 1
            strong += bool(raw.sec) and bool(raw.line.strip(b"\0") or raw.user.strip(b"\0"))
    return sound / whole if strong and sound >= _LEAST * whole else 0.0
