"""The score of controls: what an incident says of each missing one, and what in place it calls missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from gatewatch.lab.score.control import FATES, ControlScore, hold
from gatewatch.lab.score.judge import WorldScore
from gatewatch.lab.score.page import page
from gatewatch.lab.score.report import summarise, tell
from gatewatch.lab.truth import Let, Safeguard
from gatewatch.schema.control import Control, Effect, Move, Standing
from gatewatch.schema.incidents import Incident, Origin, Severity
from gatewatch.schema.measure import Measure

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def safeguard(*, missing: bool = True, lets: int = 1, host: str = "gate01", **given: object) -> Safeguard:
    let = Let("i001", "entry", NOON.isoformat(), (NOON + timedelta(seconds=5)).isoformat())
    usual: dict[str, object] = {
        "id": "c001", "control": "host-factor", "mitigation": "M1032", "measure": "M1032.2", "service": "ssh", "meets": ["entry"], "what": "w",
    }  # fmt: skip
    return Safeguard(**(usual | {"host": host, "missing": missing, "lets": [let] * lets} | given))  # type: ignore[arg-type]


def control(
    status: Standing = Standing.MISSING, *, stage: str = "logon", at: datetime = NOON, host: str = "gate01.corp.example", **given: object
) -> Control:  # fmt: skip
    usual: dict[str, object] = {"measure": Measure.AUTH_METHOD, "service": "ssh"}
    measure = (usual | given)["measure"]
    assert isinstance(measure, Measure)
    return Control(
        id=measure.mitigation, name="n", label="l", status=status, effect=Effect.CUTS, stage=stage, time=at, host=host, why="w", check="x",
        **(usual | given),  # type: ignore[arg-type]
    )  # fmt: skip


def incident(*controls: Control, moves: tuple[Move, ...] = ()) -> Incident:
    return Incident(
        id="inc-1", aliases=(), chain="c", chains=("c",), analytic="AN1005", title="t", verdict="v", severity=Severity.HIGH, confidence="high",
        why=(), origin=Origin("192.0.2.9"), users=(), hosts=(), service="ssh", first_seen=NOON, last_seen=NOON, failures=0, accepted=NOON, open=None,
        stages=(), path=(), attack=(), mitigations=controls, coverage=(), blind_spots=(), near_misses=(), contain=(), next_steps=(), zone="UTC",
        moves=moves,
    )  # fmt: skip


def score(one: Safeguard, *incidents: Incident, quotes: dict[str, frozenset[str]] | None = None) -> ControlScore:
    return hold([one], incidents, {"i001": incidents[0]} if incidents else {}, lambda _incident, _intrusion: quotes or {})


LATE = NOON + timedelta(hours=3)
SEEN = Move(stage="logon", time=NOON, kind="auth_success", host="gate01", outside=True)


@pytest.mark.parametrize(
    ("told", "fate"),
    [
        (incident(control()), "missing"),
        (incident(control(at=LATE)), "elsewhere"),
        (incident(control(Standing.UNKNOWN)), "unknown"),
        (incident(control(Standing.PRESENT)), "present"),
        (incident(control(Standing.PRESENT), control(Standing.UNKNOWN)), "present"),
        (incident(control(measure=Measure.FIREWALL), moves=(SEEN,)), "unnamed"),
        (incident(control(host="gate02"), moves=(SEEN,)), "unnamed"),
        (incident(control(service="rdp"), moves=(SEEN,)), "unnamed"),
        (incident(), "unseen"),
        (incident(moves=(msgspec.structs.replace(SEEN, stage="act"),)), "unseen"),
        (incident(moves=(msgspec.structs.replace(SEEN, time=LATE),)), "unseen"),
    ],
)
def test_the_fate_of_a_missing_control(told: Incident, fate: str) -> None:
    assert [one.fate for one in score(safeguard(), told).planted] == [fate]
    assert fate in FATES


def test_a_stage_that_quotes_the_planted_records_is_the_link_whatever_its_clock_says() -> None:
    told = incident(control(at=LATE))
    assert score(safeguard(), told, quotes={"logon": frozenset({"entry"})}).planted[0].fate == "missing"
    assert score(safeguard(), told, quotes={"logon": frozenset({"onward"})}).planted[0].fate == "elsewhere"


def test_one_control_counts_once_for_an_intrusion_and_not_where_nothing_was_found() -> None:
    assert len(score(safeguard(lets=3), incident(control())).planted) == 1
    assert score(safeguard()).planted == []
    assert score(safeguard(missing=False), incident(control())).planted == []


def test_what_is_in_place_and_called_missing() -> None:
    kept = safeguard(missing=False, lets=0)
    made = score(kept, incident(control()))
    assert [(one.control, one.incident) for one in made.wrong] == [("host-factor", "inc-1")]
    for told in (control(Standing.UNKNOWN), control(Standing.PRESENT)):
        fine = score(kept, incident(told))
        assert (fine.wrong, fine.kept, fine.right) == ([], 1, 0)
    assert score(kept, incident(control(stage="onward"))).undrawn == {"M1032.2": 1}  # it does not stand there
    assert score(safeguard(), incident(control())).right == 1


def test_the_report_tells_it() -> None:
    world = WorldScore("w", 1, 7, 10, 1, [], [], 0, {}, score(safeguard(missing=False, lets=0), incident(control(proof="because"))))
    other = WorldScore("v", 2, 7, 10, 1, [], [], 0, {}, score(safeguard(), incident(control(Standing.UNKNOWN))))
    report = summarise([world, other])
    assert report.controls is not None
    assert report.controls.known == 0.0
    assert report.controls.fates["unknown"] == 1
    text = tell(report)
    assert "in place, and called missing                            1  of 1" in text
    assert "wrong: host-factor M1032.2 gate01.corp.example ssh at logon: because" in text
    assert "1 host-factor M1032.2: unknown" in text
    assert "Missing controls" in page(report)
    bare = summarise([WorldScore("w", 1, 7, 10, 1, [], [], 0, {})])
    assert bare.controls is None
    assert "controls" not in tell(bare)
