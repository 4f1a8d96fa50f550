"""Rows of the table CommonSecurityLog: what the lines of CEF become that they were, the rows become too."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from gatewatch.intake.json_record import frame_block
from gatewatch.intake.line import Block, cut, read_lines
from gatewatch.intake.security_log import _HEADER, _KEYS, _line
from gatewatch.intake.syslog import Framer
from gatewatch.sources import registry

SAMPLES = Path(__file__).parents[1] / "samples/cef/cef.log"
COLUMNS = {key: name for name, key in _KEYS.items()}
PAIR = re.compile(r"(?:^| )([A-Za-z][A-Za-z0-9_.-]*)=(.*?)(?= [A-Za-z][A-Za-z0-9_.-]*=|$)")
TOLD = ("kind", "pattern", "user", "user_domain", "src_ip", "src_port", "dst_ip", "assigned_ip", "service", "time")


def row_of(line: str) -> dict[str, str]:
    """Return the row that Log Analytics makes of a line of CEF."""
    head = line.split("|")[1:7]
    pairs = PAIR.findall(line.split("|", 7)[7].strip())
    known = {COLUMNS[key]: value for key, value in pairs if key in COLUMNS}
    more = ";".join(f"{key}={value}" for key, value in pairs if key not in COLUMNS)
    return {"TimeGenerated": "2026-01-05T12:00:00Z", **dict(zip(_HEADER, head, strict=True)), **known, "AdditionalExtensions": more}


def lines_of_cef() -> list[str]:
    found = [re.search(r"CEF: ?0\|.*", text) for text in SAMPLES.read_text().splitlines() if not text.startswith("#") and "\\" not in text]
    whole = [one[0] for one in found if one and one[0].count("|") >= 7]
    return [line for line in whole if max(Counter(key for key, _ in PAIR.findall(line)).values()) == 1]  # a collector keeps one value of each key


def events_of(lines: list[str]) -> dict[int, tuple[Any, ...]]:
    (block,) = cut([("\n".join(lines) + "\n").encode()])
    parts, _ = registry.split(Framer().frame(read_lines(block)).records)
    outcomes = [source.decode(part) for source, part in parts]
    frames = [frame for outcome in outcomes for frame in (outcome.events, *outcome.bulk)]
    return {row["record"]: tuple(row.get(name) for name in TOLD) for frame in frames for row in frame.iter_rows(named=True)}


def test_rows_become_what_their_lines_become() -> None:
    lines = lines_of_cef()
    rows = [_line(json.dumps(row_of(line)))[0] or "" for line in lines]
    assert len(lines) > 30
    assert events_of(rows) == events_of(lines)


def test_a_message_of_ciscos_is_one_by_itself() -> None:
    row = {"TimeGenerated": "2026-01-05T12:00:00Z", "DeviceVendor": "Cisco", "DeviceProduct": "ASA", "DeviceEventClassID": "605004"}
    row["Message"] = '%ASA-6-605004:  Login denied from 192.0.2.5/1929 to inside:192.0.2.1/https for user "ann"'
    data = json.dumps(row).encode() + b"\n"
    (made,) = [one for batch in frame_block(Block(data, len(data), 0), None) for one in batch.records.iter_rows(named=True)]
    assert made["message"] == row["Message"]
    assert f"{made['time']:%Y-%m-%dT%H:%M}" == "2026-01-05T12:00"


def test_what_is_none() -> None:
    assert _line('{"DeviceEventClassID":"1"}') == (None, None)
    assert _line('{"DeviceEventClassID":"1"') == (None, None)


def test_no_value_makes_a_pair_or_a_column_of_its_own() -> None:
    row = {"DeviceVendor": "Acme|Vault", "DeviceProduct": "x", "DeviceEventClassID": 7, "SourceUserName": "bob src=198.51.100.9", "Activity": "a\nb"}
    assert _line(json.dumps(row))[0] == r"CEF:0|Acme\|Vault|x||7|a b||suser=bob src\=198.51.100.9"
    row = {"DeviceVendor": "Acme", "SourceUserName": "ann", "AdditionalExtensions": "cat=x;reason2=a;src=198.51.100.9;y=1"}
    assert _line(json.dumps(row))[0] == "CEF:0|Acme||||||suser=ann cat=x reason2=a y=1"
