"""What reach leaves out changes no incident and no access: the same logs with everything kept give the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gatewatch.app import scan
from gatewatch.engines import local
from gatewatch.engines.reach import Reach
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
