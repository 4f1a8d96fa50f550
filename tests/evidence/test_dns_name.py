from __future__ import annotations

from gatewatch.audit.checks.dns_filter import answers
from gatewatch.evidence.dns_name import policy_names
from gatewatch.schema.facts.web import DnsFilter, PolicyZone

ZONE = [
    "$TTL 300",
    "@ 3600 IN SOA localhost. root.localhost. (",
    "        1 3600 ; serial",
    "        600 86400 300 )",
    "  IN NS localhost.",
    "onion.to       CNAME .",
    "*.onion.to     60 IN CNAME .",
    "ok.onion.to    CNAME rpz-passthru.",
    "$ORIGIN ws.rpz.example.",
    "*.onion        CNAME *.",
    "full.example.com.rpz.example. A 192.0.2.1",
]


def test_triggers_are_relative_to_the_zone() -> None:
    names, fault = policy_names(ZONE, "rpz.example")
    assert fault == ""
    assert dict(names) == {"onion.to": True, "*.onion.to": True, "ok.onion.to": False, "*.onion.ws": True, "full.example.com": True}


def test_a_zone_without_soa_does_not_load() -> None:
    assert policy_names(["onion CNAME ."], "rpz.example")[1] != ""


def test_an_exact_name_wins_over_a_wildcard() -> None:
    names, _ = policy_names(ZONE, "rpz.example")
    resolver = DnsFilter(host="h", product="unbound", policies=(PolicyZone("rpz.example", acts=True, logged=True, names=names),))
    assert [answers(resolver, name)[0] for name in ("a.onion.to", "ok.onion.to", "a.ok.onion.to", "example.net")] == [True, False, True, False]
