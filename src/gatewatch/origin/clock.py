"""Clocks put right: how far each host's clock is from the site's, and events with their times set back by as much.

Only what is sure is corrected. An estimate (:mod:`gatewatch.origin.skew`) between two hosts counts where a client wrote that it logged on elsewhere
and the target wrote the logon, or where a gateway and a RADIUS server wrote the same logons: two scripts that run one after the other every night
look like two clocks apart, and are none. Hosts that estimates tie together form a group. The clock that most of a group agree on is right; where none
is in the majority, that of the host nearest to the outside (most logons from public or leased addresses), as the way in is ordered by it; then the
name decides. A group whose estimates contradict each other stays as it is.

A corrected time is uncertain by the spread of the estimates on the way to it, so an order within that is *possible*, not *certain*. The records
themselves, as they are quoted, say what they always said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from gatewatch.origin.address import Hosts
from gatewatch.origin.session import outside
from gatewatch.origin.skew import AGREE, WORTH, estimates, sure_pairs
from gatewatch.schema.events import Kind, ensure


@dataclass(frozen=True, slots=True)
class Clocks:
    """How far clocks are ahead of the site's, by host: microseconds, and give or take how many."""

    ahead: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def correct(self, events: pl.DataFrame) -> pl.DataFrame:
        """Return *events* (``time, host``) with their times set right and ``time_err`` widened; the rows and their order stay."""
        if not self.ahead or "time" not in events.columns or not events.height:
            return events
        events = ensure(events, "time_err", "host")
        names = list(self.ahead)
        host = pl.col("host").cast(pl.String)
        offset = host.replace_strict(names, [self.ahead[name][0] for name in names], default=0, return_dtype=pl.Int64)
        spread = host.replace_strict(names, [self.ahead[name][1] for name in names], default=0, return_dtype=pl.Int64)
        err = pl.col("time_err").fill_null(pl.duration(microseconds=0)) + pl.duration(microseconds=spread)
        return events.with_columns(
            (pl.col("time") - pl.duration(microseconds=offset)).alias("time"),
            pl.when(host.is_in(names)).then(err).otherwise("time_err").alias("time_err"),
        )

    def told(self) -> list[str]:
        """Return what was corrected, as sentences."""
        return [self._said(host) for host in self.ahead]

    def told_of(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """Return the same for those of *hosts* whose times were corrected."""
        return tuple(self._said(host) for host in hosts if host in self.ahead)

    def _said(self, host: str) -> str:
        offset, spread = self.ahead[host]
        way, back = ("ahead of", "set back") if offset > 0 else ("behind", "set forward")
        return (
            f"the clock of {host} is about {abs(offset) // 1_000_000} s {way} the others: its times are {back} by as much, "
            f"give or take {max(spread // 1_000_000, 1)} s; its records say {'more' if offset > 0 else 'less'}"
        )


def clocks(events: pl.DataFrame, hosts: Hosts) -> Clocks:
    """Return the corrections that enriched *events* allow."""
    found = estimates(sure_pairs(events, hosts))
    near: dict[str, dict[str, tuple[int, int]]] = {}
    for host, other, offset, spread, _ in found.iter_rows():
        near.setdefault(host, {})[other] = (offset, spread)
        near.setdefault(other, {})[host] = (-offset, spread)
    if not (found["offset"].abs() >= WORTH).any():
        return Clocks()
    entries = _entries(events)
    ahead: dict[str, tuple[int, int]] = {}
    seen: set[str] = set()
    for start in sorted(near):
        if start in seen:
            continue
        group = _group(start, near)
        seen |= set(_near_all(start, near))
        if group is not None:
            ahead |= _against(group, entries, near)
    return Clocks(dict(sorted(ahead.items())))


def _near_all(start: str, near: Mapping[str, Mapping[str, tuple[int, int]]]) -> list[str]:
    """Return the hosts that *near* ties to *start*, itself first, in order of distance."""
    found, place = [start], 0
    known = {start}
    while place < len(found):
        more = [other for other in sorted(near[found[place]]) if other not in known]
        known.update(more)
        found += more
        place += 1
    return found


def _group(start: str, near: Mapping[str, Mapping[str, tuple[int, int]]]) -> dict[str, int] | None:
    """Return how far the clocks of a group are ahead of that of *start*; None where the estimates contradict each other."""
    ahead = {start: 0}
    for host in _near_all(start, near):
        for other, (offset, spread) in sorted(near[host].items()):
            there = ahead[host] + offset
            if other not in ahead:
                ahead[other] = there
            elif abs(ahead[other] - there) > max(AGREE, spread):
                return None
    return ahead


def _against(
    group: Mapping[str, int], entries: Mapping[str, int], near: Mapping[str, Mapping[str, tuple[int, int]]]
) -> dict[str, tuple[int, int]]:
    """Return the group's clocks against the one that is right, but for those that agree with it."""

    def company(host: str) -> tuple[int, int]:
        return -sum(abs(other - group[host]) < WORTH for other in group.values()), -entries.get(host, 0)

    right = min(sorted(group), key=company)
    made = {}
    for host, offset in group.items():
        if abs(offset - group[right]) >= WORTH:
            made[host] = (offset - group[right], _spread(host, right, near))
    return made


def _spread(host: str, right: str, near: Mapping[str, Mapping[str, tuple[int, int]]]) -> int:
    """Return the sum of the spreads on the shortest way between two hosts."""
    total = {host: 0}
    for one in _near_all(host, near):
        for other, (_, spread) in sorted(near[one].items()):
            total.setdefault(other, total[one] + spread)
    return total[right]


def _entries(events: pl.DataFrame) -> dict[str, int]:
    """Return how many logons from public or leased addresses each host saw."""
    events = ensure(events, "assigned_ip", "src_ip", "host", "scope", "kind")
    leased = events["assigned_ip"].cast(pl.String).drop_nulls().unique()
    logons = events.filter(
        (pl.col("kind").cast(pl.String) == str(Kind.AUTH_SUCCESS)) & (outside() | pl.col("src_ip").cast(pl.String).is_in(leased.implode()))
    )
    return {str(host): number for host, number in logons.group_by("host").len().iter_rows()}
