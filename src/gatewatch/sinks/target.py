"""Where output goes: ``FORMAT[:FILE]``. A file appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from typing import BinaryIO, TextIO, cast

from gatewatch.errors import UsageError

NARROWEST, WIDEST, FILE_WIDTH = 40, 140, 100
SCAN_FORMATS = ("console", "jsonl", "csv", "html", "stix", "navigator")
"""The formats of a scan, known without importing what writes them."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed ``FORMAT[:FILE]``; ``file`` is None for standard output."""

    format: str
    file: str | None


def open_target(spec: str, choices: Sequence[str]) -> Target:
    """Return the target that *spec* names.

    Raises :class:`UsageError` for a format that is not in *choices*, a file without name, and a place that cannot be written.
    """
    name, colon, file = spec.partition(":")
    if name not in choices:
        raise UsageError(f"output format {name!r} is unknown; choose one of {', '.join(choices)}")
    if colon and not file:
        raise UsageError(f"output {spec!r} names no file; write {name}:FILE, or {name} for standard output")
    target = Target(name, file if file not in {"", "-"} else None)
    if target.file is not None:
        _check_place(target.file)
    return target


def open_targets(specs: Sequence[str], choices: Sequence[str]) -> list[Target]:
    """Return the targets of several outputs; no two may go to the same place."""
    targets = [open_target(spec, choices) for spec in specs]
    places: dict[str | None, str] = {}
    for target, spec in zip(targets, specs, strict=True):
        place = target.file and os.path.realpath(target.file)
        if place in places:
            raise UsageError(f"outputs {places[place]!r} and {spec!r} go to the same place; give one of them another FILE")
        places[place] = spec
    return targets


@contextmanager
def binary(target: Target) -> Iterator[BinaryIO]:
    """Open *target* for bytes. A regular file is written beside its place and renamed when complete."""
    if target.file is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = os.path.realpath(target.file)
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as device:  # a pipe or /dev/null must not be replaced
                yield device
            return
        yield from _replaced(path)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"{target.file}: {error.strerror or error}") from None


@contextmanager
def text(target: Target) -> Iterator[TextIO]:
    """Open *target* for text: UTF-8 in files, the terminal's encoding on standard output; no line ends are translated."""
    with binary(target) as raw:
        encoding = (sys.stdout.encoding or "utf-8") if target.file is None and sys.stdout.isatty() else "utf-8"
        wrapper = TextIOWrapper(raw, encoding=encoding, errors="backslashreplace", newline="")
        try:
            yield wrapper
            wrapper.flush()
        finally:
            with suppress(ValueError):  # the inner stream may be closed already
                wrapper.detach()


def wants_color(target: Target, environ: Mapping[str, str]) -> bool:
    """Return whether *target* is a terminal that wants colour (https://no-color.org, FORCE_COLOR, TERM=dumb)."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return target.file is None and sys.stdout.isatty() and environ.get("TERM") != "dumb"


def width_of(target: Target, environ: Mapping[str, str]) -> int:
    """Return the columns *target* has: COLUMNS, else the terminal's, else a constant; never absurdly few or many."""
    given = environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and int(given) > 0:
        wide = int(given)
    elif target.file is None:
        wide = shutil.get_terminal_size((80, 24)).columns
    else:
        wide = FILE_WIDTH
    return min(max(wide, NARROWEST), WIDEST)


def _check_place(file: str) -> None:
    path = os.path.realpath(file)
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        raise UsageError(f"{file} is a folder; name a file in it")
    if not os.path.isdir(folder):
        raise UsageError(f"{file}: the folder {folder} does not exist")
    if not os.access(path if os.path.exists(path) and not os.path.isfile(path) else folder, os.W_OK):
        raise UsageError(f"{file}: no right to write there")


def _replaced(path: str) -> Iterator[BinaryIO]:
    folder, name = os.path.split(path)
    part = os.path.join(folder, f".{name[:200]}.{os.getpid()}.part")
    with suppress(FileNotFoundError):
        os.unlink(part)
    mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else None
    handle = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb")
    try:
        with handle:
            yield cast("BinaryIO", handle)
            handle.flush()
            os.fsync(handle.fileno())
        if mode is not None:
            os.chmod(part, mode)
        os.replace(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(part)
        raise
