"""What a rule of nftables matches: the conditions of its JSON narrow a draft; what is not understood becomes its doubt.

A draft is one conjunction of conditions; a concatenation (``ip saddr . tcp dport @pairs``) makes a draft of each of its elements. The packets asked
of open a connection, to an address that is nobody's broadcast. References: nft(8), libnftables-json(5).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from gatewatch.evidence.address import PORTS, family, outside, parse_port, parse_span, spans
from gatewatch.evidence.rule_draft import Draft
from gatewatch.schema.facts.filter import Span, Spans

Sets = dict[tuple[str, str, str], dict[str, Any]]
Key = tuple[str, str, str]
MOST = 16_384  # drafts of one rule; more are told as a doubt
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "ipv6-icmp": 58, "sctp": 132, "esp": 50, "ah": 51, "gre": 47, "udplite": 136, "dccp": 33}
_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128}
_OPENING = (2, 2 | 64, 2 | 128, 2 | 64 | 128)  # who opens a connection may ask for ECN
_KINDS = frozenset({"local", "unicast", "broadcast", "multicast", "anycast"})
_MIRROR = {"<": (0, -1), "<=": (0, 0), ">": (1, 1), ">=": (0, 1)}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a rule stands: family, table and chain, and the sets and maps of the rule set."""

    key: Key
    sets: Sets

    def named(self, reference: str) -> dict[str, Any] | None:
        """Return the set or map that ``@name`` refers to; None where there is none, or what is in it changes by itself."""
        found = self.sets.get((self.key[0], self.key[1], reference.removeprefix("@")))
        return None if found is None or "timeout" in str(found.get("flags")) or "dynamic" in str(found.get("flags")) else found


    def changes(self, reference: str) -> bool:
        """Return whether ``@name`` refers to a set whose members come and go by themselves."""
        found = self.sets.get((self.key[0], self.key[1], reference.removeprefix("@"))) if reference.startswith("@") else None
        return found is not None and ("timeout" in str(found.get("flags")) or "dynamic" in str(found.get("flags")))


def doubt(draft: Draft, what: object) -> Draft:
    """Return *draft* with one more condition that nobody can decide, told in nftables' words."""
    text = what if isinstance(what, str) else json.dumps(what, separators=(",", ":"), default=str)
    return replace(draft, unknown=(*draft.unknown, text[:80]))


def never(draft: Draft) -> Draft:
    """Return *draft* as one that no packet which opens a connection matches."""
    return replace(draft, new=False)


def match(draft: Draft, body: Any, scope: Scope) -> list[Draft]:
    """Return what *draft* becomes by a ``match``: mostly one draft, one of each element for a concatenation."""
    if not isinstance(body, dict) or not isinstance(body.get("left"), dict):
        return [doubt(draft, body)]
    left, right, operator = body["left"], body.get("right"), body.get("op", "==")
    if isinstance(left.get("concat"), list):
        return _concatenation(draft, left["concat"], right, operator, scope, body)
    made = _flags(draft, left, right, operator) if _is_flags(left) else _compared(draft, left, right, operator)
    if made is None and operator == "==" and isinstance(right, str) and scope.changes(right):
        return [doubt(_hinted(draft, left), f"members that change by themselves: {right}")]
    if made is None and operator in {"==", "!=", "in", "!"}:
        made = _field(draft, left, right, operator in {"!=", "!"}, scope)
    return [made if made is not None else doubt(_hinted(draft, left), body)]


def keyed(draft: Draft, key: Any, value: Any, scope: Scope) -> Draft:
    """Return *draft* for the packets whose *key* (an expression, or a concatenation of them) is the *value* of a map's or set's element."""
    value = bare(value)
    if value == "*":
        return draft
    parts = key.get("concat") if isinstance(key, dict) else None
    if not isinstance(parts, list):
        [made] = match(draft, {"op": "==", "left": key, "right": value}, scope) if isinstance(key, dict) else [doubt(draft, key)]
        return made
    values = value.get("concat") if isinstance(value, dict) else None
    if not isinstance(values, list) or len(values) != len(parts):
        return doubt(draft, value)
    for part, one in zip(parts, values, strict=True):
        draft = keyed(draft, part, one, scope) if isinstance(part, dict) and "concat" not in part else doubt(draft, part)
    return draft


def bare(value: Any) -> Any:
    """Return an element without its comment, counter and timeout."""
    return value["elem"].get("val") if isinstance(value, dict) and isinstance(value.get("elem"), dict) else value


def _concatenation(draft: Draft, parts: list[Any], right: Any, operator: str, scope: Scope, body: Any) -> list[Draft]:
    if isinstance(right, str) and right.startswith("@"):
        found = scope.named(right)
        right = None if found is None else {"set": found.get("elem", [])}
    elements = right.get("set") if isinstance(right, dict) else None
    if isinstance(right, dict) and "concat" in right:
        elements = [right]
    if operator not in {"==", "in"} or not isinstance(elements, list) or len(elements) > MOST:
        return [doubt(draft, body)]
    return [keyed(draft, {"concat": parts}, one, scope) for one in elements] or [never(draft)]


