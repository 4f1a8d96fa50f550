"""One rule of nftables' JSON as rules of our model: anonymous and named sets become spans, a verdict map a rule for each key.

A rule of the family ``ip`` sees IPv4 only, so each rule's sources and destinations stay within its family. Whatever is not understood makes the
rule one that *may* match, in nftables' own words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from gatewatch.evidence.address import PORTS, family, outside, parse_port, parse_span, spans
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import FOUR_SPAN, SIX_SPAN, Action, Nat, Rule, Span, Spans

Sets = dict[tuple[str, str, str], dict[str, Any]]
Key = tuple[str, str, str]
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "ipv6-icmp": 58, "sctp": 132, "esp": 50, "ah": 51, "gre": 47, "udplite": 136, "dccp": 33}
_QUIET = frozenset({"counter", "log", "comment", "notrack", "masquerade", "snat", "mangle", "ct helper", "ct timeout", "flow", "tproxy", "last"})
_VERDICTS = {"accept": Action.ACCEPT, "drop": Action.DROP, "reject": Action.DROP, "return": Action.RETURN}
_NONE: Spans = ()


@dataclass(frozen=True, slots=True)
class _Draft:
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


@dataclass(slots=True)
class _Scope:
    key: Key
    span: Span
    sets: Sets
    drafts: list[_Draft] = field(default_factory=list)


def parse_rule(rule: dict[str, Any], key: Key, span: Span, sets: Sets, where: Where) -> Iterator[Rule]:
    """Yield the rules that one rule of nftables stands for, in order."""
    expressions = rule.get("expr")
    comment = str(rule.get("comment", ""))[:200]
    draft = _Draft()
    if span in (FOUR_SPAN, SIX_SPAN):
        draft = _Draft(sources=(span,), destinations=(span,))
    for expression in expressions if isinstance(expressions, list) else ():
        if not isinstance(expression, dict) or len(expression) != 1:
            draft = _doubt(draft, expression)
            continue
        ((word, body),) = expression.items()
        if word == "match":
            draft = _match(draft, body, key, sets)
        elif word == "log":
            draft = replace(draft, log=True)
        elif word in _QUIET:
            continue
        elif word == "vmap":
            yield from _map(draft, body, key, sets, where, comment)
        else:
            made = _verdict(draft, word, body, key, where, comment)
            if made is not None:
                yield made
                return
            draft = _doubt(draft, expression)
    if any('"xt"' in one for one in draft.unknown):  # a target of iptables, its content not shown
        yield from _either(draft, where, comment)
    elif draft.log:
        yield _rule(draft, Action.NOTE, where, comment)


def _rule(draft: _Draft, action: Action, where: Where, comment: str, target: str = "", nat: Nat | None = None) -> Rule:
    return Rule(
        action=action, where=where, sources=draft.sources, destinations=draft.destinations, protocols=draft.protocols, ports=draft.ports,
        source_ports=draft.source_ports, interfaces_in=draft.interfaces_in, interfaces_out=draft.interfaces_out, new=draft.new,
        unknown=", ".join(draft.unknown), target=target, nat=nat, local=draft.local, log=draft.log, comment=comment,
    )  # fmt: skip


def _either(draft: _Draft, where: Where, comment: str) -> Iterator[Rule]:
    """Yield the rules of a verdict that nobody knows: it may be either."""
    yield _rule(draft, Action.ACCEPT, where, comment)
    yield _rule(draft, Action.DROP, where, comment)


def _doubt(draft: _Draft, what: object) -> _Draft:
    return replace(draft, unknown=(*draft.unknown, json.dumps(what, separators=(",", ":"), default=str)[:80]))


def _verdict(draft: _Draft, word: str, body: Any, key: Key, where: Where, comment: str) -> Rule | None:
    if word in _VERDICTS:
        return _rule(draft, _VERDICTS[word], where, comment)
    if word in {"jump", "goto"} and isinstance(body, dict):
        return _rule(draft, Action.JUMP if word == "jump" else Action.GOTO, where, comment, f"{key[0]} {key[1]} {body.get('target')}")
    if word in {"dnat", "redirect"}:
        body = body if isinstance(body, dict) else {}
        addresses, ports = _side(body.get("addr"), key, {}), _side(body.get("port"), key, {})
        nat = Nat(addresses, ports, local=word == "redirect")
        unclear = (body.get("addr") is not None and addresses is None) or (body.get("port") is not None and ports is None)
        return _rule(_doubt(draft, {word: body}) if unclear else draft, Action.NAT, where, comment, nat=nat)
    if word == "queue":
        return _rule(_doubt(draft, "queue: a program decides"), Action.ACCEPT, where, comment)
    return None


def _map(draft: _Draft, body: Any, key: Key, sets: Sets, where: Where, comment: str) -> Iterator[Rule]:
    """Yield a rule for each key of a verdict map; what is in none goes on."""
    data = body.get("data") if isinstance(body, dict) else None
    elements = data.get("set") if isinstance(data, dict) else None
    if isinstance(data, str):
        found = sets.get((key[0], key[1], data.lstrip("@")))
        elements = None if found is None or _changes(found) else found.get("elem", [])
    if not isinstance(elements, list):
        yield from _either(_doubt(draft, {"vmap": body}), where, comment)
        return
    for element in elements:
        if not isinstance(element, list) or len(element) != 2 or not isinstance(element[1], dict):
            yield from _either(_doubt(draft, element), where, comment)
            continue
        ((word, inner),) = list(element[1].items())[:1] or [("", None)]
        narrowed = _match(draft, {"op": "==", "left": body.get("key"), "right": element[0]}, key, sets)
        made = _verdict(narrowed, word, inner, key, where, comment)
        if made is not None:
            yield made


def _match(draft: _Draft, body: Any, key: Key, sets: Sets) -> _Draft:
    if not isinstance(body, dict):
        return _doubt(draft, body)
    left, right, operator = body.get("left"), body.get("right"), body.get("op", "==")
    if operator not in {"==", "!=", "in"} or not isinstance(left, dict):
        return _doubt(draft, body)
    negated = operator == "!="
    made = _field(draft, left, right, negated, key, sets)
    return made if made is not None else _doubt(draft, body)


def _field(draft: _Draft, left: dict[str, Any], right: Any, negated: bool, key: Key, sets: Sets) -> _Draft | None:
    payload, meta, ct = left.get("payload"), left.get("meta"), left.get("ct")
    if isinstance(payload, dict):
        return _payload(draft, str(payload.get("protocol")), str(payload.get("field")), right, negated, key, sets)
    if isinstance(meta, dict):
        return _meta(draft, str(meta.get("key")), right, negated)
    if isinstance(ct, dict) and ct.get("key") == "state":
        states = _words(right)
        return replace(draft, new=draft.new and ("new" in states) is not negated) if states else None
    if isinstance(ct, dict) and ct.get("key") == "status" and "dnat" not in _words(right):
        return None
    fib = left.get("fib")
    if isinstance(fib, dict) and fib.get("result") == "type" and fib.get("flags") in ("daddr", ["daddr"]) and right == "local":
        return replace(draft, local=not negated)
    return None


def _payload(draft: _Draft, protocol: str, name: str, right: Any, negated: bool, key: Key, sets: Sets) -> _Draft | None:
    found = _side(right, key, sets)
    if protocol in {"ip", "ip6"} and name in {"saddr", "daddr"} and found is not None:
        whole = family(4 if protocol == "ip" else 6)
        made = outside(found, whole) if negated else found
        if name == "saddr":
            return replace(draft, sources=_both(draft.sources, made))
        return replace(draft, destinations=_both(draft.destinations, made))
    if protocol in {"ip", "ip6"} and name in {"protocol", "nexthdr"}:
        return _protocols(draft, right, negated)
    if protocol in {"tcp", "udp", "th", "sctp", "udplite", "dccp"} and name in {"dport", "sport"} and found is not None:
        made = outside(found, PORTS) if negated else found
        if protocol != "th":
            draft = _narrow(draft, (_PROTOCOLS[protocol],))
        if name == "dport":
            return replace(draft, ports=_both(draft.ports, made))
        return replace(draft, source_ports=_both(draft.source_ports, made))
    if protocol in {"icmp", "icmpv6"}:  # its types are no ports: which of them a packet has is not followed
        return _doubt(_narrow(draft, (_PROTOCOLS[protocol],)), f"{protocol} {name}")
    if protocol == "tcp" and name == "flags":
        return None
    return None


def _meta(draft: _Draft, name: str, right: Any, negated: bool) -> _Draft | None:
    if name == "l4proto":
        return _protocols(draft, right, negated)
    if name == "nfproto":
        version = {"ipv4": 4, "ipv6": 6}.get(str(right))
        if version is None:
            return None
        span = family(version if not negated else 10 - version)
        return replace(draft, sources=_both(draft.sources, (span,)), destinations=_both(draft.destinations, (span,)))
    if name in {"iifname", "iif", "oifname", "oif"}:
        names = tuple(f"!{one}" if negated else one for one in _words(right))
        if not names:
            return None
        if name.startswith("i"):
            return replace(draft, interfaces_in=names) if draft.interfaces_in is None else None
        return replace(draft, interfaces_out=names) if draft.interfaces_out is None else None
    return None


def _protocols(draft: _Draft, right: Any, negated: bool) -> _Draft | None:
    numbers = [_PROTOCOLS.get(word, int(word) if word.isascii() and word.isdigit() and len(word) < 4 else -1) for word in _words(right)]
    if not numbers or -1 in numbers:
        return None
    return _narrow(draft, tuple(one for one in range(256) if one not in numbers) if negated else tuple(numbers))


def _narrow(draft: _Draft, protocols: tuple[int, ...]) -> _Draft:
    if draft.protocols is None:
        return replace(draft, protocols=protocols)
    return replace(draft, protocols=tuple(one for one in draft.protocols if one in protocols))


def _both(one: Spans | None, other: Spans) -> Spans:
    if one is None:
        return other
    made = [(max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) <= min(b, d)]
    return spans(made) if made else _NONE


def _words(right: Any) -> list[str]:
    """Return the words or numbers on the right of a match; none where one of them is not understood."""
    if isinstance(right, dict):
        right = right.get("set", right.get("|", []))
    if not isinstance(right, list):
        right = [right]
    plain = [one["elem"].get("val") if isinstance(one, dict) and isinstance(one.get("elem"), dict) else one for one in right]
    return [str(one) for one in plain] if all(isinstance(one, str | int) for one in plain) else []


def _changes(found: dict[str, Any]) -> bool:
    """Return whether what is in a set or map changes by itself."""
    return "timeout" in str(found.get("flags")) or "dynamic" in str(found.get("flags"))


def _side(right: Any, key: Key, sets: Sets) -> Spans | None:
    """Return the addresses or ports on the right of a match, or None when they are not understood."""
    if isinstance(right, str) and right.startswith("@"):
        found = sets.get((key[0], key[1], right[1:]))
        if found is None or _changes(found):
            return None
        right = {"set": found.get("elem", [])}
    if isinstance(right, dict) and "set" in right:
        right = right["set"]
    made: list[Span] = []
    for one in right if isinstance(right, list) else [right]:
        span = _one(one)
        if span is None:
            return None
        made.append(span)
    return spans(made)


def _one(value: Any) -> Span | None:
    if isinstance(value, dict) and isinstance(value.get("elem"), dict):
        value = value["elem"].get("val")
    if isinstance(value, dict) and isinstance(value.get("prefix"), dict):
        return parse_span(f"{value['prefix'].get('addr')}/{value['prefix'].get('len')}")
    if isinstance(value, dict) and isinstance(value.get("range"), list) and len(value["range"]) == 2:
        low, high = (_one(end) for end in value["range"])
        return (low[0], high[1]) if low is not None and high is not None and low[0] <= high[1] else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return (value, value) if 0 <= value <= 65535 else None
    if isinstance(value, str):
        return parse_port(value) or parse_span(value)
    return None
