r"""Ivanti Connect Secure (Pulse Secure, Juniper SA): logins, sessions, tunnels, user accounts.

``2026-01-05 12:00:00 - vpn01 - [192.0.2.7] Default Network::ann(Users)[Staff][5f934b7c31] - Agent login succeeded for ann/Users (session:sid…) …``
and the WELF form: ``id=firewall time="…" pri=6 fw=10.0.0.1 vpn=vpn01 user=ann realm="Users" … src=192.0.2.7 … msg="AUT24414: Agent …"``. Either
bears the gateway's own time, which counts where the header before it, if any, names no zone. The JSON that newer gateways send
(``PulseSecure: - - - {"message_id":"AUT24326","user":"ann","source_ip":…,"raw_message":…}``) is read as the same text.

The text after the user is what counts; numbers such as ``AUT24414`` are not needed. The address is the one in brackets, which the gateway wrote. One
logon gives ``Primary authentication successful``, perhaps ``Secondary …``, then one of the two lines that are the ``auth_success``:

=============================================  ======================================================================
text                                           becomes
=============================================  ======================================================================
Agent login, Login succeeded                   ``auth_success``
Primary authentication successful              ``session_start``; failed: ``auth_failure``
Login failed                                   ``auth_failure``: the same attempt, told again; ``auth_stopped`` where no role was left
denied access as the client version            ``auth_stopped``
Secondary authentication successful, failed    ``mfa_ok``, ``mfa_denied``
Session created … secondary auth-server        ``session_start``, mfa yes
VPN Tunneling: Session started                 ``session_start`` with ``assigned_ip``; ended: ``session_end``
Session resumed                                ``auth_success``, method token
Remote address for user … changed              ``session_start``, method token: the session goes on from another address
Logout, Session timed out, deleted, replaced   ``session_end``
Added, Deleted, Modified …, an administrator   ``config_change``
=============================================  ======================================================================

``session`` is the ``sid…`` of the line; of failures, which have none, ``user@address``. A realm of administrators (by its name) is service web.
A line in which the words of the header come twice is not read.

References: https://help.ivanti.com/ps/help/en_US/PCS/9.1R14/ag/system_logs.htm
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import SERVICE, Kind, Service, ensure
from gatewatch.sources.key_value import ANY, SEPARATOR, behind, lay_out, read
from gatewatch.sources.pattern import Pattern, PatternSource

_REALM = r"[^()]*(?:\([^()]*\)[^()]*)?"  # a realm's name may hold one pair of brackets
_ROLES = rf"\({_REALM}\)\[[^\]]*\](?:\[[0-9a-f]*\])? - "
_HEADER = (
    r"(?:- - - )?(?:(?P<own>[0-9-]{10} [0-9:]{8}) - )?(?P<node>[^ ]+) - \[(?P<rhost>[^\]]*)\] (?P<who>.*?)"
    rf"\((?P<realm>{_REALM})\)\[(?P<roles>[^\]]*)\](?:\[[0-9a-f]*\])? - "
)
_TAIL = (
    rf"{SEPARATOR}(?P<rhost>{ANY}){SEPARATOR}(?P<user>{ANY}){SEPARATOR}(?P<x_realm>{ANY[:-1]}+)?{SEPARATOR}(?P<x_roles>{ANY[:-1]}+)?"
    rf"{SEPARATOR}(?P<host>{ANY})$"
)
_SID = r"\(session: ?(?P<session>sid[0-9a-f]+|[0-9a-f]{8,80})\)"
_NO_SESSION = "0" * 8  # what logins of old releases and of syslog say of everybody
_TUNNEL = rf"(?:{_SID}|\(session: ?[^()]*\))? ?with (?:IPv4 address|IP) (?P<assigned_ip>[0-9.]*[0-9])"
_ADMIN_TAIL = _TAIL.replace(f"(?P<x_roles>{ANY[:-1]}+)?", rf"(?P<x_roles>{ANY}\.[A-Za-z -]*[Aa]dmin{ANY})")
_CHANGES = ("Added ", "Removed ", "Deleted ", "Created ", "Modified ", "Changed ", "Updated ", "Imported ", "Enabled ", "Disabled ", "Renamed ")
_WELF = r"^(?:- - - )?(?:id=firewall |pri=[0-9] fw=[^ ]* )"
_UNKNOWN = {"auth_method": "unknown"}
_PASSWORD = {"auth_method": "password"}


def _text(*texts: str) -> tuple[str, ...]:
    """Return the regexes of a laid-out line whose text is one of *texts*."""
    return tuple(f"^{text}{_TAIL}" for text in texts)


# of the JSON form, which writes roles with commas between them
_JSON = r'^(?:- - - )?\{"[^\n]*"raw_message" ?:'
_KEYS = (("text", "raw_message"), ("rhost", "source_ip"), ("who", "user"), ("realm", "realm_name"), ("roles", "roles"), ("node", "gateway_name"))

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "login",
        ("Agent login ", "Login succee"),
        _text(
            rf"(?:Agent login|Login) succeeded for {ANY}?(?:{_SID})? from [0-9A-Fa-f.:]+(?: (?P<object>with {ANY}))?",
            r"(?:Agent login|Login) succeeded(?: for [^ ]*)?\.?",
            rf"(?:Agent login|Login) succeeded for {ANY}? from IP [0-9A-Fa-f.:]+[0-9A-Fa-f](?: (?P<object>via [0-9]+ port))?\.?",
        ),
        Kind.AUTH_SUCCESS,
        set=_UNKNOWN,
    ),
    Pattern(
        "resumed",
        ("Session resu",),
        _text(rf"Session resumed from user agent '(?P<object>{ANY})' ?{_SID}\.?"),
        Kind.AUTH_SUCCESS,
        set={"auth_method": "token"},
    ),
    Pattern("primary-accepted", ("Primary auth",), _text(rf"Primary authentication successful for {ANY}"), Kind.SESSION_START, set={"session": None}),
    Pattern("primary-failed", ("Primary auth",), _text(rf"Primary authentication failed for {ANY}"), Kind.AUTH_FAILURE, set=_PASSWORD),
    Pattern("login-without-role", ("Login failed",), _text(rf"Login failed\. *Reason: (?P<object>No ?Roles{ANY})"), Kind.AUTH_STOPPED, set=_UNKNOWN),
    Pattern(
        "login-refused",
        ("Login failed", "Login reject"),
        _text(
            rf"Login failed\. *Reason: (?P<object>{ANY})",
            rf"Login failed(?: for 'Primary' authentication)? using auth server (?P<x_server>{ANY}?)\.(?: *Reason: (?P<object>{ANY}))?",
            rf"Login failed (?:from [0-9A-Fa-f.:]+ for {ANY}|for {ANY} from (?:IP )?[0-9A-Fa-f.:]+)",
            rf"Login rejected login from IP [0-9A-Fa-f.:]+?\. (?P<object>{ANY})",
        ),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern(
        "client-refused",
        ("User ",),
        _text(rf"User {ANY}? denied access as (?P<object>the client version '[^']*' is lower than the minimum client version configured)\.?"),
        Kind.AUTH_STOPPED,
        set=_UNKNOWN,
    ),
    Pattern(
        "secondary-accepted",
        ("Secondary au",),
        _text(rf"Secondary authentication successful for {ANY}"),
        Kind.MFA_OK,
        set={"mfa": "yes", "session": None},
    ),
    Pattern(
        "secondary-failed",
        ("Secondary au", "Login failed"),
        _text(
            rf"Secondary authentication failed for {ANY}",
            rf"Login failed for 'Secondary' authentication using auth server (?P<x_server>{ANY}?)\.(?: *Reason: (?P<object>{ANY}))?",
        ),
        Kind.MFA_DENIED,
        set={"session": None},
    ),
    Pattern(
        "created-with-second",
        ("Session crea",),
        _text(rf"Session created for user: {ANY}secondary auth-server type: \[[^\]]{ANY}"),
        Kind.SESSION_START,
        set={"mfa": "yes", "session": None},
    ),
    Pattern("created", ("Session crea",), _text(rf"Session created for user: {ANY}"), Kind.SESSION_START, set={"session": None}),
    Pattern(
        "tunnel-started",
        ("VPN Tunnelin", "Network Conn"),
        _text(
            rf"(?:VPN Tunneling|Network Connect): Session started for user *{_TUNNEL}(?:,? IPv6 address [0-9a-f:]+)?"
            rf"(?:, hostname (?P<src_host>{ANY}))?"
        ),
        Kind.SESSION_START,
    ),
    Pattern(
        "tunnel-ended",
        ("VPN Tunnelin", "Network Conn"),
        _text(rf"(?:VPN Tunneling|Network Connect): Session ended for user *{_TUNNEL}{ANY}"),
        Kind.SESSION_END,
    ),
    Pattern(
        "tunnel-mode",
        ("VPN Tunnelin",),
        _text(r"VPN Tunneling: User with IP (?P<assigned_ip>[0-9.]+) connected with (?P<object>[A-Z]+) transport mode\.? ?"),
        Kind.SESSION_START,
        set={"session": None},
    ),
    Pattern("logout", ("Logout from ",), _text(rf"Logout from [0-9A-Fa-f.:]+[0-9A-Fa-f](?: ?{_SID})?\.?"), Kind.SESSION_END),
    Pattern(
        "timed-out",
        ("Session time",),
        _text(
            rf"Session timed out for {ANY}?{_SID} (?P<object>due to {ANY})",
            rf"Session timed out for {ANY}?(?:\(session: ?[^()]*\) )?(?P<object>due to {ANY})",
        ),
        Kind.SESSION_END,
    ),
    Pattern("longest-session", ("Max session ",), _text(rf"(?P<object>Max session timeout) for {ANY}?{_SID}{ANY}?"), Kind.SESSION_END),
    Pattern(
        "replaced",
        (),
        _text(rf"{ANY}? logged out from IP \([0-9A-Fa-f.:]+\) (?P<object>because user started new session from IP \([0-9A-Fa-f.:]+\))\.?"),
        Kind.SESSION_END,
    ),
    Pattern(
        "server-unreachable",
        ("Radius Serve", "LDAP Server ", "ACE Server "),
        _text(rf"(?:Radius|LDAP|ACE) Server (?P<x_server>{ANY}?): Login failed for {ANY}? (?P<object>because {ANY}?)\.?"),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern(
        "deleted",
        ("Session:[",),
        _text(rf"Session:\[[^\]]*\] for user:\[{ANY}\] with roles:\[{ANY}\] deleted\. Bandwidth consumed \[(?P<x_bytes>[0-9]*)\] bytes"),
        Kind.SESSION_END,
        set={"session": None},
    ),
    Pattern(
        "closed",
        ("Closed conne",),
        _text(
            r"Closed connection to (?P<object>[^ ]+)(?: port [0-9]+)? after (?P<x_duration>[0-9]+) seconds, with (?P<bytes_in>[0-9]+) "
            rf"bytes read{ANY}? and (?P<bytes_out>[0-9]+) bytes written{ANY}"
        ),
        Kind.CONNECTION_CLOSED,
    ),
    Pattern(
        "unauthenticated", ("Connection f",), _text(rf"Connection from IP [0-9A-Fa-f.:]+ not authenticated yet (?P<object>{ANY})"), Kind.CONNECTION
    ),
    Pattern(
        "user-deleted",
        ("User Account",),
        _text(rf"User Accounts modified\. Removed username (?P<target_user>[^ ]+) from authentication server (?P<object>{ANY}?)\.?"),
        Kind.ACCOUNT_CHANGE,
        set={"session": None, "service": None},
    ),
    Pattern(
        "user-created",
        ("User Account",),
        _text(rf"User Accounts modified\. Added username (?P<target_user>[^ ]+) to authentication server (?P<object>{ANY}?)\.?"),
        Kind.ACCOUNT_CHANGE,
        set={"session": None, "service": None},
    ),
    Pattern(
        "moved",
        ("Remote addre",),
        _text(rf"Remote address for user {ANY}? changed from (?P<x_previous_ip>[0-9A-Fa-f.:]+) to [0-9A-Fa-f.:]*[0-9A-Fa-f](?:[. ]{ANY})?"),
        Kind.SESSION_START,
        set={"session": None, "auth_method": "token"},
    ),
    Pattern(
        "log-cleared",
        ("Log cleared", "Cleared "),
        _text(rf"(?:Log cleared|Cleared [a-z ]*logs?)(?P<object>{ANY})"),
        Kind.LOG_CLEARED,
        set={"session": None},
    ),
    Pattern(
        "configured",
        _CHANGES,
        (rf"^(?P<object>(?:{'|'.join(word.strip() for word in _CHANGES)}) {ANY}){_ADMIN_TAIL}",),
        Kind.CONFIG_CHANGE,
        set={"session": None, "service": None},
    ),
    Pattern(
        "course",
        (),
        (
            (
                r"^(?:User Limit realm|Source IP realm|Host Checker|Certificate realm|[A-Za-z ]+ realm restrictions|WebRequest |:Client "
                r"connection|Key Exchange|Transport mode|VPN Tunneling: |Network Connect: |Remote address for user|Password realm|Role restrictions)"
            ),
        ),
        why="the course of a logon or session, no result",
    ),
)


def _split(records: pl.DataFrame) -> pl.DataFrame:
    """Put the text of each line first and what the gateway wrote before it last; both forms of the log become one."""
    message = records["message"].fill_null("")
    table = records.select("host").with_columns(message.alias("line")).with_row_index("zz_at")
    table = table.hstack(behind(message, _HEADER, "text"))
    welf = table["line"].str.contains(_WELF)
    sure = table["text"].is_not_null() & (table["line"].str.count_matches(_ROLES) == 1) & ~welf
    table = table.with_columns(pl.col("who").str.replace(r"^.*::", ""))
    said = table["line"].str.contains(_JSON)
    if said.any():
        places = said.arg_true()
        told = table["line"].filter(said).str.strip_prefix("- - - ")
        for name, key in _KEYS:
            value = told.str.json_path_match(f"$.{key}")
            table = table.with_columns(table[name].scatter(places, value.set(value == "", None)))
        sure = sure | (said & table["text"].is_not_null())
    if welf.any():
        read_out = read(table["line"].filter(welf), ("msg", "src", "user", "realm", "roles", "vpn", "time"))
        places = welf.arg_true()
        keys = (("text", "msg"), ("rhost", "src"), ("who", "user"), ("realm", "realm"), ("roles", "roles"), ("node", "vpn"), ("own", "time"))
        for name, key in keys:
            table = table.with_columns(table[name].scatter(places, read_out[key]))
        sure = sure | (welf & table["text"].is_not_null())
    system = pl.col("who").is_in(["System", "system"])
    table = table.with_columns(
        pl.coalesce("node", "host").alias("node"),
        pl.when(~system).then("who").alias("who"),
        pl.when(~(system & (pl.col("rhost") == "127.0.0.1"))).then("rhost").alias("rhost"),
        pl.col("text").str.replace(r"^[A-Z]{3}[0-9]{5}: ", "").str.strip_chars(" ").alias("text"),
    )
    laid = lay_out(table, ("text", "rhost", "who", "realm", "roles", "node"))
    return _timed(records.with_columns(laid.zip_with(sure, message).alias("message")), table["own"])


def _timed(records: pl.DataFrame, own: pl.Series) -> pl.DataFrame:
    """Return *records* with the gateway's own time where the header's names no zone."""
    if "local" not in records.columns or "rel" not in records.columns:
        return records
    wall = own.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    ours = wall.is_not_null() & records["time"].is_null()
    return records.with_columns(
        wall.zip_with(ours, records["local"]).alias("local"),
        pl.when(pl.lit(~ours)).then("rel").alias("rel"),
        pl.when(pl.lit(ours)).then(pl.lit(1_000_000, pl.Int64)).otherwise("resolution").alias("resolution"),
    )


def _complete(events: pl.DataFrame) -> pl.DataFrame:
    """Give failures the session ``user@address``, the realms of administrators their service, and no session the id that all share."""
    events = ensure(events, "session", "user", "src_ip", "service", "extra")
    failed = pl.col("kind").is_in([str(Kind.AUTH_FAILURE), str(Kind.AUTH_STOPPED)])
    realm = pl.col("extra").str.json_path_match("$.realm")
    admin = realm.str.contains("(?i)admin").fill_null(value=False) & (pl.col("service") == str(Service.VPN))
    pair = pl.concat_str(pl.col("user").fill_null(""), pl.lit("@"), "src_ip")
    return events.with_columns(
        pl.when(failed).then(pair).otherwise(pl.col("session").replace(_NO_SESSION, None)).alias("session"),
        pl.when(admin).then(pl.lit(str(Service.WEB))).otherwise(pl.col("service").cast(pl.String)).cast(SERVICE).alias("service"),
    )


SOURCE = PatternSource(
    name="ivanti",
    title="Ivanti Connect Secure (Pulse Secure)",
    programs=("PulseSecure", "PulseSecure:", "Juniper", "Juniper:", "IvantiConnectSecure", "ConnectSecure", "Ivanti"),
    patterns=PATTERNS,
    service=Service.VPN,
    claims_message=(
        r"^(?:- - - )?[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} - [^ ]+ - \[[0-9A-Fa-f.:]+\] |"
        r'^(?:- - - )?id=firewall time="[0-9-]{10} [0-9:]{8}" pri=[0-9] fw=[^ ]* vpn='
    ),
    prepare=_split,
    finish=_complete,
    references=("https://help.ivanti.com/ps/help/en_US/PCS/9.1R14/ag/system_logs.htm",),
)
