"""Cases: one match, examined. What it proves, for which outside address, sessions and doors.

Stages have a meaning by their name: ``guess`` and ``names`` (failures of one source, or by place where the log knows no source), ``spread``
(failures of many sources for one account), ``attempts`` (before a stop), ``logon``, ``stopped``, ``access``, ``act`` (grave), ``door``,
``use``, ``onward``, ``refusals`` (of a second factor, before it was accepted), ``foothold`` (what the owner may as well have done).

Told, but no proof: ``miss`` (a failure of an address that then came in for the first time), ``privilege`` (root rights used), ``exposure`` (the
service was opened before), ``created`` (a container), ``followed`` and ``searched`` (on a host that was entered, all three by whomever),
``outbound`` (a connection that a host opened), ``campaign`` (many addresses failed for many accounts), ``shut`` (the account was disabled or deleted
before) and ``before``. A chain without any of the proving ones stands as it is, with the severity it declares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec
import polars as pl
from msgspec.structs import replace

from gatewatch.detect.baseline import HABIT_DAYS, Baseline, Habit, network_of
from gatewatch.detect.chain import Chain, Stage, amount, seconds
from gatewatch.detect.deed import deeds
from gatewatch.detect.eviction import EVICTED, Eviction
from gatewatch.detect.exhibit import DOORS, Exhibit, Shown, as_whom, is_station
from gatewatch.detect.failure import Failures, Tally, network
from gatewatch.detect.rows import Chosen
from gatewatch.detect.second_factor import RULE as FACTOR
from gatewatch.detect.second_factor import Entry, always_before
from gatewatch.detect.severity import Access, Facts, Score, score, weigh
from gatewatch.detect.shared import Company
from gatewatch.detect.travel import Stay
from gatewatch.detect.user_agent import system
from gatewatch.schema.addresses import is_loopback
from gatewatch.schema.events import GUESSABLE, AuthMethod, Kind, Mfa, Service
from gatewatch.schema.incidents import Match, Severity

_ENTRIES = frozenset({"logon", "access", "stopped"})  # anchors that are the outsider's own way in
GUESSES = ("guess", "names", "attempts")
_FOLLOWING = frozenset({"act", "onward", "privilege", "foothold"})
_SESSION_STAGES = ("logon", "access", "door", "use", *sorted(_FOLLOWING))
_FAILURES = frozenset({*GUESSES, "spread"})
PROVING = (*GUESSES, "spread", "refusals", "door", "act", "onward", "foothold")
_LOGONS = frozenset({str(Kind.AUTH_SUCCESS), str(Kind.AUTH_STOPPED), str(Kind.MFA_DENIED), str(Kind.MFA_OK)})
LEAST_ATTEMPTS = 10  # fewer over many addresses are the noise of the internet
REFUSED = timedelta(hours=24)  # a second factor refused within this time takes the worth from one that was passed
REUSED = timedelta(days=7)  # within this time a guessed password is used by whom it was given
VOUCHED = timedelta(hours=12)  # a second factor passed within this time at the same address speaks for the user
TWIN = timedelta(minutes=10)  # a client of a dual-stack line tries the other family anew after this time (RFC 8305)
_UNOWNED = frozenset({"followed", "searched"})  # stages on a host that was entered, by whomever
_OUTBOUND, LOOPBACK = "outbound-remote-access", r"^(?:127\.|::1$)"
_TAMPERED = "gateway-tampered"
_KEY = "ssh-key-added"  # the rule of a key that somebody put into a file: the record seldom says whose
OWN = frozenset({"password-changed", "mfa-method-added", "mfa-weakened"})  # rules of what everybody does to the account they own
SLIPS, SOON = 12, timedelta(hours=3)  # an owner's failures at the own name, and how soon the right password follows, that are typing errors
TYPOS = 2  # failures of an owner at the own account that are no guess
CAMPAIGN_NAMES = 5  # accounts tried by many addresses that make it a campaign
WIDE = (8, 2, 3)  # sources, countries, autonomous systems: any of these makes a spread wide

# names every sprayer tries: many addresses failing for them says nothing about the one that got in
DEFAULT_NAMES = frozenset(
    {
        "admin", "administrator", "ansible", "backup", "centos", "debian", "ec2-user", "ftp", "ftpuser", "git", "guest", "hadoop",
        "jenkins", "mysql", "nagios", "nginx", "operator", "oracle", "pi", "postgres", "root", "sshd", "student", "support", "sysadmin",
        "test", "tester", "testuser", "tomcat", "ubnt", "ubuntu", "user", "user1", "vagrant", "web", "www", "www-data",
    }
)  # fmt: skip


_NOTHING = Facts()  # which is no incident


class Case(msgspec.Struct, frozen=True):
    """A match with what it proves.

    ``access`` is the logon of the outsider (the anchor itself, or that of the session it fell in); ``hits`` the counted events by stage;
    ``tried`` the failures before it; ``score`` None when it is no incident by itself.
    """

    chain: Chain
    match: Match
    anchor: Exhibit
    access: Exhibit
    hits: Mapping[str, Sequence[Exhibit]]
    facts: Facts
    score: Score | None
    tried: Tally | None
    origin: str
    sessions: tuple[str, ...]
    doors: tuple[tuple[str, str], ...]
    doubtful: tuple[Exhibit, ...]  # what a rival session may have done as well
    guessed: int | None = None  # the row of the access by which the account's password was guessed, here or before

    @property
    def first(self) -> datetime:
        """When the outsider came in, or was stopped."""
        return min(self.anchor.time, self.access.time)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The outside addresses it is about: the origin, then those at which its session was seen as well."""
        return tuple(dict.fromkeys([self.origin, *(event.src_ip for event in self.hits.get("moved", ()) if event.src_ip is not None)]))

    @property
    def last(self) -> datetime:
        """The last event that counts; those of a stage are in order."""
        return max((events[-1].time for events in self.hits.values()), default=self.anchor.time)


