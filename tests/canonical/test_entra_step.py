"""Interruptions of an Entra sign-in that was then completed are no stops; unanswered ones are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from gatewatch.canonical.entra_step import steps_as_connections

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def _events(*rows: tuple[str, str, str, int, str | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "source": "entra-signin",
                "kind": kind,
                "pattern": pattern,
                "user": user,
                "time": AT + timedelta(minutes=minute),
                "extra": None if flow is None else f'{{"correlationId":"{flow}"}}',
            }
            for kind, pattern, user, minute, flow in rows
        ]
    )


def _kinds(*rows: tuple[str, str, str, int, str | None]) -> list[str]:
    return steps_as_connections(_events(*rows))["kind"].to_list()


def test_an_answered_interruption_is_a_step() -> None:
    rows = [("auth_stopped", "stopped-mfa-required", "ann", 0, "c1"), ("auth_success", "signin", "ann", 1, "c1")]
    assert _kinds(*rows) == ["connection", "auth_success"]
    assert _kinds(*reversed(rows)) == ["auth_success", "connection"]


def test_the_rest_stay_stops() -> None:
    assert _kinds(
        ("auth_stopped", "stopped-mfa-required", "ann", 0, "c1"),  # never answered
        ("auth_stopped", "stopped-mfa-required", "bob", 0, "c2"),  # another flow went on
        ("auth_success", "signin", "bob", 1, "c3"),
        ("auth_stopped", "stopped-mfa-required", "cyd", 5, "c4"),  # after the success
        ("auth_success", "signin", "cyd", 1, "c4"),
        ("auth_stopped", "stopped-mfa-required", "dee", 0, None),
        ("auth_success", "signin", "dee", 1, None),
        ("auth_stopped", "stopped-mfa-required", "eve", 0, "c5"),  # too late
        ("auth_success", "signin", "eve", 61, "c5"),
        ("auth_stopped", "stopped-by-policy", "fay", 0, "c6"),  # not an interruption
        ("auth_success", "signin", "fay", 1, "c6"),
    ) == ["auth_stopped", "auth_stopped", "auth_success", "auth_stopped", "auth_success", *(["auth_stopped", "auth_success"] * 3)]
