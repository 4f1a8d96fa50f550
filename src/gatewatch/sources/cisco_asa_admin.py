r"""What a Cisco ASA says about its administration and about connections: logins to the device, commands, accounts, denied and built flows.

Flows through the device are told one by one; only a denied one towards a port of remote access is kept as such, and one that led from an inner
address out to a public one's SSH or VNC. The bytes of 302014 are those of both ways together, so nothing is said of what left.
"""

from __future__ import annotations

from gatewatch.schema.events import Kind, Service
from gatewatch.schema.platform import OUTBOUND
from gatewatch.sources.cisco_asa_vpn import IP
from gatewatch.sources.flow import OUTWARD_PORTS
from gatewatch.sources.pattern import Pattern
from gatewatch.sources.port import NAMED

GONE_OUT = "out014"
"""Stands for the number of a connection that ended (302014) and may have led out to somebody's remote access."""
_OUTWARD = {str(port): service for port, service in NAMED.items()}

_SERVICES = {
    **dict.fromkeys(("ssh", "ssh2"), Service.SSH),
    **dict.fromkeys(("https", "http", "asdm"), Service.WEB),
    "telnet": Service.TELNET,
    **dict.fromkeys(("serial", "console"), Service.LOCAL),
}
_LOGIN = rf"from (?P<rhost>{IP})/(?P<src_port>[0-9]+) to (?P<x_interface>[^ ]*):(?P<dhost>{IP})/(?P<service>[a-z0-9]+) for user \"(?P<user>.*)\"$"
_SERIAL = r"from (?P<service>serial) to console for user \"(?P<user>.*)\"$"
_PASSWORD = {"auth_method": "password"}
# ssh, telnet, msrpc, netbios, smb, rdp, vnc, winrm, docker, kube api, kubelet
_GATES = r"(?P<dst_port>22|23|135|139|445|2222|2375|2376|3389|590[0-9]|5985|5986|6443|10250)"

_BY = rf"User '(?P<user>.*)', running '(?P<process>[^']*)' from IP (?P<rhost>{IP}),"


def _flow(way: str, first: tuple[str, str], second: tuple[str, str]) -> tuple[str, ...]:
    """Return the regex of a built connection; *first* and *second* are the groups of the ends in the order of the text."""
    one, two = (rf"[^ ]*:(?P<{host}>[^ /]+)/(?P<{port}>[0-9]+) \([^)]*\)(?:\([^)]*\))?" for host, port in (first, second))
    return (rf"^30201[35]: Built {way} (?:TCP|UDP) connection [0-9]+ for {one} to {two}(?: \([^)]*\))?$",)


_SOURCE, _TARGET = ("rhost", "src_port"), ("dhost", "dst_port")
_THROUGH = (
    rf"for user '?(?P<user>[^']*?)'? from (?P<rhost>{IP})/(?P<src_port>[0-9]+) to (?P<dhost>{IP})/(?P<dst_port>[0-9]+) on interface "
    r"(?P<x_interface>[^ ]+)$"
)

