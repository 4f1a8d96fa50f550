"""Keycloak's login events: lines of its server log, the same as JSON, and what its administration interface answers.

::

    2026-06-16 18:31:31,229 WARN  [org.keycloak.events] (executor-thread-14) type="LOGIN_ERROR", realmId="corp", clientId="account",
      userId="null", ipAddress="203.0.113.9", error="invalid_user_credentials", auth_method="openid-connect", username="ann"
    {"time": 1781634691229, "type": "LOGIN", "realmId": "corp", "clientId": "account", "ipAddress": "192.0.2.7", "details": {"username": "ann"}}

=========================================================  ============================================================================
event                                                      becomes
=========================================================  ============================================================================
LOGIN                                                      ``auth_success`` ``login``
LOGIN_ERROR with a fault of the user                       ``auth_failure``; ``invalid_user`` where no such user is known
LOGIN_ERROR with another (expired pages, clients, SSL)     ignored: nobody tried to log on
LOGOUT                                                     ``session_end``
REGISTER, UPDATE_PASSWORD, RESET_PASSWORD, UPDATE_TOTP …   ``account_change``
=========================================================  ============================================================================

Lines before Keycloak 22 quote nothing: a key that comes twice is not believed. ``host`` is the realm. Success is logged at the level DEBUG, so most
server logs hold failures only. References: https://www.keycloak.org/docs/latest/server_admin/#event-types.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Unreadable, epoch, mapping, said
from gatewatch.sources.header_time import headed
from gatewatch.sources.pattern import Outcome

NO_TYPE = "no event type"
_IDLE = "says nothing of remote access"
_NO_TRY = "a login that was not tried: pages, clients, settings"
_PAIR = re.compile(r'(?:^|, )([A-Za-z_]+)=(?:"([^"]*)"|([^,]*))')
_FAULTS = frozenset(
    {
        *("invalid_user_credentials", "user_not_found", "user_disabled", "user_temporarily_disabled", "invalid_username", "invalid_email"),
        *("username_missing", "email_not_verified", "account_disabled", "account_temporarily_disabled", "rejected_by_user", "not_allowed"),
        *("resolve_required_actions", "password_rejected", "password_missing", "access_denied"),
    }
)
_CHANGES = {
    "REGISTER": "user-created",
    "DELETE_ACCOUNT": "user-deleted",
    "UPDATE_PASSWORD": "password-changed",
    "RESET_PASSWORD": "password-reset",
    "UPDATE_TOTP": "mfa-method-added",
    "REMOVE_TOTP": "mfa-method-removed",
    "UPDATE_CREDENTIAL": "mfa-method-added",
    "REMOVE_CREDENTIAL": "mfa-method-removed",
    "UPDATE_EMAIL": "user-changed",
    "USER_DISABLED_BY_PERMANENT_LOCKOUT": "account-locked",
    "USER_DISABLED_BY_TEMPORARY_LOCKOUT": "account-locked",
}


def _told(text: str) -> dict[str, str | None]:
    """Return the pairs of a line; what comes twice is null, and so is what the log writes so."""
    found = [(name, quoted or plain) for name, quoted, plain in _PAIR.findall(text)]
    times = Counter(name for name, _ in found)
    return {name: None if times[name] > 1 or value == "null" else value for name, value in found}


def _read(entry: Mapping[str, Any]) -> Made:
    text = entry.get("message")
    if isinstance(text, str) and text.startswith("type="):
        told: Mapping[str, Any] = _told(text)
        time: Any = said(entry.get("@timestamp")) or entry.get("timestamp")
    else:
        told, time = entry, entry.get("time", entry.get("timestamp"))
    kind = said(told.get("type"))
    if kind is None:
        raise Unreadable(NO_TYPE)
    details = mapping(told.get("details")) or told
    error = said(told.get("error"))
    made: dict[str, Any] = {
        "time": epoch(time) if isinstance(time, int | float) and not isinstance(time, bool) else time,
        "host": said(told.get("realmName")) or said(told.get("realmId")),
        "user": said(details.get("username")),
        "src_ip": said(told.get("ipAddress")),
        "object": said(told.get("clientId")),
        "session": f"keycloak:{one}" if (one := said(told.get("sessionId"))) is not None else None,
        "extra": {"type": kind, "error": error, "userId": said(told.get("userId")), "auth_method": said(details.get("auth_method"))},
    }
    if kind == "LOGIN":
        return made | {"kind": Kind.AUTH_SUCCESS, "pattern": "login", "auth_method": AuthMethod.UNKNOWN}
    if kind == "LOGIN_ERROR":
        if error not in _FAULTS:
            return _NO_TRY
        unknown = {"invalid_user": True} if error in {"user_not_found", "invalid_username", "invalid_email"} else {}
        return made | {"kind": Kind.AUTH_FAILURE, "pattern": "login-failed", "auth_method": AuthMethod.UNKNOWN} | unknown
    if kind == "LOGOUT":
        return made | {"kind": Kind.SESSION_END, "pattern": "logout"}
    pattern = _CHANGES.get(kind)
    if pattern is None or error is not None:
        return _IDLE
    return made | {"kind": Kind.ACCOUNT_CHANGE, "pattern": pattern, "target_user": made["user"]}


class KeycloakSource(DocumentSource):
    """The source of both forms: lines have their text in ``message``, and a header's time beside it."""

    claims_message = r'^type="?[A-Z_]+"?, realmId='

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records* of either form."""
        texts = [msgspec.json.encode({"message": message}).decode() for message in records["message"].fill_null("").to_list()]
        lines = pl.Series("fields", texts, dtype=pl.String)
        own = records["fields"].str.starts_with("{").fill_null(value=False)
        made = records.with_columns(records["fields"].zip_with(own, lines).alias("fields"))
        return headed(super().decode(made, wanted, apart), made)


SOURCE = KeycloakSource(
    name="keycloak",
    title="Keycloak login events",
    programs=("keycloak",),
    read=_read,
    service=Service.IDP,
    timeless=True,
    references=("https://www.keycloak.org/docs/latest/server_admin/#event-types",),
)
