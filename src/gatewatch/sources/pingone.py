"""PingOne's audit events: passwords and second factors that were checked, users and roles that were changed.

::

    {"recordedAt": "2026-03-02T08:15:00.123Z", "action": {"type": "PASSWORD.CHECK_FAILED"}, "result": {"status": "FAILED"},
     "actors": {"user": {"name": "ann@corp.example"}}, "source": {"ipAddress": "203.0.113.9"}}

``PASSWORD.CHECK_…`` is the logon, ``OTP.CHECK_…`` its second factor, by the status of the result; others than those below are ignored. An event
without the address of its source has none.
References: https://docs.pingidentity.com/pingone/settings/p1_audit_reporting_events.html.
"""

from __future__ import annotations

from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, mapping, said

HOST = "pingone"
NO_TYPE = "no event type"
_IDLE = "says nothing of remote access"
_CHANGES = {
    "USER.CREATED": "user-created",
    "USER.DELETED": "user-deleted",
    "USER.LOCKED": "account-locked",
    "USER.UNLOCKED": "account-unlocked",
    "PASSWORD.RESET": "password-changed-by-other",
    "PASSWORD.CHANGED": "password-changed",
    "ROLE_ASSIGNMENT.CREATED": "role-member-added",
    "ROLE_ASSIGNMENT.DELETED": "role-member-removed",
    "DEVICE.CREATED": "mfa-method-added",
    "DEVICE.DELETED": "mfa-method-removed",
}


class _Result(Part):
    status: Any = None
    description: Any = None


class _Event(Part):
    id: Any = None
    recordedAt: Any = None  # noqa: N815 - PingOne's name
    createdAt: Any = None  # noqa: N815 - likewise
    action: Any = None
    actors: Any = None
    resources: Any = None
    result: _Result | None = None
    source: Any = None
    ipAddress: Any = None  # noqa: N815 - likewise


def _read(event: _Event) -> Made:
    action = said(mapping(event.action).get("type"))
    if action is None:
        raise Unreadable(NO_TYPE)
    actors = mapping(event.actors)
    status = str(event.result.status if event.result is not None else "").upper()
    targets = [one for one in event.resources if isinstance(one, dict)] if isinstance(event.resources, list) else []
    target = next((said(one.get("name")) for one in targets if one.get("type") == "USER"), None)
    made: dict[str, Any] = {
        "time": said(event.recordedAt) or event.createdAt,
        "host": HOST,
        "user": said(mapping(actors.get("user")).get("name")),
        "src_ip": said(mapping(event.source).get("ipAddress")) or said(event.ipAddress),
        "object": said(mapping(actors.get("client")).get("name")),
        "extra": {"action": action, "status": status or None, "description": event.result.description if event.result is not None else None},
    }
    known = _meaning(action, status)
    if known is None:
        return _IDLE
    made |= known
    if made["kind"] is Kind.ACCOUNT_CHANGE:
        made["target_user"] = target
    else:
        made["user"] = target if made["user"] is None else made["user"]
    return made


def _meaning(action: str, status: str) -> dict[str, Any] | None:
    """Return kind and pattern of what was checked or changed; None where it is nothing we read."""
    if action in {"PASSWORD.CHECK_SUCCEEDED", "PASSWORD.CHECK_FAILED"}:
        good = action.endswith("SUCCEEDED")
        if good is not (status == "SUCCESS"):
            return None
        kind, pattern = (Kind.AUTH_SUCCESS, "login") if good else (Kind.AUTH_FAILURE, "login-failed")
        return {"kind": kind, "pattern": pattern, "auth_method": AuthMethod.PASSWORD}
    if action in {"OTP.CHECK_SUCCEEDED", "OTP.CHECK_SUCCESS"}:
        return {"kind": Kind.MFA_OK, "pattern": "factor-accepted", "mfa": Mfa.YES}
    if action in {"OTP.CHECK_FAILED", "OTP.CHECK_INVALID"}:
        return {"kind": Kind.MFA_DENIED, "pattern": "factor-refused"}
    if action in _CHANGES and status == "SUCCESS":
        return {"kind": Kind.ACCOUNT_CHANGE, "pattern": _CHANGES[action]}
    return None


SOURCE = DocumentSource(
    name="pingone",
    title="PingOne audit events",
    programs=("pingone",),
    shape=_Event,
    read=_read,
    essential="action",
    service=Service.IDP,
    references=("https://docs.pingidentity.com/pingone/settings/p1_audit_reporting_events.html",),
)
