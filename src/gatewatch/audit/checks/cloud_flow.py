"""Flow logs of Azure and Google Cloud: whether what goes through a network, and what is refused in it, leaves a trace."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.cloud import FlowLogs, RuleGroup
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_MEASURES = (Measure.SEGMENT_AUDIT, Measure.CLOUD_SEGMENTATION)


def _azure(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for host in dict.fromkeys(one.host for one in facts.of(FlowLogs) if one.platform == "azure-nsg"):
        logs = [one for one in facts.of(FlowLogs, host) if one.platform == "azure-nsg"]
        active = {target for one in logs for target, on, _ in one.entries if on}
        idle = {target for one in logs for target, on, _ in one.entries if not on} - active
        groups = [one for one in facts.of(RuleGroup, host) if one.platform == "azure-nsg" and ": to " not in one.name]
        for group in groups:
            own = any(target.rpartition("/")[2] == group.name.lower() and "/networksecuritygroups/" in target for target in active)
            around = bool(group.network) and any("/virtualnetworks/" in target and _within(group.network, target) for target in active)
            status = Status.PASS if own or around else Status.UNKNOWN if not group.network and _networks(active) else Status.FAIL
            said = {
                Status.PASS: "what goes through it is logged",
                Status.UNKNOWN: "networks are logged; whether it stands in one of them is not in the evidence",
                Status.FAIL: "no active flow log is of it or of its network",
            }[status]
            yield _told(logs[0], group.name, status, said)
        for target in sorted(idle):
            yield _told(logs[0], target.rpartition("/")[2], Status.FAIL, "its flow log is switched off")
        if not groups and not idle:
            yield _told(logs[0], "flow logs", Status.UNKNOWN, "which network security groups there are is not in the evidence")


def _networks(targets: set[str]) -> bool:
    return any("/virtualnetworks/" in one for one in targets)


def _within(subnet: str, target: str) -> bool:
    return subnet.lower() == target or subnet.lower().startswith(target + "/")


def _google(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for logs in facts.of(FlowLogs):
        if logs.platform == "gcp-firewall":
            for name, active, _ in logs.entries:
                said = "what goes through it is logged" if active else "it has no flow logs"
                yield _told(logs, name, Status.PASS if active else Status.FAIL, said)


def _told(logs: FlowLogs, subject: str, status: Status, said: str) -> Verdict:
    return Verdict(
        status=status, host=logs.host, message=said, subject=subject, where=logs.where, as_of=logs.as_of, resolved="flow logs as they are listed"
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.6-04b",
        title="Azure: networks log what goes through them",
        about="Every network security group, or the virtual network it stands in, has an active flow log.",
        measures=_MEASURES,
        severity=Severity.MEDIUM,
        needs=(
            Need((FlowLogs,), "az network watcher flow-log list --location REGION, and az network nsg list",
                 when=lambda one: one.platform == "azure-nsg"),
        ),
        judge=_azure,
        remediation=Remediation("Create a flow log of the virtual network.", "az network watcher flow-log create --vnet VNET --storage-account ID"),
        mappings=nist("AU-12", "SI-4(4)", "CA-7"),
        references=("Azure: Network Watcher flow logs",),
    ),
    Check(
        id="M1030.6-04c",
        title="Google Cloud: subnets log what goes through them",
        about="Every subnet of machines has flow logs.",
        measures=_MEASURES,
        severity=Severity.MEDIUM,
        needs=(Need((FlowLogs,), "gcloud compute networks subnets list --format=json", when=lambda one: one.platform == "gcp-firewall"),),
        judge=_google,
        remediation=Remediation("Turn them on.", "gcloud compute networks subnets update SUBNET --region REGION --enable-flow-logs"),
        mappings=nist("AU-12", "SI-4(4)", "CA-7"),
        references=("Google Cloud: VPC Flow Logs",),
    ),
)  # fmt: skip
