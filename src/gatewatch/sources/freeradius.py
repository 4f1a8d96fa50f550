r"""FreeRADIUS: logons that gateways ask it about, in its own ``radius.log`` or in syslog.

``Mon Jan  5 12:00:00 2026 : Auth: (12) Login OK: [ann/<via Auth-Type = pap>] (from client vpn01 port 0 cli 203.0.113.7)``

=====================================  ==============================================================================
message                                becomes
=====================================  ==============================================================================
Login OK, ``cli`` an address or none   ``auth_success``
Login incorrect, Rejected              ``auth_failure``
Invalid user                           ``auth_failure``, ``invalid_user``
Multiple logins                        ``auth_stopped``: the password was right, another session is open
any of them, ``cli`` no address        ignored: a telephone or a station of 802.1X, inside
any of them, ``via TLS tunnel``        ignored: the inner half of an EAP logon, told again by the outer one
=====================================  ==============================================================================

``host`` is the client, the gateway that asked; ``observer`` the RADIUS server. ``message`` is left out: a server may be told to log passwords. A name
that holds a slash is known as such only where the password is not logged in clear.

References: https://github.com/FreeRADIUS/freeradius-server (src/main/auth.c, rad_authlog)
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource

_BEGIN = r"^(?:\([0-9]+\) +)?(?:Auth: +)?(?:\([0-9]+\) +)?"
_ADDRESS = r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.[0-9]{1,3}){0,3})"
_STATION = r"(?:[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{12}|[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2})(?:[:-][^ )]*)?"
_MORE = r"(?: / [^()]*)?"  # mpd5 adds the hardware address and the interface
_CLIENT = r" \(from client (?P<host>[^ ]+) port [0-9]+"
_END = r"\)$"
_WHO = (r"\[(?P<user>.*)/<(?:via Auth-Type|no User-Password|CHAP-Password)[^>]*>\]", r"\[(?P<user>[^/]*)(?:/(?:.*[^>]|[^<]*)?)?\]")
_ANYBODY = r"\[.*\]"
_OK = r"Login OK"
_FAILED = r"(?:Login incorrect|Rejected in post-auth|Rejected)"
_INVALID = r"Invalid user"
_SEVERAL = r"Multiple logins(?: \(max [0-9]+\))?"
_REASON = r"(?: \((?P<object>[^\[\]]*)\))? ?: "
_UNTOLD = r"(?: \([^\[\]]*\))? ?: "


_LEVEL = r"^(?:\([0-9]+\) +)?(?:(?:Info|Error|Warning|Warn|Debug|Proxy|Acct|INFO|ERROR|WARN): )?(?:\([0-9]+\) +)?"
_NOISE = (
    r"Ready to process requests|Loaded virtual server|Exiting normally|Signalled to terminate|rlm_[a-z_]+|Ignoring |Received conflicting packet"
    r"|Discarding |Dropping |Need [0-9]+ more connections|Loaded module|Starting - reading configuration|HUP - |Opening additional connection"
    r"|Closing connection|Debugger not attached|eap_[a-z]+: |TLS Alert|tls: |Received HUP|systemd watchdog"
)


def _told(what: str, reason: str = _REASON) -> tuple[str, ...]:
    """Return the regexes of a message about a logon from an address, or from nobody knows where."""
    callers = (rf" cli (?P<rhost>{_ADDRESS})(?:\[[0-9]+\])?{_MORE}", "")
    return tuple(f"{_BEGIN}{what}{reason}{who}{_CLIENT}{cli}{_END}" for who in _WHO for cli in callers)


_ANY = f"(?:{_OK}|{_FAILED}|{_INVALID}|{_SEVERAL})"
_UNNAMED = _CLIENT.replace("?P<host>", "?:")

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "inner-tunnel",
        (),
        (f"{_BEGIN}{_ANY}{_UNTOLD}{_ANYBODY}{_UNNAMED}(?: cli [^ )]*)? via TLS tunnel{_END}",),
        why="the inner half of an EAP logon, told again by the outer one",
    ),
    Pattern(
        "station-inside",
        (),
        (f"{_BEGIN}{_ANY}{_UNTOLD}{_ANYBODY}{_UNNAMED} cli {_STATION}{_MORE}{_END}",),
        why="a station of 802.1X (a hardware address): inside",
    ),
    Pattern(
        "machine-account",
        (),
        (rf"{_BEGIN}{_OK}{_UNTOLD}\[host/[^\]]*\]{_UNNAMED}[^)]*{_END}",),
        why="a machine's own account got in",
    ),
    Pattern("login-ok", (), _told(_OK), Kind.AUTH_SUCCESS, set={"auth_method": "unknown"}),
    Pattern("login-incorrect", (), _told(_FAILED), Kind.AUTH_FAILURE, set={"auth_method": "unknown"}),
    Pattern("invalid-user", (), _told(_INVALID), Kind.AUTH_FAILURE, set={"auth_method": "unknown", "invalid_user": True}),
    Pattern("multiple-logins", (), _told(_SEVERAL, r"(?: \[MPP attempt\])? ?: "), Kind.AUTH_STOPPED, set={"auth_method": "unknown"}),
    Pattern(
        "other-caller",
        (),
        (f"{_BEGIN}{_ANY}{_UNTOLD}{_ANYBODY}{_UNNAMED} cli [^)]*{_END}",),
        why="a caller that is neither address nor station: a telephone, or a name of the gateway's",
    ),
    Pattern(
        "server-noise",
        (),
        (f"{_LEVEL}(?:{_NOISE})",),
        why="the server's own course",
    ),
)


def _discreet(events: pl.DataFrame) -> pl.DataFrame:
    """Leave out of the text the password that a server may be told to log."""
    return events.with_columns(pl.lit(None, pl.String).alias("message"))


SOURCE = PatternSource(
    name="freeradius",
    title="FreeRADIUS",
    programs=("radiusd", "freeradius"),
    patterns=PATTERNS,
    service=Service.VPN,
    finish=_discreet,
    references=("https://github.com/FreeRADIUS/freeradius-server/blob/v3.2.x/src/main/auth.c",),
)
