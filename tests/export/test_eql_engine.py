"""EQL exports, run by the reference engine of EQL over the attack scenario of their chain.

The engine is ours to start but not Elastic's: it has no missing events at the start of a sequence, so the one query that has them is only parsed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import eql
import polars as pl
import pytest
from eql.engine import PythonEngine
from eql.parser import allow_negation, allow_runs, elasticsearch_syntax, parse_query

from gatewatch.app import events, export
from gatewatch.detect.content import load_content

sys.path.append(str(Path(__file__).parents[1] / "scenarios"))

from test_scenarios import EXPECTED, HERE

CHAINS = [chain.id for chain in load_content().chains]
LOST = ("is left out", "cannot be said", "absence after it", "extra.watch")
"""What makes a query less than its chain: regexes EQL has not, what only a site file or a list can say."""
RUN = [chain for chain in sorted(EXPECTED) if "attack" in EXPECTED[chain] and not any(mark in export(chain, "eql") for mark in LOST)]


def parsed(query: str) -> Any:
    with elasticsearch_syntax, allow_runs, allow_negation:
        return parse_query(query)


def found(query: str, rows: pl.DataFrame) -> list[Any]:
    """What the engine makes of *query* over *rows*, which are in order of time."""
    engine = PythonEngine({"flatten": False})
    results: list[Any] = []
    plan = parsed(query)
    with elasticsearch_syntax:
        engine.add_query(plan)
    engine.add_output_hook(results.append)
    ticks = [int(time.timestamp() * 10_000_000) for time in rows["time"]]
    objects = [row | {"extra": json.loads(row["extra"] or "{}")} for row in rows.drop("time").to_dicts()]  # as the header of the query asks
    told = [eql.Event("generic", tick, row) for tick, row in zip(ticks, objects, strict=True)]
    engine.stream_events(told, finalize=True)
    return results


def written(chain: str, case: str) -> pl.DataFrame:
    """The events that gatewatch writes of a scenario."""
    folder, table = HERE / chain / case, EXPECTED[chain]
    path = folder if folder.is_dir() else folder.with_name(f"{case}.log")
    own = HERE / chain / "gatewatch.toml"
    site = str(own if own.exists() else HERE / "gatewatch.toml")
    frames = events([str(path)], config=site, zone=table["zone"], year=table["year"])
    return pl.concat(list(frames), how="diagonal_relaxed").sort("time", maintain_order=True)


@pytest.mark.parametrize("chain", CHAINS)
def test_every_query_is_eql(chain: str) -> None:
    assert parsed(export(chain, "eql")) is not None


@pytest.mark.parametrize("chain", RUN)
def test_the_query_finds_the_attack(chain: str) -> None:
    assert found(export(chain, "eql"), written(chain, "attack"))


def test_enough_queries_are_run() -> None:
    assert len(RUN) >= 30


def test_a_guess_that_failed_matches_nothing() -> None:
    rows = written("an1005-guess-logon-onward", "attack")
    failures = rows.filter(pl.col("kind").cast(pl.String) == "auth_failure")
    assert len(failures) >= 5
    assert not found(export("an1005-guess-logon-onward", "eql"), failures)


def test_an_absence_is_as_long_as_the_sequence() -> None:
    text = export("an1005-session-without-authentication", "eql")
    assert "with maxspan=600s\n  ![ any where" in text
    assert "stage before: left out" in text


def test_an_absence_on_both_sides_leaves_the_logon_itself_in() -> None:
    text = export("an1005-second-factor-missing", "eql")
    assert '  ![ any where kind : "mfa_ok" ]\n  [ any where' in text
    assert text.rstrip().endswith('  ![ any where kind : "mfa_ok" ]')
