"""Tests of the severity model: every sentence of its description."""

from __future__ import annotations

import pytest

from gatewatch.detect.baseline import Habit
from gatewatch.detect.severity import Access, Facts, score, weigh
from gatewatch.schema.incidents import Factor, Severity

LONG = Habit(days=30, successes=40, new_country=False, new_network=False, odd_hour=False, dormant=False)
MOVED = ("moved on to db02",)
PLACE = (Factor("first-seen country", 2), Factor("first-seen network", 1), Factor("off hours", 1))
SUBSTANCE = (Factor("first-seen network", 1), Factor("dormant account", 2))


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        (Facts(), None),
        (Facts(onward=("moved on to db02",)), None),
        (Facts(guess="9 failures"), "high"),
        (Facts(guess="9 failures", onward=("moved on to db02",)), "critical"),
        (Facts(guess="9 failures", onward=("moved on to db02",), known="office"), "high"),
        (Facts(guess="9 failures", known="office"), "low"),
        (Facts(guess="9 failures", doors=("made account 'x'",), known="office"), "medium"),
        (Facts(guess="9 failures", habitual="14 days"), "low"),
        (Facts(guess="9 failures", habitual="14 days", onward=("transferred files",)), "medium"),
        (Facts(guess="9 failures", habitual="14 days", slip=True, onward=("transferred files",)), "low"),
        (Facts(guess="9 failures", habitual="14 days", slip=True, acts=("cleared logs",), onward=("transferred files",)), "medium"),
        (Facts(guess="9 failures", habitual="14 days", known="office"), "low"),
        (Facts(acts=("cleared logs",), reused="guessed before"), "high"),
        (Facts(acts=("cleared logs",), reused="guessed before", onward=MOVED), "critical"),
        (Facts(acts=("cleared logs",), reused="guessed before", familiar="5 days"), "high"),
        (Facts(spread="22 failures from 11 addresses"), "medium"),
        (Facts(stopped="9 failures"), "medium"),
        (Facts(stopped="9 failures", known="office"), "low"),
        (Facts(acts=("cleared logs",)), "medium"),
        (Facts(acts=("cleared logs",), onward=("moved on to db02",)), "medium"),
        (Facts(acts=("cleared logs",), familiar="5 days"), None),
        (Facts(acts=("cleared logs",), familiar="5 days", onward=("moved on to db02",)), None),
        (Facts(doors=("made account 'x'",)), "medium"),
        (Facts(doors=("made account 'x'",), onward=("moved on to gate01",)), "medium"),
        (Facts(doors=("made account 'x'",), onward=MOVED, followed=MOVED), "high"),
        (Facts(doors=("made account 'x'",), onward=MOVED, followed=MOVED, vouched="2 minutes before"), "high"),
        (Facts(doors=("made account 'x'",), vouched="2 minutes before"), "low"),
        (Facts(acts=("cleared logs",), vouched="2 minutes before"), "low"),
        (Facts(factors=SUBSTANCE, onward=MOVED, vouched="2 minutes before"), "low"),
        (Facts(acts=("cleared logs",), device="its key"), "low"),
        (Facts(doors=("made account 'x'",), device="its key"), "low"),
        (Facts(doors=("made account 'x'",), onward=MOVED, followed=MOVED, device="its key"), "high"),
        (Facts(guess="9 failures", device="its key"), "high"),
        (Facts(stopped="9 failures", device="its key"), "medium"),
        (Facts(guess="9 failures", vouched="2 minutes before"), "high"),
        (Facts(stopped="9 failures", vouched="2 minutes before"), "medium"),
        (Facts(doors=("made account 'x'",), uses=("x logged on",)), "high"),
        (Facts(doors=("made account 'x'",), uses=("x logged on",), onward=MOVED, followed=MOVED), "critical"),
        (Facts(doors=("made account 'x'",), uses=("x logged on",), familiar="5 days"), None),
        (Facts(doors=("made account 'x'",), onward=MOVED, followed=MOVED, familiar="5 days"), "low"),
        (Facts(doors=("made account 'x'",), onward=MOVED, familiar="5 days"), None),
        (Facts(factors=SUBSTANCE), None),
        (Facts(factors=SUBSTANCE, onward=("moved on to db02",)), "medium"),
        (Facts(factors=SUBSTANCE[:1], onward=("moved on to db02",)), None),
        (Facts(factors=PLACE, onward=("moved on to db02",)), None),
        (Facts(factors=SUBSTANCE, onward=("moved on to db02",), familiar="office"), None),
        (Facts(fatigue="6 refusals"), "high"),
        (Facts(fatigue="6 refusals", onward=("moved on to db02",)), "critical"),
        (Facts(fatigue="6 refusals", known="office"), "low"),
        (Facts(fatigue="6 refusals", habitual="14 days"), "low"),
        (Facts(footholds=("registered a second factor",)), None),
        (Facts(footholds=("registered a second factor",), factors=PLACE), None),
        (Facts(footholds=("registered a second factor",), factors=SUBSTANCE), "medium"),
        (Facts(footholds=("registered a second factor",), factors=SUBSTANCE, familiar="office"), None),
        (Facts(other="a chain of the site", level=Severity.HIGH), "high"),
        (Facts(other="watch-listed", level=Severity.HIGH, onward=MOVED), "critical"),
        (Facts(other="a chain of the site", level=Severity.MEDIUM, onward=MOVED), "medium"),
        (Facts(worn="3 refusals"), "medium"),
        (Facts(worn="3 refusals", vouched="passed"), "medium"),
    ],
)
def test_level(facts: Facts, level: str | None) -> None:
    found = score(facts)
    assert (found.severity if found else None) == level


