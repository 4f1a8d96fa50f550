"""Suggestions."""

from __future__ import annotations

from gatewatch.site.suggestion import did_you_mean


def test_the_nearest_name_is_suggested_whatever_its_case() -> None:
    assert did_you_mean("failedlogontreshold", ["FailedLogonThreshold", "TimeWindow"]) == "; did you mean FailedLogonThreshold?"


def test_nothing_near_is_no_suggestion() -> None:
    assert did_you_mean("colour", ["FailedLogonThreshold"]) == ""
    assert did_you_mean("", []) == ""
