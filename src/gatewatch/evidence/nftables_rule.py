"""One rule of nftables' JSON as rules of our model: its statements in order, a verdict map a rule for each of its keys.

A rule of the family ``ip`` sees IPv4 only, so each rule's sources and destinations stay within its family. Whatever is not understood makes the
rule one that *may* match, in nftables' own words; a statement nobody knows may decide by itself, either way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gatewatch.evidence.nftables_match import MOST, Key, Scope, Sets, bare, doubt, keyed, match, narrow, of_family, side
from gatewatch.evidence.rule_draft import Draft
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import FOUR_SPAN, SIX, SIX_SPAN, Action, Nat, Rule, Span, Spans

_QUIET = frozenset(
    {"counter", "comment", "notrack", "masquerade", "snat", "mangle", "ct helper", "ct timeout", "ct expectation", "secmark", "flow", "last", "dup"}
)
_LIMITING = frozenset({"limit", "quota", "ct count", "set", "map", "meter"})
"""Statements that stop a rule or let it go on, and decide nothing by themselves."""
_VERDICTS = {"accept": Action.ACCEPT, "drop": Action.DROP, "reject": Action.DROP, "return": Action.RETURN}
_XT_QUIET = frozenset(
    {"LOG", "NFLOG", "MARK", "CONNMARK", "CT", "TCPMSS", "CLASSIFY", "CHECKSUM", "SNAT", "MASQUERADE", "TTL", "HL", "DSCP", "TOS", "SECMARK",
     "CONNSECMARK", "AUDIT", "TRACE", "NOTRACK", "TEE"}
)  # fmt: skip
"""Targets of iptables that decide nothing about who comes in."""


def parse_rule(rule: dict[str, Any], key: Key, span: Span, sets: Sets, where: Where) -> Iterator[Rule]:
    """Yield the rules that one rule of nftables stands for, in order."""
    expressions = rule.get("expr")
    comment = str(rule.get("comment", ""))[:200]
    scope = Scope(key, sets)
    drafts = [Draft(sources=(span,), destinations=(span,)) if span in (FOUR_SPAN, SIX_SPAN) else Draft()]
    for expression in expressions if isinstance(expressions, list) else ():
        if not isinstance(expression, dict) or len(expression) != 1:
            drafts = [doubt(draft, expression) for draft in drafts]
            continue
        ((word, body),) = expression.items()
        if word == "match":
            made = [one for draft in drafts for one in match(draft, body, scope)]
            drafts = made if len(made) <= MOST else [doubt(draft, body) for draft in drafts]
        elif word == "log" or (word == "xt" and _xt(body) in {"LOG", "NFLOG"}):
            drafts = [replace(draft, log=True) for draft in drafts]
        elif word in _QUIET or (word == "xt" and (_xt(body) in _XT_QUIET or body == {"type": "match", "name": "comment"})):
            continue
        elif word in _LIMITING or (word == "xt" and isinstance(body, dict) and body.get("type") == "match"):
            drafts = [doubt(draft, expression) for draft in drafts]
        elif word == "vmap":
            for draft in drafts:
                yield from _map(draft, body, scope, where, comment)
        elif word == "xt" and _xt(body) == "REJECT":
            yield from (draft.rule(Action.DROP, where, comment) for draft in drafts)
            return
        else:
            decided = [one for draft in drafts for one in _verdict(draft, word, body, scope, where, comment)]
            yield from decided
            if word == "continue":
                break
            if word in _VERDICTS or word in {"jump", "goto", "dnat", "redirect", "queue"}:
                return
            drafts = [doubt(draft, expression) for draft in drafts]
            if word != "tproxy":
                for draft in drafts:
                    yield from _either(draft, where, comment)
    for draft in drafts:
        if draft.log:
            yield draft.rule(Action.NOTE, where, comment)


def _xt(body: Any) -> str:
    """Return the name of a target of iptables."""
    return str(body.get("name")) if isinstance(body, dict) and body.get("type") == "target" else ""


def _either(draft: Draft, where: Where, comment: str) -> Iterator[Rule]:
    """Yield the rules of a verdict that nobody knows: it may be either."""
    yield draft.rule(Action.ACCEPT, where, comment)
    yield draft.rule(Action.DROP, where, comment)


def _verdict(draft: Draft, word: str, body: Any, scope: Scope, where: Where, comment: str) -> Iterator[Rule]:
    if word in _VERDICTS:
        kind = str(body.get("type")) if isinstance(body, dict) else ""
        if kind in {"icmp", "icmpv6"}:  # which only that family can be answered with
            draft = of_family(draft, 4 if kind == "icmp" else 6)
        yield (narrow(draft, (6,)) if kind == "tcp reset" else draft).rule(_VERDICTS[word], where, comment)
    elif word in {"jump", "goto"} and isinstance(body, dict):
        target = f"{scope.key[0]} {scope.key[1]} {body.get('target')}"
        yield draft.rule(Action.JUMP if word == "jump" else Action.GOTO, where, comment, target)
    elif word in {"dnat", "redirect", "tproxy"}:
        for one, nat in _translations(draft, word, body if isinstance(body, dict) else {}, scope):
            sure = one if word != "tproxy" else doubt(one, "tproxy: a program of the device takes it")
            yield sure.rule(Action.NAT, where, comment, nat=nat)
    elif word == "queue":
        yield from _either(doubt(draft, "queue: a program decides"), where, comment)


def _translations(draft: Draft, word: str, body: dict[str, Any], scope: Scope) -> Iterator[tuple[Draft, Nat]]:
    """Yield the new destinations of a translation, each with the packets that get it: one, or one of each element of a map."""
    for name in ("addr", "port"):
        lookup = body.get(name)
        table = lookup.get("map") if isinstance(lookup, dict) else None
        if not isinstance(table, dict):
            continue
        elements = _listed(table.get("data"), scope)
        if elements is None or "prefix" in str(body.get("type_flags")):
            break
        for element in elements:
            if not isinstance(element, list) or len(element) != 2:
                yield doubt(draft, element), Nat(None, None, local=word != "dnat")
                continue
            target, inner = bare(element[1]), {**body}
            pair = target.get("concat") if isinstance(target, dict) else None
            if name == "addr" and isinstance(pair, list) and len(pair) == 2:
                inner["addr"], inner["port"] = pair
            else:
                inner[name] = target
            yield from _translations(keyed(draft, table.get("key"), element[0], scope), word, inner, scope)
        return
    addresses, ports = _plain(body.get("addr"), scope), _plain(body.get("port"), scope)
    version = {"ip": 4, "ip6": 6}.get(str(body.get("family"))) or (None if not addresses else 4 if addresses[0][0] < SIX else 6)
    draft = of_family(draft, version) if version is not None else draft
    unclear = (body.get("addr") is not None and addresses is None) or (body.get("port") is not None and ports is None)
    yield doubt(draft, {word: body}) if unclear else draft, Nat(addresses, ports, local=word != "dnat")


def _plain(value: Any, scope: Scope) -> Spans | None:
    return None if value is None or (isinstance(value, str) and value.startswith("@")) else side(value, scope)


def _listed(data: Any, scope: Scope) -> list[Any] | None:
    """Return the elements of a map; None where nobody knows them."""
    if isinstance(data, str):
        found = scope.named(data)
        elements = None if found is None else found.get("elem", [])
    else:
        elements = data.get("set") if isinstance(data, dict) else None
    return elements if isinstance(elements, list) and len(elements) <= MOST else None


def _map(draft: Draft, body: Any, scope: Scope, where: Where, comment: str) -> Iterator[Rule]:
    """Yield a rule for each key of a verdict map; what is in none goes on."""
    elements = _listed(body.get("data"), scope) if isinstance(body, dict) else None
    if elements is None:
        yield from _either(doubt(draft, {"vmap": body}), where, comment)
        return
    pairs: list[list[Any]] = []
    for element in elements:
        if isinstance(element, list) and len(element) == 2 and isinstance(element[1], dict):
            pairs.append(element)
        else:
            yield from _either(doubt(draft, element), where, comment)
    for value, verdict in pairs:
        ((word, inner),) = list(verdict.items())[:1] or [("", None)]
        if bare(value) != "*":
            yield from _verdict(keyed(draft, body.get("key"), value, scope), word, inner, scope, where, comment)
    for value, verdict in pairs:
        if bare(value) == "*":
            ((word, inner),) = list(verdict.items())[:1] or [("", None)]
            yield from _verdict(_left(draft, body.get("key"), pairs, scope), word, inner, scope, where, comment)


def _left(draft: Draft, key: Any, pairs: list[list[Any]], scope: Scope) -> Draft:
    """Return *draft* for the packets that none of a map's keys takes; a chain that is jumped to and comes back has taken its own."""
    if not any({"jump", "continue"} & verdict.keys() for _, verdict in pairs):
        return draft
    if not isinstance(key, dict) or "concat" in key:
        return doubt(draft, "for what no other key takes")
    [made] = match(draft, {"op": "!=", "left": key, "right": {"set": [value for value, _ in pairs if bare(value) != "*"]}}, scope)
    return made
