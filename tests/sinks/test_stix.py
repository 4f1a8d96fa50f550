"""The bundle against what STIX 2.1 asks of it, property by property (sections 3 to 6 of the standard)."""

from __future__ import annotations

import io
import json
import re
import uuid
from typing import Any

import msgspec
import pytest

from gatewatch.schema.incidents import Scan, Severity
from gatewatch.schema.measure import Mitigation
from gatewatch.sinks.stix import Stix
from gatewatch.sinks.stix_object import observable_id

ID = re.compile(r"[a-z][a-z0-9-]{2,249}--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
OBSERVABLES = {"ipv4-addr", "ipv6-addr", "user-account", "domain-name"}
RELATIONS = {"relationship", "sighting"}
REQUIRED = {
    "identity": {"name"},
    "attack-pattern": {"name", "external_references"},
    "course-of-action": {"name", "external_references"},
    "incident": {"name"},
    "observed-data": {"first_observed", "last_observed", "number_observed", "object_refs"},
    "indicator": {"pattern", "pattern_type", "valid_from"},
    "note": {"content", "object_refs"},
    "grouping": {"context", "object_refs"},
    "relationship": {"relationship_type", "source_ref", "target_ref"},
    "sighting": {"sighting_of_ref"},
    "ipv4-addr": {"value"},
    "ipv6-addr": {"value"},
    "user-account": {"account_login"},
    "domain-name": {"value"},
}
# source, verb, target of the relationships the standard defines and we use; related-to joins any two
ALLOWED = {
    ("course-of-action", "mitigates", "attack-pattern"),
    ("indicator", "indicates", "attack-pattern"),
    ("indicator", "based-on", "observed-data"),
}


def render(scan: Scan) -> str:
    out = io.StringIO()
    Stix().write(scan, out, color=False, width=80)
    return out.getvalue()


def objects(scan: Scan) -> list[dict[str, Any]]:
    bundle = json.loads(render(scan))
    assert set(bundle) == {"type", "id", "objects"}
    assert bundle["type"] == "bundle"
    assert ID.match(bundle["id"])
    assert sound(bundle["objects"])
    return list(bundle["objects"])


def sound(found: list[dict[str, Any]]) -> bool:
    """Hold every object against the standard."""
    by_id = {one["id"]: one for one in found}
    assert len(by_id) == len(found)
    for one in found:
        kind = one["type"]
        assert kind in REQUIRED, kind
        assert one["id"].startswith(f"{kind}--")
        assert ID.match(one["id"]), one["id"]
        assert one["spec_version"] == "2.1"
        assert REQUIRED[kind] <= set(one), (kind, one)
        assert all(value not in (None, "", []) for value in one.values()), one
        if kind in OBSERVABLES:
            assert "created" not in one
        else:
            assert TIME.match(one["created"])
            assert TIME.match(one["modified"])
            assert one["created"] <= one["modified"]
        for name, value in one.items():
            if name.endswith("_ref"):
                assert value in by_id, (kind, name)
            if name.endswith("_refs"):
                assert value
                assert set(value) <= set(by_id), (kind, name)
                assert len(set(value)) == len(value)
            if name in {"first_observed", "last_observed", "first_seen", "last_seen", "valid_from"}:
                assert TIME.match(value)
        if kind == "relationship" and one["relationship_type"] != "related-to":
            assert (by_id[one["source_ref"]]["type"], one["relationship_type"], by_id[one["target_ref"]]["type"]) in ALLOWED
        if kind == "observed-data":
            assert 1 <= one["number_observed"] <= 999_999_999
            assert one["first_observed"] <= one["last_observed"]
            assert {by_id[ref]["type"] for ref in one["object_refs"]} <= OBSERVABLES
        if kind == "sighting":
            assert by_id[one["sighting_of_ref"]]["type"] not in OBSERVABLES | RELATIONS
            assert {by_id[ref]["type"] for ref in one.get("observed_data_refs", [])} <= {"observed-data"}
            assert {by_id[ref]["type"] for ref in one["where_sighted_refs"]} <= {"identity", "location"}
            assert one["first_seen"] <= one["last_seen"]
        if "confidence" in one:
            assert 0 <= one["confidence"] <= 100
    return True


def of(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in found if one["type"] == kind]


def test_the_mitigations_mitigate_the_technique(scan: Scan) -> None:
    found = objects(scan)
    actions = {one["external_references"][0]["external_id"]: one["id"] for one in of(found, "course-of-action")}
    assert set(actions) == {str(one) for one in Mitigation}
    [technique] = [one for one in of(found, "attack-pattern") if one["external_references"][0]["external_id"] == "T1133"]
    assert technique["external_references"][0]["url"] == "https://attack.mitre.org/techniques/T1133"
    mitigating = {(one["source_ref"], one["target_ref"]) for one in of(found, "relationship") if one["relationship_type"] == "mitigates"}
    assert mitigating == {(action, technique["id"]) for action in actions.values()}


def test_observables_have_the_ids_every_tool_gives_them() -> None:
    """The example of section 2.9: the namespace, and the canonical JSON of the contributing properties."""
    space = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
    canonical = '{"value":"198.51.100.3"}'
    assert observable_id("ipv4-addr", {"value": "198.51.100.3"}) == f"ipv4-addr--{uuid.uuid5(space, canonical)}"
    # the first is that of the other tools, the second the one the standard prints (2.7)
    assert observable_id("domain-name", {"value": "example.com"}) == "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"
    assert observable_id("ipv4-addr", {"value": "198.51.100.3"}) == "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"


def test_each_incident_has_its_observations_and_its_missing_controls(scan: Scan) -> None:
    found = objects(scan)
    assert {one["external_references"][0]["external_id"] for one in of(found, "incident")} == {incident.id for incident in scan.incidents}
    assert {one["value"] for one in of(found, "ipv4-addr")} == {"203.0.113.9"}
    assert {one["account_login"] for one in of(found, "user-account")} == {"deploy", "root"}
    assert {one["value"] for one in of(found, "domain-name")} == {"db1.example.org"}
    [note] = of(found, "note")
    assert note["abstract"] == "missing control: Authentication Tools and Methods"
    assert "To mend: ask for two" in note["content"]
    assert len(of(found, "grouping")) == len(scan.incidents)


@pytest.mark.parametrize("change", [{"severity": Severity.MEDIUM}, {"accepted": None}, {"known": "office"}], ids=str)
def test_an_address_is_an_indicator_only_with_proof_and_where_nobody_vouches_for_it(scan: Scan, change: dict[str, Any]) -> None:
    [indicator] = of(objects(scan), "indicator")
    assert indicator["pattern"] == "[ipv4-addr:value = '203.0.113.9']"
    at = next(at for at, incident in enumerate(scan.incidents) if incident.moves)
    if "known" in change:
        change = {"origin": msgspec.structs.replace(scan.incidents[at].origin, known_by=change["known"])}
    scan.incidents[at] = msgspec.structs.replace(scan.incidents[at], **change)
    assert of(objects(scan), "indicator") == []


def test_the_same_scan_gives_the_same_bytes_and_no_incident_is_a_sound_bundle(scan: Scan) -> None:
    assert render(scan) == render(msgspec.convert(msgspec.to_builtins(scan), Scan))
    scan.incidents = []
    assert of(objects(scan), "incident") == []


def test_hostile_text_is_data(hostile_scan: Scan) -> None:
    assert objects(hostile_scan)
    assert all(char == "\n" or char.isprintable() for char in render(hostile_scan))
