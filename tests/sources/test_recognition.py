"""Recognition by content: names of files say nothing, and one file may hold all formats; each record finds its source all the same."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
import raw_sample
from raw_sample import RawSample

from gatewatch.engines.collect import collect
from gatewatch.engines.local import Options, event_frames
from gatewatch.intake.limit import Limits
from gatewatch.site.model import Site

JOINED = frozenset({"vnc", "xrdp"})
"""Sources that count what two lines tell by one of them: which of two is used or ignored depends on the lines beside it, so both are one here."""


def known(source: str | None, fate: str) -> str:
    return "used" if source in JOINED and fate == "ignored" else fate


ALL: list[RawSample] = [
    *raw_sample.text(),
    *raw_sample.documents(),
    *raw_sample.windows(),
    *(one for name in ("cef", "leef", "kubernetes-kubelet", "docker-daemon") for one in raw_sample.annotated(name)),
    *raw_sample.audit(),
    *raw_sample.files(),
]
ALL = [replace(one, fates=frozenset(known(one.source, fate) for fate in one.fates)) for one in ALL]


def fates(folder: Path) -> dict[str, dict[tuple[str | None, str], int]]:
    """Return per file what its records became, by source and disposition."""
    found: dict[str, dict[tuple[str | None, str], int]] = defaultdict(lambda: defaultdict(int))
    for (file, source, fate, _), number in collect([str(folder)], limits=Limits(), wanted=None).tally.items():
        found[file][source, known(source, str(fate))] += number
    return found


def as_annotated(one: RawSample, became: set[tuple[str | None, str]]) -> bool:
    """Return whether the records of a sample went to its source and became what is stated.

    What is cut off has nobody: where an object does not end, or a line lacks what tells whose it is, it is left to no source, but never to another.
    """
    if not {source for source, _ in became} <= {one.source, None}:
        return False
    nobodys = {fate for source, fate in became if source is None}
    if one.fates & {"unrecognised", "rejected"}:
        return nobodys <= {"unrecognised", "rejected"} and {fate for _, fate in became} >= one.fates
    return not nobodys and (not one.fates or {fate for _, fate in became} == one.fates)


def test_a_name_says_nothing(tmp_path: Path) -> None:
    """Each sample in a file of its own called ``x``: the right source and the right disposition."""
    order = list(range(len(ALL)))
    random.Random(1).shuffle(order)
    for place, number in enumerate(order):
        folder = tmp_path / f"{place:05}"
        folder.mkdir()
        (folder / "x").write_bytes(ALL[number].data)
    found = fates(tmp_path)
    wrong = []
    for place, number in enumerate(order):
        one = ALL[number]
        became = found[str(tmp_path / f"{place:05}" / "x")]
        if not as_annotated(one, set(became)):
            wrong.append(f"{one.where}: {sorted(one.fates)} became {sorted(became, key=str)}: {one.data[:200]!r}")
    assert not wrong, "\n".join(sorted(wrong))


@pytest.mark.parametrize("seed", [2, 3])
def test_a_shuffled_folder(seed: int, tmp_path: Path) -> None:
    """All samples of a source in one file called ``x``, in any order: whatever stands first, the file is read as what it is."""
    chance = random.Random(seed)
    lines: dict[str, list[RawSample]] = defaultdict(list)
    for one in ALL:
        if b"\n" not in one.data[:-1] and b"\0" not in one.data:
            lines[one.source].append(one)
    names = sorted(lines)
    chance.shuffle(names)
    for place, name in enumerate(names):
        (tmp_path / f"{place:03}").mkdir()
        chance.shuffle(lines[name])
        (tmp_path / f"{place:03}" / "x").write_bytes(b"".join(one.data for one in lines[name]))
    found = fates(tmp_path)
    wrong = []
    for place, name in enumerate(names):
        became = found[str(tmp_path / f"{place:03}" / "x")]
        stated = Counter(fate for one in lines[name] for fate in one.fates if len(one.fates) == 1)
        if {source for source, _ in became} - {name, None}:
            wrong.append(f"{name}: {dict(became)}")
        if any(became[name, fate] < stated[fate] for fate in ("used", "ignored")):
            wrong.append(f"{name}: {dict(stated)} became {dict(became)}")
    assert not wrong, "\n".join(wrong)


SYSLOG = frozenset(raw_sample.sample.TEXT) - {"openvpn-status", "macos-pf", "openvpn", "panos", "fortigate", "netscaler"}
WRAPS = {
    "rfc3164": "<13>Jan  5 12:00:00 relay01 {tag}: {text}",
    "rfc5424": "<13>1 2026-01-05T12:00:00.000Z relay01 {program} 4711 - - {text}",
}


def sent(one: RawSample, wrap: str) -> list[str]:
    """Return the lines in which a collector keeps a sample: as its program sent it, and as a line of a file that it follows under a tag."""
    if b"\n" in one.data[:-1] or b"\0" in one.data:
        return []
    if one.program == "macos:log-show" or (one.source == "openvpn-status" and one.fates == {"ignored"}):
        return []  # titles of a file, of a word or two: alone they tell nothing
    ways = [("files", one.data.decode().rstrip("\n"))]
    if one.source in SYSLOG and one.program is not None and one.message is not None and not one.program.startswith("macos:"):
        ways.append((one.program.rstrip(":"), one.message))
    return [WRAPS[wrap].format(tag=tag, program=tag, text=text) for tag, text in ways]


@pytest.mark.parametrize("wrap", WRAPS)
def test_one_central_file(wrap: str, tmp_path: Path) -> None:
    """All formats that are text, interleaved in one file of a collector: each record gets the source that it gets among its like."""
    lines = [(one, line) for one in ALL for line in sent(one, wrap)]
    kinds: dict[str, list[tuple[RawSample, str]]] = defaultdict(list)
    for one, line in lines:
        kinds[one.source].append((one, line))
    for number, (_, some) in enumerate(sorted(kinds.items())):
        (tmp_path / f"{number:03}").write_text("".join(line + "\n" for _, line in some), encoding="utf-8")
    found = fates(tmp_path)
    wrong = []
    for number, (name, some) in enumerate(sorted(kinds.items())):
        became = found[str(tmp_path / f"{number:03}")]
        stated = Counter(fate for one, _ in some for fate in one.fates if len(one.fates) == 1)
        fine = {source for source, _ in became} <= {name, None} and sum(became.values()) == len(some)
        timed = stated["rejected"] - became[name, "rejected"] if name in {"cef", "leef"} else 0  # the header gives them the time that they lack
        if not fine or became[name, "used"] != stated["used"] + timed or became[name, "ignored"] != stated["ignored"]:
            wrong.append(f"{name}: {dict(stated)} became {dict(became)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("wrap", "seed"), [("rfc3164", 5), ("rfc5424", 6)])
def test_interleaving_changes_nothing(wrap: str, seed: int, tmp_path: Path) -> None:
    lines = [line for one in ALL for line in sent(one, wrap)]
    (tmp_path / "1").write_text("\n".join(lines) + "\n", encoding="utf-8")
    random.Random(seed).shuffle(lines)
    (tmp_path / "2").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = fates(tmp_path)
    before, after = (found[str(tmp_path / name)] for name in ("1", "2"))
    assert sum(before.values()) == sum(after.values()) == len(lines)
    assert dict(before) == dict(after)


def test_a_relayed_record_keeps_its_own_host_and_time(tmp_path: Path) -> None:
    """What stands within a collector's line is as if it stood alone: never the collector's name."""
    inner = "Jan  5 11:59:58 gate01 sshd[4711]: Failed password for root from 203.0.113.9 port 50022 ssh2"
    okta = '{"eventType":"user.session.start","published":"2026-01-05T11:00:00.000Z","actor":{"alternateId":"ann"},"outcome":{"result":"FAILURE"}}'
    (tmp_path / "x").write_text(f"Jan  5 12:00:00 relay01 files: {inner}\nJan  5 12:00:01 relay01 app: {okta}\n")
    frame = next(iter(event_frames([str(tmp_path / "x")], Site.default(), Options(zone="UTC", year=2026))))
    seen = {row["source"]: (row["record"], row["host"], row["time"].isoformat()) for row in frame.iter_rows(named=True)}
    assert seen == {"sshd": (1, "gate01", "2026-01-05T11:59:58+00:00"), "okta": (2, "okta", "2026-01-05T11:00:00+00:00")}


def test_objects_among_lines_are_read(tmp_path: Path) -> None:
    """What somebody appended to a file of text: entries of the journal and records of products keep their own place, host and time."""
    line = "Jan  5 11:59:58 gate01 sshd[4711]: Failed password for root from 203.0.113.9 port 50022 ssh2\n"
    entry = {"__REALTIME_TIMESTAMP": "1767614400000000", "_HOSTNAME": "gate02", "SYSLOG_IDENTIFIER": "sshd", "_PID": "4712"}
    entry["MESSAGE"] = "Accepted password for ann from 203.0.113.9 port 50023 ssh2"
    okta = '{"eventType":"user.session.start","published":"2026-01-05T11:00:00.000Z","actor":{"alternateId":"ann"},"outcome":{"result":"FAILURE"}}'
    (tmp_path / "x").write_text(f"{line}{json.dumps(entry)}\n{okta}\n" + '{"level":"info"}\n')
    assert sum(number for (_, fate), number in fates(tmp_path)[str(tmp_path / "x")].items() if fate == "used") == 3
    frame = next(iter(event_frames([str(tmp_path / "x")], Site.default(), Options(zone="UTC", year=2026))))
    seen = {(row["record"], row["offset"], row["source"], row["host"], row["time"].isoformat()) for row in frame.iter_rows(named=True)}
    second = len(line) + len(json.dumps(entry)) + 1
    assert seen == {
        (1, 0, "sshd", "gate01", "2026-01-05T11:59:58+00:00"),
        (2, len(line), "sshd", "gate02", "2026-01-05T12:00:00+00:00"),
        (3, second, "okta", "okta", "2026-01-05T11:00:00+00:00"),
    }


def test_a_message_that_quotes_a_record_is_none(tmp_path: Path) -> None:
    """A record within a message begins it: what comes after words of the program is text that anybody may have chosen."""
    inner = "Jan  5 11:59:58 gate01 sshd[4711]: Accepted password for root from 203.0.113.9 port 50022 ssh2"
    (tmp_path / "x").write_text(f"Jan  5 12:00:00 web01 app: GET /?q={inner}\nJan  5 12:00:00 web01 app: 203.0.113.9 {inner}\n")
    assert dict(fates(tmp_path)[str(tmp_path / "x")]) == {(None, "unrecognised"): 2}
