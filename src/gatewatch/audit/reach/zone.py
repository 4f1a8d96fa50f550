"""Zones as sets of addresses: what the internet is, and what the site says of the rest."""

from __future__ import annotations

from functools import cache

from gatewatch.audit.reach.span import join, less, normal, of_address
from gatewatch.schema.facts.filter import FOUR_SPAN, LINE, SIX, Span, Spans
from gatewatch.site.model import Site
from gatewatch.site.posture import Zone, ZoneKind
from gatewatch.site.range import Network

_NOT_ROUTED = (
    (0, 8), (10 << 24, 8), (0x64400000, 10), (127 << 24, 8), (0xA9FE0000, 16), (0xAC100000, 12), (0xC0A80000, 16), (0xC0000000, 24),
    (0xC6120000, 15), (0xE0000000, 4), (0xF0000000, 4),
)  # fmt: skip
"""What RFC 6890 and IANA keep off the internet; documentation ranges count as outside, as everywhere in gatewatch."""
_GLOBAL_SIX: Span = (SIX + (0x2000 << 112), SIX + (0x4000 << 112) - 1)  # 2000::/3, all that is assigned


def of_network(network: Network) -> Span:
    """Return the span of a network."""
    base = 0 if network.version == 4 else SIX
    return base + int(network.network_address), base + int(network.broadcast_address)


@cache
def private() -> Spans:
    """Return the addresses the internet does not route."""
    four = normal((base, base + (1 << (32 - length)) - 1) for base, length in _NOT_ROUTED)
    six = less(((SIX, LINE[1]),), (_GLOBAL_SIX,))
    return normal((*four, *six))


def internet(site: Site) -> Spans:
    """Return every address from which the internet reaches us: routed ones, without the site's own ranges and zones."""
    own = [of_network(one) for one in (*site.networks.internal, *site.networks.vpn_pools, *site.networks.clusters)]
    own += [of_network(one) for zone in site.posture.zones if zone.kind is not ZoneKind.INTERNET for one in zone.networks]
    routed = join(less((FOUR_SPAN,), private()), (_GLOBAL_SIX,))
    outside = normal(of_network(one) for one in site.networks.outside)
    return less(join(routed, outside), less(normal(own), outside))


def sources(site: Site, name: str) -> tuple[Spans, Zone | None] | None:
    """Return the addresses that *name* stands for — a zone, an address, a network, a host — and its zone; None when it stands for nothing."""
    zone = site.posture.zone(name.casefold())
    if name.casefold() == "internet":
        return (normal(of_network(one) for one in zone.networks) if zone is not None and zone.networks else internet(site)), zone
    if zone is not None:
        return normal(of_network(one) for one in zone.networks), zone
    number = of_address(name)
    if number is not None:
        return ((number, number),), site.posture.zone_of_address(name)
    from_network = _network(name)
    if from_network is not None:
        return (from_network,), None
    addresses = [text for text, host in site.addresses().items() if host == site.host_name(name)]
    if addresses:
        return normal((at, at) for text in addresses if (at := of_address(text)) is not None), site.posture.zone_of_address(addresses[0])
    return None


def _network(text: str) -> Span | None:
    from ipaddress import ip_network  # noqa: PLC0415

    try:
        return of_network(ip_network(text, strict=False))
    except ValueError:
        return None
