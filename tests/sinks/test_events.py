"""The four event formats hold the same facts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from gatewatch.schema import events as ev
from gatewatch.schema.events import OCSF, Kind
from gatewatch.sinks.events_ocsf import head
from gatewatch.sinks.registry import EVENT_WRITERS, write_events

TIME = datetime(2026, 1, 5, 2, 12, 44, 123_456, tzinfo=UTC)


def frame() -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "time": TIME,
            "time_err": timedelta(microseconds=500_000),
            "time_basis": "absolute",
            "kind": "auth_success",
            "service": "ssh",
            "host": "web1",
            "user": "deploy",
            "src_ip": "203.0.113.9",
            "src_port": 51_000,
            "session": "pid:1",
            "auth_method": "password",
            "mfa": "yes",
            "count": 1,
            "source": "sshd",
            "stream": "web1:auth",
            "position": 1,
            "file": "auth.log",
            "record": 1,
            "offset": 0,
            "corroborated_by": ["pam", "utmp"],
            "extra": '{"a":"b"}',
            "known": False,
            "place_radius_km": 1.5,
        },
        {"time": TIME, "kind": "exec", "user": "=1+1", "command": 'say "hi"\\\n\x1b[31m\u202e', "mfa": "unknown", "src_host": "\x9b"},
        {"kind": None, "mfa": "no"},
    ]
    return ev.complete(pl.DataFrame(rows, schema_overrides={name: ev.DTYPES[name] for row in rows for name in row}))


def sample(dtype: pl.DataType) -> Any:
    if dtype == ev.UTC:
        return TIME
    if isinstance(dtype, pl.Duration):
        return timedelta(1)
    if isinstance(dtype, pl.List):
        return ["x"]
    if dtype == pl.Boolean:
        return True
    return 1 if dtype.is_numeric() else "x"


def written(form: str, frames: Iterator[pl.DataFrame]) -> bytes:
    out = io.BytesIO()
    write_events(frames, form, out)
    return out.getvalue()


def test_jsonl_leaves_absent_values_out() -> None:
    text = written("jsonl", iter([frame()])).decode()
    first, second, third = (json.loads(line) for line in text.splitlines())
    assert first["time"] == "2026-01-05T02:12:44.123456Z"
    assert first["time_err"] == 500_000
    assert first["corroborated_by"] == ["pam", "utmp"]
    assert first["known"] is False
    assert list(first) == [name for name in ev.NAMES if name in first]
    assert second["command"] == 'say "hi"\\\n\x1b[31m\u202e'
    assert third == {"mfa": "no"}
    assert all(char == "\n" or char.isprintable() for char in text)


def test_csv_has_every_column_and_no_formula() -> None:
    text = written("csv", iter([frame()])).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == list(ev.NAMES)
    assert rows[0]["corroborated_by"] == "pam;utmp"
    assert rows[0]["time"] == "2026-01-05T02:12:44.123456Z"
    assert rows[1]["user"] == "'=1+1"
    assert rows[1]["command"] == r'say "hi"\\n\x1b[31m\u202e'
    assert rows[2]["time"] == ""


def test_parquet_has_exactly_the_declared_types() -> None:
    table = pl.read_parquet(io.BytesIO(written("parquet", iter([frame(), frame()]))))
    assert dict(table.schema) == ev.DTYPES
    assert table.equals(pl.concat([frame(), frame()]))


def test_ocsf_nests_by_the_declared_paths() -> None:
    first, second, third = (json.loads(line) for line in written("ocsf", iter([frame()])).decode().splitlines())
    assert first["time"] == 1_767_579_164_123
    assert (first["class_uid"], first["category_uid"], first["type_uid"], first["status_id"]) == (3002, 3, 300_201, 1)
    assert first["metadata"] == {"version": "1.3.0", "product": {"name": "sshd"}, "log_name": "web1:auth", "sequence": 1}
    assert first["src_endpoint"] == {"ip": "203.0.113.9", "port": 51_000}
    assert first["is_mfa"] is True
    assert first["unmapped"]["kind"] == "auth_success"
    assert second["metadata"] == {"version": "1.3.0"}
    assert "is_mfa" not in second
    assert third["is_mfa"] is False
    assert third["class_uid"] == 0


def test_every_column_has_its_place_in_ocsf() -> None:
    values: dict[str, Any] = {
        "kind": "exec",
        "mfa": "yes",
        "auth_method": "key",
        "service": "ssh",
        "scope": "public",
        "time_basis": "absolute",
    }
    full = {name: values.get(name, sample(dtype)) for name, dtype in ev.DTYPES.items()}
    row = json.loads(written("ocsf", iter([pl.DataFrame([full], schema=ev.DTYPES)])))
    for column in ev.COLUMNS:
        at: Any = row
        for key in column.ocsf.split("."):
            at = at[key]
        assert at is not None, column.name
    assert len({column.ocsf for column in ev.COLUMNS}) == len(ev.COLUMNS)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_its_class(kind: Kind) -> None:
    found = head(kind)
    assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
    assert found["category_uid"] == found["class_uid"] // 1000
    assert found["status_id"] == OCSF[kind].status_id


@pytest.mark.parametrize("form", ["jsonl", "ocsf", "csv"])
def test_narrow_and_empty_frames(form: str) -> None:
    narrow = frame().select("user", "kind")
    text = written(form, iter([ev.empty(), narrow, narrow.clear()])).decode()
    assert text.count("deploy") == 1
    assert written(form, iter([])).decode().count("\n") == (1 if form == "csv" else 0)


def test_no_frame_is_an_empty_parquet_file() -> None:
    assert dict(pl.read_parquet(io.BytesIO(written("parquet", iter([])))).schema) == ev.DTYPES


@pytest.mark.parametrize("form", EVENT_WRITERS)
def test_slices_make_no_difference(form: str) -> None:
    whole = pl.concat([frame()] * 5)
    if form == "parquet":
        one, many = (pl.read_parquet(io.BytesIO(written(form, frames))) for frames in (iter([whole]), iter([frame()] * 5)))
        assert one.equals(many)
    else:
        assert written(form, iter([whole])) == written(form, iter([frame()] * 5))
