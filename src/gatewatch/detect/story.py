"""Stories: what an intrusion was, in plain words: the verdict, a line per stage, the path from the outside address inwards."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from gatewatch.detect.case import GUESSES
from gatewatch.detect.deed import deed, deeds
from gatewatch.detect.exhibit import Exhibit
from gatewatch.detect.intrusion import Act, Intrusion
from gatewatch.schema.events import Kind
from gatewatch.schema.incidents import Hop

HOPS = 32
_DEED_STAGES = ("act", "door", "onward")


def verdict(intrusion: Intrusion, zone: str) -> str:
    """Return the incident in one or two sentences; times in *zone* (IANA)."""
    return _opening(intrusion, zone) + _sequel(intrusion)


def local(moment: datetime, zone: str) -> str:
    """Return an instant as people of *zone* write it, to the second."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def source(address: str | None, country: str | None) -> str:
    """Return an address with its place.

    >>> source("203.0.113.77", "NL"), source("203.0.113.77", None)
    ('203.0.113.77 (NL)', '203.0.113.77')
    """
    return f"{address or 'an unknown address'} ({country})" if country else address or "an unknown address"


def _opening(intrusion: Intrusion, zone: str) -> str:
    lead, entry = intrusion.lead, intrusion.lead.access
    who = source(lead.origin, entry.country)
    where = f"on {entry.host}" if entry.host else "on an unnamed host"
    tried, when = max(intrusion.tried, lead.tried.attempts if lead.tried else 0), local(entry.time, zone)
    tail = " (a known source)" if lead.facts.known else ""
    if lead.facts.guess and any(stage.name == "names" for stage in lead.match.stages) and lead.tried is not None:
        return f"{who}{tail} tried {lead.tried.names} account names in {tried} failures and got in as {entry.user} {where} at {when}"
    if lead.facts.guess and any(stage.name == "spread" for stage in lead.match.stages) and lead.tried is not None:
        addresses = len(lead.tried.sources)
        return f"The password of {entry.user} was guessed in {lead.tried.attempts} failures from {addresses} addresses; {who}{tail} got in {where} at {when}"
    if lead.facts.guess and lead.chain.by == ("host", "user") and lead.tried is not None:
        return f"{lead.tried.attempts} failures without an address for {entry.user} {where}; then {who}{tail} got in at {when}"
    if lead.facts.guess and lead.facts.habitual:
        return f"{who}, from where {entry.user} usually comes, got in as {entry.user} {where} at {when} after {tried} failures, probably the user's own"
    if lead.facts.guess:
        return f"{who}{tail} guessed the password of {entry.user} {where} after {tried} failures and got in at {when}"
    if lead.facts.spread and lead.tried is not None:
        addresses = len(lead.tried.sources)
        return f"{entry.user} was tried {lead.tried.attempts} times from {addresses} addresses; then {who}, never seen before, got in {where} at {when}"
    if lead.facts.stopped:
        return f"{who}{tail} had the right password of {entry.user} {where} after {tried} failures and was stopped at {when}"
    return f"{who}{tail} came in as {entry.user} {where} at {when}"


def _sequel(intrusion: Intrusion) -> str:
    did = deeds(intrusion.events_of(*_DEED_STAGES))
    used = [f"{event.src_ip or event.src_host or 'someone'} came in as {event.user}" for event in intrusion.events_of("use")]
    parts = [f"then {', '.join(did)}"] if did else []
    parts += [f"later {', '.join(dict.fromkeys(used[:3]))}"] if used else []
    return "".join(f"; {part}" for part in parts)


def summary(act: Act) -> str:
    """Return a stage in one line."""
    first, number = act.events[0], act.count
    if act.name in (*GUESSES, "spread"):
        names = {event.user for event in act.events if event.user}
        who = names.pop() if len(names) == 1 else "several accounts" if names else "unnamed accounts"
        return f"{number} {'failure' if number == 1 else 'failures'} for {who} on {first.host}"
    if act.name == "logon":
        method = f" by {first.auth_method}" if first.auth_method else ""
        more = f", and {len(act.events) - 1} more" if len(act.events) > 1 else ""
        return f"{source(first.src_ip or first.src_host, first.country)} got in on {first.host} as {first.user}{method}{more}"
    if act.name == "stopped":
        return f"the right password of {first.user} on {first.host} was stopped"
    if act.name == "use":
        return f"{first.src_ip or first.src_host or 'a local logon'} came in on {first.host} as {first.user}"
    return "; ".join(deeds(act.events))


def path(intrusion: Intrusion) -> tuple[Hop, ...]:
    """Return the way inwards, edge by edge in time order, each once; at most :data:`HOPS`."""
    places: dict[tuple[str, int], str] = {}
    edges: dict[tuple[str, str, str, str | None], Hop] = {}
    for event in sorted({event.row: event for event in _travel(intrusion)}.values(), key=lambda event: event.row):
        hop = _edge(event, places)
        if hop is not None:
            edges.setdefault((hop.source, hop.target, hop.via, hop.user), hop)
    return tuple(edges.values())[:HOPS]


def _travel(intrusion: Intrusion) -> tuple[Exhibit, ...]:
    return (*(case.access for case in intrusion.cases), *intrusion.events)


def _edge(event: Exhibit, places: dict[tuple[str, int], str]) -> Hop | None:
    """Return the edge that *event* is; *places* remembers the host of each session and hop."""
    host, session = event.host or "an unnamed host", event.origin_session or ""
    confidence = event.hop_confidence or "likely"
    if event.kind == Kind.AUTH_SUCCESS:
        hop = event.hop or 0
        start = event.src_ip or event.src_host or "an unknown address"
        if hop:
            start = places.get((session, hop - 1), start)
        places.setdefault((session, hop), host)
        return Hop(start, host, event.service or "logon", event.user, event.time, confidence)
    if event.kind in {Kind.AUTH_STOPPED, Kind.MFA_DENIED}:
        return None
    if event.kind == Kind.PORT_FORWARD:
        return Hop(host, event.dst_host or event.dst_ip or event.object or "an unknown address", "port forward", event.user, event.time, confidence)
    if event.account is not None:
        return Hop(host, f"account '{event.account}'", deed(event), event.user, event.time, confidence)
    if event.dst_host or event.dst_ip:
        return Hop(host, event.dst_host or event.dst_ip or "", deed(event), event.user, event.time, confidence)
    return None
