"""Okta's event types: what each means, by its outcome.

Source: https://developer.okta.com/docs/reference/api/event-types/. A failure whose reason says that a second factor or a policy stopped the user
is ``auth_stopped`` or ``mfa_denied``; any other failure of a logon is a failed password, unless the reason speaks of a token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gatewatch.schema.events import AuthMethod, Kind

NOTHING = "says nothing of remote access"
OTHER = Kind.OTHER
REFUSED_FIRST = "password-as-factor-refused"
_OK = frozenset({"SUCCESS", "ALLOW"})
_PASSWORD_REASON = re.compile(r"INVALID_CREDENTIALS|VERIFICATION_ERROR|LOCKED_OUT|PASSWORD(?!_EXPIRED)", re.IGNORECASE)
_STOPPED_REASON = re.compile(r"FastPass|PASSWORD_EXPIRED|\bMFA|FACTOR|ENROL|POLICY|ACCESS_DENIED|DENIED|phishing|network zone", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Deed:
    """What an event is: its kind and pattern; ``of_actor``: the actor is the account acted on, and nobody is known to act."""

    kind: Kind
    pattern: str
    method: AuthMethod | None = None
    of_actor: bool = False


def _changes(kind: Kind, **names: tuple[str, ...]) -> dict[str, Deed]:
    return {name: Deed(kind, pattern.replace("_", "-")) for pattern, types in names.items() for name in types}


_CHANGES: dict[str, Deed] = {
    **_changes(
        Kind.ACCOUNT_CHANGE,
        user_created=("user.lifecycle.create",),
        user_enabled=("user.lifecycle.activate", "user.lifecycle.reactivate", "user.lifecycle.unsuspend"),
        user_disabled=("user.lifecycle.deactivate", "user.lifecycle.suspend"),
        user_deleted=("user.lifecycle.delete.initiated", "user.lifecycle.delete.completed"),
        user_changed=("user.account.update_profile", "user.account.update_user_type"),
        account_unlocked=("user.account.unlock", "user.account.unlock_by_admin", "user.account.unlock_token", "user.account.unlock_failure"),
        password_changed=("user.account.update_password",),
        password_changed_by_other=("user.account.reset_password", "user.account.expire_password", "user.account.set_temp_password"),
        recovery_question_changed=("user.account.update_secondary_email", "user.account.update_primary_email", "user.credential.forgot_password"),
        role_member_added=("user.account.privilege.grant", "group.privilege.grant", "iam.resourceset.bindings.add", "iam.role.create"),
        role_member_removed=("user.account.privilege.revoke", "group.privilege.revoke", "iam.resourceset.bindings.delete"),
        group_member_added=("group.user_membership.add",),
        group_member_removed=("group.user_membership.remove",),
        mfa_method_added=("user.mfa.factor.activate", "device.enrollment.create"),
        mfa_method_removed=("user.mfa.factor.deactivate", "user.mfa.factor.reset_all", "user.mfa.factor.suspend"),
        mfa_method_changed=("user.mfa.factor.update", "user.mfa.factor.unsuspend"),
        mfa_bypassed=("user.mfa.attempt_bypass",),
        sessions_revoked=("user.session.clear",),
        support_access_granted=("user.session.impersonation.grant", "user.session.impersonation.extend"),
        support_access_used=("user.session.impersonation.initiate",),
        support_access_ended=("user.session.impersonation.end", "user.session.impersonation.revoke"),
        api_token_created=("system.api_token.create", "system.api_token.enable", "app.oauth2.client.lifecycle.create"),
        api_token_removed=("system.api_token.revoke", "system.api_token.disable"),
        application_access_granted=("application.user_membership.add", "group.application_assignment.add"),
        application_credential_added=("app.oauth2.credentials.lifecycle.create", "application.oauth2.client.secret.create"),
        application_password_shown=("application.user_membership.show_password",),
        consent_granted=("app.oauth2.as.consent.grant", "app.oauth2.consent.grant"),
    ),
    **_changes(
        Kind.CONFIG_CHANGE,
        federation_changed=(
            *("system.idp.lifecycle.create", "system.idp.lifecycle.update", "system.idp.lifecycle.activate", "system.idp.key.create"),
            *("system.idp.lifecycle.deactivate", "system.idp.lifecycle.delete", "system.agent.ad.create", "system.agent.ad.reactivate"),
        ),
        access_policy_changed=(
            *("policy.lifecycle.create", "policy.lifecycle.update", "policy.lifecycle.deactivate", "policy.lifecycle.delete"),
            *("policy.lifecycle.activate", "policy.rule.create", "policy.rule.update", "policy.rule.add", "policy.rule.delete"),
            *("policy.rule.deactivate", "policy.rule.activate", "policy.rule.invalidate"),
        ),
        authentication_policy_changed=("system.mfa.factor.deactivate", "system.mfa.factor.activate", "security.authenticator.lifecycle.deactivate"),
        network_zone_changed=("zone.create", "zone.update", "zone.delete", "zone.deactivate", "zone.make_blacklist", "zone.remove_blacklist"),
        application_changed=(
            *("application.lifecycle.create", "application.lifecycle.update", "application.lifecycle.activate"),
            *("application.lifecycle.deactivate", "application.lifecycle.delete", "application.provision.integration.call_api"),
        ),
        log_stream_changed=("system.log_stream.lifecycle.deactivate", "system.log_stream.lifecycle.delete", "system.log_stream.lifecycle.update"),
        threat_detection_changed=("security.threat.configuration.update",),
    ),
}
_CHALLENGES = frozenset(
    {
        *("system.push.send_factor_verify_push", "system.sms.send_factor_verify_message", "system.email.send_factor_verify_message"),
        *("system.voice.send_phone_verification_call", "system.voice.send_mfa_challenge_call", "system.sms.send_phone_verification_message"),
        "system.email.challenge_factor_redeemed",
    }
)
_REFUSED = frozenset({"user.mfa.okta_verify.deny_push", "user.mfa.okta_verify.deny_push_upgrade_needed"})
_DELEGATED = frozenset(
    {
        *("user.authentication.auth_via_AD_agent", "user.authentication.auth_via_LDAP_agent", "user.authentication.auth_via_IDP"),
        *("user.authentication.auth_via_inbound_SAML", "user.authentication.auth_via_inbound_delauth", "user.authentication.auth_via_social"),
        *("user.authentication.auth_via_iwa", "user.authentication.authenticate", "user.authentication.auth_unconfigured_identifier"),
    }
)
_OWN_LOGONS = {"user.authentication.auth_via_radius": "radius-logon", "user.authentication.auth_via_richclient": "richclient-logon"}
_TOKEN_REUSE = frozenset({"app.oauth2.token.detect_reuse", "app.oauth2.as.token.detect_reuse"})
_REPORTS = frozenset({"user.account.report_suspicious_activity_by_enduser"})


def deed_of(event: str, result: str, reason: str, factor: str = "") -> Deed | None:
    """Return what an event of type *event* is with its *result*, *reason* and the *factor* in question; None where nobody need know."""
    ok = result in _OK
    if event == "user.authentication.auth_via_mfa" and factor.upper().startswith("PASSWORD"):  # Identity Engine: the password is a factor like others
        if ok:
            return Deed(Kind.SESSION_START, "password-accepted", AuthMethod.PASSWORD)
        return Deed(Kind.AUTH_FAILURE, REFUSED_FIRST, AuthMethod.PASSWORD)
    change = _CHANGES.get(event)
    if change is not None:
        return change if ok or not result else Deed(Kind.PRIVILEGE_DENIED, change.pattern)
    if event == "user.session.start":
        return Deed(Kind.SESSION_START, "session-start-no-outcome") if not result else _logon("session-start", reason, ok=ok)
    if event in _OWN_LOGONS:
        return _logon(_OWN_LOGONS[event], reason, ok=ok)
    return _factor(event, result, ok=ok) or _session(event, reason, ok=ok) or _threat(event, result)


def _logon(pattern: str, reason: str, *, ok: bool) -> Deed:
    if ok:
        return Deed(Kind.AUTH_SUCCESS, pattern)
    if _PASSWORD_REASON.search(reason):
        return Deed(Kind.AUTH_FAILURE, f"{pattern}-failed", AuthMethod.PASSWORD)
    if _STOPPED_REASON.search(reason):
        return Deed(Kind.AUTH_STOPPED, f"{pattern}-stopped")
    return Deed(Kind.AUTH_FAILURE, f"{pattern}-failed")


def _factor(event: str, result: str, *, ok: bool) -> Deed | None:
    if event == "user.authentication.auth_via_mfa":
        return Deed(Kind.MFA_OK, "factor-accepted") if ok else Deed(Kind.MFA_DENIED, "factor-refused")
    if event in _REFUSED:
        return Deed(Kind.MFA_DENIED, "push-denied")
    if event in _CHALLENGES:
        return Deed(Kind.MFA_CHALLENGE, "factor-sent")
    if event == "policy.evaluate_sign_on":
        if result == "CHALLENGE":
            return Deed(Kind.MFA_CHALLENGE, "sign-on-challenged")
        return Deed(Kind.AUTH_STOPPED, "sign-on-denied") if result == "DENY" else None
    return None


def _session(event: str, reason: str, *, ok: bool) -> Deed | None:
    if event in _DELEGATED and not ok:  # another directory said no; the failed start of the session, where there is one, tells it again
        return Deed(Kind.AUTH_FAILURE, f"{event.rsplit('.', 1)[1].replace('_', '-').lower()}-refused")
    if event in _DELEGATED or event == "user.authentication.verify":
        return Deed(Kind.SESSION_START, event.rsplit(".", 1)[1].replace("_", "-").lower()) if ok else None
    match event:
        case "user.authentication.sso":
            if not ok and _PASSWORD_REASON.search(reason):
                return Deed(Kind.AUTH_FAILURE, "sso-refused")
            return Deed(Kind.SESSION_START, "sso") if ok else Deed(Kind.PRIVILEGE_DENIED, "sso")
        case "user.session.access_admin_app":
            return Deed(Kind.SESSION_START, "admin-console") if ok else Deed(Kind.PRIVILEGE_DENIED, "admin-console")
        case "user.session.end" | "user.session.expire":
            return Deed(Kind.SESSION_END, "session-end")
        case "user.account.lock" | "user.account.lock.limit":
            return Deed(Kind.ACCOUNT_CHANGE, "account-locked", of_actor=True)
        case "app.generic.unauth_app_access_attempt":
            return Deed(Kind.PRIVILEGE_DENIED, "application-refused")
        case _:
            return None


def _threat(event: str, result: str) -> Deed | None:
    if event in {"security.threat.detected", "security.request.blocked"}:
        blocked = event == "security.request.blocked" or result == "DENY"
        return Deed(Kind.CONNECTION_DENIED if blocked else Kind.CONNECTION, "threat-detected")
    if event in _TOKEN_REUSE:
        return Deed(Kind.AUTH_FAILURE, "token-reuse", AuthMethod.TOKEN)
    return Deed(OTHER, "suspicious-activity-reported") if event in _REPORTS else None
