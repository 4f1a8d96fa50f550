"""Authentication and authorization on a Mac: the login window, ``authorizationhost``, ``authd``, ``opendirectoryd``, ``securityd``.

``Failed to authenticate user <ann> (error: 9).`` · ``Succeeded authorizing right 'system.privilege.admin' by client '/usr/bin/…' [4380] …``

None of these names an address. A failure that ``opendirectoryd`` tells repeats one that the service itself reports (sshd, Screen Sharing, the login
window), so it is kept for the reader (``other``) and never counted. Rights that lead to root are ``privilege_use`` and ``privilege_denied``; those
that programs ask for all day are ignored. Sessions of the window server are told by the number of the user only (``extra.uid``).

References: Security framework (authd, authorizationhost), opendirectoryd(8), loginwindow
"""

from __future__ import annotations

from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.macos import MacSource
from gatewatch.sources.pattern import Pattern

_ROOTLY = r"(?:system\.(?:privilege|preferences|services|install)\b[^']*|com\.apple\.ServiceManagement\.[^']*|com\.apple\.DiskManagement\.[^']*)"
_CLIENT = r" by client '(?P<process>[^']*)' \[[0-9]+\]"
_UID = r"(?P<x_uid>[0-9]+)"
_PASSWORD = {"auth_method": str(AuthMethod.PASSWORD)}

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "authentication-failed",
        ("Failed to authenticate user <",),
        (r"^Failed to authenticate user <(?P<user>.*)> \((?:error|tDirStatus): -?[0-9]+\)\.?$",),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern(
        "checkpw-failed",
        ("checkpw() returned",),
        (r"^checkpw\(\) returned -?[0-9]+; failed to authenticate user (?P<user>.*) \(uid [0-9]+\)\.?$",),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern(
        "directory-failed",
        ("Authentication failed for ",),
        (
            r'^Authentication failed for "(?P<user>[^"]*)" \([0-9A-Fa-f-]+\)(?: - (?P<x_reason>.*))?$',
            r"^Authentication failed for (?P<user><[^<>]*>|[!#-~]+)(?: \([0-9A-Fa-f-]+\))?(?: with (?:result|error):? ?(?P<x_reason>.*))?$",
        ),
        Kind.OTHER,
    ),
    Pattern(
        "right-granted",
        ("Succeeded authorizing right '",),
        (rf"^Succeeded authorizing right '(?P<object>{_ROOTLY})'{_CLIENT}",),
        Kind.PRIVILEGE_USE,
    ),
    Pattern(
        "right-refused",
        ("Failed to authorize right '",),
        (rf"^Failed to authorize right '(?P<object>{_ROOTLY})'{_CLIENT}",),
        Kind.PRIVILEGE_DENIED,
    ),
    Pattern(
        "right-of-user",
        ("UID ",),
        (r"^UID [0-9]+ authenticated as user (?P<user>.*) \(UID [0-9]+\) for right '(?P<object>[^']*)'$",),
        Kind.PRIVILEGE_USE,
    ),
    Pattern(
        "right-common",
        ("Succeeded authorizing right '", "Failed to authorize right '"),
        (r"^(?:Succeeded authorizing|Failed to authorize) right '",),
        why="a right that programs ask for all day",
    ),
    Pattern(
        "window-login",
        ("-[SessionAgent", "sendDistributedNotification"),
        (r"^(?:-\[[^\]]*\] \| )?sendDistributedNotification: com\.apple\.sessionDidLogin, with userID:" + _UID + "$",),
        Kind.SESSION_START,
    ),
    Pattern(
        "screen-locked",
        ("-[SessionAgent", "sendBSDNotification"),
        (r"^(?:-\[[^\]]*\] \| )?sendBSDNotification: com\.apple\.sessionagent\.screenIsLocked, with userID:" + _UID + "$",),
        Kind.OTHER,
    ),
    Pattern(
        "screen-unlocked",
        ("-[SessionAgent", "sendBSDNotification"),
        (r"^(?:-\[[^\]]*\] \| )?sendBSDNotification: com\.apple\.sessionagent\.screenIsUnlocked, with userID:" + _UID + "$",),
        Kind.OTHER,
    ),
    Pattern(
        "window-logout",
        ("-[SessionLogoutd", "sessionlogoutd telling"),
        (r"^(?:-\[[^\]]*\]:?[0-9]*: +)?sessionlogoutd telling session agent, logout is complete\.?$",),
        Kind.SESSION_END,
    ),
    Pattern(
        "security-session",
        ("0x", "Session "),
        (rf"^(?:0x[0-9a-f]+ )?Session [0-9]+ created, uid:{_UID} sessionId:(?P<session>[0-9]+)$",),
        Kind.SESSION_START,
        session_prefix="security:",
    ),
    Pattern(
        "security-session-end",
        ("0x", "Session "),
        (r"^(?:0x[0-9a-f]+ )?Session (?P<session>[0-9]+) destroyed$",),
        Kind.SESSION_END,
        session_prefix="security:",
    ),
    Pattern(
        "utmpx-start", ("USER_PROCESS: ",), (r"^USER_PROCESS: (?P<session>[0-9]+) (?P<object>[!-~]+)$",), Kind.SESSION_START, session_prefix="utmpx:"
    ),
    Pattern(
        "utmpx-end", ("DEAD_PROCESS: ",), (r"^DEAD_PROCESS: (?P<session>[0-9]+) (?P<object>[!-~]+)$",), Kind.SESSION_END, session_prefix="utmpx:"
    ),
    Pattern(
        "window-shown",
        ("Showing Login", "Login Window", "User info co", "Login window"),
        (r"^(?:Showing Login Window|Login [Ww]indow |User info context values set for )",),
        why="steps at the login window, no result",
    ),
    Pattern("keychain", ("[user{", "[serverxpc{"), (r"^\[[a-z]+\{[^{}]*\}[^\]]*\]:",), why="the keychain's own service"),
    Pattern("library", ("(",), (r"^\([A-Za-z0-9_.+-]+\) ",), why="said by a library"),
    Pattern(
        "steps",
        ("Validating ", "engine ", "in pam_sm_"),
        (r"^(?:Validating (?:shared )?credential |engine [0-9]+: |in pam_sm_)",),
        why="steps of an authorization, no result",
    ),
)

SOURCE = MacSource(
    name="macos-auth",
    title="Login window, authorization and directory of macOS",
    programs=(
        *(
            prefix + name
            for name in ("authorizationhost", "SecurityAgent", "com.apple.SecurityServer", "opendirectoryd")
            for prefix in ("", "macos:")
        ),
        *("loginwindow", "macos:loginwindow", "macos:authd", "authd", "macos:securityd", "securityd", "macos:secd", "secd"),
        *("macos:sessionlogoutd", "sessionlogoutd", "macos:login"),
    ),
    patterns=PATTERNS,
    service=Service.LOCAL,
    references=("https://developer.apple.com/documentation/security/authorization_services", "log(1)"),
)
