"""Endpoints of managed clusters: ``aws eks describe-cluster``, ``az aks list``, ``gcloud container clusters list --format=json``.

::

    {"cluster": {"name": "prod", "resourcesVpcConfig": {"endpointPublicAccess": true, "publicAccessCidrs": ["0.0.0.0/0"]}}}

Reference: Amazon EKS API, Azure ManagedClusters API, GKE v1 API.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.kube_config import at, texts
from gatewatch.schema.facts.cloud import ClusterEndpoint

_SIGNS = (
    '"resourcesVpcConfig"', '"agentPoolProfiles"', '"apiServerAccessProfile"', '"masterAuthorizedNetworksConfig"', '"controlPlaneEndpointsConfig"',
    '"currentMasterVersion"', '"privateClusterConfig"',
)  # fmt: skip


def _recognise(document: Document) -> int:
    return SURE if document.head.lstrip()[:1] in {"[", "{"} and any(sign in document.text[:200_000] for sign in _SIGNS) else 0


def _endpoint(one: dict[str, Any]) -> tuple[str, bool, tuple[str, ...]] | None:
    """Return product, whether it is public, and from where; None where the object says neither."""
    if isinstance(one.get("resourcesVpcConfig"), dict):
        inner = one["resourcesVpcConfig"]
        public = inner.get("endpointPublicAccess")
        return ("eks", public, texts(inner.get("publicAccessCidrs"))) if isinstance(public, bool) else None
    if "agentPoolProfiles" in one or "apiServerAccessProfile" in one:
        profile = one.get("apiServerAccessProfile")
        private = at(profile, "enablePrivateCluster") is True
        return "aks", not private, texts(at(profile, "authorizedIpRanges"))
    if any(name in one for name in ("masterAuthorizedNetworksConfig", "controlPlaneEndpointsConfig", "currentMasterVersion", "privateClusterConfig")):
        networks = at(one, "controlPlaneEndpointsConfig.ipEndpointsConfig.authorizedNetworksConfig") or one.get("masterAuthorizedNetworksConfig")
        public = at(one, "controlPlaneEndpointsConfig.ipEndpointsConfig.enablePublicEndpoint")
        if not isinstance(public, bool):
            public = at(one, "privateClusterConfig.enablePrivateEndpoint") is not True
        listed = networks.get("cidrBlocks") if isinstance(networks, dict) and networks.get("enabled") is True else None
        blocks = tuple(str(entry.get("cidrBlock")) for entry in listed if isinstance(entry, dict)) if isinstance(listed, list) else ()
        return "gke", public, blocks
    return None


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = document.json()
        listed = tree if isinstance(tree, list) else [tree.get("cluster", tree)] if isinstance(tree, dict) else []
        found = False
        for number, one in enumerate(listed):
            made = _endpoint(one) if isinstance(one, dict) else None
            if made is None:
                continue
            found = True
            name = str(one.get("name"))
            yield ClusterEndpoint(
                host=bundle.host, as_of=document.as_of, where=(document.spot(f"$[{number}]", f"{made[0]} {name}: {', '.join(made[2])}"),),
                product=made[0], name=name, public=made[1], ranges=made[2],
            )  # fmt: skip
        if not found:
            yield Rejected(document, document.fault) if document.fault else Ignored(document, "says of no cluster where its endpoint is")


FORMAT = Format(
    name="cloud-cluster",
    title="Managed Kubernetes clusters (EKS, AKS, GKE)",
    recognise=_recognise,
    read=_read,
    collect="aws eks describe-cluster --name NAME; az aks list; gcloud container clusters list --format=json > EVIDENCE/commands/k8s.json",
    references=("Amazon EKS API", "Azure ManagedClusters API", "GKE API"),
)
