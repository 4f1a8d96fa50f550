"""An incident in the words a responder reads; console and HTML say the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from gatewatch.schema.incidents import Evidence, Hop, Incident, Origin, Stage
from gatewatch.sinks.digest import plural
from gatewatch.sinks.moment import aware, both, duration, local, localize, utc


def place(origin: Origin) -> str:
    """Return country and network of *origin*, or an empty string."""
    network = " ".join(part for part in (f"AS{origin.asn}" if origin.asn is not None else "", origin.as_org or "") if part)
    return ", ".join(part for part in (origin.country or "", network) if part)


def who(incident: Incident) -> str:
    """Return where the outsider came from: address, place, and whether it is known."""
    origin = incident.origin
    said = origin.ip or "unknown address"
    if place(origin):
        said += f" ({place(origin)})"
    if origin.others:
        said += f" and {listed(origin.others, 3)}"
    return said


def where(incident: Incident) -> str:
    """Return whom and what the outsider reached, and by which services from outside."""
    users = listed(incident.users, 3) or "unknown user"
    hosts = listed(incident.hosts, 3) or "unknown host"
    outside = {incident.origin.ip, *incident.origin.others}
    ways = [incident.service, *(hop.via for hop in incident.path if hop.source in outside and hop.target in incident.hosts)]
    by = listed(list(dict.fromkeys(way for way in ways if way)), 3)
    return f"{users} on {hosts}" + (f" by {by}" if by else "")


def listed(values: Sequence[str], limit: int) -> str:
    """Return the first *limit* values, and how many more there are."""
    shown = ", ".join(values[:limit])
    return f"{shown} and {len(values) - limit:,} more" if len(values) > limit else shown


def entry(incident: Incident) -> int | None:
    """Return the index of the stage that is the acceptance, or None when nothing was accepted."""
    moment = incident.accepted
    if moment is None:
        return None
    exact = [at for at, stage in enumerate(incident.stages) if stage.time == moment]
    around = exact or [at for at, stage in enumerate(incident.stages) if stage.time <= moment <= stage.last]
    if not around:
        earlier = [at for at, stage in enumerate(incident.stages) if stage.time <= moment]
        return earlier[-1] if earlier else None
    # within one second guess and logon bear the same time: the guess comes first
    return around[1] if incident.failures and around[0] == 0 and len(around) > 1 else around[0]


def onward(incident: Incident) -> tuple[Stage, ...]:
    """Return the stages after the acceptance."""
    at = entry(incident)
    return () if at is None else incident.stages[at + 1 :]


def attempts(incident: Incident) -> tuple[Stage, ...]:
    """Return the stages that are failures: before the acceptance, and more than one of them."""
    return tuple(stage for stage in guesses(incident) if incident.failures and stage.count > 1)


def steps(incident: Incident) -> tuple[Stage, ...]:
    """Return what to tell one by one: the onward steps, or what happened instead of an acceptance."""
    if incident.accepted is not None:
        return onward(incident)
    failed = attempts(incident)
    return tuple(stage for stage in incident.stages if stage not in failed)


def guesses(incident: Incident) -> tuple[Stage, ...]:
    """Return the stages before the acceptance; all of them when nothing was accepted."""
    at = entry(incident)
    return incident.stages if at is None else incident.stages[:at]


def between(incident: Incident, zone: tzinfo) -> str:
    """Return the first and last instant of the incident in *zone*; the day is said once when it is the same."""
    first, last = local(incident.first_seen, zone), local(incident.last_seen, zone)
    if first == last:
        return first
    return f"{first} to {last[11:] if first[:10] == last[:10] else last}"


def turn(incident: Incident, zone: tzinfo) -> str:
    """Return how failures became an acceptance."""
    failed = plural(incident.failures, "failure")
    if incident.accepted is None:
        return f"{failed}, nothing accepted" if incident.failures else "nothing accepted"
    # the day stands in "When" already
    here, there = localize(incident.accepted, zone), aware(incident.accepted)
    same = here.date() == there.date() == localize(incident.first_seen, zone).date() and incident.failures
    when = both(incident.accepted, zone, incident.zone)
    if same:
        when = local(incident.accepted, zone)[11:] + ("" if here.time() == there.time() else f" ({utc(incident.accepted)[11:]} UTC)")
    before = incident.accepted - incident.first_seen
    if not incident.failures:
        return f"no failure seen; accepted {when}"
    return f"{failed} in {duration(before)}, then accepted {when}"


def still_open(incident: Incident) -> str:
    """Return whether a session was still open where the logs end."""
    if incident.accepted is None:
        return "no session was opened"
    return {
        True: "yes: a session is open where the logs end",
        False: "no: every session was seen to end",
        None: "unknown: the logs do not say",
    }[incident.open]


def first_record(incident: Incident) -> Evidence | None:
    """Return the first raw record of the incident."""
    return next((evidence for stage in incident.stages for evidence in stage.evidence), None)


def repeated(stage: Stage) -> str:
    """Return how often a stage happened, as a suffix; empty for once."""
    return f" ×{stage.count:,}" if stage.count > 1 else ""


def trail(path: Sequence[Hop]) -> tuple[tuple[int, str], ...]:
    """Return the path as a tree, a row (depth, text) for a step: ``(1, "─ssh→ web1")`` below ``(0, "203.0.113.9")``.

    Steps between the same two ends are one row; what is doubtful bears a question mark. An end that was reached twice is followed once.
    """
    ways: dict[str, dict[str, list[str]]] = {}
    for hop in path:
        said = ways.setdefault(hop.source, {}).setdefault(hop.target, [])
        via = hop.via + ("?" if hop.confidence == "possible" else "")
        if via not in said:
            said.append(via)
    reached = {target for source, targets in ways.items() for target in targets if target != source}
    rows: list[tuple[int, str]] = []
    followed: set[str] = set()
    for root in (*(source for source in ways if source not in reached), *ways):
        open_ = [] if root in followed else [(0, root, root)]
        while open_:
            depth, text, end = open_.pop()
            rows.append((depth, text))
            if end not in followed:
                followed.add(end)
                below = [(depth + 1, f"─{_several(said)}→ {target}", target) for target, said in ways.get(end, {}).items()]
                open_.extend(reversed(below))
    return tuple(rows)


def _several(said: Sequence[str]) -> str:
    return said[0] if len(said) == 1 else f"{said[0]} and {len(said) - 1} more"


def reasons(incident: Incident) -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    """Return the factors that scored, like ones together: (score, name with how often, its notes without repeats)."""
    scored: dict[tuple[int, str], list[str]] = {}
    for factor in incident.why:
        if factor.score:
            scored.setdefault((factor.score, factor.factor), []).append(factor.note or "")
    return tuple(
        (score, name + (f" ×{len(notes)}" if len(notes) > 1 else ""), tuple(dict.fromkeys(note for note in notes if note)))
        for (score, name), notes in scored.items()
    )


def doubts(incident: Incident) -> tuple[str, ...]:
    """Return what could not be seen or judged: blind spots, unjudged factors, uncertain order."""
    unjudged = tuple(f"not judged: {factor.factor} ({factor.note})" for factor in incident.why if factor.score == 0 and factor.note)
    unsure = tuple(f"the order before “{stage.name}” rests on clocks that overlap" for stage in incident.stages if not stage.certain)
    seen: dict[str, None] = dict.fromkeys((*incident.blind_spots, *unsure, *unjudged))
    return tuple(seen)