_LED_OUT = (
    rf"^{GONE_OUT}: Teardown TCP connection [0-9]+ for [^ ]*:(?P<dhost>{IP})/(?P<dst_port>(?P<service>{OUTWARD_PORTS})) to "
    rf"[^ ]*:(?P<host_ip>(?P<rhost>{IP}))/(?P<src_port>[0-9]+) duration [^ ]+ bytes (?P<x_bytes>[1-9][0-9]{{2,}})(?: [^<>]*)?$"
)

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "admin-permitted",
        ("605005: ",),
        (rf"^605005: Login permitted {_LOGIN}", rf"^605005: Login permitted {_SERIAL}"),
        Kind.AUTH_SUCCESS,
        set=_PASSWORD,
        services=_SERVICES,
    ),
    Pattern(
        "admin-refused",
        ("605004: ",),
        (rf"^605004: Login denied {_LOGIN}", rf"^605004: Login denied {_SERIAL}"),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        services=_SERVICES,
    ),
    Pattern(
        "admin-authenticated",
        ("611101: ",),
        (
            rf"^611101: User authentication succeeded: IP(?: address)?: (?P<rhost>{IP}), Uname: (?P<user>.*)$",
            r"^611101: User authentication succeeded: Uname: (?P<user>.*)$",
        ),
        Kind.SESSION_START,
        set={"service": None},
    ),
    Pattern(
        "admin-authentication-refused",
        ("611102: ",),
        (
            rf"^611102: User authentication failed: IP(?: address)?: (?P<rhost>{IP}), Uname: (?P<user>.*)$",
            r"^611102: User authentication failed: Uname: (?P<user>.*)$",
        ),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, "service": None},
    ),
    Pattern("admin-logged-out", ("611103: ",), (r"^611103: User logged out: Uname: (?P<user>.*)$",), Kind.SESSION_END, set={"service": None}),
    Pattern(
        "ssh-rejected",
        ("315011: ",),
        (
            (
                rf"^315011: SSH session from (?:(?P<rhost>{IP}) )?on interface (?P<x_interface>[^ ]+) for user \"(?P<user>.*)\" "
                r"disconnected by SSH server, reason: \"?(?P<object>Rejected by server)[^<>]*$"
            ),
        ),
        Kind.CONNECTION_CLOSED,
        set={"service": str(Service.SSH)},
    ),
    Pattern(
        "ssh-ended",
        ("315011: ",),
        (
            (
                rf"^315011: SSH session from (?:(?P<rhost>{IP}) )?on interface (?P<x_interface>[^ ]+) for user \"(?P<user>.*)\" "
                r"(?:disconnected by SSH server, reason: |terminated normally)(?P<object>[^<>]*?)\.?$"
            ),
            (
                rf"^315011: SSH session from (?:(?P<rhost>{IP}) )?on interface (?P<x_interface>[^ ]+) for user (?P<user>[^\" ]+) "
                r"(?:disconnected by SSH server, reason: |terminated normally)(?P<object>[^<>]*?)\.?$"
            ),
        ),
        Kind.SESSION_END,
        set={"service": str(Service.SSH)},
    ),
    Pattern(
        "through-started",
        ("109011: ",),
        (r"^109011: Authen Session Start: user '?(?P<user>.*?)'?, sid [0-9]+$",),
        Kind.SESSION_START,
        set={"service": None},
    ),
    Pattern(
        "through-ended",
        ("109012: ",),
        (r"^109012: Authen Session End: user '?(?P<user>.*?)'?, sid [0-9]+, elapsed (?P<x_duration>[0-9]+) seconds$",),
        Kind.SESSION_END,
        set={"service": None},
    ),
    Pattern(
        "through-permitted", ("109005: ",), (rf"^109005: Authentication succeeded {_THROUGH}",), Kind.AUTH_SUCCESS, set={**_PASSWORD, "service": None}
    ),
    Pattern(
        "through-refused", ("109006: ",), (rf"^109006: Authentication failed {_THROUGH}",), Kind.AUTH_FAILURE, set={**_PASSWORD, "service": None}
    ),
    Pattern(
        "enable-refused",
        ("308001: ",),
        (rf"^308001: (?:PIX )?[Cc]onsole enable password incorrect for (?P<count>[0-9]+) tries \(from (?P<rhost>{IP})\)$",),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, "service": None, "object": "enable"},
    ),
    Pattern(
        "asdm-started",
        ("606001: ",),
        (rf"^606001: ASDM session number (?P<x_number>[0-9]+) from (?P<rhost>{IP}) started$",),
        Kind.CONNECTION,
        set={"service": str(Service.WEB)},
    ),
    Pattern(
        "asdm-ended",
        ("606002: ",),
        (rf"^606002: ASDM session number (?P<x_number>[0-9]+) from (?P<rhost>{IP}) ended$",),
        Kind.CONNECTION_CLOSED,
        set={"service": str(Service.WEB)},
    ),
    Pattern(
        "admin-unprivileged",
        ("113021: ",),
        (r"^113021: Attempted console login failed\. User '?(?P<user>.*?)'? did NOT have appropriate Admin Rights\.?$",),
        Kind.AUTH_STOPPED,
        set={**_PASSWORD, "service": None},
    ),
    Pattern(
        "user-created",
        ("502101: ", "111010: "),
        (
            r"^502101: New user added to local dbase: Uname: (?P<target_user>.*) Priv: (?P<x_privilege>[0-9]+)(?: Encpass: [^ ]*)?$",
            rf"^111010: {_BY} executed '(?P<command>username (?P<target_user>[^ ']+) (?:nopassword|password|privilege)[^<>]*)'$",
        ),
        Kind.ACCOUNT_CHANGE,
        set={"service": None},
    ),
    Pattern(
        "user-deleted",
        ("502102: ", "111010: "),
        (
            r"^502102: User deleted from local dbase: Uname: (?P<target_user>.*) Priv: (?P<x_privilege>[0-9]+)(?: Encpass: [^ ]*)?$",
            rf"^111010: {_BY} executed '(?P<command>no username (?P<target_user>[^ ']+)[^<>]*)'$",
        ),
        Kind.ACCOUNT_CHANGE,
        set={"service": None},
    ),
    Pattern(
        "logging-by-command",
        ("111010: ",),
        (rf"^111010: {_BY} executed '(?P<command>(?P<object>clear logging(?: buffer)?)[^<>]*)'$",),
        Kind.LOG_CLEARED,
        set={"service": None},
    ),
    Pattern(
        "command",
        ("111010: ",),
        (rf"^111010: {_BY} executed '(?P<command>[^<>]*)'$",),
        Kind.CONFIG_CHANGE,
        set={"service": None},
    ),
    Pattern(
        "command-run", ("111008: ",), (r"^111008: User '(?P<user>.*?)' executed the '(?P<command>.*)' command\.?$",), Kind.EXEC, set={"service": None}
    ),
    Pattern("command-shown", ("111009: ",), (r"^111009: User '.*' executed cmd: ",), why="a command that shows something"),
    Pattern(
        "config-erased",
        ("111003: ",),
        (r"^111003: (?P<rhost>[0-9A-Fa-f.:]+) (?P<object>Erase configuration)$",),
        Kind.CONFIG_CHANGE,
        set={"service": None},
    ),
    Pattern(
        "privilege-changed",
        ("502103: ",),
        (r"^502103: User priv level changed: Uname: (?P<user>.*) From: (?P<x_from>[0-9]+) To: (?P<x_to>[0-9]+)$",),
        Kind.PRIVILEGE_USE,
        set={"service": None},
    ),
    Pattern(
        "group-policy-changed",
        ("502111: ", "502112: "),
        (r"^50211[12]: (?P<command>New group policy added|Group policy deleted): name: (?P<object>[^ ]+)[^<>]*$",),
        Kind.CONFIG_CHANGE,
        set={"service": None},
    ),
    Pattern("started", ("199002: ", "199005: "), (r"^199(?:002: .*[Ss]tartup completed|005: .*[Ss]tartup begun)",), Kind.BOOT, set={"service": None}),
    Pattern(
        "shunned",
        ("401002: ", "733102: "),
        (
            rf"^401002: Shun added: (?P<rhost>{IP}) (?:{IP} [0-9]+ [0-9]+|[^<>]*)$",
            rf"^733102: Threat-detection adds host (?P<rhost>{IP}) to shun list$",
        ),
        Kind.BAN,
        set={"service": None},
    ),
    Pattern(
        "admin-denied",
        ("710003: ", "315004: "),
        (
            (
                rf"^710003: (?:TCP|UDP) access denied by ACL from (?P<rhost>{IP})/(?P<src_port>[0-9]+) to [^ "
                rf"]*:(?P<dhost>{IP})/(?P<dst_port>[0-9]+|[a-z]+)$"
            ),
        ),
        Kind.CONNECTION_DENIED,
        set={"service": None},
    ),
    Pattern(
        "admin-reached",
        ("710002: ",),
        (
            (
                rf"^710002: TCP access permitted from (?P<rhost>{IP})/(?P<src_port>[0-9]+) to [^ "
                rf"]*:(?P<dhost>{IP})/(?P<dst_port>[0-9]+|[a-z]+)$"
            ),
        ),
        Kind.CONNECTION,
        set={"service": None},
    ),
    Pattern("admin-other", ("710002: ",), ("^710002: ",), why="datagrams to the device itself"),
    Pattern(
        "flow-denied-at-gate",
        ("106023: ", "106100: ", "106001: "),
        (
            (
                rf"^106023: Deny tcp src [^ ]*:(?P<rhost>{IP})/(?P<src_port>[0-9]+)(?:\([^)]*\))? dst [^ "
                rf"]*:(?P<dhost>{IP})/{_GATES}(?:\([^)]*\))? by access-group [^<>]*$"
            ),
            (
                rf"^106100: access-list [^ ]+ denied tcp [^ /]+/(?P<rhost>{IP})\((?P<src_port>[0-9]+)\)(?:\([^)]*\))? -> "
                rf"[^ /]+/(?P<dhost>{IP})\({_GATES}\)(?:\([^)]*\))? hit-cnt (?P<count>[0-9]+) [^<>]*$"
            ),
            rf"^106001: Inbound TCP connection denied from (?P<rhost>{IP})/(?P<src_port>[0-9]+) to (?P<dhost>{IP})/{_GATES} flags [^<>]*$",
        ),
        Kind.CONNECTION_DENIED,
        set={"service": None},
    ),
    Pattern(
        "flow-denied",
        ("106023: ", "106100: ", "106001: "),
        (r"^106(?:023|100|001): ",),
        why="a flow the rules decide about, not towards a port of remote access",
    ),
    Pattern(
        "flow-inbound",
        ("302013: ", "302015: "),
        _flow("inbound", _SOURCE, _TARGET),
        Kind.CONNECTION,
        set={"service": None},
    ),
    Pattern(
        "flow-outbound",
        ("302013: ", "302015: "),
        _flow("outbound", _TARGET, _SOURCE),
        Kind.CONNECTION,
        set={"service": None},
    ),
    Pattern("flow-built", ("302013: ", "302015: "), (r"^30201[35]: Built ",), why="a flow whose ends the line names in another way"),
    Pattern(
        OUTBOUND,
        (f"{GONE_OUT}: ",),
        (_LED_OUT,),
        Kind.LOGON_OUT,
        services=_OUTWARD,
    ),
    Pattern(
        "flow-ended",
        ("302014: ", "302016: ", f"{GONE_OUT}: "),
        (rf"^(?:30201[46]|{GONE_OUT}): Teardown ",),
        Kind.CONNECTION_CLOSED,
        set={"service": None},
    ),
)
