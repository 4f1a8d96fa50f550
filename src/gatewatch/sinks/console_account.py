"""The parts below the incidents: who else got in, who only tried, what the logs cover, and what became of every record."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from gatewatch.schema.coverage import Coverage
from gatewatch.schema.incidents import Scan
from gatewatch.schema.records import Disposition
from gatewatch.sinks import digest
from gatewatch.sinks.console_style import LABEL, block, grid, heading, shown
from gatewatch.sinks.digest import plural
from gatewatch.sinks.escape import clip
from gatewatch.sinks.ledger import comer, manner, notable
from gatewatch.sinks.moment import duration, local, zone_info

FEW, SOME = 5, 12


def access(scan: Scan, terminal: Console) -> None:
    """Print how many accesses from outside were accepted, and those worth a look."""
    if not scan.access:
        return
    heading(terminal, f"{plural(len(scan.access), 'access', 'accesses')} accepted from outside")
    zone = zone_info(scan.zone)
    table = grid(0, columns=3)
    for row, times in notable(scan.access)[:FEW]:
        target = f"{clip(row.user or 'unknown user', 32)} on {clip(row.host or 'unknown host', 32)}"
        source = clip(comer(row), 48) + (f" ({clip(row.country, 24)})" if row.country else "")
        said = shown(manner(row))
        if times > 1:
            said.append(f" ({plural(times, 'such access', 'such accesses')})", style=LABEL)
        table.add_row(shown(local(row.time, zone)[:16]), shown(f"{target}\nfrom {source}"), said)
    block(terminal, table)
    if len(scan.access) > FEW:
        block(terminal, Text("all of them: gatewatch access", style="dim"))


def attempts(scan: Scan, terminal: Console) -> None:
    """Print the sources that only failed, as one line."""
    line = digest.attempts_line(scan)
    if line is not None:
        heading(terminal, "Attempts only")
        block(terminal, Text(clip(line, 400)))


def coverage(scan: Scan, terminal: Console) -> None:
    """Print what each log covers and where it is silent."""
    if not scan.coverage:
        return
    heading(terminal, "What the logs cover")
    table = grid(1, 2, 3, right=(2,), columns=5)
    for row in scan.coverage[:SOME]:
        span, gaps = _cover(row, scan.zone)
        table.add_row(shown(clip(row.host or "unknown host", 24)), shown(clip(row.source, 12)), shown(f"{row.events:,}"), span, gaps)
    block(terminal, table)
    if len(scan.coverage) > SOME:
        block(terminal, Text(f"and {len(scan.coverage) - SOME:,} more; the HTML report shows all", style="dim"))


def _cover(row: Coverage, zone_name: str) -> tuple[Text, Text]:
    if row.first is None or row.last is None:
        return shown("no usable time"), shown("")
    zone = zone_info(zone_name)
    span = shown(f"{local(row.first, zone)[:16]} → {local(row.last, zone)[:16]}")
    if row.zone != zone_name:
        span.append(f"\nlog zone {clip(row.zone, 40)}", style="dim")
    if not row.gaps:
        return span, shown("no gap")
    longest = max(row.gaps, key=lambda gap: (gap.end - gap.start, gap.start))
    said = f"{plural(len(row.gaps), 'gap')}, longest {duration(longest.end - longest.start)} ({local(longest.start, zone)[5:16]})"
    return span, shown(said, "yellow")


def unseen(scan: Scan, terminal: Console) -> None:
    """Print what no log given could have shown, and the command that collects it."""
    if not scan.unseen:
        return
    heading(terminal, "What could not have been seen")
    for row in scan.unseen[:FEW]:
        said = shown(f"{clip(row.what, 120)}: {clip(row.why, 160)}")
        said.append(f"\ncollect: {clip(row.collect, 200)}", style="dim")
        block(terminal, said)
    if len(scan.unseen) > FEW:
        block(terminal, Text(f"and {len(scan.unseen) - FEW:,} more; the HTML report lists all", style="dim"))


def totals(scan: Scan, terminal: Console) -> None:
    """Print what became of every record; the four fates add up to the records read."""
    sums = digest.totals(scan)
    heading(terminal, "Records")
    fates = f"{sums.used:,} used + {sums.ignored:,} ignored + {sums.unrecognised:,} unrecognised + {sums.rejected:,} rejected"
    block(terminal, Text(f"{fates} = {sums.read:,} read"))
    if sums.sum != sums.read:
        block(
            terminal,
            Text(f"This does not add up ({sums.sum:,} of {sums.read:,}): a fault of gatewatch, please report it.", style="bold red"),
        )


def problems(scan: Scan, terminal: Console) -> None:
    """Print what was wrong with whole files."""
    if not scan.problems:
        return
    heading(terminal, "Problems")
    table = grid(0)
    for problem in sorted(scan.problems, key=lambda one: (not one.fatal, one))[:SOME]:
        word = shown("not read" if problem.fatal else "read, but", "bold red" if problem.fatal else "yellow")
        said = shown(f"{clip(problem.file, 120)}: {clip(problem.what, 240)}")
        said.append(f" ({clip(problem.fault, 20)})", style=LABEL)
        table.add_row(word, said)
    block(terminal, table)
    if len(scan.problems) > SOME:
        block(terminal, Text(f"and {len(scan.problems) - SOME:,} more", style="dim"))


def clocks(scan: Scan, terminal: Console) -> None:
    """Print backward jumps of clocks."""
    if not scan.clock_faults:
        return
    heading(terminal, "Clock faults: time ran backwards")
    table = grid()
    for fault in scan.clock_faults[:FEW]:
        table.add_row(
            shown(f"{clip(fault.file, 120)}, record {fault.record:,}"), shown(f"{clip(fault.before, 40)} → {clip(fault.after, 40)}")
        )
    block(terminal, table)
    if len(scan.clock_faults) > FEW:
        block(terminal, Text(f"and {len(scan.clock_faults) - FEW:,} more", style="dim"))


def leftovers(scan: Scan, terminal: Console) -> None:
    """Print, briefly, why records were rejected, ignored or unrecognised."""
    table = grid(0)
    for fate in (Disposition.REJECTED, Disposition.UNRECOGNISED, Disposition.IGNORED):
        found = digest.reasons(scan, fate)
        if not found:
            continue
        said = "; ".join(f"{number:,} {_named(source, reason)}" for source, reason, number in found[:FEW])
        more = f"; {len(found) - FEW:,} more kinds" if len(found) > FEW else ""
        table.add_row(shown(fate.value), shown(said + more))
    if table.row_count:
        heading(terminal, "Not used, and why")
        block(terminal, table)
    if any(scan.tallies) and not any(digest.recognised(tally) for tally in scan.tallies):
        programs = scan.extra.get("programs")
        if isinstance(programs, dict) and programs:
            names = ", ".join(f"{clip(str(name), 40)} ({number})" for name, number in list(programs.items())[:SOME])
            block(terminal, Text(f"programs seen: {names}", style="dim"))


def strangers(scan: Scan, terminal: Console) -> None:
    """Print what nothing recognised, with an example and what came closest."""
    if not scan.strangers:
        return
    heading(terminal, "Not recognised, and what came closest")
    table = grid(0, right=(0,))
    for one in scan.strangers[:FEW]:
        said = shown(f"{clip(one.file, 100)}: {clip(one.why, 300)}")
        if one.raw:
            said.append(f"\n{clip(one.raw, 160)}", style="dim")
        table.add_row(shown(f"{one.count:,}"), said)
    block(terminal, table)
    if len(scan.strangers) > FEW:
        block(terminal, Text(f"and {len(scan.strangers) - FEW:,} more kinds; the HTML report shows them", style="dim"))


def _named(source: str, reason: str) -> str:
    said = " ".join(part for part in (clip(source, 30), clip(reason, 80)) if part)
    return said or "of no known kind"