def _hinted(draft: Draft, left: dict[str, Any]) -> Draft:
    """Return *draft* narrowed by what must hold for the field to be there at all."""
    payload = left.get("payload")
    if isinstance(left.get("&"), list) and left["&"] and isinstance(left["&"][0], dict):
        return _hinted(draft, left["&"][0])
    name = payload.get("protocol") if isinstance(payload, dict) else None
    if name in {"ip", "ip6"}:
        return of_family(draft, 4 if name == "ip" else 6)
    return narrow(draft, (_PROTOCOLS[name],)) if name in _PROTOCOLS else draft


def of_family(draft: Draft, version: int) -> Draft:
    """Return *draft* for the packets of one family."""
    span = family(version)
    return replace(draft, sources=_both(draft.sources, (span,)), destinations=_both(draft.destinations, (span,)))


def _compared(draft: Draft, left: dict[str, Any], right: Any, operator: str) -> Draft | None:
    """Return the draft for ``tcp dport > 1023`` and the like."""
    payload, value = left.get("payload"), bare(right)
    if operator not in _MIRROR or not isinstance(payload, dict):
        return None
    low_first, upward = _MIRROR[operator]
    span = _one(value)
    name = str(payload.get("field"))
    if span is None or span[0] != span[1]:
        return None
    protocol = str(payload.get("protocol"))
    whole = PORTS if name in {"dport", "sport"} else family(4 if protocol == "ip" else 6)
    low, high = (span[0] + low_first, whole[1]) if upward == 1 else (whole[0], span[0] + upward)
    return _placed(draft, protocol, name, ((low, high),) if low <= high else ())


def _is_flags(left: dict[str, Any]) -> bool:
    inner = left["&"][0] if isinstance(left.get("&"), list) and left["&"] else left
    payload = inner.get("payload") if isinstance(inner, dict) else None
    return isinstance(payload, dict) and payload.get("protocol") == "tcp" and payload.get("field") == "flags"


def _flags(draft: Draft, left: dict[str, Any], right: Any, operator: str) -> Draft | None:
    """Return the draft for a match of TCP's flags: of the first packet of a connection they are known, but for those of ECN."""
    draft = narrow(draft, (6,))
    mask = _bits(left["&"][1]) if isinstance(left.get("&"), list) and len(left["&"]) == 2 else 255
    listed = right["set"] if isinstance(right, dict) and isinstance(right.get("set"), list) else [right]
    values = [_bits(bare(one)) for one in listed]
    if mask is None or any(value is None for value in values) or operator not in {"==", "!=", "in", "!"}:
        return None
    known = [value for value in values if value is not None]
    if operator in {"in", "!"}:
        outcomes = {any(flags & mask & value for value in known) is (operator == "in") for flags in _OPENING}
    else:
        outcomes = {(flags & mask in known) is (operator == "==") for flags in _OPENING}
    if len(outcomes) > 1:
        return None
    return draft if outcomes.pop() else never(draft)


