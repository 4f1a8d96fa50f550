r"""What sshd says about connections: opened, refused, closed.

How a connection ended says whether anyone tried to log in, which matters where failures themselves are not logged (keyboard-interactive at
LogLevel INFO): ``closed-authenticating`` and ``closed-invalid`` (a name was sent: an attempt), ``closed-preauth`` (none was: a scan),
``closed`` (after login: ``session_end``). The same for ``disconnected-…``. ``closed`` without a name is ambiguous before OpenSSH 5.9, which had
no ``[preauth]``.
"""

from __future__ import annotations

from gatewatch.schema.events import Kind
from gatewatch.sources.pattern import Pattern
from gatewatch.sources.sshd_auth import END, IP, PEER, PORT

_USER = r"(?P<user>[!-~]*)"
_ANY = r"(?P<user>.*)"
_CLOSED = r"^Connection (?:closed|reset) by"
_INVALID = {"invalid_user": True}


def _ended(text: str, who: str) -> tuple[str, ...]:
    """Return the regexes of an end before login that names the user."""
    return (rf"{text} {who} user {_USER} {IP} {PORT} \[preauth\]$", rf"{text} {who} user {_ANY} {PEER} {PORT}{END}")


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "received-disconnect-preauth",
        ("Received disconnect from ", "error: Received disconnect from "),
        (
            rf"^Received disconnect from {IP} {PORT}:11:[!-Z\^-~ ]*\[preauth\]$",
            r"^Received disconnect from (?P<rhost>[0-9.]+): 11:[!-Z\^-~ ]*\[preauth\]$",
            rf"^Received disconnect from {IP}(?: {PORT})?: ?11:.* \[preauth\]$",
        ),
        Kind.CONNECTION_CLOSED,
        tail="[preauth]",
    ),
    Pattern(
        "disconnected-by-user",
        ("Received disconnect",),
        (rf"^Received disconnect from {IP}(?: {PORT})?: ?11: (?P<object>disconnected by user)$",),
        Kind.SESSION_END,
    ),
    Pattern(
        "client-auth-fail",
        ("Received disconnect", "error: Received"),
        (rf"^(?:error: )?Received disconnect from {PEER}(?: {PORT})?: ?3: (?P<object>.*Auth fail.*?){END}",),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern(
        "client-no-methods",
        ("Received disconnect", "error: Received"),
        (rf"^(?:error: )?Received disconnect from {PEER}(?: {PORT})?: ?14: (?P<object>.*?){END}",),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern(
        "received-disconnect",
        ("Received disconnect", "error: Received"),
        (rf"^(?:error: )?Received disconnect from {PEER}(?: {PORT})?: ?[0-9]+: ?(?P<object>.*?){END}",),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern(
        "disconnected-authenticating",
        ("Disconnected from authenticating user ",),
        _ended("^Disconnected from", "authenticating"),
        Kind.CONNECTION_CLOSED,
        tail="[preauth]",
    ),
    Pattern(
        "disconnected-invalid",
        ("Disconnected from invalid user ", "Disconnected from illegal user "),
        _ended("^Disconnected from", "(?:invalid|illegal)"),
        Kind.CONNECTION_CLOSED,
        set=_INVALID,
        tail="[preauth]",
    ),
    Pattern("disconnected-preauth", ("Disconnected from",), (rf"^Disconnected from {IP} {PORT} \[preauth\]$",), Kind.CONNECTION_CLOSED),
    Pattern(
        "disconnected",
        ("Disconnected from",),
        (rf"^Disconnected from user {_USER} {IP} {PORT}$", rf"^Disconnected from (?:user {_ANY} )?{PEER} {PORT}$"),
        Kind.SESSION_END,
    ),
    Pattern(
        "closed-authenticating",
        ("Connection closed by authenticating user ", "Connection reset by authenticating user "),
        _ended(_CLOSED, "authenticating"),
        Kind.CONNECTION_CLOSED,
        tail="[preauth]",
    ),
    Pattern(
        "closed-invalid",
        ("Connection closed by invalid user ", "Connection reset by invalid user ", "Connection closed by illegal user "),
        _ended(_CLOSED, "(?:invalid|illegal)"),
        Kind.CONNECTION_CLOSED,
        set=_INVALID,
        tail="[preauth]",
    ),
    Pattern(
        "closed-preauth",
        ("Connection closed by ", "Connection reset by "),
        (rf"{_CLOSED} {IP} {PORT} \[preauth\]$", rf"{_CLOSED} {IP} \[preauth\]$", rf"{_CLOSED} (?P<rhost>UNKNOWN)(?: {PORT})?{END}"),
        Kind.CONNECTION_CLOSED,
        tail="[preauth]",
    ),
    Pattern(
        "closed",
        ("Connection closed", "Connection reset"),
        (rf"{_CLOSED} {IP}(?: {PORT})?$", rf"{_CLOSED} user {_ANY} {IP} {PORT}$"),
        Kind.SESSION_END,
    ),
    Pattern(
        "peer-gone",
        ("Connection closed", "Connection reset"),
        (r"^Connection (?:closed by remote host|reset by peer)\.?$",),
        why="no address; the line after it bears one",
    ),
    Pattern(
        "connection",
        ("Connection from",),
        (
            rf"^Connection from {IP} {PORT} on (?P<dhost>[0-9A-Fa-f:.]+) port (?P<dst_port>[0-9]+)$",
            rf'^Connection from {PEER}(?: {PORT})?(?: on (?P<dhost>[!-~]+)(?: port (?P<dst_port>[0-9]+))?)?(?: rdomain "[^"]*")?$',
        ),
        Kind.CONNECTION,
    ),
    Pattern(
        "broken-authenticating",
        ("ssh_dispatch", "Connection from", "banner excha"),
        (rf"^(?:[a-z_ ]+: )?Connection from (?:authenticating|(?P<invalid>invalid)) user {_ANY} {IP} {PORT}(?: timed out|: [A-Za-z ]+){END}",),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern(
        "broken",
        ("ssh_dispatch", "Connection from", "banner excha", "fatal: ssh_d"),
        (rf"^(?:fatal: )?(?:[a-z_ ]+: )?Connection from {IP} {PORT}(?: timed out|: (?P<object>[A-Za-z ]+)){END}",),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern(
        "broken-session",
        ("ssh_dispatch", "Connection from", "Timeout, client"),
        (
            rf"^(?:[a-z_ ]+: )?Connection from user {_ANY} {IP} {PORT}(?: timed out|: [A-Za-z ]+)$",
            rf"^Timeout, client not responding from (?:user {_ANY} )?{IP} {PORT}$",
        ),
        Kind.SESSION_END,
    ),
    Pattern(
        "no-identification",
        ("Did not receive", "error: Did n"),
        (
            rf"^Did not receive identification string from {IP}(?: {PORT})?$",
            rf"^(?:error: )?Did not receive identification string from {PEER}{END}",
        ),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern(
        "bad-identification",
        ("Bad protocol",),
        (rf"^Bad protocol version identification '.*' from {PEER}(?: {PORT})?$",),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern(
        "scanned",
        ("scanned from", "probed from", "Protocol maj", "Magic value", "Could not wr"),
        (
            rf"^(?:scanned|probed) from {PEER}(?: {PORT})? with (?P<object>.*)\. +Don't panic\.$",
            rf"^Protocol major versions differ for {PEER}(?: {PORT})?: (?P<object>.*)$",
            rf"^Magic value check failed \([0-9]+\) on obfuscated handshake from {PEER} {PORT}$",
            rf"^Could not write ident string to {PEER}(?: {PORT})?$",
        ),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern(
        "no-agreement",
        ("Unable to negotiate", "fatal: Unabl", "fatal: no ma", "no matching"),
        (
            rf"^(?:fatal: )?Unable to negotiate with {PEER} {PORT}: (?P<object>no matching [A-Za-z ]+ found)\. Their offer: .*$",
            rf"^(?:fatal: )?(?P<object>Unable to negotiate a [a-z ]+|no (?:matching [a-z ]+ found|hostkey alg|kex alg))(?:: client .*)?{END}",
        ),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern(
        "timeout",
        ("fatal: Timeo", "Timeout befo"),
        (
            rf"^(?:fatal: )?Timeout before authentication for {IP}(?: {PORT})?$",
            rf"^Timeout before authentication for connection from {IP} to (?P<dhost>[0-9A-Fa-f:.]+), pid = (?P<session>[0-9]+)$",
            rf"^(?:fatal: )?Timeout before authentication for {PEER}{END}",
        ),
        Kind.CONNECTION_CLOSED,
        session_prefix="pid:",
    ),
    Pattern(
        "disconnecting",
        ("Disconnecting", "error: Disco", "fatal: Disco"),
        (
            (
                r"^(?:error: |fatal: )?Disconnecting (?:authenticating|(?P<invalid>invalid)) user "
                rf"{_ANY} {IP} {PORT}: (?P<object>[A-Z][A-Za-z ]+)(?:[:,.] ?\([!-~]*,[!-~]*\) -> \([!-~]*,[!-~]*\))?\.?{END}"
            ),
            rf"^(?:error: |fatal: )?Disconnecting {IP} {PORT}: (?P<object>[A-Z].*?){END}",
            rf"^(?:error: |fatal: )?Disconnecting: (?P<object>[A-Z].*?){END}",
        ),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern(
        "reverse-mapping",
        ("reverse mapping", "Address ", "Nasty PTR"),
        (
            rf"^reverse mapping checking getaddrinfo for (?P<src_host>[!-~]+) \[{IP}\] failed(?:\.| - POSSIBLE BREAK-IN ATTEMPT!?)?{END}",
            rf"^Address {IP} maps to (?P<src_host>[!-~]+), but this does not map back to the address(?:\.| - POSSIBLE BREAK-IN ATTEMPT!?)?{END}",
            rf'^Nasty PTR record "(?P<src_host>[^"]*)" is set up for {IP}, ignoring{END}',
        ),
        Kind.CONNECTION,
    ),
    Pattern(
        "penalty",
        ("drop connection",),
        (
            (
                rf"^drop connection #[0-9]+ from \[{PEER}\]:(?P<src_port>[0-9]+) on \[(?P<dhost>[!-~]+)\]:(?P<dst_port>[0-9]+) penalty: "
                rf"(?P<object>[A-Za-z ]+)$"
            ),
        ),
        Kind.CONNECTION_DENIED,
    ),
    Pattern(
        "dropped",
        ("drop connection",),
        (rf"^drop connection #[0-9]+ from \[{PEER}\]:(?P<src_port>[0-9]+) on \[(?P<dhost>[!-~]+)\]:(?P<dst_port>[0-9]+) (?P<object>[A-Za-z ]+)$",),
        Kind.CONNECTION_DENIED,
    ),
    Pattern(
        "dropped-more",
        ("PerSourcePen", "PerSourceMax", "Maxstartups", "MaxStartups", "exited MaxSt"),
        (
            (
                r"^(?P<object>PerSourcePenalties|PerSourceMaxStartups|"
                r"Max[Ss]tartups) logging rate-limited: additional (?P<count>[0-9]+) connections dropped$"
            ),
            r"^exited (?P<object>MaxStartups) throttling after [0-9:]+, (?P<count>[0-9]+) connections dropped$",
        ),
        Kind.CONNECTION_DENIED,
    ),
    Pattern(
        "throttling",
        ("error: begin", "beginning Ma", "error: in Max", "in MaxStartu"),
        (r"^(?:error: )?(?:beginning MaxStartups throttling$|in MaxStartups throttling for )",),
        why="a state of the daemon; the dropped connections are counted where it ends",
    ),
    Pattern(
        "penalised",
        ("srclimit_penalise",),
        (
            rf"^srclimit_penalise: ipv[46]: new {IP}/[0-9]+ active penalty of [0-9.]+ seconds for penalty: (?P<object>[A-Za-z ]+)$",
            rf"^srclimit_penalise: {IP}/[0-9]+: activating ipv[46] penalty of [0-9.]+ seconds for penalty: (?P<object>[A-Za-z ]+)$",
        ),
        Kind.BAN,
    ),
    Pattern(
        "penalty-deferred",
        ("srclimit_penalise",),
        (r"^srclimit_penalise: ipv[46]:? (?:new .* deferred penalty|penalty table full)",),
        why="a penalty that does not act yet",
    ),
    Pattern(
        "wrappers-refused",
        ("refused conn", "warning: ref"),
        (
            r"^refused connect from (?:.*@)?(?P<src_host>[^@() ]+) \((?P<rhost>[^() ]+)\)$",
            rf"^refused connect from {PEER}$",
        ),
        Kind.CONNECTION_DENIED,
    ),
    Pattern(
        "server-trace",
        ("SSH: Server;",),
        (
            r"^SSH: Server;Ltype: Authname;Remote: (?P<rhost>[0-9A-Fa-f:.]+)-(?P<src_port>[0-9]+);Name: (?P<user>.*?)(?: \[preauth\])?$",
            r"^SSH: Server;Ltype: (?:Version|Kex);Remote: (?P<rhost>[0-9A-Fa-f:.]+)-(?P<src_port>[0-9]+);.*$",
        ),
        Kind.CONNECTION,
    ),
)
