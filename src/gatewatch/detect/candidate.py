"""Candidates: the events that could complete a stage, per key, out of all that happened.

Only keys that bear an anchor event and at least one event for every required stage are kept: keys never mix, so nothing else can matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from gatewatch.detect import timeline as tl
from gatewatch.detect import window
from gatewatch.detect.chain import Chain, Count, Number, Stage, amount, seconds
from gatewatch.detect.timeline import FOREVER, Ints, Timeline
from gatewatch.errors import ContentError
from gatewatch.schema.events import ensure

ORDER = ("time", "time_err", "stream", "position", "count")


@dataclass(frozen=True, slots=True)
class Counting:
    """A count with its numbers resolved; ``window`` in microseconds."""

    gte: float
    window: int


@dataclass(frozen=True, slots=True)
class Lane:
    """The candidate events of one stage (``late``: of one after the anchor), sorted by key, then by the total order.

    ``at`` are positions in the timeline and ``key`` codes of keys; ``code`` joins both into one rising number;
    ``offset[k]:offset[k + 1]`` is the run of key ``k``. For a count stage ``start`` is where the window of each event begins, ``value`` the
    codes of the distinct column and ``full`` what the whole window holds. ``after`` and ``within`` are microseconds.
    """

    stage: Stage
    late: bool
    timeline: Timeline
    at: Ints
    key: Ints
    code: Ints
    offset: Ints
    after: int | None
    within: int
    count: Counting | None
    start: Ints
    value: Ints | None
    full: Ints

    @property
    def completes(self) -> Ints:
        """The indices of the events at which the stage completes when nothing restricts what it counts."""
        if self.count is None:
            return np.arange(len(self.at))
        return np.flatnonzero(self.full >= self.count.gte)

    def first_not_before(self, keys: Ints, times: Ints) -> Ints:
        """Return the index of the first event of each of *keys* at or after each of *times*."""
        return np.searchsorted(self.code, _place(self.timeline, keys, times))

    def run(self, key: int, first: int, last: int) -> slice:
        """Return the events of *key* from the instant *first* to the instant *last*, both included."""
        begin, end = int(self.offset[key]), int(self.offset[key + 1])
        times = self.timeline.time
        low, high = np.searchsorted(times, first), np.searchsorted(times, last, "right")
        at = self.at[begin:end]
        return slice(begin + int(np.searchsorted(at, low)), begin + int(np.searchsorted(at, high)))


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a chain has to look at: the timeline, the lanes before, at and after the anchor, absences, and the keys.

    ``session`` and ``origin`` give for each position in the timeline a code of (host, session) and of origin_session, -1 where not known;
    they are empty unless a stage asks for the session.
    """

    timeline: Timeline
    before: tuple[Lane, ...]
    anchor: Lane
    after: tuple[Lane, ...]
    absent: tuple[Lane, ...]
    keys: tuple[tuple[str, ...], ...]
    span: int | None
    session: Ints
    origin: Ints


def gather(chain: Chain, events: pl.DataFrame, number: Number) -> Candidates | None:
    """Return the candidates of *chain* among *events*, or None when no key can match."""
    _require_rules(chain, events)
    wanted = ("row", *ORDER, *chain.columns)
    narrow = ensure(events, *ORDER, *chain.columns).select(*dict.fromkeys(wanted), *(f"rule:{rule}" for rule in chain.rules))
    frame = tl.timed(narrow)
    found = [_stage_events(chain, stage, frame) for stage in chain.stages]
    by = list(chain.by)
    keys = found[chain.stages.index(chain.anchor)].select(by).unique()
    for stage, part in zip(chain.stages, found, strict=True):
        if not (stage.optional or stage.absent or stage.anchor):
            keys = keys.join(part.select(by).unique(), on=by, how="semi")
    if not keys.height:
        return None
    keys = keys.sort(by).with_row_index("zz_key")
    found = [part.join(keys, on=by, how="inner").select("zz_index", "zz_key") for part in found]
    indices = np.unique(np.concatenate([part["zz_index"].to_numpy() for part in found]))
    relevant = narrow[indices]
    timeline, positions = tl.build(relevant)
    scene = _Scene(relevant, timeline, positions, number)
    split = chain.stages.index(chain.anchor)
    lanes = []
    for place, (stage, part) in enumerate(zip(chain.stages, found, strict=True)):
        at = positions[np.searchsorted(indices, part["zz_index"].to_numpy())]
        key = part["zz_key"].cast(pl.Int64).to_numpy()
        order = np.argsort(key * len(timeline.time) + at)
        offset = np.searchsorted(key[order], np.arange(keys.height + 1))
        lanes.append(_lane(scene, stage, at[order], key[order], offset, late=place > split))
    in_session = any(stage.during_session for stage in chain.stages)
    return Candidates(
        timeline,
        tuple(lane for lane in lanes[:split] if not lane.stage.absent),
        lanes[split],
        tuple(lane for lane in lanes[split + 1 :] if not lane.stage.absent),
        tuple(lane for lane in lanes if lane.stage.absent),
        tuple(keys.select(by).iter_rows()),
        _micros(chain.span, number),
        _codes(scene, "host", "session") if in_session else np.empty(0, np.int64),
        _codes(scene, "origin_session") if in_session else np.empty(0, np.int64),
    )


