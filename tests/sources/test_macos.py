"""macOS: whose record it is, whether public logs of Macs decode, and whether noise stays apart from what nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample import Sample, records

from gatewatch.app import scan
from gatewatch.schema.records import Disposition
from gatewatch.sources import macos, macos_auth, registry

DATA = Path(__file__).parents[2] / "../shared/data/plaso"
SSH = "Failed password for ann from 192.0.2.7 port 50022 ssh2"


@pytest.mark.parametrize(
    ("program", "source"),
    [
        ("sshd", "sshd"),
        ("macos:sshd", "macos-sshd"),
        ("macos:sftp-server", "macos-sshd"),
        ("sudo", "sudo"),
        ("macos:sudo", "macos-sudo"),
        ("screensharingd", "macos-screensharing"),
        ("macos:screensharingd", "macos-screensharing"),
        ("macos:kernel", "macos-system"),
    ],
)
def test_only_the_unified_log_is_of_macos(program: str, source: str) -> None:
    found = registry.source_for(program)
    assert found is not None
    assert found.name == source
    assert registry.source_for("macos:WindowServer") is None


def test_what_concerns_nobody_is_noise_and_the_rest_unrecognised() -> None:
    texts = ["en0 is up", "an unheard-of login of ann", "a password was asked", "drawing a window"]
    outcome = macos_auth.SOURCE.decode(records([Sample("", n, "macos:loginwindow", "1", None, text, None, None) for n, text in enumerate(texts)]))
    assert outcome.ignored == {macos.NOISE: 2}
    assert outcome.unrecognised["message"].to_list() == texts[1:3]


def tallies(tmp_path: Path, text: str) -> dict[tuple[str | None, str], int]:
    path = tmp_path / "x"
    path.write_text(text)
    result = scan([str(path)], zone="UTC", year=2026)
    return {(tally.source, str(tally.disposition)): tally.count for tally in result.tallies}


def test_one_file_holds_both(tmp_path: Path) -> None:
    text = (
        f"Jan 20 02:41:00 gate01 sshd[1]: {SSH}\n"
        f"2026-01-20 02:41:01.000000+0000  localhost sshd[2]: {SSH}\n"
        "2026-01-20 02:41:02.000000+0000  localhost screensharingd[3]: Authentication: FAILED :: "
        "User Name: a :: Viewer Address: 192.0.2.7 :: Type: DH\n"
        f"2026-01-20T02:41:03.000000+00:00 gate01 sshd[4]: {SSH}\n"
    )
    assert tallies(tmp_path, text) == {("macos-screensharing", "used"): 1, ("macos-sshd", "used"): 1, ("sshd", "used"): 2}


@pytest.mark.skipif(not DATA.is_dir(), reason="the public logs are not here")
@pytest.mark.parametrize(
    ("name", "source"),
    [("appfirewall.log", "macos-firewall"), ("security.log", "macos-auth")],
)
def test_public_logs_of_a_mac_are_recognised(name: str, source: str) -> None:
    result = scan([str(DATA / name)], zone="UTC", year=2013)
    assert {tally.source for tally in result.tallies} == {source}
    assert {tally.disposition for tally in result.tallies} <= {Disposition.USED, Disposition.IGNORED}


@pytest.mark.skipif(not DATA.is_dir(), reason="the public logs are not here")
@pytest.mark.parametrize("name", ["syslog_osx", "apple.bsm", "openbsm.bsm", "applesystemlog.asl", "2019.09.26.asl", "utmpx_mac"])
def test_other_files_of_a_mac_end_the_scan_with_no_error(name: str) -> None:
    result = scan([str(DATA / name)], zone="UTC", year=2013)
    assert sum(tally.count for tally in result.tallies) >= 1
    assert result.incidents == []
