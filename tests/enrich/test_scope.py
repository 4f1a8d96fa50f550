"""Scope: the table against independent network arithmetic, and the peers' failures by name."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.enrich.scope import TABLE, ScopeTable
from gatewatch.schema.events import Scope
from gatewatch.site.model import Networks
from gatewatch.site.range import Network, parse_address

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LISTED = [(ipaddress.ip_network(text), scope) for text, scope, _ in TABLE]


def scope(text: str, networks: Networks | None = None) -> Scope:
    """Return the scope of an address as text."""
    parsed = parse_address(text)
    assert parsed is not None
    return ScopeTable(networks).scope(*parsed)


def oracle(address: Address, networks: Networks) -> Scope:
    """A plain reading: unwrap, look at every network, the longest prefix wins, the site's before ours."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return oracle(address.ipv4_mapped, networks)
        if address in ipaddress.ip_network("64:ff9b::/96"):
            return oracle(ipaddress.IPv4Address(address.packed[12:]), networks)
    own = (
        (networks.outside, Scope.PUBLIC),
        (networks.vpn_pools, Scope.VPN_POOL),
        (networks.clusters, Scope.CLUSTER),
        (networks.proxies, Scope.PROXY),
        (networks.internal, Scope.PRIVATE),
    )
    found: list[tuple[int, bool, int, Scope]] = []
    for order, (ranges, value) in enumerate(own):
        found += [(network.prefixlen, True, -order, value) for network in ranges if address in network]
    found += [(network.prefixlen, False, 0, value) for network, value in LISTED if address in network]
    _, declared, _, value = max(found, key=lambda row: row[:3])
    if isinstance(address, ipaddress.IPv6Address) and not declared:
        inner = address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return Scope.PUBLIC if oracle(inner, networks) is Scope.PUBLIC else Scope.RESERVED
    return value


EDGES = [address for network, _ in LISTED for address in (network.network_address, network.broadcast_address)]
NEAR = st.builds(
    lambda edge, step: type(edge)(min((1 << edge.max_prefixlen) - 1, max(0, int(edge) + step))), st.sampled_from(EDGES), st.integers(-2, 2)
)
V4 = st.one_of(NEAR.filter(lambda edge: edge.version == 4), st.ip_addresses(v=4))


@st.composite
def carriers(draw: st.DrawFn) -> Address:
    """IPv6 addresses that carry an IPv4 address."""
    inner = int(draw(V4))
    kind = draw(st.sampled_from(["mapped", "nat64", "6to4", "teredo"]))
    low = draw(st.integers(0, 2**64 - 1))
    numbers = {
        "mapped": 0xFFFF << 32 | inner,
        "nat64": 0x64FF9B << 96 | inner,
        "6to4": 0x2002 << 112 | inner << 80 | low,
        "teredo": 0x20010000 << 96 | (low & ~0xFFFFFFFF) | (inner ^ 0xFFFFFFFF),
    }
    return ipaddress.IPv6Address(numbers[kind])


ADDRESSES = st.one_of(NEAR, st.ip_addresses(v=4), st.ip_addresses(v=6), carriers())


@st.composite
def ranges(draw: st.DrawFn) -> tuple[Network, ...]:
    """Ranges of a site, often those of the table itself."""
    found: list[Network] = []
    for address in draw(st.lists(ADDRESSES, max_size=2)):
        if parse_address(str(address)) == (address.version, int(address)):
            prefix = draw(st.integers(1, address.max_prefixlen))
            number = int(address) >> (address.max_prefixlen - prefix) << (address.max_prefixlen - prefix)
            found.append(ipaddress.ip_network(f"{type(address)(number)}/{prefix}"))
    return tuple(found)


SITES = st.builds(Networks, outside=ranges(), vpn_pools=ranges(), clusters=ranges(), proxies=ranges(), internal=ranges())


@given(ADDRESSES, SITES)
def test_scope_agrees_with_a_plain_reading_of_the_networks(address: Address, networks: Networks) -> None:
    assert scope(str(address), networks) is oracle(address, networks)


