"""Flow: what one packet filter does with the packets of a class (protocol, destination, port), for all sources at once.

The packets of a class differ by their source only, so a set of them is a set of spans, and a rule moves such a set. Where a rule cannot
be decided its packets go both ways; then ``accepted`` holds every source that some way lets through, ``dropped`` every source that some way
stops, and what is surely let through is the one without the other. Nothing is ever in neither.

A rule set is compiled once per chain into columns; a query picks the rules that speak of its class before it walks them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gatewatch.audit.reach.span import NOTHING, join, less, meet, normal, union
from gatewatch.audit.reach.translation import shifted_edges
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import LINE, Action, Chain, Nat, PacketFilter, Rule, Semantics, Spans
from gatewatch.schema.facts.route import Route

ANY: Spans = (LINE,)
_ALL_PROTOCOLS = -1
_DECIDING = frozenset({Action.ACCEPT, Action.BYPASS, Action.DROP})
_PLANS = 256  # kept of each chain
_STEPS = 200  # rules told of one stretch; a reader needs the deciding ones, not thousands
_DEPTH = 64  # of jumps; the kernel allows 16


@dataclass(frozen=True, slots=True)
class Packet:
    """A class of packets. ``destination`` None: an address of the device itself that is not known; ``interfaces`` None: not known."""

    protocol: int
    port: int
    destination: int | None
    local: bool | None = None
    interface_in: str | None = None
    interface_out: str | None = None
    source_port: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A rule (or a policy) that decided for some sources; ``sure`` false: it may have."""

    sources: Spans
    where: Where
    action: Action
    sure: bool
    why: str = ""


@dataclass(slots=True)
class Fate:
    """What becomes of the sources of a class; ``accepted`` and ``dropped`` overlap where it cannot be decided."""

    accepted: Spans = NOTHING
    dropped: Spans = NOTHING
    steps: list[Step] = field(default_factory=list)
    rewritten: list[tuple[Spans, Rule, bool]] = field(default_factory=list)  # by NAT: sources, rule, sure
    yes: list[Spans] = field(default_factory=list)  # while a chain is walked: to be joined once
    no: list[Spans] = field(default_factory=list)

    def settle(self) -> None:
        """Make sets of what was collected."""
        self.accepted, self.dropped = union(self.yes), union(self.no)

    @property
    def sure(self) -> Spans:
        """The sources that are surely let through."""
        return less(self.accepted, self.dropped)

    @property
    def may(self) -> Spans:
        """The sources that may be let through, and may not."""
        return meet(self.accepted, self.dropped)


@dataclass(frozen=True, slots=True)
class Painted:
    """Rules in a row that surely match and surely decide: the sources each outcome gets, and which rule gets which, in order of sources."""

    accepted: Spans
    dropped: Spans
    rest: Spans  # what none of them takes
    runs: tuple[tuple[int, tuple[int, int]], ...]  # rule, span


Plan = tuple[Painted | tuple[int, bool], ...]
"""How to walk a chain for a class: painted stretches, and single rules with whether they surely match."""


