"""What PowerShell gets as base64 is said behind it; everything else stays as it is."""

from __future__ import annotations

import base64

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.schema.encoded import LONGEST, MARK, TELLTALE, reveal


def encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-16-le")).decode()


@pytest.mark.parametrize(
    "flag",
    ["-e", "-ec", "-en", "-enc", "-EncodedCommand", "-eNcOdEdC", "/enc", "\N{EN DASH}enc", "-enc:"],
)
def test_every_spelling_is_read(flag: str) -> None:
    command = f"C:\\Windows\\powershell.exe -nop -w hidden {flag} {encoded('whoami /all')}"
    assert reveal(command) == f"{command}{MARK}whoami /all"
    assert pl.Series([command]).str.contains(TELLTALE).to_list() == [True]


@pytest.mark.parametrize(
    "command",
    [
        "powershell -enc AAAAAAAAAAAA",
        "powershell -enc not!base64",
        "powershell -ExecutionPolicy bypass",
        "powershell -ep bypass -file abcdefgh12345678",
        f"tar -e {encoded('whoami')}",
        "powershell -enc",
        f"powershell -error {encoded('whoami')}",
        f"pwsh -enc {base64.b64encode(bytes(range(128, 255))).decode()}",
        "",
    ],
)
def test_what_is_none_stays(command: str) -> None:
    assert reveal(command) == command


def test_padding_may_be_missing_and_text_is_bounded() -> None:
    assert reveal("pwsh -enc " + encoded("net user").rstrip("=")).endswith(f"{MARK}net user")
    long = reveal("powershell -enc " + encoded("A" * 100_000))
    assert len(long) < 4096 + len(MARK) + LONGEST + 10
    inner = f"powershell -enc {encoded('whoami')}"
    twice = reveal(f"powershell -enc {encoded(inner)}")
    assert twice.endswith(f"{MARK}{inner}{MARK}whoami")


def test_secrets_are_masked_in_what_was_hidden() -> None:
    said = reveal("powershell -enc " + encoded("net user ann hunter2 /add"))
    assert "hunter2" not in said
    assert said.endswith("net user ann *** /add")


def test_what_steers_a_terminal_is_taken_out() -> None:
    assert "\x1b" not in reveal("powershell -enc " + encoded("echo \x1b[31m hello there"))


@given(st.text(max_size=200))
def test_nothing_raises(text: str) -> None:
    assert reveal(f"powershell -enc {text}").startswith("powershell -enc")
