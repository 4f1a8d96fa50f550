"""The engine of spans against a plain reading of the rules, packet by packet."""

from __future__ import annotations

from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.audit.reach import paint, span
from gatewatch.audit.reach.flow import Engine, Packet, matches
from gatewatch.audit.reach.span import holds, join, less, meet, normal
from gatewatch.audit.reach.table import Table
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import Action, Chain, PacketFilter, Rule, Semantics
from gatewatch.schema.facts.route import Route

ADDRESSES = range(12)
PLACE = Where("rules", 1)
sets = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 4)), max_size=3).map(lambda found: normal((low, low + length) for low, length in found))
optional = st.none() | sets
ports = st.none() | st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2)), min_size=1, max_size=2).map(
    lambda found: normal((low, low + length) for low, length in found)
)


@st.composite
def rules(draw: st.DrawFn, targets: list[str], actions: list[Action]) -> Rule:
    action = draw(st.sampled_from(actions))
    if action in {Action.JUMP, Action.GOTO} and not targets:
        action = Action.RETURN
    return Rule(
        action=action,
        where=PLACE,
        sources=draw(optional),
        destinations=draw(optional),
        protocols=draw(st.sampled_from([None, (6,), (17,), (6, 17)])),
        ports=draw(ports),
        interfaces_in=draw(st.sampled_from([None, None, ("eth0",), ("!eth0",), ("eth+",), ("lo",)])),
        new=draw(st.sampled_from([True, True, True, False])),
        unknown=draw(st.sampled_from(["", "", "", "limit"])),
        target=draw(st.sampled_from(targets)) if action in {Action.JUMP, Action.GOTO} else "",
        quick=draw(st.booleans()),
    )


@st.composite
def filters(draw: st.DrawFn, semantics: Semantics) -> PacketFilter:
    kinds = {
        Semantics.FIRST_MATCH: [Action.ACCEPT, Action.DROP, Action.JUMP, Action.GOTO, Action.RETURN, Action.NOTE],
        Semantics.LAST_MATCH: [Action.ACCEPT, Action.DROP],
        Semantics.BLOCK_WINS: [Action.ACCEPT, Action.DROP, Action.BYPASS],
        Semantics.ADDITIVE: [Action.ACCEPT],
    }[semantics]
    names = ["c", "b", "a"] if semantics is Semantics.FIRST_MATCH else []
    chains = [
        Chain(name, tuple(draw(st.lists(rules(names[:at], kinds), max_size=4))), None) for at, name in enumerate(names)
    ]  # a chain calls those before it only: no loops
    policy = draw(st.sampled_from([Action.ACCEPT, Action.DROP]))
    bases = [Chain(f"base{n}", tuple(draw(st.lists(rules(names, kinds), max_size=8))), policy) for n in range(draw(st.integers(1, 2)))]
    return PacketFilter(host="h", platform="test", semantics=semantics, chains=(*chains, *bases), input=tuple(chain.name for chain in bases))


packets = st.builds(
    Packet,
    protocol=st.sampled_from([6, 17]),
    port=st.integers(1, 6),
    destination=st.none() | st.integers(0, 15),
    interface_in=st.sampled_from([None, "eth0", "eth1", "wan"]),
)


def outcomes_of_rule(rule: Rule, packet: Packet, source: int) -> set[bool]:
    """Whether the rule matches: True, False, or both where it cannot be decided."""
    if rule.sources is not None and not any(low <= source <= high for low, high in rule.sources):
        return {False}
    met = matches(rule, packet)
    return {True, False} if met is None else {met}


def walk(by_name: dict[str, Chain], chain: Chain, at: int, packet: Packet, source: int) -> set[str]:
    """What can become of one packet from rule *at* on: accept, drop, or return."""
    if at == len(chain.rules):
        return {"return"}
    rule = chain.rules[at]
    found: set[str] = set()
    for met in outcomes_of_rule(rule, packet, source):
        if not met or rule.action is Action.NOTE:
            found |= walk(by_name, chain, at + 1, packet, source)
        elif rule.action in {Action.ACCEPT, Action.DROP, Action.RETURN}:
            found.add(str(rule.action))
        else:
            inner = walk(by_name, by_name[rule.target], 0, packet, source)
            found |= inner - {"return"}
            if "return" in inner:
                found |= walk(by_name, chain, at + 1, packet, source) if rule.action is Action.JUMP else {"return"}
    return found


