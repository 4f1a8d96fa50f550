"""One logon at Entra ID, told by two logs and several times, is one accepted access; different logons stay apart."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from gatewatch.canonical.entra_logon import REPORT, join_sign_ins
from gatewatch.schema.events import DTYPES

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def event(source: str, second: float, flow: str | None = None, request: str | None = None, **changes: Any) -> dict[str, Any]:
    name = "id" if source == "entra-signin" else "requestId"
    return {
        "source": source, "kind": "auth_success", "pattern": "signin", "user": "ann", "user_domain": "corp.example", "src_ip": "203.0.113.7",
        "time": AT + timedelta(seconds=second), "extra": json.dumps({"correlationId": flow, name: request}), "session": None, "mfa": "unknown",
        "auth_method": "unknown",
    } | changes  # fmt: skip


def joined(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    frame = pl.DataFrame(rows, schema_overrides={name: DTYPES[name] for name in ("kind", "auth_method", "mfa", "session")}, infer_schema_length=None)
    return join_sign_ins(frame).to_dicts()


def entra(second: float, flow: str | None = None, request: str | None = None, **changes: Any) -> dict[str, Any]:
    return event("entra-signin", second, flow, request, **changes)


def m365(second: float, flow: str | None = None, request: str | None = None, **changes: Any) -> dict[str, Any]:
    return event("m365", second, flow, request, **changes)


def kinds(*rows: dict[str, Any]) -> list[str]:
    return [row["kind"] for row in joined(*rows)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (entra(0, "c1", "r1"), m365(300, "c2", "r1", src_ip="198.51.100.1")),  # the same request
        (entra(0, "c1", "r1"), m365(200, "c1", "r2", src_ip="198.51.100.1")),  # the same correlation
        (entra(0, "c1", "r1"), m365(-9, "c2", "r2")),  # the same user and address at the same time
        (entra(0), m365(9)),
    ],
)
def test_the_sign_in_log_stays(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert kinds(first, second) == ["auth_success", "connection"]
    assert kinds(second, first) == ["connection", "auth_success"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (entra(0, "c1", "r1"), m365(700, "c1", "r1")),  # too late
        (entra(0, "c1", "r1"), m365(11, "c2", "r2")),
        (entra(0), m365(5, src_ip="198.51.100.1")),  # from elsewhere
        (entra(0), m365(5, user="bob")),
        (entra(0, "c1", "r1"), m365(5, "c1", "r1", user_domain="other.example")),
        (entra(0, "c1", "r1", kind="auth_stopped"), m365(5, "c1", "r1")),  # a stop is no logon
        (entra(0, src_ip=None), m365(5, src_ip=None)),
        (entra(0, "c1", "r1"), entra(5, "c1", "r1")),  # two lines of the sign-in log are two sign-ins
    ],
)
def test_others_stay_apart(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert "connection" not in kinds(first, second)


def test_the_audit_log_alone() -> None:
    several = [m365(0, "c1"), m365(2, "c1", src_ip="198.51.100.1"), m365(5, "c2"), m365(14, "c3"), m365(60, "c4"), m365(3700, "c1")]
    assert kinds(*several) == ["auth_success", "connection", "connection", "connection", "auth_success", "auth_success"]
    denied = [m365(0, "c1", kind="mfa_denied"), m365(5, "c2", kind="mfa_denied"), m365(6, "c2", kind="mfa_denied")]
    assert kinds(*denied) == ["mfa_denied", "mfa_denied", "connection"]  # each prompt counts


def test_reports_lend_what_is_lacking() -> None:
    main, report = joined(entra(0, "c1", "r1", src_ip=None), m365(2, "c1", "r1", session="s", mfa="yes", auth_method="password"))
    assert (main["src_ip"], main["session"], main["mfa"], main["auth_method"]) == ("203.0.113.7", "s", "yes", "password")
    assert main["corroborated_by"] == ["m365"]
    assert report["pattern"] == REPORT
    main, _ = joined(entra(0, "c1", "r1", mfa="no"), m365(2, "c1", "r1", mfa="yes"))
    assert main["mfa"] == "no"


def test_what_is_reported_by_a_report() -> None:
    assert kinds(m365(0, "c1", src_ip="198.51.100.1"), m365(100, "c1"), m365(105, "c2")) == ["auth_success", "connection", "auth_success"]


def test_nothing_is_touched_without_the_audit_log() -> None:
    rows = [entra(0, "c1", "r1"), entra(1, "c1", "r1")]
    assert kinds(*rows) == ["auth_success", "auth_success"]
