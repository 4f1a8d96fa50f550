"""Network logs decode as annotated, whole and in a scan; every log, kind and kind of bad input has a sample."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from network_sample import FILES, SOURCES, WANTED, Expectation, check, load, read, rows

from gatewatch.engines.collect import Collected
from gatewatch.schema.events import DTYPES, Kind
from gatewatch.schema.packing import plain
from gatewatch.schema.records import Disposition
from gatewatch.sources.zeek_log import LOGS

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")


def fates(collected: Collected, fate: Disposition) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, _, kind, reason), number in collected.tally.items():
        if kind is fate and reason != "blank line":
            found[reason] += number
    return found


def told(expectations: list[Expectation], verb: str) -> Counter[str]:
    return Counter(one.rest for one in expectations if one.verb == verb)


@each_file
def test_samples_decode_as_annotated(path: Path, tmp_path: Path) -> None:
    expectations, data = load(path)
    assert expectations
    collected = read(data, tmp_path)
    found = rows(collected)
    wanted = [one for one in expectations if one.verb == "expect"]
    assert [row["record"] for row in found] == [one.record for one in wanted]
    for one, row in zip(wanted, found, strict=True):
        check(one, row)
        assert row["source"] == path.parent.name
    assert fates(collected, Disposition.IGNORED) == told(expectations, "ignore")
    assert fates(collected, Disposition.REJECTED) == told(expectations, "reject")
    assert fates(collected, Disposition.UNRECOGNISED).total() == told(expectations, "unrecognised").total()
    assert collected.records == sum(collected.tally.values())


@each_file
def test_a_scan_makes_the_same_of_what_it_wants(path: Path, tmp_path: Path) -> None:
    _, data = load(path)
    whole, scanned = read(data, tmp_path), read(data, tmp_path, WANTED)
    kept = [row for row in rows(whole) if Kind(row["kind"]) in WANTED]
    found = rows(scanned)
    assert [{name: row[name] for name in again} for row, again in zip(kept, found, strict=True)] == found
    assert whole.tally == scanned.tally


@each_file
def test_events_have_the_declared_columns(path: Path, tmp_path: Path) -> None:
    for state in read(load(path)[1], tmp_path).files:
        for frame in (*state.rich, *state.acts):
            assert set(frame.columns) - set(DTYPES) <= {"local", "rel", "resolution"}
            assert {name: dtype for name, dtype in plain(frame).schema.items() if name in DTYPES} == {
                name: DTYPES[name] for name in frame.columns if name in DTYPES
            }


@each_file
def test_records_in_any_order_mean_the_same(path: Path, tmp_path: Path) -> None:
    """A file given twice over means everything twice: no record depends on the ones before it, but for its header."""
    data = load(path)[1]
    once, twice = rows(read(data, tmp_path)), rows(read(data + data, tmp_path))
    apart = ("record", "offset")
    assert [{name: value for name, value in row.items() if name not in apart} for row in once + once] == [
        {name: value for name, value in row.items() if name not in apart} for row in twice
    ]


def test_every_kind_and_pattern_has_a_sample(tmp_path: Path) -> None:
    patterns: dict[str, set[str]] = {name: set() for name in SOURCES}
    for path in FILES:
        patterns[path.parent.name] |= {row["pattern"] for row in rows(read(load(path)[1], tmp_path))}
    assert patterns == {
        "zeek": {
            *("conn", "conn-unanswered", "conn-rejected", "outbound-flow", "notice-tor", "control-plane", "flow-volume"),
            *("ssh", "rdp", "rfb", "rfb-failed", "rfb-authenticated"),
            *("kerberos-as", "kerberos-tgs", "kerberos-bad-password", "kerberos-unknown-user", "kerberos-refused", "ntlm", "ntlm-failed"),
            *("notice-password-guessing", "notice-watched-country", "notice-interesting-host", "notice-login-by-guesser"),
            *("dns-query", "onion-query"),
        },
        "aws-vpc-flow": {"flow", "flow-reply", "flow-rejected", "flow-volume", "outbound-flow"},
        "windows-firewall-log": {"dropped", "allowed", "ended"},
    }


def test_no_two_logs_of_zeek_share_a_mark() -> None:
    marks = [mark for log in LOGS for mark in log.marks]
    assert sorted(marks) == sorted(set(marks))


def test_no_zeek_log_becomes_what_it_does_not_declare(tmp_path: Path) -> None:
    for log in LOGS:
        path = next(path for path in FILES if path.name == f"{log.path}.table")
        assert {Kind(row["kind"]) for row in rows(read(load(path)[1], tmp_path))} == set(log.kinds)
