"""Every annotated sample of a source of JSON records decodes as it says, asked for everything and in a scan; spoilt ones never raise."""

from __future__ import annotations

import ipaddress
import json
from collections import Counter
from typing import Any

import pytest
from document_sample import BULK, DOCUMENTS, SAMPLES, WANTED, DocumentSample, frame, load
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake.json_record import SHAPES
from gatewatch.intake.json_shape import Objects
from gatewatch.schema.events import COLUMNS, KIND
from gatewatch.sources.document import DocumentSource
from gatewatch.sources.pattern import Outcome
from gatewatch.sources.registry import source_for

STATED_IF_PRESENT = ("user", "target_user", "src_ip", "src_host", "dst_ip", "dst_host")
LOADED = {source.name: load(source) for source in DOCUMENTS}
each_source = pytest.mark.parametrize("source", DOCUMENTS, ids=lambda source: source.name)


def written(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def seen(row: dict[str, Any], column: str) -> str:
    """Return the value of *column* as samples write it; ``extra.NAME`` looks into ``extra``."""
    if not column.startswith("extra."):
        return written(row.get(column))
    return written(json.loads(row["extra"] or "{}").get(column[6:]))


def check(sample: DocumentSample, expect: dict[str, str], row: dict[str, Any]) -> None:
    """Assert that *row* is what the sample expects, with no identity that it does not state."""
    for column, value in expect.items():
        assert seen(row, column) == value, f"{sample.where}: {column} = {seen(row, column)}, not {value}"
    for column in STATED_IF_PRESENT:
        assert row.get(column) is None or column in expect, f"{sample.where}: {column} = {row[column]} is not expected"


def rows_of(outcome: Outcome) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in outcome.events.iter_rows(named=True):
        found.setdefault(row["record"], []).append(row)
    return found


def read(samples: list[DocumentSample]) -> list[tuple[str, str]]:
    return [(sample.program, sample.raw) for sample in samples]


def accounted(outcome: Outcome) -> int:
    return outcome.used + sum(outcome.ignored.values()) + outcome.rejected.height + outcome.unrecognised.height


@each_source
def test_samples_decode_as_annotated(source: DocumentSource) -> None:
    samples = LOADED[source.name]
    outcome = source.decode(frame(read(samples)))
    found = rows_of(outcome)
    rejects = {row["record"]: row["reason"] for row in outcome.rejected.iter_rows(named=True)}
    for number, sample in enumerate(samples, 1):
        rows = found.get(number, [])
        assert rejects.get(number) == sample.reject, sample.where
        assert len(rows) == len(sample.expect), f"{sample.where}: became {rows}"
        for expect, row in zip(sample.expect, rows, strict=True):
            check(sample, expect, row)
    assert outcome.ignored == dict(sorted(Counter(sample.ignore for sample in samples if sample.ignore is not None).items()))
    assert accounted(outcome) == len(samples)


@each_source
def test_a_scan_decodes_the_same(source: DocumentSource) -> None:
    samples = LOADED[source.name]
    outcome = source.decode(frame(read(samples)), WANTED)
    found = rows_of(outcome)
    for number, sample in enumerate(samples, 1):
        kept = [expect for expect in sample.expect if expect["kind"] not in BULK]
        rows = found.get(number, [])
        assert len(rows) == len(kept), f"{sample.where}: a scan made {rows}"
        for expect, row in zip(kept, rows, strict=True):
            check(sample, expect, row)
    assert accounted(outcome) == len(samples)


@each_source
def test_a_record_alone_decodes_as_among_others(source: DocumentSource) -> None:
    samples = LOADED[source.name]
    together = rows_of(source.decode(frame(read(samples))))

    def told(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in {"record", "offset"} and value is not None}

    for number, sample in enumerate(samples, 1):
        alone = source.decode(frame(read([sample]))).events.to_dicts()
        assert [told(row) for row in alone] == [told(row) for row in together.get(number, [])], sample.where


@each_source
def test_events_have_the_declared_columns(source: DocumentSource) -> None:
    records = frame(read(LOADED[source.name]))
    declared = {column.name: column.dtype for column in COLUMNS}
    for wanted in (None, WANTED):
        events = source.decode(records, wanted).events
        known = {name: dtype for name, dtype in events.schema.items() if name in declared}
        assert known == {name: declared[name] for name in known}
        assert set(events.columns) - set(known) <= {"local", "rel", "resolution"}
        assert events["kind"].dtype == KIND
        for column in ("kind", "pattern", "source"):
            assert not events[column].has_nulls()
        assert events["source"].unique().to_list() in ([source.name], [])


def shape_of(raw: str) -> str | None:
    """Return the name of the shape that makes a record of an object."""
    objects = Objects.of([(0, raw)])
    for shape in SHAPES:
        framed = shape.frame(objects, None)
        if framed.records.height:
            return str(framed.records["program"][0])
        objects = framed.left
    return None


@each_source
def test_samples_are_routed_to_the_source(source: DocumentSource) -> None:
    """The first shape that knows the object is one of the source's."""
    for sample in LOADED[source.name]:
        assert sample.program in source.programs, sample.where
        found = source_for(sample.program)
        assert getattr(found, "objects", found) is source
        try:
            sound = isinstance(json.loads(sample.raw), dict)
        except ValueError:
            sound = False
        if sound:
            assert shape_of(sample.raw) == sample.program, f"{sample.where}: goes to {shape_of(sample.raw)}"


@each_source
def test_there_are_samples_of_bad_input(source: DocumentSource) -> None:
    assert any(sample.reject is not None for sample in LOADED[source.name]), f"no rejected record in {SAMPLES / source.name}"


ODD = st.sampled_from(
    (
        *("", "-", " ", "LOCAL", "::1", "fe80::1%12", "::ffff:192.0.2.7", "192.0.2.7:22", "999.1.1.1", "0x0", "-1", "[2001:db8::7]:443", "*****"),
        *(r"CORP\ann", "ann@corp.example", "CN=", "/", "$", "{", "[]", "{}", '{"a": 1}', "\x00", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59-23:59"),
        *("0001-01-01T00:00:00Z", "True", "null"),
    )
)
VALUES: st.SearchStrategy[Any] = (
    ODD
    | st.text(max_size=20)
    | st.none()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.lists(ODD | st.dictionaries(ODD, ODD, max_size=1), max_size=2)
    | st.dictionaries(ODD, ODD, max_size=2)
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) within *value*."""
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    found = []
    for key, inner in items:
        found += [(value, key), *places(inner)]
    return found


@st.composite
def spoilt(draw: st.DrawFn, samples: list[DocumentSample]) -> list[tuple[str, str]]:
    """Samples some of whose values say something else, or are missing."""
    made = []
    for sample in draw(st.lists(st.sampled_from(samples), min_size=1, max_size=6)):
        value = json.loads(sample.raw)
        for _ in range(draw(st.integers(0, 4))):
            found = places(value)
            if not found:
                break
            container, key = draw(st.sampled_from(found))
            if isinstance(container, dict) and draw(st.booleans()):
                del container[key]
            else:
                container[key] = draw(VALUES)
        text = json.dumps(value)
        if draw(st.integers(0, 9)) == 0:
            text = text[: draw(st.integers(0, len(text)))]
        made.append((sample.program, text))
    return made


@each_source
@settings(max_examples=40)
@given(data=st.data())
def test_spoilt_records(source: DocumentSource, data: st.DataObject) -> None:
    samples = []
    for sample in LOADED[source.name]:
        try:
            samples += [sample] if isinstance(json.loads(sample.raw), dict) else []
        except ValueError:
            continue
    records = frame(data.draw(spoilt(samples)))
    for wanted in (None, WANTED):
        outcome = source.decode(records, wanted)
        assert accounted(outcome) == records.height
        for row in outcome.events.iter_rows(named=True):
            for column in ("src_ip", "dst_ip", "assigned_ip", "host_ip"):
                address = row.get(column)
                assert address is None or str(ipaddress.ip_address(address)) == address
            for column in ("src_port", "dst_port"):
                assert row.get(column) != 0
            for column in ("src_host", "dst_host", "host", "session", "object"):
                assert row.get(column) not in {"", "-"}
            for column in ("user", "target_user", "user_domain"):
                assert row.get(column) not in {"", "-", "*****"}
            assert row["count"] >= 1
            assert json.loads(row.get("extra") or "{}") is not None
