"""Groups: which cases are one intrusion.

They share an outside address within a day, a session, a door, a guessed password, a connection that a host opened outwards, or a change of a
gateway.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from gatewatch.detect.case import Case
from gatewatch.detect.failure import Ints, micros

NEAR = timedelta(hours=24)

Span = tuple[datetime, datetime]


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
    spans = [(case.first, case.last) for case in standing]
    by_origin: dict[str, list[int]] = {}
    for index, case in enumerate(standing):
        for address in case.addresses:
            by_origin.setdefault(address, []).append(index)
    for indices in by_origin.values():
        for one, other in _neighbours(spans, indices):
            forest.join(one, other)
    groups: dict[int, list[Case]] = {}
    for index, case in enumerate(standing):
        groups.setdefault(forest.find(index), []).append(case)
    stays = {address: _Stays.of(spans, indices) for address, indices in by_origin.items()}
    for case in cases:
        if case.score is None:
            home = _home(case, owners, stays)
            if home is not None:
                groups[forest.find(home)].append(case)
    return [sorted(_since_moved(group), key=_order) for _, group in sorted(groups.items())]


def _since_moved(group: Sequence[Case]) -> list[Case]:
    """Return the cases of a group without what was done, and is no incident by itself, before a session of it moved: that was its owner's."""
    moved = [case.anchor.row for case in group if case.score is not None and "moved" in case.hits]
    return [case for case in group if case.score is not None or not moved or case.access.row >= min(moved)]


def _order(case: Case) -> tuple[int, str]:
    return (case.anchor.row, case.chain.id)


def _links(case: Case) -> Iterable[Hashable]:
    yield from (("session", session) for session in case.sessions)
    yield from (("door", *door) for door in case.doors)
    if case.guessed is not None:
        yield ("guessed", case.guessed)
    yield from (("outbound", event.row) for event in case.hits.get("outbound", ()))
    if case.access.opened:  # where one host went within a day is one thing to ask whoever sits there
        yield ("went out", case.access.host or case.access.src_ip, case.access.time.date())
    yield from (("tampered", event.row) for name in ("exposure", "act") for event in case.hits.get(name, ()) if "gateway-tampered" in event.rules)


def _neighbours(spans: Sequence[Span], indices: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Yield pairs of cases of one address of which the later begins within a day of the end of all before it."""
    ordered = sorted(indices, key=lambda index: (spans[index][0], index))
    end = spans[ordered[0]][1]
    for before, index in pairwise(ordered):
        first, last = spans[index]
        if first - end <= NEAR:
            yield before, index
        end = max(end, last)


@dataclass(frozen=True, slots=True)
class _Stays:
    """The cases of one address: their numbers, and when each begins and ends (microseconds), as columns."""

    indices: Sequence[int]
    first: Ints
    last: Ints

    @classmethod
    def of(cls, spans: Sequence[Span], indices: Sequence[int]) -> _Stays:
        first, last = (np.array([micros(spans[index][end]) for index in indices], np.int64) for end in (0, 1))
        return cls(indices, first, last)

    def near(self, first: datetime, last: datetime) -> int | None:
        """Return the first case that lies within a day of a stretch of time."""
        day = NEAR // timedelta(microseconds=1)
        found = (micros(first) - self.last <= day) & (self.first - micros(last) <= day)
        place = int(found.argmax())
        return self.indices[place] if found[place] else None


def _home(case: Case, owners: Mapping[Hashable, int], stays: Mapping[str, _Stays]) -> int | None:
    for link in _links(case):
        if link in owners:
            return owners[link]
    return stays[case.origin].near(case.first, case.last) if case.origin in stays else None
