"""Measure `gatewatch scan` by source: speed and peak memory of each format alone, and of a folder that mixes them all against their sum.

The input is what an ordinary organisation logs (make_ordinary_logs.py): most records are of no interest. With --dense it is the annotated samples of
the tests, an hour later with each copy (documentation addresses; text gets a classic syslog head): every record is an event, most are part of an
attack, and a scan is mostly the telling of thousands of incidents. That is the worst case, and no log is like it. Whole processes, as the operating
system accounts them.

Usage: python bench/compare_sources.py [--megabytes 50] [--mixed 5] [--twice] [--dense] [--only NAME ...] [--folder /tmp]
A file of 2 GB within 1 GB of memory: python bench/compare_sources.py --megabytes 2000 --mixed 0 --only sshd cisco-asa okta
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import make_ordinary_logs as ordinary
from compare import median, run

SAMPLES = Path(__file__).parents[1] / "tests" / "samples"
FIRST = datetime(2026, 3, 1)  # noqa: DTZ001 - a classic syslog head has no zone
_PROGRAM = re.compile(r"# program: *(.+)")
_EPOCH = re.compile(r"(?<![0-9A-Za-z])1[67][0-9]{8}(?=(?:[0-9]{3})?(?![0-9A-Za-z]))")
_ISO = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9]")
_SERIAL = re.compile(r"(?<=:)[0-9]+(?=\))")  # of an audit event
_LIMIT = 1000  # MB of memory that a file of any size may take
_SYSTEM = 1.1  # what the machine may add to a sum


class Sample:
    """The records of a source's sample files of one kind, as bytes: what stands once at the head, and lines with the program of each or None."""

    def __init__(self, path: Path) -> None:
        self.suffix = path.suffix
        self.head: list[str] = []
        self.lines: list[tuple[str | None, str]] = []
        program = None
        for line in path.read_text(encoding="utf-8", errors="surrogateescape").split("\n"):
            named = _PROGRAM.match(line)
            if named is not None:
                program = named[1].strip()
            elif path.suffix == ".table" and line.startswith("#") and not line.startswith("# "):
                self.head.append(line)
            elif line.strip() and not line.startswith("# "):
                self.lines.append((program, line))
        if path.suffix == ".table" and not self.head and self.lines:
            self.head.append(self.lines.pop(0)[1])  # the line that names the columns

    def copies(self) -> Iterator[str]:
        """Yield the records again and again, an hour later with each copy."""
        number = 0
        while True:
            moment = FIRST + timedelta(hours=number % 5000)
            stamp = f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S} gate01 "
            lines = (line if program is None else f"{stamp}{_tag(program)}: {line}" for program, line in self.lines)
            yield "\n".join(_later(line, number) for line in lines) + "\n"
            number += 1


def _later(line: str, number: int) -> str:
    """Return *line* with its own instants *number* hours later, and the serial of an audit event another one."""

    def iso(found: re.Match[str]) -> str:
        try:
            moment = datetime.fromisoformat(found[0]) + timedelta(hours=number % 5000)
        except ValueError:  # a sample of a broken time
            return found[0]
        return moment.isoformat(found[0][10])

    line = _ISO.sub(iso, _EPOCH.sub(lambda found: str(int(found[0]) + 3600 * number), line))
    return _SERIAL.sub(lambda found: str(int(found[0]) + 100_000 * number), line) if "audit(" in line else line


def _tag(program: str) -> str:
    return program if program.startswith("%") else f"{program}[4711]"


def samples() -> dict[str, list[Sample]]:
    """Return the samples that can be repeated, by source."""
    found: dict[str, list[Sample]] = {}
    for path in sorted(SAMPLES.glob("*/*")):
        if path.suffix in {".log", ".jsonl", ".table"}:
            sample = Sample(path)
            if sample.lines:
                found.setdefault(path.parent.name, []).append(sample)
    return found


