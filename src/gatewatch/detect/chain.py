"""Chains: how events must follow each other, one YAML file each, read into frozen structs.

What the fields *mean* is defined in ``docs/explanation/matching.md`` and carried out by :mod:`gatewatch.detect.matcher`.
Durations are a whole number and a unit (``90s``, ``15m``, ``24h``, ``7d``, ``2w``); a duration or a number may also be a
tunable of the site (``$TimeWindow``). They stay as their author wrote them, so that exports can show them;
:func:`seconds` and :func:`amount` give their value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from gatewatch.errors import ContentError
from gatewatch.schema.events import DTYPES
from gatewatch.schema.incidents import Severity
from gatewatch.schema.platform import Platform

Number = Callable[[str], float]
"""Resolves a tunable by name: numbers as they are, durations in seconds."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"([0-9]{1,9})([smhdw])")
_TUNABLE = re.compile(r"\$([A-Za-z][A-Za-z0-9_]*)")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ANALYTIC = re.compile(r"AN[0-9]{4}")
_TECHNIQUE = re.compile(r"T[0-9]{4}(?:\.[0-9]{3})?")
_LISTS = ("false_positives", "blind_spots", "next_steps", "needs")


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often a stage must happen: the weight, or the number of ``distinct`` values, that ``window`` must hold."""

    gte: int | str
    window: str
    distinct: str | None = None


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"either": "or", "alias": "as"}):
    """One stage of a chain; ``rules`` lists the rules of which an event must meet at least one.

    In YAML ``any`` is another name of ``rules``, ``either`` is written ``or`` and ``alias`` is written ``as``.
    """

    name: str
    rules: tuple[str, ...]
    count: Count | None = None
    after: str | None = None
    either: Literal["during-session"] | None = None
    optional: bool = False
    anchor: bool = False
    alias: dict[str, str] = {}
    absent: bool = False
    within: str | None = None

    @property
    def during_session(self) -> bool:
        """Whether the stage may also fall anywhere in the anchor's session."""
        return self.either is not None


class Chain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ordered list of stages that one key (``by``) must go through; ``platform`` restricts the anchor events."""

    id: str
    title: str
    by: tuple[str, ...]
    stages: tuple[Stage, ...]
    severity: dict[str, Severity]
    explanation: str
    analytic: str = ""
    platform: Platform | None = None
    attack: tuple[str, ...] = ()
    span: str | None = None
    confidence: Literal["low", "medium", "high"] = "medium"
    false_positives: tuple[str, ...] = ()
    blind_spots: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def anchor(self) -> Stage:
        """The stage whose events the matches are counted by."""
        return next(stage for stage in self.stages if stage.anchor)

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of all rules the stages name, each once, in the order of the file."""
        return tuple(dict.fromkeys(rule for stage in self.stages for rule in stage.rules))

    @property
    def columns(self) -> tuple[str, ...]:
        """The event columns that matching needs besides time, order, weight and rules, each once."""
        names = [stage.alias.get(key, key) for stage in self.stages for key in self.by]
        names += [stage.count.distinct for stage in self.stages if stage.count is not None and stage.count.distinct]
        if any(stage.during_session for stage in self.stages):
            names += ["host", "session", "origin_session"]
        if self.platform is not None:
            names.append("source")
        return tuple(dict.fromkeys(names))

    @property
    def tunables(self) -> tuple[str, ...]:
        """The names of the tunables the chain asks for, sorted."""
        values: list[int | str | None] = [self.span]
        for stage in self.stages:
            values += [stage.after, stage.within]
            values += [stage.count.gte, stage.count.window] if stage.count is not None else []
        return tuple(sorted({value[1:] for value in values if isinstance(value, str) and value.startswith("$")}))


def seconds(text: str, number: Number) -> float:
    """Return the duration *text* in seconds: ``15m`` is 900, ``$TimeWindow`` is what *number* says.

    >>> seconds("15m", float)
    900.0
    """
    found = _DURATION.fullmatch(text)
    return float(int(found[1]) * _UNITS[found[2]]) if found else float(number(text[1:]))


def amount(value: int | str, number: Number) -> float:
    """Return the number *value*, or what *number* says where it is a tunable."""
    return number(value[1:]) if isinstance(value, str) else value


