"""What reach leaves out changes no incident and no access: the same logs with everything kept give the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from windows_story import tunnel, winlogbeat

from gatewatch.app import scan
from gatewatch.detect.content import load_content
from gatewatch.engines import local
from gatewatch.engines.reach import OPENING, Reach
from gatewatch.schema.incidents import Scan

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "tests" / "scenarios"
CASES = sorted(path.parent.name for path in SCENARIOS.glob("*/attack.log"))


class Everything(Reach):
    """Keeps all."""

    def acts(self, acts: pl.DataFrame) -> pl.DataFrame:
        return acts

    def failures(self, failures: pl.DataFrame) -> pl.DataFrame:
        return failures


def found(result: Scan) -> tuple[Any, ...]:
    return (result.incidents, result.access, result.attempts)


@pytest.mark.parametrize("chain", CASES)
def test_a_scenario_gives_the_same_with_everything_kept(chain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, site = str(SCENARIOS / chain / "attack.log"), str(SCENARIOS / "gatewatch.toml")
    lean = scan([path], config=site, year=2026)
    monkeypatch.setattr(local, "Reach", Everything)
    assert found(lean) == found(scan([path], config=site, year=2026))


def test_the_example_gives_the_same_with_everything_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(ROOT / "examples" / "breach")
    lean = scan([path])
    monkeypatch.setattr(local, "Reach", Everything)
    assert found(lean) == found(scan([path]))
    assert lean.incidents


def test_what_nobody_from_outside_touches_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[tuple[int, int]] = []

    class Counting(Reach):
        def failures(self, failures: pl.DataFrame) -> pl.DataFrame:
            left = super().failures(failures)
            kept.append((failures.height, left.height))
            return left

    monkeypatch.setattr(local, "Reach", Counting)
    scan([str(ROOT / "examples" / "breach")])
    before, after = (sum(counts) for counts in zip(*kept, strict=True))
    assert 41 < after < before / 2


def test_every_command_that_a_rule_takes_for_an_opening_is_kept() -> None:
    openings = sorted({rule for chain in load_content().chains for stage in chain.stages if stage.name == "exposure" for rule in stage.rules})
    assert "tunnel" in openings
    samples = [yaml.safe_load((ROOT / "tests" / "content" / "rules" / f"{name}.yml").read_text(encoding="utf-8")) for name in openings]
    commands = [text for sample in samples for name in ("matches", "windows-matches") for text in sample.get(name, ()) if isinstance(text, str)]
    assert len(commands) > 50
    assert pl.Series(commands).filter(~pl.Series(commands).str.contains(OPENING)).to_list() == []


def test_a_tunnel_that_somebody_else_dug_is_kept(tmp_path: Path) -> None:
    (tmp_path / "web03.ndjson").write_text("\n".join(map(winlogbeat, tunnel())) + "\n", encoding="utf-8")
    (incident,) = scan([str(tmp_path)]).incidents
    assert (incident.chain, incident.severity) == ("an1004-tor-service", "high")
