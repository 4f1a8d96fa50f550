"""Drafts of rules: the conditions a line of nftables or iptables has told so far."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import Action, Nat, Rule, Spans


@dataclass(frozen=True, slots=True)
class Draft:
    """Conditions that all hold, as in :class:`gatewatch.schema.facts.filter.Rule`; ``unknown``: those that cannot be decided."""

    sources: Spans | None = None
    destinations: Spans | None = None
    protocols: tuple[int, ...] | None = None
    ports: Spans | None = None
    source_ports: Spans | None = None
    interfaces_in: tuple[str, ...] | None = None
    interfaces_out: tuple[str, ...] | None = None
    local: bool | None = None
    new: bool = True
    unknown: tuple[str, ...] = ()
    log: bool = False

    def rule(self, action: Action, where: Where, comment: str = "", target: str = "", nat: Nat | None = None) -> Rule:
        """Return the rule that does *action* under these conditions."""
        return Rule(
            action=action, where=where, sources=self.sources, destinations=self.destinations, protocols=self.protocols, ports=self.ports,
            source_ports=self.source_ports, interfaces_in=self.interfaces_in, interfaces_out=self.interfaces_out, new=self.new,
            unknown=", ".join(self.unknown), target=target, nat=nat, local=self.local, log=self.log, comment=comment,
        )  # fmt: skip
