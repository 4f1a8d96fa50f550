r"""Fortinet FortiGate: SSL and IPsec VPN, administrators, configuration, firewall authentication (``key=value`` events).

``date=2026-01-05 time=12:00:00 devname="fw01" … logid="0101039424" type="event" subtype="vpn" action="tunnel-up" tunneltype="ssl-web" tunnelid=7
remip=192.0.2.7 user="ann" …``

The action tells what happened, the last six digits of ``logid`` where there is none:

====================================  ==============================================================================
event                                 becomes
====================================  ==============================================================================
vpn: tunnel-up (39424)                ``auth_success``, pattern ``ssl-up``
vpn: tunnel-up, ssl-tunnel (39947)    ``auth_success`` with ``assigned_ip``, pattern ``ssl-tunnel-up``: of the same tunnel id as the one before it
vpn: tunnel-up, IPsec                 ``auth_success`` where a user is named, else ``session_start`` (a site)
vpn: tunnel-down                      ``session_end``; ``bytes_in`` is what the device received from the client (``rcvdbyte``)
vpn: ssl-login-fail (39426)           ``auth_failure``; a user that does not exist by the reason; ``auth_stopped`` for an expired password
vpn: ssl-new-con                      ``connection``
vpn: negotiate                        ``auth_failure`` where it failed and a user is named; ``session_start`` where XAUTH or EAP said yes
system: login, logout (32001 …)       ``auth_success``, ``auth_failure``, ``session_end`` of an administrator; what the words say counts first
system: cfgpath                       ``config_change``; ``account_change`` for administrators, users, groups and their tokens
user: authentication (43008, 43009)   ``auth_success``, ``auth_failure`` at the firewall itself
Authentication (FortiAuthenticator)   the same, by ``status``; the client is ``userip``
statistics, traffic, UTM, the rest    ignored
====================================  ==============================================================================

``session`` is ``tunnel:<tunnelid>`` or ``admin:<sn>``. In IPsec events ``user`` may be the peer's address: then the user is ``xauthuser`` or
``eapuser``. The form with commas (``set format csv``, and exports that quote each pair) is read as well. Known from the vendor's reference, not from
samples: lock-outs, restarts, cleared logs.

References: https://docs.fortinet.com/document/fortigate/7.6.1/fortios-log-message-reference
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.key_value import ANY, lay_out, layout, read
from gatewatch.sources.pattern import Pattern, PatternSource

KEYS = (
    *("type", "subtype", "action", "logid", "tunneltype", "tunnelid", "remip", "remport", "tunnelip", "assignip", "user", "xauthuser", "eapuser"),
    *("group", "result"),
    *("reason", "status", "duration", "sentbyte", "rcvdbyte", "srcip", "srcport", "ui", "method", "sn", "cfgpath", "cfgobj", "cfgattr", "msg"),
    *("logdesc", "authproto", "vpntunnel", "profile", "count", "userip"),
)
"""The keys of an event that are read."""
_TYPED = r'(?:^| )type="?[a-z]'
_EVENT = r'(?:^|[ ,])type="?event"?(?: |$)'
# without type= (collectors take it for a name of their own) subtype, logid or the action tell that it is an event
_UNTYPED = r'(?: |^)(?:subtype="?(?:vpn|system|user)"?|logid="?01[0-9]{8}"?|action="?(?:ssl-login-fail|ssl-new-con|tunnel-(?:up|down))"?)(?: |$)'
_OTHER = "traffic"
_SERVICES = {
    **dict.fromkeys(("https", "http", "gui", "jsconsole", "api", "rest", "web"), Service.WEB),
    "ssh": Service.SSH,
    "telnet": Service.TELNET,
    "console": Service.LOCAL,
}
_SUBTYPES = {"00": "system", "01": "vpn", "02": "user"}
_ADMIN = {"auth_method": "password"}
_UNKNOWN = {"auth_method": "unknown"}
_TUNNEL = (
    "rhost",
    "src_port",
    "assigned_ip",
    "user",
    "session",
    "bytes_in",
    "bytes_out",
    "object",
    "x_group",
    "x_tunneltype",
    "x_duration",
    "x_reason",
)
_ACCOUNTS = r"system\.(?:admin|api-user|sso-admin|accprofile|password-policy)|user\.(?:local|peer|fortitoken|group|peergrp|radius|ldap|saml|tacacs\+)"


def _what(what: str, *rest: str) -> tuple[str, ...]:
    """Return the regex of a laid-out event whose first word is *what*."""
    return (layout((f"={what}", *rest)),)


def _vpn(what: str) -> tuple[str, ...]:
    return _what(what, *_TUNNEL)


def _refused(what: str) -> tuple[str, ...]:
    return _what(what, *(f"={ANY}" if group == "session" else group for group in _TUNNEL))


def _admin(what: str, session: str = f"={ANY}") -> tuple[str, ...]:
    return _what(what, "rhost", "user", session, f"service={ANY}", "x_reason", "x_profile")


def _change(what: str, target: str) -> tuple[str, ...]:
    return _what(what, "rhost", "user", target, "object", "command", "x_action")


PATTERNS: tuple[Pattern, ...] = (
    Pattern("ssl-up", ("ssl-up",), _vpn("ssl-up"), Kind.AUTH_SUCCESS, set=_UNKNOWN, session_prefix="tunnel:"),
    Pattern("ssl-tunnel-up", ("ssl-tunnel-",), _vpn("ssl-tunnel-up"), Kind.AUTH_SUCCESS, set=_UNKNOWN, session_prefix="tunnel:"),
    Pattern("ipsec-up", ("ipsec-up",), _vpn("ipsec-up"), Kind.AUTH_SUCCESS, set=_UNKNOWN, session_prefix="tunnel:"),
    Pattern("site-up", ("site-up",), _vpn("site-up"), Kind.SESSION_START, session_prefix="tunnel:"),
    Pattern("tunnel-down", ("tunnel-down",), _vpn("tunnel-down"), Kind.SESSION_END, session_prefix="tunnel:"),
    Pattern("login-unknown", ("login-unknow",), _refused("login-unknown"), Kind.AUTH_FAILURE, set={**_ADMIN, "invalid_user": True}),
    Pattern("login-expired", ("login-expire",), _refused("login-expired"), Kind.AUTH_STOPPED, set=_ADMIN),
    Pattern("login-failed", ("login-failed",), _refused("login-failed"), Kind.AUTH_FAILURE, set=_ADMIN),
    Pattern("xauth-failed", ("xauth-failed",), _refused("xauth-failed"), Kind.AUTH_FAILURE, set=_ADMIN),
    Pattern("xauth-accepted", ("xauth-accept",), _refused("xauth-accepted"), Kind.SESSION_START),
    Pattern("connected", ("connected",), _refused("connected"), Kind.CONNECTION),
    Pattern(
        "admin-login", ("admin-login",), _admin("admin-login", "session"), Kind.AUTH_SUCCESS, set=_ADMIN, services=_SERVICES, session_prefix="admin:"
    ),
    Pattern("admin-failed", ("admin-failed",), _admin("admin-failed"), Kind.AUTH_FAILURE, set=_ADMIN, services=_SERVICES),
    Pattern("admin-locked", ("admin-locked",), _admin("admin-locked"), Kind.BAN, services=_SERVICES),
    Pattern("admin-logout", ("admin-logout",), _admin("admin-logout", "session"), Kind.SESSION_END, services=_SERVICES, session_prefix="admin:"),
    Pattern("portal-login", ("portal-login",), _admin("portal-login"), Kind.AUTH_SUCCESS, set=_ADMIN, services=_SERVICES),
    Pattern("portal-failed", ("portal-faile",), _admin("portal-failed"), Kind.AUTH_FAILURE, set=_ADMIN, services=_SERVICES),
    Pattern("user-created", ("user-created",), _change("user-created", "target_user"), Kind.ACCOUNT_CHANGE, set={"service": None}),
    Pattern("user-deleted", ("user-deleted",), _change("user-deleted", "target_user"), Kind.ACCOUNT_CHANGE, set={"service": None}),
    Pattern("user-changed", ("user-changed",), _change("user-changed", "target_user"), Kind.ACCOUNT_CHANGE, set={"service": None}),
    Pattern("configured", ("configured",), _change("configured", "x_name"), Kind.CONFIG_CHANGE, set={"service": None}),
    Pattern("backed-up", ("backed-up",), _change("backed-up", "x_name"), Kind.FILE_TRANSFER, set={"service": None}),
    Pattern("log-cleared", ("log-cleared",), _change("log-cleared", "x_name"), Kind.LOG_CLEARED, set={"service": None}),
    Pattern("restarted", ("restarted",), _change("restarted", "x_name"), Kind.BOOT, set={"service": None}),
    Pattern("event-noise", ("noise",), (r"^noise",), why="an event of the device that is no access: statistics, links, updates"),
    Pattern(_OTHER, (_OTHER,), (rf"^{_OTHER}$",), why="traffic and UTM records"),
)


def _arrange(records: pl.DataFrame) -> pl.DataFrame:
    """Lay the events' values out behind a word that says what they are; other records keep only that they are none."""
    text = records["message"].fill_null("")
    event = text.str.contains(_EVENT) | (text.str.contains(_UNTYPED) & ~text.str.contains(_TYPED))
    made = pl.Series([_OTHER], dtype=pl.String).new_from_index(0, len(text))
    ours = text.str.contains(r"(?:^|[ ,])(?:logid|(?:sub)?type)=")
    made = made.zip_with(ours, text)
    if event.any():
        values = read(text.filter(event), KEYS).with_columns(pl.when(pl.all() != "N/A").then(pl.all()))
        made = made.scatter(event.arg_true(), _laid_out(values))
    return records.with_columns(made.alias("message"))


