"""One incident as a panel: what a responder needs before the first phone call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, tzinfo

from rich.box import ROUNDED
from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gatewatch.schema.incidents import Incident, Stage
from gatewatch.sinks import story
from gatewatch.sinks.console_control import controls
from gatewatch.sinks.console_style import FRAME, LABEL, SEVERITY, grid, shown
from gatewatch.sinks.escape import clip
from gatewatch.sinks.moment import local, localize, utc, zone_info

MOST = 5  # items of a list before "and N more"
DEEP = 10  # steps of a path that are set in
TITLE, LINE, RAW = 60, 240, 320


def panel(incident: Incident) -> Panel:
    """Return *incident* as a framed block; every string of it is escaped and clipped."""
    zone = zone_info(incident.zone)
    title = Text.assemble(
        (f" {incident.severity.upper()} ", SEVERITY[incident.severity]), " ", (clip(incident.title, TITLE), "bold"), overflow="ellipsis"
    )
    foot = Text(
        f"{clip(incident.id, 40)} · {clip(incident.chain, 60)} · {clip(incident.confidence, 12)} confidence",
        style="dim",
        overflow="ellipsis",
    )
    facts = grid(0)
    for label, value in _facts(incident, zone):
        facts.add_row(Text(label, style=LABEL), value)
    body = Group(Text(clip(incident.verdict, 600), style="bold", overflow="fold"), Text(), facts)
    return Panel(
        body,
        box=ROUNDED,
        title=title,
        title_align="left",
        subtitle=foot,
        subtitle_align="right",
        border_style=FRAME[incident.severity],
        expand=True,
    )


def _facts(incident: Incident, zone: tzinfo) -> Iterable[tuple[str, Text | Table]]:
    yield "Who", shown(clip(story.who(incident), LINE))
    yield "Where", shown(clip(story.where(incident), LINE))
    yield "When", _when(incident, zone)
    yield "How", shown(clip(story.turn(incident, zone), LINE))
    yield "Open", shown(story.still_open(incident), "bold red" if incident.open else "")
    steps = story.steps(incident)
    if steps:
        yield "Onward" if incident.accepted else "Then", _lines(_step(step, incident, zone) for step in steps)
    if incident.path:
        yield "Path", _path(story.trail(incident.path))
    if incident.why:
        yield "Why", _why(incident)
    unseen = story.doubts(incident)
    yield "Not seen", _lines(unseen) if unseen else shown("nothing known to be missing")
    first = story.first_record(incident)
    if first is not None:
        yield "Record", _record(first.file, first.record, first.raw)
    yield "Contain", _lines(incident.contain, numbered=True) if incident.contain else shown("no step is known for this chain")
    yield from controls(incident)


def _path(rows: Sequence[tuple[int, str]]) -> Table:
    table = Table(box=None, show_header=False, padding=0, pad_edge=False)
    table.add_column(overflow="fold")
    for depth, text in rows[: 3 * MOST]:
        table.add_row(Padding(shown(clip(text, LINE)), (0, 0, 0, 2 * min(depth, DEEP))))
    if len(rows) > 3 * MOST:
        table.add_row(shown(f"and {len(rows) - 3 * MOST} more", "dim"))
    return table


def _step(step: Stage, incident: Incident, zone: tzinfo) -> str:
    same = localize(step.time, zone).date() == localize(incident.first_seen, zone).date()
    return f"{local(step.time, zone)[11 if same else 5 :]}  {step.name}{story.repeated(step)}: {step.summary}"


def _when(incident: Incident, zone: tzinfo) -> Text:
    said = f"{story.between(incident, zone)} {clip(incident.zone, 40)}"
    if local(incident.first_seen, zone) == utc(incident.first_seen):
        return shown(f"{story.between(incident, zone)} UTC")
    return shown(f"{said}\n{story.between(incident, UTC)} UTC")


def _why(incident: Incident) -> Text | Table:
    scored = story.reasons(incident)
    if not scored:
        return shown("by its chain alone; no factor scored")
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(ratio=1, overflow="fold")
    for score, name, notes in scored[: 2 * MOST]:
        said = shown(clip(name, 80))
        if notes:
            left = f", {len(notes) - 2} more" if len(notes) > 2 else ""
            said.append(f" ({', '.join(clip(note, 120) for note in notes[:2])}{left})", style="dim")
        table.add_row(Text(f"{score:+d}", style="bold"), said)
    if len(scored) > 2 * MOST:
        table.add_row("", shown(f"and {len(scored) - 2 * MOST} more", "dim"))
    return table


def _lines(items: Iterable[str], *, numbered: bool = False) -> Table:
    values = list(items)
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for number, value in enumerate(values[:MOST], 1):
        table.add_row(f"{number}." if numbered else "•", shown(clip(value, LINE)))
    if len(values) > MOST:
        table.add_row("", shown(f"and {len(values) - MOST} more", "dim"))
    return table


def _record(file: str, record: int, raw: str) -> Text:
    text = shown(f"{clip(file, 120)}, record {record:,}\n", "dim")
    text.append(clip(raw, RAW) if raw else "(a binary record)", style="default not dim")
    return text
