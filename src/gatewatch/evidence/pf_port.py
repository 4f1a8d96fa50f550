"""Ports as pf writes them: single, in lists, and by the signs that compare them.

``port 22``, ``port { ssh, 8000:8080, > 49151 }``, ``port != 25``, ``port 1000 >< 2000`` (between, both ends out), ``port 1000 <> 2000`` (outside).
Reference: pf.conf(5).
"""

from __future__ import annotations

from gatewatch.evidence.address import PORTS, outside, parse_port
from gatewatch.schema.facts.filter import Span, Spans

_SIGNS = frozenset({"=", "!=", "<", ">", "<=", ">=", "!"})
_LAST = PORTS[1]


def ports(words: list[str], at: int) -> tuple[list[Spans | None], int, str]:
    """Return the ports (or the list of them) at *at*, where they end, and why they are not known; empty when they are."""
    if at >= len(words):
        return [None], at, "a port that is missing"
    if words[at] != "{":
        found, at, doubt = _one(words, at)
        return [found], at, doubt
    made: list[Spans | None] = []
    doubts = ""
    at += 1
    while at < len(words) and words[at] != "}":
        if words[at] == ",":
            at += 1
            continue
        found, at, doubt = _one(words, at)
        made.append(found)
        doubts = doubts or doubt
    return made or [None], at + 1, doubts


def _one(words: list[str], at: int) -> tuple[Spans | None, int, str]:
    sign = ""
    while at < len(words) and words[at] in _SIGNS:
        sign += words[at]
        at += 1
    word = words[at] if at < len(words) else ""
    first = parse_port(word)
    at += 1
    if at < len(words) and words[at] in {"><", "<>"} and not sign:
        between, last = words[at], parse_port(words[at + 1] if at + 1 < len(words) else "")
        at += 2
        if first is None or last is None or first[0] >= last[0]:
            return None, at, f"port {word} {between} cannot be told"
        inner = (first[0] + 1, last[0] - 1)
        if between == "<>":
            return outside([(first[0], last[0])], PORTS), at, ""
        return ((inner,) if inner[0] <= inner[1] else ()), at, ""
    if first is None:
        return None, at, f"port {word} cannot be told"
    made = _compared(sign, first)
    return made, at, "" if made is not None else f"port {sign} {word} cannot be told"


def _compared(sign: str, span: Span) -> Spans | None:
    low, high = span
    if sign in {"", "="}:
        return (span,)
    if sign in {"!=", "!"}:
        return outside([span], PORTS)
    found = {"<": (0, low - 1), "<=": (0, low), ">": (high + 1, _LAST), ">=": (high, _LAST)}.get(sign) if low == high else None
    return None if found is None else (found,) if found[0] <= found[1] else ()
