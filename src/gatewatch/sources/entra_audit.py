"""The audit log of Entra ID (Azure AD): changes of accounts, roles, second factors, applications and policies.

::

    {"activityDateTime": "2026-03-02T08:15:00Z", "activityDisplayName": "User registered security info", "result": "success",
     "initiatedBy": {"user": {"userPrincipalName": "ann@corp.example", "ipAddress": "192.0.2.7"}},
     "targetResources": [{"type": "User", "userPrincipalName": "ann@corp.example"}]}

Graph's objects, Azure Monitor's wrapping (``{"category": "AuditLogs", "properties": {…}}``) and rows of Log Analytics are read alike. What an
activity means is in :mod:`gatewatch.sources.entra_activity`; others are ignored. An activity that failed is ``privilege_denied``, with the same
pattern. ``user`` is who did it (null for applications, whose name is in ``process``), ``target_user`` the account acted on.
References: https://learn.microsoft.com/graph/api/resources/directoryaudit,
https://learn.microsoft.com/azure/azure-monitor/reference/tables/auditlogs.
"""

from __future__ import annotations

from typing import Any

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable, port_of, said
from gatewatch.sources.entra_activity import UNKNOWN, Change, deed_of, role_of
from gatewatch.sources.entra_signin import HOST, account

NO_ACTIVITY = "no activity"
_ADDRESSES = frozenset({"ipaddr", "ipaddress", "clientip"})


class _Actor(Part, rename="camel"):
    user_principal_name: Any = None
    display_name: Any = None
    ip_address: Any = None


class _Actors(Part):
    user: _Actor | None = None
    app: _Actor | None = None


class _Property(Part, rename="camel"):
    display_name: Any = None
    old_value: Any = None
    new_value: Any = None


class _Target(Part, rename="camel"):
    type: Any = None
    display_name: Any = None
    user_principal_name: Any = None
    modified_properties: list[_Property] | None = None


class _Detail(Part):
    key: Any = None
    value: Any = None


class _Audit(Part, rename="camel"):
    properties: _Audit | None = None
    time: Any = None
    time_generated: Any = None
    activity_date_time: Any = None
    activity_display_name: Any = None
    operation_name: Any = None
    caller_ip_address: Any = None
    category: Any = None
    result: Any = None
    result_reason: Any = None
    initiated_by: _Actors | None = None
    target_resources: list[_Target] | None = None
    additional_details: list[_Detail] | None = None
    logged_by_service: Any = None
    correlation_id: Any = None
    id: Any = None


def _read(outer: _Audit) -> Made:
    entry = outer.properties or outer
    names = [outer.operation_name, entry.operation_name, entry.activity_display_name]
    if not any(map(said, names)):
        raise Unreadable(NO_ACTIVITY)
    targets = entry.target_resources or []
    changes = [Change.of(one.display_name, one.old_value, one.new_value) for target in targets for one in target.modified_properties or ()]
    others = [name for target in targets if not _is_user(target) and (name := said(target.display_name))]
    deed = deed_of(names, changes, others)
    if deed is None:
        return UNKNOWN
    actors = entry.initiated_by or _Actors()
    person, program = actors.user or _Actor(), actors.app or _Actor()
    failed = str(entry.result or outer.result or "").lower() in {"failure", "timeout"}
    beside = (detail.value for detail in entry.additional_details or () if str(detail.key).lower() in _ADDRESSES)  # PIM names it there only
    found = (text for text in map(said, (person.ip_address, outer.caller_ip_address, *beside)) if text not in {None, "<null>"})
    address = next(found, None)
    accounts = (account(target.user_principal_name) or account(target.display_name) for target in targets if _is_user(target))
    return {
        "kind": Kind.PRIVILEGE_DENIED if failed else deed.kind,
        "pattern": deed.pattern,
        "time": said(entry.activity_date_time) or outer.time or outer.time_generated or entry.time_generated,
        "host": HOST,
        "user": account(person.user_principal_name),
        "target_user": next((name for name in accounts if name is not None), None),
        "src_ip": address,
        "src_port": port_of(address),
        "object": role_of(changes) or next(iter(others), None),
        "process": program.display_name,
        "extra": {
            "activityDisplayName": entry.activity_display_name or outer.operation_name or entry.operation_name,
            "result": entry.result or outer.result,
            "resultReason": entry.result_reason,
            "changed": ", ".join(change.name for change in changes if change.name)[:500],
            "loggedByService": entry.logged_by_service,
            "correlationId": entry.correlation_id,
            "id": entry.id,
        },
    }


def _is_user(target: _Target) -> bool:
    return str(target.type or "").lower() == "user" or (target.type is None and said(target.user_principal_name) is not None)


SOURCE = DocumentSource(
    name="entra-audit",
    title="Entra ID audit log (Graph, Azure Monitor, Log Analytics)",
    programs=("entra-audit",),
    shape=_Audit,
    read=_read,
    essential=("properties", "activity_date_time", "activity_display_name"),
    service=Service.IDP,
    timeless=True,
    references=(
        "https://learn.microsoft.com/graph/api/resources/directoryaudit",
        "https://learn.microsoft.com/azure/azure-monitor/reference/tables/auditlogs",
        "https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities",
    ),
)
