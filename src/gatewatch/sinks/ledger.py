"""Rows of the access ledger in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from gatewatch.schema.incidents import Access
from gatewatch.sinks.digest import plural
from gatewatch.sinks.escape import clip
from gatewatch.sinks.moment import duration

ACTS = 5  # acts that followed, before "N more"


def comer(row: Access) -> str:
    """Return where an access came from."""
    return row.origin_ip or row.src_host or "unknown source"


def notable(rows: Sequence[Access]) -> list[tuple[Access, int]]:
    """Return accesses that differ in user, host, source and manner, each with how often it was made, those worth a look first.

    First come those in incidents, then those not known, after failures, with acts that followed, first seen; then by time.
    """

    def worth(row: Access) -> tuple[object, ...]:
        return (not row.incidents, row.known, -row.failures_before, not row.followed_by, not row.first_seen, row.time, row.file, row.record)

    groups: dict[tuple[object, ...], tuple[Access, int]] = {}
    for row in rows:
        key = (row.user, row.host, row.origin_ip, row.src_host, row.service, row.method)
        first, times = groups.get(key, (row, 0))
        groups[key] = (row if worth(row) < worth(first) else first, times + 1)
    return sorted(groups.values(), key=lambda group: worth(group[0]))


def manner(row: Access) -> str:
    """Return how an access was made and what is to be said about it, in a few words."""
    words = [f"{clip(row.service or 'unknown service', 30)} {clip(row.method or 'unknown method', 30)}"]
    if row.mfa != "unknown":
        words.append("with MFA" if row.mfa == "yes" else "no MFA")
    if row.failures_before:
        words.append(f"after {plural(row.failures_before, 'failure')}")
    if row.first_seen:
        words.append("first seen")
    if row.known:
        words.append(f"known: {clip(row.known_by, 60)}" if row.known_by else "known")
    if row.off_hours:
        words.append("off hours")
    if row.open:
        words.append("still open")
    elif row.duration_s is not None:
        words.append(f"lasted {duration(timedelta(seconds=row.duration_s))}")
    words += [clip(step, 60) for step in row.followed_by[:ACTS]]
    if len(row.followed_by) > ACTS:
        words.append(f"{len(row.followed_by) - ACTS} more acts")
    return ", ".join(words)
