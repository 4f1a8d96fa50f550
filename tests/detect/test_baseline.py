"""Tests of baselines: what counts as history, and what must not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from gatewatch.detect.baseline import Baseline, Habit, network_of

START = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
HOME, AWAY = "198.51.100.20", "203.0.113.77"


def logons(*given: tuple[float, str, str | None], user: str = "ann") -> pl.DataFrame:
    """Successes of *user*: days after the start, address, country."""
    return pl.DataFrame(
        [
            {
                "row": row,
                "time": START + timedelta(days=day),
                "kind": "auth_success",
                "user": user,
                "origin_ip": address,
                "country": country,
                "hop": 0,
            }
            for row, (day, address, country) in enumerate(given)
        ],
        schema_overrides={"time": pl.Datetime("us", "UTC"), "country": pl.String},
    )


def daily(days: int, address: str = HOME, country: str | None = "DE") -> pl.DataFrame:
    return logons(*((day, address, country) for day in range(days)))


def at(day: float) -> datetime:
    return START + timedelta(days=day)


def test_a_short_history_is_unknown() -> None:
    base = Baseline(daily(30), ["ann"])
    habit = base.habit("ann", AWAY, "NL", at(13))
    assert not habit.known
    assert habit.new_country is None
    assert habit.note == "unknown: 13 logons in 13 days of history, 5 in 14 are needed"
    assert base.habit("ann", AWAY, "NL", at(14)).new_country is True


def test_few_successes_are_unknown_however_long_ago() -> None:
    events = logons((0, HOME, "DE"), (5, HOME, "DE"), (10, HOME, "DE"), (60, HOME, "DE"))
    assert not Baseline(events, ["ann"]).habit("ann", AWAY, "NL", at(61)).known


def test_the_judged_day_teaches_nothing() -> None:
    events = logons(*((day, HOME, "DE") for day in range(20)), (20, AWAY, "NL"), (20.1, AWAY, "NL"))
    base = Baseline(events, ["ann"])
    assert base.habit("ann", AWAY, "NL", at(20.2)).new_country is True
    assert base.habit("ann", AWAY, "NL", at(21)).new_country is False


def test_days_count_once_and_a_network_gathers_its_addresses() -> None:
    events = logons((0, HOME, None), (0.1, HOME, None), (1, "198.51.100.99", None), (2, HOME, None))
    habit = Baseline(events, ["ann"]).habit("ann", HOME, None, at(3))
    assert (habit.address_days, habit.network_days) == (2, 3)


def test_incidents_are_forgotten() -> None:
    events = logons(*((day, HOME, "DE") for day in range(20)), (20, AWAY, "NL"))
    base = Baseline(events, ["ann"])
    base.exclude([20])
    assert base.habit("ann", AWAY, "NL", at(22)).new_network is True


def test_a_tainted_address_teaches_nothing_from_that_day_on() -> None:
    events = logons(*((day, HOME, "DE") for day in range(10)), *((day, AWAY, "NL") for day in range(8, 20)))
    base = Baseline(events.sort("time").with_columns(pl.int_range(pl.len()).alias("row")), ["ann"])
    base.taint(AWAY, at(10))
    assert base.habit("ann", AWAY, "NL", at(20)).address_days == 2


def test_users_do_not_mix() -> None:
    habit = Baseline(daily(30), ["ann", "bob"]).habit("bob", HOME, "DE", at(29))
    assert habit == Habit()
    assert Baseline(daily(30), ["ann"]).habit(None, HOME, "DE", at(29)) == Habit()


def test_logons_further_in_are_no_habit() -> None:
    inner = daily(30).with_columns(pl.lit(1).alias("hop"))
    assert Baseline(inner, ["ann"]).habit("ann", HOME, "DE", at(30)).successes == 0


@pytest.mark.parametrize(("later", "odd"), [(0, False), (1, False), (2, True), (12, True), (23, False)])
def test_an_hour_is_odd_when_the_user_never_came_near_it(later: int, odd: bool) -> None:
    assert Baseline(daily(40), ["ann"]).habit("ann", HOME, "DE", at(35) + timedelta(hours=later)).odd_hour is odd


def test_hours_need_more_history_than_places() -> None:
    assert Baseline(daily(19), ["ann"]).habit("ann", HOME, "DE", at(19) + timedelta(hours=8)).odd_hour is None


def test_dormant() -> None:
    base = Baseline(daily(20), ["ann"])
    assert base.habit("ann", HOME, "DE", at(78)).dormant is False
    assert base.habit("ann", HOME, "DE", at(79)).dormant is True


def test_network_of() -> None:
    assert network_of("2001:db8:7:1::1") == "2001:db8:7::/48"


def test_a_host_is_new_until_the_user_was_there_on_an_earlier_day_from_wherever() -> None:
    start = datetime(2026, 1, 1, 9, tzinfo=UTC)
    rows = [
        {"time": start + timedelta(days=day), "kind": "auth_success", "user": "ann", "host": "app01", "src_ip": "10.0.0.9", "row": day}
        for day in range(0, 20, 2)
    ]
    events = pl.DataFrame(rows, schema_overrides={"row": pl.UInt32})
    baseline = Baseline(events, ["ann"])
    assert baseline.new_hosts("ann", ["app01", "db02", "db02"], start + timedelta(days=20)) == ("db02",)
    assert baseline.new_hosts("ann", ["db02"], start + timedelta(days=13)) is None
    assert baseline.new_hosts("bob", ["db02"], start + timedelta(days=20)) is None


def mixed(*given: tuple[float, str, str, str, int, str]) -> pl.DataFrame:
    """Events of several users: days after the start, user, kind, origin session, hop, confidence; from HOME."""
    return pl.DataFrame(
        [
            {"row": row, "time": START + timedelta(days=day), "kind": kind, "user": user, "origin_ip": HOME, "country": "DE", "hop": hop,
             "origin_session": session, "hop_confidence": sure, "host": "gate01"}
            for row, (day, user, kind, session, hop, sure) in enumerate(given)
        ],
        schema_overrides={"time": pl.Datetime("us", "UTC")},
    )  # fmt: skip


def test_days_with_root_rights_before_the_day_judged() -> None:
    entries = [(float(day), "ann", kind, "s", 0, "certain") for day in range(4) for kind in ("auth_success", "privilege_use", "privilege_use")]
    base = Baseline(mixed(*entries), ["ann"])
    assert base.habit("ann", HOME, "DE", at(2.1)).rights_days == 2
    assert base.habit("ann", HOME, "DE", at(9)).rights_days == 4


def test_another_account_is_new_once_and_needs_three_days() -> None:
    days = [(float(day), "ann", "auth_success", f"s{day}", 0, "certain") for day in range(6)]
    onward = [(3.1, "bob", "auth_success", "s3", 1, "likely"), (4.1, "eve", "auth_success", "s4", 1, "possible")]
    base = Baseline(mixed(*sorted([*days, *onward])), ["ann"])
    assert base.new_accounts("ann", ["bob"], at(2.2)) is None
    assert base.new_accounts("ann", ["bob", "adm-ann", "ann"], at(3.2)) == ("bob",)
    assert base.new_accounts("ann", ["bob", "eve"], at(5.2)) == ("eve",), "what rivals may have done is no habit"


def test_an_own_line_is_where_most_accesses_of_its_days_come_from() -> None:
    times = [(day + part, address, country) for day in range(5) for part, address, country in ((0, HOME, "DE"), (0.2, HOME, "DE"), (0.3, AWAY, "NL"))]
    own = logons(*times)
    base = Baseline(own, ["ann"])
    assert base.own_line("ann", HOME, at(2).date()) == 4
    assert base.own_line("ann", AWAY, at(2).date()) == 0, "a stranger beside the owner"
    assert base.own_line("bob", HOME, at(2).date()) == 0


def test_an_address_is_authenticated_by_an_access_that_is_not_unproved() -> None:
    base = Baseline(daily(3), ["ann"])
    assert base.authenticated("ann", HOME, frozenset()) == 3
    assert base.authenticated("ann", HOME, frozenset({0, 1, 2})) == 0
    assert base.authenticated("ann", AWAY, frozenset()) == 0


def test_a_privacy_address_is_its_line() -> None:
    """IPv6 clients change the last 64 bits daily (RFC 8981): what is habitual is the customer's /64, and what is tainted as well."""
    lines = [f"2001:db8:1:2::{day:x}" for day in range(1, 21)]
    events = logons(*((day, address, "DE") for day, address in enumerate(lines)), (20, "2001:db8:1:3::1", "DE"))
    base = Baseline(events, ["ann"])
    assert base.habit("ann", "2001:db8:1:2::aaaa", "DE", at(20)).address_days == 20
    assert base.habit("ann", "2001:db8:1:3::2", "DE", at(20)).address_days == 0
    assert base.own_line("ann", "2001:db8:1:2::bbbb", at(21).date()) == 20
    assert base.days("ann", "2001:db8:1:2::cccc") == 20
    assert base.authenticated("ann", "2001:db8:1:2::cccc", frozenset({0})) == 19
    tainted = Baseline(events, ["ann"])
    tainted.taint("2001:db8:1:2::1", at(10))
    assert tainted.habit("ann", "2001:db8:1:2::aaaa", "DE", at(20)).address_days == 10


def test_an_own_device_came_on_other_days_from_the_same_country_and_most_of_the_time() -> None:
    events = daily(6).with_columns(pl.Series("auth_method", ["key"] * 6), pl.Series("object", ["k1", "k1", "k1", "k1", "k1", "k2"]))
    base = Baseline(events, ["ann"])
    assert base.own_device(0, "DE") == ("k1", 4)
    assert base.own_device(0, "NL") == ("k1", 0), "from there it never came"
    assert base.own_device(0, None) == ("", 0)
    assert base.own_device(5, "DE") == ("k2", 0), "a stranger's is the rarer one"
    base.exclude([1, 2])
    assert base.own_device(0, "DE") == ("k1", 2), "what is part of an incident does not speak for it"


def test_a_password_tells_no_device_but_the_name_of_the_client() -> None:
    events = daily(4).with_columns(pl.Series("auth_method", ["password"] * 4), pl.Series("src_host", ["lt7", "lt7", "lt7", None]))
    base = Baseline(events, ["ann"])
    assert base.own_device(0, "DE") == ("lt7", 2)
    assert base.own_device(3, "DE") == ("", 0)
