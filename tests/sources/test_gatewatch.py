"""Events that gatewatch wrote come back as they were: the scan of what ``gatewatch events`` writes finds what the scan of the logs finds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch import app
from gatewatch.schema.events import DTYPES, NAMES, Kind
from gatewatch.schema.incidents import Scan
from gatewatch.schema.records import RECORD_DTYPES, Disposition
from gatewatch.sinks.registry import write_events
from gatewatch.sources import gatewatch, ocsf
from gatewatch.sources.ocsf_own import flatten

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "tests" / "scenarios"
CASES = [
    "an1005-guess-logon-onward/attack.log",
    "an1005-second-door-use/reordered",
    "an1005-right-password-stopped/attack.log",
    "an1004-guess-logon-onward/attack.log",
    "an1004-loopback-rdp/attack.log",
    "an1005-guess-logon-onward/benign-twin.log",
]
AFRESH = (  # found out in every scan, or where the record stands
    *("site", "scope", "country", "asn", "as_org", "place_radius_km", "anonymizer", "known", "known_by", "off_hours", "origin_ip", "origin_session"),
    *("hop", "hop_confidence", "stream", "position", "file", "record", "offset"),
)


def write(path: Path, form: str, sources: list[str], **given: Any) -> str:
    with path.open("wb") as out:
        write_events(app.events(sources, **given), form, out)
    return str(path)


def essence(scan: Scan) -> list[dict[str, Any]]:
    """The incidents without where their records stand, and without the logs that were there (merged reports have none of their own any more)."""
    found = []
    for incident in scan.incidents:
        content = msgspec.to_builtins(incident)
        for stage in content["stages"]:
            stage["evidence"] = [item["source"] for item in stage["evidence"]]
        found.append({name: value for name, value in content.items() if name not in {"coverage", "blind_spots"}})
    return found


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("case", CASES)
def test_a_scan_of_the_events_is_a_scan_of_the_logs(tmp_path: Path, case: str, form: str) -> None:
    given: dict[str, Any] = {"config": str(SCENARIOS / "gatewatch.toml")}
    logs = [str(SCENARIOS / case)]
    again = write(tmp_path / f"events.{form}", form, logs, zone="UTC", year=2026, **given)
    first, second = app.scan(logs, zone="UTC", year=2026, **given), app.scan([again], **given)
    assert essence(second) == essence(first)
    assert (second.attempts_total, len(second.access)) == (first.attempts_total, len(first.access))
    assert {(tally.source, tally.disposition) for tally in second.tallies} == {("gatewatch", Disposition.USED)}
    if "benign" not in case:
        assert first.incidents


def test_the_example_comes_back_from_parquet_event_by_event(tmp_path: Path) -> None:
    logs = [str(ROOT / "examples" / "breach")]
    site = app.find_site(logs, None)
    again = write(tmp_path / "events.parquet", "parquet", logs, site=site)
    frames = [pl.concat(list(app.events(paths, site=site))) for paths in (logs, [again])]
    assert frames[0].drop(AFRESH).equals(frames[1].drop(AFRESH))
    assert frames[1].height > 3000
    assert essence(app.scan([again], site=site)) == essence(app.scan(logs, site=site))


def test_ocsf_comes_back(tmp_path: Path) -> None:
    logs = [str(SCENARIOS / CASES[0])]
    site = app.find_site([], str(SCENARIOS / "gatewatch.toml"))
    again = write(tmp_path / "events.json", "ocsf", logs, site=site, zone="UTC", year=2026)
    frames = [pl.concat(list(app.events(paths, site=site, **given))) for paths, given in ((logs, {"zone": "UTC", "year": 2026}), ([again], {}))]
    frames = [frame.drop(AFRESH) for frame in frames]
    assert frames[0].equals(frames[1])


def test_ocsf_keeps_microseconds(tmp_path: Path) -> None:
    """OCSF's time is in milliseconds; what is beyond stands in ``unmapped``."""
    log = tmp_path / "auth.log"
    line = "2026-01-05T12:00:00.{} gate01 sshd[1]: Failed password for ann from 203.0.113.9 port 50000 ssh2"
    log.write_text("\n".join(line.format(digits + "+00:00") for digits in ("123456", "123", "000001", "999999")) + "\n")
    again = write(tmp_path / "events.json", "ocsf", [str(log)])
    micros = [json.loads(one)["unmapped"].get("time_us") for one in Path(again).read_text().splitlines()]
    assert sorted(micros, key=str) == [1, 456, 999, None]
    times = [pl.concat(list(app.events([path])))["time"].to_list() for path in (str(log), again)]
    assert times[0] == times[1]
    assert len(set(times[0])) == 4
    broken = tmp_path / "broken.json"
    broken.write_text(Path(again).read_text().replace('"time_us":456', '"time_us":456000').replace('"time_us":1}', '"time_us":"x"}'))
    assert all(moment.microsecond % 1000 in {0, 999} for moment in pl.concat(list(app.events([str(broken)])))["time"])


