r"""What sshd says about authentication.

Whose address it is, the first that fits decides: a name without spaces (then nothing can be confused); any name before an address that is last
but for a key; a name without spaces before ``ssh2:`` and a free tail; any name before an address at the very end. A user name may hold
`` from 198.51.100.9 port 22 ssh2``; it stands before the address, so the last address counts, unless ``ssh2:`` follows the first.
That exception is right for versions that write a tail after a password (up to 6.2); with later ones a name that ends in ``ssh2:`` lies.
"""

from __future__ import annotations

from gatewatch.schema.events import AuthMethod, Kind
from gatewatch.sources.pattern import Pattern

METHODS = {
    "password": AuthMethod.PASSWORD,
    "keyboard-interactive": AuthMethod.KEYBOARD,
    "challenge-response": AuthMethod.KEYBOARD,
    "publickey": AuthMethod.KEY,
    "rsa": AuthMethod.KEY,
    "hostbased": AuthMethod.HOSTBASED,
    "rhosts-rsa": AuthMethod.HOSTBASED,
    "gssapi-with-mic": AuthMethod.GSSAPI,
    "gssapi-keyex": AuthMethod.GSSAPI,
    "gssapi": AuthMethod.GSSAPI,
    "kerberos": AuthMethod.GSSAPI,
    "none": AuthMethod.NONE,
}

IP = r"(?P<rhost>[0-9A-Fa-f:.]+)"
PEER = r"(?P<rhost>[!-~]+)"
PORT = r"port (?P<src_port>[0-9]+)"
END = r"(?: \[preauth\])?$"
_USER = r"(?P<user>[!-~]*)"
_ANY = r"(?P<user>.*)"
_INVALID = r"(?P<invalid>(?:invalid|illegal) user )?"
_KEY = r"(?P<x_key>[A-Za-z0-9@.-]+) (?P<object>(?:SHA256:|MD5:|(?:[0-9a-f]{2}:){15})[!-~]+)"
_UNKNOWN = {"auth_method": "unknown"}


def _accepted(verb: str) -> tuple[str, ...]:
    """Return the regexes of a line ``Accepted password for ann from 192.0.2.7 port 50022 ssh2: …``, whose user exists."""
    start = rf"^{verb} (?P<method>[!-~]+) for "
    return (
        rf"{start}{_USER} from {IP} {PORT} ssh2$",
        rf"{start}{_USER} from {PEER} {PORT} +ssh[12]: {_KEY}{END}",
        rf"{start}{_ANY} from {PEER} {PORT} +ssh[12]: {_KEY}{END}",
        rf"{start}{_USER} from {PEER} {PORT} +ssh[12]: (?P<x_tail>.*?){END}",
        rf"{start}{_ANY} from {PEER}(?: {PORT})?(?: +ssh[12])?{END}",
    )


def _failed() -> tuple[str, ...]:
    """Return the regexes of a line ``Failed password for invalid user ann from 192.0.2.7 port 50022 ssh2: …``."""
    start = r"^Failed (?P<method>[!-~]+) for "
    peer = rf"{PEER}(?: {PORT})?(?: +ssh[12])?"
    return (
        # two regexes without a choice are twice as fast as one with; the newline that never comes makes the column false, not null
        rf"{start}(?P<invalid>\n)?{_USER} from {IP} {PORT} ssh2$",
        rf"{start}(?P<invalid>invalid user ){_USER} from {IP} {PORT} ssh2$",
        rf"{start}{_INVALID}{_USER} from {PEER} {PORT} +ssh[12]: {_KEY}{END}",
        rf"{start}(?P<invalid><invalid username>) from {peer}{END}",
        rf"{start}{_INVALID}{_ANY} from {PEER} {PORT} +ssh[12]: {_KEY}{END}",
        rf"{start}{_INVALID}{_USER} from {PEER} {PORT} +ssh[12]: (?P<x_tail>.*?){END}",
        rf"{start}{_INVALID}{_ANY} from {peer}{END}",
    )


