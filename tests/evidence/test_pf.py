"""pf: ports by signs, tables from files, anchors where their rules are known, translations; what is missing is never a definite answer."""

from __future__ import annotations

import pytest

from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.query import arrive
from gatewatch.audit.reach.span import holds, of_address
from gatewatch.evidence.document import Document
from gatewatch.evidence.pf_port import ports
from gatewatch.evidence.pf_rule import tokens
from gatewatch.evidence.reading import bundles, read
from gatewatch.schema.facts.filter import TCP, PacketFilter


def pf(text: str, **others: str) -> PacketFilter:
    files = {"etc/pf.conf": text, **{name.replace("__", "/"): data for name, data in others.items()}}
    documents = [Document(f"h/{path}", path, "h", data.encode()) for path, data in files.items()]
    [bundle] = bundles(sorted(documents, key=lambda one: one.path))
    [rules] = [fact for fact in read(bundle).facts if isinstance(fact, PacketFilter)]
    return rules


def answer(rules: PacketFilter, source: str, port: int, target: str = "192.0.2.80") -> str:
    number = of_address(source)
    assert number is not None
    fate = arrive(Engine(rules), ((number, number),), Packet(TCP, port, of_address(target), local=True, interface_in="em0"))
    return "may" if holds(fate.may, number) else "yes" if holds(fate.sure, number) else "no"


@pytest.mark.parametrize(
    ("said", "open_ports", "closed"),
    [
        ("port 22", (22,), (21, 23)),
        ("port = ssh", (22,), (23,)),
        ("port != 25", (24, 26), (25,)),
        ("port > 1023", (1024, 65535), (1023,)),
        ("port >= 1023", (1023,), (1022,)),
        ("port < 1024", (0, 1023), (1024,)),
        ("port <= 1024", (1024,), (1025,)),
        ("port 1000:1002", (1000, 1002), (999, 1003)),
        ("port 1000 >< 1003", (1001, 1002), (1000, 1003)),
        ("port 1000 <> 1003", (999, 1004), (1000, 1003)),
        ("port { ssh, > 65000, 80:81 }", (22, 80, 81, 65001), (82, 65000)),
    ],
)
def test_ports_are_compared_as_pf_does(said: str, open_ports: tuple[int, ...], closed: tuple[int, ...]) -> None:
    words = tokens(said)
    found, after, doubt = ports(words, 1)
    assert (after, doubt) == (len(words), "")
    for port in (*open_ports, *closed):
        assert any(low <= port <= high for one in found for low, high in one or ()) is (port in open_ports), port
    rules = pf(f"block all\npass in proto tcp from any to any {said}\n")
    assert [answer(rules, "203.0.113.1", port) for port in open_ports if port] == ["yes"] * len([port for port in open_ports if port])
    assert {answer(rules, "203.0.113.1", port) for port in closed} == {"no"}


def test_a_table_is_filled_from_its_file_and_from_what_pfctl_showed() -> None:
    text = 'table <good> persist file "/etc/pf.good"\nblock all\npass in proto tcp from <good> to any port 22\n'
    rules = pf(text, etc__pf__good="x", **{"etc/pf.good": "198.51.100.0/24 # office\n!198.51.100.9\n"})
    assert [answer(rules, f"198.51.100.{last}", 22) for last in (8, 9)] == ["yes", "no"]
    assert answer(pf(text), "198.51.100.8", 22) == "may"
    shown = pf(text, **{"commands/pf-table-good.txt": "   203.0.113.7\n"})
    assert [answer(shown, one, 22) for one in ("203.0.113.7", "198.51.100.8")] == ["yes", "no"]


def test_an_anchor_is_followed_where_its_rules_stand() -> None:
    inline = pf(
        'block all\nanchor "doors" {\n  pass in proto tcp to any port 22\n  pass in proto tcp to any port { 80, 443 }\n}\n'
        "block in proto tcp to any port 80\n"
    )
    assert not inline.incomplete
    assert [answer(inline, "203.0.113.1", port) for port in (22, 80, 443, 25)] == ["yes", "no", "yes", "no"]
    [rule] = [one for chain in inline.chains if chain.name == "in" for one in chain.rules if one.ports == ((443, 443),)]
    assert rule.where.line == 4


def test_an_anchor_is_filled_from_the_file_that_is_loaded_into_it() -> None:
    text = 'block all\nanchor "own/*"\nload anchor "own" from "/etc/pf.anchors/own"\n'
    rules = pf(text, **{"etc/pf.anchors/own": "pass in proto tcp to any port 22\n"})
    assert not rules.incomplete
    assert [answer(rules, "203.0.113.1", port) for port in (22, 80)] == ["yes", "no"]
    missing = pf(text)
    assert "own/* is not followed" in missing.incomplete
    assert answer(missing, "203.0.113.1", 80) == "may"


def test_an_anchor_that_is_bound_to_conditions_leaves_all_open() -> None:
    rules = pf('block all\nanchor "x" in on em0 {\n pass in\n}\n')
    assert "bound to conditions" in rules.incomplete


