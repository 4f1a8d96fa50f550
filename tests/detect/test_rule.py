from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gatewatch.detect.logsource import LINUX, LINUX_SERVICES
from gatewatch.detect.product_logsource import FIREWALL, MACOS, PRODUCTS
from gatewatch.detect.rule import RuleSet, load_rules
from gatewatch.detect.sigma_regex import Refused, check, rust_pattern
from gatewatch.schema.events import DTYPES
from gatewatch.schema.incidents import Severity
from gatewatch.sources.registry import SOURCES


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    names = sorted({name for row in rows for name in row})
    return pl.DataFrame({name: pl.Series([row.get(name) for row in rows], dtype=DTYPES[name]) for name in names}, height=len(rows))


def load(folder: Path, text: str, name: str = "rule", **options: Any) -> RuleSet:
    path = folder / f"{name}.yml"
    path.write_text(textwrap.dedent(text))
    return load_rules([path], **options)


def rule_text(detection: str, logsource: str = "product: gatewatch") -> str:
    return f"title: A rule\nlogsource:\n  {logsource}\ndetection:\n" + textwrap.indent(textwrap.dedent(detection).strip(), "  ") + "\n"


def answers(folder: Path, detection: str, *rows: dict[str, Any], logsource: str = "product: gatewatch", **options: Any) -> list[bool]:
    rules = load(folder, rule_text(detection, logsource), **options)
    assert rules.refused == ()
    return rules.evaluate(frame(*rows))["rule:rule"].to_list()


def reason(folder: Path, detection: str, logsource: str = "product: gatewatch") -> str:
    rules = load(folder, rule_text(detection, logsource))
    assert rules.rules == ()
    (refusal,) = rules.refused
    assert refusal.path == folder / "rule.yml"
    assert refusal.title == "A rule"
    return refusal.reason


def test_a_comparison_with_null_is_false_and_its_negation_true(tmp_path: Path) -> None:
    rows = ({"user": "ann"}, {"user": "eve"}, {"user": None})
    assert answers(tmp_path, "s: {user: ann}\ncondition: s", *rows) == [True, False, False]
    assert answers(tmp_path, "s: {user: ann}\ncondition: not s", *rows) == [False, True, True]
    assert answers(tmp_path, "s: {user|neq: ann}\ncondition: s", *rows) == [False, True, True]
    assert answers(tmp_path, "s: {user: null}\ncondition: s", *rows) == [False, False, True]
    assert answers(tmp_path, "s: {user|exists: true}\ncondition: not s", *rows) == [False, False, True]


def test_null_and_the_empty_text_are_two_things(tmp_path: Path) -> None:
    rows = ({"object": ""}, {"object": None})
    assert answers(tmp_path, "s: {object: ''}\ncondition: s", *rows) == [True, False]
    assert answers(tmp_path, "s: {object: '*'}\ncondition: s", *rows) == [True, False]
    assert answers(tmp_path, "s: {object: '?*'}\ncondition: s", *rows) == [False, False]


@pytest.mark.parametrize(
    ("value", "hits"),
    [
        ("'A*z'", ["az", "a.z", "A\nZ", r"a\z", "a*z"]),
        (r"'a\*z'", ["a*z"]),
        (r"'a\\*z'", [r"a\z"]),
        ("'a?z'", ["a.z", "A\nZ", r"a\z", "a*z"]),
        ("'a.z'", ["a.z"]),
    ],
)
def test_wildcards_and_escapes(tmp_path: Path, value: str, hits: list[str]) -> None:
    cells = ["az", "a.z", "A\nZ", r"a\z", "a*z", "baz", "azb"]
    found = answers(tmp_path, f"s: {{object: {value}}}\ncondition: s", *({"object": cell} for cell in cells))
    assert [cell for cell, hit in zip(cells, found, strict=True) if hit] == hits


