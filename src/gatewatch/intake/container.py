"""Containers: what a file is packed in, told by its first bytes, and the decoders of the compressed ones.

A decoder takes a :class:`~gatewatch.intake.feed.Feed` of packed bytes and yields pieces of at most about 1 MiB. Where its input is
damaged or ends early it first yields all that can be had, then raises :class:`~gatewatch.intake.feed.Damaged`. Bytes past the end go
back to the feed.

References: RFC 1952 (gzip), RFC 8878 (zstd), the xz file format, POSIX pax (tar), APPNOTE.TXT (zip).
"""

from __future__ import annotations

import bz2
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum

import zstandard

from gatewatch.intake.feed import Damaged, Feed

PIECE = 1 << 20  # unpacked bytes of one piece
_INFLATE_STEP = 128 * 1024  # reached by doubling: a file may be made of many tiny streams
_STEP = 4096  # what a decoder that keeps no copy of its state loses at most where it fails
_MEMORY = 512 * 1024**2  # dictionary of an xz file
_GZIP = b"\x1f\x8b\x08"
_XZ = b"\xfd7zXZ\0"
_ZSTD = b"\x28\xb5\x2f\xfd"


class Container(StrEnum):
    """What a stream of bytes is packed in."""

    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    TAR = "tar"
    ZIP = "zip"


UNREADABLE: tuple[tuple[bytes, str], ...] = (
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x1f\x9d", "compress (.Z)"),
    (b"\x04\x22\x4d\x18", "LZ4"),
    (b"MSCF\0\0\0\0", "cabinet"),
    (b"LZIP\x01", "lzip"),
)


def sniff(head: bytes) -> Container | None:
    """Return the container that a stream beginning with *head* (at least 512 bytes, where it has them) is, or None."""
    if head.startswith(_GZIP):
        return Container.GZIP
    if head.startswith(b"BZh") and head[3:4] in b"123456789" and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return Container.BZIP2
    if head.startswith(_XZ):
        return Container.XZ
    if head.startswith(_ZSTD) or (head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F):
        return Container.ZSTD
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK\x03\x04")):
        return Container.ZIP
    return Container.TAR if is_tar(head[:512]) else None


def is_tar(block: bytes) -> bool:
    """Return whether *block* is a tar header with a right checksum."""
    if len(block) < 512 or not block[0]:
        return False
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "replace")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def gzip_time(head: bytes) -> datetime | None:
    """Return the time a gzip header gives for the file it packs, or None."""
    seconds = int.from_bytes(head[4:8], "little")
    return datetime.fromtimestamp(seconds, UTC) if seconds and len(head) >= 8 else None


def gunzip(feed: Feed) -> Iterator[bytes]:
    """Unpack gzip, several members included."""
    while True:
        yield from _inflate(feed, 31, "gzip")
        following = _past_padding(feed)
        if not following:
            return
        if not following.startswith(_GZIP):
            raise Damaged("gzip data is followed by bytes that are no gzip")


def inflate(feed: Feed) -> Iterator[bytes]:
    """Unpack one raw deflate stream (zip method 8)."""
    return _inflate(feed, -15, "deflate")


def bunzip2(feed: Feed) -> Iterator[bytes]:
    """Unpack bzip2, several streams included."""
    return _streams(feed, bz2.BZ2Decompressor, "bzip2", b"BZh")


def unxz(feed: Feed) -> Iterator[bytes]:
    """Unpack xz, several streams and padding included."""
    return _streams(feed, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY), "xz", _XZ)


def unzstd(feed: Feed) -> Iterator[bytes]:
    """Unpack zstd, several frames and skippable ones included."""
    while head := feed.peek(8):
        if head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F:
            size = 8 + int.from_bytes(head[4:8], "little")
            if feed.skip(size) < size:
                raise Damaged("zstd data ends early")
            continue
        if not head.startswith(_ZSTD):
            if not _past_padding(feed):
                return
            raise Damaged("zstd data is followed by bytes that are no zstd")
        decoder = zstandard.ZstdDecompressor().decompressobj()
        while not decoder.eof:
            packed = feed.read(_STEP)
            if not packed:
                raise Damaged("zstd data ends early")
            try:
                piece = decoder.decompress(packed)
            except zstandard.ZstdError as error:
                raise Damaged(f"zstd data is damaged: {error}") from None
            for start in range(0, len(piece), PIECE):
                yield piece[start : start + PIECE]
        feed.unread(decoder.unused_data)


DECODERS: dict[Container, Callable[[Feed], Iterator[bytes]]] = {
    Container.GZIP: gunzip,
    Container.BZIP2: bunzip2,
    Container.XZ: unxz,
    Container.ZSTD: unzstd,
}


def _inflate(feed: Feed, bits: int, what: str) -> Iterator[bytes]:
    decoder = zlib.decompressobj(bits)
    step = _STEP
    while not decoder.eof:
        packed = decoder.unconsumed_tail or feed.read(step)
        step = min(2 * step, _INFLATE_STEP)
        before = decoder.copy()
        try:
            piece = decoder.decompress(packed, PIECE)
        except zlib.error as error:
            # What came out before the fault is lost with the call; a copy of the decoder gives it again, byte by byte.
            yield _salvage(before, packed)
            raise Damaged(f"{what} data is damaged: {str(error).rpartition(': ')[2]}") from None
        if piece:
            yield piece
        elif not packed:
            raise Damaged(f"{what} data ends early")
    feed.unread(decoder.unused_data)


def _salvage(decoder: zlib._Decompress, packed: bytes) -> bytes:
    parts: list[bytes] = []
    for index in range(len(packed)):
        try:
            parts.append(decoder.decompress(packed[index : index + 1]))
        except zlib.error:
            break
    return b"".join(parts)


def _streams(feed: Feed, new: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], what: str, magic: bytes) -> Iterator[bytes]:
    while True:
        decoder = new()
        while not decoder.eof:
            packed = feed.read(_STEP) if decoder.needs_input else b""
            if decoder.needs_input and not packed:
                raise Damaged(f"{what} data ends early")
            try:
                piece = decoder.decompress(packed, PIECE)
            except (lzma.LZMAError, OSError, EOFError, ValueError) as error:
                raise Damaged(f"{what} data is damaged: {error}") from None
            if piece:
                yield piece
        feed.unread(decoder.unused_data)
        following = _past_padding(feed)
        if not following:
            return
        if not following.startswith(magic):
            raise Damaged(f"{what} data is followed by bytes that are no {what}")


def _past_padding(feed: Feed) -> bytes:
    """Skip NUL padding; return the first bytes of what follows, empty at the end."""
    while head := feed.peek(512):
        rest = head.lstrip(b"\0")
        feed.skip(len(head) - len(rest))
        if rest:
            return feed.peek(8)
    return b""
