"""The command line: options in, a verb of :mod:`gatewatch.app` called, sinks out. Imports nothing heavy until a verb runs."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from gatewatch import __version__
from gatewatch.errors import GatewatchError, UsageError
from gatewatch.exits import MEANING, Exit
from gatewatch.schema.framing import Framing

app = typer.Typer(
    name="gatewatch",
    help="Find abuse of external remote services (MITRE ATT&CK T1133) in the logs you already have.",
    epilog="Exit codes: " + "; ".join(f"{code.value} {MEANING[code]}" for code in Exit),
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Paths = Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders, archives, or - for standard input.")]
Config = Annotated[
    str | None, typer.Option("--config", "-c", metavar="FILE", help="The site file; default: gatewatch.toml in the folder given, or here.")
]
Zone = Annotated[str | None, typer.Option(metavar="ZONE", help="IANA zone of logs that name none, e.g. Europe/Vienna.")]
Year = Annotated[int | None, typer.Option(metavar="YYYY", min=1970, max=2200, help="Year of the first record of logs that name none.")]
Since = Annotated[str | None, typer.Option(metavar="TIME", help="Only events from this time on (ISO 8601; UTC unless it says otherwise).")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Only events before this time.")]
Format = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="FRAMING", help="Read every input with this framing: " + ", ".join(sorted(set(Framing) - {Framing.UNKNOWN})) + "."
    ),
]
Maps = Annotated[
    list[str] | None, typer.Option("--map", metavar="FILE", help="A log format of your own, described in TOML; may be given several times.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no time; write it like 2026-01-31 or 2026-01-31T17:00+01:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _framing(name: str | None) -> str | None:
    if name is not None and name not in set(Framing) - {Framing.UNKNOWN}:
        raise UsageError(f"--format {name!r} is unknown; choose one of {', '.join(sorted(set(Framing) - {Framing.UNKNOWN}))}")
    return name


def _checked_zone(zone: str | None) -> str | None:
    if zone is None:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"--zone {zone!r} is no IANA time zone; e.g. UTC, Europe/Vienna, America/New_York") from None
    return zone


_MEMORY = "dirty_decay_ms:100,muzzy_decay_ms:0"
"""How soon Polars' allocator gives memory back (it reads this when it is imported): at once but for a little, so that a longer log takes no more."""
_OBJECTS = 500_000
"""New objects between two looks for garbage: a scan makes many, none of them in cycles, and looking through all of them costs a fifth of its time."""


class Bar:
    """A progress bar on standard error, when that is a terminal: bytes, rate and time left."""

    def __init__(self, paths: Sequence[str], quiet: bool) -> None:
        self._progress: Any = None
        self._task: Any = None
        if quiet or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("reading", total=_total(paths) or None)
        self._done = 0
        self._current = ("", 0)
        self._progress.start()

    def __call__(self, read: int, _size: int, name: str) -> None:
        """Take what was read of the current file."""
        if self._progress is None:
            return
        file, before = self._current
        self._done += read - before if name == file else read
        self._current = (name, read)
        self._progress.update(self._task, completed=self._done, description="reading")

    def stop(self) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.stop()


def _total(paths: Sequence[str]) -> int:
    total = 0
    for path in paths:
        if os.path.isdir(path):
            for folder, _, names in os.walk(path):
                for name in names:
                    try:
                        total += os.stat(os.path.join(folder, name)).st_size
                    except OSError:
                        continue
        elif os.path.isfile(path):
            total += os.path.getsize(path)
    return total


def _deliver(result: Any, outputs: Sequence[str]) -> None:
    from gatewatch.sinks.registry import deliver

    deliver(result, outputs or ["console"])


