"""What the rules of clouds have in common: sources as addresses, names or members, protocols, ports; and the packet filters made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gatewatch.evidence.address import outside, parse_port, parse_span, spans
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import LINE, TCP, UDP, Action, Rule, Span, Spans

PRIVATE: Spans = spans(
    span for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7") if (span := parse_span(text)) is not None
)
INTERNET: Spans = outside(PRIVATE, LINE)
PROTOCOLS: dict[str, tuple[int, ...] | None] = {
    "-1": None, "all": None, "*": None, "any": None, "tcp": (TCP,), "udp": (UDP,), "icmp": (1,), "icmpv6": (58,), "esp": (50,), "ah": (51,),
    "sctp": (132,), "ipip": (4,),
}  # fmt: skip
Source = tuple[Spans | None, str]
"""Sources and, where they cannot be decided, in words what they are."""


def protocols(text: object) -> tuple[tuple[int, ...] | None, str]:
    """Return the numbers of a protocol (None: any), and what is not known of it."""
    word = str(text).strip().lower()
    if word in PROTOCOLS:
        return PROTOCOLS[word], ""
    if word.isascii() and word.isdigit() and int(word) < 256:
        return (int(word),), ""
    return None, f"protocol {word[:20]}"


def ranges(texts: Iterable[object]) -> Source:
    """Return the union of address ranges; one that is none makes the whole undecidable."""
    found: list[Span] = []
    odd: list[str] = []
    for text in texts:
        span = parse_span(str(text))
        if span is None:
            odd.append(str(text)[:60])
        else:
            found.append(span)
    return (None, f"source {', '.join(odd)}") if odd else (spans(found), "")


def members(what: str) -> Source:
    """Return the sources of a rule that names members of a group: inner addresses, which of them is not known."""
    return PRIVATE, f"members of {what[:80]}"


def rules(
    where: Where, sources: Iterable[Source], protocol: object, ports: tuple[Spans | None, str], action: Action = Action.ACCEPT
) -> Iterator[Rule]:
    """Yield a rule for each of *sources*."""
    numbers, odd = protocols(protocol)
    doors, unsure = ports
    if numbers is not None and not set(numbers) & {TCP, UDP, 132}:
        doors = None
    for found, doubt in sources:
        yield Rule(
            action, where, sources=found, protocols=numbers, ports=doors, unknown="; ".join(one for one in (doubt, odd, unsure) if one)
        )  # fmt: skip


def port_list(texts: Iterable[object]) -> tuple[Spans | None, str]:
    """Return the union of ports written ``22``, ``8000-9000`` or ``*``; None for any."""
    found: list[Span] = []
    odd: list[str] = []
    for text in texts:
        word = str(text).strip()
        if word in {"*", "", "any"}:
            return None, ""
        span = parse_port(word)
        if span is None:
            odd.append(word[:20])
        else:
            found.append(span)
    return (None, f"ports {', '.join(odd)}") if odd else (spans(found) if found else None, "")


def port_span(low: Any, high: Any, protocol: object) -> tuple[Spans | None, str]:
    """Return the ports between two numbers as AWS gives them; none, or -1, means any."""
    del protocol
    if low is None or high is None or low == -1 or high == -1:
        return None, ""
    try:
        first, last = int(low), int(high)
    except (TypeError, ValueError):
        return None, f"ports {str(low)[:20]}-{str(high)[:20]}"
    return (((first, last),), "") if 0 <= first <= last <= 65535 else (None, f"ports {first}-{last}")


def number(value: Any, last: int = 1 << 30) -> int:
    """Return a number by which rules are ordered; what is none comes last."""
    return value if isinstance(value, int) else last


def items(tree: Any, name: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the objects in the list *name* of an object, with their positions."""
    listed = tree.get(name) if isinstance(tree, dict) else None
    return [(at, one) for at, one in enumerate(listed) if isinstance(one, dict)] if isinstance(listed, list) else []
