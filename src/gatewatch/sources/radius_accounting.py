r"""RADIUS accounting in FreeRADIUS' detail files: sessions as VPN gateways account for them, with inner address, end and bytes.

``User-Name = "ann"``, ``Acct-Status-Type = Stop``, ``Calling-Station-Id = "203.0.113.7"``, ``Framed-IP-Address = 10.8.0.6``, …

=====================================  ==============================================================================
packet                                 becomes
=====================================  ==============================================================================
Accounting Start                       ``session_start`` with ``assigned_ip``
Accounting Interim-Update              the same ``session_start`` again, at the time the session began
Accounting Stop                        ``session_end``; ``bytes_in`` is what the gateway received from the client
Access-Accept, Access-Reject           ``auth_success``, ``auth_failure`` where the reply names the user
Access-Request, the rest               ignored: a request is no result
=====================================  ==============================================================================

The client's address is ``Calling-Station-Id`` (``203.0.113.7[4500]`` as strongSwan has it), else ``Tunnel-Client-Endpoint``, else Cisco's
``ip:source-ip``. ``host`` is the gateway. The time is ``Timestamp``, less ``Acct-Delay-Time``; ``session`` is ``radius:<Acct-Session-Id>``. The text
is left out: a server may be told to log passwords.

References: rlm_detail (FreeRADIUS); https://www.rfc-editor.org/rfc/rfc2866
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.document import DocumentSource, Made, Unreadable
from gatewatch.sources.radius import INSIDE, MACHINE, accounted, is_inside, is_machine, place, whole

_ANSWERS = {"Access-Accept": (Kind.AUTH_SUCCESS, "access-accepted"), "Access-Reject": (Kind.AUTH_FAILURE, "access-rejected")}
_SECOND = 1_000_000
_LONGEST = 366 * 86_400  # of a session, in seconds


def _read(values: dict[str, Any]) -> Made:
    packet = {name: value for name, value in values.items() if isinstance(value, str) and (name == "Cisco-AVPair" or "\n" not in value)}
    kind = packet.get("Packet-Type", "")
    if kind in _ANSWERS:
        made = _answered(packet, kind)
    elif "Acct-Status-Type" in packet:
        made = accounted(packet)
    else:
        made = "a request without its answer"
    if not isinstance(made, dict):
        return made
    return made | {"time": _time(packet, made.pop("begun", 0))}


def _answered(packet: dict[str, str], kind: str) -> Made:
    user = packet.get("User-Name")
    if not user:
        return "an answer that does not name the user"
    if is_inside(packet):
        return INSIDE
    if is_machine(user):
        return MACHINE
    role, pattern = _ANSWERS[kind]
    return {**place(packet), "kind": str(role), "pattern": pattern, "user": user, "auth_method": str(AuthMethod.UNKNOWN), "message": None}


def _time(packet: dict[str, str], begun: int) -> int | datetime:
    """Return when it happened: microseconds, or a wall clock where the server wrote no ``Timestamp``."""
    before = begun + (whole(packet, "Acct-Delay-Time") or 0)
    stamp = whole(packet, "Timestamp")
    if stamp is not None:
        return (stamp - before) * _SECOND
    try:
        wall = datetime.strptime(packet.get("date", ""), "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007 - the file names no zone
    except ValueError:
        raise Unreadable("unreadable time") from None
    return wall - timedelta(seconds=min(before, _LONGEST))


class _DetailSource(DocumentSource):
    """The source of detail files, whose packets intake hands over as objects; nobody writes them as JSON."""


SOURCE = _DetailSource(
    name="radius-accounting",
    title="RADIUS accounting (FreeRADIUS detail files)",
    programs=("radius-detail",),
    read=_read,
    service=Service.VPN,
    zoned=False,
    references=("https://www.rfc-editor.org/rfc/rfc2866", "https://github.com/FreeRADIUS/freeradius-server (rlm_detail)"),
)
