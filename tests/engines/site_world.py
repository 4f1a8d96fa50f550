"""A site to live in: three weeks of ordinary days in the formats of several devices, to which a behaviour is added.

``fw01`` is a Cisco ASA (VPN), ``gate01`` a jump host and ``db02`` a database server (sshd), ``rds01`` a Windows terminal server, ``okta`` the
identity provider. Ten people come in on working days from their own lines; the internet guesses at ``gate01`` all the time. The attack falls on the
Monday after the three weeks, :data:`DAY`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

from gatewatch.app import scan
from gatewatch.schema.incidents import Scan
from gatewatch.site.load import load_site

DAY = date(2026, 3, 23)
USERS = ("ann", "bob", "carol", "dave", "erik", "fay", "gus", "hal", "ida", "jon")
STRANGER, SECOND_STRANGER = "203.0.113.66", "203.0.113.77"
SITE = """
[site]
name = "world"
zone = "UTC"
year = 2026

[network]
outside = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]
vpn_pools = ["10.9.0.0/24"]

[hosts.fw01]
addresses = ["10.0.0.1"]
[hosts.gate01]
addresses = ["10.0.0.5"]
[hosts.db02]
addresses = ["10.0.0.6"]
[hosts."rds01.corp.example"]
addresses = ["10.0.0.21"]

[hosts.docker01]
addresses = ["10.0.0.31"]

[places.home]
cidrs = ["198.51.100.0/24", "192.0.2.0/24"]
country = "SE"

[places.far]
cidrs = ["203.0.113.0/25"]
country = "PT"

[places.farther]
cidrs = ["203.0.113.128/25"]
country = "AU"
"""


def at(clock: str, day: date = DAY) -> datetime:
    """An instant of *day* (UTC)."""
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


def home(user: str) -> str:
    """The address of somebody's line at home."""
    return f"198.51.100.{10 + USERS.index(user)}"


def lease(user: str) -> str:
    """The inner address the VPN gives to somebody."""
    return f"10.9.0.{10 + USERS.index(user)}"


