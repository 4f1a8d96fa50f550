"""The scripts that write logs for benches say how they are called, and write nothing where they are called wrongly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / "bench").glob("make_*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
@pytest.mark.parametrize(("asked", "code"), [("--help", 0), ("--no-such-option", 2)])
def test_a_call_for_help_writes_nothing(script: Path, asked: str, code: int, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(script), asked], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, list(tmp_path.iterdir())) == (code, [])
    assert "usage:" in done.stdout + done.stderr
