"""Both halves on the example: which control of that intrusion was missing, which was there, which nobody knows."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatewatch import app as verbs
from gatewatch.cli.main import app
from gatewatch.detect.content import load_content
from gatewatch.engines.detectable import BLIND, DETECTABLE, OBSERVED, kinds_of, techniques
from gatewatch.exits import Exit
from gatewatch.schema.control import Effect, Standing
from gatewatch.schema.coverage import Coverage
from gatewatch.schema.incidents import Scan

ROOT = Path(__file__).parents[2]
BREACH, EVIDENCE = str(ROOT / "examples" / "breach"), str(ROOT / "examples" / "evidence")


@pytest.fixture(scope="module")
def joined() -> Scan:
    return verbs.scan([BREACH], evidence=[EVIDENCE], today=date(2026, 1, 6), what_if=True)


def standing(scan: Scan) -> dict[tuple[str, str, str], str]:
    """Return the standing of what would surely have cut something, by measure, host and stage."""
    [incident] = scan.incidents
    return {(one.measure, one.host, one.stage): str(one.status) for one in incident.mitigations if one.effect is Effect.CUTS}


def test_the_missing_controls_of_the_example_are_named(joined: Scan) -> None:
    found = standing(joined)
    assert found["M1032.2", "gate01", "logon"] == "missing"  # a password was enough at the way in
    assert found["M1032.2", "db02", "onward"] == "missing"
    assert found["M1030.5", "rds01", "logon"] == "missing"  # a probe from the internet found RDP open
    assert found["M1035.2", "rds01", "logon"] == "missing"
    assert found["M1030.5", "gate01", "logon"] == "present"  # the site means it to be reached
    assert found["M1030.4", "db02", "onward"] == "present"
    assert found["M1032.2", "rds01", "logon"] == "unknown"  # no evidence of it
    assert found["M1030.4", "fs01.vienna.example", "onward"] == "unknown"


def test_each_control_says_by_what_and_what_to_do(joined: Scan) -> None:
    [incident] = joined.incidents
    for one in incident.mitigations:
        assert one.why
        if one.status is Standing.MISSING:
            assert one.proof and one.then and one.fix
            assert not one.collect
        elif one.status is Standing.PRESENT:
            assert one.proof and one.then
        else:
            assert one.collect
            assert not one.finding
    [at_the_gate] = [one for one in incident.mitigations if (one.measure, one.host) == ("M1032.2", "gate01")]
    assert at_the_gate.then == "missing now (2026-01-05), unknown then"
    [at_the_database] = [one for one in incident.mitigations if (one.measure, one.host) == ("M1032.2", "db02")]
    assert at_the_database.then == "missing on 2025-11-17, 46 days before; nothing says that it came since"


def test_a_second_factor_alone_would_have_kept_the_intruder_out(joined: Scan) -> None:
    what = joined.what_if
    assert what is not None
    assert what.smallest.members == ("M1032.2",)
    best = {one.id: one for one in what.measures}["M1032.2"]
    assert best.entry == best.breaks == what.incidents
    assert what.unbroken == ()


def test_without_evidence_what_would_have_met_it_is_listed_as_unknown() -> None:
    scan = verbs.scan([BREACH])
    found = standing(scan)
    assert found["M1032.2", "gate01", "logon"] == "unknown"
    assert scan.what_if is None
    assert all(one.collect for one in scan.incidents[0].mitigations if one.status is Standing.UNKNOWN)


def test_the_command_line_joins_both(tmp_path: Path) -> None:
    lines = tmp_path / "out.jsonl"
    shape = tmp_path / "out.stix"
    given = ["scan", BREACH, "--evidence", EVIDENCE, "--what-if", "--today", "2026-01-06", "-q", "-o", f"jsonl:{lines}", "-o", f"stix:{shape}"]
    done = CliRunner().invoke(app, [*given, "-o", f"html:{tmp_path / 'out.html'}", "-o", "console"], env={"COLUMNS": "80"})
    assert done.exit_code == Exit.CRITICAL
    assert "Missing" in done.stdout
    assert "smallest set    M1032.2 Authentication Tools and Methods" in done.stdout
    *incidents, what = [json.loads(line) for line in lines.read_text().splitlines()]
    assert {one["status"] for one in incidents[0]["mitigations"]} == {"missing", "unknown", "present"}
    assert what["what_if"]["smallest"]["members"] == ["M1032.2"]
    assert json.loads(shape.read_text())["type"] == "bundle"


def test_evidence_that_is_none_is_told_and_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "ev").mkdir()
    (tmp_path / "ev" / "nonsense.bin").write_bytes(b"\x00\x01nothing")
    scan = verbs.scan([BREACH], evidence=[str(tmp_path / "ev"), str(tmp_path / "gone")], today=date(2026, 1, 6))
    assert any("nonsense.bin" in note for note in scan.notes)
    assert any("gone" in problem.file for problem in scan.problems)
    assert Standing.MISSING not in {one.status for one in scan.incidents[0].mitigations if one.measure == "M1032.2"}


def test_twice_the_same_evidence_changes_nothing(tmp_path: Path, joined: Scan) -> None:
    shutil.copytree(EVIDENCE, tmp_path / "again")
    scan = verbs.scan([BREACH], evidence=[EVIDENCE, str(tmp_path / "again")], today=date(2026, 1, 6))
    assert standing(scan) == standing(joined)


# What these logs could have shown


def log(source: str) -> Coverage:
    return Coverage(source, "h", "h:log", None, None, "UTC", "absolute", 1)


def test_a_gateway_cannot_show_what_was_done_on_a_host() -> None:
    content = load_content()
    seen = techniques(content, [log("cisco-asa")], [])
    assert seen["T1133"] == seen["T1110"] == DETECTABLE
    assert seen["T1003.001"] == BLIND
    assert "exec" not in kinds_of("cisco-asa")
    assert techniques(content, [log("cisco-asa"), log("windows-logon"), log("windows-process")], [])["T1003.001"] == DETECTABLE


def test_without_logs_all_is_blind_and_more_logs_blind_nothing() -> None:
    content = load_content()
    assert set(techniques(content, [], []).values()) == {BLIND}
    few, more = (techniques(content, rows, []) for rows in ([log("sshd")], [log("sshd"), log("sudo"), log("kubernetes-audit")]))
    assert all(more[one] != BLIND for one, state in few.items() if state != BLIND)


def test_what_an_incident_shows_is_observed(joined: Scan) -> None:
    seen = {technique.id for technique in joined.incidents[0].attack}
    assert {one for one, state in joined.techniques.items() if state == OBSERVED} == seen
