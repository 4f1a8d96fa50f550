"""The styles of ``log show``, ``security.log`` and PF: whose lines they are, and what stands in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gatewatch.intake.line import cut, read_lines
from gatewatch.intake.syslog import Framed, Framer

SSH = "Failed password for ann from 192.0.2.7 port 50022 ssh2"
AT = datetime(2026, 6, 29, 13, 54, 42, 63082, UTC)


def wall(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def frame(text: str) -> Framed:
    (block,) = list(cut([text.encode()]))
    return Framer().frame(read_lines(block))


@pytest.mark.parametrize(
    ("line", "host", "program", "pid"),
    [
        (f"2026-06-29 15:54:42.063082+0200  localhost sshd[3186]: {SSH}", None, "macos:sshd", "3186"),
        (f"2026-06-29 15:54:42.063082+0200 localhost sshd[3186]: {SSH}", None, "macos:sshd", "3186"),
        (f"2026-06-29 15:54:42.063082+0200  mac01 sshd-session[3186]: {SSH}", "mac01", "macos:sshd-session", "3186"),
        (f"2026-06-29 15:54:42.063082+0200  localhost sshd[3186]: [com.openssh.sshd:auth] {SSH}", None, "macos:sshd", "3186"),
        (f"2026-06-29 15:54:42.063082+0200  localhost sshd[3186]: (libpam.2.dylib) {SSH}", None, "macos:sshd", "3186"),
        (f"2026-06-29 15:54:42.063082+0200  localhost sshd[3186]: (Security) [com.apple.securityd:x] {SSH}", None, "macos:sshd", "3186"),
        (f"2026-06-29 15:54:42.063082+0200  localhost Some Helper[7]: {SSH}", None, "macos:Some Helper", "7"),
        (f"2026-06-29 15:54:42.063082+0200 0x1a2b     Default     0x0                  3186   0    sshd: {SSH}", None, "macos:sshd", "3186"),
        (f"2026-06-29 15:54:42.063082+0200 0x1a2b     Info        0x8000000000002f1f   3186    sshd: {SSH}", None, "macos:sshd", "3186"),
        (f"2026-06-29 15:54:42.063082+0200 I  sshd[3186:1a2b] {SSH}", None, "macos:sshd", "3186"),
    ],
)
def test_every_style_says_the_same(line: str, host: str | None, program: str, pid: str) -> None:
    row = frame(line + "\n").records.row(0, named=True)
    assert (row["time"], row["host"], row["program"], row["pid"], row["message"]) == (AT, host, program, pid, SSH)


def test_the_compact_style_has_milliseconds_and_no_zone() -> None:
    row = frame(f"2026-06-29 15:54:42.063 Df sshd[3186:1a2b] {SSH}\n").records.row(0, named=True)
    assert (row["time"], row["local"], row["resolution"]) == (None, wall(2026, 6, 29, 15, 54, 42, 63000), 1000)
    assert (row["program"], row["message"]) == ("macos:sshd", SSH)


@pytest.mark.parametrize(
    "line",
    [
        f"2026-06-29T15:54:42.063082+02:00 gate01 sshd[3186]: {SSH}",
        f"2026-06-29T15:54:42.063082+0200 gate01 sshd[3186]: {SSH}",
        f"2026-06-29 15:54:42.063082+0200 gate01 sshd[3186]: {SSH}",
        f"2026-06-29 15:54:42 localhost sshd[3186]: {SSH}",
        f"2026-06-29 15:54:42.063 +0200 localhost sshd[3186]: {SSH}",
        f"Jun 29 15:54:42 localhost sshd[3186]: {SSH}",
    ],
)
def test_a_line_of_another_host_is_none_of_a_mac(line: str) -> None:
    row = frame(line + "\n").records.row(0, named=True)
    assert (row["program"], row["message"]) == ("sshd", SSH)


def test_a_parenthesis_of_the_message_is_kept() -> None:
    for text in ("(to root) ann on ttys001", "(root) CMD (/usr/libexec/atrun)", "[preauth] x", "(OpenDirectory) x"):
        assert frame(f"2026-06-29 15:54:42.063082+0200  localhost su[9]: {text}\n").records["message"].to_list() == [text]


def test_what_the_command_writes_around_its_records_is_no_line_without_framing() -> None:
    text = (
        'Filtering the log data using "process == "sshd""\n'
        "Skipping info and debug messages, pass --info and/or --debug to include.\n"
        "Timestamp                       Thread     Type        Activity             PID    TTL  \n"
        f"2026-06-29 15:54:42.063082+0200 0x1a2b     Default     0x0                  3186   0    sshd: {SSH}\n"
        f"{'-' * 116}\n"
        "Log      - Default:          1, Info:                0, Debug:             0, Error:          0, Fault:          0\n"
        "Activity - Create:           0, Transition:          0, Actions:           0\n"
    )
    framed = frame(text)
    assert not framed.left.height
    assert framed.records["program"].to_list() == ["macos:log-show"] * 3 + ["macos:sshd"] + ["macos:log-show"] * 3
    assert framed.records["pid"].to_list() == [None] * 3 + ["3186"] + [None] * 3


def test_security_log_has_no_host() -> None:
    framed = frame("Dec  6 19:11:01 secd[1111] <Error> [user{} ]: a text\nDec  6 19:11:02 --- last message repeated 3 time ---\n")
    rows = framed.records.select("host", "program", "pid", "message", "count").rows()
    assert rows == [(None, "macos:secd", "1111", "[user{} ]: a text", 1), (None, "macos:secd", "1111", "[user{} ]: a text", 3)]


def test_a_repeat_lends_nothing_to_lines_that_have_no_pid() -> None:
    text = "Dec  6 19:11:01 mac01 sshd[7]: a\nDec  6 19:11:01 mac01 sudo: b\nDec  6 19:11:02 mac01 last message repeated 2 times\n"
    text = text.replace("mac01 last message", "--- last message").replace("2 times\n", "2 times ---\n")
    assert frame(text).records["pid"].to_list() == ["7", None, None]


@pytest.mark.parametrize(
    ("stamp", "time", "local"),
    [
        ("2026-06-29 15:54:42.063082", None, wall(2026, 6, 29, 15, 54, 42, 63082)),
        ("2026-06-29T15:54:42.063082+02:00", AT, None),
        ("1782741282.063082", AT, None),
        ("Jun 29 15:54:42.063082", None, wall(2000, 6, 29, 15, 54, 42, 63082)),
        ("15:54:42.063082", None, None),
        (" 00:00:00.000185", None, None),
    ],
)
def test_pf_by_every_clock_of_tcpdump(stamp: str, time: datetime | None, local: datetime | None) -> None:
    text = "rule 4/0(match): block in on en0: 192.0.2.7.51234 > 10.0.0.5.5900: Flags [S], length 0"
    row = frame(f"{stamp} {text}\n").records.row(0, named=True)
    assert (row["time"], row["local"], row["host"], row["program"], row["message"]) == (time, local, None, "macos-pf", text)
