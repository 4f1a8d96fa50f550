"""Audit framing: time, host and message per line; every line stays a record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake.audit import frame, sniff
from gatewatch.schema.records import RECORD_DTYPES

LINE = "type=USER_LOGIN msg=audit(1767614400.123:45): pid=4711 res=failed"


def framed(*lines: str) -> list[dict[str, object]]:
    """Frame *lines*, 100 bytes apart."""
    rows = {"record": list(range(1, len(lines) + 1)), "offset": [100 * i for i in range(len(lines))], "line": list(lines)}
    made = frame(pl.DataFrame(rows, schema={"record": pl.Int64, "offset": pl.Int64, "line": pl.String}))
    assert made.schema == RECORD_DTYPES
    return made.to_dicts()


def test_line() -> None:
    row = framed(f"{LINE}\r\n")[0]
    assert row["time"] == datetime(2026, 1, 5, 12, 0, 0, 123_000, UTC)
    assert row["time_err"] == timedelta(milliseconds=1)
    assert (row["time_basis"], row["program"], row["host"], row["message"]) == ("absolute", "audit", None, LINE)
    assert (row["record"], row["offset"], row["count"]) == (1, 0, 1)


def test_node_is_the_host() -> None:
    row = framed(f"node=db02.example.org {LINE}\n")[0]
    assert (row["host"], row["message"]) == ("db02.example.org", LINE)


@pytest.mark.parametrize(
    "line", ["----", "time->Mon Jan  5 12:00:00 2026", "", "type=X msg=audit(01/05/2026 12:00:00.123:45) : x", "no audit line"]
)
def test_other_lines_stay_records_without_time(line: str) -> None:
    row = framed(line)[0]
    assert (row["time"], row["time_basis"], row["message"]) == (None, None, line)


def test_sniff() -> None:
    assert sniff(f"{LINE}\n{LINE}\n".encode()) == 1.0
    assert sniff(f"----\ntime->Mon Jan  5 12:00:00 2026\nnode=db02 {LINE}\n".encode()) == 1.0
    assert sniff(f"{LINE}\n{LINE[:20]}".encode()) == 1.0
    assert sniff(b"Jan  5 12:00:00 gate01 sshd[1]: type=USER_LOGIN msg=audit(1.000:1)\n") == 0.0
    assert sniff(b"") == 0.0


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=8), st.integers(0, 10**12))
def test_no_text_raises_and_every_line_is_a_record(lines: list[str], stamp: int) -> None:
    lines = [*lines, f"type=X msg=audit({stamp}.001:1): x"]
    assert len(framed(*lines)) == len(lines)
    assert 0.0 <= sniff("\n".join(lines).encode("utf-8", "surrogatepass")) <= 1.0
