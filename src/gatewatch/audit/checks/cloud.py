"""Clouds: what security groups and firewalls let in from the internet, endpoints of managed clusters, default groups."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from gatewatch.audit.check import Check, Criterion, Ground, Need, Verdict, nist
from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.query import arrive
from gatewatch.audit.reach.span import NOTHING, join, less, meet, normal, shown, size
from gatewatch.audit.reach.zone import internet, of_network
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.cloud import CloudMachine, ClusterEndpoint, FlowLogs, RuleGroup
from gatewatch.schema.facts.filter import FOUR_SPAN, TCP, UDP, PacketFilter, Spans
from gatewatch.schema.findings import Mapping, Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import GATEWAYS, remote_ports, service_of
from gatewatch.site.range import parse_network

IAP: Spans = (of_network(parse_network("35.235.240.0/20")),)
"""Where Google's Identity-Aware Proxy forwards from; who comes that way has logged in."""


def outside(ground: Ground, platform: str) -> Spans:
    """Return the addresses that nobody approved: the internet without the site's management networks."""
    approved = normal(of_network(one) for one in ground.site.posture.management)
    return less(less(internet(ground.site), approved), IAP if platform == "gcp-firewall" else NOTHING)


def classes(filters: list[PacketFilter], ports: Sequence[tuple[str, int]]) -> list[list[tuple[str, int]]]:
    """Return *ports* in groups that no rule of *filters* tells apart, so that one of a group answers for all."""
    edges = {edge for one in filters for chain in one.chains for rule in chain.rules for low, high in rule.ports or () for edge in (low, high + 1)}
    cuts = sorted(edges)
    found: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for protocol, port in ports:
        found.setdefault((protocol, bisect_right(cuts, port)), []).append((protocol, port))
    return list(found.values())


def open_ports(filters: list[PacketFilter], sources: Spans) -> Iterator[tuple[str, str, int, Spans, Spans, tuple[Where, ...]]]:
    """Yield each remote service's port that *filters* (all of which must accept) let *sources* through to: surely, and perhaps."""
    engines = [Engine(one) for one in filters]
    for group in classes(filters, remote_ports()):
        protocol, port = group[0]
        live, dropped, places = sources, NOTHING, []
        for engine in engines:
            fate = arrive(engine, live, Packet(TCP if protocol == "tcp" else UDP, port, None, local=True))
            live, dropped = fate.accepted, join(dropped, fate.dropped)
            places += [step.where for step in fate.steps if step.action == "accept"]
        if live:
            sure = less(live, dropped)
            for each in group:
                yield service_of(each[1], protocol), protocol, each[1], sure, less(live, sure), tuple(dict.fromkeys(places))


def _tell(filters: list[PacketFilter], sources: Spans, allowed: frozenset[tuple[str, int]], skip: frozenset[str]) -> tuple[
    Status, str, tuple[Where, ...], str
]:
    sure: dict[str, list[str]] = {}
    may: dict[str, list[str]] = {}
    who, perhaps = NOTHING, NOTHING
    places: list[Where] = []
    meant: list[str] = []
    for service, protocol, port, yes, maybe, where in open_ports(filters, sources):
        if service in skip or (protocol, port) in allowed:
            meant.append(f"{service} {protocol}/{port}")
            continue
        (sure if yes else may).setdefault(service, []).append(f"{protocol}/{port}")
        who, perhaps = join(who, yes), join(perhaps, maybe)
        places += where
    note = f"; meant to be reached: {', '.join(meant[:6])}" if meant else ""
    found = sure or may
    if not found:
        return Status.PASS, f"lets no remote service in from the internet{note}", (), ""
    doors = "; ".join(f"{name} ({', '.join(ports[:3])}{', ...' if len(ports) > 3 else ''})" for name, ports in list(found.items())[:12])
    verb = "lets the internet in" if sure else "may let the internet in"
    four = "" if meet(who or perhaps, (FOUR_SPAN,)) else " over IPv6"
    count = f"{size(meet(who or perhaps, (FOUR_SPAN,))):,} IPv4 addresses: " if not four else ""
    message = f"{verb}{four} to {doors} from {count}{', '.join(shown(who or perhaps, 4))}{note}"
    return (Status.FAIL if sure else Status.UNKNOWN), message, tuple(dict.fromkeys(places)), next(iter(found))


