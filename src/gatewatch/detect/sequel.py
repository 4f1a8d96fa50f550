"""The sequel: what came after an anchor, every completion of every late stage that belongs to a valid choice.

The completions of the late stages form a graph that starts at the anchor: first all that can be reached are found, then
those dropped from which a required stage can no longer be completed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from gatewatch.detect.candidate import Candidates
from gatewatch.detect.lane import Lane
from gatewatch.detect.timeline import FOREVER, Bools, Ints
from gatewatch.detect.window import measure

_NONE = np.empty(0, np.int64)
_KEPT = 5_000  # answers kept: those of one anchor's late stages are asked for again and again, those of the anchors before never


@dataclass(slots=True)
class Sequel:
    """The late stages of one chain; it keeps what it found while the key stays the same."""

    candidates: Candidates
    _key: int = -1
    _empty: bool = False  # no late stage has an event of the key
    _edges: dict[tuple[int, int], Ints] = field(default_factory=dict)
    _blur: dict[int, tuple[int, int]] = field(default_factory=dict)  # per stage: how far late and lo lie from time at most
    _bent: bool = False  # a completion lies before the one it can follow, in the total order
    _sessions: dict[tuple[int, str], dict[int, Ints]] = field(default_factory=dict)  # by stage and kind: its events by session

    @property
    def required(self) -> bool:
        """Whether a late stage must be completed for a match."""
        return any(not lane.stage.optional for lane in self.candidates.after)

    def hits(self, chosen: Ints, key: int, first_end: int) -> list[Ints] | None:
        """Return for each late stage the indices of its completions, or None where a required one cannot be completed.

        *chosen* are the completions up to the anchor, positions in the timeline, the anchor last; *first_end* is the latest end (``hi``) of
        the first completion, from which ``span`` runs.
        """
        if key != self._key:
            self._key, self._edges, self._blur, self._bent = key, {}, {}, False
            self._empty = all(lane.offset[key] == lane.offset[key + 1] for lane in self.candidates.after)
        if self._empty:  # nothing ever came after this key's anchors
            return None if self.required else [_NONE] * len(self.candidates.after)
        span = self.candidates.span
        view = _View(chosen, 4 * FOREVER if span is None else first_end + span)
        lanes = self.candidates.after
        for stage in range(len(lanes)):
            view.in_session.append(self._in_session(stage, chosen))
            parts = [self._from(stage, position, view) for position in self._sources(stage, view)]
            parts += [view.in_session[stage]] if parts and len(view.in_session[stage]) else []
            view.hits.append(parts[0] if len(parts) == 1 else _union(parts))
        if self.required:
            self._drop_dead_ends(view)
        # Where clocks overlap, each can follow the one before and yet not all of three in a row.
        if len(lanes) > 2 and (self._bent or any(map(len, view.in_session))):
            view.hits = [self._on_path(view, stage) for stage in range(len(lanes))]
        complete = all(lane.stage.optional or len(hits) for lane, hits in zip(lanes, view.hits, strict=True))
        return view.hits if complete else None

    def counted(self, stage: int, anchor: int, hits: Ints) -> Ints:
        """Return the evidence of a late stage, positions in order: its hits and, for a count, what they count from the anchor on."""
        lane = self.candidates.after[stage]
        if lane.count is None:
            return lane.at[hits]
        windows = _union([np.arange(lane.start[hit], hit + 1) for hit in hits])
        found: Ints = lane.at[windows]
        return found[self.candidates.timeline.follows(anchor, found)]

    def _sources(self, stage: int, view: _View) -> Iterator[int]:
        """Yield the positions from which *stage* can be reached directly: back to the last required stage, or the anchor."""
        lanes = self.candidates.after
        for earlier in range(stage - 1, -1, -1):
            yield from lanes[earlier].at[view.hits[earlier]].tolist()
            if not lanes[earlier].stage.optional:
                return
        yield view.anchor

    def _drop_dead_ends(self, view: _View) -> None:
        """Drop the hits from which a required stage can no longer be completed, and all where the anchor itself is such."""
        lanes = self.candidates.after
        for stage in range(len(lanes) - 1, -1, -1):
            at = lanes[stage].at[view.hits[stage]].tolist()
            view.hits[stage] = view.hits[stage][[self._leads_on(stage, position, view) for position in at]]
        if not self._leads_on(-1, view.anchor, view):
            view.hits = [hits[:0] for hits in view.hits]

    def _leads_on(self, stage: int, position: int, view: _View) -> bool:
        """Whether the required stages after *stage* can be completed from *position*."""
        lanes = self.candidates.after
        if all(lane.stage.optional for lane in lanes[stage + 1 :]):
            return True
        for later in range(stage + 1, len(lanes)):
            if any(np.isin(ways, view.hits[later]).any() for ways in (self._from(later, position, view), view.in_session[later])):
                return True
            if not lanes[later].stage.optional:
                return False
        return False

    def _on_path(self, view: _View, stage: int) -> Ints:
        """Return the hits of *stage* that belong to a choice in which every completion can follow all before it."""
        hits = view.hits[stage]
        sure = np.zeros(len(hits), np.bool_)
        if not self.required:
            sure = np.isin(hits, self._from(stage, view.anchor, view)) | np.isin(hits, view.in_session[stage])
        return hits[[bool(known) or self._lies_on_path(view, stage, index) for known, index in zip(sure, hits.tolist(), strict=True)]]

    def _lies_on_path(self, view: _View, wanted: int, index: int) -> bool:
        """Whether a choice in which every completion can follow all before it has *index* as the completion of the stage *wanted*."""
        line, lanes = self.candidates.timeline, self.candidates.after

        def walk(stage: int, path: list[int]) -> bool:
            if stage == len(lanes):
                return True
            if stage != wanted and lanes[stage].stage.optional and walk(stage + 1, path):
                return True
            direct = set(self._from(stage, path[-1] if path else view.anchor, view).tolist())
            anywhere = set(view.in_session[stage].tolist())
            for option in [index] if stage == wanted else view.hits[stage].tolist():
                at = int(lanes[stage].at[option])
                in_turn = option in direct and all(line.follows(earlier, at) for earlier in path)
                if (in_turn or option in anywhere) and walk(stage + 1, [*path, at]):
                    return True
            return False

        return walk(0, [])

    def _from(self, stage: int, position: int, view: _View) -> Ints:
        """Return the completions of *stage* that can come next after *position* and can follow all that was chosen up to the anchor."""
        memo = (stage, position)
        if memo not in self._edges:
            if len(self._edges) >= _KEPT:
                self._edges.clear()
            self._edges[memo] = self._search(stage, position)
        return self._following(stage, self._edges[memo], position, view)

    def _following(self, stage: int, indices: Ints, position: int, view: _View) -> Ints:
        line, at = self.candidates.timeline, self.candidates.after[stage].at[indices]
        keep = line.lo[at] <= view.limit
        for earlier in view.chosen.tolist():
            if earlier != position:
                keep &= line.follows(earlier, at)
        kept: Ints = indices[keep]
        return kept

    def _search(self, stage: int, position: int) -> Ints:
        line, lane = self.candidates.timeline, self.candidates.after[stage]
        if lane.offset[self._key] == lane.offset[self._key + 1]:
            return lane.at[:0]
        if stage not in self._blur:
            here = lane.of(self._key)
            self._blur[stage] = int((line.late[here] - line.time[here]).max()), int((line.time[here] - line.lo[here]).max())
        reach, blur = self._blur[stage]
        last = 4 * FOREVER if lane.after is None else int(line.hi[position]) + lane.after
        run = lane.run(self._key, int(line.early[position]) - reach, last + blur)
        found = lane.at[run]
        fits: Ints = run.start + np.flatnonzero(line.follows(position, found) & (line.lo[found] <= last))
        self._bent |= bool((lane.at[fits] < position).any() or line.disordered[lane.at[fits]].any())
        return fits if lane.count is None else self._enough(lane, fits, position, None)

    def _enough(self, lane: Lane, indices: Ints, position: int, of: Bools | None) -> Ints:
        """Return those of *indices* whose windows hold enough that follows *position*, and is marked by *of* (by index)."""
        if lane.count is None:
            return indices
        line, kept = self.candidates.timeline, []
        for index in indices[lane.full[indices] >= lane.count.gte].tolist():
            window = slice(int(lane.start[index]), index + 1)
            keep = line.follows(position, lane.at[window])
            if of is not None:
                keep = keep & of[window]
            value = None if lane.value is None else lane.value[window]
            if measure(line.weight[lane.at[window]], value, keep) >= lane.count.gte:
                kept.append(index)
        return np.array(kept, np.int64)

    def _in_session(self, stage: int, chosen: Ints) -> Ints:
        """Return the completions of *stage* in the anchor's session: same host and session, or same origin session."""
        lane, anchor = self.candidates.after[stage], int(chosen[-1])
        if not lane.stage.during_session:
            return _NONE
        parts = [part for part in (self._members(stage, "session", anchor), self._members(stage, "origin", anchor)) if len(part)]
        if not parts:
            return _NONE
        indices = _union(parts)
        members: Ints = indices[lane.key[indices] == self._key]
        indices = members
        for earlier in chosen.tolist():
            indices = indices[self.candidates.timeline.follows(earlier, lane.at[indices])]
        if lane.count is None or not len(indices):
            return indices
        marked = np.zeros(len(lane.at), np.bool_)
        marked[members] = True
        return self._enough(lane, indices, anchor, marked)

    def _members(self, stage: int, kind: str, anchor: int) -> Ints:
        """Return the events of *stage* that share the anchor's session or origin, as *kind* says."""
        codes: Ints = getattr(self.candidates, kind)
        if (stage, kind) not in self._sessions:
            own = codes[self.candidates.after[stage].at]
            order = np.argsort(own, kind="stable")
            values, starts = np.unique(own[order], return_index=True)
            ends = [*starts[1:].tolist(), len(order)]
            spans = zip(values.tolist(), starts.tolist(), ends, strict=False)  # of nothing there is an end, but no value
            self._sessions[stage, kind] = {code: order[start:end] for code, start, end in spans if code >= 0}
        return self._sessions[stage, kind].get(int(codes[anchor]), _NONE)


@dataclass(slots=True)
class _View:
    """One anchor's view: what was chosen up to it, where its span ends, and per late stage the hits, all and those in its session."""

    chosen: Ints
    limit: int
    hits: list[Ints] = field(default_factory=list)
    in_session: list[Ints] = field(default_factory=list)

    @property
    def anchor(self) -> int:
        return int(self.chosen[-1])


def _union(parts: list[Ints]) -> Ints:
    """Return the indices in any of *parts*, sorted, each once."""
    if not parts:
        return _NONE
    joined = np.sort(np.concatenate(parts))
    new = np.ones(len(joined), np.bool_)
    new[1:] = joined[1:] > joined[:-1]
    union: Ints = joined[new]
    return union