def _require_rules(chain: Chain, events: pl.DataFrame) -> None:
    for rule in chain.rules:
        if f"rule:{rule}" not in events.columns:
            raise ContentError(f"chain {chain.id}: no rule {rule!r} was evaluated")


def _stage_events(chain: Chain, stage: Stage, frame: pl.DataFrame) -> pl.DataFrame:
    """Return index and key (under the names of ``by``) of the events that meet *stage*; a null in the key matches nothing."""
    meets = pl.any_horizontal([pl.col(f"rule:{rule}").fill_null(False) for rule in stage.rules])
    keys = [pl.col(stage.alias.get(name, name)).cast(pl.String).alias(f"zz_{name}") for name in chain.by]
    part = frame.filter(meets).select("zz_index", *keys).drop_nulls()
    return part.rename({f"zz_{name}": name for name in chain.by})


@dataclass(frozen=True, slots=True)
class _Scene:
    """The relevant events, their timeline, the position of each in it, and the tunables."""

    relevant: pl.DataFrame
    timeline: Timeline
    positions: Ints
    number: Number


def _lane(scene: _Scene, stage: Stage, at: Ints, key: Ints, offset: Ints, *, late: bool) -> Lane:
    timeline, number = scene.timeline, scene.number
    count = _counting(stage.count, number)
    start, full, value = np.arange(len(at)), timeline.weight[at], None
    code = key * len(timeline.time) + at
    times = timeline.time[at]
    if count is not None:
        start = np.searchsorted(code, _place(timeline, key, times - count.window))
        full = window.sums(timeline.weight[at], start)
    if count is not None and stage.count is not None and stage.count.distinct is not None:
        value = _codes(scene, stage.count.distinct)[at]
        full = window.distincts(value, key, np.searchsorted(code, _place(timeline, key, times + count.window + 1)))
    within = _micros(stage.within, number) or 0
    return Lane(stage, late, timeline, at, key, code, offset, _micros(stage.after, number), within, count, start, value, full)


def _place(timeline: Timeline, key: Ints, time: Ints) -> Ints:
    """Return the code that an event of each *key* would have, were it the first at or after each *time*."""
    return key * len(timeline.time) + np.searchsorted(timeline.time, time)


def _counting(count: Count | None, number: Number) -> Counting | None:
    return None if count is None else Counting(amount(count.gte, number), _micros(count.window, number) or 0)


def _micros(text: str | None, number: Number) -> int | None:
    return None if text is None else min(max(round(seconds(text, number) * 1_000_000), 0), FOREVER)


def _codes(scene: _Scene, *columns: str) -> Ints:
    """Return for each position in the timeline a number that stands for its values in *columns*, -1 where one is null."""
    frame = ensure(scene.relevant, *columns).select(pl.col(name).cast(pl.String) for name in columns)
    known = frame.unique().drop_nulls().with_row_index("zz_code")
    joined = frame.with_row_index("zz_at").join(known, on=list(columns), how="left").sort("zz_at")
    codes = np.empty(len(scene.positions), np.int64)
    codes[scene.positions] = joined["zz_code"].cast(pl.Int64).fill_null(-1).to_numpy()
    return codes
