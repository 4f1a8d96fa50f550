"""Teleport's audit log: logons at the proxy, sessions on hosts, commands, transfers and changes.

::

    {"event": "user.login", "code": "T1000W", "time": "2026-03-02T08:15:00.133Z", "cluster_name": "tele.corp.example", "user": "ann",
     "success": false, "method": "local", "error": "invalid username, password or second factor", "addr.remote": "203.0.113.9:50022"}

One logon is one ``auth_success``: ``user.login``. Sessions (``session.start`` and the like of desktops, databases, applications and Kubernetes)
are ``session_start`` on their host, in the session ``teleport:`` and ``sid``; ``session.command`` and ``exec`` are what was run there.
Failed sessions (``success`` false, codes ending in E or W where they say so) are failures of that kind. Other events are ignored.
References: https://goteleport.com/docs/reference/audit-events/.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, mapping, port_of, said

NO_EVENT = "no event"
UNLISTED = "says nothing of remote access"
_STARTS = {
    "session.start": Service.SSH,
    "session.join": Service.SSH,
    "windows.desktop.session.start": Service.RDP,
    "kube.session.start": Service.KUBE_API,
    "db.session.start": None,
    "app.session.start": Service.WEB,
}
_ENDS = {"session.end": Service.SSH, "session.leave": Service.SSH, "windows.desktop.session.end": Service.RDP, "db.session.end": None}
_TRANSFERS = frozenset({"scp", "sftp"})
_CHANGES: dict[str, tuple[Kind, str]] = {
    "user.create": (Kind.ACCOUNT_CHANGE, "user-created"),
    "user.update": (Kind.ACCOUNT_CHANGE, "user-changed"),
    "user.delete": (Kind.ACCOUNT_CHANGE, "user-deleted"),
    "user.password_change": (Kind.ACCOUNT_CHANGE, "password-changed"),
    "reset_password_token.create": (Kind.ACCOUNT_CHANGE, "password-changed-by-other"),
    "privilege_token.create": (Kind.ACCOUNT_CHANGE, "privilege-token-created"),
    "mfa.add": (Kind.ACCOUNT_CHANGE, "mfa-method-added"),
    "mfa.delete": (Kind.ACCOUNT_CHANGE, "mfa-method-removed"),
    "lock.created": (Kind.ACCOUNT_CHANGE, "account-locked"),
    "lock.deleted": (Kind.ACCOUNT_CHANGE, "account-unlocked"),
    "role.created": (Kind.CONFIG_CHANGE, "role-created"),
    "role.updated": (Kind.CONFIG_CHANGE, "role-changed"),
    "role.deleted": (Kind.CONFIG_CHANGE, "role-deleted"),
    "cert.create": (Kind.ACCOUNT_CHANGE, "certificate-issued"),
    "join_token.create": (Kind.CONFIG_CHANGE, "join-token-created"),
    "trusted_cluster.create": (Kind.CONFIG_CHANGE, "federation-changed"),
    "github.created": (Kind.CONFIG_CHANGE, "federation-changed"),
    "saml.created": (Kind.CONFIG_CHANGE, "federation-changed"),
    "oidc.created": (Kind.CONFIG_CHANGE, "federation-changed"),
    "auth_preference.update": (Kind.CONFIG_CHANGE, "authentication-policy-changed"),
}
_METHODS = {
    "local": AuthMethod.PASSWORD,
    "saml": AuthMethod.TOKEN,
    "oidc": AuthMethod.TOKEN,
    "github": AuthMethod.TOKEN,
    "headless": AuthMethod.TOKEN,
}


class _Event(Part):
    event: Any = None
    code: Any = None
    time: Any = None
    cluster_name: Any = None
    user: Any = None
    login: Any = None
    success: Any = None
    error: Any = None
    method: Any = None
    sid: Any = None
    uid: Any = None
    remote: Any = msgspec.field(default=None, name="addr.remote")
    server_hostname: Any = None
    desktop_name: Any = None
    mfa_device: Any = None
    name: Any = None
    target: Any = None
    path: Any = None
    argv: Any = None
    program: Any = None
    command: Any = None
    action: Any = None
    identity: Any = None
    addr: Any = None
    dst_addr: Any = None
    dst_port: Any = None
    db_service: Any = None
    app_name: Any = None
    user_agent: Any = None


def _read(event: _Event) -> Made:
    name = said(event.event)
    if name is None:
        raise Unreadable(NO_EVENT)
    what = _what(event, name)
    return UNLISTED if what is None else _common(event) | what


def _what(event: _Event, name: str) -> dict[str, Any] | None:
    """Return what an event is, besides who, whence and when."""
    failed = event.success is False or said(event.error) is not None
    if name == "user.login":
        return _login(event, failed=failed)
    if name == "auth":
        return {"kind": Kind.AUTH_FAILURE, "pattern": "node-auth-failed", "auth_method": AuthMethod.CERTIFICATE, "service": Service.SSH}
    if name in _STARTS:
        kind = Kind.PRIVILEGE_DENIED if failed else Kind.SESSION_START
        return {
            "kind": kind,
            "pattern": name.replace(".", "-"),
            "service": _STARTS[name],
            "object": event.login or event.db_service or event.app_name,
        }
    if name in _ENDS:
        return {"kind": Kind.SESSION_END, "pattern": name.replace(".", "-"), "service": _ENDS[name]}
    if name in {"session.command", "exec"}:
        words = [event.path or event.program, *(event.argv if isinstance(event.argv, list) else ())]
        command = said(event.command) or " ".join(word for word in words if isinstance(word, str))
        return {"kind": Kind.EXEC, "pattern": name.replace(".", "-"), "service": Service.SSH, "command": command, "process": event.path}
    if name == "session.network":
        return {"kind": Kind.CONNECTION, "pattern": "session-network", "process": event.program, "dst_ip": event.dst_addr, "dst_port": event.dst_port}
    if name in _TRANSFERS:
        return {"kind": Kind.FILE_TRANSFER, "pattern": name, "service": Service.SSH, "object": event.path, "command": event.command}
    if name == "port":
        return {"kind": Kind.PORT_FORWARD, "pattern": "port", "service": Service.SSH, "dhost": event.addr}
    change = _CHANGES.get(name)
    if change is None:
        return None
    target = said(mapping(event.target).get("user")) or said(mapping(event.identity).get("user"))
    by_name = target is None and name.startswith(("user.", "reset_"))
    return {
        "kind": change[0],
        "pattern": change[1],
        "target_user": event.name if by_name else target,
        "object": None if by_name else event.name,
    }


def _login(event: _Event, *, failed: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"auth_method": _METHODS.get(str(event.method).lower(), AuthMethod.UNKNOWN)}
    if failed:
        return made | {"kind": Kind.AUTH_FAILURE, "pattern": "login-failed"}
    made["mfa"] = Mfa.YES if event.mfa_device else Mfa.UNKNOWN
    return made | {"kind": Kind.AUTH_SUCCESS, "pattern": "login"}


def _common(event: _Event) -> dict[str, Any]:
    address, session = said(event.remote), said(event.sid)
    person = said(event.user) or said(mapping(event.identity).get("user"))
    return {
        "time": event.time,
        "host": said(event.server_hostname) or said(event.desktop_name) or said(event.cluster_name) or "teleport",
        "observer": event.cluster_name,
        "user": person,
        "src_ip": address,
        "src_port": port_of(address),
        "session": f"teleport:{session}" if session else None,
        "message": event.error,
        "extra": partial(_extra, event),
    }


def _extra(event: _Event) -> dict[str, Any]:
    return {
        "event": event.event,
        "code": event.code,
        "method": event.method,
        "login": event.login,
        "userAgent": event.user_agent,
        "expires": mapping(event.identity).get("expires"),
        "mfaDevice": mapping(event.mfa_device).get("mfa_device_type"),
        "uid": event.uid,
    }


SOURCE = DocumentSource(
    name="teleport",
    title="Teleport audit log",
    programs=("teleport",),
    shape=_Event,
    read=_read,
    essential="event",
    service=Service.WEB,
    timeless=True,
    references=("https://goteleport.com/docs/reference/audit-events/",),
)
