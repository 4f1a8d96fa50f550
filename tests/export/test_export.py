"""Exports: every chain in every language, what is lost is said, and Sigma comes back into our own loader with the meaning it had."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.collection import SigmaCollection

from gatewatch.app import export, scan
from gatewatch.cli.main import _run, app
from gatewatch.detect.chain import Chain, amount, seconds
from gatewatch.detect.content import load_content
from gatewatch.detect.correlation_file import CorrelationSet, load_correlations
from gatewatch.detect.matcher import match
from gatewatch.detect.rule import RuleSet, load_rules
from gatewatch.errors import UsageError
from gatewatch.export.document import plain, rule_name, written
from gatewatch.export.loss import required
from gatewatch.export.target import TARGETS
from gatewatch.schema.platform import Platform
from gatewatch.site.model import Site

sys.path.append(str(Path(__file__).parents[1] / "content"))

from test_rules import NAMES, examples, frame

CONTENT = load_content()
CHAINS = {chain.id: chain for chain in CONTENT.chains}
SITE = Site.default()
SOURCE = {Platform.WINDOWS: "windows-logon", Platform.MACOS: "macos-sshd", Platform.CONTAINERS: "kubernetes-audit", Platform.LINUX: "sshd"}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def number(name: str) -> float:
    return float(SITE.number(name))


@cache
def loaded(chain: str, folder: str) -> tuple[RuleSet, CorrelationSet]:
    """The Sigma export of a chain, loaded by ourselves."""
    path = Path(folder) / f"{chain}.yml"
    path.write_text(export(chain, "sigma"), encoding="utf-8")
    rules = load_rules([path])
    return rules, load_correlations([path], rules)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("sigma"))


@pytest.mark.parametrize("chain", CHAINS)
def test_sigma_is_read_by_pysigma_and_by_ourselves(chain: str, folder: str) -> None:
    collection = SigmaCollection.from_yaml(export(chain, "sigma"))
    assert not collection.errors
    rules, correlations = loaded(chain, folder)
    assert rules.refused == ()
    assert correlations.refused == ()
    assert chain in {correlation.name for correlation in correlations.correlations}


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_without_its_pieces_means_the_same(name: str, tmp_path: Path) -> None:
    chain = CHAINS["an1005-guess-logon-onward"]
    path = tmp_path / "rule.yml"
    path.write_text(written([plain(CONTENT.rules.by_name[name], chain, anchor=False)]), encoding="utf-8")
    again = load_rules([path])
    assert again.refused == ()
    cases = examples(name)
    events = frame([*cases["matches"], *cases["misses"]])
    answers = again.rules[0].matches(events).to_list()
    assert answers == CONTENT.rules.by_name[name].matches(events).to_list()
    assert answers == [True] * len(cases["matches"]) + [False] * len(cases["misses"])


SAME = [  # the anchor is the last that is required, and there is at most one step: a correlation says exactly that
    chain.id for chain in CHAINS.values() if len(required(chain)) <= 2 and required(chain)[-1].anchor and not any(it.absent for it in chain.stages)
]


@st.composite
def streams(draw: st.DrawFn) -> list[tuple[int, list[bool], list[str]]]:
    """Steps in time, which of the first rules of each stage an event meets, and its keys."""
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 1, 30, 60, 300, 3600, 86400]),
                st.lists(st.booleans(), min_size=2, max_size=2),
                st.lists(st.sampled_from(["a", "b"]), min_size=3, max_size=3),
            ),
            max_size=30,
        )
    )


@pytest.mark.parametrize("name", SAME)
@settings(max_examples=15, deadline=None)
@given(stream=streams())
def test_a_correlation_fires_at_the_anchors_that_match(name: str, folder: str, stream: list[tuple[int, list[bool], list[str]]]) -> None:
    chain = CHAINS[name]
    events = _events(chain, stream)
    anchors = {hit.anchor for hit in match(chain, events, number)}
    _, correlations = loaded(name, folder)
    fired = correlations.evaluate(_renamed(chain, events))[name]
    at = {row for row in fired["row"].to_list() if events.filter(pl.col("row") == row)["zz_anchor"].item()}
    assert at == anchors


def _events(chain: Chain, stream: list[tuple[int, list[bool], list[str]]]) -> pl.DataFrame:
    """A stream of one log with sure times: of each stage, its first rule is met or not."""
    stages = required(chain)
    time = NOON
    rows: list[dict[str, Any]] = []
    for position, (step, meets, values) in enumerate(stream):
        time += timedelta(seconds=step)
        row: dict[str, Any] = {"row": position, "time": time, "time_err": timedelta(0), "stream": "s", "position": position, "count": 1}
        row |= dict.fromkeys((f"rule:{rule}" for rule in chain.rules), False)
        for stage, met in zip(stages, meets, strict=False):
            row[f"rule:{stage.rules[0]}"] = met or row[f"rule:{stage.rules[0]}"]
        row["zz_anchor"] = any(row[f"rule:{rule}"] for rule in chain.anchor.rules)
        row |= dict.fromkeys(chain.columns, values[0])
        row |= dict(zip((*chain.by, *(it.count.distinct for it in stages if it.count and it.count.distinct)), values, strict=False))
        row["source"] = SOURCE[chain.platform or Platform.LINUX]
        rows.append(row)
    empty = dict.fromkeys((*(f"rule:{rule}" for rule in chain.rules), "zz_anchor"), pl.Boolean)
    plain_columns = {"row": pl.UInt32, "time": pl.Datetime("us", "UTC"), "time_err": pl.Duration("us"), "stream": pl.String, "position": pl.Int64}
    texts = dict.fromkeys((*chain.columns, *chain.by, "source"), pl.String)
    return pl.DataFrame(rows, schema={**plain_columns, "count": pl.UInt32, **empty, **texts})


def _renamed(chain: Chain, events: pl.DataFrame) -> pl.DataFrame:
    """The same events with the columns of the exported rules."""
    names = {(rule, stage.anchor) for stage in chain.stages if not stage.absent for rule in stage.rules}
    made = [pl.col(f"rule:{rule}").alias(f"rule:{rule_name(rule, chain, anchor=anchor)}") for rule, anchor in sorted(names)]
    return events.select(pl.exclude("^rule:.*$"), *made)


def test_most_chains_can_be_said_exactly_at_their_anchors() -> None:
    assert len(SAME) >= 30


@pytest.mark.parametrize("target", sorted(TARGETS))
@pytest.mark.parametrize("chain", CHAINS)
def test_every_chain_has_a_query_that_names_what_is_lost(chain: str, target: str) -> None:
    text = export(chain, target)
    mark = TARGETS[target].mark
    assert text.count(f"{mark} not expressed: ") >= 2
    body = [line for line in text.splitlines() if not line.startswith(mark)]
    assert body
    bare = "\n".join(body)
    stages = required(CHAINS[chain])
    if target == "sigma":
        assert all(rule_name(rule, CHAINS[chain], anchor=stage.anchor) in bare for stage in stages for rule in stage.rules)
    elif target == "eql":
        absent = sum(stage.absent and not stage.optional for stage in CHAINS[chain].stages)
        assert bare.count("any where") == len(stages) + absent - text.count("as long as the absence after it")
    else:
        assert all(stage.name.replace("-", "_") in bare for stage in stages)
    assert "%run%" not in text
    assert "|expand:" not in text


def test_eql_counts_and_orders() -> None:
    text = export("an1005-guess-logon-onward", "eql")
    assert f"sequence by origin_ip with maxspan={int(seconds('$TimeWindow', number)) + 3 * 3600}s" in text
    assert "with runs=5" in text
    assert "// not expressed: origin_ip: made by gatewatch" in text
    assert "// not expressed: stage onward: optional, left out" in text


def test_eql_says_which_rules_lose_their_regexes() -> None:
    assert "cannot be said in EQL and is left out" in export("an1004-tor-service", "eql")


def test_an_absence_is_a_missing_event_where_the_language_has_one() -> None:
    name = "an1005-session-without-authentication"
    assert "![ any where" in export(name, "eql")
    assert "hits_authentication == 0" in export(name, "kql")
    assert "something that did not happen, left out; there are more matches" in export(name, "sigma")
    assert "something that did not happen, left out; there are more matches" in export(name, "spl")


def test_spl_keeps_the_bound_of_every_step() -> None:
    text = export("an1005-guess-logon-onward", "spl")
    window = int(seconds("$TimeWindow", number))
    assert f"streamstats time_window={window}s sum(" in text
    assert f"_time-since_logon<={3 * 3600}" in text
    assert f"n_guess>={int(amount('$FailedLogonThreshold', number))}" in text


def test_kql_counts_distinct_values() -> None:
    text = export("an1005-distributed-guess", "kql")
    assert "dcount(value_spread)" in text


def test_an_unknown_chain_or_target_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no chain 'x'"):
        export("x", "sigma")
    with pytest.raises(UsageError, match="there is no target 'x'; choose one of sigma, eql, spl, kql"):
        export("an1005-guess-logon-onward", "x")


def test_a_scan_takes_the_sigma_export_back(tmp_path: Path) -> None:
    path = tmp_path / "guess.yml"
    path.write_text(export("an1005-guess-logon-onward", "sigma"), encoding="utf-8")
    scenario = Path(__file__).parents[1] / "scenarios" / "an1005-guess-logon-onward" / "attack.log"
    result = scan([str(scenario)], config=str(scenario.parents[1] / "gatewatch.toml"), zone="UTC", year=2026, rules=[str(path)])
    assert "your correlation an1005-guess-logon-onward: completed 2 times" in result.notes  # the entry, and the logon it led to
    assert not [note for note in result.notes if "not used" in note]
    assert len(result.incidents) == 1


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gatewatch", "export", "an1005-guess-logon-onward", "--to", "kql"])
    assert _run(app) == 0
    assert "let guess = gatewatch_CL" in capsys.readouterr().out
