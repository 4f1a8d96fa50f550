"""The smallest hitting set, exactly: fewest members, then least effort, then the earliest in the given order.

Sets are bit masks over the members. Whoever contains another set is hit with it; the search branches on the smallest set that is not hit and
gives up where disjoint sets alone ask for more members than the best answer has. It is exponential in the answer's size only, and there are 32
measures.
"""

from __future__ import annotations

from collections.abc import Sequence


def smallest(sets: Sequence[frozenset[int]], cost: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Return the best hitting set of *sets* over members ``0 … len(cost)-1``, ascending, and how many others are as small.

    Best: fewest members, then the least sum of *cost*, then the first in lexicographic order. ValueError when a set is empty: nothing hits it.

    >>> smallest([frozenset({0, 1}), frozenset({1, 2}), frozenset({0, 2})], [3, 1, 1])
    ((1, 2), 2)
    """
    if any(not one for one in sets):
        raise ValueError("an empty set cannot be hit")
    needed = _minimal({sum(1 << member for member in one) for one in sets})
    size = len(_disjoint(needed))
    found: set[int] = set()
    while not found:
        _search(needed, 0, 0, size, found)
        size += 1
    members = [tuple(at for at in range(len(cost)) if mask >> at & 1) for mask in found]
    best = min(members, key=lambda one: (sum(cost[at] for at in one), one))
    return best, len(members) - 1


def _minimal(masks: set[int]) -> tuple[int, ...]:
    """Return the sets that contain no other, smallest first."""
    kept: list[int] = []
    for mask in sorted(masks, key=lambda one: (one.bit_count(), one)):
        if not any(other & mask == other for other in kept):
            kept.append(mask)
    return tuple(kept)


def _disjoint(masks: Sequence[int]) -> list[int]:
    """Return sets that share no member, chosen greedily: each asks for a member of its own."""
    taken, used = [], 0
    for mask in masks:
        if not mask & used:
            taken.append(mask)
            used |= mask
    return taken


def _search(masks: Sequence[int], chosen: int, banned: int, left: int, found: set[int]) -> None:
    """Add every hitting set of *masks* with exactly *left* more members than *chosen* and none of *banned*."""
    unhit = [mask & ~banned for mask in masks if not mask & chosen]
    if not unhit:
        if left == 0:
            found.add(chosen)
        return
    if left == 0 or len(_disjoint(unhit)) > left or not all(unhit):
        return
    branch = min(unhit, key=lambda one: (one.bit_count(), one))
    out = banned
    while branch:
        member = branch & -branch
        branch ^= member
        _search(masks, chosen | member, out, left - 1, found)
        out |= member
