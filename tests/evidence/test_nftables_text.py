"""nftables as text: which file counts, what a script includes and defines, and that a gap is never a definite answer."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.query import arrive
from gatewatch.audit.reach.span import holds, of_address
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.nftables_token import tokens
from gatewatch.evidence.reading import Reading, bundles, read
from gatewatch.schema.facts.filter import LINE, TCP, PacketFilter
from gatewatch.schema.records import Disposition

DUMP = """table inet filter {
    set admins {
        type ipv4_addr
        flags interval
        elements = { 192.0.2.0/24,
                 198.51.100.7 comment "gate" }
    }

    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        ip saddr @admins tcp dport 22 accept comment "admins # only"
    }
}
"""


def reading(**files: str) -> Reading:
    """Read files named like ``etc__nftables_conf``: two underscores a slash, one a dot."""
    documents = []
    for name, text in files.items():
        path = name.replace("__", "/").replace("_", ".")
        documents.append(Document(f"h/{path}", path, "h", text.encode()))
    [bundle] = bundles(sorted(documents, key=lambda one: one.path))
    return read(bundle)


def filters(found: Reading) -> list[PacketFilter]:
    return [fact for fact in found.facts if isinstance(fact, PacketFilter)]


def answer(rules: PacketFilter, source: str, port: int, target: str = "192.0.2.80") -> str:
    number = of_address(source)
    assert number is not None
    fate = arrive(Engine(rules), ((number, number),), Packet(TCP, port, of_address(target), local=True))
    return "may" if holds(fate.may, number) else "yes" if holds(fate.sure, number) else "no"


def test_the_deciding_line_is_named() -> None:
    [rules] = filters(reading(commands__nft_txt=DUMP))
    fate = arrive(Engine(rules), (LINE,), Packet(TCP, 22, of_address("192.0.2.80"), local=True))
    assert {(step.where.line, step.action.value) for step in fate.steps} == {(12, "accept"), (10, "drop")}
    assert answer(rules, "198.51.100.7", 22) == "yes"
    assert answer(rules, "198.51.100.8", 22) == "no"


def test_what_runs_decides_and_the_script_does_not() -> None:
    found = reading(commands__nft_txt=DUMP, etc__nftables_conf="flush ruleset\ntable inet filter {\n}\n")
    assert len(filters(found)) == 1
    [script] = [file for file in found.files if file.file.endswith("conf")]
    assert (script.disposition, "they decide" in script.reason) == (Disposition.IGNORED, True)


def test_text_goes_before_the_tree_it_was_collected_with() -> None:
    found = reading(commands__nft_txt=DUMP, commands__nft_json='{"nftables": [{"metainfo": {}}]}')
    [rules] = filters(found)
    assert rules.where[0].file == "h/commands/nft.txt"


SCRIPT = """#!/usr/sbin/nft -f
flush ruleset
include "/etc/nftables.d/*.nft"
define admins = { 192.0.2.0/25, $more }
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    ip saddr { $admins, 203.0.113.9 } tcp dport $doors accept
  }
}
"""


def test_a_script_is_read_with_what_it_includes_and_defines() -> None:
    found = reading(etc__nftables_conf=SCRIPT, etc__nftables_d__a_nft="define more = 198.51.100.1-198.51.100.5\ndefine doors = { ssh, 8000-8010 }\n")
    assert {file.disposition for file in found.files} == {Disposition.USED}
    [rules] = filters(found)
    assert not rules.incomplete
    assert [answer(rules, "198.51.100.3", port) for port in (22, 8005, 80)] == ["yes", "yes", "no"]
    assert answer(rules, "198.51.100.6", 22) == "no"


def test_a_file_that_is_not_there_leaves_every_answer_open() -> None:
    text = 'include "/etc/nftables/own.nft"\n' + DUMP
    [rules] = filters(reading(etc__nftables_conf=text))
    assert "own.nft, which is not in the evidence" in rules.incomplete
    assert answer(rules, "203.0.113.1", 22) == "may"


def test_a_variable_nobody_defined_is_a_doubt_of_its_rule() -> None:
    text = DUMP.replace("@admins", "$admins")
    [rules] = filters(reading(commands__nft_txt=text))
    assert [answer(rules, "192.0.2.1", port) for port in (22, 80)] == ["may", "may"]


def test_a_file_that_ends_within_a_chain_says_so() -> None:
    [rules] = filters(reading(commands__nft_txt=DUMP[: DUMP.index("ip saddr @")]))
    assert "does not end" in rules.incomplete


def test_a_table_that_sleeps_decides_nothing() -> None:
    asleep = "table ip off {\n\tflags dormant\n\tchain in {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n"
    [rules] = filters(reading(commands__nft_txt="table inet x { chain in { type filter hook input priority 0; policy accept;\n }\n}\n" + asleep))
    assert answer(rules, "203.0.113.1", 22) == "yes"


def test_what_older_versions_cannot_show_may_decide() -> None:
    text = "table ip filter {\n\tchain in {\n\t\ttype filter hook input priority 0; policy accept;\n\t\ttcp dport 22 # recent: CHECK drop\n\t}\n}\n"
    [rules] = filters(reading(commands__nft_txt=text))
    assert [answer(rules, "203.0.113.1", port) for port in (22, 23)] == ["may", "yes"]


def test_a_statement_nobody_knows_may_decide_either_way() -> None:
    for said in ("bewilder all of it", "tcp dport 22 bewilder { a, b : c }", "synproxy mss 1460", "ip saddr { 192.0.2.1, bogus! } drop #"):
        text = f"table inet x {{\n chain in {{\n type filter hook input priority 0; policy accept;\n {said} accept\n }}\n}}\n"
        [rules] = filters(reading(commands__nft_txt=text))
        assert answer(rules, "203.0.113.1", 22) == "may", said


def test_commands_are_followed_in_their_order() -> None:
    text = """flush ruleset
