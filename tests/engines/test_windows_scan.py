"""Windows logs through the whole scan: public samples, read in place, and what must hold for any export of the same events."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from gatewatch.app import events, scan
from gatewatch.schema.incidents import Scan, Severity
from gatewatch.schema.records import Disposition

DATA = Path(__file__).parents[3] / "shared" / "data"
WINDOWS = DATA / "windows"
HUB = sorted((DATA / "hub").glob("windows-*/*.log"))
needs_data = pytest.mark.skipif(not WINDOWS.is_dir(), reason="the public samples are not here")


def adds_up(result: Scan) -> None:
    assert sum(tally.count for tally in result.tallies) == result.records
    assert all(tally.count > 0 for tally in result.tallies)


def table(*paths: Path) -> pl.DataFrame:
    return pl.concat(list(events([str(path) for path in paths])))


@needs_data
@pytest.mark.parametrize("name", sorted(path.name for path in WINDOWS.iterdir()) if WINDOWS.is_dir() else [])
def test_every_folder_is_read_and_every_record_has_a_fate(name: str) -> None:
    result = scan([str(WINDOWS / name)])
    adds_up(result)
    fates = Counter[str]()
    for tally in result.tallies:
        fates[str(tally.disposition)] += tally.count
    assert fates[Disposition.USED] > 0


@needs_data
@pytest.mark.parametrize("path", HUB, ids=lambda path: path.parent.name)
def test_xml_pasted_from_the_event_viewer_is_read(path: Path) -> None:
    adds_up(scan([str(path)]))
    frame = table(path)
    assert set(frame["kind"].cast(pl.String)) == {"auth_failure"}
    assert frame["user"].null_count() == frame["src_ip"].null_count() == 0


@needs_data
def test_the_rdp_entry_from_outside_is_one_incident_with_its_credential_dump() -> None:
    (incident,) = scan([str(WINDOWS / "otrf" / "rdp_interactive_taskmanager_lsass_dump.zip")]).incidents
    assert incident.origin.ip == "1.2.3.4"
    assert incident.severity.rank >= Severity.MEDIUM.rank
    assert incident.analytic == "AN1004"
    assert "T1003.001" in {technique.id for technique in incident.attack}
    assert any("lsass" in item.raw.lower() for stage in incident.stages for item in stage.evidence)


@needs_data
def test_an_internal_spray_has_no_outside_origin() -> None:
    assert [one.verdict for one in scan([str(WINDOWS / "otrf" / "purplesharp_ad_playbook_I.zip")]).incidents] == []


@needs_data
@pytest.mark.parametrize(
    ("part", "least", "addressed"),
    [
        ("4776,4625-AccountRestore", 5, False),
        ("ID4-OpenSSH brutforce with non existing users", 3, True),
        ("ID4-OpenSSH brutforce with valid users", 3, True),
        ("ID4625-OpenSSH brutforce with non existing users", 1, False),
        ("ID4625-OpenSSH brutforce with valid users", 1, False),
        ("ID4768-4771-Kerberos brutforce with non existing users", 3, True),
        ("ID4768-4771-Kerberos user enumeration", 3, True),
        ("ID4771-Kerberos brutforce with valid user", 3, True),
    ],
)
def test_brute_force_shows_as_guesses(part: str, least: int, addressed: bool) -> None:
    (path,) = [path for path in WINDOWS.glob("mdecrevoisier/**/*.evtx") if part in path.name]
    failures = table(path).filter(pl.col("kind").cast(pl.String) == "auth_failure")
    assert failures.height >= least
    assert failures["user"].null_count() == 0
    assert not addressed or failures["src_ip"].null_count() == 0


@needs_data
def test_an_exposed_desktop_shows_its_guessers() -> None:
    path = next(WINDOWS.glob("omerbenamram/*RdpCoreTS*.evtx"))
    frame = table(path)
    failures = frame.filter(pl.col("kind").cast(pl.String) == "auth_failure")
    assert failures.height > 100
    assert failures["src_ip"].null_count() == 0
    assert set(failures["scope"].cast(pl.String)) == {"public"}
    result = scan([str(path)])
    assert result.incidents == []
    assert result.attempts_total > 0


@needs_data
def test_a_shadow_copy_counts_once(tmp_path: Path) -> None:
    path = next(WINDOWS.glob("omerbenamram/*RdpCoreTS*.evtx"))
    once = table(path)
    copy = tmp_path / "vss" / "RdpCoreTS.evtx"
    copy.parent.mkdir()
    data = path.read_bytes()
    copy.write_bytes(data[: 4096 + 5 * 65536])
    twice = scan([str(path), str(copy)])
    adds_up(twice)
    assert table(path, copy).height == once.height