@app.command()
def scan(
    paths: Paths,
    output: Annotated[
        list[str] | None, typer.Option("--output", "-o", metavar="FORMAT[:FILE]", help="console, jsonl, csv, html, stix, navigator; repeatable.")
    ] = None,
    config: Config = None,
    rules: Annotated[list[str] | None, typer.Option("--rules", metavar="DIR", help="A folder of Sigma rules to evaluate as well.")] = None,
    zone: Zone = None,
    year: Year = None,
    since: Since = None,
    until: Until = None,
    framing: Format = None,
    maps: Maps = None,
    watch: Annotated[
        list[str] | None, typer.Option("--watch", metavar="FILE", help="Addresses, users and hosts to watch ([[watch]] tables in TOML).")
    ] = None,
    evidence: Annotated[
        list[str] | None,
        typer.Option("--evidence", metavar="DIR", help="Exported configuration: each incident says which control was missing; several times."),
    ] = None,
    what_if: Annotated[bool, typer.Option("--what-if", help="Say which measure alone would have broken which incidents.")] = False,
    today: Annotated[str | None, typer.Option(metavar="DATE", help="Judge the evidence as of this day (ISO 8601); default: today, in UTC.")] = None,
    quiet: Quiet = False,
) -> None:
    """Turn logs into incidents: who from outside got in, how, what followed, and which control was missing."""
    from gatewatch import app as verbs
    from gatewatch.sinks.registry import check_outputs

    outputs = output or ["console"]
    check_outputs(outputs)
    day = _moment(today, "--today") or datetime.now(UTC)  # noqa: TID251 - waivers expire by the calendar
    bar = Bar(paths, quiet)
    try:
        result = verbs.scan(
            paths,
            config=config,
            rules=rules or (),
            zone=_checked_zone(zone),
            year=year,
            since=_moment(since, "--since"),
            until=_moment(until, "--until"),
            framing=_framing(framing),
            maps=maps or (),
            watch=watch or (),
            progress=bar,
            evidence=evidence or (),
            today=day.date(),
            what_if=what_if,
        )
    finally:
        bar.stop()
    _deliver(result, outputs)
    raise typer.Exit(verbs.exit_code(result))


@app.command()
def access(
    paths: Paths,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FORMAT[:FILE]", help="console, jsonl or csv.")] = "console",
    config: Config = None,
    zone: Zone = None,
    year: Year = None,
    since: Since = None,
    until: Until = None,
    framing: Format = None,
    maps: Maps = None,
    quiet: Quiet = False,
) -> None:
    """List every accepted access from outside: who, from where, how, what followed. Raises nothing by itself."""
    from gatewatch import app as verbs
    from gatewatch.sinks.registry import ACCESS_FORMATS, check_outputs, deliver_access

    check_outputs([output], ACCESS_FORMATS)
    bar = Bar(paths, quiet)
    try:
        result = verbs.scan(
            paths,
            config=config,
            zone=_checked_zone(zone),
            year=year,
            since=_moment(since, "--since"),
            until=_moment(until, "--until"),
            framing=_framing(framing),
            maps=maps or (),
            progress=bar,
        )
    finally:
        bar.stop()
    deliver_access(result, output)
    raise typer.Exit(Exit.NOTHING_FOUND if result.incidents else verbs.exit_code(result))


@app.command()
def trace(
    target: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS|USER|HOST|SESSION", help="What to trace; user:, host:, session: or address: before it says which, where a name is both."
        ),
    ],
    paths: Paths,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FORMAT[:FILE]", help="console or jsonl.")] = "console",
    config: Config = None,
    zone: Zone = None,
    year: Year = None,
    since: Since = None,
    until: Until = None,
    framing: Format = None,
    maps: Maps = None,
    quiet: Quiet = False,
) -> None:
    """Print the tree of everything that came from an address, a user, a host or a session: where, when, how surely."""
    from gatewatch import app as verbs
    from gatewatch.sinks.registry import TRACE_FORMATS, check_outputs, deliver_trace

    check_outputs([output], TRACE_FORMATS)
    bar = Bar(paths, quiet)
    try:
        result = verbs.trace(
            target,
            paths,
            config=config,
            zone=_checked_zone(zone),
            year=year,
            since=_moment(since, "--since"),
            until=_moment(until, "--until"),
            framing=_framing(framing),
            maps=maps or (),
            progress=bar,
        )
    finally:
        bar.stop()
    deliver_trace(result, output)


@app.command()
def events(
    paths: Paths,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FORMAT[:FILE]", help="jsonl, csv, parquet or ocsf.")] = "jsonl",
    config: Config = None,
    zone: Zone = None,
    year: Year = None,
    since: Since = None,
    until: Until = None,
    framing: Format = None,
    maps: Maps = None,
    quiet: Quiet = False,
) -> None:
    """Write the normalised events, one row per fact, with the column names of the reference."""
    from gatewatch import app as verbs
    from gatewatch.sinks.registry import deliver_events

    bar = Bar(paths, quiet)
    try:
        frames = verbs.events(
            paths,
            config=config,
            zone=_checked_zone(zone),
            year=year,
            since=_moment(since, "--since"),
            until=_moment(until, "--until"),
            framing=_framing(framing),
            maps=maps or (),
            progress=bar,
        )
        deliver_events(frames, output)
    finally:
        bar.stop()


