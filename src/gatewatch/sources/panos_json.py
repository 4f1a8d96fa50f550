"""Palo Alto Networks GlobalProtect records as Strata Logging Service (Cortex Data Lake) forwards them: JSON with the columns of the device's rows.

::

    {"LogType": "GLOBALPROTECT", "TimeGenerated": "2026-03-02T08:15:00.000000Z", "EventIDValue": "gateway-auth", "EventStatus": "success", …}

They become what the rows do (:mod:`gatewatch.sources.panos`); types other than ``GLOBALPROTECT`` are not ours.

References: https://docs.paloaltonetworks.com/strata-logging-service/log-reference/network-logs/network-globalprotect-log
"""

from __future__ import annotations

from typing import Any

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, said
from gatewatch.sources.panos import METHODS, NOBODY

NO_EVENT = "no event"
COURSE = "a step of a connection without result"
_CONNECTED = frozenset({"gateway-connected", "gateway-setup-ssl", "gateway-setup-ipsec"})


class _Event(Part):
    EventIDValue: Any = None
    EventID: Any = None
    EventStatus: Any = None
    TimeGeneratedHighResolution: Any = None
    TimeGenerated: Any = None
    DeviceName: Any = None
    DeviceSN: Any = None
    SourceUserName: Any = None
    SourceUser: Any = None
    PublicIPv4: Any = None
    PublicIPv6: Any = None
    PrivateIPv4: Any = None
    PrivateIPv6: Any = None
    EndpointDeviceName: Any = None
    AuthMethod: Any = None
    ConnectionError: Any = None
    Description: Any = None
    Portal: Any = None
    TunnelType: Any = None
    Stage: Any = None
    CountOfRepeats: Any = None


def _what(event: str, status: str) -> tuple[Kind, str] | None:
    if event in {"gateway-auth", "portal-auth"} and status:
        if status != "success":
            return Kind.AUTH_FAILURE, "vpn-failed"
        return (Kind.AUTH_SUCCESS, "gateway-accepted") if event == "gateway-auth" else (Kind.SESSION_START, "portal-accepted")
    if event in _CONNECTED and status == "success":
        return Kind.SESSION_START, "connected"
    return (Kind.SESSION_END, "vpn-logout") if event == "gateway-logout" else None


def _address(*values: Any) -> str | None:
    return next((value for value in map(said, values) if value and value not in NOBODY), None)


def _read(event: _Event) -> Made:
    name = said(event.EventIDValue) or said(event.EventID)
    if name is None:
        raise Unreadable(NO_EVENT)
    status = said(event.EventStatus) or ""
    found = _what(name, status)
    if found is None:
        return COURSE
    kind, pattern = found
    user, peer = said(event.SourceUserName) or said(event.SourceUser), _address(event.PublicIPv4, event.PublicIPv6)
    method = said(event.AuthMethod)
    return {
        "kind": kind,
        "pattern": pattern,
        "time": said(event.TimeGeneratedHighResolution) or event.TimeGenerated,
        "host": said(event.DeviceName) or event.DeviceSN,
        "user": user,
        "src_ip": peer,
        "src_host": event.EndpointDeviceName,
        "assigned_ip": _address(event.PrivateIPv4, event.PrivateIPv6),
        "auth_method": METHODS.get(method) if method else None,
        "session": f"{user or ''}@{peer}" if peer else None,
        "object": said(event.ConnectionError) or said(event.Description),
        "count": event.CountOfRepeats or 1,
        "extra": {"portal": said(event.Portal), "tunnel_type": said(event.TunnelType), "stage": said(event.Stage)},
    }


SOURCE = DocumentSource(
    name="panos-json",
    title="Palo Alto Networks GlobalProtect (JSON of Strata Logging Service)",
    programs=("panos-json",),
    shape=_Event,
    read=_read,
    essential="EventIDValue",
    service=Service.VPN,
    references=("https://docs.paloaltonetworks.com/strata-logging-service/log-reference/network-logs/network-globalprotect-log",),
)
