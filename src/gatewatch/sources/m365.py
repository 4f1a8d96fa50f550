r"""Microsoft 365's unified audit log (``AuditData``): logons, changes of the directory, rules and permissions of mailboxes.

::

    {"CreationTime": "2026-03-02T08:15:00", "Operation": "UserLoggedIn", "Workload": "AzureActiveDirectory", "UserId": "ann@corp.example",
     "ClientIP": "192.0.2.7", "ErrorNumber": "0", "ExtendedProperties": [{"Name": "RequestType", "Value": "Login:login"}, …]}

The objects come as they are, as the text ``AuditData`` within an object or a CSV row (:mod:`gatewatch.intake.m365_csv`), and as rows of the table
OfficeActivity. Times without a zone are UTC.

=================================================  ==================================================================================
record                                             becomes
=================================================  ==================================================================================
UserLoggedIn, UserLoginFailed                      by ``ErrorNumber`` (:mod:`~.entra_code`), else by ``LogonError``
UserLoggedIn that redirects                        ``connection`` ``redirected``: a step on the way, with an error number 0 or none
UserLoggedIn that renews a token                   ``connection`` ``token-used``: ``RequestType`` ``OAuth2:Token``, but for clients that
                                                   send the password (``BAV2ROPC``)
other operations of the directory                  :mod:`gatewatch.sources.entra_activity`
MailboxLogin                                       ``session_start``
rules, permissions, forwarding, audit of Exchange  ``config_change`` or ``account_change``; ``object`` is the rule or the mailbox
=================================================  ==================================================================================

Other operations are ignored. References: https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema,
https://learn.microsoft.com/azure/azure-monitor/reference/tables/officeactivity.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from gatewatch.schema.events import AuthMethod, Kind, Mfa, Service
from gatewatch.sources import entra_signin
from gatewatch.sources.document import FAULTS, NO_OBJECT, DocumentSource, Made, Part, Unreadable, filled, mapping, port_of, said
from gatewatch.sources.entra_activity import UNKNOWN, Change, Deed, deed_of, role_of
from gatewatch.sources.entra_code import OTHER, SUCCESS, TOKEN, Verdict, code_of, verdict_of
from gatewatch.sources.entra_signin import account

HOST = "m365"
NO_OPERATION = "no operation"
UNLISTED = "says nothing of remote access"
_LOGONS = frozenset({"userloggedin", "userloginfailed"})
_BY_ERROR = {
    "invalidusernameorpassword": 50126,
    "invalidpassword": 50126,
    "useraccountnotfound": 50034,
    "usererror": 50126,
    "idslocked": 50053,
    "userdisabled": 50057,
    "invalidpasswordexpiredpassword": 50055,
    "invalidpasswordexpiredonpremisespassword": 50144,
    "userstrongauthclientauthnrequired": 50074,
    "userstrongauthclientauthnrequiredinterrupt": 50074,
    "userstrongauthenrollmentrequired": 50072,
    "userstrongauthenrollmentrequiredinterrupt": 50072,
    "externalsecuritychallenge": 50158,
    "passwordresetregistrationrequiredinterrupt": 50125,
    "devicenotcompliant": 53000,
    "devicenotdomainjoined": 53001,
    "deviceauthenticationrequired": 50097,
    "blockedbyconditionalaccess": 53003,
    "blockedbyconditionalaccessonsecuritypolicy": 53003,
    "authenticationfailedsasservererror": 500121,
    "authenticationfailedsaserror": 500121,
    "proofupblockedduetorisk": 53004,
    "conditionalaccessfailed": 50131,
    "deviceisnotworkplacejoined": 50129,
    "applicationusedisnotanapprovedapp": 53002,
    "entitlementgrantsnotfound": 50105,
    "passwordchangecompromisedpassword": 50135,
    "invalidornullpassword": 50056,
    "useraccountnotindirectory": 51004,
    "kmsiinterrupt": 50140,
    "cmsiinterrupt": 50199,
    "userinformationnotprovided": 50058,
    "useraccountselectioninvalid": 16002,
    "selectuseraccount": 16000,
    "expiredorrevokedgrant": 70008,
    "userdeclinedstrongauth": 500121,
    "ssoartifactexpiredduetoconditionalaccess": 70043,
    "ssoartifactinvalidorexpired": 50132,
    "ssouseraccountnotfoundinresourcetenant": 50020,
    "flowtokenexpired": 50089,
    "forcereauthduetoinsufficientauth": 50078,
}
_PASSWORD_CLIENTS = re.compile(r"BAV2ROPC|CBAInPROD|CBAInTAR", re.IGNORECASE)
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NOBODY = frozenset({"unknown", "not", "anonymous", "unset"})
_MAILBOX: dict[str, Deed] = {
    "new-inboxrule": Deed(Kind.CONFIG_CHANGE, "inbox-rule-created"),
    "set-inboxrule": Deed(Kind.CONFIG_CHANGE, "inbox-rule-changed"),
    "enable-inboxrule": Deed(Kind.CONFIG_CHANGE, "inbox-rule-changed"),
    "updateinboxrules": Deed(Kind.CONFIG_CHANGE, "inbox-rule-changed"),
    "remove-inboxrule": Deed(Kind.CONFIG_CHANGE, "inbox-rule-removed"),
    "disable-inboxrule": Deed(Kind.CONFIG_CHANGE, "inbox-rule-removed"),
    "new-transportrule": Deed(Kind.CONFIG_CHANGE, "transport-rule-changed"),
    "set-transportrule": Deed(Kind.CONFIG_CHANGE, "transport-rule-changed"),
    "new-inboundconnector": Deed(Kind.CONFIG_CHANGE, "mail-connector-changed"),
    "new-outboundconnector": Deed(Kind.CONFIG_CHANGE, "mail-connector-changed"),
    "set-mailboxauditbypassassociation": Deed(Kind.CONFIG_CHANGE, "mailbox-audit-disabled"),
    "add-mailboxpermission": Deed(Kind.ACCOUNT_CHANGE, "mailbox-permission-granted"),
    "add-recipientpermission": Deed(Kind.ACCOUNT_CHANGE, "mailbox-permission-granted"),
    "add-mailboxfolderpermission": Deed(Kind.ACCOUNT_CHANGE, "mailbox-permission-granted"),
    "addfolderpermissions": Deed(Kind.ACCOUNT_CHANGE, "mailbox-permission-granted"),
    "new-managementroleassignment": Deed(Kind.ACCOUNT_CHANGE, "role-member-added"),
    "add-rolegroupmember": Deed(Kind.ACCOUNT_CHANGE, "role-member-added"),
}
_FORWARDING = frozenset({"ForwardingSmtpAddress", "ForwardingAddress"})


class _Pair(Part, rename="pascal"):
    name: Any = None
    value: Any = None


class _Property(Part, rename="pascal"):
    name: Any = None
    old_value: Any = None
    new_value: Any = None


class _Target(Part):
    id: Any = msgspec.field(default=None, name="ID")
    type: Any = msgspec.field(default=None, name="Type")


class _Access(Part, rename="pascal"):
    session_id: Any = msgspec.field(default=None, name="AADSessionId")


class _Record(Part, rename="pascal"):
    wazuh: Any = msgspec.field(default=None, name="office365")
    beat: Any = msgspec.field(default=None, name="o365audit")  # of Elastic's agents, before their pipeline
    alert: Any = msgspec.field(default=None, name="data")  # of Wazuh, which holds it
    audit_data: Any = None
    creation_time: Any = None
    time_generated: Any = None
    creation_date: Any = None
    id: Any = None
    operation: Any = None
    workload: Any = None
    user_id: Any = None
    user_agent: Any = None
    client_ip: Any = msgspec.field(default=None, name="ClientIP")
    client_ip_address: Any = msgspec.field(default=None, name="ClientIPAddress")
    client_address: Any = msgspec.field(default=None, name="Client_IPAddress")
    actor_ip_address: Any = None
    result_status: Any = None
    error_number: Any = None
    logon_error: Any = None
    object_id: Any = None
    mailbox_owner: Any = msgspec.field(default=None, name="MailboxOwnerUPN")
    application_id: Any = None
    inter_systems_id: Any = None
    intra_system_id: Any = None
    app_access_context: _Access | None = None
    session_id: Any = None
    extended_properties: list[_Pair] | None = None
    device_properties: list[_Pair] | None = None
    modified_properties: list[_Property] | None = None
    parameters: list[_Pair] | None = None
    target: list[_Target] | None = None


def _read(record: _Record) -> Made:
    if record.audit_data is not None:
        record = _inner(record.audit_data)
    elif record.operation is None and isinstance(held := record.wazuh or record.beat or mapping(record.alert).get("office365"), dict):
        record = _inner(held)
    operation = said(record.operation)
    if operation is None:
        raise Unreadable(NO_OPERATION)
    low = operation.casefold()
    if low in _LOGONS:
        return _logon(record)
    if low == "mailboxlogin":
        return _common(record, Deed(Kind.SESSION_START, "mailbox-login")) | {"object": record.mailbox_owner}
    given = {name: pair.value for pair in record.parameters or () if (name := said(pair.name)) is not None}
    deed = _of_exchange(low, given)
    if deed is not None:
        made = _common(record, deed)
        made["object"] = said(given.get("Name")) or said(given.get("Identity")) or said(record.object_id)
        made["target_user"] = _person(given.get("User") or given.get("Trustee") or given.get("Member"))
        made["extra"]["parameters"] = {name: value for name, value in given.items() if isinstance(value, str)} or None
        return made
    return _activity(record, operation)


def _inner(data: Any) -> _Record:
    """Return the record within ``AuditData``."""
    try:
        whole = msgspec.json.decode(data) if isinstance(data, str) else data
    except FAULTS:
        raise Unreadable("broken AuditData") from None
    if not isinstance(whole, dict):
        raise Unreadable(NO_OBJECT)
    made: _Record = filled(_Record, whole)
    return made


def _logon(record: _Record) -> Made:
    told = {str(pair.name).lower(): str(pair.value) for pair in record.extended_properties or ()}
    code = code_of(record.error_number)
    error = said(record.logon_error)
    blamed = error is not None and error.casefold() not in {"none", "null"}  # also of UserLoggedIn with the number 0
    failed = blamed or str(record.operation).casefold() == "userloginfailed" or str(record.result_status or "").lower() in {"failed", "failure"}
    if failed and not code:
        code = _BY_ERROR.get(str(record.logon_error or "").casefold())
        verdict = OTHER if code is None else verdict_of(code)
    else:
        verdict = verdict_of(code or 0)
    method = verdict.method
    if verdict is SUCCESS:
        verdict, method = _entered(told, said(record.user_agent) or told.get("useragent", ""))
    elif verdict is TOKEN:
        method = AuthMethod.TOKEN
    held = record.app_access_context
    sessions = [None if held is None else held.session_id, record.session_id]
    sessions += [pair.value for pair in record.device_properties or () if pair.name == "SessionId"]
    made = _common(record, Deed(verdict.kind, verdict.pattern)) | {
        "auth_method": method,
        "invalid_user": verdict.invalid_user,
        "host": entra_signin.HOST,  # it is the logon that Entra's own log tells
        "session": next((text for text in map(said, sessions) if text is not None), None),
    }
    if verdict.kind is Kind.AUTH_FAILURE:
        made["session"] = entra_signin.attempt(record.intra_system_id)
    if verdict.kind is Kind.AUTH_SUCCESS:  # SAS is the service of second factors
        made["mfa"] = Mfa.YES if told.get("requesttype", "").casefold().startswith("sas:") else Mfa.UNKNOWN
    made["extra"] |= {
        "errorNumber": code,
        "logonError": record.logon_error,
        "requestType": told.get("requesttype"),
        "resultStatusDetail": told.get("resultstatusdetail"),
        "applicationId": record.application_id,
        "correlationId": record.inter_systems_id,
        "requestId": record.intra_system_id,
    }
    return made


def _entered(told: dict[str, str], agent: str) -> tuple[Verdict, AuthMethod]:
    """Return what a success is: a logon, the renewal of a token, or a step of a logon."""
    request = told.get("requesttype", "").casefold()
    if _PASSWORD_CLIENTS.search(agent):
        return SUCCESS, AuthMethod.PASSWORD
    if request.endswith(":logout"):
        return Verdict(Kind.SESSION_END, "signed-out"), AuthMethod.UNKNOWN
    if request == "sas:beginauth":
        return Verdict(Kind.MFA_CHALLENGE, "factor-asked"), AuthMethod.UNKNOWN
    if told.get("resultstatusdetail", "").casefold() == "redirect":
        return Verdict(Kind.CONNECTION, "redirected"), AuthMethod.TOKEN
    if request.endswith(":token"):
        return Verdict(Kind.CONNECTION, "token-used"), AuthMethod.TOKEN
    return SUCCESS, AuthMethod.PASSWORD if request.startswith(("login:", "orgidwstrust")) else AuthMethod.UNKNOWN


def _of_exchange(operation: str, given: dict[str, Any]) -> Deed | None:
    if operation == "set-mailbox":
        if any(said(given.get(name)) for name in _FORWARDING):
            return Deed(Kind.CONFIG_CHANGE, "mailbox-forwarding-set")
        return Deed(Kind.CONFIG_CHANGE, "mailbox-audit-disabled") if str(given.get("AuditEnabled", "")).casefold() == "false" else None
    if operation == "set-adminauditlogconfig":
        off = str(given.get("UnifiedAuditLogIngestionEnabled", "")).casefold() == "false"
        return Deed(Kind.CONFIG_CHANGE, "audit-log-disabled") if off else None
    return _MAILBOX.get(operation)


def _activity(record: _Record, operation: str) -> Made:
    changes = [Change.of(one.name, one.old_value, one.new_value) for one in record.modified_properties or ()]
    named = [name for one in record.target or () if one.type == 1 and (name := said(one.id)) is not None and not _GUID.fullmatch(name)]
    deed = deed_of([operation], changes, named)
    if deed is None:
        return UNKNOWN if record.workload == "AzureActiveDirectory" else UNLISTED
    made = _common(record, deed)
    people = [record.object_id, *(one.id for one in record.target or () if one.type == 5)]
    made["target_user"] = next((name for one in people if "@" in str(one) and (name := _person(one)) is not None), None)
    made["object"] = role_of(changes) or next(iter(named), None)
    made["extra"]["changed"] = ", ".join(change.name for change in changes if change.name)[:500]
    if str(record.result_status or "").casefold() in {"failure", "failed", "false"}:
        made["kind"] = Kind.PRIVILEGE_DENIED
    return made


def _person(value: Any) -> str | None:
    """Return the account a user id names; None for programs, hidden names and bare identifiers."""
    name = account(value)
    if name is None or name.startswith("ServicePrincipal_") or name.casefold() in _NOBODY or _GUID.fullmatch(name):
        return None
    return name


def _common(record: _Record, deed: Deed) -> dict[str, Any]:
    addresses = (record.actor_ip_address, record.client_ip, record.client_ip_address, record.client_address)
    address = next((text for text in map(said, addresses) if text is not None), None)
    return {
        "kind": deed.kind,
        "pattern": deed.pattern,
        "time": said(record.creation_time) or said(record.time_generated) or record.creation_date,
        "host": HOST,
        "user": _person(record.user_id),
        "src_ip": address,
        "src_port": port_of(address),
        "extra": {
            "operation": record.operation,
            "workload": record.workload,
            "resultStatus": record.result_status,
            "userAgent": record.user_agent,
            "id": record.id,
        },
    }


_OPERATION = r'(?i)operations?\\{0,3}"\s*:\s*\\{0,3}"'
SOURCE = DocumentSource(
    name="m365",
    title="Microsoft 365 unified audit log",
    programs=("m365",),
    shape=_Record,
    read=_read,
    essential=("audit_data", "creation_time", "wazuh", "beat", "alert"),
    hint=rf"AzureActiveDirectory|{_OPERATION}(?:userlog|mailboxlogin|updateinboxrules|addfolderpermissions|[a-z]+-[a-z])",
    others=UNLISTED,
    service=Service.IDP,
    timeless=True,
    references=(
        "https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema",
        "https://learn.microsoft.com/azure/azure-monitor/reference/tables/officeactivity",
    ),
)
