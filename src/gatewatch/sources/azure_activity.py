"""Azure's activity log: what people do to the resources of a subscription that opens doors, runs commands or gives rights.

::

    {"eventTimestamp": "2026-03-02T08:15:00.1Z", "caller": "ann@corp.example", "httpRequest": {"clientIpAddress": "203.0.113.7"},
     "operationName": {"value": "Microsoft.Compute/virtualMachines/runCommand/action"}, "status": {"value": "Succeeded"}, "resourceId": "/…/vm1"}
    {"time": "2026-03-02T08:15:00Z", "category": "Administrative", "operationName": "MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/SECURITYRULES/WRITE",
     "resultType": "Success", "callerIpAddress": "203.0.113.7", "identity": {"claims": {"http://schemas.xmlsoap.org/…/upn": "ann@corp.example"}}}
    {"TimeGenerated": "2026-03-02T08:15:00Z", "Type": "AzureActivity", "OperationNameValue": "MICROSOFT.…", "ActivityStatusValue": "Success", …}

The REST interface, the portal and ``az monitor activity-log list``, diagnostic settings (storage, event hubs) and Log Analytics are read alike. An
operation is told when it begins, perhaps when it is accepted, and when it ends: only the end counts. One that was refused for want of rights is
``privilege_denied``; one that failed otherwise is ignored. The source is the client's address of the request; the address in the token's claims
(``ipaddr``) is where the token was fetched and only shown. ``user`` is the caller; programs are in ``process``. ``host`` is the machine or cluster
that the operation is about, else ``azure``.

========================================================================  ================================================================
operation                                                                 becomes
========================================================================  ================================================================
commands and extensions run on machines                                   ``exec``
serial console, bastion sessions, just-in-time access                     ``session_start``, ``config_change``
rules of network security groups and firewalls, public addresses          ``config_change`` ``network-rule-changed`` …
role assignments and definitions, elevated access                         ``account_change``
keys and credentials listed (clusters, storage, vaults)                   ``account_change`` ``cluster-credential-issued``, ``exec``
diagnostic settings, log profiles, flow logs removed                      ``config_change`` ``audit-log-disabled``
VPN gateways and their clients' configuration                             ``config_change`` ``vpn-gateway-changed``
========================================================================  ================================================================

References: https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema,
https://learn.microsoft.com/azure/azure-monitor/reference/tables/azureactivity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, mapping, port_of, said

HOST = "azure"
NO_OPERATION = "no operation"
UNLISTED = "says nothing of remote access"
BEGUN = "an operation that begins: its end counts"
FAILED = "an operation that failed"
_DONE = frozenset({"succeeded", "success"})
_REFUSED = frozenset({"forbidden", "unauthorized", "authorizationfailed", "linkedauthorizationfailed", "403", "401"})
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MACHINE = re.compile(r"(?i)/(?:virtualMachines|virtualMachineScaleSets|managedClusters|connectedClusters|machines)/([^/]+)")
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_METHODS = "http://schemas.microsoft.com/claims/authnmethodsreferences"


@dataclass(frozen=True, slots=True)
class Deed:
    """What an operation is: its kind and pattern."""

    kind: Kind
    pattern: str


_COMPUTE, _NETWORK, _RIGHTS = "microsoft.compute/", "microsoft.network/", "microsoft.authorization/"
_DEEDS: dict[str, Deed] = {
    **dict.fromkeys(
        (
            *(f"{_COMPUTE}virtualmachines/runcommand/action", f"{_COMPUTE}virtualmachines/runcommands/write"),
            *(f"{_COMPUTE}virtualmachinescalesets/virtualmachines/runcommand/action", "microsoft.hybridcompute/machines/runcommands/write"),
            "microsoft.containerservice/managedclusters/runcommand/action",
        ),
        Deed(Kind.EXEC, "run-command"),
    ),
    **dict.fromkeys(
        (
            *(f"{_COMPUTE}virtualmachines/extensions/write", f"{_COMPUTE}virtualmachinescalesets/extensions/write"),
            "microsoft.hybridcompute/machines/extensions/write",
        ),
        Deed(Kind.EXEC, "machine-extension-installed"),
    ),
    "microsoft.serialconsole/serialports/connect/action": Deed(Kind.SESSION_START, "serial-console"),
    f"{_NETWORK}bastionhosts/createshareablelinks/action": Deed(Kind.CONFIG_CHANGE, "bastion-link-created"),
    f"{_NETWORK}bastionhosts/write": Deed(Kind.CONFIG_CHANGE, "bastion-changed"),
    "microsoft.security/locations/jitnetworkaccesspolicies/initiate/action": Deed(Kind.CONFIG_CHANGE, "just-in-time-access-opened"),
    **dict.fromkeys(
        (
            *(f"{_NETWORK}networksecuritygroups/securityrules/write", f"{_NETWORK}networksecuritygroups/write"),
            *(f"{_NETWORK}azurefirewalls/write", f"{_NETWORK}firewallpolicies/rulecollectiongroups/write"),
            *(f"{_NETWORK}networksecuritygroups/delete", f"{_NETWORK}networksecuritygroups/securityrules/delete"),
        ),
        Deed(Kind.CONFIG_CHANGE, "network-rule-changed"),
    ),
    **dict.fromkeys((f"{_NETWORK}dnszones/{kind}/write" for kind in ("a", "aaaa", "cname", "ns")), Deed(Kind.CONFIG_CHANGE, "dns-record-changed")),
    f"{_NETWORK}publicipaddresses/write": Deed(Kind.CONFIG_CHANGE, "public-address-changed"),
    **dict.fromkeys(
        (
            *(f"{_NETWORK}virtualnetworkgateways/write", f"{_NETWORK}p2svpngateways/write", f"{_NETWORK}vpnserverconfigurations/write"),
            *(f"{_NETWORK}virtualnetworkgateways/generatevpnclientpackage/action", f"{_NETWORK}virtualnetworkgateways/generatevpnprofile/action"),
            f"{_NETWORK}p2svpngateways/generatevpnprofile/action",
        ),
        Deed(Kind.CONFIG_CHANGE, "vpn-gateway-changed"),
    ),
    f"{_RIGHTS}roleassignments/write": Deed(Kind.ACCOUNT_CHANGE, "role-member-added"),
    f"{_RIGHTS}roleassignments/delete": Deed(Kind.ACCOUNT_CHANGE, "role-member-removed"),
    f"{_RIGHTS}roledefinitions/write": Deed(Kind.CONFIG_CHANGE, "role-changed"),
    f"{_RIGHTS}elevateaccess/action": Deed(Kind.ACCOUNT_CHANGE, "role-member-added"),
    **dict.fromkeys(
        (
            "microsoft.containerservice/managedclusters/listclusteradmincredential/action",
            "microsoft.containerservice/managedclusters/listclusterusercredential/action",
        ),
        Deed(Kind.ACCOUNT_CHANGE, "cluster-credential-issued"),
    ),
    f"{_COMPUTE}sshpublickeys/generatekeypair/action": Deed(Kind.ACCOUNT_CHANGE, "ssh-key-created"),
    f"{_COMPUTE}sshpublickeys/write": Deed(Kind.ACCOUNT_CHANGE, "ssh-key-created"),
    "microsoft.storage/storageaccounts/listkeys/action": Deed(Kind.EXEC, "storage-keys-read"),
    "microsoft.keyvault/vaults/accesspolicies/write": Deed(Kind.CONFIG_CHANGE, "vault-access-changed"),
    **dict.fromkeys(
        (
            *("microsoft.insights/diagnosticsettings/delete", "microsoft.insights/logprofiles/delete"),
            *(f"{_NETWORK}networkwatchers/flowlogs/delete", "microsoft.operationalinsights/workspaces/delete"),
        ),
        Deed(Kind.CONFIG_CHANGE, "audit-log-disabled"),
    ),
    "microsoft.automation/automationaccounts/runbooks/publish/action": Deed(Kind.SCHEDULED_JOB, "runbook-published"),
    "microsoft.automation/automationaccounts/jobs/write": Deed(Kind.EXEC, "runbook-run"),
    "microsoft.cloudshell/operations/provisioning/action": Deed(Kind.SESSION_START, "cloud-shell"),
}


class _Request(Part, rename="camel"):
    client_ip_address: Any = None


class _Activity(Part, rename="camel"):
    time: Any = None
    event_timestamp: Any = None
    time_generated: Any = None
    operation_name: Any = None
    operation_name_value: Any = None
    status: Any = None
    sub_status: Any = None
    result_type: Any = None
    result_signature: Any = None
    activity_status_value: Any = None
    activity_status: Any = None
    activity_substatus_value: Any = None
    caller: Any = None
    caller_ip_address: Any = None
    http_request: _Request | None = None
    http_request_text: Any = msgspec.field(default=None, name="HTTPRequest")
    claims: Any = None
    identity: Any = None
    authorization: Any = None
    resource_id: Any = None
    resource: Any = msgspec.field(default=None, name="_ResourceId")
    properties: Any = None
    correlation_id: Any = None
    event_data_id: Any = None


def _value(given: Any) -> str | None:
    """Return the text of ``{"value": …}`` or of plain text."""
    return said(given.get("value")) if isinstance(given, dict) else said(given)


def _read(entry: _Activity) -> Made:
    operation = _value(entry.operation_name_value) or _value(entry.operation_name)
    if operation is None:
        raise Unreadable(NO_OPERATION)
    deed = _DEEDS.get(operation.casefold())
    if deed is None:
        return UNLISTED
    properties = mapping(entry.properties)
    states = (entry.status, entry.result_type, entry.activity_status_value, entry.activity_status)
    state = next((text.casefold() for text in map(_value, states) if text is not None), "")
    details = (entry.sub_status, entry.result_signature, entry.activity_substatus_value, properties.get("statusCode"))
    refused = any(_detail(text) in _REFUSED for text in map(_value, details) if text is not None)
    kind = deed.kind
    if state in {"failed", "failure"}:
        if not refused:
            return FAILED
        kind = Kind.PRIVILEGE_DENIED
    elif state not in _DONE:
        return BEGUN
    claims = mapping(entry.claims) or mapping(mapping(entry.identity).get("claims"))
    address = _address(entry)
    resource = said(entry.resource_id) or said(entry.resource) or ""
    machine = _MACHINE.search(resource)
    caller = said(entry.caller) or said(claims.get(_UPN)) or said(claims.get(_NAME))
    program = said(claims.get("appid")) if caller is None else caller if _GUID.fullmatch(caller) else None
    return {
        "kind": kind,
        "pattern": deed.pattern,
        "time": said(entry.event_timestamp) or said(entry.time) or entry.time_generated,
        "host": machine[1].lower() if machine is not None else HOST,
        "user": caller if program is None else None,
        "process": program,
        "src_ip": address,
        "src_port": port_of(address),
        "object": resource.rpartition("/")[2] or None,
        "extra": partial(_extra, entry, operation, claims, state),
    }


def _detail(text: str) -> str:
    """Return the word of a detail such as ``Forbidden (HTTP Status Code: 403)`` or ``Failed.Forbidden``."""
    return text.partition("(")[0].strip().rpartition(".")[2].casefold()


def _address(entry: _Activity) -> str | None:
    """Return the client's address of the request."""
    request = mapping(entry.http_request_text)
    asked = said(entry.http_request.client_ip_address) if entry.http_request is not None else None
    return asked or said(request.get("clientIpAddress")) or said(entry.caller_ip_address)


def _extra(entry: _Activity, operation: str, claims: dict[str, Any], state: str) -> dict[str, Any]:
    return {
        "operationName": operation,
        "status": state,
        "resourceId": said(entry.resource_id) or said(entry.resource),
        "tokenAddress": claims.get("ipaddr"),
        "authenticationMethods": claims.get(_METHODS),
        "appId": claims.get("appid"),
        "correlationId": entry.correlation_id,
        "eventDataId": entry.event_data_id,
    }


SOURCE = DocumentSource(
    name="azure-activity",
    title="Azure activity log (REST, diagnostic settings, Log Analytics)",
    programs=("azure-activity",),
    shape=_Activity,
    read=_read,
    essential=("operation_name", "operation_name_value"),
    hint="(?i)" + "|".join(sorted(re.escape(name).replace("/", r"\\?/") for name in _DEEDS)),
    others=UNLISTED,
    service=Service.IDP,
    timeless=True,
    references=(
        "https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema",
        "https://learn.microsoft.com/azure/azure-monitor/reference/tables/azureactivity",
    ),
)
