"""Facts of packet filters: one model for every vendor's rules, of which ``audit/reach`` computes who reaches what.

Addresses of both families stand on one line of numbers (:func:`address_number`): IPv4 below :data:`SIX`, IPv6 from there on. A set of
addresses or ports is a tuple of closed, sorted, disjoint spans; None means any.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatewatch.schema.facts.base import Fact, Where

Span = tuple[int, int]
Spans = tuple[Span, ...]

SIX = 1 << 32
"""The number of the IPv6 address ``::``; IPv4 addresses are the numbers below."""
LINE: Span = (0, SIX + (1 << 128) - 1)
FOUR_SPAN: Span = (0, SIX - 1)
SIX_SPAN: Span = (SIX, LINE[1])
TCP, UDP = 6, 17


class Semantics(StrEnum):
    """How a platform decides between rules."""

    FIRST_MATCH = "first-match"  # nftables, iptables, ASA, FortiOS, PAN-OS, NSG by priority, NACL by number
    LAST_MATCH = "last-match"  # pf: the last matching rule, unless one says quick
    BLOCK_WINS = "block-wins"  # Windows: allow-bypass over block over allow
    ADDITIVE = "additive"  # security groups, NetworkPolicy: any accept, else the policy


class Action(StrEnum):
    """What a rule does with a packet that matches it."""

    ACCEPT = "accept"
    DROP = "drop"  # reject as well: the connection does not come about
    JUMP = "jump"  # to ``target``, and back
    GOTO = "goto"  # to ``target``, and back to where the present chain was called from
    RETURN = "return"
    NAT = "nat"  # destination becomes ``nat``; in a nat chain that decides
    BYPASS = "bypass"  # Windows: allow even over a block
    NOTE = "note"  # logs, counts, marks: decides nothing


@dataclass(frozen=True, slots=True)
class Nat:
    """A new destination. None keeps what the packet has; ``local``: to the machine itself (redirect).

    ``shift``: of as many addresses or ports as the rule matches, the nth goes to the nth (appliances); else any may be taken (Linux).
    """

    addresses: Spans | None = None
    ports: Spans | None = None
    local: bool = False
    shift: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. A packet matches when every condition that is not None holds.

    ``ports`` are of the destination. ``interfaces_in``/``interfaces_out``: names (``*`` and ``+`` at the end match any rest), or zone names
    where the platform has zones; a leading ``!`` negates. ``new``: whether the packet that opens a connection can match (``established``
    only: false). ``unknown``: a condition we cannot decide (``limit``, ``recent``, ``geoip`` …), in the rule's words: the rule *may* match.
    ``quick``: for last-match.
    """

    action: Action
    where: Where
    sources: Spans | None = None
    destinations: Spans | None = None
    protocols: tuple[int, ...] | None = None
    ports: Spans | None = None
    source_ports: Spans | None = None
    interfaces_in: tuple[str, ...] | None = None
    interfaces_out: tuple[str, ...] | None = None
    new: bool = True
    unknown: str = ""
    target: str = ""
    nat: Nat | None = None
    local: bool | None = None  # the destination is an address of the device itself, or is not
    quick: bool = False
    log: bool = False
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules in order. ``policy``: what happens at the end; None where it returns to its caller.

    ``semantics``: how it decides between rules, where that is not as the rest of the device does (pf's translations).
    """

    name: str
    rules: tuple[Rule, ...]
    policy: Action | None = None
    where: Where | None = None
    semantics: Semantics | None = None


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of the filtering device: its name, zone, own addresses and the networks behind it."""

    name: str
    zone: str = ""
    addresses: Spans = ()
    networks: Spans = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketFilter(Fact):
    """The rules of one device or of one protected thing (a security group's members, a pod).

    Hooks are the names of base chains in the order in which they see a packet; a packet must be accepted by each (an accept ends only
    the chain it stands in). ``covers``: the address spans this filter decides upon (iptables-save speaks of IPv4 only); of others nothing
    is known. ``protects``: the destinations behind it; empty means the device itself (``input``) and whatever it routes (``forward``).
    """

    platform: str  # nftables, iptables, asa, fortios, panos, pf, windows, aws-sg, networkpolicy …
    semantics: Semantics
    chains: tuple[Chain, ...]
    prerouting: tuple[str, ...] = ()
    input: tuple[str, ...] = ()
    forward: tuple[str, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    covers: Spans = (LINE,)
    protects: Spans = ()
    name: str = ""
    incomplete: str = ""  # what of it could not be read: every answer is at most "may"


def address_number(version: int, number: int) -> int:
    """Return the place of an address on the line of both families."""
    return number if version == 4 else SIX + number
