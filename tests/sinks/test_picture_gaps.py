from __future__ import annotations

import xml.etree.ElementTree as ET

import msgspec

from gatewatch.schema.incidents import Scan
from gatewatch.sinks.picture_gaps import MOST, gaps_picture, left_out


def test_a_bar_per_log_a_patch_per_gap_a_flag_per_incident(scan: Scan) -> None:
    svg = gaps_picture(scan.coverage, scan.incidents, "Europe/Vienna", "g")
    ET.fromstring(svg)
    assert svg.count('class="cover"') == 6
    assert svg.count('class="gap"') == 3
    assert svg.count('class="flag"') == 3
    assert "No record for 20 h: 2026-01-02 03:12:44 to 2026-01-02 23:12:44" in svg


def test_no_log_with_times_is_no_picture(scan: Scan) -> None:
    assert gaps_picture([row for row in scan.coverage if row.first is None], (), "UTC", "g") == ""


def test_many_logs_are_cut_and_counted(scan: Scan) -> None:
    rows = [msgspec.structs.replace(scan.coverage[0], host=f"h{n}") for n in range(MOST + 5)]
    assert gaps_picture(rows, (), "UTC", "g").count('class="cover"') == MOST
    assert left_out(rows) == 5