def test_case_counts_only_where_asked(tmp_path: Path) -> None:
    rows = ({"object": "Été"}, {"object": "été"})
    assert answers(tmp_path, "s: {object: ÉTÉ}\ncondition: s", *rows) == [True, True]
    assert answers(tmp_path, "s: {object|contains|cased: Ét}\ncondition: s", *rows) == [True, False]
    assert answers(tmp_path, "s: {object|cased|windash|contains: Ét}\ncondition: s", *rows) == [True, False]
    assert answers(tmp_path, "s: {object|re: é$}\ncondition: s", {"object": "É"}, {"object": "é"}) == [False, True]
    assert answers(tmp_path, "s: {object|re|i: é$}\ncondition: s", {"object": "É"}, {"object": "é"}) == [True, True]


def test_regex_flags(tmp_path: Path) -> None:
    row = {"message": "one\ntwo"}
    assert answers(tmp_path, "s: {message|re: ^two}\ncondition: s", row) == [False]
    assert answers(tmp_path, "s: {message|re|m: ^two}\ncondition: s", row) == [True]
    assert answers(tmp_path, "s: {message|re: one.two}\ncondition: s", row) == [False]
    assert answers(tmp_path, "s: {message|re|s: one.two}\ncondition: s", row) == [True]


def test_cidr_is_arithmetic(tmp_path: Path) -> None:
    addresses = ["192.0.2.7", "192.0.20.7", "2001:db8::1", "2001:DB8:0:0::1", "::ffff:192.0.2.9", "2001:db80::1", "192.0.2.x", None]
    rows = [{"src_ip": address} for address in addresses]
    inside = "s: {src_ip|cidr: [192.0.2.0/24, '2001:db8::/32']}\ncondition: "
    assert answers(tmp_path, inside + "s", *rows) == [True, False, True, True, True, False, False, False]
    assert answers(tmp_path, inside + "not s", *rows) == [False, True, False, False, False, True, True, True]
    assert answers(tmp_path, "s: {extra.peer|cidr: 192.0.2.0/24}\ncondition: s", {"extra": '{"peer":"192.0.2.1"}'}) == [True]


def test_numbers_meet_texts_and_texts_numbers(tmp_path: Path) -> None:
    rows = ({"dst_port": 22, "object": "22"}, {"dst_port": 2222, "object": "022"})
    assert answers(tmp_path, "s: {dst_port: '22'}\ncondition: s", *rows) == [True, False]
    assert answers(tmp_path, "s: {dst_port: 22*}\ncondition: s", *rows) == [True, True]
    assert answers(tmp_path, "s: {object: 22}\ncondition: s", *rows) == [True, False]
    assert answers(tmp_path, "s: {dst_port|gt: 22}\ncondition: s", *rows) == [False, True]
    assert answers(tmp_path, "s: {dst_port|lte: 99999999999999999999}\ncondition: s", *rows) == [True, True]


def test_times_by_their_parts(tmp_path: Path) -> None:
    rows = ({"time": datetime(2026, 1, 5, 3, 30, tzinfo=UTC)}, {"time": datetime(2026, 2, 5, 23, 30, tzinfo=UTC)})
    assert answers(tmp_path, "s: {time|hour: 3}\ncondition: s", *rows) == [True, False]
    assert answers(tmp_path, "s: {time|hour|gte: 20}\ncondition: s", *rows) == [False, True]
    assert answers(tmp_path, "s: {time|month: [2, 3], time|minute: 30}\ncondition: s", *rows) == [False, True]


def test_lists_are_asked_for_one_element(tmp_path: Path) -> None:
    rows = ({"corroborated_by": ["pam", "auditd"]}, {"corroborated_by": []}, {"corroborated_by": None})
    assert answers(tmp_path, "s: {corroborated_by: AUDIT*}\ncondition: s", *rows) == [True, False, False]


