from __future__ import annotations

import csv
import io
from datetime import datetime

from gatewatch.schema.incidents import Scan
from gatewatch.sinks.timesketch import COLUMNS, Timesketch


def rows(scan: Scan) -> list[dict[str, str]]:
    out = io.StringIO(newline="")
    Timesketch().write(scan, out, color=False, width=80)
    return list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))


def test_a_row_per_stage_and_per_record(scan: Scan) -> None:
    found = rows(scan)
    stages = [stage for incident in scan.incidents for stage in incident.stages]
    assert len(found) == len(stages) + sum(len(stage.evidence) for stage in stages)
    assert tuple(found[0]) == COLUMNS
    assert COLUMNS[:4] == ("message", "datetime", "timestamp", "timestamp_desc")


def test_times_agree(scan: Scan) -> None:
    for row in rows(scan):
        moment = datetime.fromisoformat(row["datetime"])
        assert row["datetime"].endswith("+00:00")
        assert int(row["timestamp"]) == round(moment.timestamp()) * 1_000_000


def test_the_last_record_of_a_stage_bears_its_end(scan: Scan) -> None:
    guess = [row for row in rows(scan) if row["stage"] == "guess" and row["incident_id"] == "gw-3f2a91c04de1"]
    assert [row["timestamp_desc"] for row in guess] == ["Stage completed", "First record", *["Record after this time"] * 3, "Last record"]
    assert guess[1]["datetime"] == "2026-01-05T02:12:44+00:00"
    assert guess[0]["datetime"] == guess[5]["datetime"] == "2026-01-05T02:21:05+00:00"
    assert guess[1]["record"] == "1200"


def test_hostile_text_is_no_formula_and_steers_no_terminal(hostile_scan: Scan) -> None:
    for row in rows(hostile_scan):
        for value in row.values():
            assert value.isprintable()
            assert value[:1] not in set("=+-@")