def test_what_lowers_is_said() -> None:
    found = score(Facts(doors=("made account 'x'",), vouched="ann passed a second factor at this address 2 minutes before"))
    assert found is not None
    assert Factor("second factor passed", -1, "ann passed a second factor at this address 2 minutes before") in found.why
    slip = score(Facts(guess="6 failures", habitual="9 days", slip=True))
    assert slip is not None and ("habitual source", -3) in {(factor.factor, factor.score) for factor in slip.why}


def test_an_account_that_was_shut_out_weighs_like_one_long_unused() -> None:
    factors = weigh(Access(user="ann", evicted="disabled, locked or deleted 3 days before"), LONG)
    assert Factor("evicted account", 3, "disabled, locked or deleted 3 days before") in factors
    assert "evicted account" not in {factor.factor for factor in weigh(Access(user="ann"), LONG)}


def test_every_reason_is_given() -> None:
    facts = Facts(
        guess="9 failures",
        doors=("made account 'x'",),
        uses=("x logged on",),
        onward=("moved on to db02",),
        known="office",
        factors=SUBSTANCE,
    )
    found = score(facts)
    assert found is not None
    assert [(factor.factor, factor.score) for factor in found.why] == [
        ("guessed password", 3),
        ("second door", 3),
        ("second door used", 3),
        ("onward movement", 1),
        ("known source", -1),
        ("first-seen network", 1),
        ("dormant account", 2),
    ]


@pytest.mark.parametrize(
    ("facts", "confidence"),
    [
        (Facts(guess="9", confidence="high"), "high"),
        (Facts(guess="9", confidence="high", unsure=True), "medium"),
        (Facts(guess="9", confidence="low", unsure=True), "low"),
        (Facts(guess="9", confidence="high", habitual="14 days"), "low"),
    ],
)
def test_confidence(facts: Facts, confidence: str) -> None:
    found = score(facts)
    assert found is not None
    assert found.confidence == confidence


