"""Where somebody went on, by what a command names and what the network saw: account, tunnel, bulk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from tests.origin.world import NAMES, START, scope_of

from gatewatch.origin.attach import attributed
from gatewatch.origin.attribution import attribute, bind
from gatewatch.origin.session import build
from gatewatch.schema.events import DTYPES

OUT, OTHER, DROP = "203.0.113.9", "198.51.100.7", "198.51.100.250"
GATE = {"10.0.0.5": "gate"}


WIDE = (*NAMES, "pattern", "dst_ip")


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    columns = {name: [row.get(name) for row in rows] for name in dict.fromkeys(WIDE)}
    return pl.DataFrame(columns, schema={name: DTYPES[name] for name in columns}).with_row_index("row")


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def logon(minute: float, host: str, src: str, user: str = "ann", service: str = "ssh", pid: int = 1) -> dict[str, Any]:
    scope = "loopback" if src.startswith("127.") else scope_of(src)
    base = {"time": at(minute), "kind": "auth_success", "host": host, "user": user, "src_ip": src, "scope": scope}
    return base | {"session": f"pid:{pid}", "service": service, "source": "sshd" if service == "ssh" else "windows-logon"}


def ran(minute: float, command: str, user: str, pid: int) -> dict[str, Any]:
    return {"time": at(minute), "kind": "exec", "host": "gate", "user": user, "session": f"pid:{pid}", "command": command, "source": "auditd"}


def sent(minute: float, target: str = DROP, src: str = "10.0.0.5") -> dict[str, Any]:
    flow = {"time": at(minute), "kind": "file_transfer", "src_ip": src, "dst_ip": target, "host_ip": src, "scope": scope_of(src)}
    return flow | {"pattern": "flow-volume", "source": "zeek", "bytes_out": 1 << 30}


def run(*rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    events = frame(sorted(rows, key=lambda row: row["time"]))
    sessions = build(events)
    bindings = bind(events, sessions, GATE)
    made, _ = attributed(events, sessions, attribute(sessions, bindings), bindings)
    return made.select("origin_ip", "hop", "hop_confidence").rows()


@pytest.mark.parametrize("command", ["ssh ann@db02", "ssh -l ann db02", r"C:\\Tools\\plink.exe -ssh -l ann db02", "sshpass -p x ssh ann@db02"])
def test_an_account_that_a_command_just_named_outweighs_a_stale_session_of_that_account(command: str) -> None:
    stale, other = logon(0, "gate", OUT, pid=1), logon(2000, "gate", OTHER, "bob", pid=2)
    found = run(stale, other, ran(2010, command, "bob", 2), logon(2010.2, "db02", "10.0.0.5", pid=3))
    assert found[-1] == (OTHER, 1, "likely")


def test_a_command_that_names_another_account_leads_to_none_but_that() -> None:
    other = logon(0, "gate", OTHER, "bob", pid=2)
    found = run(other, ran(10, "ssh root@db02", "bob", 2), logon(10.2, "db02", "10.0.0.5", "ann", pid=3))
    assert found[-1] == (None, None, None)


@pytest.mark.parametrize(("service", "confidence"), [("ssh", "likely"), ("rdp", "possible"), ("vnc", "possible")])
def test_a_tunnel_is_likely_that_of_who_came_by_ssh_and_possibly_that_of_others(service: str, confidence: str) -> None:
    found = run(logon(0, "gate", OUT, "bob", service, pid=1), logon(30, "gate", "127.0.0.1", "ann", "rdp", pid=2))
    assert found[-1] == (OUT, 1, confidence)


def test_of_the_sessions_on_a_host_the_ssh_one_carries_the_tunnel() -> None:
    found = run(
        logon(0, "gate", OUT, "bob", "ssh", pid=1), logon(5, "gate", OTHER, "cy", "rdp", pid=2), logon(30, "gate", "127.0.0.1", "ann", "rdp", pid=3)
    )
    assert found[-1] == (OUT, 1, "likely")


def test_bulk_that_an_entered_host_sends_to_a_new_address_is_likely_the_outsider_s() -> None:
    assert run(logon(0, "gate", OUT), sent(10))[-1] == (OUT, 1, "likely")


@pytest.mark.parametrize(
    "rows",
    [
        (sent(-1440), logon(0, "gate", OUT), sent(10)),  # as every night
        (logon(-5, "gate", "10.0.0.77", "bob", pid=2), logon(0, "gate", OUT), sent(10)),  # somebody from inside is there
        (logon(-5, "gate", OTHER, "bob", pid=2), logon(0, "gate", OUT), sent(10)),  # another outsider is there
    ],
)
def test_bulk_that_somebody_else_may_send_is_possible_only(rows: tuple[dict[str, Any], ...]) -> None:
    assert run(*rows)[-1] == (OUT, 1, "possible")


def test_bulk_of_a_host_nobody_entered_is_nobody_s() -> None:
    assert run(logon(0, "gate", OUT), sent(10, src="10.0.0.6"))[-1] == (None, None, None)


def test_attaching_a_million_flows_takes_memory_for_the_batch_only() -> None:
    number = 1_000_000
    events = frame([logon(0, "gate", OUT), sent(10)])
    sessions = build(events)
    bindings = bind(events, sessions, GATE)
    bonds = attribute(sessions, bindings)
    many = events[1:].select(pl.all().repeat_by(number).explode()).with_columns(pl.int_range(number, dtype=events["row"].dtype).alias("row") + 2)
    made, table = attributed(many, sessions, bonds, bindings)
    assert made["origin_ip"].unique().to_list() == [OUT]
    assert table.height == number
