r"""Palo Alto Networks PAN-OS: GlobalProtect, system and configuration rows (comma-separated, as sent over syslog).

``1,2026/01/05 12:00:00,0123,GLOBALPROTECT,0,2561,2026/01/05 12:00:00,vsys1,gateway-auth,login,LDAP,,ann,DE,PC1,192.0.2.7,…,success,…``

=============================================  ======================================================================
row                                            becomes
=============================================  ======================================================================
GLOBALPROTECT gateway-auth, success            ``auth_success``: one per logon
GLOBALPROTECT portal-auth, success             ``session_start``: the portal comes before the gateway
GLOBALPROTECT gateway-auth, portal-auth else   ``auth_failure``
GLOBALPROTECT gateway-connected, -setup-*      ``session_start`` with ``assigned_ip``, as gateway-register, which has none
GLOBALPROTECT gateway-logout                   ``session_end``
GLOBALPROTECT clientlessvpn-login, -logout     the same for a browser
SYSTEM: logged in via, failed authentication   the same for administrators (service web or ssh), and for GlobalProtect before 9.1
SYSTEM: authenticated for user, log cleared    ``session_start``: a profile said yes; ``log_cleared``
CONFIG, unless it failed                       ``config_change``; ``account_change`` under ``mgt-config users``, ``local-user-database``
TRAFFIC end                                    what :mod:`gatewatch.sources.passing` says
threats, the rest                              ignored
=============================================  ======================================================================

``session`` is ``user@address``: the rows have no id of the session. ``count`` is ``repeatcnt``. The words of SYSTEM texts are known from the vendor's
documentation, not from samples.

References: https://docs.paloaltonetworks.com/pan-os/11-1/pan-os-admin/monitoring/use-syslog-for-monitoring/syslog-field-descriptions
"""

from __future__ import annotations

import csv
from collections.abc import Sequence

import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, Service, ensure
from gatewatch.sources import passing
from gatewatch.sources.flow import addresses
from gatewatch.sources.key_value import ANY, SEPARATOR, layout
from gatewatch.sources.pattern import Pattern, PatternSource

_ROW = r"^[0-9]+,[0-9]{4}[/-][0-9]{2}[/-][0-9]{2}[ T][0-9:.Z]{8,20},[^,]*,([A-Z-]+),"
NOBODY = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - a placeholder
METHODS = {
    **dict.fromkeys(("LDAP", "RADIUS", "Local", "local", "Kerberos", "TACACS+", "profile"), AuthMethod.PASSWORD),
    **dict.fromkeys(("Cookie", "cookie"), AuthMethod.TOKEN),
    **dict.fromkeys(("Certificate", "client-cert", "Client Certificate"), AuthMethod.CERTIFICATE),
}
_DOORS = {**dict.fromkeys(("Web", "web", "https", "GUI"), Service.WEB), **dict.fromkeys(("CLI", "ssh", "SSH"), Service.SSH), "Console": Service.LOCAL}
_LOGONS = {"gateway-auth": "gateway-accepted", "portal-auth": "portal-accepted", "clientlessvpn-login": "gateway-accepted"}
_CONNECTED = frozenset({"gateway-connected", "gateway-setup-ssl", "gateway-setup-ipsec", "gateway-register", "gateway-switch-to-ssl"})
_TUNNEL = ("rhost", "assigned_ip", "user", f"method={ANY}", "src_host", "count", "host=" + ANY, "object", "x_tunnel_type", "x_portal", "x_ipv6")
_SYSTEM = "host=" + ANY
_CELL = r'(?:"[^"]*"|[^,"]*),'
_MATTERS = rf"^(?:{_CELL}){{25}}(?:{passing.GATES}),|^(?:{_CELL}){{32,33}}{passing.BYTES},"
_ENDED = ",TRAFFIC,end,"
_FLOW = {"src_ip": 7, "dst_ip": 8, "nat": 10, "user": 12, "src_port": 24, "dst_port": 25, "protocol": 29, "sent": 32, "received": 33}
_IP = r"[0-9A-Fa-f.:]*[0-9A-Fa-f]"
_PASSWORD = {"auth_method": "password"}


