r"""MikroTik RouterOS: logons to the router and of its VPN users.

``system,error,critical login failure for user ann from 203.0.113.7 via ssh`` · ``l2tp,ppp,info,account ann logged in, 10.0.0.9 from 203.0.113.7``

The topics stand before the text, unless the router was told to leave them out (``add-topics-string=no``) or to write BSD headers without them.

=============================================  ============================================================================
text                                           becomes
=============================================  ============================================================================
user … logged in from … via …, logged out      ``auth_success``, ``session_end`` of an administrator
login failure for user …                       ``auth_failure``
… logged in, ADDRESS (ppp,account)             ``auth_success`` with ``assigned_ip``; logged out: ``session_end``
<…>: user … authentication failed              ``auth_failure``
denied winbox/dude connect from …              ``connection_denied``
… added, changed, removed by …                 ``config_change``
firewall …: in:… proto TCP …                   ``connection``; what became of the packet only its rule's prefix may tell
=============================================  ============================================================================

References: https://help.mikrotik.com/docs/spaces/ROS/pages/328094/Log
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource
from gatewatch.sources.port import NAMED

_TOPIC = r"(?:[a-z0-9-]+,)+[a-z0-9!-]+:? +"
_IP = r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*[0-9A-Fa-f:])"
_MAC = r"[0-9A-F]{2}(?::[0-9A-F]{2}){5}"
_VIA = rf"from (?:{_MAC}|(?P<rhost>{_IP})) via (?P<service>[a-z-]+)"
_HERE = r"via (?P<service>local|console|[a-z-]+)"
_SERVICES = {
    **dict.fromkeys(("ssh",), Service.SSH),
    **dict.fromkeys(("telnet", "mac-telnet", "mac telnet"), Service.TELNET),
    **dict.fromkeys(("winbox", "web", "api", "rest-api", "rest", "api-ssl", "dude", "romon"), Service.WEB),
    **dict.fromkeys(("local", "console", "serial"), Service.LOCAL),
}
_PORTS = {str(port): service for port, service in NAMED.items()}
_WORDS = (
    r"login failure for user |user [^ ]+ logged (?:in|out) (?:from|via) |[^ ,]+ logged (?:in, [0-9.]+|out, [0-9]+ [0-9]+ )|"
    r"denied winbox/dude connect "
)
_NAME = r"<?(?P<user>[^ ,<>]+)>?"
_UNKNOWN = {"auth_method": "unknown"}
_PASSWORD = {"auth_method": "password"}
_VPN = {"service": str(Service.VPN)}

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "router-failed",
        ("login failur",),
        (rf"^login failure for user (?P<user>.*) {_VIA}$", rf"^login failure for user (?P<user>[^ ]+) {_HERE}$"),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        services=_SERVICES,
    ),
    Pattern(
        "router-login",
        ("user ",),
        (rf"^user (?P<user>.*) logged in {_VIA}$", rf"^user (?P<user>[^ ]+) logged in {_HERE}$"),
        Kind.AUTH_SUCCESS,
        set=_UNKNOWN,
        services=_SERVICES,
    ),
    Pattern(
        "router-logout",
        ("user ",),
        (rf"^user (?P<user>.*) logged out {_VIA}$", rf"^user (?P<user>[^ ]+) logged out {_HERE}$"),
        Kind.SESSION_END,
        services=_SERVICES,
    ),
    Pattern(
        "ppp-failed",
        ("<", "user "),
        (rf"^(?:<(?:{_IP}|[^ >]*)>: )?user (?P<user>.*) authentication failed[^<>]*$",),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, **_VPN},
    ),
    Pattern(
        "ppp-login",
        (),
        (rf"^{_NAME} logged in, (?P<assigned_ip>{_IP})(?: from (?P<rhost>{_IP}))?$",),
        Kind.AUTH_SUCCESS,
        set={**_UNKNOWN, **_VPN},
    ),
    Pattern(
        "ppp-logout",
        (),
        (
            (
                rf"^{_NAME} logged out, (?P<x_duration>[0-9]+) (?P<bytes_in>[0-9]+) (?P<bytes_out>[0-9]+) [0-9]+ [0-9]+"
                rf"(?: from (?P<rhost>{_IP}))?$"
            ),
        ),
        Kind.SESSION_END,
        set=_VPN,
    ),
    Pattern(
        "winbox-denied",
        ("denied winbo",),
        (rf"^denied winbox/dude connect from (?P<rhost>{_IP})$",),
        Kind.CONNECTION_DENIED,
        set={"service": str(Service.WEB)},
    ),
    Pattern(
        "router-configured",
        (),
        (rf"^(?P<object>[^:]{{1,80}}) (?:added|changed|removed|moved) by (?:[^ ]*:)?(?P<user>[^ @:()]+)(?:@(?P<rhost>{_IP}))?(?: \([^<>]*\))?$",),
        Kind.CONFIG_CHANGE,
        set={"service": None},
    ),
    Pattern(
        "packet",
        (),
        (
            (
                r"^(?P<x_rule>[^<>=]{0,60}?):? ?in:(?P<x_in>[^ ]+(?: [0-9]+)?) out:[^,]*,[^>]* proto (?P<x_proto>TCP|UDP)(?: \([A-Z,]*\))?, "
                rf"\[?(?P<rhost>{_IP})\]?:(?P<src_port>[0-9]+)->\[?(?P<dhost>{_IP})\]?:(?P<dst_port>(?P<service>[0-9]+)),[^<>]*$"
            ),
        ),
        Kind.CONNECTION,
        services=_PORTS,
    ),
    Pattern("router-other", (), (r"^",), why="the router and its links"),
)


def _bare(records: pl.DataFrame) -> pl.DataFrame:
    """Drop the topics before the text."""
    return records.with_columns(pl.col("message").str.replace(rf"^{_TOPIC}", "").alias("message"))


SOURCE = PatternSource(
    name="routeros",
    title="MikroTik RouterOS",
    programs=("routeros", "MikroTik", "mikrotik"),
    patterns=PATTERNS,
    claims_message=(rf"^(?:(?:system|ppp|pptp|l2tp|sstp|ovpn|pppoe|hotspot|manager|firewall|account)(?:,[a-z0-9!-]+){{1,5}}:? |{_WORDS})"),
    prepare=_bare,
    references=("https://help.mikrotik.com/docs/spaces/ROS/pages/328094/Log",),
)
