from __future__ import annotations

import msgspec

from gatewatch.schema.incidents import Scan
from gatewatch.sinks import story
from gatewatch.sinks.moment import zone_info

VIENNA = zone_info("Europe/Vienna")


def test_who_and_where(scan: Scan) -> None:
    guessed = scan.incidents[1]
    assert story.who(guessed) == "203.0.113.9 (BR, AS64500 Example Hosting) and 203.0.113.77, 2001:db8:5::9"
    assert story.where(guessed) == "deploy, root on web1, db1 by ssh"


def test_failures_become_an_acceptance(scan: Scan) -> None:
    stopped, guessed, keyed = scan.incidents
    assert story.turn(guessed, VIENNA) == "412 failures in 8 min 23 s, then accepted 03:21:07 (02:21:07 UTC)"
    assert story.turn(stopped, VIENNA) == "31 failures, nothing accepted"
    assert story.turn(keyed, zone_info("UTC")) == "no failure seen; accepted 2026-01-07 11:12:44 UTC"


def test_onward_is_what_follows_the_acceptance(scan: Scan) -> None:
    stopped, guessed, keyed = scan.incidents
    assert [stage.name for stage in story.onward(guessed)] == ["root", "second door", "onward"]
    assert [stage.name for stage in story.steps(stopped)] == ["stopped"]
    assert story.onward(keyed) == ()


def test_a_guess_and_its_logon_in_one_second_are_told_apart(scan: Scan) -> None:
    guessed = scan.incidents[1]
    moment = guessed.accepted
    assert moment is not None
    hasty = [msgspec.structs.replace(stage, time=moment, last=moment) for stage in guessed.stages]
    assert story.entry(msgspec.structs.replace(guessed, stages=tuple(hasty))) == 1


def test_trail_is_a_tree_and_marks_doubt(scan: Scan) -> None:
    assert story.trail(scan.incidents[1].path) == (
        (0, "203.0.113.9"),
        (1, "─ssh→ web1"),
        (2, "─sudo→ root@web1"),
        (3, "─ssh→ db1"),
        (4, "─file transfer?→ 198.51.100.200"),
        (2, "─second door→ /root/.ssh/authorized_keys"),
    )


def test_trail_follows_a_circle_once_and_joins_like_steps(scan: Scan) -> None:
    first = scan.incidents[1].path[0]
    ways = [("a", "b", "ssh"), ("a", "b", "scp"), ("a", "b", "ssh"), ("b", "c", "rdp"), ("c", "b", "ssh"), ("x", "x", "su"), ("c", "c", "su")]
    path = [msgspec.structs.replace(first, source=source, target=target, via=via, confidence="certain") for source, target, via in ways]
    assert story.trail(path) == (
        (0, "a"),
        (1, "─ssh and 1 more→ b"),
        (2, "─rdp→ c"),
        (3, "─ssh→ b"),
        (3, "─su→ c"),
        (0, "x"),
        (1, "─su→ x"),
    )
    assert story.trail(path[3:5])[0] == (0, "b")
    assert story.trail([]) == ()


def test_like_reasons_are_told_together(scan: Scan) -> None:
    guessed = scan.incidents[1]
    again = msgspec.structs.replace(guessed.why[0], note="another note")
    unscored = msgspec.structs.replace(guessed.why[0], score=0)
    told = story.reasons(msgspec.structs.replace(guessed, why=(guessed.why[0], again, unscored, again)))
    first = guessed.why[0]
    assert told == ((first.score, f"{first.factor} ×3", tuple(note for note in (first.note, "another note") if note)),)
    assert story.reasons(msgspec.structs.replace(guessed, why=(unscored,))) == ()


def test_doubts_hold_unjudged_factors_and_unsure_order(scan: Scan) -> None:
    said = story.doubts(scan.incidents[1])
    assert "not judged: impossible travel (unknown: fewer than 5 successes of history)" in said
    assert any("“onward” rests on clocks" in one for one in said)


def test_open_is_never_guessed(scan: Scan) -> None:
    assert story.still_open(scan.incidents[1]).startswith("yes")
    assert story.still_open(msgspec.structs.replace(scan.incidents[1], open=None)).startswith("unknown")
    assert story.still_open(scan.incidents[0]) == "no session was opened"
