r"""Citrix ADC and Gateway (NetScaler): VPN and AAA logins, ICA sessions, administrators' commands.

``default SSLVPN LOGIN 2345680 0 : Context ann@192.0.2.7 - SessionId: 1234 - User ann - Client_ip 192.0.2.7 - Nat_ip "Mapped Ip" - Vserver … ``

==============================================  =======================================================================
message                                         becomes
==============================================  =======================================================================
SSLVPN LOGIN, AAATM LOGIN                       ``auth_success``; the only message of a logon that has the user and the address
SSLVPN, AAATM LOGOUT                            ``session_end``; ``extra.method`` says why
AAA LOGIN_FAILED                                ``auth_failure``; ``auth_stopped`` where the server refused a second factor or an expired password
SSLVPN ICASTART, ICAEND_CONNSTAT                ``session_start``, ``session_end`` of a desktop or application (service citrix)
CLI, UI, API, GUI CMD_EXECUTED                  a login, accepted or refused; ``config_change``, ``account_change``; what only shows is ignored
TCPCONNSTAT, UDPFLOWSTAT, NONHTTP_…             ``connection``; ``connection_denied`` where the gateway refused
==============================================  =======================================================================

``Client_ip`` is the peer, and may be a proxy; what the proxy says of the client (``X-Forwarded-For``) is in ``extra.forwarded_for`` and is the
source only where the peer is not given. ``session`` is ``ns:<SessionId>``, where the message has one; of an ICA connection ``ica:<connectionId>``.
``Total_bytes_send`` is what the gateway sent to the client, ``bytes_out``.

Before version 10.5 a message bore neither ``default`` nor the second number, and the engine was ``PPE-0``.

References: https://developer-docs.netscaler.com/en-us/netscaler-syslog-message-reference/
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind, Service, ensure
from gatewatch.sources.flow import addresses, public
from gatewatch.sources.pattern import Pattern, PatternSource
from gatewatch.sources.resolver import map_values

_CLAIM = r"^(?:[0-9]+-PPE-[0-9]+ *: *)?default (?:[A-Z]+ )?[A-Z][A-Za-z_]+ [0-9]+ [0-9]+ :"
# a login names the user's session where it has one; everything up to the user is the gateway's
_SESSION = r"(?:Context (?P<x_context>.*?) (?:- )?[Ss]essionId: (?P<session>[0-9]+) ?- )?(?:\[[A-Z_]+\] )*"
_WHO = (
    rf"{_SESSION}User (?P<user>.*?) - Client_ip (?P<rhost>[0-9A-Fa-f.:]*) ?(?:- X-Forwarded-For_ip (?P<x_forwarded_for>[^\"]*?) ?)?"
    r"- Nat_ip \\?\"?(?:[0-9A-Fa-f.:]+|Mapped Ip)\\?\"? - "
)
_TRAFFIC = r"- Total_bytes_send (?P<bytes_out>[0-9]+) - Total_bytes_recv (?P<bytes_in>[0-9]+) -"
_ICA = (
    r"(?:\[[^\]]*\] ?)*(?:Context .*? - SessionId: [0-9]+ ?- )?(?:Client_ip (?P<x_client_ip>[0-9A-Fa-f.:]*) ?- )?"
    r"(?:(?:SPCBId|[A-Za-z]+Context) [^ ]+ - )?Source +(?P<rhost>[0-9A-Fa-f.:]*[0-9A-Fa-f]):(?P<src_port>[0-9]+) - Destination "
    r"+(?P<dhost>[0-9A-Fa-f.:]*[0-9A-Fa-f]):(?P<dst_port>[0-9]+) - (?:SSLRelayAddress [^ ]+ - )?"
    r"(?:customername (?P<x_customer>[^-]*?) ?- )?username:domainname "
)
_ACCOUNT = r"(?P<user>[^:]*):(?P<x_domain>[^ ]*)"
_REFUSED = r"User (?P<user>.*?) - Client_ip (?P<rhost>[0-9A-Fa-f.:]*) ?- Failure_reason \"(?P<object>{0})\"(?: - Browser [ -~]*)?$"
_QUOTED = '[^"<>]'
# what the server says only to who knows the password
_STOPPED = rf"{_QUOTED}*(?:[Pp]assword (?:has )?expired|[Aa]ccount (?:is )?(?:disabled|expired)|[Oo]ne[- ]time|OTP|[Ss]econd factor){_QUOTED}*"
_CMD = ("CLI CMD_EXEC", "UI CMD_EXECU", "API CMD_EXEC", "GUI CMD_EXEC", "CMD_EXECUTED")
_ADMIN = (
    r"(?:CLI |UI |API |GUI )?CMD_EXECUTED: User (?P<user>.*?) - (?:ADM_User [^ ]+ - )?Remote_ip (?P<rhost>[0-9A-Fa-f.:]*) - Command "
    r"\"(?P<command>{0})\" - Status \"{1}\"$"
)
_DONE = "(?:Success|Done)"  # the latter on the SDX
_FAILED = ("AAA LOGIN_FA", "AAATM LOGIN_", "SSLVPN LOGIN", "VPN LOGIN_FA", "LOGIN_FAILED")
_UNKNOWN = {"auth_method": "unknown"}
_PASSWORD = {"auth_method": "password"}
_FLOW = rf"{_WHO}Vserver [^ ]+ - Source (?P<x_source>[^ ]+) - Destination (?P<x_destination>[^ ]+) - [^<>]*"

_ELSEWHERE = "elsewhere: "
_BEGAN, _NOW = r"Context [^ ]*@([0-9A-Fa-f.:]+) - ", r" - Source \[?([0-9A-Fa-f.:]+?)\]?:[0-9]+ - "
_MOVED = (
    rf"{_SESSION}User (?P<user>.*?) - Client_ip [^<>]*? - Source \[?(?P<rhost>[0-9A-Fa-f.:]+?)\]?:[0-9]+ - "
    r"Destination (?P<x_destination>[^ ]+) - [^<>]*"
)


def _command(text: str, status: str = _DONE) -> tuple[str, ...]:
    return ("^" + _ADMIN.format(text, status),)


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "login",
        ("SSLVPN LOGIN:", "AAATM LOGIN:", "LOGIN:"),
        (rf"^(?:SSLVPN |AAATM )?LOGIN: {_WHO}(?P<x_rest>[^<>]*)$",),
        Kind.AUTH_SUCCESS,
        set=_UNKNOWN,
        session_prefix="ns:",
    ),
    Pattern(
        "logout",
        ("SSLVPN LOGOU", "AAATM LOGOUT", "LOGOUT:"),
        (
            (
                rf"^(?:SSLVPN |AAATM )?LOGOUT: {_WHO}Vserver [^ ]+ - [^<>]*Duration (?P<x_duration>[0-9:]+) [^<>]*{_TRAFFIC} "
                r"[^<>]*LogoutMethod \\?\"(?P<object>[A-Za-z]+)\\?\" [^<>]*$"
            ),
        ),
        Kind.SESSION_END,
        session_prefix="ns:",
    ),
    Pattern(  # a datagram that was too long for its whole text
        "logout-cut",
        ("SSLVPN LOGOU", "AAATM LOGOUT", "LOGOUT:"),
        (rf"^(?:SSLVPN |AAATM )?LOGOUT: {_WHO}Vserver [^ ]+ - Start_time [^<>]*$",),
        Kind.SESSION_END,
        session_prefix="ns:",
    ),
    Pattern(
        "login-stopped",
        _FAILED,
        (rf"^(?:[A-Z]+ )?LOGIN_FAILED: {_REFUSED.format(_STOPPED)}",),
        Kind.AUTH_STOPPED,
        set=_UNKNOWN,
    ),
    Pattern(
        "login-failed",
        _FAILED,
        (
            rf"^(?:[A-Z]+ )?LOGIN_FAILED: {_REFUSED.format(f'{_QUOTED}*')}",
            r"^(?:[A-Z]+ )?LOGIN_FAILED: User (?P<user>.*?) - Client_ip (?P<rhost>[0-9A-Fa-f.:]+) ?$",
        ),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern(
        "ica-started",
        ("SSLVPN ICAST", "ICASTART:"),
        (
            (
                rf"^(?:SSLVPN )?ICASTART: {_ICA}{_ACCOUNT} - applicationName (?P<object>[^\"]*?) - startTime [^<>]*"
                r"connectionId (?P<session>[0-9a-f]+)(?:@[0-9A-Fa-f]+)?$"
            ),
        ),
        Kind.SESSION_START,
        set={"service": str(Service.CITRIX)},
        session_prefix="ica:",
    ),
    Pattern(
        "ica-ended",
        ("SSLVPN ICAEN", "ICAEND_CONNS"),
        (
            (
                rf"^(?:SSLVPN )?ICAEND_CONNSTAT: {_ICA}{_ACCOUNT} - startTime [^<>]*Duration (?P<x_duration>[0-9:]+) *{_TRAFFIC} "
                r"[^<>]*connectionId (?P<session>[0-9a-f]+)(?:@[0-9A-Fa-f]+)?(?: - Total_bytes_wire_send [0-9]+ - Total_bytes_wire_recv [0-9]+)?$"
            ),
        ),
        Kind.SESSION_END,
        set={"service": str(Service.CITRIX)},
        session_prefix="ica:",
    ),
    Pattern(
        "flow-denied",
        ("SSLVPN TCPCO", "SSLVPN UDPFL", "SSLVPN NONHT", "TCPCONNSTAT:", "UDPFLOWSTAT:", "NONHTTP_RESO"),
        (
            rf"^(?:SSLVPN )?(?:TCPCONNSTAT|UDPFLOWSTAT): {_FLOW}Access Denied - [^<>]*$",
            rf"^(?:SSLVPN )?NONHTTP_RESOURCEACCESS_DENIED: {_FLOW}$",
        ),
        Kind.CONNECTION_DENIED,
        session_prefix="ns:",
    ),
    Pattern(
        "flow-elsewhere",
        (_ELSEWHERE,),
        (rf"^{_ELSEWHERE}(?:SSLVPN )?(?:TCPCONNSTAT|UDPFLOWSTAT): {_MOVED}Access (?:Allowed|Denied) - [^<>]*$",),
        Kind.SESSION_START,
        set={"auth_method": "token"},
        session_prefix="ns:",
    ),
    Pattern(
        "flow",
        ("SSLVPN TCPCO", "SSLVPN UDPFL", "TCPCONNSTAT:", "UDPFLOWSTAT:"),
        (rf"^(?:SSLVPN )?(?:TCPCONNSTAT|UDPFLOWSTAT): {_FLOW}Access Allowed - [^<>]*$",),
        Kind.CONNECTION,
        session_prefix="ns:",
    ),
    Pattern(
        "admin-refused",
        _CMD,
        _command(r"login [ -~]*", r"ERROR: (?P<object>Invalid username or password)[^\"]*"),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, "service": str(Service.WEB)},
    ),
    Pattern(
        "admin-login",
        _CMD,
        _command(r"login(?: [ -~]*)?"),
        Kind.AUTH_SUCCESS,
        set={**_PASSWORD, "service": str(Service.WEB)},
    ),
    Pattern(
        "admin-logout",
        _CMD,
        _command("logout"),
        Kind.SESSION_END,
        set={"service": str(Service.WEB)},
    ),
    Pattern(
        "user-created",
        _CMD,
        _command(r"add (?P<object>system user|aaa user) (?P<target_user>[^ \"]+)[ -~]*"),
        Kind.ACCOUNT_CHANGE,
        set={"service": str(Service.WEB)},
    ),
    Pattern(
        "user-deleted",
        _CMD,
        _command(r"rm (?P<object>system user|aaa user) (?P<target_user>[^ \"]+)[ -~]*"),
        Kind.ACCOUNT_CHANGE,
        set={"service": str(Service.WEB)},
    ),
    Pattern(
        "password-changed",
        _CMD,
        _command(r"set (?P<object>system user|aaa user) (?P<target_user>[^ \"]+)[ -~]*"),
        Kind.ACCOUNT_CHANGE,
        set={"service": str(Service.WEB)},
    ),
    Pattern(
        "restarted",
        _CMD,
        _command(r"(?:reboot|shutdown)[ -~]*"),
        Kind.BOOT,
        set={"service": None},
    ),
    Pattern(
        "configured",
        _CMD,
        _command(
            r"(?:add|rm|set|unset|bind|unbind|enable|disable|rename|clear|import|update|install|force|batch|shell|switch|kill|create|"
            r"link|unlink) [ -~]*"
        ),
        Kind.CONFIG_CHANGE,
        set={"service": str(Service.WEB)},
    ),
    Pattern(
        "command-shown",
        _CMD,
        (r"^(?:CLI |UI |API |GUI )?CMD_EXECUTED: ",),
        why="a command that only shows or saves something, or that failed",
    ),
    Pattern("login-obscured", ("obscured:",), (r"^obscured: (?:[A-Z]+ )?LOGIN_FAILED: ",), Kind.AUTH_FAILURE, set=_PASSWORD),
    Pattern("command-obscured", ("obscured:",), (r"^obscured: ",), why="a command that holds the words of another message"),
    Pattern("device-noise", ("noise:",), (r"^noise: ",), why="the device and its traffic, no access"),
)

_HANDLED = sorted(
    {"LOGIN", "LOGOUT", "LOGIN_FAILED", "ICASTART", "ICAEND_CONNSTAT", "TCPCONNSTAT", "UDPFLOWSTAT", "NONHTTP_RESOURCEACCESS_DENIED", "CMD_EXECUTED"}
)


_NAMED = (
    r"^(?P<zz_head>(?:(?:(?:[0-9]+-)?PPE-[0-9]+ *: *)?default )?(?P<zz_name>(?:[A-Z]+ )?[A-Z][A-Za-z_]+) [0-9]+(?: [0-9]+)? : *|"
    r"(?P<zz_bare>(?:CLI|UI|API|GUI) CMD_EXECUTED) : *)"
)
_SDX = r"^[0-9A-Fa-f.:]+ +[0-9]{2}/[0-9]{2}/[0-9]{4}:[0-9:]{8}(?: [A-Z]{3,5})? +[^ ]+ +(?:[0-9]+-)?PPE-[0-9]+ *: *"


def _name(records: pl.DataFrame) -> pl.DataFrame:
    """Put the message's name, with its module, before its text; a message of no pattern is noise."""
    text = records["message"].fill_null("").str.replace(_SDX, "")
    groups = records.select(pl.lit(text).str.extract_groups(_NAMED).alias("g")).unnest("g")
    table = groups.with_columns(text.alias("zz_text"), pl.coalesce("zz_name", "zz_bare").alias("zz_name"))
    handled = pl.col("zz_name").str.extract(r"([A-Za-z_]+)$").is_in(_HANDLED)
    body = pl.col("zz_text").str.strip_prefix(pl.col("zz_head"))
    # the name tried and the browser are both the client's words: where the words between come twice, nobody can say which are the gateway's
    suspect = table.select(pl.col("zz_name").str.contains(r"(?:LOGIN_FAILED|CMD_EXECUTED)$").fill_null(value=False).alias("s"))["s"]
    words = pl.when(pl.col("zz_name").str.ends_with("LOGIN_FAILED")).then(pl.lit(" - Client_ip ")).otherwise(pl.lit(" - Remote_ip "))
    twice = table.filter(suspect).select(body.str.count_matches(words, literal=True) > 1).to_series()
    doubled = pl.lit(suspect.scatter(suspect.arg_true(), twice) if suspect.any() else suspect)
    made = (
        pl.when(handled & doubled)
        .then(pl.concat_str(pl.lit("obscured: "), "zz_name", pl.lit(": "), body))
        .when(handled)
        .then(pl.concat_str("zz_name", pl.lit(": "), body))
        .when(pl.col("zz_name").is_not_null())
        .then(pl.concat_str(pl.lit("noise: "), "zz_name"))
        .otherwise(pl.col("zz_text").str.replace(r"^(?:[0-9]+-PPE-[0-9]+ *: *)?default ", ""))
    )
    return records.with_columns(_moved(table.select(made.alias("message"))["message"]))


