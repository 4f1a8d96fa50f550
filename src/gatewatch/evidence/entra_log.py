"""Diagnostic settings of Entra ID: which of its logs go to a workspace, an event hub or a storage account.

::

    {"value": [{"name": "to-siem", "properties": {"workspaceId": "/subscriptions/…", "logs": [{"category": "SignInLogs", "enabled": true}]}}]}

Reference: Azure resource type microsoft.aadiam/diagnosticSettings.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.schema.facts.identity import LogExport
from gatewatch.schema.facts.machine import Machine, System

_TARGETS = ("workspaceId", "eventHubAuthorizationRuleId", "storageAccountId", "marketplacePartnerId")


def _recognise(document: Document) -> int:
    text = document.text[:20_000]
    named = "diagnosticsettings" in text.lower() or document.at("commands/entra-diagnostic-settings.json")
    return SURE + 6 if document.head.lstrip()[:1] in {"{", "["} and named and '"logs"' in text and '"category"' in text else (
        SURE if document.at("commands/entra-diagnostic-settings.json") else 0)  # fmt: skip


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = document.json()
        listed = tree.get("value") if isinstance(tree, dict) else tree
        if not isinstance(listed, list):
            yield Rejected(document, document.fault or "holds no list of settings")
            continue
        yield Machine(host=bundle.host, as_of=document.as_of, where=(document.spot("$"),), system=System.CLOUD, product="Entra ID")
        if not listed:
            yield LogExport(host=bundle.host, as_of=document.as_of, where=(document.spot("$.value", "[]"),), name="none", categories=(), targets=())
        for number, one in enumerate(listed):
            held = one.get("properties", one) if isinstance(one, dict) else None
            if not isinstance(held, dict):
                continue
            logs = held.get("logs")
            on = [str(log.get("category") or log.get("categoryGroup")) for log in logs if isinstance(log, dict) and log.get("enabled") is True] if (
                isinstance(logs, list)) else []  # fmt: skip
            yield LogExport(
                host=bundle.host, as_of=document.as_of, where=(document.spot(f"$.value[{number}]", f"{one.get('name')}: {', '.join(on)}"),),
                name=str(one.get("name") or number), categories=tuple(on), targets=tuple(name for name in _TARGETS if held.get(name)),
            )  # fmt: skip


FORMAT = Format(
    name="entra-log",
    title="Where Entra ID sends its logs (diagnostic settings)",
    recognise=_recognise,
    read=_read,
    collect="az rest --url 'https://management.azure.com/providers/microsoft.aadiam/diagnosticSettings?api-version=2017-04-01' > "
    "EVIDENCE/TENANT/commands/entra-diagnostic-settings.json",
    references=("microsoft.aadiam/diagnosticSettings",),
)
