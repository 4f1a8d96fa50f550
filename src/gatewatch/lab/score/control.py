"""The controls an incident names, held against those the world was drawn with.

For each missing control and each intrusion it let through that was paired with an incident: does the incident name its measure at that host as
missing, and at the stage it let through? The link is the incident's own stage: it quotes a record that was planted for the stage, or its
move lies within it. And the other way round: of all that any incident, false ones included, calls missing, what is in place?

==============  ===================================================================================================================
fate            what the incident says of the measure at that host
==============  ===================================================================================================================
missing         proved to be missing, at a stage it let through
elsewhere       proved to be missing, but at another stage of the incident
unknown         named, and nothing in the evidence tells
present         said to be in place: wrong
unnamed         not named at all, though the incident knows of the stage on that host
unseen          the incident does not know that the intruder came by there: detection's loss, not the audit's
==============  ===================================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from gatewatch.lab.truth import Let, Safeguard
from gatewatch.schema.control import Control, Standing
from gatewatch.schema.incidents import Incident

FATES = ("missing", "elsewhere", "unknown", "present", "unnamed", "unseen")
_SLACK = timedelta(minutes=3)  # clocks of the world are off by up to 75 seconds
_STAGES = {
    "guess": ("guess", "names", "spread", "attempts", "refusals"), "entry": ("logon", "use", "stopped"), "onward": ("onward",),
    "act": ("act", "door", "exposure", "hide"),
}  # fmt: skip
Quotes = dict[str, frozenset[str]]  # stage of the incident: the planted stages whose records it quotes


class Finding(msgspec.Struct):
    """What became of a missing control in the incident of an intrusion it let through."""

    control: str
    measure: str
    host: str
    service: str
    intrusion: str
    stage: str
    fate: str


class Claim(msgspec.Struct):
    """A control that is in place, and that an incident calls missing."""

    incident: str
    control: str
    measure: str
    host: str
    service: str
    stage: str
    proof: str


class ControlScore(msgspec.Struct):
    """The score of the controls of one world. ``undrawn``: what incidents call missing and the world did not draw, by measure."""

    planted: list[Finding] = []
    wrong: list[Claim] = []
    right: int = 0
    kept: int = 0  # controls in place that an incident names, and does not call missing
    undrawn: dict[str, int] = {}


def hold(
    safeguards: Sequence[Safeguard], incidents: Sequence[Incident], paired: dict[str, Incident], quotes: Callable[[Incident, str], Quotes],
) -> ControlScore:  # fmt: skip
    """Return the score: *paired* gives the incident of an intrusion, *quotes* what an incident's stages quote of an intrusion."""
    made = ControlScore()
    for one in safeguards:
        best: dict[str, Finding] = {}  # one for each intrusion: its stage that the incident tells most of
        for let in one.lets if one.missing else ():
            incident = paired.get(let.intrusion)
            if incident is None:
                continue
            fate = _fate(one, let, incident, quotes(incident, let.intrusion))
            if let.intrusion not in best or FATES.index(fate) < FATES.index(best[let.intrusion].fate):
                best[let.intrusion] = Finding(one.control, one.measure, one.host, one.service, let.intrusion, let.stage, fate)
        made.planted += best.values()
    for incident in incidents:
        for control in incident.mitigations:
            _claim(made, incident, control, [one for one in safeguards if _same(one, control) and _meets(one, control)])
    return made


def _claim(made: ControlScore, incident: Incident, control: Control, drawn: Sequence[Safeguard]) -> None:
    missing = control.status is Standing.MISSING
    kept = [one for one in drawn if not one.missing]
    if drawn and len(kept) == len(drawn):
        if missing:
            made.wrong.append(Claim(incident.id, kept[0].control, control.measure, control.host, control.service, control.stage, control.proof))
        else:
            made.kept += 1
    elif missing and drawn:
        made.right += 1
    elif missing:
        made.undrawn[control.measure] = made.undrawn.get(control.measure, 0) + 1


def _short(name: str) -> str:
    return name.casefold().partition(".")[0]


def _same(one: Safeguard, control: Control) -> bool:
    here = not one.host or _short(one.host) == _short(control.host)
    return one.measure == control.measure and here and (not one.service or control.service in {"", one.service})


def _meets(one: Safeguard, control: Control) -> bool:
    return any(control.stage in _STAGES.get(stage, ()) for stage in one.meets)


def _fate(one: Safeguard, let: Let, incident: Incident, quotes: Quotes) -> str:
    named = [control for control in incident.mitigations if _same(one, control)]
    here = [control for control in named if _linked(control, let, quotes)]
    if any(control.status is Standing.MISSING for control in here):
        return "missing"
    if any(control.status is Standing.MISSING for control in named):
        return "elsewhere"
    for standing in (Standing.PRESENT, Standing.UNKNOWN):
        if any(control.status is standing for control in named):
            return str(standing)
    stages = {name for stage in one.meets for name in _STAGES[stage]}
    moves = [move for move in incident.moves if move.stage in stages and _within(move.time, let)]
    known = (not one.host and bool(moves)) or any(_short(one.host) in {_short(move.host or ""), _short(move.dst_host or "")} for move in moves)
    return "unnamed" if known else "unseen"


def _linked(control: Control, let: Let, quotes: Quotes) -> bool:
    return let.stage in quotes.get(control.stage, ()) or _within(control.time, let)


def _within(time: datetime, let: Let) -> bool:
    return datetime.fromisoformat(let.time) - _SLACK <= time <= datetime.fromisoformat(let.last) + _SLACK
