"""What people change in an Entra ID directory: the names of activities and what each means.

The same names stand in Entra's audit log (``activityDisplayName``, ``OperationName``) and, with a full stop, in Microsoft 365's audit log
(``Operation``). Policies are judged by what they said before and after. Source:
https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gatewatch.schema.events import Kind
from gatewatch.sources.document import said

UNKNOWN = "other directory activity"


@dataclass(frozen=True, slots=True)
class Deed:
    """What an activity is: the kind of event and its pattern."""

    kind: Kind
    pattern: str


@dataclass(frozen=True, slots=True)
class Change:
    """One property an activity changed, with its values as text."""

    name: str
    old: str
    new: str

    @classmethod
    def of(cls, name: Any, old: Any, new: Any) -> Change:
        """Return the change of a property whose values may be of any type."""
        return cls(str(name or ""), "" if old is None else str(old), "" if new is None else str(new))


def _named(kind: Kind, **names: tuple[str, ...]) -> dict[str, Deed]:
    return {name: Deed(kind, pattern.replace("_", "-")) for pattern, wordings in names.items() for name in wordings}


_DEEDS: dict[str, Deed] = {
    **_named(
        Kind.ACCOUNT_CHANGE,
        user_created=("add user", "invite external user", "create user"),
        guest_redeemed=("redeem external user invite", "redeem extern user invite"),
        user_deleted=("delete user", "hard delete user"),
        user_restored=("restore user",),
        user_disabled=("disable account",),
        user_enabled=("enable account",),
        user_changed=("update user",),
        password_changed=("change user password", "change password (self-service)", "reset password (self-service)"),
        password_changed_by_other=("reset user password", "reset password (by admin)", "set force change user password"),
        account_unlocked=("unlock user account (self-service)",),
        group_member_added=("add member to group", "add owner to group"),
        group_member_removed=("remove member from group", "remove owner from group"),
        role_member_added=(
            "add member to role",
            "add eligible member to role",
            "add scoped member to role",
            "add member to role completed (pim activation)",
            "add member to role in pim completed (permanent)",
            "add member to role in pim completed (timebound)",
            "add eligible member to role in pim completed (permanent)",
            "add eligible member to role in pim completed (timebound)",
            "add member to role outside of pim (permanent)",
            "add role assignment to role definition",
        ),
        role_member_removed=("remove member from role", "remove eligible member from role"),
        mfa_method_added=(
            "user registered security info",
            "admin registered security info",
            "user registered all required security info",
            "add fido2 security key",
            "create temporary access pass method for user",
        ),
        mfa_method_removed=("user deleted security info", "admin deleted security info", "delete temporary access pass method for user"),
        mfa_method_changed=("user changed default security info", "admin updated security info", "user updated security info"),
        mfa_disabled=("disable strong authentication",),
        mfa_enabled=("enable strong authentication",),
        sessions_revoked=("update stsrefreshtokenvalidfrom timestamp", "revoke all users refresh tokens"),
        device_registered=("register device", "add device", "add registered owner to device", "add registered users to device"),
        consent_granted=("consent to application",),
        permission_granted=(
            "add delegated permission grant",
            "add oauth2permissiongrant",
            "add app role assignment to service principal",
            "add app role assignment grant to user",
            "add app role assignment to group",
        ),
        application_added=("add application", "add service principal"),
        application_owner_added=("add owner to application", "add owner to service principal"),
        application_credential_added=(
            "add service principal credentials",
            "update application - certificates and secrets management",
            "add key credentials to application",
            "add password credentials to application",
        ),
    ),
    **_named(
        Kind.CONFIG_CHANGE,
        access_policy_changed=(
            *("add conditional access policy", "update conditional access policy", "delete conditional access policy"),
            *("add policy", "added policy", "update policy", "delete policy", "add policy to service principal"),
            *("add named location", "update named location", "delete named location", "update security defaults"),
        ),
        authentication_policy_changed=(
            *("update authentication methods policy", "authentication methods policy update", "authentication methods policy reset"),
            *("update authorization policy", "update authentication strength", "per-user mfa settings update", "set password policy"),
            "disable password reset",
        ),
        federation_changed=(
            *("set federation settings on domain", "set domain authentication", "add unverified domain", "add verified domain", "verify domain"),
            *("create identity provider", "update identity provider", "add partner to company", "set company allowed data location"),
            "add a partner to cross-tenant access setting",
        ),
        tenant_changed=("set company information", "set dirsync feature", "set dirsyncenabled flag", "disable desktop sso"),
    ),
}
_MFA_CONTROL = re.compile(r'"?builtInControls"?:\s*\[[^\]]*"mfa"', re.IGNORECASE)
_ENABLED = re.compile(r'"state":\s*"enabled"', re.IGNORECASE)
_ISSUER = re.compile(r"openidconnect|discoveryurl|issueruri|federat", re.IGNORECASE)
_NAMED_AFTER_MFA = re.compile(r"\bmfa\b|multi-?factor", re.IGNORECASE)
_DASHES = str.maketrans({"\N{EN DASH}": "-", "\N{EM DASH}": "-"})


def wording(name: Any) -> str:
    """Return the name of an activity in one spelling: case-folded, without a full stop."""
    return " ".join(str(name or "").translate(_DASHES).casefold().split()).rstrip(".")


def deed_of(names: Sequence[Any], changes: Sequence[Change], objects: Sequence[str] = ()) -> Deed | None:
    """Return what an activity is, by the last of *names* (of the log, of the product) that says so; None where nobody need know.

    A policy that no longer asks for a second factor is ``mfa-requirement-removed``; *objects* are the names of what was changed.
    """
    spelled = [wording(name) for name in names]
    deed = next((_DEEDS[name] for name in reversed(spelled) if name in _DEEDS), None)
    if deed is None:
        return None
    if deed.pattern == "user-changed":
        return Deed(deed.kind, _of_user(changes))
    if deed.pattern == "access-policy-changed" and _lost_mfa(changes, objects, deleted=any(name.startswith("delete ") for name in spelled)):
        return Deed(deed.kind, "mfa-requirement-removed")
    if deed.pattern == "authentication-policy-changed" and any(_ISSUER.search(change.name) for change in changes):
        return Deed(deed.kind, "federation-changed")
    return deed


def _of_user(changes: Sequence[Change]) -> str:
    for change in changes:
        if change.name.startswith(("StrongAuthentication", "SearchableDeviceKey")):
            return "mfa-method-changed"
        if change.name == "AccountEnabled":
            return "user-enabled" if "true" in change.new.casefold() else "user-disabled"
    return "user-changed"


def _lost_mfa(changes: Sequence[Change], objects: Sequence[str], *, deleted: bool) -> bool:
    """Return whether a policy asked for a second factor, and does no longer."""
    for change in changes:
        before = _MFA_CONTROL.search(change.old) is not None and _ENABLED.search(change.old) is not None
        after = _MFA_CONTROL.search(change.new) is not None and _ENABLED.search(change.new) is not None
        if before and not after:
            return True
    return deleted and not changes and any(_NAMED_AFTER_MFA.search(name) for name in objects)


def role_of(changes: Sequence[Change]) -> str | None:
    """Return the role or group that a change names, which is not among the targets."""
    for wanted in ("Role.DisplayName", "Group.DisplayName"):
        for change in changes:
            if change.name == wanted:
                return said(change.new.strip('"')) or said(change.old.strip('"'))
    return None