def _groups(platform: str) -> Criterion:
    def criterion(facts: Facts, ground: Ground) -> Iterator[Verdict]:
        sources = outside(ground, platform)
        by_name = {(one.host, one.name): one for one in facts.of(PacketFilter) if one.platform == platform}
        for group in facts.of(RuleGroup):
            rules = by_name.get((group.host, group.name))
            if group.platform != platform or rules is None:
                continue
            status, message, places, service = _tell([rules], sources, frozenset(), GATEWAYS)
            idle = group.public is False and status is Status.FAIL
            yield Verdict(
                status=status, host=group.host, message=message + ("; attached to nothing with a public address now" if idle else ""),
                subject=group.name, value=f"{group.entries} rules", resolved="union of what its rules allow, less the site's own ranges",
                where=(*places[:3], *group.where), as_of=group.as_of, service=service, severity=Severity.MEDIUM if idle else None,
            )  # fmt: skip
        for machine in facts.of(CloudMachine):
            if machine.platform == platform:
                yield _machine(facts, ground, machine, sources)

    return criterion


def _machine(facts: Facts, ground: Ground, machine: CloudMachine, sources: Spans) -> Verdict:
    mine = [one for one in facts.of(PacketFilter, machine.host) if one.platform in {machine.platform, "aws-nacl"}]
    names = ", ".join(machine.groups)
    if not machine.public or machine.routed is False:
        said = "has no public address" if not machine.public else "no route leads from the internet to it"
        return Verdict(
            status=Status.PASS, host=machine.host, message=said, subject="interfaces", value=names, where=machine.where, as_of=machine.as_of
        )  # fmt: skip
    posture = ground.site.posture
    asset = posture.asset(machine.host)
    allowed = frozenset(one for one in remote_ports() if asset is not None and any(entry.holds(*one) for entry in asset.allow))
    skip = GATEWAYS if machine.host in posture.concentrators else frozenset()
    status, message, places, service = _tell(mine, sources, allowed, skip)
    return Verdict(
        status=status, host=machine.host, message=f"{', '.join(machine.public)} {message}", subject="interfaces", value=names,
        resolved="groups added up, and the ACL of the subnet" if len(mine) > 1 else "groups added up; no ACL of its subnet in the evidence",
        where=(*places[:3], *machine.where), as_of=machine.as_of, service=service,
    )  # fmt: skip


