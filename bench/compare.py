"""Measure `gatewatch scan` against ripgrep and fail2ban-regex on the same generated sshd log, in the same run.

Whole processes, wall time and peak memory as the operating system accounts them, the median of several runs.

Usage: python bench/compare.py [--lines 5000000] [--runs 3] [--slice 20000] [--twice] [--folder /tmp]
Needs `rg` and `fail2ban-regex` on the path (Debian: ripgrep, fail2ban).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def run(command: list[str]) -> tuple[float, float, float]:
    """Run *command*; return wall seconds, processor seconds and peak memory in MB.

    Python may keep its bytecode, as where the program is installed. The peak counts what this process held when it forked: it must stay small.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def median(command: list[str], runs: int) -> tuple[float, float, float]:
    """Return the medians of several runs after one that is not counted."""
    run(command)
    rows = [run(command) for _ in range(runs)]
    wall, cpu, memory = (statistics.median(values) for values in zip(*rows, strict=True))
    return wall, cpu, memory


def write(path: Path, count: int) -> Path:
    """Write a log of *count* lines unless it is there; in a process of its own, for the memory it takes."""
    if not path.exists():
        subprocess.run([sys.executable, str(HERE / "make_sshd_log.py"), str(path), str(count)], check=True)
    return path


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--slice", type=int, default=20_000, help="lines given to fail2ban-regex")
    parser.add_argument("--twice", action="store_true", help="also scan a log of twice the lines, for memory")
    parser.add_argument("--folder", type=Path, default=Path("/tmp"))
    given = parser.parse_args()
    missing = [tool for tool in ("rg", "fail2ban-regex") if shutil.which(tool) is None]
    if missing:
        print(f"not installed: {', '.join(missing)}")
        return 2
    scan = [sys.executable, "-m", "gatewatch.cli.main", "scan", "--quiet", "--year", "2026"]
    log = write(given.folder / f"gatewatch-bench-{given.lines}.log", given.lines)
    part = given.folder / f"gatewatch-bench-{given.lines}-slice.log"
    with log.open() as source, part.open("w", encoding="ascii") as target:
        target.writelines(line for line, _ in zip(source, range(given.slice), strict=False))
    rows = {
        "rg -c 'Failed |Accepted '": median(["rg", "-c", "Failed |Accepted ", str(log)], given.runs),
        "gatewatch scan": median([*scan, str(log)], given.runs),
        f"fail2ban-regex sshd ({given.slice:,} lines)": median(["fail2ban-regex", str(part), "sshd"], 1),
    }
    if given.twice:
        double = write(given.folder / f"gatewatch-bench-{given.lines * 2}.log", given.lines * 2)
        rows["gatewatch scan, twice the lines"] = median([*scan, str(double)], 1)
    print(f"{given.lines:,} lines, {log.stat().st_size / 1e6:.0f} MB, {os.cpu_count()} processors, median of {given.runs}")
    for name, (wall, cpu, memory) in rows.items():
        print(f"{name:45s} {wall:8.2f} s wall {cpu:8.2f} s cpu {memory:8.0f} MB peak")
    ours, theirs = rows["gatewatch scan"], rows["rg -c 'Failed |Accepted '"]
    ban = rows[f"fail2ban-regex sshd ({given.slice:,} lines)"]
    print(f"times ripgrep: {ours[0] / theirs[0]:.1f} (goal: at most 20)")
    rate, other = given.lines / ours[0], given.slice / ban[0]
    print(f"lines per second: {rate:,.0f} against {other:,.0f}: {rate / other:.0f} times fail2ban-regex (goal: at least 30)")
    if given.twice:
        print(f"memory on twice the input: {rows['gatewatch scan, twice the lines'][2] / ours[2]:.2f} times (goal: at most 1.2)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
