"""A proxy's rules against a slow reading: one client after the other, one rule after the other."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.audit.proxy import Request, ask
from gatewatch.evidence.address import parse_span
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.web import ProxyAcl, ProxyPolicy, ProxyRule

NETWORK = parse_span("203.0.113.0/24")
assert NETWORK is not None
ACLS = (
    ProxyAcl("c1", "src", networks=((1, 1),)), ProxyAcl("c2", "src", networks=((2, 2),)), ProxyAcl("who", "proxy_auth", ("REQUIRED",)),
    ProxyAcl("tor", "dstdomain", (".onion", "onion.to")), ProxyAcl("nodes", "dst", networks=(NETWORK,)),
    ProxyAcl("ssl", "port", ("443", "8000-8010")),
    ProxyAcl("gone", "dstdomain", (), ("/x",)), ProxyAcl("re", "dstdom_regex", (r"\.onion$",)),
)  # fmt: skip
REQUESTS = (
    Request("CONNECT", "a.onion", 443), Request("GET", "example.net", 80), Request("CONNECT", "203.0.113.9", 22), Request("GET", "onion.to", 80),
)  # fmt: skip
TERM = st.tuples(st.sampled_from([*(one.name for one in ACLS), "all", "CONNECT"]), st.booleans())
RULES = st.lists(st.tuples(st.booleans(), st.lists(TERM, max_size=3)), max_size=6)


def truth(name: str, request: Request, clients: dict[str, bool], gone: bool) -> bool:
    host = request.host
    return {
        **clients, "all": True, "CONNECT": request.method == "CONNECT", "tor": host.endswith(".onion") or host == "onion.to",
        "nodes": host.startswith("203.0.113."), "ssl": request.port == 443, "gone": gone, "re": host.endswith(".onion"),
    }[name]  # fmt: skip


def passes(rules: list[tuple[bool, list[tuple[str, bool]]]], request: Request, clients: dict[str, bool], gone: bool) -> bool:
    for allow, terms in rules:
        if all(truth(name, request, clients, gone) != negated for name, negated in terms):
            return allow
    return bool(rules) and not rules[-1][0]


@given(RULES, st.sampled_from(REQUESTS))
@settings(max_examples=500, deadline=None)
def test_a_proxy_answers_as_its_rules_read_one_by_one(rules: list[tuple[bool, list[tuple[str, bool]]]], request: Request) -> None:
    made = tuple(ProxyRule(allow, tuple(terms), Where("squid.conf", number)) for number, (allow, terms) in enumerate(rules, 1))
    answer = ask(ProxyPolicy(host="h", product="squid", acls=ACLS, rules=made), request).allowed
    worlds = [dict(zip(("c1", "c2", "who"), chosen, strict=True)) for chosen in product((True, False), repeat=3)]
    known = [any(passes(rules, request, clients, gone) for clients in worlds) for gone in (True, False)]
    if answer is not None:
        assert known == [answer, answer]
    elif not any(name == "gone" for _, terms in rules for name, _ in terms):
        raise AssertionError("nothing here is undecidable")
