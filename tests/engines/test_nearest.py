"""What nobody recognises is named, with its number, an example and what came closest."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from gatewatch import app
from gatewatch.engines.nearest import COLUMNS, KEPT, KEYS, MORE, SHOWN, Kinds, strangers
from gatewatch.schema.incidents import Scan
from gatewatch.sinks.console_account import strangers as printed
from gatewatch.sources.registry import SOURCES

SAMPLES = Path(__file__).parents[1] / "samples"
HEAD = "Jan  5 12:00:00 gate01 "


def scanned(folder: Path, **files: str) -> Scan:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return app.scan([str(folder)], year=2026)


@pytest.mark.parametrize(
    ("text", "kind", "name", "count", "nearest", "why"),
    [
        (f"{HEAD}sshd[1]: Mystery words\n" * 3, "message", "sshd", 3, "sshd", "no pattern of it begins so"),
        (f"{HEAD}sshd[1]: Accepted nonsense\n", "message", "sshd", 1, "sshd", "begins like its pattern"),
        (
            f"{HEAD}door[1]: Failed password for root from 203.0.113.9 port 22 ssh2\n",
            "program",
            "door",
            1,
            "sshd",
            "reads like sshd (pattern failed)",
        ),
        (f"{HEAD}sshdd[1]: hello\n", "program", "sshdd", 1, "sshd", "almost like sshd of sshd"),
        (f"{HEAD}dhclient[1]: bound\n" * 2, "program", "dhclient", 2, None, "no source claims the program dhclient"),
        ("Failed password for root from 203.0.113.9 port 22 ssh2\n", "line", "", 1, "sshd", "no header before it"),
        ("It was a dark and stormy night\n", "line", "", 1, None, "no header of a known framing"),
        ('{"published":"x","eventType":"weird","outcome":{}}\n', "json", "", 1, "okta", "has eventType, published, outcome; lacks actor, client"),
        ('{"hello":1}\n', "json", "", 1, None, "JSON object with keys hello: nothing"),
        ("CreationDate,UserId,Operation,Other\n1,2,3,4\n", "line", "", 2, "m365", "nearest m365 (3 of its 6 columns"),
        ("one,two,three\n1,2,3\n", "line", "", 2, None, "a table with the columns one, two, three: nothing"),
        ("\x01\x02\x03" * 500, "binary", "", 1, None, "binary data"),
        (
            '{"EventID":1,"Channel":"Nobody/Reads","Computer":"ws01","TimeCreated":"2026-01-05T12:00:00Z"}\n',
            "channel",
            "Nobody/Reads",
            1,
            None,
            "channel",
        ),
    ],
)
def test_what_came_closest(text: str, kind: str, name: str, count: int, nearest: str | None, why: str, tmp_path: Path) -> None:
    (found,) = scanned(tmp_path, x=text).strangers
    assert (found.file, found.kind, found.name, found.count, found.nearest) == (str(tmp_path / "x"), kind, name, count, nearest)
    assert why in found.why


def test_each_unrecognised_record_is_of_one_kind(tmp_path: Path) -> None:
    text = "".join(f"{HEAD}app{n % 150}[1]: hello {n}\n" for n in range(400)) + "no header\n" * 7
    result = scanned(tmp_path, x=text, y=f"{HEAD}app1[1]: other\n" + "x\n" * 3)
    unrecognised = sum(tally.count for tally in result.tallies if tally.disposition == "unrecognised")
    assert unrecognised == 411
    assert len(result.strangers) == SHOWN
    kinds = Kinds()
    for n in range(KEPT + 50):
        kinds.add("program", f"p{n:04}", 2, n + 1, "x")
    assert sum(one.count for one in kinds.found.values()) == 2 * (KEPT + 50)
    assert kinds.found[MORE, ""].count == 100
    assert [row.count for row in strangers([("x", kinds)])] == [100, *[2] * (SHOWN - 1)]


def test_the_order_of_blocks_changes_nothing() -> None:
    parts = []
    for shift, text in ((0, "first"), (10, "second")):
        kinds = Kinds()
        kinds.add("line", "", 3, 2, text)
        parts.append((shift, kinds))
    whole = []
    for order in (parts, parts[::-1]):
        kinds = Kinds()
        for shift, part in order:
            kinds.update(part, shift)
        whole.append(strangers([("x", kinds)]))
    assert whole[0] == whole[1]
    assert (whole[0][0].count, whole[0][0].record, whole[0][0].raw) == (6, 2, "first")


def test_an_example_is_masked_and_capped(tmp_path: Path) -> None:
    (found,) = scanned(tmp_path, x=f"{HEAD}app[1]: deploy --password hunter2 {'y' * 5000}\n").strangers
    assert "hunter2" not in found.raw
    assert "***" in found.raw
    assert len(found.raw) <= 300


def test_an_example_cannot_steer_the_terminal(tmp_path: Path) -> None:
    result = scanned(tmp_path, x=f"{HEAD}app\x1b[31m[1]: \x1b]0;owned\x07 \u202e text\n{HEAD}[bold]app[/bold]: x\n")
    out = io.StringIO()
    printed(result, Console(file=out, width=100, force_terminal=False))
    said = out.getvalue()
    assert "came closest" in said
    assert not {"\x1b", "\x07", "\u202e"} & set(said)


@pytest.mark.parametrize("text", ["", "[]", "{" * 5000, "\x00,\x00,\x00", '"', "a,b\r,c", ",,,", "{}", '{"a":' * 3000, "%" * 4000])
@pytest.mark.parametrize("kind", ["program", "message", "line", "json", "channel"])
def test_nothing_raises(kind: str, text: str) -> None:
    kinds = Kinds()
    kinds.add(kind, "sshd" if kind == "message" else "", 1, 1, text)
    (found,) = strangers([("x", kinds)])
    assert found.why


def test_the_keys_are_those_of_the_samples() -> None:
    """What a source is said to have, its records have."""
    names = {source.name for source in SOURCES}
    assert set(KEYS) <= names
    missing = []
    for name, keys in KEYS.items():
        text = "".join(path.read_text(encoding="utf-8") for path in sorted((SAMPLES / name).glob("*.jsonl")))
        if name == "windows-logon":  # the samples leave out what every event has
            continue
        missing += [f"{name}: {key}" for key in keys if json.dumps(key) not in text]
    assert missing == []
    assert all(len(columns) > 3 for columns in COLUMNS.values())
