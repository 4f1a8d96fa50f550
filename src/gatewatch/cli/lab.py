"""The verbs of the lab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

lab = typer.Typer(help="Labelled worlds of logs, and an honest score of what a scan found in them.", no_args_is_help=True, rich_markup_mode=None)

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
    evidence_only: Annotated[bool, typer.Option("--evidence-only", help="Write no logs: configuration of many hosts, for trying the audit.")] = False,
    hosts: Annotated[int | None, typer.Option(min=1, help="With --evidence-only: how many hosts; default 100.")] = None,
) -> None:
    """Write a world: native logs and configuration, the site file of a plausible administrator, and the truth. Files only: nothing is attacked."""
    from pathlib import Path

    from gatewatch import app as verbs
    from gatewatch.errors import UsageError

    if hosts is not None and not evidence_only:
        raise UsageError("--hosts needs --evidence-only: logs come from the hosts that every world has")
    if evidence_only:
        verbs.lab_fleet(Path(out), hosts=100 if hosts is None else hosts, seed=seed)
        typer.echo(f"wrote {out}; now: gatewatch audit -c {out}/gatewatch.toml {out}/evidence", err=True)
        return
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
    then = f"gatewatch scan -c {out}/gatewatch.toml {out}/logs --evidence {out}/evidence -o jsonl:incidents.jsonl"
    typer.echo(f"wrote {out}: {world.records} records; now: {then}", err=True)


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
    keep: Annotated[bool, typer.Option("--keep", help="Keep logs and evidence as well.")] = False,
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
