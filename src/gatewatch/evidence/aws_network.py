"""AWS networks: ``aws ec2 describe-security-groups``, ``-network-acls``, ``-instances``, ``-network-interfaces``, ``-route-tables``,
``-flow-logs``.

::

    {"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
      "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}]}]}

The groups of an interface add up; the ACL of its subnet decides by the first matching number before them. Reference: Amazon EC2 API.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gatewatch.evidence.cloud_rule import items, members, number, port_span, ranges, rules
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.cloud import CloudMachine, FlowLogs, NetworkRoute, RuleGroup
from gatewatch.schema.facts.filter import Action, Chain, PacketFilter, Rule, Semantics
from gatewatch.schema.facts.machine import Machine, System

_VIA = ("VpcPeeringConnectionId", "TransitGatewayId", "CoreNetworkArn", "GatewayId")
_OUT = ("igw-", "eigw-", "local", "nat-", "vpce-")
_TOPS = ("SecurityGroups", "NetworkAcls", "Reservations", "NetworkInterfaces", "RouteTables", "FlowLogs")


@dataclass(slots=True)
class _Port:
    """A network interface."""

    groups: tuple[str, ...]
    subnet: str
    vpc: str
    public: tuple[str, ...]
    addresses: tuple[str, ...]
    machine: str
    where: Where


@dataclass(slots=True)
class _Account:
    groups: dict[str, tuple[Document, str, dict[str, Any]]] = field(default_factory=dict)
    acls: dict[str, tuple[Document, str, dict[str, Any]]] = field(default_factory=dict)  # by subnet
    ports: list[_Port] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    gates: dict[str, bool] = field(default_factory=dict)  # by subnet, or "main VPC": whether an internet gateway is routed to
    listed: bool = False  # whether all interfaces are known


def _recognise(document: Document) -> int:
    head = document.head.lstrip()
    return SURE if head.startswith("{") and any(f'"{top}"' in head for top in _TOPS) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    account = _Account()
    first: Document | None = None
    for document in documents:
        tree = document.json()
        if not isinstance(tree, dict):
            yield Rejected(document, document.fault or "is no answer of the EC2 API")
            continue
        if isinstance(tree.get("FlowLogs"), list):
            logs = [one for _, one in items(tree, "FlowLogs")]
            entries = [(str(one.get("ResourceId")), one.get("FlowLogStatus") == "ACTIVE", str(one.get("TrafficType"))) for one in logs]
            where = (document.spot("$.FlowLogs", f"{len(entries)} flow logs"),)
            yield FlowLogs(host=bundle.host, as_of=document.as_of, where=where, platform="aws-sg", entries=tuple(entries))
        elif not any(isinstance(tree.get(top), list) and tree[top] for top in _TOPS):
            yield Ignored(document, "lists nothing")
            continue
        first = first or document
        yield from _routes(document, tree, bundle)
        _take(document, tree, account)
    if first is None:
        return
    yield Machine(host=bundle.host, as_of=first.as_of, where=(first.spot("$"),), system=System.CLOUD, product="AWS account")
    for name, (document, pointer, group) in account.groups.items():
        yield from _group(name, document, pointer, group, account, bundle)
    yield from _machines(account, bundle)


def _take(document: Document, tree: dict[str, Any], account: _Account) -> None:
    for at, group in items(tree, "SecurityGroups"):
        account.groups[str(group.get("GroupId"))] = (document, f"$.SecurityGroups[{at}]", group)
    for at, acl in items(tree, "NetworkAcls"):
        for _, tie in items(acl, "Associations"):
            account.acls[str(tie.get("SubnetId"))] = (document, f"$.NetworkAcls[{at}]", acl)
    for at, held in items(tree, "Reservations"):
        for inner, machine in items(held, "Instances"):
            name = str(machine.get("InstanceId"))
            tag = next((str(one.get("Value")) for _, one in items(machine, "Tags") if one.get("Key") == "Name"), "")
            account.names[name] = (tag or name).casefold()
            for slot, port in items(machine, "NetworkInterfaces"):
                pointer = f"$.Reservations[{at}].Instances[{inner}].NetworkInterfaces[{slot}]"
                account.ports.append(_port(document, pointer, port, name))
    account.listed = account.listed or "NetworkInterfaces" in tree
    for at, port in items(tree, "NetworkInterfaces"):
        attachment = port.get("Attachment")
        owner = str(attachment.get("InstanceId") or "") if isinstance(attachment, dict) else ""
        account.ports.append(_port(document, f"$.NetworkInterfaces[{at}]", port, owner))
    for _, table in items(tree, "RouteTables"):
        gate = any(str(one.get("GatewayId", "")).startswith("igw-") and one.get("State") != "blackhole" for _, one in items(table, "Routes"))
        for _, tie in items(table, "Associations"):
            account.gates[f"main {table.get('VpcId')}" if tie.get("Main") else str(tie.get("SubnetId"))] = gate


def _routes(document: Document, tree: dict[str, Any], bundle: Bundle) -> Iterator[NetworkRoute]:
    """Yield where each network's routes lead beyond it; one fact without a way where none does."""
    for at, table in items(tree, "RouteTables"):
        ways = [(slot, one) for slot, one in items(table, "Routes") if one.get("State") != "blackhole"]
        blocks = [one.get("DestinationCidrBlock") or one.get("DestinationIpv6CidrBlock") for _, one in ways if one.get("GatewayId") == "local"]
        own, network = ranges(blocks)[0] or (), str(table.get("VpcId") or "")
        beyond = [
            (slot, block, via) for slot, one in ways
            if (via := next((str(one[name]) for name in _VIA if one.get(name)), "")) and not via.startswith(_OUT)
            and (block := one.get("DestinationCidrBlock") or one.get("DestinationIpv6CidrBlock"))
        ]  # fmt: skip
        place = document.spot(f"$.RouteTables[{at}]", str(table.get("RouteTableId") or network))
        if not beyond:
            yield NetworkRoute(host=bundle.host, as_of=document.as_of, where=(place,), network=network, source=own)
        for slot, block, via in beyond:
            where = document.spot(f"$.RouteTables[{at}].Routes[{slot}]", f"{block} via {via}")
            target = ranges([block])[0] or ()
            yield NetworkRoute(host=bundle.host, as_of=document.as_of, where=(where,), network=network, source=own, target=target, via=via)


