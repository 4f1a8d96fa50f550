"""The verbs of gatewatch, one function each; the command line is a thin shell over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gatewatch import __version__
from gatewatch.errors import UsageError
from gatewatch.exits import Exit
from gatewatch.schema.findings import Audit
from gatewatch.schema.incidents import Scan, Severity
from gatewatch.schema.records import Disposition, Framing

if TYPE_CHECKING:
    import polars as pl

    from gatewatch.detect.content import Content
    from gatewatch.engines.collect import Progress
    from gatewatch.engines.local import Options
    from gatewatch.lab.score.report import Report
    from gatewatch.lab.truth import World
    from gatewatch.schema.traces import Trace
    from gatewatch.site.draft import DraftFacts
    from gatewatch.site.model import Site

_BY_SEVERITY = {
    Severity.INFORMATIONAL: Exit.LOW,
    Severity.LOW: Exit.LOW,
    Severity.MEDIUM: Exit.MEDIUM,
    Severity.HIGH: Exit.HIGH,
    Severity.CRITICAL: Exit.CRITICAL,
}


def find_site(paths: Sequence[str], config: str | None) -> Site:
    """Return the site of *config*, else of a ``gatewatch.toml`` in the first folder given or the working folder, else the defaults."""
    from gatewatch.site.load import load_site  # noqa: PLC0415 - heavy imports wait until a verb needs them
    from gatewatch.site.model import Site  # noqa: PLC0415

    if config is not None:
        return load_site(Path(config))
    for folder in [Path(path) for path in paths if path != "-" and Path(path).is_dir()] + [Path()]:
        candidate = folder / "gatewatch.toml"
        if candidate.is_file():
            return load_site(candidate)
    return Site.default()


def options(
    *,
    zone: str | None = None,
    year: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    framing: str | None = None,
    everything: bool = False,
    maps: Sequence[str] = (),
) -> Options:
    """Return checked scan options."""
    from gatewatch.engines.local import Options  # noqa: PLC0415
    from gatewatch.engines.mapping import load_sources  # noqa: PLC0415 - as above

    return Options(
        zone=zone,
        year=year,
        since=since,
        until=until,
        framing=Framing(framing) if framing else None,
        everything=everything,
        maps=load_sources(maps),
    )


def scan(
    paths: Sequence[str],
    *,
    site: Site | None = None,
    config: str | None = None,
    rules: Sequence[str] = (),
    zone: str | None = None,
    year: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    framing: str | None = None,
    progress: Progress | None = None,
    maps: Sequence[str] = (),
    watch: Sequence[str] = (),
    evidence: Sequence[str] = (),
    today: date | None = None,
    what_if: bool = False,
) -> Scan:
    """Read *paths* and return incidents, access ledger, coverage and the account of every record.

    Each incident says which controls would have met it; with *evidence* (exported configuration, judged as of *today*) also which were
    there. *what_if*: the result says which measure alone would have broken which incidents.
    """
    from gatewatch.engines import local  # noqa: PLC0415

    site = _watching(site or find_site([*paths, *evidence], config), watch)
    chosen = options(zone=zone, year=year, since=since, until=until, framing=framing, everything=bool(rules), maps=maps)
    with ThreadPoolExecutor(1, thread_name_prefix="content") as pool:
        content = pool.submit(_load_content, [Path(rule) for rule in rules])  # compiled while the logs are read
        pool.submit(_load_rest)
        result = local.scan(paths, site, content.result, chosen, progress)
    from gatewatch.engines import link  # noqa: PLC0415 - as above

    link.join(result, site, evidence, today or date.max, what_if=what_if)
    result.version = __version__
    return result


def _watching(site: Site, files: Sequence[str]) -> Site:
    """Return *site* with the entries of further watch-list files."""
    if not files:
        return site
    from gatewatch.site.load import load_watch  # noqa: PLC0415

    return replace(site, watch=(*site.watch, *(entry for file in files for entry in load_watch(file))))


def _load_content(rules: Sequence[Path]) -> Content:
    from gatewatch.detect.content import load_content  # noqa: PLC0415 - heavy, so imported in the thread that needs it
    from gatewatch.engines.decodable import windows_events  # noqa: PLC0415 - as above

    return load_content(rules, windows_events() if rules else None)


def _load_rest() -> None:
    """Import what only those need who have read the logs."""
    import gatewatch.detect.incident  # noqa: PLC0415 - as above
    import gatewatch.engines.detectable  # noqa: PLC0415 - as above
    import gatewatch.engines.link  # noqa: PLC0415 - as above
    import gatewatch.sinks.registry  # noqa: F401, PLC0415 - as above


def events(
    paths: Sequence[str], *, site: Site | None = None, config: str | None = None, progress: Progress | None = None, **given: object
) -> Iterator[pl.DataFrame]:
    """Yield the normalised events of *paths* in slices with exactly the declared columns."""
    from gatewatch.engines import local  # noqa: PLC0415

    site = site or find_site(paths, config)
    return local.event_frames(paths, site, options(**given), progress)  # type: ignore[arg-type]


def trace(
    target: str, paths: Sequence[str], *, site: Site | None = None, config: str | None = None, progress: Progress | None = None, **given: object
) -> Trace:
    """Return everything that came from *target* (an address, a user, a host or a session), and the way there."""
    from gatewatch.engines import local  # noqa: PLC0415

    site = site or find_site(paths, config)
    return local.trace_of(target, paths, site, options(**given), progress)  # type: ignore[arg-type]


def exit_code(result: Scan) -> Exit:
    """Return the exit code of a scan: incidents first, then what could not be read or recognised."""
    if result.incidents:
        return _BY_SEVERITY[max((incident.severity for incident in result.incidents), key=lambda level: level.rank)]
    recognised = sum(
        tally.count for tally in result.tallies if tally.disposition in {Disposition.USED, Disposition.IGNORED} and tally.source is not None
    )
    if result.records and not recognised:
        return Exit.NOTHING_RECOGNISED
    if any(problem.fatal for problem in result.problems):
        return Exit.UNREADABLE
    return Exit.NOTHING_FOUND


def audit(paths: Sequence[str], *, today: date, site: Site | None = None, config: str | None = None, host_at: datetime | None = None) -> Audit:
    """Read configuration in *paths* and return findings: measure by measure, whether the site does what the mitigations ask, as of *today*.

    *host_at*: this host is collected and audited as well, at that time.
    """
    from gatewatch.engines import host, posture  # noqa: PLC0415 - heavy imports wait until a verb needs them

    pieces = list(host.collect(host_at)) if host_at is not None else []
    result = posture.audit(paths, site or find_site(paths, config), today, pieces=pieces)
    result.version = __version__
    return result


def changed(result: Audit, baseline: str) -> Audit:
    """Return *result* with only the findings that are new or other than in *baseline*, an earlier audit's JSON lines.

    What is gone is a note. UsageError when the file is no such audit.
    """
    from gatewatch.engines.baseline import compare  # noqa: PLC0415

    return compare(result, baseline)


def audit_exit_code(result: Audit) -> Exit:
    """Return the exit code of an audit: open findings first, then what could not be read or recognised."""
    grave = max((finding.severity for finding in result.open()), key=lambda level: level.rank, default=None)
    if grave is not None:
        return _BY_SEVERITY[grave]
    if any(problem.fatal for problem in result.problems):
        return Exit.UNREADABLE
    if not any(file.disposition is Disposition.USED for file in result.files):
        return Exit.NOTHING_RECOGNISED
    return Exit.NOTHING_FOUND


def export(chain: str, to: str, *, config: str | None = None) -> str:
    """Return the shipped chain of that id in the language *to*, with the tunables of the site; UsageError where there is none."""
    from gatewatch.detect.content import load_content  # noqa: PLC0415 - as above
    from gatewatch.export.target import export as write  # noqa: PLC0415

    content = load_content()
    found = next((one for one in content.chains if one.id == chain), None)
    if found is None:
        raise UsageError(f"there is no chain {chain!r}; gatewatch list chains names them")
    site = find_site([], config)
    return write(found, to, content.rules, lambda name: float(site.number(name, analytic=found.analytic or None)))


def collect(out: BinaryIO, now: datetime, say: Callable[[str], None]) -> None:
    """Collect this host's configuration into a tar.gz on *out*; *say* is told the plan first, then what could not be had."""
    from gatewatch.engines import host  # noqa: PLC0415

    for line in host.plan():
        say(line)
    pieces = list(host.collect(now))
    for piece in pieces:
        if piece.fault:
            say(f"not collected: {piece.path}: {piece.fault}")
    host.write_archive(pieces, out, now, host.host_of(pieces))
    say(f"collected {sum(not piece.fault for piece in pieces)} files and outputs, secrets masked")


