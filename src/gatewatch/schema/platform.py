"""Platforms: what kind of system an event was recorded on, told by the source that decoded it."""

from __future__ import annotations

from enum import StrEnum

import polars as pl


class Platform(StrEnum):
    """The platforms of ATT&CK's analytics for T1133; what is none of the others counts as ``linux``."""

    WINDOWS = "windows"
    MACOS = "macos"
    CONTAINERS = "containers"
    LINUX = "linux"


OUTBOUND, OUTBOUND_MAC = "outbound-flow", "outbound-mac"
"""The pattern of a connection that leads from an inner host out to somebody's remote access, and of one that a Mac opened."""

PREFIXES: dict[Platform, tuple[str, ...]] = {
    Platform.WINDOWS: ("windows-",),
    Platform.MACOS: ("macos-",),
    Platform.CONTAINERS: ("kubernetes-", "docker-", "falco-"),
}
"""How the names of a platform's sources begin."""


def platform_of(source: str | None) -> Platform:
    """Return the platform of the events of *source*.

    >>> str(platform_of("windows-logon")), str(platform_of("sshd"))
    ('windows', 'linux')
    """
    return next((platform for platform, prefixes in PREFIXES.items() if (source or "").startswith(prefixes)), Platform.LINUX)


def on_platform(platform: Platform) -> pl.Expr:
    """Return whether the column ``source`` names a source of *platform*; never null."""
    source = pl.col("source").cast(pl.String).fill_null("")
    if platform is not Platform.LINUX:
        return pl.any_horizontal([source.str.starts_with(prefix) for prefix in PREFIXES[platform]])
    return ~pl.any_horizontal([source.str.starts_with(prefix) for prefixes in PREFIXES.values() for prefix in prefixes])