def test_parquet_within_an_archive_and_broken_parquet(tmp_path: Path) -> None:
    logs = [str(SCENARIOS / CASES[0])]
    path = tmp_path / "events.parquet"
    write(path, "parquet", logs, zone="UTC", year=2026)
    data = path.read_bytes()
    packed = tmp_path / "events.parquet.gz"
    packed.write_bytes(gzip.compress(data))
    assert essence(app.scan([str(packed)])) == essence(app.scan([str(path)]))
    for broken in (data[: len(data) // 2], data[:4], data[:-8] + b"\xff\xff\xff\x7fPAR1", b"PAR1" + data[100:]):
        path.write_bytes(broken)
        scan = app.scan([str(path)])
        assert scan.records >= 1
        assert sum(tally.count for tally in scan.tallies) == scan.records
        assert any(tally.disposition is Disposition.REJECTED for tally in scan.tallies)
        assert all(reject.reason == "broken Parquet" for reject in scan.rejects)


def test_parquet_of_other_columns_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}).write_parquet(path)
    scan = app.scan([str(path)])
    assert [(tally.disposition, tally.count) for tally in scan.tallies] == [(Disposition.UNRECOGNISED, 1)]


def test_ocsf_in_parquet(tmp_path: Path) -> None:
    path = tmp_path / "lake.parquet"
    rows = [
        {"class_uid": 3002, "activity_id": 1, "status_id": 2, "time": 1767614400000, "user": {"name": "ann"}, "src_endpoint": {"ip": "203.0.113.9"}},
        {"class_uid": 3002, "activity_id": 1, "status_id": 1, "time": 1767614460000, "user": {"name": "ann"}, "src_endpoint": {"ip": "203.0.113.9"}},
        {"class_uid": 2004, "activity_id": 1, "status_id": 1, "time": 1767614460000, "user": {"name": None}, "src_endpoint": {"ip": None}},
    ]
    pl.DataFrame(rows).with_columns(pl.lit([1, 2]).alias("strange"), pl.from_epoch("time", "ms").alias("time_dt")).write_parquet(path)
    events = pl.concat(list(app.events([str(path)])))
    assert events.select("kind", "user", "src_ip", "source", "record").rows() == [
        ("auth_failure", "ann", "203.0.113.9", "ocsf", 1),
        ("auth_success", "ann", "203.0.113.9", "ocsf", 2),
    ]


def test_odd_values_of_a_table_are_null_and_rows_without_a_kind_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "odd.parquet"
    frame = pl.DataFrame(
        {
            "time": ["2026-01-05T12:00:00Z", "x", None],
            "kind": ["auth_failure", "no_such_kind", "auth_success"],
            "source": ["sshd", "sshd", None],
            "pattern": ["failed", "failed", "accepted"],
            "src_ip": ["::ffff:192.0.2.7", "192.0.2.7", "300.1.1.1"],
            "src_port": ["22", "99999", "-1"],
            "count": [0, 1, None],
        }
    )
    frame.write_parquet(path)
    scan = app.scan([str(path)])
    assert sorted((tally.disposition.value, tally.reason, tally.count) for tally in scan.tallies) == [
        ("rejected", "no kind of event", 1),
        ("used", "", 2),
    ]
    events = pl.concat(list(app.events([str(path)]))).sort("record")
    assert events.select("kind", "source", "src_ip", "src_port", "count").rows() == [
        ("auth_failure", "sshd", "192.0.2.7", 22, 1),
        ("auth_success", "gatewatch", None, None, 1),
    ]


def lines(*texts: str) -> pl.DataFrame:
    rows = [dict.fromkeys(RECORD_DTYPES) | {"record": n, "offset": n, "count": 1, "fields": text} for n, text in enumerate(texts, 1)]
    return pl.DataFrame(rows, schema=RECORD_DTYPES)


VALUES = (
    st.none() | st.text(max_size=12) | st.integers(-(2**63), 2**64) | st.booleans() | st.lists(st.text(max_size=3), max_size=2) | st.just({"a": 1})
)


@settings(max_examples=60)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES | st.sampled_from([str(kind) for kind in Kind]), max_size=8), min_size=1, max_size=4))
def test_nothing_a_line_holds_raises(objects: list[dict[str, Any]]) -> None:
    texts = [json.dumps(one) for one in objects]
    for records in (lines(*texts), flatten(lines(*texts)), lines(*(text[:-1] for text in texts))):
        for source in (gatewatch.SOURCE, ocsf.SOURCE):
            outcome = source.decode(records)
            assert outcome.used + sum(outcome.ignored.values()) + outcome.rejected.height == len(texts)
            known = {name: dtype for name, dtype in outcome.events.schema.items() if name in DTYPES}
            assert known == {name: DTYPES[name] for name in known}
