"""Somebody who connects for the first time: limits of rates keep nobody out, knocking and unknown conditions are no limits."""

from __future__ import annotations

import pytest

from gatewatch.audit.reach.query import Reach
from gatewatch.audit.reach.zone import internet
from gatewatch.evidence.document import Document
from gatewatch.evidence.reading import bundles, read
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.site.model import Site

IPTABLES = """*filter
:INPUT DROP [0:0]
:limited - [0:0]
{rules}
-A limited -j REJECT --reject-with icmp-port-unreachable
COMMIT
"""
SSH = "-A INPUT -p tcp -m tcp --dport 22"
NFT = """table inet filter {{
	set busy {{
		type ipv4_addr
		size 65535
		flags dynamic,timeout
		timeout 1m
	}}

	set knocked {{
		type ipv4_addr
		flags timeout
	}}

	chain input {{
		type filter hook input priority filter; policy drop;
{rules}
	}}
}}
"""


def asked(name: str, text: str) -> tuple[str, str]:
    """Return the verdict on ssh for anybody, and for who connects for the first time."""
    [bundle] = bundles([Document(f"h/commands/{name}", f"commands/{name}", "h", text.encode())])
    facts = Facts()
    facts.add([*read(bundle).facts, Machine(host="h", system=System.LINUX, addresses=("198.51.100.1",))])
    site = Site.default()
    both = [Reach(facts, site, fresh).ask(internet(site), "h", 22) for fresh in (False, True)]
    return both[0].verdict, "yes" if both[1].sure else both[1].verdict


@pytest.mark.parametrize(
    ("rules", "first"),
    [
        (f"{SSH} -m recent --update --seconds 30 --hitcount 6 --name S --rsource -j limited\n{SSH} -j ACCEPT", "yes"),
        (f"{SSH} -m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr -j REJECT\n{SSH} -j ACCEPT", "yes"),
        (f"{SSH} -m hashlimit --hashlimit-above 5/min --hashlimit-name s -j DROP\n{SSH} -j ACCEPT", "yes"),
        (f"{SSH} -m limit --limit 3/min --limit-burst 5 -j ACCEPT", "yes"),
        (f"{SSH} -m recent --rcheck --seconds 30 --name KNOCK --rsource -j ACCEPT", "may"),
        (f"{SSH} -m geoip --source-country XX -j DROP\n{SSH} -j ACCEPT", "may"),
        (f"{SSH} -m recent --update --seconds 30 --hitcount 6 -m geoip --source-country XX -j DROP\n{SSH} -j ACCEPT", "may"),
    ],
)
def test_limits_of_iptables(rules: str, first: str) -> None:
    assert asked("iptables-save.txt", IPTABLES.format(rules=rules)) == ("may", first)


@pytest.mark.parametrize(
    ("rules", "first"),
    [
        ("tcp dport 22 limit rate over 3/minute drop\ntcp dport 22 accept", "yes"),
        ("tcp dport 22 limit rate 3/minute accept", "yes"),
        ("tcp dport 22 ct count over 3 reject\ntcp dport 22 accept", "yes"),
        ("tcp dport 22 ip saddr @busy drop\ntcp dport 22 accept", "yes"),
        ("tcp dport 22 ip saddr @knocked accept", "may"),
        ("tcp dport 22 ip saddr @busy meta mark 7 drop\ntcp dport 22 accept", "may"),
        ("fib saddr . iif oif missing drop\ntcp dport 22 accept", "yes"),
        ("tcp dport 22 ip saddr @absent drop\ntcp dport 22 accept", "may"),
    ],
)
def test_limits_of_nftables(rules: str, first: str) -> None:
    text = NFT.format(rules="\n".join(f"\t\t{line}" for line in rules.splitlines()))
    assert asked("nft-list-ruleset.txt", text) == ("may", first)
