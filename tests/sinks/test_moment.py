from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gatewatch.sinks.moment import both, duration, iso, local, micros, utc, zone_info

NOON = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)


def test_local_and_utc_stand_side_by_side() -> None:
    assert both(NOON, zone_info("Europe/Vienna"), "Europe/Vienna") == "2026-02-01 00:30:00 Europe/Vienna (2026-01-31 23:30:00 UTC)"
    assert (
        both(NOON - timedelta(hours=3), zone_info("Europe/Vienna"), "Europe/Vienna") == "2026-01-31 21:30:00 Europe/Vienna (20:30:00 UTC)"
    )
    assert both(NOON, UTC, "UTC") == "2026-01-31 23:30:00 UTC"


def test_an_unknown_zone_is_utc() -> None:
    assert local(NOON, zone_info("Nowhere/At_All")) == utc(NOON)
    assert local(NOON, zone_info("../../etc/passwd")) == utc(NOON)


def test_a_time_without_zone_is_utc() -> None:
    assert iso(NOON.replace(tzinfo=None)) == "2026-01-31T23:30:00+00:00"


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("name", ["Asia/Tokyo", "America/New_York"])
def test_the_ends_of_the_calendar_do_not_raise(moment: datetime, name: str) -> None:
    assert local(moment, zone_info(name))[:4] in {"0001", "9999"}


def test_microseconds_are_exact() -> None:
    assert micros(datetime(2026, 1, 5, 2, 12, 44, 123_457, tzinfo=UTC)) == 1_767_579_164_123_457


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (552, "9 min 12 s"), (3600, "1 h"), (11_040, "3 h 4 min"), (90_000, "1 d 1 h"), (86_401, "1 d")],
)
def test_durations(seconds: int, said: str) -> None:
    assert duration(timedelta(seconds=seconds)) == said
