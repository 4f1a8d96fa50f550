"""The whole way of one outsider: VPN lease, RDP, SSH under another name, a pod in the cluster; from logs to one incident and one tree."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from gatewatch.app import scan, trace
from gatewatch.schema.incidents import Severity
from gatewatch.schema.traces import Trace
from gatewatch.sinks.trace import write_trace

OUT = "203.0.113.77"
SITE = """
[site]
name = "path"
zone = "UTC"
year = 2026

[network]
outside = ["203.0.113.0/24", "198.51.100.0/24"]
vpn_pools = ["10.8.0.0/24"]

[hosts.gate01]
addresses = ["10.0.0.5"]

[hosts."rds01.corp.example"]
addresses = ["10.0.0.21"]
"""


def windows(number: int, moment: str, event: int, data: dict[str, Any]) -> str:
    provider = {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing", "Guid": "54849625-5478-4994-A5BA-3E3B0328C30D"}}
    system = {
        "Provider": provider,
        "EventID": event,
        "Version": 2,
        "Level": 0,
        "Task": 12544,
        "Opcode": 0,
        "Keywords": "0x8020000000000000",
        "TimeCreated": {"#attributes": {"SystemTime": f"2026-01-20T{moment}.500000Z"}},
        "EventRecordID": number,
        "Correlation": None,
        "Execution": {"#attributes": {"ProcessID": 704, "ThreadID": 4352}},
        "Channel": "Security",
        "Computer": "rds01.corp.example",
        "Security": None,
    }
    return json.dumps(
        {"Event": {"#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"}, "System": system, "EventData": data}}
    )


LOGON = {
    "SubjectUserSid": "S-1-5-18",
    "SubjectUserName": "RDS01$",
    "SubjectDomainName": "CORP",
    "SubjectLogonId": "0x3e7",
    "TargetUserSid": "S-1-5-21-1004336348-1177238915-682003330-1102",
    "TargetUserName": "ann",
    "TargetDomainName": "CORP",
    "TargetLogonId": "0x3aa60c",
    "LogonType": 10,
    "LogonProcessName": "User32 ",
    "AuthenticationPackageName": "Negotiate",
    "WorkstationName": "RDS01",
    "IpAddress": "10.8.0.6",
    "IpPort": "0",
}
RAN = {
    "SubjectUserSid": "S-1-5-21-1004336348-1177238915-682003330-1102",
    "SubjectUserName": "ann",
    "SubjectDomainName": "CORP",
    "SubjectLogonId": "0x3aa60c",
    "NewProcessId": "0x1d7c",
    "NewProcessName": "C:\\Windows\\System32\\OpenSSH\\ssh.exe",
    "TokenElevationType": "%%1938",
    "ProcessId": "0x38c",
    "CommandLine": "ssh deploy@gate01",
    "TargetUserSid": "S-1-0-0",
    "TargetUserName": "-",
    "TargetDomainName": "-",
    "TargetLogonId": "0x0",
    "ParentProcessName": "C:\\Windows\\explorer.exe",
    "MandatoryLabel": "S-1-16-8192",
}


def pod(moment: str, source: str) -> str:
    spec = {"containers": [{"name": "x", "image": "alpine", "securityContext": {"privileged": True}}], "hostPID": True}
    return json.dumps(
        {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Request",
            "auditID": f"a-{moment}",
            "stage": "ResponseComplete",
            "requestURI": "/api/v1/namespaces/shop/pods",
            "verb": "create",
            "user": {"username": "cluster-admin", "groups": ["system:masters", "system:authenticated"]},
            "sourceIPs": [source],
            "userAgent": "kubectl/v1.31.0",
            "objectRef": {"resource": "pods", "namespace": "shop", "name": "x", "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": 201},
            "requestObject": {"spec": spec},
            "requestReceivedTimestamp": f"2026-01-20T{moment}.100000Z",
            "stageTimestamp": f"2026-01-20T{moment}.200000Z",
            "annotations": {"authorization.k8s.io/decision": "allow"},
        }
    )


def write(folder: Path) -> Path:
    (folder / "gatewatch.toml").write_text(SITE)
    vpn = [
        f"Jan 20 03:0{n // 6}:{n % 6}5 vpn01 openvpn[811]: {OUT}:{50000 + n} TLS Auth Error: Auth Username/Password verification failed for peer"
        for n in range(9)
    ]
    vpn.append(f"Jan 20 03:05:00 vpn01 openvpn[811]: ann/{OUT}:50020 MULTI: primary virtual IP for ann/{OUT}:50020: 10.8.0.6")
    (folder / "vpn01.log").write_text("\n".join(vpn) + "\n")
    rds = [windows(1, "03:10:00", 4624, LOGON), windows(2, "03:14:00", 4688, RAN)]
    (folder / "rds01.jsonl").write_text("\n".join(rds) + "\n")
    gate = [
        "Jan 20 03:14:05 gate01 sshd[901]: Accepted password for deploy from 10.0.0.21 port 50100 ssh2",
        "Jan 20 03:14:05 gate01 sshd[901]: pam_unix(sshd:session): session opened for user deploy(uid=1001) by (uid=0)",
        "Jan 20 03:20:00 gate01 sudo:   deploy : TTY=pts/0 ; PWD=/home/deploy ; USER=root ; COMMAND=/usr/bin/kubectl apply -f /tmp/x.yml",
    ]
    (folder / "gate01.log").write_text("\n".join(gate) + "\n")
    (folder / "audit.log").write_text(pod("03:20:01", "10.0.0.5") + "\n")
    return folder


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("path"))


def test_it_is_one_incident_with_the_outside_address_and_every_hop(logs: Path) -> None:
    result = scan([str(logs)])
    (incident,) = result.incidents
    assert incident.origin.ip == OUT and incident.severity is Severity.CRITICAL
    assert {"vpn01", "rds01.corp.example", "gate01"} <= set(incident.hosts)
    assert {"ann", "deploy"} <= set(incident.users)


def test_the_trace_is_the_tree_with_every_hop(logs: Path) -> None:
    found = trace(OUT, [str(logs)])
    assert [(step.depth, step.hop, step.host, step.user, step.confidence) for step in found.steps] == [
        (0, 0, "vpn01", "ann", "certain"),
        (1, 1, "rds01.corp.example", "ann", "certain"),
        (2, 2, "gate01", "deploy", "likely"),
        (3, 3, "kubernetes", "cluster-admin", "likely"),
    ]
    assert [step.via for step in found.steps] == [
        "vpn from outside",
        "10.8.0.6, leased by vpn01",
        "client program on rds01.corp.example: ann as deploy",
        "client program on gate01: deploy as cluster-admin",
    ]
    assert found.steps[3].did and all(step.order == "certain" for step in found.steps)


TARGETS = ("cluster-admin", "host:kubernetes", "user:deploy", "10.8.0.6", "kube:cluster-admin@10.0.0.5", "session:cluster-admin@10.0.0.5")


@pytest.mark.parametrize("target", TARGETS)
def test_whatever_is_asked_the_way_back_to_the_outside_is_there(logs: Path, target: str) -> None:
    steps = trace(target, [str(logs)]).steps
    assert steps[0].source == OUT and steps[0].depth == 0
    assert any(step.asked for step in steps)


def test_what_is_not_there_is_said(logs: Path) -> None:
    found = trace("198.51.100.9", [str(logs)])
    assert not found.steps and "no accepted logon" in found.notes[0]


def test_a_trace_prints_and_is_json(logs: Path) -> None:
    found: Trace = trace(OUT, [str(logs)])
    shown, lines = io.StringIO(), io.StringIO()
    write_trace(found, "console", shown, color=False, width=200)
    assert "could also be" not in shown.getvalue() and "hop 3, likely" in shown.getvalue()
    write_trace(found, "jsonl", lines, color=False, width=80)
    kinds = [json.loads(line)["type"] for line in lines.getvalue().splitlines()]
    assert kinds == ["trace", *["session"] * 4, *["attempts"] * len(found.attempts)]


def test_without_the_evidence_of_the_change_of_name_the_way_ends_there(tmp_path: Path) -> None:
    logs = write(tmp_path)
    (logs / "rds01.jsonl").write_text(windows(1, "03:10:00", 4624, LOGON) + "\n")
    assert [step.hop for step in trace(OUT, [str(logs)]).steps] == [0, 1]
