"""The truth of a world: what was planted, by whom, from where, and which records belong to it. ``truth.jsonl`` is written whole or not at all.

The first line is the world, then one line for each intrusion, hard negative, control and accepted access from outside, told apart by ``type``.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gatewatch.errors import InputError, UsageError
from gatewatch.lab.dice import dice
from gatewatch.lab.moment import iso_z

VERSION = 1
FILE = "truth.jsonl"
BEFORE = "before"  # the stage of what somebody else did first, whose session the intruder enters


class World(msgspec.Struct, tag_field="type", tag="world"):
    """The world: how it was made, and what it weighs."""

    id: str
    version: int
    seed: int
    users: int
    days: int
    start: str
    end: str
    zone: str
    country: str
    records: int
    difficulty: str
    formats: dict[str, int]
    hosts: dict[str, str]  # address: host


class Step(msgspec.Struct):
    """A stage of an intrusion as it happened, and the controls (ATT&CK mitigations) that would have cut it."""

    name: str
    do: str
    time: str
    last: str
    host: str | None
    account: str | None
    technique: str | None
    cut: list[str]
    service: str | None = None  # the remote service it went through, where it went through one
    outside: bool = False  # the outsider's own connection, not one from further in


class Leg(msgspec.Struct):
    """An edge of the path from the outside inwards."""

    source: str
    target: str
    via: str
    user: str | None
    time: str


class Proof(msgspec.Struct):
    """A record that belongs to it: file below ``logs/``, number of the record in it, stage."""

    file: str
    record: int
    stage: str


class Intrusion(msgspec.Struct, tag_field="type", tag="intrusion"):
    """A planted intrusion."""

    id: str
    scenario: str
    title: str
    analytic: str
    entry: str
    difficulty: str
    variant: str
    origins: list[str]
    accounts: list[str]
    hosts: list[str]
    first: str
    accepted: str | None
    last: str
    attack: list[str]
    steps: list[Step]
    path: list[Leg]
    evidence: list[Proof] = []
    lost: int = 0


class Negative(msgspec.Struct, tag_field="type", tag="negative"):
    """A hard negative: harmless, and labelled."""

    id: str
    name: str
    title: str
    users: list[str]
    sources: list[str]
    records: int = 0
    first: str | None = None  # of its records
    last: str | None = None


class Let(msgspec.Struct):
    """What a missing control let through: a stage of an intrusion."""

    intrusion: str
    stage: str
    time: str
    last: str


class Safeguard(msgspec.Struct, tag_field="type", tag="safeguard"):
    """A control of the site as the evidence has it: a measure of ATT&CK at a host's service, whether it is missing, and what it let through.

    ``meets``: the stages at which it stands in the way (``guess``, ``entry``, ``onward``). ``service`` is empty for a whole host.
    """

    id: str
    control: str
    mitigation: str
    measure: str
    host: str
    service: str
    meets: list[str]
    missing: bool
    what: str
    lets: list[Let] = []


class Admission(msgspec.Struct, tag_field="type", tag="access"):
    """An accepted access from outside; ``intrusion`` is null for life and hard negatives."""

    time: str
    user: str
    source: str
    service: str
    host: str
    port: int
    intrusion: str | None


Entry = World | Intrusion | Negative | Admission | Safeguard
_decoder = msgspec.json.Decoder(Entry)
_encode = msgspec.json.Encoder().encode


class Ledger:
    """What is planted while a world is made: marks are numbers, one for each stage of each planted thing."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.marks: list[tuple[Intrusion | Negative | None, str]] = [(None, "")]
        self.intrusions: list[Intrusion] = []
        self.negatives: list[Negative] = []

    def dice(self, *purpose: object) -> random.Random:
        """Return a generator for *purpose*."""
        return dice(self.seed, *purpose)

    def negative(self, name: str, title: str) -> int:
        """Register a hard negative; return its mark."""
        made = Negative(f"n{len(self.negatives) + 1:03d}", name, title, [], [])
        self.negatives.append(made)
        return self.mark(made, name)

    def mark(self, thing: Intrusion | Negative, stage: str) -> int:
        """Return a new mark of a thing's stage."""
        self.marks.append((thing, stage))
        return len(self.marks) - 1

    def describe(self, mark: int, users: list[str], sources: list[str]) -> None:
        """Say who took part in a hard negative."""
        thing = self.marks[mark][0]
        if isinstance(thing, Negative):
            thing.users, thing.sources = sorted(set(users)), sorted(set(sources))

    def owner(self, mark: int) -> str | None:
        """Return the id of the intrusion a mark belongs to; what somebody else did before it is not the intruder's."""
        thing, stage = self.marks[mark]
        return thing.id if isinstance(thing, Intrusion) and stage != BEFORE else None

    def settle(self, marked: list[tuple[int, str, int, int]], dropped: list[int]) -> None:
        """Enter where the marked records were written, and how many never were: lost on the way, or after the end of the world."""
        for mark in dropped:
            thing, _ = self.marks[mark]
            if isinstance(thing, Intrusion):
                thing.lost += 1
        for mark, file, record, time in marked:
            thing, stage = self.marks[mark]
            if isinstance(thing, Intrusion):
                thing.evidence.append(Proof(file, record, stage))
            elif thing is not None:
                thing.records += 1
                moment = iso_z(time)
                thing.first, thing.last = min(thing.first or moment, moment), max(thing.last or moment, moment)


def write(path: Path, entries: Iterator[Entry]) -> None:
    """Write the truth whole: under another name first. OSError when the disk does not take it, and then nothing is left."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as handle:
            for entry in entries:
                handle.write(_encode(entry) + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)


class Truth(msgspec.Struct):
    """A truth as read."""

    world: World
    intrusions: list[Intrusion]
    negatives: list[Negative]
    accesses: list[Admission]
    safeguards: list[Safeguard] = []


def read(folder: Path) -> Truth:
    """Return the truth of a world. InputError when there is none, UsageError with the line when it is not one of ours."""
    path = folder / FILE
    world: World | None = None
    truth = Truth(None, [], [], [])  # type: ignore[arg-type]
    try:
        with path.open("rb") as handle:
            for number, line in enumerate(handle, 1):
                try:
                    entry = _decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise UsageError(f"{path}:{number}: no line of a truth: {error}") from None
                if isinstance(entry, World):
                    world = entry
                elif isinstance(entry, Intrusion):
                    truth.intrusions.append(entry)
                elif isinstance(entry, Negative):
                    truth.negatives.append(entry)
                elif isinstance(entry, Safeguard):
                    truth.safeguards.append(entry)
                else:
                    truth.accesses.append(entry)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; is {folder} a world that gatewatch lab make wrote?") from None
    if world is None or world.version != VERSION:
        raise UsageError(f"{path}:1: no world of version {VERSION}")
    truth.world = world
    return truth
