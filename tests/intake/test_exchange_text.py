"""Headers of CEF and LEEF, of FreeRADIUS' log and of OpenVPN's status file."""

from __future__ import annotations

from typing import Any

import pytest

from gatewatch.intake.line import Block, read_lines
from gatewatch.intake.syslog import Framer

CEF = "CEF:0|A|B|1|2|login|3|src=192.0.2.7"
LEEF = "LEEF:1.0|A|B|1|login|src=192.0.2.7"


def frame(*lines: str) -> list[dict[str, Any]]:
    data = ("\n".join(lines) + "\n").encode()
    return Framer().frame(read_lines(Block(data, len(data), 0))).records.to_dicts()


@pytest.mark.parametrize(
    ("line", "program", "host", "time"),
    [
        (CEF, "cef", None, None),
        (f"<13>{LEEF}", "leef", None, None),
        (f"Jan  5 12:00:00 fw01 {CEF}", "cef", "fw01", "2000-01-05T12:00:00"),
        (f"<134>Jan  5 12:00:00 {CEF}", "cef", None, "2000-01-05T12:00:00"),
        (f"Jan  5 12:00:00 fw01 emerg {CEF}", "cef", "fw01", "2000-01-05T12:00:00"),
        (f"Jan  5 2026 12:00:00 fw01 {CEF}", "cef", "fw01", "2026-01-05T12:00:00"),
        (f"2026-01-05T12:00:00+01:00 fw01 {LEEF}", "leef", "fw01", "2026-01-05T11:00:00"),
        (f"<134>1 2026-01-05T12:00:00Z fw01 app - - - {CEF}", "cef", "fw01", "2026-01-05T12:00:00"),
        (f'<134>1 2026-01-05T12:00:00Z fw01 app 7 id [a b="c d"] {CEF}', "cef", "fw01", "2026-01-05T12:00:00"),
        (f"Jan 5 13:00:00 10.1.1.1 1544 <14>1 2026-01-05T12:00:00.5Z relay fwd - logs - {CEF}", "cef", "relay", "2026-01-05T12:00:00"),
        ("Mon Jan  5 12:00:00 2026 : Auth: (1) Login OK: [ann] (from client a port 0)", "radiusd", None, "2026-01-05T12:00:00"),
        ("CLIENT_LIST,c,203.0.113.7:5,10.8.0.6,,1,2,2026-01-05 12:00:00,1767614400,ann,0,0,X", "openvpn-status", None, "2026-01-05T12:00:00"),
        ("c,203.0.113.7:5,1,2,Mon Jan  5 12:00:00 2026", "openvpn-status", None, "2026-01-05T12:00:00"),
        ("c,[2001:db8::7]:5,1,2,2026-01-05 12:00:00", "openvpn-status", None, "2026-01-05T12:00:00"),
        ("10.8.0.6,c,203.0.113.7:5,2026-01-05 12:00:00", "openvpn-status", None, "2026-01-05T12:00:00"),
        ("Updated,2026-01-05 12:00:00", "openvpn-status", None, None),
        ("END", "openvpn-status", None, None),
    ],
)
def test_headers(line: str, program: str, host: str | None, time: str | None) -> None:
    (row,) = frame(line)
    moment = row["time"] or row["local"]
    assert (row["program"], row["host"], moment and moment.isoformat()[:19]) == (program, host, time)
    if program in ("cef", "leef"):
        assert row["message"] in (CEF, LEEF)


@pytest.mark.parametrize(
    "line",
    [
        "Jan  5 12:00:00 gate sshd[7]: Invalid user CEF:0|A|B| from 203.0.113.9 port 22",
        "2026-01-05T12:00:00Z gate sshd: Invalid user CEF:0|A|B|1|2|login|3|x from 203.0.113.9 port 22",
        "<38>1 2026-01-05T12:00:00Z gate sshd 7 - - Invalid user CEF:0|A|B|1|2|login|3|x from 203.0.113.9 port 22",
        "2026-01-05T12:00:00Z gate sshd[7]: Invalid user a,203.0.113.7:5,1,2,2026-01-05 12:00:00 from 203.0.113.9 port 22",
    ],
)
def test_what_a_user_wrote_is_no_header(line: str) -> None:
    assert [row["program"] for row in frame(line)] == ["sshd"]
