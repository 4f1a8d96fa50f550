"""JumpCloud's Directory Insights: logons at its portals, over RADIUS and LDAP, at applications and on devices.

::

    {"event_type": "user_login_attempt", "timestamp": "2026-03-02T08:15:00.123Z", "success": false, "client_ip": "203.0.113.9",
     "initiated_by": {"type": "user", "username": "ann"}, "mfa": false, "service": "directory"}

===============================================================  ===================================================================
event                                                            becomes
===============================================================  ===================================================================
admin_login_attempt, user_login_attempt, login_attempt           ``auth_success`` or ``auth_failure``, as ``success`` says; ``mfa``
radius_auth_attempt, ldap_bind, radius_auth                      the same; ``client_ip`` of RADIUS and LDAP is the server that asks,
                                                                 no source
sso_auth                                                         ``session_start`` ``application-opened``; ``privilege_denied``
user_create, user_delete, user_lockout, user_mfa_…, admin_…      ``account_change``
===============================================================  ===================================================================

Reference: https://docs.jumpcloud.com/api/insights/directory/1.0/index.html
"""

from __future__ import annotations

from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, mapping, said

HOST = "jumpcloud"
NO_TYPE = "no event type"
NO_OUTCOME = "no outcome"
_IDLE = "says nothing of remote access"
_LOGINS = frozenset({"admin_login_attempt", "user_login_attempt", "login_attempt"})
_SERVERS = frozenset({"radius_auth_attempt", "radius_auth", "ldap_bind"})
_CHANGES = {
    "user_create": "user-created",
    "user_delete": "user-deleted",
    "user_suspended": "user-disabled",
    "user_lockout": "account-locked",
    "user_unlocked": "account-unlocked",
    "user_password_change": "password-changed",
    "user_admin_granted": "role-member-added",
    "user_mfa_exclude": "mfa-disabled",
    "admin_create": "user-created",
    "admin_delete": "user-deleted",
    "admin_totp_disable": "mfa-disabled",
}


class _Event(Part):
    id: Any = None
    event_type: Any = None
    timestamp: Any = None
    success: Any = None
    client_ip: Any = None
    src_ip: Any = None
    username: Any = None
    initiated_by: Any = None
    resource: Any = None
    mfa: Any = None
    service: Any = None
    system: Any = None
    application: Any = None
    error_message: Any = None
    auth_type: Any = None


def _read(event: _Event) -> Made:
    name = said(event.event_type)
    if name is None:
        raise Unreadable(NO_TYPE)
    who, thing, machine = mapping(event.initiated_by), mapping(event.resource), mapping(event.system)
    made: dict[str, Any] = {
        "time": event.timestamp,
        "host": said(machine.get("hostname")) or said(machine.get("displayName")) or HOST,
        "user": said(who.get("username")) or said(who.get("email")) or said(event.username),
        "src_ip": said(event.client_ip) or said(event.src_ip),
        "object": said(mapping(event.application).get("display_label")) or said(mapping(event.application).get("name")),
        "extra": {"event_type": name, "service": event.service, "error": event.error_message, "auth_type": event.auth_type, "id": event.id},
    }
    if name in _CHANGES:
        if event.success is False:
            return _IDLE
        target = said(thing.get("username")) or said(thing.get("email"))
        return made | {"kind": Kind.ACCOUNT_CHANGE, "pattern": _CHANGES[name], "target_user": target}
    if name not in _LOGINS and name not in _SERVERS and name != "sso_auth":
        return _IDLE
    if event.success.__class__ is not bool:
        raise Unreadable(NO_OUTCOME)
    if name == "sso_auth":
        kind, pattern = (Kind.SESSION_START, "application-opened") if event.success else (Kind.PRIVILEGE_DENIED, "application-refused")
        return made | {"kind": kind, "pattern": pattern}
    if name in _SERVERS:
        made["src_ip"] = None
        made["service"] = Service.VPN if name.startswith("radius") else Service.IDP
    kind, pattern = (Kind.AUTH_SUCCESS, "login") if event.success else (Kind.AUTH_FAILURE, "login-failed")
    made |= {"kind": kind, "pattern": pattern, "auth_method": AuthMethod.UNKNOWN}
    if event.success and event.mfa.__class__ is bool:
        made["mfa"] = Mfa.YES if event.mfa else Mfa.NO
    return made


SOURCE = DocumentSource(
    name="jumpcloud",
    title="JumpCloud Directory Insights",
    programs=("jumpcloud",),
    shape=_Event,
    read=_read,
    essential="event_type",
    service=Service.IDP,
    references=("https://docs.jumpcloud.com/api/insights/directory/1.0/index.html",),
)
