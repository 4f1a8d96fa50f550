"""Facts of routing: which networks a host reaches by which of its interfaces."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact
from gatewatch.schema.facts.filter import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Fact):
    """A network and the interface that leads there; ``own``: the host's address in it, where the interface bears one (else -1)."""

    interface: str
    network: Span
    own: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding(Fact):
    """Whether a host passes on packets that are not for it, over IPv4 and IPv6; None: not in the evidence."""

    four: bool | None = None
    six: bool | None = None