def test_what_cannot_be_judged_scores_nothing_and_says_so() -> None:
    factors = weigh(Access("ann"), Habit(days=3, successes=4))
    assert sum(factor.score for factor in factors) == 0
    assert {factor.factor for factor in factors} >= {
        "first-seen country",
        "anonymizer",
        "impossible travel",
        "first-seen network",
        "no MFA",
    }
    assert all(factor.note.startswith("unknown") for factor in factors)
    assert "4 logons in 3 days" in next(factor.note for factor in factors if factor.factor == "first-seen network")


def test_scores() -> None:
    habit = Habit(days=30, successes=40, new_country=True, new_network=True, odd_hour=True, dormant=True)
    factors = {factor.factor: factor.score for factor in weigh(Access("root", "NL", True, None, "no"), habit)}
    assert factors == {
        "first-seen country": 2, "anonymizer": 2, "impossible travel": 0, "first-seen network": 1, "first-seen host": 0, "another account": 0,
        "first-seen client": 0,
        "off hours": 1, "no MFA": 1, "privileged account": 1, "dormant account": 2,
    }  # fmt: skip


def test_nothing_uncommon_is_not_listed() -> None:
    factors = weigh(Access("ann", "DE", False, False, "yes"), LONG)
    assert [factor.factor for factor in factors] == ["impossible travel", "first-seen host", "another account", "first-seen client"]


def test_a_host_the_user_never_reached_before_weighs_one() -> None:
    factors = {factor.factor: factor for factor in weigh(Access("ann", strange=("db02", "app01")), LONG)}
    assert factors["first-seen host"] == Factor("first-seen host", 1, "db02, app01: this user never logged on there before")
    assert "first-seen host" not in {factor.factor for factor in weigh(Access("ann", strange=()), LONG)}


def test_off_hours_is_outside_the_configured_hours_and_the_users_own() -> None:
    odd, usual = (Habit(days=30, successes=40, odd_hour=value) for value in (True, False))
    assert "off hours" not in {factor.factor for factor in weigh(Access("ann", off_hours=False), odd)}
    assert "off hours" not in {factor.factor for factor in weigh(Access("ann", off_hours=True), usual)}
    assert {factor.factor: factor.score for factor in weigh(Access("ann", off_hours=True), odd)}["off hours"] == 1
    assert {factor.factor: factor.score for factor in weigh(Access("ann", off_hours=True), Habit(days=3, successes=4))}["off hours"] == 1


def test_root_rights_are_ordinary_to_who_used_them_on_three_earlier_days() -> None:
    def scored(days: int, user: str = "ann") -> bool:
        factors = weigh(Access(user, privileged=True), Habit(days=30, successes=40, rights_days=days))
        return any(factor.factor == "privileged account" and factor.score for factor in factors)

    assert scored(2)
    assert not scored(3)
    assert scored(30, "root")


def test_another_account_weighs_two_and_is_neither_place_nor_hour() -> None:
    factors = weigh(Access("ann", others=("bob",), off_hours=True), Habit(days=3, successes=4))
    assert {factor.factor: factor.score for factor in factors if factor.score} == {"another account": 2, "off hours": 1}
    found = score(Facts(onward=("moved on to db02",), factors=factors))
    assert found is not None
    assert found.severity is Severity.MEDIUM


def test_place_and_hour_alone_must_reach_five() -> None:
    def judged(**places: bool | None) -> Severity | None:
        habit = Habit(days=30, successes=40, new_country=True, new_network=True, odd_hour=places.get("hour"))
        found = score(Facts(onward=("moved on to db02",), factors=weigh(Access("ann", "AU", travel=places.get("far")), habit)))
        return found.severity if found is not None else None

    assert judged(far=False, hour=True) is None
    assert judged(far=True, hour=False) is Severity.MEDIUM


def test_a_busy_week_is_history_enough() -> None:
    assert not Habit(days=7, successes=19, active=5).known
    assert not Habit(days=7, successes=20, active=4).known
    assert not Habit(days=6, successes=40, active=6).known
    assert Habit(days=7, successes=20, active=5).known
