"""What the lab writes as configuration, the audit reads as the controls that were drawn."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewatch import app
from gatewatch.engines import posture
from gatewatch.errors import UsageError
from gatewatch.lab import fleet
from gatewatch.lab.evidence.folder import encode, write
from gatewatch.lab.organisation import found
from gatewatch.lab.safeguard import CONTROLS, Plan, draw
from gatewatch.lab.scenario import library
from gatewatch.lab.truth import Intrusion, Safeguard, Step, read
from gatewatch.lab.world import make
from gatewatch.schema.findings import Finding, Status
from gatewatch.schema.records import Disposition
from gatewatch.site.load import check

TODAY = date(2026, 3, 2)
# which checks tell the state of a control: all must pass where it is in place, one must fail where it is missing
CHECKS: dict[str, tuple[str, ...]] = {
    "gateway-factor": ("M1035.10-01",),
    "idp-factor": ("M1032.1-01",),
    "gateway-limit": ("M1035.7-06g",),
    "gateway-administration": ("M1030.2-03", "M1035.10-03"),
    "internet-filter": ("M1030.5-02",),
    "host-factor": ("M1032.2-01", "M1032.2-11a"),
    "guess-limit": ("M1035.7-06", "M1035.7-03a"),
    "logon-list": ("M1035.1-01d", "M1035.1-02"),
    "docker-socket": ("M1042.2-06a",),
    "kubelet-authentication": ("M1035.1-05a", "M1035.1-05b"),
    "api-authentication": ("M1035.1-04a",),
    "segmentation": ("M1030.2-02", "M1035.4-01"),
    "application-control": ("M1042.3-02a",),
    "web-proxy": ("M1021.1-01a", "M1021.1-01b"),
    "dns-filter": ("M1021.2-01b", "M1021.2-02", "M1021.2-03"),
}
_DEVICE = {"web-proxy": "proxy01", "dns-filter": "dns01"}
BY_SERVICE = frozenset({"internet-filter"})  # one host has several


def told(one: Safeguard, findings: dict[tuple[str, str], list[Finding]]) -> set[Status]:
    statuses = set()
    for name in CHECKS[one.control]:
        for finding in findings[one.host or _DEVICE[one.control], name]:
            if one.control in BY_SERVICE and finding.service not in {"", one.service}:
                continue
            statuses.add(finding.status)
    return statuses - {Status.NOT_APPLICABLE}


def reach(out: Path, host: str, port: int) -> str:
    site = app.find_site([], str(out / "gatewatch.toml"))
    return posture.ask([str(out / "evidence" / host)], site, posture.Question("internet", host, port, "tcp"))[0].verdict


def test_every_control_has_its_checks() -> None:
    assert {control.name for control in CONTROLS} == set(CHECKS)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000))
def test_the_audit_reads_what_was_drawn(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("evidence") / "world"
    make(out, seed=seed, users=14, days=2, scenarios=library(), number=3, volume=0.1)
    _agree(out)


def test_a_fleet_is_read_as_drawn(tmp_path: Path) -> None:
    out = tmp_path / "fleet"
    fleet.make(out, seed=4, hosts=60)
    assert sum(1 for path in (out / "evidence").iterdir()) > 55
    assert not (out / "logs").exists()
    _agree(out)


def _agree(out: Path) -> None:
    assert check(out / "gatewatch.toml") == []
    truth = read(out)
    audit = app.audit([str(out / "evidence")], today=TODAY, config=str(out / "gatewatch.toml"))
    assert [one for one in audit.files if one.disposition in {Disposition.REJECTED, Disposition.UNRECOGNISED}] == []
    findings: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in audit.findings:
        findings[finding.host, finding.check].append(finding)
    assert {one.missing for one in truth.safeguards} == {True, False}
    for one in truth.safeguards:
        statuses = told(one, findings)
        if one.control == "internet-filter" and one.service in {"rdp", "docker_api"}:
            # reach is asked: what listens on Windows is not in the evidence, and a service that is off does not listen
            assert reach(out, one.host, {"rdp": 3389, "docker_api": 2375}[one.service]) == ("yes" if one.missing else "no"), one
        elif one.missing:
            assert Status.FAIL in statuses, one
        else:
            assert statuses == {Status.PASS}, (one, statuses)


def test_the_seed_decides_every_byte_of_the_evidence(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fleet.make(tmp_path / name, seed=9, hosts=40)
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()} for name in ("a", "b")
    )
    assert one == two
    assert {path.parts[0] for path in one} == {"evidence", "gatewatch.toml", "truth.jsonl"}


def test_a_fleet_of_an_impossible_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a fleet has"):
        fleet.make(tmp_path / "x", seed=1, hosts=3)
    with pytest.raises(UsageError, match="a fleet has"):
        fleet.make(tmp_path / "x", seed=1, hosts=10**6)
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "mine").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        fleet.make(tmp_path / "y", seed=1, hosts=40)


def step(
    do: str = "enter", host: str = "fgt01", service: str = "vpn", *, outside: bool = True, name: str = "entry", cut: tuple[str, ...] = ()
) -> Step:  # fmt: skip
    return Step(name, do, "2026-03-03T00:00:00Z", "2026-03-03T00:00:01Z", host, "ann", None, list(cut), service, outside)


def intrusion(*steps: Step) -> Intrusion:
    return Intrusion("i001", "s", "t", "AN1004", "vpn", "loud", "plain", [], [], [], "", None, "", [], list(steps), [])


def drawn(*steps: Step, used: frozenset[tuple[str, str]] = frozenset(), seed: int = 5) -> Plan:
    return draw(found(seed, 14, 4), [intrusion(*steps)], used)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 400), service=st.sampled_from(["vpn"]), host=st.sampled_from(["asa01", "fgt01", "pa01", "vpn01", "ns01"]))
def test_what_an_intruder_passed_is_missing_and_changes_nothing_elsewhere(seed: int, service: str, host: str) -> None:
    before = {one.id: one for one in drawn(seed=seed).safeguards}
    after = {one.id: one for one in drawn(step(host=host, cut=("M1032",)), seed=seed).safeguards}
    for name, one in after.items():
        if one.control == "gateway-factor" and one.host == host:
            assert one.missing
            assert [let.intrusion for let in one.lets] == ["i001"]
        else:
            assert one == before[name]


def test_only_what_the_step_passed_is_asked_to_be_missing() -> None:
    plan = drawn(step(cut=("M1035",)), seed=2)  # the scenario says that no second factor would have cut it
    assert all(not one.lets for one in plan.safeguards if one.control == "gateway-factor")
    onward = drawn(step(host="app02", service="ssh", outside=False, name="onward"))
    assert {(one.control, one.host) for one in onward.safeguards if one.lets} == {("segmentation", "app02"), ("host-factor", "app02")}
    guess = drawn(step("guess", "gate01", "ssh", name="guess", cut=("M1035",)))
    assert {one.control for one in guess.safeguards if one.lets} == {"guess-limit"}


def test_the_owner_of_a_session_passes_nothing_and_who_comes_back_to_it_passes_the_filter() -> None:
    owner = step("enter", "rds01.corp.example", "rdp", name="before")
    intruder = step("resume", "rds01.corp.example", "rdp", cut=("M1032", "M1035"))
    passed = [one for one in drawn(owner, intruder).safeguards if one.lets]
    assert {one.control for one in passed} == {"internet-filter", "host-factor"}
    assert {let.stage for one in passed for let in one.lets} == {"entry"}
    assert not [one for one in drawn(owner).safeguards if one.lets]


def test_what_life_reaches_from_outside_is_open() -> None:
    plan = drawn(used=frozenset({("rdp", "rds01.corp.example")}))
    assert plan.missing("internet-filter", "rds01.corp.example", "rdp")
    assert plan.missing("segmentation", "rds01.corp.example", "rdp")
    assert not plan.open("app01", "ssh")
    with pytest.raises(LookupError):
        plan.missing("gateway-factor", "app01", "ssh")


def test_most_controls_are_in_place() -> None:
    plans = [drawn(seed=seed) for seed in range(20)]
    free = [one for plan in plans for one in plan.safeguards if one.control not in {"host-factor", "api-authentication"}]
    assert 0.1 < sum(one.missing for one in free) / len(free) < 0.35


def test_windows_exports_are_utf_16() -> None:
    assert encode("commands/x.reg", "a\n") == "a\r\n".encode("utf-16")
    assert encode("etc/x", "a\n") == b"a\n"


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("in the way")
    organisation = found(1, 14, 4)
    with pytest.raises(OSError, match="evidence"):
        write(tmp_path, organisation, draw(organisation, (), frozenset()))


def test_the_truth_is_read_back(tmp_path: Path) -> None:
    make(tmp_path / "w", seed=random.Random(1).randrange(99), users=14, days=2, scenarios=library(), number=3, volume=0.1)
    truth = read(tmp_path / "w")
    assert truth.safeguards
    ids = {one.id for one in truth.intrusions}
    assert all(let.intrusion in ids for one in truth.safeguards for let in one.lets)
    assert all(one.missing for one in truth.safeguards if one.lets)
    assert all(one.mitigation == one.measure.partition(".")[0] for one in truth.safeguards)