def reach(paths: Sequence[str], *, source: str, target: str, config: str | None = None) -> tuple[str, bool]:
    """Return, in words, whether *source* can open a connection to *target* (``HOST:PORT`` or ``HOST:PORT/udp``), and whether it can or may."""
    from gatewatch.engines import posture  # noqa: PLC0415
    from gatewatch.engines.reach_text import told  # noqa: PLC0415

    host, colon, rest = target.rpartition(":")
    port, _, protocol = rest.partition("/")
    protocol = protocol or "tcp"
    host = host.strip("[]")
    if not colon or not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536) or protocol not in {"tcp", "udp"}:
        raise UsageError(f"--to {target!r} is no HOST:PORT such as web01:3389 or gate:51820/udp")
    question = posture.Question(source, host.casefold(), int(port), protocol)
    answer, files, problems = posture.ask(paths, find_site(paths, config), question)
    return told(answer, question, files, problems), answer.verdict != "no"


def probe_plan(*, config: str | None, source: str | None, targets: Sequence[str] = (), shell: str = "sh") -> str:
    """Return the script that tries, from the zone *source*, the ports of declared assets (of *targets*, where given).

    Without a zone: the zones there are, and how many probes each would make. UsageError where the site declares too little.
    """
    from gatewatch.audit.probe_plan import plan, zones  # noqa: PLC0415
    from gatewatch.engines.probe_script import script  # noqa: PLC0415

    site = find_site([], config)
    names = {asset.name for asset in site.posture.assets}
    wanted = {site.host_name(target.casefold()) for target in targets}
    if wanted - names:
        raise UsageError(f"--to: {', '.join(sorted(wanted - names))}: no asset of the site ([assets] in gatewatch.toml)")
    plans = {zone: [one for one in plan(site, zone) if not wanted or one.host in wanted] for zone in zones(site)}
    if not any(plans.values()):
        raise UsageError("the site declares no asset with an address that another zone could try ([zones], [assets] and [hosts] addresses)")
    if source is None:
        return "\n".join(f"{zone}: {len(found)} probes towards {len({one.host for one in found})} assets" for zone, found in plans.items()) + "\n"
    if source.casefold() not in plans:
        raise UsageError(f"--from {source!r} is no zone of the site; there are {', '.join(plans)}")
    return script(source.casefold(), plans[source.casefold()], shell)


