"""Devices whose CEF and LEEF records have words of their own: Check Point, and Windows as collectors pass it on.

Check Point's remote access is told by ``act`` (``Log In``, ``Failed Log In``, ``Log Out``) and ``product``; Windows by the event id within the
signature id. FortiGate and PAN-OS are written back into their own formats (:mod:`gatewatch.sources.cef_handover`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.cef_meaning import SOURCES, TARGETS, event, first
from gatewatch.sources.cef_text import Text
from gatewatch.sources.cef_word import BAD, CONTRADICTION, GOOD, outcome
from gatewatch.sources.document import Made

_GATES = frozenset({"mobile access", "endpoint security vpn", "vpn-1 & firewall-1", "vpn", "remote access", "check point mobile", "connectra", "snx"})
_METHODS = ((re.compile("certificate"), AuthMethod.CERTIFICATE), (re.compile("password|radius|ldap"), AuthMethod.PASSWORD))
_MANAGEMENT = re.compile(r"smartconsole|smartdashboard|system monitor|web_api|security management|smart view|gaia|webui|cpmi", re.IGNORECASE)
_EVENT_ID = re.compile(r"(?:^|:)([0-9]{3,5})$")
_TYPE_TOLD = re.compile(r"Logon Type:\s+([0-9]{1,2})\b")
_LABELS = ("logontype", "logon type", "logon_type")
_CHANGES = {
    "4720": "user-created", "4722": "user-enabled", "4724": "password-reset", "4725": "user-disabled", "4726": "user-deleted",
    "4740": "account-locked",
}  # fmt: skip
_IDENTITY = "identity awareness"


def _check_point(text: Text) -> Made:
    """Return what a record of a Check Point gateway or its management tells."""
    values = text.values
    action = (first(values, ("act", "action")) or "").lower()
    product = (first(values, ("product",)) or text.product).lower()
    gate = product in _GATES
    manager = _MANAGEMENT.search(product) is not None
    if action not in ("log in", "failed log in", "log out"):
        return "no logon: connections, keys, policies"
    if not gate and not manager:
        inside = "logons of identity awareness: who uses an address inside, not who came from outside"
        return inside if product == _IDENTITY else "logons of a product we do not know"
    status = (first(values, ("auth_status", "status", "outcome")) or "").lower()
    failed = "fail" in status or "reject" in status or "denied" in status
    if action == "log out":
        made = event(text, Kind.SESSION_END, "logoff")
    elif action == "failed log in" or failed:
        if action == "log in" and "success" in status:
            return CONTRADICTION
        made = event(text, Kind.AUTH_FAILURE, "logon-failed")
    elif status and "success" not in status:
        return "a step of a logon"
    else:
        made = event(text, Kind.AUTH_SUCCESS, "logon")
    method = (first(values, ("auth_method", "login_option")) or "").lower()
    if made["kind"] != str(Kind.SESSION_END):
        made["auth_method"] = str(next((known for regex, known in _METHODS if regex.search(method)), AuthMethod.UNKNOWN))
    made["user"] = first(values, ("suser", "duser", "user", "src_user_name", "usrname"))
    made["service"] = str(Service.VPN) if gate else None
    made["assigned_ip"] = first(values, ("office_mode_ip", "officemodeip", "cpofficemodeip"))
    # dst is the gateway or what lies behind it; origin is the gateway
    made["host"] = made["host"] or first(values, ("origin", "originname"))
    made["session"] = first(values, ("session_uid", "session_id"))
    return made


def _windows(text: Text) -> Made:
    """Return what an event of Windows' Security log tells, as far as these formats keep it."""
    found = _EVENT_ID.search(text.event)
    number = found[1] if found is not None else ""
    values = text.values
    account = first(values, TARGETS) or first(values, ("usrname", "suser"))
    if number in _CHANGES:
        return event(text, Kind.ACCOUNT_CHANGE, _CHANGES[number]) | {
            "user": first(values, ("suser", "sourceusername")),
            "target_user": first(values, TARGETS),
            "service": None,
        }
    if number in ("6272", "6273"):  # of a RADIUS server; whether src is the person's or the gateway's is not told
        kind, pattern = (Kind.AUTH_SUCCESS, "nps-granted") if number == "6272" else (Kind.AUTH_FAILURE, "nps-refused")
        return event(text, kind, pattern) | {"user": account, "rhost": None, "service": str(Service.VPN)}
    if number not in ("4624", "4625", "4634", "4647"):
        return "an event of Windows that says nothing of remote access, or not enough here"
    if account is not None and (account.endswith("$") or account.upper() in {"SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE", "ANONYMOUS LOGON"}):
        return "a machine's or Windows' own account"
    if number in ("4634", "4647"):
        return event(text, Kind.SESSION_END, "logoff") | {"service": None}
    type_ = _logon_type(values)
    if type_ is None and (number == "4624" or first(values, SOURCES) is None):
        return "a logon whose type is not told"
    if type_ is not None and type_ not in ("2", "3", "7", "8", "10", "11"):
        return "a logon of a service, a batch or the system"
    service = {"10": Service.RDP, "3": Service.SMB, "2": Service.LOCAL, "11": Service.LOCAL}.get(type_ or "")
    good = number == "4624"
    said = outcome(values.get("outcome", ""))
    if said is not None and said is not (GOOD if good else BAD):
        return CONTRADICTION
    made = event(text, Kind.AUTH_SUCCESS if good else Kind.AUTH_FAILURE, "logon" if good else "logon-failed")
    made |= {"user": account, "service": None if service is None else str(service), "auth_method": str(AuthMethod.PASSWORD)}
    made["extra"]["LogonType"] = type_
    return made


