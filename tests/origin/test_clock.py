"""Clocks put right: only by what two hosts surely both saw, against the clock that most agree on, and what is not sure stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.origin.world import START, frame

from gatewatch import app
from gatewatch.origin.address import Hosts
from gatewatch.origin.clock import Clocks, clocks
from gatewatch.schema.incidents import Severity
from gatewatch.site.load import load_site

HOUR = 3_600_000_000
NAMES = {"10.0.0.5": "gate", "10.0.0.6": "jump", "10.0.0.7": "db"}
ADDRESS = {name: address for address, name in NAMES.items()}


def went(minute: int, here: str, there: str, ahead: timedelta) -> list[dict[str, Any]]:
    left = START + timedelta(minutes=minute)
    out = {"time": left, "kind": "logon_out", "host": here, "user": "ann", "target_user": "root", "dst_host": there}
    logon = {"time": left + ahead, "kind": "auth_success", "host": there, "user": "root", "src_ip": ADDRESS[here], "scope": "private"}
    return [out, logon | {"session": f"pid:{minute}"}]


def found(*rows: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return dict(clocks(frame(sorted(rows, key=lambda row: row["time"])), Hosts(NAMES)).ahead)


def entry(host: str = "gate") -> dict[str, Any]:
    return {"time": START, "kind": "auth_success", "host": host, "user": "ann", "src_ip": "203.0.113.9", "scope": "public", "session": "pid:1"}


def ways(here: str, there: str, ahead: timedelta, many: int = 4) -> list[dict[str, Any]]:
    return [row for number in range(many) for row in went(60 * number, here, there, ahead)]


def test_of_two_the_host_nearest_to_the_outside_is_right() -> None:
    assert found(entry(), *ways("gate", "db", timedelta(hours=3))) == {"db": (3 * HOUR, 0)}
    assert found(entry("db"), *ways("gate", "db", timedelta(hours=3))) == {"gate": (-3 * HOUR, 0)}


def test_of_three_the_two_that_agree_are_right() -> None:
    rows = [*ways("gate", "db", timedelta(hours=-3)), *ways("db", "jump", timedelta(hours=3))]
    assert found(*rows) == {"db": (-3 * HOUR, 0)}


def test_estimates_that_contradict_each_other_correct_nothing() -> None:
    rows = [*ways("gate", "db", timedelta(hours=3)), *ways("db", "jump", timedelta(hours=3)), *ways("gate", "jump", timedelta(hours=1))]
    assert found(*rows) == {}


def test_two_logons_are_no_estimate_and_clocks_that_agree_are_left() -> None:
    assert found(*ways("gate", "db", timedelta(hours=3), many=2)) == {}
    assert found(*ways("gate", "db", timedelta(seconds=1))) == {}


def test_a_script_that_visits_two_hosts_is_no_clock() -> None:
    rows = [
        {"time": START + timedelta(days=day, minutes=late), "kind": "auth_success", "host": host, "user": "bot", "src_ip": "203.0.113.9",
         "scope": "public", "source": "sshd"}
        for day in range(9)
        for host, late in (("web1", 0), ("web2", 10))
    ]  # fmt: skip
    assert found(*rows) == {}
    for row in rows:
        row["source"] = "windows-nps" if row["host"] == "web1" else "cisco-asa"
    assert found(*rows) == {"web2": (600_000_000, 0)} or found(*rows) == {"web1": (-600_000_000, 0)}


def test_a_corrected_time_is_as_uncertain_as_the_estimate() -> None:
    events = frame([entry("db"), entry("gate")])
    made = Clocks({"db": (3 * HOUR, 5_000_000)}).correct(events)
    assert made["time"].to_list() == [START - timedelta(hours=3), START]
    assert made["time_err"][0] >= timedelta(seconds=5)
    assert made.drop("time", "time_err").equals(events.drop([name for name in ("time", "time_err") if name in events.columns]))


SITE = """
[site]
name = "clocks"
zone = "UTC"
year = 2026
[network]
outside = ["203.0.113.0/24"]
[hosts."rds01"]
addresses = ["10.0.0.21"]
"""
ID = "S-1-5-21-1004336348-1177238915-682003330-1102"


def _windows(number: int, moment: datetime, event: int, **data: Any) -> str:
    system = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
        "EventID": event,
        "TimeCreated": {"#attributes": {"SystemTime": moment.strftime("%Y-%m-%dT%H:%M:%S.500000Z")}},
        "EventRecordID": number,
        "Channel": "Security",
        "Computer": "rds01",
    }
    return json.dumps({"Event": {"System": system, "EventData": data}})


def _logon(number: int, moment: datetime, logon: str, src: str) -> str:
    data: dict[str, Any] = {"TargetUserName": "ann", "TargetDomainName": "CORP", "LogonType": 10, "LogonProcessName": "User32 "}
    data |= {"AuthenticationPackageName": "Negotiate", "WorkstationName": "RDS01", "IpAddress": src, "IpPort": "0"}
    data |= {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "RDS01$", "SubjectDomainName": "CORP", "SubjectLogonId": "0x3e7"}
    if not logon:
        return _windows(number, moment, 4625, **data | {"Status": "0xc000006d", "SubStatus": "0xc000006a", "FailureReason": "%%2313"})
    return _windows(number, moment, 4624, **data | {"TargetUserSid": ID, "TargetLogonId": logon})


def _folder(folder: Path, ahead: int) -> Path:
    """Write logs of rds01, and of db01 whose clock is *ahead* hours ahead: five ways from one to the other, the last after a guess."""
    security, auth = [], []
    number = 0
    for day in range(5):
        moment = datetime(2026, 3, 2 + day, 9, tzinfo=UTC)
        src = "203.0.113.9" if day < 4 else "203.0.113.66"
        security += [_logon(number := number + 1, moment + timedelta(minutes=minute - 14), "", src) for minute in range(12 if day == 4 else 0)]
        logon = hex(0x3A0000 + day)
        security.append(_logon(number := number + 1, moment, logon, src))
        went = {"SubjectUserSid": ID, "SubjectUserName": "ann", "SubjectDomainName": "CORP", "SubjectLogonId": logon, "TargetUserName": "root"}
        went |= {"TargetDomainName": "", "TargetServerName": "db01", "TargetInfo": "db01", "ProcessName": "C:\\Windows\\System32\\OpenSSH\\ssh.exe"}
        security.append(_windows(number := number + 1, moment + timedelta(minutes=3), 4648, **went | {"IpAddress": "-", "IpPort": "-"}))
        there = moment + timedelta(hours=ahead, minutes=3, seconds=2)
        auth.append(f"{there:%Y-%m-%dT%H:%M:%SZ} db01 sshd[{700 + day}]: Accepted password for root from 10.0.0.21 port 4022 ssh2")
    logs = folder / "logs"
    logs.mkdir(parents=True)
    (logs / "security.json").write_text("\n".join(security) + "\n", encoding="utf-8")
    (logs / "auth.log").write_text("\n".join(auth) + "\n", encoding="utf-8")
    (folder / "gatewatch.toml").write_text(SITE, encoding="utf-8")
    return logs


@pytest.mark.parametrize("ahead", [0, 3, -3, 26])
def test_a_host_whose_clock_is_hours_apart_is_found_behind_the_guess(tmp_path: Path, ahead: int) -> None:
    logs = _folder(tmp_path, ahead)
    found = app.scan([str(logs)], site=load_site(tmp_path / "gatewatch.toml"))
    assert [incident.severity for incident in found.incidents] == [Severity.CRITICAL]
    incident = found.incidents[0]
    assert incident.hosts == ("rds01", "db01")
    assert incident.first_seen.day == incident.last_seen.day == 6
    said = [note for note in found.notes if note.startswith("the clock of db01")]
    assert bool(said) == bool(ahead)
    assert (incident.blind_spots[0] in said) == bool(ahead)
    tree = app.trace("203.0.113.66", [str(logs)], site=load_site(tmp_path / "gatewatch.toml"))
    assert [step.hop for step in tree.steps] == [0, 1]
