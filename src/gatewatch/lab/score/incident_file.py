"""The incidents of a scan as ``gatewatch scan -o jsonl`` writes them, checked to be of the world they are held against."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path, PurePosixPath

import msgspec

from gatewatch.errors import InputError, UsageError
from gatewatch.schema.incidents import Incident

_decoder = msgspec.json.Decoder(Incident)
_HEAD = 40  # characters of a record that are compared


def read_incidents(path: Path) -> list[Incident]:
    """Return the incidents of a file. InputError when it cannot be read, UsageError with the line for what is no incident."""
    found = []
    try:
        with path.open("rb") as handle:
            for number, line in enumerate(handle, 1):
                if not line.strip():
                    continue
                try:
                    found.append(_decoder.decode(line))
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise UsageError(f"{path}:{number}: no incident as scan -o jsonl writes it: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    return found


def locate(file: str, files: frozenset[str]) -> str | None:
    """Return the file of the world that a path of the scan names: the longest end of it that is one."""
    parts = PurePosixPath(file.replace("\\", "/").partition("!")[0]).parts
    for start in range(len(parts)):
        name = "/".join(parts[start:])
        if name in files:
            return name
    return None


def world_files(world: Path) -> frozenset[str]:
    """Return the names of the log files of a world, below ``logs/``. InputError when there are none."""
    logs = world / "logs"
    names = frozenset(path.relative_to(logs).as_posix() for path in logs.rglob("*") if path.is_file())
    if not names:
        raise InputError(f"{logs}: no logs; is {world} a world?")
    return names


@lru_cache(maxsize=8)
def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def _at(path: Path, offset: int, size: int) -> str:
    try:
        if path.suffix == ".gz":
            return _unpacked(path)[offset : offset + size].decode("utf-8", "replace")
        with path.open("rb") as handle:
            handle.seek(offset)
            return handle.read(size).decode("utf-8", "replace")
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: {error}") from None


def check_world(incidents: Iterable[Incident], world: Path, files: frozenset[str]) -> None:
    """Refuse incidents whose evidence does not stand in the logs of *world*. UsageError."""
    for incident in incidents:
        for stage in incident.stages:
            for evidence in stage.evidence[:2]:
                name = locate(evidence.file, files)
                if name is None:
                    raise UsageError(f"incident {incident.id}: its evidence {evidence.file} is no log of {world}; is it of another world?")
                head = evidence.raw[:_HEAD]
                if name.startswith("graft/") or not head.isascii() or "*" in head:
                    continue
                if not _at(world / "logs" / name, evidence.offset, _HEAD * 2).startswith(head):
                    raise UsageError(
                        f"incident {incident.id}: {name} record {evidence.record} reads otherwise in {world}; the incidents are of another world"
                    )