class _Traits(NamedTuple):
    """What of a chain every judgement asks for.

    ``counting``: its stage that counts failures; ``distinct``: what its stages count; ``entry``: its anchor is the outsider's own way in;
    ``exposes``, ``absent``, ``needs_use``: it has a stage of an exposure, one that must be absent, a use that is not optional; ``misses``: one of a
    failure that a stranger had before; ``generic``: nothing of it proves.
    """

    counting: Stage | None
    distinct: tuple[str, ...]
    entry: bool
    exposes: bool
    absent: bool
    needs_use: bool
    misses: bool
    generic: bool

    @classmethod
    def of(cls, chain: Chain) -> _Traits:
        stages = chain.stages
        return cls(
            next((stage for stage in stages if stage.count is not None and stage.name in (*GUESSES, "spread")), None),
            tuple(stage.count.distinct for stage in stages if stage.count is not None and stage.count.distinct is not None),
            chain.anchor.name in _ENTRIES,
            any(stage.name == "exposure" for stage in stages),
            any(stage.absent for stage in stages),
            any(stage.name == "use" and not stage.optional for stage in stages),
            any(stage.name == "miss" for stage in stages),
            not any(stage.name in PROVING for stage in stages if not (stage.optional and stage.name in {"onward", "act"})),
        )


def arguable(chain: Chain) -> pl.Expr:
    """Return which anchor events of *chain* :meth:`Bench.judge` can make a case of: those that surely have an outside origin.

    So have connections that a host opened outwards (their target), and logons through a tunnel after one was set up.
    Of attached events (``origin_ip, hop, hop_confidence, pattern, src_ip, dst_ip``). It only says beforehand what the judge would say of the
    finished match.
    """
    if chain.anchor.rules == (_OUTBOUND,):
        return pl.col("dst_ip").is_not_null()
    counted = pl.col("origin_ip").is_not_null() & (pl.col("hop_confidence").cast(pl.String) != "possible").fill_null(True)
    if chain.anchor.name not in _ENTRIES:
        return counted
    first = counted & (pl.col("hop").fill_null(0) == 0)
    return first | pl.col("src_ip").cast(pl.String).str.contains(LOOPBACK) if any(stage.name == "exposure" for stage in chain.stages) else first