def load_chain(path: Path) -> Chain:
    """Read the chain file *path*; raise :class:`ContentError` with the path and what is wrong."""
    try:
        raw = yaml.load(path.read_bytes().decode("utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: no UTF-8, or an impossible date
        raise ContentError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(raw, dict):
        raise ContentError(f"{path}: a chain is a mapping")
    try:
        chain = msgspec.convert(_normalise(raw), Chain)
    except (msgspec.ValidationError, ValueError) as error:
        raise ContentError(f"{path}: {error}") from error
    for fault in faults(chain):
        raise ContentError(f"{path}: {fault}")
    if chain.id != path.stem:
        raise ContentError(f"{path}: id {chain.id!r} must equal the file's name {path.stem!r}")
    return chain


def load_chains(folder: Path) -> tuple[Chain, ...]:
    """Read every ``*.yml`` and ``*.yaml`` of *folder*, sorted by id; raise :class:`ContentError` at the first wrong one."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".yml", ".yaml"})
    chains: dict[str, Chain] = {}
    for path in paths:
        chain = load_chain(path)
        if chain.id in chains:
            raise ContentError(f"{path}: id {chain.id!r} is already taken by another file of the folder")
        chains[chain.id] = chain
    return tuple(chains[name] for name in sorted(chains))


def faults(chain: Chain) -> Iterator[str]:
    """Yield what is wrong with *chain* beyond the types of its fields; nothing for a sound one."""
    yield from _chain_faults(chain)
    anchors = [index for index, stage in enumerate(chain.stages) if stage.anchor]
    if len(anchors) != 1:
        yield f"exactly one stage must be the anchor, not {len(anchors)}"
        return
    present = [index for index, stage in enumerate(chain.stages) if not stage.absent]
    for index, stage in enumerate(chain.stages):
        for fault in _stage_faults(chain, stage, first=present[:1] == [index], late=index > anchors[0]):
            yield f"stage {stage.name!r}: {fault}"


def _chain_faults(chain: Chain) -> Iterator[str]:
    names = [stage.name for stage in chain.stages]
    if not _NAME.fullmatch(chain.id):
        yield f"id {chain.id!r} must be words of small letters and digits joined by hyphens"
    if not chain.title.strip() or not chain.explanation.strip():
        yield "title and explanation must say something"
    yield from _key_faults(chain.by)
    if len(set(names)) != len(names):
        yield "two stages have the same name"
    if chain.analytic and not _ANALYTIC.fullmatch(chain.analytic):
        yield f"analytic {chain.analytic!r} is not of the form AN1005"
    for technique in chain.attack:
        if not _TECHNIQUE.fullmatch(technique):
            yield f"attack: {technique!r} is not of the form T1133 or T1021.004"
    if not chain.severity:
        yield "severity must give a level for at least one stage"
    for name in chain.severity:
        if name not in names:
            yield f"severity: there is no stage {name!r}"
    yield from _duration_faults("span", chain.span)


def _key_faults(by: tuple[str, ...]) -> Iterator[str]:
    if not by:
        yield "by must name at least one key"
    for key in by:
        if key not in DTYPES:
            yield f"by: {key!r} is no event column"
    if len(set(by)) != len(by):
        yield "by names a key twice"


def _stage_faults(chain: Chain, stage: Stage, *, first: bool, late: bool) -> Iterator[str]:
    if not _NAME.fullmatch(stage.name):
        yield "name must be words of small letters and digits joined by hyphens"
    if not stage.rules or not all(rule.strip() for rule in stage.rules):
        yield "rules must name at least one rule"
    yield from _duration_faults("after", stage.after)
    yield from _duration_faults("within", stage.within)
    if stage.count is not None:
        yield from _count_faults(stage.count)
    for key, column in stage.alias.items():
        if key not in chain.by:
            yield f"as: {key!r} is not among the keys of by"
        if column not in DTYPES:
            yield f"as: {column!r} is no event column"
    if stage.anchor and stage.optional:
        yield "the anchor cannot be optional"
    if first and stage.after is not None:
        yield "the first stage has nothing to be after"
    if stage.during_session and not late:
        yield "or: during-session is for stages after the anchor"
    if stage.absent and (stage.anchor or stage.count is not None or stage.after is not None or stage.during_session):
        yield "an absence takes neither anchor, count, after nor or"
    if stage.absent != (stage.within is not None):
        yield "absent and within go together"


def _count_faults(count: Count) -> Iterator[str]:
    if isinstance(count.gte, int) and count.gte < 1:
        yield "count.gte must be at least 1"
    if isinstance(count.gte, str) and not _TUNABLE.fullmatch(count.gte):
        yield f"count.gte {count.gte!r} is neither a number nor a $Tunable"
    yield from _duration_faults("count.window", count.window)
    if count.distinct is not None and count.distinct not in DTYPES:
        yield f"count.distinct: {count.distinct!r} is no event column"


def _duration_faults(field: str, text: str | None) -> Iterator[str]:
    if text is not None and not _DURATION.fullmatch(text) and not _TUNABLE.fullmatch(text):
        yield f"{field} {text!r} is neither a duration such as 15m nor a $Tunable"


def _normalise(raw: dict[str, Any]) -> dict[str, Any]:
    """Return *raw* with ``any`` as ``rules`` and single texts as lists."""
    chain = dict(raw)
    for name in _LISTS:
        if isinstance(chain.get(name), str):
            chain[name] = [chain[name]]
    if isinstance(chain.get("stages"), list):
        chain["stages"] = [_normalise_stage(stage) if isinstance(stage, dict) else stage for stage in chain["stages"]]
    return chain


def _normalise_stage(raw: dict[str, Any]) -> dict[str, Any]:
    stage = dict(raw)
    if "any" in stage:
        if "rules" in stage:
            raise ValueError(f"stage {stage.get('name')!r}: rules and any are two names of one field: give one")
        stage["rules"] = stage.pop("any")
    return stage


class _Loader(yaml.CSafeLoader):
    """The safe loader, refusing a key given twice (plain YAML lets the last one win in silence)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"the key {key.value!r} is given twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)
