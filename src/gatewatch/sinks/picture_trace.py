"""A trace as a picture: one row for each session, indented under the one it came through."""

from __future__ import annotations

from markupsafe import Markup

from gatewatch.schema.traces import Step, Trace
from gatewatch.sinks.moment import both, local, zone_info
from gatewatch.sinks.svg import element, label, picture

WIDTH, ROW, MARGIN, INDENT = 640.0, 34.0, 8.0, 22.0
DEEPEST = 10  # columns of indentation; what is deeper stands in the last
MOST = 24  # rows drawn; ``gatewatch trace`` has all


def trace_tree(trace: Trace | None, name: str) -> Markup:
    """Return the picture of *trace*; nothing where nobody went further than the first session."""
    if trace is None or all(step.depth == 0 for step in trace.steps):
        return Markup("")
    steps = trace.steps[:MOST]
    place = {step.session: number for number, step in enumerate(steps)}
    marks = [_branch(step, number, place) for number, step in enumerate(steps)] + [_row(step, number, trace) for number, step in enumerate(steps)]
    told = "; ".join(f"hop {step.hop}: {_who(step)} by {step.via}, {step.confidence}" for step in steps)
    return picture(name, f"Everything that came from {trace.value}", told, WIDTH, len(steps) * ROW + 2 * MARGIN, *marks)


def tree_left(trace: Trace | None) -> int:
    """Return how many sessions the picture leaves out."""
    return max(len(trace.steps) - MOST, 0) if trace is not None else 0


def _who(step: Step) -> str:
    return f"{step.user or 'unknown user'} on {step.host or 'unknown host'}"


def _at(step: Step, number: int) -> tuple[float, float]:
    return MARGIN + 6 + min(step.depth, DEEPEST) * INDENT, MARGIN + number * ROW + 12


def _branch(step: Step, number: int, place: dict[str, int]) -> Markup:
    """The line from the parent's dot down and across to this one's."""
    if step.parent is None or step.parent not in place:
        return Markup("")
    x, y = _at(step, number)
    up = place[step.parent]
    left = x - INDENT if step.depth <= DEEPEST else x - INDENT / 2
    top = MARGIN + up * ROW + 12
    return element("path", d=f"M{left:.1f} {top:.1f}V{y:.1f}H{x:.1f}", class_=f"edge {step.confidence}")


def _row(step: Step, number: int, trace: Trace) -> Markup:
    x, y = _at(step, number)
    zone = zone_info(trace.zone)
    who = _who(step)
    rivals = f" or {', '.join(step.rivals)}" if step.rivals else ""
    said = f"{who}, {both(step.start, zone, trace.zone)}, hop {step.hop}, {step.confidence}: {step.via}{rivals}"
    right = WIDTH - MARGIN - 118
    order = "" if step.order == "certain" else ", order possible"
    return element(
        "g",
        element("title", said),
        element("circle", cx=x, cy=y, r=4.5, class_=f"node {'outside' if step.hop == 0 else 'host'}"),
        label(who, x + 10, y + 4, room=right - x - 14, size=12, class_="node-name"),
        label(local(step.start, zone)[5:], right, y + 4, room=118, class_="faint"),
        label(f"{step.via} ({step.confidence}{order})", x + 10, y + 17, room=WIDTH - MARGIN - x - 14, class_="faint"),
    )
