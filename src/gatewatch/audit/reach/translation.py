"""Translation: where a connection to an address and port goes, and by which it comes to a given one.

Of several ports the kernel keeps the one that was asked for where it is among them, else it takes any; appliances send the nth to the nth
(:attr:`~gatewatch.schema.facts.filter.Nat.shift`). Reference: nf_nat_core of Linux (``get_unique_tuple``), nft(8), iptables-extensions(8).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from gatewatch.audit.reach.span import holds, meet, size
from gatewatch.schema.facts.filter import Nat, Rule, Spans

_MOST = 24  # ports asked of one range; the rules tell few apart
_ALL: Spans = ((0, 65535),)


def goes_to(rule: Rule, nat: Nat, address: int | None, port: int) -> tuple[Spans | None, Spans]:
    """Return the addresses (None: the device's, or whatever it was) and the ports that a connection to *address* and *port* may go to."""
    addresses = nat.addresses
    if addresses is not None and nat.shift and address is not None and rule.destinations is not None:
        addresses = _nth(rule.destinations, address, addresses) or addresses
    if nat.ports is None:
        return addresses, ((port, port),)
    if nat.shift and rule.ports is not None:
        return addresses, _nth(rule.ports, port, nat.ports) or nat.ports
    return addresses, ((port, port),) if any(low <= port <= high for low, high in nat.ports) else nat.ports


def comes_by(rule: Rule, nat: Nat, address: int, port: int, edges: Sequence[int]) -> list[tuple[int | None, int]]:
    """Return the addresses (None: any) and ports by which a translation may lead to *address* and *port*, one of each class of ports."""
    entrances: list[int | None] = [first for first, _ in rule.destinations] if rule.destinations else [None]
    if nat.shift and rule.destinations and nat.addresses is not None:
        back = _nth(nat.addresses, address, rule.destinations)
        entrances = [back[0][0]] if back is not None else entrances
    asked = rule.ports if rule.ports is not None else _ALL
    if nat.ports is None:
        ports = [port] if holds(asked, port) else []
    elif nat.shift and rule.ports is not None and (inner := _nth(nat.ports, port, rule.ports)) is not None:
        ports = [inner[0][0]]
    elif size(nat.ports) > 1 and holds(asked, port):
        ports = [port]  # kept as it is; by any other one it would be a matter of chance
    else:
        ports = classes(asked, edges) if rule.ports is not None else [port]
    return [(entrance, one) for entrance in entrances for one in ports]


def classes(spans: Spans, edges: Sequence[int]) -> list[int]:
    """Return one port of every class that rules tell apart within *spans*, from the first on; at most a few."""
    made: dict[int, None] = {}
    for low, high in spans:
        made[low] = None
        made.update(dict.fromkeys(edges[bisect_right(edges, low) : bisect_left(edges, high + 1)][:_MOST]))
    return list(made)[:_MOST]


def told_apart(spans: Spans, edges: Sequence[int]) -> bool:
    """Return whether rules tell more ports within *spans* apart than are asked of."""
    return sum(1 + bisect_left(edges, high + 1) - bisect_right(edges, low) for low, high in spans) > _MOST


def shifted_edges(rule: Rule, nat: Nat, edges: Sequence[int]) -> list[int]:
    """Return where ports fare differently because those they are translated to, or come from, do."""
    if not nat.shift or rule.ports is None or nat.ports is None or size(rule.ports) != size(nat.ports):
        return []
    made: list[int] = []
    for outer, inner in ((rule.ports, nat.ports), (nat.ports, rule.ports)):
        inside = [edge for edge in edges if meet(outer, ((edge, edge),))]
        made += [back[0][0] for edge in inside if (back := _nth(outer, edge, inner)) is not None]
    return made


def _nth(outer: Spans, number: int, inner: Spans) -> Spans | None:
    """Return the number in *inner* that stands where *number* stands in *outer*; None where they do not hold the same count of numbers."""
    if size(outer) != size(inner):
        return None
    place = 0
    for low, high in outer:
        if low <= number <= high:
            place += number - low
            break
        place += high - low + 1
    else:
        return None
    for low, high in inner:
        if place <= high - low:
            return ((low + place, low + place),)
        place -= high - low + 1
    return None
