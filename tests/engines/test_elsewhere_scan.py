"""Scans of what clusters, identity providers and sensors log: copies, hosts and what to do."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gatewatch.app import events, scan

HERE = Path(__file__).parents[1]
ATTACK = HERE / "scenarios" / "an1007-anonymous-access" / "attack.log"


def test_nobody_is_told_to_give_an_anonymous_caller_a_password() -> None:
    (incident,) = scan([str(ATTACK)], config=str(HERE / "scenarios" / "gatewatch.toml"), zone="UTC", year=2026).incidents
    told = "\n".join(incident.contain)
    assert "--anonymous-auth=false" in told
    assert "password" not in told
    assert "End the session" not in told


def test_documents_given_twice_count_once(tmp_path: Path) -> None:
    lines = [line for line in (HERE / "samples" / "okta" / "okta.jsonl").read_text().splitlines() if line.startswith("{")]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x").write_text("\n".join(lines) + "\n")
    one, two = scan([str(tmp_path / "a")]), scan([str(tmp_path)])
    assert one.access
    assert [(row.user, row.time) for row in two.access] == [(row.user, row.time) for row in one.access]


def test_a_sensor_is_not_the_only_host_there_is(tmp_path: Path) -> None:
    """The log of one host lends a cloud log no host; see also ``settle.ELSEWHERE``."""
    (tmp_path / "auth.log").write_text("Jan  5 09:00:00 gate01 sshd[1]: Accepted password for ann from 192.0.2.7 port 50000 ssh2\n")
    (tmp_path / "flow.log").write_text(
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
        "2 123456789012 eni-1 203.0.113.9 10.0.0.5 50000 22 6 10 5000 1767603600 1767603660 REJECT OK\n"
    )
    table = pl.concat([part.select(pl.col("source", "host").cast(pl.String)) for part in events([str(tmp_path)], zone="UTC", year=2026)])
    assert sorted(table.rows()) == [("aws-vpc-flow", None), ("sshd", "gate01")]
