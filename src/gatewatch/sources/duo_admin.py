"""What administrators do in Duo: the actions of its administrator log and what each means.

Source: https://duo.com/docs/adminapi#administrator-logs. What concerns a user bears the user in ``object``; ``description`` is JSON as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.schema.events import Kind

_BYPASS = "bypass"


@dataclass(frozen=True, slots=True)
class Deed:
    """What an action is: its kind and pattern, and whether its object is an account."""

    kind: Kind
    pattern: str
    of_user: bool = False


def _deeds(kind: Kind, *, of_user: bool, **names: tuple[str, ...]) -> dict[str, Deed]:
    return {name: Deed(kind, pattern.replace("_", "-"), of_user) for pattern, actions in names.items() for name in actions}


_DEEDS: dict[str, Deed] = {
    "admin_login": Deed(Kind.AUTH_SUCCESS, "admin-login"),
    "admin_login_error": Deed(Kind.AUTH_FAILURE, "admin-login-failed"),
    "admin_2fa_error": Deed(Kind.MFA_DENIED, "admin-factor-refused"),
    **_deeds(
        Kind.ACCOUNT_CHANGE,
        of_user=True,
        bypass_code_created=("bypass_create",),
        bypass_code_viewed=("bypass_view",),
        bypass_code_deleted=("bypass_delete",),
        user_created=("user_create", "user_import", "admin_create", "user_adopt"),
        user_deleted=("user_delete", "user_pending_delete", "admin_delete"),
        user_restored=("user_restore",),
        user_changed=("user_update", "admin_update", "admin_self_update"),
        account_locked=("admin_lockout", "user_lockout"),
        account_unlocked=("admin_unlock", "user_lock_out_cleared", "user_not_enrolled_lockout_clear"),
        admin_activated=("admin_activate_duo_push", "admin_activation_create", "admin_send_activation_email", "admin_reactivates_duo_push"),
        password_changed_by_other=("admin_reset_password", "admin_password_reset", "admin_force_password_reset"),
    ),
    **_deeds(
        Kind.ACCOUNT_CHANGE,
        of_user=False,
        mfa_method_added=(
            *("phone_create", "phone_associate", "hardtoken_create", "hardtoken_associate", "token_associate", "u2ftoken_create"),
            "webauthncredential_create",
        ),
        mfa_method_removed=(
            "phone_delete",
            "phone_disassociate",
            "hardtoken_delete",
            "hardtoken_disassociate",
            "u2ftoken_delete",
            "webauthncredential_delete",
            "deregister_devices",
        ),
        mfa_method_changed=("phone_update", "phone_activation_code_regenerated", "hardtoken_resync"),
        role_changed=("administrative_unit_admin_add", "administrative_unit_admin_remove"),
    ),
    **_deeds(
        Kind.CONFIG_CHANGE,
        of_user=False,
        integration_created=("integration_create",),
        integration_changed=("integration_update", "integration_delete", "integration_group_policy_add", "integration_policy_assign"),
        integration_secret_changed=("integration_skey_view", "integration_skey_bulk_view", "integration_skey_regenerate", "integration_skey_rotate"),
        access_policy_changed=("policy_create", "policy_update", "policy_delete", "policy_copy", "policy_assign", "integration_policy_unassign"),
        authentication_policy_changed=("update_admin_factor_restrictions", "admin_factor_restrictions", "update_admin_password_policy"),
        federation_changed=("admin_single_sign_on_update", "sso_admin_create", "saml_idp_create", "sso_configuration_update", "external_idp_update"),
        account_settings_changed=("customer_update", "settings_update", "feature_update", "regenerate_sso_certificate"),
        group_changed=("group_create", "group_update", "group_delete"),
    ),
}


def deed_of(action: str, description: Mapping[str, Any]) -> Deed | None:
    """Return what *action* is; None where nobody need know.

    A user set to bypass is ``mfa-bypassed``; single sign-on that administrators need no longer is ``sso-requirement-removed``; an application that
    may administrate Duo is ``admin-api-created``.
    """
    deed = _DEEDS.get(action)
    if deed is None:
        return None
    if deed.pattern == "user-changed" and _BYPASS in str(description.get("status", "")).lower():
        return Deed(deed.kind, "mfa-bypassed", of_user=True)
    if deed.pattern == "group-changed" and _BYPASS in str(description.get("status", "")).lower():
        return Deed(Kind.ACCOUNT_CHANGE, "mfa-bypassed")
    if deed.pattern == "federation-changed" and str(description.get("enforcement_status", "")).lower() in {"disabled", "optional"}:
        return Deed(deed.kind, "sso-requirement-removed")
    if deed.pattern == "integration-created" and str(description.get("raw_type", description.get("type", ""))).lower().replace(" ", "") == "adminapi":
        return Deed(Kind.ACCOUNT_CHANGE, "admin-api-created")
    return deed
