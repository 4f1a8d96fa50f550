"""Stages as conditions of a query language: what an event of a stage is, its keys, and its bounds as numbers of seconds."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.detect.chain import Chain, Number, Stage, amount, seconds
from gatewatch.detect.rule import RuleSet
from gatewatch.export.dialect import Dialect, Writer
from gatewatch.export.document import plain


@dataclass(frozen=True, slots=True)
class Step:
    """One stage, ready to be written: ``least`` events (or distinct values) within ``window`` seconds, ``after`` seconds from the step before."""

    name: str
    title: str
    condition: str
    keys: tuple[str, ...]
    least: int
    window: int
    distinct: str | None
    after: int
    anchor: bool
    absent: bool
    within: int


def steps(chain: Chain, rules: RuleSet, number: Number, dialect: Dialect, *, absences: bool = False) -> tuple[list[Step], list[str]]:
    """Return the required stages of *chain* in order, and what of their rules the dialect cannot say.

    With *absences*, also those that must not happen.
    """
    writer = Writer(dialect)
    span = int(seconds(chain.span, number)) if chain.span is not None else 86400
    made: list[Step] = []
    said: list[str] = []
    for stage in chain.stages:
        if stage.optional or (stage.absent and not absences):
            continue
        found = [writer.rule(plain(rules.by_name[name], chain, anchor=stage.anchor)) for name in stage.rules]
        parts = [part for part in found if part is not None]
        said += [f"rule '{rules.by_name[name].title}' cannot be said at all" for name, part in zip(stage.rules, found, strict=True) if part is None]
        condition = writer.either(parts) if parts else "false"
        made.append(_step(chain, stage, condition, number, span))
    return made, [*writer.left_out, *said]


def _step(chain: Chain, stage: Stage, condition: str, number: Number, span: int) -> Step:
    count = stage.count
    return Step(
        name=stage.name.replace("-", "_"),
        title=stage.name,
        condition=condition,
        keys=tuple(stage.alias.get(key, key) for key in chain.by),
        least=1 if count is None else int(amount(count.gte, number)),
        window=span if count is None else int(seconds(count.window, number)),
        distinct=None if count is None else count.distinct,
        after=int(seconds(stage.after, number)) if stage.after is not None else span,
        anchor=stage.anchor,
        absent=stage.absent,
        within=int(seconds(stage.within, number)) if stage.within is not None else 0,
    )


def heading(chain: Chain, mark: str, source: str) -> str:
    """Return the comment that opens a query: what it finds and over which events."""
    return f"{mark} {chain.id}: {chain.title}\n{mark} over {source}; columns are those of the event table of gatewatch\n"
