"""Clocks apart are estimated from what both hosts wrote, and only where enough of it agrees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.origin.world import START, frame

from gatewatch.origin.address import Hosts
from gatewatch.origin.skew import apart, skews, told

HOSTS = Hosts({"10.0.0.5": "gate"})
AHEAD = timedelta(minutes=4, seconds=41)


def both(minute: int, ahead: timedelta = AHEAD) -> list[dict[str, Any]]:
    left = START + timedelta(minutes=minute)
    out = {"time": left, "kind": "logon_out", "host": "gate", "user": "ann", "target_user": "root", "dst_host": "db.corp"}
    logon = {
        "time": left + ahead,
        "kind": "auth_success",
        "host": "db",
        "user": "root",
        "src_ip": "10.0.0.5",
        "scope": "private",
        "session": f"pid:{minute}",
    }
    return [out, logon]


def run(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return skews(frame(sorted(rows, key=lambda row: row["time"])), HOSTS).rows()


def test_a_clock_that_is_ahead_is_measured() -> None:
    rows = [row for minute in (0, 60, 130, 200) for row in both(minute)]
    assert run(rows) == [("db", "gate", -281_000_000, 0, 4)]
    found = skews(frame(sorted(rows, key=lambda row: row["time"])), HOSTS)
    assert "gate is about 281 s behind that of db (4 events" in told(found)[0]
    assert apart(found) == {("gate", "db"): (281_000_000, 0), ("db", "gate"): (-281_000_000, 0)}


@pytest.mark.parametrize(
    "rows",
    [
        [row for minute in (0, 60) for row in both(minute)],  # two are no estimate
        [row for minute in (0, 60, 130) for row in both(minute)] + both(200)[:1],  # one has no partner: which, nobody knows
        [row for minute in (0, 60, 130) for row in both(minute, timedelta(minutes=minute))],  # they do not agree
        [row for minute in (0, 60, 130) for row in both(minute, timedelta(seconds=1))],  # as records are written
    ],
)
def test_what_does_not_agree_is_no_estimate(rows: list[dict[str, Any]]) -> None:
    assert run(rows) == []


def test_a_gateway_and_the_server_that_checks_its_passwords_are_compared() -> None:
    rows = []
    for hour, user in enumerate(("ann", "bob", "eve")):
        for host, late in (("vpn1", 0), ("nps1", -7)):
            moment = START + timedelta(hours=hour, seconds=late)
            rows.append({"time": moment, "kind": "auth_success", "host": host, "user": user, "src_ip": "203.0.113.9", "scope": "public"})
    assert run(rows) == [("nps1", "vpn1", 7_000_000, 0, 3)]
