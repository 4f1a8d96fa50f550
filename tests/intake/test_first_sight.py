"""Records of other people's tests and documentation in the wrappings they come in: none of these was read at first sight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatewatch import app

A = "203.0.113.9"
NOON = "2024-06-03T12:00:00"
SSHD = f"Failed password for ann from {A} port 52110 ssh2"
OKTA = {
    "actor": {"id": "1", "type": "User", "alternateId": "ann@corp.example"},
    "client": {"ipAddress": A},
    "eventType": "user.session.start",
    "outcome": {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"},
    "published": f"{NOON}.000Z",
}
TRAIL = {
    "eventTime": f"{NOON}Z",
    "eventSource": "signin.amazonaws.com",
    "eventName": "ConsoleLogin",
    "awsRegion": "us-east-1",
    "sourceIPAddress": A,
    "userIdentity": {"type": "IAMUser", "userName": "ann"},
    "responseElements": {"ConsoleLogin": "Failure"},
    "additionalEventData": {"MFAUsed": "No"},
}
DATA = {"TargetUserName": "ann", "TargetDomainName": "CORP", "LogonType": "3", "IpAddress": A, "Status": "0xc000006d", "SubStatus": "0xc000006a"}
OCSF = {"class_uid": 3002, "activity_id": 1, "status_id": 2, "time": 1717416000000, "user": {"name": "ann"}, "src_endpoint": {"ip": A}}
GERMAN = (
    "Fehler beim Anmelden eines Kontos.    Antragsteller:   Sicherheits-ID:  S-1-0-0   Kontoname:  -   Kontodomäne:  -   Anmelde-ID:  0x0    "
    "Anmeldetyp:   3    Konto, für das die Anmeldung fehlgeschlagen ist:   Sicherheits-ID:  S-1-0-0   Kontoname:  ann   Kontodomäne:  CORP    "
    "Fehlerinformationen:   Fehlerursache:  Unbekannter Benutzername.   Status:   0xC000006D   Unterstatus::  0xC0000064    "
    "Prozessinformationen:   Aufrufprozess-ID: 0x0   Aufrufprozessname: -    Netzwerkinformationen:   Arbeitsstationsname: PC7   "
    f"Quellnetzwerkadresse: {A}   Quellport:  51022"
)
ENTRY = {"eventMessage": SSHD, "timestamp": "2024-06-03 12:00:00.000000+0000"}
TLS = f"http: TLS handshake error from {A}:52110: remote error: tls: bad certificate"

FAILURES: dict[str, str | dict[str, Any]] = {
    "EventBridge": {"version": "0", "detail-type": "AWS Console Sign In via CloudTrail", "source": "aws.signin", "account": "1", "detail": TRAIL},
    "Wazuh's integrations": {"data": {"integration": "aws", "aws": TRAIL}, "rule": {"id": "80254"}, "timestamp": f"{NOON}.000+0000"},
    "data lake's times": {**TRAIL, "eventTime": "2024-06-03 12:00:00.000000000", "p_log_type": "AWS.CloudTrail"},
    "etag before items": {"kind": "admin#reports#activities", "etag": "x", "items": [TRAIL]},
    "Okta's hook": {"eventType": "com.okta.event_hook", "eventId": "b", "data": {"events": [OKTA]}},
    "Okta, levels joined": {
        "eventType": "user.session.start",
        "published": f"{NOON}.000Z",
        "actor.alternateId": "ann@corp.example",
        "actor.type": "User",
        "client.ipAddress": A,
        "outcome.result": "FAILURE",
    },
    "Okta as a table": (
        "published,eventType,actor.alternateId,actor.type,client.ipAddress,outcome.result\r\n"
        f"{NOON}.000Z,user.session.start,ann@corp.example,User,{A},FAILURE\r\n"
    ),
    "tag of the product's name": f"<14>1 {NOON}Z relay okta - - - {json.dumps(OKTA)}",
    "no tag": f"<13>Jun  3 12:00:00 relay {json.dumps(OKTA)}",
    "PingOne's pages": {
        "_embedded": {
            "activities": [
                {
                    "recordedAt": f"{NOON}.000Z",
                    "action": {"type": "PASSWORD.CHECK_FAILED"},
                    "actors": {"user": {"name": "ann", "type": "USER"}},
                    "source": {"ipAddress": A},
                    "result": {"status": "FAILED"},
                }
            ]
        }
    },
    "Google in Sentinel": {
        "IdApplicationName": "login",
        "IdTime": f"{NOON}Z",
        "ActorEmail": "ann@corp.example",
        "SrcIpAddr": A,
        "EventType": "login",
        "EventName": "login_failure",
    },
    "CrowdStrike's console": (
        f"CEF:0|CrowdStrike|FalconHost|1.0|userAuthenticate|userAuthenticate|1|destinationTranslatedAddress={A} duser=ann "
        f"outcome=false rt=1717416000000"
    ),
    "CyberArk's header": (
        f"<5>1 {NOON}Z VAULT CEF:0|Cyber-Ark|Vault|12.6|4|Failure: Authentication failure|5|act=Authentication failure suser=ann shost={A} msg=x"
    ),
    "CommonSecurityLog": {
        "TimeGenerated": f"{NOON}Z",
        "DeviceVendor": "Example",
        "DeviceProduct": "Portal",
        "Activity": "User login failed",
        "SourceIP": A,
        "SourceUserName": "ann",
    },
    "ASIM": {
        "TimeGenerated": f"{NOON}Z",
        "EventSchema": "Authentication",
        "EventType": "Logon",
        "EventResult": "Failure",
        "EventVendor": "Example",
        "EventProduct": "Portal",
        "TargetUsername": "ann",
        "SrcIpAddr": A,
    },
    "LEEF by its category": (
        f"<134>1 {NOON}Z app1 portal - - - LEEF:2.0|Example|Portal|1.0|401|0x09|cat=login failed\tdevTime=1717416000000\tsrc={A}\tusrName=ann"
    ),
    "month in full": f"CEF:0|Example|Portal|1|1|Login failed|5|rt=June 03 2024 12:00:00 UTC src={A} suser=ann",
    "OCSF, all values text": {**OCSF, "class_uid": "3002", "activity_id": "1", "status_id": "2", "time": "1717416000000"},
    "OCSF in a logger": {"level": "info", "ocsf": OCSF},
    "Windows, few keys": {"EventID": 4625, "TimeGenerated": f"{NOON}Z", "LogonType": 3, "TargetUserName": "ann", "SourceNetworkAddress": A},
    "osquery": {
        "name": "windows_events",
        "columns": {
            "data": json.dumps({"EventData": DATA}),
            "datetime": f"{NOON}.0000000Z",
            "eventid": "4625",
            "provider_name": "Microsoft-Windows-Security-Auditing",
            "source": "Security",
        },
    },
    "WMI's dates": {"EventCode": 4625, "Logfile": "Security", "Channel": "Security", "TimeGenerated": "20240603140000.000000+120", **DATA},
    "GELF with Windows' data": {
        "version": "1.1",
        "host": "relay",
        "short_message": "An account failed to log on.",
        "full_message": "An account failed to log on.",
        "timestamp": 1717416000.0,
        "_EventID": 4625,
        "_Channel": "Security",
        **{f"_{name}": value for name, value in DATA.items()},
    },
    "German, in one line": (
        "<132>Jun 03 12:00:00 SRV01 MSWinEventLog\t2\tSecurity\t498\tMon Jun 03 12:00:00 2024\t4625\tMicrosoft-Windows-Security-Auditing\tN/A\tN/A\t"
        f"Failure Audit\tSRV01\tAnmelden\t\t{GERMAN}\t498"
    ),
    "AlienVault": (
        'AV - Alert - "1717416000" --> RID: "18106"; EVENT: "[INIT]2024 Jun 03 12:00:00 WinEvtLog: Security: AUDIT_FAILURE(4625): '
        f'Microsoft-Windows-Security-Auditing: (no user): no domain: SRV01: {GERMAN}[END]"; '
    ),
    "container runtime": f"{NOON}.123456789Z stderr F {SSHD}",
    "docker compose": f"sftp-1  | {NOON}.1Z {SSHD}",
    "kubectl with prefixes": f"[pod/sftp-0/sftp] {NOON}.1Z {SSHD}",
    "Docker's files": {"log": SSHD + "\r\n", "stream": "stderr", "time": f"{NOON}.1Z"},
    "Fluent Bit's fields": {"date": 1717416000.0, "ident": "sshd", "host": "h1", "message": SSHD},
    "macOS without a path": {**ENTRY, "process": "sshd-session"},
    "macOS, fewest keys": {"timestamp": ENTRY["timestamp"], "process": "sshd", "message": SSHD},
    "Jamf Protect": {
        "caption": "x",
        "input": {"match": {"event": {"composedMessage": SSHD, "process": "sshd", "processIdentifier": 7, "timestamp": 1717416000.0}}},
    },
    "Endpoint Security": {
        "time": f"{NOON}.123456789Z",
        "event": {"openssh_login": {"success": False, "result_type": 4, "source_address": A, "username": "ann"}},
    },
}


def events(tmp_path: Path, record: str | dict[str, Any]) -> list[dict[str, Any]]:
    text = record if isinstance(record, str) else json.dumps(record)
    path = tmp_path / ("x.csv" if text.startswith("published,") else "x.log" if isinstance(record, str) else "x.json")
    path.write_text(text + "\n", encoding="utf-8")
    return [row for frame in app.events([str(path)], zone="UTC", year=2024) for row in frame.iter_rows(named=True)]


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_read(tmp_path: Path, name: str) -> None:
    (row,) = events(tmp_path, FAILURES[name])
    found = (row["kind"], row["user"], row["src_ip"], f"{row['time']:%Y-%m-%dT%H:%M:%S}")
    assert found == ("auth_failure", "ann", A, NOON)


def test_lines_of_go_programs_name_who_failed_to_shake_hands(tmp_path: Path) -> None:
    for line in (f"I0603 12:00:00.123456       1 log.go:172] {TLS}", f"Jun  3 12:00:00 h1 dockerd[812]: {TLS}"):
        (row,) = events(tmp_path, line)
        assert (row["kind"], row["src_ip"], row["pattern"]) == ("auth_failure", A, "certificate-refused")


@pytest.mark.parametrize(
    "line",
    [
        'Jun  3 12:00:00 node1 k3s[7]: E0603 12:00:00.451812 7 authentication.go:73] "Unable to authenticate the request" err="[x509: expired]"',
        (f"{NOON}.4Z stderr F E0603 12:00:00.451812       1 authentication.go:53] "
        "Unable to authenticate the request due to an error: invalid bearer token"),
    ],
)
def test_credentials_that_an_api_server_refuses(tmp_path: Path, line: str) -> None:
    (row,) = events(tmp_path, line)
    assert (row["kind"], row["user"], row["src_ip"], row["pattern"]) == ("auth_failure", None, None, "credentials-refused")


@pytest.mark.parametrize(
    "text",
    [
        f"{NOON}.123456789Z stderr F app: {SSHD}",  # another program's
        f"{NOON}.123456789Z stderr F {SSHD} and more",
        {"@timestamp": f"{NOON}Z", "message": SSHD},  # any program's
    ],
)
def test_what_may_be_another_programs_is_left(tmp_path: Path, text: str | dict[str, Any]) -> None:
    assert events(tmp_path, text) == []


def test_rancher_names_who_asked(tmp_path: Path) -> None:
    record = {
        "auditID": "r",
        "requestURI": "/v3-public/localProviders/local?action=login",
        "user": {"name": ""},
        "verb": "post",
        "stage": "ResponseComplete",
        "requestTimestamp": f"{NOON}Z",
        "remoteAddr": f"{A}:52110",
        "responseCode": 401,
        "userLoginName": "ann",
    }
    (row,) = events(tmp_path, record)
    assert (row["kind"], row["user"], row["src_ip"]) == ("auth_failure", "ann", A)
