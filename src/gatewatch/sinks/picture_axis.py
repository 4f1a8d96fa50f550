"""The ticks and labels of a time axis, round in local time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from markupsafe import Markup

from gatewatch.sinks.moment import duration, localize
from gatewatch.sinks.picture_scale import Piece, Scale
from gatewatch.sinks.svg import CHAR, element, label

STEPS = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10800,
    21600,
    43200,
    86400,
    172800,
    604800,
    1209600,
    2592000,
    7776000,
    31536000,
)
DAY = 86400
SIZE = 11


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