def decide(rules: PacketFilter, chain: Chain, packet: Packet, source: int) -> set[str]:
    policy = str(chain.policy)
    by_name = {one.name: one for one in rules.chains}
    if rules.semantics is Semantics.FIRST_MATCH:
        return {policy if one == "return" else one for one in walk(by_name, chain, 0, packet, source)}
    found: set[str] = set()
    # every combination of what the undecided rules do
    options = [(rule, sorted(outcomes_of_rule(rule, packet, source))) for rule in chain.rules]
    combinations: list[list[Rule]] = [[]]
    for rule, choices in options:
        combinations = [[*before, rule] if met else before for before in combinations for met in choices]
    for met in combinations:
        actions = {rule.action for rule in met}
        if rules.semantics is Semantics.LAST_MATCH:
            verdict = policy
            for rule in met:
                verdict = str(rule.action)
                if rule.quick:
                    break
        elif rules.semantics is Semantics.BLOCK_WINS:
            order = (Action.BYPASS, Action.DROP, Action.ACCEPT)
            first = next((one for one in order if one in actions), None)
            verdict = policy if first is None else "drop" if first is Action.DROP else "accept"
        else:
            verdict = "accept" if Action.ACCEPT in actions else policy
        found.add(verdict)
    return found


def oracle(rules: PacketFilter, packet: Packet, source: int) -> set[str]:
    found = {"accept"}
    by_name = {one.name: one for one in rules.chains}
    for name in rules.input:
        if "accept" in found:
            found = (found - {"accept"}) | decide(rules, by_name[name], packet, source)
    return found


@given(st.data())
@settings(max_examples=600, deadline=None)
def test_the_engine_is_a_plain_reading_of_the_rules(data: st.DataObject) -> None:
    rules = data.draw(filters(data.draw(st.sampled_from(list(Semantics)))))
    packet = data.draw(packets)
    fate = Engine(rules).through(rules.input, ((0, 11),), packet)
    for source in ADDRESSES:
        said = {word for word, where in (("accept", fate.accepted), ("drop", fate.dropped)) if holds(where, source)}
        assert said == oracle(rules, packet, source)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_painted_rules_are_a_plain_reading_too(data: st.DataObject) -> None:
    """Long stretches are painted instead of walked: here every stretch is."""
    rules = data.draw(filters(data.draw(st.sampled_from(list(Semantics)))))
    packet = data.draw(packets)
    with mock.patch.object(paint, "MANY", 0):
        fate = Engine(rules).through(rules.input, ((0, 11),), packet)
        told = [(step.sources, step.action, step.sure) for step in fate.steps]
    for source in ADDRESSES:
        said = {word for word, where in (("accept", fate.accepted), ("drop", fate.dropped)) if holds(where, source)}
        assert said == oracle(rules, packet, source)
        if len(rules.input) == 1 and said == {"drop"}:
            assert any(action is Action.DROP and sure and holds(where, source) for where, action, sure in told)


@given(sets, sets)
def test_the_algebra_of_spans_of_unlike_length(one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...]) -> None:
    """Where one set has many more spans than the other, ways that are quick then are taken."""
    plain = (join(one, other), meet(one, other), less(one, other))
    with mock.patch.object(span, "_FEW", 0):
        assert plain == (join(one, other), meet(one, other), less(one, other))
    with mock.patch.object(span, "_FEW", 1):
        assert plain == (join(one, other), meet(one, other), less(one, other))


NETWORKS = st.integers(0, 6).flatmap(lambda bits: st.integers(0, (64 >> bits) - 1).map(lambda at: (at << bits, (at + 1 << bits) - 1)))


@given(st.lists(st.tuples(NETWORKS, st.sampled_from(["eth0", "eth1", "wg0", ""])), max_size=12))
def test_the_narrowest_route_leads(routes: list[tuple[tuple[int, int], str]]) -> None:
    table = Table([Route(host="h", where=(PLACE,), interface=face, network=network) for network, face in routes])
    for address in range(-1, 66):
        ways = [(high - low, face) for (low, high), face in routes if low <= address <= high]
        narrowest = {face for width, face in ways if width == min(ways)[0]}
        assert table.leads_by(address) == ((narrowest.pop() or None) if len(narrowest) == 1 else None)


@given(sets, sets)
def test_the_algebra_of_spans(one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...]) -> None:
    def members(spans: tuple[tuple[int, int], ...]) -> set[int]:
        return {number for low, high in spans for number in range(low, high + 1)}

    assert members(join(one, other)) == members(one) | members(other)
    assert members(meet(one, other)) == members(one) & members(other)
    assert members(less(one, other)) == members(one) - members(other)
    for made in (join(one, other), meet(one, other), less(one, other)):
        assert made == normal(made)