class Compiled:
    """A chain in columns: for every row (a span of destinations and ports of a rule) its protocol, ranks of its destinations, ports.

    Plans are kept, so that a question asked of many destinations with the same rules costs one walk.
    """

    __slots__ = ("_cuts", "_dst_high", "_dst_low", "_edges", "_high", "_low", "_plans", "_protocol", "_rank", "_row", "chain")

    def __init__(self, chain: Chain) -> None:
        """Compile *chain*."""
        self.chain = chain
        cuts = sorted({edge for rule in chain.rules for first, last in rule.destinations or () for edge in (first, last + 1)})
        rank = {edge: number for number, edge in enumerate(cuts, 1)}
        rows: list[tuple[int, int, int, int, int, int]] = []
        for number, rule in enumerate(chain.rules):
            if not rule.new:
                continue
            for protocol in rule.protocols if rule.protocols is not None else (_ALL_PROTOCOLS,):
                for low, high in rule.ports if rule.ports is not None else ((0, 65535),):
                    if rule.destinations is None:
                        rows.append((number, protocol, low, high, 0, len(cuts) + 1))
                    else:
                        rows += [(number, protocol, low, high, rank[first], rank[last + 1] - 1) for first, last in rule.destinations]
        columns = np.array(rows, dtype=np.int32).reshape(-1, 6).T
        self._row, self._protocol, self._low, self._high, self._dst_low, self._dst_high = (np.ascontiguousarray(one) for one in columns)
        self._cuts = cuts
        edges = {LINE[0], LINE[1] + 1} | {edge for rule in chain.rules for first, last in rule.sources or () for edge in (first, last + 1)}
        self._edges = sorted(edges)
        self._rank = {edge: number for number, edge in enumerate(self._edges)}
        self._plans: dict[tuple[object, ...], Plan] = {}

    def candidates(self, packet: Packet) -> Any:
        """Return the numbers of the rules that may speak of *packet*, in order, as an array."""
        good = (self._low <= packet.port) & (self._high >= packet.port) & ((self._protocol == packet.protocol) | (self._protocol == _ALL_PROTOCOLS))
        if packet.destination is not None:
            at = bisect_right(self._cuts, packet.destination)
            good &= (self._dst_low <= at) & (self._dst_high >= at)
        return np.unique(self._row[good])

    def plan(self, packet: Packet) -> Plan:
        """Return how to walk the chain for *packet*."""
        found = self.candidates(packet)
        unclear = (packet.interface_in, packet.interface_out, packet.local, packet.destination is None, packet.source_port)
        key = (found.tobytes(), unclear)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            plan = self._plans[key] = tuple(self._planned(found.tolist(), packet))
        return plan

    def _planned(self, numbers: list[int], packet: Packet) -> Iterator[Painted | tuple[int, bool]]:
        row: list[int] = []
        for number in numbers:
            rule = self.chain.rules[number]
            matched = matches(rule, packet)
            if matched is False or rule.action is Action.NOTE or rule.sources == ():
                continue
            if matched is True and rule.action in _DECIDING:
                row.append(number)
                continue
            if row:
                yield self._paint(row)
                row = []
            yield number, matched is True
        if row:
            yield self._paint(row)

    def _paint(self, row: list[int]) -> Painted:
        """Paint the line of sources from the last rule to the first, so that each source keeps the first that matches it."""
        line = np.full(len(self._edges) - 1, -1, dtype=np.int32)
        for number in reversed(row):
            sources = self.chain.rules[number].sources
            if sources is None:
                line[:] = number
            else:
                for first, last in sources:
                    line[self._rank[first] : self._rank[last + 1]] = number
        starts = [0, *(np.flatnonzero(np.diff(line)) + 1).tolist()]
        ends = [*starts[1:], len(line)]
        runs = tuple(
            (number, (self._edges[start], self._edges[end] - 1))
            for start, end, number in zip(starts, ends, line[starts].tolist(), strict=True)
            if number >= 0
        )
        rules = self.chain.rules
        return Painted(
            normal(span for number, span in runs if rules[number].action is not Action.DROP),
            normal(span for number, span in runs if rules[number].action is Action.DROP),
            less((LINE,), normal(span for _, span in runs)),
            runs,
        )


