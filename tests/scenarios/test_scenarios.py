"""Scenarios: whole logs through the whole scan, each with what must be found or must stay silent.

``<chain>/<case>.log`` (or a folder ``<case>/`` of several files) with its expectation in ``<chain>/expect.toml``: ``incidents`` (none,
or chain, the ``least`` and ``most`` severity, origin, users, hosts and stages of each), or ``same = "<case>"``: the same result from
the same records, however cut. A chain about places or policies has a ``gatewatch.toml`` of its own.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatewatch.app import scan
from gatewatch.schema.incidents import Incident, Scan, Severity
from gatewatch.schema.records import Disposition

HERE = Path(__file__).parent
CHAINS = Path(__file__).parents[2] / "src" / "gatewatch" / "content" / "chains"
EXPECTED: dict[str, dict[str, Any]] = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(HERE.glob("*/expect.toml"))
}


def cases() -> list[Any]:
    """Every case of every chain; one that is known to fail says why, strictly."""
    found = []
    for chain, table in EXPECTED.items():
        for name, wanted in table.items():
            if isinstance(wanted, dict):
                marks = [pytest.mark.xfail(reason=wanted["xfail"], strict=True)] if "xfail" in wanted else []
                found.append(pytest.param(chain, name, id=f"{chain}/{name}", marks=marks))
    return found


def run(chain: str, name: str) -> Scan:
    """Scan one case."""
    folder, table = HERE / chain / name, EXPECTED[chain]
    path = folder if folder.is_dir() else folder.with_name(f"{name}.log")
    own = HERE / chain / "gatewatch.toml"
    return scan([str(path)], config=str(own if own.exists() else HERE / "gatewatch.toml"), zone=table["zone"], year=table["year"])


def essence(incident: Incident) -> dict[str, Any]:
    """An incident without where its records stand."""
    content = msgspec.to_builtins(incident)
    for stage in content["stages"]:
        stage["evidence"] = sorted(item["raw"] for item in stage["evidence"])
    del content["coverage"]
    return dict(content)


@pytest.mark.parametrize(("chain", "name"), cases())
def test_scenario(chain: str, name: str) -> None:
    wanted, result = EXPECTED[chain][name], run(chain, name)
    lost = [tally for tally in result.tallies if tally.disposition in {Disposition.UNRECOGNISED, Disposition.REJECTED}]
    assert not lost, "a scenario must consist of records that are recognised"
    if "same" in wanted:
        assert [essence(one) for one in result.incidents] == [essence(one) for one in run(chain, wanted["same"]).incidents]
        assert result.incidents
        return
    assert len(result.incidents) == len(wanted["incidents"]), [one.verdict for one in result.incidents]
    for incident, want in zip(result.incidents, wanted["incidents"], strict=True):
        assert incident.chain == want["chain"]
        assert incident.severity.rank >= Severity(want["least"]).rank, incident.severity
        assert incident.severity.rank <= Severity(want.get("most", "critical")).rank, incident.severity
        assert incident.confidence == want.get("confidence", incident.confidence)
        assert incident.origin.ip == want["origin"]
        assert sorted(incident.origin.others) == sorted(want.get("others", []))
        assert sorted(incident.users) == sorted(want["users"])
        assert sorted(incident.hosts) == sorted(want["hosts"])
        assert set(want["stages"]) <= {stage.name for stage in incident.stages}
        assert incident.failures == want.get("failures", incident.failures)
        assert all(stage.evidence and all(item.raw for item in stage.evidence) for stage in incident.stages)


def test_every_chain_has_scenarios_and_every_log_an_expectation() -> None:
    assert sorted(EXPECTED) == sorted(path.stem for path in CHAINS.glob("*.yml"))
    for chain, table in EXPECTED.items():
        logs = {path.stem for path in (HERE / chain).iterdir() if path.suffix != ".toml"}
        assert logs == {name for name, wanted in table.items() if isinstance(wanted, dict)}
        assert "attack" in logs
        assert logs & {"benign-twin", "hard-negative"}
