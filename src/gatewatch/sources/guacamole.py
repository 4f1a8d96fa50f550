r"""Apache Guacamole: its web application (logback, in Tomcat's output or the journal) and ``guacd``, which speaks to the targets.

``12:00:00.123 [http-nio-8080-exec-3] INFO  o.a.g.r.auth.AuthenticationService - User "ann" successfully authenticated from [203.0.113.7, 10.0.0.5].``
``12:00:07.456 [http-nio-8080-exec-5] INFO  o.a.g.tunnel.TunnelRequestService - User "ann" connected to connection "db02".``
``guacd[4711]: User "@963039b6-a85a-4f8b-aa18-4b504cfbe3b8" joined connection "$76d4876b-22de-4000-b81a-747f2e9904df" (1 users now present)``

Guacamole is a relay: a target sees guacd's address, and often an account that the connection holds. A connection is named by its identifier, which is
the name the site gave it (``user-mapping.xml``), or a number in a database: ``object``. Where the identifier reads like the name of a host or an
address it is ``dst_host`` or ``dst_ip``, and nothing says so but that name; a number leads nowhere. Which account logs on there is not written.

The addresses are those of ``X-Forwarded-For`` and, last, of the peer. The client may have made up all but the last of them, so that one is the source
where there is one; before a proxy on the same host (a loopback peer), the one that the proxy added. The others are in ``extra.forwarded``, which the
site's declared proxies are believed (``[network] proxies``). No line names the session: it is the user's.

=========================================================  ==================================================================================
line                                                       becomes
=========================================================  ==================================================================================
User … successfully authenticated from …                   ``auth_success``, method unknown
Authentication attempt from … for user … failed            ``auth_failure``; what only asks for a second factor: ``mfa_challenge``
User … connected to connection …                           ``session_start`` with the target
User … disconnected from connection …                      ``session_end`` of that connection; ``extra.milliseconds``
… has logged out, or their session has expired             ``session_end``
User … successfully created / updated / deleted …          ``account_change`` of a user; of a connection, a group … ``config_change``
guacd: Creating new client, joined, removed                ``connection``, ``connection_closed`` of the relay; who it is for is not told
guacd: listening on host …, port …                         ``service_start``
=========================================================  ==================================================================================

References: https://guacamole.apache.org/doc/gug/, guacamole-client (EventLoggingListener, TunnelRequestService), guacamole-server (src/guacd)
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind, Service, ensure
from gatewatch.sources.pattern import Pattern, PatternSource
from gatewatch.sources.resolver import map_values

_HEAD = (
    r"^(?:[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3} )?\[[^\]]{1,80}\] +(?:TRACE|DEBUG|INFO|WARN|ERROR) +o\.a\.g\.[A-Za-z.$]+ - "
    r"|^(?:guacd\[[0-9]+\]: )?(?:TRACE|DEBUG|INFO|WARNING|ERROR|SEVERE):[ \t]+"
)
CLAIM = r"^(?:[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3} )?\[[^\]]{1,80}\] +(?:TRACE|DEBUG|INFO|WARN|ERROR) +o\.a\.g\.[A-Za-z.$]+ - "
_FROM = r"\[(?:(?P<x_forwarded>[0-9A-Fa-f.:, ]*), )?(?P<rhost>[0-9A-Fa-f.:]+)\]"
_ALONE = r"[0-9A-Fa-f.:]*[0-9A-Fa-f:]"
_USER = r'(?:User "(?P<user>.*?)"|Anonymous user)(?: \(authenticated by "[^"]*"\))?'
_UNKNOWN = {"auth_method": "unknown"}
_NAME = r"^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$"
_UUID = r"[0-9a-f]{8}-[0-9a-f-]{27}"

_ACTOR = r'User "(?P<user>.*?)"(?: \(authenticated by "[^"]*"\))?'
_WHOM = r'"(?P<target_user>[^"]*)"(?: within data source "[^"]*"| in "[^"]*")?'


def _made(name: str, verb: str, rest: str) -> Pattern:
    return Pattern(name, ("User ",), (rf"^{_ACTOR} successfully {verb} {rest}",), Kind.ACCOUNT_CHANGE)


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "guacamole-accepted",
        ("User ", "Anonymous us"),
        (rf"^{_USER} successfully authenticated from {_FROM}\.?$",),
        Kind.AUTH_SUCCESS,
        set=_UNKNOWN,
    ),
    Pattern(
        "guacamole-failed",
        ("Authenticati",),
        (
            rf'^Authentication attempt from {_FROM} for user "(?P<user>.*)" failed\.?$',
            rf'^Authentication attempt from {_FROM} for user "(?P<user>.*)" failed: [^"]*(?:\(rejected by "[^"]*"\))?\.?$',
        ),
        Kind.AUTH_FAILURE,
        set={"auth_method": "password"},
    ),
    Pattern(
        "guacamole-factor",
        ("Authenticati",),
        (
            (
                rf'^Authentication attempt from {_FROM} for user "(?P<user>.*)" requires additional credentials to continue: '
                r'[^"]*(?:\(requested by "[^"]*"\))?$'
            ),
        ),
        Kind.MFA_CHALLENGE,
    ),
    Pattern(
        "guacamole-anonymous",
        ("Anonymous au", "Empty authen"),
        (r"^(?:Anonymous|Empty) authentication attempt ",),
        why="the login page was opened; nobody was named",
    ),
    Pattern(
        "guacamole-connected",
        ("User ",),
        (r'^User "(?P<user>.*?)" connected to connection(?P<x_group> group)? "(?P<object>[^"]*)"\.?$',),
        Kind.SESSION_START,
    ),
    Pattern(
        "guacamole-disconnected",
        ("User ",),
        (
            (
                r'^User "(?P<user>.*?)" disconnected from connection(?P<x_group> group)? "(?P<object>[^"]*)"\.'
                r"(?: Duration: (?P<x_milliseconds>[0-9]+) milliseconds)?$"
            ),
        ),
        Kind.SESSION_END,
    ),
    Pattern(
        "guacamole-logged-out",
        ("User ", "Anonymous us"),
        (rf"^{_USER} has logged out, or their session has expired or been terminated\.$",),
        Kind.SESSION_END,
    ),
    _made("user-created", "created", rf"user {_WHOM}(?:, (?P<x_password>setting) their password)?$"),
    _made("password-changed", "updated", rf"user {_WHOM}, changing their password$"),
    _made("user-changed", "updated", rf"user {_WHOM}$"),
    _made("user-deleted", "deleted", rf"user {_WHOM}$"),
    Pattern(
        "connection-changed",
        ("User ",),
        (rf"^{_ACTOR} successfully (?P<x_action>created|updated|deleted) (?P<object>.*)$",),
        Kind.CONFIG_CHANGE,
    ),
    Pattern(
        "guacamole-refused",
        ("User ",),
        (r'^User "(?P<user>.*?)"(?: \(authenticated by "[^"]*"\))? failed to (?:create|update|delete|access|perform)',),
        why="an action that was refused",
    ),
    Pattern("guacamole-started", ("The Apache G",), (r"^The (?P<object>Apache Guacamole) web application has started\.$",), Kind.SERVICE_START),
    Pattern("guacamole-stopped", ("The Apache G",), (r"^The Apache Guacamole web application has shut down\.$",), why="the application stops"),
    Pattern(
        "guacd-started",
        ("Listening on",),
        (r"^Listening on host (?P<x_address>[^ ,]+), port (?P<dst_port>[0-9]+)$",),
        Kind.SERVICE_START,
        set={"object": "guacd"},
    ),
    Pattern("guacd-client", ("Creating new",), (r'^Creating new client for protocol "(?P<object>[a-z0-9-]{1,40})"$',), Kind.CONNECTION),
    Pattern(
        "guacd-joined",
        ("User ",),
        (rf'^User "@{_UUID}" joined connection "\$(?P<object>{_UUID})" \([0-9]+ users now present\)$',),
        why="the connection was told when it began",
    ),
    Pattern("guacd-removed", ("Connection ",), (rf'^Connection "\$(?P<object>{_UUID})" removed\.$',), Kind.CONNECTION_CLOSED),
    Pattern(
        "tomcat",
        ("SEVERE [", "WARNING [", "INFO [", "CONFIG [", "FINE [", "FINER [", "FINEST ["),
        (r"^(?:SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST) \[",),
        why="Tomcat, which Guacamole runs in, or another of its applications",
    ),
    Pattern(
        "guacd-course",
        (),
        (
            (
                r'^(?:Connection ID is "|User "@|Last user of |Cursor rendering|Security mode|Resize method|Loading keymap|guacdr |guacsnd |'
                r"Connected to |RDPDR |Unable to |Client |Guacamole |Communicating |Protocol |Ignoring|Internal |Accepting |Forced |Support |"
                r"Clipboard |"
                r"SSH |Telnet |VNC |RDP |Error |Failed |No |Printer|Disconnect|Auto-reconnect|Server |Using |Recording |Successfully |Reading |"
                r"Connection|Handshake|Default |Terminal|Exiting|Caught |Unhandled|Starting |Closing|Selected |Setting |Certificate)"
            ),
        ),
        why="the course of a relayed connection",
    ),
    Pattern(
        "guacamole-course",
        (),
        (
            (
                r"^(?:Extension |Multiple |GUACAMOLE_HOME|Attempted |Loading |Loaded |Reading |Read |Validity |Secret |Listing |Anonymous|Creating |"
                r"Authentication provider|HTTP |Tunnel |Using |Successfully |The |Binary |Error |Unable |Failed |Unexpected|Client|WebSocket|"
                r"Sending |"
                r"Updated |Defined |Restricting |Session |User |Empty |Expired |Property)"
            ),
        ),
        why="the web application about itself",
    ),
)


def _bare(records: pl.DataFrame) -> pl.DataFrame:
    """Drop what logback, and guacd on a console, put before the text; write an address that stands alone as a list of one."""
    text = pl.col("message").str.replace(_HEAD, "")
    accepted = text.str.replace(rf'^((?:User ".*"|Anonymous user)[^"\[]* successfully authenticated from )({_ALONE})\.?$', "${1}[${2}]")
    failed = accepted.str.replace(rf"^(Authentication attempt from )({_ALONE}) for user ", "${1}[${2}] for user ")
    return records.with_columns(failed.alias("message"))


def _settled(events: pl.DataFrame) -> pl.DataFrame:
    """Find the source among the addresses of a login, and the target in the identifier of a connection."""
    events = ensure(events, "src_ip", "object", "dst_ip", "dst_host", "extra")
    pattern = pl.col("pattern").cast(pl.String)
    chain = pl.col("extra").str.json_path_match("$.forwarded").str.strip_chars(" ,")
    local = pl.col("src_ip").str.contains(r"^127\.|^::1$").fill_null(value=False) & (chain != "").fill_null(value=False)
    nearest = events.select(pl.when(local).then(chain.str.extract(r"([0-9A-Fa-f.:]+)$")).alias("n"))["n"]
    events = events.with_columns(pl.coalesce(pl.lit(map_values(nearest, canonical_address)), "src_ip").alias("src_ip"))
    connected = pattern.str.contains("^guacamole-(?:dis)?connected$") & pl.col("extra").str.json_path_match("$.group").is_null()
    target = events.select(pl.when(connected).then("object").alias("t"))["t"]
    address = pl.lit(map_values(target, canonical_address))
    name = pl.when(pl.lit(target).str.contains(_NAME) & pl.lit(target).str.contains("[A-Za-z]") & address.is_null()).then(
        pl.lit(target).str.to_lowercase()
    )
    return events.with_columns(address.alias("dst_ip"), name.alias("dst_host")).drop("src_host", strict=False)  # no line names the source


SOURCE = PatternSource(
    name="guacamole",
    title="Apache Guacamole",
    programs=("guacamole", "guacd", "tomcat"),
    patterns=PATTERNS,
    service=Service.WEB,
    claims_message=CLAIM,
    prepare=_bare,
    finish=_settled,
    references=("https://guacamole.apache.org/doc/gug/", "guacd(8)"),
)
