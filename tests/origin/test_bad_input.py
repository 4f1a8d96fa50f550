"""Logs as they are: stages missing, clocks apart, leases that overlap, sessions without an end, names shared by all, fifty users on one host."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from tests.origin.world import START, frame, scope_of

from gatewatch.origin.attach import Attacher, attributed
from gatewatch.origin.attribution import attribute, bind
from gatewatch.origin.session import build

OUT, OTHER = "203.0.113.9", "198.51.100.7"
GATE = {"10.0.0.5": "gate"}


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def vpn(minute: float, lease: str = "10.8.0.2", src: str = OUT, user: str = "ann", gateway: str = "vpn1", tunnel: int = 1) -> dict[str, Any]:
    return {
        "time": at(minute),
        "kind": "auth_success",
        "host": gateway,
        "user": user,
        "src_ip": src,
        "scope": scope_of(src),
        "session": f"tunnel:{tunnel}",
        "service": "vpn",
        "assigned_ip": lease,
    }


def ssh(minute: float, host: str, src: str, user: str = "ann", pid: int = 1) -> dict[str, Any]:
    base = {"time": at(minute), "kind": "auth_success", "host": host, "user": user, "src_ip": src, "scope": scope_of(src)}
    return base | {"session": f"pid:{pid}", "service": "ssh", "source": "sshd"}


def done(minute: float, host: str, session: str) -> dict[str, Any]:
    return {"time": at(minute), "kind": "session_end", "host": host, "session": session}


def run(rows: list[dict[str, Any]], hosts: dict[str, str] | None = None) -> tuple[list[tuple[Any, ...]], pl.DataFrame]:
    events = frame(rows)
    sessions = build(events)
    bindings = bind(events, sessions, hosts or {})
    made, table = attributed(events, sessions, attribute(sessions, bindings), bindings)
    return made.select("origin_ip", "hop", "hop_confidence").rows(), table


def test_a_lease_leads_from_the_vpn_to_the_host_and_on() -> None:
    rows, table = run([vpn(0), ssh(5, "gate", "10.8.0.2", "root"), ssh(9, "db", "10.0.0.5", "root")], GATE)
    assert rows == [(OUT, 0, "certain"), (OUT, 1, "certain"), (OUT, 2, "likely")]
    assert "leased by vpn1" in table["via"][1]


def test_one_stage_missing_invents_nothing() -> None:
    # no VPN log: the address is an inner one that nobody knows
    assert run([ssh(5, "gate", "10.8.0.2"), ssh(9, "db", "10.0.0.5")], GATE)[0] == [(None, None, None)] * 2
    # no log of the jump host: the next hop's source is unknown to everybody
    assert run([vpn(0), ssh(9, "db", "10.0.0.5")], GATE)[0][1] == (None, None, None)


def test_a_gateway_that_only_tells_of_the_address_is_proof_of_a_session() -> None:
    told = vpn(0) | {"kind": "session_start"}
    rows, _ = run([told, ssh(5, "gate", "10.8.0.2")])
    assert rows[1] == (OUT, 1, "likely")
    told |= {"src_ip": None, "scope": None}
    assert run([told, ssh(5, "gate", "10.8.0.2")])[0][1] == (None, None, None)


def test_clocks_hours_apart_invent_nothing() -> None:
    # the host's clock is three hours behind: its logon comes before the lease, and is nobody's
    assert run([ssh(0, "gate", "10.8.0.2"), vpn(180)])[0][0] == (None, None, None)


def test_leases_of_two_gateways_overlap_and_both_are_shown() -> None:
    rows, table = run([vpn(0), vpn(1, src=OTHER, user="bob", gateway="vpn2"), ssh(5, "gate", "10.8.0.2", "root")])
    assert rows[2] == (OTHER, 1, "possible")
    assert table["rivals"].to_list()[2] == [OUT] and table["rival_count"][2] == 1


def test_leases_that_overlap_with_known_ends_are_rivals_on_one_gateway_too() -> None:
    rows, table = run(
        [
            vpn(0),
            vpn(3, src=OTHER, user="bob", tunnel=2),
            ssh(5, "gate", "10.8.0.2", "root"),
            done(9, "vpn1", "tunnel:1"),
            done(10, "vpn1", "tunnel:2"),
        ]
    )
    assert rows[2] == (OTHER, 1, "possible") and table["rivals"].to_list()[2] == [OUT]


def test_an_address_given_anew_is_the_next_one_s() -> None:
    rows, _ = run([vpn(0), ssh(1, "gate", "10.8.0.2", pid=3), vpn(9, src=OTHER, user="bob", tunnel=2), ssh(10, "gate", "10.8.0.2", "bob", 4)])
    assert rows[1] == (OUT, 1, "certain") and rows[3] == (OTHER, 1, "certain")
    rows, _ = run([vpn(0), done(2, "vpn1", "tunnel:1"), ssh(10, "gate", "10.8.0.2")])
    assert rows[2] == (None, None, None)


def test_a_session_that_never_ends_is_possible_only_once_it_is_old() -> None:
    rows, _ = run([vpn(0), ssh(60 * 24 * 6, "gate", "10.8.0.2"), ssh(60 * 24 * 40, "gate", "10.8.0.2", pid=2)])
    assert [row[2] for row in rows] == ["certain", "certain", "possible"]


def test_a_reconnect_from_elsewhere_takes_the_lease_along() -> None:
    moved = vpn(10, src=OTHER) | {"auth_method": "token", "assigned_ip": None}
    rows, _ = run([vpn(0), ssh(5, "gate", "10.8.0.2"), moved, ssh(12, "gate", "10.8.0.2", pid=2)])
    assert rows[1] == (OUT, 1, "certain") and rows[3] == (OTHER, 1, "certain")


def test_a_host_renamed_bears_its_address_under_one_name_at_a_time() -> None:
    def says(minute: float, host: str) -> dict[str, Any]:
        return {"time": at(minute), "kind": "other", "host": host, "host_ip": "10.0.0.77", "source": "x"}

    rows = [says(0, "old"), ssh(1, "old", OUT), says(2, "old"), ssh(3, "db", "10.0.0.77", pid=2), says(10, "new"), ssh(12, "db", "10.0.0.77", pid=3)]
    events = frame(rows).with_columns(pl.Series("host_ip", [row.get("host_ip") for row in rows], dtype=pl.String))
    sessions = build(events)
    bindings = bind(events, sessions, {})
    made, _ = attributed(events, sessions, attribute(sessions, bindings), bindings)
    assert made["hop"].to_list() == [None, 0, None, 1, None, None]  # ann's session was on the host by its old name
    assert bindings.hosts.at("10.0.0.77", int(at(5).timestamp() * 1e6)) == "old"
    assert bindings.hosts.at("10.0.0.77", int(at(11).timestamp() * 1e6)) == "new"


def test_an_address_that_two_hosts_claim_in_turn_is_nobody_s() -> None:
    rows = [{"time": at(n), "kind": "other", "host": ("a", "b")[n % 2], "host_ip": "10.0.0.77", "source": "x"} for n in range(4)]
    events = frame(rows).with_columns(pl.Series("host_ip", ["10.0.0.77"] * 4, dtype=pl.String))
    assert bind(events, build(events), {}).hosts.at("10.0.0.77", int(at(2).timestamp() * 1e6)) is None


def test_a_million_failures_from_one_address_cost_a_look_up_each() -> None:
    rows = [vpn(0), ssh(1, "gate", OUT, pid=2)]
    events = frame(rows)
    sessions = build(events)
    bindings = bind(events, sessions, GATE)
    attacher = Attacher(sessions, attribute(sessions, bindings), bindings)
    many = pl.select(
        pl.int_range(1_000_000, dtype=pl.UInt32).alias("row") + 2,
        (pl.lit(at(2)) + pl.duration(microseconds=pl.int_range(1_000_000))).alias("time"),
        pl.lit("auth_failure").alias("kind"),
        pl.lit("db").alias("host"),
        pl.lit("root").alias("user"),
        pl.lit(None, pl.String).alias("session"),
        pl.lit("10.8.0.2").alias("src_ip"),
        pl.lit("private").alias("scope"),
    )
    made = attacher.columns(attacher.find(many))
    assert made.unique().rows() == [(OUT, sessions.table["sid"][0], 1, "certain")]


def test_a_user_name_shared_by_all_has_rivals_and_is_never_sure() -> None:
    rows = [ssh(n, "gate", f"203.0.113.{n + 1}", "admin", 100 + n) for n in range(50)]
    rows += [
        {"time": at(55), "kind": "privilege_use", "host": "gate", "user": "admin", "target_user": "root", "command": "/usr/bin/id", "source": "sudo"}
    ]
    rows += [ssh(60, "db", "10.0.0.5", "admin", 7)]
    result, table = run(rows, GATE)
    assert result[50] == ("203.0.113.50", 0, "possible") and result[51] == ("203.0.113.50", 1, "possible")
    assert table["rivals"].list.len().to_list()[50:] == [8, 8]
    assert table["rival_count"][50] == 49 and table["rival_count"][51] >= 31


def test_a_jump_host_with_fifty_users_is_told_apart_by_the_user() -> None:
    rows = [ssh(n, "gate", f"203.0.113.{n + 1}", f"user{n}", 100 + n) for n in range(50)]
    rows += [ssh(60, "db", "10.0.0.5", "user7", 7), ssh(61, "db", "10.0.0.5", "root", 8)]
    result, _ = run(rows, GATE)
    assert result[50] == ("203.0.113.8", 1, "likely")
    assert result[51] == (None, None, None)  # root came from the jump host: any of fifty, and nothing says who


def test_evidence_names_the_one_of_fifty_who_changed_the_account() -> None:
    rows = [ssh(n, "gate", f"203.0.113.{n + 1}", f"user{n}", 100 + n) for n in range(50)]
    rows += [
        {"time": at(59), "kind": "exec", "host": "gate", "user": "user7", "session": "pid:107", "command": "/usr/bin/ssh root@db.corp", "source": "x"}
    ]
    rows += [ssh(60, "db", "10.0.0.5", "root", 8)]
    result, table = run(rows, GATE)
    assert result[51] == ("203.0.113.8", 1, "likely")
    assert "client program on gate: user7 as root" in table["via"][51]


def test_never_ended_sessions_of_one_key_do_not_pile_up() -> None:
    rows = [ssh(n / 60, "gate", OUT if n % 2 else OTHER, "admin", n) for n in range(20_000)]
    result, _ = run(rows, GATE)
    assert len(result) == 20_000


def test_a_process_number_used_again_is_another_connection() -> None:
    again = {"time": at(50), "kind": "auth_failure", "host": "gate", "user": "root", "src_ip": OTHER, "scope": "public", "session": "pid:7"}
    mine = {"time": at(51), "kind": "auth_failure", "host": "gate", "user": "ann", "src_ip": OUT, "scope": "public", "session": "pid:7"}
    done_there = {"time": at(52), "kind": "exec", "host": "gate", "user": "ann", "session": "pid:7", "command": "/bin/id"}
    rows, table = run([ssh(0, "gate", OUT, pid=7), again, mine, done_there])
    assert rows == [(OUT, 0, "certain"), (OTHER, 0, "certain"), (OUT, 0, "certain"), (OUT, 0, "certain")]
    assert 1 not in table["row"].to_list()