def test_an_anchor_that_loads_itself_comes_to_an_end() -> None:
    rules = pf('anchor "a"\nload anchor "a" from "/etc/pf.anchors/a"\n', **{"etc/pf.anchors/a": 'anchor "a"\n' * 12 + "pass in\n"})
    assert rules.incomplete


def test_the_first_redirection_that_matches_translates() -> None:
    text = (
        "no rdr on em0 proto tcp from 203.0.113.0/28 to any port 8022\n"
        "rdr on em0 proto tcp from any to 192.0.2.80 port 8022 -> 10.0.0.5 port 22\n"
        "rdr on em0 proto tcp from any to 192.0.2.80 port 8022 -> 10.0.0.6 port 80\n"
        "block all\npass in proto tcp from any to 10.0.0.5 port 22\npass out all\n"
    )
    rules = pf(text)
    assert not rules.incomplete
    assert [answer(rules, source, 8022) for source in ("198.51.100.1", "203.0.113.1")] == ["yes", "no"]
    assert (
        answer(
            pf(
                text.replace(
                    "rdr on em0 proto tcp from any to 192.0.2.80 port 8022 -> 10.0.0.5",
                    "rdr pass on em0 proto tcp from any to 192.0.2.80 port 8022 -> 10.0.0.5",
                )
            ),
            "198.51.100.1",
            8022,
        )
        == "may"
    )


def test_what_match_translates_leaves_all_open() -> None:
    assert "match translates" in pf("match in on em0 proto tcp to any port 80 rdr-to 10.0.0.5\nblock all\n").incomplete


def behind(rules: PacketFilter, source: str, port: int, target: str) -> str:
    """Return whether a connection to the outer address 192.0.2.80 ends at *target*'s port 8443."""
    number, to = of_address(source), of_address(target)
    assert number is not None and to is not None
    packet = Packet(TCP, port, of_address("192.0.2.80"), local=True, interface_in="em0")
    fate = arrive(Engine(rules), ((number, number),), packet, to=(to, 8443))
    return "may" if holds(fate.may, number) else "yes" if holds(fate.sure, number) else "no"


def test_rdr_to_translates_where_its_rule_decides() -> None:
    text = (
        "block all\npass out all\npass in on em0 proto tcp from any to 192.0.2.80 port 443 rdr-to 10.0.0.5 port 8443\n"
        "block in on em0 proto tcp from 203.0.113.0/24 to any port 443\n"
    )
    rules = pf(text)
    assert not rules.incomplete
    assert behind(rules, "198.51.100.7", 443, "10.0.0.5") == "yes"
    assert behind(rules, "203.0.113.7", 443, "10.0.0.5") == "no", "a later rule decides"
    assert behind(rules, "198.51.100.7", 443, "10.0.0.6") == "no"
    assert behind(rules, "198.51.100.7", 80, "10.0.0.5") == "no"
    assert answer(rules, "198.51.100.7", 443) == "yes"
    assert answer(rules, "198.51.100.7", 22) == "no"
    quick = pf(text.replace("pass in on", "pass in quick on"))
    assert behind(quick, "203.0.113.7", 443, "10.0.0.5") == "yes", "a quick rule ends it"
    shut = pf(text.replace("pass out all", "pass out all\nblock out proto tcp to 10.0.0.5"))
    assert behind(shut, "198.51.100.7", 443, "10.0.0.5") == "no", "the way out is closed"
    unsure = pf(text.replace("rdr-to 10.0.0.5 port 8443", "probability 50% rdr-to 10.0.0.5 port 8443"))
    assert behind(unsure, "198.51.100.7", 443, "10.0.0.5") == "may"
    many = pf(text.replace("rdr-to 10.0.0.5 port 8443", "rdr-to { 10.0.0.5, 10.0.0.6 } port 8443 round-robin"))
    assert behind(many, "198.51.100.7", 443, "10.0.0.6") == "may"
    table = pf("table <web> persist\n" + text.replace("rdr-to 10.0.0.5", "rdr-to <web>"))
    assert answer(table, "198.51.100.7", 443) == "may"


def test_binat_leads_in_too_and_binat_to_is_not_followed() -> None:
    text = "binat on em0 inet from 10.0.0.5 to any -> 192.0.2.80\nblock all\npass out all\npass in on em0 proto tcp from any to 10.0.0.5 port 8443\n"
    rules = pf(text)
    assert not rules.incomplete
    assert behind(rules, "198.51.100.7", 8443, "10.0.0.5") == "yes"
    assert behind(rules, "198.51.100.7", 22, "10.0.0.5") == "no"
    assert answer(pf(text + "pass on em0 from 10.0.0.6 to any binat-to 192.0.2.81\n"), "198.51.100.7", 22) == "may"
    assert answer(pf(text + "match on em0 from 10.0.0.6 to any binat-to 192.0.2.81\n"), "198.51.100.7", 22) == "may"
