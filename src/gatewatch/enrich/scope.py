"""Scope: what kind of place an address is from, by this table and the site's ranges, whatever the interpreter calls private.

Sources: IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its successors). The most specific range decides and,
of equal ones, the site's. Of IPv6 only 2000::/3 is allocated as global unicast; the rest is reserved unless listed.

Addresses that carry an IPv4 address in them, and others worth a word:

- IPv4-mapped and NAT64 (64:ff9b::/96) *are* that IPv4 address.
- 6to4 (2002::/16) and Teredo (2001::/32) are public when the IPv4 address in them is, else reserved: a sender may write what he
  likes into them, so they never count as inside.
- Documentation ranges (RFC 5737, 3849, 9637) are public: in a log they only ever stand for an outside address that was made anonymous.
  They have no country.
- The local NAT64 prefix (64:ff9b:1::/48) is reserved: where in it the IPv4 address stands is the site's secret. Name it in ``[network]``.
"""

from __future__ import annotations

import ipaddress

from gatewatch.schema.events import Scope
from gatewatch.site.model import Networks
from gatewatch.site.range import Network, RangeMap

DOCUMENTATION = "documentation"

TABLE: tuple[tuple[str, Scope, str], ...] = (
    ("0.0.0.0/0", Scope.PUBLIC, "what is not listed below"),
    ("0.0.0.0/8", Scope.RESERVED, "this network"),
    ("10.0.0.0/8", Scope.PRIVATE, "RFC 1918"),
    ("100.64.0.0/10", Scope.SHARED, "RFC 6598: carrier-grade NAT, overlay networks, cluster nodes"),
    ("127.0.0.0/8", Scope.LOOPBACK, "loopback"),
    ("169.254.0.0/16", Scope.LINK_LOCAL, "RFC 3927"),
    ("172.16.0.0/12", Scope.PRIVATE, "RFC 1918"),
    ("192.0.0.0/24", Scope.RESERVED, "protocol assignments"),
    ("192.0.2.0/24", Scope.PUBLIC, DOCUMENTATION),
    ("192.88.99.0/24", Scope.RESERVED, "6to4 relay anycast, withdrawn"),
    ("192.168.0.0/16", Scope.PRIVATE, "RFC 1918"),
    ("198.18.0.0/15", Scope.RESERVED, "benchmarks"),
    ("198.51.100.0/24", Scope.PUBLIC, DOCUMENTATION),
    ("203.0.113.0/24", Scope.PUBLIC, DOCUMENTATION),
    ("224.0.0.0/4", Scope.RESERVED, "multicast"),
    ("240.0.0.0/4", Scope.RESERVED, "future use and broadcast"),
    ("::/0", Scope.RESERVED, "not allocated"),
    ("::1/128", Scope.LOOPBACK, "loopback"),
    ("64:ff9b:1::/48", Scope.RESERVED, "local NAT64"),
    ("100::/64", Scope.RESERVED, "discard"),
    ("2000::/3", Scope.PUBLIC, "global unicast"),
    ("2001::/23", Scope.RESERVED, "protocol assignments"),
    ("2001:1::1/128", Scope.PUBLIC, "port control anycast"),
    ("2001:1::2/128", Scope.PUBLIC, "TURN anycast"),
    ("2001:1::3/128", Scope.PUBLIC, "DNS-SD registration anycast"),
    ("2001:3::/32", Scope.PUBLIC, "AMT"),
    ("2001:4:112::/48", Scope.PUBLIC, "AS112"),
    ("2001:30::/28", Scope.PUBLIC, "drone remote id"),
    ("2001:db8::/32", Scope.PUBLIC, DOCUMENTATION),
    ("3fff::/20", Scope.PUBLIC, DOCUMENTATION),
    ("fc00::/7", Scope.PRIVATE, "unique local"),
    ("fe80::/10", Scope.LINK_LOCAL, "link-local"),
    ("fec0::/10", Scope.PRIVATE, "site-local, deprecated"),
    ("ff00::/8", Scope.RESERVED, "multicast"),
)

_SIX_TO_FOUR = 0x2002 << 112
_TEREDO = 0x20010000 << 96
_LOW32 = 0xFFFFFFFF


def embedded(number: int) -> int | None:
    """Return the IPv4 address in a 6to4 or Teredo address given as a number; None for any other IPv6 address."""
    if number >> 112 == _SIX_TO_FOUR >> 112:
        return (number >> 80) & _LOW32
    if number >> 96 == _TEREDO >> 96:
        return ~number & _LOW32
    return None


class ScopeTable:
    """The table above with the ranges of a site on top."""

    def __init__(self, networks: Networks | None = None) -> None:
        """Lay the ranges of *networks* over the table."""
        networks = networks or Networks()
        declared: tuple[tuple[tuple[Network, ...], Scope], ...] = (
            (networks.outside, Scope.PUBLIC),
            (networks.vpn_pools, Scope.VPN_POOL),
            (networks.clusters, Scope.CLUSTER),
            (networks.proxies, Scope.PROXY),
            (networks.internal, Scope.PRIVATE),
        )
        own = [(network, (scope, True)) for ranges, scope in declared for network in ranges]
        listed = [(ipaddress.ip_network(text), (scope, False)) for text, scope, _ in TABLE]
        self._map: RangeMap[tuple[Scope, bool]] = RangeMap([*own, *listed])
        placeless = [ipaddress.ip_network(text) for text, _, why in TABLE if why == DOCUMENTATION]
        self._placeless: RangeMap[bool] = RangeMap([(network, True) for network in placeless])

    def scope(self, version: int, number: int) -> Scope:
        """Return the scope of an address given as a number."""
        scope, declared = self._map.find(version, number)[0]
        inner = embedded(number) if version == 6 and not declared else None
        if inner is None:
            return scope
        return Scope.PUBLIC if self._map.find(4, inner)[0][0] is Scope.PUBLIC else Scope.RESERVED

    def routed(self, version: int, number: int) -> tuple[int, int] | None:
        """Return the address to look up in databases: of 6to4 and Teredo, the IPv4 address inside; None when it is not public by the table.

        The site's ranges do not count here; documentation ranges are nowhere.
        """
        inner = embedded(number) if version == 6 else None
        if inner is not None:
            version, number = 4, inner
        listed = next(scope for scope, declared in self._map.find(version, number) if not declared)
        return (version, number) if listed is Scope.PUBLIC and not self._placeless.find(version, number) else None
