"""What logs say of their site, for a first ``gatewatch.toml``."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import polars as pl

from gatewatch.engines.collect import Progress
from gatewatch.engines.coverage import coverage, unseen
from gatewatch.engines.local import Options, prepare
from gatewatch.origin.ledger import access
from gatewatch.schema.events import Scope, ensure
from gatewatch.schema.incidents import Access
from gatewatch.site.draft import DraftFacts, DraftHost, Habit
from gatewatch.site.model import Site

PREFIX_V4, PREFIX_V6 = 24, 64


def draft_facts(paths: Sequence[str], site: Site, options: Options, progress: Progress | None = None) -> DraftFacts:
    """Read *paths* and return the facts a draft is made of."""
    ready = prepare(paths, site, options, progress=progress)
    rows = coverage(ready.collected.files, ready.slots)
    hosts = sorted({row.host for row in rows if row.host})
    ledger = access(ready.events, ready.sessions, ready.failures, {})
    zoned = [state for state in ready.collected.files if state.clock.absolute_first is not None and not state.wall]
    return DraftFacts(
        hosts=tuple(
            DraftHost(name, _addresses(ready.events, name), tuple(sorted({row.source for row in rows if row.host == name}))) for name in hosts
        ),
        internal=_ranges(ready.events),
        habits=_habits(ledger),
        zone=options.zone or site.zone,
        zone_known=options.zone is not None or len(zoned) == len(ready.collected.files),
        sources=tuple(sorted({row.source for row in rows})),
        unseen=tuple(unseen(rows)),
        first=min((row.first for row in rows if row.first), default=None),
        last=ready.last,
    )


def _addresses(events: pl.DataFrame, host: str) -> tuple[str, ...]:
    """Return the addresses that records of *host* show it to bear."""
    part = ensure(events, "dst_ip", "host_ip", "kind").filter(pl.col("host") == host)
    own = part.filter(pl.col("kind").cast(pl.String).str.starts_with("connection"))["dst_ip"]
    return tuple(sorted({address for address in (*own.to_list(), *part["host_ip"].to_list()) if address}))


def _ranges(events: pl.DataFrame) -> tuple[str, ...]:
    """Return the inner networks that sources of logons come from."""
    private = ensure(events, "scope", "src_ip").filter(pl.col("scope") == str(Scope.PRIVATE))["src_ip"].drop_nulls().unique().to_list()
    networks = set()
    for address in private:
        parsed = ipaddress.ip_address(address)
        networks.add(str(ipaddress.ip_network((address, PREFIX_V4 if parsed.version == 4 else PREFIX_V6), strict=False)))
    return tuple(sorted(networks))


def _habits(ledger: Sequence[Access]) -> tuple[Habit, ...]:
    """Return the outside addresses that got in on several days, most days first."""
    groups: dict[str, list[Access]] = {}
    for row in ledger:
        if row.origin_ip is not None:
            groups.setdefault(row.origin_ip, []).append(row)
    habits = [
        Habit(
            address=address,
            users=tuple(sorted({row.user for row in rows if row.user})),
            methods=tuple(sorted({row.method for row in rows if row.method})),
            services=tuple(sorted({row.service for row in rows if row.service})),
            logons=len(rows),
            days=len({row.time.date() for row in rows}),
            failures=max(row.failures_before for row in rows),
        )
        for address, rows in groups.items()
    ]
    return tuple(sorted((habit for habit in habits if habit.days > 1), key=lambda habit: (-habit.days, -habit.logons, habit.address)))
