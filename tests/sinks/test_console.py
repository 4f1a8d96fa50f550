from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import msgspec
import pytest
from inline_snapshot import snapshot
from rich.cells import cell_len

from gatewatch.schema.incidents import Scan
from gatewatch.schema.records import Disposition, Tally
from gatewatch.sinks.console import Console, console_svg


def render(scan: Scan, width: int = 80, *, color: bool = False) -> str:
    out = io.StringIO()
    Console().write(scan, out, color=color, width=width)
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_no_line_is_wider_than_the_terminal(scan: Scan, width: int) -> None:
    assert max(cell_len(line) for line in render(scan, width).splitlines()) <= width


def test_the_gravest_incident_comes_first_and_says_what_matters(scan: Scan) -> None:
    page = render(scan, 140)
    wanted = (
        "3 incidents: 1 critical, 1 high, 1 medium",
        "120,795 records",
        "CRITICAL",
        "203.0.113.9 guessed the SSH password",
        "203.0.113.9 (BR, AS64500 Example Hosting)",
        "2026-01-05 03:12:44 to 22:53:44 Europe/Vienna",
        "2026-01-05 02:12:44 to 21:53:44 UTC",
        "412 failures in 8 min 23 s, then accepted 03:21:07",
        "yes: a session is open",
        "second door: a key was added",
        "+4 guess ended in a password logon",
        "db1: commands run without sudo",
        "Jan  5 03:12:44 web1 sshd[4100]: Failed password",
        "1. Block 203.0.113.9",
        "M1032 Authentication Tools and Methods (ssh on web1, logon): would have cut it. Evidence: only knowledge; missing now",
        "mend: ask for two",
        "M1030 Restrict Traffic with ACLs and Firewalls (ssh on web1, logon): nobody reaches it; in place now",
        "db1: Apply Microsegmentation for Workloads",
        "collect: the rules of db1",
        "and 1 measure that may have cut or shown it",
        "HIGH",
        "MEDIUM",
        "What each measure alone would have done",
        "M1032 Multi-factor Authentication",
        "smallest set    M1032.2 Authentication Tools and Methods would have broken 2 of 2",
        "nothing would surely have broken gw-55e1d0c3a7b8",
        "9 accesses accepted from outside",
        "gatewatch access",
        "1,234 outside sources only failed",
        "2 gaps, longest 20 h",
        "113,269 used + 2,314 ignored + 5,210 unrecognised + 2 rejected = 120,795 read",
        "not read",
        "time ran backwards",
        "5,210 program CRON",
    )
    places = [page.find(words) for words in wanted]
    assert -1 not in places, wanted[places.index(-1)]
    assert places == sorted(places)


def test_two_runs_are_identical(scan: Scan) -> None:
    assert render(scan) == render(msgspec.convert(msgspec.to_builtins(scan), Scan))


def test_colour_only_when_asked_for(scan: Scan) -> None:
    assert "\x1b" not in render(scan)
    colored = render(scan, color=True)
    assert "\x1b[" in colored
    plain = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", colored).splitlines()]
    assert plain == render(scan).splitlines()


def test_hostile_text_reaches_no_terminal(hostile_scan: Scan) -> None:
    page = render(hostile_scan)
    assert all(char == "\n" or char.isprintable() for char in page)
    assert max(cell_len(line) for line in page.splitlines()) <= 80
    assert len(page) < 60_000


def test_markup_in_names_is_text(scan: Scan) -> None:
    scan.incidents = [msgspec.structs.replace(scan.incidents[0], verdict="[bold red]not bold[/bold red] :bomb:")]
    assert "[bold red]not bold[/bold red] :bomb:" in render(scan)


def test_a_terminal_without_unicode_gets_ascii_frames(scan: Scan) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", errors="backslashreplace")
    Console().write(scan, out, color=False, width=80)
    out.flush()
    page = out.buffer.getvalue()  # type: ignore[attr-defined]
    assert b"+-  CRITICAL" in page
    assert b"\\u2" not in page


def test_many_incidents_are_kept_short(scan: Scan) -> None:
    one = scan.incidents[0]
    scan.incidents = [msgspec.structs.replace(one, id=f"gw-{number}") for number in range(200)]
    page = render(scan)
    assert page.count("╭") == 10
    assert "190 further incidents, in short" in page
    assert "and 150 more: write them with -o jsonl:FILE" in page


def test_a_sum_that_does_not_add_up_is_said(scan: Scan) -> None:
    scan.records += 1
    assert "This does not add up (120,795 of 120,796)" in render(scan)


def test_an_empty_scan(empty_scan: Callable[..., Scan]) -> None:
    assert render(empty_scan()) == snapshot("""\
gatewatch  No incident
0 records · 0 files
Nothing was read: the inputs held no record.

Records
  0 used + 0 ignored + 0 unrecognised + 0 rejected = 0 read
""")


def test_nothing_recognised_names_the_programs_seen(empty_scan: Callable[..., Scan]) -> None:
    tallies = [Tally("a", None, Disposition.UNRECOGNISED, "", 7)]
    page = render(empty_scan(records=7, tallies=tallies, extra={"programs": {"nginx\x1b": 7}}))
    assert "Nothing was recognised: none of the 7 records" in page
    assert r"programs seen: nginx\x1b (7)" in page


def test_the_picture_loads_nothing(scan: Scan) -> None:
    svg = console_svg(scan, 90)
    ET.fromstring(svg)
    assert svg == console_svg(scan, 90)
    assert re.findall(r"https?://[^\"' ]+", svg) == ["http://www.w3.org/2000/svg"]
    assert "@font-face" not in svg
    assert "CRITICAL" in svg
