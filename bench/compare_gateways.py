"""Measure how fast each gateway's log is read, in MB per second of processor time (user and system, all threads), against sshd's.

The input is that of make_gateway_logs.py. Each file is read in a process of its own, as often as asked; the median counts. By default framing and
decoding alone are measured, as they are by far the most of a scan; with --scan, whole scans, less what starting up takes.

Usage: python bench/compare_gateways.py [--megabytes 100] [--runs 3] [--scan] [--only NAME ...] [--folder /tmp]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from compare import run
from make_gateway_logs import DEVICES, write

GOAL = 2.0  # times slower than sshd at most


def decode(path: Path) -> None:
    """Frame and decode *path*; print the processor time."""
    from gatewatch.engines.collect import CHUNK  # noqa: PLC0415 - only the measured process needs it
    from gatewatch.engines.decode import decode_block  # noqa: PLC0415 - as above
    from gatewatch.engines.local import UNWANTED  # noqa: PLC0415 - as above
    from gatewatch.intake.line import cut  # noqa: PLC0415 - as above
    from gatewatch.intake.syslog import Framer  # noqa: PLC0415 - as above
    from gatewatch.schema.events import Kind  # noqa: PLC0415 - as above

    wanted = frozenset(Kind) - UNWANTED
    framer = Framer()
    with path.open("rb") as handle:
        before = time.process_time()
        for block in cut(iter(lambda: handle.read(CHUNK), b"")):
            decode_block(block, framer, wanted)
        print(time.process_time() - before)


def decoded(path: Path) -> float:
    """Return the processor time that framing and decoding *path* takes, in seconds."""
    done = subprocess.run([sys.executable, __file__, "--decode", str(path)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100, help="size of each file")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scan", action="store_true", help="measure whole scans")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these devices, beside sshd")
    parser.add_argument("--folder", type=Path, default=Path("/tmp"))
    parser.add_argument("--decode", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.decode is not None:
        decode(given.decode)
        return
    place = given.folder / "gatewatch-bench-gateways"
    place.mkdir(parents=True, exist_ok=True)
    scan = [sys.executable, "-m", "gatewatch.cli.main", "scan", "--quiet", "--year", "2026"]
    start = 0.0
    if given.scan:
        nothing = place / "nothing.log"
        nothing.write_text("Mar  1 00:00:00 gate01 cron[1]: nothing\n")
        start = statistics.median(run([*scan, str(nothing)])[1] for _ in range(3))
    print(f"{'device':16s} {'MB':>5s} {'MB/s cpu':>9s} {'of sshd':>8s}" + ("  peak MB" if given.scan else ""))
    reference = 0.0
    for name in DEVICES:
        if given.only and name not in (*given.only, "sshd"):
            continue
        path = place / f"{name}.log"
        if not path.exists() or path.stat().st_size < given.megabytes * 1_000_000:
            write(path, name, given.megabytes)
        size = path.stat().st_size / 1e6
        more = ""
        if given.scan:
            runs = [run([*scan, str(path)]) for _ in range(given.runs)]
            cpu = statistics.median(one[1] for one in runs) - start
            more = f" {statistics.median(one[2] for one in runs):8.0f}"
        else:
            cpu = statistics.median(decoded(path) for _ in range(given.runs))
        reference = reference or size / cpu
        share = size / cpu / reference
        print(f"{name:16s} {size:5.0f} {size / cpu:9.1f} {share:8.2f}{more}" + ("" if share * GOAL >= 1 else "  below half"), flush=True)


if __name__ == "__main__":
    main()
