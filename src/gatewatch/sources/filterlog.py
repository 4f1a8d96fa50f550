r"""``filterlog``: packets that rules of pfSense and OPNsense logged.

``5,,,1000000103,igb0,match,block,in,4,0x0,,240,54321,0,none,6,tcp,40,203.0.113.8,192.0.2.1,45000,3389,0,S,12345,,1024,,``

What became of the packet stands in the seventh field. One that was turned away is ``connection_denied`` where it would have opened a TCP connection
to a port of remote access (flag S alone); every other one is a ``connection``. The firewall is no end of most of them, so ``host`` is not filled in.
``extra`` has rule, interface and direction. Other protocols than TCP and UDP are ignored.

References: https://docs.netgate.com/pfsense/en/latest/monitoring/logs/raw-filter-format.html
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources.pattern import Pattern, PatternSource
from gatewatch.sources.port import ALTERNATIVES, NAMED

_SERVICES = {str(port): service for port, service in NAMED.items()}
_RULE = r"^(?P<x_rule>[0-9]*),[^,]*,[^,]*,(?P<x_tracker>[^,]*),(?P<x_interface>[^,]*),[^,]*,"
_V4 = r"4,[^,]*,[^,]*,[^,]*,[^,]*,[^,]*,[^,]*,(?:[0-9]*),"
_V6 = r"6,[^,]*,[^,]*,[^,]*,"
_ENDS = r"[^,]*,(?P<rhost>[0-9A-Fa-f.:]+)(?:%[^,]*)?,(?P<dhost>[0-9A-Fa-f.:]+)(?:%[^,]*)?,(?P<src_port>[0-9]+),"
_DOOR = rf"(?P<dst_port>(?P<service>{ALTERNATIVES})),[^,]*,S[EC]*(?:,.*)?$"
_PORT = r"(?P<dst_port>(?P<service>[0-9]+))(?:,.*)?$"
_BAD, _GOOD, _ANY = "(?P<x_action>block|reject),", "(?P<x_action>pass),", "(?P<x_action>[a-z-]+),"
_IN, _WAY = r"(?P<x_direction>in),", r"(?P<x_direction>in|out),"


def _packet(action: str, way: str, protocol: str, rest: str) -> tuple[str, ...]:
    """Return the regexes of a packet of either version of IP."""
    number = "6" if protocol == "tcp" else "17"
    return (
        rf"{_RULE}{action}{way}{_V4}{protocol},{_ENDS}{rest}",
        rf"{_RULE}{action}{way}{_V6}(?:{protocol},{number}|{number},{protocol}),{_ENDS}{rest}",
    )


PATTERNS: tuple[Pattern, ...] = (
    Pattern("filter-refused", (), _packet(_BAD, _IN, "tcp", _DOOR), Kind.CONNECTION_DENIED, services=_SERVICES),
    Pattern("filter-passed", (), _packet(_GOOD, _WAY, "tcp", _PORT), Kind.CONNECTION, services=_SERVICES),
    Pattern("filter-blocked", (), _packet(_BAD, _WAY, "tcp", _PORT), Kind.CONNECTION, services=_SERVICES),
    Pattern("filter-logged", (), _packet(_ANY, _WAY, "tcp", _PORT), Kind.CONNECTION, services=_SERVICES),
    Pattern("filter-datagram", (), _packet(_ANY, _WAY, "udp", _PORT), Kind.CONNECTION, services=_SERVICES),
    Pattern("filter-other", (), (rf"{_RULE}{_ANY.replace('?P<x_action>', '?:')}(?:in|out|in/out),",), why="packets of other protocols"),
)


def _apart(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out the host: the firewall is no end of a connection."""
    return frame.with_columns(pl.lit(None, pl.String).alias("host")).drop([name for name in ("src_host", "dst_host") if name in frame.columns])


SOURCE = PatternSource(
    name="filterlog",
    title="pfSense and OPNsense packet filter",
    programs=("filterlog",),
    patterns=PATTERNS,
    finish=_apart,
    references=("https://docs.netgate.com/pfsense/en/latest/monitoring/logs/raw-filter-format.html",),
)
