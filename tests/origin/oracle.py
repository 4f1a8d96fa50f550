"""A slow oracle of attribution: docs/explanation/origin.md read plainly, over lists of events, in quadratic time and without any index.

An event is a mapping of columns of the event table. It knows the event shapes of :mod:`world`, not every vendor's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Event = Mapping[str, Any]
GRACE = timedelta(seconds=5)
AGE = timedelta(days=7)
AHEAD = timedelta(seconds=60)
SOON, LATER, BEFORE = timedelta(minutes=2), timedelta(minutes=5), timedelta(seconds=5)
AT_ONCE = timedelta(seconds=15)
HISTORY, SPAN = 5, timedelta(days=14)
BOOT_LASTS = timedelta(minutes=15)
ORDER = {"possible": 0, "likely": 1, "certain": 2}
OWN = {"auth_failure", "auth_success", "auth_stopped", "connection", "connection_denied"}


@dataclass
class Session:
    """A logon with the time until which its id names it."""

    at: int  # its place among the events
    event: Event
    until: datetime | None

    @property
    def start(self) -> datetime:
        start: datetime = self.event["time"]
        return start

    def alive(self, moment: datetime) -> bool:
        """Begun, and not known to have ended."""
        return self.start <= moment and (self.until is None or moment <= self.until + GRACE)

    def old(self, moment: datetime) -> bool:
        """Without an end, past its age."""
        return self.until is None and moment - self.start > AGE


@dataclass
class Span:
    """Somebody holds something for a time: a lease, a passage, a guise, a session."""

    start: datetime
    end: datetime | None
    holder: Session
    best: str
    account: str | None = None
    relay: bool = False

    def live(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment <= self.end + GRACE)


@dataclass(frozen=True)
class Verdict:
    """The origin of a session or an event."""

    ip: str
    first: int  # the event that began the outside session
    hop: int
    confidence: str
    rivals: frozenset[str] = frozenset()


def least(*grades: str) -> str:
    return min(grades, key=ORDER.__getitem__)


def best_of(spans: Sequence[Span], moment: datetime) -> list[Span]:
    """Those within their age; where there are none, the one begun last, only possible."""
    live = [span for span in spans if span.live(moment)]
    young = [span for span in live if span.end is not None or moment - span.start <= AGE]
    return young or [Span(one.start, one.end, one.holder, "possible", one.account, one.relay) for one in live[-1:]]


class Oracle:
    """All that is said of a world, worked out one by one; *events* are in the total order."""

    def __init__(self, events: Sequence[Event], hosts: Mapping[str, str]) -> None:
        self.events, self.hosts = events, hosts
        self.sessions = [Session(at, event, self._until(at, event)) for at, event in enumerate(events) if event["kind"] == "auth_success"]
        self.bonds: dict[int, Verdict] = {}
        for session in self.sessions:
            verdict = self._judge(session)
            if verdict is not None:
                self.bonds[session.at] = verdict

    # sessions

    def _until(self, at: int, event: Event) -> datetime | None:
        ends = []
        for later, other in enumerate(self.events):
            same = other.get("session") is not None and other.get("session") == event.get("session") and other["host"] == event["host"]
            if later > at and same and other["kind"] == "auth_success":
                break
            if later > at and same and other["kind"] == "session_end":
                ends.append(other["time"])
        boots = [moment for moment in self._boots(event["host"]) if moment >= event["time"]]
        return min(([max(ends)] if ends else []) + boots[:1], default=None)

    def _boots(self, host: str) -> list[datetime]:
        reported = sorted(event["time"] for event in self.events if event["kind"] == "boot" and event["host"] == host)
        return [moment for number, moment in enumerate(reported) if number == 0 or moment - reported[number - 1] > BOOT_LASTS]

    def _by_id(self, event: Event) -> Session | None:
        if event.get("session") is None:
            return None
        named = [
            s for s in self.sessions if s.event.get("session") == event["session"] and s.event["host"] == event["host"] and s.start <= event["time"]
        ]
        return named[-1] if named and named[-1].alive(event["time"]) else None

    def _by_user(self, host: str, user: str | None, moment: datetime) -> tuple[Session | None, str, frozenset[str]]:
        """The live session of a user begun last, how surely, and the other origins that were live."""
        mine = [s for s in self.sessions if user is not None and s.event["host"] == host and s.event["user"] == user and s.alive(moment)]
        young = [s for s in mine if not s.old(moment)]
        if not young:
            return (mine[-1], "possible", frozenset()) if mine else (None, "possible", frozenset())
        names = {self._name(s) for s in young}
        rivals = frozenset(names - {self._name(young[-1])})
        return young[-1], "possible" if rivals else "likely", rivals

    def _name(self, session: Session) -> str:
        bond = self.bonds.get(session.at)
        return bond.ip if bond is not None else "inside"

    # bindings

    def _leases(self, address: str) -> list[Span]:
        given = [s for s in self.sessions if s.event.get("assigned_ip") == address]
        spans = []
        for session in given:
            end = session.until
            if end is None:
                following = [s.start for s in given if s.at > session.at and s.event["host"] == session.event["host"]]
                end = max(min(following) - timedelta(microseconds=1), session.start) if following else None
            spans.append(Span(session.start, end, session, "certain"))
        return spans

    def _guises(self, host: str, user: str | None) -> list[Span]:
        """The sessions on *host* that became *user*."""
        found = []
        for event in self.events:
            if event["kind"] != "privilege_use" or event["source"] != "su" or event["host"] != host or event["user"] == event["target_user"]:
                continue
            if event["target_user"] == user:
                owner, grade, _ = self._by_user_alone(event)
                if owner is not None:
                    found.append(Span(event["time"], owner.until, owner, grade))
        return found

    def _passages(self, session: Session) -> list[tuple[Span, str]]:
        """The passages towards the host of *session*, with the host each starts from."""
        found = []
        for at, event in enumerate(self.events):
            relay = event["kind"] == "auth_success" and event.get("dst_host") is not None
            ran = event["kind"] == "exec" and event["command"].startswith("ssh ")
            target = event["command"].partition(" ")[2].rpartition("@")[2] if ran else event.get("dst_host")
            if ran and target is not None:
                target = self.hosts.get(target, target.partition(".")[0])
            if target != session.event["host"] or not (relay or ran or event["kind"] == "logon_out"):
                continue
            if relay:
                owner, grade = next(s for s in self.sessions if s.at == at), "likely"
                span = Span(event["time"] - BEFORE, owner.until, owner, grade, event["user"], relay=True)
            else:
                named = self._by_id(event)
                chosen, how, _ = self._by_user_alone(event)
                owner_, grade = (named, "certain") if named is not None else (chosen, how)
                if named is not None and named.old(event["time"]):
                    grade = "possible"
                if owner_ is None or (named is None and (event.get("session") or "").startswith("pid:")):
                    continue
                account = (event["command"].partition(" ")[2].rpartition("@")[0] or None) if ran else event.get("target_user")
                span = Span(event["time"] - BEFORE, event["time"] + (SOON if ran else LATER), owner_, least(grade, "likely"), account)
            found.append((span, event["host"]))
        return sorted(found, key=lambda one: one[0].start)

    def _by_user_alone(self, event: Event) -> tuple[Session | None, str, frozenset[str]]:
        """As :meth:`_by_user`, where nothing is known of origins: any two sessions are of nobody's, so no rivals."""
        mine = [s for s in self.sessions if s.event["host"] == event["host"] and s.event["user"] == event.get("user") and s.alive(event["time"])]
        young = [s for s in mine if not s.old(event["time"])]
        return (young[-1], "likely", frozenset()) if young else (mine[-1] if mine else None, "possible", frozenset())

    # attribution

    def _choose(self, spans: Sequence[Span], moment: datetime, *, bonded: bool = False) -> Verdict | None:
        able = [span for span in spans if span.holder.at in self.bonds]
        if not able:
            return None
        chosen = able[-1]
        parent = self.bonds[chosen.holder.at]
        names = {self._name(span.holder) for span in spans if not bonded or span.holder.at in self.bonds} - {parent.ip}
        confidence = "possible" if names else least(chosen.best, parent.confidence)
        return Verdict(parent.ip, parent.first, parent.hop + 1, confidence, frozenset(names))

    def _judge(self, session: Session) -> Verdict | None:
        event, moment = session.event, session.start
        host, user, src = event["host"], event["user"], event.get("src_ip")
        held = best_of([span for span in self._leases(src) if span.holder.at < session.at], moment) if src else []
        if held:
            return self._choose(held, moment)
        if event.get("scope") == "public" and src:
            return Verdict(src, session.at, 0, "certain")
        source = self.hosts.get(src or "")
        passed = []
        towards = self._passages(session)
        places = {(span.start, span.holder.at): place for span, place in towards}
        for span in best_of([span for span, _ in towards if span.holder.at < session.at], moment):
            place = places[span.start, span.holder.at]
            if span.end is not None and moment > span.end:
                continue
            if source is None:
                if span.relay and moment - span.start > SOON:
                    continue
                at_once = span.account is not None and span.account == user and moment - span.start <= AT_ONCE
                passed.append(span if span.relay or at_once else Span(span.start, span.end, span.holder, "possible", span.account))
            elif place == source:
                passed.append(span)
        named = [span for span in passed if span.account is not None and span.account == user]
        if named:
            return self._choose(named, moment)
        if source is None:
            return self._choose([span for span in passed if span.account is None and span.holder.event["user"] == user], moment)
        here = [s for s in self.sessions if s.event["host"] == source and s.at < session.at]
        mine = [Span(s.start, s.until, s, "likely") for s in here if s.event["user"] == user]
        mine += [span for span in self._guises(source, user) if span.holder.at < session.at]
        own = best_of(sorted(mine, key=lambda span: span.start), moment)
        if own:
            return self._choose(own, moment)
        unnamed = [span for span in passed if span.account is None]
        if unnamed:
            return self._choose(unnamed, moment)
        before = [s for s in self.sessions if s.event["host"] == host and s.at < session.at]
        fresh = len(before) >= HISTORY and moment - before[0].start >= SPAN and all(s.event["user"] != user for s in before)
        if user and fresh and not user.startswith("svc-"):
            return self._choose(best_of([Span(s.start, s.until, s, "possible") for s in here], moment), moment, bonded=True)
        return None

    # events

    def origin(self, at: int) -> Verdict | None:
        """Return the origin of the event at *at*."""
        event = self.events[at]
        moment = event["time"]
        found = self._by_id(event)
        if found is not None:
            return self._of(found, "possible" if found.old(moment) else "certain", 0)
        if event["kind"] == "auth_success":
            return self._of(next(s for s in self.sessions if s.at == at), "certain", 0)
        if event["kind"] not in OWN and not (event.get("session") or "").startswith("pid:"):
            chosen, how, rivals = self._by_user(event["host"], event.get("user"), moment)
            if chosen is not None:
                return self._of(chosen, how, 0, rivals)
        src = event.get("src_ip")
        held = best_of(self._leases(src), moment) if src else []
        if held:
            names = frozenset({self._name(span.holder) for span in held} - {self._name(held[-1].holder)})
            return self._of(held[-1].holder, "possible" if names else held[-1].best, 1, names)
        source = self.hosts.get(src or "")
        if source is not None and event["kind"] in OWN:
            chosen, how, rivals = self._by_user(source, event.get("user"), moment)
            if chosen is not None:
                return self._of(chosen, how, 1, rivals)
            here = best_of([Span(s.start, s.until, s, "possible") for s in self.sessions if s.event["host"] == source and s.at in self.bonds], moment)
            if here:
                return self._of(here[-1].holder, "possible", 1)
        if event.get("scope") == "public" and src:
            return Verdict(src, -1, 0, "certain")
        return None

    def _of(self, session: Session, how: str, beyond: int, rivals: frozenset[str] = frozenset()) -> Verdict | None:
        bond = self.bonds.get(session.at)
        if bond is None:
            return None
        return Verdict(bond.ip, bond.first, bond.hop + beyond, least(how, bond.confidence), rivals)
