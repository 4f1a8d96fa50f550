"""What went wrong elsewhere, each a test here: failures of comparable tools, by number, and where we hold ourselves to better.

:data:`ROWS` names the test (or tests) of each row; those that had none are written below.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from gatewatch import app
from gatewatch.detect.chain import Chain, Count, Stage
from gatewatch.detect.matcher import match
from gatewatch.schema.incidents import Severity
from gatewatch.site.model import Site

TESTS = Path(__file__).parents[1]
_MATCHER, _HOURS, _SCOPE, _BASELINE = "detect/test_matcher.py", "enrich/test_hours.py", "enrich/test_scope.py", "detect/test_baseline.py"
ROWS: dict[int, tuple[str, ...]] = {
    1: (
        f"{_MATCHER}::test_01_of_all_permutations_only_the_ordered_one_matches",
        "detect/test_correlation.py::test_only_the_ordered_permutation_fires",
    ),
    2: (f"{_MATCHER}::test_02_interleaved_entities_never_mix", "detect/test_correlation.py::test_groups_never_mix"),
    3: (
        f"{_MATCHER}::test_03_a_distinct_count_takes_nothing_from_beyond_the_window",
        "detect/test_window.py::test_sums_and_distincts_equal_a_plain_count",
    ),
    4: ("detect/test_peers.py::test_04_one_instant_in_five_encodings_is_one_instant",),
    5: (f"{_SCOPE}::test_public_ipv6_is_public", f"{_SCOPE}::test_shared_and_mapped_addresses_are_not_public"),
    6: ("detect/test_peers.py::test_06_the_order_of_hashes_changes_no_byte", "engines/test_scan.py::test_two_runs_are_byte_identical"),
    7: (f"{_MATCHER}::test_07_a_failure_outside_the_window_does_not_count", f"{_MATCHER}::test_07_a_logon_later_than_after_does_not_match"),
    8: (f"{_MATCHER}::test_08_one_then_one",),
    9: (
        f"{_MATCHER}::test_another_rule_or_chain_silences_nothing",
        "detect/test_rule_properties.py::test_neither_other_rules_nor_other_events_change_an_answer",
    ),
    10: ("engines/test_scan.py::test_spilling_changes_nothing", "detect/test_peers.py::test_10_a_burst_hides_nothing"),
    11: (f"{_MATCHER}::test_13_a_window_may_straddle_any_boundary", "engines/test_scan.py::test_splitting_the_file_and_adding_users_changes_nothing"),
    12: (f"{_MATCHER}::test_12_absence_is_judged_only_when_covered_and_the_deadline_has_passed",),
    13: (
        f"{_MATCHER}::test_13_a_window_may_straddle_any_boundary",
        "detect/test_correlation.py::test_the_window_is_closed_at_both_ends_and_no_longer",
    ),
    14: (
        f"{_MATCHER}::test_14_late_and_shuffled_input_changes_nothing",
        "detect/test_matcher_properties.py::test_the_order_of_the_input_changes_nothing",
    ),
    15: (f"{_HOURS}::test_hours_that_wrap_midnight", f"{_HOURS}::test_daylight_saving_days", f"{_HOURS}::test_weekends_and_holidays_are_off"),
    16: (f"{_HOURS}::test_the_zone_is_that_of_the_place_not_utc", f"{_HOURS}::test_hosts_and_users_have_their_own_hours_and_zones"),
    17: (f"{_BASELINE}::test_the_judged_day_teaches_nothing", f"{_BASELINE}::test_users_do_not_mix"),
    18: (f"{_MATCHER}::test_18_a_later_failure_hides_no_earlier_entry", "engines/test_scan.py::test_a_later_failure_does_not_hide_the_entry"),
    19: ("detect/test_incident.py::test_still_open",),
    20: ("site/test_load.py::test_a_list_of_countries_holds_iso_codes_only",),
    21: (
        "intake/test_journal_json.py::test_the_receive_time_stands_in_for_an_impossible_source_time",
        "detect/test_peers.py::test_21_the_time_of_the_event_orders",
    ),
    22: ("enrich/test_known.py::test_the_address_is_compared_as_a_number", f"{_SCOPE}::test_loopback_is_found_by_number_not_by_text"),
    23: (
        "sources/test_document.py::test_an_address_is_one_or_null_and_comes_before_what_a_host_says",
        f"{_MATCHER}::test_a_null_key_matches_nothing",
    ),
    24: (
        "intake/test_stamp.py::test_a_log_of_last_december_read_in_january_is_not_a_year_off",
        "intake/test_stamp.py::test_new_year_between_two_blocks",
    ),
    25: (
        "detect/test_peers.py::test_25_a_wrong_clock_inverts_nothing_without_saying_so",
        "origin/test_clock.py::test_a_host_whose_clock_is_hours_apart_is_found_behind_the_guess",
    ),
    26: ("detect/test_travel.py::test_speed_decides_not_distance", "detect/test_travel.py::test_the_office_gateway_and_anonymisers_are_no_places"),
    27: (f"{_MATCHER}::test_27_the_logon_does_not_cancel_the_slow_guess",),
    28: (f"{_MATCHER}::test_28_failures_on_several_hosts_count_together",),
    29: ("detect/test_rule.py::test_logsource_gates", "detect/test_windows_rules.py::test_rules_for_windows_never_meet_other_events"),
    30: (f"{_BASELINE}::test_a_short_history_is_unknown", f"{_BASELINE}::test_few_successes_are_unknown_however_long_ago"),
    31: (
        f"{_MATCHER}::test_31_the_logon_must_follow_the_last_failure_that_counts",
        "engines/test_scan.py::test_one_failure_then_success_then_many_failures_is_none",
    ),
}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHAIN = Chain(
    id="guess",
    title="Guess",
    by=("user",),
    stages=(
        Stage(name="guess", rules=("bad",), count=Count(gte=5, window="15m")),
        Stage(name="logon", rules=("good",), after="15m", anchor=True),
    ),
    severity={"logon": Severity.HIGH},
    explanation="Five failures, then a success.",
    span="1h",
)


@cache
def _functions(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("row", range(1, 32))
def test_every_failure_of_a_peer_is_a_test_here(row: int) -> None:
    for test in ROWS[row]:
        file, _, name = test.partition("::")
        assert name in _functions(file), test


def test_04_one_instant_in_five_encodings_is_one_instant(tmp_path: Path) -> None:
    message = "sshd[7]: Accepted password for ann from 192.0.2.7 port 22 ssh2"
    stamps = ("2026-03-02T08:15:00Z", "2026-03-02T17:15:00+09:00", "2026-03-02T01:15:00-07:00", "2026-03-02T08:15:00.000000+00:00")
    for number, stamp in enumerate(stamps):
        (tmp_path / f"{number}.log").write_text(f"{stamp} gate{number} {message}\n")
    (tmp_path / "4.json").write_text(
        '{"__REALTIME_TIMESTAMP":"1772439300000000","_HOSTNAME":"gate4","SYSLOG_IDENTIFIER":"sshd","_PID":"7",'
        f'"MESSAGE":"{message.partition(": ")[2]}"}}\n'
    )
    events = pl.concat(list(app.events([str(tmp_path)], site=Site.default(), zone="America/New_York")))
    assert events.height == 5
    assert events["time"].unique().to_list() == [datetime(2026, 3, 2, 8, 15, tzinfo=UTC)]


def test_06_the_order_of_hashes_changes_no_byte(tmp_path: Path) -> None:
    breach = TESTS.parent / "examples" / "breach"
    made = []
    for seed in ("0", "4711"):
        out = tmp_path / f"{seed}.jsonl"
        command = [sys.executable, "-m", "gatewatch.cli.main", "scan", str(breach), "-q", "-o", f"jsonl:{out}"]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=False)
        made.append(out.read_bytes())
    assert made[0]
    assert made[0] == made[1]


def _matches(rows: list[tuple[float, str, str]], error: timedelta = timedelta(0), received: bool = False) -> int:
    """How often the chain matches (seconds, rule, stream) rows."""
    table = pl.DataFrame(
        [
            {"row": n, "time": NOON + timedelta(seconds=at), "time_err": error, "stream": stream, "position": n, "count": 1, "user": "ann",
             "rule:bad": rule == "bad", "rule:good": rule == "good"}
            for n, (at, rule, stream) in enumerate(rows)
        ],
        schema_overrides={"time_err": pl.Duration("us")},
    )  # fmt: skip
    if received:
        table = table.with_columns(received=pl.col("time").reverse())
    return len(match(CHAIN, table, float))


def test_10_a_burst_hides_nothing() -> None:
    rows = [(n / 1000, "bad", "s") for n in range(20_000)]
    assert _matches([*rows, (21, "good", "s"), (22, "good", "s")]) == 2


def test_21_the_time_of_the_event_orders() -> None:
    rows = [*((float(n), "bad", "s") for n in range(5)), (60.0, "good", "s")]
    assert _matches(rows) == _matches(rows, received=True) == 1


def test_25_a_wrong_clock_inverts_nothing_without_saying_so() -> None:
    """A VPN's failures, its clock 4 min 41 s ahead of the host's: after the logon by the clock, before it within the error that is known."""
    late = [*((281.0 + n, "bad", "vpn") for n in range(5)), (60.0, "good", "host")]
    assert _matches(late) == 0  # taken as exact, the failures came after
    assert _matches(late, timedelta(minutes=5)) == 1
    sure = [*((float(n), "bad", "vpn") for n in range(5)), (60.0, "good", "vpn")]
    assert _matches(sure, timedelta(minutes=5)) == 1  # within one log the record order is the truth, whatever the clock
