from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest

from gatewatch.schema.incidents import Access, Scan
from gatewatch.sinks.table_access import FORMATS, write_access


def render(scan: Scan, form: str, *, color: bool = False) -> str:
    out = io.StringIO(newline="")
    write_access(scan, form, out, color=color, width=80)
    return out.getvalue()


def test_console_lists_every_access(scan: Scan) -> None:
    page = render(scan, "console")
    assert page.count(" from ") == len(scan.access) + 1
    assert (
        "2026-01-05 03:20:44  deploy on web1 from 203.0.113.9 (BR)\n  ssh password, after 412 failures, first seen, off hours, still open"
        in page
    )
    assert "[gw-3f2a91c04de1]" in page
    assert "\x1b[" in render(scan, "console", color=True)


def test_console_says_so_when_there_is_none(empty_scan: Callable[..., Scan]) -> None:
    assert "No access from outside was accepted." in render(empty_scan(), "console")


def test_jsonl_has_every_field(scan: Scan) -> None:
    rows = [json.loads(line) for line in render(scan, "jsonl").splitlines()]
    assert len(rows) == len(scan.access)
    assert list(rows[0]) == list(Access.__struct_fields__)
    assert rows[1]["time"] == "2026-01-05T02:20:44Z"


def test_csv_has_every_field(scan: Scan) -> None:
    rows = list(csv.DictReader(io.StringIO(render(scan, "csv"), newline="")))
    assert len(rows) == len(scan.access)
    assert rows[1]["followed_by"] == "sudo/su x3; file transfer x1"
    assert (rows[1]["open"], rows[1]["end"], rows[1]["first_seen"]) == ("true", "", "true")


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_text_steers_nothing(hostile_scan: Scan, form: str) -> None:
    text = render(hostile_scan, form)
    assert all(char in "\r\n" or char.isprintable() for char in text)
    if form == "csv":
        cells = [value for row in csv.reader(io.StringIO(text, newline="")) for value in row]
        assert not any(value[:1] in set("=+-@") for value in cells)
