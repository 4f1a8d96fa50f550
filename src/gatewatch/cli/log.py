"""Verbs that read logs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from gatewatch.cli.bar import Bar
from gatewatch.cli.option import Config, Format, Maps, Paths, Quiet, Since, Until, Year, Zone, checked_zone, moment, reading
from gatewatch.errors import UsageError
from gatewatch.exits import Exit


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
    from gatewatch.sinks.target import SCAN_FORMATS, open_targets

    outputs = output or ["console"]
    open_targets(outputs, SCAN_FORMATS)
    day = moment(today, "--today") or datetime.now(UTC)  # noqa: TID251 - waivers expire by the calendar
    bar = Bar(paths, quiet)
    try:
        result = verbs.scan(
            paths,
            rules=rules or (),
            **reading(config, zone, year, since, until, framing, maps),
            watch=watch or (),
            progress=bar,
            evidence=evidence or (),
            today=day.date(),
            what_if=what_if,
        )
    finally:
        bar.stop()
    from gatewatch.sinks.registry import deliver

    deliver(result, outputs)
    raise typer.Exit(verbs.exit_code(result))


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
            **reading(config, zone, year, since, until, framing, maps),
            progress=bar,
        )
    finally:
        bar.stop()
    deliver_access(result, output)
    raise typer.Exit(Exit.NOTHING_FOUND if result.incidents else verbs.exit_code(result))


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
            **reading(config, zone, year, since, until, framing, maps),
            progress=bar,
        )
    finally:
        bar.stop()
    deliver_trace(result, output)


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
            **reading(config, zone, year, since, until, framing, maps),
            progress=bar,
        )
        deliver_events(frames, output)
    finally:
        bar.stop()


def explain(
    target: Annotated[str, typer.Argument(metavar="LINE|FILE[:RECORD]", help="A log line, or a file and the number of a record in it.")],
    config: Config = None,
    zone: Zone = None,
    year: Year = None,
    maps: Maps = None,
) -> None:
    """Say what becomes of one record: framing, sources tried, the event, rules it meets, chains it feeds."""
    from gatewatch.explain import explain_target

    typer.echo(explain_target(target, config=config, zone=checked_zone(zone), year=year, maps=maps or ()))


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
        text = draft(paths, zone=checked_zone(zone), year=year, progress=bar)
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
