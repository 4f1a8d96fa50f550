"""A time axis that stays readable: long silences are cut out, and the cut is drawn."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from gatewatch.sinks.moment import aware

BREAK = 46.0  # width of a cut-out silence
LEAST = 64.0  # width of the shortest piece
MOST_BREAKS = 3
MINUTE = 60
DWARFS = 4  # a silence this many times longer than all that happened is cut


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the axis: linear in time, or a silence that was cut out."""

    start: datetime
    end: datetime
    x0: float
    x1: float
    cut: bool = False

    @property
    def seconds(self) -> float:
        """Its length in time."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Scale:
    """Time to x. Times before the first piece or after the last are drawn at the ends."""

    pieces: tuple[Piece, ...]
    zone: tzinfo

    def x(self, moment: datetime) -> float:
        """Return the x of *moment*."""
        for piece in self.pieces:
            if moment <= piece.end:
                share = (moment - piece.start).total_seconds() / piece.seconds if piece.seconds else 0.5
                return piece.x0 + (piece.x1 - piece.x0) * min(max(share, 0.0), 1.0)
        return self.pieces[-1].x1

    def breaks(self) -> list[Piece]:
        """Return the silences cut out."""
        return [piece for piece in self.pieces if piece.cut]


def scale(busy: Iterable[tuple[datetime, datetime]], x0: float, x1: float, zone: tzinfo, *, cuts: bool = True) -> Scale:
    """Return the scale for the stretches *busy* (at least one) between *x0* and *x1*; with *cuts*, long silences between them shrink."""
    spans = _joined(sorted((aware(start), aware(end)) for start, end in busy))
    total = (spans[-1][1] - spans[0][0]).total_seconds()
    active = sum((end - start).total_seconds() for start, end in spans)
    silences = sorted(((b[0] - a[1]).total_seconds(), at) for at, (a, b) in enumerate(itertools.pairwise(spans)))[::-1]
    chosen: set[int] = set()
    rest = total
    # between two bare instants nothing is gained by cutting
    gain = len(spans) > 2 or any(end > start for start, end in spans)
    for length, at in silences[: MOST_BREAKS if cuts and gain else 0]:
        dwarfs = length > DWARFS * active if active > MINUTE else length > 0.6 * rest
        if dwarfs and length > 2 * MINUTE:
            chosen.add(at)
            rest -= length
    groups: list[tuple[datetime, datetime]] = []
    start = spans[0][0]
    for at, span in enumerate(spans):
        if at in chosen:
            groups.append((start, span[1]))
            start = spans[at + 1][0]
    groups.append((start, spans[-1][1]))
    return Scale(tuple(_lay(_padded(groups), x0, x1)), zone)


def _joined(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    result: list[tuple[datetime, datetime]] = []
    for start, end in spans:
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _padded(groups: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Give each group air on both sides, so that nothing sits on an edge; never as much as the silence beside it."""
    whole = sum((end - start for start, end in groups), timedelta())
    result = []
    for at, (start, end) in enumerate(groups):
        air = max((end - start) * 0.05, whole * 0.02, timedelta(seconds=20))
        before = min(air, (start - groups[at - 1][1]) / 4) if at else air
        after = min(air, (groups[at + 1][0] - end) / 4) if at + 1 < len(groups) else air
        result.append((_moved(start, -before), _moved(end, after)))
    return result


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment


def _lay(groups: Sequence[tuple[datetime, datetime]], x0: float, x1: float) -> list[Piece]:
    room = x1 - x0 - BREAK * (len(groups) - 1)
    lengths = [max((end - start).total_seconds(), 1.0) for start, end in groups]
    least = min(LEAST, room / len(groups))
    free = room - least * len(groups)
    at = x0
    pieces = []
    for number, ((start, end), length) in enumerate(zip(groups, lengths, strict=True)):
        if number:
            pieces.append(Piece(groups[number - 1][1], start, at, at + BREAK, cut=True))
            at += BREAK
        wide = least + free * length / sum(lengths)
        pieces.append(Piece(start, end, at, at + wide))
        at += wide
    return pieces