@dataclass(slots=True, eq=False)
class Engine:
    """The rules of one packet filter, ready to be asked."""

    rules: PacketFilter
    _compiled: dict[str, Compiled] = field(default_factory=dict)
    _by_name: dict[str, Chain] = field(default_factory=dict)
    source_ports: list[int] = field(default_factory=list)  # one of every class that the rules tell apart: who connects may choose any
    translations: list[tuple[Rule, Nat]] = field(default_factory=list)
    faces: frozenset[str] = frozenset()  # interfaces the host has by its routes, else those its rules speak of
    routes: tuple[Route, ...] = ()  # of the host, where its rules do not tell what lies behind its interfaces
    edges: list[int] = field(default_factory=list)  # where the rules tell ports apart: between two of them, all ports fare alike

    def __post_init__(self) -> None:
        """Index and compile the chains."""
        self._by_name = {chain.name: chain for chain in self.rules.chains}
        self.source_ports = source_ports(self.rules)
        self._compiled = {name: Compiled(chain) for name, chain in self._by_name.items()}
        rules = [rule for chain in self.rules.chains for rule in chain.rules]
        spoken = {name.lstrip("!") for rule in rules for name in (*(rule.interfaces_in or ()), *(rule.interfaces_out or ()))}
        self.faces = frozenset({one.interface for one in self.routes} or spoken)
        self.translations = [(rule, rule.nat) for rule in rules if rule.action is Action.NAT and rule.nat is not None]
        spans = {span for rule in rules for span in (*(rule.ports or ()), *((rule.nat.ports if rule.nat is not None else None) or ()))}
        firsts = {low for _, nat in self.translations for low, _ in nat.ports or ()}  # what a translation is followed to
        edges = sorted({edge for first, last in spans for edge in (first, last + 1)} | {first + 1 for first in firsts})
        self.edges = sorted({*edges, *(edge for rule, nat in self.translations for edge in shifted_edges(rule, nat, edges))})

    def through(self, names: tuple[str, ...], sources: Spans, packet: Packet) -> Fate:
        """Return what the base chains *names*, one after the other, do with *sources*: all must accept."""
        fate = Fate(accepted=sources)
        for name in names:
            chain = self._by_name.get(name)
            if chain is None:
                continue
            made = Fate()
            decide = _DECIDERS[chain.semantics or self.rules.semantics]
            decide(self, chain, fate.accepted, packet, made)
            fate.dropped = join(fate.dropped, made.dropped)
            fate.accepted = made.accepted
            fate.steps += made.steps
            fate.rewritten += made.rewritten
        if self.rules.incomplete and fate.accepted != fate.dropped:
            fate.accepted = fate.dropped = join(fate.accepted, fate.dropped)
        return fate

    def first_match(self, chain: Chain, sources: Spans, packet: Packet, fate: Fate) -> None:
        """Decide as nftables, iptables and most appliances do."""
        returned = self._walk(chain, sources, packet, fate, 0)
        _policy(chain, returned, fate)
        fate.settle()

    def _walk(self, chain: Chain, live: Spans, packet: Packet, fate: Fate, depth: int) -> Spans:
        """Send *live* through *chain*; return what comes out at its end undecided."""
        returned: Spans = NOTHING
        for entry in self._compiled[chain.name].plan(packet):
            if not live:
                break
            if isinstance(entry, Painted):
                live = _painted(entry, chain, live, fate)
                continue
            number, sure = entry
            rule = chain.rules[number]
            hit = live if rule.sources is None else meet(live, rule.sources)
            if not hit:
                continue
            if sure:
                live = less(live, hit)
            if rule.action is Action.ACCEPT or rule.action is Action.BYPASS:
                fate.yes.append(hit)
                fate.steps.append(Step(hit, rule.where, Action.ACCEPT, sure, rule.unknown))
            elif rule.action is Action.DROP:
                fate.no.append(hit)
                fate.steps.append(Step(hit, rule.where, Action.DROP, sure, rule.unknown))
            elif rule.action is Action.NAT:
                fate.yes.append(hit)
                fate.rewritten.append((hit, rule, sure))
            elif rule.action is Action.RETURN:
                returned = join(returned, hit)
            else:
                inner = self._by_name.get(rule.target)
                if inner is None or depth >= _DEPTH:  # a target that is not in the evidence may do either
                    fate.yes.append(hit)
                    fate.no.append(hit)
                    fate.steps.append(Step(hit, rule.where, rule.action, False, f"{rule.target} is not in the evidence"))
                    live = join(live, hit)
                    continue
                back = self._walk(inner, hit, packet, fate, depth + 1)
                if rule.action is Action.JUMP:
                    live = join(live, back)
                else:
                    returned = join(returned, back)
        return join(live, returned)

    def last_match(self, chain: Chain, sources: Spans, packet: Packet, fate: Fate) -> None:
        """Decide as pf does: the last rule that matches, unless one says quick."""
        live, yes, no = sources, NOTHING, NOTHING
        if chain.policy is Action.ACCEPT:
            yes = sources
        else:
            no = sources
        last: list[Step] = []
        for number in self._compiled[chain.name].candidates(packet).tolist():
            rule = chain.rules[number]
            matched = matches(rule, packet)
            if matched is False or rule.action is Action.NOTE:
                continue
            hit = live if rule.sources is None else meet(live, rule.sources)
            if not hit:
                continue
            good = rule.action in {Action.ACCEPT, Action.BYPASS}
            step = Step(hit, rule.where, Action.ACCEPT if good else Action.DROP, matched is True, rule.unknown)
            if matched is True:
                yes, no = less(yes, hit), less(no, hit)
            if rule.quick:
                fate.accepted, fate.dropped = (join(fate.accepted, hit), fate.dropped) if good else (fate.accepted, join(fate.dropped, hit))
                fate.steps.append(step)
                live = less(live, hit) if matched is True else live
                continue
            yes, no = (join(yes, hit), no) if good else (yes, join(no, hit))
            last = [*last, step]
        for step in last:
            kept = meet(meet(step.sources, live), yes if step.action is Action.ACCEPT else no)
            if kept:
                fate.steps.append(Step(kept, step.where, step.action, step.sure, step.why))
        fate.accepted, fate.dropped = join(fate.accepted, yes), join(fate.dropped, no)

    def block_wins(self, chain: Chain, sources: Spans, packet: Packet, fate: Fate) -> None:
        """Decide as the Windows firewall does: allow-bypass over block over allow over the default."""
        sure: dict[Action, Spans] = {Action.BYPASS: NOTHING, Action.DROP: NOTHING, Action.ACCEPT: NOTHING}
        may = dict(sure)
        for number in self._compiled[chain.name].candidates(packet).tolist():
            rule = chain.rules[number]
            matched = matches(rule, packet)
            if matched is False or rule.action not in sure:
                continue
            hit = sources if rule.sources is None else meet(sources, rule.sources)
            if not hit:
                continue
            may[rule.action] = join(may[rule.action], hit)
            if matched is True:
                sure[rule.action] = join(sure[rule.action], hit)
            action = Action.DROP if rule.action is Action.DROP else Action.ACCEPT
            fate.steps.append(Step(hit, rule.where, action, matched is True, rule.unknown))
        allowed = sources if chain.policy is Action.ACCEPT else may[Action.ACCEPT]
        surely = sources if chain.policy is Action.ACCEPT else sure[Action.ACCEPT]
        fate.accepted = join(less(allowed, less(sure[Action.DROP], may[Action.BYPASS])), may[Action.BYPASS])
        fate.dropped = less(join(may[Action.DROP], less(sources, surely)), sure[Action.BYPASS])

    def additive(self, chain: Chain, sources: Spans, packet: Packet, fate: Fate) -> None:
        """Decide as security groups and NetworkPolicy do: any rule that allows is enough."""
        sure, may = NOTHING, NOTHING
        for number in self._compiled[chain.name].candidates(packet).tolist():
            rule = chain.rules[number]
            matched = matches(rule, packet)
            if matched is False or rule.action is not Action.ACCEPT:
                continue
            hit = sources if rule.sources is None else meet(sources, rule.sources)
            if hit:
                may = join(may, hit)
                sure = join(sure, hit) if matched is True else sure
                fate.steps.append(Step(hit, rule.where, Action.ACCEPT, matched is True, rule.unknown))
        if chain.policy is Action.ACCEPT:
            fate.accepted = sources
            return
        fate.accepted, fate.dropped = may, less(sources, sure)


