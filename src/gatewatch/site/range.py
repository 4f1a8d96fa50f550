"""Ranges of addresses, looked up by number: nested networks cut into disjoint intervals once, then one bisection per address.

Text is never compared (``2001:db8::/32`` is no prefix of a string) and the interpreter's idea of "private" is never asked.
"""

from __future__ import annotations

import ipaddress
import socket
from bisect import bisect_right
from collections.abc import Iterable
from typing import Generic, TypeVar

V = TypeVar("V")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED = 0xFFFF << 32
_NAT64 = 0x64FF9B << 96
_LOW32 = 0xFFFFFFFF


def parse_network(text: str) -> Network:
    """Return the network *text* names: a CIDR or one address; IPv4-mapped and NAT64 networks become IPv4. ValueError says what is wrong."""
    network = ipaddress.ip_network(text.strip(), strict=False)
    written = ipaddress.ip_address(text.strip().partition("/")[0])
    if written != network.network_address:
        raise ValueError(f"{text!r} has bits set beyond its prefix; did you mean {network}?")
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        start = int(network.network_address)
        if start & ~_LOW32 in {_MAPPED, _NAT64}:
            return ipaddress.IPv4Network((start & _LOW32, network.prefixlen - 96))
    return network


def parse_address(text: str) -> tuple[int, int] | None:
    """Return ``(4 or 6, number)`` of *text*, IPv4-mapped and NAT64 forms as IPv4; None when it is no address."""
    try:
        if ":" not in text:
            return 4, int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
        number = int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
    except (OSError, ValueError):  # ValueError: an embedded NUL or a character that is no ASCII
        return None
    if number & ~_LOW32 in {_MAPPED, _NAT64}:
        return 4, number & _LOW32
    return 6, number


def within(network: Network, version: int, number: int) -> bool:
    """Return whether *network* holds an address given as a number."""
    return network.version == version and int(network.network_address) <= number <= int(network.broadcast_address)


class RangeMap(Generic[V]):
    """Values by network: :meth:`find` gives all that cover an address, the most specific network first, then in the order given."""

    __slots__ = ("_starts", "_values")

    def __init__(self, items: Iterable[tuple[Network, V]]) -> None:
        """Index *items*; of equal networks, the one given first counts as the more specific."""
        spans: dict[int, list[tuple[int, int, int, V]]] = {4: [], 6: []}
        for order, (network, value) in enumerate(items):
            spans[network.version].append((int(network.network_address), int(network.broadcast_address), -order, value))
        self._starts: dict[int, list[int]] = {}
        self._values: dict[int, list[tuple[V, ...]]] = {}
        for version, found in spans.items():
            self._starts[version], self._values[version] = _cut(found)

    def find(self, version: int, number: int) -> tuple[V, ...]:
        """Return the values of every network that covers the address, the most specific first."""
        return self._values[version][bisect_right(self._starts[version], number) - 1]

    def get(self, text: str) -> tuple[V, ...]:
        """Return :meth:`find` of an address as text; empty when it is none."""
        parsed = parse_address(text)
        return self.find(*parsed) if parsed is not None else ()


def _cut(spans: list[tuple[int, int, int, V]]) -> tuple[list[int], list[tuple[V, ...]]]:
    """Cut nested spans ``(first, last, -order, value)`` into disjoint intervals: their starts, and the values that cover each."""
    starts: list[int] = [0]
    values: list[tuple[V, ...]] = [()]
    stack: list[tuple[int, V]] = []

    def mark(start: int) -> None:
        covering = tuple(value for _, value in reversed(stack))
        if starts[-1] == start:
            values[-1] = covering
        else:
            starts.append(start)
            values.append(covering)

    for first, last, _, value in sorted(spans, key=lambda span: (span[0], -span[1], span[2])):
        while stack and stack[-1][0] < first:
            mark(stack.pop()[0] + 1)
        stack.append((last, value))
        mark(first)
    while stack:
        mark(stack.pop()[0] + 1)
    return starts, values
