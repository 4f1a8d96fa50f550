r"""What sshd says about a login once it is accepted: sessions, transfers, forwarded ports, and the daemon's own life.

Most of it needs LogLevel VERBOSE. With privilege separation the process that serves the user has another pid than the one that logged
``Accepted``; ``User child is on pid`` links them (``linked_session``), and a shell links to its terminal (``tty:pts/0``).

A forward that was refused or failed is a ``port_forward`` too, told by its pattern: the login *asked* for it.
"""

from __future__ import annotations

from gatewatch.schema.events import Kind
from gatewatch.sources.pattern import Pattern
from gatewatch.sources.sshd_auth import IP, PEER, PORT

_FROM = rf"for (?P<user>.*) from {PEER} {PORT}(?: id [0-9]+)?$"
_TARGET = r"(?P<dhost>[!-~]+) port (?P<dst_port>[0-9]+)"

PATTERNS: tuple[Pattern, ...] = (
    Pattern("child", ("User child i",), (r"^User child is on pid (?P<linked_session>[0-9]+)$",), Kind.SESSION_START, session_prefix="pid:"),
    Pattern(
        "start-shell",
        ("Starting session:",),
        (rf"^Starting session: shell(?: on (?P<linked_session>[!-~]+))? {_FROM}",),
        Kind.SESSION_START,
        session_prefix="tty:",
    ),
    Pattern(
        "start-sftp",
        ("Starting session:", "subsystem re"),
        (
            rf"^Starting session: subsystem '(?P<object>sftp)' {_FROM}",
            r"^subsystem request for (?P<object>sftp)(?: by user (?P<user>[!-~]+))?$",
        ),
        Kind.FILE_TRANSFER,
    ),
    Pattern(
        "start-subsystem",
        ("Starting session:", "subsystem re"),
        (
            rf"^Starting session: subsystem '(?P<object>[^']*)'(?: on (?P<linked_session>[!-~]+))? {_FROM}",
            r"^subsystem request for (?P<object>[!-~]+) by user (?P<user>[!-~]+)$",
        ),
        Kind.EXEC,
        session_prefix="tty:",
    ),
    Pattern(
        "start-command",
        ("Starting session:",),
        (
            rf"^Starting session: command(?: on (?P<linked_session>[!-~]+))? {_FROM}",
            rf"^Starting session: forced-command \([a-z-]+\) '(?P<command>.*)'(?: on (?P<linked_session>[!-~]+))? {_FROM}",
        ),
        Kind.EXEC,
        session_prefix="tty:",
    ),
    Pattern(
        "close-session",
        ("Close session:",),
        (
            rf"^Close session: user (?P<user>[!-~]*) from {PEER} {PORT} id [0-9]+$",
            rf"^Close session: user (?P<user>.*) from {PEER} {PORT} id [0-9]+$",
        ),
        Kind.SESSION_END,
    ),
    Pattern(
        "transferred",
        ("Transferred:",),
        (r"^Transferred: sent (?P<bytes_out>[0-9]+), received (?P<bytes_in>[0-9]+) bytes$",),
        Kind.FILE_TRANSFER,
    ),
    Pattern("closing", ("Closing conn",), (rf"^Closing connection to {IP}(?: {PORT})?$",), Kind.SESSION_END),
    Pattern("exiting", ("Exiting on s", "fatal: Exiti"), (r"^(?:fatal: )?Exiting on signal [0-9]+$",), Kind.SESSION_END),
    Pattern(
        "forward-denied",
        ("Received request to", "refused local", "refused stre", "Server has d"),
        (
            rf"^Received request to connect to host {_TARGET}, but the request was denied\.$",
            r"^Received request to connect to path (?P<object>.*), but the request was denied\.$",
            rf"^refused local port forward: originator {PEER} {PORT}, target {_TARGET}$",
            rf"^refused streamlocal port forward: originator {PEER} {PORT}, target (?P<object>[!-~]+)$",
            r"^Server has disabled (?P<object>[a-z ]*forwarding)\.?$",
        ),
        Kind.PORT_FORWARD,
    ),
    Pattern(
        "forward-failed",
        ("connect_to ", "error: conne", "channel ", "error: chann", "error: bind", "bind ", "bind: "),
        (
            rf"^(?:error: )?connect_to {_TARGET}: failed\.$",
            r"^(?:error: )?connect_to (?P<dhost>[!-~]+?):? (?:unknown host|failed) \(.*\)$",
            r"^(?:error: )?channel [0-9]+: open failed: (?P<object>[a-z ]+)(?:: .*)?$",
            r"^(?:error: )?bind \[(?P<dhost>[^\[\] ]+)\]:(?P<dst_port>[0-9]+): (?P<object>[A-Za-z ]+)$",
            r"^(?:error: )?bind: (?P<object>Address already in use|Permission denied|Cannot assign requested address)$",
            r"^(?:error: )?channel_setup_fwd_listener(?:_tcpip)?: cannot listen to port: (?P<dst_port>[0-9]+)$",
        ),
        Kind.PORT_FORWARD,
    ),
    Pattern(
        "forward",
        ("debug1: serv", "debug1: Loca", "debug1: Remo", "server_reque"),
        (
            rf"^(?:debug1: )?server_request_direct_tcpip: originator {PEER} {PORT}, target {_TARGET}$",
            r"^debug1: (?:Local|Remote) forwarding listening on (?P<dhost>[!-~]+) port (?P<dst_port>[0-9]+)\.$",
        ),
        Kind.PORT_FORWARD,
    ),
    Pattern(
        "listening",
        ("Server listening on",),
        (r'^Server listening on (?P<dhost>[!-~]+) port (?P<dst_port>[0-9]+)(?: rdomain "[^"]*")?\.$',),
        Kind.SERVICE_START,
        set={"object": "sshd", "session": None},
    ),
    Pattern(
        "restarting",
        ("Received SIGHUP",),
        (r"^Received SIGHUP; restarting\.$",),
        Kind.SERVICE_START,
        set={"object": "sshd", "session": None},
    ),
    Pattern("terminating", ("Received signal",), (r"^Received signal [0-9]+; terminating\.$",), why="the daemon stopped; sessions go on"),
)
