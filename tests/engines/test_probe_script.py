"""The probe plan: bounded, towards declared assets only, and its script's results are evidence."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatewatch.audit.probe_plan import Planned, meant, plan, zones
from gatewatch.cli.main import app
from gatewatch.engines.probe_script import MOST, script
from gatewatch.errors import UsageError
from gatewatch.evidence.document import Document
from gatewatch.evidence.reading import bundles, read
from gatewatch.exits import Exit
from gatewatch.schema.facts.probe import Probe, Result
from gatewatch.site.load import load_site

ROOT = Path(__file__).parents[2]
SITE = ROOT / "examples" / "breach" / "gatewatch.toml"


def facts(text: str) -> list[Probe]:
    [bundle] = bundles([Document("ev/probe.csv", "probe.csv", "ev", text.encode())])
    return [fact for fact in read(bundle).facts if isinstance(fact, Probe)]


def test_the_plan_names_declared_assets_of_other_zones_only() -> None:
    site = load_site(SITE)
    assert zones(site) == ("edge", "inside", "internet")
    found = plan(site, "edge")
    assert {(one.host, one.address) for one in found} == {("db02", "10.20.0.21"), ("rds01", "10.20.0.31"), ("rds01", "192.0.2.3")}
    assert {one.zone for one in found} == {"edge"}
    assert len(set(found)) == len(found) < 60


def test_only_what_the_site_says_is_meant() -> None:
    from datetime import date

    site, day = load_site(SITE), date(2026, 1, 6)
    assert meant(site, "internet", "gate01", 22, day)
    assert meant(site, "edge", "db02", 22, day)
    assert not meant(site, "internet", "db02", 22, day)
    assert not meant(site, "edge", "db02", 3389, day)
    assert not meant(site, "edge", "nobody", 22, day)


@pytest.mark.skipif(shutil.which("bash") is None or shutil.which("timeout") is None, reason="bash and timeout run the script")
def test_the_script_runs_and_its_results_are_read_back(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_server(("127.0.0.1", 0)) as other:
        closed = other.getsockname()[1]
        other.close()
        opened = listening.getsockname()[1]
        file = tmp_path / "plan.sh"
        file.write_text(script("dmz", [Planned("dmz", "db02", "127.0.0.1", opened), Planned("dmz", "db02", "127.0.0.1", closed)], "sh"))
        done = subprocess.run(["bash", str(file)], capture_output=True, text=True, timeout=60, check=True)
    found = facts(done.stdout)
    assert [(one.host, one.zone, one.port, one.result) for one in found] == [
        ("db02", "dmz", opened, Result.OPEN),
        ("db02", "dmz", closed, Result.CLOSED),
    ]
    assert all(one.as_of is not None for one in found)


def test_the_other_shell_names_the_same_probes() -> None:
    planned = plan(load_site(SITE), "internet")
    for shell, verb in (("sh", "probe "), ("powershell", "Probe '")):
        lines = [line for line in script("internet", planned, shell).splitlines() if line.startswith(verb)]
        assert len(lines) == len(planned)
        assert f"{len(planned)} connections" in script("internet", planned, shell)


@pytest.mark.parametrize("name", ["a b", "x;reboot", "$(id)", "a,b", "a'b", "a\nb", ""])
def test_a_name_that_a_shell_could_run_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        script("dmz", [Planned("dmz", name or ";", "192.0.2.1", 22)], "sh")


def test_a_plan_is_bounded() -> None:
    with pytest.raises(UsageError, match="more than 5,000"):
        script("dmz", [Planned("dmz", "h", "192.0.2.1", 22)] * (MOST + 1), "sh")


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ([], Exit.NOTHING_FOUND, "edge: 36 probes towards 2 assets"),
        (["--from", "edge", "--to", "db02"], Exit.NOTHING_FOUND, "probe edge db02 10.20.0.21 22"),
        (["--from", "internet", "--shell", "powershell"], Exit.NOTHING_FOUND, "Probe 'internet' 'gate01' '192.0.2.2' 22"),
    ],
)
def test_the_command_line_lists_zones_and_writes_scripts(given: list[str], code: Exit, said: str) -> None:
    done = CliRunner().invoke(app, ["probe-plan", "-c", str(SITE), *given])
    assert done.exit_code == code
    assert said in done.stdout


@pytest.mark.parametrize("given", [["--from", "moon"], ["--from", "edge", "--to", "nobody"], ["--from", "edge", "--shell", "fish"]])
def test_what_the_site_does_not_know_is_refused(given: list[str]) -> None:
    with pytest.raises(UsageError):
        CliRunner().invoke(app, ["probe-plan", "-c", str(SITE), *given], catch_exceptions=False)


@pytest.mark.parametrize(
    "line",
    [
        "edge,db02,10.20.0.21,22,tcp,open",
        "edge,db02,10.20.0.21,22,tcp,perhaps,2026-01-05T10:02:11Z",
        "edge,db02,10.20.0.21,99999,tcp,open,2026-01-05T10:02:11Z",
        "edge,db02,10.20.0.21,22,udp,open,2026-01-05T10:02:11Z",
        "edge,db02,ten,22,tcp,open,2026-01-05T10:02:11Z",
        "edge,db02,10.20.0.21,22,tcp,open,yesterday",
        "edge,db02,10.20.0.21,22,tcp,open,2026-01-05T10:02:11",
        ",db02,10.20.0.21,22,tcp,open,2026-01-05T10:02:11Z",
    ],
)
def test_half_a_result_is_none(line: str) -> None:
    good = "edge,db02,10.20.0.21,23,tcp,closed,2026-01-05T10:02:11Z"
    [bundle] = bundles([Document("ev/probe.csv", "probe.csv", "ev", f"# gatewatch-probe 1\n{good}\n{line}\n".encode())])
    reading = read(bundle)
    assert reading.facts == []
    assert "line 3 is no result" in reading.files[0].reason
