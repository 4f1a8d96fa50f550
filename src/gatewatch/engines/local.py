"""The local engine: one machine, one pass over the inputs, then the keyed steps on what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from gatewatch.canonical.container_access import merge_requests
from gatewatch.canonical.entra_logon import join_sign_ins
from gatewatch.canonical.entra_step import steps_as_connections
from gatewatch.canonical.merge import label_repeats, lend_sources, merge_failures, merge_sessions
from gatewatch.canonical.nps_grant import merge_grants
from gatewatch.canonical.windows_failure import CONNECTION, StopPlaces, join_failures
from gatewatch.canonical.windows_logon import join_logons
from gatewatch.canonical.windows_member import SidBook
from gatewatch.engines.collect import Collected, FileState, Progress, collect
from gatewatch.engines.coverage import coverage, slots, unseen
from gatewatch.engines.nearest import strangers
from gatewatch.engines.order import in_order, told_newest_first
from gatewatch.engines.raw import read_records
from gatewatch.engines.reach import Reach
from gatewatch.engines.settle import copies, macs, settle
from gatewatch.engines.spill import Spill
from gatewatch.enrich.apply import Enricher
from gatewatch.enrich.forwarded import believe
from gatewatch.enrich.watch import mark_watched
from gatewatch.intake.limit import Limits
from gatewatch.origin.address import name_hosts
from gatewatch.origin.attach import Bond, attribute, attributed
from gatewatch.origin.attribution import bind
from gatewatch.origin.clock import Clocks
from gatewatch.origin.ledger import access, attempt_parts, attempt_rows, attempts
from gatewatch.origin.session import Sessions, build
from gatewatch.origin.skew import apart, skews, told
from gatewatch.origin.trace import trace, traces
from gatewatch.schema import events as ev
from gatewatch.schema.coverage import Coverage
from gatewatch.schema.events import Kind, Scope
from gatewatch.schema.incidents import Attempts, Incident, Match, Scan
from gatewatch.schema.records import Disposition, Framing
from gatewatch.schema.secret import mask
from gatewatch.schema.traces import Trace
from gatewatch.site.model import Site
from gatewatch.sources.map import MapSource

if TYPE_CHECKING:
    from gatewatch.detect.chain import Chain
    from gatewatch.detect.content import Content

# the scan never looks at these one by one: they are recognised and counted
UNWANTED = frozenset({Kind.CONNECTION, Kind.CONNECTION_CLOSED, Kind.OTHER})
TRACED = 50  # incidents with a picture of all that came from them
SHOWN_ATTEMPTS = 1000  # sources that only failed, described one by one
OUTSIDE_RANGE = "outside --since/--until"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for beside the inputs."""

    zone: str | None = None
    year: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    framing: Framing | None = None
    limits: Limits = field(default_factory=Limits)
    everything: bool = False  # keep also what no chain can use: the user's own rules may
    maps: tuple[MapSource, ...] = ()  # formats of the user's own
    held_rows: int = 1_600_000  # bulk events held in memory; more are spilled
    held_acts: int = 200_000  # commands and transfers held in memory; more are spilled


@dataclass(slots=True)
class Prepared:
    """Events ready for detection, with everything learnt on the way.

    ``events``: sorted by total order, with ``row`` and ``file_id``, enriched and attached; ``failures``: ``src_ip, time, count`` of the failures
    among them; ``attribution``: the table of :mod:`gatewatch.schema.attribution`; ``attempts``: parts of
    :func:`~gatewatch.origin.ledger.attempt_parts`; ``slots``: parts of coverage.
    """

    collected: Collected
    notes: list[str]
    events: pl.DataFrame
    sessions: Sessions
    bonds: dict[str, Bond]
    attribution: pl.DataFrame
    corrected: Clocks
    clocks: Mapping[tuple[str, str], tuple[int, int]]
    enrich: Enricher
    attempts: list[pl.DataFrame]
    slots: list[pl.DataFrame]
    last: datetime | None

    @property
    def failures(self) -> pl.DataFrame:
        """The failures that share a key with an accepted logon: ``src_ip, time, count``."""
        return self.events.select("src_ip", "time", "count").filter(self.events["kind"] == str(Kind.AUTH_FAILURE))


