"""Tests of deeds: the words for what an event did, by rule, platform, kind and what the record leaves out."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from gatewatch.detect.deed import deed, deeds
from gatewatch.detect.exhibit import read_exhibits
from gatewatch.schema.events import DTYPES

KEY = r"HKLM\System\CurrentControlSet\Control\Terminal Server\fDenyTSConnections"


@pytest.mark.parametrize(
    ("rule", "event", "words"),
    [
        ("group-privileged-added", {"object": "Remote Desktop Users", "target_user": "eve"}, "put eve into the group Remote Desktop Users"),
        ("group-privileged-added", {"object": "Remote Desktop Users"}, "put an account into the group Remote Desktop Users"),
        ("group-privileged-added", {"source": "shadow", "object": "sudo", "target_user": "eve"}, "put eve into a privileged group"),
        ("rdp-enabled", {"kind": "config_change", "object": KEY, "command": "0"}, f"switched Remote Desktop on ({KEY}: 0)"),
        ("lateral-logon", {"kind": "logon_out", "host": "rds01", "dst_host": "db02", "target_user": "adm"}, "moved on to db02"),
        ("lateral-logon", {"kind": "auth_success", "host": "db02"}, "moved on to db02"),
        ("lateral-logon", {"kind": "exec", "host": "rds01", "command": "winrs -r:db02 cmd"}, "reached for another host (winrs -r:db02 cmd)"),
        ("miner", {"kind": "exec", "command": "x {host}"}, "ran a miner (x {host})"),
        ("privilege-use", {"kind": "privilege_use"}, "used administrator rights"),
        ("privilege-use", {"kind": "privilege_use", "target_user": "adm"}, "used the credentials of adm"),
        ("privilege-use", {"kind": "privilege_use", "source": "sudo", "command": "id"}, "used root rights (id)"),
    ],
)
def test_deed(rule: str, event: dict[str, Any], words: str) -> None:
    row = {"kind": "account_change", "source": "windows-account", **event}
    data = {name: pl.Series([value], dtype=DTYPES[name]) for name, value in row.items()}
    time = pl.Series([0], dtype=pl.Int64).cast(DTYPES["time"])
    frame = pl.DataFrame({"row": [7], "time": time, **data, f"rule:{rule}": [True]})
    assert deed(read_exhibits(frame, [7])[7]) == words


def test_a_client_s_record_is_left_out_where_the_logon_is_there() -> None:
    rows = [
        {"kind": "logon_out", "host": "rds01", "dst_host": "fs01.corp.example"},
        {"kind": "auth_success", "host": "FS01.corp.example", "dst_host": None},
        {"kind": "logon_out", "host": "rds01", "dst_host": "10.0.0.9"},
        {"kind": "auth_success", "host": "10.0.0.8", "dst_host": None},
    ]
    columns = {name: pl.Series([row[name] for row in rows], dtype=DTYPES[name]) for name in rows[0]}
    time = pl.Series(range(4), dtype=pl.Int64).cast(DTYPES["time"])
    frame = pl.DataFrame({"row": range(4), "time": time, **columns, "rule:lateral-logon": [True] * 4})
    events = tuple(read_exhibits(frame, range(4)).values())
    assert deeds(events) == ("moved on to FS01.corp.example", "moved on to 10.0.0.9", "moved on to 10.0.0.8")
