"""Stories: what an intrusion was, in plain words: the verdict, a line per stage, the path from the outside address inwards."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from gatewatch.detect.case import GUESSES, Case
from gatewatch.detect.deed import arrived, deed, deeds, quoted
from gatewatch.detect.exhibit import Exhibit
from gatewatch.detect.intrusion import Act, Intrusion
from gatewatch.schema.addresses import is_loopback
from gatewatch.schema.events import Kind
from gatewatch.schema.incidents import Hop
from gatewatch.schema.platform import Platform, platform_of

_RULING = frozenset({"control-plane-answered", "kubelet-run"})  # what came in is no person with an account
HOPS = 32
ALSO = 3  # further entries that the verdict names
_DEED_STAGES = ("act", "door", "foothold", "onward", "outbound", "created", "followed", "searched")


def verdict(intrusion: Intrusion, zone: str) -> str:
    """Return the incident in one or two sentences; times in *zone* (IANA)."""
    return _opening(intrusion, zone) + _sequel(intrusion, zone)


def local(moment: datetime, zone: str) -> str:
    """Return an instant as people of *zone* write it, to the second."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def source(address: str | None, country: str | None) -> str:
    """Return an address with its place.

    >>> source("203.0.113.77", "NL"), source("203.0.113.77", None), source("127.0.0.1", None)
    ('203.0.113.77 (NL)', '203.0.113.77', 'somebody behind a tunnel (127.0.0.1)')
    """
    if address is not None and is_loopback(address):
        return f"somebody behind a tunnel ({address})"
    return f"{address or 'an unknown address'} ({country})" if country else address or "an unknown address"


def _opening(intrusion: Intrusion, zone: str) -> str:
    lead, entry = intrusion.lead, intrusion.lead.access
    facts, user = lead.facts, entry.user or "an unnamed user"
    who = source(lead.origin, entry.country) + (" (a known source)" if facts.known else "")
    where, when = f"on {entry.host or 'an unnamed host'}", local(entry.time, zone)
    if facts.fatigue or facts.worn:
        refused = sum(event.weight for event in lead.hits["refusals"])
        return f"The second factor of {user} was refused {refused} times, then accepted; {who} got in {where} at {when}"
    if entry.opened:
        more = f" and {len(intrusion.origins) - 1} more" if len(intrusion.origins) > 1 else ""
        return f"{entry.host or entry.src_ip or 'an unnamed host'} went out to {entry.service or 'a remote service'} at {who}{more} at {when}"
    ruling = next((event for event in (entry, lead.anchor) if _RULING & set(event.rules)), None)
    if ruling is not None:
        return f"{who} {deed(ruling)} {where} at {when}"
    if lead.tried is None:
        return f"{who} came in as {user} {where} at {when}{_without(lead, user)}{_campaign(lead)}"
    own, tried = lead.tried, max(intrusion.tried, lead.tried.attempts)
    if facts.guess:
        return _guess(lead, who, user, where, when, tried)
    if facts.spread:
        many = f"{user} was tried {own.attempts} times from {len(own.sources)} addresses"
        return f"{many}; then {who}, never seen before, got in {where} at {when}"
    failed = f"{who} failed {own.attempts} {'time' if own.attempts == 1 else 'times'}, then had the right password of {user} {where} at {when}"
    return f"{failed} and was stopped: {stopped_by(entry)}{'' if intrusion.accepted else '; nobody got in'}"


_WITHOUT = {"mfa-passed": "the second factor that {user} always passes", "gateway-authenticated": "any record of authentication"}


def _without(lead: Case, user: str) -> str:
    """Return what should have happened with the logon and did not."""
    absent = (_WITHOUT[rule] for stage in lead.chain.stages if stage.absent for rule in stage.rules if rule in _WITHOUT)
    return "".join(f", without {text.format(user=user)}" for text in dict.fromkeys(absent))


def _campaign(lead: Case) -> str:
    """Return how many others tried to get in at the same time."""
    failed = lead.hits.get("campaign", ())
    addresses, names = ({getattr(event, name) for event in failed} - {None} for name in ("src_ip", "user"))
    return f", while {len(addresses)} addresses tried {len(names)} accounts there" if failed else ""


_STOPS = (
    (r"expir|must.?change|0xc0000071|0xc0000224", "the password or the account has expired"),
    (r"lock|0xc0000234", "the account is locked"),
    (r"disab|0xc0000072", "the account is disabled"),
    (r"root", "root may not log on so"),
    (r"factor|mfa|push|otp", "the second factor was not given"),
    (r"group|role|allow|acct|account|unauthori|denied|refus|policy|polic", "the account may not log on there"),
)


def stopped_by(event: Exhibit) -> str:
    """Return what stopped *event*, whose password was right, in words."""
    if event.kind == Kind.MFA_DENIED:
        return "the second factor was refused"
    told = " ".join(filter(None, (event.pattern, event.object))).casefold()
    return next((words for regex, words in _STOPS if re.search(regex, told)), "by a rule of the service or a second factor")


def _guess(lead: Case, who: str, user: str, where: str, when: str, tried: int) -> str:
    stages, own = {stage.name for stage in lead.match.stages}, lead.tried
    if "names" in stages and own is not None:
        return f"{who} tried {own.names} account names in {tried} failures and got in as {user} {where} at {when}"
    if "spread" in stages and own is not None:
        guessed = f"The password of {user} was guessed in {own.attempts} failures from {len(own.sources)} addresses"
        return f"{guessed}; {who} got in {where} at {when}"
    if lead.chain.by == ("host", "user") and own is not None:
        return f"{own.attempts} failures without an address for {user} {where}; then {who} got in at {when}"
    if lead.facts.habitual:
        came = f"{who}, from where {user} usually comes, got in as {user} {where} at {when}"
        return f"{came} after {tried} failures, probably the user's own"
    return f"{who} guessed the password of {user} {where} after {tried} failures and got in at {when}"


