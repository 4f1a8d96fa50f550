"""An incident's timeline: failures as bars, the acceptance, the session, and the numbered steps that followed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from gatewatch.schema.incidents import Incident, Scan
from gatewatch.sinks import story
from gatewatch.sinks.digest import plural
from gatewatch.sinks.moment import aware, both, duration, local, zone_info
from gatewatch.sinks.picture_axis import axis_marks
from gatewatch.sinks.picture_scale import Scale, scale
from gatewatch.sinks.svg import element, label, picture, text_width

WIDTH, HEIGHT = 640.0, 196.0
LEFT, RIGHT = 14.0, 626.0
TOP, BASE = 34.0, 104.0  # the bars
LANE = 122.0  # the session and its steps
AXIS = 152.0
COLUMNS = 64
LOG_RATIO = 25
MOST_STEPS = 30

Bins = Sequence[tuple[datetime, int]]


def failure_bins(scan: Scan, incident: Incident) -> list[tuple[datetime, int]]:
    """Return (time, failures) of *incident* in order, from ``scan.extra["failure_bins"][id]``; empty where the scan kept none."""
    kept = scan.extra.get("failure_bins")
    rows = kept.get(incident.id, ()) if isinstance(kept, dict) else ()
    return sorted((_moment(time), int(count)) for time, count in rows)


def timeline(incident: Incident, bins: Bins, name: str) -> Markup:
    """Return the picture; *bins* are the failures over time, *name* makes ids unique."""
    zone = zone_info(incident.zone)
    steps = story.steps(incident)[:MOST_STEPS]
    busy = [(stage.time, stage.last) for stage in (*story.attempts(incident), *steps)]
    busy += [(time, time) for time, _ in bins]
    busy += [(moment, moment) for moment in (incident.first_seen, incident.last_seen, incident.accepted) if moment is not None]
    axis = scale(busy, LEFT, RIGHT, zone)
    marks = [*axis_marks(axis, AXIS, incident.zone, top=TOP), *_bars(incident, bins, axis)]
    marks += _session(incident, axis)
    marks += _steps([(stage.time, f"{stage.name}{story.repeated(stage)}: {stage.summary}") for stage in steps], axis, incident)
    if incident.accepted is not None:
        marks += _acceptance(incident, incident.accepted, axis)
    told = [f"{local(stage.time, zone)} {stage.name}{story.repeated(stage)}: {stage.summary}" for stage in incident.stages]
    return picture(name, "Timeline of the incident", ". ".join(told), WIDTH, HEIGHT, *marks)


def _bars(incident: Incident, bins: Bins, axis: Scale) -> list[Markup]:
    spans = story.attempts(incident)
    columns: dict[int, int] = {}
    for time, count in bins:
        at = int((axis.x(time) - LEFT) / (RIGHT - LEFT) * COLUMNS * 2)
        columns[at] = columns.get(at, 0) + count
    marks = []
    if columns:
        peak, least = max(columns.values()), min(columns.values())
        wide = (RIGHT - LEFT) / COLUMNS / 2
        logarithmic = peak > LOG_RATIO * max(least, 1)
        for at, count in sorted(columns.items()):
            share = math.log1p(count) / math.log1p(peak) if logarithmic else count / peak
            high = max(share * (BASE - TOP), 2.0)
            bar = {"x": LEFT + at * wide, "y": BASE - high, "width": wide - 0.6, "height": high}
            marks.append(element("rect", element("title", plural(count, "failure")), class_="bar", **bar))
        piece = next(piece for piece in axis.pieces if bins[0][0] <= piece.end)
        length = duration((piece.end - piece.start) * (wide / (piece.x1 - piece.x0)))
        said = f"{plural(incident.failures, 'failure')}, peak {peak:,} in {length}" + (", log scale" if logarithmic else "")
    elif spans:
        for stage in spans:
            x0, x1 = axis.x(stage.time), axis.x(stage.last)
            told = element(
                "title", f"{plural(stage.count, 'failure')} between {local(stage.time, axis.zone)} and {local(stage.last, axis.zone)}"
            )
            marks.append(element("rect", told, x=x0, y=TOP + 22, width=max(x1 - x0, 3.0), height=BASE - TOP - 22, rx=2, class_="block"))
        said = plural(incident.failures, "failure")
    else:
        return []
    first = min([time for time, _ in bins] or [stage.time for stage in spans])
    room = text_width(said, 11)
    marks.append(label(said, min(axis.x(first), max(RIGHT - room, LEFT)), TOP - 20, room=RIGHT - LEFT, class_="strong"))
    marks.append(element("line", x1=LEFT, x2=RIGHT, y1=BASE, y2=BASE, class_="gridline"))
    return marks


def _session(incident: Incident, axis: Scale) -> list[Markup]:
    if incident.accepted is None:
        return []
    x0 = axis.x(incident.accepted)
    x1 = RIGHT if incident.open else max(axis.x(incident.last_seen), x0 + 4)
    said = story.still_open(incident)
    marks = [
        element(
            "rect",
            element("title", f"Session. Open: {said}"),
            x=x0,
            y=LANE - 6,
            width=max(x1 - x0, 4.0),
            height=12,
            rx=3,
            class_=_session_class(incident),
        )
    ]
    if incident.open:
        marks.append(element("path", d=f"M{RIGHT - 1:.1f} {LANE - 9:.1f}l9 9l-9 9z", class_="open"))
    for piece in axis.breaks():
        middle = (piece.x0 + piece.x1) / 2
        if x0 < middle < x1:
            marks.append(element("path", d=f"M{middle - 5:.1f} {LANE + 8:.1f}l5 -16l5 0l-5 16z", class_="cut"))
    return marks


def _session_class(incident: Incident) -> str:
    return {True: "session is-open", False: "session", None: "session is-unknown"}[incident.open]


def _acceptance(incident: Incident, moment: datetime, axis: Scale) -> list[Markup]:
    x = axis.x(moment)
    said = f"accepted {local(moment, axis.zone)[11:]}"
    right = x + 8 + text_width(said, 11) < RIGHT
    return [
        element(
            "line",
            element("title", f"Accepted {both(moment, axis.zone, incident.zone)}"),
            x1=x,
            x2=x,
            y1=TOP - 12,
            y2=AXIS,
            class_="accept",
        ),
        element("circle", cx=x, cy=LANE, r=5, class_="accept-dot"),
        label(said, x + 6 if right else x - 6, TOP - 4, room=220, class_="accept-text", anchor="start" if right else "end"),
    ]


def _steps(steps: Sequence[tuple[datetime, str]], axis: Scale, incident: Incident) -> list[Markup]:
    """Return numbered dots; those too close to the one before step aside to the right, joined to their place by a line."""
    marks = []
    free = LEFT
    for number, (moment, said) in enumerate(steps, 1):
        true = axis.x(moment)
        x = min(max(true, free), RIGHT - 8 - (len(steps) - number) * 2)
        free = x + 18
        title = element("title", f"{both(moment, axis.zone, incident.zone)}: {said}")
        if x != true:
            marks.append(element("line", x1=true, x2=x, y1=AXIS, y2=LANE, class_="lead"))
        marks.append(element("circle", title, cx=x, cy=LANE, r=8.5, class_="step"))
        marks.append(element("text", str(number), x=x, y=LANE + 4, font_size=11, text_anchor="middle", class_="step-number"))
    return marks


def _moment(value: datetime | str | float) -> datetime:
    if isinstance(value, datetime):
        return aware(value)
    return aware(datetime.fromisoformat(value)) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
