"""CSV exports of Microsoft 365's audit log: any columns beside ``AuditData``, quotes, and rows that are broken."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake.batch import Batch
from gatewatch.intake.csv_row import BROKEN, TOO_LONG
from gatewatch.intake.m365_csv import NO_DATA, NO_JSON, read, sniff
from gatewatch.schema.records import RECORD_DTYPES

PURVIEW = ["RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData", "AssociatedAdminUnits"]
RECORD = {"CreationTime": "2026-03-02T08:15:00", "Operation": "UserLoggedIn", "UserId": "ann@corp.example", "Note": 'a "quoted", word'}


def export(records: list[Any], header: list[str] = PURVIEW, *, delimiter: str = ",", newline: str = "\r\n", quote_all: bool = False) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL)
    writer.writerow(header)
    for number, record in enumerate(records):
        data = record if isinstance(record, str) else json.dumps(record)
        writer.writerow([data if name == "AuditData" else f"{name} {number}" for name in header])
    return out.getvalue().encode()


def parsed(data: bytes, size: int = 1 << 20) -> tuple[list[Any], list[tuple[int, str]]]:
    batches: list[Batch] = list(read(data[at : at + size] for at in range(0, len(data), size)))
    for batch in batches:
        assert dict(batch.records.schema) == RECORD_DTYPES
        assert set(batch.records["program"].to_list()) <= {"m365"}
    records = [json.loads(text) for batch in batches for text in batch.records["fields"]]
    rejects = [(one.record, one.reason) for batch in batches for one in batch.rejects]
    numbers = sorted([number for batch in batches for number in batch.records["record"].to_list()] + [number for number, _ in rejects])
    assert numbers == list(range(1, len(numbers) + 1))
    return records, rejects


def test_a_record_without_its_time_has_that_of_its_row() -> None:
    row = ',"{""Operation"":""UserLoggedIn"",""UserId"":""ann@corp.example""}"\n'
    data = "CreationDate,AuditData\n2026-03-02T08:15:00" + row + "3/2/2026 8:15:00 AM" + row
    first, second = parsed(data.encode())[0]
    assert (first["CreationTime"], second.get("CreationTime")) == ("2026-03-02T08:15:00", None)


@pytest.mark.parametrize(
    "data",
    [
        export([RECORD, RECORD]),
        b"\xef\xbb\xbf" + export([RECORD, RECORD]),
        export([RECORD, RECORD]).decode().encode("utf-16"),
        b"#TYPE Deserialized.Microsoft.Exchange.Data.ApplicationLogic.UnifiedAuditLogEvent\r\n" + export([RECORD, RECORD], quote_all=True),
        b"sep=;\n" + export([RECORD, RECORD], delimiter=";", newline="\n"),
        export([RECORD, RECORD], ["CreationDate", "UserIds", "Operations", "AuditData"]),
        export([RECORD, RECORD], ["AuditData", "Identity"]),
        export([json.dumps(RECORD, indent=2), RECORD]),
    ],
    ids=["purview", "mark", "utf-16", "powershell", "semicolons", "old-portal", "first-column", "spread"],
)
def test_exports(data: bytes) -> None:
    assert sniff(data[:4096]) > 0.9
    assert parsed(data) == ([RECORD, RECORD], [])
    assert parsed(data, 7) == ([RECORD, RECORD], [])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"AuditData\n{}",
        b"time,user,action\n1,ann,x\n",
        b'{"AuditData": "{}"}',
        b"Mar  2 08:15:00 gate01 sshd[1]: AuditData,x\n",
        b'"AuditData,x\n',
    ],
)
def test_other_files_are_none(data: bytes) -> None:
    assert sniff(data) == 0.0
    assert list(read([data])) == []


def test_what_is_wrong_with_a_row_is_said() -> None:
    good = export([RECORD]).split(b"\r\n")[1]
    rows = [b"i,d,t,o,u,,", b"i,d,t,o,u", b'i,d,t,o,u,"{""CreationTime"": ",', b'i,d,t,o,u,"[1]",', good]
    data = export([]) + b"\r\n".join(rows) + b"\r\n"
    assert parsed(data) == ([RECORD], [(1, NO_DATA), (2, BROKEN), (3, NO_JSON), (4, NO_JSON)])


def test_a_stray_quote_costs_its_row() -> None:
    good = export([RECORD]).split(b"\r\n")[1]
    data = export([]) + b'i,d,t,o,u,"{""CreationTime"":\r\n' + good + b"\r\n" + good + b"\r\n"
    records, rejects = parsed(data)
    assert records == [RECORD, RECORD]
    assert [number for number, _ in rejects] == [1]


def test_a_row_over_the_cap_is_rejected() -> None:
    data = export([RECORD, {"Note": "x" * (5 << 20)}, RECORD])
    assert parsed(data, 1 << 16) == ([RECORD, RECORD], [(2, TOO_LONG)])


def test_the_offset_is_that_of_the_row() -> None:
    data = export([RECORD, RECORD | {"Operation": "x"}])
    (batch,) = read([data])
    for offset, text in batch.records.select("offset", "fields").iter_rows():
        row = next(csv.reader([data[offset:].decode().split("\r\n")[0]]))
        assert row[5] == text


@given(st.lists(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=3), max_size=5), st.integers(1, 50))
def test_any_record_survives(records: list[dict[str, str]], size: int) -> None:
    assert parsed(export(records), size) == (records, [])


@given(st.binary(max_size=300))
def test_any_bytes_after_the_header(data: bytes) -> None:
    assert all(batch.read >= 0 for batch in read([export([]) + data]))
