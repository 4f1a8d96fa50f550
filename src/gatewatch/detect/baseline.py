"""Baselines: from where, and when, each user usually comes in.

Built from successful accesses from outside. What is judged never judges itself: a baseline holds only the days (UTC) before the one
judged, and neither sessions that are part of an incident (:meth:`Baseline.exclude`) nor anything from an address that guessed its way
in (:meth:`Baseline.taint`). Judging must go forward in time. Under :data:`LEAST_DAYS` days or :data:`LEAST_SUCCESSES` successes a habit
is ``unknown``: it says so and scores nothing.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache

import polars as pl

from gatewatch.detect.failure import network
from gatewatch.detect.travel import Stay, leap
from gatewatch.schema.events import Kind, ensure

LEAST_DAYS = 14
LEAST_SUCCESSES = 5
BUSY_DAYS, BUSY_SUCCESSES, BUSY_ACTIVE = 7, 20, 5  # ... or so many days, successes, and days with one: who comes every day is known sooner
HABIT_DAYS = 3  # earlier days with a success that make a source habitual for a user
RIGHTS_DAYS = 3  # earlier days on which the user had root rights that make them ordinary
HOUR_LOGONS, HOUR_DAYS = 20, 10  # below these an hour cannot be called unusual
DORMANT_DAYS = 60
LEAST_NAME = 3  # a shorter name within another says nothing


@lru_cache(maxsize=1 << 16)
def network_of(address: str) -> str:
    """Return the network that stands for an address in habits: /24 for IPv4, /48 for IPv6.

    >>> network_of("192.0.2.77"), network_of("2001:db8:7:1::1")
    ('192.0.2.0/24', '2001:db8:7::/48')
    """
    return str(ipaddress.ip_network(f"{address}/{48 if ':' in address else 24}", strict=False))


@dataclass(frozen=True, slots=True)
class Habit:
    """What a user's earlier days say of one access; the Booleans are None where the history is too short to say."""

    days: int = 0  # from the first success to the day judged
    successes: int = 0
    address_days: int = 0  # earlier days with a success from this very address; of IPv6 from its /64, as privacy addresses change daily
    network_days: int = 0  # ... from its network
    new_country: bool | None = None
    new_network: bool | None = None
    new_client: bool | None = None
    odd_hour: bool | None = None
    dormant: bool | None = None
    rights_days: int = 0  # earlier days on which the user used root or administrator rights, from wherever
    active: int = 0  # earlier days with a success
    country_days: int = 0  # earlier days with a success from its country

    @property
    def known(self) -> bool:
        """Whether the history is long enough to judge by."""
        return (self.days >= LEAST_DAYS and self.successes >= LEAST_SUCCESSES) or (
            self.days >= BUSY_DAYS and self.successes >= BUSY_SUCCESSES and self.active >= BUSY_ACTIVE
        )

    @property
    def note(self) -> str:
        """The history in words, for what could not be judged."""
        return f"unknown: {self.successes} logons in {self.days} days of history, {LEAST_SUCCESSES} in {LEAST_DAYS} are needed"


@dataclass(slots=True)
class _Days:
    """On how many days something was seen; days come in ascending."""

    count: int = 0
    last: date | None = None

    def add(self, day: date) -> None:
        if day != self.last:
            self.count, self.last = self.count + 1, day


@dataclass(slots=True)
class _User:
    """One user's successes, and the state learnt from those before the day judged last."""

    entries: list[tuple[int, datetime, str, str, str | None, str | None]] = field(default_factory=list)
    """Row, time, address, line (:func:`.failure.network`), country and client of each success."""
    route: list[tuple[int, Stay]] = field(default_factory=list)  # entries whose place can be believed, by row
    read: int = 0
    successes: int = 0
    first: date | None = None
    last: datetime | None = None
    all_days: _Days = field(default_factory=_Days)
    lines: dict[str, _Days] = field(default_factory=dict)
    networks: dict[str, _Days] = field(default_factory=dict)
    countries: dict[str, _Days] = field(default_factory=dict)
    clients: set[str] = field(default_factory=set)
    hours: Counter[int] = field(default_factory=Counter)
    reached: dict[str, date] = field(default_factory=dict)  # the first day on each host, from wherever
    ways: list[date] = field(default_factory=list)  # days of logons from wherever, in order
    rights: list[date] = field(default_factory=list)  # days on which root rights were used, each once, in order
    others: dict[str, date] = field(default_factory=dict)  # the first day on which a session of the user went on as another account

    def learn(self, time: datetime, address: str, line: str, country: str | None, client: str | None) -> None:
        day = time.date()
        self.first = self.first or day
        self.last = time
        self.successes += 1
        self.all_days.add(day)
        self.lines.setdefault(line, _Days()).add(day)
        self.networks.setdefault(network_of(address), _Days()).add(day)
        self.hours[time.hour] += 1
        if country is not None:
            self.countries.setdefault(country, _Days()).add(day)
        if client is not None:
            self.clients.add(client)


