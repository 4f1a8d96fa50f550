r"""Pluggable authentication modules (Linux-PAM), whoever wrote the line.

``pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root``

A module logs under the name of the program that loaded it, so :data:`PATTERNS` is part of the tables of sshd, sudo, su, login, cron and the
rest; :data:`SOURCE` takes what no other source claims, by the beginning of the message. The service stands in parentheses after the module.
Old programs write ``sshd(pam_unix)[4711]: authentication failure; …``; such lines are rewritten to the new form first.

Who controls which field: ``ruser`` is the client's word in most daemons (sshd leaves it empty), ``user`` the client's word in modules that do
not look it up. An empty ``ruser`` therefore fixes the ``rhost`` that follows; otherwise the last ``rhost`` is the module's own.

=====================================  ====================================================================================
line                                   becomes
=====================================  ====================================================================================
authentication failure, N more …       ``auth_failure``, method unknown, counted N; ignored for sudo and su, which log their own
session opened, closed                 ``session_start``, ``session_end``; opened by su: ``privilege_use``; cron, sudo …: ignored
account locked by failures             ``auth_failure``: it stands for the attempts that locked it
account expired, access denied         ``auth_stopped``: these are judged after the credential
one-time code accepted, refused        ``mfa_ok``, ``mfa_denied``
password changed                       ``account_change``
=====================================  ====================================================================================

References: Linux-PAM module sources and manual pages (pam_unix(8), pam_faillock(8), pam_access(8)), sssd, google-authenticator-libpam, Duo Unix.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource

HEADS = ("pam_", "(pam_", "PAM ")
SERVICES = {
    **dict.fromkeys(("sshd", "ssh", "sshd-session", "sshd-auth", "dropbear"), Service.SSH),
    **dict.fromkeys(("vsftpd", "proftpd", "pure-ftpd", "ftp", "ftpd"), Service.FTP),
    **dict.fromkeys(("remote", "telnet", "telnetd"), Service.TELNET),
    **dict.fromkeys(("xrdp-sesman", "xrdp"), Service.RDP),
    **dict.fromkeys(("vncserver", "tigervnc", "x11vnc", "vnc"), Service.VNC),
    **dict.fromkeys(("openvpn", "ocserv", "strongswan"), Service.VPN),
    **dict.fromkeys(("samba", "smbd"), Service.SMB),
    **dict.fromkeys(("cockpit", "httpd", "apache2", "nginx", "webmin"), Service.WEB),
    **dict.fromkeys(("login", "su", "su-l", "sudo", "sudo-i", "passwd", "chpasswd", "polkit-1", "gdm", "gdm-password", "gdm3"), Service.LOCAL),
    **dict.fromkeys(("lightdm", "sddm", "kde", "xdm", "lxdm", "screen", "xscreensaver", "gnome-screensaver"), Service.LOCAL),
}

_MODULE = r"^(?:pam_[a-z0-9_]+(?:\((?P<process>(?P<service>[^:() ]+))(?::[a-z_]+)?\))?(?:\[[0-9]+\])?:? |\(pam_[a-z0-9_]+\):? |PAM )"
_WORD = r"[!-~]*"
_ASKED = rf"logname={_WORD} uid=[0-9]+ euid=[0-9]+ tty={_WORD}"
_TAIL = r" *(?: \[preauth\])?$"
# the services that switch users; they report a refusal themselves, with both names
_SWITCH_HEADS = tuple(f"pam_{module}({name}" for module in ("unix", "sss", "krb5", "ldap", "winbind") for name in ("su", "runu", "doas", "polk"))
_SWITCH = r"(?:sudo|sudo-i|su|su-l|runuser|runuser-l|doas|polkit-1)"
_JOB_HEADS = tuple(f"pam_unix({name}" for name in ("cron", "atd", "anacron", "systemd", "su", "runu", "doas", "polk"))
_JOBS = r"(?:cron|crond|atd|anacron|systemd-user|sudo|sudo-i|runuser|runuser-l|polkit-1|doas)"
_OWN = {"auth_method": "unknown"}


def _failure(text: str) -> tuple[str, ...]:
    """Return the regexes of a failure line whose text before ``logname=`` is *text*, the cheap and certain ones first."""
    strict = rf"^pam_[a-z0-9_]+\((?P<process>(?P<service>[!-'*-9;-~]+)):auth\): {text} {_ASKED}"
    return (
        rf"{strict} ruser= rhost=(?P<rhost>{_WORD})(?: {{1,2}}user=(?P<user>{_WORD}))?$",
        rf"{strict} ruser={_WORD} rhost=(?P<rhost>{_WORD}) {{1,2}}user=(?P<user>{_WORD})$",
        rf"{_MODULE}{text} {_ASKED} ruser= rhost=(?P<rhost>{_WORD})(?: {{1,2}}user=(?P<user>.*?))?{_TAIL}",
        rf"{_MODULE}{text} {_ASKED} ruser=(?P<user>{_WORD}) rhost=(?P<rhost>{_WORD}){_TAIL}",
        rf"{_MODULE}{text} .* rhost=(?P<rhost>{_WORD})(?: {{1,2}}user=(?P<user>.*?))?{_TAIL}",
    )


# sshd's own: the commonest line of an attacked server, and a repeat of its "Failed password"
SSHD_FAILURE = Pattern(
    "pam-failure-sshd",
    ("pam_unix(sshd:auth): authentication failure; ",),
    (
        (
            rf"^pam_unix\((?P<process>(?P<service>sshd)):auth\): authentication failure; {_ASKED} "
            rf"ruser= rhost=(?P<rhost>{_WORD})(?: {{1,2}}user=(?P<user>{_WORD}))?$"
        ),
    ),
    Kind.AUTH_FAILURE,
    set=_OWN,
    services=SERVICES,
    repeats="failed",
)

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "pam-user-unknown",
        HEADS,
        (rf"{_MODULE}check pass; user ", rf"{_MODULE}(?:bad username \[|could not identify user )"),
        why="no name and no address; the failure line after it bears them",
    ),
    Pattern(
        "pam-switch-failure",
        _SWITCH_HEADS,
        (rf"^pam_[a-z0-9_]+\({_SWITCH}(?::auth)?\): (?:authentication failure|[0-9]+ more authentication failures?);",),
        why="sudo and su report a refusal themselves, with both names",
    ),
    Pattern("pam-failure", HEADS, _failure("authentication failure;"), Kind.AUTH_FAILURE, set=_OWN, services=SERVICES),
    Pattern(
        "pam-job-session",
        _JOB_HEADS,
        (rf"^pam_unix\({_JOBS}(?::session)?\): session (?:opened|closed) for user ",),
        why="the session of a job or of one command: cron, sudo and systemd log what ran",
    ),
    Pattern(
        "pam-su-opened",
        ("pam_unix(su",),
        (
            (
                rf"^pam_unix\((?P<process>su(?:-l)?)(?::session)?\): session opened for user (?P<target_user>{_WORD}?)(?:\(uid=[0-9]+\))? "
                rf"by (?P<user>{_WORD}?)\(uid=[0-9]+\)$"
            ),
        ),
        Kind.PRIVILEGE_USE,
        set={"service": str(Service.LOCAL), "session": None},
    ),
    Pattern(
        "pam-su-closed",
        ("pam_unix(su",),
        (r"^pam_unix\(su(?:-l)?(?::session)?\): session closed for user ",),
        why="the end of a change of user; the login session goes on",
    ),
    Pattern(
        "pam-session-opened",
        HEADS,
        (
            rf"^pam_unix\((?P<process>(?P<service>[^:() ]+)):session\): session opened for user (?P<user>[!-'*-~]*)(?:\(uid=[0-9]+\))? by {_WORD}$",
            rf"{_MODULE}session opened for user (?P<user>.*?)(?:\(uid=[0-9]+\))? by .*$",
        ),
        Kind.SESSION_START,
        services=SERVICES,
    ),
    Pattern(
        "pam-session-closed",
        HEADS,
        (
            r"^pam_unix\((?P<process>(?P<service>[^:() ]+)):session\): session closed for user (?P<user>[!-'*-~]*)$",
            rf"{_MODULE}session closed for user (?P<user>.*?)(?:\(uid=[0-9]+\))?$",
        ),
        Kind.SESSION_END,
        services=SERVICES,
    ),
    Pattern(
        "pam-more-failures",
        HEADS,
        _failure("(?P<count>[0-9]+) more authentication failures?;"),
        Kind.AUTH_FAILURE,
        set=_OWN,
        services=SERVICES,
    ),
    Pattern(
        "pam-locked",
        HEADS,
        (
            rf"{_MODULE}Consecutive login failures for user (?P<user>.*) account temporarily locked$",
            rf"{_MODULE}User (?P<user>.*) is temporarily locked out due to [0-9]+ consecutive failed login attempts$",
            rf"{_MODULE}user (?P<user>.*) \([0-9]+\) tally [0-9]+, deny [0-9]+$",
        ),
        Kind.AUTH_FAILURE,
        set=_OWN,
        services=SERVICES,
    ),
    Pattern(
        "pam-account-expired",
        HEADS,
        (rf"{_MODULE}account (?P<user>.*) has expired \((?P<object>[a-z ]+)\)$",),
        Kind.AUTH_STOPPED,
        services=SERVICES,
    ),
    Pattern(
        "pam-access-denied",
        HEADS,
        (
            rf"{_MODULE}access denied for user [`'](?P<user>.*)' from [`'](?P<rhost>[!-&(-~]+)'$",
            rf"{_MODULE}Access denied for user (?P<user>.*): (?P<object>[0-9]+ \([A-Za-z ;,]+\))$",
        ),
        Kind.AUTH_STOPPED,
        services=SERVICES,
    ),
    Pattern(
        "pam-refused",
        HEADS,
        (rf"{_MODULE}Refused user (?P<user>.*) for service [!-~]+$",),
        Kind.AUTH_FAILURE,
        set=_OWN,
        services=SERVICES,
    ),
    Pattern(
        "pam-code-accepted",
        HEADS,
        (rf"{_MODULE}Accepted google_authenticator for (?P<user>.*)$",),
        Kind.MFA_OK,
        set={"mfa": "yes"},
        services=SERVICES,
    ),
    Pattern("pam-code-refused", HEADS, (rf"{_MODULE}Invalid verification code for (?P<user>.*)$",), Kind.MFA_DENIED, services=SERVICES),
    Pattern(
        "pam-password-changed",
        HEADS,
        (rf"{_MODULE}password changed for (?P<target_user>.*)$",),
        Kind.ACCOUNT_CHANGE,
        set={"object": "password"},
        services=SERVICES,
    ),
    Pattern(
        "pam-repeated",
        HEADS,
        (
            rf"{_MODULE}received for user .*: [0-9]+ \(",
            rf"{_MODULE}(?:authentication success;|User unknown(?:: .*)?$)",
            rf"{_MODULE}(?:error trying to bind as user |user '.*' (?:denied|granted) access|request wbcLogonUser failed: )",
        ),
        why="the service reports the result itself, with the address",
    ),
    Pattern(
        "pam-condition",
        HEADS,
        (rf'{_MODULE}requirement ".*" (?:was )?(?:not )?met by user ', rf"{_MODULE}service\([^)]*\) ignoring max retries; "),
        why="a condition of the module stack, no result",
    ),
    Pattern(
        "pam-conversation",
        HEADS,
        (
            (
                rf"{_MODULE}(?:conversation failed|auth could not identify password for |need a login uid|getting password |"
                rf"pam_get_item returned a password)"
            ),
            (
                rf"{_MODULE}(?:[Pp]assword for user .* will expire in |expired password for user |account .* has password changed in future|"
                rf"password - \((?:old|new)\) token not obtained|username \[.*\] obtained)"
            ),
            (
                rf"{_MODULE}(?:Did not receive verification code from |[Tt]rying to reuse a previously used time-based code|"
                rf'start of google_authenticator for |debug: |Failed to read ".*" for )'
            ),
        ),
        why="the dialogue with the user, no result",
    ),
    Pattern(
        "pam-configuration",
        HEADS,
        (
            r"^PAM (?:unable to |adding faulty module|bad jump in stack|pam_[a-z_]+: |\[error: |audit_|no modules loaded|illegal module type)",
            (
                rf"{_MODULE}(?:unrecognized option|unknown option|option |Unable to |unable to |cannot |Couldn't |"
                rf"error retrieving information about user )"
            ),
        ),
        why="how the modules are set up, no access",
    ),
    Pattern(
        "pam-housekeeping",
        HEADS,
        (
            (
                r"^pam_(?:systemd|env|limits|selinux|loginuid|lastlog2?|motd|mail|keyinit|ck_connector|gnome_keyring|kwallet5?|fprintd|console|umask|"
                r"mkhomedir|exec|tty_audit|nologin|cap|namespace|xauth|rootok|timestamp)(?:\([^)]*\))?(?:\[[0-9]+\])?: "
            ),
        ),
        why="sets the session up or cleans it, no result",
    ),
    Pattern("pam-helper", ("password che",), (r"^password check failed for user \(",), why="the module that asked reports it"),
)

DUO_PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "duo-accepted",
        ("Successful D",),
        (r"^Successful Duo login for '(?P<user>.*)' from (?P<rhost>[!-~]+)$", r"^Successful Duo login for '(?P<user>[^']*)'$"),
        Kind.MFA_OK,
        set={"mfa": "yes"},
    ),
    Pattern(
        "duo-refused",
        ("Failed Duo l", "Aborted Duo ", "Denied Duo l"),
        (
            r"^(?:Failed|Aborted|Denied) Duo login for '(?P<user>.*)' from (?P<rhost>[!-~]+?)(?:: (?P<object>[A-Za-z ,]+))?$",
            r"^(?:Failed|Aborted|Denied) Duo login for '(?P<user>[^']*)'(?:: (?P<object>[A-Za-z ,]+))?$",
        ),
        Kind.MFA_DENIED,
    ),
    Pattern(
        "duo-bypassed",
        ("Skipped Duo ", "Failsafe Duo", "Error in Duo"),
        (r"^(?:Skipped|Failsafe|Error in) Duo login for '",),
        why="no second factor was asked; whether the login had one stays unknown",
    ),
)


def _unwrap(records: pl.DataFrame) -> pl.DataFrame:
    """Rewrite ``sshd(pam_unix): text`` to ``pam_unix(sshd): text``, and a module that logs under its own name to ``pam_duo: text``."""
    program = pl.col("program").fill_null("")
    service, module = program.str.extract(r"^(.+)\(pam_[a-z0-9_]+\)?$"), program.str.extract(r"^.+\((pam_[a-z0-9_]+)\)?$")
    return records.with_columns(
        pl.when(module.is_not_null()).then(pl.format("{}({}): {}", module, service, pl.col("message"))).otherwise(pl.col("message")).alias("message")
    )


SOURCE = PatternSource(
    name="pam",
    title="PAM modules",
    programs=("pam_duo", "login_duo", "unix_chkpwd"),
    patterns=PATTERNS + DUO_PATTERNS,
    session="pid:",
    claims=r"^.+\(pam_[a-z0-9_]+\)?$",
    claims_message=r"^(?:pam_[a-z0-9_]+(?:\([^)]*\))?(?:\[[0-9]+\])?:? |\(pam_[a-z0-9_]+\):? |PAM [0-9a-z])",
    prepare=_unwrap,
    references=("pam_unix(8)", "pam_faillock(8)", "pam_access(8)", "pam_sss(8)", "pam_google_authenticator(8)", "duo_unix"),
)