def test_fieldref_keywords_and_encodings(tmp_path: Path) -> None:
    same = ({"user": "Ann", "target_user": "ann"}, {"user": "ann"})
    assert answers(tmp_path, "s: {user|fieldref: target_user}\ncondition: s", *same) == [True, False]
    assert answers(tmp_path, "s: {object|fieldref|startswith: user}\ncondition: s", {"user": "ann", "object": "Annex"}) == [True]
    messages = ({"message": "x FAIL and ED"}, {"message": "id 42"}, {"message": None})
    assert answers(tmp_path, "s: ['fail*ed', 42]\ncondition: s", *messages) == [True, True, False]
    assert answers(tmp_path, "s: {'|all': [a, b]}\ncondition: s", {"message": "xay"}, {"message": "ba"}) == [False, True]
    assert answers(tmp_path, "s: {'|re': a+b}\ncondition: s", {"message": "xaab"}, {"message": "a"}) == [True, False]
    encoded = {"command": "echo eC9iaW4vc2g= | base64 -d"}
    assert answers(tmp_path, "s: {command|base64offset|contains: /bin/sh}\ncondition: s", encoded) == [True]
    assert answers(tmp_path, "s: {command|wide|base64offset|contains: ping}\ncondition: s", {"command": "x cABpAG4AZwA= y"}) == [True]
    dashes = ({"command": "rm /f x"}, {"command": "rm -f x"})
    assert answers(tmp_path, "s: {command|windash|contains: ' -f '}\ncondition: s", *dashes) == [True, True]


def test_selectors(tmp_path: Path) -> None:
    selections = "sel_a: {user: ann}\nsel_b: {object: x}\nfilter: {process: sh}\n"
    rows = ({"user": "ann"}, {"user": "ann", "object": "x"}, {"process": "sh", "user": "ann", "object": "x"}, {"process": "sh"})
    assert answers(tmp_path, selections + "condition: 1 of sel_* and not filter", *rows) == [True, True, False, False]
    assert answers(tmp_path, selections + "condition: all of sel_*", *rows) == [False, True, True, False]
    assert answers(tmp_path, selections + "condition: all of them", *rows) == [False, False, True, False]
    assert answers(tmp_path, selections + "condition: [filter, all of sel_*]", *rows) == [False, True, True, True]
    assert answers(tmp_path, "s:\n  - {user: ann, object: x}\n  - process: sh\ncondition: s", *rows) == [False, True, True, True]


def test_unknown_fields_are_looked_up_in_extra(tmp_path: Path) -> None:
    linux = "{product: linux, service: auditd}"
    extra = '{"a0":"Wget","b":{"c":1},"x.y":"z"}'
    rows = ({"source": "auditd", "extra": extra}, {"source": "auditd", "extra": "{broken"}, {"source": "auditd"})

    def ask(detection: str) -> list[bool]:
        text = rule_text(detection).replace("\n  product: gatewatch", f" {linux}")
        return load(tmp_path, text).evaluate(frame(*rows))["rule:rule"].to_list()

    assert ask("s: {a0: wget}\ncondition: s") == [True, False, False]
    assert ask("s: {b.c: 1, x.y: z}\ncondition: s") == [True, False, False]
    assert ask("s: {b.c|lt: 2}\ncondition: s") == [True, False, False]
    assert ask("s: {a1|exists: false}\ncondition: s") == [True, True, True]


SIGMAHQ = """
title: Download
logsource: {product: linux, category: process_creation}
detection:
  s: {Image|endswith: /wget, CommandLine|contains: http, User: root}
  f: {ParentImage|endswith: /apt}
  condition: s and not f
"""


def test_sigmahq_fields_are_mapped(tmp_path: Path) -> None:
    hit = {"kind": "exec", "source": "auditd", "process": "/usr/bin/wget", "command": "wget http://192.0.2.1/x", "user": "root"}
    rules = load(tmp_path, SIGMAHQ)
    found = rules.evaluate(frame(hit, hit | {"parent": "/usr/bin/apt"}, hit | {"kind": "privilege_use"}))
    assert found["rule:rule"].to_list() == [True, False, False]
    assert rules.rules[0].columns == ("command", "kind", "parent", "process", "source", "user")


