from __future__ import annotations

from gatewatch.evidence.tree import parse_json, parse_xml, parse_yaml


def test_an_xml_bomb_is_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
    assert parse_xml(bomb) == (None, "declares a document type; entities are not read")


def test_an_external_entity_is_refused() -> None:
    root, fault = parse_xml(b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/hostname">]><a>&f;</a>')
    assert root is None and "document type" in fault


def test_plain_xml_is_read() -> None:
    root, fault = parse_xml(b"<a><b c='d'>e</b></a>")
    assert root is not None and root.find("b") is not None and fault == ""


def test_a_yaml_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    made, fault = parse_yaml("\n".join(lines))
    assert made is None and "aliases" in fault


def test_a_deep_document_is_refused() -> None:
    assert parse_json("[" * 100_000)[0] is None
    assert parse_yaml("[" * 100_000)[0] is None
    assert parse_yaml("a:\n" + "".join(" " * n + "- \n" for n in range(1, 2000)))[0] is None


def test_several_yaml_documents() -> None:
    assert parse_yaml("a: 1\n---\nb: 2\n") == ([{"a": 1}, {"b": 2}], "")
