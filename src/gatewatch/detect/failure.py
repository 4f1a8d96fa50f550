"""Failures: who failed for which name, when, and whether the failure was settled by a success of the same user.

A user who mistypes and then gets in has *settled* those failures: they are no part of a later guess. Without this, an administrator who
mistypes twice on three logons of a morning would look like six failures and a success. A guesser gains nothing by it: only a success as the
same user from the same source settles, and only the failures of that user.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewatch.schema.events import GUESSABLE, Kind, ensure

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
RULE = "rule:auth-failure"
NEVER = 1 << 62  # a row that no event has
_FEW = 64  # codes that are sooner counted in a set
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICRO = timedelta(microseconds=1)


class Tally(msgspec.Struct, frozen=True, gc=False):
    """What a source or account suffered before an anchor: attempts by weight, names, sources, first and last instant."""

    attempts: int
    names: int
    only: str | None  # the one name tried, when it is one
    sources: tuple[str, ...]
    countries: int
    networks: int  # autonomous systems
    first: datetime
    last: datetime
    mine: int = 0  # attempts at the name of the account that got in


def micros(moment: datetime) -> int:
    """Return microseconds since 1970."""
    return (moment - _EPOCH) // _MICRO


def moment(value: int) -> datetime:
    """Return the instant of microseconds since 1970."""
    return _EPOCH + value * _MICRO


@lru_cache(maxsize=1 << 14)
def network(address: str) -> str:
    """Return the source that counts as one: an IPv6 customer's /64, an IPv4 address itself.

    >>> network("2001:db8:1:2:3::4"), network("192.0.2.7")
    ('2001:db8:1:2::/64', '192.0.2.7')
    """
    if ":" not in address:
        return address
    groups = address.split(":")
    if "" in groups:
        gap = groups.index("")
        left, right = [g for g in groups[:gap] if g], [g for g in groups[gap:] if g]
        groups = left + ["0"] * (8 - len(left) - len(right)) + right
    return ":".join(groups[:4]) + "::/64"


class Book:
    """Failures under one key (an outside address, an account, an account on a host), in total order, and the successes that settle them."""

    def __init__(self, failures: pl.DataFrame, successes: pl.DataFrame, key: tuple[str, ...]) -> None:
        failures = failures.drop_nulls(list(key)).sort(*key, "row")
        self._rows: Ints = failures["row"].cast(pl.Int64).to_numpy()
        self._times: Ints = failures["time"].dt.epoch("us").to_numpy()
        weights: Ints = failures["count"].fill_null(1).cast(pl.Int64).to_numpy()
        self._weights: Ints = np.concatenate((np.zeros(1, np.int64), np.cumsum(weights)))  # of all that stand before each
        self._users, self._names = _coded(failures["user"])
        sources, self._source = _coded(failures["src_ip"])
        self._nets = sorted({network(source) for source in sources})
        place = {net: code for code, net in enumerate(self._nets)}
        codes: Ints = np.array([*(place[network(source)] for source in sources), -1], np.int64)  # the last one: no address
        self._net: Ints = codes[self._source]
        _, self._countries = _coded(failures["country"])
        _, self._networks = _coded(failures["asn"].cast(pl.String))
        starts = failures.with_row_index("zz_at").group_by(key, maintain_order=True).agg(pl.col("zz_at").first(), pl.len().alias("zz_n"))
        self._span = {tuple(row[:-2]): (row[-2], row[-2] + row[-1]) for row in starts.iter_rows()}
        self._settled = _settled(failures, successes, key)
        self._asked: tuple[tuple[str, ...], int, datetime] | None = None  # what was asked last, often twice
        self._answer: tuple[Ints, bool] = (np.empty(0, np.int64), False)

    def before(self, key: tuple[str, ...], row: int, since: datetime) -> tuple[Ints, bool]:
        """Return the positions of the failures of *key* from *since* on that precede *row* and are not settled by then.

        The Boolean says whether any was settled.
        """
        asked = (key, row, since)
        if asked != self._asked:
            low, high = self._span.get(key, (0, 0))
            stop = low + int(self._rows[low:high].searchsorted(row))
            start = low + int(self._times[low:stop].searchsorted(micros(since)))
            found: Ints = start + (self._settled[start:stop] >= row).nonzero()[0]
            self._asked, self._answer = asked, (found, len(found) < stop - start)
        return self._answer

    def total(self, key: tuple[str, ...], first: datetime, last: datetime) -> int:
        """Return the attempts under *key* between two instants, both included."""
        low, high = self._span.get(key, (0, 0))
        start = low + int(np.searchsorted(self._times[low:high], micros(first)))
        stop = low + int(np.searchsorted(self._times[low:high], micros(last), side="right"))
        return int(self._weights[stop] - self._weights[start])

    def reaches(self, found: Ints, needed: float, window: float, since: datetime, distinct: str | None) -> bool:
        """Return whether some failure of *found* not before *since* has *needed* attempts (or names, or sources) in its window."""
        if not len(found):
            return False
        times = self._times[found]
        ends = np.flatnonzero(times >= micros(since))
        starts = np.searchsorted(times, times[ends] - int(window * 1_000_000))
        if distinct is None:
            total = np.concatenate(([0], np.cumsum(self._weight(found))))
            return bool(len(ends)) and bool((total[ends + 1] - total[starts] >= needed).any())
        values = (self._names if distinct == "user" else self._source)[found]
        return _distinct(values) >= needed and any(
            _distinct(values[start : end + 1]) >= needed for start, end in zip(starts[::-1].tolist(), ends[::-1].tolist(), strict=True)
        )

    def tally(self, found: Ints, user: str | None = None) -> Tally | None:
        """Return what the failures at *found* amount to, *user* being who got in; None for none."""
        if not len(found):
            return None
        codes, weights = self._names[found], self._weight(found)
        names = _present(codes)
        only = self._users[names[0]] if len(names) == 1 and names[0] >= 0 else None
        own = self._code(user)
        return Tally(
            int(weights.sum()),
            len(names) - (names[0] < 0),
            only,
            tuple(self._nets[code] for code in _present(self._net[found]) if code >= 0),
            _distinct(self._countries[found]),
            _distinct(self._networks[found]),
            moment(int(self._times[found[0]])),
            moment(int(self._times[found[-1]])),
            int(weights[codes == own].sum()) if own >= 0 else 0,
        )

    def known(self, since: Mapping[str, datetime]) -> Ints:
        """Return *since* (instants by account name) as microseconds by the place of the name here; the last one stands for no name."""
        return np.array([micros(since[name]) if name in since else NEVER for name in (*self._users, "")], np.int64)

    def apart(self, found: Ints, user: str | None, home: Bools) -> tuple[int, int, int]:
        """Return the attempts at *found*: in all, those of *user*, and those of others not at *home* (by place, as in :meth:`known`)."""
        codes, weights = self._names[found], self._weight(found)
        own = codes == (-1 if user is None else self._code(user))
        return int(weights.sum()), int(weights[own].sum()), int(weights[~own & ~home[codes]].sum())

    def _code(self, user: str | None) -> int:
        """Return the place of an account name; -2 for one that never failed, and for none."""
        place = bisect_left(self._users, user) if user is not None else len(self._users)
        return place if place < len(self._users) and self._users[place] == user else -2

    def _weight(self, found: Ints) -> Ints:
        weights: Ints = self._weights[found + 1] - self._weights[found]
        return weights


def _guessing(events: pl.DataFrame) -> pl.Expr:
    """Return which events are failures of something that can be guessed: what the rule says, else kind and method.

    Offered keys are no guess.
    """
    if RULE in events.columns:
        return pl.col(RULE)
    guessable = pl.col("auth_method").is_in([str(method) for method in GUESSABLE]) | pl.col("auth_method").is_null()
    return (pl.col("kind") == str(Kind.AUTH_FAILURE)) & guessable


def _present(codes: Ints) -> list[int]:
    """Return the distinct *codes* (from -1 on), sorted."""
    if len(codes) < _FEW:
        return sorted(set(codes.tolist()))
    found: list[int] = (np.flatnonzero(np.bincount(codes + 1)) - 1).tolist()
    return found


def _distinct(values: Ints) -> int:
    if len(values) < _FEW:
        return len(set(values.tolist()) - {-1})
    return int(np.count_nonzero(np.bincount(values + 1)[1:]))


def _coded(values: pl.Series) -> tuple[list[str], Ints]:
    """Return the sorted distinct values and, for each element, the place of its value (-1 for null)."""
    unique = values.drop_nulls().unique().sort()
    if not len(unique):
        return [], np.full(len(values), -1, dtype=np.int64)
    codes = values.replace_strict(unique, pl.Series(range(len(unique)), dtype=pl.Int64), default=-1, return_dtype=pl.Int64)
    return unique.to_list(), codes.fill_null(-1).to_numpy()


def _settled(failures: pl.DataFrame, successes: pl.DataFrame, key: tuple[str, ...]) -> Ints:
    """Return for each failure the row of the first success of the same key and user that does not precede it; :data:`NEVER` for none."""
    by = list(dict.fromkeys((*key, "user")))
    passed = successes.drop_nulls(by).select(*by, pl.col("row").cast(pl.Int64)).sort("row")
    asked = failures.select(*by, pl.col("row").cast(pl.Int64)).with_row_index("zz_at").sort("row")
    found = asked.join_asof(passed.with_columns(pl.col("row").alias("zz_by")), on="row", by=by, strategy="forward", check_sortedness=False)
    settled: Ints = found.sort("zz_at")["zz_by"].fill_null(NEVER).to_numpy()
    return settled


@dataclass(frozen=True, slots=True)
class Failures:
    """The failures that anchors may rest on: by outside address, by account, and by account on a host (those without an address).

    ``by_user`` holds only those that single an account out: they have an address, and it tried fewer than :data:`SPRAYED_NAMES` accounts.
    """

    by_address: Book
    by_user: Book
    by_place: Book

    @classmethod
    def of(cls, events: pl.DataFrame, addresses: Iterable[str], users: Iterable[str]) -> Failures:
        """Read the failures of *addresses* and of *users* out of *events* (with ``row``)."""
        events = ensure(events, "kind", "time", "host", "user", "src_ip", "origin_ip", "count", "country", "asn", "auth_method")
        names = ("row", "time", "host", "user", "src_ip", "origin_ip", "count", "country", "asn")
        timed = events.filter(pl.col("time").is_not_null())
        failed = timed.filter(_guessing(timed)).select(names)
        passed = timed.filter(pl.col("kind") == str(Kind.AUTH_SUCCESS)).select(names)
        from_address = failed.filter(pl.col("origin_ip").is_in(sorted(set(addresses))))
        for_user = failed.filter(pl.col("user").is_in(sorted(set(users))))
        sources = for_user["src_ip"].drop_nulls().unique()
        tried = (
            failed.filter(pl.col("src_ip").is_in(sources.to_list()))
            .group_by("src_ip")
            .agg(pl.col("user").drop_nulls().n_unique().alias("n"))
        )
        sprayers = tried.filter(pl.col("n") >= SPRAYED_NAMES)["src_ip"]
        single = for_user.filter(pl.col("src_ip").is_not_null() & ~pl.col("src_ip").is_in(sprayers.to_list()).fill_null(False))
        return cls(
            Book(from_address, passed, ("origin_ip",)),
            Book(single, passed.clear(), ("user",)),
            Book(for_user.filter(pl.col("src_ip").is_null()), passed, ("host", "user")),
        )


SPRAYED_NAMES = 3  # a source that tries as many accounts sprays; its attempts on one name do not single that name out
