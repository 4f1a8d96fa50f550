"""What a rule of nftables stands for where a part of it is not plain: never a definite answer."""

from __future__ import annotations

from typing import Any

from gatewatch.evidence.nftables_rule import parse_rule
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import Action, Rule

KEY = ("inet", "filter", "input")
SSH = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}


def rules(*expressions: dict[str, Any], sets: dict[Any, Any] | None = None) -> list[Rule]:
    return list(parse_rule({"expr": list(expressions)}, KEY, (0, 2**128 - 1), sets or {}, Where("nft.json", 1)))


def state(right: Any, operator: str = "in") -> dict[str, Any]:
    return {"match": {"op": operator, "left": {"ct": {"key": "state"}}, "right": right}}


def test_states_joined_by_a_bar_are_read() -> None:
    [rule] = rules(state({"|": ["new", "established"]}), {"accept": None})
    assert (rule.new, rule.unknown) == (True, "")
    [rule] = rules(state({"|": ["related", "established"]}), {"accept": None})
    assert (rule.new, rule.unknown) == (False, "")


def test_a_state_with_a_comment_is_read() -> None:
    [rule] = rules(state({"set": [{"elem": {"val": "new", "comment": "first packets"}}]}, "=="), {"drop": None})
    assert (rule.new, rule.unknown) == (True, "")


def test_a_state_that_is_not_understood_is_a_doubt() -> None:
    [rule] = rules(state({"set": [{"range": [1, 2]}]}), {"accept": None})
    assert rule.new
    assert rule.unknown


def vmap(sets: dict[Any, Any]) -> list[Rule]:
    return rules({"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": "@doors"}}, sets=sets)


def test_a_map_that_is_not_there_may_say_either() -> None:
    assert {rule.action for rule in vmap({})} == {Action.ACCEPT, Action.DROP}
    assert all(rule.unknown for rule in vmap({}))


def test_a_map_that_changes_by_itself_may_say_either() -> None:
    found = {("inet", "filter", "doors"): {"flags": ["timeout"], "elem": [[22, {"accept": None}]]}}
    assert all(rule.unknown for rule in vmap(found))
    del found["inet", "filter", "doors"]["flags"]
    [rule] = vmap(found)
    assert (rule.action, rule.unknown, rule.ports) == (Action.ACCEPT, "", ((22, 22),))


def test_a_type_of_icmp_is_not_all_of_it() -> None:
    [rule] = rules({"match": {"op": "==", "left": {"payload": {"protocol": "icmp", "field": "type"}}, "right": "echo-request"}}, {"accept": None})
    assert rule.unknown
