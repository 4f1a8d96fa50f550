"""Batches of several blocks become few, and their records keep their places."""

from __future__ import annotations

from collections import Counter

import polars as pl

from gatewatch.intake.batch import Batch, RawReject, empty_records, joined


def batch(numbers: list[int], *, strange: int = 0, skipped: int = 0, column: str | None = None) -> Batch:
    records = empty_records().select("record", "message")
    records = pl.DataFrame({"record": numbers, "message": [str(number) for number in numbers]}, schema=records.schema)
    if column is not None:
        records = records.with_columns(pl.lit("x").alias(column))
    rejects = [RawReject(number, 0, "why", "") for number in range(100, 100 + strange)]
    return Batch(records, strange=rejects, skipped=Counter({("Security", 1): skipped} if skipped else {}))


def test_numbers_run_on_over_blocks_and_not_over_the_shapes_of_one() -> None:
    first = [batch([1, 3]), batch([2], column="channel")]
    second = [batch([1], skipped=4, strange=2)]
    plain, windows = joined([first, second])
    assert plain.records["record"].to_list() == [1, 3, 4]
    assert windows.records["record"].to_list() == [2]
    assert [one.record for one in plain.strange] == [103, 104]
    assert plain.read + windows.read == sum(one.read for block in (first, second) for one in block)


def test_nothing_of_nothing() -> None:
    assert joined([]) == []
    assert joined([[], []]) == []
