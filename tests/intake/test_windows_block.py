"""Windows events as blocks of text: wevtutil's and Splunk's, whole and broken, however the bytes are cut."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows_export import DATA, PROVIDER, rendered

from gatewatch.intake.windows_block import BETWEEN, BLOCK_CAP, NO_ID, TOO_LONG, event_of_block, read, sniff
from gatewatch.intake.windows_row import Event

CORE = ("TargetUserName", "TargetDomainName", "LogonType", "SubStatus", "WorkstationName", "IpAddress", "IpPort")
NOON = datetime(2026, 1, 5, 12)  # noqa: DTZ001 - a wall clock


def splunk(date: str = "01/05/2026 12:00:00 PM", number: str = "4625", text: str | None = None) -> str:
    head = f"{date}\nLogName=Security\nSourceName=Microsoft Windows security auditing.\nEventCode={number}\nEventType=0\nType=Information\n"
    return f"{head}ComputerName=ws01.corp.example\nTaskCategory=Logon\nRecordNumber=7\nKeywords=Audit Failure\nMessage={text or rendered()}\n"


def wevtutil(date: str = "2026-01-05T12:00:00.1230000Z", place: int = 0, mark: str = ":") -> str:
    head = f"Event[{place}]{mark}\n  Log Name: Security\n  Source: {PROVIDER}\n  Date: {date}\n  Event ID: 4625\n  Task: Logon\n"
    return f"{head}  User: N/A\n  Computer: ws01.corp.example\n  Description: \n{rendered()}\n\n"


def copied(date: str = "25.01.2026 12:00:00", behind: str = "") -> str:
    head = f"Log Name:      Security\nSource:        {PROVIDER}\nDate:          {date}\nEvent ID:      4625\nTask Category: Logon\n"
    return f"{head}Computer:      ws01.corp.example\nDescription:\n{rendered()}\n{behind}"


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("25.01.2026 12:00:00", "2026-01-25"),
        ("1/5/2026 12:00:00 PM", "2026-01-05"),
        ("25/01/2026 12:00:00", "2026-01-25"),
        ("2026-01-25 12:00:00", "2026-01-25"),
        ("05/01/2026 12:00:00", None),  # may be either day
    ],
)
def test_a_copy_of_event_viewer(date: str, day: str | None) -> None:
    data = (copied(date, "Event Xml:\n<Event><System><EventID>1</EventID></System></Event>\n") + copied(date)).encode()
    assert sniff(data) > 0.9
    records, rejects = frame(data)
    assert (rejects, records["event_id"].to_list()) == ([], [4625, 4625])
    assert [None if local is None else f"{local:%Y-%m-%d}" for local in records["local"]] == [day, day]
    assert all(json.loads(fields)["IpAddress"] == DATA["IpAddress"] for fields in records["fields"])


def listed(kind: str, date: str = "1/25/2026 12:00:00 PM") -> str:
    if kind == "Get-WinEvent":
        pairs = [("TimeCreated", date), ("ProviderName", PROVIDER), ("Id", "4625"), ("Message", rendered())]
    else:
        pairs = [("Index", "7"), ("InstanceId", "4625"), ("Message", rendered()), ("Source", PROVIDER), ("TimeGenerated", date), ("UserName", "")]
    width = max(len(name) for name, _ in pairs) + 1
    lines = [f"{name:{width}}: {value}".replace("\r\n", "\n").replace("\n", "\n" + " " * (width + 2)) for name, value in pairs]
    return "\n" + "\n".join(lines) + "\n\n"


@pytest.mark.parametrize("kind", ["Get-WinEvent", "Get-EventLog"])
def test_a_list_of_powershell(kind: str) -> None:
    data = (listed(kind) + listed(kind, "05/01/2026 12:00:00")).encode()
    assert sniff(data) > 0.9
    records, rejects = frame(data)
    assert (rejects, records["event_id"].to_list(), records["channel"].to_list()) == ([], [4625, 4625], ["Security", "Security"])
    assert [None if local is None else f"{local:%Y-%m-%d %H}" for local in records["local"]] == ["2026-01-25 12", None]
    for fields in records["fields"]:
        assert {name: json.loads(fields)[name] for name in CORE} == {name: DATA[name] for name in CORE}


def frame(data: bytes, size: int = 1 << 20) -> tuple[pl.DataFrame, list[tuple[int, int, str]]]:
    batches = list(read(data[at : at + size] for at in range(0, len(data), size)))
    rejects = [(one.record, one.offset, one.reason) for batch in batches for one in batch.rejects]
    return pl.concat([batch.records for batch in batches]) if batches else pl.DataFrame(), rejects


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("size", [1 << 20, 7])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("kind", ["splunk", "wevtutil"])
def test_two_events(kind: str, ends: str, size: int, mark: str) -> None:
    text = splunk() + splunk() if kind == "splunk" else wevtutil() + wevtutil(place=1, mark="")
    data = (mark + text.replace("\r\n", "\n").replace("\n", ends)).encode()
    assert sniff(data) > 0.9
    records, rejects = frame(data, size)
    assert rejects == []
    assert records["record"].to_list() == [1, 2]
    for row in records.iter_rows(named=True):
        assert (row["channel"], row["event_id"], row["host"]) == ("Security", 4625, "ws01.corp.example")
        fields = json.loads(row["fields"])
        assert {name: fields[name] for name in CORE} == {name: DATA[name] for name in CORE}
    if kind == "splunk":
        assert records["local"].to_list() == [NOON, NOON]
        assert records["event_record"].to_list() == [7, 7]
    else:
        assert records["time"].to_list() == [datetime(2026, 1, 5, 12, 0, 0, 123000, tzinfo=UTC)] * 2


def test_the_month_comes_first() -> None:
    event = event_of_block(splunk("02/01/2026 01:02:03 AM").encode())
    assert isinstance(event, Event) and event.stamp is not None
    assert datetime.fromtimestamp(event.stamp.micros / 1e6, UTC) == datetime(2026, 2, 1, 1, 2, 3, tzinfo=UTC)
    assert not event.stamp.zoned


def test_a_name_in_the_text_is_none_of_the_head() -> None:
    event = event_of_block(splunk(text=rendered() + "\nEventCode=4624\nComputerName=evil\n").encode())
    assert isinstance(event, Event)
    assert (event.event_id, event.host) == (4625, "ws01.corp.example")


def test_what_cannot_be_read_costs_itself() -> None:
    records, rejects = frame(f"some words\n{splunk()}{splunk(number='x')}{splunk()}".encode())
    assert records["record"].to_list() == [2, 4]
    assert [(record, reason) for record, _, reason in rejects] == [(1, BETWEEN), (3, NO_ID)]
    long = splunk(text="x" * (BLOCK_CAP + 5))
    records, rejects = frame((long + splunk()).encode())
    assert (records["record"].to_list(), [reason for _, _, reason in rejects]) == ([2], [TOO_LONG])
    assert records["offset"].to_list() == [len(long.encode())]


@pytest.mark.parametrize(
    "text", ["", "01/05/2026 12:00:00 PM\nwords\n", "Event[0]\nwords", "Jan  5 12:00:00 ws01 sshd[1]: x\n", "LogName=Security\n"]
)
def test_other_files_are_none(text: str) -> None:
    assert sniff(text.encode()) == 0.0


PIECES = st.sampled_from([splunk(), wevtutil(), splunk()[:90], "\n", "Event[0]:\n", "\ufeff"])


@given(st.lists(st.one_of(PIECES, st.text(max_size=30)), max_size=6), st.integers(1, 400))
def test_no_bytes_raise_and_the_cut_does_not_matter(pieces: list[str], size: int) -> None:
    data = "".join(pieces).encode("utf-8", "replace")
    sniff(data)
    records, rejects = frame(data)
    again, same = frame(data, size)
    assert again.equals(records) and same == rejects
