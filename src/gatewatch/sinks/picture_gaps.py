"""What the logs cover, as bars over time with their gaps, and where the incidents fall."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from markupsafe import Markup

from gatewatch.schema.coverage import Coverage
from gatewatch.schema.incidents import Incident
from gatewatch.sinks.digest import plural
from gatewatch.sinks.moment import aware, both, duration, local, zone_info
from gatewatch.sinks.picture_axis import axis_marks
from gatewatch.sinks.picture_scale import Scale, scale
from gatewatch.sinks.svg import element, label, picture

WIDTH = 1160.0
NAMES = 190.0
RIGHT = 1146.0
ROW = 24.0
MOST = 14
MOST_MARKS = 60


def gaps_picture(rows: Sequence[Coverage], incidents: Sequence[Incident], zone_name: str, name: str) -> Markup:
    """Return one bar per source and host, the first :data:`MOST`; gaps are hatched, incidents are lines with a severity's colour."""
    timed = [row for row in rows if row.first is not None and row.last is not None]
    if not timed:
        return Markup("")
    zone = zone_info(zone_name)
    shown = timed[:MOST]
    span = [(row.first, row.last) for row in timed if row.first is not None and row.last is not None]
    axis = scale([(min(first for first, _ in span), max(last for _, last in span))], NAMES, RIGHT, zone, cuts=False)
    low = 20 + len(shown) * ROW
    marks = [_hatch(name), *axis_marks(axis, low + 4, zone_name, top=14)]
    for at, row in enumerate(shown):
        marks += _bar(row, 20 + at * ROW, axis, name, zone)
    marks += [_mark(incident, axis, low + 4) for incident in incidents[:MOST_MARKS]]
    told = "; ".join(_told(row, zone) for row in shown)
    return picture(name, "What the logs cover", told, WIDTH, low + 42, *marks)


def left_out(rows: Sequence[Coverage]) -> int:
    """Return how many rows the picture leaves out."""
    return max(sum(row.first is not None and row.last is not None for row in rows) - MOST, 0)


def _hatch(name: str) -> Markup:
    line = element("line", x1=0, y1=0, x2=0, y2=6, class_="hatch")
    return element(
        "defs",
        element("pattern", line, id=f"{name}-hatch", width=6, height=6, patternUnits="userSpaceOnUse", patternTransform="rotate(45)"),
    )


def _bar(row: Coverage, y: float, axis: Scale, name: str, zone: tzinfo) -> list[Markup]:
    if row.first is None or row.last is None:
        return []
    x0, x1 = axis.x(aware(row.first)), axis.x(aware(row.last))
    marks = [
        label(row.host or "unknown host", 12, y + 12, room=NAMES - 96, size=12, class_="row-name"),
        label(row.source, NAMES - 80, y + 12, room=72, size=12, class_="faint"),
        element("rect", element("title", _told(row, zone)), x=x0, y=y + 2, width=max(x1 - x0, 2.0), height=13, rx=2, class_="cover"),
    ]
    for gap in row.gaps:
        g0, g1 = axis.x(aware(gap.start)), axis.x(aware(gap.end))
        said = f"No record for {duration(gap.end - gap.start)}: {local(gap.start, zone)} to {local(gap.end, zone)}"
        place = {"x": g0, "y": y + 2, "width": max(g1 - g0, 1.5), "height": 13.0}
        marks += [element("rect", class_="gap", **place), element("rect", element("title", said), fill=f"url(#{name}-hatch)", **place)]
    return marks


def _mark(incident: Incident, axis: Scale, y: float) -> Markup:
    x = axis.x(aware(incident.first_seen))
    said = f"{incident.severity}: {incident.title}, {both(incident.first_seen, axis.zone, incident.zone)}"
    return element(
        "g",
        element("title", said),
        element("line", x1=x, x2=x, y1=12, y2=y, class_="when"),
        element("path", d=f"M{x - 5:.1f} 4h10l-5 9z", class_="flag"),
        class_=f"sev-{incident.severity}",
    )


def _told(row: Coverage, zone: tzinfo) -> str:
    if row.first is None or row.last is None:
        return ""
    gaps = plural(len(row.gaps), "gap") if row.gaps else "no gap"
    span = f"{local(row.first, zone)} to {local(row.last, zone)}"
    return f"{row.host or 'unknown host'} {row.source}: {span}, {plural(row.events, 'event')}, {gaps}"
