"""The bars: as long as what they count, none without a label, nothing outside the picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from gatewatch.schema.control import Breaker, Smallest, WhatIf
from gatewatch.schema.incidents import Scan
from gatewatch.sinks.picture_whatif import NAMES, RIGHT, WIDTH, what_if_picture

SVG = "{http://www.w3.org/2000/svg}"


def bars(scan: Scan) -> list[ET.Element]:
    assert scan.what_if is not None
    root = ET.fromstring(str(what_if_picture(scan.what_if, "x")))
    return [one for one in root.iter() if one.tag.endswith("rect") and float(one.get("y", "0")) > 20]


def test_bars_are_as_long_as_what_they_count(scan: Scan) -> None:
    unit = (RIGHT - NAMES) / 3
    drawn = [(one.get("class"), round(float(one.get("width", "0")) / unit, 2)) for one in bars(scan)]
    assert drawn == [("broken missing", 1.0), ("broken unjudged", 1.0), ("broken unjudged", 1.0), ("broken perhaps", 1.0)]


def test_nothing_lies_outside(scan: Scan) -> None:
    for one in bars(scan):
        assert float(one.get("x", "0")) + float(one.get("width", "0")) <= WIDTH


@pytest.mark.parametrize("number", [1, 7, 2500])
def test_however_many_incidents_there_are(number: int) -> None:
    ids = tuple(f"inc-{at}" for at in range(number))
    one = Breaker(id="M1032.2", label="x" * 300, effort=3, breaks=ids, proved=ids, entry=ids, may=())
    best, none = Smallest(("M1032.2",), 3, 0), Smallest((), 0, 0)
    what = WhatIf(incidents=ids, measures=(one,) * 32, mitigations=(), smallest=best, smallest_mitigations=none, unbroken=())
    page = str(what_if_picture(what, "x"))
    assert page.count("<line") <= 12
    assert len(page) < 60_000


def test_nothing_to_show_is_no_picture() -> None:
    empty = Smallest((), 0, 0)
    what = WhatIf(incidents=(), measures=(), mitigations=(), smallest=empty, smallest_mitigations=empty, unbroken=())
    assert what_if_picture(what, "x") == ""


def test_hostile_text_stays_text(hostile_scan: Scan) -> None:
    assert bars(hostile_scan)
