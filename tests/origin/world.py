"""Small random worlds: hosts, VPN gateways, a relay, logons from outside and inside, hops, rivals, other names, sessions that never end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import polars as pl
from hypothesis import strategies as st

from gatewatch.schema.events import DTYPES

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOSTS = {"10.0.0.5": "gate", "10.0.0.6": "db", "10.0.0.7": "app", "10.0.0.8": "rdgw"}
OUTSIDE = ("203.0.113.9", "198.51.100.7", "192.0.2.33")
LEASED = ("10.8.0.2", "10.8.0.3")
UNBOUND = "10.0.9.9"
INNER = ("10.0.0.5", "10.0.0.5", "10.0.0.6", "10.0.0.8", *LEASED, UNBOUND)
USERS = ("ann", "ann", "ann", "bob", "root", "svc-run")
PLACES = ("gate", "gate", "db", "app")
DAY = 60 * 24
NAMES = (
    *("host", "user", "session", "src_ip", "scope", "command", "source", "kind", "time", "service"),
    *("assigned_ip", "dst_host", "target_user", "auth_method"),
)
Choose = Callable[[Sequence[Any]], Any]


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return *rows*, which are in order, as a table with ``row``."""
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in NAMES}, schema={name: DTYPES[name] for name in NAMES}).with_row_index(
        "row"
    )


def scope_of(address: str | None) -> str | None:
    """Return the scope of an address of these worlds."""
    outside = ("203.0.113.", "198.51.100.", "192.0.2.")
    return None if address is None else "public" if address.startswith(outside) else "private"


def _make(choose: Choose) -> list[dict[str, Any]]:
    """Make the events of a world in their total order (no two at one instant)."""
    span = choose((30, 30, 90, DAY, 20 * DAY))
    minutes = range(span)
    rows: list[dict[str, Any]] = []
    for number in range(choose(range(1, 13))):
        shape = choose(("ssh", "hop", "hop", "hop", "vpn", "relay"))
        begin = choose(minutes)
        row: dict[str, Any] = {"minute": begin, "kind": "auth_success", "user": choose(USERS), "auth_method": "password"}
        if shape in {"ssh", "hop"}:
            reused = choose(range(4))
            row |= {"host": choose(PLACES), "src_ip": choose(OUTSIDE if shape == "ssh" else INNER), "service": "ssh", "source": "sshd"}
            row["session"] = f"pid:{reused or 100 + number}"
        elif shape == "vpn":
            row |= {"host": choose(("vpn1", "vpn1", "vpn2")), "src_ip": choose((*OUTSIDE, UNBOUND)), "session": f"tunnel:{number}"}
            row |= {"service": "vpn", "source": "fortigate", "assigned_ip": choose(LEASED)}
        else:
            row |= {"host": "rdgw", "src_ip": choose(OUTSIDE), "session": f"rdg:{number}", "service": "rdgateway", "dst_host": choose(PLACES)}
            row["source"] = "windows-gateway"
        row["scope"] = scope_of(row["src_ip"])
        rows.append(row)
        if choose((True, False)):
            ends = begin + choose(range(1, choose((30, span, 12 * DAY)) + 1))
            rows.append({"minute": ends, "kind": "session_end", "host": row["host"], "session": row["session"], "source": row["source"]})
    for _ in range(choose(range(9))):
        shape = choose(("sudo", "su", "failure", "out", "exec", "client", "boot"))
        row = {"minute": choose(minutes), "host": choose(PLACES), "source": "sudo"}
        if shape == "sudo":
            row |= {"kind": "privilege_use", "user": choose(USERS), "target_user": "root", "command": "/usr/bin/id"}
        elif shape == "su":
            row |= {"kind": "privilege_use", "user": choose(USERS), "target_user": choose(USERS), "command": "/bin/su", "source": "su"}
        elif shape == "client":
            row |= {"kind": "exec", "user": choose(USERS), "session": choose(("pid:1", "pid:2")), "source": "auditd"}
            target = choose((*(f"{place}.corp.example" for place in PLACES), "10.0.0.5", "10.0.0.6", UNBOUND))
            row["command"] = f"ssh {choose(('root@', ''))}{target}"
        elif shape == "failure":
            src = choose((*OUTSIDE, *INNER))
            row |= {"kind": "auth_failure", "user": choose(USERS), "src_ip": src, "scope": scope_of(src), "session": "pid:999", "source": "sshd"}
        elif shape == "out":
            row |= {"kind": "logon_out", "user": choose(USERS), "dst_host": choose(PLACES), "source": "windows-session"}
            row |= {"target_user": choose((None, *USERS)), "session": choose((None, "pid:1", "pid:2"))}
            if row["dst_host"] == row["host"]:
                row["dst_host"] = None
        elif shape == "exec":
            row |= {"kind": "exec", "user": choose(USERS), "session": choose(("pid:1", "pid:2", "pid:3")), "command": "id", "source": "auditd"}
        else:
            row |= {"kind": "boot", "source": "system"}
        rows.append(row)
    rows.sort(key=lambda one: one["minute"])
    for number, row in enumerate(rows):
        row["time"] = START + timedelta(minutes=row.pop("minute"), milliseconds=number)
    return rows


@st.composite
def worlds(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw a world that shrinks."""
    return _make(lambda values: draw(st.sampled_from(values)))


def world(seed: int) -> list[dict[str, Any]]:
    """Return the world of a number: denser than those that are drawn."""
    return _make(Random(seed).choice)
