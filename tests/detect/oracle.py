"""The oracle: a plain, slow reading of docs/explanation/matching.md that the matcher must agree with.

It shares no code with the matcher: dictionaries, loops, every choice of completions tried. The section numbers are those of the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from gatewatch.detect.chain import Chain, Stage
from gatewatch.schema.incidents import Match, StageHit

Event = dict[str, Any]
Number = Callable[[str], float]
Covered = Callable[[str, int, datetime, datetime], bool | None]
Choice = list[tuple[Event, bool] | None]  # for each stage the completion and whether the session placed it, or None

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def oracle(chain: Chain, frame: pl.DataFrame, number: Number, covered: Covered | None = None, until: datetime | None = None) -> list[Match]:
    """Return what the matcher must return."""
    return _Reading(chain, frame, number, covered, until).matches()


class _Reading:
    def __init__(self, chain: Chain, frame: pl.DataFrame, number: Number, covered: Covered | None, until: datetime | None) -> None:
        self.chain, self.number, self.covered = chain, number, covered
        events = [event for event in frame.to_dicts() if event["time"] is not None]
        for event in events:
            event["err"] = event["time_err"] or timedelta(0)
            event["weight"] = 1 if event["count"] is None else event["count"]
            event["placed"] = event["stream"] is not None and event["position"] is not None
        events.sort(key=total_order)
        for rank, event in enumerate(events):
            event["rank"] = rank
        self.events = events
        self.until = until or max((event["time"] for event in events), default=None)
        self.stages = [stage for stage in chain.stages if not stage.absent]
        self.anchor = self.stages.index(chain.anchor)

    def matches(self) -> list[Match]:
        found = []
        for event in self.of(self.chain.anchor):
            match = self.match(event)
            if match is not None:
                found.append(match)
        return found

    # 1. Events, keys

    def of(self, stage: Stage, key: tuple[str, ...] | None = None) -> list[Event]:
        """Return the events of a stage, of one key or of any key that holds no null."""
        chosen = []
        for event in self.events:
            values = self.key(stage, event)
            if stage.anchor and not self.at_home(event):
                continue
            if any(event[f"rule:{rule}"] for rule in stage.rules) and None not in values and key in (None, values):
                chosen.append(event)
        return chosen

    def at_home(self, event: Event) -> bool:
        """Whether an anchor event is of the chain's platform."""
        if self.chain.platform is None:
            return True
        foreign = {"windows": ("windows-",), "macos": ("macos-",), "containers": ("kubernetes-", "docker-", "falco-")}
        source = event["source"] or ""
        found = [name for name, prefixes in foreign.items() if any(source.startswith(prefix) for prefix in prefixes)]
        return (found or ["linux"]) == [str(self.chain.platform)]

    def key(self, stage: Stage, event: Event) -> tuple[str, ...]:
        return tuple(event[stage.alias.get(name, name)] for name in self.chain.by)

    # 4. Counts

    def counted(self, stage: Stage, at: Event, key: tuple[str, ...], before: Event | None, following: Event | None) -> list[Event]:
        """Return the events that the completion of a stage at *at* counts."""
        if stage.count is None:
            return [at]
        window = self.duration(stage.count.window)
        return [
            event
            for event in self.of(stage, key)
            if at["time"] - window <= event["time"]
            and event["rank"] <= at["rank"]
            and (before is None or follows(before, event))
            and (following is None or follows(event, following))
        ]

    def enough(self, stage: Stage, counted: list[Event]) -> bool:
        if stage.count is None:
            return True
        gte = stage.count.gte if isinstance(stage.count.gte, int) else self.number(stage.count.gte[1:])
        if stage.count.distinct is None:
            return bool(sum(event["weight"] for event in counted) >= gte)
        return len({event[stage.count.distinct] for event in counted} - {None}) >= gte

    # 5. Choices

    def choices(self, anchor: Event, key: tuple[str, ...]) -> Iterator[Choice]:
        """Yield every valid choice of completions for one anchor event."""
        yield from self.extend([], anchor, key)

    def extend(self, choice: Choice, anchor: Event, key: tuple[str, ...]) -> Iterator[Choice]:
        if len(choice) == len(self.stages):
            if self.valid(choice, anchor, key):
                yield choice
            return
        index = len(choice)
        stage = self.stages[index]
        options: list[tuple[Event, bool] | None] = [None] if stage.optional else []
        if index == self.anchor:
            options.append((anchor, False))
        else:
            options += [(event, False) for event in self.of(stage, key)]
            if stage.during_session and index > self.anchor:
                options += [(event, True) for event in self.of(stage, key) if in_session(anchor, event)]
        for option in options:
            longer = [*choice, option]
            if self.in_order(longer):
                yield from self.extend(longer, anchor, key)

    def in_order(self, choice: Choice) -> bool:
        """Whether the last completion of a choice can follow all before it, soon enough."""
        last = choice[-1]
        if last is None:
            return True
        event, by_session = last
        earlier = [it[0] for it in choice[:-1] if it is not None]
        if by_session:
            return all(follows(it[0], event) for it in choice[: self.anchor + 1] if it is not None)
        if not earlier:
            return True
        after = self.stages[len(choice) - 1].after
        return (
            all(follows(other, event) for other in earlier)
            and (after is None or gap(earlier[-1], event) <= self.duration(after))
            and (self.chain.span is None or gap(earlier[0], event) <= self.duration(self.chain.span))
        )

    def valid(self, choice: Choice, anchor: Event, key: tuple[str, ...]) -> bool:
        """Whether every count of a choice is reached."""
        for index, option in enumerate(choice):
            if option is None:
                continue
            event, by_session = option
            counted = self.counted(self.stages[index], event, key, *self.neighbours(choice, index, anchor))
            if by_session:
                counted = [other for other in counted if in_session(anchor, other)]
            if not self.enough(self.stages[index], counted):
                return False
        return True

    def neighbours(self, choice: Choice, index: int, anchor: Event) -> tuple[Event | None, Event | None]:
        """Return what restricts a count: the completion before it and, before the anchor, the one after it."""
        option = choice[index]
        if option is not None and option[1]:
            return anchor, None
        before = [it[0] for it in choice[:index] if it is not None]
        following = [it[0] for it in choice[index + 1 : self.anchor + 1] if it is not None]
        return (before[-1] if before else None), (following[0] if following else None)

    # 6. The report

    def match(self, anchor: Event) -> Match | None:
        key = self.key(self.chain.anchor, anchor)
        choices = list(self.choices(anchor, key))
        if not choices:
            return None
        best = max(choices, key=self.preference)
        same = [choice for choice in choices if choice[: self.anchor] == best[: self.anchor]]
        hits: dict[str, StageHit] = {}
        for index, stage in enumerate(self.stages):
            if index <= self.anchor:
                option = best[index]
                if option is not None:
                    before, following = self.neighbours(best, index, anchor)
                    counted = self.counted(stage, option[0], key, before, following)
                    hits[stage.name] = hit(stage, counted, before is None or surely_follows(before, option[0]))
            else:
                ranks = sorted({option[0]["rank"] for choice in same if (option := choice[index]) is not None})
                if ranks:
                    late = [self.events[rank] for rank in ranks]
                    evidence = {event["rank"] for at in late for event in self.counted(stage, at, key, anchor, None)}
                    certain = any(surely_follows(anchor, event) for event in late)
                    hits[stage.name] = hit(stage, [self.events[rank] for rank in sorted(evidence)], certain)
        notes = []
        for stage in self.chain.stages:
            if stage.absent:
                verdict, first, last = self.absence(stage, anchor, key)
                if verdict == "absent":
                    hits[stage.name] = StageHit(stage.name, (), 0, first, last)
                elif not stage.optional:
                    return None
                elif verdict != "present":
                    notes.append(f"{stage.name}: unknown, {verdict}")
        stages = tuple(hits[stage.name] for stage in self.chain.stages if stage.name in hits)
        return Match(self.chain.id, tuple(zip(self.chain.by, key, strict=True)), anchor["row"], stages, tuple(notes))

    def preference(self, choice: Choice) -> list[tuple[bool, bool, int]]:
        """Return what makes one choice better to report than another, judged backwards from the anchor."""
        scores = []
        option = choice[self.anchor]
        assert option is not None
        following = option[0]
        for option in choice[: self.anchor][::-1]:
            if option is None:
                scores.append((False, False, -1))
            else:
                scores.append((True, surely_follows(option[0], following), option[0]["rank"]))
                following = option[0]
        return scores

    # 7. Absence

    def absence(self, stage: Stage, anchor: Event, key: tuple[str, ...]) -> tuple[str, datetime, datetime]:
        assert stage.within is not None
        within = self.duration(stage.within)
        late = self.chain.stages.index(stage) > self.chain.stages.index(self.chain.anchor)
        first, last = anchor["time"] - anchor["err"], anchor["time"] + anchor["err"]
        first, last = (first, last + within) if late else (first - within, last)
        for event in self.of(stage, key):
            pair = (anchor, event) if late else (event, anchor)
            if (follows(*pair) or clock(*pair)) and gap(*pair) <= within:
                return "present", first, last
        if late and (self.until is None or self.until <= last):
            return "the logs end before the deadline", first, last
        if self.covered is None or self.covered(stage.name, anchor["row"], first, last) is not True:
            return "no log known to cover it", first, last
        return "absent", first, last

    def duration(self, text: str) -> timedelta:
        found = re.fullmatch(r"(\d+)([smhdw])", text)
        return timedelta(**{UNITS[found[2]]: int(found[1])}) if found else timedelta(seconds=self.number(text[1:]))


