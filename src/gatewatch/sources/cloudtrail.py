"""AWS CloudTrail: logons at the console, sessions on instances, and calls that open doors or stop logs.

::

    {"eventTime": "2026-03-02T08:15:00Z", "eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "sourceIPAddress": "192.0.2.7",
     "userIdentity": {"type": "IAMUser", "userName": "ann"}, "responseElements": {"ConsoleLogin": "Success"},
     "additionalEventData": {"MFAUsed": "No"}, "recipientAccountId": "111122223333"}

===========================================  ========================================================================================
event                                        becomes
===========================================  ========================================================================================
ConsoleLogin                                 ``auth_success`` or ``auth_failure``; ``mfa`` from ``MFAUsed`` where AWS itself asks for it
UserAuthentication                           ``auth_success`` at the portal of the Identity Center; ``mfa`` by its ``CredentialType``
CredentialVerification                       ``auth_failure`` (password), ``mfa_ok``, ``mfa_denied`` (other factors)
CredentialChallenge                          ``mfa_challenge`` unless the password was asked for
StartSession, ResumeSession, OpenTunnel      ``session_start`` on the instance (``host``), ``port_forward``
TerminateSession                             ``session_end``
SendCommand                                  ``exec`` on each instance
SendSSHPublicKey                             ``account_change`` ``ssh-key-pushed``: a key of a minute for an account of the instance
AuthorizeSecurityGroupIngress …              ``config_change`` ``remote-access-opened``: outsiders to a port of remote access; else
                                             ``security-group-changed``, ``security-group-closed``
calls of :mod:`~.cloudtrail_action`          ``account_change``, ``config_change``
one of these that was refused                ``privilege_denied``
===========================================  ========================================================================================

Other events are ignored by their name, unread. ``user`` is the IAM user, ``root``, or the name of the role session; ``host`` is the instance, else
``aws-`` with the account. ``session`` is ``aws:`` with the temporary key; ``ssm:`` with the session of the Session Manager.
References: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources.cloudtrail_action import DEEDS, SECURITY_GROUP, mapping_of, openings, record_names
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, said
from gatewatch.sources.document_value import unpacked

NO_NAME = "no event name"
UNLISTED = "says nothing of remote access"
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_SESSIONS = {
    "StartSession": (Kind.SESSION_START, "ssm-session"),
    "ResumeSession": (Kind.SESSION_START, "ssm-session-resumed"),
    "TerminateSession": (Kind.SESSION_END, "ssm-session-end"),
}
_PUSHES = {"SendSSHPublicKey": "ssh-key-pushed", "SendSerialConsoleSSHPublicKey": "serial-console-key-pushed"}
_FEDERATED = frozenset({"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetFederationToken", "GetSigninToken"})
_SIGN_IN = frozenset({"ConsoleLogin", "UserAuthentication", "CredentialVerification", "CredentialChallenge", "CheckMfa", "SwitchRole"})
_PORTAL = frozenset({"UserAuthentication", "CredentialVerification", "CredentialChallenge"})
_FIRST_CREDENTIALS = frozenset({"PASSWORD", "EXTERNAL_IDP", "SMARTCARD"})
FIRST_ASKED = "asked for the password"
_RECOVERY = frozenset({"PasswordRecoveryCompleted", "PasswordUpdated", "EmailUpdated"})
_NAMES = frozenset(
    {*_SIGN_IN, *_SESSIONS, *_PUSHES, *_FEDERATED, *_RECOVERY, *DEEDS, *SECURITY_GROUP, "OpenTunnel", "SendCommand", "GetPasswordData"}
)
_MOST_INSTANCES = 50


class _Issuer(Part, rename="camel"):
    user_name: Any = None


class _Attributes(Part, rename="camel"):
    mfa_authenticated: Any = None


class _Context(Part, rename="camel"):
    session_issuer: _Issuer | None = None
    attributes: _Attributes | None = None


class _Identity(Part, rename="camel"):
    type: Any = None
    principal_id: Any = None
    arn: Any = None
    account_id: Any = None
    access_key_id: Any = None
    user_name: Any = None
    invoked_by: Any = None
    session_context: _Context | None = None


class _Event(Part, rename="camel"):
    detail: _Event | None = None
    wazuh: _Event | None = msgspec.field(default=None, name="aws")
    data: _Event | None = None  # of an alert of Wazuh
    whole: _Event | None = msgspec.field(default=None, name="CloudTrailEvent")  # of the answers of LookupEvents: JSON as text
    event_time: Any = None
    event_source: Any = None
    event_name: Any = None
    aws_region: Any = None
    source_ip_address: Any = msgspec.field(default=None, name="sourceIPAddress")
    user_agent: Any = None
    error_code: Any = None
    error_message: Any = None
    request_parameters: Any = None
    response_elements: Any = None
    additional_event_data: Any = None
    service_event_details: Any = None
    user_identity: _Identity | None = None
    recipient_account_id: Any = None
    event_id: Any = msgspec.field(default=None, name="eventID")
    # columns of the table AWSCloudTrail of Log Analytics
    looked_up: Any = msgspec.field(default=None, name="Username")  # of the answers of LookupEvents
    generated: Any = msgspec.field(default=None, name="TimeGenerated")
    flat_type: Any = msgspec.field(default=None, name="UserIdentityType")
    flat_name: Any = msgspec.field(default=None, name="UserIdentityUserName")
    flat_principal: Any = msgspec.field(default=None, name="UserIdentityPrincipalid")
    flat_arn: Any = msgspec.field(default=None, name="UserIdentityArn")
    flat_account: Any = msgspec.field(default=None, name="UserIdentityAccountId")
    flat_key: Any = msgspec.field(default=None, name="UserIdentityAccessKeyId")
    flat_invoker: Any = msgspec.field(default=None, name="UserIdentityInvokedBy")
    flat_issuer: Any = msgspec.field(default=None, name="SessionIssuerUserName")
    flat_mfa: Any = msgspec.field(default=None, name="SessionMfaAuthenticated")


def _read(event: _Event) -> Made:
    if event.event_name is None and event.detail is not None:  # Amazon EventBridge
        event = event.detail
    elif event.whole is not None:
        event = event.whole
    elif event.event_name is None and event.data is not None:
        event = event.data.wazuh or event
    elif event.event_name is None and event.wazuh is not None:
        event = event.wazuh
    name = said(event.event_name)
    if name is None:
        raise Unreadable(NO_NAME)
    if event.user_identity is None and event.generated is not None:
        event = _of_columns(event)
    made = _common(event)
    given, answer = mapping_of(event.request_parameters), mapping_of(event.response_elements) or mapping_of(event.service_event_details)
    refused = said(event.error_code) is not None
    if name in _SIGN_IN and said(event.event_source) in {"signin.amazonaws.com", None}:
        told = _portal(event, name, answer) if name in _PORTAL else _signed_in(event, name, answer)
        return made | told if isinstance(told, dict) else told
    if name in _SESSIONS and event.event_source == "ssm.amazonaws.com":
        return made | _on_instance(name, given, answer, refused=refused)
    if name == "SendCommand":
        return _commands(made, given, refused=refused)
    what = _what(event, name, given, answer)
    if what is None:
        return UNLISTED
    if refused:
        what["kind"] = Kind.PRIVILEGE_DENIED
    return made | what


def _of_columns(event: _Event) -> _Event:
    """Return an event whose identity is spread over columns with its identity in one piece."""
    identity = _Identity(
        type=event.flat_type,
        principal_id=event.flat_principal,
        arn=event.flat_arn,
        account_id=event.flat_account,
        access_key_id=event.flat_key,
        user_name=event.flat_name,
        invoked_by=event.flat_invoker,
        session_context=_Context(session_issuer=_Issuer(user_name=event.flat_issuer), attributes=_Attributes(mfa_authenticated=event.flat_mfa)),
    )
    return msgspec.structs.replace(
        event,
        user_identity=identity,
        event_time=event.event_time or event.generated,
        request_parameters=_opened_text(event.request_parameters),
        response_elements=_opened_text(event.response_elements),
        additional_event_data=_opened_text(event.additional_event_data),
    )


def _opened_text(value: Any) -> Any:
    return unpacked(value) if isinstance(value, str) else value


def _what(event: _Event, name: str, given: Any, answer: Any) -> dict[str, Any] | None:
    """Return what a call of the API is, besides who made it."""
    if name in _PUSHES:
        instance = said(given.get("instanceId"))
        return {
            "kind": Kind.ACCOUNT_CHANGE,
            "pattern": _PUSHES[name],
            "target_user": given.get("instanceOSUser"),
            "service": Service.SSH,
            "object": instance,
        } | ({"host": instance} if instance else {})
    if name == "OpenTunnel":
        return {
            "kind": Kind.PORT_FORWARD,
            "pattern": "instance-connect-tunnel",
            "dst_ip": given.get("privateIpAddress"),
            "dst_port": given.get("remotePort"),
            "object": given.get("instanceConnectEndpointId"),
        }
    if name in SECURITY_GROUP:
        return _opened(name, given)
    if name in _FEDERATED:
        role = str(given.get("roleArn") or "").rpartition("/")[2]
        return {"kind": Kind.SESSION_START, "pattern": "role-assumed", "object": role, "session": _session(_new_key(answer))}
    if name == "GetPasswordData":
        return {"kind": Kind.PRIVILEGE_USE, "pattern": "windows-password-read", "object": given.get("instanceId")}
    if name in _RECOVERY:
        return {"kind": Kind.ACCOUNT_CHANGE, "pattern": "password-changed", "target_user": _user(event.user_identity or _Identity())}
    deed = DEEDS.get(name)
    if deed is None or (name == "ModifyInstanceAttribute" and "userData" not in given):
        return None
    named = (said(given.get(key)) for key in deed.object)
    if name == "ChangeResourceRecordSets":
        named = (name for name in (record_names(given),))
    target = said(given.get(deed.target)) if deed.target else None
    if target is None and deed.target:
        target = _user(event.user_identity or _Identity())  # without a name, the call is about who makes it
    return {"kind": deed.kind, "pattern": deed.pattern, "target_user": target, "object": next((text for text in named if text is not None), None)}


def _signed_in(event: _Event, name: str, answer: Any) -> dict[str, Any]:
    """Return what a sign-in at the console is."""
    identity, told = event.user_identity or _Identity(), mapping_of(event.additional_event_data)
    outcome = _outcome(event, name, answer)
    if name == "SwitchRole":
        kind = Kind.PRIVILEGE_USE if outcome == "success" else Kind.PRIVILEGE_DENIED
        role = str(told.get("SwitchTo") or "").partition("roleName=")[2].partition("&")[0]
        return {"kind": kind, "pattern": "role-switched", "object": role or str(identity.arn or "").partition(":assumed-role/")[2].partition("/")[0]}
    if name == "CheckMfa":
        return {"kind": Kind.MFA_CHALLENGE, "pattern": "factor-asked"}
    who = said(identity.type)
    by_password = who in {"IAMUser", "Root", "Unknown"}
    made: dict[str, Any] = {"auth_method": AuthMethod.PASSWORD if by_password else AuthMethod.TOKEN}
    if outcome == "success":
        used = str(told.get("MFAUsed") or "").lower()
        asked = who in {"IAMUser", "Root"}
        made["mfa"] = Mfa.YES if used == "yes" else Mfa.NO if used == "no" and asked else Mfa.UNKNOWN
        return made | {"kind": Kind.AUTH_SUCCESS, "pattern": "console-login"}
    if outcome != "failure":
        raise Unreadable("no outcome")
    unknown = identity.user_name == _HIDDEN or "no username found" in str(event.error_message or "").lower()
    return made | {"kind": Kind.AUTH_FAILURE, "pattern": "console-login-failed", "invalid_user": True if unknown else None}


def _portal(event: _Event, name: str, answer: Any) -> dict[str, Any] | str:
    """Return what a step of a sign-in at the portal of the Identity Center is: each credential is asked for and verified by itself."""
    identity, told = event.user_identity or _Identity(), mapping_of(event.additional_event_data)
    outcome = _outcome(event, name, answer)
    types = frozenset(str(told.get("CredentialType") or "").upper().replace(" ", "").split(",")) - {""}
    factors = types - _FIRST_CREDENTIALS
    made: dict[str, Any] = {"user": _user(identity) or said(told.get("UserName"))}
    flow = said(told.get("AuthWorkflowID"))
    if flow is not None:
        made["session"] = f"aws-portal:{flow}"
    if name == "CredentialChallenge":
        return made | {"kind": Kind.MFA_CHALLENGE, "pattern": "factor-asked"} if factors or not types else FIRST_ASKED
    if outcome not in {"success", "failure"}:
        raise Unreadable("no outcome")
    method = AuthMethod.PASSWORD if "PASSWORD" in types else AuthMethod.TOKEN if "EXTERNAL_IDP" in types else AuthMethod.UNKNOWN
    if name == "UserAuthentication":
        made |= {"kind": Kind.AUTH_SUCCESS if outcome == "success" else Kind.AUTH_FAILURE, "auth_method": method}
        if outcome == "success":
            return made | {"pattern": "portal-login", "mfa": Mfa.YES if factors else Mfa.NO if types == {"PASSWORD"} else Mfa.UNKNOWN}
        return made | {"pattern": "portal-login-failed"}
    if factors:  # it is asked for once the password was right
        kind, pattern = (Kind.MFA_OK, "factor-accepted") if outcome == "success" else (Kind.MFA_DENIED, "factor-refused")
        return made | {"kind": kind, "pattern": pattern, "mfa": Mfa.YES if outcome == "success" else None, "auth_method": AuthMethod.PASSWORD}
    if outcome == "success":
        return made | {"kind": Kind.SESSION_START, "pattern": "credential-verified", "auth_method": method}
    return made | {"kind": Kind.AUTH_FAILURE, "pattern": "portal-login-failed", "auth_method": method}


def _outcome(event: _Event, name: str, answer: Any) -> str:
    return str(answer.get(name) or ("Failure" if said(event.error_message) or said(event.error_code) else "")).lower()


def _on_instance(name: str, given: Any, answer: Any, *, refused: bool) -> dict[str, Any]:
    """Return the start or the end of a session of the Session Manager."""
    kind, pattern = _SESSIONS[name]
    session = said(answer.get("sessionId")) or said(given.get("sessionId"))
    instance = said(given.get("target"))
    made: dict[str, Any] = {
        "kind": Kind.PRIVILEGE_DENIED if refused else kind,
        "pattern": pattern,
        "session": f"ssm:{session}" if session else None,
        "object": said(given.get("documentName")),
        "service": None,
    }
    return made | {"host": instance} if instance else made


def _commands(made: dict[str, Any], given: Any, *, refused: bool) -> Made:
    """Return the commands sent to instances, an event for each of these."""
    listed = given.get("instanceIds")
    instances = [text for one in listed[:_MOST_INSTANCES] if (text := said(one)) is not None] if isinstance(listed, list) else []
    lines = mapping_of(given.get("parameters")).get("commands")
    command = "\n".join(line for line in lines if isinstance(line, str)) if isinstance(lines, list) else None
    what = {
        "kind": Kind.PRIVILEGE_DENIED if refused else Kind.EXEC,
        "pattern": "ssm-command",
        "command": command or None,
        "object": said(given.get("documentName")),
        "service": None,
    }
    return [made | what | {"host": instance} for instance in instances] or made | what


def _opened(name: str, given: Any) -> dict[str, Any]:
    rules = openings(given)
    pattern = SECURITY_GROUP[name]
    if pattern == "security-group-changed" and any(rule.remote for rule in rules):
        pattern = "remote-access-opened"
    group = said(given.get("groupId")) or said(given.get("groupName"))
    request = mapping_of(given.get("ModifySecurityGroupRulesRequest"))
    made: dict[str, Any] = {"kind": Kind.CONFIG_CHANGE, "pattern": pattern, "object": group or said(request.get("GroupId"))}
    if rules:
        made["command"] = "; ".join(map(str, rules[:20]))
    return made


def _user(identity: _Identity, looked_up: Any = None) -> str | None:
    """Return the person or program behind a call: IAM user, root, or the name of the role session."""
    name = said(identity.user_name)
    if identity.type == "Root":
        return "root"
    if name is not None:
        return None if name == _HIDDEN else name
    if said(identity.type) in {"AssumedRole", "FederatedUser", "SAMLUser", "WebIdentityUser"}:
        return said(str(identity.principal_id or "").partition(":")[2]) or said(str(identity.arn or "").rpartition("/")[2])
    if said(identity.type) == "IAMUser" and ":user/" in str(identity.arn or ""):
        return said(str(identity.arn).rpartition("/")[2])
    return said(looked_up)


def _new_key(answer: Any) -> Any:
    return mapping_of(answer.get("credentials")).get("accessKeyId")


def _session(key: Any) -> str | None:
    """Return the session a temporary key stands for; a lasting key (``AKIA…``) is none."""
    text = said(key)
    return f"aws:{text}" if text is not None and text.startswith("ASIA") else None


def _common(event: _Event) -> dict[str, Any]:
    identity = event.user_identity or _Identity()
    owner = said(event.recipient_account_id) or said(identity.account_id)
    return {
        "time": event.event_time,
        "host": f"aws-{owner}" if owner else "aws",
        "user": _user(identity, event.looked_up),
        "src_ip": event.source_ip_address,
        "session": _session(identity.access_key_id),
        "extra": partial(_extra, event, identity, owner),
    }


def _extra(event: _Event, identity: _Identity, owner: str | None) -> dict[str, Any]:
    context, told = identity.session_context or _Context(), mapping_of(event.additional_event_data)
    return {
        "eventName": event.event_name,
        "eventSource": event.event_source,
        "awsRegion": event.aws_region,
        "errorCode": event.error_code,
        "errorMessage": event.error_message,
        "sourceIPAddress": event.source_ip_address,
        "userAgent": event.user_agent,
        "identityType": identity.type,
        "arn": identity.arn,
        "accessKeyId": identity.access_key_id,
        "role": (context.session_issuer or _Issuer()).user_name,
        "mfaAuthenticated": (context.attributes or _Attributes()).mfa_authenticated,
        "mfaUsed": told.get("MFAUsed"),
        "invokedBy": identity.invoked_by,
        "account": owner,
        "eventID": event.event_id,
    }


SOURCE = DocumentSource(
    name="cloudtrail",
    title="AWS CloudTrail",
    programs=("cloudtrail",),
    shape=_Event,
    read=_read,
    essential=("event_name", "detail"),
    hint='(?i:"eventname")\\s*:\\s*(?:[^"\\s]|"(?:' + "|".join(sorted(_NAMES)) + ')?")',
    others=UNLISTED,
    service=Service.IDP,
    timeless=True,
    references=("https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html",),
)
