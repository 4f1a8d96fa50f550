"""Feeds: bytes that can be read once, forward, whatever they are wrapped in.

A feed never raises for what its data holds: it ends early and says why in ``fault``.

::

    Feed
    ├── Window      a stretch of a file on disk, read by position
    ├── Pipe        standard input and other files that cannot be repositioned
    ├── Slice       the next so many bytes of another feed (a tar member)
    └── Unpacked    what a decoder makes of another feed
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from io import FileIO
from typing import BinaryIO

from gatewatch.intake.limit import Budget, Fault

STEP = 1 << 20  # bytes discarded at a time
_WAKE = 0.2  # seconds


class Damaged(Exception):  # noqa: N818 - says what the input is, not that we failed
    """A decoder's word that its input ended early or makes no sense; the message says which."""


class Feed:
    """A forward-only stream of bytes. Subclasses give ``_pull`` and ``packed``."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self._ahead = b""  # read but not handed out, from _at on
        self._at = 0

    def _pull(self, size: int) -> bytes:
        """Return the next bytes, about *size*; empty at the end."""
        raise NotImplementedError

    def packed(self) -> int:
        """Return how many bytes on disk the feed has cost so far."""
        raise NotImplementedError

    def peek(self, size: int) -> bytes:
        """Return up to *size* bytes without consuming them; fewer only at the end."""
        while len(self._ahead) - self._at < size:
            piece = self._pull(size - (len(self._ahead) - self._at))
            if not piece:
                break
            self._ahead = self._ahead[self._at :] + piece
            self._at = 0
        return self._ahead[self._at : self._at + size]

    def unread(self, data: bytes) -> None:
        """Put back *data*, the last bytes read."""
        if self._at >= len(data):
            self._at -= len(data)
            return
        self._ahead = data + self._ahead[self._at :]
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return exactly *size* bytes, or fewer at the end."""
        parts: list[bytes] = []
        need = size
        while need > 0:
            if self._at < len(self._ahead):
                part = self._ahead[self._at : self._at + need]
                self._at += len(part)
                if self._at == len(self._ahead):
                    self._ahead, self._at = b"", 0
            else:
                part = self._pull(need)
                if not part:
                    break
                if len(part) > need:
                    self._ahead, self._at, part = part, need, part[:need]
            parts.append(part)
            need -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip(self, size: int) -> int:
        """Discard up to *size* bytes; return how many there were."""
        done = 0
        while done < size:
            piece = self.read(min(STEP, size - done))
            if not piece:
                break
            done += len(piece)
        return done


class Window(Feed):
    """The bytes ``[start, start + length)`` of a file, to its end without a length.

    The window that opens a file is given its descriptor and closes it; others look through that one.
    """

    def __init__(self, file: int | Window, start: int = 0, length: int | None = None) -> None:
        super().__init__()
        self._descriptor = file if isinstance(file, int) else -1
        self._root = self if isinstance(file, int) else file
        self._start = start
        self._position = start
        self._end = sys.maxsize if length is None else start + length

    @property
    def descriptor(self) -> int:
        """The open file; after it was closed its number may be another's, so to ask for it is a fault in the program."""
        if self._root._descriptor < 0:  # noqa: SLF001 - a window like this one
            raise RuntimeError("a member must be read before the next is asked for")
        return self._root._descriptor  # noqa: SLF001 - likewise

    def _pread(self, size: int) -> bytes:
        try:
            return os.pread(self.descriptor, max(min(size, self._end - self._position), 0), self._position)
        except OSError as error:
            self.fault = Fault(f"cannot be read on: {error.strerror}", "system")
            return b""

    def _pull(self, size: int) -> bytes:
        piece = self._pread(size)
        self._position += len(piece)
        return piece

    def peek(self, size: int) -> bytes:
        """Return up to *size* bytes without consuming them, so that the first chunk needs no joining."""
        return super().peek(size) if self._at < len(self._ahead) else self._pread(size)

    def packed(self) -> int:
        """Return how many bytes were read."""
        return self._position - self._start

    def size(self) -> int:
        """Return the size of the whole file."""
        return os.fstat(self.descriptor).st_size

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)
        self._descriptor = -1


class Pipe(Feed):
    """The bytes of *source*, a binary file that cannot be repositioned."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._read = 0
        self._waits = True

    def _pull(self, size: int) -> bytes:
        try:
            # unbuffered where that can be: a buffer would wait until it is full
            raw = getattr(self._source, "raw", None)
            if isinstance(raw, FileIO):
                self._wait(raw)
                piece = raw.read(min(size, STEP)) or b""
            else:
                piece = self._source.read(size)
        except OSError as error:
            self.fault = Fault(f"cannot be read on: {error.strerror}", "system")
            return b""
        self._read += len(piece)
        return piece

    def _wait(self, raw: FileIO) -> None:
        """Wait until there is something to read, waking up now and then.

        A library that handles SIGINT as well may have made waiting reads go on after it, and Python would hear of Ctrl-C when they are done only.
        """
        while self._waits:
            try:
                if select.select([raw], [], [], _WAKE)[0]:
                    return
            except (OSError, ValueError):  # nothing that can be waited for here: a plain read has to do
                self._waits = False

    def packed(self) -> int:
        """Return how many bytes were read."""
        return self._read


class Slice(Feed):
    """The next *length* bytes of *base*; a fault when there are fewer."""

    def __init__(self, base: Feed, length: int) -> None:
        super().__init__()
        self._base = base
        self.left = length
        self._length = length
        self._before = base.packed()

    def _pull(self, size: int) -> bytes:
        piece = self._base.read(min(size, self.left)) if self.left else b""
        self.left -= len(piece)
        if not piece and self.left and self.fault is None:
            self.fault = self._base.fault or Fault(f"cut short: {self.taken:,} of {self._length:,} bytes are there")
        return piece

    @property
    def taken(self) -> int:
        """How many bytes were taken from the base."""
        return self._length - self.left

    def packed(self) -> int:
        """Return how many bytes on disk *base* has read since the slice began."""
        return self._base.packed() - self._before


class Unpacked(Feed):
    """What *decode* makes of *base*: an iterator of pieces that raises :class:`Damaged` where it must stop."""

    def __init__(self, base: Feed, decode: Callable[[Feed], Iterator[bytes]], budget: Budget) -> None:
        super().__init__()
        self._base = base
        self._pieces = decode(base)
        self._budget = budget
        self.unpacked = 0

    def _pull(self, size: int) -> bytes:  # noqa: ARG002 - a piece is as large as the decoder makes it
        if self.fault is not None:
            return b""
        try:
            piece = next(self._pieces, b"")
        except Damaged as error:
            self.fault = self._base.fault or Fault(f"{error} (after {self.unpacked:,} bytes unpacked)")
            return b""
        self.unpacked += len(piece)
        self.fault = self._budget.spend(len(piece), self.unpacked, self._base.packed())
        return b"" if self.fault is not None else piece

    def packed(self) -> int:
        """Return how many bytes on disk the unpacked ones have cost."""
        return self._base.packed()
