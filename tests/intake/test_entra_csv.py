"""Downloads of Entra's portal: sign-ins and audit log, in any order of columns, with either order of day and month."""

from __future__ import annotations

import csv
import io
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake.entra_csv import AMBIGUOUS, read, sniff
from gatewatch.schema.records import RECORD_DTYPES
from gatewatch.sources import entra_audit, entra_signin

SIGN_IN = [
    *("Date (UTC)", "Request ID", "User agent", "Correlation ID", "User ID", "User", "Username", "User type", "Incoming token type"),
    *("Authentication Protocol", "Application", "Application ID ", "Resource", "IP address", "Location", "Status", "Sign-in error code"),
    *("Failure reason", "Client app", "Device ID", "Browser", "Operating System", "Multifactor authentication result"),
    *("Multifactor authentication auth method", "Authentication requirement", "Session ID", "Autonomous system  number", "Conditional Access"),
]
AUDIT = [
    *("Date (UTC)", "CorrelationId", "Service", "Category", "Activity", "Result", "ResultReason", "UserAgent", "ActorType", "ActorDisplayName"),
    *("ActorUserPrincipalName", "IPAddress", "ActorServicePrincipalName", "Target1Type", "Target1DisplayName", "Target1UserPrincipalName"),
    *("Target1ModifiedProperty1Name", "Target1ModifiedProperty1OldValue", "Target1ModifiedProperty1NewValue"),
]
GOOD = {
    "Date (UTC)": "2026-03-02T08:15:00Z", "Request ID": "r", "Correlation ID": "c", "User": "Ann Ash", "Username": "Ann@corp.example",
    "Application": "Azure Portal", "IP address": "203.0.113.7", "Location": "Exampletown, Example, DE", "Status": "Success",
    "Sign-in error code": "0", "Client app": "Browser", "Authentication requirement": "Single-factor authentication", "Session ID": "s",
}  # fmt: skip


def download(*records: dict[str, str], header: list[str] = SIGN_IN, delimiter: str = ",", quoting: Any = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting)
    writer.writerow(header)
    writer.writerows([record.get(name, "") for name in header] for record in records)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def events(data: bytes) -> list[dict[str, Any]]:
    frames = []
    for batch in read([data]):
        assert dict(batch.records.schema) == RECORD_DTYPES
        source = entra_audit.SOURCE if batch.records["program"][0] == "entra-audit" else entra_signin.SOURCE
        outcome = source.decode(batch.records)
        assert not outcome.rejected.height
        frames.append(outcome.events)
    return pl.concat(frames).to_dicts()


def test_a_sign_in() -> None:
    data = download(GOOD)
    assert sniff(data) > 0.9
    (row,) = events(data)
    wanted = {"kind": "auth_success", "user": "ann", "user_domain": "corp.example", "src_ip": "203.0.113.7", "session": "s", "mfa": "no"}
    assert {name: row[name] for name in wanted} == wanted
    assert str(row["time"]) == "2026-03-02 08:15:00+00:00"
    assert '"countryOrRegion":"DE"' in row["extra"]
    assert '"correlationId":"c"' in row["extra"]


@pytest.mark.parametrize(
    ("changes", "kind", "pattern", "mfa"),
    [
        ({"Status": "Failure", "Sign-in error code": "50126"}, "auth_failure", "signin-bad-password", None),
        ({"Status": "Interrupted", "Sign-in error code": "50074"}, "auth_stopped", "stopped-mfa-required", None),
        ({"Status": "Failure", "Sign-in error code": "53003"}, "auth_stopped", "stopped-policy", None),
        ({"Sign-in error code": "None"}, "auth_success", "signin", "no"),
        ({"Sign-in error code": ""}, "auth_success", "signin", "no"),
        ({"Status": "Failure", "Sign-in error code": "None"}, "auth_failure", "signin-error", None),
        ({"Authentication requirement": "Multifactor authentication"}, "auth_success", "signin", "yes"),
        ({"Authentication requirement": ""}, "auth_success", "signin", "unknown"),
        ({"Incoming token type": "Refresh token"}, "connection", "token-used", None),
        ({"Incoming token type": "none", "Authentication Protocol": "ropc"}, "auth_success", "signin", "no"),
    ],
)
def test_outcomes(changes: dict[str, str], kind: str, pattern: str, mfa: str | None) -> None:
    (row,) = events(download(GOOD | changes))
    assert (row["kind"], row["pattern"], row.get("mfa")) == (kind, pattern, mfa)


