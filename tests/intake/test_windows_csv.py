"""CSV exports: rows over several lines, stray quotes, and the order of day and month."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows_export import DATA, EVTXECMD, PROVIDER, evtxecmd, payload, rendered, table

from gatewatch.intake.csv_row import ROW_CAP
from gatewatch.intake.windows_csv import read, sniff
from gatewatch.intake.windows_date import Order, order_of, read_date, settle
from gatewatch.schema.records import WINDOWS_DTYPES

VIEWER = ["Keywords", "Date and Time", "Source", "Event ID", "Task Category"]
POWERSHELL = ["Message", "Id", "Version", "Level", "ProviderName", "LogName", "ProcessId", "MachineName", "UserId", "TimeCreated", "RecordId"]
SENTINEL = ["TenantId", "TimeGenerated [UTC]", "Account", "Computer", "EventSourceName", "Channel", "EventID", "Activity", *DATA, "SystemProcessId"]


def frame(data: bytes, size: int = 1 << 20) -> tuple[pl.DataFrame, list[tuple[int, int, str]]]:
    batches = list(read(data[at : at + size] for at in range(0, len(data), size)))
    records = pl.concat([batch.records for batch in batches]) if batches else pl.DataFrame(schema=WINDOWS_DTYPES)
    rejects = sorted((bad.record, bad.offset, bad.reason) for batch in batches for bad in batch.rejects)
    for batch in batches:
        assert batch.records.schema == pl.Schema(WINDOWS_DTYPES)
        assert batch.read == batch.records.height + len(batch.rejects) + batch.skipped.total()
    numbers = sorted([*records["record"], *(number for number, *_ in rejects)])
    assert numbers == list(range(1, len(numbers) + 1))
    return records, rejects


def viewer(date: str, text: str | None = None, number: str = "4625") -> list[str]:
    return ["Audit Failure", date, PROVIDER, number, "Logon", rendered() if text is None else text]


def powershell(date: str) -> list[str]:
    return [rendered(), "4625", "0", "0", PROVIDER, "Security", "712", "ws01.corp.example", "", date, "7"]


def sentinel(date: str) -> list[str]:
    return ["t", date, "CORP\\bob", "ws01.corp.example", PROVIDER, "Security", "4625", "4625 - An account failed to log on.", *DATA.values(), "712"]


NOON = datetime(2026, 1, 25, 12, tzinfo=UTC)
SHAPES = {
    "evtxecmd": (table(EVTXECMD, evtxecmd()), NOON.replace(microsecond=123456), None),
    "viewer": (table(VIEWER, viewer("1/25/2026 12:00:00 PM")), None, NOON),
    "viewer, localised": (table(["Ebene", "Datum und Uhrzeit", "Quelle", "Ereignis-ID", "Aufgabe"], viewer("25.01.2026 12:00:00")), None, NOON),
    "powershell": (b"#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n" + table(POWERSHELL, powershell("25/01/2026 12:00:00")), None, NOON),
    "powershell, semicolons": (
        b"Id;ProviderName;LogName;TimeCreated\r\n4625;" + PROVIDER.encode() + b";Security;2026-01-25 12:00:00\r\n",
        None,
        NOON,
    ),
    "sentinel, an order the portal has": (table(SENTINEL, sentinel("1/2/2026, 12:00:00.000 PM")), NOON.replace(day=2), None),
    "sentinel": (table(SENTINEL, sentinel("1/25/2026, 12:00:00.000 PM")), NOON, None),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("size", [1 << 20, 7])
def test_shapes(name: str, mark: bytes, size: int) -> None:
    data, time, local = SHAPES[name]
    assert sniff(mark + data) >= 0.9
    records, rejects = frame(mark + data, size)
    assert rejects == []
    row = records.row(0, named=True)
    assert (row["event_id"], row["channel"], row["provider"]) == (4625, "Security", PROVIDER)
    assert (row["time"], row["local"]) == (time, local and local.replace(tzinfo=None))
    if not name.endswith("semicolons"):
        got = json.loads(row["fields"])
        assert {key: got[key] for key in ("TargetUserName", "IpAddress", "IpPort", "LogonType", "Status", "SubStatus", "FailureReason")} == {
            key: DATA[key] for key in ("TargetUserName", "IpAddress", "IpPort", "LogonType", "Status", "SubStatus", "FailureReason")
        }
    if name in ("evtxecmd", "powershell", "sentinel"):
        assert (row["host"], row["pid"]) == ("ws01.corp.example", "712")
    if name in ("evtxecmd", "powershell"):
        assert row["event_record"] == 7


def test_utf_16() -> None:
    data = SHAPES["viewer"][0].decode().encode("utf-16")
    assert sniff(data) == 1.0
    records, rejects = frame(data)
    assert rejects == [] and records.height == 1


def test_offsets_and_numbers_over_many_lines() -> None:
    data = table(VIEWER, viewer("1/25/2026 1:00:00 AM"), viewer("1/25/2026 2:00:00 AM", "one line"), viewer("1/25/2026 3:00:00 AM"))
    records, rejects = frame(data, 11)
    assert rejects == []
    assert records["record"].to_list() == [1, 2, 3]
    assert all(data[at:].startswith(b"Audit Failure,") for at in records["offset"])
    assert records["local"].dt.hour().to_list() == [1, 2, 3]


def test_one_row_settles_the_order_for_all() -> None:
    dates = ["5/1/2026 12:00:00", "6/6/2026 12:00:00", "7/1/2026 12:00:00", "25/1/2026 12:00:00", "8/1/2026 12:00:00"]
    records, rejects = frame(table(VIEWER, *(viewer(date) for date in dates)))
    assert rejects == []
    assert records.sort("record")["local"].dt.month().to_list() == [1, 6, 1, 1, 1]
    records, _ = frame(table(VIEWER, *(viewer(date) for date in [*dates[:2], "1/25/2026 12:00:00"])))
    assert records.sort("record")["local"].dt.month().to_list() == [5, 6, 1]


def test_a_skipped_row_settles_the_order_too() -> None:
    rows = [viewer("5/1/2026 12:00:00"), viewer("25/1/2026 12:00:00", "x", "4634")]
    (batch,) = read([table(VIEWER, *rows)], lambda channel, number: number == 4625)
    assert batch.records["local"].dt.month().to_list() == [1]
    assert batch.skipped == {("Security", 4634): 1} and batch.read == 2


def test_an_order_nobody_tells_is_not_guessed() -> None:
    records, rejects = frame(table(VIEWER, viewer("5/1/2026 12:00:00"), viewer("6/6/2026 12:00:00")))
    assert [why for *_, why in rejects] == ["date order cannot be told"]
    assert records["record"].to_list() == [2]


@pytest.mark.parametrize(
    ("dates", "months"),
    [
        (["1/5/2026, 8:15:00.000 PM"], [1]),
        (["01/05/2026, 20:15:00.000"], [5]),
        (["01/05/2026, 8:15:00 pm"], [5]),
        (["1/5/2026 20:15"], []),  # a spreadsheet's
        (["1/5/2026 20:15", "1/25/2026 20:15"], [1, 1]),
    ],
)
def test_a_portals_clock_tells_the_order(dates: list[str], months: list[int]) -> None:
    records, rejects = frame(table(SENTINEL, *(sentinel(date) for date in dates)))
    assert records.sort("record")["time"].dt.month().to_list() == months
    assert len(rejects) == len(dates) - len(months)


def test_get_eventlog() -> None:
    header = ["EventID", "MachineName", "EntryType", "Message", "Source", "InstanceId", "TimeGenerated", "UserName"]
    data = table(header, ["4625", "ws01", "FailureAudit", rendered(), PROVIDER, "4625", "1/25/2026 12:00:00 PM", ""])
    records, rejects = frame(data)
    assert (rejects, records["channel"].to_list(), records["host"].to_list()) == ([], ["Security"], ["ws01"])
    assert json.loads(records["fields"][0])["IpAddress"] == DATA["IpAddress"]


def test_a_column_with_a_name_of_its_own_for_the_text() -> None:
    records, _ = frame(table([*VIEWER, "Description"], viewer("1/25/2026 12:00:00 PM")))
    assert json.loads(records["fields"][0])["IpAddress"] == DATA["IpAddress"]


def test_a_run_of_days_tells_the_order() -> None:
    """Read in the wrong order, days that follow each other are months apart; upside down or not, as PowerShell exports the newest first."""
    days = ["3/3/2026 11:58:00 PM", "3/4/2026 12:01:00 AM", "3/4/2026 8:00:00 AM", "3/5/2026 7:30:00 AM"]
    for dates in (days, days[::-1]):
        records, rejects = frame(table(POWERSHELL, *map(powershell, dates)))
        assert not rejects
        assert sorted(records["local"].dt.day().to_list()) == [3, 4, 4, 5]
        assert set(records["local"].dt.month()) == {3}
    months = ["3/3/2026 11:58:00 PM", "3/4/2026 12:01:00 AM", "9/7/2026 8:00:00 AM"]  # far apart either way
    assert len(frame(table(POWERSHELL, *map(powershell, months)))[1]) == 2


def test_rows_that_prove_both_orders() -> None:
    data = table(VIEWER, viewer("13/1/2026 12:00:00"), viewer("1/13/2026 12:00:00"), viewer("2/1/2026 12:00:00"))
    records, rejects = frame(data)
    assert records["local"].dt.date().cast(pl.String).to_list() == ["2026-01-13", "2026-01-13"]
    assert [(record, why) for record, _, why in rejects] == [(3, "date order cannot be told")]


def test_too_many_rows_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewatch.intake.windows_csv.WAITING", 2)
    data = table(VIEWER, *[viewer("2/1/2026 12:00:00")] * 4, viewer("13/1/2026 12:00:00"))
    records, rejects = frame(data)
    assert records["record"].to_list() == [5]
    assert [why for *_, why in rejects] == ["date order cannot be told"] * 4


@pytest.mark.parametrize(
    ("middle", "reason"),
    [
        (b'a "b,c\r\n', "broken CSV row"),
        (b'"a\r\n', "broken CSV row"),
        (b"1,2,3\r\n", "row has too few columns"),
        (b"1" + b"," * 40 + b"\r\n", "row has too many columns"),
        (table(evtxecmd(number="x")), "event id is no number"),
        (table(evtxecmd("{")), "payload is no JSON"),
        (table(evtxecmd("[1]")), "payload is no JSON"),
        (table(evtxecmd(channel="", provider="")), "event without channel"),
        (table([cell.replace("2026-01-25", "soon") for cell in evtxecmd()]), "time cannot be read"),
        (b"x" * (ROW_CAP + 10) + b"\r\n", "row longer than 4 MiB"),
    ],
)
def test_a_broken_row_costs_itself_only(middle: bytes, reason: str) -> None:
    head = table(EVTXECMD, evtxecmd())
    records, rejects = frame(head + middle + table(evtxecmd()) + table(evtxecmd()), 1 << 20)
    assert rejects == [(2, len(head), reason)]
    assert records["record"].to_list() == [1, 3, 4]


def test_a_quote_left_open_before_many_rows() -> None:
    data = table(EVTXECMD, evtxecmd()) + b'"open\r\n' + table(*[evtxecmd()] * 500)
    records, rejects = frame(data, 1 << 16)
    assert records.height == 501 and len(rejects) == 1


def test_payloads() -> None:
    shapes = {
        payload({"A": "x, y"}): {"A": "x, y"},
        '{"UserData":{"EventXML":{"@xmlns":"Event_NS","User":"CORP\\\\bob","Address":"192.0.2.7"}}}': {"User": "CORP\\bob", "Address": "192.0.2.7"},
        '{"EventData":{"Data":["a","b"]}}': {"param1": "a", "param2": "b"},
    }
    for text, data in shapes.items():
        records, _ = frame(table(EVTXECMD, evtxecmd(text)))
        assert json.loads(records["fields"][0]) == data
    records, _ = frame(table(EVTXECMD, evtxecmd("")))
    assert records["fields"].to_list() == [None]


def test_event_data_as_xml_in_a_column() -> None:
    header = ["TimeGenerated", "Computer", "EventID", "Channel", "EventData"]
    rows = [
        ["2026-01-25T12:00:00Z", "ws01", "4625", "Security", "<EventData xmlns='x'><Data Name='TargetUserName'>bob</Data></EventData>"],
        ["2026-01-25T12:00:00Z", "ws01", "4625", "Security", "<EventData><Data"],
    ]
    records, rejects = frame(table(header, *rows))
    assert json.loads(records["fields"][0]) == {"TargetUserName": "bob"}
    assert [why for *_, why in rejects] == ["event data is no XML"]


def test_other_csv_is_not_ours() -> None:
    assert sniff(b"a,b,c,d,e\r\n1,2,3,4,5\r\n") == 0.0
    assert sniff(b"Jan  5 12:00:00 gate sshd[1]: Failed, password, for, root, x\n") == 0.0
    assert sniff(b"") == 0.0
    assert list(read([b"a,b\r\n1,2\r\n"])) == []


@pytest.mark.parametrize(
    ("text", "year", "month", "day", "hour"),
    [
        ("25.01.2026 09:05:06", 2026, 1, 25, 9),
        ("2026/1/25 9:05:06", 2026, 1, 25, 9),
        ("2026-01-25 21:05:06", 2026, 1, 25, 21),
        ("2026-01-25T21:05:06+02:00", 2026, 1, 25, 19),
        ("25.1.26 9.05.06", 2026, 1, 25, 9),
    ],
)
def test_dates_that_need_no_order(text: str, year: int, month: int, day: int, hour: int) -> None:
    stamp = read_date(text)
    assert stamp is not None and not isinstance(stamp, tuple)
    assert stamp.micros == int(datetime(year, month, day, hour, 5, 6, tzinfo=UTC).timestamp()) * 1_000_000


def test_dates_that_need_one() -> None:
    parts = read_date("1/2/2026 12:30:00\u202fAM")
    assert isinstance(parts, tuple) and order_of(parts) is None and settle(parts, None) is None
    first, second = settle(parts, Order.DAY_FIRST), settle(parts, Order.MONTH_FIRST)
    assert first is not None and second is not None
    assert (first.micros, second.micros) == tuple(int(datetime(2026, *day, 0, 30, tzinfo=UTC).timestamp()) * 1_000_000 for day in ((2, 1), (1, 2)))
    assert read_date("13:00 PM") is None and read_date("1/2/2026 13:00:00 PM") is None and read_date("") is None
    assert read_date("30.02.2026 12:00:00") is None


PIECES = st.sampled_from(
    [
        table(EVTXECMD),
        table(evtxecmd()),
        table(VIEWER),
        table(viewer("1/2/2026 1:00:00 AM")),
        table(viewer("1/22/2026 1:00:00 AM")),
        b'"',
        b"\r\n",
        b"sep=,\r\n",
    ]
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=8), st.integers(2, 300))
def test_no_bytes_raise_and_the_cut_does_not_matter(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    sniff(data)
    records, rejects = frame(data)
    again, same = frame(data, size)
    assert again.equals(records) and same == rejects
