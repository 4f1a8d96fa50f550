"""Fresh: what rules do with somebody who connects for the first time, honestly, and not too often.

Whether a limit of rates matches is a matter of chance, so an answer over such rules is ``may``. Yet a limit keeps nobody out: who comes first is
below it. Such rules are taken as they meet a first connection, and all others as they are, so that ``yes`` can be said of what is open to everybody
but for a limit. Conditions on members of sets that fill by themselves, and on where a packet comes from (reverse path), are of this kind where
they refuse. References: iptables-extensions(8) (limit, hashlimit, connlimit, recent), nft(8) (limit, ct count, fib, dynamic sets).
"""

from __future__ import annotations

import re
from dataclasses import replace

from gatewatch.schema.facts.filter import Action, Chain, PacketFilter, Rule

CHANGING = "members that change by themselves"
"""How a condition on a set begins whose members come and go."""
_OPTION = re.compile(
    r"-m (?:recent|limit|hashlimit|connlimit)$|--(?:update|rcheck|set|seconds|hitcount|name|mask|rsource|reap|rttl|limit|limit-burst|"
    r"connlimit-[a-z]+|hashlimit(?:-[a-z]+)?)(?: |$)"
)
_ABOVE = re.compile(r"--hitcount (?:[2-9]|\d\d)|--(?:connlimit|hashlimit)-above [1-9]")
_BELOW = re.compile(r"--limit |--(?:connlimit|hashlimit)-upto [1-9]|--set(?: |$)")
_NFT_ABOVE = re.compile(r'^\{"(?:limit":"rate over|ct count|set":|meter)')
_NFT_BELOW = re.compile(r'^\{"limit":"rate (?!over)')
_HONEST = re.compile(r'^\{"op":"(?:==|!=)","left":\{"fib":\{"result":"(?:oif|type)","flags":\["[sd]addr","iif"\]')
_MEETS, _PASSES = "meets", "passes"


def first_time(rules: PacketFilter) -> PacketFilter:
    """Return *rules* as somebody meets them who connects for the first time."""
    chains = tuple(Chain(one.name, tuple(map(_rule, one.rules)), one.policy, one.where, one.semantics) for one in rules.chains)
    return replace(rules, chains=chains)


def _rule(rule: Rule) -> Rule:
    if not rule.unknown:
        return rule
    met = _met(rule)
    if met == _MEETS:
        return replace(rule, unknown="")
    refuses = rule.action in {Action.DROP, Action.JUMP, Action.GOTO}
    return replace(rule, new=False) if met == _PASSES and refuses else rule


def _met(rule: Rule) -> str:
    """Return whether a first connection meets the condition of *rule*, passes it by, or whether that is not known (empty)."""
    text = rule.unknown
    if text.startswith(("-m ", "--")):
        parts = text.split(", ")
        if not all(_OPTION.match(part) for part in parts):
            return ""
        return _PASSES if any(_ABOVE.match(part) for part in parts) else _MEETS if any(_BELOW.match(part) for part in parts) else ""
    if text.startswith(CHANGING) or _NFT_ABOVE.match(text) or (_HONEST.match(text) and rule.action is Action.DROP):
        return _PASSES if ", " not in text.replace('", "', '","') else ""
    return _MEETS if _NFT_BELOW.match(text) else ""
