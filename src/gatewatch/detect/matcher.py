"""The matcher: which anchor events of a chain have the stages it asks for, exactly as ``docs/explanation/matching.md`` defines it.

Candidates per key (:mod:`~gatewatch.detect.candidate`) -> what came before each anchor (:mod:`~gatewatch.detect.shortcut`,
:mod:`~gatewatch.detect.prelude`) -> what came after it (:mod:`~gatewatch.detect.sequel`) -> what did not come
(:mod:`~gatewatch.detect.absence`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from gatewatch.detect.absence import Absence, Covered, Judgement, judge
from gatewatch.detect.candidate import Candidates, gather
from gatewatch.detect.chain import Chain, Number
from gatewatch.detect.lane import Lane
from gatewatch.detect.prelude import NEVER, Completion, Prelude
from gatewatch.detect.rows import Rows
from gatewatch.detect.sequel import Sequel
from gatewatch.detect.shortcut import NONE, UNDECIDED, decide
from gatewatch.detect.timeline import EPOCH, Ints, instant
from gatewatch.schema.incidents import Match, StageHit

# Rows kept as evidence of one stage: the first ones show how it began, the last ones how it ended.
KEPT_FIRST = 20
KEPT_LAST = 180
_FEW = 32  # rows that are as well copied


def match(
    chain: Chain,
    events: pl.DataFrame,
    number: Number,
    *,
    covered: Covered | None = None,
    until: datetime | None = None,
    anchors: pl.Expr | None = None,
) -> list[Match]:
    """Return the matches of *chain* among *events*, at most one per anchor event, in the total order of the anchors.

    *events* has ``row`` (what matches refer to), ``time``, ``time_err``, ``stream``, ``position``, ``count``, :attr:`Chain.columns` (those
    missing are null) and a Boolean ``rule:<id>`` for each of :attr:`Chain.rules`; the order of its rows does not matter. *number* resolves
    tunables (durations in seconds). *covered* and *until* (the event time the logs have reached; without it the latest
    of *events*) are asked for absences.
    *anchors* says which anchor events are asked about; the others make no match.
    Raises :class:`~gatewatch.errors.ContentError` when a rule has no column.
    """
    candidates = gather(chain, events, number, anchors)
    if candidates is None:
        return []
    latest = until or events["time"].max()
    reached = (latest - EPOCH) // timedelta(microseconds=1) if isinstance(latest, datetime) else NEVER
    found = []
    sequel = Sequel(candidates)
    for key, chosen, late in _choices(candidates, sequel):
        anchor = chosen[-1].at
        judged = [judge(lane, anchor, key, reached, covered) for lane in candidates.absent]
        if all(lane.stage.optional or it.judgement is Judgement.ABSENT for lane, it in zip(candidates.absent, judged, strict=True)):
            found.append((anchor, _match(chain, sequel, key, chosen, late, judged)))
    return [it for _, it in sorted(found, key=lambda pair: pair[0])]


def _choices(candidates: Candidates, sequel: Sequel) -> Iterator[tuple[int, list[Completion], list[Ints]]]:
    """Yield key, completions up to the anchor and late hits for every anchor event that has a valid choice, key by key."""
    before, anchor, line = candidates.before, candidates.anchor, candidates.timeline
    choice, certain = np.full(len(anchor.at), NONE), np.ones(len(anchor.at), np.bool_)
    choice[anchor.completes] = UNDECIDED
    if len(before) == 1 and anchor.count is None and not before[0].stage.optional:
        verdict = decide(before[0], anchor, candidates.span)
        choice, certain = verdict.choice, verdict.certain
    prelude: Prelude | None = None
    for index in np.flatnonzero(choice != NONE).tolist():
        key = int(anchor.key[index])
        chosen: list[Completion] | None = None
        if not before or choice[index] != UNDECIDED:
            chosen = [_completion(anchor, index, bool(certain[index]))]
            if before:
                chosen.insert(0, _completion(before[0], int(choice[index]), True))
            late = _late(sequel, chosen, key)
            if late is not None:
                yield key, chosen, late
            if late is not None or not before:
                continue
            # A required late stage fails after the best completion; after another one, with a later end, it may not.
        if prelude is None or prelude.key != key:
            prelude = Prelude(line, (*before, anchor), key, candidates.span, _enough(candidates, key))
        chosen = prelude.choose(index, partial(_accepts, sequel, key))
        late = None if chosen is None else _late(sequel, chosen, key)
        if chosen is not None and late is not None:
            yield key, chosen, late


def _late(sequel: Sequel, chosen: list[Completion], key: int) -> list[Ints] | None:
    """Return the late hits that go with *chosen*, None where a required one is missing."""
    positions = np.array([it.at for it in chosen], np.int64)
    return sequel.hits(positions, key, int(sequel.candidates.timeline.hi[positions[0]]))


def _accepts(sequel: Sequel, key: int, chosen: list[int], first_end: int) -> bool:
    return not sequel.required or sequel.hits(np.array(chosen, np.int64), key, first_end) is not None


def _completion(lane: Lane, index: int, certain: bool) -> Completion:
    """Return a completion that nothing restricts: it counts the whole of its window."""
    return Completion(lane, index, lane.at[lane.start[index] : index + 1], int(lane.weight[index]), certain)


def _enough(candidates: Candidates, key: int) -> int:
    """Return an end of the first completion so late that nothing of *key* can lie beyond its span."""
    if candidates.span is None:
        return NEVER + 1
    lanes = (*candidates.before, candidates.anchor, *candidates.after)
    parts = [candidates.timeline.lo[lane.of(key)] for lane in lanes]
    return int(np.concatenate(parts).max()) - candidates.span


def _match(chain: Chain, sequel: Sequel, key: int, chosen: list[Completion], late: list[Ints], judged: list[Absence]) -> Match:
    candidates = sequel.candidates
    line, anchor = candidates.timeline, chosen[-1].at
    hits = {it.lane.stage.name: _hit(candidates, it.lane, it.counted, it.weight, it.certain) for it in chosen}
    for stage, (lane, indices) in enumerate(zip(candidates.after, late, strict=True)):
        if len(indices):
            certain = bool(line.surely_follows(anchor, lane.at[indices]).any())
            counted = sequel.counted(stage, anchor, indices)
            hits[lane.stage.name] = _hit(candidates, lane, counted, int(line.weight[counted].sum()), certain)
    notes = []
    for lane, it in zip(candidates.absent, judged, strict=True):
        if it.judgement is Judgement.ABSENT:
            hits[lane.stage.name] = StageHit(lane.stage.name, (), 0, it.first, it.last)
        elif it.judgement is Judgement.UNKNOWN:
            notes.append(f"{lane.stage.name}: unknown, {it.why}")
    stages = tuple(hits[stage.name] for stage in chain.stages if stage.name in hits)
    return Match(chain.id, tuple(zip(chain.by, candidates.keys[key], strict=True)), int(line.row[anchor]), stages, tuple(notes))


def _hit(candidates: Candidates, lane: Lane, at: Ints, weight: int, certain: bool) -> StageHit:
    """Return the stage as hit by the events at the positions *at*, in order, which weigh *weight*."""
    line = candidates.timeline
    kept = Rows(candidates.rows, (at,) if len(at) <= KEPT_FIRST + KEPT_LAST else (at[:KEPT_FIRST], at[-KEPT_LAST:]))
    # thousands of matches of one key have hundreds of rows, and nearly the same ones: they look at the lane, unless what they counted is their own
    rows: Sequence[int] = kept if len(at) > _FEW and at.base is lane.at else tuple(kept)
    return StageHit(lane.stage.name, rows, weight, instant(line.time[at[0]]), instant(line.time[at[-1]]), certain)
