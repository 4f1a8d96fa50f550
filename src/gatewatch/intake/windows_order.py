"""Event data that come as values alone, in the order of the event's template: Fluent Bit's and fluentd's ``StringInserts``.

Where an agent leaves empty values out all that follow stand a place too early. So the number of values must be one that a version of the event has,
and security ids, numbers and addresses must look like such. References: "Advanced security audit policy settings", the XML of each event
(learn.microsoft.com).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SUBJECT = "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId"
_LOGON = f"{_SUBJECT} TargetUserSid TargetUserName TargetDomainName"
_ACCOUNT = f"TargetUserName TargetDomainName TargetSid {_SUBJECT}"
_MEMBER = f"MemberName MemberSid {_ACCOUNT} PrivilegeList"
_NETWORK = "ProcessId ProcessName IpAddress IpPort"
_PACKAGE = "LogonProcessName AuthenticationPackageName WorkstationName"
_ORDERS: tuple[tuple[tuple[int, ...], tuple[int, ...], str], ...] = (
    (
        (4624,),
        (20, 21, 26, 27, 28),
        f"{_LOGON} TargetLogonId LogonType {_PACKAGE} LogonGuid TransmittedServices LmPackageName KeyLength {_NETWORK}",
    ),
    (
        (4625,),
        (21,),
        f"{_LOGON} Status FailureReason SubStatus LogonType {_PACKAGE} TransmittedServices LmPackageName KeyLength {_NETWORK}",
    ),
    ((4634,), (5,), "TargetUserSid TargetUserName TargetDomainName TargetLogonId LogonType"),
    ((4647,), (4,), "TargetUserSid TargetUserName TargetDomainName TargetLogonId"),
    (
        (4648,),
        (14,),
        f"{_SUBJECT} LogonGuid TargetUserName TargetDomainName TargetLogonGuid TargetServerName TargetInfo {_NETWORK}",
    ),
    ((4672,), (5,), f"{_SUBJECT} PrivilegeList"),
    ((4688,), (9, 15), f"{_SUBJECT} NewProcessId NewProcessName TokenElevationType ProcessId CommandLine"),
    ((4722, 4724, 4725, 4740, 4767), (7,), _ACCOUNT),
    ((4723, 4726), (8,), f"{_ACCOUNT} PrivilegeList"),
    ((4728, 4729, 4732, 4733, 4756, 4757), (10,), _MEMBER),
    (
        (4768,),
        (14,),
        "TargetUserName TargetDomainName TargetSid ServiceName ServiceSid TicketOptions Status TicketEncryptionType PreAuthType IpAddress IpPort",
    ),
    (
        (4769,),
        (11,),
        "TargetUserName TargetDomainName ServiceName ServiceSid TicketOptions TicketEncryptionType IpAddress IpPort Status LogonGuid",
    ),
    ((4771,), (10,), "TargetUserName TargetSid ServiceName TicketOptions Status PreAuthType IpAddress IpPort"),
    ((4776,), (4,), "PackageName TargetUserName Workstation Status"),
    ((4778, 4779), (6,), "AccountName AccountDomain LogonID SessionName ClientName ClientAddress"),
)
_BY_ID = {number: (counts, tuple(names.split())) for numbers, counts, names in _ORDERS for number in numbers}
_LOOKS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (re.compile(r"Sid$"), re.compile(r"S-1-[0-9-]+|-?")),
    (re.compile(r"LogonI[dD]$|ProcessId$|Status$|TicketOptions$|EncryptionType$"), re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+|-")),
    (re.compile(r"LogonType$|KeyLength$|PreAuthType$"), re.compile(r"[0-9]{1,4}|-")),
    (re.compile(r"Port$"), re.compile(r"[0-9]{1,5}|-?")),
    (re.compile(r"Guid$"), re.compile(r"\{?[0-9a-fA-F-]{36}\}?|-?")),
    (re.compile(r"^(?:IpAddress|ClientAddress)$"), re.compile(r"[0-9a-fA-F:.%]*|-|LOCAL|::.*")),
)


def named(event_id: int, values: Sequence[object]) -> dict[str, str] | None:
    """Return *values* by their names; None where the event is not known or they are not all there.

    >>> named(4776, ["MICROSOFT_AUTHENTICATION_PACKAGE_V1_0", "ann", "WS7", "0x0"])["TargetUserName"]
    'ann'
    """
    counts, names = _BY_ID.get(event_id, ((), ()))
    if len(values) not in counts:
        return None
    made: dict[str, str] = {}
    for name, value in zip(names, values, strict=False):
        text = value if isinstance(value, str) else str(value) if isinstance(value, int) else None
        if text is None or any(of.search(name) and not look.fullmatch(text.strip()) for of, look in _LOOKS):
            return None
        made[name] = text
    return made
