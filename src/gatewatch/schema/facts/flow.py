"""Facts of traffic that was seen to come about: who connected to whom, by logs of the network."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow(Fact):
    """Connections from ``source`` to ``target`` (addresses) and ``port``, ``count`` of them; the fact's host is who saw them."""

    source: str
    target: str
    port: int
    protocol: str
    count: int = 1