def _laid_out(values: pl.DataFrame) -> pl.Series:
    """Return the layout of each event."""
    peer = pl.coalesce("remip", "srcip", "userip", pl.col("ui").str.extract(r"\(([0-9A-Fa-f.:]+)\)"))
    door = pl.coalesce(
        pl.col("method").str.to_lowercase(),
        pl.col("ui").str.extract(r"^([A-Za-z]+)").str.to_lowercase(),
        pl.col("authproto").str.extract(r"^([A-Za-z]+)").str.to_lowercase(),
    )
    table = values.with_columns(
        _meaning(values).alias("what"),
        _who().alias("user"),
        peer.alias("rhost"),
        pl.coalesce("remport", "srcport").alias("src_port"),
        pl.coalesce("tunnelip", "assignip").alias("assigned_ip"),
        door.alias("service"),
        pl.coalesce("cfgpath", "logdesc").alias("path"),
    )
    tunnel = lay_out(
        table,
        (
            "what",
            "rhost",
            "src_port",
            "assigned_ip",
            "user",
            "tunnelid",
            "rcvdbyte",
            "sentbyte",
            "vpntunnel",
            "group",
            "tunneltype",
            "duration",
            "reason",
        ),
    )
    admin = lay_out(table, ("what", "rhost", "user", "sn", "service", "reason", "profile"))
    change = lay_out(table, ("what", "rhost", "user", "cfgobj", "path", "cfgattr", "action"))
    what = table["what"]
    chosen = tunnel.zip_with(~what.str.contains("^(?:admin|portal)-"), admin)
    return chosen.zip_with(~what.str.contains("^(?:user-|configured|backed-up|log-cleared|restarted)"), change)


