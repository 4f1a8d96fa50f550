"""A time axis that stays readable: long silences are cut out, and the cut is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from markupsafe import Markup

from gatewatch.sinks.moment import aware, duration, localize
from gatewatch.sinks.svg import CHAR, element, label

BREAK = 46.0  # width of a cut-out silence
LEAST = 64.0  # width of the shortest piece
MOST_BREAKS = 3
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000)
DAY = 86400
SIZE = 11


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
    # between two bare instants nothing is gained by cutting
    gain = len(spans) > 2 or any(end > start for start, end in spans)
    for length, at in silences[: MOST_BREAKS if cuts and gain else 0]:
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


@dataclass(frozen=True, slots=True)
class Tick:
    """A round instant of local time on the axis; ``day`` is set on the first of each day."""

    x: float
    text: str
    day: str | None


def ticks(axis: Scale, spacing: float = 74.0) -> list[Tick]:
    """Return the ticks of *axis*, about *spacing* apart; every piece bears at least one."""
    result: list[Tick] = []
    day: date | None = None
    for piece in axis.pieces:
        if piece.cut:
            continue
        step = _step(piece, spacing)
        moments = _instants(piece, step, axis.zone)
        for moment in moments or [piece.start + (piece.end - piece.start) / 2]:
            here = localize(moment, axis.zone)
            whole = step >= DAY and bool(moments)
            fine = step < 60 or not moments
            text = f"{here.day} {here:%b}" if whole else f"{here:%H:%M:%S}" if fine else f"{here:%H:%M}"
            new = here.year != (day and day.year) if whole else here.date() != day
            result.append(Tick(axis.x(moment), text, (str(here.year) if whole else f"{here.day} {here:%b} {here.year}") if new else None))
            day = here.date()
    return result


def _step(piece: Piece, spacing: float) -> int:
    fit = max((piece.x1 - piece.x0) / spacing, 1.0)
    return next((step for step in STEPS if piece.seconds / step <= fit), (int(piece.seconds / fit / DAY) + 1) * DAY)


def _instants(piece: Piece, step: int, zone: tzinfo) -> list[datetime]:
    """Return the instants of *piece* that are round in local time; each day starts anew, so a change of the clock moves no label."""
    begin, end = localize(piece.start, zone), localize(piece.end, zone)
    days = (end.date() - begin.date()).days
    found: set[datetime] = set()
    stride = max(step // DAY, 1)
    for offset in range((-begin.toordinal()) % stride, days + 1, stride):
        # an hour or two early and late, as the clock may change on the day
        low = max(_second(begin) - 7200, 0) // step * step if offset == 0 else 0
        high = min(_second(end) + 7200, DAY) if offset == days else DAY
        midnight = datetime.combine(begin.date() + timedelta(days=offset), time())
        for second in range(low, high, step):
            try:
                moment = (midnight + timedelta(seconds=second)).replace(tzinfo=zone).astimezone(UTC)
            except OverflowError:  # the ends of the calendar
                continue
            if piece.start <= moment <= piece.end:
                found.add(moment)
    return sorted(found)


def _second(moment: datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def axis_marks(axis: Scale, y: float, zone_name: str, *, top: float) -> list[Markup]:
    """Return the axis at *y*: line, ticks, labels, dates and cuts. *top* is where the faint grid lines begin; 34 units hang below *y*."""
    left, right = axis.pieces[0].x0, axis.pieces[-1].x1
    marks = [element("line", x1=piece.x0, x2=piece.x1, y1=y, y2=y, class_="axis") for piece in axis.pieces if not piece.cut]
    for piece in axis.breaks():
        middle = (piece.x0 + piece.x1) / 2
        marks.append(element("path", d=f"M{middle - 5:.1f} {y + 5:.1f}l5 -10M{middle:.1f} {y + 5:.1f}l5 -10", class_="axis"))
        marks.append(label(_roughly(piece.end - piece.start), middle, y + 17, room=80, class_="faint", anchor="middle"))
    free = free_day = left
    for tick in ticks(axis):
        marks.append(element("line", x1=tick.x, x2=tick.x, y1=top, y2=y, class_="gridline"))
        marks.append(element("line", x1=tick.x, x2=tick.x, y1=y, y2=y + 4, class_="axis"))
        half = len(tick.text) * SIZE * CHAR / 2
        place = min(max(tick.x, left + half), right - half)
        if place - half >= free:
            marks.append(element("text", tick.text, x=place, y=y + 17, font_size=SIZE, text_anchor="middle", class_="tick"))
            free = place + half + 4
        if tick.day is not None:
            half = len(tick.day) * SIZE * CHAR / 2
            place = min(max(tick.x, left + half), right - half)
            if place - half >= free_day:
                marks.append(element("text", tick.day, x=place, y=y + 31, font_size=SIZE, text_anchor="middle", class_="day"))
                free_day = place + half + 4
    zone_half = min(len(zone_name), 26) * SIZE * CHAR
    if right - zone_half >= free_day:
        marks.append(label(zone_name, right, y + 31, room=160, class_="faint", anchor="end"))
    return marks


def _roughly(length: timedelta) -> str:
    return " ".join(duration(length).split(" ")[:2])
