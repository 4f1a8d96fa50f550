"""Measure `gatewatch scan` by source: speed and peak memory of each format alone, and of a folder that mixes them all against their sum.

The input is made of the annotated samples of the tests, repeated (documentation addresses; text gets a classic syslog head with a clock
that moves on). JSON and table records are repeated as they stand, so they cost what they cost and mean little. Whole processes, as the
operating system accounts them.

Usage: python bench/compare_sources.py [--megabytes 50] [--mixed 5] [--twice] [--only NAME ...] [--folder /tmp]
A file of 2 GB within 1 GB of memory: python bench/compare_sources.py --megabytes 2000 --mixed 0 --only sshd
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from compare import median, run

SAMPLES = Path(__file__).parents[1] / "tests" / "samples"
FIRST = datetime(2026, 3, 1)  # noqa: DTZ001 - a classic syslog head has no zone
_PROGRAM = re.compile(r"# program: *(.+)")
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
        """Yield the records again and again; syslog heads move on by a second with each copy."""
        number = 0
        while True:
            moment = FIRST + timedelta(seconds=number % 2_000_000)
            stamp = f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S} gate01 "
            yield "\n".join(line if program is None else f"{stamp}{_tag(program)}: {line}" for program, line in self.lines) + "\n"
            number += 1


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


def main() -> int:
    """Measure and print a table; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=50, help="size of the input of each source")
    parser.add_argument("--mixed", type=int, default=5, help="megabytes of each source in the folder of all (0: none)")
    parser.add_argument("--twice", action="store_true", help="also measure each source with twice the size, for memory")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these sources")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("/tmp"))
    given = parser.parse_args()
    scan = [sys.executable, "-m", "gatewatch.cli.main", "scan", "--quiet", "--year", "2026"]
    place = given.folder / "gatewatch-bench-sources"
    chosen = {name: parts for name, parts in samples().items() if not given.only or name in given.only}
    nothing = place / "nothing.log"
    missed = []
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    nothing.write_text("Mar  1 00:00:00 gate01 cron[1]: nothing\n")
    start = median([*scan, str(nothing)], 3)
    print(f"start-up alone: {start[0]:.2f} s wall, {start[1]:.2f} s cpu, {start[2]:.0f} MB; speeds are without it")
    print(f"{'source':24s} {'MB':>6s} {'MB/s wall':>10s} {'MB/s cpu':>10s} {'peak MB':>8s}" + ("  twice" if given.twice else ""))
    for name, parts in chosen.items():
        paths = write(place, name, parts, given.megabytes * 1_000_000)
        size = sum(path.stat().st_size for path in paths) / 1e6
        wall, cpu, memory = median([*scan, *map(str, paths)], given.runs) if given.runs > 1 else run([*scan, *map(str, paths)])
        row = f"{name:24s} {size:6.0f} {size / max(wall - start[0], 0.01):10.0f} {size / max(cpu - start[1], 0.01):10.0f} {memory:8.0f}"
        peak = memory
        if given.twice:
            for path in paths:
                path.unlink()
            paths = write(place, name, parts, given.megabytes * 2_000_000)
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
        for name, parts in chosen.items():
            paths = write(mixed, name, parts, given.mixed * 1_000_000)
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
