r"""Sophos Firewall (XG, XGS): logons of VPN users, of users of the firewall and of administrators (``key="value"``).

``device="SFW" date=2026-01-05 time=12:00:00 timezone="CET" … log_component="SSL VPN Authentication" log_subtype="Authentication" status="Failed" …``

=============================================  ============================================================================
event                                          becomes
=============================================  ============================================================================
Authentication, status Successful              ``auth_success``; of the portal and the firewall itself service web
Authentication, status Failed                  ``auth_failure``
GUI, CLI: Admin, status Successful, Failed     the same for administrators
SSL VPN, IPSec, L2TP, PPTP: Established        ``session_start`` with ``assigned_ip``; Terminated: ``session_end``
traffic and the rest                           ignored
=============================================  ============================================================================

References: https://docs.sophos.com/nsg/sophos-firewall/latest/PDF/SFOS%20Logfile%20Guide.pdf
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.key_value import ANY, lay_out, layout, read
from gatewatch.sources.pattern import Pattern, PatternSource

_KEYS = (
    *("log_type", "log_component", "log_subtype", "status", "user_name", "user", "src_ip", "auth_client", "auth_mechanism", "reason", "message"),
    *("client_physical_address", "ipaddress", "start_time", "con_name", "remote_ip", "tunnel_ip", "client_host_name", "device_name"),
)
_GROUPS = ("rhost", "user", "assigned_ip", f"service={ANY}", "object", f"host={ANY}", "x_component", "x_reason", "x_mechanism")
_SERVICES = {"vpn": Service.VPN, "web": Service.WEB, "ssh": Service.SSH}
_CLAIM = r'^(?:device="SFW" date=|device_name="[^"]*" timestamp=)'


def _what(what: str) -> tuple[str, ...]:
    return (layout((f"={what}", *_GROUPS)),)


PATTERNS: tuple[Pattern, ...] = (
    Pattern("sophos-login", ("login",), _what("login"), Kind.AUTH_SUCCESS, set={"auth_method": "password"}, services=_SERVICES),
    Pattern("sophos-refused", ("refused",), _what("refused"), Kind.AUTH_FAILURE, set={"auth_method": "password"}, services=_SERVICES),
    Pattern("sophos-connected", ("connected",), _what("connected"), Kind.SESSION_START, services=_SERVICES),
    Pattern("sophos-ended", ("ended",), _what("ended"), Kind.SESSION_END, services=_SERVICES),
    Pattern("sophos-other", ("other",), ("^other$",), why="traffic, and other events than logons"),
)


def _arrange(records: pl.DataFrame) -> pl.DataFrame:
    """Lay out the events of the firewall; of all else nothing is read."""
    text = records["message"].fill_null("")
    ours = text.str.contains(_CLAIM)
    told = ours & text.str.contains(' log_type="Event" ')
    made = pl.Series(["other"], dtype=pl.String).new_from_index(0, len(text)).zip_with(ours, text)
    if told.any():
        values = read(text.filter(told), _KEYS).with_columns(pl.when(pl.all() != "").then(pl.all()))
        component = pl.col("log_component").str.to_lowercase().fill_null("")
        subtype = pl.col("log_subtype").str.to_lowercase().fill_null("")
        status = pl.col("status").str.to_lowercase().fill_null("")
        logon = (
            (subtype == "authentication")
            | ((subtype == "admin") & component.is_in(["gui", "cli", "console"]))
            | component.str.contains("authentication")
        )
        said = pl.col("message").str.to_lowercase().fill_null("")
        logon &= (subtype != "admin") | said.str.contains("log")
        tunnel = component.is_in(["ssl vpn", "ipsec", "l2tp", "pptp", "ssl vpn (remote access)", "remote access"])
        what = (
            pl.when(logon & said.str.contains("logged out|log ?out"))
            .then(pl.lit("ended"))
            .when(logon & status.str.starts_with("success"))
            .then(pl.lit("login"))
            .when(logon & status.str.starts_with("fail"))
            .then(pl.lit("refused"))
            .when(tunnel & status.is_in(["established", "connected"]))
            .then(pl.lit("connected"))
            .when(tunnel & status.is_in(["terminated", "disconnected", "expire"]))
            .then(pl.lit("ended"))
            .otherwise(pl.lit("other"))
        )
        door = (
            pl.when(component.str.contains("vpn|ipsec|l2tp|pptp"))
            .then(pl.lit("vpn"))
            .when((component == "cli") | said.str.contains("using ssh|through ssh|ssh console"))
            .then(pl.lit("ssh"))
            .otherwise(pl.lit("web"))
        )
        table = values.with_columns(
            what.alias("what"),
            door.alias("door"),
            pl.coalesce("src_ip", "remote_ip").alias("rhost"),
            pl.coalesce("user_name", "user").alias("who"),
            pl.coalesce("tunnel_ip", "ipaddress").alias("inner"),
        )
        laid = lay_out(table, ("what", "rhost", "who", "inner", "door", "message", "device_name", "log_component", "reason", "auth_mechanism"))
        laid = laid.zip_with(table["what"] != "other", pl.Series(["other"], dtype=pl.String).new_from_index(0, table.height))
        made = made.scatter(told.arg_true(), laid)
    return records.with_columns(made.alias("message"))


SOURCE = PatternSource(
    name="sophos",
    title="Sophos Firewall",
    programs=("sophos",),
    patterns=PATTERNS,
    service=Service.VPN,
    claims_message=_CLAIM,
    prepare=_arrange,
    references=("https://docs.sophos.com/nsg/sophos-firewall/latest/PDF/SFOS%20Logfile%20Guide.pdf",),
)
