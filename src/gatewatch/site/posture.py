"""Posture: what the owner of a site says it ought to be — zones, assets, flows, providers, accounts kept for emergencies, accepted risks.

The audit judges configuration against it; the detection half does not read it. Names are case-folded, days are inclusive.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from gatewatch.site.range import Network, parse_address, within


class ZoneKind(StrEnum):
    """What a zone is for."""

    INTERNET = "internet"
    DMZ = "dmz"
    VPN = "vpn"
    USER = "user"
    SERVER = "server"
    MANAGEMENT = "management"
    CRITICAL = "critical"


class TorStance(StrEnum):
    """The three stances of CISA AA20-183A: block all, block some and watch the rest, watch."""

    BLOCK = "block"
    BLENDED = "blended"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True)
class Zone:
    """Addresses of one kind. The zone ``internet`` needs no ranges: it is every address no other zone or range claims."""

    name: str
    kind: ZoneKind
    networks: tuple[Network, ...] = ()
    interfaces: tuple[str, ...] = ()  # what firewalls call the interfaces or zones that lead there


@dataclass(frozen=True, slots=True)
class PortRange:
    """Ports of one protocol, both ends included."""

    protocol: str
    first: int
    last: int

    def holds(self, protocol: str, port: int) -> bool:
        """Return whether *port* is one of them."""
        return self.protocol == protocol and self.first <= port <= self.last


@dataclass(frozen=True, slots=True)
class Asset:
    """A host and its part: zone, roles (``bastion``, ``vpn``, ``web``, ``rdp`` …), and what may be reached on it from outside its zone."""

    name: str
    zone: str | None = None
    roles: tuple[str, ...] = ()
    critical: bool = False
    allow: tuple[PortRange, ...] = ()
    services: tuple[str, ...] = ()  # remote services that are meant to run there


@dataclass(frozen=True, slots=True)
class Flow:
    """Traffic between zones that is meant to be."""

    source: str
    target: str
    ports: tuple[PortRange, ...]
    why: str
    owner: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """Who checks logins for others (RADIUS, SAML, LDAP …), known by the names or addresses configuration gives it, and whether it asks for
    several factors.
    """

    name: str
    mfa: bool
    why: str
    servers: tuple[str, ...] = ()

    def answers_to(self, name: str) -> bool:
        """Return whether configuration that says *name* means this provider."""
        wanted = name.casefold()
        return wanted == self.name or wanted in self.servers


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """An account kept for emergencies, which policies may except."""

    account: str
    owner: str
    why: str
    provider: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class WaiverEntry:
    """An accepted risk: the checks (``*`` at the end matches any rest), hosts and subjects it covers (empty: all)."""

    number: int
    check: str
    owner: str
    reason: str
    until: date
    hosts: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def covers(self, check: str, host: str, subject: str) -> bool:
        """Return whether a finding is covered."""
        return (
            fnmatch.fnmatchcase(check, self.check)
            and (not self.hosts or any(fnmatch.fnmatchcase(host.casefold(), one) for one in self.hosts))
            and (not self.subjects or any(fnmatch.fnmatchcase(subject.casefold(), one) for one in self.subjects))
        )


@dataclass(frozen=True, slots=True)
class Attested:
    """What nobody can read from configuration: a document or exercise, who answers for it, when it was done, until when that counts."""

    topic: str
    owner: str
    done: date
    until: date | None = None
    document: str = ""


@dataclass(frozen=True, slots=True)
class Posture:
    """All of it."""

    zones: tuple[Zone, ...] = ()
    assets: tuple[Asset, ...] = ()
    flows: tuple[Flow, ...] = ()
    providers: tuple[Provider, ...] = ()
    break_glass: tuple[BreakGlass, ...] = ()
    waivers: tuple[WaiverEntry, ...] = ()
    attested: tuple[Attested, ...] = ()
    management: tuple[Network, ...] = ()
    concentrators: tuple[str, ...] = ()
    web_proxies: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    remote_tools: tuple[str, ...] = ()  # remote-access software that is allowed
    tor: TorStance = TorStance.BLOCK
    minimum_version: tuple[tuple[str, str], ...] = ()  # of a product, by its lower-case name
    _assets: dict[str, Asset] = field(default_factory=dict, init=False, repr=False, compare=False)  # by name, filled when first asked

    def zone(self, name: str) -> Zone | None:
        """Return the zone *name*."""
        return next((zone for zone in self.zones if zone.name == name), None)

    def asset(self, host: str) -> Asset | None:
        """Return what is said of a host."""
        if not self._assets:
            self._assets.update((asset.name, asset) for asset in reversed(self.assets))
        return self._assets.get(host)

    def zone_of_address(self, text: str) -> Zone | None:
        """Return the zone whose most specific range holds an address; None where none does."""
        parsed = parse_address(text)
        if parsed is None:
            return None
        held = [(network.prefixlen, zone) for zone in self.zones for network in zone.networks if within(network, *parsed)]
        return max(held, key=lambda one: one[0])[1] if held else None

    def provider(self, name: str) -> Provider | None:
        """Return the provider that configuration calls *name*."""
        return next((one for one in self.providers if one.answers_to(name)), None)

    def is_break_glass(self, account: str) -> bool:
        """Return whether *account* is kept for emergencies."""
        return any(one.account == account.casefold() for one in self.break_glass)
