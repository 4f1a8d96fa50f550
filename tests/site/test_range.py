"""Ranges: nested networks against a plain search; text that is no address."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.site.range import Network, RangeMap, parse_address, parse_network, within

BITS = {4: 32, 6: 128}


@st.composite
def networks(draw: st.DrawFn, version: int) -> Network:
    """Networks that nest often: few prefixes, few distinct high bits, and the ends of the space."""
    bits = BITS[version]
    prefix = draw(st.sampled_from([0, 1, 2, 8, bits - 2, bits - 1, bits]))
    number = draw(st.integers(0, 15)) << (bits - 4) | draw(st.integers(0, 3))
    number = draw(st.sampled_from([number, (1 << bits) - 1 - draw(st.integers(0, 3))]))
    number = number >> (bits - prefix) << (bits - prefix)
    return ipaddress.ip_network((number, prefix)) if version == 6 else ipaddress.IPv4Network((number, prefix))


@given(st.sampled_from([4, 6]).flatmap(lambda version: st.tuples(st.just(version), st.lists(networks(version)), st.data())))
def test_find_gives_all_that_cover_the_most_specific_first(drawn: tuple[int, list[Network], st.DataObject]) -> None:
    version, ranges, data = drawn
    table = RangeMap((network, index) for index, network in enumerate(ranges))
    edges = [int(edge) for network in ranges for edge in (network.network_address, network.broadcast_address)]
    top = (1 << BITS[version]) - 1
    near = [min(top, max(0, edge + step)) for edge in edges for step in (-1, 0, 1)] or [0]
    number = data.draw(st.one_of(st.sampled_from(near), st.integers(0, top)))
    covering = [(-network.prefixlen, index) for index, network in enumerate(ranges) if within(network, version, number)]
    assert table.find(version, number) == tuple(index for _, index in sorted(covering))


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_parse_address_agrees_with_ipaddress(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    parsed = parse_address(str(address))
    assert parsed is not None
    if parsed[0] == address.version:
        assert parsed[1] == int(address)
    else:
        assert isinstance(address, ipaddress.IPv6Address)
        assert parsed[1] == int(address) & 0xFFFFFFFF


@given(st.text(max_size=40))
def test_no_text_makes_parse_address_raise(text: str) -> None:
    assert parse_address(text) is None or parse_address(text)[0] in {4, 6}


@pytest.mark.parametrize("text", ["", "-", "192.0.2", "192.000.2.7", "192.0.2.7.8", "fe80::1%eth0", "1.2.3.4\0", "²", "0x7f000001"])
def test_what_is_no_canonical_address_is_none(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize("text", ["::ffff:192.0.2.7", "64:ff9b::192.0.2.7", "192.0.2.7"])
def test_mapped_and_nat64_are_the_ipv4_address(text: str) -> None:
    assert parse_address(text) == (4, 0xC0000207)


def test_networks_written_as_mapped_addresses_meet_ipv4_addresses() -> None:
    assert parse_network("::ffff:192.0.2.0/120") == ipaddress.ip_network("192.0.2.0/24")
    assert RangeMap([(parse_network("::ffff:192.0.2.0/120"), "x")]).get("192.0.2.9") == ("x",)


def test_bits_beyond_the_prefix_are_refused_with_the_network_meant() -> None:
    with pytest.raises(ValueError, match=r"did you mean 192\.0\.2\.0/24\?"):
        parse_network("192.0.2.7/24")
    with pytest.raises(ValueError, match=r"did you mean 2001:db8::/32\?"):
        parse_network("2001:db8::1/32")


def test_ipv6_is_compared_as_a_number_never_by_its_first_parts() -> None:
    """Peers compared the first two dotted parts, or found ``::1`` inside longer addresses (peers 22)."""
    table = RangeMap([(parse_network("2001:db8:1::/48"), "one"), (parse_network("::1"), "loopback")])
    assert table.get("2001:db8:1:ffff::1") == ("one",)
    assert table.get("2001:db8:10::1") == ()
    assert table.get("2001:0db8:0001:0:0:0:0:1") == ("one",)
    assert table.get("2001:db8::1") == ()