_DECIDERS = {
    Semantics.FIRST_MATCH: Engine.first_match,
    Semantics.LAST_MATCH: Engine.last_match,
    Semantics.BLOCK_WINS: Engine.block_wins,
    Semantics.ADDITIVE: Engine.additive,
}


def _painted(entry: Painted, chain: Chain, live: Spans, fate: Fate) -> Spans:
    """Give *live* to the rules of a painted stretch; return what none of them takes."""
    fate.yes.append(meet(live, entry.accepted))
    fate.no.append(meet(live, entry.dropped))
    told = 0
    for low, high in live:
        at = bisect_left(entry.runs, low, key=_last)
        while at < len(entry.runs) and entry.runs[at][1][0] <= high and told < _STEPS:
            number, span = entry.runs[at]
            rule = chain.rules[number]
            action = Action.DROP if rule.action is Action.DROP else Action.ACCEPT
            fate.steps.append(Step(((max(low, span[0]), min(high, span[1])),), rule.where, action, True))
            told += 1
            at += 1
    return meet(live, entry.rest)


def _last(run: tuple[int, tuple[int, int]]) -> int:
    return run[1][1]


def _policy(chain: Chain, left: Spans, fate: Fate) -> None:
    if not left:
        return
    place = chain.where or Where("", 0, f"end of {chain.name}")
    if chain.policy is Action.DROP:
        fate.no.append(left)
        fate.steps.append(Step(left, place, Action.DROP, True, f"the policy of {chain.name}"))
    else:
        fate.yes.append(left)
        fate.steps.append(Step(left, place, Action.ACCEPT, True, f"the policy of {chain.name}"))


