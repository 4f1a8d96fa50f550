"""What each measure alone would have broken, as bars: proved to be missing, not known, and perhaps."""

from __future__ import annotations

from markupsafe import Markup

from gatewatch.schema.control import Breaker, WhatIf
from gatewatch.sinks.digest import plural
from gatewatch.sinks.svg import element, label, picture

WIDTH, NAMES, RIGHT = 1160.0, 400.0, 1010.0
ROW, TOP = 26.0, 34.0
MOST = 32


def what_if_picture(what: WhatIf, name: str) -> Markup:
    """Return a bar per measure; the longest possible is all incidents. Members of the smallest set bear a dot; nothing without incidents."""
    rows = what.measures[:MOST]
    if not rows or not what.incidents:
        return Markup("")
    total = len(what.incidents)
    unit = (RIGHT - NAMES) / total
    low = TOP + len(rows) * ROW
    marks = [*_axis(total, unit, low), *_legend()]
    for at, row in enumerate(rows):
        marks += _bar(row, TOP + at * ROW, unit, total, row.id in what.smallest.members)
    told = "; ".join(f"{row.id} {row.label} breaks {len(row.breaks)} of {total}, {len(row.may)} more perhaps" for row in rows)
    return picture(name, "What each measure alone would have broken", told, WIDTH, low + 26, *marks)


def _axis(total: int, unit: float, low: float) -> list[Markup]:
    step = max(1, -(-total // 10))
    marks = []
    for number in range(0, total + 1, step):
        x = NAMES + number * unit
        marks.append(element("line", x1=x, y1=TOP - 6, x2=x, y2=low, class_="gridline"))
        marks.append(label(f"{number:,}", x, low + 15, room=60, class_="tick", anchor="middle"))
    return marks


def _legend() -> list[Markup]:
    marks: list[Markup] = []
    x = NAMES
    for kind, words in (("missing", "proved to be missing"), ("unjudged", "not known"), ("perhaps", "perhaps")):
        marks.append(element("rect", x=x, y=8, width=14, height=11, class_=f"broken {kind}"))
        marks.append(label(words, x + 20, 18, room=200))
        x += 30 + 8 * len(words)
    marks.append(element("circle", cx=x + 6, cy=14, r=5, class_="accept-dot"))
    marks.append(label("in the smallest set", x + 18, 18, room=200))
    return marks


def _bar(row: Breaker, y: float, unit: float, total: int, chosen: bool) -> list[Markup]:
    marks = [label(f"{row.id} {row.label}", 18, y + 15, room=NAMES - 30, size=12, class_="strong" if chosen else "")]
    if chosen:
        marks.append(element("circle", cx=8, cy=y + 11, r=5, class_="accept-dot"))
    parts = (("missing", len(row.proved)), ("unjudged", len(row.breaks) - len(row.proved)), ("perhaps", len(row.may)))
    at = NAMES
    for kind, number in parts:
        if number:
            title = element("title", f"{plural(number, 'incident')}: {kind}")
            marks.append(element("rect", title, x=at, y=y + 3, width=number * unit, height=ROW - 9, class_=f"broken {kind}"))
            at += number * unit
    said = f"{len(row.breaks)} of {total}" + (f", {len(row.may)} perhaps" if row.may else "")
    marks.append(label(said, at + 8, y + 15, room=WIDTH - at - 10, class_="faint"))
    return marks