_FROM = rf"Login from: (?P<rhost>{_IP}), (?:Source region: [^,]*, )?User name: (?P<user>{ANY}?)(?:, {ANY}|\.)?"
_SSH_PEER = rf"from (?P<rhost>{_IP}) port (?P<src_port>[0-9]+)(?: ssh2)?"


def _vpn(what: str) -> tuple[str, ...]:
    return (layout((f"={what}", *_TUNNEL)),)


def _told(text: str) -> tuple[str, ...]:
    """Return the regex of a SYSTEM row whose text is *text*."""
    return (f"^system{SEPARATOR}{text}{SEPARATOR}(?P<host>{ANY})$",)


def _change(what: str, target: str = "x_target") -> tuple[str, ...]:
    return (layout((f"={what}", "rhost", "user", "command", "object", target, f"service={ANY}", "x_result", _SYSTEM)),)


PATTERNS: tuple[Pattern, ...] = (
    Pattern("gateway-accepted", ("gateway-acce",), _vpn("gateway-accepted"), Kind.AUTH_SUCCESS, methods=METHODS),
    Pattern("portal-accepted", ("portal-accep",), _vpn("portal-accepted"), Kind.SESSION_START, methods=METHODS),
    Pattern("vpn-failed", ("vpn-failed",), _vpn("vpn-failed"), Kind.AUTH_FAILURE, methods=METHODS),
    Pattern("connected", ("connected",), _vpn("connected"), Kind.SESSION_START, methods=METHODS),
    Pattern("vpn-logout", ("vpn-logout",), _vpn("vpn-logout"), Kind.SESSION_END, methods=METHODS),
    Pattern(
        "gateway-told-accepted",
        ("system",),
        _told(
            rf"GlobalProtect gateway user authentication succeeded\. Login from: (?P<rhost>{_IP}), (?:Source region: [^,]*, )?User name: "
            rf"(?P<user>{ANY}?), [^{SEPARATOR}]*"
        ),
        Kind.AUTH_SUCCESS,
        set={"auth_method": "unknown"},
    ),
    Pattern(
        "portal-told-accepted",
        ("system",),
        _told(rf"GlobalProtect portal user authentication succeeded\. {_FROM}"),
        Kind.SESSION_START,
    ),
    Pattern("told-connected", ("system",), _told(rf"GlobalProtect gateway user login succeeded\. {_FROM}"), Kind.SESSION_START),
    Pattern(
        "told-configured",
        ("system",),
        _told(
            rf"GlobalProtect gateway (?:client configuration generated|client switch to SSL tunnel mode succeeded|agent message)\. User name: "
            rf"(?P<user>{ANY}?), Private IP: (?P<assigned_ip>{_IP})(?:, {ANY})?"
        ),
        Kind.SESSION_START,
    ),
    Pattern(
        "told-logout",
        ("system",),
        _told(rf"GlobalProtect gateway user logout succeeded\. User name: (?P<user>{ANY}?), {ANY}?(?:Reason: (?P<object>[^.]*)\.?)?"),
        Kind.SESSION_END,
    ),
    Pattern(
        "vpn-told-failed",
        ("system",),
        _told(
            rf"GlobalProtect (?:gateway|portal) user authentication failed\. Login from: (?P<rhost>{_IP}), (?:Source region: [^,]*, )?User "
            rf"name: (?P<user>{ANY}?), {ANY}"
        ),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
    ),
    Pattern(
        "admin-login",
        ("system",),
        _told(rf"User \"?(?P<user>{ANY}) logged in via (?P<service>[A-Za-z]+) from (?P<rhost>{_IP})(?: using [a-z]+)?\.?"),
        Kind.AUTH_SUCCESS,
        set=_PASSWORD,
        services=_DOORS,
    ),
    Pattern(
        "admin-logout",
        ("system",),
        _told(rf"User (?P<user>{ANY}) logged out via (?P<service>[A-Za-z]+) from (?P<rhost>{_IP})(?: using [a-z]+)?\.?"),
        Kind.SESSION_END,
        services=_DOORS,
    ),
    Pattern(
        "admin-failed",
        ("system",),
        (
            *_told(rf"failed authentication for user '(?P<user>{ANY})'\. +(?:Reason: (?P<object>[^.]*)\. *)?{ANY}?From: (?P<rhost>{_IP})\.?"),
            *_told(rf"failed authentication for user (?P<user>[^' ]*)\. +(?:Reason: (?P<object>[^.]*)\. *)?{ANY}?From: (?P<rhost>{_IP})\.?"),
        ),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, "service": None},
    ),
    Pattern(
        "told-authenticated",
        ("system",),
        _told(
            rf"authenticated for user '(?P<user>{ANY}?)'\. +(?:EAP outer identity '[^']*', inner identity '[^']*', )?"
            rf"(?:(?P<object>auth profile '[^']*'){ANY}? )?From: (?P<rhost>{_IP})\.?"
        ),
        Kind.SESSION_START,
        set={"service": None},
    ),
    Pattern(
        "log-cleared",
        ("system",),
        _told(rf"(?P<object>Log type [a-z-]+) cleared by user (?P<user>{ANY})"),
        Kind.LOG_CLEARED,
        set={"service": None},
    ),
    Pattern(
        "told-ssh-failed",
        ("system",),
        _told(rf"Failed (?:password|keyboard-interactive/pam) for (?:invalid user )?(?P<user>{ANY}) {_SSH_PEER}"),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, "service": str(Service.SSH)},
    ),
    Pattern(
        "told-ssh-accepted",
        ("system",),
        _told(rf"Accepted (?P<object>[a-z/-]+) for (?P<user>{ANY}) {_SSH_PEER}"),
        Kind.AUTH_SUCCESS,
        set={"auth_method": "unknown", "service": str(Service.SSH)},
    ),
    Pattern("told", ("system",), (f"^system{SEPARATOR}",), why="a message of the device that is no access"),
    Pattern("user-created", ("user-created",), _change("user-created", "target_user"), Kind.ACCOUNT_CHANGE, services=_DOORS),
    Pattern("user-deleted", ("user-deleted",), _change("user-deleted", "target_user"), Kind.ACCOUNT_CHANGE, services=_DOORS),
    Pattern("user-changed", ("user-changed",), _change("user-changed", "target_user"), Kind.ACCOUNT_CHANGE, services=_DOORS),
    Pattern("configured", ("configured",), _change("configured"), Kind.CONFIG_CHANGE, services=_DOORS),
    *passing.PATTERNS,
    Pattern("passed", (passing.NOTHING,), (rf"^{passing.NOTHING}$",), why="a connection that is no part of a story"),
    Pattern("course", ("course",), ("^course$",), why="a step of a connection without result, or a change that failed"),
    Pattern("other-row", ("other",), ("^other$",), why="traffic, threats and other rows"),
)


