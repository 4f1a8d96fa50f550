"""OneLogin's events: logons, applications opened, locks and privileges, by the number of their type.

::

    {"event_type_id": 6, "created_at": "2026-03-02T08:15:00Z", "user_name": "ann", "actor_user_name": "ann", "ipaddr": "203.0.113.9"}

Types are listed at https://developers.onelogin.com/api-docs/1/events/event-types; only those below are read, others are ignored. Users are named as
the log names them, which may be a display name.
"""

from __future__ import annotations

from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, said
from gatewatch.sources.entra_code import code_of

HOST = "onelogin"
NO_TYPE = "no event type"
UNLISTED = "says nothing of remote access"
_KINDS: dict[int, tuple[Kind, str]] = {
    5: (Kind.AUTH_SUCCESS, "login"),
    6: (Kind.AUTH_FAILURE, "login-failed"),
    7: (Kind.SESSION_END, "logout"),
    8: (Kind.SESSION_START, "application-opened"),
    12: (Kind.ACCOUNT_CHANGE, "account-locked"),
    13: (Kind.ACCOUNT_CHANGE, "user-created"),
    15: (Kind.ACCOUNT_CHANGE, "user-disabled"),
    17: (Kind.ACCOUNT_CHANGE, "user-deleted"),
    19: (Kind.ACCOUNT_CHANGE, "account-unlocked"),
    72: (Kind.ACCOUNT_CHANGE, "role-member-added"),
    73: (Kind.ACCOUNT_CHANGE, "role-member-removed"),
    90: (Kind.PRIVILEGE_DENIED, "application-refused"),
    240: (Kind.ACCOUNT_CHANGE, "application-password-shown"),
    531: (Kind.ACCOUNT_CHANGE, "account-locked"),
    551: (Kind.ACCOUNT_CHANGE, "user-disabled"),
    553: (Kind.ACCOUNT_CHANGE, "account-locked"),
}


class _Event(Part):
    event_type_id: Any = None
    created_at: Any = None
    event_timestamp: Any = None
    ipaddr: Any = None
    user_name: Any = None
    actor_user_name: Any = None
    app_name: Any = None
    privilege_name: Any = None
    notes: Any = None
    risk_score: Any = None
    id: Any = None


def _read(event: _Event) -> Made:
    number = code_of(event.event_type_id)
    if number is None:
        raise Unreadable(NO_TYPE)
    known = _KINDS.get(number)
    if known is None:
        return UNLISTED
    kind, pattern = known
    made: dict[str, Any] = {
        "kind": kind,
        "pattern": pattern,
        "time": said(event.created_at) or event.event_timestamp,
        "host": HOST,
        "user": said(event.actor_user_name) or said(event.user_name),
        "src_ip": event.ipaddr,
        "object": said(event.privilege_name) or said(event.app_name),
        "message": event.notes,
        "extra": {"event_type_id": number, "risk_score": event.risk_score, "id": event.id},
    }
    if kind is Kind.ACCOUNT_CHANGE:
        made["target_user"] = event.user_name
    elif kind in {Kind.AUTH_SUCCESS, Kind.AUTH_FAILURE}:
        made["auth_method"] = AuthMethod.UNKNOWN
        made["user"] = said(event.user_name) or said(event.actor_user_name)
    return made


SOURCE = DocumentSource(
    name="onelogin",
    title="OneLogin events",
    programs=("onelogin",),
    shape=_Event,
    read=_read,
    essential="event_type_id",
    service=Service.IDP,
    timeless=True,
    references=("https://developers.onelogin.com/api-docs/1/events/event-types",),
)
