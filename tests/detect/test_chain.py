"""Chain files: what is read, and that every mistake is refused with its path and what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gatewatch.detect.chain import Count, amount, load_chain, load_chains, seconds
from gatewatch.errors import ContentError
from gatewatch.schema.incidents import Severity

TEXT = """
id: guess-logon-onward
title: Guessed password, logon, onward movement
analytic: AN1005
attack: [T1133, T1110, T1021.004]
by: [user, origin_ip]
needs: [ssh server log]
stages:
  - {name: guess, rules: [auth-failure], count: {gte: $FailedLogonThreshold, window: $TimeWindow, distinct: src_port}}
  - {name: logon, rules: [guessable-success], after: $TimeWindow, anchor: true, as: {user: target_user}}
  - {name: onward, any: [remote-shell, file-transfer], after: 24h, or: during-session, optional: true}
  - {name: no-mfa, rules: [mfa-ok], absent: true, within: 5m, optional: true}
span: 48h
severity: {logon: high, onward: critical}
confidence: high
explanation: Why it matters.
false_positives: A forgetful user.
blind_spots: [no log of the gateway, keys]
next_steps: [ask the user]
"""


def write(folder: Path, text: str, name: str = "guess-logon-onward.yml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    path = write(folder, text)
    with pytest.raises(ContentError) as caught:
        load_chain(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_a_chain_is_read_as_written(tmp_path: Path) -> None:
    chain = load_chain(write(tmp_path, TEXT))
    guess, logon, onward, no_mfa = chain.stages
    assert chain.by == ("user", "origin_ip") and chain.analytic == "AN1005" and chain.span == "48h"
    assert chain.severity == {"logon": Severity.HIGH, "onward": Severity.CRITICAL} and chain.confidence == "high"
    assert guess.count == Count("$FailedLogonThreshold", "$TimeWindow", "src_port")
    assert logon.anchor and logon.alias == {"user": "target_user"} and chain.anchor is logon
    assert onward.rules == ("remote-shell", "file-transfer") and onward.optional and onward.during_session
    assert no_mfa.absent and no_mfa.within == "5m"
    assert chain.false_positives == ("A forgetful user.",) and chain.blind_spots == ("no log of the gateway", "keys")


def test_a_chain_says_what_it_needs(tmp_path: Path) -> None:
    chain = load_chain(write(tmp_path, TEXT))
    assert chain.rules == ("auth-failure", "guessable-success", "remote-shell", "file-transfer", "mfa-ok")
    assert chain.columns == ("user", "origin_ip", "target_user", "src_port", "host", "session", "origin_session")
    assert chain.tunables == ("FailedLogonThreshold", "TimeWindow")


@pytest.mark.parametrize(
    ("text", "value"), [("90s", 90), ("15m", 900), ("24h", 86400), ("7d", 604800), ("2w", 1209600), ("$TimeWindow", 900)]
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text, {"TimeWindow": 900}.__getitem__) == value


def test_numbers() -> None:
    assert amount(5, float) == 5 and amount("$FailedLogonThreshold", {"FailedLogonThreshold": 6}.__getitem__) == 6


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("span: 48h", "spam: 48h", "unknown field `spam`"),
        ("span: 48h", "span: 48", "Expected `str | null`, got `int` - at `$.span`"),
        ("span: 48h", "span: 48 hours", "span '48 hours' is neither a duration such as 15m nor a $Tunable"),
        ("span: 48h", "span: 48h\nspan: 24h", "the key 'span' is given twice"),
        ("id: guess-logon-onward", "id: other", "id 'other' must equal the file's name 'guess-logon-onward'"),
        ("id: guess-logon-onward", "id: Guess_Logon", "id 'Guess_Logon' must be words of small letters and digits joined by hyphens"),
        ("title: Guessed password, logon, onward movement", "title: ''", "title and explanation must say something"),
        ("title: Guessed password, logon, onward movement", "", "missing required field `title`"),
        ("by: [user, origin_ip]", "by: []", "by must name at least one key"),
        ("by: [user, origin_ip]", "by: [user, user]", "by names a key twice"),
        ("by: [user, origin_ip]", "by: [user, origin]", "by: 'origin' is no event column"),
        ("analytic: AN1005", "analytic: DET0354", "analytic 'DET0354' is not of the form AN1005"),
        ("T1021.004", "T1021.4", "attack: 'T1021.4' is not of the form T1133 or T1021.004"),
        ("onward: critical", "onwards: critical", "severity: there is no stage 'onwards'"),
        ("onward: critical", "onward: grave", "Invalid enum value 'grave'"),
        ("severity: {logon: high, onward: critical}", "severity: {}", "severity must give a level for at least one stage"),
        ("confidence: high", "confidence: sure", "Invalid enum value 'sure'"),
        ("name: onward", "name: logon", "two stages have the same name"),
        ("name: no-mfa", "name: No MFA", "stage 'No MFA': name must be words"),
        ("anchor: true", "anchor: false", "exactly one stage must be the anchor, not 0"),
        ("or: during-session", "anchor: true", "exactly one stage must be the anchor, not 2"),
        ("anchor: true", "anchor: true, optional: true", "stage 'logon': the anchor cannot be optional"),
        ("rules: [auth-failure]", "rules: []", "stage 'guess': rules must name at least one rule"),
        ("rules: [auth-failure]", "rules: [a], any: [b]", "stage 'guess': rules and any are two names of one field"),
        ("rules: [auth-failure]", "rule: [a]", "unknown field `rule`"),
        ("rules: [auth-failure]", "rules: [auth-failure], after: 5m", "stage 'guess': the first stage has nothing to be after"),
        ("rules: [auth-failure]", "rules: [a], or: during-session", "stage 'guess': or: during-session is for stages after the anchor"),
        ("or: during-session", "or: in-session", "Invalid enum value 'in-session'"),
        ("after: 24h", "after: soon", "stage 'onward': after 'soon' is neither a duration"),
        ("gte: $FailedLogonThreshold", "gte: 0", "stage 'guess': count.gte must be at least 1"),
        ("gte: $FailedLogonThreshold", "gte: many", "stage 'guess': count.gte 'many' is neither a number nor a $Tunable"),
        ("gte: $FailedLogonThreshold, ", "", "missing required field `gte`"),
        ("window: $TimeWindow", "window: $", "stage 'guess': count.window '$' is neither a duration"),
        ("distinct: src_port", "distinct: port", "stage 'guess': count.distinct: 'port' is no event column"),
        ("as: {user: target_user}", "as: {host: target_user}", "stage 'logon': as: 'host' is not among the keys of by"),
        ("as: {user: target_user}", "as: {user: account}", "stage 'logon': as: 'account' is no event column"),
        ("absent: true, within: 5m", "absent: true", "stage 'no-mfa': absent and within go together"),
        ("absent: true, within: 5m", "within: 5m", "stage 'no-mfa': absent and within go together"),
        ("within: 5m", "within: 5m, after: 5m", "stage 'no-mfa': an absence takes neither anchor, count, after nor or"),
        ("explanation: Why it matters.", "explanation: [", "cannot be read: while parsing"),
        ("explanation: Why it matters.", "explanation: 2024-13-45", "cannot be read: month must be in 1..12"),
    ],
)
def test_a_mistake_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in TEXT
    assert complaint in refusal(tmp_path, TEXT.replace(old, new))


@pytest.mark.parametrize("text", ["", "- a\n- b", "just text", "[1, 2]"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text) == "a chain is a mapping"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chain.yml"
    with pytest.raises(ContentError, match="cannot be read"):
        load_chain(path)
    path.write_bytes(b"id: \xff\xfe")
    with pytest.raises(ContentError, match="cannot be read"):
        load_chain(path)


def test_an_absent_anchor_alone_is_refused(tmp_path: Path) -> None:
    raw: dict[str, Any] = yaml.safe_load(TEXT)
    raw["stages"] = [{"name": "logon", "rules": ["a"], "anchor": True, "absent": True, "within": "5m"}]
    raw["severity"] = {"logon": "high"}
    assert refusal(tmp_path, yaml.safe_dump(raw)) == "stage 'logon': an absence takes neither anchor, count, after nor or"


def test_a_folder_is_read_in_the_order_of_ids(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        write(tmp_path, TEXT.replace("id: guess-logon-onward", f"id: {name}"), f"{name}.yml")
    write(tmp_path, "no chain", "readme.txt")
    assert [chain.id for chain in load_chains(tmp_path)] == ["a", "b", "c"]


def test_an_id_is_taken_once(tmp_path: Path) -> None:
    write(tmp_path, TEXT)
    write(tmp_path, TEXT, "guess-logon-onward.yaml")
    with pytest.raises(ContentError, match="already taken"):
        load_chains(tmp_path)
