"""Shared sources: outside addresses behind which several people sit (NAT of an office, a carrier, a hotel), told by who was accepted from them.

An address is shared for an account when at least :data:`PEOPLE` others had been accepted from it before the failures in question began. There a
failure says little about who comes in next: one colleague mistypes, another logs on. So at such an address a guess counts only by the failures of the
account that got in, and a spray only where most of its names are of nobody who is at home there. Whoever sprays tries names that never come in
from that address, and a stranger who guesses fails at the account that then opens; both stay what they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from gatewatch.detect.failure import Book, Ints, micros
from gatewatch.schema.events import Kind, ensure

PEOPLE = 5  # other accounts accepted from an address that make it shared
TYPOS = 2  # failures of an account that is not at home at a shared address, or among strangers' names, that are no guess of it


@dataclass(frozen=True, slots=True)
class Company:
    """Who was accepted from each outside address, and since when."""

    since: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)  # address -> account -> first accepted
    times: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)  # address -> all of these instants, in order
    _known: dict[str, Ints] = field(default_factory=dict, repr=False)  # address -> the instants by the places of names in the book

    @classmethod
    def of(cls, events: pl.DataFrame, addresses: Iterable[str]) -> Company:
        """Read who was accepted from *addresses* out of *events*."""
        events = ensure(events, "src_ip", "user", "kind", "time")
        came = events.filter(
            (pl.col("kind").cast(pl.String) == str(Kind.AUTH_SUCCESS))
            & pl.col("src_ip").is_in(sorted(set(addresses)))
            & pl.col("user").is_not_null()
            & pl.col("time").is_not_null()
        )
        since: dict[str, dict[str, datetime]] = {}
        for address, user, first in came.group_by("src_ip", "user").agg(pl.col("time").min()).sort("src_ip", "time", "user").iter_rows():
            since.setdefault(str(address), {})[str(user)] = first
        return cls(since, {address: tuple(people.values()) for address, people in since.items()})

    def others(self, address: str | None, user: str | None, before: datetime) -> int:
        """Return how many accounts but *user* had been accepted from *address* before an instant."""
        number = bisect_left(self.times.get(address or "", ()), before)
        return number - self.at_home(address, user, before)

    def at_home(self, address: str | None, user: str | None, before: datetime) -> bool:
        """Return whether *user* had been accepted from *address* before an instant."""
        first = self.since.get(address or "", {}).get(user or "")
        return first is not None and first < before

    def judge(self, address: str | None, user: str | None, book: Book, found: Ints, first: datetime, needed: float) -> str:
        """Return why failures from a shared *address* are none of *user*'s, in words; empty where they may be a guess of that account.

        The failures are those at *found* in *book*, begun at *first*; *needed*: how many of the account's own make a guess.
        """
        others = self.others(address, user, first)
        if others < PEOPLE:
            return ""
        known = self._known.get(address or "")
        if known is None:
            known = self._known.setdefault(address or "", book.known(self.since.get(address or "", {})))
        total, mine, strange = book.apart(found, user, known < micros(first))
        mostly_strange = 2 * strange >= total
        home = self.at_home(address, user, first)
        least = needed if home and not mostly_strange else TYPOS + 1
        if mine >= least or (mostly_strange and not home):
            return ""
        own = f", {mine} of them of {user}" if mine else ""
        return f"{others} other accounts had come in from {address} before: {total} failures there{own} are taken for other people's"
