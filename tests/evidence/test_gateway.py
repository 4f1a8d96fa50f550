"""Dialects of gateways, where reading them goes wrong easily."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.span import holds
from gatewatch.evidence import asa, fortios, netscaler, openvpn, panos, pf
from gatewatch.evidence.address import parse_span
from gatewatch.evidence.asa_tree import objects, operator
from gatewatch.evidence.asa_tree import parse as parse_asa
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import Format
from gatewatch.evidence.fortios_tree import parse as parse_fortios
from gatewatch.schema.facts.access import AccessPath, FactorKind
from gatewatch.schema.facts.base import Fact
from gatewatch.schema.facts.filter import PacketFilter
from gatewatch.schema.facts.gateway import Management


def facts(form: Format, text: str, path: str = "x.conf") -> list[Fact]:
    document = Document(path, path, "", text.encode())
    return [one for one in form.read([document], Bundle("host", "", (document,))) if isinstance(one, Fact)]


def reached(rules: PacketFilter, source: str, target: str, port: int, protocol: int = 6, face: str = "outside") -> str:
    [(low, _)] = [span for span in [parse_span(source)] if span]
    [(to, _)] = [span for span in [parse_span(target)] if span]
    fate = Engine(rules).through(rules.forward, ((low, low),), Packet(protocol, port, to, local=False, interface_in=face, interface_out="inside"))
    return "yes" if holds(fate.sure, low) else "may" if holds(fate.accepted, low) else "no"


ASA = """\
ASA Version 9.16(4)
names
name 10.1.1.7 db
interface G0
 nameif outside
 security-level 0
interface G1
 nameif inside
 security-level 100
object-group network ADMIN
 network-object 192.0.2.0 255.255.255.0
 group-object MORE
object-group network MORE
 network-object host 198.51.100.9
object-group service SHELLS tcp
 port-object eq ssh
 port-object range 3389 3390
object-group service MIXED
 service-object udp destination eq snmp
 service-object tcp destination gt 60000
access-list X extended deny tcp host 192.0.2.5 any eq ssh
access-list X extended permit tcp object-group ADMIN host 10.1.1.5 object-group SHELLS
access-list X extended permit object-group MIXED any host db
access-list X extended permit tcp any host 10.1.1.6 eq 443 inactive
access-list X extended permit tcp any host 10.1.1.8 eq 443 time-range NIGHT
access-list X extended permit tcp any object UNKNOWN eq 25
access-group X in interface outside
: end
"""


@pytest.mark.parametrize(
    ("source", "target", "port", "protocol", "answer"),
    [
        ("192.0.2.5", "10.1.1.5", 22, 6, "no"),
        ("192.0.2.6", "10.1.1.5", 22, 6, "yes"),
        ("198.51.100.9", "10.1.1.5", 3390, 6, "yes"),
        ("198.51.100.8", "10.1.1.5", 3390, 6, "no"),
        ("192.0.2.6", "10.1.1.5", 3391, 6, "no"),
        ("203.0.113.1", "10.1.1.7", 161, 17, "yes"),
        ("203.0.113.1", "10.1.1.7", 161, 6, "no"),
        ("203.0.113.1", "10.1.1.7", 60001, 6, "yes"),
        ("203.0.113.1", "10.1.1.7", 60000, 6, "no"),
        ("203.0.113.1", "10.1.1.6", 443, 6, "no"),
        ("203.0.113.1", "10.1.1.8", 443, 6, "may"),
        ("203.0.113.1", "10.1.1.9", 25, 6, "may"),
    ],
)
def test_access_lists_of_asa(source: str, target: str, port: int, protocol: int, answer: str) -> None:
    [rules] = [one for one in facts(asa.FORMAT, ASA) if isinstance(one, PacketFilter)]
    assert reached(rules, source, target, port, protocol) == answer


def test_without_a_list_asa_goes_by_security_levels() -> None:
    [rules] = [one for one in facts(asa.FORMAT, ASA.replace("access-group X in interface outside\n", "")) if isinstance(one, PacketFilter)]
    assert reached(rules, "192.0.2.6", "10.1.1.5", 22) == "no"
    fate = Engine(rules).through(rules.forward, ((1, 1),), Packet(6, 22, 5, local=False, interface_in="inside", interface_out="outside"))
    assert fate.sure == ((1, 1),)


def test_rules_of_ftd_name_interfaces() -> None:
    text = ASA.replace("ASA Version 9.16(4)", "NGFW Version 7.2.5").partition("access-list X")[0] + (
        "access-list CSM_FW_ACL_ advanced permit tcp ifc outside any ifc inside host 10.1.1.5 eq https rule-id 1\n"
        "access-list CSM_FW_ACL_ advanced deny ip any any rule-id 2\naccess-group CSM_FW_ACL_ global\n: end\n"
    )
    [rules] = [one for one in facts(asa.FORMAT, text) if isinstance(one, PacketFilter)]
    assert rules.platform == "ftd"
    assert reached(rules, "192.0.2.6", "10.1.1.5", 443) == "yes"
    assert reached(rules, "192.0.2.6", "10.1.1.5", 443, face="inside") == "no"


@given(st.sampled_from(["eq", "gt", "lt", "neq"]), st.integers(0, 65535), st.integers(0, 65535))
def test_operators_of_ports(word: str, limit: int, port: int) -> None:
    found, used = operator([word, str(limit)])
    assert used == 2
    assert found is not None
    edge = (word == "gt" and limit == 65535) or (word == "lt" and limit == 0)
    want = {"eq": port == limit, "gt": port > limit, "lt": port < limit, "neq": port != limit}[word]
    assert edge or any(low <= port <= high for low, high in found) == want


def test_a_group_within_itself_ends() -> None:
    text = "object-group network A\n group-object B\nobject-group network B\n group-object A\n"
    assert objects(parse_asa(Document("x", "x", "", text.encode()))).network("A") is None


@given(st.text(alphabet='ab "\\\n', max_size=60))
def test_a_quoted_value_never_swallows_the_next_table(value: str) -> None:
    closed = value.replace("\\", "").replace('"', "")
    text = f'config system global\n set banner "{closed}"\n set hostname "edge"\nend\nconfig firewall policy\nend\n'
    tree = parse_fortios(Document("x", "x", "", text.encode()))
    assert tree.cut == ""
    assert tree.top.table("system global").get("hostname") == "edge"
    assert tree.top.table("system global").get("banner") == closed


def test_a_negated_address_and_an_excluded_member() -> None:
    text = """config firewall address
 edit "net"
  set subnet 192.0.2.0 255.255.255.0
 next
 edit "one"
  set subnet 192.0.2.7 255.255.255.255
 next
