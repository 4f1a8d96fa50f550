"""Archives: the files within a tar or zip, one after the other, never written to disk.

Both walkers yield :class:`Item` for each regular file; its feed must be read before the next item is asked for, or not at all. Where
an archive is damaged they go on with the next sound header and yield a :class:`~gatewatch.intake.limit.Fault` for what lies between.

A zip on disk is read by its central directory; one within another container, or without a readable directory, from its local headers.
"""

from __future__ import annotations

import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO, RawIOBase
from typing import Any, BinaryIO, cast

from gatewatch.intake import container
from gatewatch.intake.feed import Feed, Pipe, Slice, Unpacked, Window
from gatewatch.intake.limit import Budget, Fault

_LOCAL = struct.Struct("<4s2xHHHHIIIHH")
_ENCRYPTED = 1 | 1 << 13
_DESCRIBED = 1 << 3  # sizes follow the data
_UTF8 = 1 << 11
_STORED = 0
_DECODERS: dict[int, Callable[[Feed], Iterator[bytes]]] = {
    8: container.inflate,
    12: container.bunzip2,
    93: container.unzstd,
    95: container.unxz,
}
_SEARCH = 1 << 16
_LINK_CAP = 4096  # bytes of a path
_HEADER_CAP = 1 << 25  # bytes of one tar header or of a zip directory
# RecursionError: tarfile follows chains of long-name headers by recursion.
_TAR_DAMAGE = (tarfile.TarError, ValueError, EOFError, OverflowError, struct.error, RecursionError)
_UNSOUND = (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError)  # type: ignore[attr-defined]
_ZIP_DAMAGE = (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OverflowError, IndexError, struct.error, OSError)


@dataclass(frozen=True, slots=True)
class Item:
    """A file within an archive; ``size`` is its packed size, 0 where unknown; ``local`` says that ``mtime`` had no zone, taken for UTC."""

    name: str
    mtime: datetime | None
    feed: Feed
    size: int = 0
    local: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A link within a folder or archive, which is not followed: ``target`` as it stands there; ``hard``: from the top of its archive."""

    name: str
    target: str
    hard: bool = False


def utc(seconds: float) -> datetime | None:
    """Return the instant *seconds* after the epoch, or None where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


class _Forward(RawIOBase):
    """A feed as the seekable file that ``tarfile`` wants; it only ever seeks forward."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.position = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = 0) -> int:
        if offset < self.position or whence:
            raise tarfile.StreamError("offset before the last one")
        self.position += self.feed.skip(offset - self.position)
        return self.position

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _HEADER_CAP:
            raise tarfile.ReadError("header of impossible size")
        data = self.feed.read(size)
        self.position += len(data)
        return data


class _Header(tarfile.TarInfo):
    """A tar header that tells its archive when it could not be read: ``tarfile`` takes damage for the end."""

    @classmethod
    def fromtarfile(cls, tarfile: Any) -> Any:
        try:
            return super().fromtarfile(tarfile)
        except _UNSOUND:
            tarfile.damaged = True
            raise


class _Tar(tarfile.TarFile):
    tarinfo = _Header
    damaged = False


class _Sparse(Pipe):
    """A sparse tar member, its holes filled."""

    def _pull(self, size: int) -> bytes:
        try:
            return super()._pull(min(size, _HEADER_CAP))
        except _TAR_DAMAGE as error:
            self.fault = Fault(f"cut short: {error}")
            return b""


def walk_tar(feed: Feed) -> Iterator[Item | Link | Fault]:
    """Yield the regular files and the links of the tar *feed*; devices and directories hold nothing of their own."""
    while feed.peek(1):
        forward = _Forward(feed)
        try:
            yield from _items(_Tar(fileobj=cast("BinaryIO", forward), encoding="utf-8", errors="replace", ignore_zeros=True), forward)
            break
        except _TAR_DAMAGE as error:
            yield feed.fault or Fault(f"tar archive is damaged or ends early ({error}); read on from the next sound header")
            feed.skip(-forward.position % tarfile.BLOCKSIZE)
            while (block := feed.peek(tarfile.BLOCKSIZE)) and not container.is_tar(block):
                feed.skip(len(block))
    if feed.fault is not None:
        yield feed.fault


def _items(archive: _Tar, forward: _Forward) -> Iterator[Item | Link | Fault]:
    while True:
        info = archive.next()
        if archive.damaged:
            archive.damaged = False
            yield forward.feed.fault or Fault("tar header is damaged; read on from the next sound one")
        if info is None:
            return
        if info.isreg() and info.sparse is None:
            body = Slice(forward.feed, max(info.size, 0))
            yield Item(info.name, utc(info.mtime), body, body.left)
            forward.position += body.taken
        elif info.isreg():
            yield Item(info.name, utc(info.mtime), _Sparse(cast("BinaryIO", archive.extractfile(info))))
        elif info.issym() or info.islnk():
            yield Link(info.name, info.linkname, info.islnk())
        archive.members.clear()  # type: ignore[attr-defined]  # it would hold all headers for random access


class _Directory(FileIO):
    """A zip file whose directory may not be of any size."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _HEADER_CAP:
            raise zipfile.BadZipFile("it is too large")
        return super().read(-1 if size is None else size)