def test_a_program() -> None:
    header = ["Date (UTC)", "Request ID", "Service principal ID", "Service principal name", "IP address", "Status", "Sign-in error code"]
    (row,) = events(download(GOOD | {"Service principal ID": "p", "Service principal name": "Backup"}, header=header))
    assert (row["kind"], row["pattern"], row["process"], row.get("user")) == ("connection", "service-principal", "Backup", None)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_audit_log(delimiter: str) -> None:
    entry = {
        "Date (UTC)": "2026-03-02T08:15:00.1234567Z", "Activity": "Add member to role", "Result": "success", "ActorType": "User",
        "ActorUserPrincipalName": "root@corp.example", "IPAddress": "203.0.113.7", "Target1Type": "User",
        "Target1UserPrincipalName": "ann@corp.example", "Target1ModifiedProperty1Name": "Role.DisplayName",
        "Target1ModifiedProperty1NewValue": '"Global Administrator"',
    }  # fmt: skip
    (row,) = events(download(entry, header=AUDIT, delimiter=delimiter, quoting=csv.QUOTE_ALL))
    wanted = {"kind": "account_change", "pattern": "role-member-added", "user": "root", "target_user": "ann", "object": "Global Administrator"}
    assert {name: row[name] for name in wanted} == wanted
    assert row["src_ip"] == "203.0.113.7"


@pytest.mark.parametrize(
    ("dates", "times"),
    [
        (["3/2/2026, 8:15:00 AM", "3/2/2026, 12:15:00 AM", "3/2/2026, 12:15:00 PM"], ["03-02 08:15", "03-02 00:15", "03-02 12:15"]),
        (["03/02/2026 08:15:00", "03/13/2026 08:15:00"], ["03-02 08:15", "03-13 08:15"]),
        (["03/02/2026 08:15:00", "13/02/2026 08:15:00"], ["02-03 08:15", "02-13 08:15"]),
        (["02.03.2026 08:15:00"], ["03-02 08:15"]),
        (["02/03/2026, 08:15:00"], ["03-02 08:15"]),
        (["02/03/2026, 8:15:00 pm"], ["03-02 20:15"]),
    ],
)
def test_dates_with_slashes(dates: list[str], times: list[str]) -> None:
    rows = events(download(*[GOOD | {"Date (UTC)": date} for date in dates]))
    assert [f"{row['time']:%m-%d %H:%M}" for row in rows] == times


@pytest.mark.parametrize("dates", [["03/02/2026 08:15:00"], ["13/02/2026 08:15:00", "02/13/2026 08:15:00"]])
def test_what_may_be_either_day_is_rejected(dates: list[str]) -> None:
    batches = list(read([download(*[GOOD | {"Date (UTC)": date} for date in dates])]))
    assert [(one.record, one.reason) for batch in batches for one in batch.rejects] == [(n + 1, AMBIGUOUS) for n in range(len(dates))]


@pytest.mark.parametrize("data", [b"", b"Date (UTC),Request ID\n", b"Date (UTC),Username,Status\n1,2,3\n", b'{"Date (UTC)": 1}'])
def test_other_files_are_none(data: bytes) -> None:
    assert sniff(data) == 0.0
    assert list(read([data])) == []


@given(st.binary(max_size=300))
def test_any_bytes_after_the_header(data: bytes) -> None:
    for header in (SIGN_IN, AUDIT):
        for batch in read([download(header=header) + data]):
            source = entra_audit.SOURCE if header is AUDIT else entra_signin.SOURCE
            assert source.decode(batch.records).used >= 0


@pytest.mark.parametrize("stamp", ["TimeGenerated [UTC]", "TimeGenerated", "CreatedDateTime"])
def test_a_table_of_log_analytics(stamp: str) -> None:
    header = [stamp, "ResultType", "UserPrincipalName", "IPAddress", "IsInteractive", "AuthenticationRequirement", "Status", "Category"]
    values = ["3/2/2026, 8:15:00.123 PM", "50126", "ann@corp.example", "203.0.113.7", "true", "", '{"errorCode":50126}', "SignInLogs"]
    record = dict(zip(header, values, strict=True))
    data = download(record, record | {"ResultType": "0", "Status": "", "IPAddress": ""}, header=header)
    assert sniff(data) > 0.9
    refused, accepted = events(data)
    assert (refused["kind"], refused["user"], refused["src_ip"]) == ("auth_failure", "ann", "203.0.113.7")
    assert str(refused["time"]) == "2026-03-02 20:15:00.123000+00:00"
    assert (accepted["kind"], accepted["src_ip"]) == ("auth_success", None)
