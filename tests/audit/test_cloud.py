"""Rules of clouds and clusters as packet filters; and that every measure of web content and cloud segmentation has its checks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.audit.checks.cloud import classes, open_ports
from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.query import arrive
from gatewatch.audit.reach.span import holds, of_address
from gatewatch.audit.registry import CHECKS
from gatewatch.evidence.document import Document
from gatewatch.evidence.reading import bundles, read
from gatewatch.schema.facts.base import Fact
from gatewatch.schema.facts.filter import FOUR_SPAN, TCP, PacketFilter
from gatewatch.schema.measure import Measure
from gatewatch.schema.port import remote_ports

BLOCKS = ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "203.0.113.0/24", "203.0.113.7/32", "10.0.0.0/8", "198.51.100.128/25")
PROBES = ("203.0.113.7", "203.0.113.8", "10.1.2.3", "198.51.100.200", "192.0.2.1")


def facts(tree: Any, path: str) -> Sequence[Fact]:
    [made] = [read(bundle) for bundle in bundles([Document(f"h/{path}", path, "h", json.dumps(tree).encode())])]
    return made.facts


def filters(tree: Any, path: str = "commands/x.json") -> list[PacketFilter]:
    return [one for one in facts(tree, path) if isinstance(one, PacketFilter)]


def let(rules: PacketFilter, source: str, port: int) -> bool:
    number = of_address(source)
    assert number is not None
    return bool(arrive(Engine(rules), ((number, number),), Packet(TCP, port, None, local=True)).accepted)


PERMISSIONS = st.lists(st.tuples(st.sampled_from(BLOCKS), st.integers(20, 24), st.integers(0, 4), st.sampled_from(["tcp", "udp", "-1"])), max_size=5)


@given(PERMISSIONS)
@settings(max_examples=200, deadline=None)
def test_permissions_of_a_group_add_up(listed: list[tuple[str, int, int, str]]) -> None:
    permissions = [
        {"IpProtocol": protocol, **({} if protocol == "-1" else {"FromPort": low, "ToPort": low + more}), "IpRanges": [{"CidrIp": block}]}
        for block, low, more, protocol in listed
    ]
    [rules] = filters({"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "x", "IpPermissions": permissions}]})
    for source in PROBES:
        for port in range(19, 30):
            wanted = any(
                ip_address(source) in ip_network(block) and (protocol == "-1" or (protocol == "tcp" and low <= port <= low + more))
                for block, low, more, protocol in listed
            )
            assert let(rules, source, port) is wanted


NUMBERED = st.lists(
    st.tuples(st.integers(100, 110), st.booleans(), st.sampled_from(BLOCKS), st.integers(21, 23)), max_size=6, unique_by=lambda one: one[0]
)


@given(NUMBERED)
@settings(max_examples=200, deadline=None)
def test_rules_of_azure_decide_by_priority(listed: list[tuple[int, bool, str, int]]) -> None:
    made = [
        {"name": str(number), "priority": number, "access": "Allow" if allow else "Deny", "direction": "Inbound", "protocol": "Tcp",
         "sourceAddressPrefix": block, "destinationPortRange": str(port)}
        for number, allow, block, port in listed
    ]  # fmt: skip
    [rules] = filters([{"name": "n", "securityRules": made, "subnets": [{"id": "x"}]}])
    for source in PROBES:
        for port in (21, 22, 23, 24):
            first = next((one for one in sorted(listed) if one[3] == port and ip_address(source) in ip_network(one[2])), None)
            assert let(rules, source, port) is (first is not None and first[1])


def test_policies_of_a_pod_add_up_and_exceptions_hold() -> None:
    def item(kind: str, name: str, **more: Any) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop", **more.pop("metadata", {})}, **more}

    tree = {"apiVersion": "v1", "kind": "List", "items": [
        item("Pod", "web", metadata={"labels": {"app": "web"}}, spec={"containers": [{}]}, status={"podIP": "10.8.0.4"}),
        item("Pod", "db", metadata={"labels": {"app": "db"}}, spec={"containers": [{}]}, status={"podIP": "10.8.0.5"}),
        item("Pod", "free", metadata={"labels": {"app": "free"}}, spec={"containers": [{}]}, status={"podIP": "10.8.0.6"}),
        item("NetworkPolicy", "deny", spec={"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}}),
        item("NetworkPolicy", "web", spec={"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [
            {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.9.0.0/16"]}}], "ports": [{"port": 443, "endPort": 445}]},
            {"from": [{"podSelector": {"matchLabels": {"app": "db"}}}]}]}),
    ]}  # fmt: skip
    found = {one.name: one for one in filters(tree, "commands/cluster.json")}
    assert set(found) == {"shop/web", "shop/db"}  # what no policy selects is not filtered, and says so by having no filter
    web = found["shop/web"]
    assert [let(web, source, port) for source, port in (("10.1.1.1", 444), ("10.9.1.1", 444), ("10.1.1.1", 22), ("10.8.0.5", 22))] == [
        True, False, False, True,
    ]  # fmt: skip
    assert not let(found["shop/db"], "10.8.0.4", 5432)
    assert holds(web.protects, of_address("10.8.0.4") or 0)


def test_one_port_of_a_class_answers_for_all() -> None:
    [rules] = filters({"SecurityGroups": [{"GroupId": "sg", "GroupName": "x", "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 5900, "ToPort": 5910, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}]})  # fmt: skip
    assert len(classes([rules], remote_ports())) < 10
    opened = {port for _, protocol, port, sure, _, _ in open_ports([rules], (FOUR_SPAN,)) if protocol == "tcp" and sure}
    assert opened == set(range(5900, 5911))


@pytest.mark.parametrize("measure", [
    Measure.WEB_PROXY, Measure.DNS_FILTER, Measure.CSP, Measure.BROWSER, Measure.WEB_ALERT, Measure.CLOUD_SEGMENTATION, Measure.MICROSEGMENTATION,
    Measure.IAM,
])  # fmt: skip
def test_a_measure_has_three_automated_checks(measure: Measure) -> None:
    assert len([check for check in CHECKS if check.automated and measure in check.measures]) >= 3
