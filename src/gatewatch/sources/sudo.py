r"""Commands run as another user: sudo, doas, pkexec.

``alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id``

The command stands last and is the caller's text, as is the directory; the *first* ``USER=`` counts, for a command line that spoofs is easier
to write than a directory. The session is the terminal (``tty:pts/0``), for sudo's own pid leads nowhere.

References: sudoers(5) "LOG FORMAT", doas(1), pkexec(1).
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources import pam
from gatewatch.sources.pattern import Pattern, PatternSource

_USER = r"^ *(?P<user>[!-9;-~][^:=;]*?) : "
_WHERE = (
    r"(?:HOST=[^;]* ; )?(?:TTY=(?P<object>[!-~]*) ; (?:.*? ; )??|(?:PWD|CWD|CHROOT)=.*? ; )USER=(?P<target_user>[^;]*?) ; "
    r"(?:(?:GROUP|TSID|ENV|HOST)=.*? ; )*?COMMAND=(?P<command>.*)$"
)
_REASON = r"(?P<x_reason>[A-Za-z][^;=]*?) ; "

PATTERNS: tuple[Pattern, ...] = (
    Pattern("sudo", (), (rf"{_USER}{_WHERE}",), Kind.PRIVILEGE_USE),
    Pattern(
        "sudo-incorrect-password",
        (),
        (rf"{_USER}(?P<count>[0-9]+) incorrect password attempts? ; {_WHERE}", rf"{_USER}(?P<count>[0-9]+) incorrect password attempts?$"),
        Kind.PRIVILEGE_DENIED,
    ),
    Pattern("sudo-not-in-sudoers", (), (rf"{_USER}user NOT (?:in sudoers|authorized on host) ; {_WHERE}",), Kind.PRIVILEGE_DENIED),
    Pattern("sudo-command-not-allowed", (), (rf"{_USER}command not allowed ; {_WHERE}",), Kind.PRIVILEGE_DENIED),
    Pattern("sudo-refused", (), (rf"{_USER}{_REASON}{_WHERE}",), Kind.PRIVILEGE_DENIED),
    Pattern("sudo-continued", (), (rf"{_USER}\(command continued\) ",), why="the rest of a long command line"),
    Pattern(
        "sudo-setup",
        (),
        (r"^(?: *[!-~]+ : )?(?:unable to |problem with |timestamp |setting |no valid sudoers |a terminal is required )",),
        why="how sudo is set up, no command",
    ),
    Pattern(
        "doas",
        (),
        (r"^(?P<user>[!-~]+) ran command (?P<command>.*) as (?P<target_user>[!-~]+) from (?P<x_directory>.*)$",),
        Kind.PRIVILEGE_USE,
    ),
    Pattern(
        "doas-refused",
        ("command not permitted", "failed auth", "failed command"),
        (r"^(?:command not permitted|failed command) for (?P<user>[!-~]+): (?P<command>.*)$", r"^failed auth for (?P<user>[!-~]+)$"),
        Kind.PRIVILEGE_DENIED,
    ),
    Pattern(
        "pkexec",
        (),
        (
            (
                r"^(?P<user>[!-~]+): Executing command \[USER=(?P<target_user>[!-~]+)\] \[TTY=(?P<object>[!-~]+)\] \[CWD=.*?\] "
                r"\[COMMAND=(?P<command>.*)\]$"
            ),
        ),
        Kind.PRIVILEGE_USE,
    ),
    Pattern(
        "pkexec-refused",
        (),
        (
            (
                r"^(?P<user>[!-~]+): Error executing command as another user: (?P<x_reason>[A-Za-z ]+) \[USER=(?P<target_user>[!-~]+)\] "
                r"\[TTY=(?P<object>[!-~]+)\] \[CWD=.*?\] \[COMMAND=(?P<command>.*)\]$"
            ),
        ),
        Kind.PRIVILEGE_DENIED,
    ),
)


def _terminal(events: pl.DataFrame) -> pl.DataFrame:
    """Add the terminal as session where there is one."""
    if "object" not in events.columns:
        return events
    tty = pl.col("object").str.strip_prefix("/dev/")
    here = tty.str.starts_with("pts/") | tty.str.starts_with("tty")
    return events.with_columns(pl.when(here & (pl.col("kind").cast(pl.String).str.starts_with("privilege"))).then("tty:" + tty).alias("session"))


SOURCE = PatternSource(
    name="sudo",
    title="sudo, doas, pkexec",
    programs=("sudo", "doas", "pkexec", "sudo-rs"),
    patterns=pam.PATTERNS + PATTERNS,
    service=Service.LOCAL,
    finish=_terminal,
    references=("sudoers(5)", "doas(1)", "pkexec(1)"),
)
