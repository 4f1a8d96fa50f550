"""Connections that were seen between zones, against what the site means to be and what the packet filters let through."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.reach.span import holds, of_address
from gatewatch.audit.reach.zone import internet
from gatewatch.audit.run import EVERYWHERE
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import PacketFilter
from gatewatch.schema.facts.flow import Flow
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import service_of

_FLOWS = Need((Flow,), "logs of connections between the zones: Zeek's conn.log, or VPC flow logs of AWS, into EVIDENCE/flows/")
_SHOWN = 5


def _crossing(facts: Facts, ground: Ground) -> dict[tuple[str, str, str], list[Flow]]:
    """Return the flows that cross from one zone into another, by zones and the asset they reach."""
    outside = internet(ground.site)
    posture = ground.site.posture
    by_address = ground.site.addresses()
    made: dict[tuple[str, str, str], list[Flow]] = {}
    for flow in facts.of(Flow):
        number = of_address(flow.source)
        source, target = posture.zone_of_address(flow.source), posture.zone_of_address(flow.target)
        name = source.name if source is not None else "internet" if number is not None and holds(outside, number) else ""
        if name and target is not None and target.name != name:
            made.setdefault((name, target.name, by_address.get(flow.target, flow.target)), []).append(flow)
    return {key: sorted(made[key], key=lambda one: (one.port, one.source)) for key in sorted(made)}


def _meant(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    groups = _crossing(facts, ground)
    if not groups:
        yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message="no connection between zones of the site was seen ([zones.NAME] cidrs)")
    for (source, target, host), flows in groups.items():
        odd = [flow for flow in flows if not _declared(ground, source, target, host, flow)]
        said = f"{sum(one.count for one in flows)} connections from {source} to {target} on {_ports(flows)}"
        yield Verdict(
            status=Status.FAIL if odd else Status.PASS, host=host, subject=f"from {source}", as_of=flows[0].as_of,
            message=f"{said}; not meant to be: {_ports(odd)}, as from {odd[0].source}" if odd else f"{said}, as declared",
            where=tuple(one.where[0] for one in (odd or flows)[:3]), resolved="[assets] allow and [[flows]] of gatewatch.toml",
            service=service_of(odd[0].port, odd[0].protocol) if odd else "",
        )  # fmt: skip


def _declared(ground: Ground, source: str, target: str, host: str, flow: Flow) -> bool:
    asset = ground.site.posture.asset(host)
    if asset is not None and any(one.holds(flow.protocol, flow.port) for one in asset.allow):
        return True
    flows = [one for one in ground.site.posture.flows if one.source == source and one.target == target]
    flows = [one for one in flows if one.until is None or one.until >= ground.today]
    return any(one.holds(flow.protocol, flow.port) for each in flows for one in each.ports)


def _agreed(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    """Ask the packet filters for each connection that came about: where they say no, they are not those on the way."""
    reach = ground.reach(facts)
    groups = _crossing(facts, ground)
    if not groups:
        yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message="no connection between zones of the site was seen ([zones.NAME] cidrs)")
    for (source, _, host), flows in groups.items():
        zone = ground.site.posture.zone(source)
        judged, odd = 0, []
        for flow in flows:
            number = of_address(flow.source)
            if number is None or of_address(flow.target) not in reach.addresses(host):
                continue
            verdict = reach.ask(((number, number),), host, flow.port, flow.protocol, zone).verdict
            judged += verdict != "may"
            odd += [flow] if verdict == "no" else []
        said = f"{judged} of {len(flows)} kinds of connections from {source} can be held against the packet filters"
        said += f"; the filters refuse {_ports(odd)} from {odd[0].source}, which came about" if odd else ""
        yield Verdict(
            status=Status.FAIL if odd else Status.PASS if judged else Status.UNKNOWN, host=host, message=said, subject=f"from {source}",
            where=tuple(one.where[0] for one in (odd or flows)[:3]), as_of=flows[0].as_of, resolved="gatewatch reach",
        )  # fmt: skip


def _ports(flows: list[Flow]) -> str:
    names = list(dict.fromkeys(f"{service_of(one.port, one.protocol)} {one.protocol}/{one.port}" for one in flows))
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.6-03a",
        title="Remote connections between zones are those that are meant to be",
        about="Every connection to a remote port that a log saw cross zones is allowed by [assets] or by a flow that has not expired.",
        measures=(Measure.SEGMENT_AUDIT, Measure.ISOLATION),
        severity=Severity.HIGH,
        needs=(_FLOWS,),
        judge=_meant,
        remediation=Remediation("Close the way, or declare the flow with its owner and reason; look into who connected."),
        mappings=nist("SI-4(4)", "CA-7", "AC-4"),
    ),
    Check(
        id="M1030.6-03b",
        title="What came about is what the packet filters let through",
        about="No connection that a log saw cross zones is one the packet filters in the evidence refuse.",
        measures=(Measure.SEGMENT_AUDIT,),
        severity=Severity.MEDIUM,
        needs=(_FLOWS, Need((PacketFilter,), "the rules of every packet filter between the zones")),
        judge=_agreed,
        remediation=Remediation("Find the way the evidence does not show: another device, another address, rules newer than the export."),
        mappings=nist("SI-4(4)", "CA-7"),
    ),
)