def prepare(paths: Sequence[str], site: Site, options: Options, *, everything: bool = False, progress: Progress | None = None) -> Prepared:
    """Read *paths* and return their events, merged, enriched and attached. ``everything`` keeps every event, else only what chains can use."""
    wanted = frozenset(Kind) if options.everything else None if everything else frozenset(Kind) - UNWANTED
    with Spill(options.held_rows) as spill, Spill(options.held_acts, "acts") as acted:
        skip = [site.path] if site.path else ()

        def relieve(collected: Collected) -> None:
            spill.relieve(collected)
            acted.relieve(collected)

        collected = collect(
            paths,
            limits=options.limits,
            wanted=wanted,
            framing=options.framing,
            progress=progress,
            skip=(*skip, *{source.spec.path for source in options.maps}),
            relieve=relieve,
            maps=options.maps,
        )
        notes = settle(collected, site, year=options.year, zone=options.zone)
        kept, parts, covered, corrected = _merged(collected, site, options, spill, acted, everything=everything)
    enrich = Enricher(site)
    events = mark_watched(enrich(lend_sources(in_order(_together(kept), collected.files))), site)
    sessions = build(events)
    bindings = bind(events, sessions, site.addresses())
    events = name_hosts(events, bindings.hosts, macs(collected))
    bonds = attribute(sessions, bindings)
    clocks = skews(events, bindings.hosts)  # what is left is told, and judges the order of hops
    events, table = attributed(events, sessions, bonds, bindings)
    lasts = [moment for part in covered for moment in part["last"].drop_nulls().to_list()]
    return Prepared(
        collected=collected,
        notes=[*notes, *told_newest_first(collected.files), *corrected.told(), *told(clocks)],
        corrected=corrected,
        events=events,
        sessions=sessions,
        bonds=bonds,
        attribution=table,
        clocks=apart(clocks),
        enrich=enrich,
        attempts=parts,
        slots=covered,
        last=max(lasts, default=None),
    )


def _merged(
    collected: Collected, site: Site, options: Options, spill: Spill, acted: Spill, *, everything: bool
) -> tuple[list[pl.DataFrame], list[pl.DataFrame], list[pl.DataFrame], Clocks]:
    """Return the events of all files, copies dropped and reports of one fact made one, that detection can use; parts of attempts and of coverage.

    Last, what was wrong with whose clock: the times are set right by it.
    """
    rich = _gather([frame for state in collected.files for frame in state.rich])
    for state in collected.files:
        state.rich = []
    rich = believe(_within(copies(collected.files, rich, collected), options, collected), site)
    rich = merge_requests(merge_sessions(rich))
    book = SidBook(rich)
    rich = book.name(join_logons(merge_grants(steps_as_connections(join_sign_ins(rich)))))
    reach = None if everything else Reach(rich, collected.files, site)
    clocks = reach.clocks if reach is not None else Clocks()
    rich = clocks.correct(rich)
    kept, parts, covered = [rich], [], [slots(rich)]
    stops = StopPlaces(rich)

    def read_acts(done: pl.DataFrame) -> pl.DataFrame:
        done = clocks.correct(book.name(believe(_within(copies(collected.files, done, collected), options, collected), site)))
        covered.append(slots(done))
        return done if reach is None else reach.acts(done)

    def read_bulk(table: pl.DataFrame) -> Iterator[pl.DataFrame]:
        table = clocks.correct(_within(copies(collected.files, table, collected), options, collected))
        covered.append(slots(table))
        failing = (table["kind"] == str(Kind.AUTH_FAILURE)).fill_null(False)
        calls = table.filter((table["pattern"].cast(pl.String) == CONNECTION).fill_null(False))
        failures, others = table.filter(failing), table.filter(~failing)
        del table
        failures = merge_failures(failures)
        stops.look(failures, calls)
        failures = join_failures(failures, calls)
        failures = ev.ensure(failures, "src_ip", "src_host", "user", "host")
        parts.append(attempt_parts(failures, whole=not spill.used))
        if reach is not None:
            others = others.filter(~others["kind"].cast(pl.String).is_in([str(kind) for kind in UNWANTED]))
            failures, others = reach.failures(failures), reach.failures(others)
        yield label_repeats(failures)
        yield others.drop([name for name in others.columns if name.startswith("repeat")])

    # what a slice was is held by nobody but those who read it: it may be most of what is in memory
    kept += map(read_acts, acted.slices(collected))
    for made in map(read_bulk, spill.slices(collected)):
        kept += made
    kept[0] = stops.placed()
    return kept, parts, covered, clocks


