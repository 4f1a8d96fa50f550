"""The scan as a whole: what may change nothing, what must add up, and what bad input does."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import tarfile
import zipfile
from pathlib import Path

import msgspec
import polars as pl
import pytest

from gatewatch import app
from gatewatch.detect.content import load_content
from gatewatch.engines import local
from gatewatch.exits import Exit
from gatewatch.schema.incidents import Scan, Severity
from gatewatch.schema.records import Disposition
from gatewatch.site.model import Site

OUT = "203.0.113.50"


def failure(second: int, user: str = "deploy", src: str = OUT, pid: int | None = None, host: str = "gate") -> str:
    pid = pid or 1000 + second
    return f"Jan  5 03:{second // 60:02d}:{second % 60:02d} {host} sshd[{pid}]: Failed password for {user} from {src} port {2000 + second} ssh2"


def accepted(second: int, user: str = "deploy", src: str = OUT, pid: int = 900, host: str = "gate", method: str = "password") -> str:
    return f"Jan  5 03:{second // 60:02d}:{second % 60:02d} {host} sshd[{pid}]: Accepted {method} for {user} from {src} port 22222 ssh2"


def sudo(second: int, user: str = "deploy", command: str = "/usr/bin/cat /etc/shadow", host: str = "gate") -> str:
    return f"Jan  5 03:{second // 60:02d}:{second % 60:02d} {host} sudo:   {user} : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND={command}"


ATTACK = [*(failure(s) for s in range(0, 120, 10)), accepted(130), sudo(200), failure(400)]
NOISE = [failure(s, user="root", src=f"198.51.100.{s % 200 + 1}") for s in range(0, 600, 7)]


def run(folder: Path | list[Path], **options: object) -> Scan:
    paths = [str(path) for path in (folder if isinstance(folder, list) else [folder])]
    return app.scan(paths, year=2026, **options)  # type: ignore[arg-type]


def write(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def story(result: Scan) -> list[tuple[object, ...]]:
    """What must not depend on where lines stand: everything but files, record numbers and streams."""
    return [
        (i.id, i.chain, i.severity, i.origin.ip, i.users, i.hosts, i.failures, i.accepted, [(s.name, s.count, s.time, s.last) for s in i.stages])
        for i in result.incidents
    ]


def adds_up(result: Scan) -> None:
    assert sum(tally.count for tally in result.tallies) == result.records
    assert all(tally.count >= 0 for tally in result.tallies)


@pytest.fixture
def attack(tmp_path: Path) -> Scan:
    return run(write(tmp_path / "auth.log", sorted(ATTACK + NOISE)))


def test_the_guess_is_one_high_incident_with_its_proof(attack: Scan) -> None:
    (incident,) = attack.incidents
    assert incident.severity in {Severity.HIGH, Severity.CRITICAL}
    assert (incident.origin.ip, incident.users, incident.hosts, incident.failures) == (OUT, ("deploy",), ("gate",), 12)
    raw = [item.raw for stage in incident.stages for item in stage.evidence]
    assert accepted(130) in raw
    assert set(raw) <= set(ATTACK)
    adds_up(attack)
    assert app.exit_code(attack) in {Exit.HIGH, Exit.CRITICAL}


def test_sources_that_only_failed_are_no_incident(tmp_path: Path) -> None:
    result = run(write(tmp_path / "auth.log", NOISE))
    assert result.incidents == []
    assert result.access == []
    assert result.attempts_total == len(NOISE)
    assert app.exit_code(result) is Exit.NOTHING_FOUND


def test_a_later_failure_does_not_hide_the_entry(tmp_path: Path) -> None:
    # peers.md 5, row 18: fail x N, success, fail
    lines = [*(failure(s) for s in range(0, 60, 10)), accepted(70), *(failure(s, pid=5000 + s) for s in range(80, 140, 10))]
    assert len(run(write(tmp_path / "auth.log", lines)).incidents) == 1


def test_one_failure_then_success_then_many_failures_is_none(tmp_path: Path) -> None:
    # row 31: the success must follow the N-th failure
    lines = [failure(0), accepted(10), *(failure(s) for s in range(20, 80, 5))]
    assert run(write(tmp_path / "auth.log", lines)).incidents == []


def test_a_key_never_completes_a_guess(tmp_path: Path) -> None:
    lines = [*(failure(s) for s in range(0, 120, 10)), accepted(130, method="publickey")]
    assert run(write(tmp_path / "auth.log", lines)).incidents == []


def test_two_runs_are_byte_identical(tmp_path: Path) -> None:
    path = write(tmp_path / "auth.log", sorted(ATTACK + NOISE))
    first, second = (msgspec.json.encode(run(path), enc_hook=list) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("seed", range(4))
def test_splitting_the_file_and_adding_users_changes_nothing(tmp_path: Path, attack: Scan, seed: int) -> None:
    lines = sorted(
        [*ATTACK, *NOISE, *(failure(s, user="other", src="192.0.2.77", pid=7000 + s) for s in range(3, 500, 31))], key=lambda line: line[:15]
    )
    place = random.Random(seed).randrange(1, len(lines))
    write(tmp_path / "s" / "auth.log.1", lines[:place])
    write(tmp_path / "s" / "auth.log", lines[place:])
    result = run(tmp_path / "s")
    assert story(result) == story(attack)
    adds_up(result)


def test_the_same_folder_twice_and_copies_of_files_change_nothing(tmp_path: Path, attack: Scan) -> None:
    folder = write(tmp_path / "a" / "auth.log", sorted(ATTACK + NOISE)).parent
    write(tmp_path / "b" / "snapshot" / "auth.log", sorted(ATTACK + NOISE)[:-3])
    assert story(run([folder, folder])) == story(attack)
    result = run([folder, tmp_path / "b"])
    assert story(result) == story(attack)
    assert sum(tally.count for tally in result.tallies if tally.reason.startswith("copy")) == len(ATTACK + NOISE) - 3
    adds_up(result)


def test_a_central_copy_in_another_framing_counts_once(tmp_path: Path, attack: Scan) -> None:
    write(tmp_path / "s" / "auth.log", sorted(ATTACK + NOISE))
    iso = [f"2026-01-05T{line[7:15]}.{index % 1000:03d}000+00:00 {line[16:]}" for index, line in enumerate(sorted(ATTACK + NOISE))]
    write(tmp_path / "s" / "central.log", iso)
    result = run(tmp_path / "s")
    assert [row[:7] for row in story(result)] == [row[:7] for row in story(attack)]
    adds_up(result)


@pytest.mark.parametrize("pack", ["gz", "bz2", "xz", "zip", "tar", "tgz"])
def test_packed_logs_are_the_same_logs(tmp_path: Path, attack: Scan, pack: str) -> None:
    plain = write(tmp_path / "auth.log", sorted(ATTACK + NOISE))
    packed = tmp_path / "packed" / "data.bin"  # the name says nothing
    packed.parent.mkdir()
    if pack in {"gz", "bz2", "xz"}:
        packed.write_bytes({"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[pack](plain.read_bytes()))
    elif pack == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, "var/log/auth.log")
    else:
        with tarfile.open(packed, "w:gz" if pack == "tgz" else "w") as archive:
            archive.add(plain, "var/log/auth.log")
    result = run(packed)
    assert story(result) == story(attack)
    assert accepted(130) in [item.raw for stage in result.incidents[0].stages for item in stage.evidence]


def test_crlf_and_missing_last_newline(tmp_path: Path, attack: Scan) -> None:
    path = tmp_path / "auth.log"
    path.write_bytes("\r\n".join(sorted(ATTACK + NOISE)).encode())
    assert story(run(path)) == story(attack)


def test_bad_files_cost_themselves_only(tmp_path: Path, attack: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "case" / "auth.log", sorted(ATTACK + NOISE)).parent
    (folder / "empty.log").write_bytes(b"")
    (folder / "junk.bin").write_bytes(random.Random(1).randbytes(50_000))
    (folder / "cut.gz").write_bytes(gzip.compress("".join(line + "\n" for line in NOISE[:40]).encode())[:-200])
    (folder / "nul.log").write_bytes(b"Jan  5 03:00:00 gate sshd[1]: \0\0x\n\0\0\0\n")
    (folder / "bad-utf8.log").write_bytes(b"Jan  5 03:00:00 gate sshd[1]: Invalid user \xff\xfe from 192.0.2.9 port 7\n")
    (folder / "loop").symlink_to(folder)
    (folder / "dangling").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe")
    result = run([folder, tmp_path / "no-such-file"])
    assert story(result) == story(attack)
    adds_up(result)
    said = {Path(problem.file).name: problem for problem in result.problems}
    assert {"empty.log", "junk.bin", "cut.gz", "dangling", "pipe", "no-such-file"} <= set(said)
    assert said["no-such-file"].fault == "user"
    assert said["no-such-file"].fatal
    assert all(problem.what for problem in result.problems)


def test_an_endless_line_is_one_reject_and_memory_stays_flat(tmp_path: Path) -> None:
    path = tmp_path / "auth.log"
    with path.open("wb") as handle:
        handle.write(failure(0).encode() + b"\n")
        for _ in range(100):
            handle.write(b"x" * 1_000_000)
        handle.write(b"\n" + failure(1).encode() + b"\n")
    result = run(path)
    fates = {(tally.disposition, tally.reason): tally.count for tally in result.tallies}
    assert fates == {(Disposition.USED, ""): 2, (Disposition.REJECTED, "line longer than 1 MiB"): 1}


def test_a_zip_bomb_stops_itself(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.gz"
    with gzip.open(bomb, "wb") as handle:
        for _ in range(300):
            handle.write(b"\0" * 1_000_000)
    write(tmp_path / "auth.log", NOISE)
    result = run(tmp_path)
    assert result.attempts_total == len(NOISE)
    assert any(Path(problem.file).name == "bomb.gz" for problem in result.problems)


def test_nothing_recognised_is_said(tmp_path: Path) -> None:
    result = run(write(tmp_path / "novel.txt", ["It was a dark and stormy night", "the rain fell in torrents"]))
    assert app.exit_code(result) is Exit.NOTHING_RECOGNISED
    adds_up(result)


def test_a_wrong_format_is_the_user_s_fault_and_rejects(tmp_path: Path) -> None:
    result = run(write(tmp_path / "auth.log", NOISE), framing="syslog-5424")
    assert {tally.disposition for tally in result.tallies} == {Disposition.REJECTED}
    adds_up(result)


def test_since_and_until_ignore_and_account(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    path = write(tmp_path / "auth.log", sorted(ATTACK + NOISE))
    result = run(path, since=datetime(2026, 1, 5, 3, 5, tzinfo=UTC))
    assert result.incidents == []
    adds_up(result)
    assert any(tally.reason == "outside --since/--until" for tally in result.tallies)


def test_spilling_changes_nothing(tmp_path: Path) -> None:
    """Events that went to disk and came back by day give the same scan, byte for byte."""
    lines = [
        f"Mar {day:2d} {hour:02d}:59:{second:02d} {host} sshd[{1000 + hour}]: {text}"
        for day in range(3, 8)
        for hour in (0, 9, 23)
        for second in (10, 20, 30)
        for host in ("Gate", "gate", "gate.example.net")
        for text in (f"Failed password for ann from {OUT} port 22 ssh2", f"Invalid user ann from {OUT} port 22")
    ]
    lines += [f"Mar  {day} 10:00:00 Gate sshd[77]: Accepted password for ann from {OUT} port 22 ssh2" for day in range(3, 8)]
    path = write(tmp_path / "auth.log", sorted(lines))
    content = load_content()
    held, spilled = (
        local.scan([str(path)], Site.default(), lambda: content, local.Options(year=2026, held_rows=rows)) for rows in (1_000_000, 7)
    )
    assert held.incidents
    assert msgspec.json.encode(held, enc_hook=list) == msgspec.json.encode(spilled, enc_hook=list)
    adds_up(spilled)


def test_no_user_name_makes_anything_raise(tmp_path: Path) -> None:
    names = [
        "",
        " ",
        "a b",
        "x from 192.0.2.1 port 1 ssh2",
        "\x1b[31mred",
        "<script>",
        "\u202egnp",
        "\\",
        "@",
        "CN=",
        "DOM\\u",
        "a" * 5000,
        "é",
        "%s",
        "{}",
    ]
    lines = [
        f"Jan  5 03:00:00 gate sshd[{1000 + i}]: Failed password for invalid user {name} from {OUT} port 22 ssh2" for i, name in enumerate(names)
    ]
    result = run(write(tmp_path / "auth.log", lines))
    adds_up(result)
    assert result.attempts_total == len(names)


def test_rotated_files_with_years_and_no_zone_are_in_order(tmp_path: Path) -> None:
    line = 'fw01 : %ASA-6-605005: Login permitted from 198.51.100.7/5000 to outside:192.0.2.1/ssh for user "alice"\n'
    (tmp_path / "asa.log").write_text(f"Mar 02 2026 10:00:00 {line}")
    (tmp_path / "asa.log.1").write_text(f"Mar 01 2026 10:00:00 {line}Mar 01 2026 10:05:00 {line}")
    frame = pl.concat(app.events([str(tmp_path)])).sort("time")
    assert frame["position"].to_list() == [1, 2, 3]
    assert not app.draft_facts([str(tmp_path)]).zone_known
