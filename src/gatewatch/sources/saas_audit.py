"""Audit logs of hosted services that are ways in themselves: Google Workspace and Cloud, GitHub, Box, 1Password, Asana, Zendesk, Zscaler, Tailscale.

::

    {"id": {"applicationName": "login", "time": "2026-03-02T08:15:00Z"}, "actor": {"email": "ann@corp.example"}, "ipAddress": "203.0.113.9",
     "events": [{"type": "login", "name": "login_failure"}]}
    {"action": "business.add_admin", "actor": "cat", "user": "bob", "created_at": 1772439300000}

Of each, logons, their failures and the changes of accounts, second factors and policies are read; the rest is ignored. ``host`` names the service.
Only what the public schema of a service says is used; parameters that vary go to ``extra``.
References: https://developers.google.com/admin-sdk/reports/v1/appendix/activity/login,
https://docs.github.com/en/organizations/keeping-your-organization-secure/managing-security-settings-for-your-organization/audit-log-events-for-your-organization,
https://support.1password.com/events-reporting/, https://developers.asana.com/docs/audit-log-events, https://tailscale.com/kb/1203/audit-logging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Unreadable, epoch, mapping, said

UNLISTED = "says nothing of remote access"
NO_ACTION = "no action"
Entry = Mapping[str, Any]
Deed = tuple[Kind, str]

_LOGIN: Deed = (Kind.AUTH_SUCCESS, "login")
_FAILED: Deed = (Kind.AUTH_FAILURE, "login-failed")
_GOOGLE: dict[str, Deed] = {
    "login_success": _LOGIN,
    "login_failure": _FAILED,
    "logout": (Kind.SESSION_END, "logout"),
    "login_challenge": (Kind.MFA_CHALLENGE, "factor-asked"),
    "2sv_enroll": (Kind.ACCOUNT_CHANGE, "mfa-method-added"),
    "2sv_disable": (Kind.ACCOUNT_CHANGE, "mfa-disabled"),
    "password_edit": (Kind.ACCOUNT_CHANGE, "password-changed"),
    "CREATE_USER": (Kind.ACCOUNT_CHANGE, "user-created"),
    "DELETE_USER": (Kind.ACCOUNT_CHANGE, "user-deleted"),
    "SUSPEND_USER": (Kind.ACCOUNT_CHANGE, "user-disabled"),
    "CHANGE_PASSWORD": (Kind.ACCOUNT_CHANGE, "password-changed-by-other"),
    "ASSIGN_ROLE": (Kind.ACCOUNT_CHANGE, "role-member-added"),
    "UNASSIGN_ROLE": (Kind.ACCOUNT_CHANGE, "role-member-removed"),
    "GRANT_ADMIN_PRIVILEGE": (Kind.ACCOUNT_CHANGE, "role-member-added"),
    "TURN_OFF_2_STEP_VERIFICATION": (Kind.ACCOUNT_CHANGE, "mfa-disabled"),
    "ENFORCE_STRONG_AUTHENTICATION": (Kind.CONFIG_CHANGE, "authentication-policy-changed"),
}
_GITHUB: dict[str, Deed] = {
    "business.add_admin": (Kind.ACCOUNT_CHANGE, "role-member-added"),
    "business.invite_admin": (Kind.ACCOUNT_CHANGE, "role-member-added"),
    "team.promote_maintainer": (Kind.ACCOUNT_CHANGE, "role-member-added"),
    "org.add_member": (Kind.ACCOUNT_CHANGE, "group-member-added"),
    "org.update_member": (Kind.ACCOUNT_CHANGE, "role-member-added"),
    "org.disable_two_factor_requirement": (Kind.CONFIG_CHANGE, "mfa-requirement-removed"),
    "org.enable_two_factor_requirement": (Kind.CONFIG_CHANGE, "authentication-policy-changed"),
    "org.disable_saml": (Kind.CONFIG_CHANGE, "sso-requirement-removed"),
    "public_key.create": (Kind.ACCOUNT_CHANGE, "ssh-key-added"),
    "personal_access_token.access_granted": (Kind.ACCOUNT_CHANGE, "api-token-created"),
    "user.login": _LOGIN,
    "user.failed_login": _FAILED,
}
_BOX: dict[str, Deed] = {"LOGIN": _LOGIN, "FAILED_LOGIN": _FAILED, "NEW_USER": (Kind.ACCOUNT_CHANGE, "user-created")}
_ONE_PASSWORD: dict[str, Deed] = {
    "success": _LOGIN,
    "firewall_reported_success": _LOGIN,
    "credentials_failed": _FAILED,
    "mfa_failed": (Kind.MFA_DENIED, "factor-refused"),
    "sso_failed": (Kind.AUTH_FAILURE, "login-failed"),
    "firewall_failed": (Kind.CONNECTION_DENIED, "address-blocked"),
}
_ASANA: dict[str, Deed] = {
    "user_login_succeeded": _LOGIN,
    "user_login_failed": _FAILED,
    "user_logged_out": (Kind.SESSION_END, "logout"),
    "user_workspace_admin_role_changed": (Kind.ACCOUNT_CHANGE, "role-member-added"),
    "user_two_factor_auth_disabled": (Kind.ACCOUNT_CHANGE, "mfa-disabled"),
    "workspace_saml_settings_changed": (Kind.CONFIG_CHANGE, "federation-changed"),
}
_ZSCALER: dict[tuple[str, str], Deed] = {
    ("SIGN_IN", "LOGIN"): _LOGIN,
    ("SIGN_OUT", "LOGIN"): (Kind.SESSION_END, "logout"),
    ("CREATE", "ADMINISTRATOR_ADMIN_USER"): (Kind.ACCOUNT_CHANGE, "user-created"),
    ("DELETE", "ADMINISTRATOR_ADMIN_USER"): (Kind.ACCOUNT_CHANGE, "user-deleted"),
    ("DELETE", "ADMINISTRATOR_AUDITOR"): (Kind.ACCOUNT_CHANGE, "user-deleted"),
    ("DELETE", "ADMINISTRATOR_ROLE"): (Kind.CONFIG_CHANGE, "role-deleted"),
    ("UPDATE", "ADMINISTRATOR_ROLE"): (Kind.CONFIG_CHANGE, "role-changed"),
    ("UPDATE", "ADMINISTRATOR_SAML"): (Kind.CONFIG_CHANGE, "federation-changed"),
    ("DELETE", "NSS_FEED"): (Kind.CONFIG_CHANGE, "log-stream-changed"),
    ("DELETE", "BACKUP_AND_RESTORE"): (Kind.CONFIG_CHANGE, "backup-deleted"),
    ("UPDATE", "BACKUP_AND_RESTORE"): (Kind.CONFIG_CHANGE, "backup-changed"),
    ("DOWNLOAD", "AUDIT_LOGS"): (Kind.FILE_TRANSFER, "log-downloaded"),
    ("UPDATE", "USER"): (Kind.ACCOUNT_CHANGE, "user-changed"),
}
_TAILSCALE: dict[tuple[str, str], Deed] = {
    ("CREATE", "API_KEY"): (Kind.ACCOUNT_CHANGE, "api-token-created"),
    ("CREATE", "USER"): (Kind.ACCOUNT_CHANGE, "user-created"),
    ("LOGIN", "NODE"): (Kind.SESSION_START, "node-login"),
    ("DISABLE", "TAILNET"): (Kind.CONFIG_CHANGE, "tenant-changed"),
    ("UPDATE", "TAILNET"): (Kind.CONFIG_CHANGE, "tenant-changed"),
}


def _read(entry: Entry) -> Made:
    if "IdApplicationName" in entry:  # a row of Sentinel's GoogleWorkspaceReports
        event = {"name": entry.get("EventName"), "type": entry.get("EventType"), "parameters": entry.get("EventParameters")}
        head = {"time": entry.get("IdTime") or entry.get("TimeGenerated")}
        return _google({"id": head, "actor": {"email": entry.get("ActorEmail")}, "ipAddress": entry.get("SrcIpAddr"), "events": [event]})
    for key, reader in _READERS:
        if key in entry and (key != "id" or isinstance(entry["id"], dict)):
            return reader(entry)
    raise Unreadable(NO_ACTION)


def _event(deed: Deed | None, service: str, made: Entry) -> Made:
    """Return an event of *service*, ignored where no *deed* says what it is."""
    if deed is None:
        return UNLISTED
    kind, pattern = deed
    method = {"auth_method": AuthMethod.UNKNOWN} if kind in {Kind.AUTH_SUCCESS, Kind.AUTH_FAILURE} else {}
    return {"kind": kind, "pattern": pattern, "host": service, **method, **made}


def _google(entry: Entry) -> Made:
    head, actor = mapping(entry.get("id")), mapping(entry.get("actor"))
    listed = entry.get("events")
    events = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else [entry]

    def found() -> Iterator[Entry]:
        for one in events:
            name = said(one.get("name")) or ""
            given = _parameters(one.get("parameters"))
            made = _event(
                _GOOGLE.get(name),
                "google-workspace",
                {
                    "time": said(head.get("time")) or said(entry.get("p_event_time")),
                    "user": actor.get("email"),
                    "target_user": said(given.get("USER_EMAIL")),
                    "src_ip": entry.get("ipAddress"),
                    "object": said(given.get("ROLE_NAME")),
                    "extra": {"name": name, "type": one.get("type"), "login_type": said(given.get("login_type"))},
                },
            )
            if isinstance(made, Mapping):
                yield made

    return list(found()) or UNLISTED


def _parameters(given: Any) -> Entry:
    """Return parameters by name, be they an object or a list of pairs."""
    if isinstance(given, list):
        return {str(one["name"]): one.get("value") for one in given if isinstance(one, dict) and "name" in one}
    return mapping(given)


_GOOGLE_LOGIN = {
    "loginSuccess": _LOGIN,
    "loginFailure": _FAILED,
    "logout": (Kind.SESSION_END, "logout"),
    "loginVerification": (Kind.MFA_CHALLENGE, "factor-asked"),
    "loginChallenge": (Kind.MFA_CHALLENGE, "factor-asked"),
}
"""What the logins of Google Workspace are called in Cloud Logging, after the service."""


def _google_cloud(entry: Entry) -> Made:
    body = mapping(entry.get("protoPayload"))
    service, _, method = str(body.get("methodName") or "").rpartition(".")
    if service.startswith("google.login."):
        return _event(
            _GOOGLE_LOGIN.get(method),
            "google-workspace",
            {
                "time": said(entry.get("timestamp")) or said(entry.get("receiveTimestamp")),
                "user": mapping(body.get("authenticationInfo")).get("principalEmail"),
                "src_ip": mapping(body.get("requestMetadata")).get("callerIp"),
                "extra": {"methodName": body.get("methodName")},
            },
        )
    if not str(body.get("methodName") or "").endswith("SetIamPolicy"):
        return UNLISTED
    caller, request = mapping(body.get("authenticationInfo")), mapping(body.get("requestMetadata"))
    deltas = mapping(mapping(body.get("serviceData")).get("policyDelta")).get("bindingDeltas")
    added = [one for one in deltas if isinstance(one, dict) and one.get("action") == "ADD"] if isinstance(deltas, list) else []
    made = {
        "time": said(entry.get("timestamp")) or said(entry.get("p_event_time")),
        "user": caller.get("principalEmail"),
        "src_ip": said(request.get("callerIp")) or request.get("callerIP"),
        "extra": {"methodName": body.get("methodName"), "serviceName": body.get("serviceName")},
    }
    if not added:
        return _event((Kind.CONFIG_CHANGE, "access-policy-changed"), "google-cloud", made)
    deed = (Kind.ACCOUNT_CHANGE, "role-member-added")
    return [
        _mapping(_event(deed, "google-cloud", {**made, "target_user": (said(one.get("member")) or "").rpartition(":")[2], "object": one.get("role")}))
        for one in added[:50]
    ]


def _mapping(made: Made) -> Entry:
    return made if isinstance(made, Mapping) else {}


def _github(entry: Entry) -> Made:
    stamp = entry.get("@timestamp", entry.get("created_at"))
    return _event(
        _GITHUB.get(said(entry.get("action")) or ""),
        "github",
        {
            "time": epoch(stamp) if isinstance(stamp, int | float) and not isinstance(stamp, bool) else stamp,
            "user": entry.get("actor"),
            "target_user": entry.get("user"),
            "src_ip": entry.get("actor_ip"),
            "object": said(entry.get("org")) or said(entry.get("business")),
            "extra": {"action": entry.get("action")},
        },
    )


def _box(entry: Entry) -> Made:
    who, source = mapping(entry.get("created_by")), mapping(entry.get("source"))
    return _event(
        _BOX.get(said(entry.get("event_type")) or ""),
        "box",
        {
            "time": said(entry.get("created_at")) or said(entry.get("p_event_time")),
            "user": said(source.get("login")) or who.get("login"),
            "src_ip": entry.get("ip_address"),
            "extra": {"event_type": entry.get("event_type")},
        },
    )


def _one_password(entry: Entry) -> Made:
    who, client = mapping(entry.get("target_user")), mapping(entry.get("client"))
    return _event(
        _ONE_PASSWORD.get(said(entry.get("category")) or ""),
        "1password",
        {
            "time": entry.get("timestamp"),
            "user": who.get("email"),
            "src_ip": client.get("ip_address"),
            "session": entry.get("session_uuid"),
            "extra": {"category": entry.get("category"), "type": entry.get("type"), "app": client.get("app_name")},
        },
    )


def _asana(entry: Entry) -> Made:
    actor, subject, details = mapping(entry.get("actor")), mapping(entry.get("resource")), mapping(entry.get("details"))
    deed = _ASANA.get(said(entry.get("event_type")) or "")
    made: dict[str, Any] = {
        "time": entry.get("created_at"),
        "user": said(actor.get("email")) or actor.get("name"),
        "src_ip": mapping(entry.get("context")).get("client_ip_address"),
        "extra": {"event_type": entry.get("event_type"), "old_value": details.get("old_value"), "new_value": details.get("new_value")},
    }
    if deed is not None and deed[0] is Kind.ACCOUNT_CHANGE:
        made["target_user"] = said(subject.get("email")) or subject.get("name")
    return _event(deed, "asana", made)


def _zendesk(entry: Entry) -> Made:
    label, change = str(entry.get("source_label") or ""), str(entry.get("change_description") or "")
    deed: Deed | None = None
    target = label if entry.get("source_type") == "user" else None
    if "two" in label.casefold() and "factor" in label.casefold():
        off = change.casefold().startswith("disabled")
        deed = (Kind.CONFIG_CHANGE, "mfa-requirement-removed" if off else "authentication-policy-changed")
    elif "role changed" in change.casefold():
        raised = any(line.rpartition(" to ")[2].startswith("Admin") for line in change.splitlines())
        deed = (Kind.ACCOUNT_CHANGE, "role-member-added" if raised else "role-member-removed")
    return _event(
        deed,
        "zendesk",
        {
            "time": entry.get("created_at"),
            "target_user": target,
            "src_ip": entry.get("ip_address"),
            "object": "Administrator" if deed is not None and deed[1] == "role-member-added" else None if target else label,
            "message": change,
            "extra": {"action": entry.get("action"), "actor_id": entry.get("actor_id"), "source_label": label},
        },
    )


def _zscaler(entry: Entry) -> Made:
    body = mapping(entry.get("event")) or entry
    action, part = str(body.get("action") or ""), str(body.get("subcategory") or body.get("category") or "")
    deed = _ZSCALER.get((action, part))
    before, after = mapping(body.get("preaction")), mapping(body.get("postaction"))
    if deed is not None and deed[1] == "federation-changed" and before.get("samlEnabled") is True and after.get("samlEnabled") is False:
        deed = (Kind.CONFIG_CHANGE, "sso-requirement-removed")
    if deed is not None and str(body.get("result") or "SUCCESS") != "SUCCESS":
        deed = _FAILED if deed is _LOGIN else (Kind.PRIVILEGE_DENIED, deed[1])
    resource = said(body.get("resource"))
    on_user = deed is not None and deed[0] is Kind.ACCOUNT_CHANGE
    return _event(
        deed,
        "zscaler",
        {
            "time": body.get("time"),
            "user": body.get("adminid"),
            "src_ip": body.get("clientip"),
            "target_user": resource if on_user else None,
            "object": None if on_user or resource == "None" else resource,
            "extra": {"action": action, "category": body.get("category"), "subcategory": body.get("subcategory"), "result": body.get("result")},
        },
    )


def _tailscale(entry: Entry) -> Made:
    body = mapping(entry.get("event")) or entry
    actor, target = mapping(body.get("actor")), mapping(body.get("target"))
    return _event(
        _TAILSCALE.get((str(body.get("action") or ""), str(target.get("type") or ""))),
        "tailscale",
        {
            "time": said(entry.get("time")) or said(mapping(entry.get("fields")).get("recorded")) or body.get("eventTime"),
            "user": actor.get("loginName"),
            "object": said(target.get("property")) or target.get("name"),
            "extra": {"action": body.get("action"), "type": target.get("type"), "origin": body.get("origin")},
        },
    )


def _nested(entry: Entry) -> Made:
    """Return what an object with an ``event`` within is: Zscaler's or Tailscale's."""
    return _tailscale(entry) if "eventGroupID" in mapping(entry.get("event")) else _zscaler(entry)


_READERS: tuple[tuple[str, Callable[[Entry], Made]], ...] = (
    ("protoPayload", _google_cloud),
    ("eventGroupID", _tailscale),
    ("auditlogtype", _zscaler),
    ("event", _nested),
    ("change_description", _zendesk),
    ("event_category", _asana),
    ("created_by", _box),
    ("category", _one_password),
    ("id", _google),
    ("action", _github),
)

SOURCE = DocumentSource(
    name="saas-audit",
    title="Audit logs of hosted services (Google, GitHub, Box, 1Password, Asana, Zendesk, Zscaler, Tailscale)",
    programs=("saas-audit",),
    read=_read,
    service=Service.WEB,
    timeless=True,
    references=(
        "https://developers.google.com/admin-sdk/reports/v1/appendix/activity/login",
        "https://support.1password.com/events-reporting/",
        "https://developers.asana.com/docs/audit-log-events",
        "https://tailscale.com/kb/1203/audit-logging",
    ),
)