PATTERNS: tuple[Pattern, ...] = (
    Pattern("failed", ("Failed ",), _failed(), Kind.AUTH_FAILURE, methods=METHODS),
    Pattern(
        "junos-ssh-failed",
        ("SSHD_LOGIN_F", "Login failed"),
        (rf"^(?:SSHD_LOGIN_FAILED: )?Login failed for user '{_ANY}' from host '{PEER}'\.?$",),
        Kind.AUTH_FAILURE,
        set=_UNKNOWN,
    ),
    Pattern(
        "accepted-certificate",
        ("Accepted publickey",),
        (
            (
                rf"^Accepted publickey for {_USER} from {PEER} {PORT} ssh2: (?P<x_key>[A-Za-z0-9@.-]+-CERT[A-Za-z0-9@.-]*) "
                r"(?:(?P<object>(?:SHA256|MD5):[!-~]+) )?ID (?P<x_key_id>.*) \(serial (?P<x_serial>[0-9]+)\) CA (?P<x_ca>[!-~ ]+)$"
            ),
        ),
        Kind.AUTH_SUCCESS,
        set={"auth_method": str(AuthMethod.CERTIFICATE)},
    ),
    Pattern("accepted", ("Accepted ",), _accepted("Accepted"), Kind.AUTH_SUCCESS, methods=METHODS),
    Pattern(
        "key-found",
        ("Accepted key", "Accepted cert"),
        (r"^Accepted (?:key .* found at |certificate ID .* signed by )",),
        why="the key that the result line names",
    ),
    Pattern(
        "invalid-user",
        ("Invalid user", "Illegal user"),
        (
            rf"^Invalid user {_USER} from {IP} {PORT}$",
            rf"^(?:Invalid|Illegal) user {_ANY} from {PEER}(?: {PORT})?{END}",
        ),
        Kind.AUTH_FAILURE,
        set=_UNKNOWN | {"invalid_user": True},
    ),
    Pattern(
        "invalid-repeated",
        ("input_userau",),
        (r"^input_userauth_request: (?:invalid|illegal) user ",),
        why="repeats Invalid user, no address",
    ),
    Pattern(
        "partial",
        ("Partial ",),
        _accepted("Partial"),
        Kind.MFA_CHALLENGE,
        methods=METHODS,
    ),
    Pattern("postponed", ("Postponed ",), (r"^Postponed ",), why="an exchange that goes on, no result"),
    Pattern(
        "max-attempts",
        ("error: maximum", "maximum auth"),
        (rf"^(?:error: )?maximum authentication attempts exceeded for {_INVALID}{_ANY} from {PEER}(?: {PORT})?(?: ssh[12])?{END}",),
        Kind.AUTH_FAILURE,
        set=_UNKNOWN,
    ),
    Pattern(
        "too-many-failures",
        ("Disconnecting", "error: Disco"),
        (
            rf"^(?:error: )?Disconnecting (?:authenticating|(?P<invalid>invalid)) user {_ANY} {IP} {PORT}: Too many authentication failures{END}",
            rf"^(?:error: )?Disconnecting {IP} {PORT}: Too many authentication failures{END}",
            rf"^(?:error: )?Disconnecting: Too many authentication failures(?: for {_INVALID}(?P<user>.*?))?{END}",
        ),
        Kind.AUTH_FAILURE,
        set=_UNKNOWN,
    ),
    Pattern(
        "pam-error",
        ("error: PAM: ",),
        (
            (
                r"^error: PAM: (?P<object>[A-Za-z' ]+?) for (?P<invalid>(?:illegal|invalid) user )?"
                rf"{_ANY} from {PEER}(?: via (?P<dhost>[!-~]+))? *{END}"
            ),
        ),
        Kind.AUTH_FAILURE,
        set={"auth_method": str(AuthMethod.KEYBOARD)},
    ),
    Pattern(
        "not-allowed",
        ("User ", "Login restri", "Account "),
        (
            (
                rf"^User {_ANY} from {PEER} not allowed because (?P<object>(?:not )?listed in (?:AllowUsers|DenyUsers)|not in any group|"
                rf"a group is listed in DenyGroups|none of user's groups are listed in AllowGroups){END}"
            ),
            rf"^User {_ANY} not allowed because (?P<object>account is locked|shell [!-~]+ (?:does not exist|is not executable)){END}",
            rf"^Login restricted for {_ANY}: (?P<object>[^:]*)$",
            rf"^Account {_ANY} (?P<object>has expired){END}",
        ),
        Kind.AUTH_FAILURE,
        set=_UNKNOWN,
    ),
    Pattern(
        "root-refused",
        ("ROOT LOGIN REFUSED",),
        (rf"^ROOT LOGIN REFUSED FROM {PEER}(?: {PORT})?{END}",),
        Kind.AUTH_STOPPED,
        set=_UNKNOWN | {"user": "root"},
    ),
    Pattern(
        "pam-account-denied",
        ("fatal: Access denied", "Access denied", "error: Access"),
        (rf"^(?:fatal: |error: )?Access denied for user (?P<user>.*) by PAM account configuration{END}",),
        Kind.AUTH_STOPPED,
    ),
    Pattern(
        "key-from-elsewhere",
        ("Authenticati", "/", "AuthorizedKe"),
        (
            (
                r"^(?:[!-~]+: )?Authentication tried for (?P<user>.*) with correct key but not from a permitted host "
                rf"\(host=(?P<src_host>[!-~]*), ip=(?P<rhost>[!-+\--~]+)(?:, required=[^()]*)?\)\.?{END}"
            ),
            (
                r"^(?:[!-~]+: )?Authentication tried for (?P<user>.*) with valid certificate but not from a permitted (?:host|source address) "
                rf"\((?:ip=)?(?P<rhost>[^() ]+)\)\.?{END}"
            ),
        ),
        Kind.AUTH_STOPPED,
        set={"auth_method": str(AuthMethod.KEY)},
    ),
    Pattern("nologin", ("User ",), (r"^User (?P<user>.*) not allowed because (?P<object>/[!-~]+ exists)$",), Kind.AUTH_STOPPED),
    Pattern(
        "revoked-key",
        ("error: Authe", "Authenticati", "WARNING: rev", "error: WARNI"),
        (
            rf"^(?:error: )?Authentication key {_KEY} revoked by (?:file )?[!-~]+{END}",
            rf"^(?:error: )?WARNING: authentication attempt with a revoked (?P<x_key>[!-~]+) key (?P<object>[!-~]+){END}",
        ),
        Kind.AUTH_FAILURE,
        set={"auth_method": str(AuthMethod.KEY)},
    ),
)
