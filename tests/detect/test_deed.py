"""Tests of deeds: the words for what an event did, by rule, platform, kind and what the record leaves out."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from gatewatch.detect.deed import deed
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
