"""Incidents: matches judged, connected and told.

A match is judged by what it proves (:mod:`~gatewatch.detect.case`), connected with the others of the same intruder
(:mod:`~gatewatch.detect.group`), scored (:mod:`~gatewatch.detect.severity`) and worded (:mod:`~gatewatch.detect.story`).
Everything is a function of the events: the same events give the same incidents, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

import polars as pl

from gatewatch.detect import advice, story
from gatewatch.detect.attack import techniques
from gatewatch.detect.baseline import Baseline
from gatewatch.detect.case import GUESSES, Bench, family, goes_to
from gatewatch.detect.chain import Chain
from gatewatch.detect.eviction import evictions
from gatewatch.detect.exhibit import Exhibit, read_exhibits, read_logons
from gatewatch.detect.failure import Failures, network
from gatewatch.detect.group import connect
from gatewatch.detect.intrusion import Act, Intrusion
from gatewatch.detect.move import moves
from gatewatch.detect.second_factor import RULE as FACTOR
from gatewatch.detect.second_factor import entries
from gatewatch.detect.shared import Company
from gatewatch.schema.coverage import Coverage, Unseen
from gatewatch.schema.events import Kind, Mfa, ensure
from gatewatch.schema.incidents import Evidence, Incident, Match, Origin, Stage, StageHit, Technique

EVIDENCE = 12  # records quoted per stage
SHOWN_FIRST, SHOWN_LAST = 4, 8  # failures read per match: how it began, how it ended
MAX_OPEN = timedelta(days=7)  # an unended session older than this says nothing about now
AFTER, WALKED = timedelta(hours=24), 64  # how long, and for how many logons, an incident's addresses are followed for its path
_TAG = "attack."
_ONWARD = "T1021"  # shown only where onward movement was

Raw = Callable[[Sequence[int]], dict[int, str]]


class Tunables(Protocol):
    """Whoever resolves tunables: the site."""

    def number(self, name: str, *, analytic: str | None = None) -> float:
        """Return a number, or a duration in seconds."""
        ...


def assemble(
    matches: Sequence[tuple[Chain, Match]],
    events: pl.DataFrame,
    *,
    site: Tunables,
    coverage: Sequence[Coverage],
    unseen: Sequence[Unseen],
    raw: Raw,
    zone: str,
    log_end: datetime | None,
    sessions: pl.DataFrame | None = None,
    tags: Mapping[str, Sequence[str]] | None = None,
) -> list[Incident]:
    """Return the incidents that *matches* amount to, gravest first.

    *events*: attached events with ``row`` (what matches refer to) and, where evaluated, ``rule:<name>`` columns. *raw* fetches the
    records of rows. *zone* (IANA) is that of the times in texts; *log_end* where the logs end; *sessions* has ``origin_session, host,
    user, start, end, closed``. *tags*: the Sigma tags of rules by name, for the techniques (``attack.t1136.001``) that acts show.
    """
    if not matches:
        return []
    bench, ordered = _bench(matches, events, site)
    cases = [case for chain, match in ordered if (case := bench.judge(chain, match)) is not None]
    intrusions = [Intrusion(tuple(group), bench.failures) for group in connect(cases)]
    quoted = {intrusion.ids[0]: {act.name: _evidence(act) for act in intrusion.acts} for intrusion in intrusions}
    wanted = sorted({event.row for stages in quoted.values() for chosen in stages.values() for event in chosen})
    lines = raw(wanted) if wanted else {}
    ends = _ends(sessions)
    walks = _walks(events, intrusions)
    teller = _Teller(lines, quoted, ends, coverage, unseen, zone, log_end, tags or {}, walks)
    return sorted((teller.tell(intrusion) for intrusion in intrusions), key=lambda it: (-it.severity.rank, it.first_seen, it.id))


def _bench(matches: Sequence[tuple[Chain, Match]], events: pl.DataFrame, site: Tunables) -> tuple[Bench, list[tuple[Chain, Match]]]:
    """Return what to judge by, and the matches in the order of their accesses."""
    events = ensure(events, "origin_session", "origin_ip", "hop", "kind", "time", "pattern", "target_user")
    rows = {row for _, match in matches for hit in match.stages for row in _read(hit)} | {match.anchor for _, match in matches}
    exhibits = read_exhibits(events, rows)
    anchors = [exhibits[match.anchor] for _, match in matches if match.anchor in exhibits]
    logons = read_logons(events, {anchor.origin_session for anchor in anchors if anchor.origin_session is not None}, exhibits)
    accesses = [*anchors, *logons.values()]
    users = {event.user for event in accesses if event.user is not None}
    rooted = events.filter((pl.col("kind") == str(Kind.PRIVILEGE_USE)) & pl.col("origin_session").is_not_null())["origin_session"]
    bench = Bench(
        exhibits,
        logons,
        Failures.of(events, {event.origin_ip for event in accesses if event.origin_ip is not None}, users),
        Baseline(events, users),
        lambda name, analytic: float(site.number(name, analytic=analytic or None)),
        frozenset(rooted.to_list()),
        evictions(events, users),
        _factors(events, users),
        _refusals(events, users),
        _arrivals(events, {event.origin_ip for event in exhibits.values() if event.origin_ip is not None}),
        frozenset(match.anchor for chain, match in matches if any(stage.absent and FACTOR not in stage.rules for stage in chain.stages)),
        frozenset(events.filter(pl.col("hop").fill_null(0) > 0)["origin_session"].drop_nulls().unique().to_list()),
        entries(events, users) if any(FACTOR in chain.rules for chain, _ in matches) else {},
        _outward(exhibits),
        Company.of(events, {event.origin_ip for event in anchors if event.origin_ip is not None}),
    )

    def order(pair: tuple[Chain, Match]) -> tuple[int, int, str]:
        access = bench.access(pair[1])
        return (access.row if access is not None else pair[1].anchor, pair[1].anchor, pair[0].id)

    return bench, sorted(matches, key=order)


def _outward(exhibits: Mapping[int, Exhibit]) -> dict[tuple[str, str], date]:
    """Return the first day on which each host went out to the remote access of a network."""
    first: dict[tuple[str, str], date] = {}
    for event in exhibits.values():
        if event.opened and event.dst_ip is not None:
            day = event.time.date()
            first[goes_to(event)] = min(day, first.get(goes_to(event), day))
    return first


def _factors(events: pl.DataFrame, users: Iterable[str]) -> dict[tuple[str, str], tuple[datetime, ...]]:
    """Return when a second factor of each of *users* was accepted at an outside line: ``(user, line)`` and ``(user, family in country)`` to times."""
    events = ensure(events, "mfa", "src_ip", "user", "country")
    logons = (pl.col("kind") == str(Kind.AUTH_SUCCESS)) & (pl.col("mfa").cast(pl.String) == str(Mfa.YES))
    passed = events.filter(
        (logons | (pl.col("kind") == str(Kind.MFA_OK)))
        & pl.col("user").is_in(sorted(users))
        & pl.col("src_ip").is_not_null()
        & pl.col("time").is_not_null()
    )
    found: dict[tuple[str, str], list[datetime]] = {}
    for user, address, country, moment in passed.sort("time").select("user", "src_ip", "country", "time").iter_rows():
        found.setdefault((str(user), network(str(address))), []).append(moment)
        if country is not None:
            found.setdefault((str(user), family(str(address), str(country))), []).append(moment)
    return {key: tuple(times) for key, times in found.items()}


def _refusals(events: pl.DataFrame, users: Iterable[str]) -> dict[str, tuple[datetime, ...]]:
    """Return when a second factor of each of *users* was refused, in order."""
    refused = events.filter(
        (pl.col("kind") == str(Kind.MFA_DENIED)) & pl.col("user").is_in(sorted(users)) & pl.col("time").is_not_null()
    )
    found: dict[str, list[datetime]] = {}
    for user, moment in refused.sort("time").select("user", "time").iter_rows():
        found.setdefault(str(user), []).append(moment)
    return {user: tuple(times) for user, times in found.items()}


def _arrivals(events: pl.DataFrame, addresses: Iterable[str]) -> dict[str, int]:
    """Return the row of the first success from the line of each of *addresses*, an IPv6 customer's /64 or an IPv4 address."""
    came = events.filter((pl.col("kind") == str(Kind.AUTH_SUCCESS)) & pl.col("src_ip").is_not_null()).group_by("src_ip").agg(pl.col("row").min())
    wanted, found = set(map(network, addresses)), dict[str, int]()
    for address, row in came.sort("row").iter_rows():
        if (line := network(str(address))) in wanted:
            found.setdefault(line, int(row))
    return found


