"""Whatever a text source is given, nothing raises, every record is accounted for, and no regex contradicts another of its pattern."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample import TEXT, Sample, load, records

from gatewatch.schema.events import Kind
from gatewatch.sources import registry
from gatewatch.sources.pattern import Pattern, PatternSource

SOURCES = {source.name: source for source in registry.SOURCES if source.name in TEXT}
LINES = sorted({sample.message for name in TEXT for sample in load(name)})
PROGRAMS = sorted({sample.program for name in TEXT for sample in load(name)} | {"dhclient", ""})
PRINTED = st.characters(min_codepoint=31, max_codepoint=126)  # and what separates the values of a text that a source laid out
RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PATTERNS = {
    pattern.name: pattern
    for source in SOURCES.values()
    if isinstance(source, PatternSource)
    for pattern in source.patterns
    if pattern.kind is not None and len(pattern.regexes) > 1
}

messages = st.one_of(
    st.text(max_size=80),
    st.sampled_from(LINES),
    st.tuples(st.sampled_from(LINES), st.integers(0, 120), st.text(max_size=12)).map(lambda t: t[0][: t[1]] + t[2] + t[0][t[1] :]),
    st.tuples(st.sampled_from(LINES), st.sampled_from(LINES)).map(" ".join),
)


def batch(texts: list[str], program: str) -> pl.DataFrame:
    return records([Sample("", n, program, "1", None, text, None, None) for n, text in enumerate(texts)])


@pytest.mark.parametrize("name", TEXT)
@given(texts=st.lists(messages, max_size=12), program=st.sampled_from(PROGRAMS))
@RELAXED
def test_every_record_is_accounted_for(name: str, texts: list[str], program: str) -> None:
    given_records = batch(texts, program)
    outcome = SOURCES[name].decode(given_records)
    assert outcome.used == outcome.events.height
    assert outcome.used + sum(outcome.ignored.values()) + outcome.unrecognised.height + outcome.rejected.height == len(texts)
    used, left = outcome.events["record"].to_list(), outcome.unrecognised["record"].to_list()
    assert used == sorted(set(used))
    assert left == sorted(set(left))
    assert not set(used) & set(left)
    originals = dict(given_records.select("record", "message").iter_rows())
    assert [originals[record] for record in left] == outcome.unrecognised["message"].to_list()


@given(texts=st.lists(messages, max_size=12), programs=st.lists(st.sampled_from([*PROGRAMS, None]), max_size=12))
@RELAXED
def test_split_gives_each_record_to_one_source(texts: list[str], programs: list[str | None]) -> None:
    table = batch(texts, "").with_columns(pl.Series("program", (programs + [None] * 12)[: len(texts)], dtype=pl.String))
    parts, unclaimed = registry.split(table)
    together = pl.concat([part for _, part in parts] + [unclaimed])
    assert together.columns == table.columns
    assert sorted(together["record"].to_list()) == table["record"].to_list()
    assert all(part["record"].is_sorted() for _, part in parts)


@given(texts=st.lists(messages, min_size=1, max_size=8), name=st.sampled_from(TEXT))
@RELAXED
def test_a_record_means_the_same_alone(texts: list[str], name: str) -> None:
    """The batch a record comes in changes nothing about it."""
    whole = SOURCES[name].decode(batch(texts, name)).events
    for row in batch(texts, name).iter_slices(1):
        alone = SOURCES[name].decode(row).events
        mine = whole.filter(pl.col("record") == row["record"][0])
        assert alone.height == mine.height
        for column in sorted({*whole.columns, *alone.columns}) if mine.height else ():
            values = [table[column].item() if column in table.columns else None for table in (alone, mine)]
            assert values[0] == values[1], column


@given(texts=st.lists(messages, max_size=12), name=st.sampled_from(TEXT), wanted=st.sets(st.sampled_from(list(Kind)), max_size=5))
@RELAXED
def test_unwanted_kinds_are_used_but_make_no_events(texts: list[str], name: str, wanted: set[Kind]) -> None:
    # a message that a pattern takes unread, by its beginning (and end) alone, may be no message of it; real ones are the same either way
    unread = [pattern for pattern in SOURCES[name].patterns if pattern.tail or pattern.repeats]
    texts = [text for text in texts if not any(text.strip().startswith(it.heads) and text.strip().endswith(it.tail) for it in unread)]
    table = batch(texts, name)
    whole, part = SOURCES[name].decode(table), SOURCES[name].decode(table, wanted)
    kept = whole.events.filter(pl.col("kind").is_in(sorted(wanted)))
    assert part.events.select("record", "kind", "pattern").rows() == kept.select("record", "kind", "pattern").rows()
    assert (part.used, part.ignored) == (whole.used, whole.ignored)
    assert part.unrecognised.equals(whole.unrecognised)


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=list(PATTERNS))
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_regexes_never_contradict_each_other(pattern: Pattern, data: st.DataObject) -> None:
    """Where the strict regex fits, no later one reads the text otherwise."""
    strict = re.compile(pattern.regexes[0])
    text = data.draw(st.from_regex(re.compile(pattern.regexes[0], re.ASCII), alphabet=PRINTED))
    first = strict.search(text)
    if first is None or "\n" in text:
        return
    for regex in pattern.regexes[1:]:
        other = re.search(regex, text)
        if other is None:
            continue
        for group, value in other.groupdict().items():
            seen = first.groupdict().get(group)
            assert not seen or not value or seen.strip() == value.strip(), f"{group}: {seen!r} or {value!r} in {text!r}"
