"""One failed logon in the clothes of every export and agent; written by us, with documentation addresses."""

from __future__ import annotations

import csv
import io
import json
from xml.sax.saxutils import escape

PROVIDER = "Microsoft-Windows-Security-Auditing"
SCHEMA = "http://schemas.microsoft.com/win/2004/08/events/event"
DATA = {
    "SubjectUserSid": "S-1-0-0",
    "SubjectUserName": "-",
    "SubjectDomainName": "-",
    "SubjectLogonId": "0x0",
    "TargetUserSid": "S-1-0-0",
    "TargetUserName": "bob",
    "TargetDomainName": "CORP",
    "Status": "0xc000006d",
    "FailureReason": "%%2313",
    "SubStatus": "0xc000006a",
    "LogonType": "3",
    "LogonProcessName": "NtLmSsp",
    "AuthenticationPackageName": "NTLM",
    "WorkstationName": "KALI",
    "TransmittedServices": "-",
    "LmPackageName": "-",
    "KeyLength": "0",
    "ProcessId": "0x0",
    "ProcessName": "-",
    "IpAddress": "203.0.113.77",
    "IpPort": "50022",
}


def rendered(data: dict[str, str] = DATA) -> str:
    """Return the event as Event Viewer shows it."""
    return (
        "An account failed to log on.\r\n\r\nSubject:\r\n"
        f"\tSecurity ID:\t\t{data['SubjectUserSid']}\r\n\tAccount Name:\t\t{data['SubjectUserName']}\r\n"
        f"\tAccount Domain:\t\t{data['SubjectDomainName']}\r\n\tLogon ID:\t\t{data['SubjectLogonId']}\r\n\r\n"
        f"Logon Type:\t\t\t{data['LogonType']}\r\n\r\nAccount For Which Logon Failed:\r\n"
        f"\tSecurity ID:\t\tNULL SID\r\n\tAccount Name:\t\t{data['TargetUserName']}\r\n\tAccount Domain:\t\t{data['TargetDomainName']}\r\n\r\n"
        "Failure Information:\r\n\tFailure Reason:\t\tUnknown user name or bad password.\r\n"
        f"\tStatus:\t\t\t{data['Status'].upper().replace('X', 'x')}\r\n\tSub Status:\t\t{data['SubStatus'].upper().replace('X', 'x')}\r\n\r\n"
        f"Process Information:\r\n\tCaller Process ID:\t{data['ProcessId']}\r\n\tCaller Process Name:\t{data['ProcessName']}\r\n\r\n"
        f"Network Information:\r\n\tWorkstation Name:\t{data['WorkstationName']}\r\n\tSource Network Address:\t{data['IpAddress']}\r\n"
        f"\tSource Port:\t\t{data['IpPort']}\r\n\r\nDetailed Authentication Information:\r\n\tLogon Process:\t\t{data['LogonProcessName']} \r\n"
        f"\tAuthentication Package:\t{data['AuthenticationPackageName']}\r\n\tTransited Services:\t-\r\n\tPackage Name (NTLM only):\t-\r\n"
        "\tKey Length:\t\t0\r\n\r\nThis event is generated when a logon request fails. It is generated on the computer.\r\n\r\n"
        "The Subject fields indicate the account on the local system which requested the logon."
    )


def flat(text: str) -> str:
    """Return *text* as an agent joins its lines."""
    return text.replace("\r\n", " ").replace("\t", " ")


def xml(data: dict[str, str] = DATA, *, quote: str = '"', prefix: str = "", message: str | None = None, number: int = 7) -> str:
    """Return the event as XML."""
    p = f"{prefix}:" if prefix else ""
    space = f" xmlns{':' + prefix if prefix else ''}={quote}{SCHEMA}{quote}"
    body = "".join(f"<{p}Data Name={quote}{name}{quote}>{escape(value)}</{p}Data>" for name, value in data.items())
    info = f"<{p}RenderingInfo Culture={quote}en-US{quote}><{p}Message>{escape(message)}</{p}Message></{p}RenderingInfo>" if message else ""
    return (
        f"<{p}Event{space}><{p}System><{p}Provider Name={quote}{PROVIDER}{quote} Guid={quote}{{54849625-5478-4994-a5ba-3e3b0328c30d}}{quote}/>"
        f"<{p}EventID>4625</{p}EventID><{p}Version>0</{p}Version><{p}Level>0</{p}Level>"
        f"<{p}TimeCreated SystemTime={quote}2026-01-25T12:00:00.1234567Z{quote}/><{p}EventRecordID>{number}</{p}EventRecordID>"
        f"<{p}Correlation ActivityID={quote}{{31491FB2-5B07-0001-4D20-4931075BD801}}{quote}/>"
        f"<{p}Execution ProcessID={quote}712{quote} ThreadID={quote}3{quote}/><{p}Channel>Security</{p}Channel>"
        f"<{p}Computer>ws01.corp.example</{p}Computer><{p}Security/></{p}System><{p}EventData>{body}</{p}EventData>{info}</{p}Event>"
    )


def table(*rows: list[str]) -> bytes:
    """Return *rows* as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


# fmt: off
EVTXECMD = [
    "RecordNumber", "EventRecordId", "TimeCreated", "EventId", "Level", "Provider", "Channel", "ProcessId", "ThreadId", "Computer", "ChunkNumber",
    "UserId", "MapDescription", "UserName", "RemoteHost", "PayloadData1", "PayloadData2", "PayloadData3", "PayloadData4", "PayloadData5",
    "PayloadData6", "ExecutableInfo", "HiddenRecord", "SourceFile", "Keywords", "ExtraDataOffset", "Payload",
]
# fmt: on


def payload(data: dict[str, str] = DATA) -> str:
    """Return the data as EvtxECmd writes them."""
    return json.dumps({"EventData": {"Data": [{"@Name": name, "#text": value} for name, value in data.items()]}})


def evtxecmd(body: str | None = None, number: str = "4625", channel: str = "Security", provider: str = PROVIDER) -> list[str]:
    """Return the event as a row of EvtxECmd."""
    row = dict.fromkeys(EVTXECMD, "")
    row |= {"RecordNumber": "1", "EventRecordId": "7", "TimeCreated": "2026-01-25 12:00:00.1234567", "EventId": number, "Level": "LogAlways"}
    row |= {"Provider": provider, "Channel": channel, "ProcessId": "712", "Computer": "ws01.corp.example", "HiddenRecord": "False"}
    row["Payload"] = payload() if body is None else body
    return [row[name] for name in EVTXECMD]