@pytest.mark.parametrize(
    ("logsource", "covered"),
    [
        ("{product: linux, service: sshd}", ["sshd"]),
        ("{product: linux, service: auth}", ["sshd", "sudo"]),
        ("{product: linux, service: sudo}", ["sudo"]),
        ("{product: linux, service: auditd}", ["auditd"]),
        ("{product: linux, service: syslog}", ["sshd", "sudo"]),
        ("{product: linux}", ["sshd", "sudo", "auditd"]),
        ("{product: macos, service: security}", []),
        ("{category: webserver}", []),
        ("{product: linux, service: nonesuch}", []),
        ("{product: gatewatch, service: sudo}", ["sudo"]),
        ("{product: gatewatch, service: ssh}", ["sshd"]),
        ("{product: gatewatch, category: exec}", []),
    ],
)
def test_logsource_gates(tmp_path: Path, logsource: str, covered: list[str]) -> None:
    rows = [{"source": "sshd", "service": "ssh"}, {"source": "sudo"}, {"source": "auditd"}]
    text = f"title: t\nlogsource: {logsource}\ndetection: {{s: {{user: null}}, condition: s}}\n"
    rules = load(tmp_path, text)
    assert rules.refused == ()
    found = rules.evaluate(frame(*rows))
    assert found.filter(pl.col("rule:rule"))["source"].to_list() == covered
    dormant = rules.rules[0].dormant
    assert (dormant is None) is ("gatewatch" in logsource or bool(covered))
    assert dormant is None or "no source for this logsource yet" in dormant


# what SigmaHQ writes, and whose events it means
EVERY = [
    {"source": source, "kind": kind, "pattern": pattern}
    for source, kind, pattern in [
        ("sshd", "auth_failure", "failed"), ("macos-sshd", "auth_failure", "failed"), ("macos-sudo", "exec", "sudo"), ("okta", "auth_success", "x"),
        ("cloudtrail", "auth_success", "console-login"), ("entra-signin", "auth_success", "signin"), ("entra-audit", "account_change", "y"),
        ("m365", "auth_success", "signin"), ("kubernetes-audit", "container_exec", "exec"), ("fortigate", "auth_failure", "login-failed"),
        ("panos", "auth_failure", "z"), ("zeek", "connection", "ssh"), ("zeek", "auth_failure", "rfb-failed"), ("onelogin", "auth_success", "login"),
        ("netfilter", "connection_denied", "blocked-in"), ("saas-audit", "auth_failure", "login-failed"), ("windows-logon", "auth_failure", "f"),
        ("cisco-asa", "auth_failure", "f"), ("auditd", "exec", "exec"),
    ]
]  # fmt: skip


@pytest.mark.parametrize(
    ("logsource", "covered"),
    [
        ("{product: macos, service: sshd}", ["macos-sshd"]),
        ("{product: macos, category: process_creation}", ["macos-sudo"]),
        ("{product: macos}", ["macos-sshd", "macos-sudo"]),
        ("{product: linux}", ["sshd", "netfilter", "auditd"]),
        ("{product: linux, service: syslog}", ["sshd", "netfilter"]),
        ("{product: linux, category: process_creation}", ["auditd"]),
        ("{category: process_creation}", ["macos-sudo", "auditd"]),
        ("{product: okta, service: okta}", ["okta"]),
        ("{product: aws, service: cloudtrail}", ["cloudtrail"]),
        ("{product: azure, service: signinlogs}", ["entra-signin"]),
        ("{product: azure, service: auditlogs}", ["entra-audit"]),
        ("{product: m365, service: audit}", ["m365"]),
        ("{product: onelogin, service: onelogin.events}", ["onelogin"]),
        ("{product: kubernetes, category: application, service: audit}", ["kubernetes-audit"]),
        ("{product: fortios, service: sslvpnd}", ["fortigate"]),
        ("{product: paloalto, category: appliance, service: globalprotect}", ["panos"]),
        ("{product: zeek, service: ssh}", ["zeek"]),
        ("{product: cisco, service: asa}", ["cisco-asa"]),
        ("{category: firewall}", ["fortigate", "panos", "netfilter", "cisco-asa"]),
        ("{product: azure, service: activitylogs}", []),
        ("{product: azure, service: riskdetection}", []),
        ("{product: m365, service: threat_management}", []),
        ("{product: gcp, service: gcp.audit}", []),
        ("{product: github, service: audit}", []),
        ("{product: cisco, service: aaa}", []),
        ("{product: zeek, service: http}", []),
        ("{product: zeek}", []),
        ("{product: macos, category: file_event}", []),
        ("{product: okta, service: nonesuch}", []),
        ("{category: proxy}", []),
    ],
)
def test_logsources_of_products(tmp_path: Path, logsource: str, covered: list[str]) -> None:
    rules = load(tmp_path, f"title: t\nlogsource: {logsource}\ndetection: {{s: {{user: null}}, condition: s}}\n")
    assert rules.refused == ()
    assert rules.evaluate(frame(*EVERY)).filter(pl.col("rule:rule"))["source"].to_list() == covered
    dormant = rules.rules[0].dormant
    assert (dormant is None) is bool(covered)
    assert dormant is None or "no source for this logsource yet" in dormant


