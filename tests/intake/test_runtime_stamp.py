"""What Docker puts before lines is taken off, and the lines are read as their own."""

from __future__ import annotations

import pytest

from gatewatch.intake import nested
from gatewatch.intake.line import cut, read_lines
from gatewatch.intake.syslog import Framer

LINE = "Jan  5 13:00:00 gate01 sshd[4711]: Failed password for bob from 203.0.113.9 port 50022 ssh2"
STAMP = "2026-01-05T12:00:00.123456789Z "


def framed(text: str) -> list[dict[str, object]]:
    (block,) = cut([(text + "\n").encode()])
    records = Framer().frame(read_lines(block)).records
    found, rest = nested.frame(records.with_columns(host=None)) if "host" not in records.columns else nested.frame(records)
    return [row for frame in (*found, rest) for row in frame.iter_rows(named=True)]


@pytest.mark.parametrize("before", [STAMP, "vpn-1  | ", f"vpn-1 | {STAMP}", "docker_gate.1 | "])
def test_a_line_of_syslog(before: str) -> None:
    (row,) = framed(before + LINE)
    assert (row["host"], row["program"], row["pid"]) == ("gate01", "sshd", "4711")
    assert f"{row['local']:%H:%M:%S}" == "13:00:00"


@pytest.mark.parametrize("before", [STAMP, f"vpn-1 | {STAMP}"])
def test_a_line_without_a_time_has_the_runtimes(before: str) -> None:
    (row,) = framed(before + "sshd[4711]: Failed password for bob from 203.0.113.9 port 50022 ssh2")
    assert row["program"] == "sshd"
    assert f"{row['time']:%H:%M:%S}" == "12:00:00"


@pytest.mark.parametrize("line", [f"{STAMP}gate01 sshd[4711]: Failed password", f"{STAMP}hello world", "a | b", "sshd | hello"])
def test_other_lines_are_left(line: str) -> None:
    assert all(row["program"] in {None, "sshd"} and row["message"] for row in framed(line))
