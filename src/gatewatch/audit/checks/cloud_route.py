"""Routes between networks of a cloud: none leads from where users or outsiders stand to a critical network, unless the site means it to."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.reach.span import meet, normal, shown
from gatewatch.audit.reach.zone import of_network
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.cloud import NetworkRoute
from gatewatch.schema.facts.filter import FOUR_SPAN, SIX_SPAN, Spans
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.site.posture import Zone, ZoneKind

_NEAR = frozenset({ZoneKind.INTERNET, ZoneKind.USER, ZoneKind.DMZ, ZoneKind.VPN})


def _zones(ground: Ground, spans: Spans) -> list[Zone]:
    """Return the zones that share addresses with *spans*."""
    return [zone for zone in ground.site.posture.zones if meet(normal(of_network(one) for one in zone.networks), spans)]


def _routes(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    posture = ground.site.posture
    critical = {asset.zone for asset in posture.assets if asset.critical} | {zone.name for zone in posture.zones if zone.kind is ZoneKind.CRITICAL}
    for host in dict.fromkeys(one.host for one in facts.of(NetworkRoute)):
        mine = facts.of(NetworkRoute, host)
        across = [one for one in mine if one.via]
        if not across:
            said = f"no route of {len({one.network for one in mine})} networks leads to another network"
            yield Verdict(status=Status.PASS, host=host, message=said, where=mine[0].where, as_of=mine[0].as_of, resolved="route tables")
        for route in across:
            subject = f"{route.network} by {route.via}"
            status, said = _judged(route, critical, ground)
            yield Verdict(
                status=status, host=host, message=f"{', '.join(shown(route.target, 2))}: {said}", subject=subject, where=route.where,
                as_of=route.as_of, resolved="route tables; zones and [[flows]] of the site", value=route.via,
            )  # fmt: skip


def _judged(route: NetworkRoute, critical: set[str | None], ground: Ground) -> tuple[Status, str]:
    whole = bool(route.target) and route.target[0] in {FOUR_SPAN, SIX_SPAN}
    if not critical:
        return Status.UNKNOWN, "the site declares no critical zone: [zones.NAME] kind = 'critical' with the addresses of its network"
    reached = [zone for zone in _zones(ground, route.target) if zone.name in critical]
    here = _zones(ground, route.source)
    if not reached:
        return Status.PASS, "leads to no critical zone"
    if any(zone.name in critical for zone in here):
        return Status.PASS, "leads from a critical zone"
    if not here:
        return Status.UNKNOWN, f"leads to {reached[0].name} from a network that no zone names"
    flows = [one for one in ground.site.posture.flows if one.until is None or one.until >= ground.today]
    odd = [
        (zone.name, goal.name) for zone in here for goal in reached
        if zone.kind in _NEAR and not any(flow.source == zone.name and flow.target == goal.name for flow in flows)
    ]  # fmt: skip
    if not odd:
        return Status.PASS, f"leads from {here[0].name} to {reached[0].name}, which is meant to be, or from no zone of users"
    said = f"leads from {odd[0][0]} to the critical zone {odd[0][1]}, and no flow is declared"
    if whole or route.via.startswith(("tgw-", "vgw-", "core-")):
        return Status.UNKNOWN, said + f"; whether {route.via} passes it on is not in the evidence"
    return Status.FAIL, said


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.3-05", title="AWS: no route leads users' networks to critical ones",
        about="No route to a peering connection or transit gateway leads from a zone of users, DMZ or VPN to a critical zone, [[flows]] aside.",
        measures=(Measure.CLOUD_SEGMENTATION, Measure.CRITICAL_SYSTEMS), severity=Severity.HIGH,
        needs=(Need((NetworkRoute,), "aws ec2 describe-route-tables > EVIDENCE/ACCOUNT/commands/ec2-route-tables.json"),), judge=_routes,
        remediation=Remediation(
            "Remove the route, or route to the subnets that are meant only, and declare the flow.",
            "aws ec2 delete-route --route-table-id rtb-… --destination-cidr-block …", "Whatever crosses the peering stops.",
        ),
        mappings=nist("SC-7(21)", "AC-4", "SC-7"), references=("Amazon VPC: route tables, peering",),
    ),
)  # fmt: skip
