"""The command line as a user meets it: real processes, their exit codes and what they say."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatewatch import __version__
from gatewatch.exits import Exit

ROOT = Path(__file__).parents[2]
BREACH = str(ROOT / "examples" / "breach")


def run(*arguments: str, stdin: bytes | None = None, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "gatewatch.cli.main", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=os.environ | environment, timeout=120, check=False)


def test_the_exit_codes(tmp_path: Path) -> None:
    noise = tmp_path / "noise.log"
    noise.write_text("Jan  5 03:00:00 gate sshd[1]: Failed password for root from 203.0.113.9 port 22 ssh2\n")
    novel = tmp_path / "novel.txt"
    novel.write_text("It was a dark and stormy night\n")
    bad = tmp_path / "bad.toml"
    bad.write_text('[site]\nzone = "Nowhere/Land"\nfoo = 1\n')
    assert run("scan", BREACH).returncode == Exit.CRITICAL
    assert run("scan", str(noise)).returncode == Exit.NOTHING_FOUND
    assert run("scan", str(novel)).returncode == Exit.NOTHING_RECOGNISED
    assert run("scan", str(tmp_path / "none")).returncode == Exit.UNREADABLE
    assert run("scan").returncode == Exit.USAGE
    for wrong in (["-o", "pdf"], ["--zone", "Foo/Bar"], ["--format", "nope"], ["--since", "soon"], ["-c", str(bad)], ["--rules", "/none"]):
        done = run("scan", *wrong, str(noise))
        assert (done.returncode, done.stdout) == (Exit.USAGE, b""), wrong
        assert b"Traceback" not in done.stderr


def test_a_broken_site_file_is_named_line_by_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('[site]\nzone = "Nowhere/Land"\nfoo = 1\n')
    lines = run("scan", "-c", str(bad), BREACH).stderr.decode().splitlines()
    assert [line.split(":")[2] for line in lines] == ["2", "3"]
    assert run("check-config", str(bad)).returncode == Exit.USAGE
    assert run("check-config", str(ROOT / "examples" / "breach" / "gatewatch.toml")).returncode == Exit.NOTHING_FOUND


def test_standard_input_and_a_pipe_without_bar() -> None:
    log = gzip.decompress((ROOT / "examples/breach/logs/gate01/var/log/auth.log.2.gz").read_bytes())
    done = run("scan", "--year", "2025", "-", stdin=log)
    assert done.returncode == Exit.NOTHING_FOUND
    assert done.stderr == b""
    assert b"attempts" in done.stdout


def test_output_does_not_depend_on_the_hash_seed() -> None:
    first, second = (run("scan", "-o", "jsonl", BREACH, PYTHONHASHSEED=seed).stdout for seed in ("1", "2"))
    assert first == second
    assert first.count(b"\n") == 1


def test_a_reader_that_goes_away_is_no_error() -> None:
    for form in ("jsonl", "csv"):
        command = [sys.executable, "-m", "gatewatch.cli.main", "events", BREACH, "-o", form]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            said = process.stderr.read()
            assert process.wait(60) == Exit.NOTHING_FOUND
            assert said == b""


def test_ctrl_c_stops_cleanly(tmp_path: Path) -> None:
    path = tmp_path / "big.log"
    block = "".join(f"Jan  5 03:00:00 gate sshd[{pid}]: Invalid user x from 203.0.113.9 port 22\n" for pid in range(20_000))
    with path.open("w") as handle:
        handle.writelines(block for _ in range(150))  # some seconds of work
    # whoever runs the tests may have SIGINT ignored, which children inherit: a terminal's do not
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from gatewatch.cli.main import main; main()"
    process = subprocess.Popen([sys.executable, "-c", code, "scan", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)
    assert (process.returncode, *said) == (Exit.INTERRUPTED, b"", b"gatewatch: stopped\n")


@pytest.mark.parametrize("sent", [b"", b"Jan  5 03:00:00 gate sshd[1]: Invalid user x from 203.0.113.9 port 22\n" * 2000])
def test_ctrl_c_while_it_waits_for_standard_input(sent: bytes) -> None:
    """Nothing was sent, or something and then no more: the pipe stays open."""
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from gatewatch.cli.main import main; main()"
    with subprocess.Popen([sys.executable, "-c", code, "scan", "-"], stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stdin is not None
        process.stdin.write(sent)
        process.stdin.flush()
        time.sleep(6)
        process.send_signal(signal.SIGINT)
        try:
            returned = process.wait(20)
        finally:
            process.kill()
        assert process.stdout is not None
        assert process.stderr is not None
        assert (returned, process.stdout.read(), process.stderr.read()) == (Exit.INTERRUPTED, b"", b"gatewatch: stopped\n")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["scan", "--help"], ["list", "sources"], ["list", "rules"], ["list", "chains"], ["list", "tunables"]]
)
def test_help_and_lists(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == Exit.NOTHING_FOUND
    assert done.stdout


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['gatewatch', '--version']\n"
        "from gatewatch.cli.main import _run, app\n"
        "_run(app)\n"
        "print([m for m in ('polars', 'numpy', 'sigma', 'jinja2', 'rich.console') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"gatewatch {__version__}", "[]"]


def test_explain_says_how_far_a_record_is_from_an_incident() -> None:
    line = "Jan  3 02:26:59 gate01 sshd[67102]: Failed password for svc from 203.0.113.66 port 22 ssh2"
    said = run("explain", line, "--year", "2026").stdout.decode()
    for part in (
        "framing   syslog-bsd",
        "sshd: score 1, pattern failed",
        "auth_failure",
        "rules     auth-failure",
        "guess: 1 of 5 events within 15m",
    ):
        assert part in said
    said = run("explain", str(ROOT / "examples/breach/logs/db02/audit/audit.log") + ":2").stdout.decode()
    assert "framing   audit" in said
    assert run("explain", "gibberish").stdout.decode().endswith("it is counted as unrecognised\n")


def test_init_drafts_a_site_file_that_is_good(tmp_path: Path) -> None:
    target = tmp_path / "gatewatch.toml"
    assert run("init", BREACH, "--zone", "Europe/Vienna", "-o", str(target)).returncode == Exit.NOTHING_FOUND
    assert run("check-config", str(target)).returncode == Exit.NOTHING_FOUND
    assert run("init", BREACH, "-o", str(target)).returncode == Exit.USAGE  # an existing file is kept


def test_the_user_s_own_rules_and_correlations_report(tmp_path: Path) -> None:
    (tmp_path / "root.yml").write_text(
        "title: Root refused\nname: root_refused\nlogsource: {product: linux, service: sshd}\ndetection: {sel: {user: root}, condition: sel}\n"
        "---\ntitle: Often\ncorrelation: {type: event_count, rules: [root_refused], group-by: [src_ip], timespan: 10m, condition: {gte: 3}}\n"
    )
    said = run("scan", "--rules", str(tmp_path), BREACH).stdout.decode()
    assert "your rule root_refused" in said
    assert "your correlation" in said