@app.command()
def audit(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[EVIDENCE...]", help="Folders, archives or files of exported configuration.")] = None,
    output: Annotated[
        list[str] | None, typer.Option("--output", "-o", metavar="FORMAT[:FILE]", help="console, jsonl, csv, html, sarif, ocsf, navigator or stix.")
    ] = None,
    host: Annotated[bool, typer.Option("--host", help="Audit this Linux host: collect as gatewatch collect does, write nothing.")] = False,
    config: Config = None,
    today: Annotated[
        str | None, typer.Option(metavar="DATE", help="Judge expiries as of this day (ISO 8601); default: the day it is, in UTC.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="FILE", help="Show only what differs from this earlier audit (-o jsonl:FILE).")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every finding, also what passed, was accepted or is not applicable.")] = False,
) -> None:
    """Judge configuration by the five mitigations ATT&CK lists for T1133, measure by measure. Reads files only."""
    from gatewatch import app as verbs
    from gatewatch.sinks.audit_registry import audit_formats, deliver_audit
    from gatewatch.sinks.registry import check_outputs

    outputs = output or ["console"]
    check_outputs(outputs, audit_formats())
    if not paths and not host:
        raise UsageError("nothing to audit: name evidence, or give --host")
    now = datetime.now(UTC)  # noqa: TID251 - the only clock: waivers expire by the calendar
    day = _moment(today, "--today") or now
    result = verbs.audit(paths or [], config=config, today=day.date(), host_at=now if host else None)
    if baseline is not None:
        result = verbs.changed(result, baseline)
    deliver_audit(result, outputs, everything=everything)
    raise typer.Exit(verbs.audit_exit_code(result))


@app.command()
def collect(
    show: Annotated[bool, typer.Option("--list", help="Only say what would be read and run.")] = False,
) -> None:
    """Collect this Linux host's configuration as a tar.gz on standard output: read-only, listed first, secrets masked."""
    from gatewatch import app as verbs

    def say(line: str) -> None:
        typer.echo(line, err=True)

    if show:
        from gatewatch.engines.host import plan

        typer.echo("\n".join(plan()))
        return
    if sys.stdout.isatty():
        raise UsageError("standard output is a terminal; write gatewatch collect > evidence.tar.gz")
    verbs.collect(sys.stdout.buffer, datetime.now(UTC), say)  # noqa: TID251 - the time of collection


@app.command()
def reach(
    paths: Annotated[list[str], typer.Argument(metavar="EVIDENCE...", help="Folders, archives or files of exported configuration.")],
    source: Annotated[str, typer.Option("--from", metavar="SOURCE", help="internet, a zone of the site, a host, an address or a network.")],
    target: Annotated[str, typer.Option("--to", metavar="HOST:PORT", help="The host and port; HOST:PORT/udp for UDP.")],
    config: Config = None,
) -> None:
    """Say who can open a connection to a port, by the packet filters in the evidence, and which rules decide."""
    from gatewatch import app as verbs
    from gatewatch.sinks.escape import escape

    text, _ = verbs.reach(paths, source=source, target=target, config=config)
    for line in text.splitlines():
        typer.echo(escape(line))


@app.command(name="probe-plan")
def probe_plan(
    source: Annotated[str | None, typer.Option("--from", metavar="ZONE", help="The zone to try from; without it the zones are listed.")] = None,
    targets: Annotated[list[str] | None, typer.Option("--to", metavar="ASSET", help="Only towards this asset; several times.")] = None,
    shell: Annotated[str, typer.Option(metavar="sh|powershell", help="The language of the script.")] = "sh",
    config: Config = None,
) -> None:
    """Write a script that tries, from a zone, the ports of declared assets; you run it, the audit reads its results. Sends nothing itself."""
    from gatewatch import app as verbs

    typer.echo(verbs.probe_plan(config=config, source=source, targets=targets or (), shell=shell), nl=False)


@app.command()
def explain(
    target: Annotated[str, typer.Argument(metavar="LINE|FILE[:RECORD]", help="A log line, or a file and the number of a record in it.")],
    config: Config = None,
    zone: Zone = None,
    year: Year = None,
    maps: Maps = None,
) -> None:
    """Say what becomes of one record: framing, sources tried, the event, rules it meets, chains it feeds."""
    from gatewatch.explain import explain_target

    typer.echo(explain_target(target, config=config, zone=_checked_zone(zone), year=year, maps=maps or ()))