@given(ADDRESSES, SITES)
def test_only_public_addresses_by_the_table_are_looked_up(address: Address, networks: Networks) -> None:
    parsed = parse_address(str(address))
    assert parsed is not None
    routed = ScopeTable(networks).routed(*parsed)
    if routed is not None:
        found = ipaddress.IPv4Address(routed[1]) if routed[0] == 4 else ipaddress.IPv6Address(routed[1])
        assert oracle(found, Networks()) is Scope.PUBLIC
        assert scope(str(address)) is Scope.PUBLIC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("169.254.1.1", "link_local"),
        ("fe80::1", "link_local"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("172.15.255.255", "public"),
        ("172.32.0.0", "public"),
        ("11.0.0.0", "public"),
        ("192.167.255.255", "public"),
        ("fc00::1", "private"),
        ("fd12:3456::1", "private"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::a00:1", "private"),
        ("100.64.0.0", "shared"),
        ("100.127.255.255", "shared"),
        ("100.63.255.255", "public"),
        ("100.128.0.0", "public"),
        ("0.0.0.1", "reserved"),
        ("192.0.0.9", "reserved"),
        ("192.0.2.1", "public"),
        ("198.51.100.1", "public"),
        ("203.0.113.1", "public"),
        ("192.88.99.1", "reserved"),
        ("198.18.0.1", "reserved"),
        ("198.19.255.255", "reserved"),
        ("198.17.255.255", "public"),
        ("224.0.0.1", "reserved"),
        ("239.255.255.250", "reserved"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("223.255.255.255", "public"),
        ("2001:db8::1", "public"),
        ("3fff:fff::1", "public"),
        ("3fff:1000::1", "public"),
        ("100::1", "reserved"),
        ("ff02::1", "reserved"),
        ("4000::1", "reserved"),
        ("::2", "reserved"),
        ("64:ff9b:1::1", "reserved"),
        ("2001:20::1", "reserved"),
        ("5f00::1", "reserved"),
    ],
)
def test_scopes(text: str, expected: str) -> None:
    assert scope(text) == expected


@pytest.mark.parametrize("text", ["2001:4860:4860::8888", "2a00:1450::1", "2606:4700::1111", "2400:cb00::1", "2620:fe::9"])
def test_public_ipv6_is_public(text: str) -> None:
    """A peer took all of 2000::/3 for private, so no IPv6 address had a country (peers 5)."""
    assert scope(text) is Scope.PUBLIC


def test_ipv6_that_embeds_ipv4_is_judged_by_it_but_never_inside() -> None:
    assert scope("2002:808:808::1") is Scope.PUBLIC
    assert scope("2002:a00:1::1") is Scope.RESERVED
    assert scope("2001:0:4136:e378:8000:63bf:f7f7:f7f7") is Scope.PUBLIC  # 8.8.8.8 behind Teredo
    assert scope("2001:0:4136:e378:8000:63bf:f5ff:fffe") is Scope.RESERVED  # 10.0.0.1
    assert scope("2002:a00:1::1", Networks(internal=(ipaddress.ip_network("10.0.0.0/8"),))) is Scope.RESERVED


def test_shared_and_mapped_addresses_are_not_public() -> None:
    """Sigma's list lacks 100.64.0.0/10 and IPv4-mapped addresses, Elastic's fc00::/7 (peers 23)."""
    assert [scope(text) for text in ("100.64.1.1", "::ffff:192.168.1.1", "fd00::1")] == [Scope.SHARED, Scope.PRIVATE, Scope.PRIVATE]


def test_loopback_is_found_by_number_not_by_text() -> None:
    """A peer looked for ``::1`` anywhere in the text (peers 22)."""
    assert scope("2a00:1450::1") is Scope.PUBLIC
    assert scope("0:0:0:0:0:0:0:1") is Scope.LOOPBACK


def test_the_most_specific_range_of_the_site_wins() -> None:
    networks = Networks(
        internal=(ipaddress.ip_network("203.0.113.0/24"), ipaddress.ip_network("2001:db8::/32")),
        proxies=(ipaddress.ip_network("203.0.113.5"),),
        vpn_pools=(ipaddress.ip_network("10.99.0.0/16"),),
        clusters=(ipaddress.ip_network("100.64.0.0/10"),),
        outside=(ipaddress.ip_network("198.51.100.0/24"), ipaddress.ip_network("10.99.7.0/24")),
    )
    expected = {
        "203.0.113.9": "private",
        "203.0.113.5": "proxy",
        "10.99.1.1": "vpn_pool",
        "10.98.1.1": "private",
        "10.99.7.1": "public",
        "100.64.3.3": "cluster",
        "198.51.100.7": "public",
        "192.0.2.7": "public",
        "2001:db8::7": "private",
    }
    assert {text: str(scope(text, networks)) for text in expected} == expected


def test_what_the_site_calls_outside_has_no_country_of_its_own() -> None:
    table = ScopeTable(Networks(outside=(ipaddress.ip_network("198.51.100.0/24"),)))
    parsed = parse_address("198.51.100.7")
    assert parsed is not None
    assert table.scope(*parsed) is Scope.PUBLIC
    assert table.routed(*parsed) is None
