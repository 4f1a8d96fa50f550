"""Rules: checks of one setting each, written as data, for services whose settings are named values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, nist
from gatewatch.schema.facts.base import Facts, Setting, Settings
from gatewatch.schema.findings import Mapping, Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

Good = Callable[[str], bool | None]
Skip = Callable[[Settings, Ground], str]
S = TypeVar("S", bound=Settings)


def never(_fact: Settings, _ground: Ground) -> str:
    """Return that nothing is out of question."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The demand that setting ``name`` is ``good``; ``yes`` and ``no`` say what follows, ``skip`` why a service is out of question."""

    id: str
    title: str
    about: str
    measures: tuple[Measure, ...]
    severity: Severity
    name: str
    good: Good
    yes: str
    no: str
    text: str
    snippet: str = ""
    lockout: str = ""
    mappings: tuple[Mapping, ...] = ()
    skip: Skip = never


def one_of(*values: str) -> Good:
    """Return the demand for one of *values*.

    >>> one_of("1")("1"), one_of("1")("0")
    (True, False)
    """
    wanted = frozenset(values)
    return lambda value: value.casefold() in wanted


def between(least: int, most: int) -> Good:
    """Return the demand for a number within bounds; what is no number is not known.

    >>> between(1, 5)("3"), between(1, 5)("0"), between(1, 5)("never")
    (True, False, None)
    """
    return lambda value: least <= int(value) <= most if value.isascii() and value.isdigit() and len(value) < 12 else None


def checks(kind: type[Settings], need: Need, service: str, rules: tuple[Rule, ...], default: tuple[str, ...]) -> tuple[Check, ...]:
    """Return the checks that *rules* declare of settings of *kind*; *default*: controls of NIST SP 800-53 all of them serve."""
    return tuple(
        Check(
            id=rule.id, title=rule.title, about=rule.about, measures=rule.measures, severity=rule.severity, needs=(need,),
            judge=_judge(kind, service, rule), remediation=Remediation(rule.text, rule.snippet, rule.lockout),
            mappings=(*nist(*default), *rule.mappings), services=(service,),
        )
        for rule in rules
    )  # fmt: skip


def merged(facts: Facts, kind: type[S]) -> list[S]:
    """Return one fact of *kind* for each host and scope: what a service itself says counts over what is read from where it keeps it."""
    groups: dict[tuple[str, str], list[S]] = {}
    for fact in facts.of(kind):
        groups.setdefault((fact.host, fact.scope), []).append(fact)
    made: list[S] = []
    for group in groups.values():
        ordered = sorted(group, key=lambda fact: not any(setting.how.startswith("as ") for setting in fact.values))
        values: dict[str, Setting] = {}
        for fact in ordered:
            for setting in fact.values:
                values.setdefault(setting.name, setting)
        made.append(replace(ordered[0], values=tuple(values.values())))
    return made


def _judge(kind: type[Settings], service: str, rule: Rule) -> Callable[[Facts, Ground], Iterator[Verdict]]:
    def criterion(facts: Facts, ground: Ground) -> Iterator[Verdict]:
        for fact in merged(facts, kind):
            out = rule.skip(fact, ground)
            if out:
                yield Verdict(
                    status=Status.NOT_APPLICABLE, host=fact.host, message=out, service=service, subject=fact.scope, where=fact.where[:1],
                    as_of=fact.as_of,
                )  # fmt: skip
                continue
            setting = fact.get(rule.name)
            good = rule.good(setting.value) if setting is not None else None
            said = rule.yes if good else rule.no if good is False else f"{rule.name} is not known"
            yield by_setting(fact, setting, good, said, service=service, subject=fact.scope)

    return criterion
