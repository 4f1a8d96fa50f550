"""Tests of what a chain needs before it may speak: a declared policy, a log that covers what is absent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest

from gatewatch.detect.content import load_content
from gatewatch.detect.need import covering, declared, faulty
from gatewatch.schema.coverage import Coverage, Gap
from gatewatch.site.model import Policy

CHAINS = {chain.id: chain for chain in load_content().chains}
ASA, RDP = CHAINS["an1005-session-without-authentication"], CHAINS["an1004-rdp-without-vpn"]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENTS = pl.DataFrame({"row": [3, 7], "host": ["asa01", "asa02"], "source": ["cisco-asa", "cisco-asa"]})


def log(host: str = "asa01", hours: float = 24, gaps: tuple[Gap, ...] = ()) -> Coverage:
    return Coverage("cisco-asa", host, "s", NOON - timedelta(hours=hours), NOON + timedelta(hours=hours), "UTC", "absolute", 9, gaps)


def test_a_policy_speaks_only_where_it_is_declared() -> None:
    assert not declared(RDP, Policy())
    assert declared(RDP, Policy(rdp_only_after_vpn=True))
    assert declared(ASA, Policy())


def test_what_nothing_can_meet_is_a_fault() -> None:
    assert faulty(["policy:x", "log:own", "x"]) == ["policy:x", "x"]


@pytest.mark.parametrize(
    ("coverage", "row", "expected"),
    [
        ([log()], 3, True),
        ([log()], 7, False),  # the log of another host
        ([log(hours=0.1)], 3, False),  # it begins too late
        ([log(gaps=(Gap(NOON - timedelta(hours=1), NOON),))], 3, False),
        ([log(gaps=(Gap(NOON - timedelta(hours=9), NOON - timedelta(hours=8)),))], 3, True),
        ([log()], 4, None),
        ([], 3, False),
    ],
)
def test_an_absence_needs_the_anchors_own_log_without_a_silence(coverage: list[Coverage], row: int, expected: bool | None) -> None:
    covered = covering(ASA, EVENTS, coverage)
    assert covered is not None
    assert covered("authentication", row, NOON - timedelta(minutes=10), NOON) is expected


def test_a_chain_that_names_no_log_has_none_to_judge_by() -> None:
    assert covering(msgspec.structs.replace(ASA, needs=()), EVENTS, [log()]) is None
