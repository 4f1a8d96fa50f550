"""The inner address of a jump host is told by who comes from it elsewhere; an address where people work is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.origin.address import Hosts
from gatewatch.origin.session import Sessions
from gatewatch.origin.stepping import DAYS, EXCEPTIONS, LASTS, LOGONS, with_stones
from gatewatch.schema.events import SCOPE

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
INNER = "10.0.0.5"


@dataclass(frozen=True)
class Visit:
    """A logon; *hours* after the start it begins, and lasts so long, or is never seen to end."""

    hours: float
    user: str
    host: str
    source: str
    lasts: float | None = 8

    @property
    def start(self) -> datetime:
        """When it began."""
        return START + timedelta(hours=self.hours)

    @property
    def end(self) -> datetime | None:
        """When it was seen to end."""
        return None if self.lasts is None else self.start + timedelta(hours=self.lasts)

    @property
    def outside(self) -> bool:
        """Whether it came from outside."""
        return not self.source.startswith("10.")


def table(visits: Sequence[Visit]) -> Sessions:
    rows = [
        (one.user, one.host, one.source, "public" if one.outside else "private", one.start, one.end, one.outside, False)
        for one in sorted(visits, key=lambda one: one.start)
    ]
    time = pl.Datetime("us", "UTC")
    schema = {"user": pl.String, "host": pl.String, "src_ip": pl.String, "scope": SCOPE, "start": time, "end": time}
    frame = pl.DataFrame(rows, schema=schema | {"outside": pl.Boolean, "tunnel": pl.Boolean}, orient="row")
    return Sessions(frame, pl.DataFrame())


def learnt(visits: Sequence[Visit]) -> dict[str, str]:
    hosts = with_stones(Hosts(), table(visits))
    return {address: names[0] for address, (_, names) in hosts.learnt.items()}


def days(number: int, *, work: bool = False) -> Iterator[Visit]:
    """Two people come in at the gate every morning, and go on from there; with *work* one also from a desk at which the gate's address is."""
    for day in range(number):
        for user, home in (("ann", "203.0.113.9"), ("bob", "198.51.100.7")):
            yield Visit(24 * day, user, "gate", home)
            yield Visit(24 * day + 1, user, "db", INNER, 1)
        if work:
            yield Visit(24 * day + 12, "ann", "db", INNER, 1)


def test_who_comes_from_an_address_only_while_on_the_gate_tells_whose_it_is() -> None:
    assert learnt([*days(4)]) == {INNER: "gate"}


def test_few_days_tell_nothing() -> None:
    assert learnt([*days(DAYS - 1)]) == {}


def test_a_desk_is_no_gate() -> None:
    assert learnt([*days(4, work=True)]) == {}


def test_two_gates_at_one_address_are_told_apart_by_nothing() -> None:
    second = [Visit(24 * day + 0.5, "ann", "gate2", "203.0.113.9") for day in range(2)]
    assert learnt([*days(4), *second]) == {}


def test_what_is_known_stays() -> None:
    known = Hosts({INNER: "other"})
    assert with_stones(known, table([*days(4)])) == known


def oracle(visits: Sequence[Visit]) -> dict[str, str]:
    """The same, one logon after the other."""
    found: dict[str, str] = {}
    for address in {one.source for one in visits if not one.outside}:
        logons, stones = 0, []
        for one in visits:
            before = [other for other in visits if other.outside and other.user == one.user]
            if one.outside or one.source != address or not before:
                continue
            logons += 1
            last = max((other for other in before if other.start <= one.start), key=lambda other: other.start, default=None)
            if last is not None and last.host != one.host and one.start <= (last.end or last.start + LASTS):
                stones.append((last.host, one.start.date()))
        enough = len(stones) >= LOGONS and len({day for _, day in stones}) >= DAYS
        if enough and len({host for host, _ in stones}) == 1 and logons - len(stones) <= logons * EXCEPTIONS:
            found[address] = stones[0][0]
    return found


VISITS = st.builds(
    Visit,
    hours=st.integers(0, 24 * 8 * 4).map(lambda quarter: quarter / 4 + 1 / 64),
    user=st.sampled_from(["ann", "bob"]),
    host=st.sampled_from(["gate", "gate", "gate", "db", "web"]),
    source=st.sampled_from(["203.0.113.9", "203.0.113.9", INNER, INNER, "10.0.0.6"]),
    lasts=st.sampled_from([None, 4, 30, 100]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(VISITS, max_size=40, unique_by=lambda one: one.start))
def test_the_oracle_agrees(visits: list[Visit]) -> None:
    assert learnt(visits) == oracle(visits)
    more = [*days(4), *visits]
    assert learnt(more) == oracle(more)