def scan(paths: Sequence[str], site: Site, load: Callable[[], Content], options: Options, progress: Progress | None = None) -> Scan:
    """Turn *paths* into incidents, the access ledger, coverage and an account of every record; *load* gives the rules and chains."""
    ready = prepare(paths, site, options, everything=options.everything, progress=progress)
    from gatewatch.detect.content import report  # noqa: PLC0415 - heavy, and not needed until the logs are read
    from gatewatch.detect.incident import assemble  # noqa: PLC0415 - as above
    from gatewatch.engines.detectable import techniques  # noqa: PLC0415 - as above

    content = load()
    rows = coverage(ready.collected.files, ready.slots)
    dark = unseen(rows)
    events = content.rules.evaluate(ready.events, content.needed)
    matches = find(events, content, site, rows)
    incidents = assemble(
        matches,
        events,
        site=site,
        coverage=rows,
        unseen=dark,
        raw=_quoter(events, ready.collected.files, options.limits),
        zone=options.zone or site.zone,
        log_end=ready.last,
        sessions=_story_sessions(ready),
        tags={rule.name: tuple(tag for tag in rule.tags) for rule in content.rules.rules},
    )
    incidents = [_with_clocks(incident, ready.corrected) for incident in incidents]
    joined = _incident_sessions(incidents, events)
    ledger = access(ready.events, ready.sessions, ready.failures, joined)
    failed, sources, total = _attempts(ready, ledger.origins())
    collected = ready.collected
    return Scan(
        incidents=incidents,
        access=ledger,
        attempts=failed,
        attempts_total=total,
        coverage=rows,
        unseen=dark,
        tallies=collected.tallies(),
        rejects=sorted(collected.rejects),
        problems=sorted(collected.problems),
        clock_faults=sorted(collected.clock_faults()),
        records=collected.records,
        bytes=collected.bytes,
        zone=options.zone or site.zone,
        site=site.name,
        notes=[*ready.notes, *content.notes, *report(content, events)],
        techniques=techniques(content, rows, incidents),
        extra={
            "failure_bins": _failure_bins(incidents, ready.failures),
            "attempt_sources": sources,
            "traces": _traces(incidents, ready, options.zone or site.zone),
            "programs": dict(sorted(collected.programs.items(), key=lambda item: (-item[1], item[0]))[:20]),
        },
        strangers=strangers(sorted(collected.kinds.items())),
    )


def _with_clocks(incident: Incident, clocks: Clocks) -> Incident:
    """Return *incident* with what was wrong with the clocks of its hosts, before its other blind spots."""
    said = clocks.told_of(incident.hosts)
    return msgspec.structs.replace(incident, blind_spots=(*said, *incident.blind_spots)) if said else incident


def trace_of(target: str, paths: Sequence[str], site: Site, options: Options, progress: Progress | None = None) -> Trace:
    """Return the trace of *target* through *paths*."""
    ready = prepare(paths, site, options, progress=progress)
    return trace(target, ready.sessions, ready.bonds, ready.events, ready.attribution, clocks=ready.clocks, zone=options.zone or site.zone)


def find(events: pl.DataFrame, content: Content, site: Site, rows: Sequence[Coverage] = ()) -> list[tuple[Chain, Match]]:
    """Return the matches of every chain that the site's policy lets speak, in chain order; *rows* are the coverage absences are judged by.

    An anchor that did not surely come from outside makes no case, and is not asked about.
    """
    from gatewatch.detect.case import arguable  # noqa: PLC0415 - as above
    from gatewatch.detect.matcher import match  # noqa: PLC0415 - as above
    from gatewatch.detect.need import covering, declared  # noqa: PLC0415 - as above

    found: list[tuple[Chain, Match]] = []
    for chain in content.chains:
        if not declared(chain, site.policy):
            continue

        def number(name: str, analytic: str = chain.analytic) -> float:
            return site.number(name, analytic=analytic)

        covered = covering(chain, events, rows)
        found += [(chain, hit) for hit in match(chain, events, number, covered=covered, anchors=arguable(chain))]
    return found


def event_frames(paths: Sequence[str], site: Site, options: Options, progress: Progress | None = None, rows: int = 100_000) -> Iterator[pl.DataFrame]:
    """Yield the normalised events of *paths* with exactly the declared columns, in total order, in slices."""
    ready = prepare(paths, site, options, everything=True, progress=progress)
    names = {state.index: state.name for state in ready.collected.files}
    for start in range(0, ready.events.height, rows):
        part = ready.events.slice(start, rows)
        yield ev.complete(part.with_columns(pl.col("file_id").replace_strict(names, return_dtype=pl.String).alias("file")))


