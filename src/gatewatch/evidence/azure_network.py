"""Azure network security groups: ``az network nsg list``.

::

    [{"name": "web-nsg", "securityRules": [{"name": "ssh", "priority": 100, "access": "Allow", "direction": "Inbound", "protocol": "Tcp",
      "sourceAddressPrefix": "Internet", "destinationPortRange": "22"}], "subnets": [{"id": "..."}]}]

The lowest priority number decides; what no rule allows is denied, save for the virtual network itself. Reference: Azure "Network security groups".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.cloud_rule import INTERNET, Source, items, members, number, port_list, ranges, rules
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.schema.facts.cloud import RuleGroup
from gatewatch.schema.facts.filter import Action, Chain, PacketFilter, Rule, Semantics
from gatewatch.schema.facts.machine import Machine, System


def _recognise(document: Document) -> int:
    head = document.head
    return SURE if '"securityRules"' in document.text[:65536] and head.lstrip()[:1] in {"[", "{"} else 0


def flat(tree: dict[str, Any]) -> dict[str, Any]:
    """Return an object of Azure with its ``properties`` beside its name, as the command line prints it."""
    inner = tree.get("properties")
    return {**tree, **inner} if isinstance(inner, dict) else tree


def sources(rule: dict[str, Any]) -> list[Source]:
    """Return the sources of a rule; a service tag we do not know the addresses of is undecidable."""
    single, several = rule.get("sourceAddressPrefix"), rule.get("sourceAddressPrefixes")
    words = [str(one) for one in [single, *(several if isinstance(several, list) else [])] if one]
    found: list[Source] = []
    blocks: list[str] = []
    for word in words:
        low = word.lower()
        if low in {"*", "any", "0.0.0.0/0 ::/0"}:
            return [(None, "")]
        if low in {"internet", "<nw>/0"}:
            found.append((INTERNET, ""))
        elif low == "virtualnetwork":
            found.append(members("the virtual network"))
        elif low == "azureloadbalancer":
            found.append(ranges(["168.63.129.16"]))
        elif low[0].isdigit() or ":" in low:
            blocks.append(word)
        else:
            found.append((None, f"service tag {word[:60]}"))
    found += [ranges(blocks)] if blocks else []
    if rule.get("sourceApplicationSecurityGroups"):
        found.append(members("application security groups"))
    return found or [(None, "its source is not in the evidence")]


def chain(name: str, listed: list[tuple[str, dict[str, Any]]], document: Document) -> Chain:
    """Return the chain of inbound *listed* rules (pointer and rule), in their order of priority."""
    inward = [(pointer, one) for pointer, one in listed if str(one.get("direction", "")).lower() == "inbound"]
    inward.sort(key=lambda entry: number(entry[1].get("priority")))
    made: list[Rule] = []
    for pointer, one in inward:
        single, several = one.get("destinationPortRange"), one.get("destinationPortRanges")
        words = [text for text in [single, *(several if isinstance(several, list) else [])] if text]
        action = Action.ACCEPT if str(one.get("access", "")).lower() == "allow" else Action.DROP
        place = document.spot(pointer, f"{one.get('priority')} {one.get('access')} {one.get('protocol')} {one.get('sourceAddressPrefix')} {words}")
        made += rules(place, sources(one), one.get("protocol", "*"), port_list(words), action)
    return Chain("ingress", tuple(made), Action.DROP, document.spot("$", name))


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = document.json()
        listed = tree if isinstance(tree, list) else tree.get("value", [tree]) if isinstance(tree, dict) else None
        groups = [(at, flat(one)) for at, one in enumerate(listed) if isinstance(one, dict)] if isinstance(listed, list) else []
        groups = [(at, one) for at, one in groups if isinstance(one.get("securityRules"), list)]
        if not groups:
            yield Rejected(document, document.fault) if document.fault else Ignored(document, "lists no network security group")
            continue
        yield Machine(host=bundle.host, as_of=document.as_of, where=(document.spot("$"),), system=System.CLOUD, product="Azure subscription")
        for at, group in groups:
            name = str(group.get("name"))
            where = document.spot(f"$[{at}]", name)
            entries = [(f"$[{at}].{kind}[{number}]", flat(one)) for kind in ("securityRules", "defaultSecurityRules")
                       for number, one in items(group, kind)]  # fmt: skip
            attached = bool(group.get("subnets")) or bool(group.get("networkInterfaces"))
            known = "subnets" in group or "networkInterfaces" in group
            yield PacketFilter(
                host=bundle.host, as_of=document.as_of, where=(where,), platform="azure-nsg", semantics=Semantics.FIRST_MATCH,
                chains=(chain(name, entries, document),), input=("ingress",), name=name,
            )  # fmt: skip
            yield RuleGroup(
                host=bundle.host, as_of=document.as_of, where=(where,), platform="azure-nsg", name=name,
                public=None if attached or not known else False, entries=len(entries),
            )  # fmt: skip


FORMAT = Format(
    name="azure-nsg",
    title="Azure network security groups",
    recognise=_recognise,
    read=_read,
    collect="az network nsg list > EVIDENCE/SUBSCRIPTION/commands/nsg.json",
    references=("Azure: network security groups",),
)
