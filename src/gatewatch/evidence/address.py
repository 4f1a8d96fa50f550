"""Addresses and ports as rules write them, turned into spans on the line of :mod:`gatewatch.schema.facts.filter`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network

from gatewatch.schema.facts.filter import FOUR_SPAN, LINE, SIX, SIX_SPAN, Span, Spans

PORTS: Span = (0, 65535)
SERVICES: dict[str, int] = {
    "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "tftp": 69, "http": 80, "www": 80, "pop3": 110, "sunrpc": 111, "ntp": 123,
    "netbios-ssn": 139, "imap2": 143, "snmp": 161, "ldap": 389, "https": 443, "microsoft-ds": 445, "isakmp": 500, "syslog": 514, "ldaps": 636,
    "domain-s": 853, "rsync": 873, "imaps": 993, "openvpn": 1194, "ms-sql-s": 1433, "l2f": 1701, "pptp": 1723, "nfs": 2049, "mysql": 3306,
    "ms-wbt-server": 3389, "ipsec-nat-t": 4500, "postgresql": 5432, "x11": 6000, "http-alt": 8080,
}  # fmt: skip


@lru_cache(maxsize=65536)
def parse_span(text: str) -> Span | None:
    """Return the span of an address, a network or a range ``a-b``; a netmask may be written out; None when it is none.

    >>> parse_span("192.0.2.0/24") == parse_span("192.0.2.0/255.255.255.0") == parse_span("192.0.2.0-192.0.2.255")
    True
    """
    try:
        if "-" in text and "/" not in text:
            low, _, high = text.partition("-")
            first, last = _number(low.strip()), _number(high.strip())
            return (first, last) if first <= last and (first < SIX) == (last < SIX) else None
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    base = 0 if network.version == 4 else SIX
    return base + int(network.network_address), base + int(network.broadcast_address)


def _number(text: str) -> int:
    address = ip_address(text)
    return int(address) + (0 if address.version == 4 else SIX)


def spans(found: Iterable[Span]) -> Spans:
    """Return *found*, in any order and overlapping, as sorted disjoint spans."""
    made: list[Span] = []
    for first, last in sorted(found):
        if made and first <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(last, made[-1][1]))
        else:
            made.append((first, last))
    return tuple(made)


def outside(inner: Iterable[Span], whole: Span) -> Spans:
    """Return *whole* without *inner*: what a negated match matches."""
    made: list[Span] = []
    first = whole[0]
    for low, high in spans(inner):
        if low > first:
            made.append((first, min(low - 1, whole[1])))
        first = max(first, high + 1)
    if first <= whole[1]:
        made.append((first, whole[1]))
    return tuple(made)


def family(version: int) -> Span:
    """Return the span of a family: 4, 6, or both for 0."""
    return FOUR_SPAN if version == 4 else SIX_SPAN if version == 6 else LINE


def parse_port(text: str) -> Span | None:
    """Return the span of a port, a service's name, or a range ``a-b`` or ``a:b`` (open ends allowed); None when it is none."""
    text = text.strip().lower()
    low, mark, high = (text, "", "") if text in SERVICES else text.replace(":", "-").partition("-")
    first = _port(low) if low else 0
    last = (_port(high) if high else 65535) if mark else first
    return (first, last) if first is not None and last is not None and first <= last else None


def _port(text: str) -> int | None:
    if text in SERVICES:
        return SERVICES[text]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535 else None
