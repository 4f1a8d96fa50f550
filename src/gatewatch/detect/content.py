"""Content: the rules and chains that are shipped, and the rules a user names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from gatewatch.detect.chain import Chain, load_chains
from gatewatch.detect.correlation_file import CorrelationSet, load_correlations
from gatewatch.detect.rule import RuleSet, load_rules
from gatewatch.detect.windows_logsource import Decoded
from gatewatch.errors import UsageError

FOLDER = Path(__file__).parents[1] / "content"


@dataclass(frozen=True, slots=True)
class Content:
    """Rules and chains, compiled. ``needed``: the rules that chains name; ``extra``: the names of the user's own rules."""

    rules: RuleSet
    chains: tuple[Chain, ...]
    needed: frozenset[str]
    extra: tuple[str, ...]
    correlations: CorrelationSet | None
    notes: tuple[str, ...]


@cache
def _shipped() -> tuple[RuleSet, tuple[Chain, ...]]:
    return load_rules([FOLDER / "rules"], proven=True), load_chains(FOLDER / "chains")


def load_content(extra: Sequence[Path] = (), decoded: Decoded | None = None) -> Content:
    """Return the shipped content together with the Sigma rules in the files or folders *extra*.

    *decoded*: the Windows events that can occur (:func:`gatewatch.detect.rule.load_rules`). What cannot be compiled is named in ``notes``
    with its reason. UsageError when a path does not exist.
    """
    rules, chains = _shipped()
    for path in extra:
        if not path.exists():
            raise UsageError(f"--rules {path}: there is no such file or folder")
    own: tuple[str, ...] = ()
    notes: list[str] = []
    if extra:
        shipped = set(rules.names)
        rules = load_rules([FOLDER / "rules", *extra], decoded=decoded)
        own = tuple(name for name in rules.names if name not in shipped)
        notes += [f"rule not used: {refusal.path}: {refusal.title}: {refusal.reason}" for refusal in rules.refused]
        dormant = [rule for rule in rules.rules if rule.name in own and rule.dormant]
        notes += [f"rule without a log it could meet: {rule.name}: {rule.dormant}" for rule in dormant]
    needed = frozenset(name for chain in chains for name in chain.rules)
    correlations = load_correlations([FOLDER / "rules", *extra], rules) if extra else None
    if correlations is not None:
        notes += [f"correlation not used: {refusal.path}: {refusal.title}: {refusal.reason}" for refusal in correlations.refused]
        # a correlation may refer to another one, which is no rule
        needed |= frozenset(name for it in correlations.correlations for name in it.rules if name in rules.by_name)
    return Content(rules, chains, needed | frozenset(own), own, correlations, tuple(notes))


def report(content: Content, events: pl.DataFrame) -> list[str]:
    """Return a line for each of the user's rules and correlations: how many of *events* (with rule columns) met it, the first one named.

    Dormant rules are left out: ``notes`` names them.
    """
    said = []
    for name in content.extra:
        if content.rules.by_name[name].dormant:
            continue
        hits = events.filter(pl.col(f"rule:{name}"))
        first = f"; the first is record {hits['record'][0]} of {hits['file'][0]}" if hits.height else ""
        said.append(f"your rule {name}: {hits.height} events{first}")
    if content.correlations is not None:
        fired = content.correlations.evaluate(events)
        said += [f"your correlation {name}: completed {table.height} times" for name, table in sorted(fired.items())]
    return said
