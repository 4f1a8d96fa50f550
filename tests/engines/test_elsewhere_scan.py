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


def test_a_packet_that_was_forwarded_happened_on_another_host(tmp_path: Path) -> None:
    """The filter is the observer; a packet for the filter itself happened on it."""
    tail = "LEN=60 TOS=0x00 PREC=0x00 TTL=50 ID=1 DF PROTO=TCP SPT=51514 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0"
    (tmp_path / "kern.log").write_text(
        f"Jan  5 09:00:00 fw01 kernel: DROP IN=eth0 OUT=eth1 SRC=203.0.113.9 DST=10.0.7.5 {tail}\n"
        f"Jan  5 09:00:01 fw01 kernel: DROP IN=eth0 OUT= MAC= SRC=203.0.113.9 DST=10.0.0.1 {tail}\n"
    )
    table = pl.concat(list(events([str(tmp_path)], zone="UTC", year=2026))).sort("time")
    assert table.select(pl.col("observer", "host", "host_ip").cast(pl.String)).rows() == [("fw01", None, "10.0.7.5"), ("fw01", "fw01", "10.0.0.1")]


def test_a_record_s_host_is_its_own_or_none(tmp_path: Path) -> None:
    """In a file of several hosts a record that names none may be of any of them; in one of a single host it is of that."""
    own = "2026-01-05 12:00:00 203.0.113.9:50000 [ann] Peer Connection Initiated with [AF_INET]203.0.113.9:50000"
    line = "Jan  5 12:00:0{} {} sshd[1]: Failed password for root from 203.0.113.9 port 50000 ssh2"
    for hosts, expected in ((("gate01", "gate01", "gate02"), None), (("gate01", "gate01", "gate01"), "gate01")):
        (tmp_path / "x").write_text("\n".join([own, *(line.format(n, host) for n, host in enumerate(hosts))]) + "\n")
        table = pl.concat(list(events([str(tmp_path / "x")], zone="UTC", year=2026)))
        assert table.filter(pl.col("source") == "openvpn")["host"].to_list() == [expected]
        assert sorted(table.filter(pl.col("source") == "sshd")["host"].to_list()) == list(hosts)


def test_a_sensor_is_not_the_only_host_there_is(tmp_path: Path) -> None:
    """The log of one host lends a cloud log no host; see also ``settle.ELSEWHERE``."""
    (tmp_path / "auth.log").write_text("Jan  5 09:00:00 gate01 sshd[1]: Accepted password for ann from 192.0.2.7 port 50000 ssh2\n")
    (tmp_path / "flow.log").write_text(
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
        "2 123456789012 eni-1 203.0.113.9 10.0.0.5 50000 22 6 10 5000 1767603600 1767603660 REJECT OK\n"
    )
    table = pl.concat([part.select(pl.col("source", "host").cast(pl.String)) for part in events([str(tmp_path)], zone="UTC", year=2026)])
    assert sorted(table.rows()) == [("aws-vpc-flow", None), ("sshd", "gate01")]
