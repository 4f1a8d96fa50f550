"""Event logs of a Windows host as JSON lines, as winlogbeat ships them or as a dump of the .evtx files.

``{"@timestamp":"2026-03-02T08:15:00.123Z","winlog":{"channel":"Security","event_id":"4624",…,"event_data":{"TargetUserName":"ann",…}}}``
``{"Event":{"System":{"EventID":4624,"Channel":"Security","Computer":"rds01.corp.example",…},"EventData":{…}}}``

Security, System, TerminalServices-RemoteConnectionManager, -LocalSessionManager and RdpCoreTS. Sources: Microsoft's page per event, EvtxECmd's
maps; what a logon under network-level authentication leaves behind: ponderthebits.com (2018-02), purerds.org.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from gatewatch.lab.moment import MS, iso_z
from gatewatch.lab.organisation import Host
from gatewatch.lab.stage import Stage
from gatewatch.lab.stream import Fact
from gatewatch.lab.writer.device import Device, Entry, bracketed

NETBIOS = "CORP"
_AUDIT = "Microsoft-Windows-Security-Auditing"
_CORE = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS"
_CALL = "Microsoft-Windows-TerminalServices-RemoteConnectionManager"
_SESSION = "Microsoft-Windows-TerminalServices-LocalSessionManager"
_GUID = "00000000-0000-0000-0000-000000000000"
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Windows(Device):
    """The event logs of one host."""

    format: ClassVar[str] = "windows"

    def __init__(self, stage: Stage, host: Host) -> None:
        super().__init__(stage, host)
        self.beat = not host.name.startswith(("rds02", "srv02"))
        self.log = stage.stream(f"{host.name}/{'winlogbeat.ndjson' if self.beat else 'events.jsonl'}", rotate=7)
        self.logons = 0x100000 + self.rng.randint(0, 0x8000)
        self.sessions = 1

    def sid(self, user: str) -> str:
        """Return the security id of a user."""
        return f"S-1-5-21-1004336348-1177238915-682003330-{1100 + sum(user.encode()) * 7 % 7000}"

    def logon_id(self) -> str:
        """Return a fresh logon id."""
        self.logons += self.rng.randint(0x300, 0x4000)
        return f"0x{self.logons:x}"

    def event(
        self,
        time: int,
        channel: str,
        provider: str,
        number: int,
        data: dict[str, Any],
        mark: int = 0,
        fact: Fact | None = None,
        *,
        user_data: bool = False,
    ) -> None:
        """Add an event."""
        at = iso_z(time + self.host.skew)
        if self.beat:
            data = {key: str(value) for key, value in data.items()}
            body = {"user_data": data | {"xml_name": "EventXML"}} if user_data else {"event_data": data}
            log = {
                "channel": channel,
                "computer_name": self.host.name,
                "event_id": str(number),
                "provider_name": provider,
                "record_id": "@RID@",
                **body,
            }
            text = _encode({"@timestamp": f"{at[:23]}Z", "event": {"code": str(number), "kind": "event", "provider": provider}, "winlog": log})
        else:
            system = {
                "Provider": {"#attributes": {"Name": provider}}, "EventID": number, "TimeCreated": {"#attributes": {"SystemTime": at}},
                "EventRecordID": "@RID@", "Channel": channel, "Computer": self.host.name, "Security": None,
            }  # fmt: skip
            text = _encode({"Event": {"System": system, **({"UserData": {"EventXML": data}} if user_data else {"EventData": data})}})
        self.log.say(time, text.replace('"@RID@"', "@RID@"), mark, fact)

    def security(self, time: int, number: int, data: dict[str, Any], mark: int = 0, fact: Fact | None = None) -> None:
        """Add an event of the Security log."""
        self.event(time, "Security", _AUDIT, number, data, mark, fact)

    def connect(self, time: int, src: str, mark: int = 0) -> None:
        """Say an inbound RDP connection."""
        self.event(
            time,
            f"{_CORE}/Operational",
            _CORE,
            131,
            {"ConnType": "TCP", "ClientIP": f"{bracketed(src)}:{self.rng.randint(49_200, 65_500)}"},
            mark,
            ("connection", None, src),
        )

    def fail(self, time: int, user: str, src: str, client: str, *, exists: bool = True, mark: int = 0) -> None:
        """Say a wrong password over RDP with network-level authentication: one log has the name, another the address."""
        self.connect(time, src, mark)
        data = {
            "SubjectUserSid": "S-1-0-0", "SubjectUserName": "-", "SubjectDomainName": "-", "SubjectLogonId": "0x0", "TargetUserSid": "S-1-0-0",
            "TargetUserName": user, "TargetDomainName": NETBIOS, "Status": "0xc000006d", "FailureReason": "%%2313",
            "SubStatus": "0xc000006a" if exists else "0xc0000064", "LogonType": 3, "LogonProcessName": "NtLmSsp ",
            "AuthenticationPackageName": "NTLM", "WorkstationName": client, "TransmittedServices": "-", "LmPackageName": "-", "KeyLength": 0,
            "ProcessId": "0x0", "ProcessName": "-", "IpAddress": "-", "IpPort": "-",
        }  # fmt: skip
        self.security(time + 600 * MS, 4625, data, mark, ("auth_failure", user, None))
        self.event(time + 612 * MS, f"{_CORE}/Operational", _CORE, 140, {"IPString": src}, mark, ("auth_failure", None, src))

    def _logon(self, time: int, user: str, src: str, client: str, kind: int, logon: str, linked: str, elevated: bool, mark: int) -> None:
        own = kind != 3
        data = {
            "SubjectUserSid": "S-1-5-18" if own else "S-1-0-0", "SubjectUserName": f"{self.short.upper()}$" if own else "-",
            "SubjectDomainName": NETBIOS if own else "-", "SubjectLogonId": "0x3e7" if own else "0x0", "TargetUserSid": self.sid(user),
            "TargetUserName": user, "TargetDomainName": NETBIOS, "TargetLogonId": logon, "LogonType": kind,
            "LogonProcessName": "User32 " if own else "NtLmSsp ", "AuthenticationPackageName": "Negotiate" if own else "NTLM",
            "WorkstationName": self.short.upper() if own else client, "LogonGuid": _GUID, "TransmittedServices": "-",
            "LmPackageName": "-" if own else "NTLM V2", "KeyLength": 0 if own else 128, "ProcessId": "0x4f8" if own else "0x0",
            "ProcessName": "C:\\Windows\\System32\\svchost.exe" if own else "-", "IpAddress": src, "IpPort": "0",
            "ImpersonationLevel": "%%1833", "RestrictedAdminMode": "%%1843" if own else "-", "TargetOutboundUserName": "-",
            "TargetOutboundDomainName": "-", "VirtualAccount": "%%1843", "TargetLinkedLogonId": linked,
            "ElevatedToken": "%%1842" if elevated else "%%1843",
        }  # fmt: skip
        self.security(time, 4624, data, mark, ("auth_success", user, src))

    def enter(self, time: int, user: str, src: str, client: str, *, admin: bool = False, again: Entry | None = None, mark: int = 0) -> Entry:
        """Say an accepted RDP logon, or the return to a session that was left open."""
        self.connect(time, src, mark)
        first, logon, twin = self.logon_id(), self.logon_id(), self.logon_id()
        if again is None:
            self.sessions += 1
        number = self.sessions if again is None else again.number
        self._logon(time + 500 * MS, user, src, client, 3, first, "0x0", elevated=True, mark=mark)
        ended = {"TargetUserSid": self.sid(user), "TargetUserName": user, "TargetDomainName": NETBIOS, "TargetLogonId": first, "LogonType": 3}
        self.security(time + 540 * MS, 4634, ended, mark)
        called = {"Param1": user, "Param2": NETBIOS, "Param3": src}
        self.event(time + 800 * MS, f"{_CALL}/Operational", _CALL, 1149, called, mark, user_data=True)
        kind = 10 if again is None else 7
        self._logon(time + 1_900 * MS, user, src, client, kind, logon, twin if admin else "0x0", elevated=admin, mark=mark)
        if admin:
            self._logon(time + 1_901 * MS, user, src, client, kind, twin, logon, elevated=False, mark=mark)
            rights = {"SubjectUserSid": self.sid(user), "SubjectUserName": user, "SubjectDomainName": NETBIOS, "SubjectLogonId": logon}
            self.security(
                time + 1_902 * MS, 4672, rights | {"PrivilegeList": "SeSecurityPrivilege\n\t\t\tSeBackupPrivilege\n\t\t\tSeDebugPrivilege"}, mark
            )
        who = {"User": f"{NETBIOS}\\{user}", "SessionID": number, "Address": src}
        for event, after in ((21, 2_400), (22, 3_000)) if again is None else ((25, 2_400),):
            self.event(time + after * MS, f"{_SESSION}/Operational", _SESSION, event, who, mark, user_data=True)
        if again is not None:
            back = {"AccountName": user, "AccountDomain": NETBIOS, "LogonID": again.id, "SessionName": f"RDP-Tcp#{number}"}
            self.security(time + 2_420 * MS, 4778, back | {"ClientName": client, "ClientAddress": src}, mark)
        return Entry(self.host.name, user, src, time, logon, twin=twin if admin else "", number=number)

    def suspend(self, time: int, entry: Entry, mark: int = 0) -> None:
        """Say a disconnection that leaves the session open."""
        who = {"User": f"{NETBIOS}\\{entry.user}", "SessionID": entry.number, "Address": entry.source}
        self.event(time, f"{_SESSION}/Operational", _SESSION, 24, who, mark, user_data=True)
        gone = {"AccountName": entry.user, "AccountDomain": NETBIOS, "LogonID": entry.id, "SessionName": f"RDP-Tcp#{entry.number}"}
        self.security(time + 20 * MS, 4779, gone | {"ClientName": entry.tty or "-", "ClientAddress": entry.source}, mark)

    def leave(self, time: int, entry: Entry, mark: int = 0) -> None:
        """Say the end of an RDP session."""
        entry.open = False
        who = {"User": f"{NETBIOS}\\{entry.user}", "SessionID": entry.number}
        self.event(time, f"{_SESSION}/Operational", _SESSION, 23, who, mark, user_data=True)
        self.event(time + 20 * MS, f"{_SESSION}/Operational", _SESSION, 24, who | {"Address": entry.source}, mark, user_data=True)
        for logon in filter(None, (entry.id, entry.twin)):
            data = {"TargetUserSid": self.sid(entry.user), "TargetUserName": entry.user, "TargetDomainName": NETBIOS, "TargetLogonId": logon}
            self.security(time + 90 * MS, 4634, data | {"LogonType": 10}, mark)

    def network(self, time: int, user: str, src: str, client: str, mark: int = 0) -> Entry:
        """Say a network logon (file share, remote management)."""
        logon = self.logon_id()
        self._logon(time, user, src, client, 3, logon, "0x0", elevated=False, mark=mark)
        return Entry(self.host.name, user, src, time, logon)

    def share(self, time: int, entry: Entry, share: str, mark: int = 0) -> None:
        """Say the use of a file share."""
        data = self._subject(entry) | {"ObjectType": "File", "IpAddress": entry.source, "IpPort": str(self.rng.randint(49_200, 65_500))}
        data |= {"ShareName": f"\\\\*\\{share}", "ShareLocalPath": "\\??\\C:\\Windows" if share == "ADMIN$" else f"\\??\\D:\\{share}"}
        self.security(time, 5140, data | {"AccessMask": "0x1", "AccessList": "%%4416"}, mark)

    def _subject(self, entry: Entry) -> dict[str, Any]:
        return {"SubjectUserSid": self.sid(entry.user), "SubjectUserName": entry.user, "SubjectDomainName": NETBIOS, "SubjectLogonId": entry.id}

    def process(self, time: int, entry: Entry, command: str, mark: int = 0, parent: str = "C:\\Windows\\explorer.exe") -> None:
        """Say a process with its command line."""
        image = command[1:].partition('"')[0] if command.startswith('"') else command.partition(" ")[0]
        if "\\" not in image:
            image = f"C:\\Windows\\System32\\{image}{'' if image.lower().endswith('.exe') else '.exe'}"
        data = self._subject(entry) | {
            "NewProcessId": f"0x{self.rng.randint(0x800, 0x3000):x}", "NewProcessName": image, "TokenElevationType": "%%1938",
            "ProcessId": f"0x{self.rng.randint(0x400, 0x3000):x}", "CommandLine": command, "TargetUserSid": "S-1-0-0", "TargetUserName": "-",
            "TargetDomainName": "-", "TargetLogonId": "0x0", "ParentProcessName": parent, "MandatoryLabel": "S-1-16-8192",
        }  # fmt: skip
        self.security(time, 4688, data, mark, ("exec", entry.user, None))

    def add_user(self, time: int, entry: Entry, name: str, mark: int = 0) -> None:
        """Say a new local account."""
        data = {"TargetUserName": name, "TargetDomainName": self.short.upper(), "TargetSid": self.sid(name)} | self._subject(entry)
        data |= {"PrivilegeList": "-", "SamAccountName": name, "DisplayName": "%%1793", "UserPrincipalName": "-", "PrimaryGroupId": "513"}
        self.security(time, 4720, data | {"OldUacValue": "0x0", "NewUacValue": "0x15"}, mark, ("account_change", entry.user, None))

    def add_member(self, time: int, entry: Entry, name: str, group: str, sid: str, mark: int = 0) -> None:
        """Say a new member of a local group."""
        data = {"MemberName": "-", "MemberSid": self.sid(name), "TargetUserName": group, "TargetDomainName": "Builtin", "TargetSid": sid}
        self.security(time, 4732, data | self._subject(entry) | {"PrivilegeList": "-"}, mark, ("account_change", entry.user, None))

    def service(self, time: int, entry: Entry, name: str, path: str, account: str, mark: int = 0) -> None:
        """Say a new service, in the System and the Security log."""
        kinds = {"ServiceType": "user mode service", "StartType": "auto start", "AccountName": account}
        self.event(
            time, "System", "Service Control Manager", 7045, {"ServiceName": name, "ImagePath": path} | kinds, mark, ("service_install", None, None)
        )
        data = self._subject(entry) | {"ServiceName": name, "ServiceFileName": path, "ServiceType": "0x10", "ServiceStartType": 2}
        self.security(time + 5 * MS, 4697, data | {"ServiceAccount": account}, mark)

    def task(self, time: int, entry: Entry, name: str, command: str, mark: int = 0) -> None:
        """Say a new scheduled task."""
        content = f'<?xml version="1.0" encoding="UTF-16"?><Task><Actions><Exec><Command>{command}</Command></Exec></Actions></Task>'
        self.security(time, 4698, self._subject(entry) | {"TaskName": f"\\{name}", "TaskContent": content}, mark)

    def explicit(self, time: int, entry: Entry, user: str, target: str, mark: int = 0) -> None:
        """Say a logon elsewhere with other credentials."""
        data = self._subject(entry) | {
            "LogonGuid": _GUID, "TargetUserName": user, "TargetDomainName": NETBIOS, "TargetLogonGuid": _GUID, "TargetServerName": target,
            "TargetInfo": f"TERMSRV/{target}", "ProcessId": "0x1a10", "ProcessName": "C:\\Windows\\System32\\mstsc.exe", "IpAddress": "-", "IpPort": "-",
        }  # fmt: skip
        self.security(time, 4648, data, mark)

    def clear(self, time: int, entry: Entry, mark: int = 0) -> None:
        """Say that the Security log was cleared."""
        data = self._subject(entry)
        self.event(time, "Security", "Microsoft-Windows-Eventlog", 1102, data, mark, ("log_cleared", entry.user, None), user_data=True)

    def validate(self, time: int, user: str, client: str, status: str, mark: int = 0) -> None:
        """Say a credential validation on a domain controller (no address)."""
        data = {"PackageName": "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0", "TargetUserName": user, "Workstation": client, "Status": status}
        self.security(time, 4776, data, mark)
