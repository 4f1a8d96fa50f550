"""Reports of one Windows logon become one access; the others stay as names of its session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from gatewatch.canonical.windows_logon import join_logons
from gatewatch.canonical.windows_member import SidBook
from gatewatch.enrich.apply import Enricher
from gatewatch.origin.attach import attach, attribute
from gatewatch.origin.session import build
from gatewatch.schema import events as ev
from gatewatch.site.model import Site

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
COLUMNS = (
    *("time", "kind", "host", "user", "src_ip", "src_host", "src_port", "service", "source", "pattern", "session", "linked_session"),
    *("auth_method", "user_domain", "count", "record", "extra", "target_user", "object", "command"),
)


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = {name: ev.DTYPES[name] for name in COLUMNS}
    filled = [
        {"host": "rds01", "user": "bob", "count": 1, "record": n} | row | {"time": START + timedelta(seconds=row["at"])}
        for n, row in enumerate(rows, 1)
    ]
    return pl.DataFrame([{name: row.get(name) for name in COLUMNS} for row in filled], schema=schema)


def security(at: float, pattern: str, session: str, **more: Any) -> dict[str, Any]:
    service = "smb" if pattern == "logon-network" else "rdp"
    row = {"at": at, "source": "windows-logon", "pattern": pattern, "session": f"logon:{session}", "kind": "auth_success", "service": service}
    return row | {"auth_method": "password"} | more


def terminal(at: float, pattern: str, number: int, **more: Any) -> dict[str, Any]:
    kind = "session_end" if "logoff" in pattern or "disconnect" in pattern else "auth_success"
    return {
        "at": at,
        "source": "windows-rdp",
        "pattern": pattern,
        "session": f"ts:{number}",
        "kind": kind,
        "service": "rdp",
        "auth_method": "unknown",
    } | more


ENTRY = (
    security(0, "logon-network", "0xa", src_ip="192.0.2.7", src_host="kali"),
    {"at": 0.4, "source": "windows-rdp", "pattern": "rdp-authenticated", "kind": "session_start", "service": "rdp", "src_ip": "192.0.2.7"},
    security(1, "logon-rdp", "0xb", linked_session="logon:0xc"),
    security(1, "logon-rdp", "0xc", linked_session="logon:0xb"),
    terminal(2, "rdp-session-logon", 3, src_ip="192.0.2.7"),
)


def accesses(events: pl.DataFrame) -> list[dict[str, Any]]:
    return events.filter(pl.col("kind") == "auth_success").to_dicts()


def origins(events: pl.DataFrame) -> pl.DataFrame:
    ready = Enricher(Site.default())(events.sort("time", "record").with_row_index("row"))
    sessions = build(ready)
    return attach(ready, sessions, attribute(sessions, {}))


def test_an_rdp_logon_is_one_access_with_the_best_of_each() -> None:
    joined = join_logons(table(*ENTRY))
    (access,) = accesses(joined)
    assert (access["session"], access["src_ip"], access["src_host"], access["service"]) == ("logon:0xb", "192.0.2.7", "kali", "rdp")
    assert access["corroborated_by"] == ["windows-logon", "windows-rdp"]
    names = joined.filter((pl.col("kind") == "session_start") & pl.col("linked_session").is_not_null())
    assert set(names["linked_session"]) == {"logon:0xa", "logon:0xc", "ts:3"}
    assert set(names["session"]) == {"logon:0xb"}


def test_what_either_token_does_bears_the_origin_until_the_end() -> None:
    acts = [
        {"at": at, "source": "windows-process", "kind": "exec", "pattern": "process-created", "session": f"logon:{session}", "command": "x"}
        for at, session in ((10, "0xb"), (11, "0xc"), (900, "0xb"))
    ]
    ends = [
        security(600, "logoff", "0xb", kind="session_end"),
        security(600, "logoff", "0xc", kind="session_end"),
        security(0.5, "logoff", "0xa", kind="session_end"),
    ]
    events = origins(join_logons(table(*ENTRY, *acts, *ends)))
    found = events.filter(pl.col("kind") == "exec").sort("time")
    assert found["origin_ip"].to_list() == ["192.0.2.7", "192.0.2.7", None]
    assert found["hop_confidence"].to_list() == ["certain", "certain", None]


def test_a_disconnected_session_goes_on() -> None:
    act = {"at": 900, "source": "windows-process", "kind": "exec", "pattern": "process-created", "session": "logon:0xc", "command": "x"}
    paused = terminal(300, "rdp-session-disconnect", 3)
    events = join_logons(table(*ENTRY, act, paused))
    sessions = build(Enricher(Site.default())(events.sort("time", "record").with_row_index("row")))
    assert sessions.table["end"].to_list() == [START + timedelta(seconds=300)]
    assert origins(events).filter(pl.col("kind") == "exec")["origin_ip"].to_list() == ["192.0.2.7"]


def test_a_reconnect_from_elsewhere_is_a_new_segment() -> None:
    back = (
        security(3000, "logon-network", "0xd", src_ip="198.51.100.9"),
        security(3001, "logon-unlock", "0xe", src_ip="198.51.100.9"),
        security(3001.5, "rdp-reconnected", "0xb", src_ip="198.51.100.9", src_host="laptop"),
        terminal(3002, "rdp-session-reconnect", 3, src_ip="198.51.100.9"),
    )
    acts = [
        {"at": at, "source": "windows-process", "kind": "exec", "pattern": "process-created", "session": "logon:0xc", "command": "x"}
        for at in (100, 3100)
    ]
    joined = join_logons(table(*ENTRY, *back, *acts))
    assert [(row["session"], row["src_ip"]) for row in accesses(joined)] == [("logon:0xb", "192.0.2.7"), ("logon:0xb", "198.51.100.9")]
    found = origins(joined).filter(pl.col("kind") == "exec").sort("time")
    assert found["origin_ip"].to_list() == ["192.0.2.7", "198.51.100.9"]


def test_without_the_security_log_the_session_manager_is_the_access() -> None:
    (access,) = accesses(join_logons(table(terminal(2, "rdp-session-logon", 3, src_ip="192.0.2.7"))))
    assert (access["session"], access["src_ip"]) == ("ts:3", "192.0.2.7")


def test_1149_alone_is_no_access() -> None:
    hint = {"at": 0, "source": "windows-rdp", "pattern": "rdp-authenticated", "kind": "session_start", "service": "rdp", "src_ip": "192.0.2.7"}
    assert accesses(join_logons(table(hint))) == []


def test_a_network_logon_alone_stays_and_is_winrm_where_a_shell_follows() -> None:
    shell = {"at": 1, "source": "windows-winrm", "pattern": "winrm-shell", "kind": "session_start", "service": "winrm", "src_ip": "192.0.2.7"}
    alone, remote = security(0, "logon-network", "0xa", src_ip="192.0.2.7"), security(0, "logon-network", "0xa", src_ip="192.0.2.7")
    assert [row["service"] for row in accesses(join_logons(table(alone)))] == ["smb"]
    assert [row["service"] for row in accesses(join_logons(table(remote, shell)))] == ["winrm"]


def test_a_winrm_logon_without_an_address_takes_that_of_its_shell() -> None:
    shell = {"at": 1, "source": "windows-winrm", "pattern": "winrm-shell", "kind": "session_start", "service": "winrm", "src_ip": "192.0.2.7"}
    (found,) = accesses(join_logons(table(security(0, "logon-network", "0xa"), shell)))
    assert (found["src_ip"], found["service"]) == ("192.0.2.7", "winrm")
    other = shell | {"user": "ann"}
    assert [row["src_ip"] for row in accesses(join_logons(table(security(0, "logon-network", "0xa"), other)))] == [None]


def test_a_logon_of_another_user_is_another_access() -> None:
    other = security(1, "logon-network", "0x9", user="ann", src_ip="192.0.2.7")
    assert len(accesses(join_logons(table(other, *ENTRY)))) == 2


def test_loopback_rdp_is_a_tunnel_and_loopback_smb_is_not() -> None:
    rows = (security(0, "logon-rdp", "0xb", src_ip="127.0.0.1"), security(60, "logon-network", "0xd", src_ip="127.0.0.1", user="ann"))
    events = origins(join_logons(table(*rows)))
    assert events.sort("time")["origin_ip"].to_list() == ["127.0.0.1", None]


def test_a_tunnel_on_an_entered_host_is_its_next_hop() -> None:
    ssh = {
        "at": 0,
        "source": "windows-openssh",
        "pattern": "accepted",
        "session": "pid:7",
        "kind": "auth_success",
        "service": "ssh",
        "user": "svc",
        "src_ip": "192.0.2.7",
    }
    events = origins(join_logons(table(ssh, security(60, "logon-rdp", "0xb", src_ip="::1"))))
    assert [(row["origin_ip"], row["hop"]) for row in events.sort("time").to_dicts()] == [("192.0.2.7", 0), ("192.0.2.7", 1)]


def test_another_logon_number_is_not_explained_by_the_user_alone() -> None:
    act = {"at": 10, "source": "windows-process", "kind": "exec", "pattern": "process-created", "session": "logon:0x77", "command": "x"}
    assert origins(join_logons(table(*ENTRY, act))).filter(pl.col("kind") == "exec")["origin_ip"].to_list() == [None]


def test_members_get_their_names_from_other_records() -> None:
    sid = "S-1-5-21-1-2-3-1009"
    made = {
        "at": 0,
        "source": "windows-account",
        "pattern": "user-created",
        "kind": "account_change",
        "target_user": "helper",
        "extra": f'{{"TargetSid":"{sid}"}}',
    }
    put = {
        "at": 1,
        "source": "windows-account",
        "pattern": "group-member-added",
        "kind": "account_change",
        "object": "Administrators",
        "extra": f'{{"MemberSid":"{sid}","TargetSid":"S-1-5-32-544"}}',
    }
    stranger = put | {"at": 2, "extra": '{"MemberSid":"S-1-5-21-1-2-3-9999","TargetSid":"S-1-5-32-544"}'}
    events = table(made, put, stranger)
    assert SidBook(events).name(events)["target_user"].to_list() == ["helper", "helper", None]


def test_what_names_its_actor_by_sid_only_gets_the_name() -> None:
    sid = "S-1-5-21-1-2-3-1104"
    logon = security(0, "logon-rdp", "0xb", extra=f'{{"TargetUserSid":"{sid}"}}')
    events = table(logon)
    script = table({"at": 5, "source": "windows-powershell", "pattern": "script-block", "kind": "exec", "user": None, "command": "x"})
    named = SidBook(events).name(script.with_columns(pl.lit(sid).alias("user_sid")))
    assert named["user"].to_list() == ["bob"]
    assert SidBook(events).name(script.with_columns(pl.lit("S-1-5-18").alias("user_sid")))["user"].to_list() == [None]


def test_a_right_password_without_the_right_to_log_on_is_no_access() -> None:
    denied = {"at": 1, "source": "windows-logon", "pattern": "rdp-denied", "kind": "auth_stopped", "service": "rdp", "src_ip": "192.0.2.7"}
    assert accesses(join_logons(table(security(0, "logon-network", "0xa", src_ip="192.0.2.7"), denied))) == []


def test_the_gateways_own_check_is_no_second_access() -> None:
    connected = {
        "at": 20,
        "source": "windows-gateway",
        "pattern": "gateway-connected",
        "kind": "auth_success",
        "service": "rdgateway",
        "src_ip": "192.0.2.7",
        "session": "rdg:x",
    }
    joined = join_logons(table(security(0, "logon-network", "0xa", src_ip="192.0.2.7"), connected))
    assert [row["service"] for row in accesses(joined)] == ["rdgateway"]
    assert joined["service"].to_list() == ["rdgateway", "rdgateway"]
