"""Tunables: ATT&CK's names and texts, durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.site.tunable import BY_NAME, KNOWN_LISTS, TUNABLES, Type, parse_duration, show_duration


def test_the_mutable_elements_of_det0354_are_all_there() -> None:
    assert {tunable.name for tunable in TUNABLES if tunable.attack} == {
        "FailedLogonThreshold",
        "TimeWindow",
        "BusinessHours",
        "KnownRemoteIPs",
        "GeoIPWhitelist",
        "KnownSSHClients",
        "KnownVNCServers",
        "AllowedCIDRs",
    }


def test_names_are_unique_and_defaults_have_their_type() -> None:
    assert len(BY_NAME) == len(TUNABLES)
    numbers = {Type.NUMBER, Type.DURATION}
    assert all(isinstance(tunable.default, int) == (tunable.type in numbers) for tunable in TUNABLES)


def test_lists_of_known_sources_have_an_analytic_that_owns_them() -> None:
    assert {tunable.name: tunable.analytic for tunable in KNOWN_LISTS} == {
        "KnownRemoteIPs": "AN1004",
        "KnownSSHClients": "AN1005",
        "KnownVNCServers": "AN1006",
        "AllowedCIDRs": "AN1007",
    }


@given(st.integers(1, 10**8))
def test_durations_are_read_as_they_are_shown(seconds: int) -> None:
    assert parse_duration(show_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "15 m", "-5m", "0m", "1.5h", "5m5m", "5y", "²m", "1h30"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no length of time"):
        parse_duration(text)


def test_defaults_are_shown_for_people() -> None:
    assert (BY_NAME["TimeWindow"].shown, BY_NAME["FailedLogonThreshold"].shown, BY_NAME["BusinessHours"].shown) == ("15m", "5", "")
