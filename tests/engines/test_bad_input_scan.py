"""Whole scans of logs as they are: stages missing, clocks apart, leases that overlap, sessions without an end, names shared by all, fifty users."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gatewatch.app import scan, trace
from gatewatch.schema.incidents import Incident, Scan
from gatewatch.site.load import load_site

SITE = """
[site]
name = "bad"
zone = "UTC"
year = 2026
[network]
outside = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]
vpn_pools = ["10.9.0.0/24"]
[hosts.gate]
addresses = ["10.0.0.5"]
[hosts.db]
addresses = ["10.0.0.6"]
"""
OUT, OTHER = "203.0.113.66", "198.51.100.5"


def line(time: str, host: str, program: str, text: str, day: str = "2026-03-03") -> str:
    return f"{day}T{time}+00:00 {host} {program}: {text}"


def ssh(time: str, user: str, src: str, host: str, pid: int, day: str = "2026-03-03") -> str:
    return line(time, host, f"sshd[{pid}]", f"Accepted password for {user} from {src} port 50111 ssh2", day)


def bad(number: int, user: str = "bob", host: str = "gate") -> list[str]:
    return [line(f"02:0{n}:00", host, f"sshd[{2000 + n}]", f"Failed password for {user} from {OUT} port 50111 ssh2") for n in range(number)]


def lease(time: str, user: str, src: str, gateway: str) -> str:
    return line(time, gateway, "openvpn[7]", f"{user}/{src}:1194 MULTI: primary virtual IP for {user}/{src}:1194: 10.9.0.6")


GUESSED = [*bad(8), ssh("02:10:00", "bob", OUT, "gate", 2100)]


def run(folder: Path, *lines: str) -> Scan:
    (folder / "gatewatch.toml").write_text(SITE, encoding="utf-8")
    logs = folder / "logs"
    logs.mkdir()
    for host in sorted({text.split(" ")[1] for text in lines}):
        (logs / f"{host}.log").write_text("".join(f"{text}\n" for text in lines if text.split(" ")[1] == host), encoding="utf-8")
    return scan([str(logs)], site=load_site(folder / "gatewatch.toml"))


def one(result: Scan) -> Incident:
    (incident,) = result.incidents
    return incident


def test_without_the_gateway_s_log_what_comes_from_its_pool_is_inside(tmp_path: Path) -> None:
    result = run(tmp_path, ssh("02:20:00", "root", "10.9.0.6", "db", 77))
    assert result.incidents == [] and result.access == []


def test_without_the_jump_host_s_log_the_way_ends_before_it(tmp_path: Path) -> None:
    result = run(tmp_path, *[text.replace("gate", "edge") for text in GUESSED], ssh("02:20:00", "bob", "10.0.0.5", "db", 77))
    assert one(result).hosts == ("edge",)


@pytest.mark.parametrize("hours", [2, 3, 8])
def test_a_target_whose_clock_is_hours_ahead_shows_no_hop_before_the_entry(tmp_path: Path, hours: int) -> None:
    ahead = ssh(f"{2 + hours:02d}:20:00", "bob", "10.0.0.5", "db", 77)
    behind = ssh("00:20:00", "bob", "10.0.0.5", "db", 78)
    incident = one(run(tmp_path, *GUESSED, behind, ahead))
    onward = [hop for hop in incident.path if hop.target == "db"]
    assert all(hop.time > incident.path[0].time for hop in onward)


def test_leases_that_overlap_are_rivals_and_no_incident(tmp_path: Path) -> None:
    lines = (lease("01:00:00", "ann", OUT, "vpna"), lease("01:05:00", "bob", OTHER, "vpnb"), ssh("01:30:00", "carl", "10.9.0.6", "db", 6))
    assert run(tmp_path, *lines).incidents == []
    (step,) = [step for step in trace("carl", [str(tmp_path / "logs")], site=load_site(tmp_path / "gatewatch.toml")).steps if step.asked]
    assert step.confidence == "possible" and step.rivals == (OUT,)


def test_a_session_that_never_ends_is_only_possible_when_it_is_old(tmp_path: Path) -> None:
    lines = (ssh("01:00:00", "eve", OUT, "gate", 5, day="2026-01-20"), ssh("02:00:00", "eve", "10.0.0.5", "db", 6))
    assert run(tmp_path, *lines).incidents == []
    steps = trace("eve", [str(tmp_path / "logs")], site=load_site(tmp_path / "gatewatch.toml")).steps
    assert [step.confidence for step in steps] == ["certain", "possible"]


def test_a_host_renamed_in_between_is_followed_under_both_names(tmp_path: Path) -> None:
    again = ssh("03:10:00", "bob", OUT, "edge", 2200)
    incident = one(run(tmp_path, *GUESSED, again, ssh("03:12:00", "bob", "10.0.0.5", "db", 77)))
    assert set(incident.hosts) == {"gate", "edge", "db"}
    assert incident.origin.ip == OUT and incident.origin.others == ()


def test_a_name_that_all_share_is_nobody_s_proof(tmp_path: Path) -> None:
    lines = [ssh(f"01:{n:02d}:00", "admin", f"203.0.113.{n + 1}", "gate", 3000 + n) for n in range(30)]
    result = run(tmp_path, *lines, ssh("01:40:00", "admin", "10.0.0.5", "db", 1))
    assert result.incidents == []
    steps = trace("host:db", [str(tmp_path / "logs")], site=load_site(tmp_path / "gatewatch.toml")).steps
    (step,) = [step for step in steps if step.asked]
    assert (step.confidence, step.rival_count) == ("possible", 29)


def fifty() -> list[str]:
    return [ssh(f"01:{n:02d}:00", f"user{n}", f"192.0.2.{n + 1}", "gate", 1000 + n) for n in range(50)]


def test_of_fifty_on_a_jump_host_none_is_blamed_for_another_account(tmp_path: Path) -> None:
    incident = one(run(tmp_path, *fifty(), *GUESSED, ssh("02:20:00", "root", "10.0.0.5", "db", 77)))
    assert (incident.origin.ip, incident.hosts) == (OUT, ("gate",))


def test_of_fifty_the_one_whose_command_names_it_is(tmp_path: Path) -> None:
    said = line("02:19:58", "gate", "sudo", "  bob : TTY=pts/9 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/ssh root@db")
    incident = one(run(tmp_path, *fifty(), *GUESSED, said, ssh("02:20:00", "root", "10.0.0.5", "db", 77)))
    assert incident.hosts == ("gate", "db") and str(incident.severity) == "critical"


def guesses(number: int) -> list[str]:
    failed = f"Failed password for root from {OUT} port 1 ssh2"
    times = [f"{n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}" for n in (at // 5 for at in range(number))]
    return [line(time, "gate", f"sshd[{at % 30000 + 1}]", failed) for at, time in enumerate(times)]


def test_many_failures_of_one_address_are_all_counted_and_told_shortly(tmp_path: Path) -> None:
    incident = one(run(tmp_path, *guesses(100_000), ssh("23:59:00", "root", OUT, "gate", 31000)))
    assert incident.failures == 100_000
    assert all(len(stage.evidence) <= 12 for stage in incident.stages)


_PEAK = """
import resource, sys
from gatewatch.app import scan
assert len(scan([sys.argv[1]], zone="UTC", year=2026).incidents) == 1
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak(folder: Path, number: int) -> int:
    """Return the most memory, in KiB, that a scan of so many failures and the logon after them took."""
    path = folder / f"{number}.log"
    path.write_text("".join(f"{text}\n" for text in [*guesses(number), ssh("23:59:00", "root", OUT, "gate", 31000)]), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", _PEAK, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_a_failure_more_takes_at_most_two_kilobytes(tmp_path: Path) -> None:
    few, many = 20_000, 220_000
    assert (peak(tmp_path, many) - peak(tmp_path, few)) / (many - few) <= 2.0


def test_a_gateway_whose_log_names_nobody_is_a_host_of_its_own(tmp_path: Path) -> None:
    peer = f"{OUT}:1194"
    vpn = [f"2026-03-03 03:0{n}:01 {peer} TLS Auth Error: Auth Username/Password verification failed for peer" for n in range(6)]
    vpn += [f"2026-03-03 03:07:02 ann/{peer} MULTI: primary virtual IP for ann/{peer}: 10.9.0.6"]
    (tmp_path / "gatewatch.toml").write_text(SITE, encoding="utf-8")
    (tmp_path / "logs" / "vpn").mkdir(parents=True)
    (tmp_path / "logs" / "vpn" / "openvpn.log").write_text("".join(f"{text}\n" for text in vpn), encoding="utf-8")
    lines = [ssh("03:09:00", "ann", "10.9.0.6", "gate", 5), ssh("03:12:00", "ann", "10.0.0.5", "db", 6)]
    (tmp_path / "logs" / "all.log").write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")
    result = scan([str(tmp_path / "logs")], site=load_site(tmp_path / "gatewatch.toml"))
    assert one(result).hosts == ("vpn", "gate", "db")
    assert any("1 log names no host" in note for note in result.notes)


def test_many_logs_that_name_no_host_are_one_line_to_read(tmp_path: Path) -> None:
    for host in ("gate01", "gate02"):
        (tmp_path / f"{host}.log").write_text(f"2026-01-05T02:00:00Z {host} sshd[7]: Accepted publickey for ann from 192.0.2.7 port 5 ssh2\n")
    for number in range(9):
        (tmp_path / f"audit{number}.log").write_text(
            f'type=USER_LOGIN msg=audit(176757{number}000.000:{number}): pid=9 uid=0 auid=1000 ses=4 msg=\'op=login id=1000 exe="/usr/sbin/sshd" '
            "hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'\n"
        )
    told = [note for note in scan([str(tmp_path)], zone="UTC", year=2026).notes if "no host" in note]
    assert told == ["9 logs name no host, and no folder does: shown audit0.log as audit0, audit1.log as audit1, audit2.log as audit2, 6 more"]
