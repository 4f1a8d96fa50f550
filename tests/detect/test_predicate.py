"""Predicates: what is left of the shipped rules for a kind is the same whether their leaves were asked of all kinds before, or one by one."""

from __future__ import annotations

import pytest

from gatewatch.detect import predicate
from gatewatch.detect.content import load_content
from gatewatch.detect.predicate import FALSE, foresee, given, leaves_of
from gatewatch.schema.events import Kind


@pytest.mark.parametrize("source", ["sshd", "okta", "windows-logon", None])
def test_leaves_foreseen_answer_as_leaves_asked(source: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = load_content().rules.rules
    monkeypatch.setattr(predicate, "_TOLD", {})
    kinds = [*map(str, Kind), None]
    asked = {(rule.name, kind): given(rule.predicate, {"kind": kind, "source": source}) for rule in rules for kind in kinds}
    foresee(rule.predicate for rule in rules)
    assert len(predicate._TOLD) == len({leaf for rule in rules for leaf in leaves_of(rule.predicate) if leaf.columns == ("kind",)}) > 0
    told = {(rule.name, kind): given(rule.predicate, {"kind": kind, "source": source}) for rule in rules for kind in kinds}
    assert told == asked
    assert any(left != FALSE for left in told.values())
