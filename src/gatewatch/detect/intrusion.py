"""Intrusions: connected cases as one story, before it is worded: what counts, in what order, with which score."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from gatewatch.detect.case import GUESSES, Case, after_doors
from gatewatch.detect.deed import deeds
from gatewatch.detect.exhibit import Exhibit, Shown, union
from gatewatch.detect.failure import Failures
from gatewatch.detect.severity import CONFIDENCE, Facts, Score, score

ALIASES = 200
SHOWN = {"access": "logon"}  # a chain's word for the entry, and the reader's
ENTRIES = frozenset({"logon", "access"})


@dataclass(frozen=True)
class Act:
    """A stage over all cases: its events in order, how many occurrences they stand for, from when to when."""

    name: str
    events: tuple[Exhibit, ...]
    completing: frozenset[int]
    count: int
    first: datetime
    last: datetime
    certain: bool


@dataclass(frozen=True)
class Intrusion:
    """Connected cases, in the order of their anchors; at least one of them stands by itself."""

    cases: tuple[Case, ...]
    failures: Failures

    @cached_property
    def standing(self) -> tuple[Case, ...]:
        """The cases that are an incident by themselves."""
        return tuple(case for case in self.cases if case.score is not None)

    @cached_property
    def lead(self) -> Case:
        """The case with the strongest score; among equals the surest chain, then the earliest."""
        return min(
            self.standing,
            key=lambda case: (-_rank(case), -CONFIDENCE.index(case.chain.confidence), case.anchor.row, case.chain.id),
        )

    @cached_property
    def entry(self) -> Case:
        """The case with the earliest access."""
        return min(self.standing, key=lambda case: (case.access.row, case.anchor.row, -_rank(case), case.chain.id))

    @cached_property
    def score(self) -> Score:
        """The score of all facts together, never lower than that of any case."""
        together = score(self._facts())
        best = max(
            (case.score for case in self.standing if case.score), key=lambda one: (one.severity.rank, CONFIDENCE.index(one.confidence))
        )
        return together if together is not None and together.severity.rank >= best.severity.rank else best

    @cached_property
    def accepted(self) -> Exhibit | None:
        """The first accepted access; None when the outsider was stopped each time."""
        found = [case.access for case in self.cases if case.access.entered]
        return min(found, key=lambda event: event.row, default=None)

    @cached_property
    def tried(self) -> int:
        """Failures before the outsider got in (or was stopped) for the first time."""
        entry = self.entry.access
        counted = [case.tried.attempts for case in self.cases if case.tried is not None and case.access.row == entry.row]
        before = self.failures.by_address.total((self.entry.origin,), entry.time - timedelta(hours=24), entry.time)
        return max([before, *counted])

    @cached_property
    def acts(self) -> tuple[Act, ...]:
        """The stages of all cases by name, in the order in which they began."""
        names = dict.fromkeys(SHOWN.get(hit.name, hit.name) for case in self.cases for hit in case.match.stages)
        acts = [act for act in (self._act(name) for name in ("logon", *(name for name in names if name != "logon"))) if act is not None]
        return tuple(sorted(acts, key=lambda act: (act.first, act.events[0].row, act.name)))

    @cached_property
    def events(self) -> tuple[Exhibit, ...]:
        """The events that tell the story (all but failures), in order."""
        found = {event.row: event for act in self.acts if act.name not in (*GUESSES, "spread", "miss", "campaign") for event in act.events}
        return tuple(found[row] for row in sorted(found))

    @cached_property
    def sessions(self) -> tuple[str, ...]:
        """The ids of all outside sessions that take part, sorted."""
        return tuple(sorted({session for case in self.cases for session in case.sessions}))

    @cached_property
    def origins(self) -> tuple[str, ...]:
        """The outside addresses, that of the entry first, then those of others, of whoever used a door and to which a session moved."""
        users = [event.src_ip or event.origin_ip or "" for case in self.cases for event in case.hits.get("moved", ())]
        users += [event.origin_ip for case in self.cases for event in case.hits.get("use", ()) if event.origin_ip]
        return tuple(dict.fromkeys([self.entry.origin, *sorted({case.origin for case in self.cases} | set(users) - {""})]))

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of all anchors, that of the earliest first; it is the incident's, the others are its aliases."""
        found = dict.fromkeys(anchor_id(case.anchor) for case in sorted(self.standing, key=lambda case: (case.anchor.row, case.chain.id)))
        return tuple(found)[: ALIASES + 1]

    def events_of(self, *names: str) -> tuple[Exhibit, ...]:
        """Return the events of the stages *names*, in order."""
        found = {event.row: event for act in self.acts if act.name in names for event in act.events}
        return tuple(found[row] for row in sorted(found))

    def _facts(self) -> Facts:
        facts, standing = [case.facts for case in self.cases], [case.facts for case in self.standing]
        proofs = [one for one in standing if one.guess or one.reused or one.spread or one.stopped or one.fatigue or one.worn or one.other]
        lead = self.lead.facts
        return Facts(
            guess=_first(lead.guess, *(one.guess for one in standing)),
            reused=_first(*(one.reused for one in standing)),
            spread=_first(*(one.spread for one in standing)),
            stopped=_first(*(one.stopped for one in standing)),
            fatigue=_first(*(one.fatigue for one in standing)),
            worn=_first(*(one.worn for one in standing)),
            acts=self._deeds("act", "acts"),
            doors=self._deeds("door", "doors"),
            uses=_union(one.uses for one in facts),
            onward=_union(one.onward for one in facts),
            followed=self._followed(),
            footholds=_union(one.footholds for one in standing),
            other=_first(*(one.other for one in standing)),
            level=max((one.level for one in standing), key=lambda level: level.rank),
            known=lead.known if all(one.known for one in standing) else "",
            vouched=lead.vouched if all(one.vouched for one in standing) else "",
            device=lead.device if all(one.device for one in standing) else "",
            familiar=lead.familiar if all(one.familiar for one in standing) else "",
            habitual=lead.habitual or proofs[0].habitual if proofs and all(one.habitual for one in proofs) else "",
            slip=bool(proofs) and all(one.slip for one in proofs),
            shared="" if proofs else _first(*(one.shared for one in facts)),
            factors=self.entry.facts.factors,
            confidence=max((one.confidence for one in standing), key=CONFIDENCE.index),
            unsure=all(one.unsure for one in standing),
        )

    def _followed(self) -> tuple[str, ...]:
        """Return the onward movement after the first door that counts, over all cases."""
        doors = [event for case in self.cases if case.facts.doors for event in case.hits.get("door", ())]
        onward = {event.row: event for case in self.cases if case.facts.onward for event in case.hits.get("onward", ())}
        return deeds(after_doors({"door": doors, "onward": tuple(onward[row] for row in sorted(onward))}))

    def _deeds(self, stage: str, fact: str) -> tuple[str, ...]:
        """Return the deeds of a stage over all cases in which they count, each told once."""
        found = {event.row: event for case in self.cases if getattr(case.facts, fact) for event in case.hits.get(stage, ())}
        return deeds(tuple(found[row] for row in sorted(found)))

    def _act(self, name: str) -> Act | None:
        """Return the stage *name* over all cases; None when no event of it counts."""
        found: dict[int, Exhibit] = {}
        shown: list[Shown] = []
        completing: set[int] = set()
        count, certain = 0, False
        firsts: list[datetime] = []
        lasts: list[datetime] = []
        for case in self.cases:
            if name == "logon" and case.access.entered:
                found[case.access.row] = case.access
                certain = certain or not case.facts.unsure
            for hit in case.match.stages:
                if SHOWN.get(hit.name, hit.name) != name or name == "logon" or not self._counts(case, hit.name):
                    continue
                events = case.hits.get(hit.name, ())
                if isinstance(events, Shown):
                    shown.append(events)
                else:
                    found.update((event.row, event) for event in events)
                certain = certain or hit.certain
                if events:
                    completing.add(events[-1].row)
                if hit.name in (*GUESSES, "spread") and case.tried is not None:
                    firsts.append(case.tried.first)
                    lasts.append(case.tried.last)
                    count = max(count, case.tried.attempts)
        found.update((event.row, event) for event in union(shown))
        if not found:
            return None
        events = tuple(found[row] for row in sorted(found))
        firsts, lasts = [events[0].time, *firsts], [events[-1].time, *lasts]
        if name in GUESSES and all(case.origin == self.entry.origin for case in self.cases):
            count = max(count, self.failures.by_address.total((self.entry.origin,), min(firsts), max(lasts)))
        elif name != "spread" and name not in GUESSES:
            count = sum(event.weight for event in events)
        return Act(name, events, frozenset(completing), count, min(firsts), max(lasts), certain)

    @staticmethod
    def _counts(case: Case, name: str) -> bool:
        """Whether a stage of *case* is told: failures only where they prove something."""
        return case.score is not None or name not in (*GUESSES, "spread", "miss", "campaign", "use", "refusals", "foothold")


def anchor_id(anchor: Exhibit) -> str:
    """Return the id that an anchor gives to its incident: a hash of its content, never of where it was read."""
    content = [anchor.host, anchor.service, anchor.user, anchor.src_ip or anchor.src_host, anchor.time.isoformat()]
    return f"inc-{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]}"


def _rank(case: Case) -> int:
    return case.score.severity.rank if case.score is not None else -1


def _first(*texts: str) -> str:
    return next((text for text in texts if text), "")


def _union(parts: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for part in parts for text in part))
