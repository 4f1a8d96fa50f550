r"""login(1): logons at consoles and serial lines, and over telnet, of Linux, the BSDs, BusyBox and Junos.

``LOGIN ON pts/2 BY ann FROM 203.0.113.7`` · ``FAILED LOGIN (1) on '/dev/pts/2' from '203.0.113.7' FOR 'ann', Authentication failure``

=============================================  ============================================================================
line                                           becomes
=============================================  ============================================================================
LOGIN ON … BY …, ROOT LOGIN ON …               ``auth_success``; from an address: service telnet, else local
FAILED LOGIN …, TOO MANY LOGIN TRIES …         ``auth_failure``; a name that no account bears is ``UNKNOWN``, which is null
invalid password for …                         ``auth_failure`` (BusyBox)
ssh: failed login attempt for … from …         ``auth_failure`` (AIX)
LOGIN_FAILED: Login failed for user …          ``auth_failure`` (Junos); LOGIN_INFORMATION: ``auth_success``
=============================================  ============================================================================

Lines of PAM under this name are read as PAM's.

References: login(1), util-linux (login-utils/login.c), BusyBox (loginutils/login.c).
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service, ensure
from gatewatch.sources import pam
from gatewatch.sources.pattern import Pattern, PatternSource

_PEER = r"(?P<rhost>[!-&(-~]+)"
_NAME = r"(?P<user>[!-&(-~]+)"
_TTY = r"(?P<object>[!-&(-~]+)"
_PASSWORD = {"auth_method": "password"}
_ROOT = {"auth_method": "unknown", "user": "root"}

_AIX = {"ssh": Service.SSH, "telnet": Service.TELNET, "rlogin": Service.TELNET, "login": Service.LOCAL, "tty": Service.LOCAL}

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "login-on",
        ("LOGIN ON ", "login on ", "DIALUP AT "),
        (
            rf"^(?:LOGIN ON|DIALUP AT) {_TTY} BY {_NAME}(?: FROM {_PEER})?$",
            rf"^login on {_TTY} as {_NAME}$",
        ),
        Kind.AUTH_SUCCESS,
        set={"auth_method": "unknown"},
    ),
    Pattern(
        "root-login-on",
        ("ROOT LOGIN", "root login"),
        (
            rf"^ROOT LOGIN +(?:\([!-~]+\) )?(?:ON|on) '?{_TTY}'?(?: (?:FROM|from) '?{_PEER}'?)?$",
            rf"^root login on '{_TTY}'(?: from '{_PEER}')?$",
        ),
        Kind.AUTH_SUCCESS,
        set=_ROOT,
    ),
    Pattern(
        "login-failed",
        ("FAILED LOGIN", "TOO MANY LOG"),
        (
            rf"^(?:FAILED LOGIN|TOO MANY LOGIN TRIES) \([0-9]+\) on '{_TTY}'(?: from '{_PEER}')? FOR '(?:UNKNOWN|{_NAME})', (?P<x_reason>.*)$",
            rf"^(?:FAILED LOGIN|TOO MANY LOGIN TRIES)(?: SESSION)?(?: \(?[0-9]+\)?)?(?: FROM {_PEER})? FOR (?:UNKNOWN|{_NAME}), (?P<x_reason>.*)$",
        ),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern(
        "login-counted",
        (),
        (r"^[0-9]+ LOGIN FAILURES? (?:ON|FROM) [!-~]+(?:, [!-~]+)?$",),
        why="failures that lines of their own told",
    ),
    Pattern(
        "password-invalid",
        ("invalid pass",),
        (rf"^invalid password for '(?:UNKNOWN|{_NAME})' on '{_TTY}'(?: from '{_PEER}')?$",),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern(
        "aix-failed",
        ("ssh: failed ", "telnet: fail", "login: faile", "ftp: failed ", "rlogin: fail", "tty: failed "),
        (rf"^(?P<service>ssh|telnet|rlogin|login|ftp|tty): failed login attempt for (?:UNKNOWN_USER|{_NAME}) from {_PEER}$",),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        services=_AIX,
    ),
    Pattern(
        "junos-failed",
        ("LOGIN_FAILED", "LOGIN_PAM_AU"),
        (rf"^LOGIN_(?:FAILED|PAM_AUTHENTICATION_ERROR): (?:Login failed|Failed password) for user '?{_NAME}'?(?: from host '?{_PEER}'?)?$",),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern(
        "junos-login",
        ("LOGIN_INFORM", "LOGIN_ROOT"),
        (rf"^LOGIN_(?:INFORMATION|ROOT): User {_NAME} logged in (?:as root )?from host {_PEER} on device {_TTY}$",),
        Kind.AUTH_SUCCESS,
        set={"auth_method": "unknown"},
    ),
)


def _over(events: pl.DataFrame) -> pl.DataFrame:
    """Give what came from elsewhere its service."""
    events = ensure(events, "src_ip", "src_host", "service")
    far = pl.col("src_ip").is_not_null() | pl.col("src_host").is_not_null()
    own = pl.col("pattern").is_in([pattern.name for pattern in PATTERNS if not pattern.services])
    service = pl.when(far & own).then(pl.lit(str(Service.TELNET))).otherwise(pl.col("service").cast(pl.String))
    return events.with_columns(service.cast(events.schema["service"]).alias("service"))


SOURCE = PatternSource(
    name="login",
    title="login: consoles and telnet",
    programs=("login",),
    patterns=pam.PATTERNS + PATTERNS,
    service=Service.LOCAL,
    session="pid:",
    claims_message=r"^(?:ssh|telnet|rlogin|login|ftp|tty): failed login attempt for ",
    finish=_over,
    references=("login(1)",),
)
