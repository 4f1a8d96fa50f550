r"""Check Point gateways and management, as Log Exporter writes them (``key:"value";`` pairs in structured data).

``<134>1 2026-01-05T12:00:00Z gw01 CheckPoint 19710 - [action:"Log In"; origin:"192.0.2.1"; src:"203.0.113.7"; user:"ann"; …]``

=============================================  ============================================================================
action                                         becomes
=============================================  ============================================================================
Log In                                         ``auth_success`` with ``assigned_ip`` (``office_mode_ip``); of an administrator service web
Failed Log In                                  ``auth_failure``
Log Out                                        ``session_end``
Drop, Reject                                   ``connection_denied`` at a port of remote access, else ignored
the rest                                       ignored
=============================================  ============================================================================

A user that is told with a name before it (``Ann Lee (ann)``) is what stands in brackets. CEF and LEEF of Log Exporter are read as such.

References: https://support.checkpoint.com/results/sk/sk122323
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.key_value import ANY, lay_out, layout
from gatewatch.sources.pattern import Pattern, PatternSource
from gatewatch.sources.port import ALTERNATIVES, NAMED

_SERVICES = {"vpn": Service.VPN, "web": Service.WEB}
_PORTS = {str(port): service for port, service in NAMED.items()}
_LOGON = ("rhost", "user", "assigned_ip", f"service={ANY}", f"host={ANY}", "object", "x_product", "x_client")
_DENIED = ("rhost", "src_port", "dhost", f"dst_port=(?P<service>{ALTERNATIVES})", "x_rule")


def _logon(what: str) -> tuple[str, ...]:
    return (layout((f"={what}", *_LOGON)),)


PATTERNS: tuple[Pattern, ...] = (
    Pattern("checkpoint-login", ("login",), _logon("login"), Kind.AUTH_SUCCESS, set={"auth_method": "unknown"}, services=_SERVICES),
    Pattern("checkpoint-refused", ("refused",), _logon("refused"), Kind.AUTH_FAILURE, set={"auth_method": "password"}, services=_SERVICES),
    Pattern("checkpoint-ended", ("ended",), _logon("ended"), Kind.SESSION_END, services=_SERVICES),
    Pattern("checkpoint-denied", ("denied",), (layout(("=denied", *_DENIED)),), Kind.CONNECTION_DENIED, services=_PORTS),
    Pattern("checkpoint-other", (), ("^(?:other|denied)",), why="traffic, and other events than logons"),
)
_CLAIM = r'^\[?(?:[a-z_]+:"[^"]*"; ?)*(?:action|origin|loguid):"[^"]*"; ?'


def _arrange(records: pl.DataFrame) -> pl.DataFrame:
    """Lay out the pairs, which the header takes for structured data."""
    data = records["fields"] if "fields" in records.columns else pl.Series([None], dtype=pl.String).new_from_index(0, records.height)
    text = pl.DataFrame({"m": records["message"], "f": data}).select(
        pl.when(pl.col("m").fill_null("").str.contains(_CLAIM)).then("m").otherwise(pl.coalesce("f", "m")).fill_null("").alias("t")
    )["t"]

    def told(key: str) -> pl.Expr:
        value = pl.col("t").str.extract(rf'[\[ ;]{key}: ?"((?:[^"\\]|\\.)*)"')
        return pl.when(value != "").then(value)

    frame = text.to_frame()
    action = pl.coalesce(told("operation"), told("action")).str.to_lowercase().fill_null("")
    failed = told("auth_status").str.contains("(?i)fail") | (told("status").str.to_lowercase() == "failure")
    user = pl.coalesce(told("administrator"), told("user"), told("src_user_name"))
    product = told("product")
    admin = pl.coalesce(told("administrator").is_not_null(), pl.lit(value=False)) | product.str.contains("(?i)smart|management|gaia").fill_null(
        value=False
    )
    name = pl.coalesce(user.str.extract(r"\(([^()]+)\)$"), user.str.extract(r"(?i)^cn=([^,]+),"), user)
    logons = frame.select(
        pl.when((action == "failed log in") | ((action == "log in") & failed.fill_null(value=False)))
        .then(pl.lit("refused"))
        .when(action == "log in")
        .then(pl.lit("login"))
        .when(action == "log out")
        .then(pl.lit("ended"))
        .when(action.is_in(["drop", "reject"]))
        .then(pl.lit("denied"))
        .otherwise(pl.lit("other"))
        .alias("what"),
        pl.coalesce(told("client_ip"), told("src"), told("peer_ip")).alias("rhost"),
        name.alias("user"),
        told("office_mode_ip").alias("inner"),
        pl.when(admin).then(pl.lit("web")).otherwise(pl.lit("vpn")).alias("door"),
        pl.coalesce(told("origin"), pl.lit(None)).alias("host"),
        told("reason").alias("reason"),
        product.alias("product"),
        told("client_name").alias("client"),
        told("s_port").alias("sport"),
        told("dst").alias("dst"),
        told("service").alias("dport"),
        told("rule_name").alias("rule"),
    )
    logon = lay_out(logons, ("what", "rhost", "user", "inner", "door", "host", "reason", "product", "client"))
    denied = lay_out(logons, ("what", "rhost", "sport", "dst", "dport", "rule"))
    made = logon.zip_with(logons["what"] != "denied", denied)
    ours = text.str.contains(_CLAIM)
    return records.with_columns(made.zip_with(ours, records["message"].fill_null("")).alias("message"))


SOURCE = PatternSource(
    name="checkpoint",
    title="Check Point",
    programs=("CheckPoint", "checkpoint"),
    patterns=PATTERNS,
    service=Service.VPN,
    claims_message=_CLAIM,
    prepare=_arrange,
    references=("https://support.checkpoint.com/results/sk/sk122323",),
)
