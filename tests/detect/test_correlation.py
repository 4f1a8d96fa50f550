from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import correlation_oracle
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.detect.chain import Chain
from gatewatch.detect.correlation import Correlation, CorrelationType, evaluate
from gatewatch.detect.correlation_chain import as_chain
from gatewatch.detect.correlation_file import CorrelationSet, load_correlations
from gatewatch.detect.correlation_measure import Bound, Expression
from gatewatch.detect.field_map import OWN
from gatewatch.detect.rule import RuleSet, load_rules
from gatewatch.schema.events import DTYPES
from gatewatch.schema.incidents import Severity

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
RULES = ("a", "b", "c")


def make(kind: str, **changes: Any) -> Correlation:
    """Return a correlation over the rules a, b and c, grouped by user."""
    rules = changes.pop("rules", RULES)
    by = changes.pop("by", ("user",))
    value = changes.pop("value", "bytes_out" if kind.startswith("value") else None)
    defaults: dict[str, Any] = {
        "name": "random",
        "id": None,
        "title": "Random",
        "level": Severity.LOW,
        "tags": (),
        "path": Path("random.yml"),
        "type": CorrelationType(kind),
        "rules": rules,
        "by": by,
        "keys": {rule: tuple(OWN.find(name) for name in by if name in DTYPES) for rule in rules},
        "values": {rule: (OWN.find(value),) for rule in rules} if value else {},
        "timespan": timedelta(seconds=3),
        "bounds": (Bound("gte", len(rules)),),
    }
    return Correlation(**{**defaults, **changes})


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return events at ``at`` seconds, in the order given."""
    columns = {
        name: pl.Series([row.get(name) for row in rows], dtype=DTYPES[name]) for name in ("user", "target_user", "bytes_out", "count")
    }
    marks = {f"rule:{rule}": [rule in row.get("rules", "") for row in rows] for rule in RULES}
    return pl.DataFrame(
        {
            "row": pl.Series(range(len(rows)), dtype=pl.UInt32),
            "time": pl.Series([START + timedelta(seconds=row["at"]) for row in rows], dtype=DTYPES["time"]),
            **columns,
            **{name: pl.Series(values, dtype=pl.Boolean) for name, values in marks.items()},
        }
    )


def fired(correlation: Correlation, rows: list[dict[str, Any]]) -> list[tuple[tuple[str, ...], int, list[int]]]:
    found = evaluate(correlation, frame(rows))
    keys = zip(*(found[name] for name in correlation.by), strict=True) if correlation.by else itertools.repeat(())
    return [(tuple(key), row, rows) for key, row, rows in zip(keys, found["row"], found["rows"].to_list(), strict=False)]


users = st.sampled_from(("ann", "eve", None))
rows = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 8),
            "rules": st.sampled_from(("a", "b", "c", "ab", "bc", "abc", "")),
            "user": users,
            "target_user": users,
            "bytes_out": st.none() | st.integers(-3, 3),
            "count": st.none() | st.integers(1, 3),
        }
    ),
    max_size=14,
).map(lambda events: sorted(events, key=lambda event: event["at"]))
operators = st.sampled_from(("lt", "lte", "gt", "gte", "eq", "neq"))
bounds = st.lists(st.builds(Bound, operators, st.integers(-3, 5) | st.sampled_from((0.5, 1.5, 2.25))), min_size=1, max_size=2).map(tuple)
expressions = st.recursive(
    st.sampled_from(RULES).map(lambda rule: Expression("rule", rule=rule)),
    lambda inner: (
        st.tuples(inner).map(lambda parts: Expression("not", parts))
        | st.builds(Expression, st.sampled_from(("and", "or")), st.tuples(inner, inner))
    ),
    max_leaves=4,
)


@st.composite
def correlations(draw: st.DrawFn) -> Correlation:
    kind = draw(st.sampled_from(sorted(CorrelationType)))
    rules = tuple(draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=3, unique=kind is not CorrelationType.TEMPORAL_ORDERED)))
    made: dict[str, Any] = {"rules": rules, "timespan": timedelta(seconds=draw(st.integers(1, 5)))}
    if not kind.is_temporal:
        made["bounds"] = draw(bounds)
    elif kind is CorrelationType.TEMPORAL and draw(st.booleans()):
        made |= {"rules": RULES, "expression": draw(expressions), "bounds": (Bound("gte", 3),)}
    elif kind is CorrelationType.TEMPORAL:
        made["bounds"] = draw(bounds)
    by = draw(st.sampled_from(((), ("user",), ("user", "target_user"), ("alias",))))
    if by == ("alias",):
        names = {rule: draw(st.sampled_from(("user", "target_user"))) for rule in made["rules"]}
        made |= {"by": by, "keys": {rule: (OWN.find(name),) for rule, name in names.items()}}
    else:
        made["by"] = by
    if kind is CorrelationType.VALUE_COUNT:
        made["value"] = draw(st.sampled_from(("bytes_out", "target_user")))
    if kind is CorrelationType.VALUE_PERCENTILE:
        made["percentile"] = draw(st.integers(0, 100))
    return make(kind.value, **made)


@settings(max_examples=600, deadline=None)
@given(correlations(), rows)
def test_every_type_agrees_with_the_oracle(correlation: Correlation, events: list[dict[str, Any]]) -> None:
    plain = [
        {**event, "row": row, "time": START + timedelta(seconds=event["at"]), **{f"rule:{rule}": rule in event["rules"] for rule in RULES}}
        for row, event in enumerate(events)
    ]
    assert sorted(fired(correlation, events)) == sorted(correlation_oracle.fires(correlation, plain))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(("event_count", "value_count", "temporal", "temporal_ordered")), rows, st.integers(1, 4))
def test_a_longer_timespan_never_loses_a_completion(kind: str, events: list[dict[str, Any]], span: int) -> None:
    short = make(kind, timespan=timedelta(seconds=span))
    long = make(kind, timespan=timedelta(seconds=span + 1))
    assert {found[:2] for found in fired(short, events)} <= {found[:2] for found in fired(long, events)}


@pytest.mark.parametrize("order", list(itertools.permutations(RULES)))
def test_only_the_ordered_permutation_fires(order: tuple[str, ...]) -> None:
    events = [{"at": at, "rules": rule, "user": "ann"} for at, rule in enumerate(order)]
    expected = [(("ann",), 2, [0, 1, 2])] if order == RULES else []
    assert fired(make("temporal_ordered"), events) == expected
    assert fired(make("temporal"), events) == [(("ann",), 2, [0, 1, 2])]


def test_one_event_is_no_order() -> None:
    assert fired(make("temporal_ordered", rules=("a", "b")), [{"at": 0, "rules": "ab", "user": "ann"}]) == []
    assert fired(make("temporal", rules=("a", "b")), [{"at": 0, "rules": "ab", "user": "ann"}]) == [(("ann",), 0, [0])]


def test_groups_never_mix() -> None:
    events = [
        {"at": at, "rules": rule, "user": user} for at, (rule, user) in enumerate(zip("abcabc", ("ann", "eve", "ann") * 2, strict=True))
    ]
    for kind in ("temporal", "temporal_ordered"):
        assert fired(make(kind, timespan=timedelta(seconds=60)), events) == []
    assert [found[1] for found in fired(make("event_count", timespan=timedelta(seconds=60)), events)] == [3, 5]


def test_the_window_is_closed_at_both_ends_and_no_longer() -> None:
    events = [{"at": at, "rules": "a", "user": "ann"} for at in (0, 1, 3, 4)]
    assert fired(make("event_count"), events) == [(("ann",), 2, [0, 1, 2]), (("ann",), 3, [1, 2, 3])]
    assert fired(make("event_count", timespan=timedelta(seconds=2)), events) == []


def test_a_null_key_matches_nothing() -> None:
    events = [{"at": 0, "rules": "a"} for _ in range(5)]
    assert fired(make("event_count"), events) == []
    assert len(fired(make("event_count", by=()), events)) == 3


def test_a_repeated_message_weighs_what_it_stands_for() -> None:
    found = evaluate(make("event_count"), frame([{"at": 0, "rules": "a", "user": "ann", "count": 5}]))
    assert found.row(0, named=True) == {
        "user": "ann", "first": START, "last": START, "value": 5.0, "events": 1, "row": 0, "rows": [0],
    }  # fmt: skip


def test_only_the_latest_rows_are_kept_as_evidence() -> None:
    found = evaluate(make("event_count"), frame([{"at": 0, "rules": "a", "user": "ann"} for _ in range(9)]), evidence=2)
    assert found["rows"].to_list()[-1] == [7, 8]
    assert found["events"].to_list()[-1] == 9


def test_sums_are_exact() -> None:
    events = [{"at": at, "rules": "a", "user": "ann", "bytes_out": 2**62} for at in range(3)]
    assert [found[1] for found in fired(make("value_sum", bounds=(Bound("eq", 3 * 2**62),)), events)] == [2]


def test_an_empty_frame_and_events_without_time() -> None:
    for kind in sorted(CorrelationType):
        assert fired(make(kind.value), []) == []
    timeless = frame([{"at": 0, "rules": "a", "user": "ann"}]).with_columns(pl.lit(None, DTYPES["time"]).alias("time"))
    assert evaluate(make("event_count", bounds=(Bound("gte", 1),)), timeless).height == 0


FAILURE = """
title: Failure
name: failure
id: 5e3a1e6a-0000-4000-8000-000000000001
logsource: {product: gatewatch, category: auth_failure}
detection: {s: {kind: auth_failure}, condition: s}
---
title: Success
name: success
logsource: {product: gatewatch, category: auth_success}
detection: {s: {kind: auth_success}, condition: s}
---
title: Old
name: old
logsource: {product: linux, service: sshd}
detection: {s: {user: x}, condition: s}
"""


def load(folder: Path, *sections: str, head: str = "title: C\nlevel: high\n") -> tuple[RuleSet, CorrelationSet]:
    (folder / "base.yml").write_text(FAILURE)
    (folder / "cor.yml").write_text("---\n".join(f"{head}correlation: {section}\n" for section in sections))
    rules = load_rules([folder / "base.yml"])
    return rules, load_correlations([folder], rules)


def one(folder: Path, section: str) -> Correlation:
    _, found = load(folder, section)
    assert found.refused == ()
    (correlation,) = found.correlations
    return correlation


def test_a_file_is_read_and_resolved(tmp_path: Path) -> None:
    made = one(
        tmp_path,
        "{type: event_count, rules: [failure, 5e3a1e6a-0000-4000-8000-000000000001, old], group-by: [src_ip, SourceHostname],"
        " generate: true, aliases: {SourceHostname:"
        " {failure: src_host, 5e3a1e6a-0000-4000-8000-000000000001: src_host, old: SourceHostname}},"
        " timespan: 15m, condition: {gte: 5, lt: 9.5}}",
    )
    assert made.name == "cor"
    assert made.level is Severity.HIGH
    assert made.rules == ("failure", "failure", "old")
    assert made.bounds == (Bound("gte", 5), Bound("lt", 9.5))
    assert made.timespan == timedelta(minutes=15)
    assert made.generate
    assert made.columns == ("src_host", "src_ip")


def test_temporal_conditions_have_defaults(tmp_path: Path) -> None:
    assert one(tmp_path, "{type: temporal_ordered, rules: [failure, success], timespan: 1h}").bounds == (Bound("gte", 2),)
    made = one(tmp_path, "{type: temporal, timespan: 1h, condition: failure and not success}")
    assert made.rules == ("failure", "success")
    assert made.expression == Expression(
        "and", (Expression("rule", rule="failure"), Expression("not", (Expression("rule", rule="success"),)))
    )
    ordered = one(tmp_path, "{type: temporal_ordered, timespan: 1h, condition: success and failure}")
    assert (ordered.rules, ordered.expression) == (("success", "failure"), None)


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("{type: event_count, rules: nonesuch, timespan: 1m, condition: {gte: 1}}", "'nonesuch'"),
        ("{type: nonesuch, rules: failure, timespan: 1m, condition: {gte: 1}}", "nonesuch"),
        ("{type: event_count, rules: failure, condition: {gte: 1}}", "timespan"),
        ("{type: event_count, rules: failure, timespan: 1m}", "condition"),
        ("{type: event_count, rules: failure, timespan: 1m, condition: {gte: x}}", "count"),
        ("{type: event_count, rules: failure, timespan: 1m, condition: {about: 5}}", "condition"),
        ("{type: value_count, rules: failure, timespan: 1m, condition: {gte: 1}}", "field"),
        ("{type: value_sum, rules: failure, timespan: 1m, condition: {gte: 1, field: time}}", "numbers"),
        ("{type: value_percentile, rules: failure, timespan: 1m, condition: {gte: 1, field: bytes_out}}", "percentile"),
        ("{type: value_percentile, rules: failure, timespan: 1m, condition: {gte: 1, field: bytes_out, percentile: 101}}", "percentile"),
        ("{type: event_count, rules: failure, group-by: usre, timespan: 1m, condition: {gte: 1}}", "'usre'"),
        ("{type: event_count, rules: failure, group-by: row, timespan: 1m, condition: {gte: 1}}", "group-by"),
        (
            "{type: event_count, rules: [failure, success], group-by: x, aliases: {x: {failure: user}}, timespan: 1m, condition: {gte: 1}}",
            "'success'",
        ),
        ("{type: temporal_ordered, timespan: 1m, condition: failure or success}", "order"),
        ("{type: temporal_ordered, rules: [failure, success], timespan: 1m, condition: {gte: 1}}", "defined meaning"),
        ("{type: temporal, timespan: 1m, condition: failure and (success}", "condition"),
        ("[a, list]", "no mapping"),
    ],
)
def test_refusals_have_a_name(tmp_path: Path, section: str, expected: str) -> None:
    _, found = load(tmp_path, section)
    assert found.correlations == ()
    (refusal,) = found.refused
    assert (refusal.path.name, refusal.title) == ("cor.yml", "C")
    assert expected in refusal.reason


def test_correlations_of_correlations(tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text(FAILURE)
    (tmp_path / "a-entry.yml").write_text(
        "title: Entry\nname: entry\ncorrelation: {type: temporal_ordered, rules: [many, success], group-by: src_ip, timespan: 10m}\n"
    )
    (tmp_path / "many.yml").write_text(
        "title: Many\ncorrelation: {type: event_count, rules: failure, group-by: src_ip, timespan: 5m, condition: {gte: 3}}\n"
    )
    rules = load_rules([tmp_path / "base.yml"])
    found = load_correlations([tmp_path], rules)
    assert found.refused == ()
    assert [correlation.name for correlation in found.correlations] == ["many", "a-entry"]
    assert found.silenced == ("failure", "many", "success")
    kinds = ["auth_failure"] * 3 + ["auth_success", "auth_failure"]
    events = pl.DataFrame(
        {
            "row": pl.Series(range(5), dtype=pl.UInt32),
            "time": [START + timedelta(minutes=at) for at in range(5)],
            "kind": pl.Series(kinds, dtype=DTYPES["kind"]),
            "src_ip": ["192.0.2.7"] * 5,
        }
    )
    results = found.evaluate(rules.evaluate(events))
    assert results["many"]["row"].to_list() == [2, 4]
    assert results["a-entry"]["rows"].to_list() == [[2, 3], [2, 3, 4]]


def test_a_circle_is_refused(tmp_path: Path) -> None:
    section = "{{type: temporal, rules: [{}], timespan: 1m}}"
    (tmp_path / "x.yml").write_text("title: X\ncorrelation: " + section.format("y"))
    (tmp_path / "y.yml").write_text("title: Y\ncorrelation: " + section.format("x"))
    found = load_correlations([tmp_path], RuleSet(()))
    assert [refusal.title for refusal in found.refused] == ["X", "Y"]
    assert all("circle" in refusal.reason for refusal in found.refused)


def test_a_count_is_a_chain_of_one_stage(tmp_path: Path) -> None:
    chain = as_chain(one(tmp_path, "{type: event_count, rules: failure, group-by: src_ip, timespan: 15m, condition: {gt: 4}}"))
    assert isinstance(chain, Chain)
    (stage,) = chain.stages
    assert chain.by == ("src_ip",)
    assert stage.anchor
    assert (stage.rules, stage.count.gte, stage.count.window) == (("failure",), 5, "15m")  # type: ignore[union-attr]
    distinct = as_chain(
        one(tmp_path, "{type: value_count, rules: failure, group-by: src_ip, timespan: 1h, condition: {gte: 9, field: user}}")
    )
    assert distinct is not None
    assert distinct.stages[0].count.distinct == "user"  # type: ignore[union-attr]


def test_an_order_is_a_chain_of_stages(tmp_path: Path) -> None:
    chain = as_chain(
        one(
            tmp_path,
            "{type: temporal_ordered, rules: [failure, success], group-by: who, timespan: 90s,"
            " aliases: {who: {failure: user, success: target_user}}}",
        )
    )
    assert chain is not None
    assert [(stage.rules, stage.anchor, stage.alias) for stage in chain.stages] == [
        (("failure",), False, {}),
        (("success",), True, {"user": "target_user"}),
    ]
    assert chain.span == "90s"


@pytest.mark.parametrize(
    "section",
    [
        "{type: event_count, rules: failure, timespan: 15m, condition: {gte: 4}}",
        "{type: event_count, rules: failure, group-by: src_ip, timespan: 15m, condition: {lt: 4}}",
        "{type: event_count, rules: failure, group-by: src_ip, timespan: 15m, condition: {gte: 4, lt: 9}}",
        "{type: event_count, rules: failure, group-by: extra.x, timespan: 15m, condition: {gte: 4}}",
        "{type: temporal, rules: [failure, success], group-by: src_ip, timespan: 15m}",
        "{type: value_sum, rules: failure, group-by: src_ip, timespan: 15m, condition: {gte: 4, field: bytes_out}}",
    ],
)
def test_what_no_chain_means_is_none(tmp_path: Path, section: str) -> None:
    assert as_chain(one(tmp_path, section)) is None
