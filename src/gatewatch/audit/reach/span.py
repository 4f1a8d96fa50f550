"""The algebra of spans: sets of numbers as sorted, disjoint, closed intervals that do not touch."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, summarize_address_range
from itertools import chain

from gatewatch.schema.facts.filter import SIX, Spans

NOTHING: Spans = ()
_FEW = 32  # times as many spans, from which on a few are put in one by one


def normal(spans: Iterable[tuple[int, int]]) -> Spans:
    """Return *spans*, in any order and overlapping, as a set.

    >>> normal([(5, 9), (0, 2), (3, 4)]), normal([(1, 2), (4, 5)])
    (((0, 9),), ((1, 2), (4, 5)))
    """
    made: list[tuple[int, int]] = []
    low, high = 0, -1  # the span that may still grow: none yet
    for first, last in sorted(spans):
        if first > last:
            continue
        if first <= high + 1 and made:
            if last > high:
                high = last
                made[-1] = (low, high)
        else:
            low, high = first, last
            made.append((first, last))
    return tuple(made)


def join(one: Spans, other: Spans) -> Spans:
    """Return the union."""
    if not one or not other:
        return one or other
    if one == other:
        return one
    few, many = (one, other) if len(one) <= len(other) else (other, one)
    return _spliced(many, few) if len(few) * _FEW < len(many) else normal((*one, *other))


def _spliced(many: Spans, few: Spans) -> Spans:
    made = list(many)
    for low, high in reversed(few):
        start = bisect_left(made, (low, low))
        if start and made[start - 1][1] >= low - 1:
            start -= 1
        end = bisect_left(made, (high + 2, high + 2))
        if start < end:
            made[start:end] = [(min(low, made[start][0]), max(high, made[end - 1][1]))]
        else:
            made.insert(start, (low, high))
    return tuple(made)


def union(parts: Sequence[Spans]) -> Spans:
    """Return the union of sets; what is alone stays as it is."""
    filled = sorted((part for part in parts if part), key=len)
    if not filled:
        return NOTHING
    rest, most = filled[:-1], filled[-1]
    return join(normal(chain.from_iterable(rest)), most)


def meet(one: Spans, other: Spans) -> Spans:
    """Return the intersection.

    >>> meet(((0, 9), (20, 29)), ((5, 22),))
    ((5, 9), (20, 22))
    """
    if len(other) < len(one):
        one, other = other, one
    if len(one) == 1:
        return _within(other, *one[0])
    if not one:
        return NOTHING
    if one == other:
        return one
    made: list[tuple[int, int]] = []
    for first, last in one:
        made += _within(other, first, last)
    return tuple(made)


def _within(one: Spans, low: int, high: int) -> Spans:
    start = bisect_left(one, (low, low))
    if start and one[start - 1][1] >= low:
        start -= 1
    end = bisect_left(one, (high + 1, high + 1))
    if start >= end:
        return ()
    made = list(one[start:end])
    made[0] = (max(made[0][0], low), made[0][1])
    made[-1] = (made[-1][0], min(made[-1][1], high))
    return tuple(made)


def less(one: Spans, other: Spans) -> Spans:
    """Return what is in *one* and not in *other*.

    >>> less(((0, 9),), ((0, 0), (4, 5), (9, 12)))
    ((1, 3), (6, 8))
    """
    if not one or not other:
        return one
    if len(other) * _FEW < len(one) or len(other) == 1:
        for span in other:
            one = _cut(one, *span)
        return one
    if one == other:
        return NOTHING
    made: list[tuple[int, int]] = []
    far = len(other) > _FEW * len(one)  # then the next one is looked up, else it is near
    at, end = 0, len(other)
    for span in one:
        first, last = span
        if far:
            at = max(bisect_left(other, (first, first), at) - 1, at)
        while at < end and other[at][1] < first:
            at += 1
        if at == end or other[at][0] > last:
            made.append(span)
            continue
        while at < end and other[at][0] <= last:
            low, high = other[at]
            if low > first:
                made.append((first, low - 1))
            first = high + 1
            if high > last:
                break
            at += 1
        if first <= last:
            made.append((first, last))
    return tuple(made)


def _cut(one: Spans, low: int, high: int) -> Spans:
    start = bisect_left(one, (low, low))
    if start and one[start - 1][1] >= low:
        start -= 1
    end = bisect_left(one, (high + 1, high + 1), start)
    if start == end:
        return one
    edge: list[tuple[int, int]] = []
    if one[start][0] < low:
        edge.append((one[start][0], low - 1))
    if one[end - 1][1] > high:
        edge.append((high + 1, one[end - 1][1]))
    return (*one[:start], *edge, *one[end:])


def size(spans: Spans) -> int:
    """Return how many numbers *spans* hold."""
    return sum(last - first + 1 for first, last in spans)


def holds(spans: Spans, number: int) -> bool:
    """Return whether *number* is in *spans*."""
    at = bisect_left(spans, (number, number))
    return (at < len(spans) and spans[at][0] == number) or (at > 0 and spans[at - 1][1] >= number)


def of_address(text: str) -> int | None:
    """Return the place of an address on the line of both families, or None when it is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return int(address) + (0 if address.version == 4 else SIX)


def address(number: int) -> IPv4Address | IPv6Address:
    """Return the address at a place on the line."""
    return IPv4Address(number) if number < SIX else IPv6Address(number - SIX)


def shown(spans: Spans, most: int = 12) -> list[str]:
    """Return *spans* of addresses as networks, at most *most*; what is left out is counted.

    >>> shown(((0, 2**32 - 1),)), shown(((2**31, 2**32 - 1),))
    (['0.0.0.0/0'], ['128.0.0.0/1'])
    """
    made: list[str] = []
    for first, last in spans:
        halves = [(first, min(last, SIX - 1))] if first < SIX else []
        halves += [(max(first, SIX), last)] if last >= SIX else []
        for low, high in halves:
            for network in summarize_address_range(address(low), address(high)):
                if len(made) == most:
                    return [*made, "..."]
                made.append(str(network))
    return made
