"""Small random worlds: hosts, a VPN gateway, a relay, logons from outside and inside, hops, rivals, sessions that never end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from gatewatch.schema.events import DTYPES

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOSTS = {"10.0.0.5": "gate", "10.0.0.6": "db", "10.0.0.7": "app", "10.0.0.8": "rdgw"}
OUTSIDE = ("203.0.113.9", "198.51.100.7", "192.0.2.33")
LEASED = ("10.8.0.2", "10.8.0.3")
UNBOUND = "10.0.9.9"
USERS = ("ann", "bob", "root", "svc-run")
NAMES = sorted(
    ("host", "user", "session", "src_ip", "scope", "command", "source", "kind", "time", "service", "assigned_ip", "dst_host", "target_user", "auth_method")
)


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return *rows*, which are in order, as a table with ``row``."""
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in NAMES}, schema={name: DTYPES[name] for name in NAMES}).with_row_index("row")


def scope_of(address: str | None) -> str | None:
    if address is None:
        return None
    return "public" if address in OUTSIDE else "private"


_minute = st.one_of(st.integers(0, 40), st.integers(0, 60 * 24 * 20))
_address = st.sampled_from((*OUTSIDE, *HOSTS, *LEASED, UNBOUND))
_inner = st.sampled_from((*HOSTS, *LEASED, UNBOUND))
_host = st.sampled_from(("gate", "db", "app"))
_user = st.sampled_from(USERS)


@st.composite
def worlds(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw the events of a world in their total order (no two at one instant)."""
    rows: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 9))):
        shape = draw(st.sampled_from(("ssh", "ssh", "hop", "hop", "vpn", "relay", "inside")))
        begin = draw(_minute)
        ends = draw(st.one_of(st.none(), st.integers(1, 30), st.integers(1, 60 * 24 * 12)))
        user = draw(_user)
        row: dict[str, Any] = {"minute": begin, "kind": "auth_success", "user": user, "auth_method": "password"}
        if shape in {"ssh", "hop", "inside"}:
            src = draw(st.sampled_from(OUTSIDE) if shape == "ssh" else _inner)
            reused = draw(st.integers(0, 3))
            row |= {"host": draw(_host), "src_ip": src, "session": f"pid:{reused or 100 + number}", "service": "ssh", "source": "sshd"}
        elif shape == "vpn":
            gateway = draw(st.sampled_from(("vpn1", "vpn1", "vpn2")))
            src = draw(st.one_of(st.sampled_from(OUTSIDE), st.just(UNBOUND)))
            row |= {"host": gateway, "src_ip": src, "session": f"tunnel:{number}", "service": "vpn", "source": "fortigate"}
            row["assigned_ip"] = draw(st.sampled_from(LEASED))
        else:
            row |= {"host": "rdgw", "src_ip": draw(st.sampled_from(OUTSIDE)), "session": f"rdg:{number}", "service": "rdgateway"}
            row |= {"dst_host": draw(_host), "source": "windows-gateway"}
        row["scope"] = scope_of(row["src_ip"])
        rows.append(row)
        if ends is not None:
            rows.append({"minute": begin + ends, "kind": "session_end", "host": row["host"], "session": row["session"], "source": row["source"]})
    for _ in range(draw(st.integers(0, 8))):
        shape = draw(st.sampled_from(("sudo", "failure", "out", "exec", "boot")))
        row = {"minute": draw(_minute), "host": draw(_host), "source": "sudo"}
        if shape == "sudo":
            row |= {"kind": "privilege_use", "user": draw(_user), "target_user": "root", "command": "/usr/bin/id"}
        elif shape == "failure":
            src = draw(_address)
            row |= {"kind": "auth_failure", "user": draw(_user), "src_ip": src, "scope": scope_of(src), "session": "pid:999", "source": "sshd"}
        elif shape == "out":
            row |= {"kind": "logon_out", "user": draw(_user), "dst_host": draw(_host), "source": "windows-session"}
            row["target_user"] = draw(st.one_of(st.none(), _user))
            row["session"] = draw(st.one_of(st.none(), st.sampled_from(("pid:1", "pid:2"))))
            if row["dst_host"] == row["host"]:
                row["dst_host"] = None
        elif shape == "exec":
            row |= {"kind": "exec", "user": draw(_user), "session": draw(st.sampled_from(("pid:1", "pid:2", "pid:3"))), "command": "id", "source": "auditd"}
        else:
            row |= {"kind": "boot", "source": "system"}
        rows.append(row)
    rows.sort(key=lambda one: one["minute"])
    for number, row in enumerate(rows):
        row["time"] = START + timedelta(minutes=row.pop("minute"), milliseconds=number)
    return rows
