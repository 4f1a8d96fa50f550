"""Random rules on random events: the compiled rule agrees with the plain reading of :mod:`rule_oracle`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import rule_oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.detect.rule import Rule, RuleSet, compile_rule
from gatewatch.detect.sigma_document import Document
from gatewatch.detect.sigma_regex import Refused
from gatewatch.schema.events import DTYPES

WORDS = ("", "a", "A", "ab", "aB", "AB.", "a*", "*", "?", "é", "É", "\\", "\\*", "a\nb", "a b", "1", "-1", "true", "1.5", "b-a/1")
TEXT = st.sampled_from(WORDS) | st.text("aAbéÉ.*?\\ \n1-/", max_size=6)
CELL = st.none() | TEXT
KINDS = ("auth_failure", "auth_success", "exec")
ADDRESSES = ("192.0.2.7", "198.51.100.9", "10.0.0.1", "2001:db8::1", "2001:db8:1::2")
NETWORKS = ("192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "::/0")
REGEXES = ("a", "^a", "b$", "[ab]+", r"\.", "a.b", r"[^a-b]", "A|é", r"\\", r"^\S*$")

events = st.fixed_dictionaries(
    {
        "kind": st.none() | st.sampled_from(KINDS),
        "source": st.none() | st.sampled_from(("sshd", "sudo")),
        "user": CELL,
        "process": CELL,
        "message": CELL,
        "src_ip": st.none() | st.sampled_from(ADDRESSES),
        "src_port": st.none() | st.integers(0, 3),
        "bytes_out": st.none() | st.integers(-2, 2),
        "invalid_user": st.none() | st.booleans(),
        "extra": st.none()
        | st.fixed_dictionaries({}, optional={"key": TEXT | st.integers(-2, 2) | st.booleans() | st.none(), "a b": TEXT}).map(json.dumps),
    }
)
NUMBERS = st.sampled_from(("src_port", "bytes_out", "extra.key"))
TEXT_FIELDS = ("user", "process", "extra.key", "extra.a b")
texts = st.sampled_from(TEXT_FIELDS)
items = st.one_of(
    st.tuples(st.builds("".join, st.tuples(texts, st.sampled_from(("", "|contains", "|startswith", "|endswith", "|contains|all", "|neq")),
              st.sampled_from(("", "|cased")))), TEXT | st.lists(TEXT, min_size=1, max_size=3)),
    st.tuples(st.builds("".join, st.tuples(texts, st.sampled_from(("|re", "|re|i", "|re|s")))), st.sampled_from(REGEXES)),
    st.tuples(NUMBERS, st.integers(-2, 3) | st.none() | st.sampled_from(("1", "?", "-*"))),
    st.tuples(st.builds("|".join, st.tuples(NUMBERS, st.sampled_from(("lt", "lte", "gt", "gte")))),
              st.integers(-2, 3) | st.floats(-2, 3)),
    st.tuples(st.just("src_ip|cidr"), st.sampled_from(NETWORKS) | st.lists(st.sampled_from(NETWORKS), min_size=1, max_size=2)),
    st.tuples(st.just("invalid_user"), st.booleans() | st.none() | st.just("tr*")),
    st.tuples(st.sampled_from(("kind", "kind|neq", "source")), st.sampled_from((*KINDS, "AUTH_*", "sshd", "*u*"))
              | st.lists(st.sampled_from((*KINDS, "sudo")), min_size=1)),
    st.tuples(st.builds("{}|exists".format, st.sampled_from((*TEXT_FIELDS, "kind", "src_port"))), st.booleans()),
    st.tuples(texts, st.none() | st.just([])),
    st.tuples(st.just("user|fieldref"), st.sampled_from(("process", "extra.key"))),
)  # fmt: skip
keywords = st.lists(TEXT.filter(lambda text: text != "") | st.integers(0, 20), min_size=1, max_size=3)
mappings = st.lists(items, min_size=1, max_size=3).map(dict)
sections = mappings | keywords | st.lists(mappings, min_size=1, max_size=2)
NAMES = ("sel_a", "sel_b", "other")
conditions = st.recursive(
    st.sampled_from(NAMES) | st.tuples(st.sampled_from(("1 of", "all of")), st.sampled_from(("sel_*", "them"))),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(("and", "or")), inner, inner),
        st.tuples(st.just("or"), inner, inner, inner),
    ),
    max_leaves=4,
)
logsources = st.sampled_from(
    ({"product": "gatewatch"}, {"product": "gatewatch", "category": "exec"}, {"product": "gatewatch", "service": "sshd"})
)


def build(selections: dict[str, Any], condition: Any, logsource: dict[str, str]) -> Rule:
    content = {"title": "t", "logsource": logsource, "detection": {**selections, "condition": rule_oracle.render(condition)}}
    return compile_rule(Document(Path("random.yml"), "random", content))


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series([row[name] for row in rows], dtype=DTYPES[name]) for name in rows[0]})


def plain(selections: dict[str, Any]) -> dict[str, Any]:
    """The oracle reads keys of extra by their bare names."""

    def rename(section: Any) -> Any:
        if isinstance(section, dict):
            return {key.removeprefix("extra."): bare(key, value) for key, value in section.items()}
        return [rename(part) for part in section] if isinstance(section, list) else section

    def bare(key: str, value: Any) -> Any:
        return value.removeprefix("extra.") if key.endswith("fieldref") else value

    return {name: rename(section) for name, section in selections.items()}


def covered(logsource: dict[str, str], row: dict[str, Any]) -> bool:
    return logsource.get("category") in (None, row["kind"]) and logsource.get("service") in (None, row["source"])


@settings(max_examples=250, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, sections)), conditions, logsources, st.lists(events, min_size=1, max_size=6))
def test_compiled_rule_agrees_with_the_oracle(
    selections: dict[str, Any], condition: Any, logsource: dict[str, str], rows: list[dict[str, Any]]
) -> None:
    rule = build(selections, condition, logsource)
    expected = [covered(logsource, row) and rule_oracle.holds(condition, plain(selections), row) for row in rows]
    table = frame(rows)
    assert rule.matches(table).to_list() == expected
    assert table.select(rule.expr).to_series().to_list() == expected


GRID = [
    {
        "kind": ([*KINDS, None])[at % 4],
        "source": "sshd",
        "user": word,
        "process": WORDS[at * 7 % len(WORDS)],
        "message": word,
        "src_ip": ([*ADDRESSES, None])[at % 6],
        "src_port": ([0, 1, 2, 3, None])[at % 5],
        "bytes_out": ([-2, -1, 0, 1, 2, None])[at % 6],
        "invalid_user": ([True, False, None])[at % 3],
        "extra": json.dumps({"key": WORDS[at * 3 % len(WORDS)] if at % 2 else at % 5 - 2, "a b": word}) if at % 7 else None,
    }
    for at, word in enumerate((*WORDS, None))
]


@settings(max_examples=500, deadline=None)
@given(items)
def test_every_comparison_agrees_with_the_oracle_on_every_kind_of_cell(item: tuple[str, Any]) -> None:
    rule = build({"sel_a": dict([item])}, "sel_a", {"product": "gatewatch"})
    selections = plain({"sel_a": dict([item])})
    assert rule.matches(frame(GRID)).to_list() == [rule_oracle.holds("sel_a", selections, row) for row in GRID]


@settings(max_examples=100, deadline=None)
@given(
    st.fixed_dictionaries(dict.fromkeys(NAMES, sections)),
    st.lists(conditions, min_size=2, max_size=3),
    st.lists(events, min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_neither_other_rules_nor_other_events_change_an_answer(
    selections: dict[str, Any], several: list[Any], rows: list[dict[str, Any]], random: Any
) -> None:
    rules = [build(selections, condition, {"product": "gatewatch"}) for condition in several]
    named = [replace(rule, name=f"r{number}") for number, rule in enumerate(rules)]
    table = frame(rows)
    together = RuleSet(tuple(named)).evaluate(table)
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = RuleSet(tuple(named)).evaluate(table[order])
    for rule in named:
        alone = [rule.matches(table[at : at + 1]).item() for at in range(len(rows))]
        assert together[f"rule:{rule.name}"].to_list() == alone
        assert shuffled[f"rule:{rule.name}"].to_list() == [alone[at] for at in order]


KEYS = st.sampled_from(("condition", "a", "a|re", "a|all", "|x", "product", "b|cidr")) | TEXT
json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | TEXT | st.sampled_from(("selection", "*", "1 of them")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(("title", "id", "level", "tags", "logsource", "detection", "status", "related", "name")), json_like))
def test_a_misshapen_document_is_refused_and_never_raises(content: dict[str, Any]) -> None:
    try:
        rule = compile_rule(Document(Path("random.yml"), "random", content))
    except Refused as refusal:
        assert str(refusal)  # noqa: PT017 - refusing is one of two right answers
    else:
        assert rule.matches(frame([{"message": "a", "user": None}])).dtype == pl.Boolean


@pytest.mark.parametrize("column", sorted(DTYPES))
def test_any_column_can_be_asked_for(column: str) -> None:
    selections = {"sel_a": {f"{column}|exists": True}, "sel_b": {column: None}, "other": {column: []}}
    rule = build(selections, ("and", ("not", "sel_a"), "sel_b", "other"), {"product": "gatewatch"})
    empty = pl.DataFrame({"kind": pl.Series([None], dtype=DTYPES["kind"])})
    assert rule.matches(empty).to_list() == [True]
