from __future__ import annotations

from pathlib import Path

import pytest

from gatewatch.errors import UsageError
from gatewatch.lab.estate import Estate
from gatewatch.lab.organisation import found
from gatewatch.lab.scenario import LEVELS, Scenario, library, load, parse, tell
from gatewatch.lab.stage import Stage
from gatewatch.lab.staging import stage_one
from gatewatch.lab.step import STEPS
from gatewatch.lab.truth import Ledger

SCENARIOS = library()
GOOD = """id = "good"
title = "Good"
analytic = "AN1005"
entry = "ssh"
attack = ["T1133"]
story = "One."

[actors.intruder]
kind = "outsider"

[actors.victim]
kind = "account"
role = ["staff"]

[actors.gate]
kind = "host"
role = ["jump"]

[[steps]]
do = "guess"
who = "intruder"
account = "victim"
on = "gate"
tries = "$tries"
every = "5s"

[[steps]]
do = "enter"
who = "intruder"
account = "victim"
on = "gate"
session = "s"

[[steps]]
do = "leave"
in = "s"

[levels.loud]
tries = 9
[levels.careful]
tries = 9
[levels.slow]
tries = 9
"""


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_there_are_enough_of_every_kind() -> None:
    assert len(SCENARIOS) >= 30
    assert {scenario.analytic for scenario in SCENARIOS} == {"AN1004", "AN1005", "AN1006", "AN1007"}
    assert sum(bool(scenario.reported) for scenario in SCENARIOS) >= 11
    assert {step.verb.name for scenario in SCENARIOS for step in scenario.steps} >= set(STEPS) - {"stranger", "task"}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_it_plays_at_every_level(scenario: Scenario, tmp_path: Path) -> None:
    estate, ledger = Estate(Stage(found(5, 40, 12), tmp_path)), Ledger(5)
    for number, level in enumerate(LEVELS, 1):
        truth = stage_one(estate, ledger, scenario, number, level)
        marks = {mark for mark, (thing, _) in enumerate(ledger.marks) if thing is truth}
        assert any(row[3] in marks for stream in estate.stage.streams.values() for row in stream.rows)
        assert truth.origins
        assert truth.path
        assert truth.accepted is not None and truth.first <= truth.accepted <= truth.last
        assert len(truth.steps) == len(scenario.steps)
        assert tell(scenario).startswith(scenario.id)


def test_a_good_one() -> None:
    assert parse(GOOD, "x/good.toml").steps[1].verb.opens


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('do = "guess"', 'do = "gues"', "unknown step 'gues'; did you mean guess?"),
        ('account = "victim"', 'account = "victor"', "the actor 'victor' is not defined"),
        ('every = "5s"', 'every = "-5s"', "impossible time"),
        ('every = "5s"', 'every = "soon"', "impossible time"),
        ('tries = "$tries"', 'tries = "$tires"', "'$tires' has no value in every level"),
        ('tries = "$tries"', "tries = 0", "'tries' is a whole number above 0"),
        ('in = "s"', 'in = "t"', "no step before this one opens a session 't'"),
        ('in = "s"', 'in = "s"\ncolour = 1', "'leave' knows no 'colour'"),
        ('analytic = "AN1005"', 'analytic = "AN1"', "'AN1' is none of"),
        ('id = "good"', 'id = "bad"', "the id is 'bad'"),
        ('role = ["jump"]', 'role = ["moon"]', "the roles of host are"),
        ("[levels.slow]", "[levels.sloww]", "unknown level 'sloww'"),
        ("[levels.slow]", '[levels.slow]\nspan = "10s"', "impossible time: the steps of slow"),
        ('title = "Good"', 'title = "Good"\ncolour = 1', "unknown key 'colour'"),
        ('attack = ["T1133"]', 'attack = ["T13"]', "'T13' is no technique of ATT&CK"),
        ('title = "Good"', "title = Good", "no TOML"),
    ],
)
def test_it_is_refused_with_file_line_and_reason(old: str, new: str, reason: str) -> None:
    text = GOOD.replace(old, new, 1)
    with pytest.raises(UsageError) as caught:
        parse(text, "x/good.toml")
    hit = [line for line in str(caught.value).splitlines() if reason in line]
    assert hit, str(caught.value)
    file, line, _ = hit[0].split(":", 2)
    assert file == "x/good.toml"
    wanted = new.splitlines()[-1] if "\n" in new and "span" not in new else new.splitlines()[0]
    assert int(line) == line_of(text, wanted) or abs(int(line) - line_of(text, wanted)) <= 1


def test_a_session_that_was_closed_is_an_impossible_time() -> None:
    text = GOOD.replace("[levels.loud]", '[[steps]]\ndo = "leave"\nin = "s"\n\n[levels.loud]', 1)
    with pytest.raises(UsageError, match="impossible time: the session 's' was closed before"):
        parse(text, "x/good.toml")


def test_a_device_whose_log_would_not_tell_is_refused() -> None:
    text = GOOD.replace("[levels.loud]", '[[steps]]\ndo = "administer"\nwho = "intruder"\naccount = "victim"\non = "gate"\n\n[levels.loud]', 1)
    with pytest.raises(UsageError, match=r"good\.toml:\d+: 'administer' needs a gateway with the role staff"):
        parse(text, "x/good.toml")


def test_two_of_one_name_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "ssh-stolen-password.toml"
    with pytest.raises(UsageError, match="ssh-stolen-password"):
        load(file)
    file.write_text((Path(SCENARIOS[0].path).parent / file.name).read_text())
    with pytest.raises(UsageError, match="there is a scenario"):
        library([file])


@pytest.mark.parametrize("name", ["rdp-left-open", "vpn-session-taken-over"])
def test_the_owner_of_a_session_is_no_part_of_the_intrusion(name: str, tmp_path: Path) -> None:
    estate, ledger = Estate(Stage(found(5, 40, 12), tmp_path)), Ledger(5)
    truth = stage_one(estate, ledger, next(one for one in SCENARIOS if one.id == name), 1, "loud")
    owner, taken = estate.accesses[0], next(step for step in truth.steps if step.do == "resume")
    assert ledger.owner(owner.mark) is None
    assert owner.source not in truth.origins
    assert truth.accepted == truth.path[0].time
    assert taken.time <= truth.path[0].time
    assert truth.path[0].source in truth.origins
