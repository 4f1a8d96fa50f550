r"""Changes of user by su: util-linux, shadow, BSD and Solaris wordings.

``(to root) alice on pts/1`` · ``Successful su for root by alice`` · ``BAD SU alice to root on /dev/ttyp0`` ·
``'su root' failed for alice on /dev/pts/3``

References: su(1), util-linux su-common.c, shadow su.c.
"""

from __future__ import annotations

from gatewatch.schema.events import Kind, Service
from gatewatch.sources import pam
from gatewatch.sources.pattern import Pattern, PatternSource

_ON = r" on (?:/dev/)?(?P<object>(?P<session>[!-~]+))$"
_OFF = r" on (?P<object>none)$"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "su",
        (),
        (
            rf"^\(to (?P<target_user>[^()]+)\) (?P<user>.*){_OFF}",
            rf"^\(to (?P<target_user>[^()]+)\) (?P<user>.*){_ON}",
            r"^Successful su for (?P<target_user>.+) by (?P<user>[!-~]+)$",
            rf"^(?P<user>[!-~]+) to (?P<target_user>[!-~]+){_ON}",
            rf"^'su (?P<target_user>[^']+)' succeeded for (?P<user>[!-~]+){_ON}",
        ),
        Kind.PRIVILEGE_USE,
        session_prefix="tty:",
    ),
    Pattern(
        "su-refused",
        ("FAILED ", "BAD SU", "'su "),
        (
            rf"^FAILED SU \(to (?P<target_user>[^()]+)\) (?P<user>.*){_OFF}",
            rf"^FAILED SU \(to (?P<target_user>[^()]+)\) (?P<user>.*){_ON}",
            r"^FAILED su for (?P<target_user>.+) by (?P<user>[!-~]+)$",
            rf"^BAD SU (?P<user>[!-~]+) to (?P<target_user>[!-~]+){_ON}",
            rf"^'su (?P<target_user>[^']+)' failed for (?P<user>[!-~]+){_ON}",
        ),
        Kind.PRIVILEGE_DENIED,
        session_prefix="tty:",
    ),
    Pattern("su-repeated", ("+ ", "- "), (r"^[+-] [!-~]+ [!-~]+[:-][!-~]+$",), why="repeats Successful su or FAILED su with the terminal"),
    Pattern(
        "su-error",
        ("pam_authenti", "Authenticati", "No passwd en", "pam_acct_mgm", "pam_open_ses", "user "),
        (r"^(?:pam_[a-z_]+: |Authentication (?:failed|failure)|No passwd entry for user )",),
        why="the line FAILED su says who",
    ),
)

SOURCE = PatternSource(
    name="su",
    title="su",
    programs=("su", "su-l", "runuser", "runuser-l"),
    patterns=pam.PATTERNS + PATTERNS,
    service=Service.LOCAL,
    references=("su(1)",),
)
