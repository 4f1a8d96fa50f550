"""Evictions: when an account was disabled, locked by an administrator or deleted, where that holds, and until when.

An account of a directory (Active Directory, an identity provider) is shut out everywhere; one of a single host or gateway only there. It ends where
the account is let in again, by a record of that or by a logon inside: whoever works at a desk was let in, whether the log says so or not. A lock-out
after wrong passwords is none: it ends by itself, and no log says when.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from gatewatch.schema.events import Kind, ensure
from gatewatch.schema.packing import plain

EVICTED = timedelta(days=90)  # an account that was shut out within this time should not come in
SHUT_OUT = ("user-disabled", "user-deleted", "password-locked")
LET_IN = ("user-enabled", "password-unlocked", "user-created", "user-added")
_HOSTS_OWN = ("shadow", "auditd", "sudo", "system", "cisco-asa", "fortigate", "panos", "netscaler", "ivanti", "macos-")
"""How the names of sources begin whose accounts are those of the device that wrote the record."""


class Eviction(NamedTuple):
    """From when to when (None: to the end of the logs) an account was shut out; ``host`` is None where it was everywhere."""

    start: datetime
    end: datetime | None
    host: str | None


def evictions(events: pl.DataFrame, users: Iterable[str]) -> dict[str, tuple[Eviction, ...]]:
    """Return when each of *users* was shut out, in order; *events* are attached."""
    events = ensure(events, "kind", "pattern", "target_user", "time", "host", "source", "extra", "user", "origin_ip")
    wanted = sorted(set(users))
    changed = (
        (pl.col("kind") == str(Kind.ACCOUNT_CHANGE))
        & pl.col("pattern").cast(pl.String).is_in((*SHUT_OUT, *LET_IN))
        & pl.col("target_user").is_in(wanted)
    )
    told = events.filter(changed & pl.col("time").is_not_null()).sort("time")
    if not told.height:
        return {}
    told = plain(told, "target_user", "pattern", "time", "host", "source", "extra")
    told = told.select(pl.col("target_user").alias("user"), "pattern", "time", pl.when(_local()).then("host").alias("host"))
    shut = set(told.filter(pl.col("pattern").is_in(SHUT_OUT))["user"].to_list())
    inside = events.filter(
        (pl.col("kind") == str(Kind.AUTH_SUCCESS))
        & pl.col("user").is_in(sorted(shut))
        & pl.col("origin_ip").is_null()
        & pl.col("time").is_not_null()
    ).select(pl.col("user").cast(pl.String), pl.lit("inside").alias("pattern"), "time", pl.col("host").cast(pl.String))
    out: dict[str, list[Eviction]] = {}
    for user, pattern, moment, host in pl.concat([told, inside]).sort("time", maintain_order=True).iter_rows():
        spans = out.setdefault(str(user), [])
        if pattern in SHUT_OUT:
            spans.append(Eviction(moment, None, host))
            continue
        spans[:] = [one._replace(end=moment) if one.end is None and (one.host is None or one.host == host) else one for one in spans]
    return {user: tuple(spans) for user, spans in out.items() if spans}


def _local() -> pl.Expr:
    """Return whether a changed account is one of the host that wrote the record only; of Windows, where its domain bears the name of the host."""
    source, folded = pl.col("source").cast(pl.String).fill_null(""), pl.col("host").str.to_lowercase()
    domain = pl.col("extra").str.json_path_match("$.TargetDomainName").str.to_lowercase()
    own = pl.any_horizontal([source.str.starts_with(name) for name in _HOSTS_OWN])
    return own | (source.str.starts_with("windows-") & (domain == folded.str.extract(r"^([^.]{1,15})"))).fill_null(False)