def write(place: Path, name: str, parts: list[Sample], size: int) -> list[Path]:
    """Write about *size* bytes of the samples of source *name*, a file for each kind; return the files."""
    paths = []
    for number, part in enumerate(parts):
        path = place / f"{name}-{number}{part.suffix}"
        written = 0
        with path.open("w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(line + "\n" for line in part.head)
            for text in part.copies():
                file.write(text)
                written += len(text)
                if written >= size // len(parts):
                    break
        paths.append(path)
    return paths


def write_ordinary(place: Path, name: str, size: int) -> list[Path]:
    """Write about *size* bytes of the ordinary log *name*; return the file."""
    return [ordinary.write(place / f"{name}.{'jsonl' if name in ordinary.JSON else 'log'}", name, size)]


def main() -> int:
    """Measure and print a table; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=50, help="size of the input of each source")
    parser.add_argument("--mixed", type=int, default=5, help="megabytes of each source in the folder of all (0: none)")
    parser.add_argument("--twice", action="store_true", help="also measure each source with twice the size, for memory")
    parser.add_argument("--dense", action="store_true", help="the annotated samples instead: every record an event")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these sources")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("/tmp"))
    given = parser.parse_args()
    scan = [sys.executable, "-m", "gatewatch.cli.main", "scan", "--quiet", "--year", "2026"]
    place = given.folder / "gatewatch-bench-sources"
    dense = samples() if given.dense else {}
    chosen = [name for name in (dense if given.dense else ordinary.NAMES) if not given.only or name in given.only]

    def make(folder: Path, name: str, size: int) -> list[Path]:
        return write(folder, name, dense[name], size) if given.dense else write_ordinary(folder, name, size)

    nothing = place / "nothing.log"
    missed = []
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    nothing.write_text("Mar  1 00:00:00 gate01 cron[1]: nothing\n")
    start = median([*scan, str(nothing)], 3)
    print(f"start-up alone: {start[0]:.2f} s wall, {start[1]:.2f} s cpu, {start[2]:.0f} MB; speeds are without it")
    print(f"{'source':24s} {'MB':>6s} {'MB/s wall':>10s} {'MB/s cpu':>10s} {'peak MB':>8s}" + ("  twice" if given.twice else ""))
    for name in chosen:
        paths = make(place, name, given.megabytes * 1_000_000)
        size = sum(path.stat().st_size for path in paths) / 1e6
        wall, cpu, memory = median([*scan, *map(str, paths)], given.runs) if given.runs > 1 else run([*scan, *map(str, paths)])
        row = f"{name:24s} {size:6.0f} {size / max(wall - start[0], 0.01):10.0f} {size / max(cpu - start[1], 0.01):10.0f} {memory:8.0f}"
        peak = memory
        if given.twice:
            for path in paths:
                path.unlink()
            paths = make(place, name, given.megabytes * 2_000_000)
            peak = run([*scan, *map(str, paths)])[2]
            row += f" {peak / memory:6.2f}"
        if peak > _LIMIT:
            missed.append(f"{name}: {peak:.0f} MB of memory (goal: at most {_LIMIT})")
        print(row, flush=True)
        for path in paths:
            path.unlink()
    if given.mixed:
        mixed = place / "mixed"
        mixed.mkdir()
        alone = [0.0, 0.0]
        for name in chosen:
            paths = make(mixed, name, given.mixed * 1_000_000)
            wall, cpu, _ = run([*scan, *map(str, paths)])
            alone[0] += wall - start[0]
            alone[1] += cpu - start[1]
        wall, cpu, memory = run([*scan, str(mixed)])
        wall, cpu = wall - start[0], cpu - start[1]
        print(f"a folder of all {len(chosen)}: {wall:.1f} s wall, {cpu:.1f} s cpu, {memory:.0f} MB")
        print(f"the sum of each alone: {alone[0]:.1f} s wall, {alone[1]:.1f} s cpu")
        print(f"times the sum: {wall / alone[0]:.2f} wall, {cpu / alone[1]:.2f} cpu (goal: at most 1)")
        if cpu > alone[1] * _SYSTEM:
            missed.append(f"the folder of all takes {cpu / alone[1]:.2f} times the sum of its parts (goal: at most 1)")
    shutil.rmtree(place, ignore_errors=True)
    for what in missed:
        print(f"missed: {what}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
