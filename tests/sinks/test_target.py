from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gatewatch.errors import UsageError
from gatewatch.sinks.target import Target, binary, open_target, open_targets, text, wants_color, width_of

CHOICES = ("console", "jsonl")


def test_format_and_file(tmp_path: Path) -> None:
    assert open_target("jsonl", CHOICES) == Target("jsonl", None)
    assert open_target("jsonl:-", CHOICES) == Target("jsonl", None)
    assert open_target(f"jsonl:{tmp_path}/a:b", CHOICES) == Target("jsonl", f"{tmp_path}/a:b")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("yaml", "unknown; choose one of console, jsonl"),
        ("jsonl:", "names no file"),
        ("jsonl:{}", "is a folder"),
        ("jsonl:{}/no/x", "does not exist"),
    ],
)
def test_wrong_targets_are_refused_before_any_work(spec: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        open_target(spec.format(tmp_path), CHOICES)


def test_two_outputs_to_one_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="same place"):
        open_targets(["console", "jsonl"], CHOICES)
    with pytest.raises(UsageError, match="same place"):
        open_targets([f"console:{tmp_path}/a", f"jsonl:{tmp_path}/./a"], CHOICES)
    assert len(open_targets(["console", f"jsonl:{tmp_path}/a"], CHOICES)) == 2


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("before")
    file.chmod(0o640)
    half = binary(Target("jsonl", str(file)))
    half.__enter__().write(b"half")
    assert not half.__exit__(RuntimeError, RuntimeError(), None)
    assert file.read_text() == "before"
    with binary(Target("jsonl", str(file))) as out:
        out.write(b"whole")
        assert file.read_text() == "before"
    assert file.read_text() == "whole"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["out"]


def test_a_link_is_followed_and_a_device_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("before")
    link.symlink_to(real)
    with text(Target("jsonl", str(link))) as out:
        out.write("after\n")
    assert link.is_symlink()
    assert real.read_bytes() == b"after\n"
    with binary(Target("jsonl", os.devnull)) as raw:
        raw.write(b"gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_text_is_utf8_whatever_a_name_holds(tmp_path: Path) -> None:
    with text(Target("jsonl", str(tmp_path / "out"))) as out:
        out.write("→ \udce9\r\n")
    assert (tmp_path / "out").read_bytes() == "→ \\udce9\r\n".encode()


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with text(Target("jsonl", None)) as out:
        out.write("line\n")
    print("after")
    assert capsys.readouterr().out == "line\nafter\n"


def test_colour_is_for_terminals_that_want_it() -> None:
    assert not wants_color(Target("console", None), {})  # captured: no terminal
    assert wants_color(Target("console", None), {"FORCE_COLOR": "1"})
    assert not wants_color(Target("console", None), {"FORCE_COLOR": "1", "NO_COLOR": "1"})
    assert not wants_color(Target("console", "file"), {})


def test_width() -> None:
    assert width_of(Target("console", "file"), {}) == 100
    assert width_of(Target("console", None), {"COLUMNS": "93"}) == 93
    assert width_of(Target("console", None), {"COLUMNS": "7"}) == 40
    assert width_of(Target("console", None), {"COLUMNS": "9000"}) == 140
    assert width_of(Target("console", "file"), {"COLUMNS": "wide"}) == 100