# 2. Order


def total_order(event: Event) -> tuple[Any, ...]:
    """Return the sort key of the total order; what is not known comes first."""
    return (event["time"], event["stream"] is not None, event["stream"], event["position"] is not None, event["position"], event["row"])


def clock(a: Event, b: Event) -> bool:
    """Whether *b* can follow *a* by their clocks, whatever the order of the records."""
    return a is not b and bool(b["time"] + b["err"] >= a["time"] - a["err"])


def follows(a: Event, b: Event) -> bool:
    """Whether *b* can follow *a*."""
    if a is b:
        return False
    if a["placed"] and b["placed"] and a["stream"] == b["stream"]:
        return bool(b["position"] > a["position"])
    return bool(b["time"] + b["err"] >= a["time"] - a["err"])


def surely_follows(a: Event, b: Event) -> bool:
    """Whether *b* follows *a* however the clocks stood."""
    if a["placed"] and b["placed"] and a["stream"] == b["stream"]:
        return bool(b["position"] > a["position"])
    return bool(b["time"] - b["err"] > a["time"] + a["err"])


# 3. Distance


def gap(a: Event, b: Event) -> timedelta:
    """Return the least time that can have passed from *a* to *b*."""
    result: timedelta = (b["time"] - b["err"]) - (a["time"] + a["err"])
    return result


def in_session(anchor: Event, event: Event) -> bool:
    """Whether an event lies in the anchor's session."""
    same = None not in (anchor["host"], anchor["session"]) and (anchor["host"], anchor["session"]) == (event["host"], event["session"])
    return same or (anchor["origin_session"] is not None and anchor["origin_session"] == event["origin_session"])


def hit(stage: Stage, events: list[Event], certain: bool) -> StageHit:
    """Return a stage hit: the first 20 and the last 180 rows, and the weight of all."""
    rows = [event["row"] for event in events]
    kept = rows if len(rows) <= 200 else rows[:20] + rows[-180:]
    times = [event["time"] for event in events]
    return StageHit(stage.name, tuple(kept), sum(event["weight"] for event in events), min(times), max(times), certain)
