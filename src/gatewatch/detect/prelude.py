"""The prelude: what came before an anchor, searched exactly, one key at a time.

This is the definition of ``docs/explanation/matching.md`` in executable form, for any shape of chain; where the total order already decides
(nearly everywhere), :mod:`gatewatch.detect.shortcut` spares it. The completions of the stages up to the anchor form paths. A path is
worth the latest end (``hi``) of its first completion, because that is all that ``span`` asks of it later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gatewatch.detect.candidate import Lane
from gatewatch.detect.timeline import FOREVER, Bools, Ints, Timeline
from gatewatch.detect.window import measure

NEVER = -(1 << 62)
Accept = Callable[[int], bool]
"""Whether the stages after the anchor can be completed, given the end of the first completion."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A completion chosen for a stage: its lane, its index there, and what it counted (positions in the timeline)."""

    lane: Lane
    index: int
    counted: Ints
    certain: bool

    @property
    def at(self) -> int:
        """Its position in the timeline."""
        return int(self.lane.at[self.index])


@dataclass(slots=True)
class Prelude:
    """The search in one key: *lanes* are the stages before the anchor and the anchor itself.

    *enough* is an end of the first completion so late that ``span`` can no longer matter in this key; the search stops improving there.
    """

    timeline: Timeline
    lanes: tuple[Lane, ...]
    key: int
    span: int | None
    enough: int
    _worth: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def choose(self, index: int, accept: Accept) -> list[Completion] | None:
        """Return the completions up to the anchor event *index* of its lane that are to be reported, or None where there is no valid choice.

        Backwards from the anchor: a stage is present if it can be; of its completions one that surely precedes the next is
        preferred, then the latest.
        """
        stage = len(self.lanes) - 1
        worth = self._reach(stage, index, -1)
        if worth == NEVER or not accept(worth):
            return None
        chosen: list[Completion] = []
        need, following, certain = NEVER, -1, True
        while True:
            at = int(self.lanes[stage].at[index])
            need = max(need, int(self.timeline.lo[at]) - self._span)
            step = self._step_back(stage, index, following, need, accept)
            before = -1 if step is None else int(self.lanes[step[0]].at[step[1]])
            certain = step is None or bool(self.timeline.surely_follows(before, at))
            counted = self._window(stage, index)[self._kept(stage, index, before, following)]
            chosen.append(Completion(self.lanes[stage], index, counted, certain))
            if step is None:
                return chosen[::-1]
            following = at
            stage, index = step

    @property
    def _span(self) -> int:
        return 4 * FOREVER if self.span is None else self.span

    def _step_back(self, stage: int, index: int, following: int, need: int, accept: Accept) -> tuple[int, int] | None:
        """Return the best completion before this one as (stage, index), or None where this one is to be the first."""
        at = int(self.lanes[stage].at[index])
        for earlier in range(stage - 1, -1, -1):
            fit = []
            for candidate in self._predecessors(earlier, stage, at):
                worth = self._reach(earlier, candidate, at)
                if worth >= max(need, NEVER + 1) and accept(worth):
                    before = int(self.lanes[earlier].at[candidate])
                    if self._satisfied(stage, index, before, following):
                        fit.append((bool(self.timeline.surely_follows(before, at)), candidate))
            if fit:
                return earlier, max(fit)[1]
            if not self.lanes[earlier].stage.optional:
                break
        return None

    def _reach(self, stage: int, index: int, following: int) -> int:
        """Return the worth of the best path that ends with this completion, NEVER without one.

        *following* is the position of the next completion, which restricts what a count may count; -1 for none.
        """
        lane = self.lanes[stage]
        if lane.count is None or self._clear(stage, index, following):
            following = -1
        memo = (stage, index, following)
        if memo not in self._worth:
            self._worth[memo] = self._search(stage, index, following)
        return self._worth[memo]

    def _search(self, stage: int, index: int, following: int) -> int:
        lane = self.lanes[stage]
        if lane.count is not None and lane.full[index] < lane.count.gte:
            return NEVER
        at = int(lane.at[index])
        need = max(int(self.timeline.lo[at]) - self._span, NEVER + 1)
        best = NEVER
        if all(earlier.stage.optional for earlier in self.lanes[:stage]) and self._satisfied(stage, index, -1, following):
            best = int(self.timeline.hi[at])
        for earlier in range(stage - 1, -1, -1):
            for candidate in self._predecessors(earlier, stage, at)[::-1]:
                if best >= self.enough:
                    return best
                worth = self._reach(earlier, candidate, at)
                if worth > best and worth >= need and self._satisfied(stage, index, int(self.lanes[earlier].at[candidate]), following):
                    best = worth
            if not self.lanes[earlier].stage.optional:
                break
        return best

    def _predecessors(self, earlier: int, stage: int, at: int) -> list[int]:
        """Return the events of the lane *earlier* that the event *at* can follow, within ``after`` of *stage*, in order."""
        line, lane = self.timeline, self.lanes[earlier]
        begin, end = int(lane.offset[self.key]), int(lane.offset[self.key + 1])
        if begin == end:
            return []
        here = lane.at[begin:end]
        after = self.lanes[stage].after
        first = -4 * FOREVER if after is None else int(line.lo[at]) - after
        reach = int((line.time[here] - line.early[here]).max())
        blur = int((line.hi[here] - line.time[here]).max())
        run = lane.run(self.key, first - blur, int(line.late[at]) + reach)
        found = lane.at[run]
        fits = line.follows(found, at) & (line.hi[found] >= first)
        return [run.start + int(i) for i in np.flatnonzero(fits)]

    def _clear(self, stage: int, index: int, following: int) -> bool:
        """Whether all that the window of this event holds precedes *following* anyway."""
        return following < 0 or bool(self._late(stage, index) < self.timeline.early[following])

    def _late(self, stage: int, index: int) -> int:
        return int(self.timeline.late[self._window(stage, index)].max())

    def _window(self, stage: int, index: int) -> Ints:
        lane = self.lanes[stage]
        return lane.at[lane.start[index] : index + 1] if lane.count is not None else lane.at[index : index + 1]

    def _kept(self, stage: int, index: int, before: int, following: int) -> Bools:
        window = self._window(stage, index)
        keep = np.ones(len(window), np.bool_)
        if before >= 0:
            keep &= self.timeline.follows(before, window)
        if following >= 0:
            keep &= self.timeline.follows(window, following)
        return keep

    def _satisfied(self, stage: int, index: int, before: int, following: int) -> bool:
        lane = self.lanes[stage]
        if lane.count is None:
            return True
        if lane.full[index] < lane.count.gte:
            return False
        keep = self._kept(stage, index, before, following)
        value = None if lane.value is None else lane.value[lane.start[index] : index + 1]
        return measure(self.timeline.weight[self._window(stage, index)], value, keep) >= lane.count.gte