def _sequel(intrusion: Intrusion, zone: str) -> str:
    also = dict.fromkeys(
        f"as {case.access.user or 'an unnamed user'} on {case.access.host} at {local(case.access.time, zone)}"
        for case in intrusion.cases
        if case.access.kind == Kind.AUTH_SUCCESS and case.access.outside and case.access.host not in {None, intrusion.lead.access.host}
    )
    did = deeds(tuple(event for event in intrusion.events_of(*_DEED_STAGES) if not (intrusion.lead.access.opened and event.opened)))
    used = [f"{event.src_ip or event.src_host or 'someone'} came in as {event.user}" for event in intrusion.events_of("use")]
    again = [case.access for case in intrusion.cases if case.facts.reused]
    used += [f"{source(event.src_ip, event.country)} came in with the guessed password of {event.user}" for event in again]
    seen = dict.fromkeys(source(event.src_ip, event.country) for event in intrusion.events_of("moved"))
    opened = [event for event in intrusion.events_of("exposure", "shut") if event.time <= intrusion.lead.access.time]
    before = [f"before, {opened[0].user or 'somebody'} had {deed(opened[0])} at {local(opened[0].time, zone)}"] if opened else []
    parts = [f"also got in {', '.join(list(also)[:ALSO])}{f' and {len(also) - ALSO} more' if len(also) > ALSO else ''}"] if also else []
    parts += [f"then {', '.join(did)}"] if did else []
    parts += [f"later {', '.join(list(dict.fromkeys(used))[:3])}"] if used else []
    parts += [f"the same session was seen at {' and '.join(list(seen)[:ALSO])}"] if seen else []
    return "".join(f"; {part}" for part in (*before, *parts))


def summary(act: Act) -> str:
    """Return a stage in one line."""
    first, number = act.events[0], act.count
    if act.name in (*GUESSES, "spread", "miss", "campaign"):
        names = {event.user for event in act.events if event.user}
        who = names.pop() if len(names) == 1 else "several accounts" if names else "unnamed accounts"
        return f"{number} {'failure' if number == 1 else 'failures'} for {who} on {first.host}"
    if act.name == "logon":
        if first.kind != Kind.AUTH_SUCCESS:
            return f"{source(first.src_ip, first.country)} {deed(first)}"
        method = f" by {first.auth_method}" if first.auth_method else ""
        more = f", and {len(act.events) - 1} more" if len(act.events) > 1 else ""
        return f"{source(first.src_ip or first.src_host, first.country)} got in on {first.host} as {first.user}{method}{more}"
    if act.name == "refusals":
        return f"the second factor of {first.user or 'an unnamed user'} was refused {number} times"
    if act.name == "moved":
        places = " and ".join(dict.fromkeys(source(event.src_ip, event.country) for event in act.events))
        return f"one session of {first.user or 'an unnamed user'} at {places}"
    if act.name == "stopped":
        return f"the right password of {first.user or 'an unnamed user'} on {first.host} was stopped: {stopped_by(first)}"
    if act.name == "privilege":
        ran = list(dict.fromkeys(quoted(event.command) for event in act.events if event.command))
        rights = "administrator rights" if platform_of(first.source) is Platform.WINDOWS else "root rights"
        return f"{rights} used {number} {'time' if number == 1 else 'times'}{': ' if ran else ''}{'; '.join(ran[:3])}"
    if act.name == "use":
        return f"{first.src_ip or first.src_host or 'a local logon'} came in on {first.host} as {first.user}"
    return "; ".join(deeds(act.events))


def path(intrusion: Intrusion, walk: tuple[Exhibit, ...] = ()) -> tuple[Hop, ...]:
    """Return the way inwards, edge by edge in time order, each once; at most :data:`HOPS`.

    *walk*: logons of the same outsider that no chain asked for.
    """
    places: dict[tuple[str, int], str] = {}
    edges: dict[tuple[str, str, str, str | None], Hop] = {}
    events = tuple({event.row: event for event in (*walk, *_travel(intrusion))}.values())
    for event in sorted(arrived(events), key=lambda event: event.row):
        hop = _edge(event, places)
        if hop is not None:
            edges.setdefault((hop.source, hop.target, hop.via, hop.user), hop)
    return tuple(edges.values())[:HOPS]


def _travel(intrusion: Intrusion) -> tuple[Exhibit, ...]:
    before = {event.row for event in intrusion.events_of("shut")}
    return (*(case.access for case in intrusion.cases), *(event for event in intrusion.events if event.row not in before))


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
    if event.kind != Kind.AUTH_SUCCESS and event.entered:
        return Hop(event.src_ip or "an unknown address", host, event.service or "connection", event.user, event.time, confidence)
    if event.kind in {Kind.AUTH_STOPPED, Kind.MFA_DENIED}:
        return None
    if event.kind == Kind.PORT_FORWARD:
        return Hop(host, event.dst_host or event.dst_ip or event.object or "an unknown address", "port forward", event.user, event.time, confidence)
    if event.account is not None:
        return Hop(host, f"account '{event.account}'", deed(event), event.user, event.time, confidence)
    if event.dst_host or event.dst_ip:
        return Hop(host, event.dst_host or event.dst_ip or "", deed(event), event.user, event.time, confidence)
    return None
