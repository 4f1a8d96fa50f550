"""Scenarios: stories of intrusions as TOML, one file each, so that a detection engineer adds one without Python.

A file has actors (who takes part), steps (what they do, in order), levels (loud, careful and slow: what a step's ``$name`` stands for) and variants
(the same again, with other values). It is read strictly: an unknown key or step, an impossible time, an actor or session that nobody defined are
refused with file, line and reason.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewatch.errors import UsageError
from gatewatch.lab.moment import SECOND
from gatewatch.lab.step import STEPS, Verb
from gatewatch.site.line import find_lines, line_of
from gatewatch.site.suggestion import did_you_mean

HERE = Path(__file__).parent / "scenarios"
LEVELS = ("loud", "careful", "slow")
KINDS = {
    "outsider": {"network", "country", "addresses"},
    "account": {"role", "new"},
    "host": {"role"},
    "gateway": {"role"},
    "provider": set[str](),
    "cluster": set[str](),
}
NETWORKS = ("residential", "mobile", "hosting")
ROLES = ("staff", "shift", "developer", "admin", "contractor", "service")
PLACES = (
    "ssh",
    "jump",
    "build",
    "server",
    "database",
    "terminal",
    "winserver",
    "file",
    "controller",
    "mac",
    "docker",
    "kube",
    "any",
    "citrix",
    "contractors",
    "staff",
)
CHANGES = ("portal", "user", "logging")
ANALYTICS = ("AN1004", "AN1005", "AN1006", "AN1007")
_TOP = {"id", "title", "analytic", "entry", "attack", "story", "reported", "actors", "steps", "levels", "variants"}
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_MEASURE = re.compile(r"M10\d\d")
_TECHNIQUE = re.compile(r"T1\d{3}(?:\.\d{3})?")
LONGEST = 40 * 86400 * SECOND


@dataclass(frozen=True, slots=True)
class Actor:
    """Who takes part: an outsider with addresses, an account, a host, a gateway, the identity provider or the cluster."""

    name: str
    kind: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """A step: what is done, by and to whom, in which stage of the story."""

    number: int
    verb: Verb
    values: Mapping[str, Any]
    line: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story, checked."""

    id: str
    title: str
    analytic: str
    entry: str
    attack: tuple[str, ...]
    story: str
    reported: tuple[str, ...]
    actors: Mapping[str, Actor]
    steps: tuple[Act, ...]
    levels: Mapping[str, Mapping[str, Any]]
    variants: Mapping[str, Mapping[str, Any]]
    path: str

    def values(self, level: str, variant: str) -> dict[str, Any]:
        """Return what ``$name`` stands for."""
        return {**self.levels[level], **self.variants.get(variant, {})}


