"""The layer of a scan: three states, each with its colour, and the mitigations of the technique."""

from __future__ import annotations

import io
import json
from typing import Any

from gatewatch.schema.incidents import Scan
from gatewatch.sinks.navigator import Navigator


def layer(scan: Scan) -> dict[str, Any]:
    out = io.StringIO()
    Navigator().write(scan, out, color=False, width=80)
    return dict(json.loads(out.getvalue()))


def test_every_technique_has_its_state(scan: Scan) -> None:
    made = layer(scan)
    assert (made["domain"], made["versions"]["layer"]) == ("enterprise-attack", "4.5")
    techniques = {one["techniqueID"]: one for one in made["techniques"]}
    assert {name: one["score"] for name, one in techniques.items()} == {"T1110": 100, "T1133": 100, "T1219": 50, "T1610": 0}
    assert len({one["color"] for one in techniques.values()}) == 3
    assert {item["color"] for item in made["legendItems"]} == {one["color"] for one in techniques.values()}
    assert "gw-3f2a91c04de1" in techniques["T1133"]["comment"]
    assert "gw-" not in techniques["T1219"]["comment"]


def test_the_technique_says_how_its_mitigations_stood(scan: Scan) -> None:
    [technique] = [one for one in layer(scan)["techniques"] if one["techniqueID"] == "T1133"]
    said = {one["name"].partition(" ")[0]: one["value"] for one in technique["metadata"]}
    assert said["M1032"] == "missing in 1 incidents; present in 1 incidents"
    assert said["M1030"] == "unknown in 1 incidents"
    assert said["M1021"] == "would have met no incident"


def test_a_scan_of_nothing_is_an_empty_layer(empty_scan: Any) -> None:
    assert layer(empty_scan())["techniques"] == []


def test_hostile_text_is_data(hostile_scan: Scan) -> None:
    hostile_scan.techniques = {"T1133": "observed"}
    assert layer(hostile_scan)["techniques"]