def _cell(cells: Sequence[str], place: int) -> str:
    """Return a cell as text that can be laid out; empty where the row is too short."""
    value = cells[place] if place < len(cells) else ""
    return value.replace(SEPARATOR, " ").replace("\n", " ")


def _globalprotect(cells: Sequence[str]) -> str:
    event, status = _cell(cells, 8).replace("gw-", "gateway-", 1), _cell(cells, 28)
    if event in _LOGONS and status:
        what = _LOGONS[event] if status == "success" else "vpn-failed"
    elif event in _CONNECTED and status == "success":
        what = "connected"
    elif event == "gateway-register" and status == "failure":
        what = "vpn-failed"
    elif event in {"gateway-logout", "clientlessvpn-logout"}:
        what = "vpn-logout"
    else:
        return "course"
    peer = next((value for value in (_cell(cells, 15), _cell(cells, 16)) if value not in NOBODY), "")
    given = [value for value in (_cell(cells, 17), _cell(cells, 18)) if value not in NOBODY]  # IPv4, IPv6
    inner, second = [*given, "", ""][:2]
    name = _cell(cells, 47)
    repeats = _cell(cells, 24)
    told = _cell(cells, 26) or _cell(cells, 25)
    values = (what, peer, inner, _cell(cells, 12), _cell(cells, 10), _cell(cells, 14), repeats if repeats.isdecimal() else "1", name, told)
    return SEPARATOR.join((*values, _cell(cells, 11), _cell(cells, 33), second))


