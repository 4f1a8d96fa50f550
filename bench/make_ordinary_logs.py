"""Write large, deterministic logs as an ordinary organisation has them: most records are of no interest, few logons fail, some strangers guess.

2000 people come from few addresses each (an office's gateway, a home, a phone), one logon in fifty is mistyped, one in a hundred is a stranger's
guess from outside, one in two hundred is stopped. Clusters, clouds and hosts mostly hear from machines. Lines of sshd and gateways are those of
make_gateway_logs.py, and denser than that: a tenth of them or more are logons, `cef-logons` nothing else.
The texts are our own, in the products' formats; outside are documentation addresses.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import make_gateway_logs as gateway
import make_json_logs as dense
from make_json_logs import AGENTS, START, USERS, Draw

_EGRESS = ["203.0.113.1", "203.0.113.2", "203.0.113.3"]
_HOMES = [f"{net}.{i}" for net in ("198.51.100", "192.0.2") for i in range(1, 255)]
_STRANGERS = [f"203.0.113.{i}" for i in range(100, 250)]
_NODES = [f"system:node:node-{i:02d}" for i in range(30)]
_ACCOUNTS = [
    f"system:serviceaccount:kube-system:{name}"
    for name in ("deployment-controller", "replicaset-controller", "endpointslice-controller", "namespace-controller", "coredns", "cilium")
]
_RESOURCES = ("pods", "leases", "endpoints", "configmaps", "nodes", "services", "events", "replicasets", "endpointslices")


class Person(Draw):
    """What varies from record to record of an ordinary organisation."""

    def __init__(self, rng: random.Random, number: int) -> None:
        super().__init__(rng, number)
        person = int(len(USERS) * rng.random() ** 2)
        roll = rng.random()
        self.user = USERS[person]
        home = _HOMES[person % len(_HOMES)]
        self.address = _EGRESS[person % 3] if roll < 0.6 else home if roll < 0.9 else f"2001:db8:{person:x}::1"
        self.agent = AGENTS[person % len(AGENTS)]
        roll = rng.random()
        self.outcome = "failure" if roll < 0.03 else "stopped" if roll < 0.035 else "success"
        if roll < 0.01:
            self.address = rng.choice(_STRANGERS)


Record = dict[str, Any]


def _okta(draw: Draw) -> Record:
    record = dense.FORMATS["okta"](draw)
    if draw.outcome == "success":
        names = (
            "policy.evaluate_sign_on",
            "user.authentication.sso",
            "user.authentication.auth_via_mfa",
            "user.session.start",
            "app.oauth2.as.token.grant",
        )
        record["eventType"] = draw.rng.choices(names, (30, 35, 10, 10, 15))[0]
    return record


def _m365(draw: Draw) -> Record:
    record = dense.FORMATS["m365"](draw)
    if draw.outcome == "success":
        names = ("FileAccessed", "MailItemsAccessed", "FileModified", "MessageReadReceiptReceived", "UserLoggedIn")
        name = record["Operation"] = draw.rng.choices(names, (45, 20, 15, 8, 12))[0]
        if name != "UserLoggedIn":
            record |= {"Workload": "Exchange" if name.startswith("Mail") else "SharePoint", "RecordType": 2 if name.startswith("Mail") else 6}
            record |= {"ObjectId": f"https://corp.example/sites/team/Documents/{draw.id}.docx", "SourceFileName": f"{draw.id}.docx"}
    return record


def _cloudtrail(draw: Draw) -> Record:
    record = dense.FORMATS["cloudtrail"](draw)
    roll = draw.rng.random()
    if draw.outcome != "success" or roll < 0.01:
        record |= {"eventName": "ConsoleLogin", "eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn", "requestParameters": None}
        record["responseElements"] = {"ConsoleLogin": "Success" if draw.outcome == "success" else "Failure"}
        record["additionalEventData"] |= {"MFAUsed": "Yes"}
        return record
    names = (("DescribeInstances", "ec2"), ("GetObject", "s3"), ("AssumeRole", "sts"), ("Decrypt", "kms"), ("PutMetricData", "monitoring"))
    name, source = draw.rng.choice(names)
    record |= {"eventName": name, "eventSource": f"{source}.amazonaws.com", "eventType": "AwsApiCall", "readOnly": True, "responseElements": None}
    record["requestParameters"] = {"key": draw.id, "bucketName": "corp-example"}
    if roll < 0.85:
        role = f"service-{draw.rng.randint(1, 40)}"
        record["userIdentity"] = {
            "type": "AssumedRole",
            "principalId": f"AROA{draw.id[:16].upper()}:{role}",
            "arn": f"arn:aws:sts::111122223333:assumed-role/{role}/{role}",
            "accountId": "111122223333",
            "accessKeyId": "ASIA" + draw.id[:16].upper(),
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::111122223333:role/{role}", "userName": role}},
        }
        record |= {
            "sourceIPAddress": f"10.4.{draw.rng.randint(0, 9)}.{draw.rng.randint(1, 250)}",
            "userAgent": "aws-sdk-go-v2/1.30.3 os/linux lang/go",
        }
    return record


def _kubernetes(draw: Draw) -> Record:
    record = dense.FORMATS["kubernetes"](draw)
    roll = draw.rng.random()
    if roll < 0.96:  # machines
        name = draw.rng.choice(_NODES if roll < 0.5 else _ACCOUNTS)
        resource = draw.rng.choice(_RESOURCES)
        verb = draw.rng.choice(("get", "list", "watch", "watch", "update", "patch"))
        record |= {"verb": verb, "requestURI": f"/api/v1/namespaces/shop/{resource}?resourceVersion={draw.rng.randint(1, 10**8)}"}
        record["user"] = {"username": name, "groups": ["system:nodes" if roll < 0.5 else "system:serviceaccounts", "system:authenticated"]}
        record |= {"sourceIPs": [f"10.4.0.{draw.rng.randint(10, 40)}"], "userAgent": "kubelet/v1.31.0 (linux/amd64) kubernetes/9edcffc"}
        record["objectRef"] = {"resource": resource, "namespace": "shop", "apiVersion": "v1"}
        record["responseStatus"] = {"metadata": {}, "code": 200}
        record["annotations"]["authorization.k8s.io/decision"] = "allow"
    elif roll < 0.997:  # persons who look
        record |= {"verb": "get", "requestURI": "/api/v1/namespaces/shop/pods", "responseStatus": {"metadata": {}, "code": 200}}
        record["objectRef"] = {"resource": "pods", "namespace": "shop", "apiVersion": "v1"}
        record["annotations"]["authorization.k8s.io/decision"] = "allow"
    return record


def _ocsf(draw: Draw) -> Record:
    record = dense.FORMATS["ocsf"](draw)
    roll = draw.rng.random()
    if draw.outcome != "success" or roll < 0.3:
        return record
    if roll < 0.7:
        record |= {"class_name": "API Activity", "class_uid": 6003, "category_uid": 6, "type_uid": 600302, "activity_id": 2, "activity_name": "Read"}
        record["api"] = {"operation": "DescribeInstances", "service": {"name": "ec2.amazonaws.com"}, "request": {"uid": draw.id}}
    else:
        record |= {
            "class_name": "Network Activity",
            "class_uid": 4001,
            "category_uid": 4,
            "type_uid": 400106,
            "activity_id": 6,
            "activity_name": "Traffic",
        }
        record["dst_endpoint"] = {"ip": f"10.4.1.{draw.rng.randint(1, 250)}", "port": 443}
        record["traffic"] = {"bytes": draw.rng.randint(100, 10**6), "packets": draw.rng.randint(1, 999)}
    return record


def _ecs(draw: Draw) -> Record:
    record = dense.FORMATS["ecs"](draw)
    if draw.outcome == "success" and draw.rng.random() > 0.1:
        record["event"] |= {"action": "", "category": ["process"], "dataset": "system.syslog", "outcome": "unknown"}
        record["message"] = f"(root) CMD (/usr/lib/example/collect --id {draw.id})"
        record["process"]["name"] = draw.rng.choice(("CRON", "systemd", "kernel", "postfix/smtpd", "dhclient"))
        for name in ("source", "user", "system"):
            del record[name]
    return record


def _auth0(draw: Draw) -> Record:
    kinds = {"failure": ("fp",), "stopped": ("limit_wc",), "success": ("seft", "seft", "seft", "seacft", "s", "ssa")}[draw.outcome]
    kind = draw.rng.choice(kinds)
    return {
        "log_id": f"900{draw.stamp('%Y%m%d%H%M%S')}{draw.rng.getrandbits(60)}",
        "data": {
            "date": draw.stamp("%Y-%m-%dT%H:%M:%S.123Z"),
            "type": kind,
            "description": "Wrong email or password." if kind == "fp" else "",
            "connection": "Users",
            "connection_id": "con_" + draw.id[:16],
            "client_id": draw.id,
            "client_name": "Portal",
            "ip": draw.address,
            "user_agent": draw.agent,
            "details": {"session_id": draw.id, "stats": {"loginsCount": draw.rng.randint(1, 900)}, "prompts": [{"name": "prompt-authenticate"}]},
            "hostname": "corp.auth0.example",
            "user_id": "auth0|" + draw.id,
            "user_name": draw.user,
            "strategy": "auth0",
            "strategy_type": "database",
        },
    }


def _suricata(draw: Draw) -> Record:
    kind = draw.rng.choices(("flow", "dns", "tls", "http", "fileinfo", "ssh", "alert", "stats"), (50, 20, 14, 8, 5, 1, 1, 1))[0]
    if kind == "stats":
        return {"timestamp": draw.stamp() + "+0000", "event_type": "stats", "stats": {"uptime": 9, "capture": {"kernel_packets": 10**6}}}
    inside = f"10.0.{draw.rng.randint(0, 9)}.{draw.rng.randint(1, 250)}"
    port = {"flow": draw.rng.choice((443, 443, 443, 80, 53, 22)), "dns": 53, "ssh": 22, "http": 80}.get(kind, 443)
    coming = port == 22 or draw.rng.random() < 0.1
    one, other = (draw.address, inside) if coming else (inside, draw.address)
    record: Record = {"timestamp": draw.stamp() + "+0000", "flow_id": draw.rng.getrandbits(50), "in_iface": "eth0", "event_type": kind}
    record |= {"src_ip": one, "src_port": draw.rng.randint(1024, 65000), "dest_ip": other, "dest_port": port, "proto": "TCP"}
    match kind:
        case "flow":
            record["app_proto"] = {22: "ssh", 53: "dns", 80: "http"}.get(port, "tls")
            record["flow"] = {"pkts_toserver": 20, "pkts_toclient": 12, "bytes_toserver": 4000, "bytes_toclient": draw.rng.randint(60, 90000)}
            record["flow"] |= {"start": draw.stamp() + "+0000", "end": draw.stamp() + "+0000", "age": 3, "state": "closed", "reason": "timeout"}
            record["tcp"] = {"tcp_flags": "1b", "syn": True, "fin": True, "state": "closed"}
        case "dns":
            record["dns"] = {"type": "answer", "id": 4711, "rrname": f"{draw.id[:8]}.example.org", "rrtype": "A", "rcode": "NOERROR"}
        case "tls":
            record["tls"] = {"subject": "CN=www.example.org", "version": "TLS 1.3", "sni": "www.example.org", "fingerprint": draw.id}
        case "ssh":
            record["ssh"] = {"client": {"proto_version": "2.0", "software_version": "OpenSSH_9.6"}, "server": {"software_version": "OpenSSH_9.2"}}
        case "alert":
            record["alert"] = {"action": "allowed", "signature_id": 2000001, "signature": "EXAMPLE INFO something", "category": "Misc", "severity": 3}
        case _:
            record["http"] = {"hostname": "www.example.org", "url": f"/{draw.id}", "http_method": "GET", "status": 200, "length": 900}
    return record


def _zeek_json(draw: Draw) -> Record:
    return dict(zip(_CONN, _conn(draw), strict=True)) | {"_path": "conn"}


_CONN = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "duration", "orig_bytes", "resp_bytes", "conn_state")


def _conn(draw: Draw) -> list[Any]:
    port, service = draw.rng.choice(((443, "ssl"), (443, "ssl"), (53, "dns"), (80, "http"), (123, "ntp"), (443, "ssl"), (8080, "-"), (22, "ssh")))
    inside = f"10.0.{draw.rng.randint(0, 9)}.{draw.rng.randint(1, 250)}"
    one, other = (draw.address, inside) if port == 22 and draw.rng.random() < 0.3 else (inside, draw.address)
    head = [draw.time.timestamp(), "C" + draw.id[:16], one, draw.rng.randint(1024, 65000), other, port, "tcp"]
    return [
        *head,
        service,
        round(draw.rng.random() * 9, 6),
        draw.rng.randint(60, 9000),
        draw.rng.randint(60, 90000),
        draw.rng.choice(("SF", "SF", "S0")),
    ]


def _auditd(d: gateway.Device) -> Iterator[str]:
    mark = f"audit({d.now.timestamp():.3f}:{d.serial})"
    pid, user, session = 1000 + d.below(60000), 1000 + d.below(40), 1 + d.below(400)
    roll = d.draw()
    if roll < 0.7:  # a machine's commands: cron and services
        who = "auid=4294967295 uid=0" if roll < 0.55 else f"auid={user} uid={user}"
        ses = "ses=4294967295" if roll < 0.55 else f"ses={session}"
        tool = ("date", "grep", "cat", "id", "ls", "awk", "curl")[d.below(7)]
        gone = f"gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) {ses}"
        yield (
            f"type=SYSCALL msg={mark}: arch=c000003e syscall=59 success=yes exit=0 a0={d.below(1 << 40):x} a1=561111382480 a2=0 a3=21 items=2 "
            f'ppid={pid - 1} pid={pid} {who} {gone} comm="{tool}" exe="/usr/bin/{tool}" subj=unconfined key="exec"'
        )
        yield f'type=EXECVE msg={mark}: argc=3 a0="{tool}" a1="-c" a2="/var/lib/example/{d.below(9999)}"'
        yield f'type=CWD msg={mark}: cwd="/"'
        for item, name in enumerate((f"/usr/bin/{tool}", "/lib64/ld-linux-x86-64.so.2")):
            yield (
                f'type=PATH msg={mark}: item={item} name="{name}" inode={d.below(99999)} dev=fc:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 '
                "nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"
            )
        yield f"type=PROCTITLE msg={mark}: proctitle={tool.encode().hex().upper()}002D63"
    elif roll < 0.85:
        unit = ("apt-daily", "logrotate", "man-db", "fwupd")[d.below(4)]
        head = "pid=1 uid=0 auid=4294967295 ses=4294967295"
        told = f'unit={unit} comm="systemd" exe="/usr/lib/systemd/systemd" hostname=? addr=? terminal=? res=success'
        for kind in ("SERVICE_START", "SERVICE_STOP"):
            yield f"type={kind} msg={mark}: {head} msg='{told}'"
    elif roll < 0.95:
        for kind, what in (
            ("USER_ACCT", "PAM:accounting"),
            ("CRED_ACQ", "PAM:setcred"),
            ("USER_START", "PAM:session_open"),
            ("USER_END", "PAM:session_close"),
        ):
            yield (
                f'type={kind} msg={mark}: pid={pid} uid=0 auid=0 ses={session} msg=\'op={what} grantors=pam_unix acct="root" '
                'exe="/usr/sbin/cron" hostname=? addr=? terminal=cron res=success\''
            )
    elif roll < 0.99:
        yield (
            f'type=USER_LOGIN msg={mark}: pid={pid} uid=0 auid=4294967295 ses=4294967295 msg=\'op=login acct="root" exe="/usr/sbin/sshd" '
            f"hostname=? addr={d.outside()} terminal=ssh res=failed'"
        )
    else:
        nobody = f"pid={pid} uid=0 auid=4294967295 ses=4294967295"
        known = f"pid={pid} uid=0 auid={user} ses={session}"
        where = f'exe="/usr/sbin/sshd" hostname={_HOMES[user % 500]} addr={_HOMES[user % 500]} terminal=ssh res=success'
        for kind, what in (("USER_AUTH", "PAM:authentication"), ("USER_ACCT", "PAM:accounting"), ("CRED_ACQ", "PAM:setcred")):
            yield f"type={kind} msg={mark}: {nobody} msg='op={what} grantors=pam_unix acct=\"user{user}\" {where}'"
        yield f"type=LOGIN msg={mark}: pid={pid} uid=0 old-auid=4294967295 auid={user} tty=(none) old-ses=4294967295 ses={session} res=1"
        yield f"type=USER_START msg={mark}: {known} msg='op=PAM:session_open grantors=pam_unix acct=\"user{user}\" {where}'"
        yield f"type=USER_LOGIN msg={mark}: {known} msg='op=login id={user} {where}'"


def _netfilter(d: gateway.Device) -> Iterator[str]:
    port = (23, 22, 445, 3389, 8080, 80, 443, 5060, 6379, 123)[d.below(10)]
    yield (
        f"{d.bsd()} gate01 kernel: [{d.serial}.{d.below(10**6):06d}] [UFW BLOCK] IN=eth0 OUT= MAC=52:54:00:00:00:01:52:54:00:00:00:02:08:00 "
        f"SRC={d.outside()} DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=51 ID={d.below(65000)} DF PROTO=TCP SPT={d.port()} DPT={port} "
        "WINDOW=64240 RES=0x00 SYN URGP=0"
    )


def _vpc_flow(d: gateway.Device) -> Iterator[str]:
    port = (443, 443, 443, 80, 53, 5432, 22)[d.below(7)]
    one, other = (d.outside(), d.inside()) if d.draw() < 0.2 else (d.inside(), d.inside())
    begin = int(d.now.timestamp())
    what = "REJECT" if d.draw() < 0.1 else "ACCEPT"
    count = f"{d.below(99)} {d.below(90000)}"
    yield f"2 111122223333 eni-{d.below(1 << 44):017x} {one} {other} {d.port()} {port} 6 {count} {begin} {begin + 60} {what} OK"


def _windows_firewall(d: gateway.Device) -> Iterator[str]:
    port = (443, 443, 443, 80, 53, 445, 3389)[d.below(7)]
    coming = d.draw() < 0.3
    one, other = (d.outside(), "10.0.0.5") if coming else ("10.0.0.5", d.inside())
    what = "DROP" if coming and d.draw() < 0.8 else "ALLOW"
    yield f"{d.now:%Y-%m-%d %H:%M:%S} {what} TCP {one} {other} {d.port()} {port} 60 S 1 0 64240 - - - {'RECEIVE' if coming else 'SEND'}"


def _zeek(d: gateway.Device) -> Iterator[str]:
    yield "\t".join(str(value) for value in _conn(Person(d.rng, d.serial - 1_000_000)))


def _dockerd(d: gateway.Device) -> Iterator[str]:
    texts = ("ignoring event", "loading plugin", "cleaning up dead shim", "shim disconnected", "Container failed to exit within 10s of signal 15")
    text = texts[d.below(5)]
    yield (
        f'{d.bsd()} gate01 dockerd[1234]: time="{d.now:%Y-%m-%dT%H:%M:%S}.{d.below(10**9):09d}Z" level=info msg="{text}" '
        f"container={d.below(1 << 60):064x} module=libcontainerd namespace=moby topic=/tasks/delete"
    )


def _syslog(d: gateway.Device) -> Iterator[str]:
    head = f"{d.bsd()} gate{d.below(9):02d} "
    texts = (
        f"CRON[{d.port()}]: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)",
        f"systemd[1]: Started Session {d.below(9999)} of User user{d.below(40)}.",
        f"systemd[1]: session-{d.below(9999)}.scope: Deactivated successfully.",
        f"postfix/smtpd[{d.port()}]: connect from unknown[{d.outside()}]",
        f"named[811]: client @0x{d.below(1 << 40):x} {d.inside()}#{d.port()} (www.example.org): query: www.example.org IN A +E(0)K (10.0.0.2)",
        f"kernel: [{d.serial}.123456] eth0: renamed from veth{d.below(1 << 28):07x}",
        f"dhclient[612]: DHCPREQUEST for {d.inside()} on eth0 to 10.0.0.1 port 67",
        f"sshd[{d.port()}]: Connection closed by {d.outside()} port {d.port()} [preauth]",
    )
    yield head + texts[d.below(8)]


Json = Callable[[Draw], Record]
JSON: dict[str, Json] = {
    **{name: dense.FORMATS[name] for name in ("entra", "duo")},
    "okta": _okta,
    "m365": _m365,
    "cloudtrail": _cloudtrail,
    "kubernetes": _kubernetes,
    "ocsf": _ocsf,
    "ecs": _ecs,
    "auth0": _auth0,
    "suricata": _suricata,
    "zeek-json": _zeek_json,
}
"""Records of JSON lines."""

TEXT: dict[str, Callable[[gateway.Device], Iterator[str]]] = {
    **gateway.DEVICES,
    "auditd": _auditd,
    "zeek": _zeek,
    "aws-vpc-flow": _vpc_flow,
    "windows-firewall": _windows_firewall,
    "netfilter": _netfilter,
    "dockerd": _dockerd,
    "syslog": _syslog,
}
"""Lines of text."""

_HEADS = {
    "zeek": "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\t" + "\t".join(_CONN) + "\n",
    "aws-vpc-flow": "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n",
    "windows-firewall": "#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n#Fields: date time action protocol src-ip dst-ip "
    "src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path\n\n",
}
NAMES = (*TEXT, *JSON)


def _json(name: str) -> Iterator[str]:
    rng = random.Random(f"{name} 1")
    make, number = JSON[name], 0
    while True:
        yield json.dumps(make(Person(rng, number)), separators=(",", ":"))
        number += 1


def _text(name: str) -> Iterator[str]:
    device, make = gateway.Device(1), TEXT[name]
    device.now = START
    while True:
        device.tick()
        if name in {"netfilter", "syslog", "dockerd"}:
            device.now += timedelta(milliseconds=device.below(2000))
        yield from make(device)


def write(path: Path, name: str, size: int) -> Path:
    """Write about *size* bytes of the log *name* to *path*."""
    lines = _json(name) if name in JSON else _text(name)
    head = _HEADS.get(name, "")
    with path.open("w", encoding="ascii", newline="\n") as handle:
        handle.write(head)
        made = len(head)
        while made < size:
            text = "\n".join(islice(lines, 1000)) + "\n"
            handle.write(text)
            made += len(text)
    return path


def main() -> int:
    """Write a file for each name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("megabytes", type=int, nargs="?", default=100, help="of each file")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    given = parser.parse_args()
    if unknown := sorted({*given.names} - {*NAMES}):
        parser.error(f"no such log: {', '.join(unknown)}")
    given.folder.mkdir(parents=True, exist_ok=True)
    for name in given.names or NAMES:
        write(given.folder / f"{name}.{'jsonl' if name in JSON else 'log'}", name, given.megabytes * 1_000_000)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
