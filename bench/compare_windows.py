"""Measure `gatewatch scan` over EVTX files against a bare loop over their records as JSON, in the same run.

Whole processes, wall time and peak memory as the operating system accounts them, the median of several runs. The files are those of
make_evtx.py, written once, or given ones. With --lines also the speed over the same records as JSON lines (as evtx_dump writes them), made once
beside them; with --json over other JSON lines.

Usage: python bench/compare_windows.py [--records 1000000] [--runs 3] [--samples FOLDER] [--twice] [--lines] [--json FILE] [--folder /tmp] [FILE ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from compare import HERE, median

_BARE = """
import sys
from evtx import PyEvtxParser
count = 0
for path in sys.argv[1:]:
    for record in PyEvtxParser(path).records_json():
        count += 1
print(count)
"""


def _files(folder: Path, records: int, samples: Path | None) -> list[Path]:
    """Write the files unless they are there; in a process of its own, for the memory it takes."""
    place = folder / f"gatewatch-bench-evtx-{records}{'' if samples is None else '-samples'}"
    if not sorted(place.glob("*.evtx")):
        more = [] if samples is None else ["--samples", str(samples)]
        subprocess.run([sys.executable, str(HERE / "make_evtx.py"), "--records", str(records), *more, str(place)], check=True)
    return sorted(place.glob("*.evtx"), key=lambda path: (path.stem != "Security", path.name))


_LINES = """
import json, sys
from evtx import PyEvtxParser
with open(sys.argv[1] + ".part", "w") as out:
    for path in sys.argv[2:]:
        for record in PyEvtxParser(path).records_json():
            out.write(json.dumps(json.loads(record["data"]), separators=(",", ":")) + "\\n")
"""


def _lines(folder: Path, paths: list[Path]) -> Path:
    """Write the records of *paths* as JSON lines unless they are there."""
    made = folder / f"{paths[0].parent.name}.jsonl"
    if not made.exists():
        subprocess.run([sys.executable, "-c", _LINES, str(made), *map(str, paths)], check=True)
        made.with_name(made.name + ".part").rename(made)
    return made


def _records(paths: list[Path]) -> int:
    """Count the records by the headers of the chunks."""
    count = 0
    for path in paths:
        with path.open("rb") as file:
            for at in range(4096, path.stat().st_size, 65536):
                file.seek(at)
                head = file.read(24)
                if head.startswith(b"ElfChnk\0"):
                    first, last = (int.from_bytes(head[place : place + 8], "little") for place in (8, 16))
                    count += last - first + 1
    return count


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--samples", type=Path, default=None, help="a folder with EVTX files whose chunks are repeated")
    parser.add_argument("--twice", action="store_true", help="also scan twice the records, for memory")
    parser.add_argument("--lines", action="store_true", help="also scan the same records as JSON lines")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="also scan these JSON lines")
    parser.add_argument("--folder", type=Path, default=Path("/tmp"))
    given = parser.parse_args()
    scan = [sys.executable, "-m", "gatewatch.cli.main", "scan", "--quiet"]
    paths = given.paths or _files(given.folder, given.records, given.samples)
    names = [str(path) for path in paths]
    count = _records(paths)
    size = sum(path.stat().st_size for path in paths)
    rows = {
        "for record in PyEvtxParser(path).records_json()": median([sys.executable, "-c", _BARE, *names], given.runs),
        "gatewatch scan": median([*scan, *names], given.runs),
    }
    if given.twice and not given.paths:
        double = [str(path) for path in _files(given.folder, given.records * 2, given.samples)]
        rows["gatewatch scan, twice the records"] = median([*scan, *double], 1)
    if given.lines and given.json is None:
        given.json = _lines(given.folder, paths)
    if given.json is not None:
        rows["gatewatch scan, JSON lines"] = median([*scan, str(given.json)], given.runs)
    print(f"{count:,} records, {size / 1e6:.0f} MB, {os.cpu_count()} processors, median of {given.runs}")
    for name, (wall, cpu, memory) in rows.items():
        print(f"{name:48s} {wall:8.2f} s wall {cpu:8.2f} s cpu {memory:8.0f} MB peak")
    bare, ours = list(rows.values())[:2]
    print(f"microseconds a record: {bare[0] / count * 1e6:.2f} bare, {ours[0] / count * 1e6:.2f} ours")
    print(f"times the bare loop: {ours[0] / bare[0]:.2f} (goal: at most 3)")
    if "gatewatch scan, twice the records" in rows:
        print(f"memory on twice the input: {rows['gatewatch scan, twice the records'][2] / ours[2]:.2f} times (goal: at most 1.2)")
    if given.json is not None:
        rate = given.json.stat().st_size / 1e6 / rows["gatewatch scan, JSON lines"][0]
        print(f"JSON lines: {rate:.0f} MB a second (goal: at least 150)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
