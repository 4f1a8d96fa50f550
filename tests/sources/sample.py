"""Annotated samples: the expectation stands on the line above each record's message.

::

    # program: sshd
    # expect: kind=auth_failure pattern=failed user=root src_ip=192.0.2.1 src_port=22 auth_method=password
    Failed password for root from 192.0.2.1 port 22 ssh2
    # ignore: postponed
    Postponed keyboard-interactive for root from 192.0.2.1 port 22 ssh2 [preauth]
    # unrecognised
    Something else

``# program:``, ``# pid:`` and ``# fields:`` hold until the next one; other comments are free. Values are quoted as in a shell.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gatewatch.schema.records import RECORD_DTYPES
from gatewatch.sources.pattern import PatternSource
from gatewatch.sources.registry import SOURCES

SAMPLES = Path(__file__).parents[1] / "samples"
TEXT = tuple(source.name for source in SOURCES if isinstance(source, PatternSource))


@dataclass(frozen=True, slots=True)
class Sample:
    """One message and what should become of it: ``expect`` columns, or ``ignore`` with the pattern, or neither."""

    file: str
    line: int
    program: str
    pid: str | None
    fields: str | None
    message: str
    expect: dict[str, str] | None
    ignore: str | None


def load(source: str) -> list[Sample]:
    """Return the samples of *source* in the order of its files."""
    found: list[Sample] = []
    for path in sorted((SAMPLES / source).glob("*.log")):
        program, pid, fields, want = source, "4711", None, ""
        for number, raw in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if raw.startswith("# program: "):
                program = raw[11:]
            elif raw.startswith("# pid: "):
                pid = raw[7:]
            elif raw.startswith("# fields:"):
                fields = raw[9:].strip() or None
            elif raw.startswith(("# expect: ", "# ignore: ", "# unrecognised")):
                want = raw[2:]
            elif raw and not raw.startswith("#"):
                assert want, f"{path.name}:{number}: no expectation above it"
                verb, _, rest = want.partition(": ")
                expect = dict(word.split("=", 1) for word in shlex.split(rest)) if verb == "expect" else None
                ignore = rest if verb == "ignore" else None
                found.append(Sample(path.name, number, program, pid, fields, raw, expect, ignore))
                want = ""
    return found


def records(samples: list[Sample]) -> pl.DataFrame:
    """Return *samples* as a batch of records."""
    rows: list[dict[str, Any]] = [
        {
            "record": n,
            "offset": n * 100,
            "program": s.program,
            "pid": s.pid,
            "message": s.message,
            "fields": s.fields,
            "count": 1,
            "host": "gate01",
        }
        for n, s in enumerate(samples, 1)
    ]
    return pl.DataFrame([{name: row.get(name) for name in RECORD_DTYPES} for row in rows], schema=RECORD_DTYPES)
