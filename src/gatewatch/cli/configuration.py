"""Verbs that read configuration."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from gatewatch.cli.option import Config, moment
from gatewatch.errors import UsageError
from gatewatch.exits import Exit


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
    baseline: Annotated[str | None, typer.Option(metavar="FILE", help="Show only what differs from this earlier audit (-o jsonl:FILE).")] = None,
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
    day = moment(today, "--today") or now
    result = verbs.audit(paths or [], config=config, today=day.date(), host_at=now if host else None)
    if baseline is not None:
        result = verbs.changed(result, baseline)
    deliver_audit(result, outputs, everything=everything)
    raise typer.Exit(verbs.audit_exit_code(result))


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


def probe_plan(
    source: Annotated[str | None, typer.Option("--from", metavar="ZONE", help="The zone to try from; without it the zones are listed.")] = None,
    targets: Annotated[list[str] | None, typer.Option("--to", metavar="ASSET", help="Only towards this asset; several times.")] = None,
    shell: Annotated[str, typer.Option(metavar="sh|powershell", help="The language of the script.")] = "sh",
    config: Config = None,
) -> None:
    """Write a script that tries, from a zone, the ports of declared assets; you run it, the audit reads its results. Sends nothing itself."""
    from gatewatch import app as verbs

    typer.echo(verbs.probe_plan(config=config, source=source, targets=targets or (), shell=shell), nl=False)


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
