"""Tests of travel between countries: a lower bound of the distance, speed not distance, both neighbours, and no answer without knowledge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.detect.baseline import Baseline
from gatewatch.detect.travel import Stay, impossible, leap, least_km
from gatewatch.site.country import countries

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
COUNTRIES = st.sampled_from(sorted(countries()))


def stay(country: str, hours: float = 0, address: str = "192.0.2.1") -> Stay:
    return Stay(NOON + timedelta(hours=hours), address, country)


@pytest.mark.parametrize(
    ("here", "there", "hours", "expected"),
    [
        ("DE", "US", 2, True),
        ("DE", "US", 9, False),
        ("DE", "NL", 0, False),  # neighbours: databases are wrong by more
        ("DE", "DE", 0, False),
        ("SE", "PT", 0.2, True),
        ("SE", "PT", 3, False),
        ("DE", "head office", 0, None),
        ("AU", "GB", 12, True),
        ("AU", "GB", 24, False),
    ],
)
def test_speed_decides_not_distance(here: str, there: str, hours: float, expected: bool | None) -> None:
    one, other = stay(here), stay(there, hours, "203.0.113.9")
    assert impossible(one, other) is expected
    assert impossible(other, one) is expected


def test_one_address_is_one_place_whatever_the_database_says() -> None:
    assert impossible(stay("DE"), stay("US", 0)) is False


@given(one=COUNTRIES, other=COUNTRIES)
def test_the_distance_is_symmetric_and_never_negative(one: str, other: str) -> None:
    there, back = least_km(one, other), least_km(other, one)
    assert there == back
    assert there is None or 0 <= there < 20100


@given(one=COUNTRIES, other=COUNTRIES, near=st.floats(0, 100), far=st.floats(0, 100))
def test_more_time_never_makes_a_journey_impossible(one: str, other: str, near: float, far: float) -> None:
    near, far = sorted((near, far))
    if impossible(stay(one), stay(other, near, "203.0.113.9")) is False:
        assert impossible(stay(one), stay(other, far, "203.0.113.9")) is False


def test_both_neighbours_are_asked() -> None:
    here, far = stay("DE"), stay("AU", 1, "203.0.113.9")
    assert leap(here, None, far)[0] is True
    assert leap(here, stay("FR", -1, "203.0.113.8"), far)[0] is True
    assert leap(here, stay("FR", -1, "203.0.113.8"), None) == (False, "")
    assert leap(here, None, None) == (None, "")
    assert "60 minutes after" in leap(here, None, far)[1]


def baseline(*rows: tuple[float, str, str | None, bool, bool]) -> Baseline:
    events = pl.DataFrame(
        [
            {"row": n, "kind": "auth_success", "time": NOON + timedelta(hours=hours), "user": "ann", "origin_ip": address, "hop": 0,
             "country": country, "known": known, "anonymizer": anonymizer}
            for n, (hours, address, country, known, anonymizer) in enumerate(rows)
        ]
    )  # fmt: skip
    return Baseline(events, ["ann"])


def test_a_baseline_knows_the_logons_around() -> None:
    habits = baseline((-1, "192.0.2.1", "DE", False, False), (0, "203.0.113.9", "AU", False, False), (4, "192.0.2.1", "DE", False, False))
    found, note = habits.travel("ann", 1, stay("AU", 0, "203.0.113.9"))
    assert found is True
    assert note.startswith("DE (192.0.2.1) 60 minutes before")
    habits.exclude([0, 2])
    assert habits.travel("ann", 1, stay("AU", 0, "203.0.113.9")) == (None, "")
    assert habits.travel("bob", 1, stay("AU", 0, "203.0.113.9")) == (None, "")


def test_the_office_gateway_and_anonymisers_are_no_places() -> None:
    habits = baseline((-1, "192.0.2.1", "DE", True, False), (-0.5, "192.0.2.2", "US", False, True), (0, "203.0.113.9", "AU", False, False))
    assert habits.travel("ann", 2, stay("AU", 0, "203.0.113.9")) == (None, "")
