"""Opening: from the paths a user gives to the byte streams they hold.

Folders are walked in the order of their names, containers are recognised by content and unpacked on the fly, and each stream comes out as a
:class:`Member`. What cannot be read comes out as a :class:`~gatewatch.schema.records.Problem` in its place, and the rest goes on.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gatewatch.intake.archive import Item, Link, utc, walk_tar, walk_zip
from gatewatch.intake.container import DECODERS, UNREADABLE, Container, gzip_time, sniff
from gatewatch.intake.feed import Feed, Pipe, Unpacked, Window
from gatewatch.intake.limit import Budget, Fault, Limits
from gatewatch.schema.records import Problem

HEAD = 64 * 1024
CHUNK = 16 * 1024**2  # the allocator gives blocks of 32 MiB and more back at once: four times slower
STDIN = "-"
_DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class Member:
    """One unpacked byte stream: a file, or a file within an archive.

    ``name``: as given, with ``!`` before archive members; ``path``: the file on disk; ``mtime``: of the member where its container
    records it, else of the file, None for standard input; ``mtime_local``: that time had no zone (zip) and is taken for UTC; ``size``:
    bytes on disk, 0 where unknown; ``head``: the first 64 KiB.
    """

    name: str
    path: Path
    mtime: datetime | None
    size: int
    head: bytes
    mtime_local: bool
    _feed: Feed = field(repr=False)

    def chunks(self, size: int = CHUNK) -> Iterator[bytes]:
        """Yield the stream from its beginning in chunks of *size* bytes; once, and before the next member is asked for.

        A stream that is damaged ends early; the problem comes from :func:`open_paths` when the next member is asked for.
        """
        while chunk := self._feed.read(size):
            yield chunk

    def consumed(self) -> int:
        """Return how many bytes on disk were read so far for this member."""
        return self._feed.packed()


def open_paths(paths: Sequence[str], limits: Limits = _DEFAULT, links: list[Link] | None = None) -> Iterator[Member | Problem]:
    """Yield the members of *paths* (files, folders, archives, ``-`` for standard input), each file once however often it is reached.

    Symbolic links in folders are followed, unless *links* is given: then they are added to it, as are those within archives, which nobody
    follows. What a copy of another machine's folder links to is not what stands at that path here.
    """
    seen: set[object] = set()
    for path in paths:
        if "\0" in path:
            yield Problem(path.replace("\0", "\N{REPLACEMENT CHARACTER}"), "there is no such file or folder", "user", fatal=True)
        elif path != STDIN:
            yield from _walk(path, seen, limits, links)
        elif STDIN not in seen:
            seen.add(STDIN)
            yield from _Origin(Path(STDIN), Budget(limits), links).unfold(_Layer(STDIN, Pipe(sys.stdin.buffer), None, 0))


def _walk(given: str, seen: set[object], limits: Limits, links: list[Link] | None) -> Iterator[Member | Problem]:
    """Walk *given* with a stack of our own: folders may be nested deeper than the interpreter's."""
    stack: list[tuple[str, tuple[object, ...]]] = [(given, ())]
    while stack:
        path, parents = stack.pop()
        name = _readable(path)
        try:
            if links is not None and path != given and os.path.islink(path):
                links.append(Link(name, _readable(os.readlink(path))))
                continue
            status = os.stat(path)
            # Some network file systems number no inodes.
            key: object = (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
            if stat.S_ISDIR(status.st_mode):
                if key in parents:
                    yield Problem(name, "symbolic link leads back to a folder that holds it; not followed", "data")
                elif key not in seen:
                    seen.add(key)
                    with os.scandir(path) as entries:
                        inner = sorted((entry.name for entry in entries), reverse=True)
                    stack += [(os.path.join(path, entry), (*parents, key)) for entry in inner]
            elif not stat.S_ISREG(status.st_mode) and (path != given or not stat.S_ISFIFO(status.st_mode)):
                yield Problem(name, f"{_special(status.st_mode)}, not a file; skipped", "data")
            elif key not in seen:
                seen.add(key)
                yield from _file(path, name, status, limits, links)
        except FileNotFoundError:
            if path == given and not os.path.islink(path):
                yield Problem(name, "there is no such file or folder", "user", fatal=True)
            else:
                what = "symbolic link to nothing" if os.path.islink(path) else "vanished while the folder was read"
                yield Problem(name, what, "data", fatal=True)
        except PermissionError:
            yield Problem(name, "no right to read it", "user", fatal=True)
        except OSError as error:
            what = "symbolic links lead round in a circle" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
            yield Problem(name, what, "data" if error.errno == errno.ELOOP else "system", fatal=True)


def _file(path: str, name: str, status: os.stat_result, limits: Limits, links: list[Link] | None) -> Iterator[Member | Problem]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    origin = _Origin(Path(path), Budget(limits), links)
    if not stat.S_ISREG(status.st_mode):
        with open(descriptor, "rb") as pipe:
            yield from origin.unfold(_Layer(name, Pipe(pipe), None, 0))
        return
    window = Window(descriptor)
    try:
        yield from origin.unfold(_Layer(name, window, utc(status.st_mtime), status.st_size))
    finally:
        window.close()


def _readable(path: str) -> str:
    """Return *path* as text that any output can carry: names on disk need not be UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def _special(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return "a socket"
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    return "a device"


@dataclass(frozen=True, slots=True)
class _Layer:
    """A byte stream that may be a container, on the way in: how many archives and compressions it lies within."""

    name: str
    feed: Feed
    mtime: datetime | None
    size: int
    local: bool = False
    archives: int = 0
    squeezed: int = 0


@dataclass(slots=True)
class _Origin:
    """A file on disk while it is unfolded; ``told`` are the faults already reported, for one may end several layers at once."""

    path: Path
    budget: Budget
    links: list[Link] | None = None
    told: list[Fault] = field(default_factory=list)

    def unfold(self, layer: _Layer) -> Iterator[Member | Problem]:
        """Yield the members within *layer*, or itself when it is no container."""
        head = layer.feed.peek(HEAD)
        kind = sniff(head)
        limit = self.budget.limits.max_depth
        foreign = next((title for magic, title in UNREADABLE if head.startswith(magic)), None)
        if not head:
            yield from self.report(layer.name, layer.feed.fault or Fault("empty file"))
        elif foreign is not None:
            yield Problem(layer.name, f"{foreign} archives cannot be read; unpack it first", "user", fatal=True)
        elif kind is None:
            yield Member(layer.name, self.path, layer.mtime, layer.size, head, layer.local, layer.feed)
            yield from self.report(layer.name, layer.feed.fault)
        elif kind in DECODERS:
            if layer.squeezed >= limit:
                yield Problem(layer.name, f"compressed more than {limit} times over; not read", "data", fatal=True)
                return
            mtime = (gzip_time(head) if kind is Container.GZIP else None) or layer.mtime
            inner = Unpacked(layer.feed, DECODERS[kind], self.budget)
            yield from self.unfold(replace(layer, feed=inner, mtime=mtime, squeezed=layer.squeezed + 1))
        elif layer.archives >= limit:
            yield Problem(layer.name, f"archives nested more than {limit} deep; not read", "data", fatal=True)
        else:
            yield from self.descend(layer, kind)

    def descend(self, layer: _Layer, kind: Container) -> Iterator[Member | Problem]:
        """Yield the members of the archive *layer*."""
        for item in walk_tar(layer.feed) if kind is Container.TAR else walk_zip(layer.feed, self.budget):
            if isinstance(item, Item) and self.budget.admit():
                size = item.size if isinstance(layer.feed, Window) else 0
                inner = _Layer(f"{layer.name}!{item.name}", item.feed, item.mtime or layer.mtime, size, item.local, layer.archives + 1)
                yield from self.unfold(inner)
            elif isinstance(item, Link) and self.links is not None:
                self.links.append(Link(f"{layer.name}!{item.name}", f"{layer.name}!{item.target}" if item.hard else item.target, item.hard))
            elif isinstance(item, Fault):
                yield from self.report(layer.name, item)
            if self.budget.fault is not None:
                yield from self.report(layer.name, self.budget.fault)
                return

    def report(self, name: str, fault: Fault | None) -> Iterator[Problem]:
        """Yield *fault*, unless there is none or it was told."""
        if fault is not None and not any(fault is told for told in self.told):
            self.told.append(fault)
            yield Problem(name, fault.what, fault.whose, fatal=fault.what != "empty file")
