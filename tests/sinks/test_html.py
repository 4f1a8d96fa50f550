from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from gatewatch.schema.incidents import Scan
from gatewatch.sinks.html import LIMITS, Html, style_hash, style_sheet

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VOID = {"meta", "link", "br", "img", "input"}


class Reader(HTMLParser):
    """Collects tags, attributes and text, and sees that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def render(scan: Scan) -> str:
    out = io.StringIO()
    Html().write(scan, out, color=False, width=80)
    return out.getvalue()


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_what_nobody_recognises_is_named_with_what_came_closest(scan: Scan) -> None:
    page = render(scan)
    text = re.sub(r"\s+", " ", read(page).text)
    assert "Not recognised, and what came closest 2" in text
    for words in ("web1/app.log", "1,204", "its text reads like sshd", "<b>hi</b> \\x1b]0;x", "binary data of no format we know"):
        assert words in text
    assert "<b>hi</b>" not in page


def test_the_page_tells_everything(scan: Scan) -> None:
    text = re.sub(r"\s+", " ", read(render(scan)).text)
    for words in (
        "3 incidents",
        "203.0.113.9 guessed the SSH password of deploy",
        "2026-01-05 03:12:44 to 22:53:44 Europe/Vienna",
        "2026-01-05 02:12:44 to 21:53:44 UTC",
        "412 failures in 8 min 23 s, then accepted 03:21:07",
        "yes: a session is open where the logs end",
        "a key was added to /root/.ssh/authorized_keys",
        "guess ended in a password logon",
        "db1: commands run without sudo",
        "Failed password for deploy from 203.0.113.9",
        "Block 203.0.113.9, 203.0.113.77",
        "M1032 Authentication Tools and Methods (ssh on web1, logon): would have cut it. Evidence: only knowledge; missing now (",
        "Mend: ask for two",
        "1 missing, 2 unknown, 1 in place",
        "the rules of db1",
        "M1032.2 Authentication Tools and Methods would have broken 2 of 2 that can be broken.",
        "M1032 Multi-factor Authentication would have broken 2 of 2 that can be broken; 2 other sets are as small, none with less effort",
        "Nothing would surely have broken gw-55e1d0c3a7b8",
        "1,234 outside sources only failed",
        "the archive is cut short",
        "the clock went from",
        "120,795 read",
        "key exchange chatter",
        "ausearch --raw",
        "Clock fault",
    ):
        assert words in text, words


def test_it_is_self_contained(scan: Scan) -> None:
    page = render(scan)
    reader = read(page)
    assert not {"script", "img", "iframe", "object", "embed", "form", "base"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name in {"style", "src"}]
    assert all(value.startswith(("#", "data:,")) for name, value in reader.attributes if name == "href")
    assert "url(" not in style_sheet()
    assert "@import" not in style_sheet()
    policy = next(value for name, value in reader.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert style_hash(style.group(1)) in policy


def test_ids_are_unique_and_links_lead_somewhere(scan: Scan) -> None:
    reader = read(render(scan))
    assert len(reader.ids) == len(set(reader.ids))
    for name, value in reader.attributes:
        if name == "href" and value.startswith("#"):
            assert value[1:] in reader.ids
        if name in {"aria-labelledby", "aria-describedby"}:
            assert value in reader.ids


def test_tables_have_headers_and_pictures_descriptions(scan: Scan) -> None:
    page = render(scan)
    assert page.count("<table") == page.count("<thead>")
    assert len(re.findall(r"<th(?![^>]*scope=)[ >]", page)) == 0
    pictures = re.findall(r'<svg[^>]*role="img".*?</svg>', page, re.DOTALL)
    assert len(pictures) == 8
    assert all("<title" in picture and "<desc" in picture for picture in pictures)


def test_hostile_text_stays_text(hostile_scan: Scan, hostile: str, scan: Scan) -> None:
    page = render(hostile_scan)
    reader = read(page)
    harmless = read(render(scan))
    assert set(reader.tags) <= set(harmless.tags)
    assert {name for name, _ in reader.attributes} <= {name for name, _ in harmless.attributes}
    assert all(char == "\n" or char.isprintable() for char in page)
    if hostile == "{{7*7}}":
        assert "{{7*7}}" in reader.text
    assert len(page) < 1_500_000


def test_two_runs_are_identical(scan: Scan) -> None:
    assert render(scan) == render(msgspec.convert(msgspec.to_builtins(scan), Scan))


def test_a_scan_without_anything(empty_scan: Callable[..., Scan]) -> None:
    text = read(render(empty_scan())).text
    assert "No incident" in text
    assert "Nothing was read" in text
    assert "No log of a known kind was given." in text
    assert "No access from outside was accepted." in text


def test_what_does_not_fit_is_counted(scan: Scan) -> None:
    one = scan.incidents[0]
    scan.incidents = [msgspec.structs.replace(one, id=f"gw-{number}") for number in range(LIMITS["incidents"] + 3)]
    page = render(scan)
    assert page.count("<article") == LIMITS["incidents"]
    assert "3 more incidents are in the JSON output" in page


@contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


def browse(page: Path, profile: Path) -> str:
    """Load *page* in a headless browser and return what its console said."""
    assert CHROMIUM is not None
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
    offline = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    command = [CHROMIUM, *flags.split(), "--enable-logging=stderr", offline, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "</html>" in done.stdout
    return "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="no Chromium here")
def test_a_browser_has_nothing_to_complain_of_and_asks_for_nothing(tmp_path: Path, poisoned: Callable[[str], Scan]) -> None:
    page = tmp_path / "report.html"
    with listening() as (port, asked):
        attack = (
            f'"><img src="http://127.0.0.1:{port}/x"><style>@import "http://127.0.0.1:{port}/y";</style><script>console.log(1)</script>'
        )
        page.write_text(f'<!doctype html><html><body><p title="{attack}"></body></html>')
        assert "CONSOLE" in browse(page, tmp_path / "profile")  # the attack works where nothing is escaped
        assert "/x" in asked
        asked.clear()
        page.write_text(render(poisoned(attack)), encoding="utf-8")
        assert browse(page, tmp_path / "profile") == ""
        assert asked == []
