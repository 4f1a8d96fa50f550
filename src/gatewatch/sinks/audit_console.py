"""The audit on a terminal: mitigations by measures first, then what to mend, gravest first, then what could not be judged."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console as Terminal
from rich.table import Table
from rich.text import Text

from gatewatch.schema.findings import Audit, Finding, MeasureRow, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Mitigation
from gatewatch.schema.records import Disposition
from gatewatch.sinks.audit_sink import WORD, chosen, place
from gatewatch.sinks.console import fit
from gatewatch.sinks.console_style import SEVERITY, block, grid, heading, put, shown
from gatewatch.sinks.digest import plural
from gatewatch.sinks.escape import clip

_STYLE: dict[Status, str] = {
    Status.FAIL: "bold red",
    Status.ERROR: "bold magenta",
    Status.UNKNOWN: "bold yellow",
    Status.MANUAL: "cyan",
    Status.PASS: "green",
    Status.NOT_APPLICABLE: "dim",
}
_COLUMNS = (Status.FAIL, Status.UNKNOWN, Status.MANUAL, Status.PASS, Status.NOT_APPLICABLE)
_LONG = 90
FULL = 30  # findings shown in full without --all


@dataclass(frozen=True, slots=True)
class AuditConsole:
    """Writes the audit for a person at a terminal."""

    name: str = "console"
    title: str = "a readable summary for the terminal"

    def write(self, audit: Audit, out: TextIO, *, color: bool, width: int, everything: bool) -> None:
        """Write *audit*; without *color* not one escape sequence is written."""
        page = io.StringIO()
        terminal = Terminal(
            file=page, width=width, force_terminal=color, color_system="standard" if color else None, no_color=not color,
            markup=False, highlight=False, emoji=False, legacy_windows=False, _environ={},
        )  # fmt: skip
        _head(audit, terminal)
        _measures(audit, terminal)
        _findings(audit, terminal, everything)
        _account(audit, terminal)
        text = page.getvalue() if color else "".join(line.rstrip() + "\n" for line in page.getvalue().splitlines())
        out.write(fit(text, out))


def _head(audit: Audit, terminal: Terminal) -> None:
    failed = list(audit.open())
    line = Text("gatewatch audit", style="bold")
    line.append("  ")
    if failed:
        levels = [(level, sum(1 for one in failed if one.severity is level)) for level in reversed(Severity)]
        line.append(f"{plural(len(failed), 'open finding')}: ", style="bold")
        line.append(Text(", ").join(Text(f"{number} {level}", style=SEVERITY[level]) for level, number in levels if number))
    else:
        line.append("no open finding", style="bold")
    put(terminal, line)
    unknown = sum(1 for one in audit.findings if one.status is Status.UNKNOWN)
    facts = [plural(len(audit.hosts), "host"), plural(len(audit.files), "file"), plural(audit.facts, "fact"), f"as of {audit.today}"]
    put(terminal, shown(" · ".join(facts), "dim"))
    if unknown:
        put(terminal, Text(f"{plural(unknown, 'check')} could not be answered: what to collect is told below.", style="bold yellow"))
    for note in audit.notes:
        put(terminal, Text(clip(note, 400), style="yellow"))


def _measures(audit: Audit, terminal: Terminal) -> None:
    put(terminal)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", expand=False)
    table.add_column("mitigation and measure", overflow="ellipsis", no_wrap=True, max_width=43)
    for status in _COLUMNS:
        table.add_column(WORD[status], justify="right", no_wrap=True)
    for mitigation in Mitigation:
        rows = [row for row in audit.table if row.measure.mitigation is mitigation]
        table.add_row(Text(f"{mitigation} {mitigation.label}", style="bold"), *("" for _ in _COLUMNS))
        for row in rows:
            table.add_row(Text(f"  {row.measure.label}"), *(_count(row, status) for status in _COLUMNS))
    terminal.print(table)


def _count(row: MeasureRow, status: Status) -> Text:
    number = row.counts.get(status, 0)
    if status is Status.FAIL:
        number += row.counts.get(Status.ERROR, 0)
    if not number:
        return Text("-" if row.checks else "no check" if status is Status.FAIL else "", style="dim")
    return Text(f"{number:,}", style=_STYLE[status])


def _findings(audit: Audit, terminal: Terminal, everything: bool) -> None:
    rows = chosen(audit, everything)
    full = [one for one in rows if one.status in {Status.FAIL, Status.ERROR} and not one.waived]
    heading(terminal, "What to mend" if full else "Nothing failed")
    for finding in full if everything else full[:FULL]:
        _finding(finding, terminal)
    if not everything and len(full) > FULL:
        put(terminal, Text(f"  and {len(full) - FULL:,} more: --all shows them, -o csv:FILE or -o html:FILE keeps them", style="dim"))
    unknown = [one for one in rows if one.status is Status.UNKNOWN]
    _short(terminal, "What could not be answered", [one for one in unknown if everything or not one.absent], everything)
    if not everything:
        _absent(terminal, [one for one in unknown if one.absent])
    _short(terminal, "What somebody must say", [one for one in rows if one.status is Status.MANUAL], everything)
    if everything:
        _short(terminal, "Accepted", [one for one in rows if one.waived], everything)
        _short(terminal, "What passed", [one for one in rows if one.status is Status.PASS], everything)
        _short(terminal, "Not applicable", [one for one in rows if one.status is Status.NOT_APPLICABLE and not one.waived], everything)


def _finding(finding: Finding, terminal: Terminal) -> None:
    put(terminal)
    head = Text(finding.severity.upper() if finding.status is Status.FAIL else "ERROR", style=SEVERITY[finding.severity])
    head.append(f" {finding.check} ", style="bold")
    head.append(clip(finding.title, 120))
    put(terminal, head)
    body = grid(0)
    who = " ".join(part for part in (clip(finding.host, 60), f"({clip(finding.subject, 100)})" if finding.subject else "") if part)
    body.add_row(Text("where", style="dim"), shown(f"{who}, {finding.exposure}" if finding.service else who))
    body.add_row(Text("says", style="dim"), shown(clip(finding.message, 400)))
    for where in finding.where[:3]:
        body.add_row(Text("line", style="dim"), shown(f"{clip(place(where), 120)}{': ' if where.quote else ''}{clip(where.quote, 160)}"))
    if finding.value and not any(finding.value in where.quote for where in finding.where):
        body.add_row(Text("value", style="dim"), shown(clip(finding.value, 200)))
    if finding.resolved:
        body.add_row(Text("because", style="dim"), shown(clip(finding.resolved, 200)))
    body.add_row(Text("mend", style="dim"), shown(clip(finding.remediation.text, 400)))
    for line in finding.remediation.snippet.splitlines()[:8]:
        body.add_row("", shown(clip(line, 160), "bold"))
    if finding.remediation.lockout:
        body.add_row(Text("careful", style="bold yellow"), shown(clip(finding.remediation.lockout, 300)))
    body.add_row(Text("maps to", style="dim"), shown(clip(_mappings(finding), 300), "dim"))
    block(terminal, body)


def _mappings(finding: Finding) -> str:
    groups: dict[str, list[str]] = {}
    for one in finding.mappings:
        groups.setdefault(f"{one.catalogue} {one.version}", []).append(one.item)
    measure = finding.measures[0]
    return "; ".join([f"{measure.mitigation} {measure.label}", *(f"{name} {', '.join(items)}" for name, items in groups.items())])


def _short(terminal: Terminal, title: str, findings: list[Finding], everything: bool) -> None:
    if not findings:
        return
    heading(terminal, title)
    table = grid(0)
    groups: dict[str, list[Finding]] = {}
    for one in findings:
        groups.setdefault(one.message, []).append(one)
    for message, members in list(groups.items()) if everything else list(groups.items())[:40]:
        hosts = list(dict.fromkeys(one.host for one in members))
        checks = list(dict.fromkeys(one.check for one in members))
        shown_hosts = ", ".join(hosts[:4]) + (f" and {len(hosts) - 4} more" if len(hosts) > 4 else "")
        told = len(checks) if everything else 7
        left = f" and {len(checks) - told} more" if len(checks) > told else ""
        more = f" (so for {', '.join(checks[1:told])}{left})" if len(checks) > 1 else ""
        table.add_row(shown(checks[0]), shown(f"{clip(shown_hosts, 120)}: {clip(message, 300)}{more}"))
    block(terminal, table)
    if not everything and len(groups) > 40:
        put(terminal, Text(f"  and {len(groups) - 40:,} more: --all shows them", style="dim"))


def _absent(terminal: Terminal, findings: list[Finding]) -> None:
    """Write a line for each product nothing shows, with what most of its checks need; these checks stay unknown in the table."""
    if not findings:
        return
    heading(terminal, "Nothing shows these products; if you have them, bring")
    table = grid(0)
    products: dict[str, list[Finding]] = {}
    for one in findings:
        products.setdefault(one.absent, []).append(one)
    for product, members in products.items():
        wanted = Counter(one.collect for one in members).most_common(1)[0][0].removeprefix(f"{product}: ")  # the first met, of equals
        if len(wanted) > _LONG and "; " in wanted:
            wanted = f"{wanted.partition('; ')[0]}; …"
        table.add_row(shown(f"{product} ({len(members)})"), shown(clip(wanted, 200)))
    block(terminal, table)
    put(terminal, Text(f"  {plural(len(findings), 'check')} of theirs stay unknown in the table; --all tells each", style="dim"))


def _account(audit: Audit, terminal: Terminal) -> None:
    heading(terminal, "Evidence read")
    counts = {fate: sum(1 for one in audit.files if one.disposition is fate) for fate in Disposition}
    put(terminal, Text("  " + " + ".join(f"{number} {fate}" for fate, number in counts.items()) + f" = {plural(len(audit.files), 'file')}"))
    odd = [one for one in audit.files if one.disposition in {Disposition.REJECTED, Disposition.UNRECOGNISED}]
    table = grid(0)
    for one in odd[:20]:
        table.add_row(shown(one.disposition), shown(f"{clip(one.file, 200)}: {clip(one.reason, 300)}"))
    for problem in audit.problems[:20]:
        table.add_row(shown("problem", "bold"), shown(f"{clip(problem.file, 200)}: {clip(problem.what, 300)}"))
    block(terminal, table)
    if len(odd) > 20:
        put(terminal, Text(f"  and {len(odd) - 20:,} more files", style="dim"))
