"""Lines of other logs in a shipper's JSON are read as lines of a file are; other documents stay what they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from gatewatch.intake.json_shape import Objects
from gatewatch.intake.nested import frame
from gatewatch.intake.shipped_line import SHAPE

LINE = "Jan  5 12:00:00 gate01 sshd[4711]: Failed password for ann from 203.0.113.9 port 40000 ssh2"
SHIPPED = "2026-01-05T12:00:01.000Z"


@pytest.mark.parametrize(
    "document",
    [
        {"@timestamp": SHIPPED, "message": LINE, "host": {"name": "relay01"}},
        {"@timestamp": SHIPPED, "event": {"original": LINE}},
        {"log": LINE + "\n", "stream": "stdout", "time": SHIPPED},
        {"preview": False, "result": {"_raw": LINE, "_time": SHIPPED}},
        {"timestamp": SHIPPED, "rule": {"id": "5760"}, "full_log": LINE},
        {"@timestamp": 1767614401000, "@message": LINE},
        {"time": SHIPPED, "@rawstring": LINE},
    ],
)
def test_line_becomes_a_record_dated_by_its_shipper(document: dict[str, object]) -> None:
    framed = SHAPE.frame(Objects.of([(0, json.dumps(document))]), None)
    assert not len(framed.left)
    records = framed.records.with_columns(pl.lit(1, pl.Int64).alias("record"))
    assert records["message"].to_list() == [LINE]
    assert records["time"].to_list() == [datetime(2026, 1, 5, 12, 0, 1, tzinfo=UTC)]
    inner = frame(records)[0][0]
    assert inner["program"].to_list() == ["sshd"]
    assert inner["host"].to_list() == ["gate01"]
    assert inner["local"].to_list() == [datetime(2026, 1, 5, 12)]  # noqa: DTZ001 - a wall clock
    assert inner["rel"].to_list() == [None]


@pytest.mark.parametrize(("shipped", "year"), [("2026-01-01T00:00:05Z", 2025), ("2025-12-31T23:59:58Z", 2025)])
def test_year_is_the_one_nearest_to_the_shipping(shipped: str, year: int) -> None:
    text = json.dumps({"@timestamp": shipped, "message": LINE.replace("Jan  5 12:00:00", "Dec 31 23:59:59")})
    framed = SHAPE.frame(Objects.of([(0, text)]), None)
    inner = frame(framed.records.with_columns(pl.lit(1, pl.Int64).alias("record")))[0][0]
    assert inner["local"].to_list() == [datetime(year, 12, 31, 23, 59, 59)]  # noqa: DTZ001 - a wall clock


@pytest.mark.parametrize(
    "document",
    [
        {"@timestamp": SHIPPED, "message": "Accepted password for root from 203.0.113.9 port 22 ssh2"},
        {"@timestamp": SHIPPED, "message": LINE + "\n" + LINE},
        {"@timestamp": SHIPPED, "message": 7},
        {"@timestamp": SHIPPED},
    ],
)
def test_other_documents_are_left(document: dict[str, object]) -> None:
    framed = SHAPE.frame(Objects.of([(0, json.dumps(document))]), None)
    assert not framed.records.height
    assert len(framed.left) == 1


@pytest.mark.parametrize(("shipped", "dated"), [("2028-02-29T12:00:05Z", True), ("2027-03-01T00:00:05Z", False)])
def test_a_29_february_is_never_another_day(shipped: str, dated: bool) -> None:
    text = json.dumps({"@timestamp": shipped, "message": LINE.replace("Jan  5", "Feb 29")})
    framed = SHAPE.frame(Objects.of([(0, text)]), None)
    inner = frame(framed.records.with_columns(pl.lit(1, pl.Int64).alias("record")))[0][0]
    assert inner.select(pl.col("local").dt.month(), day=pl.col("local").dt.day()).row(0) == (2, 29)
    assert (inner["rel"].null_count() == 1) == dated
