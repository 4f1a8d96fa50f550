"""Controls on a terminal: in an incident's panel, and the table of what each measure would have done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatewatch.schema.control import Breaker, Control, Effect, Standing, WhatIf
from gatewatch.schema.incidents import Incident, Scan
from gatewatch.sinks import remedy
from gatewatch.sinks.console_style import block, grid, heading, shown
from gatewatch.sinks.digest import plural
from gatewatch.sinks.escape import clip

MOST = 5
HOSTS = 3
_LINE = 300


def controls(incident: Incident) -> Iterator[tuple[str, Text | Table]]:
    """Yield the rows of the panel: what was missing, with the fix; what was there and did not cut; what to collect for the rest."""
    missing = remedy.of(incident, Standing.MISSING)
    if missing:
        yield "Missing", _missing(incident)
    present = [one for one in remedy.of(incident, Standing.PRESENT) if one.effect is not Effect.SHOWS]
    if present:
        lines = [f"{remedy.name(one)} ({remedy.place(one)}): {remedy.proof(one)}" for one in present]
        yield "In place", _listed(lines)
    unknown = remedy.of(incident, Standing.UNKNOWN)
    if unknown:
        yield "Unknown", _unknown(unknown)


def _unknown(unknown: Sequence[Control]) -> Text:
    """Say by host what would have cut it and is not judged, and what to collect there; what may have is only counted."""
    cutting = [one for one in unknown if one.effect is Effect.CUTS]
    hosts: dict[str, list[Control]] = {}
    for one in cutting or unknown:
        hosts.setdefault(one.host, []).append(one)
    text = Text(overflow="fold")
    for at, (host, mine) in enumerate(list(hosts.items())[:HOSTS]):
        text.append("\n" if at else "")
        text.append(f"{clip(host or 'a host', 60)}: ", style="bold")
        text.append(clip(", ".join(remedy.labels(mine)), 2 * _LINE))
        text.append(f"\ncollect: {clip('; '.join(remedy.collect(mine)), _LINE)}", style="dim")
    more = len({one.measure for one in unknown} - {one.measure for mine in list(hosts.values())[:HOSTS] for one in mine})
    if len(hosts) > HOSTS or more:
        left = f"{plural(len(hosts) - HOSTS, 'more host')}, " if len(hosts) > HOSTS else ""
        text.append(f"\nand {left}{plural(more, 'measure')} that may have cut or shown it (-o html:FILE)", style="dim")
    return text


def _missing(incident: Incident) -> Table:
    found = remedy.of(incident, Standing.MISSING)
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    told: set[str] = set()
    for one in found[:MOST]:
        said = shown(f"{clip(remedy.name(one), 80)} ", "bold")
        said.append(f"({clip(remedy.place(one), 120)}): {remedy.effect(one)}. Evidence: {clip(remedy.proof(one), _LINE)}", style="not bold")
        if one.fix:
            said.append(f"\nmend: {'as above' if one.fix in told else clip(one.fix, _LINE)}", style="not bold dim")
            told.add(one.fix)
        table.add_row("•", said)
    if len(found) > MOST:
        table.add_row("", shown(f"and {len(found) - MOST} more", "dim"))
    return table


def _listed(lines: list[str]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for line in lines[:MOST]:
        table.add_row("•", shown(clip(line, 2 * _LINE)))
    if len(lines) > MOST:
        table.add_row("", shown(f"and {len(lines) - MOST} more", "dim"))
    return table


def what_if(scan: Scan, terminal: Console) -> None:
    """Print which measure alone would have broken how many incidents, and the smallest sets; nothing when it was not asked."""
    what = scan.what_if
    if what is None:
        return
    heading(terminal, "What each measure alone would have done")
    if not what.incidents:
        block(terminal, Text("no incident, so nothing to break"))
        return
    block(terminal, _table(what))
    note = f"of {plural(len(what.incidents), 'incident')}; broken: a stage could not have come about; kept out: no way in was left;"
    block(terminal, Text(f"{note} proved: the evidence shows the measure missing; maybe: not counted", style="dim"))
    lines = grid(0)
    lines.add_row(shown("smallest set", "bold"), shown(clip(remedy.smallest(what.smallest, what, False), 600)))
    lines.add_row(shown("of mitigations", "bold"), shown(clip(remedy.smallest(what.smallest_mitigations, what, True), 600)))
    if what.unbroken:
        lines.add_row(shown("unbroken", "bold yellow"), shown(f"nothing would surely have broken {clip(', '.join(what.unbroken), 600)}"))
    block(terminal, lines)


def _table(what: WhatIf) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", expand=False)
    table.add_column("measure", overflow="ellipsis", no_wrap=True, max_width=40)
    for title in ("broken", "kept out", "proved", "maybe", "effort"):
        table.add_column(title, justify="right", no_wrap=True)
    for group, members in ((what.mitigations, what.smallest_mitigations.members), (what.measures, what.smallest.members)):
        for one in group:
            table.add_row(*_row(one, one.id in members))
        table.add_section()
    return table


def _row(one: Breaker, chosen: bool) -> tuple[Text, ...]:
    numbers = (len(one.breaks), len(one.entry), len(one.proved), len(one.may))
    cells = [Text(f"{number:,}" if number else "-", style="" if number else "dim") for number in numbers]
    return (Text(f"{clip(one.id, 20)} {clip(one.label, 80)}", style="bold" if chosen else ""), *cells, Text(f"{one.effort}", style="dim"))
