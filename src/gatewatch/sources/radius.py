"""What a RADIUS packet means, by its attributes: sessions that a gateway accounts for, and answers to logons.

Sources that read such packets (:mod:`.radius_accounting`, :mod:`.nps`) hand over attributes by their names in the RFCs; enumerated values come as
words or as numbers. Who asks from a hardware address, or over a port of the house's own network (802.1X), is inside and ignored.

References: RFC 2865, 2866, 2868, 2869
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind, Service
from gatewatch.sources.document import Made, Unreadable

INSIDE = "a station inside: 802.1X, or a hardware address"
MACHINE = "a machine's own account"
_PORTS = re.compile(r"(?i)wireless|ethernet|802\.(?:3|11)|token-ring|^(?:15|18|19|20)$")
_STATION = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?:[:-].*)?|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}|[0-9A-Fa-f]{12}")
_NOBODY = re.compile(r"[0:.-]+")  # a hardware address of zeros: the gateway knows none
_WITH_PORT = re.compile(r"(.+)\[([0-9]{1,5})\]")  # as strongSwan writes it
_PAIR = re.compile(r"(?m)^ip:source-ip=(.+)$")
_STARTED, _STOPPED, _UPDATED = frozenset({"start", "1"}), frozenset({"stop", "2"}), frozenset({"interim-update", "alive", "3"})
_ADMINISTRATOR = frozenset({"login-user", "administrative-user", "nas-prompt-user", "1", "6", "7"})
_GATEWAY = frozenset({"accounting-on", "accounting-off", "failed", "7", "8", "15", *(str(number) for number in range(9, 15))})
_WORD = 1 << 32


def whole(values: Mapping[str, str], name: str) -> int | None:
    """Return a number, None where it is none."""
    text = values.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def person(values: Mapping[str, str], *names: str) -> str | None:
    """Return the first of the attributes *names* that says who it is."""
    return next((values[name] for name in names if values.get(name)), None)


def is_machine(user: str | None) -> bool:
    """Return whether *user* is the account of a machine, as 802.1X and Windows name them."""
    return user is not None and (user.startswith("host/") or user.endswith("$"))


def is_inside(values: Mapping[str, str]) -> bool:
    """Return whether the packet concerns a station of the house's own network."""
    station = values.get("Calling-Station-Id", "")
    named = _STATION.fullmatch(station) is not None and _NOBODY.fullmatch(station) is None
    return named or _PORTS.search(values.get("NAS-Port-Type", "")) is not None


def place(values: Mapping[str, str]) -> dict[str, Any]:
    """Return where the packet comes from: the client's address, and the gateway as ``host``."""
    source, port = values.get("Calling-Station-Id", ""), None
    with_port = _WITH_PORT.fullmatch(source)
    if with_port is not None:
        source, port = with_port[1], with_port[2]
    if canonical_address(source) is None:
        told = _PAIR.search(values.get("Cisco-AVPair", ""))
        source = next((one for one in (values.get("Tunnel-Client-Endpoint", ""), told[1] if told is not None else "") if canonical_address(one)), "")
    gateway = person(values, "NAS-Identifier", "Client-Friendly-Name", "NAS-IP-Address", "NAS-IPv6-Address", "Client-IP-Address")
    return {
        "src_ip": canonical_address(source),
        "src_port": port,
        "host": gateway,
        "service": None if values.get("Service-Type", "").lower() in _ADMINISTRATOR else str(Service.VPN),
    }


def accounted(values: Mapping[str, str]) -> Made:
    """Return what an Accounting-Request tells: a session's start, its end, or once more its start (``begun`` seconds before); or why nothing."""
    status = values.get("Acct-Status-Type", "").lower()
    if status in _GATEWAY or status.startswith("tunnel-"):
        return "accounting of the gateway itself"
    if status not in _STARTED | _STOPPED | _UPDATED:
        raise Unreadable("unknown Acct-Status-Type")
    user = person(values, "User-Name", "SAM-Account-Name")
    if is_inside(values):
        return INSIDE
    if is_machine(user):
        return MACHINE
    lasted = whole(values, "Acct-Session-Time")
    if status in _UPDATED and lasted is None:
        return "an update that does not say since when"
    session = values.get("Acct-Session-Id")
    made: dict[str, Any] = {
        **place(values),
        "kind": str(Kind.SESSION_END if status in _STOPPED else Kind.SESSION_START),
        "pattern": "accounting-stopped" if status in _STOPPED else "accounting-started" if status in _STARTED else "accounting-updated",
        "user": user,
        "assigned_ip": person(values, "Framed-IP-Address", "Framed-IPv6-Address"),
        "session": f"radius:{session}" if session else None,
        "extra": {"gateway": values.get("NAS-IP-Address"), "station": values.get("Calling-Station-Id"), "duration": lasted},
        "message": None,  # a server may be told to log passwords
    }
    if status in _UPDATED:
        made["begun"] = lasted
    if status in _STOPPED:
        made |= {"object": values.get("Acct-Terminate-Cause"), "bytes_in": _octets(values, "Input"), "bytes_out": _octets(values, "Output")}
    return made


def _octets(values: Mapping[str, str], way: str) -> int | None:
    low = whole(values, f"Acct-{way}-Octets")
    return None if low is None else low + _WORD * (whole(values, f"Acct-{way}-Gigawords") or 0)
