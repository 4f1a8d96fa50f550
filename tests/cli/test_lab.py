"""The verbs of the lab as a user meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from gatewatch.exits import Exit


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "gatewatch.cli.main", *arguments], capture_output=True, text=True, timeout=300, check=False)


def test_make_scan_score(tmp_path: Path) -> None:
    world, incidents = tmp_path / "world", tmp_path / "incidents.jsonl"
    made = run(
        "lab",
        "make",
        "--out",
        str(world),
        "--users",
        "20",
        "--days",
        "4",
        "--seed",
        "5",
        "--intrusions",
        "4",
        "--difficulty",
        "loud",
        "--volume",
        "0.2",
    )
    assert made.returncode == Exit.NOTHING_FOUND, made.stderr
    assert sorted(path.name for path in world.iterdir()) == ["evidence", "gatewatch.toml", "logs", "truth.jsonl"]
    again = run("lab", "make", "--out", str(world), "--users", "20", "--days", "4")
    assert again.returncode == Exit.USAGE
    assert "not empty" in again.stderr
    run("scan", "-c", str(world / "gatewatch.toml"), str(world / "logs"), "--evidence", str(world / "evidence"), "-q", "-o", f"jsonl:{incidents}")
    scored = run("lab", "score", str(world), str(incidents), "--json", str(tmp_path / "s.json"), "--html", str(tmp_path / "s.html"))
    assert scored.returncode == Exit.NOTHING_FOUND, scored.stderr
    assert "4 intrusions" in scored.stdout
    score = json.loads((tmp_path / "s.json").read_text())
    assert score["intrusions"] == 4
    assert score["controls"]["fates"]["missing"] > 0
    assert score["controls"]["wrong"] == []
    assert "missing controls that are called missing" in scored.stdout
    run("scan", "-c", str(world / "gatewatch.toml"), str(world / "logs"), "-q", "-o", f"jsonl:{incidents}")
    assert "missing controls" not in run("lab", "score", str(world), str(incidents)).stdout  # a scan without evidence is not judged by it
    assert (tmp_path / "s.html").read_text().startswith("<!doctype html>")


def test_run_keeps_no_logs(tmp_path: Path) -> None:
    done = run("lab", "run", "--out", str(tmp_path / "w"), "--seeds", "1", "--users", "15", "--days", "2", "--intrusions", "2", "--volume", "0.1")
    assert done.returncode == Exit.NOTHING_FOUND, done.stderr
    assert "1 worlds, 2 intrusions" in done.stdout
    assert sorted(path.name for path in (tmp_path / "w" / "seed-100").iterdir()) == ["gatewatch.toml", "incidents.jsonl", "truth.jsonl"]


def test_evidence_of_many_hosts_without_logs(tmp_path: Path) -> None:
    out = tmp_path / "fleet"
    made = run("lab", "make", "--evidence-only", "--hosts", "30", "--out", str(out))
    assert made.returncode == Exit.NOTHING_FOUND, made.stderr
    assert sorted(path.name for path in out.iterdir()) == ["evidence", "gatewatch.toml", "truth.jsonl"]
    assert "gatewatch audit" in made.stderr
    wrong = run("lab", "make", "--hosts", "30", "--out", str(tmp_path / "x"))
    assert wrong.returncode == Exit.USAGE
    assert "--hosts needs --evidence-only" in wrong.stderr
    few = run("lab", "make", "--evidence-only", "--hosts", "2", "--out", str(tmp_path / "y"))
    assert few.returncode == Exit.USAGE
    assert "a fleet has" in few.stderr


def test_show_and_what_is_wrong(tmp_path: Path) -> None:
    listed = run("lab", "show")
    assert "ssh-stolen-password" in listed.stdout
    assert run("lab", "show", "ssh-stolen-password").stdout.startswith("ssh-stolen-password: ")
    unknown = run("lab", "show", "ssh-stolen-passwort")
    assert (unknown.returncode, "did you mean ssh-stolen-password" in unknown.stderr) == (Exit.USAGE, True)
    bad = tmp_path / "bad.toml"
    bad.write_text('id = "bad"\n[[steps]]\ndo = "fly"\n')
    refused = run("lab", "show", str(bad))
    assert refused.returncode == Exit.USAGE
    assert f"{bad}:3: unknown step 'fly'" in refused.stderr
    assert run("lab", "score", str(tmp_path), str(bad)).returncode == Exit.UNREADABLE
    wrong = run("lab", "make", "--out", str(tmp_path / "x"), "--difficulty", "odd")
    assert (wrong.returncode, "there is no difficulty 'odd'" in wrong.stderr) == (Exit.USAGE, True)
