"""Results of searches exported as CSV, and the answers of query interfaces with rows under columns: each row is read as the record it was."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake.csv_row import BROKEN
from gatewatch.intake.entra_csv import AMBIGUOUS
from gatewatch.intake.export_csv import read, sniff
from gatewatch.intake.json_record import read as read_json
from gatewatch.sources import cloudtrail, okta

TABLE = ["TimeGenerated [UTC]", "EventSource", "EventName", "UserIdentityType", "UserIdentityUserName", "SourceIpAddress", "ResponseElements", "Type"]
SUCCESS = '{"ConsoleLogin":"Success"}'
ROW = ["3/2/2026, 8:15:00.000 PM", "signin.amazonaws.com", "ConsoleLogin", "IAMUser", "ann", "203.0.113.9", SUCCESS, "AWSCloudTrail"]
SPLUNK = ["_raw", "_time", "host", "sourcetype"]
HISTORY = ["Event ID", "AWS access key", "AWS region", "Error code", "Event name", "Event source", "Event time", "Source IP address", "User name"]
LINE = "Jan  5 12:00:00 gate01 sshd[4711]: Failed password for bob from 203.0.113.9 port 50022 ssh2"


def export(header: list[str], *rows: list[str], delimiter: str = ",") -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([header, *rows])
    return out.getvalue().encode()


def batches(data: bytes, size: int = 1 << 20) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    found = list(read((data[at : at + size] for at in range(0, len(data), size)), None))
    records = [row for batch in found for row in batch.records.iter_rows(named=True)]
    left = [(one.record, one.reason) for batch in found for one in (*batch.rejects, *batch.strange)]
    numbers = sorted([*(row["record"] for row in records), *(number for number, _ in left)])
    assert numbers == list(range(1, len(numbers) + 1))
    return sorted(records, key=lambda row: row["record"]), sorted(left)


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("3/2/2026, 8:15:00.000 PM", "2026-03-02 20:15:00+00:00"),
        ("02/03/2026, 20:15:00.000", "2026-03-02 20:15:00+00:00"),
        ("2026-03-02T20:15:00Z", "2026-03-02 20:15:00+00:00"),
    ],
)
def test_a_table_of_log_analytics(date: str, time: str) -> None:
    data = export(TABLE, [date, *ROW[1:]], [date, *ROW[1:6], '{"ConsoleLogin":"Failure"}', ROW[-1]])
    assert sniff(data) >= 0.9
    (batch,) = read([data], None)
    accepted, refused = cloudtrail.SOURCE.decode(batch.records, None).events.iter_rows(named=True)
    assert (accepted["kind"], refused["kind"]) == ("auth_success", "auth_failure")
    assert (accepted["user"], accepted["src_ip"], str(accepted["time"])) == ("ann", "203.0.113.9", time)


def test_a_date_that_may_be_either_is_rejected() -> None:
    assert batches(export(TABLE, ["3/2/2026 8:15", *ROW[1:]])) == ([], [(1, AMBIGUOUS)])


@pytest.mark.parametrize("size", [1 << 20, 11])
def test_results_of_splunk(size: int) -> None:
    signed = json.dumps({"eventType": "user.session.start", "published": "2026-01-05T12:00:00.000Z", "outcome": {"result": "SUCCESS"}})
    event = "<Event><System><EventID>4625</EventID><Channel>Security</Channel></System></Event>"
    records, left = batches(export(SPLUNK, [LINE, "t", "h", "s"], [signed, "t", "h", "s"], [event, "t", "h", "s"], ["?", "t", "h", "s"]), size)
    assert [row["record"] for row in records] == [1, 2, 3]
    assert records[0]["message"] == LINE
    assert (records[1]["program"], records[2]["event_id"]) == ("okta", 4625)
    assert [number for number, _ in left] == [4]


def test_the_event_history_of_cloudtrail() -> None:
    rest = ["2026-01-05T12:00:00Z", "203.0.113.9", "ann"]
    calls = (("CreateAccessKey", "iam"), ("ConsoleLogin", "signin"))
    rows = [["e", "", "us-east-1", "", name, f"{service}.amazonaws.com", *rest] for name, service in calls]
    (batch,) = read([export(HISTORY, *rows)], None)
    outcome = cloudtrail.SOURCE.decode(batch.records, None)
    assert [(row["kind"], row["user"], row["src_ip"]) for row in outcome.events.iter_rows(named=True)] == [("account_change", "ann", "203.0.113.9")]
    assert outcome.rejected["reason"].to_list() == ["no outcome"]  # the history does not say


def test_a_row_that_does_not_fit_costs_itself() -> None:
    records, left = batches(export(TABLE, ROW[:3], ROW))
    assert ([row["record"] for row in records], left) == ([2], [(1, BROKEN)])


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"_raw\nx\n", b"TimeGenerated,x\n1,2\n", b'{"_raw": 1}', b"_raw;x"])
def test_other_files_are_none(data: bytes) -> None:
    assert sniff(data) == (0.9 if data == b"_raw;x" else 0.0)
    assert data == b"_raw;x" or list(read([data], None)) == []


@given(st.binary(max_size=300), st.sampled_from([TABLE, SPLUNK, HISTORY]))
def test_any_bytes_after_the_header(data: bytes, header: list[str]) -> None:
    batches(export(header) + data)


COLUMNS = [{"name": name, "type": "string"} for name in ("eventType", "published", "actor", "outcome")]
CELLS = ["user.session.start", "2026-01-05T12:00:00.000Z", '{"alternateId":"ann@corp.example"}', '{"result":"SUCCESS"}']
ANSWERS = {
    "Log Analytics": {"tables": [{"name": "PrimaryResult", "columns": COLUMNS, "rows": [CELLS, CELLS]}]},
    "Kusto 1": {"Tables": [{"TableName": "T", "Columns": [{"ColumnName": one["name"]} for one in COLUMNS], "Rows": [CELLS, CELLS]}]},
    "Kusto 2": [{"FrameType": "DataTable", "TableId": 1, "Columns": [{"ColumnName": one["name"]} for one in COLUMNS], "Rows": [CELLS, CELLS]}],
    "no rows": {"tables": [{"name": "PrimaryResult", "columns": COLUMNS, "rows": []}]},
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [1 << 20, 13])
def test_answers_with_rows_under_columns(name: str, indent: int | None, size: int) -> None:
    data = json.dumps(ANSWERS[name], indent=indent).encode()
    found = list(read_json((data[at : at + size] for at in range(0, len(data), size)), None))
    assert not any(batch.rejects or batch.strange for batch in found)
    records = [batch.records for batch in found if batch.records.height]
    users = [okta.SOURCE.decode(one, None).events["user"].to_list() for one in records]
    assert users == ([] if name == "no rows" else [["ann", "ann"]])


@pytest.mark.parametrize("row", ["[1,2]", "[1,", "{}", '"x"', "7"])
def test_a_row_that_is_none(row: str) -> None:
    whole = json.dumps(ANSWERS["Log Analytics"])
    data = whole.replace(json.dumps(CELLS), json.dumps(CELLS) + "," + row, 1).encode()
    found = list(read_json([data], None))
    assert sum(batch.records.height for batch in found) >= 1
