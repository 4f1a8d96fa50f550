from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.detect import sheet
from gatewatch.detect.extra_key import CHANNEL, EVENT_ID, HEAD, TEXT, UNNAMED, Key, read
from gatewatch.detect.predicate import All, Leaf, Not, Predicate, Some, expression

NAMES = ("EventID", "Channel", "System_Channel", "a", "b", "a b", "param1", "param10", "param2", "Data")
KEYS = (*(Key((name,)) for name in NAMES), Key(("a", "b")), EVENT_ID, CHANNEL, TEXT, UNNAMED)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)
written = st.builds(json.dumps, objects | values, ensure_ascii=st.booleans())
texts = st.none() | st.sampled_from(("", "{", "null", "[1]", '"a"', '{"a":1,"a":2}')) | written


@settings(max_examples=300, deadline=None)
@given(st.lists(texts, min_size=1, max_size=5), st.sets(st.sampled_from(KEYS), min_size=1), st.none() | st.text(max_size=3))
def test_what_is_read_at_once_is_what_each_expression_says(extra: list[str | None], keys: set[Key], message: str | None) -> None:
    frame = pl.DataFrame({"extra": extra, "message": [message] * len(extra)}, schema={"extra": pl.String, "message": pl.String})
    made = read(frame, keys)
    for key in keys:
        assert made[key.label].dtype == pl.String
        assert made[key.label].to_list() == frame.select(key.expr()).to_series().to_list(), key


@pytest.mark.parametrize(
    ("extra", "event_id", "channel"),
    [
        ('{"EventID":4624,"Channel":"Security","a":1}', "4624", "Security"),
        ('{"EventID":104,"System_Channel":"System","Channel":"Security"}', "104", "System"),
        ('{"System_EventID":104,"Channel":"System","EventID":7}', "104", "System"),
        ('{"Channel":"Security","System_EventID":104,"System_Channel":"System","EventID":7}', "104", "System"),
        ('{"Channel":"Security","EventID":"4624"}', "4624", "Security"),
        ('{"EventID":4624,"Channel":null,"a":1}', "4624", None),
        ("{}", None, None),
        ("{broken", None, None),
    ],
)
def test_the_head_is_what_stands_first(extra: str, event_id: str | None, channel: str | None) -> None:
    made = read(pl.DataFrame({"extra": [extra]}), HEAD)
    assert (made[EVENT_ID.label][0], made[CHANNEL.label][0]) == (event_id, channel)


WORDS = ("x", "y", "z", None)
rows = st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS), st.text("xyz", max_size=6))


def leaf(name: str, pattern: str) -> Leaf:
    key = Key((name,))
    return Leaf(key.expr().str.contains(pattern), ("extra",), pl.col(key.label).str.contains(pattern), (key,))


LEAVES = tuple(leaf(name, pattern) for name in ("a", "b", "c") for pattern in ("x", "y", "^z"))
predicates: st.SearchStrategy[Predicate] = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Some(tuple(parts))),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(predicates, min_size=1, max_size=3), st.lists(rows, min_size=1, max_size=6), st.integers(1, 9), st.integers(1, 40))
def test_asking_together_is_asking_each(asked: list[Predicate], some: list[tuple[str | None, str | None, str]], times: int, size: int) -> None:
    extra = [json.dumps({"a": a, "b": b, "c": f"{c}{turn}"}) for turn in range(times) for a, b, c in some]
    frame = pl.DataFrame({"extra": extra})
    numbers = pl.Series(range(0, len(extra), 2), dtype=pl.UInt32)
    found: dict[str, list[int]] = {str(at): [] for at in range(len(asked))}
    for name, hits in sheet.ask({str(at): predicate for at, predicate in enumerate(asked)}, frame, numbers, size):
        found[name] += hits.tolist()
    for at, predicate in enumerate(asked):
        expected = frame.select(expression(predicate)).to_series().arg_true().to_numpy()
        assert found[str(at)] == np.intersect1d(expected, numbers.to_numpy()).tolist()
        assert all(one < other for one, other in pairwise(found[str(at)]))
