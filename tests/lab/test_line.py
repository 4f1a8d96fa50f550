"""Dual-stack lines: what they show of themselves, when, and that nothing but seed, line, person, target and time decides it."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.lab.address import Atlas, Block6, lot
from gatewatch.lab.dice import dice
from gatewatch.lab.line import REMEMBERED, Line
from gatewatch.lab.moment import DAY, HOUR, START
from gatewatch.lab.organisation import ELSEWHERE, found

BLOCK = Block6(0x2001_0DB8 << 32, 32, "DE")
KINDS = ("residential", "mobile", "hosting", "office")


def line(kind: str, number: int = 1, block: Block6 = BLOCK) -> Line:
    return Line(7, f"192.0.2.{number}", block, kind)


@given(kind=st.sampled_from(KINDS), number=st.integers(1, 254), at=st.integers(0, 30 * DAY), who=st.text(max_size=8), host=st.text(max_size=8))
def test_a_face_is_the_line_or_an_address_of_its_range(kind: str, number: int, at: int, who: str, host: str) -> None:
    one = line(kind, number)
    face = one.face(START + at, who, host)
    assert face == one.address or IPv6Address(face) in IPv6Network(BLOCK.cidr)
    assert face == one.face(START + at, who, host)


def nets(kind: str, bits: int, *, days: int = 20, who: str = "ann") -> set[str]:
    return {str(IPv6Network((line(kind).v6(START + day * DAY, who), bits), strict=False)) for day in range(days)}


def test_homes_keep_their_network_and_change_their_address_daily() -> None:
    assert len(nets("residential", 64)) == 1
    assert len(nets("residential", 128)) == 20
    assert len({str(IPv6Network((line("residential").v6(START, who), 56), strict=False)) for who in "abcdefgh"}) == 1
    assert len({line("residential").v6(START, who) for who in "abcdefgh"}) == 8
    assert len(nets("hosting", 128)) == 1
    assert len({line("mobile").v6(START + hour * HOUR, "ann")[:19] for hour in range(0, 24, 6)}) == 4
    wide = line("office", block=Block6(0x2001_0DB8_0001 << 16, 48, "DE"))
    assert IPv6Address(wide.v6(START, "ann")) in IPv6Network("2001:db8:1::/48")


def test_families_change_after_ten_minutes_and_never_before() -> None:
    homes = [line("residential", number) for number in range(1, 60)]
    assert {one.face(START + at, "ann", "vpn") == one.address for one in homes for at in range(0, DAY, REMEMBERED)} == {True, False}
    changed = [one for one in homes if len({":" in one.face(START + at, "ann", "vpn") for at in range(0, DAY, REMEMBERED)}) == 2]
    assert len(changed) > 20
    for one in homes:
        assert len({one.face(START + at, "ann", "vpn") for at in range(0, REMEMBERED, REMEMBERED // 7)}) == 1
    assert all(len({":" in line("hosting", number).face(START + day * DAY, "ann", "vpn") for day in range(20)}) == 1 for number in range(1, 20))


@pytest.mark.parametrize("country", ELSEWHERE)
def test_a_range_lies_in_its_country(country: str) -> None:
    atlas, rng = Atlas(), dice(3, country)
    block = atlas.block_v6(country, 36, rng)
    assert block is not None
    for number in range(20):
        assert atlas.country(str(IPv6Address(block.net(64, number) << 64 | lot(number)))) == country


def test_a_country_without_ipv6_has_none_and_the_site_goes_on_by_ipv4() -> None:
    assert Atlas().block_v6("KP", 36, dice(1, "none")) is None
    sites = [found(seed, 14, 3) for seed in range(12)]
    assert {site.public_v6 is None for site in sites} == {True, False}
    assert all(host.outer_v6 is None for site in sites if site.public_v6 is None for host in site.hosts)
    assert any(provider.block_v6 is None for site in sites for some in site.providers.values() for provider in some)
