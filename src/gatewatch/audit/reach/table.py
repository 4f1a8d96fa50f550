"""Table: by which interface a host's routes lead to an address, looked up in the time of a bisection however many routes there are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from gatewatch.audit.reach.match import INNER
from gatewatch.schema.facts.route import Route


class Table:
    """The routes of a host. ``outer``: interfaces that bear an address and lead outside; ``own``: interfaces with the addresses they bear."""

    __slots__ = ("_faces", "_starts", "faces", "outer", "own")

    def __init__(self, routes: Sequence[Route]) -> None:
        """Cut the line where routes begin and end, and find the narrowest of each piece; networks lie within each other or apart."""
        ways: dict[tuple[int, int], set[str]] = {}
        for one in routes:
            ways.setdefault(one.network, set()).add(one.interface)
        self._starts: list[int] = []
        self._faces: list[str | None] = []
        around: list[tuple[int, str | None]] = []  # the ends of the networks we are in, with where they lead
        for (low, high), faces in sorted(ways.items(), key=lambda item: (item[0][0], -item[0][1])):
            self._leave(around, low)
            face = next(iter(faces)) or None if len(faces) == 1 else None
            self._mark(low, face)
            around.append((high, face))
        self._leave(around, None)
        self.faces = frozenset(one.interface for one in routes)
        self.own = tuple(dict.fromkeys((one.interface, one.own) for one in routes if one.own >= 0))
        self.outer = frozenset(face for face, _ in self.own if not face.startswith(INNER))

    def _leave(self, around: list[tuple[int, str | None]], until: int | None) -> None:
        while around and (until is None or around[-1][0] < until):
            end, _ = around.pop()
            self._mark(end + 1, around[-1][1] if around else None)

    def _mark(self, start: int, face: str | None) -> None:
        if self._starts and self._starts[-1] == start:
            self._faces[-1] = face
        else:
            self._starts.append(start)
            self._faces.append(face)

    def leads_by(self, address: int) -> str | None:
        """Return the interface of the narrowest route to *address*; None where none, or several, lead there."""
        at = bisect_right(self._starts, address)
        return self._faces[at - 1] if at else None
