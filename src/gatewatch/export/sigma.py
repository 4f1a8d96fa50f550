"""Sigma: the rules of a chain and correlations over them, as one file of several documents.

A stage that counts is an ``event_count`` or ``value_count``; one that several rules can meet is an ``event_count`` of at least one; the chain is a
``temporal_ordered`` over its stages. A stage that may follow is a second correlation with the level it leads to.
"""

from __future__ import annotations

from typing import Any

from gatewatch.detect.chain import Chain, Number, Stage, amount, seconds
from gatewatch.detect.rule import RuleSet
from gatewatch.export.document import identity, plain, rule_name, written
from gatewatch.export.loss import losses, required

_INSTANT = 1  # second; the shortest window Sigma knows
KEPT = ("optional", "distinct", "window", "origin")


def export(chain: Chain, rules: RuleSet, number: Number) -> tuple[str, list[str]]:
    """Return *chain* as Sigma documents, and what they do not say; *number* resolves tunables."""
    documents: dict[str, dict[str, Any]] = {}
    stages = required(chain)
    later = [stage for stage in chain.stages if stage.optional and not stage.absent and stage.name in chain.severity]
    names: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    for stage in [*stages, *later]:
        for name in stage.rules:
            made = plain(rules.by_name[name], chain, anchor=stage.anchor)
            documents.setdefault(str(made["name"]), made)
        names[stage.name], parts = _step(chain, stage, number)
        found += parts
    found.append(_whole(chain, stages, names, number))
    found += [_whole(chain, [*stages, late], names, number, late) for late in later]
    told = {stage.name for stage in (*stages, *later)}
    left = [f"stage {stage.name}: told in reports only, left out" for stage in chain.stages if not stage.absent and stage.name not in told]
    return written([*documents.values(), *found]), [*losses(chain, kept=KEPT), *left, *_firing(stages)]


def _firing(stages: list[Stage]) -> list[str]:
    if len(stages) < 2:
        return []
    return ["a temporal_ordered correlation also fires at later events of its other rules while its window holds: count those at the last stage only"]


def _step(chain: Chain, stage: Stage, number: Number) -> tuple[str, list[dict[str, Any]]]:
    """Return the name that stands for a stage, and the documents that make it: none where it is one rule."""
    names = [rule_name(name, chain, anchor=stage.anchor) for name in stage.rules]
    if stage.count is None and len(names) == 1:
        return names[0], []
    count = stage.count
    name = f"{chain.id}--{stage.name}"
    condition: dict[str, Any] = {"gte": 1 if count is None else int(amount(count.gte, number))}
    if count is not None and count.distinct is not None:
        condition["field"] = count.distinct
    section: dict[str, Any] = {
        "type": "value_count" if "field" in condition else "event_count",
        "rules": names,
        "group-by": [stage.alias.get(key, key) for key in chain.by],
        "timespan": f"{_INSTANT if count is None else int(seconds(count.window, number))}s",
        "condition": condition,
    }
    title = f"{chain.title}: {stage.name}"
    return name, [{"title": title, "id": identity(name), "name": name, "status": "test", "correlation": section, "level": "informational"}]


def _whole(chain: Chain, stages: list[Stage], names: dict[str, str], number: Number, late: Stage | None = None) -> dict[str, Any]:
    name = chain.id if late is None else f"{chain.id}---{late.name}"
    last = late or max(stages, key=lambda stage: chain.severity[stage.name].rank if stage.name in chain.severity else -1)
    section: dict[str, Any] = {"type": "temporal_ordered" if len(stages) > 1 else "event_count", "rules": [names[stage.name] for stage in stages]}
    section["group-by"] = list(chain.by)
    section["timespan"] = f"{max(_INSTANT, int(_span(chain, stages, number)))}s"
    if len(stages) == 1:
        section["condition"] = {"gte": 1}
    aliases = {
        key: {names[stage.name]: stage.alias.get(key, key) for stage in stages} for key in chain.by if any(key in stage.alias for stage in stages)
    }
    if aliases:
        section["aliases"] = aliases
    return {
        "title": chain.title if late is None else f"{chain.title}, {late.name} seen",
        "id": identity(name),
        "name": name,
        "status": "test",
        "description": chain.explanation.strip(),
        "tags": [f"attack.{technique.lower()}" for technique in chain.attack],
        "correlation": section,
        "falsepositives": list(chain.false_positives),
        "level": str(chain.severity.get(last.name, max(chain.severity.values(), key=lambda level: level.rank))),
    }


def _span(chain: Chain, stages: list[Stage], number: Number) -> float:
    """Return how much time a window must hold: the bounds of all steps, within the span of the chain."""
    whole = seconds(chain.span, number) if chain.span is not None else 0.0
    if len(stages) == 1:
        return _INSTANT
    steps = [seconds(stage.after, number) if stage.after is not None else whole for stage in stages[1:]]
    total = sum(steps)
    return min(total, whole) if whole else total
