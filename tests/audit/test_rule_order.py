"""Rules that never decide, against a plain reading: no packet is decided by what is called shadowed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.audit.checks.rule_order import shadowed
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import Action, Chain, Rule

spans = st.none() | st.tuples(st.integers(0, 5), st.integers(0, 3)).map(lambda one: ((one[0], one[0] + one[1]),))
some = st.lists(
    st.tuples(
        st.sampled_from([Action.ACCEPT, Action.DROP, Action.RETURN]),
        spans,
        spans,
        spans,
        st.sampled_from([None, (6,), (6, 17)]),
        st.sampled_from(["", "", "limit"]),
    ),
    max_size=7,
)


def holds(found: tuple[tuple[int, int], ...] | None, number: int) -> bool:
    return found is None or any(low <= number <= high for low, high in found)


@settings(max_examples=300, deadline=None)
@given(some)
def test_no_packet_is_decided_by_a_rule_that_is_called_shadowed(
    drawn: list[tuple[Action, object, object, object, tuple[int, ...] | None, str]],
) -> None:
    rules = [
        Rule(action, Where("r", number, f"rule {number}"), sources=a, destinations=b, ports=c, protocols=protocols, unknown=unknown)  # type: ignore[arg-type]
        for number, (action, a, b, c, protocols, unknown) in enumerate(drawn, 1)
    ]
    never = {where.line for where, _ in shadowed(Chain("c", tuple(rules)))}
    for source in range(9):
        for target in range(9):
            for port in range(9):
                for protocol in (6, 17, 1):
                    for rule in rules:
                        met = holds(rule.sources, source) and holds(rule.destinations, target) and holds(rule.ports, port)
                        if met and (rule.protocols is None or protocol in rule.protocols):
                            assert rule.where.line not in never
                            if not rule.unknown:
                                break


def test_the_same_rule_twice_is_found_in_long_chains() -> None:
    rules = [
        Rule(Action.ACCEPT, Where("r", at, f"rule {at}"), sources=((at, at),), destinations=((1, 1),), ports=((22, 22),)) for at in range(1, 1500)
    ]
    rules.append(Rule(Action.DROP, Where("r", 2000, "again"), sources=((7, 7),), destinations=((1, 1),), ports=((22, 22),)))
    assert [(where.line, first.line) for where, first in shadowed(Chain("c", tuple(rules)))] == [(2000, 7)]


def test_a_narrow_rule_within_a_wider_one_is_found_in_long_chains() -> None:
    """However long the chain, and however many rules that leave a side open stand before."""
    rules = [
        Rule(Action.ACCEPT, Where("r", at, f"rule {at}"), sources=((at * 10, at * 10 + 5),), destinations=None, ports=((22, 30),))
        for at in range(1, 3000)
    ]
    rules.append(Rule(Action.DROP, Where("r", 4000, "narrow"), sources=((25_001, 25_002),), destinations=((1, 1),), ports=((25, 25),)))
    rules.append(Rule(Action.DROP, Where("r", 4001, "wider"), sources=((25_001, 25_012),), destinations=((1, 1),), ports=((25, 25),)))
    assert [(where.line, first.line) for where, first in shadowed(Chain("c", tuple(rules)))] == [(4000, 2500)]
