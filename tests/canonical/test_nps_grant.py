"""One grant told twice by a Network Policy Server is one logon; two grants stay two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from gatewatch.canonical.nps_grant import FULLY, GRANTED, merge_grants

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def grants(*rows: tuple[str, float, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "pattern": pattern,
                "kind": "auth_success",
                "host": "nps01",
                "user": user,
                "src_ip": "203.0.113.9",
                "time": AT + timedelta(seconds=second),
                "extra": '{"CallingStationID":"203.0.113.9","ClientIPAddress":"10.0.0.2"}',
            }
            for pattern, second, user in rows
        ]
    )


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([(GRANTED, 0, "ann"), (FULLY, 0, "ann")], [0]),
        ([(FULLY, 0, "ann"), (GRANTED, 1, "ann")], [1]),
        ([(FULLY, 0, "ann")], [0]),
        ([(GRANTED, 0, "ann"), (FULLY, 6, "ann")], [0, 1]),
        ([(GRANTED, 0, "ann"), (FULLY, 0, "bob")], [0, 1]),
        ([(GRANTED, 0, "ann"), (FULLY, 0, "ann"), (FULLY, 1, "ann")], [0, 2]),
        ([(GRANTED, 0, "ann"), (GRANTED, 2, "ann"), (FULLY, 2, "ann"), (FULLY, 0, "ann")], [0, 1]),
        ([(GRANTED, 0, "ann"), (GRANTED, 1, "ann")], [0, 1]),
    ],
)
def test_a_request_is_one_logon(rows: list[tuple[str, float, str]], kept: list[int]) -> None:
    events = grants(*rows).with_row_index("place")
    assert merge_grants(events)["place"].to_list() == kept


def test_other_events_and_none_stay() -> None:
    events = grants(("logon", 0, "ann"), ("logon", 0, "ann"))
    assert merge_grants(events).height == 2
    assert merge_grants(grants((FULLY, 0, "ann")).clear()).height == 0
    timeless = grants((GRANTED, 0, "ann"), (FULLY, 0, "ann")).with_columns(pl.lit(None, pl.Datetime("us", "UTC")).alias("time"))
    assert merge_grants(timeless).height == 2
