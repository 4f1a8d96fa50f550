"""The login-record source against its samples, public samples and arbitrary values."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake import utmp as framing
from gatewatch.intake.batch import empty_records
from gatewatch.sources.pattern import Outcome
from gatewatch.sources.utmp import SOURCE

FOLDER = Path(__file__).parents[1] / "samples" / "utmp"
PUBLIC = (Path(__file__).parents[2] / "../shared/data/plaso").resolve()


def decode(path: Path) -> Outcome:
    """Read and decode the login records of *path*, having checked that each record has one fate."""
    batches = list(framing.read([path.read_bytes()], path.name))
    records = pl.concat([batch.records for batch in batches])
    outcome = SOURCE.decode(records)
    assert outcome.used + sum(outcome.ignored.values()) + outcome.unrecognised.height + outcome.rejected.height == records.height
    return outcome


def expectations() -> dict[str, tuple[list[dict[str, str]], dict[str, int]]]:
    """Return per sample file the events and ignored records that it must give."""
    made: dict[str, tuple[list[dict[str, str]], dict[str, int]]] = {}
    for line in (FOLDER / "expect.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            events, ignored = made.setdefault(line.strip("[]"), ([], {}))
        elif line.startswith("expect: "):
            events.append(dict(part.split("=", 1) for part in shlex.split(line[8:])))
        elif line.startswith("ignored: "):
            ignored |= {key: int(value) for key, value in (part.split("=") for part in line[9:].split())}
    return made


EXPECTED = expectations()


def shown(value: object) -> str:
    """Return *value* as the expectations write it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return "null" if value is None else str(value)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_sample(name: str) -> None:
    events, ignored = EXPECTED[name]
    outcome = decode(FOLDER / name)
    rows = outcome.events.to_dicts()
    assert len(rows) == len(events)
    for row, want in zip(rows, events, strict=True):
        assert {key: shown(row[key]) for key in want} == want
    assert outcome.ignored == ignored
    assert outcome.unrecognised.height == 0


def test_every_sample_has_an_expectation() -> None:
    assert {path.name for path in FOLDER.iterdir()} - {"expect.txt"} == set(EXPECTED)


def test_a_masked_name_is_told_in_extra_only() -> None:
    row = decode(FOLDER / "btmp").events.to_dicts()[1]
    assert json.loads(row["extra"])["user_redacted"] is True
    assert "secret" not in str(row)


def test_a_name_that_is_no_account_is_masked_here_too() -> None:
    row = {
        "record": 1,
        "offset": 0,
        "program": "btmp",
        "message": "",
        "fields": json.dumps({"type": "LOGIN_PROCESS", "user": "my secret!"}),
    }
    records = pl.concat([empty_records(), pl.DataFrame([row])], how="diagonal_relaxed")
    event = SOURCE.decode(records).events.to_dicts()[0]
    assert event["user"] is None
    assert "secret" not in str(event)


def test_records_of_another_shape_are_unrecognised() -> None:
    rows = [
        {"record": 1, "offset": 0, "program": "wtmp", "message": "x", "fields": fields} for fields in (None, "", "[]", "{", '{"pid":"a"}')
    ]
    outcome = SOURCE.decode(pl.concat([empty_records(), pl.DataFrame(rows)], how="diagonal_relaxed"))
    assert outcome.unrecognised.height == len(rows)


_TEXT = st.text(max_size=40)
_ROWS = st.builds(
    lambda kind, program, values: (program, json.dumps({"type": kind, **values})),
    st.sampled_from(["USER_PROCESS", "DEAD_PROCESS", "LOGIN_PROCESS", "BOOT_TIME", "NEW_TIME", "", "ODD"]),
    st.sampled_from(["wtmp", "btmp", "utmp", "other"]),
    st.fixed_dictionaries({"user": _TEXT, "host": _TEXT, "line": _TEXT, "addr": st.none() | _TEXT}),
)


@settings(deadline=None)
@given(st.lists(_ROWS, max_size=6))
def test_no_value_raises(rows: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(
        [{"record": i, "offset": 0, "program": program, "message": "", "fields": fields} for i, (program, fields) in enumerate(rows, 1)],
        schema={"record": pl.Int64, "offset": pl.Int64, "program": pl.String, "message": pl.String, "fields": pl.String},
    )
    outcome = SOURCE.decode(pl.concat([empty_records(), frame], how="diagonal_relaxed"))
    assert outcome.used + sum(outcome.ignored.values()) + outcome.unrecognised.height == len(rows)


@pytest.mark.parametrize("name", ["utmp", "wtmp.1", "utmp_corrupted", "utmp_x86_64", "utmp_aarch64", "utmp_s390", "utmpx_mac"])
def test_public_sample(name: str) -> None:
    path = PUBLIC / name
    if not path.exists():
        pytest.skip("public samples are not here")
    assert decode(path).unrecognised.height == 0