def _who() -> pl.Expr:
    """Return the user: IKE gives the peer's id for one, which often is its address, and names who logged on beside it."""
    return pl.coalesce(pl.when(pl.col("user").ne_missing(pl.col("remip"))).then("user"), "xauthuser", "eapuser")


def _meaning(values: pl.DataFrame) -> pl.Series:
    """Return the word that says what each event is."""
    number = pl.col("logid").str.tail(6).fill_null("")
    action = pl.col("action").str.to_lowercase().fill_null("")
    subtype = pl.coalesce(
        pl.col("subtype").str.to_lowercase(),
        pl.col("logid").str.extract("^01(0[0-2])").replace_strict(_SUBTYPES, default=None, return_dtype=pl.String),
        pl.when(action.str.contains("^(?:ssl-|tunnel-)")).then(pl.lit("vpn")),
    ).fill_null("")
    vpn, system = subtype == "vpn", subtype == "system"
    portal = subtype.is_in(["user", "authentication"])
    ssl = pl.col("tunneltype").str.to_lowercase().str.starts_with("ssl").fill_null(value=False) | number.is_in(["039424", "039947"])
    named = _who().is_not_null()
    result = pl.col("result").fill_null("").str.to_lowercase()
    reason = pl.col("reason").fill_null("").str.to_lowercase()
    failed = (action == "ssl-login-fail") | ((action == "") & (number == "039426"))
    up = (action == "tunnel-up") | ((action == "") & number.is_in(["039424", "039947"]))
    down = (action == "tunnel-down") | ((action == "") & number.is_in(["039425", "039948"]))
    status = pl.col("status").fill_null("").str.to_lowercase()
    good = (status == "success") | (number == "032001")
    path = pl.col("cfgpath").fill_null("")
    said = pl.concat_str(pl.col("logdesc").fill_null(""), pl.lit(" "), pl.col("msg").fill_null("")).str.to_lowercase()
    admin = system & pl.col("user").is_not_null() & said.str.contains("^admin| admin(?:istrator)? ")
    person = path.str.contains(rf"^(?:{_ACCOUNTS})$")
    return values.select(
        pl.when(vpn & failed & reason.str.contains("unknown_user"))
        .then(pl.lit("login-unknown"))
        .when(vpn & failed & reason.str.contains("password_expired"))
        .then(pl.lit("login-expired"))
        .when(vpn & failed)
        .then(pl.lit("login-failed"))
        .when(vpn & up & ssl & (number == "039947"))
        .then(pl.lit("ssl-tunnel-up"))
        .when(vpn & up & ssl)
        .then(pl.lit("ssl-up"))
        .when(vpn & up & named)
        .then(pl.lit("ipsec-up"))
        .when(vpn & up)
        .then(pl.lit("site-up"))
        .when(vpn & down)
        .then(pl.lit("tunnel-down"))
        .when(vpn & (action == "ssl-new-con"))
        .then(pl.lit("connected"))
        .when(vpn & (action == "negotiate") & named & status.str.contains("fail|error"))
        .then(pl.lit("xauth-failed"))
        .when(vpn & (action == "negotiate") & named & result.str.contains("authentication successful"))
        .then(pl.lit("xauth-accepted"))
        .when(system & (number == "032021"))
        .then(pl.lit("admin-locked"))
        .when(admin & said.str.contains("admin logout|logged out"))
        .then(pl.lit("admin-logout"))
        .when(admin & said.str.contains("login fail"))
        .then(pl.lit("admin-failed"))
        .when(admin & said.str.contains("login successful|logged in successfully") & ~status.str.starts_with("fail"))
        .then(pl.lit("admin-login"))
        .when(system & (action == "login") & good)
        .then(pl.lit("admin-login"))
        .when(system & ((action == "login") | (number == "032002")))
        .then(pl.lit("admin-failed"))
        .when(system & ((action == "logout") | (number == "032003")))
        .then(pl.lit("admin-logout"))
        .when(person & (action == "add"))
        .then(pl.lit("user-created"))
        .when(person & (action == "delete"))
        .then(pl.lit("user-deleted"))
        .when(person)
        .then(pl.lit("user-changed"))
        .when(path != "")
        .then(pl.lit("configured"))
        .when(system & action.is_in(["download", "backup"]) & pl.col("logdesc").str.contains("(?i)config").fill_null(value=False))
        .then(pl.lit("backed-up"))
        .when(
            system & pl.col("logdesc").str.contains("(?i)^(?:disk )?logs? (?:cleared|deleted)|deleted logs|clear(?:ed)? log").fill_null(value=False)
        )
        .then(pl.lit("log-cleared"))
        .when(system & ((action == "reboot") | (number == "032009")))
        .then(pl.lit("restarted"))
        .when(portal & ((number == "043008") | ((subtype == "authentication") & (action == "authentication") & status.str.starts_with("success"))))
        .then(pl.lit("portal-login"))
        .when(portal & ((number == "043009") | ((subtype == "authentication") & (action == "authentication") & status.str.starts_with("fail"))))
        .then(pl.lit("portal-failed"))
        .otherwise(pl.lit("noise"))
        .alias("what")
    )["what"]


SOURCE = PatternSource(
    name="fortigate",
    title="Fortinet FortiGate",
    programs=("fortigate", "fortinet", "FortiGate"),
    patterns=PATTERNS,
    service=Service.VPN,
    claims_message=(
        r'^(?:[0-9]+: )?(?:(?:logver|itime|timestamp|devname|devid|vd|id|tz|eventtime|date|time)="?[^ ]* ){1,9}(?:[a-z]+="?[^ ]* '
        r"){0,3}logid=|^date=[0-9-]{10} time=[0-9:]{8} devname=[^ ]+ (?:devid=[^ ]+ )?subtype="
    ),
    prepare=_arrange,
    references=("https://docs.fortinet.com/document/fortigate/7.6.1/fortios-log-message-reference",),
)