@app.command(name="list")
def list_(
    what: Annotated[str, typer.Argument(metavar="sources|rules|chains|checks|evidence|tunables|framings|outputs", help="What to list.")],
    config: Config = None,
) -> None:
    """List the sources, rules, chains, checks, evidence formats or tunables there are."""
    from gatewatch.listing import listing

    typer.echo(listing(what, config=config))


@app.command()
def export(
    chain: Annotated[str, typer.Argument(metavar="CHAIN", help="The id of a chain; 'gatewatch list chains' names them.")],
    to: Annotated[str, typer.Option("--to", metavar="sigma|eql|spl|kql", help="The language to write.")],
    config: Config = None,
) -> None:
    """Write a chain as Sigma rules and correlations or as a query of a SIEM, and say what that language cannot express."""
    from gatewatch.app import export as write

    typer.echo(write(chain, to, config=config), nl=False)


@app.command()
def init(
    paths: Paths,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write here instead of standard output; an existing file is kept.")
    ] = None,
    zone: Zone = None,
    year: Year = None,
    quiet: Quiet = False,
) -> None:
    """Draft gatewatch.toml from logs: internal ranges, hosts, proposed known addresses (commented out), what is invisible."""
    from gatewatch.explain import draft

    bar = Bar(paths, quiet)
    try:
        text = draft(paths, zone=_checked_zone(zone), year=year, progress=bar)
    finally:
        bar.stop()
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        with open(output, "x", encoding="utf-8") as handle:
            handle.write(text)
    except FileExistsError:
        raise UsageError(f"{output} exists; remove it or choose another name") from None
    except OSError as error:
        raise UsageError(f"{output}: {error.strerror}") from None
    typer.echo(f"wrote {output}; read it, then: gatewatch scan -c {output} {' '.join(paths)}", err=True)


@app.command(name="check-config")
def check_config(file: Annotated[str, typer.Argument(metavar="FILE", help="A gatewatch.toml.")]) -> None:
    """Check a site file: unknown keys, bad values, expired entries, each with its line."""
    from pathlib import Path

    from gatewatch.site.load import check

    messages = check(Path(file))
    for message in messages:
        typer.echo(message)
    if messages:
        raise typer.Exit(Exit.USAGE)
    typer.echo(f"{file}: good")


lab = typer.Typer(help="Labelled worlds of logs, and an honest score of what a scan found in them.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(lab, name="lab")

Users = Annotated[int, typer.Option(min=12, max=200_000, help="People of the simulated organisation.")]
Days = Annotated[int, typer.Option(min=2, max=400, help="Days of logs.")]
Intrusions = Annotated[int | None, typer.Option(min=0, help="How many intrusions to plant; default: one for every three days, at least five.")]
Difficulty = Annotated[str | None, typer.Option(metavar="LEVEL", help="loud, careful or slow; default: all three in turn.")]
Volume = Annotated[float, typer.Option(min=0, max=1000, help="How much of the internet's and the machines' noise; 1 is a small site.")]
Scenarios = Annotated[list[str] | None, typer.Option("--scenario", metavar="FILE", help="A scenario of your own, or a folder of them.")]
JsonOut = Annotated[str | None, typer.Option("--json", metavar="FILE", help="Write the score as JSON as well.")]
HtmlOut = Annotated[str | None, typer.Option("--html", metavar="FILE", help="Write the score as a page with pictures as well.")]


def _paths(names: Sequence[str] | None) -> list[Any]:
    from pathlib import Path

    return [Path(name) for name in names or ()]


def _report(report: Any, json: str | None, html: str | None) -> None:
    from pathlib import Path

    from gatewatch import app as verbs
    from gatewatch.lab.score.report import tell

    verbs.lab_write(report, Path(json) if json else None, Path(html) if html else None)
    typer.echo(tell(report))


@lab.command(name="make")
def lab_make(
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="The folder of the world; it must not exist yet, or be empty.")],
    users: Users = 200,
    days: Days = 14,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 1,
    intrusions: Intrusions = None,
    difficulty: Difficulty = None,
    volume: Volume = 1.0,
    scenarios: Scenarios = None,
    graft: Annotated[list[str] | None, typer.Option(metavar="DIR", help="Mix a folder of real logs into the world.")] = None,
) -> None:
    """Write a world: native logs, the site file of a plausible administrator, and the truth. Logs only: nothing is attacked."""
    from pathlib import Path

    from gatewatch import app as verbs

    world = verbs.lab_make(
        Path(out),
        users=users,
        days=days,
        seed=seed,
        intrusions=intrusions,
        difficulty=difficulty,
        volume=volume,
        scenarios=_paths(scenarios),
        grafts=_paths(graft),
    )
    typer.echo(f"wrote {out}: {world.records} records; now: gatewatch scan -c {out}/gatewatch.toml {out}/logs -o jsonl:incidents.jsonl", err=True)


