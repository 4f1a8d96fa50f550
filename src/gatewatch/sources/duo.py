"""Duo's logs: second factors of users (authentication log, versions 1 and 2) and what administrators do (administrator and activity log).

::

    {"event_type": "authentication", "isotimestamp": "2026-03-02T08:15:00.123456+00:00", "result": "success", "reason": "user_approved",
     "factor": "duo_push", "user": {"name": "ann"}, "access_device": {"ip": "192.0.2.7"}, "application": {"name": "VPN"}, "txid": "…"}
    {"timestamp": 1772439300, "username": "ann", "ip": "192.0.2.7", "factor": "Duo Push", "result": "SUCCESS", "integration": "VPN"}
    {"timestamp": "2026-03-02T08:15:00.123456Z", "username": "ann", "client_ip": "192.0.2.7", "status": "Allow",
     "auth_stage": "Secondary authentication", "factor": "push", "msg": "Success. Logging you in..."}
    {"isotimestamp": "2026-03-02T08:15:00+00:00", "username": "Root Admin", "action": "bypass_create", "object": "ann", "description": "{…}"}

==========================  =========================================================================================================
record                      becomes
==========================  =========================================================================================================
success                     ``mfa_ok``: the logon itself is told by what Duo guards; where the user was let in without a second factor
                            (``bypass_user``, ``trusted_network`` …) ``session_start`` with ``mfa`` no; on a remembered device, unknown
denied, failure             ``mfa_denied``: the user or the code said no; ``auth_stopped``: a policy did. Both follow a right password, unless
                            the factor is passwordless: ``auth_method`` says so
fraud                       ``mfa_denied`` ``factor-reported-as-fraud``
enrollment                  ``account_change`` ``mfa-method-added``
actions of administrators   :mod:`gatewatch.sources.duo_admin`; others are ignored
==========================  =========================================================================================================

The authentication proxy tells of two stages: a refused first one is ``auth_failure``, an accepted first one says less than what follows. The source
is the access device, never the phone. ``session`` is ``duo:`` with the transaction id. References:
https://duo.com/docs/adminapi#authentication-logs, https://duo.com/docs/adminapi#administrator-logs.
"""

from __future__ import annotations

from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, epoch, mapping, port_of, said
from gatewatch.sources.duo_admin import deed_of

HOST = "duo"
NO_RESULT = "no result"
_ERROR = "error of the service"
_UNLISTED = "says nothing of remote access"
_NO_FACTOR = frozenset(
    {
        *("bypass_user", "trusted_network", "trusted_location", "allowed_by_policy", "allow_unenrolled_user"),
        *("allow_unenrolled_user_on_trusted_network", "allow_unenrolled_user_trusted_location"),
    }
)
_BY_USER = frozenset({"user_mistake", "no_response", "user_cancelled", "no_keys_pressed", "call_timed_out", "timeout", "anomalous_push"})


class _Device(Part):
    ip: Any = None
    hostname: Any = None
    os: Any = None
    browser: Any = None


class _Record(Part):
    timestamp: Any = None
    isotimestamp: Any = None
    ts: Any = None
    event_type: Any = None
    eventtype: Any = None
    result: Any = None
    reason: Any = None
    factor: Any = None
    txid: Any = None
    email: Any = None
    user: Any = None
    username: Any = None
    application: Any = None
    integration: Any = None
    ip: Any = None
    access_device: _Device | None = None
    auth_device: Any = None
    new_enrollment: Any = None
    status: Any = None
    auth_stage: Any = None
    client_ip: Any = None
    action: Any = None
    outcome: Any = None
    actor: Any = None
    target: Any = None
    object: Any = None
    description: Any = None


def _read(record: _Record) -> Made:
    if record.auth_stage is not None:
        return _proxied(record)
    return _administrated(record) if record.action is not None else _authenticated(record)


def _proxied(record: _Record) -> Made:
    """Return what the authentication proxy tells."""
    allowed = {"allow": True, "reject": False}.get(str(record.status or "").lower())
    if allowed is None:
        raise Unreadable(NO_RESULT)
    made = _common(record) | {"user": said(record.username), "src_ip": said(record.client_ip)}
    if str(record.auth_stage).lower().startswith("primary"):
        if allowed:
            return "the first of two stages"
        return made | {"kind": Kind.AUTH_FAILURE, "pattern": "password-refused", "auth_method": AuthMethod.PASSWORD}
    if allowed:
        return made | {"kind": Kind.MFA_OK, "pattern": "factor-accepted", "mfa": Mfa.YES}
    return made | {"kind": Kind.MFA_DENIED, "pattern": "factor-refused", "auth_method": AuthMethod.PASSWORD}


def _time(record: _Record) -> Any:
    """Return when it happened: Duo's text is UTC, and its numbers are seconds or milliseconds."""
    for value in (record.isotimestamp, record.ts, record.timestamp):
        if value.__class__ is int or value.__class__ is float:
            return epoch(value)
        if said(value) is not None:
            return value
    return None


