"""CEF and LEEF read in columns give what the reader of single records, the reference, gives."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.schema.events import Kind
from gatewatch.sources import cef, cef_column, cef_sheet, leef
from gatewatch.sources.cef_text import take_apart
from gatewatch.sources.pattern import Outcome

SAMPLES = Path(__file__).parents[1] / "samples"
SOURCES = {"cef": cef.SOURCE, "leef": leef.SOURCE}


def _texts(mark: str) -> list[str]:
    found = []
    for path in (*SAMPLES.glob("cef/*.log"), *SAMPLES.glob("leef/*.log"), SAMPLES / "lines" / "network.log"):
        for line in path.read_text(encoding="utf-8").split("\n"):
            at = line.find(f"{mark.upper()}:")
            if at >= 0 and not line.startswith("# "):
                found.append(line[at:].rstrip())
    return found


def _records(texts: list[str]) -> pl.DataFrame:
    size = len(texts)
    return pl.DataFrame(
        {
            "record": range(1, size + 1),
            "offset": [0] * size,
            "time": [None] * size,
            "local": [datetime(2026, 1, 5, 12)] * size,  # noqa: DTZ001 - a wall clock
            "rel": [None] * size,
            "resolution": [1_000_000] * size,
            "host": ["siem01"] * size,
            "program": ["cef"] * size,
            "pid": [None] * size,
            "message": texts,
            "count": [1] * size,
            "fields": [None] * size,
        },
        schema_overrides={"time": pl.Datetime("us", "UTC"), "rel": pl.Int16, "count": pl.UInt32, "pid": pl.String, "fields": pl.String},
    )


def _rows(outcome: Outcome) -> list[dict[str, Any]]:
    made = outcome.events.sort("record", "kind")
    return [{name: value for name, value in sorted(row.items()) if value is not None} for row in made.iter_rows(named=True)]


def _same(mark: str, texts: list[str], wanted: frozenset[Kind] | None, monkeypatch: pytest.MonkeyPatch) -> int:
    """Assert that both ways agree; return how many records were read in columns."""
    source, records = SOURCES[mark], _records(texts)
    apart = (Kind.AUTH_FAILURE,)
    with monkeypatch.context() as patch:
        patch.setattr(cef_column, "_FEWEST", 1)
        quick = source.decode(records, wanted, apart)
    with monkeypatch.context() as patch:
        patch.setattr(type(source), "_at_once", lambda self, rest, wanted, apart: (None, rest))
        slow = source.decode(records, wanted, apart)
    assert _rows(quick) == _rows(slow)
    assert quick.ignored == slow.ignored
    assert quick.used == slow.used
    assert sorted(quick.rejected.rows()) == sorted(slow.rejected.rows())
    with monkeypatch.context() as patch:
        patch.setattr(cef_column, "_FEWEST", 1)
        return cef_column.read(pl.Series(texts, dtype=pl.String), cef_sheet.WANTED, mark)[0].height


@pytest.mark.parametrize("mark", ["cef", "leef"])
@pytest.mark.parametrize("wanted", [None, frozenset(Kind) - {Kind.OTHER}, frozenset({Kind.AUTH_SUCCESS})])
def test_samples(mark: str, wanted: frozenset[Kind] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = _texts(mark)
    assert _same(mark, texts, wanted, monkeypatch) > 2


KEYS = (
    *("act", "duser", "suser", "src", "dst", "spt", "dpt", "shost", "dhost", "outcome", "reason", "msg", "rt", "end", "dvchost", "dvc", "cnt"),
    *("app", "cat", "status", "categoryBehavior", "categoryOutcome", "dtz", "dntdom", "c6a2", "c6a2Label", "cs1", "cs1Label", "x.y-z[0]", "SRC"),
)
WORDS = (
    *("", "-", "N/A", "ann", "ann lee", " ann ", "CORP\\\\ann", "a\\=b", "a=b", "x \\n y", "\\", "\\\\", "Grüße", "O'Neil", "a|b", "null", "0"),
    *("192.0.2.7", "2001:db8::7", "fe80::1%en0", "::ffff:192.0.2.7", "22", "3389", "70000", "Logon", "login failed", "success", "/Failure", "denied"),
    *("1767614400000", "1767614400", "1767614400123456789", "99999999999999999999", "17676144", "Jan 05 2026 12:00:00 UTC", "Jan 05 2026 12:00:00"),
    *("2026-01-05T12:00:00.5+01:00", "2200-01-05 12:00:00", "CET", "+0200", "/Authentication/Verify", "Source IPv6 Address", "ssh", "VPN", "log off"),
    *("user=root", "CEF:0|a|b|c|d|e|5|", "\x1c", "#011", "a\u00a0b", "'", '"ann"', "act= ", "to login as"),
)
NAMES = (
    *("Logon", "User login failed", "User ann logged in", "Login", "User created", "Password reset", "Logoff", "auth", "User signed in"),
    *("VPN login ok", "x\\|y login"),
)
DEVICES = (
    *("Acme|Vault", "Acme|SSL VPN", "Check Point|VPN-1 & FireWall-1", "Microsoft|Windows", "Fortinet|Fortigate", "Palo Alto Networks|PAN-OS"),
    "A\\|b|c",
)
_pairs = st.lists(st.tuples(st.sampled_from(KEYS), st.one_of(st.sampled_from(WORDS), st.text(max_size=6))), max_size=8)
_pick = st.sampled_from
_cef = st.tuples(_pick(DEVICES), _pick(NAMES), _pick(["5", "", "Low", "x"]), _pairs, _pick(["", " ", "junk "]))
_leef = st.tuples(_pick(["1.0", "2.0", "1"]), _pick(["login", "logout", "flow"]), _pairs, _pick(["\t", "\t", "|", "#011"]))


@settings(max_examples=150, deadline=None)
@given(st.lists(_cef, min_size=1, max_size=4))
def test_any_cef(drawn: list[tuple[str, str, str, list[tuple[str, str]], str]]) -> None:
    texts = [
        f"CEF:0|{device}|1.0|7|{name}|{severity}|{before}" + " ".join(f"{key}={value}" for key, value in pairs)
        for device, name, severity, pairs, before in drawn
    ]
    with pytest.MonkeyPatch.context() as patch:
        _same("cef", [text.replace("\n", " ") for text in texts], None, patch)


@settings(max_examples=100, deadline=None)
@given(st.lists(_leef, min_size=1, max_size=4))
def test_any_leef(drawn: list[tuple[str, str, list[tuple[str, str]], str]]) -> None:
    texts = [f"LEEF:{version}|Acme|Gateway|4|{event}|" + by.join(f"{key}={value}" for key, value in pairs) for version, event, pairs, by in drawn]
    with pytest.MonkeyPatch.context() as patch:
        _same("leef", [text.replace("\n", " ") for text in texts], None, patch)


@settings(max_examples=150, deadline=None)
@given(_pairs, st.sampled_from(["", " ", "junk ", "a "]))
def test_values(pairs: list[tuple[str, str]], before: str) -> None:
    """The values read in columns are those of the single record, escapes, blanks and all."""
    text = "CEF:0|Acme|Vault|1.0|7|Logon|5|" + before + "  ".join(f"{key}={value}" for key, value in pairs).replace("\n", " ")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cef_column, "_FEWEST", 1)
        table, left = cef_column.read(pl.Series([text]), {key.casefold() for key in KEYS}, "cef")
    assert table.height + len(left) == 1
    expected = take_apart(text)
    for row in table.iter_rows(named=True):
        assert not expected.fault
        assert {name[2:]: value for name, value in row.items() if name.startswith("k_")} == expected.values
