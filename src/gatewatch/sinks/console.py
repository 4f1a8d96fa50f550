"""The terminal: the responder's first screen, from the verdict down to what could not be read."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console as Terminal
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from gatewatch.schema.incidents import Incident, Scan
from gatewatch.sinks import console_account as account
from gatewatch.sinks.console_control import what_if
from gatewatch.sinks.console_incident import panel
from gatewatch.sinks.console_style import SEVERITY, grid, put, shown
from gatewatch.sinks.digest import file_count, headline, plural, ranked, severities, silence, time_range
from gatewatch.sinks.escape import clip
from gatewatch.sinks.moment import local, utc, zone_info

PANELS = 10  # incidents shown in full; the others get a line each
LINES = 40
_ASCII = str.maketrans(
    {
        "→": ">",
        "─": "-",
        "│": "|",
        "╭": "+",
        "╮": "+",
        "╰": "+",
        "╯": "+",
        "…": "~",
        "×": "x",
        "·": "|",
        "“": '"',
        "”": '"',
        "•": "*",
        "–": "-",
        "●": "*",
    }
)

# the README's picture: a quiet dark terminal
_THEME = TerminalTheme(
    (24, 27, 33),
    (214, 219, 228),
    [(58, 64, 76), (232, 93, 93), (126, 190, 120), (226, 181, 90), (105, 160, 235), (190, 140, 230), (95, 190, 200), (214, 219, 228)],
    [
        (110, 118, 132),
        (255, 122, 122),
        (150, 214, 144),
        (244, 205, 120),
        (138, 186, 250),
        (210, 168, 245),
        (125, 215, 222),
        (250, 250, 250),
    ],
)
_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="gatewatch in a terminal">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px;
line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 16px; font-family: system-ui, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


@dataclass(frozen=True, slots=True)
class Console:
    """Writes the scan for a person at a terminal; 40 columns and up, best from 80."""

    name: str = "console"
    title: str = "a readable summary for the terminal"

    def write(self, scan: Scan, out: TextIO, *, color: bool, width: int) -> None:
        """Write *scan*; without *color* not one escape sequence is written."""
        page = io.StringIO()
        terminal = Terminal(
            file=page, width=width, force_terminal=color, color_system="standard" if color else None, no_color=not color,
            markup=False, highlight=False, emoji=False, legacy_windows=False, _environ={},
        )  # fmt: skip
        show(scan, terminal)
        # padding to the right edge is of use to nobody without colour, and a nuisance in a diff
        text = page.getvalue() if color else "".join(line.rstrip() + "\n" for line in page.getvalue().splitlines())
        out.write(fit(text, out))


def fit(page: str, out: TextIO) -> str:
    """Return *page* with frames and arrows in ASCII where *out* has no Unicode."""
    encoding = getattr(out, "encoding", None) or "utf-8"
    return page if encoding.lower().replace("-", "").startswith("utf") else page.translate(_ASCII)


def console_svg(scan: Scan, width: int = 100, title: str = "gatewatch scan /var/log") -> str:
    """Return the terminal's picture of *scan* as an SVG that loads nothing from anywhere."""
    terminal = Terminal(
        file=io.StringIO(), width=width, force_terminal=True, color_system="standard", record=True,
        markup=False, highlight=False, emoji=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    show(scan, terminal)
    return terminal.export_svg(title=title, theme=_THEME, code_format=_SVG, unique_id="gatewatch")


def show(scan: Scan, terminal: Terminal) -> None:
    """Print *scan* to *terminal*."""
    _head(scan, terminal)
    incidents = ranked(scan.incidents)
    for incident in incidents[:PANELS]:
        put(terminal)
        terminal.print(panel(incident))
    _rest(incidents[PANELS:], terminal)
    for part in (
        what_if,
        account.access,
        account.attempts,
        account.coverage,
        account.unseen,
        account.totals,
        account.problems,
        account.clocks,
        account.leftovers,
        account.strangers,
    ):
        part(scan, terminal)


def _head(scan: Scan, terminal: Terminal) -> None:
    line = Text("gatewatch", style="bold")
    line.append("  ")
    if scan.incidents:
        line.append(f"{plural(len(scan.incidents), 'incident')}: ", style="bold")
        for at, (level, number) in enumerate(severities(scan.incidents)):
            line.append(", " if at else "")
            line.append(f"{number} {level}", style=SEVERITY[level])
    else:
        line.append(headline(scan), style="bold")
    put(terminal, line)
    facts = [plural(scan.records, "record"), plural(file_count(scan), "file")]
    if scan.site:
        facts.append(f"site {clip(scan.site, 40)}")
    span = time_range(scan)
    if span is not None:
        zone = zone_info(scan.zone)
        facts.append(f"{local(span[0], zone)[:16]} → {local(span[1], zone)[:16]} {clip(scan.zone, 40)}")
    fits = cell_len(" · ".join(facts)) <= terminal.width
    put(terminal, shown((" · " if fits else "\n").join([" · ".join(facts[:-1]), facts[-1]]), "dim"))
    for sentence in silence(scan):
        put(terminal, Text(sentence))
    for note in scan.notes:
        put(terminal, Text(clip(note, 400), style="dim"))


def _rest(incidents: list[Incident], terminal: Terminal) -> None:
    if not incidents:
        return
    put(terminal)
    put(terminal, Text(f"{plural(len(incidents), 'further incident')}, in short", style="bold"))
    table = grid()
    for incident in incidents[:LINES]:
        said = shown(f"{utc(incident.first_seen)} UTC  {clip(incident.verdict or incident.title, 300)}")
        said.append(f"  {clip(incident.id, 40)}", style="dim")
        table.add_row(shown(incident.severity.upper(), SEVERITY[incident.severity]), said)
    terminal.print(table)
    if len(incidents) > LINES:
        put(terminal, Text(f"  and {len(incidents) - LINES:,} more: write them with -o jsonl:FILE or -o html:FILE", style="dim"))