@pytest.mark.parametrize(
    ("logsource", "detection", "row"),
    [
        ("{product: okta, service: okta}", "{eventtype: user.session.start}", {"source": "okta", "extra": '{"eventType":"user.session.start"}'}),
        ("{product: aws, service: cloudtrail}", "{eventName: ConsoleLogin, sourceIPAddress: 203.0.113.9}",
         {"source": "cloudtrail", "extra": '{"eventName":"ConsoleLogin"}', "src_ip": "203.0.113.9"}),
        ("{product: azure, service: signinlogs}", "{ResultType: 50053, UserPrincipalName: ann}",
         {"source": "entra-signin", "extra": '{"errorCode":50053}', "user": "ann"}),
        ("{product: azure, service: auditlogs}", "{properties.message: Add user}",
         {"source": "entra-audit", "extra": '{"activityDisplayName":"Add user"}'}),
        ("{product: zeek, service: rdp}", "{id.orig_h: 203.0.113.9}", {"source": "zeek", "pattern": "rdp", "src_ip": "203.0.113.9"}),
        ("{product: kubernetes, service: audit}", "{verb: get, objectRef.resource: secrets}",
         {"source": "kubernetes-audit", "extra": '{"verb":"get","resource":"secrets"}'}),
    ],
)  # fmt: skip
def test_words_of_products(tmp_path: Path, logsource: str, detection: str, row: dict[str, Any]) -> None:
    rules = load(tmp_path, f"title: t\nlogsource: {logsource}\ndetection: {{s: {detection}, condition: s}}\n")
    other = {**row, "extra": "{}", "src_ip": None}
    assert rules.evaluate(frame(row, other))["rule:rule"].to_list() == [True, False]


def test_logsources_name_sources_that_there_are() -> None:
    there = {source.name for source in SOURCES}
    named = {name for names in (*PRODUCTS.values(), *LINUX_SERVICES.values(), LINUX, FIREWALL, MACOS) for name in names}
    assert named - there == set()


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        ("s: {command|re: '(?=a)b'}\ncondition: s", "look-around"),
        ("s:\n  - command|re: ['x', 'a(?<!b)']\n  - user: x\ncondition: s", "look-around"),
        (r"s: {command|re: '(a)\1'}" + "\ncondition: s", "backreference"),
        ("s: {command|re: 'a++'}\ncondition: s", "possessive"),
        ("s: {command|re: '(?:[a-z]{1,200}){1,900}'}\ncondition: s", "invalid repetition size"),
        (r"s: {command|re: '\w{1000}\w{1000}'}" + "\ncondition: s", "size limit"),
        ("s: {command|re: '(a'}\ncondition: s", "missing ): (a"),
        ("s: {user|expand: '%admins%'}\ncondition: s", "%admins%"),
        ("s: {usre: x}\ncondition: s", "'usre' is no column"),
        ("s: {time: x}\ncondition: s", "time"),
        ("s: {user|hour: 3}\ncondition: s", "is no time"),
        ("s: {kind|gt: 3}\ncondition: s", "is no number"),
        ("s: {src_ip|cidr: 192.0.2.1/24}\ncondition: s", "CIDR"),
        ("s: {user|nonesuch: x}\ncondition: s", "nonesuch"),
        ("s: {user: x}\ncondition: s | count() > 5", "pipe syntax"),
        ("s: {user: x}\ntimeframe: 5m\ncondition: s", "correlation"),
        ("s: {user: x}\ncondition: t", "'t'"),
        ("s: {user: x}\ncondition: 1 of nope*", "nope"),
        ("s: {user: x}", "condition"),
        ("s: {user: 2026-01-01}\ncondition: s", "not valid Sigma"),
    ],
)
def test_refusals_have_a_name(tmp_path: Path, detection: str, expected: str) -> None:
    assert expected in reason(tmp_path, detection)


