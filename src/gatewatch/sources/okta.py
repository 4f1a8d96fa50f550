"""Okta's System Log: logons, second factors, sessions and changes of an organisation.

::

    {"published": "2026-03-02T08:15:00.123Z", "eventType": "user.session.start", "outcome": {"result": "SUCCESS"},
     "actor": {"type": "User", "alternateId": "ann@corp.example"}, "client": {"ipAddress": "192.0.2.7"},
     "authenticationContext": {"externalSessionId": "102abc"}}

One logon is one ``auth_success``: ``user.session.start``. What else it leaves behind (``…auth_via_mfa``, ``…sso``, ``…verify``, federation) is
``mfa_ok`` or ``session_start`` in the same session. What each event type means is in :mod:`gatewatch.sources.okta_event`; others are ignored.
``session`` is ``okta:`` with the root session, else the external one. A name that no user has and that is no address may be a password typed at
the wrong prompt: ``user`` is null and ``extra`` says so. References: https://developer.okta.com/docs/reference/api/event-types/,
https://developer.okta.com/docs/reference/api/system-log/.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, port_of, said
from gatewatch.sources.okta_event import NOTHING, OTHER, deed_of

HOST = "okta"
NO_TYPE = "no event type"
_ACCOUNTS = frozenset({"User", "AppUser"})
_METHODS = {
    "PASSWORD": AuthMethod.PASSWORD,
    "OTP": AuthMethod.KEYBOARD,
    "SMS": AuthMethod.KEYBOARD,
    "EMAIL": AuthMethod.KEYBOARD,
    "ASSERTION": AuthMethod.TOKEN,
    "JWT": AuthMethod.TOKEN,
    "OAUTH2": AuthMethod.TOKEN,
    "OAUTH 2.0": AuthMethod.TOKEN,
    "IWA": AuthMethod.GSSAPI,
    "CERTIFICATE": AuthMethod.CERTIFICATE,
    "PUBLIC_KEY": AuthMethod.KEY,
}


class _Actor(Part, rename="camel"):
    id: Any = None
    type: Any = None
    alternate_id: Any = None
    display_name: Any = None


class _Outcome(Part):
    result: Any = None
    reason: Any = None


class _Client(Part, rename="camel"):
    ip_address: Any = None
    device: Any = None
    user_agent: Any = None


_LOGONS = frozenset({Kind.AUTH_SUCCESS, Kind.AUTH_FAILURE, Kind.AUTH_STOPPED, Kind.SESSION_START, Kind.MFA_OK, Kind.MFA_DENIED})


class _Hop(Part):
    ip: Any = None


class _Request(Part, rename="camel"):
    ip_chain: list[_Hop] | None = None


class _Context(Part, rename="camel"):
    external_session_id: Any = None
    root_session_id: Any = None
    credential_type: Any = None


class _Security(Part, rename="camel"):
    as_number: Any = None
    as_org: Any = None
    is_proxy: Any = None


class _Data(Part, rename="camel"):
    factor: Any = None
    risk: Any = None
    behaviors: Any = None
    threat_suspected: Any = None
    privilege_granted: Any = None


class _Debug(Part, rename="camel"):
    debug_data: _Data | None = None


class _Transaction(Part):
    id: Any = None


class _Event(Part, rename="camel"):
    detail: _Event | None = None
    published: Any = None
    event_type: Any = None
    display_message: Any = None
    uuid: Any = None
    actor: _Actor | None = None
    outcome: _Outcome | None = None
    client: _Client | None = None
    request: _Request | None = None
    target: list[_Actor] | None = None
    authentication_context: _Context | None = None
    security_context: _Security | None = None
    debug_context: _Debug | None = None
    transaction: _Transaction | None = None


def _read(event: _Event) -> Made:
    if event.event_type is None and event.detail is not None:  # Amazon EventBridge
        event = event.detail
    kind = said(event.event_type)
    if kind is None:
        raise Unreadable(NO_TYPE)
    outcome = event.outcome or _Outcome()
    result, reason = str(outcome.result or "").upper(), said(outcome.reason)
    context, data = event.authentication_context or _Context(), (event.debug_context or _Debug()).debug_data or _Data()
    deed = deed_of(kind, result, reason or "", said(data.factor) or "")
    if deed is None:
        return NOTHING
    actor, targets, client = event.actor or _Actor(), event.target or [], event.client or _Client()
    chain = (event.request or _Request()).ip_chain or [_Hop()]
    address = said(client.ip_address) or said(chain[0].ip) or (said(actor.id) if actor.type == "IP address" else None)
    session = next((name for name in map(said, (context.root_session_id, context.external_session_id)) if name not in {None, "unknown"}), None)
    who, redacted = _who(actor)
    target = next((name for one in targets if one.type == "User" and (name := _name(one.alternate_id))), None)
    if who is None and not redacted and target is not None and said(actor.type) not in {None, "User"} and deed.kind in _LOGONS:
        who = target  # Okta itself acts when another provider vouched for the user
    if deed.of_actor:  # the account acted on is the actor's
        who, target = None, target or who
    made: dict[str, Any] = {
        "kind": deed.kind,
        "pattern": deed.pattern,
        "time": event.published,
        "host": HOST,
        "user": who,
        "target_user": target if deed.kind in {Kind.ACCOUNT_CHANGE, Kind.PRIVILEGE_DENIED, Kind.CONFIG_CHANGE, OTHER} else None,
        "src_ip": address,
        "src_port": port_of(address),
        "session": f"okta:{session}" if session else None,
        "object": next(
            (name for one in targets if said(one.type) not in _ACCOUNTS and (name := said(one.display_name) or _name(one.alternate_id))), None
        ),
        "message": event.display_message,
        "extra": partial(_extra, event, kind, outcome, data, redacted=redacted),
    }
    if deed.method is not None or deed.kind in {Kind.AUTH_SUCCESS, Kind.AUTH_FAILURE, Kind.AUTH_STOPPED}:
        made["auth_method"] = deed.method or _METHODS.get(str(context.credential_type or "").upper(), AuthMethod.UNKNOWN)
    if deed.kind is Kind.MFA_OK:
        made["mfa"] = Mfa.YES
    elif deed.kind is Kind.AUTH_SUCCESS:
        made["mfa"] = Mfa.YES if _is_second(data.factor) else Mfa.UNKNOWN
    elif deed.kind is Kind.AUTH_FAILURE and actor.id == "unknown":
        made["invalid_user"] = True
    return made


def _name(alternate: Any) -> str | None:
    text = said(alternate)
    return None if text is None or text.lower() in {"unknown", "null"} else text


def _who(actor: _Actor) -> tuple[str | None, bool]:
    """Return the account of the actor, and whether what was typed for one is held back."""
    if actor.type is not None and actor.type != "User":
        return None, False
    name = _name(actor.alternate_id)
    if actor.id == "unknown" and name is not None and "@" not in name:
        return None, True
    return name, False


def _is_second(factor: Any) -> bool:
    text = said(factor)
    return text is not None and "PASSWORD" not in text.upper()


def _extra(event: _Event, kind: str, outcome: _Outcome, data: _Data, *, redacted: bool) -> dict[str, Any]:
    security, client = event.security_context or _Security(), event.client or _Client()
    agent = client.user_agent
    return {
        "eventType": kind,
        "result": outcome.result,
        "reason": outcome.reason,
        "factor": data.factor,
        "risk": data.risk,
        "behaviors": data.behaviors,
        "threatSuspected": data.threat_suspected,
        "privilegeGranted": data.privilege_granted,
        "isProxy": security.is_proxy,
        "asNumber": security.as_number,
        "asOrg": security.as_org,
        "userAgent": agent.get("rawUserAgent") if isinstance(agent, dict) else agent,
        "actor": (event.actor or _Actor()).display_name,
        "transaction": (event.transaction or _Transaction()).id,
        "uuid": event.uuid,
        "user_redacted": True if redacted else None,
    }


SOURCE = DocumentSource(
    name="okta",
    title="Okta System Log",
    programs=("okta",),
    shape=_Event,
    read=_read,
    essential=("event_type", "detail"),
    service=Service.IDP,
    timeless=True,
    references=("https://developer.okta.com/docs/reference/api/event-types/", "https://developer.okta.com/docs/reference/api/system-log/"),
)
