"""The answer to a question of reach, in words: verdict, exact ranges, deciding rules, and what the evidence does not say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gatewatch.audit.reach.query import Answer
from gatewatch.audit.reach.span import shown, size
from gatewatch.schema.evidence import EvidenceFile
from gatewatch.schema.facts.filter import SIX, Spans
from gatewatch.schema.records import Disposition, Problem

if TYPE_CHECKING:
    from gatewatch.engines.posture import Question

_RULES = 12
_VERDICT = {"yes": "YES", "may": "MAY", "no": "NO"}


def told(answer: Answer, question: Question, files: Sequence[EvidenceFile], problems: Sequence[Problem]) -> str:
    """Return the answer as lines."""
    lines = [f"{_VERDICT[answer.verdict]}  {question.source} -> {answer.host} {answer.protocol}/{answer.port}"]
    for word, spans in (("can", answer.sure), ("may", answer.may)):
        if spans:
            lines.append(f"  {word}: {_count(spans)}")
            networks = shown(spans, 41)
            short = networks if len(networks) <= 12 else [*networks[:11], "..."]
            lines += [f"    {network}" for network in short]
    for note in answer.notes:
        lines.append(f"  unknown: {note}")
    if answer.devices:
        lines.append(f"  devices asked: {', '.join(answer.devices)}")
    if answer.steps:
        lines.append("  decided by:")
    for step in answer.steps[:_RULES]:
        place = f"{step.where.file}:{step.where.line}" if step.where.line else f"{step.where.file} {step.where.pointer}".strip()
        sure = "" if step.sure else f" (cannot be decided: {step.why})" if step.why else " (for some of them)"
        lines.append(f"    {step.action:7s} {place}  {step.where.quote}{sure}".rstrip())
        lines.append(f"            for {_count(step.sources)}: {', '.join(shown(step.sources, 3))}")
    if len(answer.steps) > _RULES:
        lines.append(f"    and {len(answer.steps) - _RULES} more rules")
    bad = [one for one in files if one.disposition in {Disposition.REJECTED, Disposition.UNRECOGNISED}]
    lines += [f"  not read: {one.file}: {one.reason}" for one in bad[:10]]
    lines += [f"  problem: {one.file}: {one.what}" for one in problems[:10]]
    return "\n".join(lines)


def _count(spans: Spans) -> str:
    four = size(tuple((low, min(high, SIX - 1)) for low, high in spans if low < SIX))
    six = any(high >= SIX for _, high in spans)
    return " and ".join(part for part in (f"{four:,} IPv4 addresses" if four else "", "IPv6 addresses" if six else "") if part)
