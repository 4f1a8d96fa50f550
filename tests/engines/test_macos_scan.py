"""Scans of unified logs, which name no host."""

from __future__ import annotations

from pathlib import Path

from gatewatch.app import scan

SITE = '[site]\nname = "t"\n[network]\noutside = ["192.0.2.0/24"]\n'
LINES = (
    "2026-01-20 09:00:00.000000+0000  localhost screensharingd[6]: Authentication: SUCCEEDED :: User Name: kim :: Viewer Address: 192.0.2.66",
    "2026-01-20 09:01:00.000000+0000  localhost sudo[7]:      kim : TTY=ttys001 ; PWD=/ ; USER=root ; COMMAND=/usr/sbin/spctl --master-disable",
)
LINUX = "Jan 20 09:00:00 gate01 sshd[1]: Server listening on 0.0.0.0 port 22.\n"


def write(folder: Path, files: dict[str, str]) -> str:
    for name, text in {**files, "gatewatch.toml": SITE}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


def hosts(folder: Path, files: dict[str, str]) -> tuple[list[list[str]], list[str]]:
    result = scan([write(folder, files)], config=str(folder / "gatewatch.toml"), zone="UTC", year=2026)
    return sorted(sorted(one.hosts) for one in result.incidents), result.notes


def test_a_mac_without_a_name_is_localhost_and_its_sessions_hold_together(tmp_path: Path) -> None:
    assert hosts(tmp_path, {"case/mac.log": "\n".join(LINES) + "\n"}) == ([["localhost"]], [])


def test_two_macs_are_told_by_their_folders(tmp_path: Path) -> None:
    text = "\n".join(LINES) + "\n"
    found, notes = hosts(tmp_path, {"case/one/mac.log": text, "case/two/mac.log": text.replace("kim", "ann")})
    assert found == [["one", "two"]]
    assert notes == []


def test_files_of_one_folder_are_one_mac_and_the_reader_is_told(tmp_path: Path) -> None:
    found, notes = hosts(tmp_path, {"case/1.log": LINES[0] + "\n", "case/2.log": LINES[1] + "\n"})
    assert found == [["localhost"]]
    assert len(notes) == 1
    assert "one Mac (localhost)" in notes[0]


def test_the_log_of_another_host_lends_a_mac_no_name(tmp_path: Path) -> None:
    found, _ = hosts(tmp_path, {"case/auth.log": LINUX, "case/mac.log": "\n".join(LINES) + "\n"})
    assert found == [["localhost"]]


def test_an_object_over_many_lines_is_shown_whole() -> None:
    here = Path(__file__).parents[1] / "scenarios"
    result = scan([str(here / "an1006-guess-logon-onward" / "json-array.log")], config=str(here / "gatewatch.toml"), zone="UTC", year=2026)
    raws = [item.raw for stage in result.incidents[0].stages for item in stage.evidence]
    assert raws
    assert all(raw.startswith('{ "traceID": ') and raw.endswith("}") and raw.count('"eventMessage"') == 1 for raw in raws)
