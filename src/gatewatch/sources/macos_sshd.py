"""OpenSSH server of macOS, from the unified log: the messages are those of :mod:`.sshd`, and so is what they become.

``2026-06-29 15:54:42.063082+0200  localhost sshd[3186]: error: PAM: authentication error for ann from 192.0.2.7 via 192.168.1.5``

Only the unified log is read here; ``sshd`` of a classic ``system.log`` stays with :mod:`.sshd`. ``sftp-server`` is part of it. Accepted and failed
logons are written at the level *info*, which ``log show`` leaves out without ``--info``. What macOS redacts (``<private>``) is null.

References: sshd(8), log(1)
"""

from __future__ import annotations

from gatewatch.schema.events import Service
from gatewatch.sources import sshd
from gatewatch.sources.macos import MacSource
from gatewatch.sources.pattern import Pattern

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "utmpx",
        ("USER_PROCESS", "DEAD_PROCESS"),
        (r"^(?:USER|DEAD)_PROCESS: [0-9]+ [!-~]+",),
        why="the terminal of a session, whose logon is told by Accepted",
    ),
    Pattern(
        "pam-directory",
        ("in pam_sm_", "Got user:", "Failed to d", "The authtok", "Establishing", "Username not", "pam_sm_"),
        (
            r"^(?:in )?pam_sm_[a-z_]+\(\): ",
            r"^(?:Got user: |Failed to determine Kerberos principal name|The authtok is |Establishing credentials|Username not found)",
        ),
        why="steps of a PAM module; sshd tells the result",
    ),
    Pattern("library", ("(",), (r"^\([A-Za-z0-9_.+-]+\) ",), why="said by a library, not by sshd"),
)

SOURCE = MacSource(
    name="macos-sshd",
    title="OpenSSH server of macOS",
    programs=("macos:sshd", "macos:sshd-session", "macos:sshd-auth", "macos:sftp-server", "macos:internal-sftp"),
    patterns=sshd.SOURCE.patterns + PATTERNS,
    service=Service.SSH,
    session="pid:",
    references=("sshd(8)", "log(1)"),
)
