"""The decoders: several streams, padding, damage and early ends, whatever the borders of the reads."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake import container
from gatewatch.intake.container import DECODERS, Container
from gatewatch.intake.feed import Feed, Pipe, Slice, Unpacked
from gatewatch.intake.limit import Budget, Limits

_random = random.Random(1133)
DATA = b"".join(b"line %d %d\n" % (number, _random.getrandbits(40)) for number in range(40_000))
PACK: dict[Container, Callable[[bytes], bytes]] = {
    Container.GZIP: gzip.compress,
    Container.BZIP2: bz2.compress,
    Container.XZ: lzma.compress,
    Container.ZSTD: zstandard.ZstdCompressor().compress,
}
KINDS = list(DECODERS)


class Trickle(Feed):
    """Bytes in pieces of *step*, whatever is asked for."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__()
        self.data, self.step, self.at = data, step, 0

    def _pull(self, size: int) -> bytes:
        piece = self.data[self.at : self.at + self.step]
        self.at += len(piece)
        return piece

    def packed(self) -> int:
        return self.at


def unpack(kind: Container, data: bytes, step: int = 1 << 20, limits: Limits | None = None) -> tuple[bytes, str | None]:
    feed = Unpacked(Trickle(data, step), DECODERS[kind], Budget(limits or Limits()))
    parts = []
    while piece := feed.read(70_001):
        parts.append(piece)
    return b"".join(parts), feed.fault.what if feed.fault else None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [3, 5_000, 1 << 20])
def test_several_streams_are_one(kind: Container, step: int) -> None:
    packed = PACK[kind](DATA[:1000]) + PACK[kind](b"") + PACK[kind](DATA[1000:])
    assert container.sniff(packed[:512]) is kind
    assert unpack(kind, packed, step) == (DATA, None)


def test_many_tiny_streams() -> None:
    assert unpack(Container.GZIP, gzip.compress(b"x") * 3000) == (b"x" * 3000, None)


def test_zstd_skippable_frames_are_skipped() -> None:
    skippable = b"\x53\x2a\x4d\x18\x05\0\0\0hello"
    packed = skippable + PACK[Container.ZSTD](b"abc") + skippable
    assert container.sniff(packed) is Container.ZSTD
    assert unpack(Container.ZSTD, packed, 4) == (b"abc", None)
    assert unpack(Container.ZSTD, packed[:-2])[1] == "zstd data ends early (after 3 bytes unpacked)"


@pytest.mark.parametrize("kind", KINDS)
def test_padding_is_no_fault_and_other_bytes_are(kind: Container) -> None:
    assert unpack(kind, PACK[kind](b"abc") + bytes(700)) == (b"abc", None)
    data, fault = unpack(kind, PACK[kind](b"abc") + bytes(700) + b"tail of another file")
    assert (data, fault) == (b"abc", f"{kind} data is followed by bytes that are no {kind} (after 3 bytes unpacked)")


@pytest.mark.parametrize("kind", KINDS)
def test_an_early_end_gives_what_is_there(kind: Container) -> None:
    packed = PACK[kind](DATA)
    data, fault = unpack(kind, packed[: len(packed) // 2])
    assert fault == f"{kind} data ends early (after {len(data):,} bytes unpacked)"
    assert len(data) > len(DATA) // 4 or kind is Container.BZIP2
    assert DATA.startswith(data)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_gives_what_comes_before_it(kind: Container) -> None:
    packed = PACK[kind](DATA) if kind is not Container.BZIP2 else bz2.compress(DATA, 1)
    middle = len(packed) // 2
    data, fault = unpack(kind, packed[:middle] + b"\xff\x00" * 50 + packed[middle + 100 :])
    assert fault is not None and fault.startswith(f"{kind} data is damaged")
    assert len(data) > len(DATA) // 4
    assert data[: len(DATA) // 4] == DATA[: len(DATA) // 4]


def test_deflate_loses_nothing_before_the_fault() -> None:
    first = zlib.compressobj(wbits=-15)
    packed = first.compress(DATA[:10_000]) + first.flush(zlib.Z_FULL_FLUSH) + b"\xff" * 50
    feed = Unpacked(Trickle(packed, 1 << 20), container.inflate, Budget(Limits()))
    assert feed.read(1 << 20) == DATA[:10_000]
    assert feed.fault is not None and "damaged" in feed.fault.what


def test_the_end_of_a_stream_at_the_border_of_a_piece() -> None:
    for size in range(container.PIECE - 3, container.PIECE + 4):
        compressor = zlib.compressobj(wbits=-15)
        packed = compressor.compress(bytes(size)) + compressor.flush()
        feed = Unpacked(Trickle(packed + b"next", 1 << 20), container.inflate, Budget(Limits()))
        assert len(feed.read(size + 1)) == size
        assert feed.fault is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_stopped(kind: Container) -> None:
    packed = PACK[kind](bytes(20 << 20))
    data, fault = unpack(kind, packed, limits=Limits(ratio_floor=1 << 20))
    assert fault == "unpacks to more than 200 times its size, like an archive bomb; the rest is not read"
    assert len(data) < 4 << 20
    assert unpack(kind, packed, limits=Limits())[1] is None
    assert unpack(kind, packed, limits=Limits(max_unpacked=5_000_000))[1] == "unpacks to more than 5,000,000 bytes; the rest is not read"


def test_sniff_goes_by_content() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("x"))
    assert container.sniff(buffer.getvalue()[:512]) is Container.TAR
    assert container.sniff(b"PK\x05\x06" + bytes(18)) is Container.ZIP
    for other in (b"", bytes(600), b"BZh9 is how the line begins", b"Jan  5 12:00:00 gate sshd[1]: x\n" * 40, b"PK", b"\x1f\x8b"):
        assert container.sniff(other) is None


def test_gzip_time() -> None:
    assert container.gzip_time(gzip.compress(b"x", mtime=1_767_614_400)) == datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert container.gzip_time(gzip.compress(b"x", mtime=0)) is None


def test_peek_unread_and_skip_keep_the_order() -> None:
    feed = Pipe(io.BytesIO(b"0123456789"))
    assert feed.peek(4) == b"0123"
    assert feed.read(3) == b"012"
    feed.unread(b"12")
    assert feed.peek(20) == b"123456789"
    assert feed.skip(2) == 2
    feed.unread(b"12")
    assert feed.read(99) == b"123456789"
    assert feed.read(1) == b""


def test_a_slice_ends_where_it_should_and_says_when_it_does_not() -> None:
    feed = Pipe(io.BytesIO(b"0123456789"))
    part = Slice(feed, 4)
    assert (part.read(99), part.fault) == (b"0123", None)
    part = Slice(feed, 7)
    assert part.read(99) == b"456789"
    assert part.fault is not None and part.fault.what == "cut short: 6 of 7 bytes are there"


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.binary(max_size=200), st.integers(0, 60), st.integers(1, 20))
def test_no_bytes_raise(kind: Container, data: bytes, keep: int, step: int) -> None:
    packed = PACK[kind](b"some text of a log")[:keep] + data
    out, fault = unpack(kind, packed, step)
    whole, again = unpack(kind, packed)
    assert (fault is None) == (again is None)
    assert fault is not None or out == whole