def walk_zip(feed: Feed, budget: Budget) -> Iterator[Item | Link | Fault]:
    """Yield the files of the zip *feed*, with what cannot be read of it as faults."""
    if isinstance(feed, Window):
        try:
            with _Directory(feed.descriptor, closefd=False) as file, zipfile.ZipFile(cast("BinaryIO", file)) as archive:
                entries = archive.infolist()
        except _ZIP_DAMAGE as error:
            yield Fault(f"zip directory is damaged or missing ({error}); members are read one by one")
        else:
            yield from _by_directory(feed, entries, budget)
            return
    yield from _by_headers(feed, budget)


@dataclass(slots=True)
class _Entry:
    """What a zip header says of a member."""

    name: str
    method: int
    flags: int
    packed: int
    checksum: int
    time: datetime | None
    local: bool

    def unpack(self, feed: Feed, budget: Budget) -> Feed | Fault:
        """Return the unpacked feed of the member whose packed bytes *feed* gives."""
        if self.flags & _ENCRYPTED:
            return Fault("is encrypted; unpack it with its password first", "user")
        if self.method == _STORED:
            return _Checked(feed, self)
        decode = _DECODERS.get(self.method)
        if decode is None:
            return Fault(f"is compressed with zip method {self.method}, which cannot be read; unpack it first", "user")
        return _Checked(Unpacked(feed, decode, budget), self)


class _Checked(Feed):
    """A member's bytes, whose checksum is compared at the end."""

    def __init__(self, base: Feed, entry: _Entry) -> None:
        super().__init__()
        self._base = base
        self._entry = entry
        self._sum = 0
        self._done = False

    def _pull(self, size: int) -> bytes:
        piece = self._base.read(size)
        self._sum = zlib.crc32(piece, self._sum)
        if not piece and not self._done:
            self._done = True
            self.fault = self._base.fault
            expected = not self._entry.flags & _DESCRIBED or self._entry.checksum
            if self.fault is None and expected and self._sum != self._entry.checksum:
                self.fault = Fault("checksum differs: some bytes are damaged")
        return piece

    def packed(self) -> int:
        return self._base.packed()


def _by_directory(feed: Window, entries: list[zipfile.ZipInfo], budget: Budget) -> Iterator[Item | Link | Fault]:
    total = sum(entry.compress_size for entry in entries)
    if total > feed.size():
        yield Fault("members of the zip overlap, like an archive bomb; it is not read")
        return
    for info in entries:
        if info.is_dir():
            continue
        time, local = _zip_time(info.date_time, info.extra)
        flags = info.flag_bits & ~_DESCRIBED
        entry = _Entry(info.filename, info.compress_type, flags, info.compress_size, info.CRC, time, local)
        head = Window(feed, info.header_offset).peek(_LOCAL.size)
        if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
            yield Item(entry.name, None, _Failed(Fault("zip member is not where the directory says")))
            continue
        fields = _LOCAL.unpack(head)
        start = info.header_offset + _LOCAL.size + fields[8] + fields[9]
        unpacked = entry.unpack(Window(feed, start, entry.packed), budget)
        if stat.S_ISLNK(info.external_attr >> 16) and isinstance(unpacked, Feed):  # its bytes are the path it leads to
            yield Link(entry.name, unpacked.read(_LINK_CAP).decode("utf-8", "replace"))
            continue
        yield Item(entry.name, entry.time, unpacked if isinstance(unpacked, Feed) else _Failed(unpacked), entry.packed, entry.local)


