"""Controls of an incident in words: what was missing, what was there and did not cut, what nobody knows; console and HTML say the same."""

from __future__ import annotations

from collections.abc import Sequence

from gatewatch.schema.control import Control, Effect, Smallest, Standing, WhatIf
from gatewatch.schema.incidents import Incident
from gatewatch.sinks.digest import plural


def of(incident: Incident, status: Standing) -> tuple[Control, ...]:
    """Return the controls of *incident* with that standing; the order is kept, gravest first."""
    return tuple(one for one in incident.mitigations if one.status is status)


def name(control: Control) -> str:
    """Return the measure: ``M1032 Authentication Tools and Methods``."""
    return f"{control.id} {control.label}"


def place(control: Control) -> str:
    """Return where it would have met what: ``ssh on gate01, logon``."""
    return f"{control.service + ' on ' if control.service else ''}{control.host or 'a host'}, {control.stage}"


def effect(control: Control) -> str:
    """Return what it would have done to that stage."""
    return {Effect.CUTS: "would have cut it", Effect.MAY_CUT: "may have cut it", Effect.SHOWS: "would have shown it"}[control.effect]


def proof(control: Control) -> str:
    """Return what says so, and what that means for the time of the incident."""
    return "; ".join(part for part in (control.proof, control.then) if part)


def labels(controls: Sequence[Control]) -> tuple[str, ...]:
    """Return the measures of *controls* by their names, each once."""
    return tuple(dict.fromkeys(one.label for one in controls))


def collect(controls: Sequence[Control]) -> tuple[str, ...]:
    """Return what to bring to know, each thing once."""
    parts = [part for one in controls for part in one.collect.split("; ")]
    return tuple(dict.fromkeys(part for part in parts if part))


def smallest(found: Smallest, what: WhatIf, of_mitigations: bool) -> str:
    """Return the smallest set in a sentence."""
    noun = "mitigation" if of_mitigations else "measure"
    can = len(what.incidents) - len(what.unbroken)
    if not found.members:
        return f"no {noun} would surely have broken an incident"
    breakers = what.mitigations if of_mitigations else what.measures
    reached = len({incident for one in breakers if one.id in found.members for incident in one.breaks})
    labels = {one.id: one.label for one in breakers}
    said = ", ".join(f"{one} {labels.get(one, '')}".strip() for one in found.members)
    others = f"; {plural(found.others, 'other set is', 'other sets are')} as small, none with less effort" if found.others else ""
    return f"{said} would have broken {reached} of {can} that can be broken{others}"
