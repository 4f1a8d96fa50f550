"""Auth0's tenant logs: logons, second factors, changes by the management API.

::

    {"log_id": "900…", "data": {"date": "2026-03-02T08:15:00.000Z", "type": "fp", "user_name": "ann@corp.example", "ip": "203.0.113.9",
     "description": "Wrong email or password."}}

Log streams wrap the event in ``data``; the API gives it bare. Types are listed at https://auth0.com/docs/deploy-monitor/logs/log-event-type-codes.
A call of the management API (``sapi``) is judged by its path, and is ``privilege_denied`` where its answer refuses it; a protection that the answer
shows switched off is ``attack-protection-disabled``. Other types are ignored.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, mapping, said

HOST = "auth0"
NO_TYPE = "no event type"
UNLISTED = "says nothing of remote access"
_P, _T, _U = AuthMethod.PASSWORD, AuthMethod.TOKEN, AuthMethod.UNKNOWN
_TYPES: dict[str, tuple[Kind, str, AuthMethod | None]] = {
    "s": (Kind.AUTH_SUCCESS, "login", _U),
    "sepft": (Kind.AUTH_SUCCESS, "login", _P),
    "scoa": (Kind.AUTH_SUCCESS, "login", _P),
    "f": (Kind.AUTH_FAILURE, "login-failed", _U),
    "fp": (Kind.AUTH_FAILURE, "login-failed", _P),
    "fu": (Kind.AUTH_FAILURE, "login-unknown-user", _P),
    "fepft": (Kind.AUTH_FAILURE, "login-failed", _P),
    "fcoa": (Kind.AUTH_FAILURE, "login-failed", _P),
    "limit_wc": (Kind.AUTH_FAILURE, "login-blocked", _P),
    "limit_mu": (Kind.CONNECTION_DENIED, "address-blocked", None),
    "limit_sul": (Kind.CONNECTION_DENIED, "address-blocked", None),
    "pwd_leak": (Kind.AUTH_STOPPED, "leaked-password", _P),
    "signup_pwd_leak": (Kind.CONNECTION_DENIED, "signup-with-leaked-password", None),
    "slo": (Kind.SESSION_END, "logout", None),
    "gd_auth_succeed": (Kind.MFA_OK, "factor-accepted", None),
    "gd_auth_failed": (Kind.MFA_DENIED, "factor-refused", None),
    "gd_auth_rejected": (Kind.MFA_DENIED, "factor-refused", None),
    "gd_otp_rate_limit_exceed": (Kind.MFA_DENIED, "factor-refused", None),
    "gd_send_pn": (Kind.MFA_CHALLENGE, "factor-sent", None),
    "gd_send_sms": (Kind.MFA_CHALLENGE, "factor-sent", None),
    "gd_send_email": (Kind.MFA_CHALLENGE, "factor-sent", None),
    "gd_enrollment_complete": (Kind.ACCOUNT_CHANGE, "mfa-method-added", None),
    "gd_unenroll": (Kind.ACCOUNT_CHANGE, "mfa-method-removed", None),
    "gd_recovery_succeed": (Kind.ACCOUNT_CHANGE, "mfa-bypassed", None),
    "scp": (Kind.ACCOUNT_CHANGE, "password-changed", None),
    "sce": (Kind.ACCOUNT_CHANGE, "user-changed", None),
    "sdu": (Kind.ACCOUNT_CHANGE, "user-deleted", None),
    "ublkdu": (Kind.ACCOUNT_CHANGE, "account-unlocked", None),
}
_PATHS: tuple[tuple[str, Kind, str], ...] = (
    ("/attack-protection/", Kind.CONFIG_CHANGE, "attack-protection-changed"),
    ("/guardian/", Kind.CONFIG_CHANGE, "authentication-policy-changed"),
    ("/risk-assessment/", Kind.CONFIG_CHANGE, "authentication-policy-changed"),
    ("/actions/triggers/", Kind.CONFIG_CHANGE, "login-flow-changed"),
    ("/integrations/", Kind.CONFIG_CHANGE, "application-changed"),
    ("/connections", Kind.CONFIG_CHANGE, "federation-changed"),
    ("/log-streams", Kind.CONFIG_CHANGE, "log-stream-changed"),
    ("/tenants/", Kind.CONFIG_CHANGE, "tenant-changed"),
    ("/client-grants", Kind.ACCOUNT_CHANGE, "permission-granted"),
    ("/roles", Kind.ACCOUNT_CHANGE, "role-member-added"),
    ("/users", Kind.ACCOUNT_CHANGE, "user-changed"),
)
_WORDINGS = {"create a role": "role-created", "create a user": "user-created", "delete a user": "user-deleted", "assign roles": "role-member-added"}


class _Event(Part):
    data: _Event | None = None
    type: Any = None
    date: Any = None
    description: Any = None
    ip: Any = None
    user_name: Any = None
    user_id: Any = None
    user_agent: Any = None
    connection: Any = None
    client_name: Any = None
    hostname: Any = None
    session_connection: Any = None
    details: Any = None
    log_id: Any = None


def _read(event: _Event) -> Made:
    entry = event.data or event
    name = said(entry.type)
    if name is None:
        raise Unreadable(NO_TYPE)
    request = mapping(mapping(entry.details).get("request"))
    caller = mapping(mapping(request.get("auth")).get("user"))
    if name == "sapi":
        kind, pattern = _called(entry, request)
        made: dict[str, Any] = {"user": said(caller.get("email")) or said(caller.get("name"))}
    elif name in _TYPES:
        kind, pattern, method = _TYPES[name]
        made = {"user": said(entry.user_name) or said(caller.get("email")), "auth_method": method}
        if name == "fu":
            made["invalid_user"] = True
        if kind in {Kind.AUTH_SUCCESS, Kind.MFA_OK}:
            made["mfa"] = Mfa.YES if kind is Kind.MFA_OK else Mfa.UNKNOWN
        if kind is Kind.ACCOUNT_CHANGE:
            made["target_user"] = made["user"]
    else:
        return UNLISTED
    return made | {
        "kind": kind,
        "pattern": pattern,
        "time": entry.date,
        "host": HOST,
        "src_ip": entry.ip,
        "object": said(entry.client_name) or said(entry.connection),
        "message": entry.description,
        "extra": partial(_extra, entry, request),
    }


def _called(entry: _Event, request: dict[str, Any]) -> tuple[Kind, str]:
    """Return what a call of the management API is."""
    answer = mapping(mapping(entry.details).get("response"))
    path, wording = str(request.get("path") or ""), str(entry.description or "").casefold()
    kind, pattern = next(((kind, pattern) for part, kind, pattern in _PATHS if part in path), (Kind.CONFIG_CHANGE, "tenant-changed"))
    told = next((name for words, name in _WORDINGS.items() if wording.startswith(words)), None)
    if told is not None:
        kind, pattern = Kind.ACCOUNT_CHANGE, told
    status = answer.get("statusCode")
    if isinstance(status, int) and status >= 400:
        return Kind.PRIVILEGE_DENIED, pattern
    if pattern == "attack-protection-changed" and mapping(answer.get("body")).get("enabled") is False:
        return kind, "attack-protection-disabled"
    return kind, pattern


def _extra(entry: _Event, request: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": entry.type,
        "path": said(request.get("path")),
        "method": said(request.get("method")),
        "connection": entry.connection,
        "hostname": entry.hostname,
        "userId": entry.user_id,
        "userAgent": entry.user_agent,
        "log_id": entry.log_id,
    }


SOURCE = DocumentSource(
    name="auth0",
    title="Auth0 tenant log",
    programs=("auth0",),
    shape=_Event,
    read=_read,
    essential=("data", "type"),
    service=Service.IDP,
    timeless=True,
    references=("https://auth0.com/docs/deploy-monitor/logs/log-event-type-codes",),
)
