"""A time axis that stays readable: long silences are cut out, and the cut is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from markupsafe import Markup

from gatewatch.sinks.moment import aware, duration, localize
from gatewatch.sinks.svg import element, label

BREAK = 46.0  # width of a cut-out silence
LEAST = 64.0  # width of the shortest piece
MOST_BREAKS = 3
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000)
DAY = 86400


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
    silences = sorted(((b[0] - a[1]).total_seconds(), at) for at, (a, b) in enumerate(zip(spans, spans[1:], strict=False)))[::-1]
    chosen: set[int] = set()
    rest = total
    for length, at in silences[: MOST_BREAKS if cuts else 0]:
        if length > 0.4 * rest and length > 120:
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


def ticks(axis: Scale, spacing: float = 74.0) -> list[tuple[float, str, bool]]:
    """Return (x, label, whether a new day begins) in local time; every piece bears at least one."""
    result: list[tuple[float, str, bool]] = []
    day: date | None = None
    for piece in axis.pieces:
        if piece.cut:
            continue
        step = _step(piece, spacing)
        moments = [moment for moment in _instants(piece, step, axis.zone) if piece.start <= moment <= piece.end]
        for moment in moments or [piece.start + (piece.end - piece.start) / 2]:
            here = localize(moment, axis.zone)
            fine = step < 60 or not moments
            clock = f"{here.day} {here:%b}" if step >= DAY and moments else f"{here:%H:%M:%S}" if fine else f"{here:%H:%M}"
            result.append((axis.x(moment), clock, here.date() != day and step < DAY))
            day = here.date()
    return result


def _step(piece: Piece, spacing: float) -> int:
    fit = max((piece.x1 - piece.x0) / spacing, 1.0)
    return next((step for step in STEPS if piece.seconds / step <= fit), STEPS[-1])


def _instants(piece: Piece, step: int, zone: tzinfo) -> list[datetime]:
    """Return the instants of *piece* that are round in local time; each day starts anew, so a change of the clock moves no label."""
    first, last = localize(piece.start, zone).date(), localize(piece.end, zone).date()
    found: list[datetime] = []
    days = (last - first).days
    if step >= DAY:
        stride = step // DAY
        offsets = range((-first.toordinal()) % stride, days + 1, stride)
        return [aware(datetime.combine(first + timedelta(days=offset), time(), zone)) for offset in offsets]
    for offset in range(days + 1):
        today = datetime.combine(first + timedelta(days=offset), time())
        for second in range(0, DAY, step):
            moment = (today + timedelta(seconds=second)).replace(tzinfo=zone).astimezone(UTC)
            if piece.start <= moment <= piece.end:
                found.append(moment)
    return sorted(set(found))


def axis_marks(axis: Scale, y: float, zone_name: str, *, top: float) -> list[Markup]:
    """Return the axis at *y*: line, ticks, labels, dates and cuts. *top* is where the faint grid lines begin."""
    left, right = axis.pieces[0].x0, axis.pieces[-1].x1
    marks = [element("line", x1=piece.x0, x2=piece.x1, y1=y, y2=y, class_="axis") for piece in axis.pieces if not piece.cut]
    for piece in axis.breaks():
        middle = (piece.x0 + piece.x1) / 2
        marks.append(element("path", d=f"M{middle - 7:.1f} {y + 5:.1f}l5 -10M{middle + 2:.1f} {y + 5:.1f}l5 -10", class_="axis"))
        marks.append(label(duration(piece.end - piece.start).rsplit(" ", 2)[0], middle, y + 17, room=80, class_="faint", anchor="middle"))
    free = left
    for x, clock, new_day in _drawn(axis):
        marks.append(element("line", x1=x, x2=x, y1=top, y2=y, class_="gridline"))
        marks.append(element("line", x1=x, x2=x, y1=y, y2=y + 4, class_="axis"))
        half = len(clock) * 11 * 0.29
        place = min(max(x, left + half), right - half)
        if place - half >= free:
            marks.append(element("text", clock, x=place, y=y + 17, font_size=11, text_anchor="middle", class_="tick"))
            free = place + half + 4
            if new_day:
                marks.append(element("text", _day(axis, x), x=place, y=y + 31, font_size=11, text_anchor="middle", class_="day"))
    marks.append(label(zone_name, right, y + 31, room=160, class_="faint", anchor="end"))
    return marks


def _drawn(axis: Scale) -> list[tuple[float, str, bool]]:
    return ticks(axis)


def _day(axis: Scale, x: float) -> str:
    piece = next(piece for piece in axis.pieces if not piece.cut and piece.x0 - 0.01 <= x <= piece.x1 + 0.01)
    share = (x - piece.x0) / (piece.x1 - piece.x0)
    here = localize(piece.start + (piece.end - piece.start) * share + timedelta(milliseconds=500), axis.zone)
    return f"{here.day} {here:%b %Y}"