class _Failed(Feed):
    """A member of which nothing can be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault

    def _pull(self, size: int) -> bytes:  # noqa: ARG002 - the signature of the base
        return b""

    def packed(self) -> int:
        return 0


def _by_headers(feed: Feed, budget: Budget) -> Iterator[Item | Fault]:
    while True:
        signature = feed.peek(4)
        if signature != b"PK\x03\x04":
            if signature in (b"PK\x01\x02", b"PK\x05\x06"):
                return
            if not _find_header(feed):
                break
            continue
        entry = _local_entry(feed)
        if entry is None:
            break
        known = not entry.flags & _DESCRIBED or entry.packed > 0
        if not known and entry.method != 8:
            yield Item(entry.name, None, _Failed(Fault("zip member does not say where it ends; unpack the outer archive first")))
            continue
        packed = Slice(feed, entry.packed) if known else feed
        unpacked = entry.unpack(packed, budget)
        if isinstance(unpacked, Fault):
            unpacked = _Failed(unpacked)
        if not entry.name.endswith("/"):
            yield Item(entry.name, entry.time, unpacked, entry.packed, entry.local)
        if known:
            packed.skip(entry.packed)
        else:
            while unpacked.skip(1 << 20):  # only its end says where the next header is
                pass
    if feed.fault is not None or not isinstance(feed, Window):
        yield feed.fault or Fault("zip ends before its directory")


def _find_header(feed: Feed) -> bool:
    """Move *feed* to the next local or directory header; return whether there is one."""
    feed.skip(1)
    while window := feed.peek(_SEARCH):
        found = min((at for at in (window.find(b"PK\x03\x04"), window.find(b"PK\x01\x02")) if at >= 0), default=-1)
        if found >= 0:
            feed.skip(found)
            return True
        feed.skip(max(len(window) - 3, 1))
    return False


def _local_entry(feed: Feed) -> _Entry | None:
    head = feed.read(_LOCAL.size)
    if len(head) < _LOCAL.size:
        return None
    _, flags, method, time, date, checksum, packed, _, name_size, extra_size = _LOCAL.unpack(head)
    name = feed.read(name_size)
    extra = feed.read(extra_size)
    for kind, data in _extras(extra):
        if kind == 1 and len(data) >= 16:
            packed = struct.unpack_from("<8xQ", data)[0]
    when = ((date >> 9) + 1980, date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, (time & 31) * 2)
    stamp, local = _zip_time(when, extra)
    text = name.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    return _Entry(text, method, flags, packed, checksum, stamp, local)


def _extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + size]
        at += 4 + size


def _zip_time(when: tuple[int, ...], extra: bytes) -> tuple[datetime | None, bool]:
    """Return the time of a member and whether its zone is unknown: the extra fields of Unix and NTFS are UTC, the header is not."""
    for kind, data in _extras(extra):
        if kind == 0x5455 and len(data) >= 5 and data[0] & 1:
            return utc(int.from_bytes(data[1:5], "little", signed=True)), False
        if kind == 0x000A and len(data) >= 16 and data[4:6] == b"\1\0":
            ticks = int.from_bytes(data[8:16], "little")
            return utc(ticks // 10_000_000 - 11_644_473_600), False
    try:
        return datetime(*when[:6], tzinfo=UTC), True  # type: ignore[misc, arg-type]
    except ValueError:
        return None, True
