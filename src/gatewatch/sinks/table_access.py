"""The access ledger on its own: for ``gatewatch access``."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

from rich.console import Console as Terminal
from rich.text import Text

from gatewatch.schema.incidents import Access, Scan
from gatewatch.sinks.console import fit
from gatewatch.sinks.digest import attempts_line, plural, silence
from gatewatch.sinks.document import encode
from gatewatch.sinks.escape import cell, clip
from gatewatch.sinks.ledger import comer, manner
from gatewatch.sinks.moment import iso, local, zone_info

FORMATS = ("console", "jsonl", "csv")


def write_access(scan: Scan, form: str, out: TextIO, *, color: bool, width: int) -> None:
    """Write the accepted accesses of *scan* as *form*, one of :data:`FORMATS`."""
    if form == "jsonl":
        out.writelines(encode(row) + "\n" for row in scan.access)
    elif form == "csv":
        _csv(scan.access, out)
    else:
        _console(scan, out, color=color, width=width)


def _csv(rows: Sequence[Access], out: TextIO) -> None:
    names = Access.__struct_fields__
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in names])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return cell(value)
    if isinstance(value, tuple):
        return cell("; ".join(str(item) for item in value))
    return iso(value) if isinstance(value, datetime) else str(value)


def _console(scan: Scan, out: TextIO, *, color: bool, width: int) -> None:
    zone = zone_info(scan.zone)
    # a ledger can be long: lines are printed as they come, not measured as one table
    terminal = Terminal(
        file=out, width=width, force_terminal=color, color_system="standard" if color else None, no_color=not color,
        markup=False, highlight=False, emoji=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    total = plural(len(scan.access), "access was", "accesses were")
    terminal.print(
        Text(
            f"{total} accepted from outside; times are {clip(scan.zone, 40)}" if scan.access else "No access from outside was accepted.",
            "bold",
        )
    )
    if not scan.access:
        for sentence in silence(scan)[:1]:
            terminal.print(Text(sentence))
    for row in scan.access:
        _print(row, local(row.time, zone), terminal, out, color=color)
    line = attempts_line(scan)
    if line is not None:
        terminal.print()
        terminal.print(Text(clip(line, 400), overflow="fold"))


def _print(row: Access, time: str, terminal: Terminal, out: TextIO, *, color: bool) -> None:
    user, host, source = clip(row.user or "unknown user", 40), clip(row.host or "unknown host", 40), clip(comer(row), 60)
    place = f" ({clip(row.country, 30)})" if row.country else ""
    second = manner(row) + (f" [{', '.join(clip(one, 40) for one in row.incidents)}]" if row.incidents else "")
    if color:
        head = Text.assemble(
            (time, "dim"), "  ", (user, "bold"), f" on {host} from ", (source, "red" if row.incidents else "cyan"), place, overflow="fold"
        )
        terminal.print(head)
        terminal.print(Text(f"  {second}", style="dim", overflow="fold"))
    else:
        out.write(fit(f"{time}  {user} on {host} from {source}{place}\n  {second}\n", out))
