"""Every annotated sample decodes as it says, and every regex of every pattern has a sample that needs it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import polars as pl
import pytest
from sample import SAMPLES, TEXT, Sample, load, records

from gatewatch.schema.events import COLUMNS, KIND, Kind
from gatewatch.sources import registry
from gatewatch.sources.pattern import HEAD, Pattern, PatternSource

STATED_IF_PRESENT = ("user", "target_user", "src_ip", "src_host")  # an unexpected identity is never overlooked
FREE_BOTH_SIDES = {"pam-failure", "pam-more-failures"}  # the text itself has a client's word on both sides; the last rhost counts
PATTERN_SOURCES = [source for source in registry.SOURCES if isinstance(source, PatternSource)]


def decode(name: str, samples: list[Sample]) -> tuple[dict[int, dict[str, Any]], set[int], dict[str, int]]:
    """Return event rows by record, the unrecognised records and the ignored counts of *samples*, routed as records are."""
    parts, unclaimed = registry.split(records(samples))
    assert [source.name for source, _ in parts] == [name], "a sample goes to another source"
    assert not unclaimed.height
    source, batch = parts[0]
    outcome = source.decode(batch)
    return {row["record"]: row for row in outcome.events.iter_rows(named=True)}, set(outcome.unrecognised["record"]), outcome.ignored


def written(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("name", TEXT)
def test_samples_decode_as_annotated(name: str) -> None:
    samples = load(name)
    assert samples, f"no samples in {SAMPLES / name}"
    events, unrecognised, ignored = decode(name, samples)
    for number, sample in enumerate(samples, 1):
        where = f"{name}/{sample.file}:{sample.line}: {sample.message}"
        row = events.get(number)
        if sample.expect is None:
            assert row is None, f"{where}\nbecame {row}"
            assert (number in unrecognised) == (sample.ignore is None), where
            continue
        assert row is not None, where
        for column, value in sample.expect.items():
            assert written(row.get(column)) == value, f"{where}\n{column}: {written(row.get(column))}, not {value}"
        for column in STATED_IF_PRESENT:
            assert row.get(column) is None or column in sample.expect, f"{where}\n{column} = {row[column]} is not expected"
    assert ignored == dict(sorted(Counter(sample.ignore for sample in samples if sample.ignore is not None).items()))


@pytest.mark.parametrize("name", TEXT)
def test_events_have_the_declared_columns(name: str) -> None:
    parts, _ = registry.split(records(load(name)))
    events = parts[0][0].decode(parts[0][1]).events
    declared = {column.name: column.dtype for column in COLUMNS}
    assert {column: dtype for column, dtype in events.schema.items() if column in declared} == {
        column: declared[column] for column in events.columns if column in declared
    }
    assert events["kind"].dtype == KIND
    assert not events["kind"].has_nulls()


def first_hits(source: PatternSource, messages: list[str]) -> set[tuple[int, int]]:
    """Return ``(id of the pattern, place of the regex)`` of the first match of each message."""
    hits: set[tuple[int, int]] = set()
    for message in messages:
        candidates = [p for p in source.patterns if not p.heads or any(message.startswith(head[:HEAD]) for head in p.heads)]
        tried = ((id(pattern), place) for pattern in candidates for place, regex in enumerate(pattern.regexes) if re.search(regex, message))
        hits |= {hit for hit in [next(tried, None)] if hit is not None}
    return hits


def test_every_regex_has_a_sample() -> None:
    hits: set[tuple[int, int]] = set()
    for source in PATTERN_SOURCES:
        batch = records(load(source.name))
        prepared = batch if source.prepare is None else source.prepare(batch)
        messages = [re.sub(r"^(?:\[ID [^\]]*\] |sshd: )", "", message) for message in prepared["message"].to_list()]
        hits |= first_hits(source, messages)
    wanted = {
        (id(pattern), place): f"{pattern.name}: {regex}"
        for source in PATTERN_SOURCES
        for pattern in source.patterns
        for place, regex in enumerate(pattern.regexes)
    }
    assert sorted(text for key, text in wanted.items() if key not in hits) == []


def test_every_source_has_samples_references_and_unique_patterns() -> None:
    assert len({source.name for source in registry.SOURCES}) == len(registry.SOURCES)
    for source in registry.SOURCES:
        assert (SAMPLES / source.name).is_dir(), source.name
        assert source.references, source.name
        assert source.title, source.name
    for source in PATTERN_SOURCES:
        names = Counter(pattern.name for pattern in source.patterns)
        assert [name for name, count in names.items() if count > 1] == []


def each_pattern() -> list[Pattern]:
    return list({id(pattern): pattern for source in PATTERN_SOURCES for pattern in source.patterns}.values())


@pytest.mark.parametrize("pattern", each_pattern(), ids=lambda pattern: pattern.name)
def test_patterns_are_safe(pattern: Pattern) -> None:
    """An ignored pattern says why; an address is never found after a free text whose end is open."""
    assert (pattern.kind is None) == bool(pattern.why)
    assert pattern.kind is None or isinstance(pattern.kind, Kind)
    for regex in pattern.regexes:
        assert regex.startswith("^"), regex
        pl.Series(["x"]).str.contains(regex)  # within the linear-time dialect
        for group in ("(?P<rhost>", "(?P<dhost>"):
            if group not in regex:
                continue
            before, _, after = regex.partition(group)
            free = re.search(r"(?<!\\)\.[*+]", before) is not None
            open_end = re.search(r"(?<!\\)\.[*+]", after) is not None
            assert regex.endswith("$"), f"no end anchor: {regex}"
            assert not (free and open_end) or pattern.name in FREE_BOTH_SIDES, f"free text on both sides of an address: {regex}"