class World:
    """The logs of the site, one list of (time, line) for each file."""

    def __init__(self) -> None:
        self.files: dict[str, list[tuple[datetime, str]]] = {}
        self._pid = 4000
        self._record = 50000

    def add(self, file: str, time: datetime, line: str) -> None:
        """Put a line into a file."""
        self.files.setdefault(file, []).append((time, line))

    # Cisco ASA

    def asa(self, time: datetime, text: str) -> None:
        """A line of the firewall, *text* from the message number on."""
        self.add("fw01.log", time, f"{time:%b %d %Y %H:%M:%S} fw01 : %ASA-6-{text}")

    def vpn(self, time: datetime, user: str, ip: str, *, authenticated: bool = True, inner: str | None = None, hours: float = 8) -> None:
        """A VPN session from its beginning to its end (*hours* 0: no end)."""
        if authenticated:
            self.asa(time, f"113004: AAA user authentication Successful : server = 10.0.0.30 : user = {user}")
        self.asa(time + timedelta(seconds=1), f"113039: Group <staff> User <{user}> IP <{ip}> AnyConnect parent session started.")
        inner = inner or lease(user)
        assigned = f"IPv4 Address <{inner}> IPv6 address <::> assigned to session"
        self.asa(time + timedelta(seconds=2), f"722051: Group <staff> User <{user}> IP <{ip}> {assigned}")
        if hours:
            end = time + timedelta(hours=hours)
            self.asa(
                end,
                f"113019: Group = staff, Username = {user}, IP = {ip}, Session disconnected. Session Type: SSL, Duration: {int(hours)}h:00m:00s, "
                "Bytes xmt: 7251, Bytes rcv: 3181, Reason: User Requested",
            )

    def refuse(self, time: datetime, user: str, ip: str) -> None:
        """A wrong password at the VPN."""
        self.asa(time, f"113015: AAA user authentication Rejected : reason = Invalid password : local database : user = {user} : user IP = {ip}")

    # sshd

    def line(self, time: datetime, host: str, program: str, text: str) -> None:
        """A line of syslog of a Linux host."""
        self.add(f"{host}.log", time, f"{time:%Y-%m-%dT%H:%M:%S.%f+00:00} {host} {program}: {text}")

    def ssh(self, time: datetime, host: str, user: str, ip: str, method: str = "password", minutes: float = 30) -> int:
        """A session of SSH; returns the process number."""
        self._pid += 1
        program, port = f"sshd[{self._pid}]", 40000 + self._pid % 20000
        key = ": ED25519 SHA256:4NqZ2fYEvv9Kq6r0b4x1mN8k2o3p4q5r6s7t8u9v0wA" if method == "publickey" else ""
        self.line(time, host, program, f"Accepted {method} for {user} from {ip} port {port} ssh2{key}")
        self.line(time, host, program, f"pam_unix(sshd:session): session opened for user {user}(uid=1001) by (uid=0)")
        if minutes:
            end = time + timedelta(minutes=minutes)
            self.line(end, host, program, f"Received disconnect from {ip} port {port}:11: disconnected by user")
            self.line(end, host, program, f"pam_unix(sshd:session): session closed for user {user}")
        return self._pid

    def fail(self, time: datetime, host: str, user: str, ip: str, *, invalid: bool = False) -> None:
        """A wrong password of SSH."""
        self._pid += 1
        who = f"invalid user {user}" if invalid else user
        self.line(time, host, f"sshd[{self._pid}]", f"Failed password for {who} from {ip} port {40000 + self._pid % 20000} ssh2")

    def sudo(self, time: datetime, host: str, user: str, command: str) -> None:
        """A command run with root rights."""
        self.line(time, host, "sudo", f"   {user} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND={command}")

    # Okta

    def okta(
        self,
        time: datetime,
        kind: str,
        user: str,
        ip: str,
        outcome: str = "SUCCESS",
        reason: str | None = None,
        session: str | None = None,
        agent: str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
    ) -> None:
        """An event of the identity provider."""
        event = {
            "uuid": f"u-{time.isoformat()}-{kind}-{user}",
            "published": f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z",
            "eventType": kind,
            "outcome": {"result": outcome} | ({"reason": reason} if reason else {}),
            "actor": {"type": "User", "alternateId": f"{user}@corp.example"},
            "client": {"ipAddress": ip, "userAgent": {"rawUserAgent": agent}},
        }
        if session:
            event["authenticationContext"] = {"externalSessionId": session}
        self.add("okta.jsonl", time, json.dumps(event))

    def portal(self, time: datetime, user: str, ip: str, *, factor: bool = True) -> str:
        """A logon at the identity provider with its second factor; returns the session."""
        session = f"s{time:%m%d%H%M%S}{user}"
        self.okta(time, "user.session.start", user, ip, session=session)
        if factor:
            self.okta(time + timedelta(seconds=8), "user.authentication.auth_via_mfa", user, ip, session=session)
        self.okta(time + timedelta(seconds=9), "user.authentication.sso", user, ip, session=session)
        return session

    # Windows

    def windows(self, time: datetime, event: int, data: dict[str, str], channel: str = "Security", host: str = "rds01.corp.example") -> None:
        """A record of a Windows host, as Winlogbeat ships it."""
        self._record += 1
        provider = "Microsoft-Windows-Security-Auditing" if channel == "Security" else channel.rsplit("/", 1)[0]
        record = {
            "@timestamp": f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z",
            "host": {"name": host},
            "winlog": {
                "channel": channel, "computer_name": host, "event_id": str(event), "event_data": data, "provider_name": provider,
                "record_id": self._record,
            },
        }  # fmt: skip
        self.add(f"{host.split('.', maxsplit=1)[0]}.jsonl", time, json.dumps(record))

    def rdp(self, time: datetime, user: str, ip: str, station: str, logon: str, host: str = "rds01.corp.example") -> None:
        """A logon by Remote Desktop: what the Security log writes of it."""
        self.windows(
            time, 4624,
            {
                "SubjectUserSid": "S-1-5-18", "SubjectUserName": "RDS01$", "SubjectDomainName": "CORP", "SubjectLogonId": "0x3e7",
                "TargetUserSid": "S-1-5-21-1-2-3-1105", "TargetUserName": user, "TargetDomainName": "CORP", "TargetLogonId": logon, "LogonType": "10",
                "LogonProcessName": "User32", "AuthenticationPackageName": "Negotiate", "WorkstationName": station, "IpAddress": ip, "IpPort": "0",
                "ElevatedToken": "%%1843",
            },
            host=host,
        )  # fmt: skip

    def ran(self, time: datetime, user: str, logon: str, command: str, host: str = "rds01.corp.example") -> None:
        """A process that somebody started on a Windows host (4688)."""
        self.windows(
            time, 4688,
            {
                "SubjectUserSid": "S-1-5-21-1-2-3-1105", "SubjectUserName": user, "SubjectDomainName": "CORP", "SubjectLogonId": logon,
                "NewProcessId": "0x1f0", "NewProcessName": command.split(maxsplit=1)[0], "CommandLine": command,
                "ParentProcessName": r"C:\Windows\System32\cmd.exe", "TokenElevationType": "%%1937",
            },
            host=host,
        )  # fmt: skip

    def account(self, time: datetime, event: int, user: str, domain: str = "CORP", host: str = "dc01.corp.example") -> None:
        """A change of an account: 4722 enabled, 4725 disabled, 4726 deleted, 4740 locked out."""
        subject = {"SubjectUserSid": "S-1-5-21-1-2-3-500", "SubjectUserName": "adm-bob", "SubjectDomainName": "CORP", "SubjectLogonId": "0x99"}
        self.windows(time, event, {"TargetUserName": user, "TargetDomainName": domain, "TargetSid": "S-1-5-21-1-2-3-1111", **subject}, host=host)

    # what other firewalls say of connections that ended

    def fortigate(self, time: datetime, src: str, dst: str, sent: int, received: int, port: int = 443) -> None:
        """A traffic record of a FortiGate."""
        self.add(
            "fg01.log",
            time,
            f'date={time:%Y-%m-%d} time={time:%H:%M:%S} devname="fg01" devid="FGX" eventtime={int(time.timestamp())}000000000 tz="+0000" '
            f'logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip={src} srcport=50111 srcintf="port2" dstip={dst} '
            f'dstport={port} dstintf="port1" sessionid=81 proto=6 action="close" policyid=1 trandisp="snat" transip=198.51.100.1 transport=50111 '
            f"duration=600 sentbyte={sent} rcvdbyte={received} sentpkt=9 rcvdpkt=9",
        )

    def panos(self, time: datetime, src: str, dst: str, sent: int, received: int, port: int = 443) -> None:
        """A TRAFFIC row of PAN-OS."""
        stamp = f"{time:%Y/%m/%d %H:%M:%S}"
        self.add(
            "pa01.log",
            time,
            f"<14>{time:%b %d %H:%M:%S} pa01 1,{stamp},0123,TRAFFIC,end,2561,{stamp},{src},{dst},198.51.100.1,{dst},\"web, out\",,,ssl,vsys1,inside,"
            f"outside,ae1,ae2,default,{stamp},34123,1,50111,{port},50111,{port},0x400053,tcp,allow,{sent + received},{sent},{received},220,{stamp},"
            "600,any,,68945,0x8000000000000000,10.0.0.0-10.255.255.255,Portugal,,110,110,tcp-fin,0,0,0,0,,pa01,from-policy",
        )

    # a host of containers

    def zeek(self, time: datetime, src: str, dst: str, port: int, sent: int = 900, received: int = 4000) -> None:
        """A connection, as Zeek tells of it."""
        flow = {
            "_path": "conn", "ts": time.timestamp(), "uid": f"C{int(time.timestamp())}", "id.orig_h": src, "id.orig_p": 40008, "id.resp_h": dst,
            "id.resp_p": port, "proto": "tcp", "duration": 3.0, "orig_bytes": sent, "resp_bytes": received, "conn_state": "SF", "missed_bytes": 0,
            "orig_ip_bytes": sent + 400, "resp_ip_bytes": received + 400,
        }  # fmt: skip
        self.add("conn.jsonl", time, json.dumps(flow))

    def docker(self, time: datetime, action: str, container: str, image: str) -> None:
        """An event of Docker on docker01."""
        event = {
            "status": action, "id": container * 5, "from": image, "Type": "container", "Action": action,
            "Actor": {"ID": container * 5, "Attributes": {"image": image, "name": "busy_curie"}}, "scope": "local", "time": int(time.timestamp()),
            "timeNano": int(time.timestamp()) * 10**9,
        }  # fmt: skip
        self.add("docker01/docker-events.jsonl", time, json.dumps(event))

    def falco(self, time: datetime, rule: str, priority: str, command: str, user: str | None = None) -> None:
        """An alert of Falco on docker01."""
        fields = {"container.id": "1f2e3d4c5b6a", "proc.cmdline": command, "proc.name": command.split(maxsplit=1)[0], "user.name": user}
        alert = {
            "hostname": "docker01", "output": f"{time:%H:%M:%S}.0: {priority} {rule}", "priority": priority, "rule": rule, "source": "syscall",
            "time": f"{time:%Y-%m-%dT%H:%M:%S.000000000Z}", "output_fields": fields,
        }  # fmt: skip
        self.add("falco.jsonl", time, json.dumps(alert))

    # days

    def days(self, number: int = 21, skip: Iterable[str] = ()) -> None:
        """Ordinary days before :data:`DAY`: working hours, own lines, a mistyped password now and then, and the noise of the internet."""
        left = set(skip)
        for back in range(number, 0, -1):
            day = DAY - timedelta(days=back)
            self.noise(day)
            if day.weekday() < 5:
                for place, user in enumerate(USERS):
                    if user not in left:
                        self.ordinary(day, place, user, back)

    def ordinary(self, day: date, place: int, user: str, back: int = 0) -> None:
        """One working day of one person."""
        start = at("07:30:00", day) + timedelta(minutes=7 * place + (back * 13) % 11)
        if (place + back) % 9 == 0:
            self.refuse(start - timedelta(seconds=40), user, home(user))
        self.vpn(start, user, home(user))
        self.portal(start + timedelta(seconds=95 + (back * 37 + place * 53) % 240), user, home(user))
        if place < 4:
            self.ssh(start + timedelta(minutes=12), "gate01", user, lease(user), "publickey", 200)
        elif place < 8:
            self.rdp(start + timedelta(minutes=15), user, lease(user), f"LAP-{user.upper()}", f"0x{back:x}{place:x}a01")

    def noise(self, day: date) -> None:
        """What the internet does to every open SSH port."""
        for number in range(12):
            time = at("00:20:00", day) + timedelta(minutes=113 * number)
            for step, name in enumerate(("root", "admin", "test", "oracle")):
                self.fail(time + timedelta(seconds=9 * step), "gate01", name, f"192.0.2.{200 + (number * 7 + day.day) % 50}", invalid=name != "root")

    def today(self, skip: Iterable[str] = ()) -> None:
        """The day itself, as everybody else lives it."""
        left = set(skip)
        self.noise(DAY)
        for place, user in enumerate(USERS):
            if user not in left:
                self.ordinary(DAY, place, user)

    def write(self, folder: Path, *, reverse: bool = False, site: str = SITE) -> Path:
        """Write the logs; returns the folder of them. *reverse*: JSON logs newest first, the text logs cut in two files named backwards."""
        (folder / "gatewatch.toml").write_text(site, encoding="utf-8")
        logs = folder / "logs"
        logs.mkdir(exist_ok=True)
        for name, lines in sorted(self.files.items()):
            (logs / name).parent.mkdir(exist_ok=True)
            texts = [line for _, line in sorted(lines, key=lambda one: one[0])]
            if not reverse:
                (logs / name).write_text("".join(f"{line}\n" for line in texts), encoding="utf-8")
            elif name.endswith(".jsonl"):
                (logs / name).write_text("".join(f"{line}\n" for line in texts[::-1]), encoding="utf-8")
            else:
                half = len(texts) // 2
                stem = name.removesuffix(".log")
                (logs / f"{stem}-b.log").write_text("".join(f"{line}\n" for line in texts[:half]), encoding="utf-8")
                (logs / f"{stem}-a.log").write_text("".join(f"{line}\n" for line in texts[half:]), encoding="utf-8")
        return logs

    def scan(self, folder: Path, *, reverse: bool = False, site: str = SITE) -> Scan:
        """Write the logs and scan them."""
        logs = self.write(folder, reverse=reverse, site=site)
        return scan([str(logs)], site=load_site(folder / "gatewatch.toml"))


def world(without: Iterable[str] = ()) -> World:
    """Three ordinary weeks and the day itself, on which those *without* stay away."""
    made = World()
    made.days()
    made.today(without)
    return made
