from __future__ import annotations

import io
import json
from typing import Any

import msgspec

from gatewatch.schema.control import WhatIf
from gatewatch.schema.incidents import Incident, Scan
from gatewatch.sinks.jsonl import Jsonl

KEYS = {
    *("id", "aliases", "chain", "analytic", "title", "verdict", "severity", "confidence", "why", "origin", "users", "hosts"),
    *("first_seen", "last_seen", "open", "stages", "path", "attack", "coverage", "blind_spots", "next_steps"),
}


def render(scan: Scan) -> str:
    out = io.StringIO()
    Jsonl().write(scan, out, color=False, width=80)
    return out.getvalue()


def test_one_incident_per_line_with_the_promised_keys(scan: Scan) -> None:
    scan.what_if = None
    rows: list[dict[str, Any]] = [json.loads(line) for line in render(scan).splitlines()]
    assert [row["id"] for row in rows] == [incident.id for incident in scan.incidents]
    guessed = rows[1]
    assert set(guessed) >= KEYS
    assert list(guessed) == list(Incident.__struct_fields__)
    assert guessed["first_seen"] == "2026-01-05T02:12:44Z"
    assert guessed["severity"] == "critical"
    assert guessed["why"][0] == {"factor": "guess ended in a password logon", "score": 4, "note": "412 failures in 9 min, 37 names"}
    assert guessed["origin"]["ip"] == "203.0.113.9"
    assert set(guessed["stages"][0]["evidence"][0]) == {"source", "stream", "file", "record", "offset", "raw"}


def test_it_reads_back_as_the_same_incident(scan: Scan) -> None:
    *lines, last = render(scan).splitlines()
    assert [msgspec.json.decode(line, type=Incident) for line in lines] == scan.incidents
    assert msgspec.convert(json.loads(last)["what_if"], WhatIf) == scan.what_if


def test_hostile_text_is_data_and_steers_no_terminal(hostile_scan: Scan, hostile: str) -> None:
    text = render(hostile_scan)
    assert all(char == "\n" or char.isprintable() for char in text)
    verdict = json.loads(text.splitlines()[0])["verdict"]
    assert verdict == hostile.replace("\udce9", "\\xe9")


def test_no_incident_is_no_line(scan: Scan) -> None:
    scan.incidents, scan.what_if = [], None
    assert render(scan) == ""
