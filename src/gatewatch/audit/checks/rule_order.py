"""Rules nobody needs, and rules that say too much: what an earlier rule takes whole never decides; what names no service opens them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.reach.flow import INNER
from gatewatch.audit.reach.span import less
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.filter import LINE, Action, Chain, PacketFilter, Rule, Semantics, Spans
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_RULES = Need((PacketFilter,), "the rules of any firewall where the first match decides", when=lambda fact: fact.semantics is Semantics.FIRST_MATCH)
_DECIDING = frozenset({Action.ACCEPT, Action.DROP, Action.BYPASS})
_MOST = 1_000  # earlier rules held against a rule in full
_PORTS: Spans = ((0, 65535),)


def shadowed(chain: Chain) -> list[tuple[Where, Where]]:
    """Return the places of rules that never decide, each with the earlier rule that takes all it would match.

    A line that stands for several rules counts where all of them are taken. Of the earlier rules, those whose outermost edges lie around a rule's are
    looked at, the first ones first, and at most 1,000 of them.
    """
    asked = [rule for rule in chain.rules if rule.action is not Action.NOTE and rule.new and rule.where.quote]
    around = _Around(asked)
    taken: dict[Where, Where | None] = {}
    for at, rule in enumerate(asked):
        first = next((one.where for number in around.of(at) if (one := asked[number]).where != rule.where and _covers(one, rule)), None)
        if first is None:
            taken[rule.where] = None
        else:
            taken.setdefault(rule.where, first)
    return [(where, first) for where, first in taken.items() if first is not None]


class _Around:
    """Rules in columns, so that those whose outermost edges lie around a rule's are found together."""

    def __init__(self, rules: list[Rule]) -> None:
        self._sides = [
            _edges([rule.sources for rule in rules], LINE), _edges([rule.destinations for rule in rules], LINE),
            _edges([rule.ports for rule in rules], _PORTS[0]),
        ]  # fmt: skip
        kinds: list[dict[object, int]] = [{None: 0} for _ in range(4)]
        found = [
            [known.setdefault(value, len(known)) for known, value in zip(kinds, (rule.interfaces_in, rule.interfaces_out, rule.local,
             rule.source_ports), strict=True)]
            for rule in rules
        ]  # fmt: skip
        self._kinds = np.array(found, dtype=np.int32).reshape(-1, 4).T
        self._decides = np.array([rule.action in _DECIDING and not rule.unknown for rule in rules], dtype=bool)

    def of(self, at: int) -> list[int]:
        """Return the earlier rules that surely decide and may cover the rule *at*, in order."""
        good = self._decides[:at].copy()
        for low, high in self._sides:
            good &= (low[:at] <= low[at]) & (high[:at] >= high[at])
        for kind in self._kinds:
            good &= (kind[:at] == 0) | (kind[:at] == kind[at])
        return [int(number) for number in np.flatnonzero(good)[:_MOST]]


def _edges(sides: list[Spans | None], whole: tuple[int, int]) -> tuple[Any, Any]:
    """Return the outermost edges of each set, as ranks, which keep the order of numbers too large for columns."""
    outer = [(whole if one is None else (one[0][0], one[-1][1])) if one != () else (whole[0], whole[0]) for one in sides]
    rank = {edge: number for number, edge in enumerate(sorted({edge for span in outer for edge in span}))}
    low, high = np.array([(rank[first], rank[last]) for first, last in outer], dtype=np.int32).reshape(-1, 2).T
    return np.ascontiguousarray(low), np.ascontiguousarray(high)


def _covers(first: Rule, rule: Rule) -> bool:
    """Return whether every packet that *rule* matches is one *first* matches."""
    plain = (
        (first.interfaces_in is None or first.interfaces_in == rule.interfaces_in)
        and (first.interfaces_out is None or first.interfaces_out == rule.interfaces_out)
        and (first.local is None or first.local == rule.local)
        and (first.source_ports is None or first.source_ports == rule.source_ports)
    )
    if not plain or (first.protocols is not None and (rule.protocols is None or not set(rule.protocols) <= set(first.protocols))):
        return False
    return (
        _within(rule.ports, first.ports, _PORTS)
        and _within(rule.destinations, first.destinations, (LINE,))
        and _within(rule.sources, first.sources, (LINE,))
    )


