"""Traces: the tree for the terminal, one line of JSON per session for programs."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console as Terminal
from rich.text import Text

from gatewatch.schema.traces import Step, Trace
from gatewatch.sinks.digest import plural
from gatewatch.sinks.document import encode
from gatewatch.sinks.escape import clip
from gatewatch.sinks.moment import local, zone_info

FORMATS = ("console", "jsonl")
_INK = {"certain": "bold", "likely": "", "possible": "dim"}


def write_trace(trace: Trace, form: str, out: TextIO, *, color: bool, width: int) -> None:
    """Write *trace* as *form*, one of :data:`FORMATS`."""
    if form == "jsonl":
        head = {"type": "trace", "kind": trace.kind, "value": trace.value, "inside": trace.inside, "notes": trace.notes, "zone": trace.zone}
        out.write(encode(head) + "\n")
        out.writelines(encode({"type": "session"} | {name: getattr(step, name) for name in step.__struct_fields__}) + "\n" for step in trace.steps)
        out.writelines(encode({"type": "attempts"} | {name: getattr(one, name) for name in one.__struct_fields__}) + "\n" for one in trace.attempts)
        return
    terminal = Terminal(
        file=out, width=width, force_terminal=color, color_system="standard" if color else None, no_color=not color,
        markup=False, highlight=False, emoji=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    zone = zone_info(trace.zone)
    total = plural(len(trace.steps), "session")
    terminal.print(Text(f"{trace.kind.capitalize()} {clip(trace.value, 80)}: {total}; times are {clip(trace.zone, 40)}", "bold"))
    origin = None
    for step in trace.steps:
        if step.depth == 0 and step.origin != origin:
            origin = step.origin
            terminal.print(Text(clip(origin, 60), "red" if color else ""))
        for text, style in step_lines(step, local(step.start, zone), None if step.end is None else local(step.end, zone)):
            terminal.print(Text("  " * (step.depth + 1) + text, style=style if color else "", overflow="fold"))
    for one in trace.attempts:
        where = f" on {clip(one.host, 60)}" if one.host else ""
        far = "" if one.hop == 0 else f", from {plural(one.hop, 'hop')} inside"
        said = f"{plural(one.count, 'failed logon')}{where}{far}: {local(one.first, zone)} to {local(one.last, zone)} ({clip(one.origin, 60)})"
        terminal.print(Text(said, overflow="fold"))
    if trace.inside:
        terminal.print(Text(f"{plural(trace.inside, 'session')} more of this {trace.kind} came from inside, as far as these logs tell."))
    for note in trace.notes:
        terminal.print(Text(clip(note[:1].upper() + note[1:] + ".", 400), overflow="fold"))


def step_lines(step: Step, start: str, end: str | None) -> list[tuple[str, str]]:
    """Return the lines of a step with their style: who and where, how it was reached and how surely, what was done."""
    who = clip(step.user or "unknown user", 40)
    until = f" to {end}" if end else " (no end seen)"
    lines = [
        (f"{'> ' if step.asked else ''}{start}{until}  {who} on {clip(step.host or 'unknown host', 60)} ({clip(step.service or 'logon', 20)})", "")
    ]
    order = "" if step.order == "certain" else "; order possible, not certain"
    lines.append((f"  hop {step.hop}, {step.confidence}: {clip(step.via, 160)}{order}", _INK.get(step.confidence, "")))
    if step.rivals:
        more = f" and {step.rival_count - len(step.rivals)} more" if step.rival_count > len(step.rivals) else ""
        lines.append((f"  could also be: {', '.join(clip(one, 60) for one in step.rivals)}{more}", "dim"))
    if step.did:
        lines.append((f"  {', '.join(clip(one, 60) for one in step.did)}", ""))
    return lines