def _configuration(cells: Sequence[str]) -> str:
    command, path = _cell(cells, 9), _cell(cells, 13).strip()
    if _cell(cells, 12) == "Failed":
        return "course"
    words = path.split()
    words = words[1:] if words[:1] == ["config"] else words  # before PAN-OS 9
    person = words[:2] == ["mgt-config", "users"] or "local-user-database" in words
    target = words[-1] if person and len(words) > 2 else ""
    what = "configured"
    if person:
        what = {"delete": "user-deleted", "set": "user-created"}.get(command, "user-changed")
    values = (what, _cell(cells, 7), _cell(cells, 10), command, path, target, _cell(cells, 11), _cell(cells, 12), _cell(cells, 21))
    return SEPARATOR.join(values)


def _arrange(text: str, kind: str) -> str:
    """Return the layout of one row."""
    cells = next(csv.reader([text.replace("\0", " ").replace("\r", " ").replace("\n", " ")]), [])
    if kind == "GLOBALPROTECT":
        return _globalprotect(cells)
    if kind == "CONFIG":
        return _configuration(cells)
    return SEPARATOR.join(("system", _cell(cells, 14).strip(), _cell(cells, 22)))


def _lay_out(records: pl.DataFrame) -> pl.DataFrame:
    """Lay out the rows that matter; few of a firewall's rows do, and they alone are read cell by cell."""
    text = records["message"].fill_null("")
    kind = text.str.extract(_ROW)
    ours = kind.is_in(["GLOBALPROTECT", "SYSTEM", "CONFIG"]).fill_null(value=False)
    made = text.zip_with(kind.is_null(), pl.Series(["other"], dtype=pl.String).new_from_index(0, len(text)))
    if ours.any():
        rows = [_row(line, name) for line, name in zip(text.filter(ours).to_list(), kind.filter(ours).to_list(), strict=True)]
        made = made.scatter(ours.arg_true(), pl.Series(rows, dtype=pl.String))
    ended = (kind == "TRAFFIC").fill_null(value=False) & text.str.contains(_ENDED, literal=True)
    flows = ended & text.str.contains(_MATTERS)
    if flows.any():
        made = made.scatter(flows.arg_true(), _passed(text.filter(flows)))
    return records.with_columns(made.alias("message"))


def _passed(texts: pl.Series) -> pl.Series:
    """Return the layout of TRAFFIC rows; behind a translated address the inner one (NAT destination) is the target."""
    rows = [_cells(text) for text in texts.to_list()]
    table = pl.DataFrame({name: [_cell(cells, place) for cells in rows] for name, place in _FLOW.items()}, schema=dict.fromkeys(_FLOW, pl.String))
    told = ~table["nat"].is_in(sorted(NOBODY))
    return passing.lay(
        table.with_columns(
            addresses(table["src_ip"]).alias("src_ip"),
            addresses(table["nat"].zip_with(told, table["dst_ip"])).alias("dst_ip"),
            pl.when(pl.col("user") != "").then("user").alias("user"),
        )
    )


def _cells(text: str) -> Sequence[str]:
    try:
        return next(csv.reader([text]), [])
    except csv.Error:  # a field larger than the reader takes
        return []


def _row(text: str, kind: str) -> str:
    try:
        return _arrange(text, kind)
    except csv.Error:  # a field larger than the reader takes
        return text


def _pair(events: pl.DataFrame) -> pl.DataFrame:
    """Give the events of a client the session ``user@address``, and a row that names no device its collector's host; a connection has neither."""
    events = ensure(events, "user", "src_ip", "session", "host", "observer", "host_ip")
    passed = pl.col("host_ip").is_not_null()
    apart = pl.col("kind").is_in([str(Kind.CONFIG_CHANGE), str(Kind.ACCOUNT_CHANGE)]) | passed
    pair = pl.concat_str(pl.col("user").fill_null(""), pl.lit("@"), "src_ip")
    return events.with_columns(pl.when(~apart).then(pair).alias("session"), pl.when(~passed).then(pl.coalesce("host", "observer")).alias("host"))


SOURCE = PatternSource(
    name="panos",
    title="Palo Alto Networks PAN-OS",
    programs=("panos",),
    patterns=PATTERNS,
    service=Service.VPN,
    claims_message=_ROW,
    prepare=_lay_out,
    finish=_pair,
    references=("https://docs.paloaltonetworks.com/pan-os/11-1/pan-os-admin/monitoring/use-syslog-for-monitoring/syslog-field-descriptions",),
)
