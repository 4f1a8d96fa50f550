from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from gatewatch.errors import InputError, UsageError
from gatewatch.lab.scenario import library
from gatewatch.lab.score.incident_file import locate, read_incidents
from gatewatch.lab.score.judge import judge
from gatewatch.lab.score.page import page
from gatewatch.lab.score.report import summarise, tell
from gatewatch.lab.truth import Intrusion, Truth, read
from gatewatch.lab.world import make
from gatewatch.schema.incidents import Evidence, Hop, Incident, Origin, Severity, Stage, Technique


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("score") / "world"
    make(out, seed=8, users=20, days=6, scenarios=library(), number=5, volume=0.2)
    return out


def text(world: Path, file: str, record: int) -> tuple[int, str]:
    lines = (world / "logs" / file).read_bytes().split(b"\n")
    return sum(len(line) + 1 for line in lines[: record - 1]), lines[record - 1].decode()


def incident(world: Path, *intrusions: Intrusion, severity: Severity = Severity.HIGH, name: str = "x", take: int = 3) -> Incident:
    at = datetime(2026, 3, 3, tzinfo=UTC)
    evidence = []
    for intrusion in intrusions:
        for proof in intrusion.evidence[:take]:
            offset, raw = text(world, proof.file, proof.record)
            evidence.append(Evidence("s", "t", f"/somewhere/logs/{proof.file}", proof.record, offset, raw))
    path = tuple(Hop(leg.source, leg.target, leg.via, leg.user, at, "certain") for intrusion in intrusions for leg in intrusion.path)
    hosts = tuple(dict.fromkeys(hop.target for hop in path))
    origin = Origin(intrusions[0].origins[0] if intrusions else "192.0.2.9")
    stage = Stage("logon", at, at, 1, True, "s", tuple(evidence))
    head = (name, (), "chain", ("chain",), "AN1005", "t", "v", severity, "high", (), origin, (), hosts, None, at, at, 0, at, None)
    return Incident(*head, (stage,), path, (), (), (), (), (), (), (), "UTC")


def test_techniques_named_and_true(world: Path) -> None:
    truth = read(world)
    one = truth.intrusions[0]
    true = {*one.attack, *(step.technique for step in one.steps if step.technique)}
    named = incident(world, one)
    [bare] = [verdict for verdict in judge(truth, [named], world).verdicts if verdict.found]
    assert (bare.techniques, bare.named_right) == (0.0, None)
    all_ = msgspec.structs.replace(named, attack=tuple(Technique(name, "n") for name in sorted(true)))
    [whole] = [verdict for verdict in judge(truth, [all_], world).verdicts if verdict.found]
    assert (whole.techniques, whole.named_right) == (1.0, 1.0)
    half = msgspec.structs.replace(named, attack=(Technique("T1133", "n"), Technique("T9999", "n"), Technique("AN1005", "n")))
    [partly] = [verdict for verdict in judge(truth, [half], world).verdicts if verdict.found]
    assert partly.named_right == 0.5
    assert partly.techniques == pytest.approx(1 / len(true), abs=0.001)
    figures = summarise([judge(truth, [half], world)]).figures
    assert figures["named_right"].value == 0.5
    assert figures["techniques"].value == pytest.approx(1 / len(true), abs=0.001)


def plain(truth: Truth) -> list[Intrusion]:
    return [one for one in truth.intrusions if not any(proof.file.endswith(".gz") for proof in one.evidence)]


def test_a_perfect_scan(world: Path) -> None:
    truth = read(world)
    score = judge(truth, [incident(world, one, name=one.id) for one in truth.intrusions], world)
    assert all(verdict.found and verdict.origin and verdict.path and verdict.evidence == 1 for verdict in score.verdicts)
    assert (score.falses, score.fragments) == ([], 0)
    report = summarise([score])
    assert report.figures["found_path"].value == 1
    assert report.figures["precision"].value == 1


def test_a_merged_giant_is_worth_one(world: Path) -> None:
    truth = read(world)
    score = judge(truth, [incident(world, *truth.intrusions)], world)
    assert sum(verdict.found for verdict in score.verdicts) == 1