def _together(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Return *frames* as one; the list keeps none of them."""
    made = pl.concat(frames, how="diagonal_relaxed")
    frames.clear()
    return made


def _gather(frames: list[pl.DataFrame]) -> pl.DataFrame:
    if not frames:
        return ev.empty(
            "time", "kind", "host", "source", "pattern", "session", "record", "offset", "count", "user", "src_ip", "src_host"
        ).with_columns(pl.lit(None, pl.UInt32).alias("file_id"))
    return pl.concat(frames, how="diagonal_relaxed", rechunk=False)


def _within(frame: pl.DataFrame, options: Options, collected: Collected) -> pl.DataFrame:
    """Keep the events between --since and --until; the others are counted as ignored."""
    inside = pl.lit(True)
    if options.since is not None:
        inside = inside & (pl.col("time") >= options.since)
    if options.until is not None:
        inside = inside & (pl.col("time") < options.until)
    if options.since is None and options.until is None:
        return frame
    kept = frame.filter(inside.fill_null(False))
    gone = frame.filter(~inside.fill_null(False))
    for file_id, source, number in gone.group_by("file_id", pl.col("source").cast(pl.String)).len().iter_rows():
        name = collected.files[file_id].name
        collected.tally[name, source, Disposition.USED, ""] -= number
        collected.tally[name, source, Disposition.IGNORED, OUTSIDE_RANGE] += number
    return kept


def _quoter(events: pl.DataFrame, files: Sequence[FileState], limits: Limits) -> Callable[[Sequence[int]], dict[int, str]]:
    """Return a function that gives the raw text of rows: re-read from text files, else the message."""

    def raw(rows: Sequence[int]) -> dict[int, str]:
        part = events.filter(pl.col("row").is_in(list(rows))).select("row", "file_id", "offset", "message")
        result: dict[int, str] = {}
        for (file_id,), group in part.group_by(["file_id"]):
            state = files[int(file_id)]
            lines = read_records(state.path, state.name, state.framing, group["offset"].to_list(), limits)
            for row, offset, message in group.select("row", "offset", "message").iter_rows():
                result[row] = mask(lines.get(offset) or message or "")
        return result

    return raw


def _story_sessions(ready: Prepared) -> pl.DataFrame:
    """Return the sessions with an outside origin, for the story: ``origin_session, origin_ip, host, user, src_ip, start, end, closed, hop``."""
    bonds = pl.DataFrame(
        [(sid, bond.session, bond.ip, bond.hop) for sid, bond in sorted(ready.bonds.items())],
        schema={"sid": pl.String, "origin_session": pl.String, "origin_ip": pl.String, "hop": pl.UInt8},
        orient="row",
    )
    return ready.sessions.table.join(bonds, on="sid", how="inner", maintain_order="left").select(
        "sid", "origin_session", "origin_ip", "hop", "host", "user", "src_ip", "start", "end", "closed", "row"
    )


def _traces(incidents: Sequence[Incident], ready: Prepared, zone: str) -> dict[str, Trace]:
    """Return, by incident, everything that came from its outside address, for the picture."""
    named = [incident for incident in incidents if incident.origin.ip][:TRACED]
    if not named:
        return {}
    asked = list(dict.fromkeys(str(incident.origin.ip) for incident in named))
    found = traces([f"address:{ip}" for ip in asked], ready.sessions, ready.bonds, ready.events, ready.attribution, clocks=ready.clocks, zone=zone)
    parts = dict(zip(asked, found, strict=True))
    return {incident.id: parts[str(incident.origin.ip)] for incident in named}


def _incident_sessions(incidents: Sequence[Incident], events: pl.DataFrame) -> dict[str, list[str]]:
    """Return the incidents that quote events of each outside session."""
    quoted: dict[tuple[str, int], list[str]] = {}
    for incident in incidents:
        for place in {(item.file, item.record) for stage in incident.stages for item in stage.evidence}:
            quoted.setdefault(place, []).append(incident.id)
    records = sorted({record for _, record in quoted})
    part = events.filter(pl.col("origin_session").is_not_null() & pl.col("record").is_in(records)).select("file", "record", "origin_session")
    joined: dict[str, set[str]] = {}
    for file, record, sid in part.iter_rows():
        joined.setdefault(sid, set()).update(quoted.get((file, record), ()))
    return {sid: sorted(ids) for sid, ids in joined.items() if ids}


def _failure_bins(incidents: Sequence[Incident], failures: pl.DataFrame) -> dict[str, list[tuple[datetime, int]]]:
    """Return, by incident, its addresses' failures around it in stretches of a minute, for the picture of the timeline."""
    bins = {}
    for incident in incidents:
        sources = [address for address in (incident.origin.ip, *incident.origin.others) if address]
        part = failures.filter(pl.col("src_ip").is_in(sources) & (pl.col("time") >= incident.first_seen) & (pl.col("time") <= incident.last_seen))
        counted = part.group_by(pl.col("time").dt.truncate("1m")).agg(pl.col("count").cast(pl.Int64).sum()).sort("time")
        if counted.height:
            bins[incident.id] = [(moment, count) for moment, count in counted.head(5000).iter_rows()]
    return bins


def _attempts(ready: Prepared, entered: Sequence[str]) -> tuple[list[Attempts], int, int]:
    """Return the outside sources that only failed, busiest first, how many there are and their attempts in all."""
    totals = attempts(ready.attempts, entered)
    outside = [address is None or ready.enrich.scope(address) is Scope.PUBLIC for address in totals["src_ip"].to_list()]
    totals = totals.filter(pl.Series(outside, dtype=pl.Boolean))
    top = ready.enrich(totals.head(SHOWN_ATTEMPTS).with_columns(pl.col("first").alias("time")))
    return attempt_rows(top, ready.attempts), totals.height, int(totals["count"].sum() or 0)
