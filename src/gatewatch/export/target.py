"""Targets: the languages a chain can be exported to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gatewatch.detect.chain import Chain, Number
from gatewatch.detect.rule import RuleSet
from gatewatch.errors import UsageError
from gatewatch.export import eql, kql, sigma, spl


@dataclass(frozen=True, slots=True)
class Target:
    """A language: its name, title, the mark of a comment, and what writes it."""

    name: str
    title: str
    mark: str
    write: Callable[[Chain, RuleSet, Number], tuple[str, list[str]]]


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target("sigma", "Sigma rules and correlations", "#", sigma.export),
            Target("eql", "Elastic EQL", "//", eql.export),
            Target("spl", "Splunk SPL", "```", spl.export),
            Target("kql", "Microsoft KQL (Sentinel, Azure Data Explorer)", "//", kql.export),
        )
    }
)


def export(chain: Chain, to: str, rules: RuleSet, number: Number) -> str:
    """Return *chain* in the language *to*, headed by comments that say what it cannot express; *number* resolves tunables.

    UsageError where there is no such language.
    """
    target = TARGETS.get(to)
    if target is None:
        raise UsageError(f"there is no target {to!r}; choose one of {', '.join(TARGETS)}")
    text, losses = target.write(chain, rules, number)
    close = " ```" if target.mark == "```" else ""
    said = [f"{target.mark} not expressed: {loss}{close}" for loss in losses]
    return "\n".join([*said, text])