@dataclass(frozen=True, slots=True)
class Bench:
    """What cases are judged by: the events matches point at, the logons of sessions, failures, habits and tunables.

    ``number(name, analytic)`` resolves a tunable; ``rooted`` are the outside sessions in which root rights were used, ``onward`` those that moved
    on to another host; ``evictions`` says when an account was disabled, locked or deleted, and until when; ``factors`` when a second factor of a
    user was accepted at an outside line, and by which IP family in which country; ``refusals`` when one of a user was refused; ``arrivals`` is the
    row of the first success from each outside line; ``unproved`` are the accesses before which a record that should be there is absent; ``company``
    says who else came in from an address; ``entries`` are the logons of users on hosts, with and without a second factor; ``outward``
    is the first day on which a host went out to a network's remote access.
    """

    exhibits: Mapping[int, Exhibit]
    logons: Mapping[str, Exhibit]
    failures: Failures
    baseline: Baseline
    number: Callable[[str, str], float]
    rooted: frozenset[str]
    evictions: Mapping[str, tuple[Eviction, ...]] = field(default_factory=dict)
    factors: Mapping[tuple[str, str], tuple[datetime, ...]] = field(default_factory=dict)
    refusals: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    arrivals: Mapping[str, int] = field(default_factory=dict)
    unproved: frozenset[int] = frozenset()
    onward: frozenset[str] = frozenset()
    entries: Mapping[tuple[str, str], tuple[Entry, ...]] = field(default_factory=dict)
    outward: Mapping[tuple[str, str], date] = field(default_factory=dict)
    company: Company = field(default_factory=Company)
    _first_uses: dict[str, tuple[int, str]] = field(default_factory=dict, repr=False)
    _guessed: dict[tuple[str, str], tuple[Exhibit, str]] = field(default_factory=dict, repr=False)  # accesses by a guess, and from where
    _measured: dict[str, tuple[float, float, float]] = field(default_factory=dict, repr=False)
    _traits: dict[str, _Traits] = field(default_factory=dict, repr=False)
    _chosen: Chosen = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_chosen", Chosen(self.exhibits))

    def access(self, match: Match) -> Exhibit | None:
        """Return the logon that *match* is about; None where its anchor has no time."""
        anchor = self.exhibits.get(match.anchor)
        if anchor is None:
            return None
        return anchor if anchor.kind in _LOGONS else self.logons.get(anchor.origin_session or "", anchor)

    def judge(self, chain: Chain, match: Match) -> Case | None:
        """Return the case of *match*; None when it concerns no outsider or its failures were a user's own, settled ones.

        Cases must be judged in the order of their accesses, as habits only grow.
        """
        anchor, access = self.exhibits.get(match.anchor), self.access(match)
        if anchor is None or access is None:
            return None
        if anchor.opened and anchor.dst_ip is not None:  # nobody came in by it: it is about whom the host went out to
            if self.outward.get(goes_to(anchor), anchor.time.date()) < anchor.time.date():
                return None  # where it went on an earlier day it may go
            anchor = access = anchor._replace(origin_ip=anchor.dst_ip, origin_session=None, hop=0, hop_confidence="certain")
        traits = self._traits.get(chain.id) or self._traits.setdefault(chain.id, _Traits.of(chain))
        tunnelled = traits.exposes and is_loopback(anchor.src_ip or "") and any(hit.name == "exposure" for hit in match.stages)
        if tunnelled and not anchor.counted:
            # whoever came through the tunnel: that a session of somebody else was live is no proof that it was them
            anchor = access = anchor._replace(origin_ip=anchor.src_ip, origin_session=None, hop=0, hop_confidence="likely")
        if anchor.origin_ip is None or not anchor.counted:
            return None
        origin = anchor.origin_ip
        if chain.anchor.name == "moved" and {"src_host", "src_ip"} & {*traits.distinct} and anchor.src_ip is not None:
            origin = anchor.src_ip
            anchor = access = anchor._replace(origin_ip=origin)  # the session is its owner's; this is about who came to it later
        if traits.entry and not (anchor.outside or tunnelled):
            return None  # a logon further in is what followed, not how the outsider came in
        if traits.misses and not self._strange_entry(chain, access):
            return None
        stage = traits.counting
        tried = self._tried(chain, stage, match, anchor) if stage is not None else None
        if stage is not None and stage.name == "spread" and (tried is None or self._regular(anchor, match)):
            return None
        shared = self._shared(chain, stage, anchor, tried) if stage is not None and tried is not None else ""
        if shared:
            tried = None
        hits, doubtful = self._hits(chain, match, anchor)
        if shared:
            hits = {name: events for name, events in hits.items() if name not in GUESSES}
        if "exposure" in hits and not self._first_use(hits["exposure"][-1], access):
            return None
        if "shut" in hits and not self._evicted(access):
            return None  # another host's account of that name, or let in again since
        if "moved" in hits and "src_ip" in traits.distinct and not self._another_client(hits["moved"], access):
            return None
        if "campaign" in hits and not self._campaign(hits["campaign"], access):
            return None
        missing = self._missing_factor(chain, access)
        if missing is None:
            return None
        if not _UNOWNED.isdisjoint(hits) and (access.known or (access.kind == Kind.AUTH_SUCCESS and self._at_home(access))):
            return None  # nobody knows for whom it was done, and who came in may do so
        if "exposure" in hits and "act" not in hits and any(_TAMPERED in event.rules for event in hits["exposure"]):
            # everybody logs on to a gateway: only a place the user never came from is a sign that the pages took the password
            habit = self.baseline.habit(access.user, origin, access.country, access.time, access.src_host)
            if hits["exposure"][-1].origin_ip is None or habit.new_network is not True:
                return None
        facts = _NOTHING  # after settled failures: a logon that may belong to an intrusion, but proves none
        unused = traits.needs_use and "use" not in hits  # the door alone is another chain's
        if not unused and (stage is None or tried is not None or shared):
            habit = self.baseline.habit(access.user, access.origin_ip, access.country, access.time, access.src_host)
            facts = self._facts(chain, traits, match, access, hits, habit, shared)
            if missing:
                facts = replace(facts, other=missing, familiar=facts.known, habitual="", slip=False)
            if stage is not None and tried is not None:
                line = self._own_line(anchor, habit)
                facts = _with_failures(facts, stage, tried, anchor, habit, line)
            if "refusals" in hits:
                proof = chain.severity.get("logon", Severity.HIGH).rank >= Severity.HIGH.rank
                facts = _with_refusals(facts, hits["refusals"], anchor, habit, proof=proof)
        guess, reused = self._reuse(chain, access)
        if reused:
            facts = replace(facts, reused=reused)
        judged = score(facts)
        if facts.guess and judged is not None and judged.severity.rank >= Severity.HIGH.rank:
            guess = access.row
        case = Case(
            chain,
            match,
            anchor,
            access,
            hits,
            facts,
            judged,
            tried,
            origin,
            _sessions(anchor, access, hits),
            _doors(hits),
            doubtful,
            guess,
        )
        self._remember(case)
        return case

    def _shared(self, chain: Chain, stage: Stage, anchor: Exhibit, tried: Tally) -> str:
        """Return why the failures before *anchor* are other people's, in words; empty where they may be a guess."""
        if stage.name not in {"guess", "names"} or chain.by == ("host", "user"):
            return ""
        window, after, _ = self._measures(chain, stage)
        key, since = (anchor.origin_ip or "",), anchor.time - timedelta(seconds=window + after)
        book = self.failures.by_address
        found, _ = book.before(key, anchor.row, since)
        return self.company.judge(anchor.origin_ip, anchor.user, book, found, tried.first, self.number("FailedLogonThreshold", chain.analytic))

    def _strange_entry(self, chain: Chain, access: Exhibit) -> bool:
        """Return whether *access* is the first of its address, and nothing in the whole logs says that the user is at home there.

        As many failures as a guess takes are left to the chains of guesses.
        """
        line, habit = network(access.origin_ip or ""), self.baseline.habit(access.user, access.origin_ip, access.country, access.time)
        if access.service == Service.SMB or len(self.company.since.get(access.origin_ip or "", ())) > 1:
            return False  # programs connect shares again and again; where several accounts come in, people sit
        if access.service in DOORS and (habit.active < HABIT_DAYS or access.country is None or habit.country_days):
            return False  # to a gateway people come from anywhere
        if access.known or habit.network_days or self.arrivals.get(line, access.row) < access.row:
            return False
        if self._tried_itself(chain, access):
            return False
        later = self.baseline.own_line(access.user, access.origin_ip, access.time.date())
        return later < HABIT_DAYS and not self._device(access) and not self._vouched(access)

    def _tried_itself(self, chain: Chain, access: Exhibit) -> bool:
        """Return whether the address of *access* failed as often, shortly before, as a guess takes."""
        found, _ = self.failures.by_address.before((access.origin_ip or "",), access.row, access.time - SOON)
        tried = self.failures.by_address.tally(found)
        return tried is not None and tried.attempts >= self.number("FailedLogonThreshold", chain.analytic)

    def _hits(self, chain: Chain, match: Match, anchor: Exhibit) -> tuple[dict[str, Sequence[Exhibit]], tuple[Exhibit, ...]]:
        hits: dict[str, Sequence[Exhibit]] = {}
        doubtful: list[Exhibit] = []
        maker = self.logons.get(anchor.origin_session or "", anchor)
        for hit in match.stages:
            if hit.name in _FAILURES:
                failures = Shown(hit.rows, self.exhibits)
                if failures:
                    hits[hit.name] = failures
                continue
            events = [self.exhibits[row] for row in self._chosen.of(hit.rows)]
            if hit.name in _FOLLOWING:
                own = hit.name == chain.anchor.name  # an act may be what the match is about
                taken = chain.anchor.name == "moved"  # a session is its owner's; what came from the new place is not
                mine = (event for event in events if event.origin_ip == anchor.origin_ip or (taken and event.src_ip == anchor.origin_ip))
                events = [event for event in mine if own or event.row != anchor.row]
                doubtful += [event for event in events if not event.counted]
                events = [event for event in events if event.counted]
            elif hit.name == "door":
                events = [event for event in events if not _is_own(event, maker)]
            elif hit.name == "use":
                events = [event for event in events if _is_use(event, anchor, maker)]
            if events:
                hits[hit.name] = tuple(events)
        if "use" in hits and anchor.account is None and _KEY in anchor.rules:  # whose key it is, the record does not say
            new = tuple(event for event in hits["use"] if self.arrivals.get(network(event.origin_ip or ""), -1) > anchor.row)
            hits = {name: events for name, events in hits.items() if name != "use"} | ({"use": new} if new else {})
        elif "use" in hits and ("door" not in hits or anchor.account is None):
            del hits["use"]
        return hits, tuple(doubtful)

    def _first_use(self, exposure: Exhibit, access: Exhibit) -> bool:
        """Return whether *access* is the first from an address that never came in before the *exposure*, or a later one of that same address.

        Who came in before did not need what was opened, and after the first newcomer everybody's ordinary logon would be another incident.
        """
        origin, host = access.origin_ip or "", exposure.host or ""
        if self.arrivals.get(network(origin), access.row) < exposure.row:
            return False
        row, address = self._first_uses.get(host, (-1, ""))
        if row < exposure.row:
            self._first_uses[host] = (access.row, origin)
            return True
        return address == origin

    def _facts(
        self, chain: Chain, traits: _Traits, match: Match, access: Exhibit, hits: Mapping[str, Sequence[Exhibit]], habit: Habit, shared: str
    ) -> Facts:
        known = (access.known_by or "covered by an allow entry") if access.known else ""
        habitual = f"{access.user} came from this network on {habit.network_days} earlier days" if habit.network_days >= HABIT_DAYS else ""
        moved: tuple[bool | None, str] = (None, "")
        if access.country is not None and access.origin_ip is not None and not access.known and not access.anonymizer:
            moved = self.baseline.travel(access.user, access.row, Stay(access.time, access.origin_ip, access.country))
        about = Access(
            access.user,
            access.country,
            access.anonymizer,
            access.off_hours,
            access.mfa,
            (access.origin_session or "") in self.rooted,
            access.src_host,
            *moved,
            self._strange(access, hits.get("onward", ())),
            self._stations(access, hits.get("onward", ())),
            self._others(access, hits.get("onward", ())),
            self._evicted(access),
        )
        absent = traits.absent
        if absent and not habitual:
            days = self.baseline.authenticated(access.user, access.origin_ip, self.unproved)
            habitual = f"{access.user} was authenticated at this very address on {days} days" if days else ""
        returned = "moved" in hits and "country" in traits.distinct and habit.country_days >= HABIT_DAYS  # to where the user always is
        names = {stage.name for stage in match.stages if stage.name in hits or stage.name not in _FOLLOWING}
        level = max((level for name, level in chain.severity.items() if name in names), key=lambda level: level.rank, default=Severity.LOW)
        if "src_host" in traits.distinct and habit.country_days >= HABIT_DAYS and access.origin_session not in self.onward:
            level = Severity.LOW  # many have a second machine; where the user always is, and nothing moved on, going on at one proves nothing
        return Facts(
            acts=deeds(hits.get("act", ())),
            doors=deeds(hits.get("door", ())),
            uses=tuple(
                dict.fromkeys(f"{event.src_ip or event.src_host or 'a local logon'} logged on as {event.user}" for event in hits.get("use", ()))
            ),
            onward=deeds(hits.get("onward", ())),
            followed=deeds(after_doors(hits)),
            footholds=deeds(hits.get("foothold", ())),
            other=chain.title if traits.generic and not returned else "",
            level=level,
            known=known,
            habitual=f"{habitual}; a record that was lost looks the same" if habitual and absent else "",
            slip=bool(habitual) and absent,
            familiar=known or habitual,
            shared=shared,
            vouched=self._vouched(access),
            device=self._device(access),
            factors=weigh(about, habit),
            confidence=chain.confidence,
            unsure=any(not stage.certain for stage in match.stages if stage.name in {"logon", "stopped"}),
        )

    def _own_line(self, anchor: Exhibit, habit: Habit) -> int:
        """Return the days on which an address is the user's own line, also later ones; 0 where nothing but the password says whose it is.

        What says so: the user came in from that network before, or passed a second factor at the address. Who guesses has neither.
        """
        passed = self.factors.get((anchor.user or "", network(anchor.origin_ip or "")), ())
        if not habit.network_days and not passed:
            return 0
        return self.baseline.own_line(anchor.user, anchor.origin_ip, anchor.time.date())

    def _at_home(self, access: Exhibit) -> bool:
        """Return whether a user came in from a network from which they came on several earlier days."""
        habit = self.baseline.habit(access.user, access.origin_ip, access.country, access.time, access.src_host)
        return habit.network_days >= HABIT_DAYS

    def _campaign(self, failed: Sequence[Exhibit], access: Exhibit) -> bool:
        """Return whether the network of *access*, new to the user, tried other accounts too (or from other addresses) among many that did."""
        place = network_of(access.origin_ip or "") if access.origin_ip else ""
        habit = self.baseline.habit(access.user, access.origin_ip, access.country, access.time, access.src_host)
        if not place or habit.network_days or len({event.user for event in failed if event.user is not None}) < CAMPAIGN_NAMES:
            return False
        near = (event for event in failed if event.src_ip is not None and network_of(event.src_ip) == place)
        return any(event.user != access.user or event.src_ip != access.origin_ip for event in near)

    def _another_client(self, seen: Sequence[Exhibit], access: Exhibit) -> bool:
        """Return whether the last of *seen* is at a network new to the user, and its client runs on another system than one elsewhere before it."""
        here, habit = seen[-1], self.baseline.habit(access.user, access.origin_ip, access.country, access.time, access.src_host)
        own, place = system(here.extra), network_of(here.src_ip or "") if here.src_ip else ""
        if habit.network_days or own is None or here.known or not place:
            return False
        others = (event for event in seen[:-1] if event.src_ip is not None and network_of(event.src_ip) != place)
        return any(other not in {None, own} for other in (system(event.extra) for event in others))

    def _missing_factor(self, chain: Chain, access: Exhibit) -> str | None:
        """Return that a second factor is missing which the user always passed, in words; empty for other chains, None where it is not missing."""
        if not any(FACTOR in stage.rules for stage in chain.stages if stage.absent):
            return ""
        habit = self.baseline.habit(access.user, access.origin_ip, access.country, access.time, access.src_host)
        if access.mfa == Mfa.YES or access.auth_method == AuthMethod.TOKEN or not habit.new_network:
            return None  # a device that is remembered at home is asked for nothing
        number = always_before(self.entries.get((access.user or "", access.host or ""), ()), access.time)
        if not number:
            return None
        return f"{access.user} passed a second factor with each of {number} earlier logons on {access.host}, and none with this one"

    def _strange(self, access: Exhibit, onward: Sequence[Exhibit]) -> tuple[str, ...] | None:
        """Return the hosts further in that the user who got in never logged on to before, None where that is not known."""
        hosts = [event.host for event in onward if event.kind == Kind.AUTH_SUCCESS and event.host is not None and event.user == access.user]
        return self.baseline.new_hosts(access.user, hosts, access.time) if hosts else None

    def _stations(self, access: Exhibit, onward: Sequence[Exhibit]) -> tuple[str, ...] | None:
        """Return the machines from which the user logged on within a tunnel and never did before, None where that is not known.

        Behind a VPN, whose log seldom says more than an address, the logons further in name the machine at the other end.
        """
        named = [event.src_host for event in onward if is_station(event) and event.user == access.user]
        return self.baseline.new_stations(access.user, [name for name in named if name is not None], access.time) if named else None

    def _others(self, access: Exhibit, onward: Sequence[Exhibit]) -> tuple[str, ...] | None:
        """Return the accounts of other people as whom the session went on, None where that is not known."""
        named = [user for user in map(as_whom, onward) if user is not None]
        further = [user for user in named if user != access.user and user.casefold() not in DEFAULT_NAMES and not user.endswith("$")]
        return self.baseline.new_accounts(access.user, further, access.time) if named else None

    def _vouched(self, access: Exhibit) -> str:
        """Return when the user passed a second factor at this very address, in words; empty where no log within :data:`VOUCHED` before says so."""
        refused = self.refusals.get(access.user or "", ())
        if any(timedelta(0) <= access.time - moment <= REFUSED for moment in refused):
            return ""  # somebody was asked until they gave in, or another holds the password
        if access.mfa == Mfa.YES:
            return f"{access.user} passed a second factor with this logon"
        passed = self.factors.get((access.user or "", network(access.origin_ip or "")), ())
        before, where = [moment for moment in passed if timedelta(0) <= access.time - moment <= VOUCHED], "at this address"
        if not before and access.country is not None:
            passed = self.factors.get((access.user or "", family(access.origin_ip or "", access.country, other=True)), ())
            before, where = [moment for moment in passed if timedelta(0) <= access.time - moment <= TWIN], "by the other IP family of this country"
        if not before:
            return ""
        return f"{access.user} passed a second factor {where} {(access.time - before[-1]) // timedelta(minutes=1)} minutes before"

    def _reuse(self, chain: Chain, access: Exhibit) -> tuple[int | None, str]:
        """Return the access by which the password that *access* uses had been guessed, and that in words; None and empty where it is none.

        Who guesses and who comes in are often two: a password that was found by one address is used, or sold, and comes from another, which never
        came in before. Keys and certificates are nobody's guess, and the user's own device and second factor speak for the user.
        """
        before, origin = self._guessed.get((access.host or "", access.user or ""), (None, ""))
        if before is None or access.auth_method not in GUESSABLE or access.known or access.origin_ip == origin:
            return None, ""
        age = access.time - before.time
        late = self.arrivals.get(network(access.origin_ip or ""), -1) > before.row
        if not timedelta(0) <= age <= REUSED or not late or self._device(access) or self._vouched(access) or self._tried_itself(chain, access):
            return None, ""
        hours = age // timedelta(hours=1)
        when = f"{hours} hours" if hours > 1 else f"{age // timedelta(minutes=1)} minutes"
        return before.row, f"the password of {access.user} had been guessed {when} before by {origin}"

    def _device(self, access: Exhibit) -> str:
        """Return by which device of their own the user came in, in words; empty where the log names none, or it seldom came from this country."""
        device, days = self.baseline.own_device(access.row, access.country)
        return f"{access.user} came in with {device} from {access.country} on {days} other days" if days >= HABIT_DAYS else ""

    def _evicted(self, access: Exhibit) -> str:
        """Return when the account was shut out within :data:`EVICTED` before it came in, in words; empty for names that every host has."""
        if access.user is None or access.user in DEFAULT_NAMES:
            return ""
        shut = [
            one.start
            for one in self.evictions.get(access.user, ())
            if (one.end is None or one.end > access.time) and one.host in {None, access.host}
        ]
        before = [moment for moment in shut if timedelta(0) < access.time - moment <= EVICTED]
        return f"disabled, locked or deleted {(access.time - before[-1]) // timedelta(days=1)} days before" if before else ""

    def _tried(self, chain: Chain, stage: Stage, match: Match, anchor: Exhibit) -> Tally | None:
        """Return the failures the match rests on; None when they were settled, or are not of the kind the stage is about."""
        window, after, needed = self._measures(chain, stage)
        since = anchor.time - timedelta(seconds=window + after)
        if stage.name == "spread":
            return self._spread(anchor, since, needed)
        by_place = chain.by == ("host", "user")
        book = self.failures.by_place if by_place else self.failures.by_address
        few = stage.name == "names" and needed < self.number("SprayUsers", chain.analytic)
        if few and self.arrivals.get(network(anchor.origin_ip or ""), anchor.row) < anchor.row:
            return None  # a few names at a line that somebody uses are its users' typing errors
        key = (anchor.host or "", anchor.user or "") if by_place else (anchor.origin_ip or "",)
        found, settled = book.before(key, anchor.row, since)
        distinct = stage.count.distinct if stage.count is not None else None
        if (by_place or settled) and not book.reaches(found, needed, window, anchor.time - timedelta(seconds=after), distinct):
            return None
        hit = next(hit for hit in match.stages if hit.name == stage.name)
        return book.tally(found, anchor.user) or Tally(hit.count, 0, None, (), 0, 0, hit.first, hit.last)

    def _spread(self, anchor: Exhibit, since: datetime, needed: float) -> Tally | None:
        """Return the failures of many addresses for one account; only those count that single it out."""
        if anchor.user is None or anchor.user in DEFAULT_NAMES:
            return None
        book = self.failures.by_user
        found, _ = book.before((anchor.user,), anchor.row, since)
        tried = book.tally(found)
        if tried is None or len(tried.sources) < needed or tried.attempts < LEAST_ATTEMPTS:
            return None
        return tried

    def _regular(self, anchor: Exhibit, match: Match) -> bool:
        """Return whether the address that got in is the owner's: used on several days of these logs, with no more failures than a typo makes.

        An account whose name is known outside is guessed every day; its owner coming in from where the owner always comes from is no proof. Days
        after the access count too: only a spread is judged like this, never the failures of one address.
        """
        if self.baseline.days(anchor.user, anchor.origin_ip) < HABIT_DAYS:
            return False
        spread = next(hit for hit in match.stages if hit.name == "spread")
        own, _ = self.failures.by_address.before((anchor.origin_ip or "",), anchor.row, spread.first)
        tally = self.failures.by_address.tally(own)
        return tally is None or (tally.attempts <= TYPOS and tally.only == anchor.user)

    def _measures(self, chain: Chain, stage: Stage) -> tuple[float, float, float]:
        """Return the window of the count, how long after it the anchor may follow (both in seconds), and the number needed."""
        found = self._measured.get(chain.id)
        if found is None:

            def number(name: str) -> float:
                return self.number(name, chain.analytic)

            assert stage.count is not None, "the caller chose a stage that counts"
            window = seconds(stage.count.window, number)
            after = seconds(chain.anchor.after, number) if chain.anchor.after is not None else window
            found = self._measured.setdefault(chain.id, (window, after, float(amount(stage.count.gte, number))))
        return found

    def _remember(self, case: Case) -> None:
        """Keep incidents out of the habits to come."""
        if case.score is None or case.score.severity.rank < Severity.MEDIUM.rank:
            return
        if case.guessed == case.access.row:
            self._guessed[case.access.host or "", case.access.user or ""] = (case.access, case.origin)
        if case.score.severity.rank >= Severity.HIGH.rank and (case.facts.guess or case.facts.uses):
            self.baseline.taint(case.origin, case.access.time)
        self.baseline.exclude([case.access.row])


