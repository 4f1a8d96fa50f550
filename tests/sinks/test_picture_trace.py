"""The picture of a trace: a row for each session, nothing where nobody moved on, and nothing a log says breaks it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from gatewatch.schema.traces import Step, Trace
from gatewatch.sinks.picture_trace import MOST, trace_tree, tree_left

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def step(number: int, depth: int, parent: str | None, user: str = "ann") -> Step:
    return Step(
        f"s{number}", parent, depth, f"host{number}", user, "ssh", "10.0.0.5", NOW, None, "203.0.113.9", depth, "likely", "certain",
        "ssh from gate", (), 0, (), True,
    )  # fmt: skip


def tree(*steps: Step) -> Trace:
    return Trace("address", "203.0.113.9", steps, (), 0, (), "UTC")


def test_a_row_for_each_session_and_a_branch_for_each_that_came_through_another() -> None:
    drawn = trace_tree(tree(step(0, 0, None), step(1, 1, "s0"), step(2, 2, "s1")), "t")
    root = ET.fromstring(drawn)
    assert len(root.findall(".//circle")) == 3 and len(root.findall(".//path")) == 2
    assert "host2" in drawn


def test_nothing_where_nobody_moved_on() -> None:
    assert trace_tree(None, "t") == trace_tree(tree(step(0, 0, None)), "t") == ""


def test_what_a_log_says_is_text() -> None:
    drawn = trace_tree(tree(step(0, 0, None), step(1, 1, "s0", "<script>alert(1)</script>\x1b[31m")), "t")
    assert "<script" not in drawn and "\x1b" not in drawn
    ET.fromstring(drawn)


def test_a_long_tree_is_cut_and_says_so() -> None:
    long = tree(step(0, 0, None), *(step(n, 1, "s0") for n in range(1, 100)))
    assert trace_tree(long, "t").count("<circle") == MOST and tree_left(long) == 100 - MOST
