"""Lines of OpenVPN's status file, in each of its three versions; the time of a client's line is that since which it is connected.

``CLIENT_LIST,ann,203.0.113.7:50000,10.8.0.6,,1234,5678,2026-01-05 12:00:00,1767614400,ann,0,0,AES-256-GCM`` (version 2; with tabs, version 3)
``ann,203.0.113.7:50000,1234,5678,Mon Jan  5 12:00:00 2026`` (version 1)

References: openvpn(8), --status; https://github.com/OpenVPN/openvpn (src/openvpn/multi.c, multi_print_status)
"""

from __future__ import annotations

from gatewatch.intake.header import TextFraming
from gatewatch.schema.framing import Framing

PROGRAM = "openvpn-status"
_PEER = r"(?:udp[46]:|tcp[46](?:-server)?:)?\[?[0-9A-Fa-f.:]+\]?(?::[0-9]{1,5})?"
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"
_CTIME = r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [12][0-9]{3}"
_CLIENT = rf"[^,]*,{_PEER},[0-9]+,[0-9]+"
_ROUTE = rf"[0-9A-Fa-f.:/C]+,[^,]*,{_PEER}"
_TITLES = (
    r"OpenVPN CLIENT LIST|ROUTING TABLE|GLOBAL STATS|END|Common Name,Real Address,.*|Virtual Address,Common Name,.*"
    rf"|Max bcast/mcast queue length,[0-9]+|Updated,(?:{_ISO}|{_CTIME})|(?:HEADER|TITLE|TIME|ROUTING_TABLE|GLOBAL_STATS)[,\t].*"
)
GATE = rf"^(?:CLIENT_LIST[,\t]|{_CLIENT},|{_ROUTE},(?:{_ISO}|[A-Z])|(?:{_TITLES})$)"
_DAY_FIRST = _CTIME[len("[A-Z][a-z]{2} ") :]

FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, r"^(?P<message>CLIENT_LIST(?:[,\t][^,\t]*){5,7}[,\t](?P<stamp>[0-9]{9,10})(?:[,\t].*)?)$", "epoch", PROGRAM),
    TextFraming(Framing.SYSLOG_ISO, rf"^(?P<message>(?:{_CLIENT}|{_ROUTE}),(?P<stamp>{_ISO}))$", "iso", PROGRAM),
    TextFraming(Framing.SYSLOG_BSD, rf"^(?P<message>(?:{_CLIENT}|{_ROUTE}),[A-Z][a-z]{{2}} (?P<stamp>{_DAY_FIRST}))$", "ctime", PROGRAM),
    TextFraming(Framing.SYSLOG_BSD, rf"^(?P<message>(?:{_TITLES}|CLIENT_LIST[,\t].*))$", "none", PROGRAM),
)