def goes_to(event: Exhibit) -> tuple[str, str]:
    """Return which host went out to which network's remote access."""
    return (event.host or event.src_ip or "", network_of(event.dst_ip or ""))


def family(address: str, country: str, *, other: bool = False) -> str:
    """Return the IP family of an address and its country in words, or the *other* family there: a line often has both.

    >>> family("192.0.2.7", "AT"), family("192.0.2.7", "AT", other=True)
    ('IPv4 in AT', 'IPv6 in AT')
    """
    return f"IPv{6 if (':' in address) is not other else 4} in {country}"


def _with_failures(facts: Facts, stage: Stage, tried: Tally, anchor: Exhibit, habit: Habit, line: int) -> Facts:
    """Add what the failures before the anchor prove; *line* are the days on which the address is the user's own line, also later ones."""
    usual = habit.address_days >= HABIT_DAYS
    own = usual and (stage.name == "spread" or (tried.only is not None and tried.only == anchor.user))
    if usual and not own and stage.name == "guess" and tried.mine <= min(TYPOS, tried.attempts // 4):
        return facts  # the failures of others behind the same address, or of a job, as its every user comes in as ever
    habitual = f"{anchor.user} came from this address on {habit.address_days} earlier days; only that name failed" if own else ""
    few = tried.attempts <= SLIPS and anchor.time - tried.last <= SOON
    if few and not own and line >= HABIT_DAYS and tried.only is not None and tried.only == anchor.user:
        own, habitual = True, f"{anchor.user} came mostly from this address on {line} other days; only that name failed"
    slip = own and few
    if stage.name == "attempts":
        text = f"{tried.attempts} failures of {_names(tried)}, then the right password of {anchor.user} was stopped"
        return replace(facts, stopped=text, habitual=habitual, slip=slip)
    if stage.name != "spread":
        who = anchor.user or "an unnamed user"
        return replace(facts, guess=f"{tried.attempts} failures of {_names(tried)} before a success as {who}", habitual=habitual, slip=slip)
    text = f"{tried.attempts} failures of {anchor.user} from {len(tried.sources)} addresses"
    if network(anchor.origin_ip or "") in tried.sources:
        return replace(facts, guess=f"{text}, one of which got in", habitual=habitual, slip=slip)
    wide = (len(tried.sources), tried.countries, tried.networks)
    if any(value >= least for value, least in zip(wide, WIDE, strict=True)) and not facts.familiar and not habit.address_days:
        return replace(facts, spread=f"{text}, then a success from an address never seen before", slip=slip)
    return replace(facts, acts=(), doors=(), uses=(), onward=(), slip=slip)  # no guess: what followed is for other chains to judge


def _with_refusals(facts: Facts, refusals: Sequence[Exhibit], anchor: Exhibit, habit: Habit, *, proof: bool) -> Facts:
    """Add what refusals of a second factor before the anchor prove.

    Refusals at another address and a user who comes in from a familiar one: somebody else tried, and the user went on working. Those of a chain
    that is no *proof* (few, over hours) count only at the address that came in, where the user never was.
    """
    sources = {network(event.src_ip) for event in refusals if event.src_ip is not None}
    same = not sources or network(anchor.origin_ip or "") in sources
    familiar = habit.address_days >= HABIT_DAYS
    if familiar and not same:
        return replace(facts, acts=(), doors=(), uses=(), onward=(), footholds=())
    number = sum(event.weight for event in refusals)
    habitual = f"{anchor.user} came from this address on {habit.address_days} earlier days, and nobody else asked" if familiar else ""
    if not proof and (habit.address_days or not same or not sources):
        return replace(facts, acts=(), doors=(), uses=(), onward=(), footholds=())
    if not proof:
        return replace(facts, worn=f"{number} refusals of the second factor of {anchor.user} over hours, then it was accepted at a new address")
    return replace(facts, fatigue=f"{number} refusals of the second factor of {anchor.user}, then it was accepted", habitual=habitual)


def after_doors(hits: Mapping[str, Sequence[Exhibit]]) -> tuple[Exhibit, ...]:
    """Return the onward movement that came after the first second door, in order.

    That before it only led to where the door was made, and so does another logon on that very host.
    """
    doors = hits.get("door", ())
    if not doors:
        return ()
    first, hosts = min(event.row for event in doors), {event.host for event in doors}
    return tuple(event for event in hits.get("onward", ()) if event.row > first and not (event.kind == Kind.AUTH_SUCCESS and event.host in hosts))


def _is_use(event: Exhibit, door: Exhibit, maker: Exhibit) -> bool:
    """Return whether a logon uses a door: one's own account counts only from another outside address (people do change their keys)."""
    if event.user != maker.user:
        return True
    return event.origin_ip is not None and event.origin_ip != door.origin_ip


def _is_own(event: Exhibit, maker: Exhibit) -> bool:
    """Return whether somebody renewed their own password or second factor: no second door."""
    return bool(event.rules) and OWN.issuperset(event.rules) and event.account in {None, maker.user}


def _names(tried: Tally) -> str:
    return tried.only or (f"{tried.names} account names" if tried.names else "unnamed accounts")


def _sessions(anchor: Exhibit, access: Exhibit, hits: Mapping[str, Sequence[Exhibit]]) -> tuple[str, ...]:
    events = [anchor, access, *(event for name in _SESSION_STAGES if name in hits for event in hits[name])]
    return tuple(sorted({event.origin_session for event in events if event.origin_session is not None}))


def _doors(hits: Mapping[str, Sequence[Exhibit]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({(event.host or "", event.account) for event in hits["door"] if event.account})) if "door" in hits else ()
