"""Windows logs that are damaged, dishonest or in another language: right, or rejected with a reason, never wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from evtx_writer import write_evtx

from gatewatch.app import events, exit_code, scan
from gatewatch.exits import Exit
from gatewatch.schema.records import Disposition

LOGON = {
    "TargetUserName": "bob", "TargetDomainName": "CORP", "TargetLogonId": "0x1a2b", "LogonType": 10, "IpAddress": "203.0.113.7", "IpPort": "0",
    "WorkstationName": "kali", "LogonProcessName": "User32", "AuthenticationPackageName": "Negotiate", "ProcessName": "-",
    "TargetUserSid": "S-1-5-21-1-2-3-1104", "TargetLinkedLogonId": "0x0", "ElevatedToken": "%%1843",
}  # fmt: skip


def event(event_id: int = 4624, data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "EventID": event_id,
        "Channel": "Security",
        "Computer": "ws01.corp.example",
        "Provider": "Microsoft-Windows-Security-Auditing",
        "SystemTime": "2026-01-05T12:00:00.000000Z",
        "EventData": LOGON if data is None else data,
    } | more


def as_line(one: dict[str, Any]) -> str:
    system = {
        "Provider": {"#attributes": {"Name": one["Provider"]}}, "EventID": one["EventID"],
        "TimeCreated": {"#attributes": {"SystemTime": one["SystemTime"]}}, "EventRecordID": 7, "Channel": one["Channel"], "Computer": one["Computer"],
    }  # fmt: skip
    return json.dumps({"Event": {"System": system, "EventData": one["EventData"]}}) + "\n"


def fates(path: Path) -> dict[str, int]:
    """Scan; return the records by fate and reason, which must add up."""
    result = scan([str(path)])
    assert sum(tally.count for tally in result.tallies) == result.records
    found: dict[str, int] = {}
    for tally in result.tallies:
        name = str(tally.disposition) if tally.disposition is Disposition.USED else f"{tally.disposition}: {tally.reason}"
        found[name] = found.get(name, 0) + tally.count
    return found


def table(path: Path) -> pl.DataFrame:
    return pl.concat(list(events([str(path)])))


def test_an_evtx_file_is_told_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(write_evtx([event()]))
    assert fates(path) == {"used": 1}
    assert table(path)["src_ip"].to_list() == ["203.0.113.7"]


def test_zero_records_are_no_all_clear_and_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "Security.evtx"
    path.write_bytes(write_evtx([]))
    assert fates(path) == {}


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_a_file_cut_short_gives_what_is_there(tmp_path: Path, share: float) -> None:
    whole = write_evtx([event(EventRecordID=number) for number in range(1, 301)])
    path = tmp_path / "Security.evtx"
    path.write_bytes(whole[: int(len(whole) * share)])
    result = scan([str(path)])
    assert 0 < result.records < 300
    assert any(problem.file == str(path) for problem in result.problems)


def test_a_chunk_with_a_bad_checksum_is_skipped_and_counted(tmp_path: Path) -> None:
    data = bytearray(write_evtx([event(EventRecordID=number) for number in range(1, 301)]))
    data[4096 + 3000] ^= 0xFF
    path = tmp_path / "Security.evtx"
    path.write_bytes(data)
    found = fates(path)
    assert sum(found.values()) == 300
    assert found["rejected: in a chunk with a bad checksum"] > 0
    assert found["used"] > 0


def test_an_event_without_data_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(as_line(event(4625, {})) + as_line(event(4624, {})) + as_line(event(1102, {})))
    assert fates(path) == {"rejected: event without data": 2, "used": 1}


def test_text_in_another_language_without_data_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    flat = {"EventID": 4625, "Channel": "Security", "Computer": "ws01", "TimeCreated": "2026-01-05T12:00:00Z"}
    text = "Fehler beim Anmelden eines Kontos.\r\n\r\nAntragsteller:\r\n\tSicherheits-ID:\t\tS-1-0-0\r\n\tKontoname:\t\t-\r\n"
    path.write_text(json.dumps({**flat, "Message": text}) + "\n")
    assert fates(path) == {"rejected: localised text without event data": 1}


def test_ten_megabytes_in_one_event_cost_that_event(tmp_path: Path) -> None:
    xml = tmp_path / "huge.xml"
    small = (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing'/>"
        "<EventID>1102</EventID><TimeCreated SystemTime='2026-01-05T12:00:00Z'/><EventRecordID>1</EventRecordID><Channel>Security</Channel>"
        "<Computer>ws01</Computer></System><EventData><Data Name='x'>{}</Data></EventData></Event>\n"
    )
    xml.write_text(small.format("y") + small.format("z" * 10_000_000) + small.format("y").replace("<EventRecordID>1<", "<EventRecordID>2<"))
    found = fates(xml)
    assert found["used"] == 2
    assert found["rejected: event longer than 4 MiB"] == 1
    lines = tmp_path / "huge.jsonl"
    lines.write_text(as_line(event()) + as_line(event(4624, LOGON | {"TargetUserName": "x" * 10_000_000})))
    found = fates(lines)
    assert found["used"] == 1
    assert sum(count for reason, count in found.items() if reason.startswith("rejected")) == 1


@pytest.mark.parametrize(
    ("address", "src_ip"),
    [
        *(("-", None), ("", None), ("LOCAL", None), ("client.example", None)),
        *(("::1", "::1"), ("::ffff:203.0.113.7", "203.0.113.7"), ("fe80::1%12", "fe80::1")),
    ],
)
def test_addresses_are_right_or_none(tmp_path: Path, address: str, src_ip: str | None) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(as_line(event(4625, LOGON | {"IpAddress": address, "LogonType": 3, "SubStatus": "0xc000006a", "Status": "0xc000006d"})))
    assert table(path)["src_ip"].to_list() == [src_ip]


def test_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xml"
    body = '<Event xmlns="x"><System><EventID>4624</EventID></System><EventData><Data>&b;</Data></EventData></Event>'
    path.write_text(f'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n{body}\n')
    result = scan([str(path)])
    assert not any(tally.disposition is Disposition.USED for tally in result.tallies)
    assert exit_code(result) is Exit.NOTHING_RECOGNISED


def test_a_renamed_computer_is_one_host(tmp_path: Path) -> None:
    path = tmp_path / "Security.evtx"
    before = event(EventRecordID=1, Computer="WIN-8QO1T3")
    after = event(EventRecordID=2, Computer="ws01.corp.example", SystemTime="2026-01-05T13:00:00.000000Z")
    path.write_bytes(write_evtx([before, after]))
    result = scan([str(path)])
    assert {row.host for row in result.access} == {"ws01.corp.example"}
    assert any("WIN-8QO1T3 became ws01.corp.example" in note for note in result.notes)


def test_a_clock_set_back_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "Security.evtx"
    path.write_bytes(write_evtx([event(EventRecordID=1), event(EventRecordID=2, SystemTime="2026-01-05T08:00:00.000000Z")]))
    (fault,) = scan([str(path)]).clock_faults
    assert (fault.file, fault.record) == (str(path), 2)
