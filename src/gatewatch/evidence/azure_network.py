"""Azure network security groups: ``az network nsg list``, ``Get-AzNetworkSecurityGroup | ConvertTo-Json``, a template exported in the portal.

::

    [{"name": "web-nsg", "securityRules": [{"name": "ssh", "priority": 100, "access": "Allow", "direction": "Inbound", "protocol": "Tcp",
      "sourceAddressPrefix": "Internet", "destinationPortRange": "22"}], "subnets": [{"id": "..."}]}]

The lowest priority number decides; what no rule allows is denied, save for the virtual network itself. A rule whose destination is not
everything decides for that destination only, so a group makes one filter for each destination its rules tell apart, and one for all others.
Reference: Azure "Network security groups".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.address import parse_span
from gatewatch.evidence.cloud_rule import INTERNET, Source, items, members, number, port_list, ranges, rules
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.schema.facts.cloud import RuleGroup
from gatewatch.schema.facts.filter import Action, Chain, PacketFilter, Rule, Semantics
from gatewatch.schema.facts.machine import Machine, System


def _recognise(document: Document) -> int:
    head = document.head
    begins = document.text[:65536]
    # surer than what other clouds' lists are known by: a group of PowerShell names its NetworkInterfaces and Subnets too
    return SURE + 5 if ('"securityRules"' in begins or '"SecurityRules"' in begins) and head.lstrip()[:1] in {"[", "{"} else 0


def flat(tree: dict[str, Any]) -> dict[str, Any]:
    """Return an object of Azure as the command line prints it: its ``properties`` beside its name, names as PowerShell writes them put right."""
    lower = {f"{name[:1].lower()}{name[1:]}": value for name, value in tree.items()}
    inner = lower.get("properties")
    return {**lower, **inner} if isinstance(inner, dict) else lower


def _words(rule: dict[str, Any], single: str, several: str) -> list[str]:
    """Return what a rule says of one thing: a text, a list of texts under the same name (PowerShell), and the list beside it."""
    found = [rule.get(single), rule.get(several)]
    return [str(one) for each in found for one in (each if isinstance(each, list) else [each]) if isinstance(one, (str, int)) and str(one)]


def sources(rule: dict[str, Any]) -> list[Source]:
    """Return the sources of a rule; a service tag we do not know the addresses of is undecidable."""
    words = _words(rule, "sourceAddressPrefix", "sourceAddressPrefixes")
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
            found.append(((), ""))  # the platform's probes come from within: who comes through a balancer keeps his own address
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
        words = _words(one, "destinationPortRange", "destinationPortRanges")
        action = Action.ACCEPT if str(one.get("access", "")).lower() == "allow" else Action.DROP
        place = document.spot(pointer, f"{one.get('priority')} {one.get('access')} {one.get('protocol')} {one.get('sourceAddressPrefix')} {words}")
        made += rules(place, sources(one), one.get("protocol", "*"), port_list(words), action)
    return Chain("ingress", tuple(made), Action.DROP, document.spot("$", name))


def _destination(rule: dict[str, Any]) -> tuple[str, ...]:
    """Return the destinations a rule is limited to; nothing where it speaks of everything behind the group."""
    words = [one.lower() for one in _words(rule, "destinationAddressPrefix", "destinationAddressPrefixes")]
    groups = rule.get("destinationApplicationSecurityGroups")
    listed = groups if isinstance(groups, list) else []
    names = [one.get("id") or one.get("Id") or "" if isinstance(one, dict) else one for one in listed]
    words += [str(one).rpartition("/")[2] for one in names if one]
    return () if any(word in {"*", "any", "0.0.0.0/0", "virtualnetwork"} for word in words) else tuple(dict.fromkeys(words))


def parts(name: str, listed: list[tuple[str, dict[str, Any]]], document: Document) -> Iterator[tuple[str, Chain]]:
    """Yield (name, chain) for each destination the inbound rules tell apart, and for what none of them names."""
    inward = [(pointer, one) for pointer, one in listed if str(one.get("direction", "")).lower() == "inbound"]
    yield name, chain(name, [entry for entry in inward if not _destination(entry[1])], document)
    for target in dict.fromkeys(word for _, one in inward for word in _destination(one)):
        span = parse_span(target)
        mine = []
        for pointer, one in inward:
            words = _destination(one)
            if not words or target in words or (span is not None and any(_holds(word, span) for word in words)):
                mine.append((pointer, one))
        full = f"{name}: to {target}"
        yield full, chain(full, mine, document)


def _holds(word: str, span: tuple[int, int]) -> bool:
    outer = parse_span(word)
    return outer is not None and outer[0] <= span[0] and span[1] <= outer[1]


def groups(tree: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (pointer, group) of every network security group in a list, in a page of the API, or in an exported template."""
    if isinstance(tree, dict) and isinstance(tree.get("resources"), list):
        defaults = {name: one.get("defaultValue") for name, one in parameters.items() if isinstance(one, dict)} if isinstance(
            parameters := tree.get("parameters"), dict) else {}  # fmt: skip
        for at, one in enumerate(tree["resources"]):
            if isinstance(one, dict) and str(one.get("type")).lower() == "microsoft.network/networksecuritygroups":
                said = _PARAMETER.fullmatch(str(one.get("name")))
                name = defaults.get(said[1]) if said is not None else None
                yield f"$.resources[{at}]", {**one, "name": name or one.get("name")}
        return
    listed = tree if isinstance(tree, list) else tree.get("value", [tree]) if isinstance(tree, dict) else None
    yield from ((f"$[{at}]", one) for at, one in enumerate(listed if isinstance(listed, list) else ()) if isinstance(one, dict))


def _network(group: dict[str, Any]) -> str:
    """Return the subnet a group is attached to, by its whole name, which holds that of its network."""
    listed = group.get("subnets")
    first = flat(listed[0]) if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    return str(first.get("id") or "")


_PARAMETER = re.compile(r"\[parameters\('([^']{1,200})'\)\]")


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = document.json()
        found = [(pointer, flat(one)) for pointer, one in groups(tree)]
        found = [(pointer, one) for pointer, one in found if isinstance(one.get("securityRules"), list)]
        if not found:
            yield Rejected(document, document.fault) if document.fault else Ignored(document, "lists no network security group")
            continue
        yield Machine(host=bundle.host, as_of=document.as_of, where=(document.spot("$"),), system=System.CLOUD, product="Azure subscription")
        for pointer, group in found:
            entries = [(f"{pointer}.{kind}[{number}]", flat(one)) for kind in ("securityRules", "defaultSecurityRules")
                       for number, one in items(group, kind)]  # fmt: skip
            attached = bool(group.get("subnets")) or bool(group.get("networkInterfaces"))
            known = "subnets" in group or "networkInterfaces" in group
            for name, made in parts(str(group.get("name")), entries, document):
                where = document.spot(pointer, name)
                yield PacketFilter(
                    host=bundle.host, as_of=document.as_of, where=(where,), platform="azure-nsg", semantics=Semantics.FIRST_MATCH,
                    chains=(made,), input=("ingress",), name=name,
                )  # fmt: skip
                yield RuleGroup(
                    host=bundle.host, as_of=document.as_of, where=(where,), platform="azure-nsg", name=name,
                    public=None if attached or not known else False, entries=len(entries), network=_network(group),
                )  # fmt: skip


FORMAT = Format(
    name="azure-nsg",
    title="Azure network security groups",
    recognise=_recognise,
    read=_read,
    collect="az network nsg list > EVIDENCE/SUBSCRIPTION/commands/nsg.json",
    references=("Azure: network security groups",),
)