end
config firewall addrgrp
 edit "most"
  set member "net"
  set exclude enable
  set exclude-member "one"
 next
end
config firewall policy
 edit 1
  set srcintf "outside"
  set dstintf "inside"
  set action accept
  set srcaddr "most"
  set dstaddr "all"
  set service "HTTPS"
 next
 edit 2
  set srcintf "outside"
  set dstintf "inside"
  set action accept
  set srcaddr "net"
  set srcaddr-negate enable
  set dstaddr "all"
  set service "SSH"
 next
end
"""
    [rules] = [one for one in facts(fortios.FORMAT, text) if isinstance(one, PacketFilter)]
    assert reached(rules, "192.0.2.6", "10.0.0.1", 443) == "yes"
    assert reached(rules, "192.0.2.7", "10.0.0.1", 443) == "no"
    assert reached(rules, "192.0.2.6", "10.0.0.1", 22) == "no"
    assert reached(rules, "203.0.113.9", "10.0.0.1", 22) == "yes"


def test_factors_of_netscaler_that_lead_in_a_circle_end() -> None:
    text = (
        "#NS14.1 Build 1.1\nadd authentication ldapAction l -serverIP 10.0.0.1\nadd authentication Policy p -rule true -action l\n"
        "bind authentication policylabel a -policyName p -priority 1 -nextFactor b\n"
        "bind authentication policylabel b -policyName p -priority 1 -nextFactor a\n"
        "add authentication vserver av SSL 0.0.0.0\nbind authentication vserver av -policy p -priority 1 -nextFactor a\n"
        "add authentication authnProfile ap -authnVsName av\nadd vpn vserver gw SSL 192.0.2.1 443 -authnProfile ap\n"
    )
    [path] = [one for one in facts(netscaler.FORMAT, text) if isinstance(one, AccessPath) and not one.admin]
    assert [way.uncertain for way in path.ways] == ["factors follow each other in a circle"]


def test_a_certificate_instead_of_a_login_is_a_way_of_its_own() -> None:
    text = """<config version="10.2.0" urldb="x"><shared><authentication-profile><entry name="P"><method><local-database/></method></entry>
    </authentication-profile></shared><devices><entry name="d"><vsys><entry name="v"><global-protect><global-protect-gateway><entry name="g">
    <certificate-profile>c</certificate-profile><client-auth><entry name="a"><authentication-profile>P</authentication-profile>
    <user-credential-or-client-cert-required>yes</user-credential-or-client-cert-required></entry></client-auth></entry></global-protect-gateway>
    </global-protect></entry></vsys></entry></devices></config>"""
    [path] = [one for one in facts(panos.FORMAT, text) if isinstance(one, AccessPath)]
    assert [[factor.kind for factor in way.factors] for way in path.ways] == [[FactorKind.KNOWLEDGE], [FactorKind.DEVICE]]


def test_a_file_of_openvpn_that_takes_itself_in_ends() -> None:
    text = "server 10.8.0.0 255.255.255.0\ndev tun\nproto udp\nconfig x.conf\n"
    assert any("evidence" in getattr(one, "uncertain", "") for one in facts(openvpn.FORMAT, text))


ADDRESSES = ["192.0.2.1", "192.0.2.9", "198.51.100.1", "203.0.113.5"]
_SIDES = ["any", "192.0.2.0/24", "{ 192.0.2.1, 203.0.113.0/24 }", "!192.0.2.0/24", "<few>"]
_line = st.tuples(
    st.sampled_from(["pass", "block"]), st.booleans(), st.sampled_from(["", "tcp", "udp", "{ tcp udp }"]), st.sampled_from(_SIDES),
    st.sampled_from(["", "22", "{ 22, 443 }", "20:30"]),
)  # fmt: skip


def _matches(line: tuple[str, bool, str, str, str], source: str, port: int, protocol: str) -> bool:
    _, _, wanted, side, ports = line
    inside = {"any": ADDRESSES, "192.0.2.0/24": ADDRESSES[:2], "!192.0.2.0/24": ADDRESSES[2:], "<few>": ADDRESSES[1:3]}
    held = inside.get(side, [ADDRESSES[0], ADDRESSES[3]])
    numbers = {"": range(65536), "22": [22], "{ 22, 443 }": [22, 443], "20:30": range(20, 31)}[ports]
    return (not wanted or protocol in wanted) and source in held and port in numbers


@given(st.lists(_line, min_size=1, max_size=6), st.sampled_from(ADDRESSES), st.sampled_from([22, 25, 443, 80]), st.sampled_from(["tcp", "udp"]))
def test_pf_is_a_plain_reading_of_its_rules(lines: list[tuple[str, bool, str, str, str]], source: str, port: int, protocol: str) -> None:
    text = "table <few> { 192.0.2.9, 198.51.100.1 }\n"
    for action, quick, wanted, side, ports in lines:
        proto = f" proto {wanted}" if wanted else " proto { tcp udp }" if ports else ""
        text += f"{action} in{' quick' if quick else ''}{proto} from {side} to any{f' port {ports}' if ports else ''}\n"
    [rules] = [one for one in facts(pf.FORMAT, text, "etc/pf.conf") if isinstance(one, PacketFilter)]
    verdict = "pass"
    for line in lines:
        if _matches(line, source, port, protocol):
            verdict = line[0]
            if line[1]:
                break
    [(number, _)] = [span for span in [parse_span(source)] if span]
    fate = Engine(rules).through(("in",), ((number, number),), Packet({"tcp": 6, "udp": 17}[protocol], port, None, local=True))
    assert ("pass" if fate.sure else "block") == verdict
    assert not fate.may


def test_a_trusted_host_of_every_administrator_narrows_administration() -> None:
    base = 'config system interface\n edit "wan1"\n  set allowaccess https\n  set role wan\n next\nend\n'
    base += 'config firewall policy\nend\nconfig system admin\n'
    one = ' edit "a"\n  set trusthost1 192.0.2.0 255.255.255.0\n next\n'
    two = ' edit "b"\n  set trusthost1 0.0.0.0 0.0.0.0\n next\n'
    [narrow] = [fact for fact in facts(fortios.FORMAT, base + one + "end\n") if isinstance(fact, Management)]
    [wide] = [fact for fact in facts(fortios.FORMAT, base + one + two + "end\n") if isinstance(fact, Management)]
    assert narrow.sources is not None
    assert wide.sources is None
