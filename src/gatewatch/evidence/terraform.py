"""Terraform plans: ``terraform show -json PLAN``; the security groups and firewall rules that will be there after apply.

::

    {"format_version": "1.2", "planned_values": {"root_module": {"resources": [{"address": "aws_security_group.web", "type": ..., "values": {...}}]}}}

What is known only after apply is undecidable, never absent. Reference: Terraform "JSON output format".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence import azure_network, gcp_network
from gatewatch.evidence.cloud_rule import Source, items, members, port_span, ranges, rules
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.kube_config import at, texts
from gatewatch.schema.facts.cloud import RuleGroup
from gatewatch.schema.facts.filter import Action, Chain, PacketFilter, Rule, Semantics

_DEPTH = 30


def _recognise(document: Document) -> int:
    head = document.head
    return SURE if '"format_version"' in head and ('"terraform_version"' in head or '"planned_values"' in head) else 0


def _resources(module: Any, pointer: str, depth: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    if depth > _DEPTH:
        return
    for number, one in items(module, "resources"):
        if one.get("mode", "managed") == "managed" and isinstance(one.get("values"), dict):
            yield f"{pointer}.resources[{number}]", one
    for number, child in items(module, "child_modules"):
        yield from _resources(child, f"{pointer}.child_modules[{number}]", depth + 1)


def _references(module: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the address of each resource of a configuration and the group its ``security_group_id`` refers to."""
    if depth > _DEPTH:
        return
    for _, one in items(module, "resources"):
        for word in texts(at(one, "expressions.security_group_id.references")):
            if word.startswith("aws_") and word.count(".") == 1:
                yield f"{prefix}{one.get('address')}", f"{prefix}{word}"
    calls = module.get("module_calls") if isinstance(module, dict) else None
    for name, call in calls.items() if isinstance(calls, dict) else ():
        yield from _references(at(call, "module"), f"{prefix}module.{name}.", depth + 1)


def _sources(values: dict[str, Any]) -> list[Source]:
    blocks = (*texts(values.get("cidr_blocks")), *texts(values.get("ipv6_cidr_blocks")))
    blocks += tuple(str(values[name]) for name in ("cidr_ipv4", "cidr_ipv6") if isinstance(values.get(name), str))
    found: list[Source] = [ranges(blocks)] if blocks else []
    lists = (*texts(values.get("prefix_list_ids")), *([str(values["prefix_list_id"])] if values.get("prefix_list_id") else []))
    found += [(None, f"prefix list {', '.join(lists)}")] if lists else []
    groups = texts(values.get("security_groups")) or ((str(values["source_security_group_id"]),) if values.get("source_security_group_id") else ())
    groups = groups or ((str(values["referenced_security_group_id"]),) if values.get("referenced_security_group_id") else ())
    found += [members(", ".join(groups))] if groups else []
    found += [members("the group itself")] if values.get("self") is True else []
    return found or [(None, "its sources are known after apply")]


def _aws(document: Document, listed: list[tuple[str, dict[str, Any]]], ties: dict[str, str], host: str) -> Iterator[Outcome]:
    groups: dict[str, list[Rule]] = {}
    places: dict[str, str] = {}
    outward: dict[str, int] = {}
    for pointer, one in listed:
        if str(one.get("type")) in {"aws_security_group", "aws_default_security_group"}:
            name = str(one.get("address"))
            places[name] = pointer
            groups[name] = [
                rule
                for number, entry in items(one["values"], "ingress")
                for rule in _one(document, f"{pointer}.values.ingress[{number}]", entry, entry.get("protocol", "-1"))
            ]
            outward[name] = len(items(one["values"], "egress"))
    for pointer, one in listed:
        kind, values = one.get("type"), one["values"]
        if (kind == "aws_security_group_rule" and values.get("type") == "ingress") or kind == "aws_vpc_security_group_ingress_rule":
            address = str(one.get("address"))
            group = ties.get(address.partition("[")[0]) or f"group {values.get('security_group_id') or 'of ' + address}"
            protocol = values.get("protocol") or values.get("ip_protocol") or "-1"
            places.setdefault(group, pointer)
            groups.setdefault(group, []).extend(_one(document, f"{pointer}.values", values, protocol))
    for name, made in groups.items():
        where = document.spot(places[name], name)
        yield PacketFilter(
            host=host, as_of=document.as_of, where=(where,), platform="aws-sg", semantics=Semantics.ADDITIVE, name=name,
            chains=(Chain("ingress", tuple(made), Action.DROP, where),), input=("ingress",),
        )  # fmt: skip
        yield RuleGroup(
            host=host, as_of=document.as_of, where=(where,), platform="aws-sg", name=name, entries=len(made) + outward.get(name, 0),
            default="aws_default_security_group." in name,
        )  # fmt: skip


