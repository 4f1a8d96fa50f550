"""Options that several verbs share, and how they are checked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, TypedDict

import typer

from gatewatch.errors import UsageError
from gatewatch.schema.framing import Framing

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


class Reading(TypedDict):
    """How logs are read: what every verb that reads them hands to :mod:`gatewatch.app`."""

    config: str | None
    zone: str | None
    year: int | None
    since: datetime | None
    until: datetime | None
    framing: str | None
    maps: Sequence[str]


def reading(
    config: str | None, zone: str | None, year: int | None, since: str | None, until: str | None, form: str | None, maps: Sequence[str] | None
) -> Reading:
    """Return the options of reading, each checked."""
    return Reading(
        config=config,
        zone=checked_zone(zone),
        year=year,
        since=moment(since, "--since"),
        until=moment(until, "--until"),
        framing=_framing(form),
        maps=maps or (),
    )


def moment(text: str | None, option: str) -> datetime | None:
    """Return the time that *option* names, in its zone or UTC."""
    if text is None:
        return None
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no time; write it like 2026-01-31 or 2026-01-31T17:00+01:00") from None
    return named if named.tzinfo else named.replace(tzinfo=UTC)


def _framing(name: str | None) -> str | None:
    if name is not None and name not in set(Framing) - {Framing.UNKNOWN}:
        raise UsageError(f"--format {name!r} is unknown; choose one of {', '.join(sorted(set(Framing) - {Framing.UNKNOWN}))}")
    return name


def checked_zone(zone: str | None) -> str | None:
    """Return *zone* where it is an IANA time zone or not given."""
    if zone is None:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"--zone {zone!r} is no IANA time zone; e.g. UTC, Europe/Vienna, America/New_York") from None
    return zone
