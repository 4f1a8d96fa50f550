r"""Sign-ins of Entra ID (Azure AD), as Graph returns them, as Azure Monitor wraps them and as rows of Log Analytics.

::

    {"createdDateTime": "2026-03-02T08:15:00Z", "userPrincipalName": "ann@corp.example", "ipAddress": "192.0.2.7", "isInteractive": true,
     "appDisplayName": "Office 365 Exchange Online", "authenticationRequirement": "multiFactorAuthentication", "status": {"errorCode": 0}}
    {"time": "2026-03-02T08:15:02Z", "category": "SignInLogs", "resultType": "50126", "callerIpAddress": "192.0.2.7", "properties": {…}}
    {"TimeGenerated": "2026-03-02T08:15:02Z", "Type": "SigninLogs", "ResultType": "0", "UserPrincipalName": "ann@corp.example", "Status": "{…}"}

=========================================  ==========================================================================================
record                                     becomes
=========================================  ==========================================================================================
interactive, code 0                        ``auth_success``: a person logged on; method and second factor from ``authenticationDetails``
not interactive, code 0                    ``connection``: a client used a token; with the password itself (``ropc``) it is a logon
a code of :mod:`~.entra_code`              ``auth_failure``, ``auth_stopped`` (the password was right), ``mfa_denied``
a token or session not accepted            ``connection`` ``token-refused``
service principals, managed identities     ``connection``: no person
=========================================  ==========================================================================================

``session`` is Entra's session id, where the record has one; of a failure, its request. A guest (``ann_corp.example#EXT#@tenant.example``) has the
name of their home. A denied second factor has the method ``password`` where the sign-in tells that the password was right.
References: https://learn.microsoft.com/graph/api/resources/signin, https://learn.microsoft.com/azure/azure-monitor/reference/tables/signinlogs.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, mapping, port_of, said
from gatewatch.sources.entra_code import OTHER, SUCCESS, TOKEN, Verdict, code_of, verdict_of

HOST = "entra"
NO_RESULT = "no result code"
NOBODY = "neither user nor address"
_METHODS = {
    "password": AuthMethod.PASSWORD,
    "temporary access pass": AuthMethod.PASSWORD,
    "previously satisfied": AuthMethod.TOKEN,
    "fido2 security key": AuthMethod.KEY,
    "passkey": AuthMethod.KEY,
    "windows hello for business": AuthMethod.KEY,
    "x.509 certificate": AuthMethod.CERTIFICATE,
    "certificate": AuthMethod.CERTIFICATE,
    "integrated windows authentication": AuthMethod.GSSAPI,
}
_FIRST_FACTORS = frozenset({"password", "previously satisfied", "integrated windows authentication", "federated", ""})
_NO_PERSON = ("serviceprincipal", "managedidentity", "microsoftserviceprincipal")
_ODD = re.compile(r"[\s{}<>]")  # no account bears these: "{PII Removed (Privacy)}"


class _Status(Part, rename="camel"):
    error_code: Any = None
    failure_reason: Any = None
    additional_details: Any = None


class _Step(Part, rename="camel"):
    authentication_method: Any = None
    succeeded: Any = None


class _SignIn(Part, rename="camel"):
    properties: _SignIn | None = None
    time: Any = None
    created_date_time: Any = None
    time_generated: Any = None
    category: Any = None
    type: Any = None
    result_type: Any = None
    result_description: Any = None
    caller_ip_address: Any = None
    ip_address: Any = None
    user_principal_name: Any = None
    sign_in_identifier: Any = None
    service_principal_name: Any = None
    service_principal_id: Any = None
    status: _Status | None = None
    is_interactive: Any = None
    sign_in_event_types: Any = None
    authentication_requirement: Any = None
    authentication_details: list[_Step] | None = None
    authentication_protocol: Any = None
    mfa_detail: Any = None
    app_display_name: Any = None
    resource_display_name: Any = None
    client_app_used: Any = None
    conditional_access_status: Any = None
    device_detail: Any = None
    location: Any = None
    location_details: Any = None
    risk_level_during_sign_in: Any = None
    risk_level_aggregated: Any = None
    autonomous_system_number: Any = None
    user_agent: Any = None
    correlation_id: Any = None
    session_id: Any = None
    id: Any = None


def account(name: Any) -> str | None:
    """Return the account a user principal name names: that of their home for guests, None where it is hidden or no name.

    >>> account("ann_corp.example#EXT#@tenant.example"), account("{PII Removed}")
    ('ann@corp.example', None)
    """
    text = said(name)
    if text is None or _ODD.search(text):
        return None
    home, guest, _ = text.partition("#EXT#")
    user, at, domain = home.rpartition("_")
    return f"{user}@{domain}" if guest and at and user else home or None


def attempt(request: Any) -> str | None:
    """Return the session of a failed sign-in: that of its request, by which Microsoft 365's audit log tells it too."""
    text = said(request)
    return None if text is None else f"entra:{text}"