class Baseline:
    """The habits of some users; see the module for what counts."""

    def __init__(self, events: pl.DataFrame, users: Iterable[str]) -> None:
        wanted = sorted(set(users))
        events = ensure(events, "kind", "time", "user", "host", "src_ip", "src_host", "country", "origin_ip", "hop", "known", "anonymizer")
        events = ensure(events, "origin_session", "hop_confidence")
        part = events.filter(
            (pl.col("kind") == str(Kind.AUTH_SUCCESS))
            & pl.col("user").is_in(wanted)
            & pl.col("origin_ip").is_not_null()
            & (pl.col("hop").fill_null(0) == 0)
            & pl.col("time").is_not_null()
        )
        self._users: dict[str, _User] = {user: _User() for user in wanted}
        for user, *entry in part.sort("row").select("user", "row", "time", "origin_ip", "country", "src_host").iter_rows():
            self._users[user].entries.append((entry[0], entry[1], entry[2], network(entry[2]), entry[3], entry[4]))
        told = part.filter(pl.col("country").is_not_null() & ~pl.col("known").fill_null(False) & ~pl.col("anonymizer").fill_null(False))
        for user, row, time, address, country in told.sort("row").select("user", "row", "time", "origin_ip", "country").iter_rows():
            self._users[user].route.append((row, Stay(time, address, country)))
        reached = events.filter(
            (pl.col("kind") == str(Kind.AUTH_SUCCESS)) & pl.col("user").is_in(wanted) & pl.col("host").is_not_null() & pl.col("time").is_not_null()
        ).sort("row")
        for user, host, time in reached.select("user", "host", "time").iter_rows():
            self._users[user].reached.setdefault(host, time.date())
            self._users[user].ways.append(time.date())
        used = events.filter((pl.col("kind") == str(Kind.PRIVILEGE_USE)) & pl.col("user").is_in(wanted) & pl.col("time").is_not_null())
        for user, day in used.select("user", pl.col("time").dt.date()).unique().sort("user", "time").iter_rows():
            self._users[user].rights.append(day)
        owners = dict(part.filter(pl.col("origin_session").is_not_null()).sort("row").select("origin_session", "user").iter_rows())
        further = events.filter(
            (pl.col("kind") == str(Kind.AUTH_SUCCESS))
            & (pl.col("hop").fill_null(0) > 0)
            & (pl.col("hop_confidence").cast(pl.String).fill_null("") != "possible")
            & pl.col("user").is_not_null()
            & pl.col("time").is_not_null()
            & pl.col("origin_session").is_in(sorted(owners))
        ).sort("row")
        for session, user, time in further.select("origin_session", "user", "time").iter_rows():
            if user != owners[session]:
                self._users[owners[session]].others.setdefault(user, time.date())
        self._excluded: set[int] = set()
        self._tainted: dict[str, date] = {}

    def exclude(self, rows: Sequence[int]) -> None:
        """Forget accesses that are part of an incident."""
        self._excluded.update(rows)

    def taint(self, address: str, since: datetime) -> None:
        """Learn nothing from the line of *address* from that day on."""
        day, line = since.date(), network(address)
        self._tainted[line] = min(day, self._tainted.get(line, day))

    def habit(self, user: str | None, address: str | None, country: str | None, at: datetime, client: str | None = None) -> Habit:
        """Return what the days before that of *at* say of an access; *at* must not go back by a day between calls.

        *client* is the name the client gave itself, where the log has it.
        """
        state = self._users.get(user or "")
        if state is None:
            return Habit()
        day = at.date()
        self._advance(state, day)
        days = (day - state.first).days if state.first is not None else 0
        line = network(address) if address is not None else None
        address_days = state.lines[line].count if line in state.lines else 0
        around = network_of(address) if address is not None else None
        network_days = state.networks[around].count if around in state.networks else 0
        rights = bisect_left(state.rights, day)
        country_days = state.countries[country].count if country in state.countries else 0
        habit = Habit(days, state.successes, address_days, network_days, rights_days=rights, country_days=country_days, active=state.all_days.count)
        if not habit.known:
            return habit
        return Habit(
            days,
            state.successes,
            address_days,
            network_days,
            new_country=country not in state.countries if country is not None and state.countries else None,
            new_network=not network_days if around is not None else None,
            new_client=client not in state.clients if client is not None and state.clients else None,
            odd_hour=self._odd_hour(state, at),
            dormant=(day - state.last.date()).days >= DORMANT_DAYS if state.last is not None else None,
            rights_days=rights,
            country_days=country_days,
            active=state.all_days.count,
        )

    def new_hosts(self, user: str | None, hosts: Sequence[str], at: datetime) -> tuple[str, ...] | None:
        """Return those of *hosts* that the user never logged on to on an earlier day, from wherever; None where the history is too short to say.

        Logons inside count as well as those from outside: somebody who works on a host every day from a desk knows it from home, too.
        """
        state = self._users.get(user or "")
        if state is None or not state.ways:
            return None
        day = at.date()
        if (day - state.ways[0]).days < LEAST_DAYS or bisect_left(state.ways, day) < LEAST_SUCCESSES:
            return None
        return tuple(host for host in dict.fromkeys(hosts) if state.reached.get(host, day) >= day)

    def new_accounts(self, user: str | None, others: Sequence[str], at: datetime) -> tuple[str, ...] | None:
        """Return those of *others* as whom no session of the user went on on an earlier day; None before the user's third day in the logs.

        Two accounts are two people unless one name is part of the other (``jane`` and ``adm-jane``); names that every host has are nobody's.
        """
        state = self._users.get(user or "")
        if state is None or user is None or len({day for day in state.ways if day < at.date()}) < HABIT_DAYS:
            return None
        return tuple(other for other in dict.fromkeys(others) if not _same_person(user, other) and state.others.get(other, at.date()) >= at.date())

    def travel(self, user: str | None, row: int, here: Stay) -> tuple[bool | None, str]:
        """Return whether the user's logon before or after the one of *row* lies out of reach of it, and where that was.

        Known sources and anonymisers are no places, and incidents told so far are not the user's stays.
        """
        state = self._users.get(user or "")
        if state is None:
            return None, ""
        at = bisect_left(state.route, row, key=lambda one: one[0])
        earlier, later = (map(state.route.__getitem__, places) for places in (range(at - 1, -1, -1), range(at, len(state.route))))
        before = next((stay for other, stay in earlier if other not in self._excluded), None)
        after = next((stay for other, stay in later if other not in self._excluded and other != row), None)
        return leap(here, before, after)

    def days(self, user: str | None, address: str | None) -> int:
        """Return on how many days of the whole logs, also after today, the user got in from an address."""
        state = self._users.get(user or "")
        line = network(address or "")
        return len({time.date() for _, time, _, source, _, _ in state.entries if source == line}) if state is not None else 0

    def own_line(self, user: str | None, address: str | None, but: date) -> int:
        """Return the days of the whole logs, *but* not counted, on which the user got in from an address; 0 where it is not mostly from there.

        *Mostly*: on those days most of the user's accesses are from it. A stranger who comes back beside the owner has the smaller part.
        """
        state = self._users.get(user or "")
        if state is None:
            return 0
        line = network(address or "")
        days = {time.date() for _, time, _, source, _, _ in state.entries if source == line} - {but}
        all_ = [source == line for _, time, _, source, _, _ in state.entries if time.date() in days]
        return len(days) if 3 * sum(all_) >= 2 * len(all_) else 0

    def authenticated(self, user: str | None, address: str | None, unproved: frozenset[int]) -> int:
        """Return on how many days of the whole logs the user got in from an address by an access that is not one of *unproved*."""
        state = self._users.get(user or "")
        if state is None:
            return 0
        line = network(address or "")
        return len({time.date() for row, time, _, source, _, _ in state.entries if source == line and row not in unproved})

    def _advance(self, state: _User, day: date) -> None:
        while state.read < len(state.entries):
            row, time, address, line, country, client = state.entries[state.read]
            if time.date() >= day:
                return
            state.read += 1
            if row not in self._excluded and not (line in self._tainted and time.date() >= self._tainted[line]):
                state.learn(time, address, line, country, client)

    @staticmethod
    def _odd_hour(state: _User, at: datetime) -> bool | None:
        if state.successes < HOUR_LOGONS or state.all_days.count < HOUR_DAYS:
            return None
        return not any(state.hours[(at.hour + step) % 24] for step in (-1, 0, 1))


def _same_person(one: str, other: str) -> bool:
    short, long = sorted((one.casefold(), other.casefold()), key=len)
    return len(short) >= LEAST_NAME and short in long