def _read(hit: StageHit) -> Sequence[int]:
    """Return the rows of a stage that are read: of failures only those that may be quoted."""
    if hit.name not in (*GUESSES, "spread", "miss") or len(hit.rows) <= SHOWN_FIRST + SHOWN_LAST:
        return hit.rows
    rows = hit.rows
    return (*rows[:SHOWN_FIRST], *rows[-SHOWN_LAST:])


def _evidence(act: Act) -> tuple[Exhibit, ...]:
    """Return the events quoted for a stage, in order: the first, the last, the completing ones, then the earliest of the rest."""
    events = act.events
    ranked = [events[0], events[-1], *(event for event in events if event.row in act.completing), *events]
    chosen = dict.fromkeys(event.row for event in ranked)
    kept = set(list(chosen)[:EVIDENCE])
    return tuple(event for event in events if event.row in kept)


def _walks(events: pl.DataFrame, intrusions: Sequence[Intrusion]) -> dict[str, tuple[Exhibit, ...]]:
    """Return, by incident, every logon that its outside addresses caused from its beginning to :data:`AFTER` its end, also where no chain asked.

    What a rival session explains as well is among them (``possible``). At most :data:`WALKED` for each.
    """
    wanted = sorted({origin for intrusion in intrusions for origin in intrusion.origins})
    caused = events.filter(
        (pl.col("kind") == str(Kind.AUTH_SUCCESS)) & pl.col("origin_ip").is_in(wanted) & pl.col("time").is_not_null()
    ).select("row", "time", pl.col("origin_ip").cast(pl.String))
    spans = pl.DataFrame(
        [
            (intrusion.ids[0], origin, min(act.first for act in intrusion.acts), max(act.last for act in intrusion.acts) + AFTER)
            for intrusion in intrusions
            for origin in intrusion.origins
        ],
        schema={"id": pl.String, "origin_ip": pl.String, "begin": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")},
        orient="row",
    )
    found = caused.join(spans, on="origin_ip", how="inner").filter(pl.col("time").is_between("begin", "end")).sort("id", "row")
    found = found.filter(pl.int_range(pl.len()).over("id") < WALKED)
    exhibits = read_exhibits(events, found["row"].to_list())
    walks: dict[str, list[Exhibit]] = {}
    for name, row in found.select("id", "row").iter_rows():
        if row in exhibits:
            walks.setdefault(name, []).append(exhibits[row])
    return {name: tuple(walk) for name, walk in walks.items()}


def _ends(sessions: pl.DataFrame | None) -> dict[str, list[dict[str, object]]]:
    ends: dict[str, list[dict[str, object]]] = {}
    if sessions is not None:
        for row in sessions.select("origin_session", "host", "user", "start", "closed").sort("start", "host", "user").iter_rows(named=True):
            ends.setdefault(row["origin_session"], []).append(row)
    return ends


class _Teller:
    """Turns intrusions into incidents, with what all of them share."""

    def __init__(
        self,
        lines: Mapping[int, str],
        quoted: Mapping[str, Mapping[str, tuple[Exhibit, ...]]],
        ends: Mapping[str, list[dict[str, object]]],
        coverage: Sequence[Coverage],
        unseen: Sequence[Unseen],
        zone: str,
        log_end: datetime | None,
        tags: Mapping[str, Sequence[str]],
        walks: Mapping[str, tuple[Exhibit, ...]],
    ) -> None:
        self._walks = walks
        self._lines, self._quoted, self._ends = lines, quoted, ends
        self._coverage, self._unseen, self._zone, self._log_end, self._tags = coverage, unseen, zone, log_end, tags

    def tell(self, intrusion: Intrusion) -> Incident:
        lead, entry, score = intrusion.lead, intrusion.entry, intrusion.score
        told = [case.access for case in intrusion.cases] + list(intrusion.events)
        told.sort(key=lambda event: event.row)
        before = {event.row for event in intrusion.events_of("exposure", "shut")}  # whoever opened or shut something before takes no part
        acting = [event for event in told if event.row not in before]
        users = tuple(dict.fromkeys(name for event in acting for name in (event.user, event.account) if name is not None))
        walk = self._walks.get(intrusion.ids[0], ())
        hosts = tuple(dict.fromkeys(event.host for event in (*told, *walk) if event.host is not None and event.counted))
        still_open, live = self._open(intrusion)
        origin = entry.access
        others = intrusion.origins[1:]
        accepted = intrusion.accepted
        return Incident(
            id=intrusion.ids[0],
            aliases=intrusion.ids[1:],
            chain=lead.chain.id,
            chains=tuple(sorted({case.chain.id for case in intrusion.standing})),
            analytic=lead.chain.analytic,
            title=lead.chain.title,
            verdict=story.verdict(intrusion, self._zone),
            severity=score.severity,
            confidence=score.confidence,
            why=score.why,
            origin=Origin(entry.origin, origin.country, origin.scope, origin.asn, origin.as_org, entry.facts.known or None, others),
            users=users,
            hosts=hosts,
            service=origin.service,
            first_seen=min(act.first for act in intrusion.acts),
            last_seen=max(act.last for act in intrusion.acts),
            failures=intrusion.tried,
            accepted=accepted.time if accepted is not None else None,
            open=still_open,
            stages=tuple(self._stage(intrusion, act) for act in intrusion.acts),
            path=story.path(intrusion, walk),
            attack=self._attack(intrusion),
            mitigations=(),
            coverage=advice.covered(hosts, self._coverage, self._zone),
            blind_spots=advice.blind_spots(intrusion, hosts, self._unseen),
            near_misses=advice.near_misses(intrusion),
            contain=advice.contain(intrusion, users, hosts, live),
            next_steps=advice.next_steps(intrusion, self._zone),
            zone=self._zone,
            moves=moves(intrusion),
        )

    def _stage(self, intrusion: Intrusion, act: Act) -> Stage:
        evidence = tuple(
            Evidence(event.source, event.stream, event.file, event.record, event.offset, self._lines.get(event.row, ""))
            for event in self._quoted[intrusion.ids[0]][act.name]
        )
        return Stage(act.name, act.first, act.last, act.count, act.certain, story.summary(act), evidence)

    def _open(self, intrusion: Intrusion) -> tuple[bool | None, tuple[tuple[str, str], ...]]:
        """Return whether a session was still open where the logs end (None: cannot be known), and whose sessions on which hosts."""
        rows = [row for session in intrusion.sessions for row in self._ends.get(session, [])]
        if not rows:
            return (None, ()) if intrusion.accepted is not None else (False, ())
        unended = [row for row in rows if not row["closed"]]
        if not unended:
            return False, ()
        live = [row for row in unended if self._is_recent(row["start"])]
        named = sorted({(str(row["user"] or "an unnamed user"), str(row["host"] or "an unnamed host")) for row in live})
        return (True if live else None), tuple(named)

    def _is_recent(self, start: object) -> bool:
        return isinstance(start, datetime) and (self._log_end is None or self._log_end - start <= MAX_OPEN)

    def _attack(self, intrusion: Intrusion) -> tuple[Technique, ...]:
        found = {technique for case in intrusion.standing for technique in case.chain.attack}
        if not intrusion.events_of("onward"):
            found = {technique for technique in found if not technique.startswith(_ONWARD)}
        return techniques([*found, *self._shown(intrusion.events)])

    def _shown(self, events: Iterable[Exhibit]) -> Iterable[str]:
        tags = (tag for event in events for rule in event.rules for tag in self._tags.get(rule, ()))
        return sorted({tag.removeprefix(_TAG).upper() for tag in tags if tag.startswith(f"{_TAG}t")})
