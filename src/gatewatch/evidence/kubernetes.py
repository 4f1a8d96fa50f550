"""Kubernetes objects: what ``kubectl get -A -o json`` prints, static pod manifests, and the configuration files that are objects too.

::

    kubectl get ns,pods,deploy,ds,sts,svc,ingress,netpol,clusterroles,roles,clusterrolebindings,rolebindings -A -o json > cluster.json
    /etc/kubernetes/manifests/kube-apiserver.yaml        (kind: Pod)
    /var/lib/kubelet/config.yaml                         (kind: KubeletConfiguration)

Secrets and ConfigMaps are never read. Reference: Kubernetes API reference v1.3x.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from gatewatch.evidence import kube_access, kube_config, kube_network, kube_workload
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome, Rejected
from gatewatch.schema.facts.base import Fact
from gatewatch.schema.facts.machine import Machine, System

Reader = Callable[[Document, str, dict[str, Any], Bundle], Iterator[Fact]]
READERS: dict[str, Reader] = {
    "KubeletConfiguration": kube_config.kubelet,
    "AuthenticationConfiguration": kube_config.authentication,
    "Policy": kube_config.audit_policy,
    **dict.fromkeys(("Pod", "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job", "CronJob"), kube_workload.workload),
    "Service": kube_network.service,
    "Ingress": kube_network.ingress,
    "Namespace": kube_network.namespace,
    "NetworkPolicy": kube_network.policy,
    **dict.fromkeys(("ClusterRoleBinding", "RoleBinding"), kube_access.binding),
    **dict.fromkeys(("ClusterRole", "Role"), kube_access.role),
}
_LOCAL = frozenset({"KubeletConfiguration", "AuthenticationConfiguration", "Policy"})
_KIND = re.compile(r'(?m)^\s{0,8}"?kind"?\s{0,4}:\s{0,4}"?([A-Z]\w{1,60})"?\s*,?\s*$|"kind"\s{0,4}:\s{0,4}"([A-Z]\w{1,60})"')
_VERSION = re.compile(r'"?apiVersion"?\s{0,4}:')


def _recognise(document: Document) -> int:
    head = document.head
    if not _VERSION.search(head):
        return 0
    kinds = [one[0] or one[1] for one in _KIND.findall(head)]
    if any(kind in READERS or kind.endswith("List") for kind in kinds):
        return SURE
    return LIKELY if kinds or head.lstrip().startswith("{") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    cluster: Document | None = None
    workloads: list[Fact] = []
    policies: list[kube_network.Raw] = []
    for document in documents:
        found = 0
        total = 0
        for pointer, item in document.objects():
            total += 1
            kind = item.get("kind")
            reader = READERS.get(kind) if isinstance(kind, str) else None
            if reader is None or (kind == "Policy" and "audit.k8s.io" not in str(item.get("apiVersion"))):
                continue
            found += 1
            if kind not in _LOCAL and not document.at("etc/kubernetes/manifests/*"):
                cluster = cluster or document
            for fact in reader(document, pointer, item, bundle):
                workloads.append(fact)
                yield fact
            if kind == "NetworkPolicy":
                policies.append(kube_network.Raw(document, pointer, item))
        if document.fault:
            yield Rejected(document, document.fault)
        elif not found:
            yield Ignored(document, f"{total} objects, none of a kind that is judged")
    yield from kube_network.filters(policies, workloads, bundle)
    if cluster is not None:
        yield Machine(host=bundle.host, as_of=cluster.as_of, where=(cluster.spot("$"),), system=System.CLUSTER, product="Kubernetes")


FORMAT = Format(
    name="kubernetes",
    title="Kubernetes objects and configuration",
    recognise=_recognise,
    read=_read,
    collect=(
        "kubectl get ns,pods,deploy,ds,sts,svc,ingress,netpol,clusterroles,roles,clusterrolebindings,rolebindings -A -o json > "
        "EVIDENCE/commands/cluster.json; cp -r /etc/kubernetes/manifests EVIDENCE/etc/kubernetes/; cp /var/lib/kubelet/config.yaml "
        "EVIDENCE/var/lib/kubelet/"
    ),
    references=("Kubernetes API reference",),
)