def draft_facts(paths: Sequence[str], *, zone: str | None = None, year: int | None = None, progress: Progress | None = None) -> DraftFacts:
    """Return what the logs in *paths* say of their site: hosts, inner ranges, addresses that come again and again."""
    from gatewatch.engines import draft  # noqa: PLC0415
    from gatewatch.site.model import Site  # noqa: PLC0415

    return draft.draft_facts(paths, Site.default(), options(zone=zone, year=year), progress)


# The lab


def lab_make(
    out: Path, *, users: int, days: int, seed: int, intrusions: int | None = None, difficulty: str | None = None, volume: float = 1.0,
    scenarios: Sequence[Path] = (), grafts: Sequence[Path] = (), progress: Callable[[int, int], None] | None = None,
) -> World:  # fmt: skip
    """Write a labelled world of logs and return what it is."""
    from gatewatch.lab.scenario import library  # noqa: PLC0415 - only the lab's verbs need the lab
    from gatewatch.lab.world import DIFFICULTIES, make  # noqa: PLC0415 - as above

    if difficulty is not None and difficulty not in DIFFICULTIES:
        raise UsageError(f"there is no difficulty {difficulty!r}; choose one of {', '.join(DIFFICULTIES)}")
    return make(
        out, seed=seed, users=users, days=days, scenarios=library(scenarios), number=intrusions, difficulty=difficulty, volume=volume, grafts=grafts,
        progress=progress,
    )  # fmt: skip


