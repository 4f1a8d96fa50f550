"""Flow: what one packet filter does with the packets of a class (protocol, destination, port), for all sources at once.

The packets of a class differ by their source only, so a set of them is a set of spans, and a rule moves such a set. Where a rule cannot
be decided its packets go both ways; then ``accepted`` holds every source that some way lets through, ``dropped`` every source that some way
stops, and what is surely let through is the one without the other. Nothing is ever in neither.

Long stretches of rules are painted (:mod:`~gatewatch.audit.reach.paint`) instead of walked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gatewatch.audit.reach.match import INNER, Packet, matches, named
from gatewatch.audit.reach.paint import Compiled, Painted
from gatewatch.audit.reach.span import NOTHING, join, less, meet, normal, union
from gatewatch.audit.reach.table import Table
from gatewatch.audit.reach.translation import shifted_edges
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import LINE, Action, Chain, Nat, PacketFilter, Rule, Semantics, Spans
from gatewatch.schema.facts.route import Route

ANY: Spans = (LINE,)
_STEPS = 200  # rules told of one stretch; a reader needs the deciding ones, not thousands
_DEPTH = 64  # of jumps; the kernel allows 16


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
    """What becomes of ``sources``: ``yes`` are surely let through, of ``may`` it cannot be decided, all others are stopped."""

    sources: Spans
    yes: Spans = NOTHING
    may: Spans = NOTHING
    steps: list[Step] = field(default_factory=list)
    rewritten: list[tuple[Spans, Rule, bool]] = field(default_factory=list)  # by NAT: sources, rule, sure

    @classmethod
    def of(cls, sources: Spans, accepted: Spans, dropped: Spans, steps: list[Step] | None = None) -> Fate:
        """Return the fate of sources of which some way lets ``accepted`` through, and some way stops ``dropped``."""
        both = meet(accepted, dropped)
        return cls(sources, less(accepted, both), both, steps if steps is not None else [])

    @property
    def sure(self) -> Spans:
        """The sources that are surely let through."""
        return self.yes

    @property
    def accepted(self) -> Spans:
        """The sources that some way lets through."""
        return join(self.yes, self.may)

    @property
    def dropped(self) -> Spans:
        """The sources that some way stops."""
        return less(self.sources, self.yes)

    def then(self, after: Fate) -> Fate:
        """Return what becomes of all of them where *after* is what becomes of those that were let through."""
        steps = [*self.steps, *after.steps]
        rewritten = [*self.rewritten, *after.rewritten]
        if not self.may:
            return Fate(self.sources, after.yes, after.may, steps, rewritten)
        doubt = meet(after.yes, self.may)
        return Fate(self.sources, less(after.yes, doubt), join(after.may, doubt), steps, rewritten)


@dataclass(slots=True)
class _Tally:
    """What a walk along a chain has met so far: sets to be joined once. ``doubt``: a source may be in both."""

    yes: list[Spans] = field(default_factory=list)
    no: list[Spans] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    rewritten: list[tuple[Spans, Rule, bool]] = field(default_factory=list)
    doubt: bool = False

    def settle(self, sources: Spans) -> Fate:
        """Return the fate of *sources* that they add up to."""
        accepted = union(self.yes)
        fate = Fate.of(sources, accepted, union(self.no), self.steps) if self.doubt else Fate(sources, accepted, NOTHING, self.steps)
        fate.rewritten = self.rewritten
        return fate


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
    table: Table = field(default_factory=lambda: Table(()))
    mine: Spans = NOTHING  # the device's own addresses
    edges: list[int] = field(default_factory=list)  # where the rules tell ports apart: between two of them, all ports fare alike

    def __post_init__(self) -> None:
        """Index and compile the chains."""
        self._by_name = {chain.name: chain for chain in self.rules.chains}
        self.source_ports = source_ports(self.rules)
        self._compiled = {name: Compiled(chain) for name, chain in self._by_name.items()}
        rules = [rule for chain in self.rules.chains for rule in chain.rules]
        spoken = {name.lstrip("!") for rule in rules for name in (*(rule.interfaces_in or ()), *(rule.interfaces_out or ()))}
        self.table = Table(self.routes)
        self.faces = self.table.faces or frozenset(spoken)
        own = [span for one in self.rules.interfaces for span in one.addresses]
        self.mine = normal([*own, *((at, at) for _, at in self.table.own)])
        self.translations = [(rule, rule.nat) for rule in rules if rule.action is Action.NAT and rule.nat is not None]
        spans = {span for rule in rules for span in (*(rule.ports or ()), *((rule.nat.ports if rule.nat is not None else None) or ()))}
        firsts = {low for _, nat in self.translations for low, _ in nat.ports or ()}  # what a translation is followed to
        edges = sorted({edge for first, last in spans for edge in (first, last + 1)} | {first + 1 for first in firsts})
        self.edges = sorted({*edges, *(edge for rule, nat in self.translations for edge in shifted_edges(rule, nat, edges))})

    def through(self, names: tuple[str, ...], sources: Spans, packet: Packet) -> Fate:
        """Return what the base chains *names*, one after the other, do with *sources*: all must accept."""
        fate = Fate(sources, sources)
        for name in names:
            chain = self._by_name.get(name)
            if chain is not None:
                fate = fate.then(self._decide(chain, fate.accepted, packet))
        if self.rules.incomplete:
            fate.yes, fate.may = NOTHING, sources
        return fate

    def _decide(self, chain: Chain, sources: Spans, packet: Packet) -> Fate:
        semantics = chain.semantics or self.rules.semantics
        compiled = self._compiled[chain.name]
        whole = compiled.whole(packet, semantics)
        if whole is not None:
            return _by_paint(whole, chain, sources)
        return _DECIDERS[semantics](self, chain, sources, packet)

    def first_match(self, chain: Chain, sources: Spans, packet: Packet) -> Fate:
        """Decide as nftables, iptables and most appliances do."""
        tally = _Tally()
        _policy(chain, self._walk(chain, sources, packet, tally, 0), tally)
        return tally.settle(sources)

    def _walk(self, chain: Chain, live: Spans, packet: Packet, tally: _Tally, depth: int) -> Spans:
        """Send *live* through *chain*; return what comes out at its end undecided."""
        returned: Spans = NOTHING
        for entry in self._compiled[chain.name].plan(packet):
            if not live:
                break
            if isinstance(entry, Painted):
                live = _painted(entry, chain, live, tally)
                continue
            number, sure = entry
            rule = chain.rules[number]
            hit = live if rule.sources is None else meet(live, rule.sources)
            if not hit:
                continue
            tally.doubt = tally.doubt or not sure
            if sure:
                live = less(live, hit)
            if rule.action is Action.ACCEPT or rule.action is Action.BYPASS:
                tally.yes.append(hit)
                tally.steps.append(Step(hit, rule.where, Action.ACCEPT, sure, rule.unknown))
            elif rule.action is Action.DROP:
                tally.no.append(hit)
                tally.steps.append(Step(hit, rule.where, Action.DROP, sure, rule.unknown))
            elif rule.action is Action.NAT:
                tally.yes.append(hit)
                tally.rewritten.append((hit, rule, sure))
            elif rule.action is Action.RETURN:
                returned = join(returned, hit)
            else:
                inner = self._by_name.get(rule.target)
                if inner is None or depth >= _DEPTH:  # a target that is not in the evidence may do either
                    tally.yes.append(hit)
                    tally.no.append(hit)
                    tally.steps.append(Step(hit, rule.where, rule.action, False, f"{rule.target} is not in the evidence"))
                    tally.doubt = True
                    live = join(live, hit)
                    continue
                back = self._walk(inner, hit, packet, tally, depth + 1)
                if rule.action is Action.JUMP:
                    live = join(live, back)
                else:
                    returned = join(returned, back)
        return join(live, returned)

    def last_match(self, chain: Chain, sources: Spans, packet: Packet) -> Fate:
        """Decide as pf does: the last rule that matches, unless one says quick."""
        tally = _Tally()
        live, yes, no = sources, NOTHING, NOTHING
        if chain.policy is Action.ACCEPT:
            yes = sources
        else:
            no = sources
        last: list[tuple[Step, Rule]] = []
        for number in self._compiled[chain.name].candidates(packet).tolist():
            rule = chain.rules[number]
            matched = matches(rule, packet)
            if matched is False or rule.action is Action.NOTE:
                continue
            hit = live if rule.sources is None else meet(live, rule.sources)
            if not hit:
                continue
            tally.doubt = tally.doubt or not matched
            good = rule.action is not Action.DROP
            step = Step(hit, rule.where, Action.ACCEPT if good else Action.DROP, matched is True, rule.unknown)
            if matched is True:
                yes, no = less(yes, hit), less(no, hit)
            if rule.quick:
                (tally.yes if good else tally.no).append(hit)
                if rule.action is Action.NAT:
                    tally.rewritten.append((hit, rule, matched is True))
                else:
                    tally.steps.append(step)
                live = less(live, hit) if matched is True else live
                continue
            yes, no = (join(yes, hit), no) if good else (yes, join(no, hit))
            last.append((step, rule))
        later: Spans = NOTHING  # what a later rule surely took
        for step, rule in reversed(last):
            kept = less(meet(step.sources, live), later)
            if step.sure:
                later = join(later, step.sources)
            if kept and rule.action is Action.NAT:
                tally.rewritten.append((kept, rule, step.sure and not meet(kept, _doubted(last, rule))))
            elif kept:
                tally.steps.append(Step(kept, step.where, step.action, step.sure, step.why))
        tally.yes.append(yes)
        tally.no.append(no)
        return tally.settle(sources)

    def block_wins(self, chain: Chain, sources: Spans, packet: Packet) -> Fate:
        """Decide as the Windows firewall does: allow-bypass over block over allow over the default."""
        sure: dict[Action, Spans] = {Action.BYPASS: NOTHING, Action.DROP: NOTHING, Action.ACCEPT: NOTHING}
        may = dict(sure)
        steps: list[Step] = []
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
            steps.append(Step(hit, rule.where, action, matched is True, rule.unknown))
        allowed = sources if chain.policy is Action.ACCEPT else may[Action.ACCEPT]
        surely = sources if chain.policy is Action.ACCEPT else sure[Action.ACCEPT]
        accepted = join(less(allowed, less(sure[Action.DROP], may[Action.BYPASS])), may[Action.BYPASS])
        return Fate.of(sources, accepted, less(join(may[Action.DROP], less(sources, surely)), sure[Action.BYPASS]), steps)

    def additive(self, chain: Chain, sources: Spans, packet: Packet) -> Fate:
        """Decide as security groups and NetworkPolicy do: any rule that allows is enough."""
        sure, may = NOTHING, NOTHING
        steps: list[Step] = []
        for number in self._compiled[chain.name].candidates(packet).tolist():
            rule = chain.rules[number]
            matched = matches(rule, packet)
            if matched is False or rule.action is not Action.ACCEPT:
                continue
            hit = sources if rule.sources is None else meet(sources, rule.sources)
            if hit:
                may = join(may, hit)
                sure = join(sure, hit) if matched is True else sure
                steps.append(Step(hit, rule.where, Action.ACCEPT, matched is True, rule.unknown))
        if chain.policy is Action.ACCEPT:
            return Fate(sources, sources, steps=steps)
        return Fate.of(sources, may, less(sources, sure), steps)


def _doubted(last: list[tuple[Step, Rule]], rule: Rule) -> Spans:
    """Return the sources that a rule after *rule* may take."""
    after = False
    found: list[Spans] = []
    for step, other in last:
        if after and not step.sure:
            found.append(step.sources)
        after = after or other is rule
    return union(found)


_DECIDERS = {
    Semantics.FIRST_MATCH: Engine.first_match,
    Semantics.LAST_MATCH: Engine.last_match,
    Semantics.BLOCK_WINS: Engine.block_wins,
    Semantics.ADDITIVE: Engine.additive,
}


def _painted(entry: Painted, chain: Chain, live: Spans, tally: _Tally) -> Spans:
    """Give *live* to the rules of a painted stretch; return what none of them takes."""
    tally.yes.append(meet(live, entry.accepted))
    tally.no.append(meet(live, entry.dropped))
    tally.doubt = tally.doubt or entry.unsure
    tally.steps += _told(entry, chain, live)
    return meet(live, entry.rest)


def _by_paint(entry: Painted, chain: Chain, live: Spans) -> Fate:
    """Return what a chain that is painted as a whole does with *live*."""
    return Fate(live, meet(live, entry.yes), meet(live, entry.both), _told(entry, chain, live))


def _told(entry: Painted, chain: Chain, live: Spans) -> list[Step]:
    """Return the steps of a painted stretch, of the first rules that decide for *live*."""
    made: list[Step] = []
    for number, spans, sure in entry.runs(live, _STEPS):
        if number < 0:
            place = chain.where or Where("", 0, f"end of {chain.name}")
            action = Action.ACCEPT if chain.policy is Action.ACCEPT else Action.DROP
            made.append(Step(spans, place, action, True, f"the policy of {chain.name}"))
            continue
        rule = chain.rules[number]
        made.append(Step(spans, rule.where, Action.DROP if rule.action is Action.DROP else Action.ACCEPT, sure, rule.unknown))
    return made


def _policy(chain: Chain, left: Spans, tally: _Tally) -> None:
    if not left:
        return
    place = chain.where or Where("", 0, f"end of {chain.name}")
    if chain.policy is Action.DROP:
        tally.no.append(left)
        tally.steps.append(Step(left, place, Action.DROP, True, f"the policy of {chain.name}"))
    else:
        tally.yes.append(left)
        tally.steps.append(Step(left, place, Action.ACCEPT, True, f"the policy of {chain.name}"))


def source_ports(rules: PacketFilter) -> list[int]:
    """Return one port of every class of source ports that the rules tell apart: who connects may choose any."""
    edges = {1} | {edge for chain in rules.chains for rule in chain.rules for low, high in rule.source_ports or () for edge in (low, high + 1)}
    return sorted(edge for edge in edges if 0 < edge <= 65535)


__all__ = ["ANY", "INNER", "Compiled", "Engine", "Fate", "Packet", "Step", "matches", "named", "normal", "source_ports"]
