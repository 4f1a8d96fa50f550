"""Segmentation as the site describes it: critical assets in zones of their own, reached by nobody but management; denials logged; tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.checks.attestation import attested
from gatewatch.audit.reach.span import meet, shown
from gatewatch.audit.reach.zone import sources
from gatewatch.audit.run import EVERYWHERE
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.filter import FOUR_SPAN, Action, PacketFilter
from gatewatch.schema.facts.machine import System
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import remote_ports, service_of
from gatewatch.site.posture import Asset, ZoneKind

_FILTER = Need(
    (PacketFilter,), "the rules of every firewall on the way (nft, iptables-save, ASA, FortiOS, PAN-OS, cloud groups)", systems=(System.LINUX,)
)
_NEAR = frozenset({ZoneKind.INTERNET, ZoneKind.USER, ZoneKind.DMZ, ZoneKind.VPN})
_UNDECLARED = "the site declares no critical asset: [assets.NAME] critical = true"


def _critical(ground: Ground) -> list[Asset]:
    return [asset for asset in ground.site.posture.assets if asset.critical]


def _placed(_facts: Facts, ground: Ground) -> Iterator[Verdict]:
    posture = ground.site.posture
    if not _critical(ground):
        yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message=_UNDECLARED)
    for asset in _critical(ground):
        zone = posture.zone(asset.zone) if asset.zone else None
        if zone is None:
            yield Verdict(status=Status.UNKNOWN, host=asset.name, message="a critical asset of which no zone is declared")
            continue
        good = zone.kind in {ZoneKind.CRITICAL, ZoneKind.MANAGEMENT}
        said = f"stands in zone {zone.name}, which is of kind {zone.kind}"
        addresses = [text for text, name in ground.site.addresses().items() if name == asset.name]
        astray = [text for text in addresses if (found := posture.zone_of_address(text)) is not None and found != zone]
        if astray:
            good, said = False, f"declared in zone {zone.name}, but {', '.join(astray)} lies in another"
        yield Verdict(status=Status.PASS if good else Status.FAIL, host=asset.name, message=said, value=zone.name, resolved="gatewatch.toml")


def _reached(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    """Ask for every critical asset, every zone that is near users, and every remote port."""
    if not _critical(ground):
        yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message=_UNDECLARED)
        return
    zones = [zone.name for zone in ground.site.posture.zones if zone.kind in _NEAR and zone.name != "internet"]
    yield from reached_from(["internet", *zones], _critical(ground), facts, ground)


def reached_from(names: Sequence[str], assets: Sequence[Asset], facts: Facts, ground: Ground) -> Iterator[Verdict]:
    """Yield for each of *assets* and each zone in *names* whether a remote port can be reached from there; declared flows are left out."""
    reach = ground.reach(facts)
    posture = ground.site.posture
    for asset in assets:
        for name in names:
            found = sources(ground.site, name)
            if found is None or not found[0]:
                continue
            allowed = [flow for flow in posture.flows if flow.source == name and flow.target == asset.zone]
            open_: list[tuple[str, str]] = []
            doubt: list[str] = []
            notes: tuple[str, ...] = ()
            where: tuple[Where, ...] = ()
            for protocol, port in remote_ports():
                if any(one.holds(protocol, port) for flow in allowed for one in flow.ports):
                    continue
                answer = reach.ask(found[0], asset.name, port, protocol, found[1])
                if answer.verdict == "yes":
                    open_.append((f"{service_of(port, protocol)} {protocol}/{port}", ", ".join(shown(answer.sure, 2))))
                    where = where or tuple(step.where for step in answer.steps if step.action in {Action.ACCEPT, Action.NAT})[:3]
                elif answer.verdict == "may":
                    doubt.append(f"{protocol}/{port}")
                    notes = notes or answer.notes
            subject = f"from {name}"
            if open_:
                said = f"{len(open_)} remote ports can be reached from {name}: " + ", ".join(text for text, _ in open_[:5])
                yield Verdict(status=Status.FAIL, host=asset.name, message=said, subject=subject, value=f"by {open_[0][1]}", where=where)
            elif doubt:
                said = f"{len(doubt)} remote ports may be reached from {name}" + (f": {notes[0]}" if notes else "")
                yield Verdict(status=Status.UNKNOWN, host=asset.name, message=said, subject=subject)
            else:
                yield Verdict(status=Status.PASS, host=asset.name, message=f"no remote port can be reached from {name}", subject=subject)


def _flows(_facts: Facts, ground: Ground) -> Iterator[Verdict]:
    posture = ground.site.posture
    critical = {asset.zone for asset in _critical(ground)} | {zone.name for zone in posture.zones if zone.kind is ZoneKind.CRITICAL}
    if not critical:
        yield Verdict(status=Status.UNKNOWN, host=EVERYWHERE, message=_UNDECLARED)
        return
    bad = 0
    for number, flow in enumerate(posture.flows, 1):
        zone = posture.zone(flow.source)
        kind = zone.kind if zone is not None else ZoneKind.INTERNET
        remote = [f"{one.protocol}/{one.first}" for one in flow.ports for protocol, port in remote_ports() if one.holds(protocol, port)]
        if flow.target in critical and kind in _NEAR and remote:
            bad += 1
            said = f"flow {number} lets {flow.source} straight to {flow.target} on {', '.join(dict.fromkeys(remote))} ({flow.owner}: {flow.why})"
            yield Verdict(status=Status.FAIL, host=EVERYWHERE, message=said, subject=f"flow {number}", resolved="gatewatch.toml")
        elif flow.until is not None and flow.until < ground.today:
            bad += 1
            yield Verdict(status=Status.FAIL, host=EVERYWHERE, message=f"flow {number} expired on {flow.until}", subject=f"flow {number}")
    if not bad:
        said = f"none of {len(posture.flows)} flows leads from users to critical zones on a remote port"
        yield Verdict(status=Status.PASS, host=EVERYWHERE, message=said, resolved="gatewatch.toml")


_ELSEWHERE = frozenset({"aws-sg", "aws-nacl", "azure-nsg", "gcp-firewall", "networkpolicy"})
"""Platforms whose rules cannot log: flow logs of the network do."""


def _logged(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host, platform in dict.fromkeys((one.host, one.platform) for one in facts.of(PacketFilter) if one.platform in _ELSEWHERE):
        said = f"{platform}: its rules cannot log; flow logs of the network do"
        yield Verdict(status=Status.NOT_APPLICABLE, host=host, message=said, subject=f"{platform} log")
    for rules in facts.of(PacketFilter):
        if rules.platform in _ELSEWHERE:
            continue
        by_name = {chain.name: chain for chain in rules.chains}
        hooks = [by_name[name] for name in (*rules.input, *rules.forward, *(rules.prerouting if rules.platform == "pf" else ())) if name in by_name]
        used = {chain.name for chain in hooks} | {rule.target for chain in rules.chains for rule in chain.rules if rule.target}
        logging = [rule for chain in rules.chains if chain.name in used for rule in chain.rules if rule.log]
        family = "IPv4" if rules.covers == (FOUR_SPAN,) else "IPv6" if not meet(rules.covers, (FOUR_SPAN,)) else "both families"
        said = f"{rules.platform} ({family}): " + (f"{len(logging)} rules log" if logging else "no rule logs what is denied")
        where = tuple(rule.where for rule in logging[:2]) or rules.where[:1]
        yield Verdict(
            status=Status.PASS if logging else Status.UNKNOWN if rules.incomplete else Status.FAIL,
            host=rules.host,
            message=said,
            subject=f"{rules.platform} log",
            where=where,
            as_of=rules.as_of,
        )


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.1-01",
        title="Critical assets stand in critical zones",
        about="Every asset declared critical stands in a zone of kind critical or management, with all its addresses.",
        measures=(Measure.CRITICAL_SYSTEMS,),
        severity=Severity.HIGH,
        needs=(Need((PacketFilter,), "the rules of any firewall, and [zones], [assets] in gatewatch.toml"),),
        judge=_placed,
        remediation=Remediation("Give domain controllers, backup, hypervisors and control planes a network of their own."),
        mappings=nist("SC-7(21)", "AC-4"),
    ),
    Check(
        id="M1030.1-02",
        title="No remote port of a critical asset is reachable from users, DMZ, VPN or the internet",
        about="For each critical asset, zone near users and port of a remote service, the packet filters let nobody through, flows declared aside.",
        measures=(Measure.CRITICAL_SYSTEMS, Measure.ISOLATION),
        severity=Severity.CRITICAL,
        needs=(_FILTER,),
        judge=_reached,
        remediation=Remediation(
            "Let the management zone alone reach these ports.",
            "",
            "Make sure that you administer from the management zone before you close the others.",
        ),
        mappings=(*nist("SC-7(5)", "AC-4", "AC-17(3)"),),
    ),
    Check(
        id="M1030.1-04",
        title="No declared flow leads users straight to critical assets",
        about="No entry of [[flows]] from the internet, users, DMZ or VPN to a critical zone holds a port of a remote service, and none has expired.",
        measures=(Measure.CRITICAL_SYSTEMS,),
        severity=Severity.HIGH,
        needs=(Need((PacketFilter,), "the rules of any firewall, and [zones], [[flows]] in gatewatch.toml"),),
        judge=_flows,
        remediation=Remediation("Lead administrators through a jump host in the management zone."),
        mappings=nist("AC-4", "AC-17(3)"),
    ),
    Check(
        id="M1030.6-01",
        title="Packet filters log what they deny",
        about="Some rule of the input or forward path logs.",
        measures=(Measure.SEGMENT_AUDIT,),
        severity=Severity.MEDIUM,
        needs=(_FILTER,),
        judge=_logged,
        remediation=Remediation("Log before the last drop, with a rate limit.", 'limit rate 5/second log prefix "denied: "'),
        mappings=nist("AU-12", "SI-4"),
    ),
    Check(
        id="M1030.7-04",
        title="Segmentation was tested within a year",
        about="[[attested]] topic 'segmentation-test' has an owner and was done within a year.",
        measures=(Measure.SEGMENT_TEST,),
        severity=Severity.LOW,
        needs=(),
        judge=attested("segmentation-test", "test of segmentation", timedelta(days=365)),
        remediation=Remediation("Probe every zone from every other once a year, and declare it in [[attested]]."),
        mappings=nist("CA-8"),
        automated=False,
    ),
    Check(
        id="M1030.6-05",
        title="The rules of firewalls were reviewed within half a year",
        about="[[attested]] topic 'rule-review' has an owner and was done within 183 days.",
        measures=(Measure.SEGMENT_AUDIT,),
        severity=Severity.LOW,
        needs=(),
        judge=attested("rule-review", "review of the rules of firewalls", timedelta(days=183)),
        remediation=Remediation("Go through the rules twice a year, drop those nobody answers for, and declare it in [[attested]]."),
        mappings=nist("CA-7", "CM-6"),
        automated=False,
    ),
)