def lab_fleet(out: Path, *, hosts: int, seed: int) -> World:
    """Write the evidence of a site of many hosts, without logs, and return what it is."""
    from gatewatch.lab.fleet import make  # noqa: PLC0415 - as above

    return make(out, seed=seed, hosts=hosts)


def lab_score(pairs: Sequence[tuple[Path, Path]]) -> Report:
    """Hold the incidents of scans against the truths of their worlds: pairs of a world and a file of incidents."""
    from gatewatch.lab.score.incident_file import read_incidents  # noqa: PLC0415 - as above
    from gatewatch.lab.score.judge import judge  # noqa: PLC0415 - as above
    from gatewatch.lab.score.report import summarise  # noqa: PLC0415 - as above
    from gatewatch.lab.truth import read  # noqa: PLC0415 - as above

    return summarise([judge(read(world), read_incidents(incidents), world) for world, incidents in pairs])


def lab_run(
    folder: Path, seeds: Sequence[int], *, users: int, days: int, intrusions: int | None = None, difficulty: str | None = None, volume: float = 1.0,
    scenarios: Sequence[Path] = (), keep: bool = False, told: Callable[[str], None] | None = None,
) -> Report:  # fmt: skip
    """Make, scan and score a world for each seed below *folder*; without *keep* only truths, site files and incidents stay there."""
    import shutil  # noqa: PLC0415 - as above

    from gatewatch.lab.score.incident_file import read_incidents  # noqa: PLC0415 - as above
    from gatewatch.lab.score.judge import judge  # noqa: PLC0415 - as above
    from gatewatch.lab.score.report import summarise  # noqa: PLC0415 - as above
    from gatewatch.lab.truth import read  # noqa: PLC0415 - as above
    from gatewatch.sinks.registry import deliver  # noqa: PLC0415 - as above

    scores = []
    for seed in seeds:
        world = folder / f"seed-{seed}"
        made = lab_make(world, users=users, days=days, seed=seed, intrusions=intrusions, difficulty=difficulty, volume=volume, scenarios=scenarios)
        evidence = [str(world / "evidence")] if (world / "evidence").is_dir() else []
        result = scan([str(world / "logs")], config=str(world / "gatewatch.toml"), evidence=evidence, today=date.fromisoformat(made.end[:10]))
        incidents = world / "incidents.jsonl"
        deliver(result, [f"jsonl:{incidents}"])
        scores.append(judge(read(world), read_incidents(incidents), world))
        if told is not None:
            found = sum(verdict.found for verdict in scores[-1].verdicts)
            told(f"seed {seed}: {made.records} records, {found} of {len(scores[-1].verdicts)} found, {len(scores[-1].falses)} false")
        if not keep:
            shutil.rmtree(world / "logs")
            shutil.rmtree(world / "evidence", ignore_errors=True)
    return summarise(scores)


def lab_story(name: str, scenarios: Sequence[Path] = ()) -> str:
    """Return the story of a scenario, by its id or its file; without a name the list of scenarios."""
    from gatewatch.lab.scenario import library, load, tell  # noqa: PLC0415 - as above
    from gatewatch.site.suggestion import did_you_mean  # noqa: PLC0415 - as above

    if name.endswith(".toml"):
        return tell(load(Path(name)))
    known = {scenario.id: scenario for scenario in library(scenarios)}
    if not name:
        return "\n".join(f"{scenario.id:<38}{scenario.analytic}  {scenario.title}" for scenario in known.values())
    if name not in known:
        raise UsageError(f"there is no scenario {name!r}{did_you_mean(name, known)}")
    return tell(known[name])


def lab_write(report: Report, json: Path | None, html: Path | None) -> None:
    """Write a report as JSON and as a page. UsageError when a file cannot be written."""
    import msgspec  # noqa: PLC0415 - as above

    from gatewatch.lab.score.page import page  # noqa: PLC0415 - as above

    texts = ((json, msgspec.json.format(msgspec.json.encode(report), indent=1).decode() + "\n"), (html, page(report)))
    for path, text in texts:
        if path is not None:
            try:
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise UsageError(f"{path}: {error.strerror}") from None
