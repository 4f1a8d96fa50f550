"""Google Cloud firewall rules: ``gcloud compute firewall-rules list --format=json`` (or yaml), or ``describe`` of single ones.

::

    [{"name": "allow-ssh", "network": ".../networks/default", "direction": "INGRESS", "priority": 1000, "disabled": false,
      "sourceRanges": ["0.0.0.0/0"], "allowed": [{"IPProtocol": "tcp", "ports": ["22"]}], "targetTags": ["bastion"]}]

The lowest priority number decides, a denial before an allowance of the same number; what no rule allows is denied. Ranges and tags of sources
add up. Hierarchical policies are not in this list. Reference: Google Cloud "VPC firewall rules".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.cloud_rule import Source, items, members, port_list, ranges, rules
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.kube_config import texts
from gatewatch.schema.facts.cloud import RuleGroup
from gatewatch.schema.facts.filter import Action, Chain, PacketFilter, Rule, Semantics
from gatewatch.schema.facts.machine import Machine, System

Placed = tuple[str, dict[str, Any]]


def _recognise(document: Document) -> int:
    head = document.head.lstrip()
    if head.startswith("["):
        return SURE if '"sourceRanges"' in head or "compute#firewall" in head or '"IPProtocol"' in head else 0
    return SURE if "compute#firewall" in head and "compute#firewallPolicy" not in head and "network" in head else 0


def filters(host: str, listed: list[Placed], document: Document) -> Iterator[PacketFilter | RuleGroup]:
    """Yield the packet filter of each network and each kind of target that the rules in *listed* tell apart."""
    live = [(pointer, one) for pointer, one in listed if one.get("disabled") is not True]
    inward = [(pointer, one) for pointer, one in live if str(one.get("direction", "INGRESS")).upper() == "INGRESS"]
    for network in dict.fromkeys(str(one.get("network", "")).rpartition("/")[2] for _, one in inward):
        mine = [(pointer, one) for pointer, one in inward if str(one.get("network", "")).rpartition("/")[2] == network]
        mine.sort(key=lambda entry: (_priority(entry[1]), not entry[1].get("denied")))
        targets = dict.fromkeys(_targets(one) for _, one in mine)
        for target in targets:
            made: list[Rule] = []
            for pointer, one in mine:
                if not _targets(one) or set(_targets(one)) & set(target):
                    made += _rules(document, pointer, one)
            name = f"{network or '(network)'}: {', '.join(target) or 'every instance'}"
            where = document.spot(mine[0][0], name)
            yield PacketFilter(
                host=host, as_of=document.as_of, where=(where,), platform="gcp-firewall", semantics=Semantics.FIRST_MATCH,
                chains=(Chain("ingress", tuple(made), Action.DROP, where),), input=("ingress",), name=name,
            )  # fmt: skip
            yield RuleGroup(host=host, as_of=document.as_of, where=(where,), platform="gcp-firewall", name=name, entries=len(made),
                            default=network == "default")  # fmt: skip


def _priority(rule: dict[str, Any]) -> int:
    found = rule.get("priority")
    return found if isinstance(found, int) else 1000


def _targets(rule: dict[str, Any]) -> tuple[str, ...]:
    return (*texts(rule.get("targetTags")), *texts(rule.get("targetServiceAccounts")))


def _rules(document: Document, pointer: str, rule: dict[str, Any]) -> Iterator[Rule]:
    blocks = texts(rule.get("sourceRanges"))
    tags = (*texts(rule.get("sourceTags")), *texts(rule.get("sourceServiceAccounts")))
    found: list[Source] = ([ranges(blocks)] if blocks else []) + ([members(", ".join(tags))] if tags else [])
    for kind, action in (("denied", Action.DROP), ("allowed", Action.ACCEPT)):
        for _, one in items(rule, kind):
            said = f"{rule.get('name')}: {kind} {one.get('IPProtocol')} {texts(one.get('ports'))} from {', '.join(blocks or tags)}"
            place = document.spot(pointer, said)
            yield from rules(place, found or [(None, "")], one.get("IPProtocol", "all"), port_list(texts(one.get("ports"))), action)


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        made = document.yaml()  # of which JSON is a part
        tree = made[0] if len(made) == 1 and isinstance(made[0], list) else made
        listed = [(f"$[{at}]", one) for at, one in enumerate(tree) if isinstance(one, dict) and one.get("network")]
        if not listed:
            yield Rejected(document, document.fault) if document.fault else Ignored(document, "lists no rule")
            continue
        yield Machine(host=bundle.host, as_of=document.as_of, where=(document.spot("$"),), system=System.CLOUD, product="Google Cloud project")
        yield from filters(bundle.host, listed, document)


FORMAT = Format(
    name="gcp-firewall",
    title="Google Cloud firewall rules",
    recognise=_recognise,
    read=_read,
    collect="gcloud compute firewall-rules list --format=json > EVIDENCE/PROJECT/commands/firewall-rules.json",
    references=("Google Cloud: VPC firewall rules",),
)
