"""What the rule of a security group lets in, in every form of the API's parameters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.sources.cloudtrail_action import openings

ITEM = {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22}


@pytest.mark.parametrize(
    "parameters",
    [
        {"groupId": "sg-1", "cidrIp": "0.0.0.0/0", **ITEM},
        {"ipPermissions": {"items": [{**ITEM, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}},
        {"ipPermissions": [{**ITEM, "ipRanges": [{"cidrIp": "0.0.0.0/0"}]}]},
        {
            "ModifySecurityGroupRulesRequest": {
                "SecurityGroupRule": {"SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv4": "0.0.0.0/0"}}
            }
        },
    ],
)
def test_forms(parameters: dict[str, Any]) -> None:
    (rule,) = openings(parameters)
    assert (str(rule), rule.remote) == ("0.0.0.0/0 tcp/22", True)


@pytest.mark.parametrize(
    ("source", "protocol", "first", "last", "remote"),
    [
        ("0.0.0.0/0", "tcp", 443, 443, False),
        ("0.0.0.0/0", "tcp", 1, 65535, True),
        ("0.0.0.0/0", "-1", -1, -1, True),
        ("0.0.0.0/0", "icmp", -1, -1, False),
        ("0.0.0.0/0", "tcp", "3389", "3389", True),
        ("10.1.0.0/16", "tcp", 22, 22, False),
        ("10.0.0.0/7", "tcp", 22, 22, True),
        ("203.0.113.9/32", "tcp", 22, 22, True),
        ("::/0", "tcp", 5900, 5905, True),
        ("fd00::/8", "tcp", 22, 22, False),
        ("nowhere", "tcp", 22, 22, True),
    ],
)
def test_who_is_let_in_from_outside(source: str, protocol: str, first: Any, last: Any, remote: bool) -> None:
    key = "cidrIpv6" if ":" in source else "cidrIp"
    (rule,) = openings({key: source, "ipProtocol": protocol, "fromPort": first, "toPort": last})
    assert rule.remote is remote


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["items", "cidrIp", "ipRanges", "ipv6Ranges", "fromPort", "ipProtocol", "SecurityGroupRule", ""]), inner, max_size=3
        )
    ),
)


@given(JSON, JSON)
def test_any_parameters(permissions: Any, rules: Any) -> None:
    for rule in openings({"ipPermissions": permissions, "ModifySecurityGroupRulesRequest": {"SecurityGroupRule": rules}, "cidrIp": permissions}):
        assert isinstance(rule.remote, bool)
