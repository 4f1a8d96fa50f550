"""Zones that outsiders stand in, VPN pools and the DMZ: from there nobody reaches remote services of inner assets but by declared flows."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Criterion, Ground, Need, Verdict, nist
from gatewatch.audit.checks.segment import reached_from
from gatewatch.audit.run import EVERYWHERE
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import PacketFilter
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.site.posture import ZoneKind

_FILTER = Need((PacketFilter,), "the rules of every firewall on the way, and [zones], [assets], [[flows]] in gatewatch.toml")
_OUTER = frozenset({ZoneKind.DMZ, ZoneKind.VPN, ZoneKind.INTERNET})


def _from(kind: ZoneKind, word: str) -> Criterion:
    """Return a criterion that asks from every zone of *kind* for every asset of an inner zone."""

    def criterion(facts: Facts, ground: Ground) -> Iterator[Verdict]:
        posture = ground.site.posture
        names = [zone.name for zone in posture.zones if zone.kind is kind]
        inner = {zone.name for zone in posture.zones if zone.kind not in _OUTER}
        assets = [asset for asset in posture.assets if asset.zone in inner]
        if not names:
            yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message=f"the site declares no zone of kind {kind}: {word}")
        elif not assets:
            yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message="the site declares no asset in an inner zone: [assets.NAME] zone = …")
        else:
            yield from reached_from(names, assets, facts, ground)

    return criterion


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.4-01", title="Users of the VPN reach remote services by declared flows only",
        about="From each zone of kind vpn, and for each asset of an inner zone, the packet filters let nobody reach a remote port, [[flows]] aside.",
        measures=(Measure.ISOLATION, Measure.REMOTE_ACCESS), severity=Severity.HIGH, needs=(_FILTER,),
        judge=_from(ZoneKind.VPN, "[zones.NAME] kind = 'vpn' with the addresses of its pool"),
        remediation=Remediation(
            "Filter the pool on the gateway or behind it, by group of users, and declare what is meant.", "",
            "Whoever administers through the VPN is locked out, unless the way of the jump host stays.",
        ),
        mappings=nist("SC-7(7)", "AC-4", "AC-17"),
    ),
    Check(
        id="M1030.2-02", title="The DMZ reaches remote services inside by declared flows only",
        about="From each zone of kind dmz, and for each asset of an inner zone, the packet filters let nobody reach a remote port, [[flows]] aside.",
        measures=(Measure.DMZ, Measure.ISOLATION), severity=Severity.HIGH, needs=(_FILTER,),
        judge=_from(ZoneKind.DMZ, "[zones.NAME] kind = 'dmz'"),
        remediation=Remediation("Let the gateway reach its targets and nothing else.", "", "A gateway whose targets are not listed loses them."),
        mappings=nist("SC-7", "AC-4"),
    ),
)  # fmt: skip