def _one(document: Document, pointer: str, values: dict[str, Any], protocol: object) -> Iterator[Rule]:
    blocks = texts(values.get("cidr_blocks")) or values.get("cidr_ipv4")
    where = document.spot(pointer, f"{protocol} {values.get('from_port')}-{values.get('to_port')} from {blocks}")
    low, high = values.get("from_port"), values.get("to_port")
    ports = (None, "") if str(protocol) in {"-1", "all"} else port_span(low, high, protocol)
    yield from rules(where, _sources(values), protocol, ports)


_AZURE_KEYS = {
    "source_address_prefix": "sourceAddressPrefix", "source_address_prefixes": "sourceAddressPrefixes",
    "destination_port_range": "destinationPortRange", "destination_port_ranges": "destinationPortRanges",
    "destination_address_prefix": "destinationAddressPrefix", "destination_address_prefixes": "destinationAddressPrefixes",
    "source_application_security_group_ids": "sourceApplicationSecurityGroups",
    "destination_application_security_group_ids": "destinationApplicationSecurityGroups",
}  # fmt: skip


def _azure(document: Document, listed: list[tuple[str, dict[str, Any]]], host: str) -> Iterator[Outcome]:
    groups: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for pointer, one in listed:
        values = one["values"]
        if one.get("type") == "azurerm_network_security_group":
            entries = [(f"{pointer}.values.security_rule[{number}]", rule) for number, rule in items(values, "security_rule")]
            groups.setdefault(str(values.get("name") or one.get("address")), []).extend(entries)
        elif one.get("type") == "azurerm_network_security_rule":
            group = str(values.get("network_security_group_name") or f"group of {one.get('address')}")
            groups.setdefault(group, []).append((f"{pointer}.values", values))
    for name, entries in groups.items():
        turned = [(pointer, {_AZURE_KEYS.get(key, key): value for key, value in rule.items()}) for pointer, rule in entries]
        for part, made in azure_network.parts(name, turned, document):
            where = document.spot(entries[0][0] if entries else "$", part)
            yield PacketFilter(
                host=host, as_of=document.as_of, where=(where,), platform="azure-nsg", semantics=Semantics.FIRST_MATCH, name=part,
                chains=(made,), input=("ingress",),
            )  # fmt: skip
            yield RuleGroup(host=host, as_of=document.as_of, where=(where,), platform="azure-nsg", name=part, entries=len(entries))


def _google(listed: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    made = []
    for pointer, one in listed:
        if one.get("type") != "google_compute_firewall":
            continue
        values = one["values"]
        rule: dict[str, Any] = {
            "name": values.get("name"), "network": values.get("network") or "", "direction": values.get("direction") or "INGRESS",
            "priority": values.get("priority"), "disabled": values.get("disabled"), "sourceRanges": values.get("source_ranges"),
            "sourceTags": values.get("source_tags"), "targetTags": values.get("target_tags"),
            "targetServiceAccounts": values.get("target_service_accounts"),
        }  # fmt: skip
        for kind, name in (("allow", "allowed"), ("deny", "denied")):
            rule[name] = [{"IPProtocol": entry.get("protocol"), "ports": entry.get("ports") or []} for _, entry in items(values, kind)]
        made.append((f"{pointer}.values", rule))
    return made


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = document.json()
        if not isinstance(tree, dict):
            yield Rejected(document, document.fault or "is no plan")
            continue
        version = str(tree.get("format_version", ""))
        if version.partition(".")[0] not in {"0", "1"}:
            yield Rejected(document, f"version {version[:20]} of the plan's format is not known")
            continue
        whole = at(tree, "planned_values.root_module") or at(tree, "values.root_module")
        listed = list(_resources(whole, "$.planned_values.root_module"))
        ties = dict(_references(at(tree, "configuration.root_module")))
        made = [*_aws(document, listed, ties, bundle.host), *_azure(document, listed, bundle.host)]
        made += gcp_network.filters(bundle.host, _google(listed), document)
        if made:
            yield from made
        else:
            yield Ignored(document, f"{len(listed)} resources, none of them a group or rule of a firewall")


FORMAT = Format(
    name="terraform-plan",
    title="Terraform plan",
    recognise=_recognise,
    read=_read,
    collect="terraform show -json PLAN > EVIDENCE/STACK/commands/plan.json",
    references=("Terraform: JSON output format",),
)
