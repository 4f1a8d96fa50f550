"""The link: what was observed, held against findings, filters, probes and the log itself; and what breaks an incident."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.audit.barrier import APART, ASIDE, BARRIERS, EFFORT
from gatewatch.audit.check import Ground
from gatewatch.audit.link import Break, broken, linked, touches
from gatewatch.audit.meeting import entry, onward
from gatewatch.audit.registry import CHECKS
from gatewatch.audit.standing import Ledger
from gatewatch.audit.whatif import what_if
from gatewatch.evidence.document import Document
from gatewatch.evidence.reading import bundles, read
from gatewatch.schema.control import Control, Effect, Move, Standing, WhatIf
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.container import ApiServerSettings
from gatewatch.schema.facts.filter import Action, Chain, PacketFilter, Semantics
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.probe import Probe, Result
from gatewatch.schema.findings import Finding, Remediation, Status, Waiver
from gatewatch.schema.incidents import Incident, Origin, Severity
from gatewatch.schema.measure import Measure, Mitigation
from gatewatch.site.load import load_site
from gatewatch.site.model import Site

NIGHT = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
BEFORE, AFTER = NIGHT - timedelta(days=30), NIGHT + timedelta(days=2)
FACTORS = Measure.AUTH_METHOD


def move(stage: str = "logon", **given: object) -> Move:
    usual: dict[str, object] = {
        "time": NIGHT, "kind": "auth_success", "service": "ssh", "host": "gate01", "user": "kim", "src_ip": "203.0.113.9", "scope": "public",
        "method": "password", "outside": True,
    }  # fmt: skip
    return Move(stage=stage, **(usual | given))  # type: ignore[arg-type]


def hop(source: str, target: str, **given: object) -> Move:
    return move("onward", **({"src_host": source, "src_ip": None, "host": target, "outside": False, "scope": "private"} | given))


def incident(*moves: Move, name: str = "inc-1") -> Incident:
    return Incident(
        id=name, aliases=(), chain="c", chains=("c",), analytic="AN1005", title="t", verdict="v", severity=Severity.HIGH, confidence="high", why=(),
        origin=Origin("203.0.113.9"), users=(), hosts=(), service="ssh", first_seen=NIGHT, last_seen=NIGHT, failures=0, accepted=NIGHT, open=None,
        stages=(), path=(), attack=(), mitigations=(), coverage=(), blind_spots=(), near_misses=(), contain=(), next_steps=(), zone="UTC",
        moves=moves,
    )  # fmt: skip


def finding(status: Status, check: str = "M1032.2-01", **given: object) -> Finding:
    measure = Measure(check.partition("-")[0])
    usual: dict[str, object] = {
        "id": f"f-{check}-{status}", "check": check, "title": "t", "mitigation": measure.mitigation, "measures": (measure,), "status": status,
        "severity": Severity.HIGH, "host": "gate01", "service": "ssh", "message": "only knowledge", "as_of": AFTER,
        "remediation": Remediation("mend it"),
    }  # fmt: skip
    return Finding(**(usual | given))  # type: ignore[arg-type]


def ledger(*findings: Finding, site: Site | None = None, facts: Iterable[object] = ()) -> Ledger:
    made = Facts()
    made.add(facts)  # type: ignore[arg-type]
    return Ledger(made, findings, Ground(site or Site.default(), date(2026, 3, 4)))


def controls(it: Incident, book: Ledger) -> tuple[Control, ...]:
    return linked(it, touches(it, book), book).mitigations


def one(it: Incident, book: Ledger, measure: Measure = FACTORS, host: str = "gate01") -> Control:
    found = [control for control in controls(it, book) if control.measure == measure and control.host == host]
    assert len(found) == 1, found
    return found[0]


def asked(book: Ledger, *incidents: Incident) -> WhatIf:
    return what_if([(it, touches(it, book)) for it in incidents], book)


def site(tmp_path: Path, text: str) -> Site:
    file = tmp_path / "gatewatch.toml"
    file.write_text(text)
    return load_site(file)


# Every measure and every check has its place


def test_every_measure_meets_some_move_or_says_why_not() -> None:
    met = {barrier.measure for barrier in BARRIERS}
    assert met | set(APART) == set(Measure)
    assert not met & set(APART)
    assert set(EFFORT) == set(Measure)
    assert set(EFFORT.values()) <= {1, 2, 3, 4, 5}


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_every_check_is_held_against_moves_or_put_aside_with_a_reason(check: str) -> None:
    patterns = [pattern for barrier in BARRIERS for pattern in barrier.checks]
    assert any(fnmatch.fnmatchcase(check, pattern) for pattern in (*patterns, *ASIDE)), f"{check}: add it to a barrier, or to ASIDE with a reason"


def test_nothing_is_put_aside_that_a_barrier_holds() -> None:
    for check in CHECKS:
        inside = any(fnmatch.fnmatchcase(check.id, pattern) for barrier in BARRIERS for pattern in barrier.checks)
        aside = [pattern for pattern in ASIDE if fnmatch.fnmatchcase(check.id, pattern)]
        assert not (inside and aside), (check.id, aside)


# Standing


def test_without_evidence_every_measure_that_would_have_met_it_is_unknown_and_says_what_to_bring() -> None:
    found = controls(incident(move("guess"), move(), hop("gate01", "db02")), ledger())
    assert {str(control.status) for control in found} == {"unknown"}
    assert all(control.collect for control in found)
    assert {control.id for control in found} == {"M1030", "M1032", "M1035", "M1042"}


@pytest.mark.parametrize(
    ("as_of", "then"),
    [
        (AFTER, "missing now (2026-03-03), unknown then"),
        (BEFORE, "missing on 2026-01-30, 30 days before; nothing says that it came since"),
        (None, "missing by the site file or undated evidence; unknown then"),
    ],
)
def test_a_failed_finding_proves_it_missing_and_says_what_that_means_for_the_time_then(as_of: datetime | None, then: str) -> None:
    control = one(incident(move()), ledger(finding(Status.FAIL, as_of=as_of)))
    assert (control.status, control.then, control.as_of) == (Standing.MISSING, then, as_of)
    assert (control.finding, control.check, control.fix) == ("f-M1032.2-01-fail", "M1032.2-01", "mend it")
    assert control.breaks


@pytest.mark.parametrize(
    ("as_of", "then"),
    [
        (AFTER, "in place now (2026-03-03), unknown then: put there since, or passed by"),
        (BEFORE, "in place on 2026-01-30, 30 days before, and did not cut: changed since, or passed by"),
    ],
)
def test_what_passed_says_why_it_may_not_have_cut(as_of: datetime, then: str) -> None:
    control = one(incident(move()), ledger(finding(Status.PASS, as_of=as_of)))
    assert (control.status, control.then) == (Standing.PRESENT, then)
    assert not control.breaks


def test_in_place_but_the_log_says_nobody_asked() -> None:
    control = one(incident(move(mfa="no")), ledger(finding(Status.PASS)))
    assert control.status is Standing.PRESENT
    assert "the log says that no second factor was asked for" in control.then


@pytest.mark.parametrize(("mfa", "status"), [(None, "unknown"), ("unknown", "unknown"), ("no", "missing"), ("yes", "present")])
def test_the_log_itself_decides_on_the_second_factor(mfa: str | None, status: str) -> None:
    control = one(incident(move(mfa=mfa)), ledger())
    assert control.status == status
    assert not control.finding
    assert (control.as_of == NIGHT) == (status != "unknown")


@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.MANUAL, Status.ERROR])
def test_what_is_not_known_is_never_in_place(status: Status) -> None:
    control = one(incident(move()), ledger(finding(Status.PASS), finding(status, "M1032.2-02", collect="pam.d")))
    assert control.status is Standing.UNKNOWN
    assert control.collect == "pam.d"
    assert not control.finding


@pytest.mark.parametrize(
    "other",
    [{"host": "db02"}, {"service": "vpn"}, {"check": "M1042.2-03"}, {"status": Status.NOT_APPLICABLE}],
    ids=["another host", "another service", "another measure", "not applicable"],
)
def test_a_finding_of_something_else_decides_nothing(other: dict[str, object]) -> None:
    found = finding(Status.FAIL)
    assert one(incident(move()), ledger(msgspec.structs.replace(found, **other))).status is Standing.UNKNOWN


def test_an_accepted_risk_is_missing_all_the_same() -> None:
    waiver = Waiver("ann", "until the tokens come", date(2027, 1, 1))
    control = one(incident(move()), ledger(finding(Status.FAIL, waiver=waiver)))
    assert control.status is Standing.MISSING
    assert "accepted by ann: until the tokens come" in control.proof


def test_where_the_event_names_the_door_other_doors_do_not_count() -> None:
    bad = finding(Status.FAIL, "M1035.10-01", service="vpn", subject="DefaultRA", host="asa1")
    good = finding(Status.PASS, "M1035.10-01", service="vpn", subject="Staff", host="asa1")
    came = {"service": "vpn", "host": "asa1", "method": "password"}
    book = ledger(bad, good)
    assert one(incident(move(door="Staff", **came)), book, Measure.MFA_TOOL, "asa1").status is Standing.PRESENT
    assert one(incident(move(door="defaultra", **came)), book, Measure.MFA_TOOL, "asa1").status is Standing.MISSING
    assert one(incident(move(**came)), book, Measure.MFA_TOOL, "asa1").status is Standing.MISSING  # the weakest door is anybody's


def test_a_probe_decides_where_no_filter_is_known() -> None:
    def probe(result: Result, when: datetime) -> Probe:
        where = (Where("p.csv", 3),)
        return Probe(host="gate01", as_of=when, where=where, zone="internet", address="192.0.2.2", port=22, protocol="tcp", result=result)

    opened = one(incident(move()), ledger(facts=[probe(Result.FILTERED, BEFORE), probe(Result.OPEN, AFTER)]), Measure.FIREWALL)
    assert opened.status is Standing.MISSING
    assert opened.proof == "a probe from internet found tcp/22 of gate01 open (p.csv:3)"
    closed = one(incident(move()), ledger(facts=[probe(Result.OPEN, BEFORE), probe(Result.CLOSED, AFTER)]), Measure.FIREWALL)
    assert closed.status is Standing.PRESENT


RULES = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s 10.5.0.11/32 -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""
INNER = """
[hosts.gate01]
addresses = ["10.5.0.11"]
[hosts.db02]
addresses = ["10.5.0.21"]
[zones.inside]
kind = "server"
cidrs = ["10.5.0.0/24"]
[assets.db02]
zone = "inside"
services = ["ssh"]
"""


def filters(host: str, text: str = RULES) -> list[object]:
    document = Document(f"{host}/iptables-save.txt", "commands/iptables-save.txt", host, text.encode(), AFTER)
    return list(read(next(iter(bundles([document])))).facts)


@pytest.mark.parametrize(("source", "status"), [("10.5.0.11", "missing"), ("10.5.0.12", "present")])
def test_the_packet_filters_are_asked_for_this_very_connection(source: str, status: str, tmp_path: Path) -> None:
    book = ledger(site=site(tmp_path, INNER), facts=filters("db02"))
    control = one(incident(move(), hop("", "db02", src_ip=source)), book, Measure.MICROSEGMENTATION, "db02")
    assert control.status == status
    assert "db02/iptables-save.txt" in control.proof
    assert (control.fix != "") == (status == "missing")


def test_what_the_site_means_to_be_open_was_not_missing(tmp_path: Path) -> None:
    text = INNER + '[zones.edge]\nkind = "dmz"\ncidrs = ["10.5.0.11"]\n[[flows]]\nfrom = "edge"\nto = "inside"\n'
    text += 'ports = ["tcp/22"]\nwhy = "w"\nowner = "ann"\n'
    book = ledger(site=site(tmp_path, text), facts=filters("db02"))
    control = one(incident(move(), hop("", "db02", src_ip="10.5.0.11")), book, Measure.MICROSEGMENTATION, "db02")
    assert (control.status, control.then) == (Standing.PRESENT, "nothing was to be cut here")


# What would have met what


def met(it: Move, book: Ledger | None = None) -> dict[str, str]:
    """Return the surest effect of each measure."""
    found: dict[str, str] = {}
    for control in controls(incident(it), book or ledger()):
        if control.measure not in found or control.effect is Effect.CUTS:
            found[control.measure] = str(control.effect)
    return found


@pytest.mark.parametrize(
    ("it", "wanted", "never"),
    [
        (move(), {"M1032.2": "cuts", "M1030.5": "cuts", "M1035.2": "cuts"}, {"M1021.1", "M1042.3"}),
        (move(method="key"), {"M1032.2": "cuts"}, set()),
        (move(method="certificate"), {"M1032.2": "may cut"}, set()),
        (move(mfa="yes"), {"M1032.2": "may cut"}, set()),
        (move(service="vpn", host="asa1"), {"M1032.2": "cuts", "M1035.10": "cuts"}, {"M1030.5", "M1035.2", "M1042.4"}),
        (move(service="idp", host=None), {"M1032.1": "cuts"}, {"M1032.2", "M1030.5"}),
        (move(service="vnc"), {"M1032.3": "cuts", "M1030.5": "cuts"}, set()),
        (move(service="kube_api", user="system:anonymous", method=None), {"M1035.1": "cuts", "M1042.2": "cuts", "M1030.5": "cuts"}, {"M1032.2"}),
        (move(service="kubelet", user=None, method=None), {"M1035.1": "cuts", "M1042.2": "cuts"}, {"M1032.2"}),
        (move(service="docker_api", user=None, method=None), {"M1035.7": "cuts", "M1042.2": "cuts"}, {"M1032.2"}),
        (move(user="root"), {"M1035.1": "cuts"}, set()),
        (move(method="hostbased"), {"M1035.1": "cuts"}, set()),
        (move(anonymizer=True), {"M1021.1": "may cut"}, set()),
        (move(src_ip="2001:db8::9"), {"M1030.1": "cuts"}, set()),
        (move(scope="loopback", src_ip="127.0.0.1", service="rdp"), {"M1032.2": "cuts"}, {"M1030.5", "M1035.2"}),
        (move("act", kind="exec", rules=("tor-service",), outside=False), {"M1021.1": "cuts", "M1042.3": "cuts", "M1021.5": "shows"}, {"M1030.5"}),
        (move("door", kind="exec", rules=("remote-tool",), user="root"), {"M1042.3": "may cut", "M1021.1": "may cut"}, {"M1032.2"}),
        (move("act", kind="port_forward"), {"M1042.2": "cuts"}, {"M1030.5"}),
        (move("act", kind="log_cleared", rules=("log-cleared",)), {"M1035.5": "shows"}, {"M1030.5"}),
        (move("refusals", kind="mfa_denied", service="idp"), {"M1032.4": "may cut", "M1032.5": "may cut"}, {"M1032.1"}),
        (move("guess", kind="auth_failure"), {"M1035.7": "may cut", "M1032.4": "shows"}, {"M1032.2", "M1030.5"}),
        (hop("gate01", "db02"), {"M1030.4": "cuts", "M1032.2": "cuts", "M1030.1": "may cut"}, {"M1030.5", "M1035.2"}),
        (hop("gate01", "fs01", service="smb", rules=("admin-share",)), {"M1035.6": "may cut", "M1035.7": "may cut"}, {"M1032.2"}),
        (hop("gate01", "db02", src_ip="10.99.0.4", scope="vpn_pool"), {"M1035.4": "cuts"}, set()),
        (move("privilege", kind="privilege_use", service="local"), {}, {"M1030.5", "M1032.2", "M1042.4"}),
    ],
)  # fmt: skip
def test_a_measure_meets_what_it_would_have_met(it: Move, wanted: dict[str, str], never: set[str]) -> None:
    found = met(it)
    assert {measure: found.get(measure) for measure in wanted} == wanted
    assert not never & set(found)


POSTURE = """
[zones.edge]
kind = "dmz"
cidrs = ["192.0.2.0/28"]
[zones.core]
kind = "critical"
cidrs = ["10.5.0.0/24"]
[assets.gate01]
zone = "edge"
roles = ["bastion"]
services = ["ssh"]
[assets.db02]
zone = "core"
critical = true
services = ["ssh"]
"""


def test_what_the_site_declares_sharpens_what_would_have_met_it(tmp_path: Path) -> None:
    book = ledger(site=site(tmp_path, POSTURE))
    found = met(move(), book)
    assert "M1030.2" not in found  # it stands where it may be reached
    assert "M1042.4" not in found  # a declared service is needed
    assert "M1035.2" not in found  # a bastion is a concentrator
    assert met(move(service="rdp"), book)["M1042.4"] == "cuts"
    assert met(move(host="db02"), book)["M1030.2"] == "cuts"
    assert met(hop("gate01", "db02"), book)["M1030.1"] == "cuts"


# What breaks an incident


def test_a_measure_at_one_of_two_ways_in_keeps_nobody_out() -> None:
    it = incident(move(), move(service="vpn", host="asa1"))
    book = ledger(finding(Status.FAIL))
    what = asked(book, it)
    by_id = {breaker.id: breaker for breaker in what.measures}
    assert "M1030.5" not in {breaker.id for breaker in what.measures if breaker.breaks}
    assert by_id["M1032.2"].entry == ("inc-1",)
    assert by_id["M1032.2"].proved == ()  # at the gateway it is not proved


def test_what_follows_on_a_host_nobody_comes_to_is_gone() -> None:
    it = incident(move(), hop("gate01", "db02"), hop("db02", "fs01"), move("act", kind="exec", host="fs01", outside=False))
    book = ledger()
    assert broken(it, frozenset({1}), book) is Break.STAGE
    assert broken(it, frozenset({2}), book) is Break.STAGE  # the act on fs01 cannot be done
    assert broken(incident(*it.moves[:3]), frozenset({2}), book) is None  # db02 is still reached
    assert broken(it, frozenset({0}), book) is Break.ENTRY
    assert broken(it, frozenset(), book) is None


def test_what_is_in_place_breaks_nothing_and_what_nothing_breaks_is_told() -> None:
    it = incident(move("logon", service="local", host="pc", method="key", outside=False), name="inc-2")
    what = asked(ledger(finding(Status.PASS)), incident(move(service="vpn", host="gate01", method="password")), it)
    assert what.unbroken == ("inc-2",)
    assert what.smallest.members == ("M1032.2",)  # the pass is of ssh, the way in was the gateway's
    passed = asked(ledger(finding(Status.PASS, service="vpn"), finding(Status.PASS, "M1035.10-01", service="vpn")), incident(move(service="vpn")))
    assert passed.unbroken == ("inc-1",)
    assert passed.smallest.members == ()


def test_the_smallest_set_is_ranked_by_effort() -> None:
    what = asked(ledger(), incident(move(service="vnc")))
    breaking = {breaker.id: breaker.effort for breaker in what.measures if breaker.breaks}
    assert len(breaking) > 2
    assert what.smallest.effort == min(breaking.values())
    assert what.smallest.others == len(breaking) - 1


def test_a_mitigation_is_all_its_measures_together() -> None:
    it = incident(move(service="ssh"), move(service="idp", host=None))
    what = asked(ledger(), it)
    assert not any(breaker.entry for breaker in what.measures)
    assert {breaker.id: breaker.entry for breaker in what.mitigations}["M1032"] == ("inc-1",)


HOSTS = ("gate01", "db02", "fs01", "")
MOVES = st.lists(
    st.one_of(
        st.builds(move, st.sampled_from(["logon", "use"]), host=st.sampled_from(HOSTS[:3])),
        st.builds(hop, st.sampled_from(HOSTS), st.sampled_from(HOSTS[:3])),
        st.builds(move, st.sampled_from(["act", "door"]), kind=st.just("exec"), host=st.sampled_from(HOSTS[:3]), outside=st.just(False)),
    ),
    max_size=7,
)


def plainly(moves: tuple[Move, ...], gone: frozenset[int]) -> Break | None:
    """Walk the incident again, one step at a time, until nothing more can be done."""
    if not gone:
        return None
    arrived = {it.host for it in moves if entry(it) or onward(it)}
    if any(map(entry, moves)) and all(at in gone for at, it in enumerate(moves) if entry(it)):
        return Break.ENTRY
    done: list[int] = []
    here: set[str | None] = set()
    while True:
        more = [
            at
            for at, it in enumerate(moves)
            if at not in gone and at not in done
            and (
                entry(it)
                or (onward(it) and (not it.src_host or it.src_host in here or it.src_host not in arrived))
                or (not entry(it) and not onward(it) and (it.host in here or it.host not in arrived))
            )
        ]  # fmt: skip
        if not more:
            break
        done.append(more[0])
        if entry(moves[more[0]]) or onward(moves[more[0]]):
            here.add(moves[more[0]].host)
    return Break.STAGE if {it.stage for it in moves} - {moves[at].stage for at in done} else None


@settings(max_examples=600, deadline=None)
@given(MOVES, st.frozensets(st.integers(0, 6)))
def test_breaking_equals_walking_it_again(moves: list[Move], gone: frozenset[int]) -> None:
    cut = frozenset(at for at in gone if at < len(moves))
    assert broken(incident(*moves), cut, ledger()) == plainly(tuple(moves), cut)


@settings(max_examples=300, deadline=None)
@given(MOVES, st.frozensets(st.integers(0, 6)), st.frozensets(st.integers(0, 6)))
def test_cutting_more_never_mends(moves: list[Move], gone: frozenset[int], more: frozenset[int]) -> None:
    few = broken(incident(*moves), frozenset(at for at in gone if at < len(moves)), ledger())
    many = broken(incident(*moves), frozenset(at for at in gone | more if at < len(moves)), ledger())
    assert few is None or many is not None


@settings(max_examples=200, deadline=None)
@given(st.lists(MOVES, max_size=5))
def test_the_smallest_set_breaks_what_any_measure_breaks(groups: list[list[Move]]) -> None:
    what = asked(ledger(), *(incident(*moves, name=f"inc-{at}") for at, moves in enumerate(groups)))
    wanted = {name for breaker in what.measures for name in breaker.breaks}
    reached = {name for breaker in what.measures if breaker.id in what.smallest.members for name in breaker.breaks}
    assert reached == wanted
    assert {Mitigation(breaker.id) for breaker in what.mitigations} <= set(Mitigation)


def test_the_effort_of_a_mitigation_is_that_of_what_does_it() -> None:
    alone = asked(ledger(), incident(move(service="vpn", host="asa1")))
    assert {one.id: one.effort for one in alone.mitigations}["M1032"] == EFFORT[Measure.AUTH_METHOD]
    both = asked(ledger(), incident(move(service="ssh"), move(service="idp", host=None)))
    assert {one.id: one.effort for one in both.mitigations}["M1032"] == EFFORT[Measure.AUTH_METHOD] + EFFORT[Measure.IAM]


def test_a_check_without_any_evidence_says_nothing_of_a_host() -> None:
    silent = finding(Status.UNKNOWN, "M1032.2-06", host="(site)", service="", message="no evidence: show running-config", collect="an ASA's")
    control = one(incident(move()), ledger(silent))
    assert (control.proof, control.check) == ("", "")
    assert "ASA" not in control.collect
    assert one(incident(move()), ledger(silent, finding(Status.PASS))).status is Standing.PRESENT
    cloud = finding(Status.UNKNOWN, "M1030.3-01", host="(site)", service="")
    assert "M1030.3" not in {control.measure for control in controls(incident(move()), ledger(cloud))}


def test_the_only_tenant_decides_on_sign_ins_and_of_two_none() -> None:
    came = incident(move(service="idp", host=None))
    contoso = finding(Status.FAIL, "M1032.1-01", host="contoso", service="idp")
    assert one(came, ledger(contoso), Measure.IAM, "").status is Standing.MISSING
    both = ledger(contoso, finding(Status.PASS, "M1032.1-01", host="fabrikam", service="idp"))
    assert one(came, both, Measure.IAM, "").status is Standing.UNKNOWN
    elsewhere = incident(move(service="idp", host="okta"))  # the policies of one provider say nothing of another's sign-ins
    assert one(elsewhere, ledger(contoso), Measure.IAM, "okta").status is Standing.UNKNOWN
    assert one(incident(move(service="idp", host="entra")), ledger(contoso), Measure.IAM, "entra").status is Standing.MISSING


def test_a_proxy_stands_for_every_host_behind_it() -> None:
    it = incident(move(), move("act", kind="exec", rules=("tor-service",), outside=False, host="pc7"))
    book = ledger(finding(Status.PASS, "M1021.1-01", host="proxy1", service="web"), finding(Status.FAIL, "M1021.1-01", host="proxy2", service="web"))
    assert one(it, book, Measure.WEB_PROXY, "pc7").status is Standing.MISSING


# What the lab's worlds taught


def test_what_one_gateway_calls_vpn_another_calls_by_its_trade() -> None:
    came = incident(move(service="vpn", host="ns1"))
    bad = finding(Status.FAIL, "M1035.10-01", service="citrix", host="ns1")
    assert one(came, ledger(bad), Measure.MFA_TOOL, "ns1").status is Standing.MISSING
    assert one(came, ledger(msgspec.structs.replace(bad, service="ssh")), Measure.MFA_TOOL, "ns1").status is Standing.UNKNOWN


def test_who_administers_a_concentrator_from_outside_meets_its_management(tmp_path: Path) -> None:
    declared = site(tmp_path, '[audit]\nconcentrators = ["fgt1"]\n')
    came = incident(move(service="web", host="fgt1"))
    plane = finding(Status.FAIL, "M1030.2-03", service="web", host="fgt1")
    factor = finding(Status.FAIL, "M1035.10-03", service="web", host="fgt1")
    book = ledger(plane, factor, site=declared)
    assert one(came, book, Measure.DMZ, "fgt1").check == "M1030.2-03"
    assert one(came, book, Measure.MFA_TOOL, "fgt1").check == "M1035.10-03"
    assert not [control for control in controls(came, ledger(plane, factor)) if control.check]  # no concentrator: a web page like any other
    user = incident(move(service="vpn", host="fgt1"))
    assert not [control for control in controls(user, book) if control.check == "M1035.10-03"]


def test_the_cluster_that_no_record_names_is_the_only_one_there_is() -> None:
    came = incident(move(service="kube_api", host="kubernetes", user="system:anonymous"))
    bad = finding(Status.FAIL, "M1035.1-04a", service="kube_api", host="cp1")
    known = [ApiServerSettings(host="cp1", where=(Where("x", 1),), service="kube_api", scope="", values=())]
    assert one(came, ledger(bad, facts=known), Measure.ACCESS_AUDIT, "cp1").status is Standing.MISSING
    two = [*known, ApiServerSettings(host="cp2", where=(Where("y", 1),), service="kube_api", scope="", values=())]
    assert one(came, ledger(bad, facts=two), Measure.ACCESS_AUDIT, "kubernetes").status is Standing.UNKNOWN


def test_that_a_filter_is_on_says_nothing_against_what_it_lets_through() -> None:
    open_ = PacketFilter(
        host="gate01", platform="test", semantics=Semantics.FIRST_MATCH, chains=(Chain("input", (), Action.ACCEPT),), input=("input",)
    )
    machine = Machine(host="gate01", system=System.LINUX, addresses=("203.0.113.20",))
    on = finding(Status.PASS, "M1030.5-07a", service="")
    found = one(incident(move(src_ip="198.51.100.9")), ledger(on, facts=[open_, machine]), Measure.FIREWALL)
    assert found.status is Standing.MISSING
    shut = replace(open_, chains=(Chain("input", (), Action.DROP),))
    assert one(incident(move(src_ip="198.51.100.9")), ledger(on, facts=[shut, machine]), Measure.FIREWALL).status is Standing.PRESENT