def _within(inner: Spans | None, outer: Spans | None, whole: Spans) -> bool:
    return outer is None or not less(inner if inner is not None else whole, outer)


def _useless(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for rules in facts.of(PacketFilter):
        if rules.semantics is not Semantics.FIRST_MATCH:
            continue
        found = [pair for chain in rules.chains for pair in shadowed(chain)]
        said = f"{rules.platform}: every rule can decide"
        if found:
            where, first = found[0]
            place = f"line {first.line}" if first.line else first.quote or first.pointer
            said = f"{rules.platform}: {len(found)} rules never decide, as an earlier one takes all they match: {where.quote[:60]} (by {place[:60]})"
        yield Verdict(
            status=Status.UNKNOWN if rules.incomplete else Status.FAIL if found else Status.PASS, host=rules.host, message=_told(said, rules),
            subject=f"{rules.platform} order", where=tuple(where for where, _ in found[:3]) or rules.where[:1], as_of=rules.as_of,
        )  # fmt: skip


def _open(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for rules in facts.of(PacketFilter):
        if rules.semantics is not Semantics.FIRST_MATCH:
            continue
        hooks = {*rules.input, *rules.forward}
        used = hooks | {rule.target for chain in rules.chains for rule in chain.rules if rule.target}
        wide = [rule for chain in rules.chains if chain.name in used for rule in chain.rules if _any_service(rule)]
        said = f"{rules.platform}: every rule that lets new connections through names a service"
        if wide:
            said = f"{rules.platform}: {len(wide)} rules let every service through: {wide[0].where.quote[:80]}"
        yield Verdict(
            status=Status.UNKNOWN if rules.incomplete else Status.FAIL if wide else Status.PASS, host=rules.host, message=_told(said, rules),
            subject=f"{rules.platform} services", where=tuple(rule.where for rule in wide[:3]) or rules.where[:1], as_of=rules.as_of,
        )  # fmt: skip


def _told(said: str, rules: PacketFilter) -> str:
    return f"{said}; not sure: {rules.incomplete}" if rules.incomplete else said


def _any_service(rule: Rule) -> bool:
    """Return whether a rule accepts new connections of every kind; what comes by an interface within the machine is no matter of it."""
    if rule.action is not Action.ACCEPT or not rule.new or rule.unknown or rule.ports is not None or not rule.where.quote:
        return False
    if rule.protocols is not None and not {6, 17} & set(rule.protocols):
        return False
    within = rule.interfaces_in is not None and all(name.startswith(INNER) for name in rule.interfaces_in)
    synthetic = rule.where.quote.startswith(("family ", "type ", "policy "))  # what a family or a device leaves alone
    return not within and not synthetic


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.5-08a", title="No rule stands behind one that takes all it would match",
        about="Where the first match decides, no rule's packets are all matched by one earlier rule that surely decides.",
        measures=(Measure.FIREWALL,), severity=Severity.LOW, needs=(_RULES,), judge=_useless,
        remediation=Remediation("Drop the later rule, or move it before the one that takes its packets, if it was meant to decide."),
        mappings=nist("CM-6", "AC-4"),
    ),
    Check(
        id="M1030.5-08b", title="Rules that let connections through name a service",
        about="No rule of the input or forward path accepts new connections of every protocol or every port, interfaces within the machine aside.",
        measures=(Measure.FIREWALL,), severity=Severity.LOW, needs=(_RULES,), judge=_open,
        remediation=Remediation("Name the ports that are needed in each rule.", "", "What used the others stops."),
        mappings=nist("CM-6", "AC-4", "SC-7(5)"),
    ),
)  # fmt: skip
