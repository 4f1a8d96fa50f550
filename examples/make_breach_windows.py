"""Write the Windows part of the example site ``examples/breach``: the event logs of ``rds01`` as JSON lines, entered from the same address.

The story stands in ``README.md``. Everything is invented, with a fixed seed and no clock; the same bytes come out on any machine.
``python examples/make_breach_windows.py`` writes the file, ``--check`` compares it with what is there and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "breach" / "logs" / "rds01" / "events.jsonl"
COMPUTER, SHORT, INSIDE, DOMAIN = "rds01.vienna.example", "RDS01", "10.20.0.31", "VIENNA"
FIRST = datetime(2025, 12, 28, 6, 0, tzinfo=UTC)
ENTRY = datetime(2026, 1, 3, 2, 34, 6, 118_400, tzinfo=UTC)  # 03:34 in Vienna
OFFICE, GUESSER = "192.0.2.34", "203.0.113.66"
VICTIM, NEW_ACCOUNT = "svc-backup", "helpdesk2"
SYSTEM = ("S-1-5-18", f"{SHORT}$", DOMAIN, "0x3e7")
DOMAIN_SID = "S-1-5-21-1004336348-1177238915-682003330"
LOCAL_SID = "S-1-5-21-2025429265-764733703-1202660629"
SIDS = {"ann": f"{DOMAIN_SID}-1104", VICTIM: f"{DOMAIN_SID}-1131", NEW_ACCOUNT: f"{LOCAL_SID}-1009"}
NAMES = ("administrator", "admin", "user", "test", "scan", "office", "rdp", "backup", "reception", "guest")
AUDITING = "Microsoft-Windows-Security-Auditing"
RDP = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS"
CALLS = "Microsoft-Windows-TerminalServices-RemoteConnectionManager"
SESSIONS = "Microsoft-Windows-TerminalServices-LocalSessionManager"
SYSMON = "Microsoft-Windows-Sysmon"


@dataclass(slots=True)
class World:
    """Everything written so far, and what the host counts."""

    rng: random.Random = field(default_factory=lambda: random.Random(20260103))
    events: list[tuple[datetime, int, str, str, int, dict[str, Any]]] = field(default_factory=list)
    logon: int = 0x1A2F00
    session: int = 1

    def log(self, time: datetime, channel: str, provider: str, event_id: int, data: dict[str, Any]) -> None:
        """Add an event."""
        self.events.append((time, len(self.events), channel, provider, event_id, data))

    def security(self, time: datetime, event_id: int, **data: Any) -> None:
        """Add an event of the Security log."""
        self.log(time, "Security", AUDITING, event_id, data)

    def logon_id(self) -> str:
        """Return a fresh logon id."""
        self.logon += self.rng.randint(0x300, 0x4000)
        return f"0x{self.logon:x}"

    def port(self) -> int:
        """Return a client port."""
        return self.rng.randint(49_200, 65_500)


def ms(milliseconds: float) -> timedelta:
    """Return a length of time."""
    return timedelta(milliseconds=round(milliseconds))


def connect(world: World, time: datetime, source: str) -> None:
    """Log an inbound RDP connection."""
    world.log(time, f"{RDP}/Operational", RDP, 131, {"ConnType": "TCP", "ClientIP": f"{source}:{world.port()}"})


def fail(world: World, time: datetime, source: str, user: str, client: str, *, exists: bool) -> None:
    """Log a wrong password under network-level authentication: the Security log names no address, RdpCoreTS no account."""
    connect(world, time, source)
    world.security(
        time + ms(640),
        4625,
        SubjectUserSid="S-1-0-0", SubjectUserName="-", SubjectDomainName="-", SubjectLogonId="0x0", TargetUserSid="S-1-0-0",
        TargetUserName=user, TargetDomainName="", Status="0xc000006d", FailureReason="%%2313", SubStatus="0xc000006a" if exists else "0xc0000064",
        LogonType=3, LogonProcessName="NtLmSsp ", AuthenticationPackageName="NTLM", WorkstationName=client, TransmittedServices="-",
        LmPackageName="-", KeyLength=0, ProcessId="0x0", ProcessName="-", IpAddress="-", IpPort="-",
    )  # fmt: skip
    world.log(time + ms(652), f"{RDP}/Operational", RDP, 140, {"IPString": source})


@dataclass(frozen=True, slots=True)
class Session:
    """An RDP session: who, from where, under which logon and terminal-services ids."""

    user: str
    source: str
    logon: str
    twin: str
    number: int


def logon(world: World, time: datetime, user: str, source: str, client: str, logon_type: int, logon_id: str, linked: str, elevated: str) -> None:
    """Log one 4624."""
    remote = logon_type == 10
    subject = SYSTEM if remote else ("S-1-0-0", "-", "-", "0x0")
    world.security(
        time,
        4624,
        SubjectUserSid=subject[0], SubjectUserName=subject[1], SubjectDomainName=subject[2], SubjectLogonId=subject[3],
        TargetUserSid=SIDS[user], TargetUserName=user, TargetDomainName=DOMAIN, TargetLogonId=logon_id, LogonType=logon_type,
        LogonProcessName="User32 " if remote else "NtLmSsp ", AuthenticationPackageName="Negotiate" if remote else "NTLM",
        WorkstationName=SHORT if remote else client, LogonGuid="00000000-0000-0000-0000-000000000000", TransmittedServices="-",
        LmPackageName="-" if remote else "NTLM V2", KeyLength=0 if remote else 128, ProcessId="0x4f8" if remote else "0x0",
        ProcessName="C:\\Windows\\System32\\svchost.exe" if remote else "-", IpAddress=source, IpPort="0", ImpersonationLevel="%%1833",
        RestrictedAdminMode="%%1843" if remote else "-", TargetOutboundUserName="-", TargetOutboundDomainName="-", VirtualAccount="%%1843",
        TargetLinkedLogonId=linked, ElevatedToken=elevated,
    )  # fmt: skip


def enter(world: World, time: datetime, user: str, source: str, client: str) -> Session:
    """Log an accepted RDP logon with everything Windows writes of it."""
    connect(world, time, source)
    world.session += 1
    first, session, twin = world.logon_id(), world.logon_id(), world.logon_id()
    logon(world, time + ms(520), user, source, client, 3, first, "0x0", "%%1842")
    world.security(time + ms(560), 4634, TargetUserSid=SIDS[user], TargetUserName=user, TargetDomainName=DOMAIN, TargetLogonId=first, LogonType=3)
    called = {"Param1": user, "Param2": DOMAIN, "Param3": source}
    world.log(time + ms(840), f"{CALLS}/Operational", CALLS, 1149, {"EventXML": called})
    logon(world, time + ms(1_930), user, source, client, 10, session, twin, "%%1842")
    logon(world, time + ms(1_931), user, source, client, 10, twin, session, "%%1843")
    rights = "SeSecurityPrivilege\n\t\t\tSeBackupPrivilege\n\t\t\tSeRestorePrivilege\n\t\t\tSeDebugPrivilege"
    world.security(
        time + ms(1_932),
        4672,
        SubjectUserSid=SIDS[user],
        SubjectUserName=user,
        SubjectDomainName=DOMAIN,
        SubjectLogonId=session,
        PrivilegeList=rights,
    )
    who = {"User": f"{DOMAIN}\\{user}", "SessionID": world.session, "Address": source}
    for event_id, after in ((21, 2_410), (22, 3_020)):
        world.log(time + ms(after), f"{SESSIONS}/Operational", SESSIONS, event_id, {"EventXML": who})
    return Session(user, source, session, twin, world.session)


def leave(world: World, session: Session, time: datetime) -> None:
    """Log the end of an RDP session."""
    who = {"User": f"{DOMAIN}\\{session.user}", "SessionID": session.number}
    world.log(time, f"{SESSIONS}/Operational", SESSIONS, 23, {"EventXML": who})
    world.log(time + ms(20), f"{SESSIONS}/Operational", SESSIONS, 24, {"EventXML": who | {"Address": session.source}})
    for logon_id in (session.logon, session.twin):
        world.security(
            time + ms(90),
            4634,
            TargetUserSid=SIDS[session.user],
            TargetUserName=session.user,
            TargetDomainName=DOMAIN,
            TargetLogonId=logon_id,
            LogonType=10,
        )


def run(world: World, session: Session, time: datetime, image: str, command: str, parent: str = "C:\\Windows\\System32\\cmd.exe") -> None:
    """Log a process."""
    world.security(
        time,
        4688,
        SubjectUserSid=SIDS[session.user], SubjectUserName=session.user, SubjectDomainName=DOMAIN, SubjectLogonId=session.logon,
        NewProcessId=f"0x{world.rng.randint(0x800, 0x3000):x}", NewProcessName=image, TokenElevationType="%%1937",
        ProcessId=f"0x{world.rng.randint(0x800, 0x3000):x}", CommandLine=command, TargetUserSid="S-1-0-0", TargetUserName="-",
        TargetDomainName="-", TargetLogonId="0x0", ParentProcessName=parent, MandatoryLabel="S-1-16-12288",
    )  # fmt: skip


def guess(world: World) -> None:
    """The noise of the internet: single tries of many names from many addresses."""
    sources = [f"203.0.113.{n}" for n in range(101, 140, 3)] + [f"198.51.100.{n}" for n in range(110, 150, 5)]
    time = FIRST
    while time < datetime(2026, 1, 4, 6, 0, tzinfo=UTC):
        source = world.rng.choice(sources)
        for _ in range(world.rng.choice((1, 1, 2, 4))):
            fail(world, time, source, world.rng.choice(NAMES), world.rng.choice(("DESKTOP-7F3K2", "WIN-8QO1", "kali")), exists=False)
            time += ms(world.rng.uniform(21_000, 55_000))
        time += ms(world.rng.expovariate(1 / 3_900_000))


def work(world: World) -> None:
    """Ann administers the host from the office."""
    for day in (29, 30, 31):
        time = datetime(2025, 12, day, 8, world.rng.randint(3, 40), 12, tzinfo=UTC)
        session = enter(world, time, "ann", OFFICE, "NB-ANN")
        run(
            world,
            session,
            time + timedelta(minutes=2),
            "C:\\Windows\\System32\\mmc.exe",
            '"C:\\Windows\\system32\\mmc.exe" "C:\\Windows\\system32\\eventvwr.msc"',
        )
        leave(world, session, time + timedelta(minutes=25))


def intrude(world: World) -> None:
    """Saturday, 3 January: after gate01 the same address tries rds01; the password of the service account fits here too."""
    time = ENTRY - timedelta(minutes=4, seconds=30)
    for user in ("administrator", "administrator", "admin", "ann", "ann", VICTIM):
        fail(world, time, GUESSER, user, "kali", exists=user in SIDS or user == "administrator")
        time += ms(world.rng.uniform(31_000, 46_000))
    session = enter(world, ENTRY, VICTIM, GUESSER, "kali")

    def at(minutes: int, seconds: float) -> datetime:
        return ENTRY + timedelta(minutes=minutes, seconds=seconds)

    shell = "C:\\Windows\\System32\\cmd.exe"
    run(world, session, at(1, 2), shell, '"C:\\Windows\\system32\\cmd.exe"', "C:\\Windows\\explorer.exe")
    run(world, session, at(1, 20), "C:\\Windows\\System32\\whoami.exe", "whoami  /all")
    run(world, session, at(3, 41), "C:\\Windows\\System32\\tasklist.exe", 'tasklist  /fi "imagename eq lsass.exe"')
    dump = "C:\\Windows\\System32\\rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 684 C:\\ProgramData\\s.bin full"
    run(world, session, at(4, 8), "C:\\Windows\\System32\\rundll32.exe", dump)
    access = {
        "RuleName": "-", "UtcTime": at(4, 8.2).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3], "SourceProcessId": 5120, "SourceThreadId": 5124,
        "SourceImage": "C:\\Windows\\System32\\rundll32.exe", "TargetProcessId": 684, "TargetImage": "C:\\Windows\\system32\\lsass.exe",
        "GrantedAccess": "0x1fffff", "CallTrace": "C:\\Windows\\SYSTEM32\\ntdll.dll+9d4c4|C:\\Windows\\System32\\comsvcs.dll+2c14f",
        "SourceUser": f"{DOMAIN}\\{VICTIM}", "TargetUser": "NT AUTHORITY\\SYSTEM",
    }  # fmt: skip
    world.log(at(4, 8.2), f"{SYSMON}/Operational", SYSMON, 10, access)
    run(world, session, at(7, 30), "C:\\Windows\\System32\\net.exe", f"net  user {NEW_ACCOUNT} ******** /add")
    subject = {"SubjectUserSid": SIDS[VICTIM], "SubjectUserName": VICTIM, "SubjectDomainName": DOMAIN, "SubjectLogonId": session.logon}
    world.security(
        at(7, 30.3), 4720, TargetUserName=NEW_ACCOUNT, TargetDomainName=SHORT, TargetSid=SIDS[NEW_ACCOUNT], **subject, PrivilegeList="-",
        SamAccountName=NEW_ACCOUNT, DisplayName="%%1793", UserPrincipalName="-", PrimaryGroupId="513", OldUacValue="0x0", NewUacValue="0x15",
    )  # fmt: skip
    run(world, session, at(7, 52), "C:\\Windows\\System32\\net.exe", f'net  localgroup "Remote Desktop Users" {NEW_ACCOUNT} /add')
    world.security(
        at(7, 52.2), 4732, MemberName="-", MemberSid=SIDS[NEW_ACCOUNT], TargetUserName="Remote Desktop Users", TargetDomainName="Builtin",
        TargetSid="S-1-5-32-555", **subject, PrivilegeList="-",
    )  # fmt: skip
    world.security(
        at(12, 15), 4648, **subject, LogonGuid="00000000-0000-0000-0000-000000000000", TargetUserName="administrator", TargetDomainName=DOMAIN,
        TargetLogonGuid="00000000-0000-0000-0000-000000000000", TargetServerName="fs01.vienna.example", TargetInfo="TERMSRV/fs01.vienna.example",
        ProcessId="0x1a10", ProcessName="C:\\Windows\\System32\\mstsc.exe", IpAddress="-", IpPort="-",
    )  # fmt: skip
    leave(world, session, at(38, 40))


def build() -> bytes:
    """Return the file."""
    world = World()
    guess(world)
    work(world)
    intrude(world)
    numbers: dict[str, int] = {}
    lines = []
    for time, _, channel, provider, event_id, data in sorted(world.events, key=lambda event: event[:2]):
        numbers[channel] = numbers.get(channel, {"Security": 88_410}.get(channel, 1_200)) + 1
        system = {
            "Provider": {"#attributes": {"Name": provider}},
            "EventID": event_id,
            "TimeCreated": {"#attributes": {"SystemTime": time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}},
            "EventRecordID": numbers[channel],
            "Execution": {"#attributes": {"ProcessID": 684 if channel == "Security" else 1208, "ThreadID": 720}},
            "Channel": channel,
            "Computer": COMPUTER,
            "Security": None,
        }
        body = {"UserData": data} if "EventXML" in data else {"EventData": data}
        lines.append(json.dumps({"Event": {"System": system, **body}}, separators=(",", ":")))
    return "".join(f"{line}\n" for line in lines).encode()


def main() -> int:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare with the file that is there; exit 1 when it differs")
    data = build()
    if parser.parse_args().check:
        same = FILE.exists() and FILE.read_bytes() == data
        print(f"{'same' if same else 'DIFFERS'}  {FILE.name}")
        return 0 if same else 1
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_bytes(data)
    print(f"{len(data):8d}  {FILE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
