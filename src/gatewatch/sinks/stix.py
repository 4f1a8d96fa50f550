"""A scan as a STIX 2.1 bundle: incidents with their techniques, addresses and accounts, and the controls that were missing.

For each incident: an ``incident``; an ``observed-data`` per stage over the addresses and accounts in it; a ``sighting`` of each technique;
an ``indicator`` of each outside address that got in with high or critical severity and that nobody vouches for; a ``note`` for each control
proved to be missing; a ``grouping`` of all of it. The five mitigations are ``course-of-action`` objects that mitigate T1133.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from gatewatch.schema.control import Control, Move, Standing
from gatewatch.schema.incidents import Incident, Scan, Severity, Stage
from gatewatch.schema.measure import Mitigation
from gatewatch.sinks import remedy
from gatewatch.sinks.document import encode
from gatewatch.sinks.escape import mend
from gatewatch.sinks.stix_object import ATTACK_RELEASE, Bundle, distinct, stamp

MOST = 999_999_999  # what number_observed and count may be
_LEVELS = {"low": 30, "medium": 60, "high": 85}  # confidence by STIX 2.1, appendix A


@dataclass(frozen=True, slots=True)
class Stix:
    """Writes the scan as one bundle; the same scan gives the same bytes."""

    name: str = "stix"
    title: str = "a STIX 2.1 bundle: incidents, sightings, observables, mitigations"

    def write(self, scan: Scan, out: TextIO, *, color: bool, width: int) -> None:  # noqa: ARG002 - a machine reads it
        """Write the bundle."""
        bundle = Bundle()
        tool = bundle.domain("identity", "gatewatch", ATTACK_RELEASE, name="gatewatch", identity_class="system")
        site = bundle.domain("identity", ("site", scan.site), ATTACK_RELEASE, name=mend(scan.site) or "the site", identity_class="organization")
        for mitigation in Mitigation:
            bundle.mitigation(mitigation, tool)
        for incident in scan.incidents:
            _incident(bundle, incident, tool, site)
        out.write(encode(bundle.whole()) + "\n")


def _incident(bundle: Bundle, incident: Incident, tool: str, site: str) -> None:
    made = bundle.domain(
        "incident", incident.id, incident.first_seen, incident.last_seen, created_by_ref=tool,
        name=mend(incident.title), description=mend(incident.verdict),
        confidence=_LEVELS.get(incident.confidence), labels=[str(incident.severity)],
        external_references=[{"source_name": "gatewatch", "external_id": incident.id}],
    )  # fmt: skip
    techniques = [bundle.technique(one.id, one.name, tool) for one in incident.attack]
    data = distinct(_observed(bundle, incident, stage, tool) for stage in incident.stages)
    sightings = [_sighting(bundle, incident, technique, data, tool, site) for technique in techniques]
    relations = [bundle.relate(made, "related-to", technique, incident.first_seen) for technique in techniques]
    indicators = _indicators(bundle, incident, techniques, data, tool)
    notes = [_note(bundle, incident, control, made, tool) for control in remedy.of(incident, Standing.MISSING)]
    everything = distinct([made, *techniques, *data, *sightings, *relations, *indicators, *notes])
    bundle.domain(
        "grouping", ("incident", incident.id), incident.first_seen, incident.last_seen, created_by_ref=tool,
        name=f"{incident.id}: {mend(incident.title)}", context="suspicious-activity", object_refs=everything,
    )  # fmt: skip


def _observed(bundle: Bundle, incident: Incident, stage: Stage, tool: str) -> str | None:
    moves = [move for move in incident.moves if move.stage == stage.name]
    references = distinct(one for move in moves for one in _things(bundle, move))
    if not references:
        return None
    return bundle.domain(
        "observed-data", (incident.id, stage.name), incident.first_seen, incident.last_seen, created_by_ref=tool, first_observed=stamp(stage.time),
        last_observed=stamp(stage.last), number_observed=min(max(stage.count, 1), MOST), object_refs=references,
    )  # fmt: skip


def _things(bundle: Bundle, move: Move) -> list[str | None]:
    source, target = bundle.address(move.src_ip), bundle.address(move.dst_ip)
    found = [source, target]
    if move.user is not None:
        found.append(bundle.observable("user-account", {"account_login": mend(move.user)}))
    names = (name for name in (move.host, move.dst_host) if name is not None and _is_domain(name))
    return [*found, *(bundle.observable("domain-name", {"value": name}) for name in names)]


def _is_domain(name: str) -> bool:
    parts = name.split(".")
    return len(parts) > 1 and all(part and part.replace("-", "").isalnum() and part.isascii() for part in parts) and not parts[-1].isdigit()


def _sighting(bundle: Bundle, incident: Incident, technique: str, data: Sequence[str], tool: str, site: str) -> str:
    return bundle.domain(
        "sighting", (incident.id, technique), incident.first_seen, incident.last_seen, created_by_ref=tool, first_seen=stamp(incident.first_seen),
        last_seen=stamp(incident.last_seen), count=1, sighting_of_ref=technique, observed_data_refs=list(data) or None, where_sighted_refs=[site],
    )  # fmt: skip


def _indicators(bundle: Bundle, incident: Incident, techniques: Sequence[str], data: Sequence[str], tool: str) -> list[str]:
    """Return an indicator for each outside address, with its relations: only where the severity is proof, and nobody vouches for it."""
    if incident.severity.rank < Severity.HIGH.rank or incident.accepted is None or incident.origin.known_by:
        return []
    made: list[str] = []
    used = {move.src_ip for move in incident.moves if move.outside and move.scope in {None, "public"}}
    for text in distinct([incident.origin.ip, *incident.origin.others]):
        if text not in used or bundle.address(text) is None:
            continue
        version = "ipv6" if ":" in text else "ipv4"
        indicator = bundle.domain(
            "indicator", (incident.id, text), incident.first_seen, incident.last_seen, created_by_ref=tool, name=f"{text} of {incident.id}",
            indicator_types=["malicious-activity"], pattern=f"[{version}-addr:value = '{text}']", pattern_type="stix",
            valid_from=stamp(incident.first_seen), confidence=_LEVELS.get(incident.confidence),
        )  # fmt: skip
        made.append(indicator)
        made += [bundle.relate(indicator, "indicates", technique, incident.first_seen) for technique in techniques]
        made += [bundle.relate(indicator, "based-on", one, incident.first_seen) for one in data]
    return made


def _note(bundle: Bundle, incident: Incident, control: Control, made: str, tool: str) -> str:
    action = bundle.mitigation(control.id, tool)
    content = f"{control.measure} {control.label} ({remedy.place(control)}) {remedy.effect(control)}: {remedy.proof(control)}"
    fix = f". To mend: {control.fix}" if control.fix else ""
    return bundle.domain(
        "note", (incident.id, control.measure, control.host, control.stage, control.check), incident.first_seen, incident.last_seen,
        created_by_ref=tool, abstract=mend(f"missing control: {control.label}"), content=mend(content + fix), object_refs=[made, action],
    )  # fmt: skip

