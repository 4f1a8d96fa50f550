"""What a CEF or LEEF record of any device means: by its words for action, name, category and outcome, else not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.cef_text import Text
from gatewatch.sources.cef_time import moment
from gatewatch.sources.cef_word import (
    BAD,
    CONTRADICTION,
    GOOD,
    LOGOFF,
    LOGON,
    UNKNOWN,
    Said,
    category,
    change,
    judge,
    judge_plain,
    outcome,
    shortened,
    tells,
)
from gatewatch.sources.document import Made

NOTHING = frozenset(
    {
        *("", "-", "n/a", "na", "(null)", "null", "none", "unknown", "(empty)", "not available"),
        *("::", "0.0.0.0", "::ffff:0", "::ffff:0.0.0.0"),  # noqa: S104 - what devices write for no address
    }
)
ACTIONS = ("act", "deviceaction", "action", "eventaction")
OUTCOMES = ("outcome", "eventoutcome", "categoryoutcome", "result", "status", "eventstatus", "msg")
USERS = ("duser", "destinationusername", "usrname", "accountname", "username", "user", "suser", "sourceusername")
ACTORS = ("suser", "sourceusername", "usrname", "username", "user")
TARGETS = ("duser", "destinationusername", "accountname", "targetuser")
DOMAINS = ("dntdom", "destinationntdomain", "sntdom", "domain")
SOURCES = ("src", "sourceaddress", "identsrc", "srcip", "clientip", "remoteip")
SOURCE_NAMES = ("shost", "sourcehostname", "identhostname")
DESTINATIONS = ("dst", "destinationaddress", "dstip")
DESTINATION_NAMES = ("dhost", "destinationhostname")
DEVICES = ("dvchost", "devicehostname", "devname", "logsourcename", "devicename")
DEVICE_ADDRESSES = ("dvc", "deviceaddress")
_SERVICES: Mapping[str, Service] = {
    **{str(service): service for service in Service},
    **dict.fromkeys(("sshd", "openssh"), Service.SSH),
    **dict.fromkeys(("https", "http", "gui", "webui"), Service.WEB),
    **dict.fromkeys(("sslvpn", "ssl vpn", "globalprotect", "anyconnect", "openvpn", "ipsec"), Service.VPN),
    **dict.fromkeys(("ms-wbt-server", "remote desktop"), Service.RDP),
}
PORTS: Mapping[str, Service] = {"22": Service.SSH, "3389": Service.RDP, "5985": Service.WINRM, "5986": Service.WINRM, "23": Service.TELNET}
_VPN = re.compile(r"\b(?:ssl[ -]?vpn|vpn|globalprotect|anyconnect|secure access|remote access)\b", re.IGNORECASE)
_VERIFY = re.compile(r"/authentication/verify", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9_]+")
_LONGEST = max(map(len, NOTHING))
_NAMING = (USERS, SOURCES, SOURCE_NAMES, DESTINATIONS, DEVICES)


def first(values: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    """Return the first of *keys* that says anything."""
    for key in keys:
        value = values.get(key)
        if value and (len(value) > _LONGEST or value.strip().lower() not in NOTHING):
            return value
    return None


def read_any(text: Text) -> Made:
    """Return the event that *text* tells, or why it tells none that we know."""
    values = text.values
    action = first(values, ACTIONS) or ""
    said = [found for one in (action, text.name, text.event) if one and (found := judge_plain(shortened(one))) is not None]
    if not said:  # a name may stand within
        names = _names(values) | _product(text)
        said = [found for one in (action, text.name) if one and (found := judge(one, names)) is not None]
    if not said and not text.name:  # LEEF whose id is a number: the category says what it was
        said = [found for one in (values.get("cat", ""),) if one and (found := judge_plain(shortened(one))) is not None]
    if any(isinstance(one, str) for one in said):
        return CONTRADICTION
    if _VERIFY.search(values.get("categorybehavior", "")):
        said.append(Said(LOGON, None))
    topics = {one.topic for one in said if isinstance(one, Said)}
    if not topics:
        pattern = change(text.name)
        return _changed(text, pattern) if pattern is not None else UNKNOWN
    if len(topics) > 1:
        return CONTRADICTION
    outcomes = {one.good for one in said if isinstance(one, Said) and one.good is not None}
    outcomes |= {good for key in (*OUTCOMES, *ACTIONS) if (good := outcome(values.get(key, ""))) is not None}
    if not outcomes and (good := category(values.get("cat", ""))) is not None:
        outcomes = {good}
    if len(outcomes) > 1:
        return CONTRADICTION
    if topics == {LOGOFF}:
        return "a logoff that failed" if outcomes == {BAD} else event(text, Kind.SESSION_END, "logoff")
    if not outcomes:
        return "a logon without its outcome"
    if outcomes == {GOOD}:
        return event(text, Kind.AUTH_SUCCESS, "logon") | {"auth_method": str(AuthMethod.UNKNOWN)}
    return event(text, Kind.AUTH_FAILURE, "logon-failed") | {"auth_method": str(AuthMethod.UNKNOWN)}


def _names(values: Mapping[str, str]) -> frozenset[str]:
    """Return the words that are names in this record."""
    return frozenset(word for keys in _NAMING for key in keys if key in values for word in _WORD.findall(values[key].lower()))


def _product(text: Text) -> frozenset[str]:
    """Return the words by which the device names itself, but for those that say something."""
    return frozenset(word for name in (text.vendor, text.product) for word in _WORD.findall(name.lower()) if not tells(word))


def _changed(text: Text, pattern: str) -> Made:
    values = text.values
    if any(outcome(values.get(key, "")) is BAD for key in OUTCOMES):
        return "a change that failed"
    target = first(values, TARGETS)
    made = event(text, Kind.ACCOUNT_CHANGE, pattern)
    return made | {"user": first(values, ACTORS), "target_user": target, "user_domain": None}


def event(text: Text, kind: Kind, pattern: str) -> dict[str, Any]:
    """Return the columns of an event of *kind* that every record of such formats may fill."""
    values = text.values
    device = first(values, DEVICES) or first(values, DEVICE_ADDRESSES)
    source, name = first(values, SOURCES), first(values, SOURCE_NAMES)
    if source is None and "source" in values.get("c6a2label", "").lower():
        source = first(values, ("c6a2",))
    if source is None and name is not None and canonical_address(name) is not None:  # devices that know no names put the address there
        source, name = name, None
    return {
        "kind": str(kind),
        "pattern": pattern,
        "time": moment(values),
        "service": service(text),
        "observer": device,
        "host": first(values, DESTINATION_NAMES) or device,
        "user": first(values, USERS),
        "user_domain": first(values, DOMAINS),
        "rhost": source,
        "src_port": first(values, ("spt", "sourceport", "srcport")),
        "src_host": name,
        "dhost": first(values, DESTINATIONS),
        "dst_port": first(values, ("dpt", "destinationport", "dstport")),
        "count": first(values, ("cnt", "baseeventcount")),
        "message": first(values, ("msg", "message")) or text.name or None,
        "extra": {
            "vendor": text.vendor,
            "product": text.product,
            "event": text.event,
            "name": text.name,
            "reason": first(values, ("reason", "cause")),
        },
    }


def service(text: Text) -> str | None:
    """Return the service: as the application is named, else by the port, else as a VPN where product or name says so."""
    values = text.values
    named = first(values, ("app", "applicationprotocol", "destinationservicename", "service"))
    found = _SERVICES.get(named.lower()) if named is not None else None
    found = found or PORTS.get(values.get("dpt") or values.get("dstport") or "")
    if found is None and (_VPN.search(text.product) or _VPN.search(text.name) or _VPN.search(values.get("cat", ""))):
        found = Service.VPN
    return None if found is None else str(found)
