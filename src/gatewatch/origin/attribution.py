"""Attribution: the origin of every session that has one, in one pass over the sessions in time order.

For a session that began at *t*, the first of these that applies decides (``docs/explanation/origin.md`` tells why):

1. its source address was **leased** to another session at *t*: that session's origin, hop + 1; an inside session that held it means inside;
2. its source is outside: it is its own origin, hop 0;
3. it came through the loopback address (a **tunnel**): the origin of the SSH sessions live on the host, hop + 1; of other sessions there, hop + 1,
   possible; with none, its own, hop 0;
4. a **passage** names its host and its account at *t*: the origin of the session that passed, hop + 1;
5. the **same user**, or a session that had become that user, was live on the host that bears its source address: that one's origin, hop + 1;
6. a passage names its host at *t*, but no account: as 4, by another account, a *credential switch*;
7. a session with an origin was live on the source host, and this account was **never seen** on the target before, although the target's logs
   go back far enough to say so: possible;
8. nothing: inside.

Of several candidates the one begun last that has an origin counts; candidates of other origins (of nobody's, too) are its rivals and make it
possible. At most :data:`RECENT` live candidates of a key are looked at, the latest begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import polars as pl

from gatewatch.origin.account import is_service_account
from gatewatch.origin.address import Hosts, learn_hosts
from gatewatch.origin.bond import Bond
from gatewatch.origin.calm import calm
from gatewatch.origin.lease import LEASES, leases
from gatewatch.origin.ownership import GRACE_MICROS, Ownership
from gatewatch.origin.passage import CLUSTER, GUISES, PASSAGES, SOON, guises, passages
from gatewatch.origin.session import Sessions
from gatewatch.origin.stepping import with_stones
from gatewatch.origin.track import OPEN_MICROS
from gatewatch.schema.attribution import BY_GRADE, GRADE, INSIDE, MOST_RIVALS
from gatewatch.schema.events import Service

MAX_HOPS = 16
RECENT = 32
HISTORY = 5  # earlier logons on a host, over
HISTORY_SPAN = timedelta(days=14)  # this long, before an account that is new there is called never seen
_APIS = frozenset(str(service) for service in (Service.KUBE_API, Service.KUBELET, Service.KUBE_DASHBOARD, Service.DOCKER_API))
_SSH = str(Service.SSH)
_SOON = SOON // timedelta(microseconds=1)
_AT_ONCE = 15_000_000  # microseconds from a passage to the logon it led to, where both name the account: nobody else is as quick
_SPAN = HISTORY_SPAN // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Bindings:
    """What ties sessions to each other: the hosts of addresses, leases, passages between hosts and guises on one host."""

    hosts: Hosts = field(default_factory=Hosts)
    leases: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEASES))
    passages: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PASSAGES))
    guises: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=GUISES))


def bind(events: pl.DataFrame, sessions: Sessions, declared: Mapping[str, str]) -> Bindings:
    """Return the bindings that enriched *events* tell of; *declared* are the hosts of addresses that the site names."""
    hosts, owners = with_stones(learn_hosts(events, declared), sessions), Ownership.of(sessions, {})
    return Bindings(hosts, leases(events, sessions), passages(events, sessions, hosts, owners), guises(events, sessions, owners))


class _Candidate(msgspec.Struct, frozen=True, gc=False):
    """A session that may be the parent: from when to when, how surely at best, the reason."""

    start: int
    end: int | None
    sid: str
    grade: int
    via: str
    extra: Any = None

    def lesser(self) -> _Candidate:
        """Return the same, only possible."""
        return _Candidate(self.start, self.end, self.sid, 0, self.via, self.extra)

    def said(self, via: str) -> _Candidate:
        """Return the same for another reason."""
        return _Candidate(self.start, self.end, self.sid, self.grade, via, self.extra)


class _Live:
    """Candidates by key, at an instant that never goes back."""

    __slots__ = ("_by",)

    def __init__(self) -> None:
        self._by: dict[Any, list[_Candidate]] = {}

    def add(self, key: Any, candidate: _Candidate) -> None:
        """Add a candidate begun not before those already there."""
        some = self._by.get(key)
        if some is None:
            self._by[key] = [candidate]
            return
        some.append(candidate)
        if len(some) > 2 * RECENT:
            moment = candidate.start
            self._by[key] = [one for one in some if one.end is None or one.end + GRACE_MICROS >= moment][-RECENT:]

    def at(self, key: Any, moment: int) -> list[_Candidate]:
        """Return those live at *moment*, in the order they began; past its age an open one only where no other is there."""
        some = self._by.get(key)
        if some is None:
            return []
        if len(some) == 1:  # as nearly always
            (one,) = some
            if one.end is None:
                return some if moment - one.start <= OPEN_MICROS else [one.lesser()]
            if one.end + GRACE_MICROS >= moment:
                return some
            del self._by[key]
            return []
        live = [one for one in some if one.end is None or one.end + GRACE_MICROS >= moment][-RECENT:]
        if len(live) != len(some):
            self._by[key] = live
        fresh = [one for one in live if one.end is not None or moment - one.start <= OPEN_MICROS]
        return fresh or [one.lesser() for one in live[-1:]]


def attribute(sessions: Sessions, bindings: Bindings | Mapping[str, str], *, loose: bool = False) -> dict[str, Bond]:
    """Return the origin of every session that has one, by ``sid``; *bindings* may be no more than the hosts of addresses.

    With *loose*, a session is taken to come from anything live on its source host: for a look ahead that must miss nothing.
    """
    if not isinstance(bindings, Bindings):
        bindings = Bindings(Hosts(dict(bindings)))
    with calm():
        return _Walk(bindings, loose).over(sessions.table)


class _Walk:
    """One pass over the sessions: what is live, what was seen, the bonds found."""

    def __init__(self, bindings: Bindings, loose: bool) -> None:
        self.hosts = bindings.hosts
        self.loose = loose
        self.bonds: dict[str, Bond] = {}
        self.users = _Live()  # by (host, user); by host
        self.leased = _Live()
        self.passing = _Live()  # by the target's short name or address
        self.begun: dict[str, tuple[int, int]] = {}  # by host: logons seen and when the first was
        self.entered: dict[str | None, str] = {}  # by host, the last session there with an origin
        self.edges: set[tuple[str, str]] = set()
        for ip, sid in bindings.leases.filter(pl.col("ip").is_not_null()).select("ip", "sid").iter_rows():
            self.bonds.setdefault(sid, Bond(ip, sid, 0, str(BY_GRADE[1]), None, "an address was given; no logon was seen"))
        self.passages = bindings.passages.height > 0
        self.coming = _merge(bindings)

    def over(self, table: pl.DataFrame) -> dict[str, Bond]:
        """Return the bonds of *table*, in order of start and row."""
        ordered = table.sort("start", "row").with_columns(
            pl.col("start").to_physical(), pl.col("until").to_physical(), pl.col("service").cast(pl.String)
        )
        names = ["sid", "host", "user", "service", "src_ip", "start", "until", "outside", "tunnel"]
        ordered = ordered.select(*names, pl.col("at_ip") if "at_ip" in ordered.columns else pl.lit(None, pl.String).alias("at_ip"))
        upcoming = iter(self.coming)
        due = next(upcoming, None)
        for sid, host, user, service, src, start, until, outside, tunnel, at_ip in ordered.iter_rows():
            while due is not None and due[0] <= start:
                self._take(due)
                due = next(upcoming, None)
            bond = self._bond(sid, host, user, service, src, start, outside, tunnel, at_ip)
            if bond is not None:
                self.bonds[sid] = bond
                if host:
                    self.entered[host] = sid
            if host:
                here = _Candidate(start, until, sid, 1, "", service)
                if user:
                    self.users.add((host, user), here)
                    self.edges.add((host, user))
                self.users.add(host, here)
                number, first = self.begun.get(host, (0, start))
                self.begun[host] = (number + 1, first)
        return self.bonds

    def _take(self, due: tuple[int, str, Any]) -> None:
        _, what, row = due
        if what == "lease":
            start, end, sid, address, gateway = row
            self.leased.add(address, _Candidate(start, end, sid, 2, f"{address}, leased by {gateway}"))
        elif what == "guise":
            start, end, sid, host, user, account, grade = row
            self.users.add((host, account), _Candidate(start, end, sid, min(grade, 1), f"{user or 'a session'} became {account} on {host}"))
        else:
            start, end, sid, grade, via, keys, extra = row
            for key in keys:
                self.passing.add(key, _Candidate(start, end, sid, min(grade, 1), via, extra))

    def _bond(
        self,
        sid: str,
        host: str | None,
        user: str | None,
        service: str | None,
        src: str | None,
        start: int,
        outside: bool,
        tunnel: bool,
        at_ip: str | None,
    ) -> Bond | None:
        if src and not tunnel:
            holders = [one for one in self.leased.at(src, start) if one.sid != sid]
            if holders:
                return self._choose(holders, keep=2)
        if outside and src and not tunnel:
            return Bond(src, sid, 0, BY_GRADE[2], None, f"{service or 'logon'} from outside")
        if tunnel:
            live = self.users.at(host, start) if host else []
            carrying = [one for one in live if one.extra == _SSH]
            # SSH forwards ports; who came by anything else would first have to run a program that does
            found = self._choose(carrying or live, keep=1 if carrying else 0, via=f"tunnel on {host}", bonded=True)
            return found or Bond(src or "", sid, 0, BY_GRADE[2], None, f"tunnel on {host}")
        source = self.hosts.at(src, start)
        if self.loose:
            if source in self.entered:
                parent = self.bonds[self.entered[source]]
                return Bond(parent.ip, parent.session, min(parent.hop + 1, MAX_HOPS), BY_GRADE[0], self.entered[source], f"from {source}")
            return self._choose(self._passed(host, at_ip, source, start, sid, service), bonded=True)
        passed = self._passed(host, at_ip, source, start, sid, service, user)
        if passed:
            named = [one for one in passed if one.extra[1] is not None and one.extra[1] == user]
            if named:
                return self._choose(_told(named, user))
        if source is None:
            return self._choose([one for one in passed if one.extra[1] is None and one.extra[0] == user]) if passed else None
        if user:
            own = [one for one in self.users.at((source, user), start) if one.sid != sid]
            found = self._choose(own, service=service, source=source)
            if found is not None or own:
                return found
        unnamed = [one for one in passed if one.extra[1] is None] if passed else []
        if unnamed:
            return self._choose(_told(unnamed, user))
        if user and host and self._never_seen(host, user, start):
            candidates = [one for one in self.users.at(source, start) if one.sid != sid]
            return self._choose(candidates, keep=0, via=f"{user} was never seen on {host} before; from {source}", bonded=True)
        return None

    def _passed(
        self, host: str | None, at_ip: str | None, source: str | None, start: int, sid: str, service: str | None, user: str | None = None
    ) -> list[_Candidate]:
        """Return the passages towards *host* that a session from *source* (None: nobody knows whose address it is) may have used.

        From where nobody knows they are only possible, unless they name the account of *user* and the session begins at once.
        """
        if not self.passages:
            return []
        found: dict[tuple[str, str, int], _Candidate] = {}
        keys = [key for key in (host.lower().partition(".")[0] if host else None, at_ip, CLUSTER if service in _APIS else None) if key]
        for key in keys:
            for one in self.passing.at(key, start):
                _, _, place, relay, begun = one.extra
                if one.sid == sid or (one.end is not None and start > one.end):
                    continue
                if source is None:
                    if relay and start - begun > _SOON:
                        continue
                    at_once = one.extra[1] is not None and one.extra[1] == user and start - begun <= _AT_ONCE
                    found[one.sid, one.via, one.start] = one if relay or at_once else one.lesser()
                elif source == place or self.loose:
                    found[one.sid, one.via, one.start] = one
        return sorted(found.values(), key=lambda one: one.start)

    def _never_seen(self, host: str, user: str, start: int) -> bool:
        number, first = self.begun.get(host, (0, start))
        return number >= HISTORY and start - first >= _SPAN and (host, user) not in self.edges and not is_service_account(user)

    def _choose(
        self,
        candidates: Sequence[_Candidate],
        *,
        keep: int = 1,
        via: str | None = None,
        service: str | None = None,
        source: str | None = None,
        bonded: bool = False,
    ) -> Bond | None:
        """Return the bond through the candidate begun last that has an origin; None where none has. With *bonded*, inside ones are no rivals."""
        chosen, parent = None, None
        for one in reversed(candidates):
            bond = self.bonds.get(one.sid)
            if bond is not None and bond.hop < MAX_HOPS:
                chosen, parent = one, bond
                break
        if chosen is None or parent is None:
            return None
        others: dict[str, None] = {}
        for one in candidates:
            bond = self.bonds.get(one.sid)
            name = bond.ip if bond is not None else INSIDE
            if name != parent.ip and not (bonded and bond is None):
                others[name] = None
        grade = min(chosen.grade, keep, GRADE[parent.confidence])
        if others:
            grade = 0
        said = via or (chosen.via if source is None or " became " in chosen.via else f"{service or 'logon'} from {source}")
        return Bond(
            parent.ip, parent.session, parent.hop + 1, BY_GRADE[grade], chosen.sid, said, tuple(others)[:MOST_RIVALS], len(others)
        )  # fmt: skip


def _told(passed: Iterable[_Candidate], user: str | None) -> list[_Candidate]:
    """Say in the reason of passages that the account changed."""
    return [one if user is None or one.extra[0] in {user, None} else one.said(f"{one.via}: {one.extra[0]} as {user}") for one in passed]


def _merge(bindings: Bindings) -> list[tuple[int, str, Any]]:
    """Return leases, guises and passages in the order they begin."""
    coming: list[tuple[int, str, Any]] = []
    moments = (pl.col("start").to_physical(), pl.col("end").to_physical())
    coming += [(row[0], "lease", row) for row in bindings.leases.select(*moments, "sid", "address", "host").iter_rows()]
    coming += [(row[0], "guise", row) for row in bindings.guises.select(*moments, "sid", "host", "user", "account", "grade").iter_rows()]
    columns = ("sid", "grade", "via", "to_host", "to_ip", "words", "user", "account", "host", "relay")
    for start, end, sid, grade, via, to_host, to_ip, words, user, account, host, relay in bindings.passages.select(*moments, *columns).iter_rows():
        keys = dict.fromkeys(key for key in (to_host, to_ip) if key)
        for word in words or ():
            keys[word] = None
            keys[word.partition(".")[0]] = None
            if word[0].isdigit() and (named := bindings.hosts.at(word, start)) is not None:  # the address of a host, not its name
                keys[named.lower().partition(".")[0]] = None
        coming.append((start, "passage", (start, end, sid, grade, via, tuple(keys), (user, account, host, relay, start))))
    coming.sort(key=lambda one: one[0])
    return coming
