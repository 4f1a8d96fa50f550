"""The login records of Unix (utmp, wtmp, btmp and the macOS utmpx), cut into records.

A record becomes a row with a readable ``message`` and its raw values in ``fields`` (a JSON object, :class:`Entry`). A damaged record is a
reject; where bytes were lost, the reader finds the next record that fits. In btmp a name may be a password typed at the wrong
prompt: names that no account bears (:func:`bears_secret`) are masked before they leave this module.

References: utmp(5), glibc ``bits/utmp.h``, Apple ``utmpx.h``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl

from gatewatch.intake.batch import Batch, RawReject, raw_text
from gatewatch.intake.utmp_layout import HEAD, LAYOUTS, UNSAFE, Layout, Raw, fault_of, find_layout, is_strong, unpack
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import TimeBasis
from gatewatch.schema.records import RECORD_DTYPES

REDACTED = "<redacted>"
ROWS = 65_536  # records of one batch

_SEARCHES = 1_000  # fruitless searches for the next sound record before damaged ones are only stepped over
_ACCOUNT = re.compile(r"[A-Za-z0-9_.@\\-]{1,32}\$?")
_BASE = re.compile(r"(?:^|[^a-z])([uwb]tmp)", re.IGNORECASE)


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


def base_name(name: str) -> str:
    """Return the last part of a member's name (``dir/case.zip!var/log/wtmp.1`` gives ``wtmp.1``)."""
    return re.split(r"[/\\!]", name)[-1]


def read(chunks: Iterable[bytes], name: str) -> Iterator[Batch]:
    """Yield the records of the file *name* in batches of at most :data:`ROWS`; ``program`` is ``utmp``, ``wtmp`` or ``btmp``."""
    source = iter(chunks)
    head = b""
    for piece in source:
        head += bytes(piece)
        if len(head) >= HEAD:
            break
    found = find_layout(head)
    if found is None:
        if head:
            yield _Builder("wtmp", LAYOUTS[0]).reject(0, "no known layout of login records", head).batch()
        return
    layout = found[0]
    builder = _Builder(_program(name, head, layout), layout)
    searches = _SEARCHES
    for offset, data, last in _windows(head, source, layout.size):
        start = 0
        while len(data) - start >= layout.size * (1 if last else 3):  # a search looks two records ahead
            raw = unpack(layout, data, start)
            fault = fault_of(raw, layout)
            step = layout.size
            if fault is None:
                builder.add(offset + start, raw)
            else:
                step = _resync(data, start, layout) if searches else step
                searches -= searches > 0 and step == layout.size
                builder.reject(offset + start, fault, data[start : start + step])
            start += step
            if builder.full:
                yield builder.batch()
        del data[:start]
        if last and data:
            builder.reject(offset + start, f"record cut short: {len(data)} of {layout.size} bytes", bytes(data))
    if builder.read:
        yield builder.batch()


def _windows(head: bytes, rest: Iterator[bytes], size: int) -> Iterator[tuple[int, bytearray, bool]]:
    """Yield ``offset, data, last``: the file in windows; what the caller leaves in *data* begins the next one."""
    data = bytearray(head)
    offset = 0
    last = False
    while not last:
        piece = next(rest, None)
        last = piece is None
        data += piece or b""
        if last or len(data) >= 3 * size:
            before = len(data)
            yield offset, data, last
            offset += before - len(data)


class _Builder:
    """Collects rows and rejects until a batch is full."""

    def __init__(self, program: str, layout: Layout) -> None:
        self.program = program
        self.layout = layout
        self.read = 0
        self.record = 0
        self.rows: dict[str, list[object]] = {key: [] for key in ("record", "offset", "time", "time_err", "pid", "message", "fields")}
        self.rejects: list[RawReject] = []

    @property
    def full(self) -> bool:
        """Whether the batch has its number of records."""
        return self.read >= ROWS

    def add(self, offset: int, raw: Raw) -> None:
        """Add the row of a sound record."""
        entry = _entry(raw, self.layout, masked=self.program == "btmp")
        rows = self.rows
        self.record += 1
        rows["record"].append(self.record)
        rows["offset"].append(offset)
        rows["time"].append(datetime.fromtimestamp(raw.sec, UTC) + timedelta(microseconds=raw.usec) if raw.sec else None)
        rows["time_err"].append(timedelta(milliseconds=1) if raw.usec else timedelta(seconds=1))
        rows["pid"].append(str(raw.pid) if raw.pid > 0 else None)
        rows["message"].append(describe(entry))
        rows["fields"].append(msgspec.json.encode(entry).decode())
        self.read += 1

    def reject(self, offset: int, reason: str, data: bytes | bytearray) -> _Builder:
        """Add a reject, with a sample of its bytes but for btmp, where a name may be a password."""
        self.record += 1
        sample = "" if self.program == "btmp" else raw_text(data[:120])
        self.rejects.append(RawReject(self.record, offset, reason, sample))
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


def _entry(raw: Raw, layout: Layout, *, masked: bool) -> Entry:
    user = _text(raw.user)
    return Entry(
        type=layout.type_of(raw) or "",
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


def _text(raw: bytes) -> str:
    return UNSAFE.sub(b"?", raw.partition(b"\0")[0]).decode("utf-8", "replace")


def _address(raw: bytes) -> str | None:
    """An IPv4 address fills the first four bytes, in network order on any machine."""
    if len(raw) != 16 or not any(raw):
        return None
    if not any(raw[4:]):
        return canonical_address(".".join(str(byte) for byte in raw[:4]))
    return canonical_address(":".join(f"{raw[i] << 8 | raw[i + 1]:x}" for i in range(0, 16, 2)))


def _resync(data: bytes | bytearray, start: int, layout: Layout) -> int:
    """Return how many bytes of the damaged record at *start* to give up: one record, unless a sound one begins sooner or a little later."""
    size = layout.size
    if start + 2 * size > len(data):
        return min(size, len(data) - start)
    following = unpack(layout, data, start + size)
    if fault_of(following, layout) is None and (following.type or not any(data[start + size : start + 2 * size])):
        return size
    for step in range(1, 2 * size):
        if step != size and start + step + size <= len(data) and is_strong(unpack(layout, data, start + step), layout):
            return step
    return size


def _program(name: str, head: bytes, layout: Layout) -> str:
    """The file's name says which of the three it is; without one, many failed logins (type 6 with a host) make it btmp."""
    named = _BASE.search(base_name(name))
    if named:
        return named[1].lower()
    failed = others = 0
    for start in range(0, min(len(head), HEAD) - layout.size + 1, layout.size):
        raw = unpack(layout, head, start)
        if layout.type_of(raw) == "LOGIN_PROCESS" and raw.host.strip(b"\0"):
            failed += 1
        elif raw.type:
            others += 1
    return "btmp" if failed > others else "wtmp"
