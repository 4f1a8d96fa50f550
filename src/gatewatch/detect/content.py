"""Content: the rules and chains that are shipped, and the rules a user names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gatewatch.detect.chain import Chain, load_chains
from gatewatch.detect.rule import RuleSet, load_rules
from gatewatch.errors import UsageError

FOLDER = Path(__file__).parents[1] / "content"


@dataclass(frozen=True, slots=True)
class Content:
    """Rules and chains, compiled. ``needed``: the rules that chains name; ``extra``: the names of the user's own rules."""

    rules: RuleSet
    chains: tuple[Chain, ...]
    needed: frozenset[str]
    extra: tuple[str, ...]
    notes: tuple[str, ...]


@cache
def _shipped() -> tuple[RuleSet, tuple[Chain, ...]]:
    return load_rules([FOLDER / "rules"]), load_chains(FOLDER / "chains")


def load_content(extra: Sequence[Path] = ()) -> Content:
    """Return the shipped content together with the Sigma rules in the files or folders *extra*.

    What cannot be compiled is named in ``notes`` with its reason. UsageError when a path does not exist.
    """
    rules, chains = _shipped()
    for path in extra:
        if not path.exists():
            raise UsageError(f"--rules {path}: there is no such file or folder")
    own: tuple[str, ...] = ()
    notes: list[str] = []
    if extra:
        shipped = set(rules.names)
        rules = load_rules([FOLDER / "rules", *extra])
        own = tuple(name for name in rules.names if name not in shipped)
        notes += [f"rule not used: {refusal.path}: {refusal.title}: {refusal.reason}" for refusal in rules.refused]
        dormant = [rule for rule in rules.rules if rule.name in own and rule.dormant]
        notes += [f"rule without a log it could meet: {rule.name}: {rule.dormant}" for rule in dormant]
    needed = frozenset(name for chain in chains for name in chain.rules)
    return Content(rules, chains, needed | frozenset(own), own, tuple(notes))
