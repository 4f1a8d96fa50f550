"""Styles and lines of the terminal: the 16 colours every terminal theme defines, and text that wraps under its own indent."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gatewatch.schema.incidents import Severity

SEVERITY: dict[Severity, str] = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold cyan",
    Severity.INFORMATIONAL: "bold",
}
FRAME: dict[Severity, str] = {
    Severity.CRITICAL: "red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFORMATIONAL: "dim",
}
LABEL = "dim"


def put(terminal: Console, line: RenderableType = "") -> None:
    """Print one line; a long one wraps."""
    if isinstance(line, Text):
        line.overflow = "fold"
    terminal.print(line)


def heading(terminal: Console, title: str) -> None:
    """Print a section's title after an empty line."""
    put(terminal)
    put(terminal, Text(title, style="bold"))


def grid(*rigid: int, right: tuple[int, ...] = (), columns: int = 2) -> Table:
    """Return an empty frameless table; the columns numbered in *rigid* never wrap, those in *right* align right."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for number in range(columns):
        table.add_column(no_wrap=number in rigid, overflow="fold", justify="right" if number in right else "left")
    return table


def block(terminal: Console, body: RenderableType) -> None:
    """Print *body* two columns in."""
    terminal.print(Padding(body, (0, 0, 0, 2), expand=False))


def shown(value: str, style: str = "") -> Text:
    """Return *value*, escaped already, as a cell that folds."""
    return Text(value, style=style, overflow="fold")
