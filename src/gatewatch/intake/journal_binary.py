"""Journal files as systemd-journald writes them (``system.journal``, ``user-1000@....journal~``), read object by object.

Entries come in the order of the header's chain of entry arrays, which is that of their sequence numbers. Where the chain is damaged, or
holds fewer entries than the header counts, all objects of the file are walked for the others. An entry of which some fields cannot be read
keeps the rest; without a readable message it is a reject. The compact layout (systemd 252) and fields compressed by XZ, LZ4 and Zstandard
are read; seals are not verified.

References: systemd JOURNAL_FILE_FORMAT.
"""

from __future__ import annotations

import lzma
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import zstandard

from gatewatch.intake.batch import Batch
from gatewatch.intake.journal_field import NO_ENTRY, RECEIVED, VALUE_CAP, Builder, Value, add, as_json, is_wanted
from gatewatch.intake.line import TOO_LONG

SIGNATURE = b"LPKSHHRH"
FILE_CAP = 4 * 1024**3  # bytes
_FLAGS = struct.Struct("<8sII")
_HEADER_SIZE = struct.Struct("<Q")  # at 88
_COUNTERS = struct.Struct("<QQQQ")  # at 152: entries, last and first sequence number, first entry array
_OBJECT = struct.Struct("<BBHIQ")  # type, flags, reserved (two), size
_ENTRY = struct.Struct("<QQ")  # at 16: sequence number, time
_DATA_TYPE, _ENTRY_TYPE, _ARRAY_TYPE, _TYPES = 1, 3, 6, 8
_KNOWN_FLAGS, _COMPACT = 31, 16
_DATA_HEAD, _COMPACT_HEAD = 64, 72  # bytes before the payload of a data object
_ENTRY_HEAD, _ARRAY_HEAD = 64, 24  # bytes before the items
_ITEMS = 1 << 16  # of one entry; journald writes 1024 at most
_NAME_CAP = 65  # bytes of a field name and its "="
_CACHED = 1 << 18  # values remembered: most are shared by many entries
_MEMORY = 128 * 1024**2


class _Damaged(Exception):  # noqa: N818 - says what the file is, not that we failed
    """Something cannot be read; the message says what."""


@dataclass(frozen=True, slots=True)
class _File:
    """A journal file in memory and what its header says of it; ``array`` is the offset of the first entry array."""

    data: bytes
    compact: bool
    start: int
    entries: int
    first: int
    last: int
    array: int

    def object(self, offset: int, kind: int, least: int) -> tuple[int, int]:
        """Return flags and size of the object of type *kind* at *offset*, at least *least* bytes long."""
        if offset % 8 or not self.start <= offset <= len(self.data) - least:
            raise _Damaged("journal entry points outside of the file")
        found, flags, _, _, size = _OBJECT.unpack_from(self.data, offset)
        if found != kind or not least <= size <= len(self.data) - offset:
            raise _Damaged("damaged journal object")
        return flags, size


def sniff(head: bytes) -> float:
    """Return 1 for a file that begins with *head* being a journal file, else 0."""
    return 1.0 if head.startswith(SIGNATURE) else 0.0


