"""Candidates: the events that could take part in a match of a chain, out of all that happened.

Only keys that bear an anchor event and at least one event for every required stage are kept: keys never mix, so nothing else can matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from gatewatch.detect import lane, timeline
from gatewatch.detect.chain import Chain, Number, Stage
from gatewatch.detect.lane import Lane
from gatewatch.detect.timeline import Ints, Timeline
from gatewatch.errors import ContentError
from gatewatch.schema.events import ensure
from gatewatch.schema.platform import on_platform

_ORDER = ("time", "time_err", "stream", "position", "count")
_NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a chain has to look at: the timeline, the lanes before, at and after the anchor, absences, and the keys.

    ``session`` and ``origin`` give for each position in the timeline a code of (host, session) and of origin_session, -1 where not known;
    they hold for the anchor and the stages that ask for its session, and are empty when none does.
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
    rows: list[int]  # the rows of the timeline, each once: thousands of matches name the same ones


def gather(chain: Chain, events: pl.DataFrame, number: Number, anchors: pl.Expr | None = None) -> Candidates | None:
    """Return the candidates of *chain* among *events*, or None when no key can match; *anchors* says which anchor events are asked about."""
    for rule in chain.rules:
        if f"rule:{rule}" not in events.columns:
            raise ContentError(f"chain {chain.id}: no rule {rule!r} was evaluated")
    events = ensure(events, *_ORDER, *chain.columns)
    keys, found = _of_live_keys(chain, events, pl.lit(True) if anchors is None else anchors)
    if not keys:
        return None
    relevant = np.zeros(events.height, np.bool_)
    for indices, _ in found:
        relevant[indices] = True
    frame = events.select(*dict.fromkeys(("row", *_ORDER, *chain.columns)))[np.flatnonzero(relevant)]
    line, positions = timeline.build(frame)
    place = np.cumsum(relevant) - 1
    lanes: list[Lane] = []
    for stage, (indices, key) in zip(chain.stages, found, strict=True):
        value = None
        at = positions[place[indices]]
        if stage.count is not None and stage.count.distinct is not None:
            value = _codes(frame, positions, at, stage.count.distinct)
        late = any(it.stage.anchor for it in lanes)
        lanes.append(lane.build(stage, line, (at, key, len(keys)), value, number, late=late))
    asked = [it.at for it in lanes if it.stage.during_session]
    asked += [it.at for it in lanes if it.stage.anchor and asked]
    at = np.concatenate(asked) if asked else _NOTHING
    return Candidates(
        line,
        tuple(it for it in lanes if not (it.stage.absent or it.stage.anchor or it.late)),
        next(it for it in lanes if it.stage.anchor),
        tuple(it for it in lanes if it.late and not it.stage.absent),
        tuple(it for it in lanes if it.stage.absent),
        keys,
        lane.micros(chain.span, number),
        _codes(frame, positions, at, "host", "session") if asked else _NOTHING,
        _codes(frame, positions, at, "origin_session") if asked else _NOTHING,
        line.row.tolist(),
    )


def _of_live_keys(chain: Chain, events: pl.DataFrame, asked: pl.Expr) -> tuple[tuple[tuple[str, ...], ...], list[tuple[Ints, Ints]]]:
    """Return the keys that can match, sorted, and for each stage the indices of its events and the codes of their keys."""
    by = list(chain.by)
    anchors = _stage_events(chain, chain.anchor, events, asked)
    if not anchors.height:
        return (), []
    keys = anchors.select(by).unique().sort(by).with_row_index("zz_key")
    live = np.ones(keys.height, np.bool_)
    found = []
    for stage in chain.stages:
        part = (anchors if stage.anchor else _stage_events(chain, stage, events)).join(keys, on=by, how="inner")
        indices, codes = (part[name].cast(pl.Int64).to_numpy() for name in ("zz_index", "zz_key"))
        if not (stage.optional or stage.absent):
            if not part.height:
                return (), []
            live &= np.bincount(codes, minlength=len(live)) > 0
        found.append((indices, codes))
    renumbered = np.cumsum(live) - 1
    found = [(indices[live[codes]], renumbered[codes[live[codes]]]) for indices, codes in found]
    return tuple(keys.select(by).filter(live).iter_rows()), found


def _stage_events(chain: Chain, stage: Stage, events: pl.DataFrame, asked: pl.Expr | None = None) -> pl.DataFrame:
    """Return index and key (under the names of ``by``) of the events that meet *stage* and *asked* and have an instant; no key holds a null."""
    if not any(events[f"rule:{rule}"].any() for rule in stage.rules):
        return pl.DataFrame(schema={"zz_index": pl.get_index_type(), **dict.fromkeys(chain.by, pl.String())})
    meets = pl.any_horizontal([pl.col(f"rule:{rule}").fill_null(False) for rule in stage.rules])
    if stage.anchor and chain.platform is not None:
        meets &= on_platform(chain.platform)
    if asked is not None:
        meets &= asked.fill_null(False)
    keys = [pl.col(stage.alias.get(name, name)).cast(pl.String).alias(f"zz_{name}") for name in chain.by]
    part = events.lazy().with_row_index("zz_index").filter(meets & timeline.TIMED).select("zz_index", *keys).drop_nulls().collect()
    return part.rename({f"zz_{name}": name for name in chain.by})


def _codes(frame: pl.DataFrame, positions: Ints, at: Ints, *columns: str) -> Ints:
    """Return for each position a number that stands for its values in *columns*, for those *at*; -1 for the others and for nulls."""
    wanted = np.zeros(len(positions), np.bool_)
    wanted[at] = True
    rows = np.flatnonzero(wanted[positions])
    values = frame[rows].select(pl.col(name).cast(pl.String) for name in columns)
    known = values.unique().drop_nulls().with_row_index("zz_code")
    joined = values.with_row_index("zz_at").join(known, on=list(columns), how="left").sort("zz_at")
    codes = np.full(len(positions), -1)
    codes[positions[rows]] = joined["zz_code"].cast(pl.Int64).fill_null(-1).to_numpy()
    return codes
