"""Groups: which cases are one intrusion.

They share an outside address within a day, a session, a door, a connection that a host opened outwards, or a change of a gateway.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import timedelta
from itertools import pairwise

from gatewatch.detect.case import Case

NEAR = timedelta(hours=24)


class _Forest:
    """Disjoint sets of the numbers below *size*."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, item: int) -> int:
        while self._parent[item] != item:
            self._parent[item] = self._parent[self._parent[item]]
            item = self._parent[item]
        return item

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.find(one), self.find(other)))
        self._parent[high] = low


def connect(cases: Sequence[Case]) -> list[list[Case]]:
    """Return the groups of connected cases that hold an incident, each in the order of *cases*.

    Cases that are no incident by themselves join the group they touch; they never bridge two groups.
    """
    standing = [case for case in cases if case.score is not None]
    forest = _Forest(len(standing))
    owners: dict[Hashable, int] = {}
    for index, case in enumerate(standing):
        for link in _links(case):
            forest.join(owners.setdefault(link, index), index)
    by_origin: dict[str, list[int]] = {}
    for index, case in enumerate(standing):
        for address in case.addresses:
            by_origin.setdefault(address, []).append(index)
    for indices in by_origin.values():
        for one, other in _neighbours(standing, indices):
            forest.join(one, other)
    groups: dict[int, list[Case]] = {}
    for index, case in enumerate(standing):
        groups.setdefault(forest.find(index), []).append(case)
    for case in cases:
        if case.score is None:
            home = _home(case, standing, owners, by_origin)
            if home is not None:
                groups[forest.find(home)].append(case)
    return [sorted(group, key=_order) for _, group in sorted(groups.items())]


def _order(case: Case) -> tuple[int, str]:
    return (case.anchor.row, case.chain.id)


def _links(case: Case) -> Iterable[Hashable]:
    yield from (("session", session) for session in case.sessions)
    yield from (("door", *door) for door in case.doors)
    yield from (("outbound", event.row) for event in case.hits.get("outbound", ()))
    yield from (("tampered", event.row) for name in ("exposure", "act") for event in case.hits.get(name, ()) if "gateway-tampered" in event.rules)


def _neighbours(cases: Sequence[Case], indices: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Yield pairs of cases of one address of which the later begins within a day of the end of all before it."""
    ordered = sorted(indices, key=lambda index: (cases[index].first, index))
    end = cases[ordered[0]].last
    for before, index in pairwise(ordered):
        if cases[index].first - end <= NEAR:
            yield before, index
        end = max(end, cases[index].last)


def _home(case: Case, standing: Sequence[Case], owners: dict[Hashable, int], by_origin: dict[str, list[int]]) -> int | None:
    for link in _links(case):
        if link in owners:
            return owners[link]
    for index in by_origin.get(case.origin, ()):
        if case.first - standing[index].last <= NEAR and standing[index].first - case.last <= NEAR:
            return index
    return None
