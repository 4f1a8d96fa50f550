"""The judge: one world's incidents against its truth.

An incident and an intrusion may be paired when the incident quotes at least one record that was planted for the intrusion, and either names one of
its outside addresses or quotes mostly such records: who is only told of beside somebody's deed has not done it. Pairs are made one to
one (:mod:`.assignment`), first as many as possible, then the best fitting: a merged giant is worth one intrusion, and of the pieces of a broken one
a single piece counts, the others are *fragments*. Any other incident of medium or above is *false*.

==================  ==================================================================================================================
figure              what it is
==================  ==================================================================================================================
found               paired with an incident of medium or above
origin              the incident's outside address, or one of its others, is one the intruder used
path                every host of the true path is in the incident's path or hosts; ``share`` is how much of it
evidence            share of the incident's quoted records that were planted for this intrusion
techniques          share of the truth's techniques that the incident names, and of those it names that are true; a technique and its
                    sub-technique are one where either side gives only the parent
delay               from the true acceptance to the earliest moment at which two stages of the incident (or its only one) had happened
==================  ==================================================================================================================
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from gatewatch.lab.score.assignment import assign
from gatewatch.lab.score.control import ControlScore, hold
from gatewatch.lab.score.incident_file import check_world, locate, world_files
from gatewatch.lab.truth import Intrusion, Negative, Truth
from gatewatch.schema.incidents import Incident, Severity

LEAST = Severity.MEDIUM
_AROUND = timedelta(hours=3)  # what begins with a hard negative goes on in ordinary life


class Verdict(msgspec.Struct):
    """What became of one intrusion."""

    id: str
    scenario: str
    analytic: str
    entry: str
    difficulty: str
    variant: str
    reported: bool
    found: bool
    incident: str | None = None
    severity: str | None = None
    chain: str | None = None
    origin: bool = False
    path: bool = False
    path_share: float = 0.0
    evidence: float = 0.0
    delay_s: float | None = None
    seen_low: bool = False
    planted: int = 0
    lost: int = 0
    history_days: int = 0  # days of logs before it began
    techniques: float | None = None  # share of the techniques of the truth that the incident names
    named_right: float | None = None  # share of the techniques the incident names that are in the truth


class Alarm(msgspec.Struct):
    """An incident of medium or above that nothing planted explains."""

    incident: str
    severity: str
    chain: str
    origin: str | None
    users: list[str]
    negative: str | None


class WorldScore(msgspec.Struct):
    """The score of one world."""

    world: str
    seed: int
    days: float  # a part of a world has a part of its days and accesses
    accesses: float
    incidents: int
    verdicts: list[Verdict]
    falses: list[Alarm]
    fragments: int
    negatives: dict[str, tuple[int, int]]  # name -> planted, alarmed
    controls: ControlScore | None = None  # None: the world has no evidence, or the scan had none of it


def _short(name: str) -> str:
    return name.casefold().partition(".")[0] if not name.replace(".", "").isdigit() else name


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def judge(truth: Truth, incidents: list[Incident], world: Path) -> WorldScore:
    """Return the score of the incidents. UsageError when they are of another world."""
    files = world_files(world)
    check_world(incidents, world, files)
    owner: dict[tuple[str, int], set[int]] = {}
    for index, intrusion in enumerate(truth.intrusions):
        for proof in intrusion.evidence:
            owner.setdefault((proof.file, proof.record), set()).add(index)
    quotes = [_quotes(incident, files) for incident in incidents]
    hits = [Counter(index for quote in sorted(some) for index in sorted(owner.get(quote, ()))) for some in quotes]
    weights = [
        [_weight(incident, intrusion, hit[index], len(quote)) for incident, quote, hit in zip(incidents, quotes, hits, strict=True)]
        for index, intrusion in enumerate(truth.intrusions)
    ]
    chosen = assign(weights)
    verdicts = [
        _verdict(
            intrusion,
            incidents[place] if place is not None else None,
            hits[place][index] if place is not None else 0,
            len(quotes[place]) if place is not None else 0,
            truth,
        )
        for index, (intrusion, place) in enumerate(zip(truth.intrusions, chosen, strict=True))
    ]
    taken = {place for place in chosen if place is not None}
    falses, fragments = [], 0
    for place, incident in enumerate(incidents):
        if place in taken or incident.severity.rank < LEAST.rank:
            continue
        if any(_tied(incident, one, hits[place][index], len(quotes[place])) for index, one in enumerate(truth.intrusions)):
            fragments += 1
        else:
            falses.append(_false(incident, truth))
    planted = Counter(one.name for one in truth.negatives)
    alarmed = Counter(one.negative for one in falses if one.negative)
    negatives = {name: (planted[name], alarmed.get(name, 0)) for name in sorted(planted)}
    world_ = truth.world
    controls = _controls(truth, incidents, chosen, files) if _informed(incidents) else None
    return WorldScore(world_.id, world_.seed, world_.days, len(truth.accesses), len(incidents), verdicts, falses, fragments, negatives, controls)


def _informed(incidents: list[Incident]) -> bool:
    """Return whether the scan had evidence: some control rests on a finding of it or on a rule in it."""
    return any(control.as_of is not None and control.check for incident in incidents for control in incident.mitigations)


def _controls(truth: Truth, incidents: list[Incident], chosen: list[int | None], files: frozenset[str]) -> ControlScore | None:
    if not truth.safeguards:
        return None
    planted = {one.id: {(proof.file, proof.record): proof.stage for proof in one.evidence} for one in truth.intrusions}
    paired = {one.id: incidents[place] for one, place in zip(truth.intrusions, chosen, strict=True) if place is not None}

    def quotes(incident: Incident, intrusion: str) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for stage in incident.stages:
            for one in stage.evidence:
                name = locate(one.file, files)
                told = planted[intrusion].get((name, one.record)) if name is not None else None
                if told is not None:
                    found.setdefault(stage.name, set()).add(told)
        return {name: frozenset(stages) for name, stages in found.items()}

    return hold(truth.safeguards, incidents, paired, quotes)


def _quotes(incident: Incident, files: frozenset[str]) -> set[tuple[str, int]]:
    found = set()
    for stage in incident.stages:
        for evidence in stage.evidence:
            name = locate(evidence.file, files)
            if name is not None:
                found.add((name, evidence.record))
    return found


def _addresses(incident: Incident) -> set[str]:
    return {address for address in (incident.origin.ip, *incident.origin.others) if address}


def _tied(incident: Incident, intrusion: Intrusion, hits: int, quotes: int) -> bool:
    """Return whether the incident is about the intrusion, and does not merely quote a record of it in the story of somebody else."""
    return hits > 0 and (2 * hits >= quotes or bool(_addresses(incident) & set(intrusion.origins)))


def _weight(incident: Incident, intrusion: Intrusion, hits: int, quotes: int) -> float:
    if not _tied(incident, intrusion, hits, quotes):
        return 0.0
    loud = incident.severity.rank >= LEAST.rank
    origin = bool(_addresses(incident) & set(intrusion.origins))
    # pairs of medium or above count before anything else, then what fits best
    return (100.0 if loud else 10.0) + origin + hits / max(quotes, 1) + min(hits, 50) / 100


def _verdict(intrusion: Intrusion, incident: Incident | None, hits: int, quotes: int, truth: Truth) -> Verdict:
    verdict = Verdict(
        intrusion.id, intrusion.scenario, intrusion.analytic, intrusion.entry, intrusion.difficulty, intrusion.variant,
        intrusion.scenario.startswith("reported-"),
        incident is not None and incident.severity.rank >= LEAST.rank, planted=len(intrusion.evidence), lost=intrusion.lost,
        history_days=(_moment(intrusion.first) - _moment(truth.world.start)).days,
    )  # fmt: skip
    if incident is None:
        return verdict
    names = truth.world.hosts
    told = {_short(names.get(host, host)) for host in (*incident.hosts, *(hop.target for hop in incident.path))}
    wanted = [_short(leg.target) for leg in intrusion.path]
    wanted = ["kubernetes" if host == "kube01" and "kubernetes" in told else host for host in wanted]
    there = sum(host in told for host in wanted)
    verdict.incident, verdict.severity, verdict.chain = incident.id, str(incident.severity), incident.chain
    verdict.seen_low = not verdict.found
    verdict.origin = bool(_addresses(incident) & set(intrusion.origins))
    verdict.path_share = round(there / len(wanted), 3) if wanted else 1.0
    verdict.path = there == len(wanted)
    verdict.evidence = round(hits / quotes, 3) if quotes else 0.0
    if verdict.found:
        true = {*intrusion.attack, *(step.technique for step in intrusion.steps if step.technique)}
        named = {technique.id for technique in incident.attack if technique.id.startswith("T")}
        verdict.techniques, verdict.named_right = _shared(true, named)
    if verdict.found and intrusion.accepted:
        stages = sorted(stage.last for stage in incident.stages)
        raised = stages[min(1, len(stages) - 1)]
        verdict.delay_s = max(0.0, round((raised - _moment(intrusion.accepted)).total_seconds(), 1))
    return verdict


def _shared(true: set[str], named: set[str]) -> tuple[float | None, float | None]:
    """Return the share of what is true that is named, and of what is named that is true; None where there is nothing of it."""

    def same(one: str, other: str) -> bool:
        return one == other or one == other.partition(".")[0] or other == one.partition(".")[0]

    hit = sum(any(same(one, other) for other in named) for one in true)
    right = sum(any(same(one, other) for other in true) for one in named)
    return (round(hit / len(true), 3) if true else None, round(right / len(named), 3) if named else None)


def _then(incident: Incident, negative: Negative) -> bool:
    """Return whether an incident is of the time of a hard negative: its people live on at their addresses."""
    if negative.first is None or negative.last is None:
        return negative.first is None and negative.records > 0  # of a world that does not say
    return incident.first_seen <= _moment(negative.last) + _AROUND and incident.last_seen >= _moment(negative.first) - _AROUND


def _false(incident: Incident, truth: Truth) -> Alarm:
    addresses, users = _addresses(incident), set(incident.users)
    name = None
    for negative in truth.negatives:
        if addresses & set(negative.sources) and (not users or users & set(negative.users)) and _then(incident, negative):
            name = negative.name
            break
    return Alarm(incident.id, str(incident.severity), incident.chain, incident.origin.ip, list(incident.users), name)