add table inet t
add chain inet t in { type filter hook input priority 0; policy accept; }
add set inet t bad { type ipv4_addr; }
add element inet t bad { 192.0.2.1, 192.0.2.2 }
delete element inet t bad { 192.0.2.1 }
add rule inet t in tcp dport 23 drop
insert rule inet t in ip saddr 203.0.113.5 accept
add rule inet t in ip saddr @bad drop
table ip gone { chain in { type filter hook input priority 0; policy drop; }; }
delete table ip gone
"""
    [rules] = filters(reading(etc__nftables_conf=text))
    assert not rules.incomplete
    asked = [("203.0.113.5", 23), ("203.0.113.6", 23), ("192.0.2.1", 22), ("192.0.2.2", 22)]
    assert [answer(rules, *one) for one in asked] == ["yes", "no", "yes", "no"]


def test_a_rule_placed_by_its_number_leaves_every_answer_open() -> None:
    text = DUMP + "insert rule inet filter input handle 4 tcp dport 23 accept\n"
    [rules] = filters(reading(etc__nftables_conf=text))
    assert "line 15 of etc/nftables.conf is not understood" in rules.incomplete


def test_tables_of_iptables_are_left_to_iptables_save() -> None:
    dump = "# Generated by iptables-save v1.8.9 (nf_tables)\n*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    text = "table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority 0; policy drop;\n\t\txt match recent accept\n\t}\n}\n"
    found = reading(commands__nft_txt=text, commands__iptables_txt=dump)
    assert [one.platform for one in filters(found)] == ["iptables"]
    assert [one.platform for one in filters(reading(commands__nft_txt=text))] == ["nftables"]


def test_variables_that_double_again_and_again_are_cut() -> None:
    names = "abcdefghijklmnopqrstuvw"
    text = "define a = { 192.0.2.1, 192.0.2.2 }\n" + "".join(f"define {b} = {{ ${a}, ${a} }}\n" for a, b in pairwise(names))
    [rules] = filters(reading(etc__nftables_conf=text + DUMP))
    assert "longer than can be read" in rules.incomplete


def test_a_file_that_includes_itself_comes_to_an_end() -> None:
    text = 'include "/etc/nftables.conf"\n' * 3 + DUMP
    [rules] = filters(reading(etc__nftables_conf=text))
    assert "more files within files" in rules.incomplete


def test_words_bear_their_lines() -> None:
    document = Document("a", "a", "", b'add \\\n rule "x;y" # z\n2001:db8::1 10.0.0.1-10.0.0.2 00:11:22:33:44:55 eth1*')
    assert [(one.text, one.line) for one in tokens(document)] == [
        ("add", 1), ("rule", 2), ("x;y", 2), ("# z", 2), ("\n", 2), ("2001:db8::1", 3), ("10.0.0.1", 3), ("-", 3), ("10.0.0.2", 3),
        ("00:11:22:33:44:55", 3), ("eth1*", 3), (";", 3),
    ]  # fmt: skip


def test_other_texts_are_not_taken_for_nftables() -> None:
    for text in ("table <bad> { 192.0.2.1 }\npass in\n", "create table x (y int);\n", "flush privileges\n", "add rule\n"):
        document = Document("h/x.txt", "x.txt", "h", text.encode())
        assert not [file for file in read(Bundle("h", "h", (document,))).files if file.format == "nftables"]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(DUMP)), st.text('{};,:."@$!=<>-/&|()[] \nabc019*#\\', max_size=12))
def test_no_text_fails(at: int, noise: str) -> None:
    found = reading(commands__nft_txt=DUMP[:at] + noise + DUMP[at:])
    assert all("please report" not in file.reason for file in found.files)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(DUMP)))
def test_a_dump_that_is_cut_off_proves_nothing(at: int) -> None:
    for rules in filters(reading(commands__nft_txt=DUMP[:at])):
        if rules.input and DUMP[at:].strip(" \t\n}"):
            assert answer(rules, "192.0.2.1", 22) != "no"