class _Reader:
    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.faults: list[str] = []
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"line (\d+)", str(error))
            raise UsageError(f"{path}:{found.group(1) if found else 1}: no TOML: {error}") from None
        self.lines = find_lines(text)

    def fault(self, path: tuple[str | int, ...], reason: str) -> None:
        self.faults.append(f"{self.path}:{line_of(self.lines, path)}: {reason}")

    def text(self, key: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fault((key,), f"{key!r} is missing or no text")
            return ""
        return value

    def texts(self, key: str, pattern: re.Pattern[str] | None = None, *, required: bool = True) -> tuple[str, ...]:
        value = self.data.get(key, [])
        good = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if not good or (required and not value):
            self.fault((key,), f"{key!r} is missing or no list of texts")
            return ()
        for index, item in enumerate(value):
            if pattern is not None and not pattern.fullmatch(item):
                self.fault((key, index), f"{item!r} is no technique of ATT&CK")
        return tuple(value)


def length(value: object) -> int:
    """Return a length of time like ``90s`` or ``1h30m`` in microseconds. ValueError when it is none."""
    if isinstance(value, str) and value:
        at, total = 0, 0.0
        for found in _LENGTH.finditer(value):
            if found.start() != at:
                break
            total += float(found.group(1)) * _UNITS[found.group(2)]
            at = found.end()
        if at == len(value):
            return round(total * SECOND)
    raise ValueError(f"{value!r} is no length of time; write it like 90s, 15m or 1h30m")


def parse(text: str, path: str) -> Scenario:
    """Return the scenario in *text*. UsageError with ``file:line: reason`` for everything that is wrong with it."""
    read = _Reader(path, text)
    for key in read.data:
        if key not in _TOP:
            read.fault((key,), f"unknown key {key!r}{did_you_mean(key, sorted(_TOP))}")
    name = read.text("id")
    if name and name != Path(path).stem:
        read.fault(("id",), f"the id is {name!r}, the file is called {Path(path).name!r}")
    analytic = read.text("analytic")
    if analytic and analytic not in ANALYTICS:
        read.fault(("analytic",), f"{analytic!r} is none of {', '.join(ANALYTICS)}")
    levels = _tables(read, "levels")
    for level in LEVELS:
        if level not in levels:
            read.fault(("levels",), f"the level {level!r} is missing")
    for level in levels:
        if level not in LEVELS:
            read.fault(("levels", level), f"unknown level {level!r}; there are {', '.join(LEVELS)}")
    variants = _tables(read, "variants") or {"plain": {}}
    known = [{**levels[level], **variant} for level in LEVELS if level in levels for variant in variants.values()]
    actors = _actors(read, known)
    steps = _steps(read, actors, known)
    if not read.faults:
        for level in LEVELS:
            for variant, more in variants.items():
                _fits(read, steps, {**levels[level], **more}, level, variant)
    scenario = Scenario(
        name, read.text("title"), analytic, read.text("entry"), read.texts("attack", _TECHNIQUE), read.text("story"),
        read.texts("reported", required=False), actors, steps, levels, variants, path,
    )  # fmt: skip
    if read.faults:
        raise UsageError("\n".join(read.faults))
    return scenario


def _tables(read: _Reader, key: str) -> dict[str, dict[str, Any]]:
    value = read.data.get(key, {})
    if not isinstance(value, dict) or not all(isinstance(item, dict) for item in value.values()):
        read.fault((key,), f"{key!r} is no table of tables")
        return {}
    return value


def _actors(read: _Reader, known: Sequence[Mapping[str, Any]]) -> dict[str, Actor]:
    actors = {}
    for name, values in _tables(read, "actors").items():
        kind = values.get("kind")
        if kind not in KINDS:
            read.fault(("actors", name), f"{name!r} has no kind, or an unknown one; there are {', '.join(KINDS)}")
            continue
        for key, value in values.items():
            if key != "kind" and key not in KINDS[kind]:
                read.fault(("actors", name, key), f"unknown key {key!r} of {kind}{did_you_mean(key, sorted(KINDS[kind]))}")
            if isinstance(value, str) and value.startswith("$"):
                if not all(value[1:] in one for one in known):
                    read.fault(("actors", name, key), f"{value!r} has no value in every level")
                continue
            if key == "network" and not set(value if isinstance(value, list) else [value]) <= {*NETWORKS}:
                read.fault(("actors", name, key), f"{value!r}: the networks are {', '.join(NETWORKS)}")
            allowed = ROLES if kind == "account" else PLACES
            if key == "role" and not set(value if isinstance(value, list) else [value]) <= {*allowed}:
                read.fault(("actors", name, key), f"{value!r}: the roles of {kind} are {', '.join(allowed)}")
            if key == "country" and value not in {"home", "elsewhere", "any"}:
                read.fault(("actors", name, key), f"{value!r}: a country is home, elsewhere or any")
        actors[name] = Actor(name, str(kind), values)
    return actors


def _steps(read: _Reader, actors: Mapping[str, Actor], known: Iterable[Mapping[str, Any]]) -> tuple[Act, ...]:
    names = [set(one) for one in known]
    steps: list[Act] = []
    sessions: dict[str, bool] = {}  # name: still open
    opened: dict[str, str] = {}  # name: the actor it was opened on
    rows = read.data.get("steps", [])
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        read.fault(("steps",), "there are no [[steps]]")
        return ()
    for index, row in enumerate(rows):
        at = ("steps", index)
        verb = STEPS.get(str(row.get("do")))
        if verb is None:
            read.fault((*at, "do"), f"unknown step {row.get('do')!r}{did_you_mean(str(row.get('do')), sorted(STEPS))}")
            continue
        allowed = verb.fields | {"do", "after", "stage", "technique", "cut"}
        for key, value in row.items():
            if key not in allowed:
                read.fault((*at, key), f"{verb.name!r} knows no {key!r}{did_you_mean(key, sorted(allowed))}")
            elif isinstance(value, str) and value.startswith("$"):
                if not all(value[1:] in one for one in names):
                    read.fault((*at, key), f"{value!r} has no value in every level")
            else:
                _value(read, (*at, key), key, value)
        for key in verb.needs:
            if key not in row:
                read.fault(at, f"{verb.name!r} needs {key!r}")
        for key in ("who", "account", "on", "new"):
            if key in row and isinstance(row[key], str) and not row[key].startswith("$") and row[key] not in actors:
                read.fault((*at, key), f"the actor {row[key]!r} is not defined{did_you_mean(row[key], sorted(actors))}")
        if verb.name == "administer":
            _knows(read, at, verb.name, actors.get(str(row.get("on"))))
        if verb.name == "resume":
            _knows(read, at, verb.name, actors.get(opened.get(str(row.get("in")), "")))
        for key in ("in", "from"):
            name = row.get(key)
            if isinstance(name, str) and not name.startswith("$"):
                if name not in sessions:
                    read.fault((*at, key), f"no step before this one opens a session {name!r}{did_you_mean(name, sorted(sessions))}")
                elif not sessions[name]:
                    read.fault((*at, key), f"impossible time: the session {name!r} was closed before")
        if verb.opens and isinstance(row.get("session"), str):
            sessions[row["session"]] = True
            opened[row["session"]] = str(row.get("on"))
        if verb.closes and isinstance(row.get("in"), str):
            sessions[row["in"]] = False
        steps.append(Act(index, verb, row, line_of(read.lines, at)))
    return tuple(steps)


def _knows(read: _Reader, at: tuple[str | int, ...], verb: str, actor: Actor | None) -> None:
    """Refuse a step on a device whose log does not tell of it: only the gateways of staff and Windows do."""
    role = actor.values.get("role", "any") if actor is not None else ["staff"]
    roles = set(role if isinstance(role, list) else [role])
    if not roles <= ({"staff"} if verb == "administer" else {"staff", "terminal", "winserver", "controller", "file"}):
        read.fault(at, f"{verb!r} needs a gateway with the role staff" + ("" if verb == "administer" else ", or a Windows host"))


def _value(read: _Reader, path: tuple[str | int, ...], key: str, value: Any) -> None:
    if key in {"after", "every", "for"}:
        try:
            length(value)
        except ValueError as error:
            read.fault(path, f"impossible time: {error}")
    elif key == "change" and value not in CHANGES:
        read.fault(path, f"{value!r}: a change is {', '.join(CHANGES)}")
    elif key == "cut" and not (isinstance(value, list) and all(isinstance(item, str) and _MEASURE.fullmatch(item) for item in value)):
        read.fault(path, f"{value!r}: 'cut' lists mitigations like M1032")
    elif key == "technique" and not (isinstance(value, str) and _TECHNIQUE.fullmatch(value)):
        read.fault(path, f"{value!r} is no technique of ATT&CK")
    elif key in {"tries", "times", "names", "bytes"} and not (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        read.fault(path, f"{key!r} is a whole number above 0")


def _fits(read: _Reader, steps: Iterable[Act], values: Mapping[str, Any], level: str, variant: str) -> None:
    total = 0
    try:
        span = length(values.get("span", "40d"))
    except ValueError as error:
        read.fault(("levels", level, "span"), f"impossible time: {error}")
        return
    for step in steps:
        for key in ("after", "every", "for"):
            value = step.values.get(key, "0s")
            value = values.get(value[1:]) if isinstance(value, str) and value.startswith("$") else value
            try:
                share = length(value)
            except ValueError as error:
                read.fault(("levels", level), f"impossible time ({level}, {variant}): {key} of step {step.number + 1}: {error}")
                return
            if key == "every":
                tries = step.values.get("tries", step.values.get("times", 1))
                tries = values.get(tries[1:]) if isinstance(tries, str) else tries
                names = step.values.get("names", 1)
                names = values.get(names[1:]) if isinstance(names, str) else names
                if not isinstance(tries, int) or not isinstance(names, int):
                    read.fault(("levels", level), f"step {step.number + 1}: tries and names are whole numbers")
                    return
                share *= tries * names
            total += share
    if total > min(span, LONGEST):
        hours = total / SECOND / 3600
        read.fault(("levels", level), f"impossible time: the steps of {level} ({variant}) take {hours:.1f} h, more than its span")


def load(path: Path) -> Scenario:
    """Return the scenario of a file. UsageError when it is wrong or cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
    return parse(text, str(path))


def library(extra: Iterable[Path] = ()) -> tuple[Scenario, ...]:
    """Return the scenarios that ship, and those of further files or folders, by id."""
    files = sorted(HERE.glob("*.toml"))
    for path in extra:
        files += sorted(path.glob("*.toml")) if path.is_dir() else [path]
    found: dict[str, Scenario] = {}
    for file in files:
        scenario = load(file)
        if scenario.id in found:
            raise UsageError(f"{file}:1: there is a scenario {scenario.id!r} already: {found[scenario.id].path}")
        found[scenario.id] = scenario
    return tuple(found[name] for name in sorted(found))


def tell(scenario: Scenario) -> str:
    """Return a scenario's story for people."""
    lines = [f"{scenario.id}: {scenario.title}", "", f"{scenario.analytic}, enters by {scenario.entry}; {', '.join(scenario.attack)}"]
    if scenario.reported:
        lines.append(f"after what is reported of {', '.join(scenario.reported)}")
    lines += ["", *scenario.story.strip().splitlines(), "", "actors"]
    for actor in scenario.actors.values():
        told = ", ".join(
            f"{key} {', '.join(map(str, value)) if isinstance(value, list) else value}" for key, value in actor.values.items() if key != "kind"
        )
        lines.append(f"  {actor.name:<12}{actor.kind}{'; ' + told if told else ''}")
    lines += ["", "steps"]
    for step in scenario.steps:
        told = ", ".join(f"{key} {value}" for key, value in step.values.items() if key not in {"do", "stage", "technique", "cut", "body"})
        cut = f"  [cut by {', '.join(step.values['cut'])}]" if "cut" in step.values else ""
        lines.append(f"  {step.number + 1:>2}. {step.values.get('stage', step.verb.stage):<10}{step.verb.name}: {told}{cut}")
    lines += ["", "levels"]
    lines += [f"  {name:<10}{', '.join(f'{key} {value}' for key, value in scenario.levels[name].items())}" for name in LEVELS]
    lines += ["", f"variants: {', '.join(scenario.variants)}"]
    return "\n".join(lines)
