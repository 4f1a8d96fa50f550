"""Anchors that no case can be made of are not asked about, and no case is lost by it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import gatewatch.engines.local as engine
from gatewatch.app import scan
from gatewatch.detect.chain import Chain
from gatewatch.schema.incidents import Scan

_FORMER = ("an1004-distributed-guess", "an1004-guess-logon-onward", "an1004-exposure-opened")
_TUNNELS, _OUTWARD = ("an1004-tor-service", "an1006-tor-service"), ("an1006-unexpected-outbound",)
HERE = Path(__file__).parents[1]
EXAMPLES = HERE.parent / "examples" / "breach"
FOLDERS = [EXAMPLES, *(HERE / "scenarios" / name for name in (*_FORMER, *_TUNNELS, *_OUTWARD))]


def seen(folder: Path, counted: dict[str, int]) -> Scan:
    find = engine.find

    def counting(*given: object) -> object:
        found = find(*given)  # type: ignore[arg-type]
        counted["matches"] = len(found)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "find", counting)
        return scan([str(folder)], zone="UTC", year=2026)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_incidents_are_the_same_with_every_anchor(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few: dict[str, int] = {}
    asked = seen(folder, few)

    def everything(_: Chain) -> None:
        return None

    monkeypatch.setattr("gatewatch.detect.case.arguable", everything)
    many: dict[str, int] = {}
    every = seen(folder, many)
    assert asked.incidents
    assert asked.incidents == every.incidents
    assert _saved(folder, few, many)


def _saved(folder: Path, few: Mapping[str, int], many: Mapping[str, int]) -> bool:
    return few["matches"] < many["matches"] if folder == EXAMPLES else few["matches"] <= many["matches"]
