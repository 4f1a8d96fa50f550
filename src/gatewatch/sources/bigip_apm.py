r"""F5 BIG-IP: Access Policy Manager (``apmd``, ``tmm``) and logons of administrators (``01070417``).

``notice apmd[13333]: 01490500:5: /Common/vpn:Common:1a2b3c4d: New session from client IP 203.0.113.7 (ST=…/CC=…/C=…) at VIP 192.0.2.1 Listener …``
``notice apmd[13333]: 01490010:5: /Common/vpn:Common:1a2b3c4d: Username 'ann'``
``notice apmd[13333]: 01490102:5: /Common/vpn:Common:1a2b3c4d: Access policy result: Network_Access``

Every message names the session, one has its address, another the user: they are joined within a block of the file.

=============================================  ============================================================================
message                                        becomes
=============================================  ============================================================================
Access policy result: Logon_Deny, else         ``auth_failure``, ``auth_success``
… module: authentication with … failed         ``auth_failure``: the same attempt, told by the server asked
New session from client IP                     ``connection``
Assigned PPP Dynamic IPv4                      ``session_start`` with ``assigned_ip``
Session deleted …                              ``session_end``
AUDIT - user …: pam_audit                      ``auth_success``, ``auth_failure`` of an administrator
=============================================  ============================================================================

References: https://techdocs.f5.com/kb/en-us/products/big-ip_apm.html
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.key_value import ANY, SEPARATOR
from gatewatch.sources.pattern import Pattern, PatternSource

_IP = r"[0-9A-Fa-f.:]*[0-9A-Fa-f:]"
_DAEMON = r"^(?:(?:emerg|alert|crit|err|warning|notice|info|debug) )?(?:[a-z_0-9]+\[[0-9]+\]: )?"
_NUMBER = rf"{_DAEMON}(?P<number>01[0-9]{{6}}):[0-7]: (?:(?P<session>/[^ :]+:[^ :]+:[0-9a-f]{{8}}): )?"
_TAIL = rf"{SEPARATOR}(?P<rhost>{ANY[:-1]}+)?{SEPARATOR}(?P<user>{ANY[:-1]}+)?{SEPARATOR}(?P<session>{ANY[:-1]}+)?$"
_NOBODY = rf"{SEPARATOR}{ANY}{SEPARATOR}{ANY}{SEPARATOR}{ANY}$"
_SERVICES = {"httpd": Service.WEB, "sshd": Service.SSH, "login": Service.LOCAL, "iControl": Service.WEB}
_AUDIT = (
    r"^AUDIT - user [^ ]* - RAW: (?P<service>[A-Za-z]+)\(pam_audit\): [Uu]ser=(?P<user>[^ (]*)(?:\([^)]*\))? (?:partition=[^ ]* level=[^=]* )?"
    r"tty=[^ ]* host=(?P<rhost>[^ ]+) "
)

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "policy-denied",
        ("Access polic",),
        (rf"^Access policy result: (?P<object>[A-Za-z0-9_+ |.-]*[Dd]en(?:y|ied)[A-Za-z0-9_+ |.-]*){_TAIL}",),
        Kind.AUTH_FAILURE,
        set={"auth_method": "unknown"},
        session_prefix="apm:",
    ),
    Pattern(
        "policy-allowed",
        ("Access polic",),
        (rf"^Access policy result: (?P<object>[A-Za-z0-9_+ |.-]+){_TAIL}",),
        Kind.AUTH_SUCCESS,
        set={"auth_method": "unknown"},
        session_prefix="apm:",
    ),
    Pattern(
        "server-refused",
        (),
        (
            (
                rf"^(?P<x_server>[A-Za-z0-9-]+) (?:module|agent): [Aa]uthentication with '(?:[^'{SEPARATOR}]*)' failed(?: in [^:]*)?: "
                rf"(?P<object>{ANY}){_TAIL}"
            ),
        ),
        Kind.AUTH_FAILURE,
        set={"auth_method": "password"},
        session_prefix="apm:",
    ),
    Pattern("session-new", ("New session ",), (rf"^New session from client IP {_IP} {ANY}{_TAIL}",), Kind.CONNECTION, session_prefix="apm:"),
    Pattern(
        "address-assigned",
        ("Assigned PPP",),
        (rf"^Assigned PPP Dynamic IPv[46]: (?P<assigned_ip>{_IP}) {ANY}{_TAIL}",),
        Kind.SESSION_START,
        session_prefix="apm:",
    ),
    Pattern("session-deleted", ("Session dele",), (rf"^Session deleted (?P<object>{ANY}){_TAIL}",), Kind.SESSION_END, session_prefix="apm:"),
    Pattern(
        "admin-refused",
        ("AUDIT - user",),
        (rf"{_AUDIT}failed to login {ANY}{_NOBODY}",),
        Kind.AUTH_FAILURE,
        set={"auth_method": "password"},
        services=_SERVICES,
    ),
    Pattern(
        "admin-login",
        ("AUDIT - user",),
        (rf'{_AUDIT}attempts=[0-9]+ start="[^"]*"\.?{_NOBODY}',),
        Kind.AUTH_SUCCESS,
        set={"auth_method": "password"},
        services=_SERVICES,
    ),
    Pattern("apm-other", (), ("^",), why="the course of a session, or the device itself"),
)


def _joined(records: pl.DataFrame) -> pl.DataFrame:
    """Put behind the text of each message the address and the user that others of its session told before it."""
    text = records["message"].fill_null("")
    table = records.select(pl.lit(text).str.extract_groups(_NUMBER).alias("g")).unnest("g").with_columns(text.alias("line"))
    body = pl.col("line").str.replace(_NUMBER.replace("?P<number>", "?:").replace("?P<session>", "?:"), "")
    table = table.with_columns(body.alias("body"))
    table = table.with_columns(
        pl.coalesce(pl.col("body").str.extract(rf"client IP ({_IP}) "), pl.col("body").str.extract(rf"Client IP: ({_IP})")).alias("ip"),
        pl.coalesce(pl.col("body").str.extract(r"^Username '([^']*)'"), pl.col("body").str.extract(r"[Aa]uthenti[a-z]+ with '([^']*)'")).alias(
            "name"
        ),
    )
    known = table.with_columns(
        pl.when(pl.col("session").is_not_null()).then(pl.col(name).forward_fill().over("session")).otherwise(pl.col(name)).alias(name)
        for name in ("ip", "name")
    )
    laid = known.select(
        pl.concat_str(
            pl.col("body").str.replace_all(SEPARATOR, " ", literal=True),
            pl.col("ip").fill_null(""),
            pl.col("name").fill_null(""),
            pl.col("session").fill_null(""),
            separator=SEPARATOR,
        ).alias("m")
    )["m"]
    return records.with_columns(laid.zip_with(known["number"].is_not_null(), text).alias("message"))


SOURCE = PatternSource(
    name="bigip-apm",
    title="F5 BIG-IP Access Policy Manager",
    programs=("apmd", "apd"),
    patterns=PATTERNS,
    service=Service.VPN,
    claims_message=rf"{_DAEMON}(?:014[0-9]{{5}}|01070417):[0-7]: ",
    prepare=_joined,
    references=("https://techdocs.f5.com/kb/en-us/products/big-ip_apm.html",),
)
