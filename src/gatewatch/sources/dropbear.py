r"""Dropbear, the SSH server of OpenWrt, appliances and rescue systems, versions 0.4x to 2025.

``Password auth succeeded for 'root' from 192.0.2.7:50022`` · ``Bad password attempt for 'root' from 192.0.2.7:50022`` ·
``Exit (root) from <192.0.2.7:50022>: Disconnect received``

=============================================  ============================================================================
line                                           becomes
=============================================  ============================================================================
… auth succeeded for 'U' …                     ``auth_success``; the fingerprint of a key is the ``object``
Bad … password attempt for 'U'                 ``auth_failure``
Login attempt for nonexistent user             ``auth_failure`` without a user: Dropbear names none, so as not to log mistyped passwords
User 'U' has … rejected, root login rejected   ``auth_failure``: refused before the credential counts
Pubkey auth attempt …, bad signature           ``auth_failure`` by key
Max auth tries reached                         ``auth_failure``, the end of attempts that other lines tell (pattern ``max-attempts``)
Exit (U)                                       ``session_end``; versions before 2020 leave out the address
Exit before auth                               ``connection_closed``
Child connection                               ``connection``
=============================================  ============================================================================

The session is ``pid:`` and the process of the connection. Lines of PAM under this name are read as PAM's.

References: Dropbear (svr-auth.c, svr-authpasswd.c, svr-authpam.c, svr-authpubkey.c, svr-session.c, svr-main.c), dropbear(8).
"""

from __future__ import annotations

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources import pam
from gatewatch.sources.pattern import Pattern, PatternSource

_HOST = r"(?P<rhost>[0-9A-Fa-f:.%]*[0-9A-Fa-f:.]|\[[0-9A-Fa-f:.%a-z0-9]+\]|[!-~]+?)"
_FROM = rf"from <?{_HOST}:(?P<src_port>[0-9]{{1,5}})>?"
_USER = r"'(?P<user>.*)'"
_KEY = r"(?: with (?:(?P<x_key>[a-z0-9@.-]+) )?key(?: (?P<object>[!-~]+(?: [0-9a-f:]{47,59})?))?)?"
_PASSWORD = {"auth_method": str(AuthMethod.PASSWORD)}
_BY_KEY = {"auth_method": str(AuthMethod.KEY)}
_UNKNOWN = {"auth_method": str(AuthMethod.UNKNOWN)}

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "password",
        ("Password aut", "PAM password"),
        (rf"^(?:PAM p|P)assword auth succeeded for {_USER} {_FROM}$",),
        Kind.AUTH_SUCCESS,
        set=_PASSWORD,
    ),
    Pattern("key", ("Pubkey auth ",), (rf"^Pubkey auth succeeded for {_USER}{_KEY} {_FROM}$",), Kind.AUTH_SUCCESS, set=_BY_KEY),
    Pattern(
        "blank-password",
        ("Auth succeed",),
        (rf"^Auth succeeded with blank password for {_USER} {_FROM}$",),
        Kind.AUTH_SUCCESS,
        set={"auth_method": str(AuthMethod.NONE)},
    ),
    Pattern(
        "password-refused",
        ("Bad password", "Bad PAM pass", "bad password", "password auth", "Too-long pas"),
        (rf"^(?:[Bb]ad (?:PAM )?password attempt|Too-long password attempt) for {_USER} {_FROM}$",),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern(
        "key-refused",
        ("Pubkey auth ",),
        (rf"^Pubkey auth (?:bad signature|attempt with unknown algo) for {_USER}{_KEY} {_FROM}$",),
        Kind.AUTH_FAILURE,
        set=_BY_KEY,
    ),
    Pattern(
        "unknown-user",
        ("Login attemp", "login attemp"),
        (
            rf"^[Ll]ogin attempt for (?P<invalid>nonexistent user)(?: {_USER})? {_FROM}$",
            rf"^[Ll]ogin attempt with (?P<invalid>wrong user) (?P<user>.*) {_FROM}$",
        ),
        Kind.AUTH_FAILURE,
        set=_UNKNOWN,
    ),
    Pattern(
        "user-refused",
        ("User '", "root login r", "Login attemp", "user '"),
        (
            rf"^[Uu]ser {_USER} (?:has (?:blank password|invalid shell|an invalid shell)|is not allowed|not allowed)(?:,? rejected)?(?: {_FROM})?$",
            rf"^(?P<user>root) login rejected(?: {_FROM})?$",
        ),
        Kind.AUTH_FAILURE,
        set=_UNKNOWN,
    ),
    Pattern(
        "max-attempts",
        ("Exit before ", "Max auth tri", "exit before "),
        (
            rf"^[Ee]xit before auth(?: {_FROM})?:? \(user {_USER}, [0-9]+ fails\): Max auth tries reached - user '.*'(?: from .*)?$",
            rf"^[Ee]xit before auth(?: {_FROM})?: Max auth tries reached - user {_USER}(?: from .*)?$",
            rf"^Max auth tries reached - user {_USER} {_FROM}$",
        ),
        Kind.AUTH_FAILURE,
        set=_UNKNOWN,
    ),
    Pattern(
        "closed-preauth",
        ("Exit before ", "exit before ", "Premature ex"),
        (
            rf"^[Ee]xit before auth(?: {_FROM})?:? \(user {_USER}, [0-9]+ fails\): .*$",
            rf"^[Ee]xit before auth(?: {_FROM})?(?:: .*)?$",
            r"^Premature exit: .*$",
        ),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern("exit", ("Exit (", "exit after a"), (rf"^(?:Exit|exit after auth) \((?P<user>[^)]+)\)(?: {_FROM})?: .*$",), Kind.SESSION_END),
    Pattern("connection", ("Child connec",), (rf"^Child connection {_FROM}$",), Kind.CONNECTION),
    Pattern(
        "daemon",
        (),
        (
            (
                r"^(?:Running in background|Not backgrounding|Terminated by signal|Early exit: |Failed (?:l|to l|re)|Generated hostkey|"
                r"Port forwarding disabled|Password authentication disabled|X11 |Aiee, |reverse |Couldn't |Can't |Error |Warning|Remote host |"
                r"Listening |lastlog_|wtmp_|utmp_|syslogin_|pam_[a-z_]+\(\) |Exceeded |Client |No authorized|Ignoring |Exited normally|"
                r"/[^ ]+ must be owned by )"
            ),
        ),
        why="the daemon's own affairs",
    ),
)

SOURCE = PatternSource(
    name="dropbear",
    title="Dropbear SSH server",
    programs=("dropbear", "dropbearmulti"),
    patterns=PATTERNS + pam.PATTERNS,
    service=Service.SSH,
    session="pid:",
    references=("https://github.com/mkj/dropbear", "dropbear(8)"),
)
