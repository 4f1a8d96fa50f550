"""Tracks: who holds a key (a user on a host, an address, a host) at an instant, as disjoint pieces of time, so that one look-up answers it.

Intervals of one key may overlap; a track cuts them into pieces and says for each piece which interval counts (the one begun last), how surely, and
which other origins were live at the time. An interval without an end is live for :data:`MAX_OPEN`; past that age it is only possible, and only where
nothing live is there. Pieces are arrays sorted by key and start: 50 million look-ups need no more memory than the batch they come in.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from gatewatch.schema.attribution import MOST_RIVALS

MAX_OPEN = timedelta(days=7)  # past this age an unended session is only possible
OPEN_MICROS = MAX_OPEN // timedelta(microseconds=1)
NOBODY = -1
Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


def hashed(frame: pl.DataFrame, *names: str) -> Hashes:
    """Return a 64-bit number for the values of the columns *names* of each row (0 stands for any null)."""
    made = np.zeros(frame.height, dtype=np.uint64)
    known = np.ones(frame.height, dtype=np.bool_)
    with np.errstate(over="ignore"):
        for number, name in enumerate(names, 1):
            column = frame[name].cast(pl.String)
            made = made * np.uint64(0x9E3779B97F4A7C15) + column.hash(number).to_numpy()
            if column.null_count():
                known &= column.is_not_null().to_numpy()
    return np.where(known, made | np.uint64(1), np.uint64(0))


@dataclass(frozen=True, slots=True)
class Track:
    """Pieces by key: ``held`` is the number of the interval (NOBODY where none), ``grade`` how surely, ``rivals`` by piece where there are any."""

    keys: Hashes
    first: Ints  # of each key, in the arrays below; one more at the end
    starts: Ints
    held: Ints
    grade: npt.NDArray[np.int8]
    rivals: dict[int, tuple[tuple[int, ...], int]]

    def find(self, keys: Hashes, moments: Ints) -> Ints:
        """Return the piece of each key at each moment, -1 where the key is unknown or the moment is before its first piece."""
        found = np.full(len(keys), -1, dtype=np.int64)
        if not len(self.keys) or not len(keys):
            return found
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        rows = np.flatnonzero(self.keys[place] == keys)
        low, high = self.first[place[rows]] - 1, self.first[place[rows] + 1]
        wanted = moments[rows]
        while len(rows):
            # settled where one piece is left; the others halve what is left
            open_ = high - low > 1
            if not open_.all():
                done = ~open_
                found[rows[done]] = low[done]
                rows, low, high, wanted = rows[open_], low[open_], high[open_], wanted[open_]
                if not len(rows):
                    break
            middle = (low + high) >> 1
            before = self.starts[middle] <= wanted
            low = np.where(before, middle, low)
            high = np.where(before, high, middle)
        # a place before the first piece of the key is a piece of another key
        hit = np.flatnonzero(found >= 0)
        found[hit[found[hit] < self.first[place[hit]]]] = -1
        return found


def build_track(intervals: pl.DataFrame, sure: int, *, rivals: bool = True) -> Track:
    """Return the track of *intervals*: ``key`` (:func:`hashed`), ``start, end`` (microseconds, inclusive; null where open), ``number``, ``origin``
    (a code of where it comes from: intervals of one origin are no rivals) and ``rank`` (order among equal starts).

    *sure* is the grade of a piece without rivals (a column ``sure`` says it for each interval); with rivals, or past its age, a piece is only
    possible (0). Without *rivals* the pieces do not name them.
    """
    if "sure" not in intervals.columns:
        intervals = intervals.with_columns(pl.lit(sure, pl.Int8).alias("sure"))
    part = intervals.filter(pl.col("key") != 0).select("key", "start", "end", "number", "origin", "rank", "sure").sort("key", "start", "rank")
    part = part.with_columns(
        pl.coalesce("end", pl.col("start") + OPEN_MICROS).alias("live"), pl.when(pl.col("end").is_null()).then("number").alias("stale")
    )
    part = part.with_columns(
        (pl.col("start") <= pl.col("live").cum_max().shift(1).over("key")).fill_null(False).alias("meets"),
        pl.col("stale").forward_fill().over("key"),
    )
    part = part.with_columns(pl.col("meets").any().over("key").alias("meets"))
    alone, meeting = part.filter(~pl.col("meets")), part.filter("meets")
    begun = alone.select("key", pl.col("start").alias("at"), pl.lit(1, pl.Int8).alias("turn"), pl.col("number").alias("held"))
    begun = begun.with_columns(alone["sure"].alias("grade"), pl.lit(None, pl.Int64).alias("swept"))
    ended = alone.select(
        "key", (pl.col("live") + 1).alias("at"), pl.lit(0, pl.Int8).alias("turn"), pl.col("stale").fill_null(NOBODY).alias("held"),
        pl.lit(0, pl.Int8).alias("grade"), pl.lit(None, pl.Int64).alias("swept"),
    )  # fmt: skip
    swept, named = _sweep(meeting, rivals=rivals)
    pieces = pl.concat([begun, ended, swept]).sort("key", "at", "turn", maintain_order=True)
    keys = pieces["key"].to_numpy()
    unique, first = np.unique(keys, return_index=True)
    marked = pieces["swept"].is_not_null().arg_true().to_numpy()
    by_piece = {int(place): named[one] for place, one in zip(marked, pieces["swept"].drop_nulls().to_list(), strict=True)}
    return Track(
        unique,
        np.append(first, len(keys)).astype(np.int64),
        pieces["at"].to_numpy(),
        pieces["held"].cast(pl.Int64).to_numpy(),
        pieces["grade"].to_numpy(),
        by_piece,
    )


_SWEPT = pl.Schema({"key": pl.UInt64(), "at": pl.Int64(), "turn": pl.Int8(), "held": pl.Int64(), "grade": pl.Int8(), "swept": pl.Int64()})


def _sweep(part: pl.DataFrame, *, rivals: bool) -> tuple[pl.DataFrame, list[tuple[tuple[int, ...], int]]]:
    """Return the pieces of keys whose intervals overlap, and the rivals that pieces name by their place (``swept``)."""
    if not part.height:
        return pl.DataFrame(schema=_SWEPT), []
    keys = part["key"].to_list()
    starts, lives = part["start"].to_list(), part["live"].to_list()
    numbers, origins, stales = part["number"].to_list(), part["origin"].to_list(), part["stale"].to_list()
    sures = part["sure"].to_list()
    points = (
        pl.concat(
            [
                part.select("key", pl.col("start").alias("at"), pl.lit(1, pl.Int8).alias("turn")).with_row_index("one"),
                part.select("key", (pl.col("live") + 1).alias("at"), pl.lit(0, pl.Int8).alias("turn")).with_row_index("one"),
            ]
        )
        .sort("key", "at", "turn", "one")
        .select("one", "turn")
    )
    out_key, out_at, out_held, out_grade, out_swept = array("Q"), array("q"), array("q"), array("b"), array("q")
    named: list[tuple[tuple[int, ...], int]] = []
    stack: list[int] = []
    gone: set[int] = set()
    counts: dict[int, int] = {}
    last_key: int | None = None
    stale = NOBODY
    for one, turn in points.iter_rows():
        key = keys[one]
        if key != last_key:
            stack, gone, counts, last_key, stale = [], set(), {}, key, NOBODY
        origin = origins[one]
        if turn:
            at = starts[one]
            stack.append(one)
            counts[origin] = counts.get(origin, 0) + 1
            stale = NOBODY if stales[one] is None else stales[one]
        else:
            at = lives[one] + 1
            gone.add(one)
            while stack and stack[-1] in gone:
                gone.discard(stack.pop())
            if counts[origin] == 1:
                del counts[origin]
            else:
                counts[origin] -= 1
        mark = NOBODY
        if stack:
            held, mine = numbers[stack[-1]], origins[stack[-1]]
            grade = sures[stack[-1]]
            if len(counts) > 1 and not rivals:
                grade = 0
            elif len(counts) > 1:
                others: list[int] = []
                for other in counts:
                    if other != mine:
                        others.append(other)
                        if len(others) == MOST_RIVALS:
                            break
                mark, grade = len(named), 0
                named.append((tuple(others), len(counts) - 1))
        else:
            held, grade = stale, 0
        if out_at and out_key[-1] == key and out_at[-1] == at:
            out_held[-1], out_grade[-1], out_swept[-1] = held, grade, mark
            continue
        out_key.append(key)
        out_at.append(at)
        out_held.append(held)
        out_grade.append(grade)
        out_swept.append(mark)
    frame = pl.DataFrame(
        {
            "key": np.frombuffer(out_key, np.uint64),
            "at": np.frombuffer(out_at, np.int64),
            "turn": np.ones(len(out_at), np.int8),
            "held": np.frombuffer(out_held, np.int64),
            "grade": np.frombuffer(out_grade, np.int8),
            "swept": np.frombuffer(out_swept, np.int64),
        }
    )
    return frame.with_columns(pl.col("swept").replace(NOBODY, None)), named
