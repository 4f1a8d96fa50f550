from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta

import msgspec
from markupsafe import Markup

from gatewatch.schema.incidents import Scan
from gatewatch.sinks.picture_timeline import failure_bins, timeline


def classes(svg: Markup) -> list[str]:
    return [element.get("class") or "" for element in ET.fromstring(svg).iter()]


def texts(svg: Markup) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("text")]


def test_without_bins_the_failures_are_one_block(scan: Scan) -> None:
    svg = timeline(scan.incidents[1], (), "t")
    assert classes(svg).count("block") == 1
    assert classes(svg).count("step") == 3
    assert "session is-open" in classes(svg)
    assert "412 failures" in texts(svg)
    assert "accepted 03:21:07" in texts(svg)
    assert "Europe/Vienna" in texts(svg)


def test_bins_become_bars_on_a_log_scale_when_they_differ_much(scan: Scan) -> None:
    incident = scan.incidents[1]
    scan.extra["failure_bins"] = {
        incident.id: [((incident.first_seen + timedelta(seconds=30 * n)).isoformat(), 1 + 400 * (n == 9)) for n in range(16)]
    }
    bins = failure_bins(scan, incident)
    assert len(bins) == 16
    svg = timeline(incident, bins, "t")
    assert classes(svg).count("bar") > 8
    assert any("log scale" in text for text in texts(svg))
    even = timeline(incident, [(time, 5) for time, _ in bins], "t")
    assert not any("log scale" in text for text in texts(even))


def test_what_was_not_entered_shows_no_session(scan: Scan) -> None:
    svg = timeline(scan.incidents[0], (), "t")
    assert not any(name.startswith("session") for name in classes(svg))
    assert not any(text.startswith("accepted") for text in texts(svg))


def test_an_unknown_end_is_drawn_as_unknown(scan: Scan) -> None:
    assert "session is-unknown" in classes(timeline(msgspec.structs.replace(scan.incidents[1], open=None), (), "t"))


def test_it_tells_its_story_to_who_cannot_see(scan: Scan) -> None:
    root = ET.fromstring(timeline(scan.incidents[1], (), "t"))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "t-title"
    description = next(element.text or "" for element in root if element.get("id") == "t-desc")
    assert "second door: a key was added to /root/.ssh/authorized_keys" in description


def test_hostile_text_stays_text(hostile_scan: Scan) -> None:
    for incident in hostile_scan.incidents:
        svg = timeline(incident, (), "t")
        root = ET.fromstring(svg)
        assert {element.tag for element in root.iter()} <= {"svg", "g", "rect", "line", "path", "circle", "text", "title", "desc"}
        assert svg.isprintable()