def _port(document: Document, pointer: str, port: dict[str, Any], machine: str) -> _Port:
    public = [port.get("Association")] + [one.get("Association") for _, one in items(port, "PrivateIpAddresses")]
    shown = [str(one.get("PublicIp")) for one in public if isinstance(one, dict) and one.get("PublicIp")]
    shown += [str(one.get("Ipv6Address")) for _, one in items(port, "Ipv6Addresses") if one.get("Ipv6Address")]
    inner = [str(port.get("PrivateIpAddress") or "")] + [str(one.get("PrivateIpAddress") or "") for _, one in items(port, "PrivateIpAddresses")]
    return _Port(
        tuple(str(one.get("GroupId")) for _, one in items(port, "Groups")), str(port.get("SubnetId")), str(port.get("VpcId")),
        tuple(dict.fromkeys(shown)), tuple(dict.fromkeys(one for one in inner if one)), machine,
        document.spot(pointer, str(port.get("NetworkInterfaceId"))),
    )  # fmt: skip


def permissions(document: Document, pointer: str, group: dict[str, Any], name: str) -> Iterator[Rule]:
    """Yield the rules of a list of permissions (``IpPermissions``)."""
    for at, one in items(group, name):
        blocks = [entry.get("CidrIp") for _, entry in items(one, "IpRanges")] + [entry.get("CidrIpv6") for _, entry in items(one, "Ipv6Ranges")]
        sources = [ranges(blocks)] if blocks else []
        lists = [str(entry.get("PrefixListId")) for _, entry in items(one, "PrefixListIds")]
        sources += [(None, f"prefix list {', '.join(lists)}")] if lists else []
        groups = [str(entry.get("GroupId")) for _, entry in items(one, "UserIdGroupPairs")]
        sources += [members(", ".join(groups))] if groups else []
        protocol = one.get("IpProtocol", "-1")
        said = f"{protocol} {one.get('FromPort', 'all')}-{one.get('ToPort', 'all')} from {blocks or lists or groups}"
        where = document.spot(f"{pointer}.{name}[{at}]", said)
        yield from rules(where, sources, protocol, port_span(one.get("FromPort"), one.get("ToPort"), protocol))