def _cloud_apps(text: Text) -> Made:
    """Return what the SIEM agent of Defender for Cloud Apps tells: ``dvc`` is the address of the person's device."""
    kinds = {
        "EVENT_CATEGORY_LOGIN": (Kind.AUTH_SUCCESS, "logon"),
        "EVENT_CATEGORY_FAILED_LOGIN": (Kind.AUTH_FAILURE, "logon-failed"),
        "EVENT_CATEGORY_LOGOUT": (Kind.SESSION_END, "logoff"),
    }
    known = kinds.get(text.event.upper())
    if known is None:
        return "no logon: what was done within an application"
    made = event(text, *known)
    method = {} if known[0] is Kind.SESSION_END else {"auth_method": str(AuthMethod.UNKNOWN)}
    address = first(text.values, ("dvc", "c6a1"))
    service = first(text.values, ("destinationservicename",))
    return made | method | {"rhost": address, "observer": None, "host": service, "service": str(Service.IDP)}


def _falcon(text: Text) -> Made:
    """Return what CrowdStrike's console tells of logons at itself: the address stands in ``destinationTranslatedAddress``."""
    if text.event.lower() not in {"userauthenticate", "twofactorauthenticate"}:
        return "no logon: detections and what was done in the console"
    ended = (text.values.get("outcome") or "").strip().lower()
    if ended not in {"true", "false"}:
        return "a logon without its outcome"
    second = text.event.lower().startswith("two")
    if second:
        kind, pattern = (Kind.MFA_OK, "second-factor") if ended == "true" else (Kind.MFA_DENIED, "second-factor-failed")
    else:
        kind, pattern = (Kind.AUTH_SUCCESS, "logon") if ended == "true" else (Kind.AUTH_FAILURE, "logon-failed")
    made = event(text, kind, pattern) | {"user": first(text.values, ("duser", "suser")), "service": str(Service.WEB)}
    return made | {"rhost": first(text.values, ("destinationtranslatedaddress", "src")), "auth_method": str(AuthMethod.UNKNOWN)}


_VAULT = {
    "7": (Kind.AUTH_SUCCESS, "logon"),
    "8": (Kind.SESSION_END, "logoff"),
    "4": (Kind.AUTH_FAILURE, "logon-failed"),
    "309": (Kind.AUTH_FAILURE, "logon-failed"),
}


def _vault(text: Text) -> Made:
    """Return what CyberArk's vault tells of logons at itself, by the number of the message."""
    known = _VAULT.get(text.event)
    if known is None:
        return "no logon: what was done in the vault"
    made = event(text, *known) | {"user": first(text.values, ("suser",)), "service": None}
    return made if known[0] is Kind.SESSION_END else made | {"auth_method": str(AuthMethod.UNKNOWN)}


def _ping_federate(text: Text) -> Made:
    """Return what PingFederate's audit log tells: ``msg`` is how a step ended, ``duid`` who it was."""
    ended = (text.values.get("msg") or "").strip().lower()
    if text.event.upper() not in {"AUTHN_ATTEMPT", "SSO", "OAUTH", "AUTHN_SESSION_CREATED"}:
        return "no logon: sessions and tokens"
    if ended not in {"success", "failure"}:
        return "a step of a logon"
    if ended == "success" and text.event.upper() == "AUTHN_ATTEMPT":
        return "a step of a logon"
    kind, pattern = (Kind.AUTH_SUCCESS, "logon") if ended == "success" else (Kind.AUTH_FAILURE, "logon-failed")
    made = event(text, kind, pattern) | {"auth_method": str(AuthMethod.UNKNOWN), "user": first(text.values, ("duid", "suser", "duser"))}
    return made | {"service": str(Service.IDP)}


def _logon_type(values: dict[str, str]) -> str | None:
    for key in ("logontype", "logon_type"):
        if key in values:
            return values[key]
    told = _TYPE_TOLD.search(values.get("message", "") or values.get("msg", ""))
    if told is not None:
        return told[1]
    labelled = (key[: -len("label")] for key, label in values.items() if key.endswith("label") and label.strip().lower() in _LABELS)
    return next((values[key] for key in labelled if key in values), None)


DEVICES: tuple[tuple[re.Pattern[str], Callable[[Text], Made]], ...] = (
    (re.compile(r"check ?point\|"), _check_point),
    (re.compile(r"microsoft\|(?:microsoft )?windows"), _windows),
    (re.compile(r"mcas\|"), _cloud_apps),
    (re.compile(r"crowdstrike\|falconhost"), _falcon),
    (re.compile(r"cyber-?ark\|vault"), _vault),
    (re.compile(r"ping identity\|pingfederate"), _ping_federate),
)
"""``vendor|product`` in small letters, and what reads their records."""
