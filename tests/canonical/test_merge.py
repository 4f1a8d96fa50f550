"""One attempt counts once, whoever reports it, and however the log was cut."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.canonical.merge import drop_repeats, label_repeats, merge_failures, merge_sessions
from gatewatch.schema.events import KIND

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
REPORTS = {
    0: ("sshd", "failed"),
    1: ("auditd", "user-login-failed"),
    2: ("sshd", "pam-failure"),
    3: ("sshd", "invalid-user"),
    4: ("sshd", "max-attempts"),
    5: ("utmp", "btmp-failure"),
}
Row = tuple[str | None, str | None, int, int, int]  # host, session, rank, weight, second


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "record": range(1, len(rows) + 1),
            "host": [row[0] for row in rows],
            "session": [row[1] for row in rows],
            "source": [REPORTS[row[2]][0] for row in rows],
            "pattern": [REPORTS[row[2]][1] for row in rows],
            "count": [row[3] for row in rows],
            "time": [START + timedelta(seconds=row[4]) for row in rows],
            "kind": ["auth_failure"] * len(rows),
            "user": [None if row[2] == 2 else "root" for row in rows],
            "src_ip": [None if row[2] == 1 else "192.0.2.7" for row in rows],
        },
        schema_overrides={
            "count": pl.UInt32,
            "time": pl.Datetime("us", "UTC"),
            "kind": KIND,
            "host": pl.String,
            "session": pl.String,
            "user": pl.String,
            "src_ip": pl.String,
        },
    )


def expected(rows: list[Row]) -> dict[tuple[str | None, str | None], int]:
    """Plainly: per connection, the largest number any one log reports; without host or session every report stands alone."""
    sums: dict[tuple[str | None, str | None], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for host, session, rank, weight, _ in rows:
        sums[host, session][rank] += weight
    return {key: sum(by.values()) if None in key else max(by.values()) for key, by in sums.items()}


def totals(table: pl.DataFrame) -> dict[tuple[str | None, str | None], int]:
    return {(host, session): total for host, session, total in table.group_by("host", "session").agg(pl.col("count").sum()).iter_rows()}


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["pid:1", "pid:2", None]),
        st.sampled_from(sorted(REPORTS)),
        st.integers(1, 3),
        st.integers(0, 60),
    ),
    max_size=14,
)


@given(ROWS)
def test_the_largest_report_counts(rows: list[Row]) -> None:
    assert totals(merge_failures(frame(rows))) == expected(rows)


@given(ROWS, st.integers(0, 14))
def test_where_the_log_was_cut_changes_nothing(rows: list[Row], place: int) -> None:
    parts = [part for part in (rows[:place], rows[place:]) if part]
    blocks = [drop_repeats(frame(part)) for part in parts]
    if blocks:
        assert totals(merge_failures(pl.concat(blocks, how="diagonal"))) == expected(rows)


def test_the_best_report_is_kept_and_filled_from_the_others() -> None:
    rows: list[Row] = [("a", "pid:1", 1, 1, 0), ("a", "pid:1", 2, 1, 0)]
    merged = label_repeats(merge_failures(frame(rows)))
    assert merged.select("source", "user", "src_ip", "corroborated_by").rows() == [("auditd", "root", "192.0.2.7", ["pam"])]


def test_dropped_repeats_still_corroborate() -> None:
    rows: list[Row] = [("a", "pid:1", 3, 1, 0), ("a", "pid:1", 2, 1, 0), ("a", "pid:1", 0, 1, 0)]
    merged = label_repeats(merge_failures(drop_repeats(frame(rows))))
    assert merged.select("pattern", "count", "corroborated_by").rows() == [("failed", 1, ["pam", "sshd"])]


def test_a_pid_used_again_is_another_connection() -> None:
    rows: list[Row] = [("a", "pid:1", 0, 1, 0), ("a", "pid:1", 2, 1, 0), ("a", "pid:1", 2, 1, 90_000)]
    assert merge_failures(frame(rows))["count"].to_list() == [1, 1]


def test_categories_rank_like_strings() -> None:
    rows: list[Row] = [("a", "pid:1", rank, 1, 0) for rank in sorted(REPORTS)] + [("b", "pid:1", 5, 2, 0)]
    coded = frame(rows).with_columns(pl.col("host", "session", "source", "pattern", "user", "src_ip").cast(pl.Categorical))
    assert totals(merge_failures(coded).with_columns(pl.col(pl.Categorical).cast(pl.String))) == expected(rows)


def _session_row(kind: str, source: str, pattern: str, second: int, **more: object) -> dict[str, object]:
    return {
        "kind": kind,
        "source": source,
        "pattern": pattern,
        "time": START + timedelta(seconds=second),
        "host": "a",
        "session": "pid:1",
        "user": None,
        "src_ip": None,
        "linked_session": None,
    } | more


def test_one_logon_reported_by_sshd_and_audit_is_one_event() -> None:
    rows = [
        _session_row("auth_success", "auditd", "user-login", 0, linked_session="ses:7"),
        _session_row("auth_success", "sshd", "accepted", 0, user="ann", src_ip="192.0.2.7"),
        _session_row("session_start", "sshd", "pam-session-opened", 0, user="ann"),
    ]
    table = pl.DataFrame(
        rows, schema_overrides={"kind": KIND, "time": pl.Datetime("us", "UTC"), "user": pl.String, "src_ip": pl.String, "linked_session": pl.String}
    )
    merged = merge_sessions(table)
    assert merged.select("kind", "source", "user", "linked_session").rows() == [
        ("auth_success", "sshd", "ann", "ses:7"),
        ("session_start", "sshd", "ann", None),
    ]
    assert merged["corroborated_by"].to_list()[0] == ["auditd"]


def test_two_logons_under_one_pid_are_two() -> None:
    rows = [_session_row("auth_success", "sshd", "accepted", second, user=name) for second, name in ((0, "ann"), (3, "bob"))]
    table = pl.DataFrame(rows, schema_overrides={"kind": KIND, "time": pl.Datetime("us", "UTC"), "src_ip": pl.String, "linked_session": pl.String})
    assert merge_sessions(table)["user"].to_list() == ["ann", "bob"]
