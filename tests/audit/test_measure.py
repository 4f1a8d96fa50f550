"""Every measure of the five mitigations is answered by checks, and the registry of checks is sound."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from gatewatch.audit.registry import CHECKS
from gatewatch.schema.measure import Measure

BY_WORD = {Measure.TRAINING}  # policies, training: on the word of an owner


@pytest.mark.parametrize("measure", [one for one in Measure if one not in BY_WORD], ids=str)
def test_every_measure_has_three_automated_checks(measure: Measure) -> None:
    found = [check.id for check in CHECKS if check.automated and measure in check.measures]
    assert len(found) >= 3, found


@pytest.mark.parametrize("measure", [one for one in Measure if one not in BY_WORD], ids=str)
def test_a_measure_is_not_answered_by_checks_of_other_measures_alone(measure: Measure) -> None:
    assert any(check.automated and check.measures[0] is measure for check in CHECKS)


@pytest.mark.parametrize("measure", sorted(BY_WORD))
def test_what_is_told_by_word_is_manual(measure: Measure) -> None:
    found = [check for check in CHECKS if measure in check.measures]
    assert len(found) >= 3
    assert any(not check.automated for check in found)


def test_ids_are_unique_and_named_after_the_first_measure() -> None:
    assert [one for one, number in Counter(check.id for check in CHECKS).items() if number > 1] == []
    for check in CHECKS:
        assert re.fullmatch(rf"{re.escape(check.measures[0].value)}-\d{{2}}[a-z]?", check.id), check.id


def test_every_check_says_what_passes_and_what_to_do() -> None:
    for check in CHECKS:
        assert check.about.endswith(".") and check.title and check.remediation.text and check.mappings, check.id
        assert all(need.collect for need in check.needs), check.id
        assert len(check.measures) == len(set(check.measures)), check.id
