r"""Logons that Endpoint Security of macOS saw (13 and newer), as ``eslogger`` and agents such as Jamf Protect and Santa write them.

::

    {"event": {"openssh_login": {"success": false, "result_type": 4, "source_address": "203.0.113.9", "username": "ann"}},
     "time": "2026-03-02T08:15:00.123456789Z", "process": {…}, "event_type": 122}

======================================  =====================================================================
event                                   becomes
======================================  =====================================================================
openssh_login                           ``auth_success`` or ``auth_failure``, service ``ssh``
openssh_logout, screensharing_detach    ``session_end``
screensharing_attach                    ``auth_success`` or ``auth_failure``, service ``vnc``
login_login, lw_session_login, others   ignored: at the machine itself
======================================  =====================================================================

``result_type`` 3 (no method was asked for) is ignored, 9 is an account that does not exist. Reference:
https://developer.apple.com/documentation/endpointsecurity/es_event_openssh_login_t.
"""

from __future__ import annotations

from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, mapping, said

NO_OUTCOME = "no outcome"
OTHERS = "at the machine itself"
ASKED = "asked what methods there are"
_METHODS = {4: AuthMethod.PASSWORD, 5: AuthMethod.KEYBOARD, 6: AuthMethod.KEY}
_NO_METHOD, _INVALID = 3, 9


class _Event(Part):
    time: Any = None
    event: Any = None
    host: Any = None


def _read(entry: _Event) -> Made:
    held = mapping(entry.event)
    name = next(iter(held), "")
    event = mapping(held.get(name))
    ssh = name.startswith("openssh_")
    if name not in {"openssh_login", "openssh_logout", "screensharing_attach", "screensharing_detach"}:
        return OTHERS
    made: dict[str, Any] = {
        "time": entry.time,
        "service": Service.SSH if ssh else Service.VNC,
        "host": said(mapping(entry.host).get("hostname")),
        "user": said(event.get("username")) or said(event.get("authentication_username")) or said(event.get("session_username")),
        "rhost": said(event.get("source_address")),
    }
    if name in {"openssh_logout", "screensharing_detach"}:
        return made | {"kind": Kind.SESSION_END, "pattern": "ssh-logout" if ssh else "screensharing-detached"}
    good, told = event.get("success"), event.get("result_type")
    result = told if told.__class__ is int else -1
    if good.__class__ is not bool:
        raise Unreadable(NO_OUTCOME)
    if not good and result == _NO_METHOD and ssh:
        return ASKED
    kind, pattern = (Kind.AUTH_SUCCESS, "logon") if good else (Kind.AUTH_FAILURE, "logon-failed")
    method = _METHODS.get(result, AuthMethod.UNKNOWN) if ssh and not good else AuthMethod.UNKNOWN
    extra = {"result_type": told, "authentication_type": event.get("authentication_type")}
    return made | {
        "kind": kind,
        "pattern": pattern,
        "auth_method": method,
        "invalid_user": True if result == _INVALID and ssh else None,
        "extra": extra,
    }


SOURCE = DocumentSource(
    name="macos-endpoint",
    title="macOS Endpoint Security: logons over SSH and Screen Sharing",
    programs=("macos-endpoint",),
    shape=_Event,
    read=_read,
    essential=("event",),
    references=("https://developer.apple.com/documentation/endpointsecurity/es_event_openssh_login_t",),
)
