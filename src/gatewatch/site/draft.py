"""Drafting ``gatewatch.toml`` from what the logs show: facts are filled in, judgements are proposed as comments with their evidence.

Names come from logs and may be hostile: they are quoted as TOML, in comments too, so that none can add a setting of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.coverage import Unseen
from gatewatch.site.range import parse_network

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HABITS = 20


@dataclass(frozen=True, slots=True)
class DraftHost:
    """A host that the logs name, with the addresses they show it to bear."""

    name: str
    addresses: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  # the logs it wrote


@dataclass(frozen=True, slots=True)
class Habit:
    """An outside address that got in again and again: by whom, how, on how many days, and how often it failed."""

    address: str
    users: tuple[str, ...]
    methods: tuple[str, ...]
    services: tuple[str, ...]
    logons: int
    days: int
    failures: int


@dataclass(frozen=True, slots=True)
class DraftFacts:
    """What the logs say of a site. ``zone`` is the one the scan assumed where logs have none; ``internal`` holds CIDRs."""

    hosts: tuple[DraftHost, ...] = ()
    internal: tuple[str, ...] = ()
    habits: tuple[Habit, ...] = ()
    zone: str = "UTC"
    zone_known: bool = False  # the logs themselves bear it
    sources: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    first: datetime | None = None
    last: datetime | None = None


def draft_site(facts: DraftFacts) -> str:
    """Return a commented ``gatewatch.toml`` that loads as it is. Equal facts give equal text."""
    return "\n".join(_lines(facts)) + "\n"


def _lines(facts: DraftFacts) -> Iterator[str]:
    span = f", {facts.first:%Y-%m-%d} to {facts.last:%Y-%m-%d}" if facts.first is not None and facts.last is not None else ""
    yield f"# gatewatch.toml, drafted from the logs{span}. Please read and correct it:"
    yield "# what is set was seen in the logs; what is commented out is a proposal that a person must decide."
    if facts.sources:
        yield f"# Logs recognised: {', '.join(sorted(facts.sources))}."
    yield ""
    yield "[site]"
    yield '# name = "head office"'
    why = "the logs bear it" if facts.zone_known else "assumed: the logs do not say; set the zone in which their times are written"
    yield f"zone = {quote(facts.zone)}  # {why}"
    yield ""
    yield "[network]"
    yield "# Addresses here are inside, also public ones that you own. Private ranges (RFC 1918, fc00::/7) need no mention."
    internal = sorted({str(network) for network in _networks(facts.internal)})
    yield f"internal = [{', '.join(quote(text) for text in internal)}]"
    yield "# vpn_pools = []  # addresses your VPN hands out"
    yield "# proxies = []    # reverse proxies and load balancers whose forwarded addresses may be believed"
    yield "# clusters = []   # pod and service ranges"
    yield ""
    yield from _hosts(facts.hosts)
    yield "[tunables]"
    yield "# FailedLogonThreshold = 5"
    yield '# TimeWindow = "15m"'
    yield '# BusinessHours = "Mon-Fri 08:00-18:00"  # in the zone of the host'
    yield '# Holidays = ["12-25", "01-01"]'
    yield '# GeoIPWhitelist = ["CH", "DE"]  # countries from which people work'
    yield ""
    yield from _known(facts.habits)
    yield from _unseen(facts.unseen)


def _networks(texts: Iterable[str]) -> Iterator[object]:
    for text in texts:
        try:
            yield parse_network(text)
        except ValueError:  # never worth a draft that does not load
            continue


def _hosts(hosts: tuple[DraftHost, ...]) -> Iterator[str]:
    merged: dict[str, tuple[set[str], set[str]]] = {}
    for host in hosts:
        if host.name.strip():
            addresses, sources = merged.setdefault(host.name.strip().casefold(), (set(), set()))
            addresses.update(filter(None, map(canonical_address, host.addresses)))
            sources.update(host.sources)
    taken: set[str] = set()
    for name in sorted(merged):
        addresses, sources = merged[name]
        own = sorted(addresses - taken)
        taken |= addresses
        yield f"[hosts.{name if _BARE.fullmatch(name) else quote(name)}]"
        if sources:
            yield f"# logs: {', '.join(sorted(sources))}"
        yield f"addresses = [{', '.join(quote(address) for address in own)}]"
        yield ""


def _known(habits: tuple[Habit, ...]) -> Iterator[str]:
    if not habits:
        return
    yield "# Outside addresses that got in again and again. A habit is no proof of innocence: ask the people before you vouch for one,"
    yield "# say why, who answers for it and until when, and take the comment signs away."
    ordered = sorted(habits, key=lambda habit: (-habit.days, -habit.logons, habit.address))
    for number, habit in enumerate(ordered[:_HABITS], 1):
        users = ", ".join(quote(user) for user in sorted(habit.users))
        failures = f"{habit.failures} failures" if habit.failures else "no failure"
        how = " and ".join(sorted(habit.methods)) or "an unknown method"
        yield "#"
        yield f"# {number}. {users or 'nobody named'} by {how} on {habit.days} days, {habit.logons} logons, {failures}"
        yield "# [[known]]"
        yield f"# cidrs = [{quote(habit.address)}]"
        yield f"# users = [{users}]"
        yield f"# services = [{', '.join(quote(service) for service in sorted(habit.services))}]"
        yield '# why = ""'
        yield '# owner = ""'
        yield "# until = "
    if len(ordered) > _HABITS:
        yield f"# … and {len(ordered) - _HABITS} more."
    yield ""


def _unseen(unseen: tuple[Unseen, ...]) -> Iterator[str]:
    if not unseen:
        return
    yield "# What the given logs cannot show, and the command that would collect it:"
    for entry in sorted(unseen):
        yield f"# - {plain(entry.what)}: {plain(entry.why)}"
        yield f"#   {plain(entry.collect)}"


def plain(text: str) -> str:
    """Return *text* on one line, with what cannot be printed as spaces; safe in a comment."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def quote(text: str) -> str:
    """Return *text* as a TOML string on one line.

    >>> print(quote('a"b'), quote("line\\nbreak"))
    "a\\"b" "line\\u000abreak"
    """
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char) if not 0xD800 <= ord(char) <= 0xDFFF else 0xFFFD
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