def _moved(messages: pl.Series) -> pl.Series:
    """Mark the flows of a session from an outside address other than that of its logon (Context): so looks a session somebody else goes on with."""
    flow = messages.str.contains(r"^(?:SSLVPN )?(?:TCPCONNSTAT|UDPFLOWSTAT): ").fill_null(value=False)
    rows = flow.arg_true()
    if not len(rows):
        return messages
    part = messages[rows]
    began, now = (addresses(part.str.extract(regex)) for regex in (_BEGAN, _NOW))
    ends = pl.DataFrame({"began": began, "now": now})
    other = ends.select(((pl.col("began") != pl.col("now")) & public("began") & public("now")).fill_null(value=False).alias("o"))["o"]
    return messages.scatter(rows.filter(other), (_ELSEWHERE + part.filter(other))) if other.any() else messages


def _forwarded(events: pl.DataFrame) -> pl.DataFrame:
    """Take the last forwarded address where the peer is not given, and the domain of an ICA session's account."""
    if "extra" not in events.columns:
        return events
    events = ensure(events, "src_ip", "user_domain")
    told = events["extra"].str.json_path_match("$.forwarded_for").str.extract(r"([0-9A-Fa-f.:]*[0-9A-Fa-f])$")
    domain = pl.col("extra").str.json_path_match("$.domain").str.to_lowercase()
    return events.with_columns(
        pl.coalesce("src_ip", pl.lit(map_values(told, canonical_address))).alias("src_ip"),
        pl.coalesce("user_domain", pl.when(domain != "").then(domain)).alias("user_domain"),
    )


SOURCE = PatternSource(
    name="netscaler",
    title="Citrix ADC and Gateway (NetScaler)",
    programs=("netscaler", "NetScaler", "nsppe", "svm_service"),
    patterns=PATTERNS,
    service=Service.VPN,
    claims_message=_CLAIM,
    prepare=_name,
    finish=_forwarded,
    references=("https://developer-docs.netscaler.com/en-us/netscaler-syslog-message-reference/",),
)
