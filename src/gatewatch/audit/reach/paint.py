"""Paint: which of many rules decides for which sources, for all sources at once, without walking the rules one by one.

The edges of all sources of a chain cut the line into cells. A rule takes whole cells, so what decides for a cell is the first number that covers
it: of the rules in the order in which they count, which every semantics can be told as (``ranked``). All first numbers are found together, by minima
over blocks of cells of lengths 1, 2, 4 …: a rule's span is two such blocks. A rule that may match takes nothing from those after it, so a cell
is in doubt where one such stands before the rule that decides.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from gatewatch.audit.reach.match import Packet, matches
from gatewatch.audit.reach.span import meet, normal
from gatewatch.schema.facts.filter import LINE, Action, Chain, Rule, Semantics, Spans

_ALL_PROTOCOLS = -1
_PLANS = 256  # kept of each chain
MANY = 48
"""Rules in a row from which on painting is cheaper than a walk, and after which a reader wants fewer of them told."""
_UNSURE = 32  # rules that may match, told of one stretch
_CODES = {Action.ACCEPT: 0, Action.DROP: 1, Action.BYPASS: 2, Action.NOTE: 3}
_OTHER = 4


class Painted:
    """Rules in a row: which sources come out with which outcome. What nobody asks for is not made into spans."""

    __slots__ = ("_cells", "_edges", "_masks", "_spans_of", "_unsure", "_winner", "unsure")

    def __init__(self, compiled: Compiled, numbers: Any, sure: Any, policy: Action | None) -> None:
        """Paint the rules *numbers*, in the order in which they count; with a *policy*, what none takes goes by it."""
        self._edges, self._cells = compiled.edges, compiled.cells
        never = len(numbers) + 1
        decided = compiled.first(numbers, np.flatnonzero(sure), never)
        open_ = compiled.codes[numbers] != 1
        kinds = np.append(open_, (policy is not Action.DROP, False))
        taken = decided < never
        yes, no = taken & kinds[np.minimum(decided, never)], taken & ~kinds[np.minimum(decided, never)]
        rest = ~taken
        self.unsure = not bool(sure.all())
        self._unsure: list[tuple[int, Spans]] = []
        if self.unsure:
            yes |= compiled.first(numbers, np.flatnonzero(~sure & open_), never) < decided
            no |= compiled.first(numbers, np.flatnonzero(~sure & ~open_), never) < decided
            for at in np.flatnonzero(~sure)[:_UNSURE].tolist():
                parts = [self._spans(decided[low:high] > at, low) for low, high in compiled.intervals(int(numbers[at]))]
                self._unsure.append((int(numbers[at]), normal(span for part in parts for span in part)))
        if policy is not None:
            (yes if policy is Action.ACCEPT else no)[rest] = True
            rest = np.zeros_like(rest)
        self._masks = {"accepted": yes, "dropped": no, "yes": yes & ~no, "both": yes & no, "rest": rest}
        self._spans_of: dict[str, Spans] = {}
        self._winner = np.append(numbers, (-1, -1 if policy is not None else -2))[np.minimum(decided, never)]

    def _asked(self, name: str) -> Spans:
        if name not in self._spans_of:
            self._spans_of[name] = self._spans(self._masks[name])
        return self._spans_of[name]

    @property
    def accepted(self) -> Spans:
        """The sources that some rule may accept."""
        return self._asked("accepted")

    @property
    def dropped(self) -> Spans:
        """The sources that some rule may drop."""
        return self._asked("dropped")

    @property
    def yes(self) -> Spans:
        """The sources that are surely accepted, where there is a policy."""
        return self._asked("yes")

    @property
    def both(self) -> Spans:
        """The sources of which it cannot be decided."""
        return self._asked("both")

    @property
    def rest(self) -> Spans:
        """The sources that no rule surely takes."""
        return self._asked("rest")

    def _spans(self, mask: Any, base: int = 0) -> Spans:
        """Return the cells of *mask*, the first of which is *base*, as spans."""
        changes = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).view(np.int8)))
        starts, ends = changes[::2] + base, changes[1::2] + base
        made = list(map(self._cells.__getitem__, starts.tolist()))  # most runs are one cell, whose span is there
        for at in np.flatnonzero(ends - starts > 1).tolist():
            made[at] = (made[at][0], self._cells[int(ends[at]) - 1][1])
        return tuple(made)

    def runs(self, live: Spans, most: int) -> Iterator[tuple[int, Spans, bool]]:
        """Yield the rules (-1: the policy) that decide for *live*, each with its sources and whether it is sure; *most* runs of them at most."""
        found: dict[int, list[tuple[int, int]]] = {}
        left = most
        for low, high in live:
            start, end = bisect_right(self._edges, low) - 1, bisect_left(self._edges, high + 1)
            while start < end and left:
                winner = self._winner[start : min(end, start + 4096)]
                cuts = [0, *(np.flatnonzero(np.diff(winner)) + 1)[:left].tolist(), len(winner)]
                for first, last in pairwise(cuts):
                    number = int(winner[first])
                    if number >= -1 and left:
                        left -= 1
                        span = (max(low, self._edges[start + first]), min(high, self._cells[start + last - 1][1]))
                        found.setdefault(number, []).append(span)
                start += len(winner)
        for number, spans in self._unsure:
            inner = meet(live, spans)
            if inner:
                yield number, inner, False
        for number, listed in found.items():
            yield number, normal(listed), True


Plan = tuple[Painted | tuple[int, bool], ...]
"""How to walk a chain for a class: painted stretches, and single rules with whether they surely match."""


class Compiled:
    """A chain in columns: for every row (a span of destinations and ports of a rule) its protocol, ranks of its destinations, ports.

    Rules that ask for the same interfaces and the like are one kind, and a kind is held against a packet once. Plans are kept, so that a question
    asked of many destinations with the same rules costs one walk.
    """

    __slots__ = (
        "_begin", "_count", "_cuts", "_dst_high", "_dst_low", "_high", "_kind", "_kinds", "_level", "_low", "_order", "_plans", "_protocol", "_quick",
        "_row", "_source_high", "_source_low", "_verdicts", "_wholes", "cells", "chain", "codes", "edges",
    )  # fmt: skip

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
        self._plans: dict[tuple[object, ...], Plan] = {}
        self._wholes: dict[tuple[object, ...], Painted] = {}
        self._verdicts: dict[tuple[object, ...], Any] = {}
        self._compile_sources(chain.rules)
        self._compile_kinds(chain.rules)

    def _compile_sources(self, rules: tuple[Rule, ...]) -> None:
        edges = {LINE[0], LINE[1] + 1} | {edge for rule in rules for first, last in rule.sources or () for edge in (first, last + 1)}
        self.edges = sorted(edges)
        self.cells = [(low, high - 1) for low, high in pairwise(self.edges)]
        rank = {edge: number for number, edge in enumerate(self.edges)}
        whole = ((LINE[0], LINE[1]),)
        spans = [[(rank[first], rank[last + 1]) for first, last in (rule.sources if rule.sources is not None else whole)] for rule in rules]
        flat = np.array([span for one in spans for span in one], dtype=np.int32).reshape(-1, 2)
        self._count = np.array([len(one) for one in spans], dtype=np.int64)
        self._begin = np.cumsum(self._count) - self._count
        length = np.maximum(flat[:, 1] - flat[:, 0], 1)
        self._level = np.floor(np.log2(length)).astype(np.int64)
        self._source_low, self._source_high = flat[:, 0].astype(np.int64), flat[:, 1].astype(np.int64)

    def _compile_kinds(self, rules: tuple[Rule, ...]) -> None:
        kinds: dict[tuple[object, ...], int] = {}
        self._kinds: list[Rule] = []
        numbers = []
        for rule in rules:
            key = (
                rule.interfaces_in, rule.interfaces_out, rule.local, rule.source_ports, bool(rule.unknown), rule.destinations is None,
                rule.destinations == (), rule.sources == (), rule.new,
            )  # fmt: skip
            if key not in kinds:
                kinds[key] = len(kinds)
                self._kinds.append(rule)
            numbers.append(kinds[key])
        self._kind = np.array(numbers, dtype=np.int32)
        self.codes = np.array([_CODES.get(rule.action, _OTHER) for rule in rules], dtype=np.int8)
        self._quick = np.array([rule.quick for rule in rules], dtype=bool)

    def candidates(self, packet: Packet) -> Any:
        """Return the numbers of the rules that may speak of *packet*, in order, as an array."""
        good = (self._low <= packet.port) & (self._high >= packet.port) & ((self._protocol == packet.protocol) | (self._protocol == _ALL_PROTOCOLS))
        if packet.destination is not None:
            at = bisect_right(self._cuts, packet.destination)
            good &= (self._dst_low <= at) & (self._dst_high >= at)
        found = self._row[good]
        return found[np.concatenate(([True], found[1:] != found[:-1]))] if len(found) else found

    def _judged(self, packet: Packet) -> Any:
        """Return of each kind whether it matches *packet*: 0 no, 1 surely, 2 maybe."""
        key = _unclear(packet)
        found = self._verdicts.get(key)
        if found is None:
            if len(self._verdicts) >= _PLANS:
                self._verdicts.clear()
            found = self._verdicts[key] = np.array([_verdict(rule, packet) for rule in self._kinds], dtype=np.int8)
        return found

    def _speaking(self, packet: Packet) -> tuple[Any, Any]:
        """Return the numbers of the rules that match *packet*, in order, and whether each surely does; notes are left out."""
        numbers = self.candidates(packet)
        verdicts = self._judged(packet)[self._kind[numbers]] if len(numbers) else numbers
        kept = (verdicts > 0) & (self.codes[numbers] != _CODES[Action.NOTE])
        return numbers[kept], verdicts[kept] == 1

    def whole(self, packet: Packet, semantics: Semantics) -> Painted | None:
        """Return the chain painted as a whole, where that pays and none of its rules for *packet* leads elsewhere."""
        if len(self.codes) < MANY:
            return None
        numbers, sure = self._speaking(packet)
        codes = self.codes[numbers]
        if len(numbers) < MANY or bool((codes == _OTHER).any()):
            return None
        key = (numbers.tobytes(), sure.tobytes(), semantics)
        found = self._wholes.get(key)
        if found is None:
            if len(self._wholes) >= _PLANS:
                self._wholes.clear()
            order = ranked(codes, self._quick[numbers], semantics)
            policy = self.chain.policy
            if semantics is Semantics.FIRST_MATCH:
                policy = Action.DROP if policy is Action.DROP else Action.ACCEPT
            else:
                policy = Action.ACCEPT if policy is Action.ACCEPT else Action.DROP
            found = self._wholes[key] = Painted(self, numbers[order], sure[order], policy)
        return found

    def plan(self, packet: Packet) -> Plan:
        """Return how to walk the chain for *packet*, as the first match decides."""
        numbers, sure = self._speaking(packet)
        key = (numbers.tobytes(), sure.tobytes())
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            plan = self._plans[key] = tuple(self._planned(numbers, sure))
        return plan

    def _planned(self, numbers: Any, sure: Any) -> Iterator[Painted | tuple[int, bool]]:
        other = np.flatnonzero(self.codes[numbers] == _OTHER).tolist()
        start = 0
        for end in [*other, len(numbers)]:
            if end - start >= MANY:
                yield Painted(self, numbers[start:end], sure[start:end], None)
            else:
                yield from zip(numbers[start:end].tolist(), sure[start:end].tolist(), strict=True)
            if end < len(numbers):
                yield int(numbers[end]), bool(sure[end])
            start = end + 1

    def intervals(self, number: int) -> list[tuple[int, int]]:
        """Return the cells of a rule's sources: the first, and the one after the last, of each span."""
        start, end = int(self._begin[number]), int(self._begin[number] + self._count[number])
        return list(zip(self._source_low[start:end].tolist(), self._source_high[start:end].tolist(), strict=True))

    def first(self, numbers: Any, at: Any, never: int) -> Any:
        """Return of each cell the first place in *numbers*, of the places *at*, whose rule covers it; *never* where none does."""
        cells = len(self.edges) - 1
        rules = numbers[at]
        counts = self._count[rules]
        total = int(counts.sum())
        if not total:
            return np.full(cells, never, dtype=np.int32)
        place = np.repeat(at, counts)
        inner = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(self._begin[rules], counts)
        level, low, high = self._level[inner], self._source_low[inner], self._source_high[inner]
        top = int(level.max())
        flat = np.full((top + 1) * cells, never, dtype=np.int32)
        blocks = np.stack((level * cells + low, level * cells + high - (1 << level)), axis=1).ravel()
        flat[blocks[::-1]] = np.repeat(place, 2)[::-1]  # where a block comes twice, what is written last stays: the first place
        table = flat.reshape(top + 1, cells)
        for upper in range(top, 0, -1):
            half = 1 << (upper - 1)
            np.minimum(table[upper - 1], table[upper], out=table[upper - 1])
            np.minimum(table[upper - 1][half:], table[upper][:-half], out=table[upper - 1][half:])
        return table[0]


def ranked(codes: Any, quick: Any, semantics: Semantics) -> Any:
    """Return the places of rules in the order in which they count, so that the first that matches decides.

    Where the last match decides: the quick ones, then the others from the end. Where a block wins: bypasses, blocks, allows.
    """
    places = np.arange(len(codes))
    if semantics is Semantics.LAST_MATCH:
        return np.concatenate((places[quick], places[~quick][::-1]))
    if semantics is Semantics.BLOCK_WINS:
        return np.concatenate((places[codes == 2], places[codes == 1], places[codes == 0]))
    if semantics is Semantics.ADDITIVE:
        return places[codes == 0]
    return places


def _unclear(packet: Packet) -> tuple[object, ...]:
    return packet.interface_in, packet.interface_out, packet.local, packet.destination is None, packet.source_port


def _verdict(rule: Rule, packet: Packet) -> int:
    """Return whether rules of the kind of *rule* match, protocol, ports and destination aside, which their rows tell."""
    if rule.sources == ():
        return 0
    matched = matches(rule, packet, rows=False)
    return 0 if matched is False else 1 if matched else 2


__all__ = ["MANY", "Compiled", "Painted", "Plan", "ranked"]
