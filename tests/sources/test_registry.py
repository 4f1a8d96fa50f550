from __future__ import annotations

from importlib import import_module
from pathlib import Path

import polars as pl
import pytest
from sample import Sample, records

import gatewatch.sources
from gatewatch.sources import registry


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("sshd", "sshd"),
        ("sshd-session", "sshd"),
        ("/usr/sbin/sshd", "sshd"),
        ("/USR/SBIN/CRON", "cron"),
        ("run-parts(/etc/cron.daily)", "cron"),
        ("sshd(pam_unix)", "pam"),
        ("sshd(pam_google_authenticator)", "pam"),
        ("fail2ban.actions", "fail2ban"),
        ("fail2ban-server", "fail2ban"),
        ("btmp", "utmp"),
        ("systemd", "system"),
        ("systemd-logind", "logind"),
        ("dhclient", None),
        ("", None),
        ("sshdx", None),
        ("[", None),
    ],
)
def test_programs_find_their_source(program: str, name: str | None) -> None:
    source = registry.source_for(program)
    assert (source.name if source else None) == name


def test_every_module_with_a_source_is_listed() -> None:
    folder = Path(gatewatch.sources.__file__).parent
    modules = [import_module(f"gatewatch.sources.{path.stem}") for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]
    found = [module.SOURCE for module in modules if hasattr(module, "SOURCE")]
    assert sorted(source.name for source in found) == sorted(source.name for source in registry.SOURCES)


def test_no_program_is_claimed_twice() -> None:
    programs = [program for source in registry.SOURCES for program in source.programs]
    assert len(programs) == len(set(programs))


def test_split_goes_by_program_then_by_text() -> None:
    lines = [
        ("sshd", "pam_unix(sshd:session): session closed for user ann"),
        ("vsftpd", "pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser= rhost=192.0.2.7"),
        ("dhclient", "bound to 192.0.2.7"),
        (None, "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7"),
        ("sshd", "Connection closed by 192.0.2.7 [preauth]"),
    ]
    batch = records([Sample("", n, program or "", None, None, text, None, None) for n, (program, text) in enumerate(lines)])
    batch = batch.with_columns(pl.when(pl.col("program") != "").then("program").alias("program"))
    parts, unclaimed = registry.split(batch)
    assert {source.name: part["record"].to_list() for source, part in parts} == {"sshd": [1, 5], "pam": [2, 4]}
    assert unclaimed["record"].to_list() == [3]


def test_split_of_nothing() -> None:
    parts, unclaimed = registry.split(records([]))
    assert parts == []
    assert unclaimed.height == 0
