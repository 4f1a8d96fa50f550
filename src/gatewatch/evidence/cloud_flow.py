"""Flow logs of Azure and Google Cloud: ``az network watcher flow-log list``, ``gcloud compute networks subnets list --format=json``.

::

    [{"name": "web", "enabled": true, "targetResourceId": "/subscriptions/0/.../virtualNetworks/vnet1", "provisioningState": "Succeeded"}]
    [{"name": "subnet1", "network": ".../networks/prod", "ipCidrRange": "10.0.0.0/24", "logConfig": {"enable": true, "flowSampling": 0.5}}]

References: Azure "Network Watcher flow logs", Google Cloud "VPC Flow Logs".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.kube_config import at
from gatewatch.schema.facts.cloud import FlowLogs

_FILTERED = frozenset({"PRIVATE", "PRIVATE_RFC_1918", ""})
"""Purposes of a Google subnet that machines stand in; others are of proxies and of Google's own."""


def _recognise(document: Document) -> int:
    head = document.head.lstrip()
    if head[:1] not in {"[", "{"}:
        return 0
    if '"targetResourceId"' in document.text[:65536] and '"enabled"' in document.text[:65536]:
        return SURE
    return SURE if '"compute#subnetwork"' in document.text[:65536] or ('"ipCidrRange"' in head and '"network"' in head) else 0


def _azure(one: dict[str, Any]) -> tuple[str, bool, str] | None:
    inner = one.get("properties")
    tree = {**one, **inner} if isinstance(inner, dict) else one
    target = str(tree.get("targetResourceId") or "")
    return (target.lower(), tree.get("enabled") is True, "ALL") if target else None


def _google(one: dict[str, Any]) -> tuple[str, bool, str] | None:
    if not one.get("ipCidrRange") or str(one.get("purpose") or "") not in _FILTERED:
        return None
    said = at(one, "logConfig.enable")
    active = said if isinstance(said, bool) else one.get("enableFlowLogs") is True
    network = str(one.get("network") or "").rpartition("/")[2]
    return f"{network}/{one.get('name')}", active, "ALL"


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = document.json()
        listed = tree if isinstance(tree, list) else tree.get("value", [tree]) if isinstance(tree, dict) else []
        rows = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        azure = tuple(found for one in rows if (found := _azure(one)) is not None)
        google = () if azure else tuple(found for one in rows if (found := _google(one)) is not None)
        if not azure and not google:
            yield Rejected(document, document.fault) if document.fault else Ignored(document, "lists neither flow logs nor subnets")
            continue
        yield FlowLogs(
            host=bundle.host, as_of=document.as_of, where=(document.spot("$", f"{len(azure or google)} entries"),),
            platform="azure-nsg" if azure else "gcp-firewall", entries=azure or google,
        )  # fmt: skip


FORMAT = Format(
    name="cloud-flow-logs",
    title="Flow logs of Azure and Google Cloud",
    recognise=_recognise,
    read=_read,
    collect=(
        "az network watcher flow-log list --location REGION > EVIDENCE/SUBSCRIPTION/commands/flow-logs.json; "
        "gcloud compute networks subnets list --format=json > EVIDENCE/PROJECT/commands/subnets.json"
    ),
    references=("Azure: Network Watcher flow logs", "Google Cloud: VPC Flow Logs"),
)