def test_pieces_are_fragments_and_strangers_are_false(world: Path) -> None:
    truth = read(world)
    one = truth.intrusions[0]
    stranger = msgspec.structs.replace(incident(world), id="stranger")
    score = judge(truth, [incident(world, one, name="a"), incident(world, one, name="b"), stranger], world)
    assert (sum(verdict.found for verdict in score.verdicts), score.fragments, len(score.falses)) == (1, 1, 1)
    assert summarise([score]).figures["precision"].value == pytest.approx(1 / 3, abs=1e-3)


def test_one_planted_record_in_somebody_elses_story_is_false(world: Path) -> None:
    truth = read(world)
    one = truth.intrusions[0]
    told = incident(world, one, take=1)
    strange = []
    for number in range(1, 4):
        file = next(proof.file for proof in one.evidence)
        taken = {proof.record for intrusion in truth.intrusions for proof in intrusion.evidence if proof.file == file}
        record = next(place for place in range(number * 5, 10_000) if place not in taken)
        offset, raw = text(world, file, record)
        strange.append(Evidence("s", "t", f"/x/logs/{file}", record, offset, raw))
    stage = msgspec.structs.replace(told.stages[0], evidence=told.stages[0].evidence + tuple(strange))
    other = msgspec.structs.replace(told, stages=(stage,), origin=Origin("192.0.2.9"))
    score = judge(truth, [other], world)
    assert (any(verdict.found for verdict in score.verdicts), score.fragments, len(score.falses)) == (False, 0, 1)


def test_low_is_seen_and_not_found(world: Path) -> None:
    truth = read(world)
    score = judge(truth, [incident(world, truth.intrusions[0], severity=Severity.LOW)], world)
    assert (score.verdicts[0].found, score.verdicts[0].seen_low) == (False, True)


def test_wrong_origin_and_half_a_path(world: Path) -> None:
    truth = read(world)
    one = max(truth.intrusions, key=lambda intrusion: len({leg.target for leg in intrusion.path}))
    told = msgspec.structs.replace(incident(world, one), origin=Origin("192.0.2.9"), path=(), hosts=(one.path[0].target,))
    verdict = next(verdict for verdict in judge(truth, [told], world).verdicts if verdict.id == one.id)
    assert verdict.found and not verdict.origin
    assert verdict.path == (len({leg.target for leg in one.path}) == 1)


def test_incidents_of_another_world_are_refused(world: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make(other, seed=9, users=20, days=6, scenarios=library(), number=5, volume=0.2)
    truth = read(other)
    told = [incident(other, one) for one in truth.intrusions]
    with pytest.raises(UsageError, match="another world"):
        judge(read(world), told, world)


def test_files_that_are_no_incidents(tmp_path: Path) -> None:
    file = tmp_path / "i.jsonl"
    with pytest.raises(InputError):
        read_incidents(file)
    file.write_text('\n{"id": 1}\n')
    with pytest.raises(UsageError, match=r"i\.jsonl:2: no incident"):
        read_incidents(file)


def test_files_are_found_by_their_end() -> None:
    files = frozenset({"gate01/var/log/auth.log", "auth.log"})
    assert locate("/x/logs/gate01/var/log/auth.log", files) == "gate01/var/log/auth.log"
    assert locate("/x/logs/nothing.log", files) is None


def test_the_page_runs_nothing(world: Path) -> None:
    truth = read(world)
    score = judge(truth, [incident(world)], world)
    score.falses[0].chain = "<script>alert(1)</script>"
    report = summarise([score])
    shown = page(report)
    assert "<script" not in shown
    assert "default-src 'none'" in shown.replace("&#x27;", "'")
    assert "&lt;script&gt;" in shown
    assert "not measured" in tell(report)


def test_the_intervals_of_one_world_hold_its_figures(world: Path) -> None:
    truth = read(world)
    strangers = [incident(world, name=f"x{number}", take=0) for number in range(4)]
    report = summarise([judge(truth, [*(incident(world, one, name=one.id) for one in plain(truth)), *strangers], world)])
    for name in ("found", "precision", "false_per_1000", "false_per_week"):
        figure = report.figures[name]
        assert figure.low is not None and figure.high is not None and figure.value is not None
        assert figure.low <= figure.value <= figure.high, name
    assert sum(row.falses or 0 for row in report.tables["analytic"]) <= len(strangers)
