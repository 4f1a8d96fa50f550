r"""Logons that Microsoft Defender saw: the tables DeviceLogonEvents and IdentityLogonEvents of advanced hunting.

::

    {"category": "AdvancedHunting-DeviceLogonEvents", "properties": {"Timestamp": "2026-03-02T08:15:00.123Z", "ActionType": "LogonFailed",
     "LogonType": "RemoteInteractive", "AccountName": "ann", "AccountDomain": "corp", "DeviceName": "srv01", "RemoteIP": "203.0.113.9"}}

As the streaming interface sends them, as rows of Sentinel, or as the portal exports them (CSV). ``LogonSuccess`` is ``auth_success``, ``LogonFailed``
``auth_failure``; attempts, and logons of services and batch jobs, are ignored. The service is told by the type of the logon (``RemoteInteractive`` is
RDP) and by the program that let somebody in (``sshd``). Reference:
https://learn.microsoft.com/defender-xdr/advanced-hunting-devicelogonevents-table.
"""

from __future__ import annotations

from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, said

NO_ACTION = "no action"
_IDLE = "a logon of a service, or one that was only tried"
_OWN = frozenset({"service", "batch", "system", "cachedunlock", "unlock"})


class _Row(Part):
    Timestamp: Any = None
    TimeGenerated: Any = None
    ActionType: Any = None
    LogonType: Any = None
    AccountName: Any = None
    AccountDomain: Any = None
    AccountUpn: Any = None
    DeviceName: Any = None
    DestinationDeviceName: Any = None
    TargetDeviceName: Any = None
    RemoteIP: Any = None
    IPAddress: Any = None
    RemotePort: Any = None
    RemoteDeviceName: Any = None
    Application: Any = None
    Protocol: Any = None
    FailureReason: Any = None
    LogonId: Any = None
    InitiatingProcessFileName: Any = None


class _Event(_Row):
    properties: _Row | None = None


def _read(event: _Event) -> Made:
    row: _Row = event.properties or event
    action, type_ = said(row.ActionType), str(row.LogonType or "").lower()
    if action is None:
        raise Unreadable(NO_ACTION)
    good = {"logonsuccess": True, "logonfailed": False}.get(action.lower())
    if good is None or type_ in _OWN:
        return _IDLE
    source = said(row.RemoteIP) or said(row.IPAddress)
    identity = row.Application is not None or row.AccountUpn is not None
    host = (said(row.DestinationDeviceName) or said(row.TargetDeviceName) or said(row.Application)) if identity else said(row.DeviceName)
    program = str(row.InitiatingProcessFileName or "").lower()
    service = Service.SSH if program.startswith("sshd") else Service.RDP if type_ == "remoteinteractive" else Service.IDP if identity else None
    kind, pattern = (Kind.AUTH_SUCCESS, "logon") if good else (Kind.AUTH_FAILURE, "logon-failed")
    return {
        "kind": kind,
        "pattern": pattern,
        "time": said(row.Timestamp) or row.TimeGenerated,
        "service": service,
        "host": host,
        "user": said(row.AccountName) or said(row.AccountUpn),
        "user_domain": said(row.AccountDomain),
        "rhost": source,
        "src_port": row.RemotePort,
        "src_host": said(row.RemoteDeviceName) or (said(row.DeviceName) if identity else None),
        "auth_method": AuthMethod.UNKNOWN,
        "extra": {"LogonType": row.LogonType, "Protocol": row.Protocol, "FailureReason": row.FailureReason, "LogonId": row.LogonId},
    }


SOURCE = DocumentSource(
    name="defender-logon",
    title="Microsoft Defender: logons of devices and identities",
    programs=("defender-logon",),
    shape=_Event,
    read=_read,
    essential=("ActionType", "properties"),
    references=("https://learn.microsoft.com/defender-xdr/advanced-hunting-devicelogonevents-table",),
)
