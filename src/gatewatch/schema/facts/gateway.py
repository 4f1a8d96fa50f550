"""Facts of gateways (VPN concentrators and firewalls): their settings, where they can be administered, and what a group of users may reach."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact, Settings
from gatewatch.schema.facts.filter import Spans


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings(Settings):
    """The settings of a gateway in force, defaults included. ``product``: asa, ftd, fortios, panos, openvpn, wireguard, strongswan …"""

    product: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Management(Fact):
    """A way to administer a device over the network, on one interface.

    ``sources`` None: from anywhere; ``external``: whether the interface faces the internet, None where the configuration does not say;
    ``protocol`` empty: the evidence says that nothing can be administered there.
    """

    product: str
    interface: str
    protocol: str  # https, http, ssh, telnet, snmp, fgfm
    port: int
    sources: Spans | None = None
    external: bool | None = None
    text: str = ""  # the sources as written
    uncertain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VpnGroup(Fact):
    """A group of VPN users and what holds them back once they are in. ``limit`` empty: nothing does; ``uncertain``: why it may be otherwise."""

    product: str
    name: str
    limit: str = ""
    wide: str = ""  # the rule of it by which users reach whole networks within, on every port
    uncertain: str = ""