def _authenticated(record: _Record) -> Made:
    result, reason = str(record.result or "").lower(), str(record.reason or "").lower().replace(" ", "_")
    event_type = str(record.event_type or record.eventtype or "").lower()
    if not result:
        raise Unreadable(NO_RESULT)
    made = _common(record) | {
        "user": _name(record.user) or said(record.username) or said(record.email),
        "object": _name(record.application) or said(record.integration),
        "src_host": said(record.access_device.hostname) if record.access_device is not None else None,
        "session": f"duo:{record.txid}" if said(record.txid) else None,
    }
    if event_type == "enrollment" or (record.new_enrollment is True and result == "success"):
        return made | {"kind": Kind.ACCOUNT_CHANGE, "pattern": "mfa-method-added", "target_user": made["user"]}
    if result == "fraud" or reason == "user_marked_fraud":
        made["auth_method"] = AuthMethod.PASSWORD
        return made | {"kind": Kind.MFA_DENIED, "pattern": "factor-reported-as-fraud"}
    if result in {"success", "allow", "allowed"}:
        if "remembered" in reason or "remembered" in str(record.factor or "").lower():
            return made | {"kind": Kind.SESSION_START, "pattern": "factor-remembered", "mfa": Mfa.UNKNOWN}
        if reason in _NO_FACTOR:
            return made | {"kind": Kind.SESSION_START, "pattern": "factor-not-asked", "mfa": Mfa.NO}
        return made | {"kind": Kind.MFA_OK, "pattern": "factor-accepted", "mfa": Mfa.YES}
    if result in {"denied", "failure"}:
        by_user = not reason or reason in _BY_USER or "passcode" in reason
        if "passwordless" not in str(record.factor or "").lower().replace("_", ""):  # else Duo asks after the password was right
            made["auth_method"] = AuthMethod.PASSWORD
        return made | ({"kind": Kind.MFA_DENIED, "pattern": "factor-refused"} if by_user else {"kind": Kind.AUTH_STOPPED, "pattern": "policy-denied"})
    return _ERROR if result == "error" else _UNLISTED


def _administrated(record: _Record) -> Made:
    action = said(record.action) or _name(record.action)  # the activity log names it in an object
    details = mapping(record.description) or mapping(mapping(record.action).get("details"))
    if action is None:
        raise Unreadable("no action")
    deed = deed_of(action, details)
    if deed is None:
        return _UNLISTED
    address = said(details.get("ip_address")) or _source(record)
    who = said(details.get("email")) if action.startswith(("admin_login", "admin_2fa")) else None
    target = said(record.object) or _name(record.target)
    made = _common(record) | {
        "kind": deed.kind,
        "pattern": deed.pattern,
        "user": who or said(record.username) or _name(record.actor),
        "target_user": target if deed.of_user else None,
        "object": None if deed.of_user else target,
        "src_ip": address,
        "src_port": port_of(address),
    }
    made["extra"] |= {"action": action, "factor": said(details.get("factor")), "error": said(details.get("error")), "role": said(details.get("role"))}
    if str(mapping(record.outcome).get("result") or "").lower() in {"failure", "denied", "error"}:  # the activity log has one name for both
        failed = deed.kind in {Kind.AUTH_SUCCESS, Kind.AUTH_FAILURE}
        made["kind"] = Kind.AUTH_FAILURE if failed else Kind.MFA_DENIED if deed.kind is Kind.MFA_DENIED else Kind.PRIVILEGE_DENIED
        if deed.kind is Kind.AUTH_SUCCESS:
            made["pattern"] = f"{deed.pattern}-failed"
    if made["kind"] is Kind.AUTH_SUCCESS:
        method = str(details.get("primary_auth_method") or "").lower()
        made["mfa"] = Mfa.YES if said(details.get("factor")) else Mfa.UNKNOWN
        made["auth_method"] = AuthMethod.PASSWORD if method == "password" else AuthMethod.TOKEN if "sign-on" in method else AuthMethod.UNKNOWN
    elif made["kind"] is Kind.AUTH_FAILURE:
        made["auth_method"] = AuthMethod.PASSWORD
    return made


def _common(record: _Record) -> dict[str, Any]:
    address = _source(record) or said(record.ip)
    phone = mapping(record.auth_device).get("ip")
    return {
        "time": _time(record),
        "host": HOST,
        "src_ip": address,
        "src_port": port_of(address),
        "extra": {"result": record.result, "reason": record.reason, "factor": record.factor, "authDevice": phone, "txid": record.txid},
    }


def _source(record: _Record) -> str | None:
    address = record.access_device.ip if record.access_device is not None else None
    return said(mapping(address).get("address")) if isinstance(address, dict) else said(address)


def _name(value: Any) -> str | None:
    """Return the name in ``{"name": …}``."""
    return said(value.get("name")) if isinstance(value, dict) else None


SOURCE = DocumentSource(
    name="duo",
    title="Duo authentication and administrator logs",
    programs=("duo",),
    shape=_Record,
    read=_read,
    essential=("result", "action", "status", "timestamp", "isotimestamp"),
    service=Service.IDP,
    timeless=True,
    references=("https://duo.com/docs/adminapi#authentication-logs", "https://duo.com/docs/adminapi#administrator-logs"),
)
