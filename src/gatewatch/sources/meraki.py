r"""Cisco Meraki security appliances: client VPN and AnyConnect, and flows of the firewall.

``events type=client_vpn_connect user_id='ann@corp.example' local_ip='192.168.50.9' connection_id='' remote_ip='203.0.113.7'``
``events anyconnect_vpn_auth_failure msg= 'Peer IP=203.0.113.7 Peer port=57098 AAA[3]: AAA authentication failed '``

=============================================  ============================================================================
event                                          becomes
=============================================  ============================================================================
client_vpn_connect, anyconnect_vpn_connect     ``auth_success`` with ``assigned_ip``
client_vpn_disconnect, anyconnect_…            ``session_end``
anyconnect_vpn_auth_success, _auth_failure     ``session_start``, ``auth_failure``, of nobody's name
flows, firewall, … with a pattern              ``connection``; ``connection_denied`` where it was denied at a port of remote access
=============================================  ============================================================================

References: https://documentation.meraki.com/General_Administration/Monitoring_and_Reporting/Syslog_Event_Types_and_Log_Samples
"""

from __future__ import annotations

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource
from gatewatch.sources.port import ALTERNATIVES, NAMED

_IP = r"[0-9A-Fa-f.:]*[0-9A-Fa-f:]"
_SERVICES = {str(port): service for port, service in NAMED.items()}
_WHO = rf"user[_ ]id= ?'(?P<user>[^']*)' local[_ ]ip= ?'?(?P<assigned_ip>{_IP})'?"
_LOGON = (rf"{_WHO} [^<>]*?remote[_ ]ip= ?'?(?P<rhost>{_IP})'?(?: [^<>]*)?$", rf"{_WHO}(?: [^<>]*)?$")


def _logon(name: str) -> tuple[str, ...]:
    """Return the regexes of the event *name* of either kind of client."""
    return tuple(rf"^events (?:type=)?(?:client|anyconnect)_vpn_{name} {rest}" for rest in _LOGON)


_FLOW = r"^(?:flows|firewall|vpn_firewall|cellular_firewall) "
_ENDS = rf"src=(?P<rhost>{_IP}) dst=(?P<dhost>{_IP})(?: mac=[^ ]*)?(?: protocol=(?P<x_proto>tcp|udp))(?: sport=(?P<src_port>[0-9]+))? "
_DOOR = rf"dport=(?P<dst_port>(?P<service>{ALTERNATIVES}))"
_PORT = r"dport=(?P<dst_port>(?P<service>[0-9]+))"
_VPN = {"service": str(Service.VPN)}
_PEER = rf"msg= ?'Peer IP=(?P<rhost>{_IP}) Peer port=(?P<src_port>[0-9]+) "

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "meraki-connected",
        ("events ",),
        _logon("connect"),
        Kind.AUTH_SUCCESS,
        set={**_VPN, "auth_method": "unknown"},
    ),
    Pattern(
        "meraki-disconnected",
        ("events ",),
        _logon("disconnect"),
        Kind.SESSION_END,
        set=_VPN,
    ),
    Pattern(
        "meraki-accepted",
        ("events ",),
        (rf"^events (?:type=)?anyconnect_vpn_auth_success {_PEER}[^<>]*$",),
        Kind.SESSION_START,
        set=_VPN,
    ),
    Pattern(
        "meraki-refused",
        ("events ",),
        (rf"^events (?:type=)?anyconnect_vpn_auth_failure {_PEER}[^<>]*$",),
        Kind.AUTH_FAILURE,
        set={**_VPN, "auth_method": "password"},
    ),
    Pattern(
        "meraki-denied",
        (),
        (rf"{_FLOW}{_ENDS}{_DOOR} pattern: (?:deny|0) .*$", rf"{_FLOW}deny {_ENDS}{_DOOR}(?: .*)?$"),
        Kind.CONNECTION_DENIED,
        services=_SERVICES,
    ),
    Pattern(
        "meraki-flow",
        (),
        (rf"{_FLOW}(?:allow |deny )?{_ENDS}{_PORT}(?: .*)?$",),
        Kind.CONNECTION,
        services=_SERVICES,
    ),
    Pattern("meraki-other", (), ("^",), why="the network, and other events than logons"),
)

SOURCE = PatternSource(
    name="meraki",
    title="Cisco Meraki",
    programs=("meraki",),
    patterns=PATTERNS,
    claims_message=r"^events (?:type=)?(?:client|anyconnect)_vpn_",
    references=("https://documentation.meraki.com/General_Administration/Monitoring_and_Reporting/Syslog_Event_Types_and_Log_Samples",),
)