def _bits(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    listed = words(value)
    if not listed or any(word not in _FLAGS for word in listed):
        return None
    return sum({_FLAGS[word] for word in listed})


def _field(draft: Draft, left: dict[str, Any], right: Any, negated: bool, scope: Scope) -> Draft | None:
    payload, meta, ct, fib = (left.get(word) for word in ("payload", "meta", "ct", "fib"))
    if isinstance(payload, dict) and payload.get("base") == "th" and payload.get("len") == 16 and payload.get("offset") in (0, 16):
        payload = {"protocol": "th", "field": "dport" if payload["offset"] else "sport"}
    if isinstance(payload, dict):
        return _payload(draft, str(payload.get("protocol")), str(payload.get("field")), right, negated, scope)
    if isinstance(meta, dict):
        return _meta(draft, str(meta.get("key")), right, negated, scope)
    if isinstance(ct, dict) and ct.get("key") in {"state", "direction"}:
        states = words(right)
        wanted = "new" if ct["key"] == "state" else "original"
        return replace(draft, new=draft.new and (wanted in states) is not negated) if states else None
    if isinstance(fib, dict) and fib.get("result") == "type" and fib.get("flags") in ("daddr", ["daddr"]):
        return _kind(draft, frozenset(words(right)), negated)
    return None


def _kind(draft: Draft, kinds: frozenset[str], negated: bool) -> Draft | None:
    """Return the draft for the kind of the destination's address: the device's own, or another's."""
    if not kinds or not kinds <= _KINDS:
        return None
    if {"local", "unicast"} <= kinds:
        return never(draft) if negated else draft
    if not kinds & {"local", "unicast"}:
        return draft if negated else never(draft)
    own = ("local" in kinds) is not negated
    return replace(draft, local=own) if draft.local is None or draft.local is own else never(draft)


def _payload(draft: Draft, protocol: str, name: str, right: Any, negated: bool, scope: Scope) -> Draft | None:
    if protocol in {"ip", "ip6"} and name == "version":
        return of_family(draft, 4 if protocol == "ip" else 6) if right == (4 if protocol == "ip" else 6) and not negated else None
    if protocol in {"ip", "ip6"} and name in {"protocol", "nexthdr"}:
        made = _protocols(draft, right, negated)
        return of_family(made, 4 if protocol == "ip" else 6) if made is not None else None
    if protocol == "ether" and name == "type":
        return _meta(draft, "protocol", right, negated, scope)
    found = side(right, scope)
    if found is None:
        return None
    if protocol in {"ip", "ip6"} and name in {"saddr", "daddr"}:
        return _placed(draft, protocol, name, outside(found, family(4 if protocol == "ip" else 6)) if negated else found)
    return _placed(draft, protocol, name, outside(found, PORTS) if negated else found)


def _placed(draft: Draft, protocol: str, name: str, found: Spans) -> Draft | None:
    """Return *draft* with an address or a port of a protocol narrowed to *found*; None for any other field."""
    if protocol in {"ip", "ip6"} and name in {"saddr", "daddr"}:
        found = _both((family(4 if protocol == "ip" else 6),), found)
        if name == "saddr":
            return replace(draft, sources=_both(draft.sources, found))
        return replace(draft, destinations=_both(draft.destinations, found))
    if protocol in {"tcp", "udp", "th", "sctp", "udplite", "dccp"} and name in {"dport", "sport"}:
        if protocol != "th":
            draft = narrow(draft, (_PROTOCOLS[protocol],))
        if name == "dport":
            return replace(draft, ports=_both(draft.ports, found))
        return replace(draft, source_ports=_both(draft.source_ports, found))
    return None


def _meta(draft: Draft, name: str, right: Any, negated: bool, scope: Scope) -> Draft | None:
    if name == "l4proto":
        return _protocols(draft, right, negated)
    if name in {"nfproto", "protocol"}:
        listed = {{"ipv4": 4, "ip": 4, "ipv6": 6, "ip6": 6}.get(word, 0) for word in words(right)}
        if len(listed) != 1 or 0 in listed:
            return None
        version = listed.pop()
        return of_family(draft, 10 - version if negated else version)
    if name == "pkttype":
        listed_types = set(words(right))
        if not listed_types or not listed_types <= {"host", "unicast", "broadcast", "multicast"}:
            return None
        met = bool(listed_types & {"host", "unicast"}) is not negated
        return draft if met else never(draft)
    if name in {"iifname", "iif", "oifname", "oif"}:
        names = words(_elements(right, scope))
        if not names or (not name.endswith("name") and any(one.isdigit() for one in names)):
            return None
        found = tuple(f"!{one}" if negated else one for one in names)
        if name.startswith("i"):
            return replace(draft, interfaces_in=found) if draft.interfaces_in in (None, found) else None
        return replace(draft, interfaces_out=found) if draft.interfaces_out in (None, found) else None
    return None


def _protocols(draft: Draft, right: Any, negated: bool) -> Draft | None:
    numbers = [_PROTOCOLS.get(word, int(word) if word.isascii() and word.isdigit() and len(word) < 4 else -1) for word in words(right)]
    if not numbers or -1 in numbers:
        return None
    return narrow(draft, tuple(one for one in range(256) if one not in numbers) if negated else tuple(numbers))


def narrow(draft: Draft, protocols: tuple[int, ...]) -> Draft:
    """Return *draft* for the packets of some protocols."""
    if draft.protocols is None:
        return replace(draft, protocols=protocols)
    return replace(draft, protocols=tuple(one for one in draft.protocols if one in protocols))


def _both(one: Spans | None, other: Spans) -> Spans:
    if one is None:
        return other
    made = [(max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) <= min(b, d)]
    return spans(made) if made else ()


def words(right: Any) -> list[str]:
    """Return the words or numbers on the right of a match; none where one of them is not understood."""
    if isinstance(right, dict):
        right = right.get("set", right.get("|", []))
    if not isinstance(right, list):
        right = [right]
    plain = [bare(one) for one in right]
    flat = [part for one in plain for part in (one["|"] if isinstance(one, dict) and isinstance(one.get("|"), list) else [one])]
    good = all(isinstance(one, str | int) and not (isinstance(one, str) and one.startswith("@")) for one in flat)
    return [str(one) for one in flat] if good else []


def _elements(right: Any, scope: Scope) -> Any:
    """Return what is on the right of a match, a set that it names as the elements it has; None where nobody knows them."""
    if not isinstance(right, str) or not right.startswith("@"):
        return right
    found = scope.named(right)
    return {"set": found.get("elem", [])} if found is not None else None


def side(right: Any, scope: Scope) -> Spans | None:
    """Return the addresses or ports on the right of a match, or None when they are not understood."""
    right = _elements(right, scope)
    if isinstance(right, dict) and "set" in right:
        right = right["set"]
    return _spans(right if isinstance(right, list) else [right])


def _spans(listed: Iterable[Any]) -> Spans | None:
    made: list[Span] = []
    for one in listed:
        span = _one(one)
        if span is None:
            return None
        made.append(span)
    return spans(made)


def _one(value: Any) -> Span | None:
    value = bare(value)
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