def test_refusals_of_whole_documents(tmp_path: Path) -> None:
    assert "no kind of event" in reason(tmp_path, "s: {user: x}\ncondition: s", "product: gatewatch\n  category: nonesuch")
    texts = {
        "a-broken": "title: [",
        "b-list": "- a\n- b\n",
        "c-none": "title: t\nlogsource: {product: linux}\n",
        "d-action": "action: global\ntitle: t\n",
        "e-filter": "title: t\nlogsource: {product: linux}\nfilter: {rules: [x], s: {user: x}, condition: s}\n",
        "f-twice": "title: t\ntitle: u\n",
        "g-title": rule_text("s: {user: x}\ncondition: s").replace("title: A rule\n", ""),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.yml").write_text(text)
    (tmp_path / "rule.yml").unlink()
    (tmp_path / "h-bytes.yml").write_bytes(b"title: \xff\n")
    rules = load_rules([tmp_path, tmp_path / "missing.yml"])
    assert rules.rules == ()
    assert [refusal.path.stem for refusal in sorted(rules.refused)] == [*sorted([*texts, "h-bytes"]), "missing"]
    assert all(refusal.reason for refusal in rules.refused)


def test_a_good_document_beside_a_bad_one_is_kept(tmp_path: Path) -> None:
    good = rule_text("s: {user: ann}\ncondition: s")
    rules = load(tmp_path, f"{good}---\n{good.replace('user', 'usre')}---\nname: third\n{good.replace('ann', 'eve')}")
    assert rules.names == ("rule#1", "third")
    assert [refusal.reason.partition(" (")[0] for refusal in rules.refused] == ["field 'usre' is no column of the event table"]
    found = rules.evaluate(frame({"user": "ann"}, {"user": "eve"}))
    assert found["rule:rule#1"].to_list() == [True, False]
    assert found["rule:third"].to_list() == [False, True]


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.yml").write_text(rule_text(f"s: {{user: {folder}}}\ncondition: s"))
    rules = load_rules([tmp_path / "b", tmp_path])
    assert [rule.path for rule in rules.rules] == [tmp_path / "b" / "same.yml"]
    assert [refusal.path for refusal in rules.refused] == [tmp_path / "a" / "same.yml"]
    assert "already taken" in rules.refused[0].reason


def test_placeholders_come_from_the_site(tmp_path: Path) -> None:
    table = {"admins": ["ann", "b*b"], "hosts": ["db.1"]}
    rows = ({"user": "ANN"}, {"user": "b*b"}, {"user": "bob"}, {"user": "eve"})
    assert answers(tmp_path, "s: {user|expand: '%admins%'}\ncondition: s", *rows, placeholders=table) == [True, True, False, False]
    assert answers(tmp_path, "s: {user|contains|expand: 'x-%admins%'}\ncondition: s", {"user": "yx-ann1"}, placeholders=table) == [True]
    hosts = ({"object": "db.1"}, {"object": "dbx1"})
    assert answers(tmp_path, "s: {object|re|expand: '^%hosts%$'}\ncondition: s", *hosts, placeholders=table) == [True, False]


def test_metadata(tmp_path: Path) -> None:
    head = "id: 5e3a1e6a-0000-4000-8000-000000000001\nlevel: high\ntags: [attack.t1133, gatewatch.door]\n"
    rules = load(tmp_path, head + rule_text("s: {user: x}\ncondition: s"))
    (rule,) = rules.rules
    assert (rule.name, rule.level, rule.logsource) == ("rule", Severity.HIGH, "gatewatch")
    assert rules.tagged("gatewatch.door") == ("rule",)
    assert rules.tagged("gatewatch.grave") == ()
    assert rules.find("5e3a1e6a-0000-4000-8000-000000000001") is rule
    assert rules.columns() == ("kind", "source", "user")


def test_only_the_rules_asked_for_are_evaluated(tmp_path: Path) -> None:
    good = rule_text("s: {user: ann}\ncondition: s")
    rules = load(tmp_path, f"{good}---\n{good}")
    found = rules.evaluate(frame({"user": "ann"}), ["rule#2"])
    assert [name for name in found.columns if name.startswith("rule:")] == ["rule:rule#2"]
    with pytest.raises(KeyError, match="nonesuch"):
        rules.evaluate(frame({"user": "ann"}), ["nonesuch"])


def test_an_empty_frame_and_columns_of_another_type(tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text("s: {kind: exec, src_port: 22}\ncondition: s"))
    assert rules.evaluate(pl.DataFrame())["rule:rule"].to_list() == []
    odd = pl.DataFrame({"kind": ["exec", "exec", "no kind of ours"], "src_port": ["22", "x", "22"]})
    assert rules.evaluate(odd)["rule:rule"].to_list() == [True, False, False]
    assert rules.evaluate(odd)["kind"].to_list() == odd["kind"].to_list()


def test_correlations_are_left_to_their_own_loader(tmp_path: Path) -> None:
    correlation = "title: c\ncorrelation: {type: event_count, rules: rule, timespan: 5m, condition: {gte: 5}}\n"
    rules = load(tmp_path, rule_text("s: {user: ann}\ncondition: s") + "---\n" + correlation)
    assert rules.names == ("rule#1",)
    assert rules.refused == ()


@pytest.mark.parametrize(
    ("pattern", "hits"),
    [
        (r"[[a]", ["[", "a", "a{"]),
        (r"[\w-.]", ["a", "-", ".", "b", "a{"]),
        (r"[a&&b]", ["a", "&", "b", "a{"]),
        (r"[]-]", ["-", "]"]),
        (r"\<", ["<"]),
        (r"a{", ["a{"]),
        (r"^[+--]$", ["-"]),
        (r"\x{61}", ["a", "a{"]),
        (r"^[[:alpha:]]$", ["a", "b"]),
    ],
)
def test_regexes_keep_their_meaning(pattern: str, hits: list[str]) -> None:
    cells = ["[", "a", "-", ".", "&", "b", "]", "<", "a{"]
    found = pl.Series(cells).str.contains(check(rust_pattern(pattern)))
    assert pl.Series(cells).filter(found).to_list() == hits


@pytest.mark.parametrize(
    "pattern", [r"(?=a)", r"(?!a)", r"(?<=a)b", r"(?<!a)b", r"(a)\1", r"(?P<n>a)(?P=n)", r"(?>a)", "a*+", "a{,3}", "[abc", "(?1)"]
)
def test_what_a_linear_engine_lacks_is_refused(pattern: str) -> None:
    with pytest.raises(Refused, match="regular expression"):
        rust_pattern(pattern)


@pytest.mark.parametrize("pattern", [r"\(?=a", r"[(?=a)]", r"\\1", r"a\+\+"])
def test_what_only_looks_like_it_is_not(pattern: str) -> None:
    assert check(rust_pattern(pattern)) == pattern