def matches(rule: Rule, packet: Packet) -> bool | None:
    """Return whether *rule* matches the class, sources aside; None where that cannot be decided."""
    if not rule.new or (rule.protocols is not None and packet.protocol not in rule.protocols):
        return False
    if rule.ports is not None and not any(low <= packet.port <= high for low, high in rule.ports):
        return False
    doubt = bool(rule.unknown)
    if rule.destinations is not None:
        if not rule.destinations:
            return False
        if packet.destination is None:
            doubt = True
        elif not any(low <= packet.destination <= high for low, high in rule.destinations):
            return False
    if rule.source_ports is not None:
        if packet.source_port is None:
            doubt = True
        elif not any(low <= packet.source_port <= high for low, high in rule.source_ports):
            return False
    if rule.local is not None:
        if packet.local is None:
            doubt = True
        elif packet.local is not rule.local:
            return False
    for names, name in ((rule.interfaces_in, packet.interface_in), (rule.interfaces_out, packet.interface_out)):
        if names is None:
            continue
        met = named(names, name)
        if met is False:
            return False
        doubt = doubt or met is None
    return None if doubt else True


INNER = ("lo", "docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "lxc", "lxdbr", "podman")
"""How interfaces within a machine begin: what comes from another one never comes in by them."""


def named(names: tuple[str, ...], name: str | None) -> bool | None:
    """Return whether an interface is one of *names*; None when it is not known. """
    negated = bool(names) and all(one.startswith("!") for one in names)
    bare = [one.lstrip("!") for one in names]
    if name is None:
        return negated if all(one.startswith(INNER) for one in bare) else None
    met = any(one == name or (one[-1:] in {"*", "+"} and name.startswith(one[:-1])) for one in bare)
    return met is not negated


def source_ports(rules: PacketFilter) -> list[int]:
    """Return one port of every class of source ports that the rules tell apart: who connects may choose any."""
    edges = {1} | {edge for chain in rules.chains for rule in chain.rules for low, high in rule.source_ports or () for edge in (low, high + 1)}
    return sorted(edge for edge in edges if 0 < edge <= 65535)


__all__ = ["ANY", "Compiled", "Engine", "Fate", "Packet", "Step", "matches", "named", "normal", "source_ports"]
