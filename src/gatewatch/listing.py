"""Lists of what gatewatch knows: sources, rules, chains, tunables, framings, outputs."""

from __future__ import annotations

from collections.abc import Callable

from gatewatch import app
from gatewatch.detect.content import load_content
from gatewatch.errors import UsageError
from gatewatch.schema.records import Framing
from gatewatch.sources.pattern import PatternSource
from gatewatch.sources.registry import SOURCES
from gatewatch.sources.windows import WindowsSource


def _sources(_config: str | None) -> list[str]:
    rows = []
    for source in SOURCES:
        if isinstance(source, WindowsSource):
            rows.append(f"{source.name:18s} {source.title} ({len(source.ids)} event ids; channels: {', '.join(source.channels)})")
            continue
        patterns = f"{len(source.patterns)} messages" if isinstance(source, PatternSource) else "its own format"
        rows.append(f"{source.name:18s} {source.title} ({patterns}; programs: {', '.join(source.programs) or 'any'})")
    return rows


def _rules(_config: str | None) -> list[str]:
    return [f"{rule.name:24s} {rule.level or '-':14s} {rule.title}" for rule in load_content().rules.rules]


def _chains(_config: str | None) -> list[str]:
    rows = []
    for chain in load_content().chains:
        stages = " -> ".join(f"[{stage.name}]" if stage.optional else stage.name for stage in chain.stages)
        rows.append(f"{chain.id:36s} {chain.analytic or '-':7s} {stages}, by {', '.join(chain.by)}")
    return rows


def _tunables(config: str | None) -> list[str]:
    rows = []
    for setting in app.find_site([], config).list_tunables():
        tunable = setting.tunable
        rows.append(f"{tunable.name:26s} {setting.value!s:20s} {tunable.text}")
        rows += [f"{'':26s} {value!s:20s} where {where} (line {line})" for where, value, line in setting.overrides]
    return rows


def _framings(_config: str | None) -> list[str]:
    return [str(framing) for framing in Framing if framing is not Framing.UNKNOWN]


def _outputs(_config: str | None) -> list[str]:
    from gatewatch.sinks.registry import SINKS  # noqa: PLC0415

    return [f"{sink.name:10s} {sink.title}" for sink in SINKS]


def _checks(_config: str | None) -> list[str]:
    from gatewatch.audit.registry import CHECKS  # noqa: PLC0415

    return [f"{check.id:14s} {check.severity:14s} {check.title}" for check in sorted(CHECKS, key=lambda one: one.id)]


def _evidence(_config: str | None) -> list[str]:
    from gatewatch.evidence.registry import EVIDENCE  # noqa: PLC0415

    return [f"{form.name:18s} {form.title}; {form.collect}" for form in EVIDENCE]


LISTS: dict[str, Callable[[str | None], list[str]]] = {
    "sources": _sources,
    "checks": _checks,
    "evidence": _evidence,
    "rules": _rules,
    "chains": _chains,
    "tunables": _tunables,
    "framings": _framings,
    "outputs": _outputs,
}


def listing(what: str, *, config: str | None = None) -> str:
    """Return the list *what* as lines of text; UsageError when there is no such list."""
    if what not in LISTS:
        raise UsageError(f"there is no list {what!r}; choose one of {', '.join(LISTS)}")
    return "\n".join(LISTS[what](config))