@lab.command(name="score")
def lab_score(
    world: Annotated[str, typer.Argument(metavar="WORLD", help="A folder that lab make wrote.")],
    incidents: Annotated[str, typer.Argument(metavar="INCIDENTS", help="What scan -o jsonl wrote of its logs.")],
    json: JsonOut = None,
    html: HtmlOut = None,
) -> None:
    """Hold the incidents of a scan against the truth of its world, one to one."""
    from pathlib import Path

    from gatewatch import app as verbs

    _report(verbs.lab_score([(Path(world), Path(incidents))]), json, html)


@lab.command(name="run")
def lab_run(
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Where the worlds go.")],
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many worlds.")] = 20,
    first: Annotated[int, typer.Option(help="The seed of the first.")] = 100,
    users: Users = 60,
    days: Days = 10,
    intrusions: Intrusions = None,
    difficulty: Difficulty = None,
    volume: Volume = 1.0,
    scenarios: Scenarios = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the logs as well.")] = False,
    json: JsonOut = None,
    html: HtmlOut = None,
) -> None:
    """Make, scan and score worlds, one for each seed."""
    from pathlib import Path

    from gatewatch import app as verbs

    report = verbs.lab_run(
        Path(out),
        range(first, first + seeds),
        users=users,
        days=days,
        intrusions=intrusions,
        difficulty=difficulty,
        volume=volume,
        scenarios=_paths(scenarios),
        keep=keep,
        told=lambda text: typer.echo(text, err=True),
    )
    _report(report, json, html)


@lab.command(name="show")
def lab_show(
    scenario: Annotated[str, typer.Argument(metavar="[SCENARIO]", help="A scenario's id or file; without one: the list of all.")] = "",
    scenarios: Scenarios = None,
) -> None:
    """Tell the story of a scenario."""
    from gatewatch import app as verbs

    typer.echo(verbs.lab_story(scenario, _paths(scenarios)))


def _version(value: bool) -> None:
    if value:
        typer.echo(f"gatewatch {__version__}")
        raise typer.Exit


@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    """Find abuse of external remote services (MITRE ATT&CK T1133) in the logs you already have."""


def _run(call: Callable[[], Any]) -> int:
    try:
        call()
    except GatewatchError as error:
        from gatewatch.sinks.escape import escape

        sys.stderr.writelines(f"gatewatch: {escape(line)}\n" for line in str(error).splitlines())
        return int(Exit.UNREADABLE if type(error).__name__ == "InputError" else Exit.USAGE)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)
    except OSError as error:
        if error.errno != errno.EPIPE and "os error 32" not in str(error):  # polars gives the number in words only
            raise
        # the reader of a pipe went away (head, less): not an error; keep Python from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.NOTHING_FOUND)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(Exit.NOTHING_FOUND)
    return int(Exit.NOTHING_FOUND)


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """Keep still where Ctrl-C, which a native library may report once more, hits a file that the first one is just closing."""
    if not isinstance(what.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(what)


def main() -> None:
    """Run the command line and exit with one of :class:`gatewatch.exits.Exit`."""
    gc.set_threshold(_OBJECTS)
    os.environ.setdefault("_RJEM_MALLOC_CONF", _MEMORY)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads for matrices, of which there are none, spin until they sleep
    sys.unraisablehook = _unraisable
    code = _run(app)
    sys.stdout.flush()
    if code == Exit.INTERRUPTED:
        sys.stderr.write("gatewatch: stopped\n")
    sys.stderr.flush()
    # All is written. Taking modules and objects apart one by one costs a quarter of a second, and a worker may be inside a long native call.
    os._exit(code)


if __name__ == "__main__":
    main()