def _endpoints(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for endpoint in facts.of(ClusterEndpoint):
        sources = outside(ground, endpoint.product)
        odd = []
        found = []
        for text in endpoint.ranges:
            try:
                found.append(of_network(parse_network(text)))
            except ValueError:
                odd.append(text)
        reached = NOTHING if not endpoint.public else meet(sources, normal(found)) if endpoint.ranges else sources
        status = Status.FAIL if reached else Status.UNKNOWN if odd and endpoint.public else Status.PASS
        said = "its endpoint is private" if not endpoint.public else (
            f"its API can be reached from {', '.join(shown(reached, 4))}" if reached else
            f"ranges that cannot be read: {', '.join(odd)}" if odd else "only the site's own and management ranges reach its API"
        )  # fmt: skip
        yield Verdict(
            status=status, host=endpoint.host, message=said, subject=f"{endpoint.product} {endpoint.name}", service="kube_api",
            value=", ".join(endpoint.ranges) or ("0.0.0.0/0" if endpoint.public else ""), resolved="ranges, less the site's own",
            where=endpoint.where, as_of=endpoint.as_of,
        )  # fmt: skip


def _flows(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for logs in (one for one in facts.of(FlowLogs) if one.platform == "aws-sg"):
        taken = {name for name, active, kind in logs.entries if active and kind in {"ALL", "REJECT"}}
        networks = dict.fromkeys(one.network for one in facts.of(RuleGroup, logs.host) if one.network)
        for network in networks:
            good = network in taken
            said = "what is refused in it is logged" if good else "no active flow log takes what is refused in it"
            yield Verdict(
                status=Status.PASS if good else Status.FAIL, host=logs.host, subject=network, message=said, where=logs.where, as_of=logs.as_of,
                resolved="active flow logs of the whole network; those of single subnets do not count",
            )  # fmt: skip
        if not networks:
            yield Verdict(status=Status.UNKNOWN, host=logs.host, message="which networks there are is not in the evidence", where=logs.where)


def _default(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    known = [one for one in facts.of(RuleGroup) if one.platform == "aws-sg"]
    for host in dict.fromkeys(one.host for one in known):
        defaults = [one for one in known if one.host == host and one.default]
        if not defaults:
            first = next(one for one in known if one.host == host)
            yield Verdict(status=Status.UNKNOWN, host=host, message="no default group is in the evidence", where=first.where, as_of=first.as_of)
        for group in defaults:
            yield Verdict(
                status=Status.FAIL if group.entries else Status.PASS, host=host, subject=group.name, where=group.where, as_of=group.as_of,
                message=f"the default group has {group.entries} rules: what names no group of its own gets them" if group.entries
                else "the default group has no rules", value=f"{group.entries} rules",
            )  # fmt: skip


def _check(number: str, title: str, about: str, platform: str, collect: str, mappings: tuple[Mapping, ...], snippet: str) -> Check:
    return Check(
        id=number, title=title, about=about, measures=(Measure.CLOUD_SEGMENTATION, Measure.FIREWALL), severity=Severity.CRITICAL,
        needs=(Need((RuleGroup,), collect, when=lambda one: one.platform == platform),), judge=_groups(platform),
        remediation=Remediation(
            "Allow remote services from the VPN or management ranges only, or use the cloud's own bastion.", snippet,
            "Whoever administers from an address that is not listed is cut off: add the management ranges first.",
        ),
        mappings=mappings, references=("ATT&CK T1133",),
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    _check(
        "M1030.3-01", "AWS: no remote service is open to the internet",
        "For each security group, and each instance with a public address (groups added up, ACL of its subnet, route), no address of the internet "
        "outside the management ranges reaches a port of a remote service.", "aws-sg",
        "aws ec2 describe-security-groups, describe-instances, describe-network-acls, describe-route-tables (or terraform show -json)",
        nist("SC-7", "SC-7(5)", "AC-17(3)"), "aws ec2 revoke-security-group-ingress --group-id ID --protocol tcp --port 22 --cidr 0.0.0.0/0",
    ),
    _check(
        "M1030.3-02", "Azure: no remote service is open to the internet",
        "In each network security group, by priority, no address of the internet outside the management ranges reaches a remote service.",
        "azure-nsg", "az network nsg list > EVIDENCE/SUBSCRIPTION/commands/nsg.json", nist("SC-7", "SC-7(5)", "AC-17(3)"), "",
    ),
    _check(
        "M1030.3-03", "Google Cloud: no remote service is open to the internet",
        "For each network and target, by priority, no address of the internet outside the management ranges and the Identity-Aware Proxy reaches "
        "a remote service.", "gcp-firewall", "gcloud compute firewall-rules list --format=json", nist("SC-7", "SC-7(5)", "AC-17(3)"), "",
    ),
    Check(
        id="M1030.3-04", title="Managed clusters: the API is not open to the internet",
        about="The public endpoint is off, or its authorized ranges hold no address beyond the site's and its management networks.",
        measures=(Measure.CLOUD_SEGMENTATION, Measure.ISOLATION), severity=Severity.CRITICAL,
        needs=(Need((ClusterEndpoint,), "aws eks describe-cluster, az aks list, or gcloud container clusters list --format=json"),),
        judge=_endpoints,
        remediation=Remediation("Turn the public endpoint off or set authorized ranges.", "aws eks update-cluster-config --name NAME "
                                "--resources-vpc-config endpointPublicAccess=false,endpointPrivateAccess=true",
                                "Pipelines that deploy from outside lose access."),
        mappings=nist("SC-7", "AC-17(3)"), references=("Amazon EKS: cluster endpoint access",), services=("kube_api",),
    ),
    Check(
        id="M1030.3-06", title="AWS: the default security group lets nothing through",
        about="Every VPC's default group has no rules.",
        measures=(Measure.CLOUD_SEGMENTATION,), severity=Severity.MEDIUM,
        needs=(Need((RuleGroup,), "aws ec2 describe-security-groups", when=lambda one: one.platform == "aws-sg"),),
        judge=_default, remediation=Remediation("Remove all rules of the default group; give everything a group of its own."),
        mappings=nist("SC-7(5)", "CM-6"), references=("Amazon VPC: default security groups",),
    ),
    Check(
        id="M1030.6-04", title="AWS: networks log what they refuse",
        about="Every VPC that has security groups has an active flow log of all or refused traffic.",
        measures=(Measure.SEGMENT_AUDIT, Measure.CLOUD_SEGMENTATION), severity=Severity.MEDIUM,
        needs=(Need((FlowLogs,), "aws ec2 describe-flow-logs, and describe-security-groups", when=lambda one: one.platform == "aws-sg"),),
        judge=_flows,
        remediation=Remediation("Create a flow log of the VPC.", "aws ec2 create-flow-logs --resource-type VPC --resource-ids ID --traffic-type ALL"),
        mappings=nist("AU-12", "SI-4(4)", "CA-7"), references=("Amazon VPC: flow logs",),
    ),
)  # fmt: skip
