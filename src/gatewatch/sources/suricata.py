r"""Connections and alerts as Suricata writes them: EVE JSON.

::

    {"timestamp":"2026-01-05T12:00:00.123456+0000","flow_id":1,"event_type":"ssh","src_ip":"203.0.113.9","src_port":51514,"dest_ip":"10.0.0.5",…}

=======  ===================================================================================================================================
event    becomes
=======  ===================================================================================================================================
flow     a flow (:mod:`gatewatch.sources.flow`), at its ``start``; TCP that stayed ``new`` without a packet back is denied, as is ``action`` drop
ssh      ``connection``; client, server and HASSH in ``extra``
rdp      ``connection``; the cookie is a name the client sent and stays in ``extra``
rfb      ``security_result`` FAIL or TOOMANY: ``auth_failure`` by password; else ``connection``
krb5     as Zeek's (:mod:`gatewatch.sources.zeek_log`): a refused AS is ``auth_failure``, all else a ``connection``
alert    ``ban`` where the signature is of guessing (a device's count of a burst of failures; nothing need be blocked), else ``connection``;
         ``connection_denied`` where the packet was blocked at a port of remote access; ``relay_contact`` where the signature is of Tor and the
         packet leaves the site. Only signatures, protocols and ports of remote access, and those of Tor outbound
drop     ``connection_denied`` for a TCP SYN to a port of remote access, else ``connection``
=======  ===================================================================================================================================

Suricata writes some events with the addresses of the packet that completed them, from the server as often as from the client: the ends are exchanged
where ``direction`` or the ports say so. ``session`` is ``suricata:<flow_id>``, which the events of a flow share; ``observer`` the sensor.

References: docs.suricata.io, "Eve JSON Format"; etc/schema.json.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.schema.platform import OUTBOUND
from gatewatch.sources.document import DocumentSource, Made, Part, Unreadable
from gatewatch.sources.flow import OUTWARD_PORTS, VOLUME, address, heads_out, is_answer, is_inner, is_public
from gatewatch.sources.pattern import Outcome
from gatewatch.sources.port import NAMED, OUTWARD, PLANES, PORTS, PROTOCOLS

_LARGEST = 2**62
_GUESSING = re.compile(r"(?i)brute[ -]?forc|password guess|guessing|frequent [a-z]{2,12} (?:connections|logins)|login attempts|failed logins?")
_TOR = re.compile(r"\b(?:TOR|Tor)\b|\.onion\b")
_REMOTE = re.compile(
    r"(?i)\b(?:ssh|libssh|rdp|ms terminal server|remote desktop|terminal services|vnc|rfb|winrm|telnet|psexec|smb login|docker (?:api|daemon)|"
    r"kubernetes|kubelet|anydesk|teamviewer|screenconnect|openvpn|globalprotect|anyconnect|fortigate|pulse secure|citrix)\b"
)
_BLOCKED = ("blocked", "drop", "reject", "rejected")
_ASKING = frozenset({"KDC_ERR_PREAUTH_REQUIRED", "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED", "KRB_ERR_RESPONSE_TOO_BIG", "KDC_ERR_WRONG_REALM"})
_TELLING = frozenset({"KDC_ERR_PREAUTH_FAILED", "KDC_ERR_C_PRINCIPAL_UNKNOWN", "KDC_ERR_CLIENT_REVOKED"})


class _Flow(Part):
    start: Any = None
    state: Any = None
    action: Any = None
    pkts_toclient: Any = None
    bytes_toserver: Any = None
    bytes_toclient: Any = None
    src_ip: Any = None
    src_port: Any = None
    dest_ip: Any = None
    dest_port: Any = None


class _Side(Part):
    software_version: Any = None
    hassh: Any = None


class _Ssh(Part):
    client: _Side | None = None
    server: _Side | None = None


class _Client(Part):
    client_name: Any = None
    build: Any = None
    keyboard_layout: Any = None


class _Rdp(Part):
    cookie: Any = None
    event_type: Any = None
    client: _Client | None = None


class _Authentication(Part):
    security_type: Any = None
    security_result: Any = None


class _Rfb(Part):
    authentication: _Authentication | None = None
    server_security_failure_reason: Any = None


class _Krb5(Part):
    msg_type: Any = None
    failed_request: Any = None
    error_code: Any = None
    cname: Any = None
    realm: Any = None
    sname: Any = None
    encryption: Any = None


class _Alert(Part):
    action: Any = None
    signature: Any = None
    signature_id: Any = None
    category: Any = None
    severity: Any = None


class _Drop(Part):
    syn: Any = None
    ack: Any = None
    reason: Any = None


class Eve(Part):
    """What is read of an EVE record."""

    timestamp: Any = None
    event_type: Any = None
    flow_id: Any = None
    src_ip: Any = None
    src_port: Any = None
    dest_ip: Any = None
    dest_port: Any = None
    proto: Any = None
    app_proto: Any = None
    direction: Any = None
    host: Any = None
    flow: _Flow | None = None
    ssh: _Ssh | None = None
    rdp: _Rdp | None = None
    rfb: _Rfb | None = None
    krb5: _Krb5 | None = None
    alert: _Alert | None = None
    drop: _Drop | None = None


def read(eve: Eve) -> Made:
    """Return what an EVE record means."""
    kind = eve.event_type if isinstance(eve.event_type, str) else ""
    reader = _READERS.get(kind)
    if reader is None:
        raise Unreadable("no event type")
    ends = _ends(eve)
    made = reader(eve, ends)
    if isinstance(made, str):
        return made
    return {"time": eve.timestamp, "observer": _word(eve.host), "session": _session(eve.flow_id), "host_ip": ends[2]} | _named(ends) | made


Row = dict[str, Any]
"""The columns of an event, raw."""

Ends = tuple[str | None, int | None, str | None, int | None]
"""Address and port of the side that opened a connection, and of the side that answered."""


def _ends(eve: Eve) -> Ends:
    flow = eve.flow
    if flow is not None and eve.event_type in {"alert", "drop"} and address(_word(flow.src_ip)) and address(_word(flow.dest_ip)):
        return address(_word(flow.src_ip)), _port(flow.src_port), address(_word(flow.dest_ip)), _port(flow.dest_port)
    source, target = (address(_word(eve.src_ip)), _port(eve.src_port)), (address(_word(eve.dest_ip)), _port(eve.dest_port))
    packet = eve.event_type in {"alert", "drop", "rdp", "krb5"}
    told = eve.direction if eve.direction in ("to_server", "to_client") else None
    if packet and (told == "to_client" or (told is None and is_answer(source[1], target[1]))):
        source, target = target, source
    return (*source, *target)


def _named(ends: Ends) -> dict[str, Any]:
    return {"rhost": ends[0], "src_port": ends[1], "dhost": ends[2], "dst_port": ends[3]}


def _flow(eve: Eve, ends: Ends) -> Row:
    flow = eve.flow or _Flow()
    sent, answered = _amount(flow.bytes_toserver), _amount(flow.bytes_toclient)
    tcp = eve.proto == "TCP"
    dropped = flow.action == "drop"
    unanswered = tcp and flow.state == "new" and flow.pkts_toclient == 0
    made: dict[str, Any] = {
        "kind": str(Kind.CONNECTION_DENIED if (dropped or unanswered) and tcp and ends[3] in PORTS else Kind.CONNECTION),
        "pattern": "flow-dropped" if dropped else "flow-unanswered" if unanswered else "flow",
        "time": flow.start if isinstance(flow.start, str) else eve.timestamp,
        "service": _service(eve, ends),
        "bytes_in": sent,
        "bytes_out": answered,
    }
    volume: dict[str, Any] = {"kind": str(Kind.FILE_TRANSFER), "pattern": "flow-volume"}
    if sent is not None and sent >= VOLUME and heads_out(ends[0], ends[2]):
        return made | volume | {"host_ip": ends[0], "bytes_in": answered, "bytes_out": sent}
    if answered is not None and answered >= VOLUME and heads_out(ends[2], ends[0]):
        return made | volume
    if made["kind"] == Kind.CONNECTION_DENIED and ends[3] in PLANES and is_inner(ends[0]) and is_inner(ends[2]):
        return made | {"kind": str(Kind.PROBE), "host_ip": ends[0]}
    if tcp and not dropped and answered and ends[3] in PLANES and is_public(ends[0]):
        service = str(Service.KUBELET if ends[3] == 10250 else Service.DOCKER_API)
        return made | {"kind": str(Kind.SESSION_START), "pattern": "control-plane", "service": service}
    if tcp and not dropped and answered and ends[3] in OUTWARD and heads_out(ends[0], ends[2]):
        return made | {"kind": str(Kind.LOGON_OUT), "pattern": OUTBOUND, "host_ip": ends[0], "bytes_in": answered, "bytes_out": sent}
    return made


def _ssh(eve: Eve, ends: Ends) -> Row:  # noqa: ARG001 - as the others
    ssh = eve.ssh or _Ssh()
    client, server = ssh.client or _Side(), ssh.server or _Side()
    hassh = client.hassh.get("hash") if isinstance(client.hassh, dict) else None
    extra = {"client": _word(client.software_version), "server": _word(server.software_version), "hassh": _word(hassh)}
    return {"kind": str(Kind.CONNECTION), "pattern": "ssh", "service": str(Service.SSH), "extra": extra}


def _rdp(eve: Eve, ends: Ends) -> Row:  # noqa: ARG001 - as the others
    rdp = eve.rdp or _Rdp()
    client = rdp.client or _Client()
    extra = {
        "cookie": _word(rdp.cookie),
        "step": _word(rdp.event_type),
        "build": _word(client.build),
        "keyboard_layout": _word(client.keyboard_layout),
    }
    return {"kind": str(Kind.CONNECTION), "pattern": "rdp", "service": str(Service.RDP), "src_host": _word(client.client_name), "extra": extra}


def _rfb(eve: Eve, ends: Ends) -> Row:  # noqa: ARG001 - as the others
    rfb = eve.rfb or _Rfb()
    authentication = rfb.authentication or _Authentication()
    result = _word(authentication.security_result)
    extra = {"security_type": authentication.security_type, "security_result": result, "reason": _word(rfb.server_security_failure_reason)}
    made: dict[str, Any] = {"kind": str(Kind.CONNECTION), "pattern": "rfb", "service": str(Service.VNC), "extra": extra}
    if result in {"FAIL", "TOOMANY"}:
        return made | {"kind": str(Kind.AUTH_FAILURE), "pattern": "rfb-failed", "auth_method": str(AuthMethod.PASSWORD)}
    return made | ({"pattern": "rfb-authenticated"} if result == "OK" else {})


def _krb5(eve: Eve, ends: Ends) -> Row:  # noqa: ARG001 - as the others
    krb = eve.krb5 or _Krb5()
    error = _word(krb.error_code)
    user, realm = _word(krb.cname), _word(krb.realm)
    request = "TGS" if "TGS" in (_word(krb.failed_request) or _word(krb.msg_type) or "") else "AS"
    made: dict[str, Any] = {
        "kind": str(Kind.CONNECTION),
        "pattern": f"kerberos-{request.lower()}",
        "service": str(Service.KERBEROS),
        "user": user,
        "user_domain": realm if user and realm and realm.strip("*") else None,
        "object": _word(krb.sname),
        "extra": {"error": error, "encryption": _word(krb.encryption)},
    }
    asked = _word(krb.failed_request) == "KRB_AS_REQ" or error in _TELLING
    if _word(krb.msg_type) != "KRB_ERROR" or error is None or error in _ASKING or not asked or request == "TGS" or (user or "").endswith("$"):
        return made
    wrong, unknown = error == "KDC_ERR_PREAUTH_FAILED", error == "KDC_ERR_C_PRINCIPAL_UNKNOWN"
    return made | {
        "kind": str(Kind.AUTH_FAILURE),
        "pattern": "kerberos-bad-password" if wrong else "kerberos-unknown-user" if unknown else "kerberos-refused",
        "auth_method": str(AuthMethod.PASSWORD if wrong or unknown else AuthMethod.NONE),
        "invalid_user": True if unknown else None,
    }


def _alert(eve: Eve, ends: Ends) -> Row | str:
    alert = eve.alert or _Alert()
    signature = _word(alert.signature) or ""
    service = _service(eve, ends)
    tor = _TOR.search(signature) is not None and heads_out(ends[0], ends[2])
    if not (tor or ends[3] in PORTS or service is not None or _REMOTE.search(signature)):
        return "an alert that is of no remote access"
    made: dict[str, Any] = {
        "kind": str(Kind.CONNECTION),
        "pattern": "alert",
        "service": service,
        "object": signature or None,
        "extra": {"signature_id": alert.signature_id, "category": _word(alert.category), "severity": alert.severity, "action": _word(alert.action)},
    }
    if tor:
        return made | {"kind": str(Kind.RELAY_CONTACT), "pattern": "alert-tor", "service": str(Service.TOR), "host_ip": ends[0]}
    if _GUESSING.search(signature):
        return made | {"kind": str(Kind.BAN), "pattern": "alert-guessing"}
    if alert.action in _BLOCKED and eve.proto == "TCP" and ends[3] in PORTS:
        return made | {"kind": str(Kind.CONNECTION_DENIED), "pattern": "alert-blocked"}
    return made


def _drop(eve: Eve, ends: Ends) -> Row:
    drop = eve.drop or _Drop()
    opening = drop.syn is True and drop.ack is not True
    denied = eve.proto == "TCP" and opening and ends[3] in PORTS
    extra = {"reason": _word(drop.reason), "signature": _word(eve.alert.signature) if eve.alert else None}
    kind = Kind.CONNECTION_DENIED if denied else Kind.CONNECTION
    return {"kind": str(kind), "pattern": "dropped", "service": _service(eve, ends), "extra": extra}


_READERS: dict[str, Callable[[Eve, Ends], Row | str]] = {
    "flow": _flow,
    "ssh": _ssh,
    "rdp": _rdp,
    "rfb": _rfb,
    "krb5": _krb5,
    "alert": _alert,
    "drop": _drop,
}


def _service(eve: Eve, ends: Ends) -> str | None:
    """Return the service by the protocol seen, else by the port."""
    found = PROTOCOLS.get(eve.app_proto) if isinstance(eve.app_proto, str) else None
    found = found or (NAMED.get(ends[3]) if ends[3] is not None else None)
    return None if found is None else str(found)


def _session(flow_id: Any) -> str | None:
    return f"suricata:{flow_id}" if isinstance(flow_id, int) and not isinstance(flow_id, bool) and 0 < flow_id < 2**64 else None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value not in {"", "-", "<empty>"} else None


def _port(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 16 else None


def _amount(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST else None


_KNOWN = "|".join(_READERS)
_EVENT = r'"event_type"[ \t]*:[ \t]*"'
_ONLY_CONNECTIONS = rf'{_EVENT}(?:flow|ssh|rdp)"'
_TELLING_FLOW = (
    rf'"dest_port"[ \t]*:[ \t]*(?:{OUTWARD_PORTS}|{"|".join(str(plane) for plane in PLANES)})\b|'
    r'"state"[ \t]*:[ \t]*"new"|"action"[ \t]*:[ \t]*"drop"|"bytes_to(?:server|client)"[ \t]*:[ \t]*[0-9]{9}'
    r'|"timestamp"[ \t]*:[ \t]*(?:[^" \t]|"(?:[^0-9]|[0-9]{1,3}[^0-9]))'
)


class SuricataSource(DocumentSource):
    """The source of EVE records; in a scan, what can only be a connection is counted and not read."""

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records* whose ``fields`` are EVE records."""
        sent = pl.when(pl.col("message").str.starts_with("{")).then("message")  # over syslog
        records = records.with_columns(pl.coalesce("fields", sent).alias("fields"))
        if wanted is None or Kind.CONNECTION in wanted:
            return super().decode(records, wanted, apart)
        texts = records["fields"].fill_null("")
        idle = texts.str.contains(_ONLY_CONNECTIONS) & ~texts.str.contains(_TELLING_FLOW)
        outcome = super().decode(records.filter(~idle), wanted, apart)
        outcome.used += int(idle.sum())
        return outcome


SOURCE = SuricataSource(
    name="suricata",
    title="Suricata (EVE JSON)",
    programs=("suricata",),
    read=read,
    shape=Eve,
    references=("https://docs.suricata.io/en/latest/output/eve/eve-json-format.html",),
    # other events (dns, http, tls, stats, ...) are most of a file
    hint=rf'{_EVENT}(?:{_KNOWN})"',
    others="an event that says nothing of remote access",
)
