"""What if: which measure, and which mitigation with all its measures, would have broken which incidents, and the smallest sets that break all.

Only sure cuts count. A set of measures is as good as its best member for each incident; a mitigation is all its measures together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from gatewatch.audit.barrier import EFFORT
from gatewatch.audit.hitting import smallest
from gatewatch.audit.link import Break, Touch, broken, cut
from gatewatch.audit.standing import Ledger
from gatewatch.schema.control import Breaker, Effect, Smallest, Standing, WhatIf
from gatewatch.schema.incidents import Incident
from gatewatch.schema.measure import Measure, Mitigation

Judged = Sequence[tuple[Incident, Sequence[Touch]]]


def what_if(judged: Judged, ledger: Ledger) -> WhatIf:
    """Return what every measure and mitigation would have done to the incidents *judged*, and the smallest sets."""
    measures = [_breaker(judged, ledger, (measure,), str(measure), measure.label, EFFORT[measure]) for measure in Measure]
    mitigations = []
    for mitigation in Mitigation:
        own = tuple(measure for measure in Measure if measure.mitigation is mitigation)
        together = _breaker(judged, ledger, own, str(mitigation), mitigation.label, 0)
        alone = [one.effort for one in measures if Measure(one.id) in own and set(one.breaks) >= set(together.breaks)]
        effort = min(alone, default=0) or _sum(judged, own, set(together.breaks))
        mitigations.append(msgspec.structs.replace(together, effort=effort))
    broken_by_any = {incident for one in (*measures, *mitigations) for incident in one.breaks}
    ids = tuple(incident.id for incident, _ in judged)
    return WhatIf(
        incidents=ids,
        measures=_ranked(measures),
        mitigations=_ranked(mitigations),
        smallest=_smallest(measures, ids),
        smallest_mitigations=_smallest(mitigations, ids),
        unbroken=tuple(one for one in ids if one not in broken_by_any),
    )


def _breaker(judged: Judged, ledger: Ledger, own: tuple[Measure, ...], name: str, label: str, effort: int) -> Breaker:
    breaks, proved, entries, perhaps = [], [], [], []
    for incident, met in judged:
        found = broken(incident, cut(met, own), ledger)
        if found is not None:
            breaks.append(incident.id)
            missing = [
                one for one in met if one.barrier.measure in own and one.met.effect is Effect.CUTS and one.proof.status is Standing.MISSING
            ]
            if broken(incident, cut(missing, own), ledger) is not None:
                proved.append(incident.id)
            if found is Break.ENTRY:
                entries.append(incident.id)
        elif broken(incident, cut(met, own, perhaps=True), ledger) is not None:
            perhaps.append(incident.id)
    return Breaker(
        id=name, label=label, effort=effort, breaks=tuple(breaks), proved=tuple(proved), entry=tuple(entries), may=tuple(perhaps)
    )


def _sum(judged: Judged, own: tuple[Measure, ...], broken_ids: set[str]) -> int:
    """Return the effort of all measures of *own* that surely cut something in the incidents broken together."""
    cutting = {
        one.barrier.measure
        for incident, met in judged
        if incident.id in broken_ids
        for one in met
        if one.met.effect is Effect.CUTS and one.proof.status is not Standing.PRESENT
    }
    return sum(EFFORT[measure] for measure in own if measure in cutting)


def _ranked(breakers: Sequence[Breaker]) -> tuple[Breaker, ...]:
    """Return those that break or may break anything: most broken first, then least effort, then ATT&CK's order."""
    order: Callable[[tuple[int, Breaker]], tuple[int, ...]] = lambda one: (-len(one[1].breaks), one[1].effort, -len(one[1].may), one[0])  # noqa: E731
    return tuple(one for _, one in sorted(enumerate(breakers), key=order) if one.breaks or one.may)


def _smallest(breakers: Sequence[Breaker], ids: Sequence[str]) -> Smallest:
    """Return the smallest set of *breakers* (in the given order) that breaks every incident one of them breaks."""
    by_incident = {one: frozenset(at for at, breaker in enumerate(breakers) if one in breaker.breaks) for one in ids}
    sets = [found for found in by_incident.values() if found]
    if not sets:
        return Smallest((), 0, 0)
    members, others = smallest(sets, [one.effort for one in breakers])
    return Smallest(tuple(breakers[at].id for at in members), sum(breakers[at].effort for at in members), others)
