"""Interfaces of administration in a cluster: who reaches their pods from within, by the network policies that select them."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, nist
from gatewatch.audit.checks.cluster import is_admin
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.container import Namespace, NetworkPolicy, Workload
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_COLLECT = "kubectl get ns,pods,deploy,ds,sts,netpol -A -o json > EVIDENCE/commands/cluster.json"


def _reached(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for cluster in dict.fromkeys(one.host for one in facts.of(Namespace)):
        found = False
        for pod in facts.of(Workload, cluster):
            what = is_admin(pod.name, *pod.images)
            if not what or pod.owned or pod.host_network:
                continue
            found = True
            mine = [one for one in facts.of(NetworkPolicy, cluster) if one.namespace == pod.namespace and one.ingress and one.selects(pod.labels)]
            wide = [one for one in mine if one.everybody]
            if not mine:
                status, said = Status.FAIL, "no network policy selects it: every pod of the cluster reaches it"
            elif wide:
                status, said = Status.FAIL, f"network policy {wide[0].name} lets every pod in"
            else:
                status, said = Status.PASS, f"only what {', '.join(one.name for one in mine[:3])} names reaches it"
            yield Verdict(
                status=status, host=cluster, message=f"{what}: {said}", subject=f"{pod.kind} {pod.namespace}/{pod.name}", service="kube_api",
                where=((wide or mine)[0].where if mine else pod.where)[:1], as_of=pod.as_of, resolved="policies that select it add up",
            )  # fmt: skip
        if not found:
            said = "no interface of administration runs in the cluster"
            yield Verdict(status=Status.NOT_APPLICABLE, host=cluster, message=said, service="kube_api", subject="workloads")


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1030.4-02", title="Kubernetes: not every pod reaches interfaces of administration",
        about="Of each workload that is an interface of administration, a network policy names who comes in, and none lets every pod in.",
        measures=(Measure.MICROSEGMENTATION,), severity=Severity.HIGH,
        needs=(Need((Namespace,), _COLLECT), Need((Workload,), _COLLECT)), judge=_reached,
        remediation=Remediation("Select the pods by a policy that lets in the ingress controller alone.", "", "What no policy names is cut off."),
        mappings=nist("SC-7", "SC-7(21)", "AC-4"), references=("Kubernetes: Network Policies",), services=("kube_api",),
    ),
)  # fmt: skip
