"""Facts of clouds: groups of rules and what they are attached to, endpoints of managed clusters, policies of sign-in."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact, Settings
from gatewatch.schema.facts.filter import Spans


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup(Fact):
    """A security group, network security group or network's firewall; its rules are the :class:`PacketFilter` of the same host and name.

    ``public`` None: whether it is attached to anything with a public address is not in the evidence. ``entries``: rules inward and outward.
    """

    platform: str  # aws-sg, azure-nsg, gcp-firewall
    name: str
    default: bool = False  # the one every network comes with
    public: bool | None = None
    entries: int = 0
    open_egress: bool | None = None
    network: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLogs(Fact):
    """The flow logs of an account: resource (network, subnet, interface), whether it is active, and which traffic it takes."""

    platform: str
    entries: tuple[tuple[str, bool, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRoute(Fact):
    """A route of a cloud network (``source``: its own addresses) to addresses beyond it; ``via`` empty: to no other network of the cloud."""

    network: str
    source: Spans
    target: Spans = ()
    via: str = ""  # a peering connection, transit gateway or private gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudMachine(Fact):
    """A machine with its network interfaces: whether the internet is routed to it, and the groups that filter it."""

    platform: str
    groups: tuple[str, ...] = ()
    routed: bool | None = None
    public: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEndpoint(Fact):
    """The API endpoint of a managed cluster; ``ranges`` empty: from everywhere, where it is public."""

    product: str  # eks, aks, gke
    name: str
    public: bool
    ranges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a condition of a policy includes and excludes, by identifier; an empty ``include`` means it does not ask."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """What a policy asks for. ``every``: all of it, else any one. ``strength``: combinations of methods, any one of which is enough."""

    controls: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    strength: tuple[str, ...] = ()
    strength_name: str = ""
    every: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalPolicy(Fact):
    """A Conditional Access policy of Entra ID. Only ``enabled`` ones are enforced; report-only ones only write logs.

    ``narrow``: conditions under which alone it applies (risk, device filter, flow), by name; ``unknown``: conditions we do not know.
    """

    name: str
    state: str
    users: Scope
    groups: Scope
    roles: Scope
    guests: Scope
    applications: Scope
    clients: tuple[str, ...]
    locations: Scope
    platforms: Scope
    grant: Grant
    actions: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    sign_in_risk: tuple[str, ...] = ()
    user_risk: tuple[str, ...] = ()
    narrow: tuple[str, ...] = ()
    device_excluded: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def enforced(self) -> bool:
        """Whether it is enforced at all."""
        return self.state == "enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLocation(Fact):
    """A named location of Entra ID: its ranges, and whether policies trust it."""

    identifier: str
    name: str
    trusted: bool
    ranges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryName(Fact):
    """What an identifier of a directory stands for."""

    identifier: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSettings(Settings):
    """The authentication methods of a tenant: each method's state, by its lower-case name."""
