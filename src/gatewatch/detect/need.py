"""Needs: what a chain asks for before it may speak: a policy the site declares, a log that would have shown what is absent.

``needs`` of a chain lists ``policy:NAME`` (a policy of the site file; without it the chain is silent) and ``log:own`` (its absences are
judged by the log that wrote the anchor: it must cover the interval without a silence).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import polars as pl

from gatewatch.detect.absence import Covered
from gatewatch.detect.chain import Chain
from gatewatch.schema.coverage import Coverage

POLICY = "policy:"
OWN_LOG = "log:own"


class Policies(Protocol):
    """What a site forbids."""

    @property
    def rdp_only_after_vpn(self) -> bool:
        """Whether Remote Desktop may be reached through the VPN only."""


def faulty(needs: Iterable[str]) -> list[str]:
    """Return those of *needs* that nothing can meet."""
    known = {OWN_LOG, f"{POLICY}rdp_only_after_vpn"}
    return [need for need in needs if need not in known]


def declared(chain: Chain, policy: Policies) -> bool:
    """Return whether the site declares every policy that *chain* is about."""
    return all(bool(getattr(policy, need.removeprefix(POLICY), False)) for need in chain.needs if need.startswith(POLICY))


def covering(chain: Chain, events: pl.DataFrame, coverage: Sequence[Coverage]) -> Covered | None:
    """Return what judges the absences of *chain*; None where it has no log to judge by.

    *events* has ``row`` (ascending), ``host`` and ``source``; the interval must lie within what that source said of that host, and touch none of
    its gaps.
    """
    if OWN_LOG not in chain.needs:
        return None

    rows, named = events["row"], events.select(pl.col("host", "source"))
    logs: dict[tuple[str | None, str], list[tuple[datetime, datetime, Coverage]]] = {}
    for log in coverage:
        if log.first is not None and log.last is not None:
            logs.setdefault((log.host, log.source), []).append((log.first, log.last, log))

    def covered(_stage: str, row: int, first: datetime, last: datetime) -> bool | None:
        at = int(rows.search_sorted(row))
        if at >= len(rows) or rows[at] != row:
            return None
        host, source = named.row(at)
        whole = [log for begin, end, log in logs.get((host, source), []) if begin <= first and last <= end]
        silent = any(gap.start <= last and first <= gap.end for log in whole for gap in log.gaps)
        return bool(whole) and not silent

    return covered
