"""Facts of systemd units: which addresses the kernel lets a service speak with."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact
from gatewatch.schema.facts.filter import Spans


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitNetwork(Fact):
    """A unit, the file name of the program it starts (empty for a slice), and the addresses of IPAddressAllow and IPAddressDeny."""

    unit: str
    program: str
    allow: Spans = ()
    deny: Spans = ()