def read(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the entries of a file in batches of at most about 50,000; the file is held in memory, at most 4 GiB of it."""
    builder = Builder()
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > FILE_CAP:
            builder.reject(FILE_CAP, "journal file larger than 4 GiB; the rest of it is not read", b"")
            break
        parts.append(bytes(chunk))
    try:
        file = _open(b"".join(parts))
    except _Damaged as error:
        builder.reject(0, str(error), parts[0][:16] if parts else b"")
        yield builder.batch()
        return
    parts.clear()
    offsets = _entries(file)
    values = _Values(file)
    for offset in offsets:
        _add(builder, file, values, offset)
        if builder.full:
            yield builder.batch()
    if len(offsets) < file.entries:
        builder.reject(len(file.data), f"journal entries missing: {file.entries:,} counted, {len(offsets):,} found", b"")
    if not builder.empty:
        yield builder.batch()


def _open(data: bytes) -> _File:
    if not data.startswith(SIGNATURE):
        raise _Damaged("no journal file")
    if len(data) < 184:
        raise _Damaged("journal file ends within its header")
    _, _, flags = _FLAGS.unpack_from(data, 0)
    if flags & ~_KNOWN_FLAGS:
        raise _Damaged(f"journal file of a newer kind (flags {flags:#x}); export it with journalctl -o export")
    (start,) = _HEADER_SIZE.unpack_from(data, 88)
    entries, last, first, array = _COUNTERS.unpack_from(data, 152)
    return _File(data, bool(flags & _COMPACT), max(184, min(start, len(data))) + 7 & ~7, entries, first, last, array)


def _entries(file: _File) -> list[int]:
    """Return the offsets of all entries; they grow with the sequence numbers, for the file is only ever appended to."""
    found = _chain(file)
    if len(found) < file.entries:
        found = np.union1d(found, np.array(list(_walk(file)), dtype=np.int64))
    return [int(offset) for offset in found]


def _chain(file: _File) -> np.ndarray:
    """Return the offsets in the chain of entry arrays, as far as it is sound."""
    parts = [np.empty(0, np.int64)]
    seen: set[int] = set()
    at = file.array
    while at and at not in seen:
        seen.add(at)
        try:
            _, size = file.object(at, _ARRAY_TYPE, _ARRAY_HEAD)
        except _Damaged:
            break
        dtype = np.dtype("<u4" if file.compact else "<u8")
        items = np.frombuffer(file.data, dtype, (size - _ARRAY_HEAD) // dtype.itemsize, at + _ARRAY_HEAD)
        inside = items[(items > 0) & (items < len(file.data))].astype(np.int64)
        parts.append(inside)
        at = int.from_bytes(file.data[at + 16 : at + 24], "little")
    return np.unique(np.concatenate(parts))


def _walk(file: _File) -> Iterator[int]:
    """Yield the offsets of the entries found by going from object to object; after a damaged one, from the next that looks sound."""
    words = np.frombuffer(file.data, "<u8", len(file.data) // 8)
    kinds = words & ~np.uint64(0x0700)  # the flags of compression
    likely = np.flatnonzero((kinds > 0) & (kinds < _TYPES)) * 8
    at = file.start
    while at + _OBJECT.size <= len(file.data):
        kind, _, low, high, size = _OBJECT.unpack_from(file.data, at)
        if 0 < kind < _TYPES and not low and not high and _OBJECT.size <= size <= len(file.data) - at:
            if kind == _ENTRY_TYPE and size > _ENTRY_HEAD and file.first <= _ENTRY.unpack_from(file.data, at + 16)[0] <= file.last:
                yield at
            at += size + 7 & ~7
        else:
            following = np.searchsorted(likely, at, "right")
            if following == len(likely):
                return
            at = int(likely[following])


def _add(builder: Builder, file: _File, values: _Values, offset: int) -> None:
    entry: dict[str, Value] = {}
    fault: str | None = None
    try:
        _, size = file.object(offset, _ENTRY_TYPE, _ENTRY_HEAD)
        entry[RECEIVED] = str(_ENTRY.unpack_from(file.data, offset + 16)[1])
        number = min((size - _ENTRY_HEAD) // (4 if file.compact else 16), _ITEMS)
        items = struct.unpack_from(f"<{number}I" if file.compact else f"<{2 * number}Q", file.data, offset + _ENTRY_HEAD)
    except _Damaged as error:
        builder.reject(offset, str(error), file.data[offset : offset + 64])
        return
    held = 0
    for item in dict.fromkeys(items if file.compact else items[::2]):
        try:
            found = values.get(item)
        except _Damaged as error:
            fault = str(error)
            continue
        if found is not None:
            add(entry, *found)
            held += len(found[1])
        if held > 2 * VALUE_CAP:
            builder.reject(offset, TOO_LONG, b"")
            return
    if fault is not None and "MESSAGE" not in entry:
        builder.reject(offset, fault, as_json(entry).encode())
    elif not builder.add_entry(offset, entry):
        builder.reject(offset, NO_ENTRY, b"")


class _Values:
    """The data objects of a file as ``(field, value)``, None for fields that are not kept."""

    def __init__(self, file: _File) -> None:
        self._file = file
        self._cache: dict[int, tuple[str, str] | None] = {}
        self._zstd = zstandard.ZstdDecompressor(max_window_size=_MEMORY)

    def get(self, offset: int) -> tuple[str, str] | None:
        """Return the field at *offset*; raises :class:`_Damaged`."""
        if offset not in self._cache:
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            self._cache[offset] = self._decode(offset)
        return self._cache[offset]

    def _decode(self, offset: int) -> tuple[str, str] | None:
        head = _COMPACT_HEAD if self._file.compact else _DATA_HEAD
        flags, size = self._file.object(offset, _DATA_TYPE, head)
        data, begin, end = self._file.data, offset + head, offset + size
        if flags & 7:
            data = self._unpack(flags & 7, data[begin:end])
            begin, end = 0, len(data)
        equals = data.find(b"=", begin, min(begin + _NAME_CAP, end))
        if equals < 0:
            raise _Damaged("journal field without a name")
        name = data[begin:equals].decode("ascii", "replace")
        if not is_wanted(name):
            return None
        if end - equals - 1 > VALUE_CAP:
            raise _Damaged(TOO_LONG)
        return name, data[equals + 1 : end].decode("utf-8", "replace")

    def _unpack(self, flags: int, packed: bytes) -> bytes:
        """Return what *packed* holds, at most a little more than may be kept."""
        cap = VALUE_CAP + _NAME_CAP + 1
        try:
            if flags & 4:
                return self._zstd.stream_reader(packed).read(cap)
            if flags & 1:
                return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY).decompress(packed, cap)
            return _unlz4(packed, cap)
        except (zstandard.ZstdError, lzma.LZMAError, EOFError) as error:
            raise _Damaged(f"compressed journal field is damaged: {error}") from None


def _unlz4(packed: bytes, cap: int) -> bytes:
    """Unpack an LZ4 block after its size; the library is asked for only here, for journald has not used LZ4 since 2020."""
    try:
        import lz4.block  # noqa: PLC0415 - as above
    except ImportError:
        raise _Damaged("journal field compressed by LZ4: the package lz4 is not installed") from None
    size = int.from_bytes(packed[:8], "little")
    if size > cap:
        raise _Damaged(TOO_LONG)
    try:
        return bytes(lz4.block.decompress(packed[8:], uncompressed_size=size))
    except lz4.block.LZ4BlockError as error:
        raise _Damaged(f"compressed journal field is damaged: {error}") from None
