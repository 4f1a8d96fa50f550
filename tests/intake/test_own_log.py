"""Logs that xrdp, Guacamole, Tor, unbound and VNC servers write themselves: whose line it is, when, and what is nobody's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake.line import cut, read_lines
from gatewatch.intake.syslog import Framed, Framer

NOON = datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC)
WALL = datetime.fromisoformat("2026-01-05T12:00:00")
WEB = "[http-nio-8080-exec-3] INFO  o.a.g.tunnel.TunnelRequestService - x"


def frame(text: str) -> Framed:
    (block,) = cut([text.encode()])
    return Framer().frame(read_lines(block))


@pytest.mark.parametrize(
    ("line", "program", "local", "time", "message"),
    [
        ("[20260105-12:00:00] [INFO ] x", "xrdp", WALL, None, "[INFO ] x"),
        ("[2026-01-05T12:00:00.000+0000] [ERROR] x", "xrdp", None, NOON, "[ERROR] x"),
        ("[2026-01-05T12:00:00.000] [WARN ] x", "xrdp", WALL, None, "[WARN ] x"),
        ("Jan 05 12:00:00.000 [notice] x", "tor", datetime.fromisoformat("2000-01-05T12:00:00"), None, "[notice] x"),
        (f"2026-01-05T12:00:00Z 12:00:00.001 {WEB}", "guacamole", None, NOON, WEB),
        (f"2026-01-05 12:00:00,000 {WEB}", "guacamole", WALL, None, WEB),
        (f"2026-01-05T12:00:00.000000000Z stdout F 12:00:00.001 {WEB}", "guacamole", None, NOON, WEB),
        (f"12:00:00.000 {WEB}", "guacamole", None, None, WEB),
        ("2026-01-05T12:00:00Z guacd[7]: INFO:\tx", "guacd", None, NOON, "INFO:\tx"),
        ("[1767614400] unbound[812:0] info: x", "unbound", None, NOON, "[812:0] info: x"),
        ("[1767614400.5] unbound[812:a] query: x", "unbound", None, NOON.replace(microsecond=500_000), "[812:a] query: x"),
        ("Jan 05 12:00:00 unbound[812:0] info: x", "unbound", datetime.fromisoformat("2000-01-05T12:00:00"), None, "[812:0] info: x"),
        ("2026-01-05T12:00:00.000+00:00 unbound[812:0] info: x", "unbound", None, NOON, "[812:0] info: x"),
        ("05-Jan-2026 12:00:00.000 INFO [main] x", "tomcat", WALL, None, "INFO [main] x"),
        ("05/01/2026 12:00:00 Got connection from client 203.0.113.7", "x11vnc", WALL, None, "Got connection from client 203.0.113.7"),
        ("05/01/26 12:00:00 Got connection from client 203.0.113.7", "x11vnc", WALL, None, "Got connection from client 203.0.113.7"),
        (" Connections: accepted: 203.0.113.7::5", "Xvnc", None, None, "Connections: accepted: 203.0.113.7::5"),
        ("2026-01-05 12:00:00,000 [PRIO] Connections: accepted: 203.0.113.7::5", "Xvnc", WALL, None, "Connections: accepted: 203.0.113.7::5"),
        ("203.0.113.7 - - [05/Jan/2026 12:00:00] x", "websockify", WALL, None, "203.0.113.7 - - [05/Jan/2026 12:00:00] x"),
    ],
)
def test_headers(line: str, program: str, local: datetime | None, time: datetime | None, message: str) -> None:
    framed = frame(line + "\n")
    assert framed.left.height == 0
    row = framed.records.row(0, named=True)
    assert (row["program"], row["local"], row["time"], row["message"], row["host"]) == (program, local, time, message, None)


def test_a_line_of_xvnc_bears_the_date_above_it() -> None:
    text = "Mon Jan  5 12:00:00 2026\n Connections: accepted: 203.0.113.7::5\n\nMon Jan  5 12:00:09 2026\n SConnection: x\n"
    records = frame(text).records
    assert records["local"].dt.second().to_list() == [0, 0, 9, 9]
    assert records["message"].to_list() == ["date", "Connections: accepted: 203.0.113.7::5", "date", "SConnection: x"]


def test_a_line_of_guacamole_takes_the_day_and_goes_on_over_midnight() -> None:
    text = f"31-Dec-2025 23:59:50.000 INFO [main] x\n23:59:59.000 {WEB}\n00:00:01.000 {WEB}\n00:00:00.900 {WEB}\n"
    local = frame(text).records["local"].to_list()
    assert [moment.isoformat() for moment in local] == [
        *("2025-12-31T23:59:50", "2025-12-31T23:59:59", "2026-01-01T00:00:01", "2026-01-01T00:00:00.900000"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Mon Jan  5 12:00:00 2026",  # a date alone, of whatever program
        "05/01/2026 12:00:00 something else happened",
        "[20261305-12:00:00] [INFO ] no such month",
        "[20260105-12:00:00] [NOTE ] no such level",
        "Foo 05 12:00:00.000 [notice] no such month",
        "12:00:00.000 [main] INFO  com.example.Other - x",
        "35-Jan-2026 12:00:00.000 INFO [main] x",
        "203.0.113.7 - - [05/Jan/2026:12:00:00 +0000] a web server's line",
    ],
)
def test_what_is_not_theirs_is_left(line: str) -> None:
    framed = frame(line + "\n")
    assert set(framed.records["program"].to_list()).isdisjoint({"xrdp", "tor", "guacamole", "tomcat", "x11vnc", "Xvnc", "websockify"})


PIECE = st.sampled_from(
    [
        *("[20260105-12:00:00] ", "[INFO ] ", "Jan 05 12:00:00.000 ", "[notice] ", "12:00:00.000 ", WEB, "31-Dec-2025 23:59:50.000 "),
        "INFO [main] ",
        *("Mon Jan  5 12:00:00 2026", " Connections: ", "05/01/2026 12:00:00 ", "Got connection from client ", "99:99:99.999 ", "\n", "\x1f"),
        *("é", " "),
        *("30-Feb-2026 25:00:00.000 ", "203.0.113.7 - - [05/Jan/2026 12:00:00] ", "2026-01-05 12:00:00,000 ", "[PRIO] ", "guacd[7]: INFO:\t"),
    ]
)


@given(st.lists(PIECE, max_size=30))
def test_every_line_is_framed_or_left(pieces: list[str]) -> None:
    text = "".join(pieces) + "\n"
    framed = frame(text)
    lines = [line for line in text.split("\n") if line.strip("\r\n\0 \t")]
    assert framed.records.height + framed.left.height == len(lines)
    assert framed.records["record"].is_sorted()
