"""Questions over devices: a gateway that translates to a host behind it, the host's own filter, families, source ports, zones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.audit.reach.query import Answer, Reach
from gatewatch.audit.reach.span import normal, of_address, shown
from gatewatch.audit.reach.zone import internet, sources
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.filter import Action, Chain, Interface, Nat, PacketFilter, Rule, Semantics, Spans
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.site.model import Networks, Site
from gatewatch.site.posture import Zone, ZoneKind
from gatewatch.site.range import parse_network


def where(line: int) -> Where:
    return Where("gate.cfg", line)


def at(text: str) -> Spans:
    network = parse_network(text)
    base = 0 if network.version == 4 else 1 << 32
    return ((base + int(network.network_address), base + int(network.broadcast_address)),)


def gate(*rules: Rule, nat: tuple[Rule, ...] = ()) -> PacketFilter:
    return PacketFilter(
        host="gate",
        platform="test",
        semantics=Semantics.FIRST_MATCH,
        chains=(Chain("nat", nat, Action.ACCEPT), Chain("forward", rules, Action.DROP), Chain("input", (), Action.DROP)),
        prerouting=("nat",),
        forward=("forward",),
        input=("input",),
        interfaces=(Interface("out", "outside", at("192.0.2.1/32"), ()), Interface("in", "inside", at("10.1.0.1/32"), at("10.1.0.0/16"))),
    )


def own(policy: Action, *rules: Rule) -> PacketFilter:
    return PacketFilter(host="rdp01", platform="test", semantics=Semantics.FIRST_MATCH, chains=(Chain("input", rules, policy),), input=("input",))


def ask(*filters: PacketFilter, source: str = "internet", port: int = 3389, site: Site | None = None) -> Answer:
    facts = Facts()
    facts.add([*filters, Machine(host="rdp01", system=System.WINDOWS, addresses=("10.1.2.3",))])
    found = sources(site or Site.default(), source)
    assert found is not None
    return Reach(facts, site or Site.default()).ask(found[0], "rdp01", port, zone=found[1])


FORWARD = Rule(Action.ACCEPT, where(9), destinations=at("10.1.2.3/32"), protocols=(6,), ports=((3389, 3389),))
TRANSLATE = Rule(
    Action.NAT,
    where(4),
    destinations=at("192.0.2.1/32"),
    protocols=(6,),
    ports=((4000, 4000),),
    nat=Nat(at("10.1.2.3/32"), ((3389, 3389),)),
)


def test_a_translation_leads_to_the_host_behind_and_names_both_rules() -> None:
    answer = ask(gate(FORWARD, nat=(TRANSLATE,)), own(Action.ACCEPT))
    assert answer.verdict == "yes"
    assert {step.where.line for step in answer.steps if step.action in {Action.NAT, Action.ACCEPT}} >= {4, 9}
    assert set(answer.devices) == {"gate", "rdp01"}


def test_without_the_forward_rule_the_translation_leads_nowhere() -> None:
    assert ask(gate(nat=(TRANSLATE,)), own(Action.ACCEPT)).verdict == "no"


def test_an_address_the_internet_does_not_route_needs_a_translation() -> None:
    assert ask(gate(FORWARD), own(Action.ACCEPT)).verdict == "no"


def test_every_filter_on_the_way_must_let_it_through() -> None:
    mine = Rule(Action.DROP, where(20), sources=at("198.51.100.0/24"))
    answer = ask(gate(FORWARD, nat=(TRANSLATE,)), own(Action.ACCEPT, mine))
    assert answer.verdict == "yes"
    assert not any(network.startswith("198.51.100.") for network in shown(answer.sure, 1000))
    assert ask(gate(FORWARD, nat=(TRANSLATE,)), own(Action.DROP)).verdict == "no"


def test_a_host_without_a_filter_in_the_evidence_is_not_called_open() -> None:
    answer = ask(gate(FORWARD, nat=(TRANSLATE,)))
    assert answer.verdict == "may"
    assert any("no packet filter of rdp01" in note or "packet filter of rdp01" in note for note in answer.notes)


def test_a_private_host_without_a_device_in_front_is_not_called_closed() -> None:
    answer = ask(own(Action.ACCEPT))
    assert answer.verdict == "may"
    assert any("no device in front of it" in note for note in answer.notes)


def test_an_unfinished_configuration_gives_no_sure_answer() -> None:
    assert ask(replace(gate(FORWARD, nat=(TRANSLATE,)), incomplete="ends early"), own(Action.ACCEPT)).verdict == "may"
    assert ask(replace(gate(nat=(TRANSLATE,)), incomplete="ends early"), own(Action.ACCEPT)).verdict == "may"


def test_who_connects_may_choose_the_source_port() -> None:
    only = Rule(Action.ACCEPT, where(3), source_ports=((53, 53),))
    keep = Rule(Action.DROP, where(2), source_ports=((1024, 65535),))
    assert ask(gate(FORWARD, nat=(TRANSLATE,)), own(Action.DROP, keep, only)).verdict == "yes"


@pytest.mark.parametrize(("halves", "expected"), [(("0.0.0.0/1", "128.0.0.0/1"), "yes"), ((), "no")])
def test_two_halves_are_the_whole(halves: tuple[str, ...], expected: str) -> None:
    rules = [replace(FORWARD, sources=at(half)) for half in halves]
    answer = ask(gate(*rules, nat=(TRANSLATE,)), own(Action.ACCEPT))
    assert answer.verdict == expected
    if halves:
        number = of_address("203.0.113.9")
        assert number is not None and any(low <= number <= high for low, high in answer.sure)


def test_an_inner_zone_goes_straight() -> None:
    site = replace(Site.default(), posture=replace(Site.default().posture, zones=(Zone("office", ZoneKind.USER, (parse_network("10.7.0.0/16"),)),)))
    answer = ask(gate(FORWARD), own(Action.ACCEPT), source="office", site=site)
    assert answer.verdict == "yes" and shown(answer.sure) == ["10.7.0.0/16"]


def test_the_internet_is_without_the_site_and_what_is_not_routed() -> None:
    site = replace(Site.default(), networks=Networks(internal=(parse_network("198.51.100.0/24"),)))
    spans = internet(site)
    for text, inside in (
        ("203.0.113.1", True),
        ("198.51.100.7", False),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("2001:db8::1", True),
        ("fd00::1", False),
        ("fe80::1", False),
        ("127.0.0.1", False),
        ("8.8.8.8", True),
    ):
        number = of_address(text)
        assert number is not None and any(low <= number <= high for low, high in spans) is inside, text


def beside(*rules: Rule) -> PacketFilter:
    """Return a gateway with a wide outer segment on which others stand as well."""
    return replace(gate(*rules), interfaces=(Interface("out", "outside", at("198.51.100.1/32"), at("198.51.100.0/24")),))


def reach_beside(*, internet_interfaces: tuple[str, ...]) -> Answer:
    facts = Facts()
    mine = replace(own(Action.ACCEPT), host="rdp01")
    facts.add([beside(), mine, Machine(host="rdp01", system=System.WINDOWS, addresses=("198.51.100.7",))])
    zone = Zone("internet", ZoneKind.INTERNET, (), internet_interfaces)
    site = replace(Site.default(), posture=replace(Site.default().posture, zones=(zone,)))
    return Reach(facts, site).ask(internet(site), "rdp01", 3389)


def test_who_stands_on_the_segment_the_internet_comes_by_is_beside_the_gateway() -> None:
    assert reach_beside(internet_interfaces=("outside",)).verdict == "yes"
    assert reach_beside(internet_interfaces=()).verdict == "no"  # by which interface the internet comes is not known: the gateway is in front


RANDOM_PORT = st.integers(1, 60)
SPANS = st.lists(st.tuples(RANDOM_PORT, st.integers(0, 8)).map(lambda one: (one[0], one[0] + one[1])), min_size=1, max_size=3).map(normal)


@settings(max_examples=150, deadline=None)
@given(
    rules=st.lists(
        st.builds(
            lambda action, ports, sources, unknown: Rule(action, where(1), sources=sources, ports=ports, unknown=unknown),
            st.sampled_from([Action.ACCEPT, Action.DROP]),
            st.none() | SPANS,
            st.sampled_from([None, at("198.51.100.0/24"), at("203.0.113.0/25")]),
            st.sampled_from(["", "", "limit"]),
        ),
        max_size=6,
    ),
    moved=SPANS,
    ports=st.lists(st.integers(1, 70), min_size=2, max_size=12),
)
def test_ports_asked_together_fare_as_ports_asked_alone(rules: list[Rule], moved: Spans, ports: list[int]) -> None:
    facts = Facts()
    translate = replace(TRANSLATE, ports=moved, nat=Nat(at("10.1.2.3/32"), moved[:1]))
    forward = replace(FORWARD, ports=((5, 40),))
    facts.add([gate(forward, nat=(translate,)), own(Action.DROP, *rules), Machine(host="rdp01", system=System.WINDOWS, addresses=("10.1.2.3",))])
    together = Reach(facts, Site.default())
    outside = internet(Site.default())
    for port in ports:
        alone = Reach(facts, Site.default())
        found, wanted = together.ask(outside, "rdp01", port), alone.ask(outside, "rdp01", port)
        assert (found.port, found.sure, found.may, found.notes, found.devices) == (port, wanted.sure, wanted.may, wanted.notes, wanted.devices)
