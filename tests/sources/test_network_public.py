"""Public samples of network logs decode; skipped where they are absent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from network_sample import read, rows

from gatewatch.schema.records import Disposition

DATA = Path(__file__).parents[3] / "shared" / "data"
ZEEK = sorted((DATA / "zeek").glob("*/*.log"))
FIREWALL = DATA / "plaso" / "windows_firewall.log"


@pytest.mark.skipif(not ZEEK, reason="no public samples here")
@pytest.mark.parametrize("path", ZEEK, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_row_of_zeeks_own_logs_is_used(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    expected = sum(1 for line in content.splitlines() if line and not line.startswith(b"#"))
    collected = read(content, tmp_path)
    assert Counter({(source, fate): number for (_, source, fate, _), number in collected.tally.items()}) == {("zeek", Disposition.USED): expected}
    found = rows(collected)
    assert {row["pattern"] for row in found} <= {"conn", "conn-unanswered", "ssh", "rdp", "notice-password-guessing", "outbound-flow"}
    for row in found:
        assert row["src_ip"] is not None
        assert row.get("user") is None
        assert row["time"] is None  # the published logs hide it
    times = content.replace(b"XXXXXXXXXX.XXXXXX", b"1767614400.250000")
    assert all(row["time"].timestamp() == 1767614400.25 for row in rows(read(times, tmp_path)))


@pytest.mark.skipif(not ZEEK, reason="no public samples here")
def test_what_zeek_guesses_is_no_logon(tmp_path: Path) -> None:
    path = next(path for path in ZEEK if path.name == "ssh.log")
    found = rows(read(path.read_bytes(), tmp_path))
    assert {row["kind"] for row in found} == {"connection"}
    assert Counter('"auth_success":true' in row["extra"] for row in found) == {True: 10, False: 12}


@pytest.mark.skipif(not FIREWALL.exists(), reason="no public samples here")
def test_the_log_of_the_windows_firewall(tmp_path: Path) -> None:
    collected = read(FIREWALL.read_bytes(), tmp_path)
    found = rows(collected)
    assert Counter(row["pattern"] for row in found) == {"dropped": 9, "allowed": 2, "ended": 3}
    assert {(row["src_ip"], row["dst_port"]) for row in found if row["service"] == "smb"} == {("123.45.78.90", 445), ("123.45.78.90", 139)}
    assert [number for (_, _, fate, _), number in collected.tally.items() if fate is Disposition.IGNORED] == [1]
    assert {str(row["local"])[:10] for row in found} == {"2005-04-11"}
