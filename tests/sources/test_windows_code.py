"""Windows' numbers: status codes in every notation, groups and accounts by SID, registry keys that matter."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.sources.windows_code import NO_GUESS, REGISTRY_HINT, STOPPED, group_name, read_status, status_code


@given(st.integers(0, 0xFFFFFFFF))
def test_a_status_is_the_same_in_every_notation(number: int) -> None:
    signed = number - (1 << 32) if number >= 1 << 31 else number
    forms = (f"0x{number:x}", f"0X{number:08X}", str(number), str(signed), f" {number} ")
    assert {status_code(form) for form in forms} == {f"0x{number:x}"}


@given(st.text(max_size=30))
def test_any_text_is_a_status_or_none(text: str) -> None:
    code = status_code(text)
    assert code is None or re.fullmatch(r"0x(?:0|[1-9a-f][0-9a-f]{0,7})", code)


@pytest.mark.parametrize("text", ["", "-", "0x", "%%2313", "4294967296", "-2147483649", "0x1c000006d", "9" * 400, "STATUS_LOGON_FAILURE"])
def test_what_is_no_status(text: str) -> None:
    assert status_code(text) is None


def test_the_finer_status_decides() -> None:
    status = pl.Series(["0xc000006d", "0xc000006e", "0xc000006e", "0xc0000071", None], dtype=pl.String)
    sub = pl.Series(["0xc0000064", "0xc0000072", "0x0", "-", None], dtype=pl.String)
    read = read_status(status, sub)
    assert read["code"].to_list() == ["0xc0000064", "0xc0000072", "0xc000006e", "0xc0000071", None]
    assert read["reason"].to_list() == [None, None, "restriction", "password-expired", None]
    assert read["invalid"].to_list() == [True, None, None, None, None]
    assert read["guess"].to_list() == [True] * 5


def test_no_code_means_two_things() -> None:
    assert not set(STOPPED) & set(NO_GUESS)
    assert all(status_code(code) == code for code in (*STOPPED, *NO_GUESS))


@pytest.mark.parametrize(
    ("sid", "name"),
    [
        ("S-1-5-32-544", "Administrators"),
        ("s-1-5-32-580", "Remote Management Users"),
        ("S-1-5-21-1004336348-1177238915-682003330-519", "Enterprise Admins"),
        ("S-1-5-21-1004336348-1177238915-682003330-5120", None),
        ("S-1-5-32-512", None),
        ("S-1-5-80-1-544", None),
        ("S-1-5-21-512", None),
        ("-", None),
    ],
)
def test_groups_are_known_by_sid(sid: str, name: str | None) -> None:
    assert group_name(sid) == name


@pytest.mark.parametrize(
    ("target", "matters"),
    [
        (r"HKLM\System\CurrentControlSet\Control\Terminal Server\fDenyTSConnections", True),
        (r"HKLM\System\CurrentControlSet\Control\Terminal Server\WinStations\RDP-Tcp\PortNumber", True),
        (r"HKLM\System\CurrentControlSet\Services\evil\ImagePath", True),
        (r"HKLM\System\CurrentControlSet\Services\evil\Parameters\ServiceDll", True),
        (r"HKLM\System\CurrentControlSet\Services\sshd\Start", True),
        (r"HKU\S-1-5-21-1\Software\Microsoft\Windows\CurrentVersion\RunOnce\x", True),
        (r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon\Userinit", True),
        (r"HKLM\System\CurrentControlSet\Services\bam\State\UserSettings\x", False),
        (r"HKLM\SOFTWARE\Vendor\Winlogon.exe", False),
    ],
)
def test_registry_keys_that_matter(target: str, matters: bool) -> None:
    """In the raw JSON, as Sysmon gives the key."""
    raw = json.dumps({"Image": r"C:\Windows\System32\winlogon.exe", "TargetObject": target})
    assert pl.Series([raw]).str.contains(REGISTRY_HINT).to_list() == [matters]
