"""Exports that are written newest first, or in no order at all, say the same as the log itself."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from gatewatch.app import scan
from gatewatch.schema.incidents import Scan
from gatewatch.site.load import load_site

SITE = """
[site]
name = "order"
zone = "UTC"
year = 2026
[network]
outside = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]
"""
OUT = "203.0.113.66"


def okta(clock: str, kind: str, user: str, outcome: str = "SUCCESS", ip: str = OUT) -> str:
    event = {"uuid": f"u-{clock}-{kind}-{user}", "published": f"2026-03-02T{clock}Z", "eventType": kind, "outcome": {"result": outcome}}
    if outcome == "FAILURE":
        event["outcome"] = {"result": outcome, "reason": "INVALID_CREDENTIALS"}
    return json.dumps(event | {"actor": {"type": "User", "alternateId": f"{user}@corp.example"}, "client": {"ipAddress": ip}})


def provider() -> list[str]:
    """An account guessed at a provider, in the middle of others' logons, then a second factor registered."""
    lines = [okta(f"07:{minute:02d}:00", "user.session.start", f"user{minute}", ip="198.51.100.7") for minute in range(0, 60, 7)]
    lines += [okta(f"08:0{minute}:00", "user.session.start", "ann", "FAILURE") for minute in range(8)]
    return [*lines, okta("08:09:00", "user.session.start", "ann"), okta("08:12:00", "user.mfa.factor.activate", "ann")]


def server(stamp: str) -> list[str]:
    """The same on an SSH server, over two days, so that nights lie between."""
    head = {"iso": "2026-03-{day:02d}T{clock}+00:00", "bsd": "Mar {day:2d} {clock}"}[stamp]
    lines = []
    for number, (day, clock, text) in enumerate(
        [
            (1, "07:00:00", "Accepted publickey for bob from 198.51.100.7 port 50111 ssh2: ED25519 SHA256:AAAA"),
            (1, "16:00:00", "Accepted publickey for bob from 198.51.100.7 port 50112 ssh2: ED25519 SHA256:AAAA"),
            *((2, f"08:0{minute}:00", f"Failed password for ann from {OUT} port 50113 ssh2") for minute in range(8)),
            (2, "08:09:00", f"Accepted password for ann from {OUT} port 50114 ssh2"),
            (2, "17:00:00", "Accepted publickey for bob from 198.51.100.7 port 50115 ssh2: ED25519 SHA256:AAAA"),
        ]
    ):
        lines.append(f"{head.format(day=day, clock=clock)} gate01 sshd[{900 + number}]: {text}")
    return lines


def run(folder: Path, name: str, lines: list[str]) -> Scan:
    (folder / "gatewatch.toml").write_text(SITE, encoding="utf-8")
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    (logs / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return scan([str(logs)], site=load_site(folder / "gatewatch.toml"))


def told(result: Scan) -> list[tuple[str, str, str, int]]:
    return [(one.id, one.verdict, one.confidence, one.failures) for one in result.incidents]


@pytest.mark.parametrize(("name", "lines"), [("okta.jsonl", provider()), ("iso.log", server("iso")), ("bsd.log", server("bsd"))])
def test_newest_first_says_the_same(tmp_path: Path, name: str, lines: list[str]) -> None:
    forward = run(tmp_path, name, lines)
    assert [one.severity for one in forward.incidents] == ["high"]
    assert not any("newest first" in note for note in forward.notes)
    backward = run(tmp_path, name, lines[::-1])
    assert told(backward) == told(forward)
    assert [note.rsplit("/", 1)[-1] for note in backward.notes if "newest" in note] == [f"{name}: written newest first, so read from the end"]
    assert backward.clock_faults == []  # no clock was ever set back


@pytest.mark.parametrize("seed", range(5))
def test_what_a_provider_hands_out_in_no_order_says_the_same(tmp_path: Path, seed: int) -> None:
    lines = provider()
    forward = run(tmp_path, "okta.jsonl", lines)
    random.Random(seed).shuffle(lines)
    assert told(run(tmp_path, "okta.jsonl", lines)) == told(forward)


def test_a_success_before_the_failures_is_none_however_it_is_written(tmp_path: Path) -> None:
    failures = [okta(f"08:0{minute}:00", "user.session.start", "ann", "FAILURE") for minute in range(1, 9)]
    lines = [okta("08:00:00", "user.session.start", "ann"), *failures]
    assert run(tmp_path, "okta.jsonl", lines).incidents == []
    assert run(tmp_path, "okta.jsonl", lines[::-1]).incidents == []


def test_a_clock_that_was_set_back_is_no_export_written_newest_first(tmp_path: Path) -> None:
    lines = server("iso")
    late = [line.replace("2026-03-02T", "2026-02-20T") for line in lines[2:]]  # the clock lost ten days before the failures
    result = run(tmp_path, "iso.log", [*lines[:2], *late])
    assert not any("newest first" in note for note in result.notes)
    assert [one.severity for one in result.incidents] == ["high"]
    assert len(result.clock_faults) == 1