def _read(outer: _SignIn) -> Made:
    entry = outer.properties or outer
    status = entry.status or outer.status or _Status()
    codes = (code_of(value) for value in (status.error_code, entry.result_type, outer.result_type))
    code = next((code for code in codes if code is not None), None)
    if code is None:
        word = str(outer.result_type or entry.result_type or "").lower()
        if word not in {"failure", "failed", "interrupted"}:
            raise Unreadable(NO_RESULT)
    verdict = OTHER if code is None else verdict_of(code)
    address = said(entry.ip_address) or said(outer.caller_ip_address) or said(entry.caller_ip_address)
    made: dict[str, Any] = {
        "time": said(entry.created_date_time) or said(outer.created_date_time) or outer.time or outer.time_generated or entry.time_generated,
        "host": HOST,
        "src_ip": address,
        "src_port": port_of(address),
        "session": said(entry.session_id),
        "object": said(entry.resource_display_name) or said(entry.app_display_name),
        "extra": partial(_extra, entry, outer, status, code),
    }
    types = str(entry.sign_in_event_types or "") + str(outer.category or outer.type or entry.category or "")
    folded = types.lower().replace("aad", "")
    if any(word in folded for word in _NO_PERSON) or (said(entry.service_principal_id) and not said(entry.user_principal_name)):
        name = said(entry.service_principal_name) or said(entry.service_principal_id)
        pattern = "service-principal" if code == 0 else "service-principal-refused"
        return made | {"kind": Kind.CONNECTION, "pattern": pattern, "process": name}
    if address is None and said(entry.user_principal_name) is None and said(entry.sign_in_identifier) is None:
        raise Unreadable(NOBODY)
    verdict, method = _judged(verdict, entry, passive="noninteractive" in folded or str(entry.is_interactive).lower() == "false")
    made |= {"kind": verdict.kind, "pattern": verdict.pattern, "auth_method": method, "invalid_user": verdict.invalid_user}
    made["user"] = account(entry.user_principal_name) or account(entry.sign_in_identifier)
    if verdict.kind is Kind.AUTH_SUCCESS:
        made["mfa"] = _second_factor(entry)
    elif verdict.kind is Kind.AUTH_FAILURE:
        made["session"] = attempt(entry.id)
    return made


def _judged(verdict: Verdict, entry: _SignIn, *, passive: bool) -> tuple[Verdict, AuthMethod | None]:
    """Return what the sign-in is, and how it was made: without a person, right answers are the use of a token."""
    protocol = str(entry.authentication_protocol or "").lower()
    if passive and protocol != "ropc" and verdict.kind in {Kind.AUTH_SUCCESS, Kind.AUTH_STOPPED}:
        return (Verdict(Kind.CONNECTION, "token-used") if verdict is SUCCESS else TOKEN), AuthMethod.TOKEN
    if verdict is TOKEN:
        return verdict, AuthMethod.TOKEN
    if verdict.kind is Kind.MFA_DENIED:
        proved = any(_method(step) == "password" and step.succeeded is True for step in entry.authentication_details or ())
        return verdict, AuthMethod.PASSWORD if proved else None
    if verdict is not SUCCESS:
        return verdict, verdict.method
    if protocol == "ropc":
        return verdict, AuthMethod.PASSWORD
    if protocol == "devicecode":
        return Verdict(Kind.AUTH_SUCCESS, "signin-device-code"), AuthMethod.TOKEN
    methods = [_method(step) for step in entry.authentication_details or ()]
    if "password" in methods:
        return verdict, AuthMethod.PASSWORD
    known = [_METHODS[method] for method in methods if method in _METHODS]
    return verdict, known[0] if known else AuthMethod.UNKNOWN


def _method(step: _Step) -> str:
    """Return the method in small letters, without what stands behind it in brackets: ``Passkey (device-bound)``."""
    return str(step.authentication_method or "").lower().partition(" (")[0]


def _second_factor(entry: _SignIn) -> Mfa:
    requirement = str(entry.authentication_requirement or "").lower()
    steps = [_method(step) for step in entry.authentication_details or () if step.succeeded is not False]
    if requirement == "multifactorauthentication" or any(step not in _FIRST_FACTORS for step in steps) or mapping(entry.mfa_detail).get("authMethod"):
        return Mfa.YES
    return Mfa.NO if requirement == "singlefactorauthentication" else Mfa.UNKNOWN


def _extra(entry: _SignIn, outer: _SignIn, status: _Status, code: int | None) -> dict[str, Any]:
    device, place = mapping(entry.device_detail), mapping(entry.location) or mapping(entry.location_details)
    return {
        "errorCode": code,
        "failureReason": status.failure_reason or entry.result_description or outer.result_description,
        "additionalDetails": status.additional_details,
        "appDisplayName": entry.app_display_name,
        "resourceDisplayName": entry.resource_display_name,
        "clientAppUsed": entry.client_app_used,
        "authenticationProtocol": entry.authentication_protocol,
        "authenticationRequirement": entry.authentication_requirement,
        "conditionalAccessStatus": entry.conditional_access_status,
        "riskLevelDuringSignIn": entry.risk_level_during_sign_in,
        "riskLevelAggregated": entry.risk_level_aggregated,
        "deviceId": device.get("deviceId"),
        "operatingSystem": device.get("operatingSystem"),
        "browser": device.get("browser"),
        "userAgent": entry.user_agent,
        "countryOrRegion": place.get("countryOrRegion"),
        "city": place.get("city"),
        "autonomousSystemNumber": entry.autonomous_system_number,
        "correlationId": entry.correlation_id,
        "id": entry.id,
    }


SOURCE = DocumentSource(
    name="entra-signin",
    title="Entra ID sign-ins (Graph, Azure Monitor, Log Analytics)",
    programs=("entra-signin",),
    shape=_SignIn,
    read=_read,
    essential=("properties", "created_date_time"),
    service=Service.IDP,
    timeless=True,
    references=(
        "https://learn.microsoft.com/graph/api/resources/signin",
        "https://learn.microsoft.com/azure/azure-monitor/reference/tables/signinlogs",
        "https://learn.microsoft.com/entra/identity-platform/reference-error-codes",
    ),
)
