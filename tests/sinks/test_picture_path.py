from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta
from itertools import combinations

import msgspec
import pytest

from gatewatch.schema.incidents import Hop, Incident, Scan
from gatewatch.sinks.picture_path import MOST, drawn, is_wide, path_graph


def boxes(incident: Incident) -> dict[str, tuple[float, float, str]]:
    root = ET.fromstring(path_graph(incident, "p"))
    found = {}
    for group in root.iter("g"):
        rect = group.find("rect")
        if rect is not None:
            name = (group.findtext("title") or "").rsplit(" (", 1)[0]
            found[name] = (float(rect.get("x", "0")), float(rect.get("y", "0")), rect.get("class", ""))
    return found


def test_from_left_to_right(scan: Scan) -> None:
    found = boxes(scan.incidents[1])
    xs = [found[name][0] for name in ("203.0.113.9", "web1", "root@web1", "db1", "198.51.100.200")]
    assert xs == sorted(set(xs))
    assert found["203.0.113.9"][2] == "node outside"
    assert found["web1"][2] == "node host"
    assert found["/root/.ssh/authorized_keys"][2] == "node thing"
    assert found["root@web1"][0] == found["/root/.ssh/authorized_keys"][0]
    assert found["root@web1"][1] != found["/root/.ssh/authorized_keys"][1]


def test_confidence_is_drawn(scan: Scan) -> None:
    svg = path_graph(scan.incidents[1], "p")
    assert [svg.count(f'class="edge {word}"') for word in ("certain", "likely", "possible")] == [3, 1, 1]


def test_without_hops_the_known_step_is_drawn(scan: Scan) -> None:
    assert set(boxes(scan.incidents[0])) == {"198.51.100.44", "vpn1"}
    assert "edge refused" in path_graph(scan.incidents[0], "p")
    assert path_graph(msgspec.structs.replace(scan.incidents[0], hosts=()), "p") == ""


def test_loops_returns_and_repeats_are_drawn(scan: Scan) -> None:
    incident = scan.incidents[1]
    pairs = [("a", "b"), ("a", "b"), ("b", "a"), ("b", "b"), ("b", "c"), ("c", "a")]
    hops = tuple(
        Hop(source, target, "ssh", None, incident.first_seen + timedelta(minutes=n), "certain") for n, (source, target) in enumerate(pairs)
    )
    svg = path_graph(msgspec.structs.replace(incident, path=hops), "p")
    assert svg.count("<path") - svg.count('class="tip') == 5
    assert "ssh ×2" in svg


def test_a_long_path_is_cut_and_says_so(scan: Scan) -> None:
    incident = scan.incidents[1]
    hops = tuple(Hop(f"h{n}", f"h{n + 1}", "ssh", None, incident.first_seen, "certain") for n in range(40))
    long = msgspec.structs.replace(incident, path=hops)
    assert len(boxes(long)) == MOST + 1
    assert drawn(long) == 40 - MOST
    assert is_wide(long)


def test_hostile_text_stays_text(hostile_scan: Scan) -> None:
    for incident in hostile_scan.incidents:
        svg = path_graph(incident, "p")
        assert {element.tag for element in ET.fromstring(svg).iter()} <= {"svg", "g", "rect", "path", "text", "title", "desc"}
        assert svg.isprintable()


@pytest.mark.parametrize(
    "pairs",
    [
        [("a", "gate"), ("a", "rds"), ("b", "gate")],
        [("a", "gate"), ("b", "rds"), ("a", "rds"), ("b", "gate")],
        [("a", "x"), ("a", "y"), ("b", "y"), ("b", "x"), ("c", "x"), ("c", "y")],
    ],
)
def test_names_of_edges_that_cross_stand_apart(pairs: list[tuple[str, str]], scan: Scan) -> None:
    incident = scan.incidents[1]
    hops = tuple(Hop(source, target, "ssh", None, incident.first_seen, "certain") for source, target in pairs)
    root = ET.fromstring(path_graph(msgspec.structs.replace(incident, path=hops), "p"))
    places = [(float(it.get("x") or 0), float(it.get("y") or 0)) for it in root.iter() if it.get("class") == "edge-name"]
    assert len(places) == len(pairs)
    assert all(abs(y0 - y1) >= 12 or abs(x0 - x1) >= 60 for (x0, y0), (x1, y1) in combinations(places, 2))