def _group(name: str, document: Document, pointer: str, group: dict[str, Any], account: _Account, bundle: Bundle) -> Iterator[Outcome]:
    title = f"{name} ({group.get('GroupName')})"
    inward = tuple(permissions(document, pointer, group, "IpPermissions"))
    outward = tuple(permissions(document, pointer, group, "IpPermissionsEgress"))
    where = document.spot(pointer, f"{name} {group.get('GroupName')}")
    mine = [one for one in account.ports if name in one.groups]
    public = True if any(one.public for one in mine) else False if account.listed else None
    everything = "IpPermissionsEgress" in group
    yield PacketFilter(
        host=bundle.host, as_of=document.as_of, where=(where,), platform="aws-sg", semantics=Semantics.ADDITIVE,
        chains=(Chain("ingress", inward, Action.DROP, where),), input=("ingress",), name=title,
    )  # fmt: skip
    yield RuleGroup(
        host=bundle.host, as_of=document.as_of, where=(where,), platform="aws-sg", name=title, default=group.get("GroupName") == "default",
        public=public, entries=len(inward) + len(outward), network=str(group.get("VpcId") or ""),
        open_egress=any(rule.protocols is None and not rule.unknown and rule.sources and rule.sources[0][0] == 0 and rule.sources[0][1] >= 2**32 - 1
                        for rule in outward) if everything else None,
    )  # fmt: skip


def _machines(account: _Account, bundle: Bundle) -> Iterator[Outcome]:
    for name in dict.fromkeys(one.machine for one in account.ports if one.machine):
        mine = [one for one in account.ports if one.machine == name]
        host = account.names.get(name, name.casefold())
        groups = tuple(dict.fromkeys(group for one in mine for group in one.groups))
        public = tuple(dict.fromkeys(address for one in mine for address in one.public))
        addresses = (*public, *dict.fromkeys(address for one in mine for address in one.addresses))
        where = (mine[0].where,)
        as_of = bundle.documents[0].as_of if bundle.documents else None
        yield Machine(host=host, as_of=as_of, where=where, system=System.CLOUD, product="EC2 instance", addresses=addresses)
        routes = [account.gates.get(one.subnet, account.gates.get(f"main {one.vpc}")) for one in mine if one.public]
        routed = True if True in routes else None if None in routes else False if routes else None
        yield CloudMachine(host=host, as_of=as_of, where=where, platform="aws-sg", groups=groups, routed=routed, public=public)
        missing = [one for one in groups if one not in account.groups]
        found = [account.groups[one] for one in groups if one in account.groups]
        inward = tuple(rule for document, pointer, group in found for rule in permissions(document, pointer, group, "IpPermissions"))
        yield PacketFilter(
            host=host, as_of=as_of, where=where, platform="aws-sg", semantics=Semantics.ADDITIVE, name=f"groups of {host}",
            chains=(Chain("ingress", inward, Action.DROP, where[0]),), input=("ingress",),
            incomplete=f"{', '.join(missing)} not in the evidence" if missing else "",
        )  # fmt: skip
        acls = [account.acls[one] for one in dict.fromkeys(port.subnet for port in mine) if one in account.acls]
        if len(acls) == 1:  # with several interfaces in several subnets, which ACL a packet meets is not known: the groups alone decide
            yield _acl(*acls[0], host, where, as_of)


def _acl(document: Document, pointer: str, acl: dict[str, Any], host: str, where: tuple[Where, ...], as_of: Any) -> PacketFilter:
    entries = [(at, one) for at, one in items(acl, "Entries") if one.get("Egress") is False]
    entries.sort(key=lambda entry: number(entry[1].get("RuleNumber")))
    made: list[Rule] = []
    for at, one in entries:
        block = one.get("CidrBlock") or one.get("Ipv6CidrBlock")
        ports = one.get("PortRange") if isinstance(one.get("PortRange"), dict) else {}
        action = Action.ACCEPT if one.get("RuleAction") == "allow" else Action.DROP
        place = document.spot(f"{pointer}.Entries[{at}]", f"{one.get('RuleNumber')} {one.get('RuleAction')} {one.get('Protocol')} {block}")
        assert isinstance(ports, dict)
        made += rules(place, [ranges([block])], one.get("Protocol", "-1"), port_span(ports.get("From"), ports.get("To"), ""), action)
    return PacketFilter(
        host=host, as_of=as_of, where=where, platform="aws-nacl", semantics=Semantics.FIRST_MATCH, input=("ingress",),
        chains=(Chain("ingress", tuple(made), Action.DROP, document.spot(pointer)),), name=str(acl.get("NetworkAclId")),
    )  # fmt: skip


FORMAT = Format(
    name="aws-network",
    title="AWS security groups, network ACLs, instances, interfaces and routes",
    recognise=_recognise,
    read=_read,
    collect=(
        "for what in security-groups network-acls instances network-interfaces route-tables flow-logs; do aws ec2 describe-$what > "
        "EVIDENCE/ACCOUNT/commands/ec2-$what.json; done"
    ),
    references=("Amazon EC2 API reference",),
)
