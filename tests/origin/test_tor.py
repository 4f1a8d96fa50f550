"""SSH from the loopback address: a tunnel where Tor's own log shows that it ran on the host, everyday work elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from gatewatch.origin.attribution import attribute
from gatewatch.origin.session import build
from gatewatch.schema.events import DTYPES

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


def tunnels(*rows: dict[str, Any]) -> list[bool]:
    names = ("time", "kind", "service", "host", "user", "src_ip", "scope", "session", "source")
    made = [{"host": "gate", **row, "time": START + timedelta(days=row["day"])} for row in rows]
    events = pl.DataFrame([{name: row.get(name) for name in names} for row in made], schema={name: DTYPES[name] for name in names})
    sessions = build(events.sort("time").with_row_index("row"))
    bonds = attribute(sessions, {})
    assert [sid in bonds for sid in sessions.table["sid"]] == sessions.table["outside"].to_list()
    return sessions.table["tunnel"].to_list()


def tor(day: float, **more: Any) -> dict[str, Any]:
    return {"day": day, "kind": "service_start", "service": "tor", "source": "tor"} | more


def ssh(day: float, **more: Any) -> dict[str, Any]:
    return {"day": day, "kind": "auth_success", "service": "ssh", "source": "sshd", "user": "ann", "src_ip": "127.0.0.1", "scope": "loopback"} | more


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((ssh(1),), [False]),
        ((tor(0), ssh(1)), [True]),
        ((tor(0), ssh(29)), [True]),
        ((tor(0), ssh(31)), [False]),
        ((ssh(1), tor(2)), [False]),
        ((tor(0, host="other"), ssh(1)), [False]),
        ((tor(0, kind="connection"), ssh(1)), [False]),
        ((tor(0, host=None), ssh(1)), [False]),
        ((tor(0), ssh(1, src_ip="10.0.0.9", scope="private")), [False]),
        ((tor(0), ssh(1, service="smb")), [False]),
        ((tor(0), ssh(1, host=None)), [False]),
    ],
)
def test_when_ssh_is_a_tunnel(rows: tuple[dict[str, Any], ...], expected: list[bool]) -> None:
    assert tunnels(*rows) == expected
