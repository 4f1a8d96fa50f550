"""What scans saw: open remote ports that nobody allows from that zone, and where the rules say otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.reach.query import Reach
from gatewatch.audit.reach.zone import sources
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.filter import PacketFilter
from gatewatch.schema.facts.machine import Listener
from gatewatch.schema.facts.server import ScanHost
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import GATEWAYS, service_of

_SCAN = Need((ScanHost,), "nmap -Pn -p- -oX scan-from-ZONE.xml TARGETS, run from that zone")
_FILTER = Need((PacketFilter,), "the packet filters on the way (nft, iptables-save, ASA, FortiOS, Windows …)")


def _open(facts: Facts, scan: ScanHost) -> list[Listener]:
    return [
        one for one in facts.of(Listener, scan.host)
        if one.where and scan.where and one.where[0].file == scan.where[0].file and (one.service or service_of(one.port, one.protocol))
    ]  # fmt: skip


def _allowed(ground: Ground, scan: ScanHost, one: Listener) -> bool:
    asset = ground.site.posture.asset(scan.host)
    if asset is not None and any(ports.holds(one.protocol, one.port) for ports in asset.allow):
        return True
    if one.service in GATEWAYS and scan.host in ground.site.posture.concentrators:
        return True
    return asset is not None and any(
        flow.source == scan.zone and flow.target in {asset.zone, asset.name} and any(ports.holds(one.protocol, one.port) for ports in flow.ports)
        and (flow.until is None or flow.until >= ground.today)
        for flow in ground.site.posture.flows
    )  # fmt: skip


def _seen(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for scan in facts.of(ScanHost):
        zone = scan.zone or "an unnamed zone"
        odd = [one for one in _open(facts, scan) if not _allowed(ground, scan, one)]
        if not scan.zone:
            said = f"{len(odd)} remote ports are open; from where the scan was made is not said (name the file scan-from-ZONE.xml)"
            yield Verdict(status=Status.UNKNOWN, host=scan.host, message=said, where=scan.where, as_of=scan.as_of)
            continue
        for one in odd:
            yield Verdict(
                status=Status.FAIL, host=scan.host, service=one.service, subject=f"{zone} {one.protocol}/{one.port}",
                message=f"{one.service} ({one.protocol}/{one.port}) is open from {zone}, which nobody allows", value=one.process,
                resolved="as nmap saw it",
                where=one.where, as_of=scan.as_of, severity=Severity.CRITICAL if scan.zone == "internet" else None,
            )  # fmt: skip
        if not odd:
            known = scan.complete and scan.asked > 0
            said = f"no remote port is open from {zone} that nobody allows"
            if not known:
                said = f"the scan from {zone} did not end, or does not say what it asked"
            yield Verdict(
                status=Status.PASS if known else Status.UNKNOWN, host=scan.host, subject=zone, message=said, value=f"{scan.asked} ports asked",
                resolved="as nmap saw it", where=scan.where, as_of=scan.as_of,
            )  # fmt: skip


def _agrees(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    reach = Reach(facts, ground.site)
    for scan in facts.of(ScanHost):
        found = sources(ground.site, scan.zone) if scan.zone else None
        opened = _open(facts, scan)
        if found is None or not opened:
            said = "no remote port was seen open" if found is not None else f"the site knows no zone {scan.zone or '(unnamed)'}"
            yield Verdict(
                status=Status.NOT_APPLICABLE if found is not None else Status.UNKNOWN, host=scan.host, message=said, subject=scan.zone,
                where=scan.where,
            )  # fmt: skip
            continue
        spans, zone = found
        for one in opened:
            answer = reach.ask(spans, scan.host, one.port, one.protocol, zone)
            status = {"yes": Status.PASS, "may": Status.UNKNOWN, "no": Status.FAIL}[answer.verdict]
            verb = {"yes": "say so too", "may": "do not decide it", "no": "say it is closed: a rule set is stale or missing"}[answer.verdict]
            yield Verdict(
                status=status, host=scan.host, service=one.service, subject=f"{scan.zone} {one.protocol}/{one.port}",
                message=f"{one.protocol}/{one.port} was seen open from {scan.zone}; the rules {verb}", where=one.where, as_of=scan.as_of,
                resolved="scan against rules",
            )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.7-01",
        title="A scan sees no remote port that nobody allows",
        about="Each remote port that a scan from a zone saw open is allowed in [assets] or [[flows]].",
        measures=(Measure.SEGMENT_TEST, Measure.DMZ),
        severity=Severity.HIGH,
        needs=(_SCAN,),
        judge=_seen,
        remediation=Remediation("Close the port at the edge, or declare it in [assets.HOST] allow or [[flows]]."),
        mappings=nist("CA-8", "RA-5", "SC-7"),
        references=("nmap(1)",),
    ),
    Check(
        id="M1030.7-02",
        title="Scans and rules agree",
        about="Each remote port that a scan saw open is open by the rules in the evidence.",
        measures=(Measure.SEGMENT_TEST,),
        severity=Severity.MEDIUM,
        needs=(_SCAN, _FILTER),
        judge=_agrees,
        remediation=Remediation("Collect the rules anew, and look for a device on the way that is not in the evidence."),
        mappings=nist("CA-8"),
    ),
)
