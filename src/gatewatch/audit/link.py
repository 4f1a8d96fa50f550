"""The link: each incident's moves held against the measures, and which of them was there.

A measure breaks an incident when, with every move gone that it surely cuts where it was not in place, and every move gone on hosts that nobody
comes to any more, some stage is left without any move (attempts do not count: they fail by themselves). It keeps the outsider out when no way
in is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from gatewatch.audit.barrier import BARRIERS, Barrier
from gatewatch.audit.meeting import GUESSES, Met, entry, onward, target
from gatewatch.audit.standing import Ledger, Proof
from gatewatch.schema.control import Control, Effect, Move, Standing, named
from gatewatch.schema.events import Kind
from gatewatch.schema.incidents import Incident
from gatewatch.schema.measure import Measure

_EFFECTS = list(Effect)
_MEASURES = list(Measure)


class Break(StrEnum):
    """How far a measure breaks an incident: the outsider is kept out, or a later stage cannot come about."""

    ENTRY = "entry"
    STAGE = "stage"


@dataclass(frozen=True, slots=True)
class Touch:
    """A barrier before the move of that index, what it does about it, and whether it was there."""

    barrier: Barrier
    at: int
    met: Met
    proof: Proof


def touches(incident: Incident, ledger: Ledger) -> list[Touch]:
    """Return every barrier that would have met a move of *incident*, in the order of barriers and moves."""
    found = []
    for barrier in BARRIERS:
        for at, move in enumerate(incident.moves):
            met = barrier.meets(move, ledger.ground.site)
            proof = ledger.prove(barrier, move) if met is not None else None
            if met is not None and proof is not None:
                found.append(Touch(barrier, at, met, proof))
    return found


def linked(incident: Incident, met: Sequence[Touch], ledger: Ledger) -> Incident:
    """Return *incident* with its controls, those proved to be missing first."""
    whole = {measure for measure in Measure if broken(incident, cut(met, (measure,)), ledger) is not None}
    groups: dict[tuple[int, str, str], list[Touch]] = {}
    for touch in met:
        move = incident.moves[touch.at]
        host = ledger.host(target(move) or move.host)
        groups.setdefault((BARRIERS.index(touch.barrier), host, move.service or ""), []).append(touch)
    made = [_control(incident, group, host, service, whole) for (_, host, service), group in groups.items()]
    ordered = sorted(made, key=_order)
    return msgspec.structs.replace(incident, mitigations=tuple(ordered))


def _order(control: Control) -> tuple[object, ...]:
    """Return the key of the order to read in: missing first, then what breaks the incident, the surest, the earliest."""
    measure = _MEASURES.index(control.measure)
    return (control.status.rank, not control.breaks, _EFFECTS.index(control.effect), control.time, measure, control.host, control.check)


def cut(met: Sequence[Touch], measures: Iterable[Measure], *, perhaps: bool = False) -> frozenset[int]:
    """Return the moves that *measures*, where they were not in place, surely cut; with *perhaps* also those they may cut."""
    effects = {Effect.CUTS, Effect.MAY_CUT} if perhaps else {Effect.CUTS}
    chosen = set(measures)
    return frozenset(
        one.at for one in met if one.barrier.measure in chosen and one.met.effect in effects and one.proof.status is not Standing.PRESENT
    )


def broken(incident: Incident, gone: frozenset[int], ledger: Ledger) -> Break | None:
    """Return how far *incident* is broken when the moves *gone* do not come about; None when every stage still can."""
    if not gone:
        return None
    moves = incident.moves
    reached: set[str] = set()
    left = {at for at, move in enumerate(moves) if at not in gone and entry(move)}
    if not left and any(entry(move) for move in moves):
        return Break.ENTRY
    reached.update(_arrival(moves[at], ledger) for at in left)
    hops = [at for at, move in enumerate(moves) if at not in gone and onward(move) and not entry(move)]
    grown = True
    while grown:
        grown = False
        for at in hops:
            if at not in left and _departs(moves[at], reached, moves, ledger):
                left.add(at)
                reached.add(_arrival(moves[at], ledger))
                grown = True
    entered = {_arrival(move, ledger) for move in moves if entry(move) or onward(move)}
    for at, move in enumerate(moves):
        here = ledger.host(move.host)
        if at not in gone and not entry(move) and not onward(move) and (here in reached or here not in entered):
            left.add(at)
    stages = {move.stage for move in moves if move.stage not in GUESSES}
    return Break.STAGE if stages - {moves[at].stage for at in left} else None


def _arrival(move: Move, ledger: Ledger) -> str:
    return ledger.host(target(move) or move.host)


def _departs(move: Move, reached: set[str], moves: Sequence[Move], ledger: Ledger) -> bool:
    """Return whether a hop can still be made: from a host that is still reached, or from one no move says how it was entered."""
    start = ledger.host(move.host if move.kind == Kind.LOGON_OUT or move.dst_host else move.src_host or move.src_ip)
    if not start or start in reached:
        return True
    return start not in {_arrival(one, ledger) for one in moves if entry(one) or onward(one)}


def _control(incident: Incident, group: Sequence[Touch], host: str, service: str, whole: set[Measure]) -> Control:
    """Return the control that a barrier is on a host: the gravest standing decides, then the surest effect, then the earliest move."""
    best = min(group, key=lambda one: (one.proof.status.rank, _EFFECTS.index(one.met.effect), incident.moves[one.at].time, one.at))
    move, proof, measure = incident.moves[best.at], best.proof, best.barrier.measure
    identity, name, number, label = named(measure)
    finding = proof.finding
    fix = proof.fix
    if finding is not None and proof.status is Standing.MISSING:
        careful = f" Careful: {finding.remediation.lockout}" if finding.remediation.lockout else ""
        fix = f"{finding.remediation.text}{careful}"
    return Control(
        id=identity,
        name=name,
        measure=number,
        label=label,
        status=proof.status,
        effect=best.met.effect,
        stage=move.stage,
        time=move.time,
        host=host,
        service=service,
        why=best.met.why,
        as_of=proof.as_of,
        then=proof.then,
        finding=finding.id if finding is not None and proof.status is not Standing.UNKNOWN else "",
        check=finding.check if finding is not None else "",
        proof=proof.said,
        fix=fix,
        collect=proof.collect if proof.status is Standing.UNKNOWN else "",
        breaks=measure in whole,
    )
