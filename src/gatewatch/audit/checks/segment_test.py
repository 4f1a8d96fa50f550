"""Tests of segmentation: what probes from the zones reached, against what the site means to be open and what the packet filters say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.probe_plan import called, meant, plan, zones
from gatewatch.audit.reach.span import less, of_address
from gatewatch.audit.reach.zone import sources
from gatewatch.audit.run import EVERYWHERE
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import PacketFilter
from gatewatch.schema.facts.probe import Probe, Result
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_PROBES = Need((Probe,), "gatewatch probe-plan -c gatewatch.toml --from ZONE > plan.sh; in that zone: bash plan.sh > EVIDENCE/probe-ZONE.csv")
_FILTERS = Need((PacketFilter,), "the rules of every packet filter between the zones")
_SHOWN = 6


def _groups(facts: Facts) -> dict[tuple[str, str], list[Probe]]:
    """Return the latest probe of each port, by zone and host."""
    latest: dict[tuple[str, str, str, int], Probe] = {}
    for probe in facts.of(Probe):
        key = (probe.zone, probe.host, probe.address, probe.port)
        if key not in latest or (probe.as_of is not None and (latest[key].as_of or probe.as_of) <= probe.as_of):
            latest[key] = probe
    groups: dict[tuple[str, str], list[Probe]] = {}
    for probe in latest.values():
        groups.setdefault((probe.zone, probe.host), []).append(probe)
    return {key: sorted(groups[key], key=lambda one: (one.port, one.address)) for key in sorted(groups)}


def _reached(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for (zone, host), probes in _groups(facts).items():
        asset = ground.site.posture.asset(host)
        found = [one for one in probes if one.result is Result.OPEN]
        within = asset is not None and asset.zone == zone  # what a zone's own members reach is no matter of segmentation between zones
        odd = [one for one in found if not within and not meant(ground.site, zone, host, one.port, ground.today)]
        said = f"from {zone}, {len(probes)} ports tried, {len(found)} open"
        status = Status.PASS
        if odd and asset is None:
            status, said = Status.UNKNOWN, f"{said}; [assets.{host}] does not say what may be"
        elif odd:
            status, said = Status.FAIL, f"{said}; not meant to be: {_ports(odd)}"
        yield Verdict(
            status=status, host=host, message=said, subject=f"from {zone}", where=tuple(place for one in (odd or probes)[:3] for place in one.where),
            as_of=_latest(probes), resolved="[assets] allow and [[flows]] of gatewatch.toml",
            severity=Severity.CRITICAL if odd and asset is not None and asset.critical else None,
        )  # fmt: skip


def _agreed(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    """Ask the packet filters for each probe; where they cannot tell for every address of the zone, nothing is judged by them."""
    reach = ground.reach(facts)
    for (zone, host), probes in _groups(facts).items():
        found = sources(ground.site, zone)
        judged, odd = 0, []
        for probe in probes if found is not None and found[0] else ():
            answer = reach.ask(found[0], host, probe.port, probe.protocol, found[1]) if found is not None else None
            if answer is None or (probe.address and of_address(probe.address) not in reach.addresses(host)):
                continue
            every = not less(found[0], answer.sure) if found is not None else False
            if answer.verdict == "no":
                judged += 1
                odd += [(probe, "the packet filters let nobody of the zone through")] if probe.result is Result.OPEN else []
            elif every:
                judged += 1
                odd += [(probe, "the packet filters let the whole zone through")] if probe.result is Result.FILTERED else []
        said = f"from {zone}, {judged} of {len(probes)} probes can be held against the packet filters"
        status = Status.FAIL if odd else Status.PASS if judged else Status.UNKNOWN
        if odd:
            told = "; ".join(f"{called(probe.port)} is {probe.result}, and {why}" for probe, why in odd[:_SHOWN])
            said = f"{said}; {len(odd)} disagree: {told}" + (f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else "")
        yield Verdict(
            status=status, host=host, message=said, subject=f"from {zone}", resolved="gatewatch reach from every address of the zone",
            where=tuple(place for probe, _ in odd[:3] for place in probe.where) or probes[0].where,
            as_of=_latest(probes),
        )  # fmt: skip


def _covered(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    done = {(probe.zone, probe.host, probe.address, probe.port) for probe in facts.of(Probe)}
    silent = True
    for zone in zones(ground.site):
        wanted = plan(ground.site, zone)
        missing = [one for one in wanted if (one.zone, one.host, one.address, one.port) not in done]
        if not wanted:
            continue
        silent = False
        hosts = list(dict.fromkeys(one.host for one in missing))
        said = f"from {zone}, {len(wanted) - len(missing)} of {len(wanted)} planned probes are in the evidence"
        said += f"; missing towards {', '.join(hosts[:_SHOWN])}{f' and {len(hosts) - _SHOWN} more' if len(hosts) > _SHOWN else ''}" if hosts else ""
        status = Status.FAIL if missing else Status.PASS
        yield Verdict(status=status, host=EVERYWHERE, message=said, subject=f"from {zone}", resolved="gatewatch probe-plan")
    if silent:
        said = "the site declares no asset with an address that another zone could try ([assets], [hosts] addresses)"
        yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message=said)


def _latest(probes: list[Probe]) -> datetime | None:
    return max((one.as_of for one in probes if one.as_of is not None), default=None)


def _ports(probes: list[Probe]) -> str:
    names = list(dict.fromkeys(called(one.port) for one in probes))
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.7-06",
        title="Probes from each zone reach only what is meant to be reached",
        about="Every port that a probe from a zone found open is allowed by [assets] or by a flow of that zone that has not expired.",
        measures=(Measure.SEGMENT_TEST,),
        severity=Severity.HIGH,
        needs=(_PROBES,),
        judge=_reached,
        remediation=Remediation("Close the port towards that zone, or declare the flow with its owner and reason."),
        mappings=nist("CA-8", "RA-5", "SC-7"),
    ),
    Check(
        id="M1030.7-07",
        title="Probes and packet filters agree",
        about=(
            "No probe got through where the packet filters in the evidence let nobody of the zone through, and none was left without an answer where "
            "they let all of it through."
        ),
        measures=(Measure.SEGMENT_TEST, Measure.SEGMENT_AUDIT),
        severity=Severity.MEDIUM,
        needs=(_PROBES, _FILTERS),
        judge=_agreed,
        remediation=Remediation("Find the way the evidence does not show: another device, another address, rules newer than the export."),
        mappings=nist("CA-8"),
    ),
    Check(
        id="M1030.7-05",
        title="Every zone was tried towards every asset",
        about="The evidence holds a result for each probe that gatewatch probe-plan names.",
        measures=(Measure.SEGMENT_TEST,),
        severity=Severity.LOW,
        needs=(_PROBES,),
        judge=_covered,
        remediation=Remediation("Run the plan in the zones that are missing."),
        mappings=nist("CA-8"),
    ),
)
