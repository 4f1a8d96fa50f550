"""Every annotated sample of a Windows source decodes as it says, asked for everything and in a scan, and every Meaning has samples."""

from __future__ import annotations

import json
from collections import Counter
from fnmatch import fnmatch
from typing import Any

import polars as pl
import pytest
from windows_sample import BULK, WANTED, WINDOWS, WindowsSample, frame, load

from gatewatch.schema.events import COLUMNS, KIND
from gatewatch.sources.windows import Meaning, WindowsSource

STATED_IF_PRESENT = ("user", "target_user", "src_ip", "src_host", "dst_ip", "dst_host")
SYSTEM_NAMES = {"EventID", "Channel", "System_Channel", "Provider_Name", "Computer", "EventRecordID", "ActivityID", "UserID"}
each_source = pytest.mark.parametrize("source", WINDOWS, ids=lambda source: source.name)


def written(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def seen(row: dict[str, Any], column: str) -> str:
    """Return the value of *column* as samples write it; ``extra.NAME`` looks into ``extra``."""
    if not column.startswith("extra."):
        return written(row.get(column))
    return written(json.loads(row["extra"] or "{}").get(column[6:]))


def check(sample: WindowsSample, row: dict[str, Any] | None) -> None:
    """Assert that *row* is what the sample expects, with no identity that it does not state."""
    assert row is not None, f"{sample.where}: no event"
    assert sample.expect is not None, f"{sample.where}: became {row}"
    for column, value in sample.expect.items():
        assert seen(row, column) == value, f"{sample.where}: {column} = {seen(row, column)}, not {value}"
    for column in STATED_IF_PRESENT:
        assert row.get(column) is None or column in sample.expect, f"{sample.where}: {column} = {row[column]} is not expected"


def in_scan(sample: WindowsSample) -> bool:
    """Whether a scan makes an event of the sample; connections only where joining reports needs them."""
    needed = {meaning.name for source in WINDOWS for meaning in source.meanings if meaning.always}
    return sample.expect is not None and sample.scan and (sample.expect["kind"] not in BULK or sample.expect.get("pattern") in needed)


def fits(meaning: Meaning, sample: WindowsSample) -> bool:
    provider = (sample.record.get("Provider") or "").lower()
    return (not meaning.ids or sample.record["EventID"] in meaning.ids) and (
        not meaning.providers or any(fnmatch(provider, name.lower()) for name in meaning.providers)
    )


@each_source
def test_samples_decode_as_annotated(source: WindowsSource) -> None:
    samples = load(source)
    outcome = source.decode(frame([sample.record for sample in samples]))
    rows = {row["record"]: row for row in outcome.events.iter_rows(named=True)}
    rejects = {row["record"]: row["reason"] for row in outcome.rejected.iter_rows(named=True)}
    for number, sample in enumerate(samples, 1):
        assert rejects.get(number) == sample.reject, sample.where
        if sample.expect is None:
            assert number not in rows, f"{sample.where}: became {rows[number]}"
        else:
            check(sample, rows.get(number))
    assert outcome.ignored == dict(sorted(Counter(sample.ignore for sample in samples if sample.ignore is not None).items()))
    assert outcome.used + sum(outcome.ignored.values()) + outcome.rejected.height + outcome.unrecognised.height == len(samples)


@each_source
def test_a_scan_decodes_the_same(source: WindowsSource) -> None:
    """Less in ``extra``, no connections, and nothing that the hint of its Meaning is absent from."""
    samples = load(source)
    outcome = source.decode(frame([sample.record for sample in samples]), WANTED)
    rows = {row["record"]: row for row in outcome.events.iter_rows(named=True)}
    for number, sample in enumerate(samples, 1):
        if not in_scan(sample):
            assert number not in rows, f"{sample.where}: a scan made {rows[number]}"
            continue
        check(sample, rows.get(number))
        named = {name for meaning in source.meanings if sample.record["EventID"] in meaning.ids for name in (*meaning.extra, *meaning.made)}
        assert set(json.loads(rows[number].get("extra") or "{}")) <= named, sample.where
    assert outcome.used + sum(outcome.ignored.values()) + outcome.rejected.height + outcome.unrecognised.height == len(samples)


@each_source
def test_a_record_alone_decodes_as_among_others(source: WindowsSource) -> None:
    samples = load(source)
    together = {row["record"]: row for row in source.decode(frame([sample.record for sample in samples])).events.iter_rows(named=True)}
    for number, sample in enumerate(samples, 1):
        alone = source.decode(frame([sample.record])).events.to_dicts()
        expected = together.get(number)
        assert len(alone) == (expected is not None), sample.where
        for row in alone:
            places = {"record", "offset"}
            mine = {name: value for name, value in row.items() if name not in places and value is not None}
            assert mine == {name: value for name, value in (expected or {}).items() if name not in places and value is not None}, sample.where


@each_source
def test_everything_holds_all_that_the_record_said(source: WindowsSource) -> None:
    samples = load(source)
    events = source.decode(frame([sample.record for sample in samples])).events
    for row in events.iter_rows(named=True):
        record = samples[row["record"] - 1].record
        extra = json.loads(row["extra"])
        made = {name for meaning in source.meanings if record["EventID"] in meaning.ids for name in meaning.made}
        assert {name: value for name, value in extra.items() if name in record["Data"] or name not in SYSTEM_NAMES | made} == record["Data"]
        said = {name: record[name] for name in ("EventID", "Channel", "Computer")} | record["Data"]
        assert said == {name: extra[name] for name in said}


@each_source
def test_events_have_the_declared_columns(source: WindowsSource) -> None:
    records = frame([sample.record for sample in load(source)])
    declared = {column.name: column.dtype for column in COLUMNS}
    for wanted in (None, WANTED):
        events = source.decode(records, wanted).events
        known = {name: dtype for name, dtype in events.schema.items() if name in declared}
        assert known == {name: declared[name] for name in known}
        assert set(events.columns) - set(known) <= {"local", "rel", "resolution", "event_record", "channel", "user_sid"}
        assert events["kind"].dtype == KIND
        assert not events["kind"].has_nulls()
        assert events["source"].unique().to_list() in ([source.name], [])


@each_source
def test_samples_are_routed_to_the_source(source: WindowsSource) -> None:
    for sample in load(source):
        channel, number = sample.record["Channel"], sample.record["EventID"]
        assert channel in source.channels, sample.where
        claiming = [one.name for one in WINDOWS if channel in one.channels and number in one.ids]
        assert claiming in ([source.name], []), sample.where


@each_source
def test_every_meaning_has_samples(source: WindowsSource) -> None:
    """Each id, each kind that it may become, and each datum it looks at."""
    samples = load(source)
    missing = []
    for meaning in source.meanings:
        assert (meaning.kind is None) == bool(meaning.why), f"{meaning.name}: an ignored event says why"
        mine = [sample for sample in samples if fits(meaning, sample)]
        missing += [f"{meaning.name}: id {number}" for number in meaning.ids if not any(sample.record["EventID"] == number for sample in mine)]
        kinds = {sample.expect["kind"] for sample in mine if sample.expect is not None}
        missing += [f"{meaning.name}: {kind}" for kind in meaning.kinds or (meaning.kind,) if kind is not None and kind not in kinds]
        data = {name for sample in mine if isinstance(sample.record["Data"], dict) for name in sample.record["Data"]}
        missing += [f"{meaning.name}: datum {name}" for name in meaning.data if name not in data]
    assert missing == []


def test_events_are_claimed_once() -> None:
    claims = Counter((channel, number) for source in WINDOWS for channel in source.channels for number in source.ids)
    assert [claim for claim, count in claims.items() if count > 1] == []


@each_source
def test_what_a_record_lacks_is_null_and_nothing_raises(source: WindowsSource) -> None:
    """Events without data, and data of every JSON type where text is usual."""
    strange: list[Any] = [{}, "", "{", "null", "[]"]
    for meaning in source.meanings:
        strange += [dict.fromkeys(meaning.data, value) for value in (None, 3, -1.5, True, ["a", None], {"b": 1}, "", "-", "\x00", "🦊" * 40, "0x")]
    for number in sorted(source.ids):
        records = frame([{"EventID": number, "Channel": source.channels[0], "Computer": None, "Data": data} for data in strange])
        for wanted in (None, WANTED):
            outcome = source.decode(records, wanted)
            assert outcome.used + sum(outcome.ignored.values()) + outcome.rejected.height + outcome.unrecognised.height == len(strange)
            assert isinstance(outcome.events, pl.DataFrame)
