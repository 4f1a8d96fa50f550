"""The prelude: what came before an anchor, searched exactly, one key at a time.

This is the definition of ``docs/explanation/matching.md`` in executable form, for any shape of chain; where the total order already decides
(nearly everywhere), :mod:`gatewatch.detect.shortcut` spares it. The completions of the stages up to the anchor form paths. A path is
worth the latest end (``hi``) of its first completion, because that is all that ``span`` asks of it later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gatewatch.detect.lane import Lane
from gatewatch.detect.timeline import FOREVER, Bools, Ints, Timeline
from gatewatch.detect.window import measure

NEVER = -(1 << 62)
Accept = Callable[[list[int], int], bool]
"""Whether the stages after the anchor can be completed, given (some) completions up to it, positions in order, and the end of the first."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A completion chosen for a stage: its lane, its index there, what it counted (positions in the timeline) and the weight of that."""

    lane: Lane
    index: int
    counted: Ints
    weight: int
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
    _worth: dict[tuple[int, int], int] = field(default_factory=dict)
    _blur: dict[int, tuple[int, int]] = field(default_factory=dict)  # per stage: how far early and hi lie from time at most

    def choose(self, index: int, accept: Accept) -> list[Completion] | None:
        """Return the completions to report up to the anchor event *index* of its lane, or None where no choice is valid.

        Backwards from the anchor: a stage is present if it can be; of its completions one that surely precedes the next is
        preferred, then the latest.
        """
        stage = len(self.lanes) - 1
        worth = self._reach(stage, index)
        if worth == NEVER or not accept([int(self.lanes[stage].at[index])], worth):
            return None
        path = self._extend([(stage, index)], NEVER + 1, accept)
        return None if path is None else [self._completion(path, step) for step in range(len(path) - 1, -1, -1)]

    @property
    def _span(self) -> int:
        return 4 * FOREVER if self.span is None else self.span

    def _extend(self, path: list[tuple[int, int]], need: int, accept: Accept) -> list[tuple[int, int]] | None:
        """Return *path*, (stage, index) backwards from the anchor, extended to the best valid one, or None.

        *need* is the end that the first completion must reach so that the later ones lie within its span.
        """
        line, (stage, index) = self.timeline, path[-1]
        later = [self._at(step) for step in path]
        at, following = later[-1], later[-2] if len(path) > 1 else -1
        need = max(need, int(line.lo[at]) - self._span)
        for earlier in range(stage - 1, -1, -1):
            found = self._predecessors(earlier, stage, at)
            for other in later[:-1]:
                found = found[line.follows(self.lanes[earlier].at[found], other)]
            sure = line.surely_follows(self.lanes[earlier].at[found], at)
            for candidate in [*found[sure][::-1].tolist(), *found[~sure][::-1].tolist()]:
                before = self._at((earlier, candidate))
                worth = self._reach(earlier, candidate)
                if worth >= need and accept([later[0]], worth) and self._satisfied(stage, index, before, following):
                    longer = self._extend([*path, (earlier, candidate)], need, accept)
                    if longer is not None:
                        return longer
            if not self.lanes[earlier].stage.optional:
                return None
        first_end = int(line.hi[at])
        fits = first_end >= need and self._satisfied(stage, index, -1, following) and accept(later[::-1], first_end)
        return path if fits else None

    def _completion(self, path: list[tuple[int, int]], step: int) -> Completion:
        stage, index = path[step]
        before = self._at(path[step + 1]) if step + 1 < len(path) else -1
        following = self._at(path[step - 1]) if step else -1
        counted = self._window(stage, index)[self._kept(stage, index, before, following)]
        certain = before < 0 or bool(self.timeline.surely_follows(before, self._at(path[step])))
        return Completion(self.lanes[stage], index, counted, int(self.timeline.weight[counted].sum()), certain)

    def _at(self, step: tuple[int, int]) -> int:
        return int(self.lanes[step[0]].at[step[1]])

    def _reach(self, stage: int, index: int) -> int:
        """Return what the best path that ends with this completion is worth, NEVER without one.

        Neighbours only: what the completions after it forbid is left to :meth:`_extend`, so this is an upper bound.
        """
        if (stage, index) not in self._worth:
            self._worth[stage, index] = self._search(stage, index)
        return self._worth[stage, index]

    def _search(self, stage: int, index: int) -> int:
        at = self._at((stage, index))
        need = max(int(self.timeline.lo[at]) - self._span, NEVER + 1)
        best = NEVER
        if all(earlier.stage.optional for earlier in self.lanes[:stage]) and self._satisfied(stage, index, -1, -1):
            best = int(self.timeline.hi[at])
        for earlier in range(stage - 1, -1, -1):
            for candidate in self._predecessors(earlier, stage, at)[::-1].tolist():
                if best >= self.enough:
                    return best
                worth = self._reach(earlier, candidate)
                if worth > best and worth >= need and self._satisfied(stage, index, self._at((earlier, candidate)), -1):
                    best = worth
            if not self.lanes[earlier].stage.optional:
                break
        return best

    def _predecessors(self, earlier: int, stage: int, at: int) -> Ints:
        """Return the possible completions in the lane *earlier* that *at* can follow, within ``after`` of *stage*: indices, in order."""
        line, lane = self.timeline, self.lanes[earlier]
        if lane.offset[self.key] == lane.offset[self.key + 1]:
            return lane.at[:0]
        if earlier not in self._blur:
            here = lane.of(self.key)
            self._blur[earlier] = int((line.time[here] - line.early[here]).max()), int((line.hi[here] - line.time[here]).max())
        reach, blur = self._blur[earlier]
        after = self.lanes[stage].after
        first = -4 * FOREVER if after is None else int(line.lo[at]) - after
        run = lane.run(self.key, first - blur, int(line.late[at]) + reach)
        found = lane.at[run]
        fits = line.follows(found, at) & (line.hi[found] >= first)
        if lane.count is not None:
            fits &= lane.full[run] >= lane.count.gte
        indices: Ints = run.start + np.flatnonzero(fits)
        return indices

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
