r"""Juniper Junos (SRX, MX, EX): logons of administrators, firewall authentication, commits, and flows of the SRX.

``mgd[5555]: UI_LOGIN_EVENT: User 'ann' login, class 'j-super-user' [5555], ssh-connection '203.0.113.7 50222 192.0.2.1 22', client-mode 'cli'``
``RT_FLOW: RT_FLOW_SESSION_DENY: session denied 203.0.113.9/40110->10.1.1.10/22 0x0 junos-ssh 6(0) default-deny untrust trust …``

=============================================  ============================================================================
message                                        becomes
=============================================  ============================================================================
UI_LOGIN_EVENT, UI_LOGOUT_EVENT                ``session_start``, ``session_end``: sshd tells the logon itself
UI_COMMIT, UI_COMMIT_COMPLETED with a user     ``config_change``
FWAUTH_…_SUCCESS, WEBAUTH …, _FAIL             ``auth_success``, ``auth_failure``
DYNAMIC_VPN_AUTH_OK, _FAIL                     the same of the dynamic VPN
RT_FLOW_SESSION_CREATE, _CLOSE, _DENY          ``connection``, ``connection_closed``; ``connection_denied`` at a port of remote access
=============================================  ============================================================================

Structured data (``RT_FLOW_SESSION_DENY [junos@2636… source-address="…"…]``) is read as the text is. What sshd says on Junos is read by the source
sshd, what login says by login.

References: https://apps.juniper.net/syslog-explorer/
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.key_value import ANY, lay_out, layout
from gatewatch.sources.pattern import Pattern, PatternSource
from gatewatch.sources.port import ALTERNATIVES, NAMED

_IP = r"[0-9A-Fa-f.:]*[0-9A-Fa-f:]"
_SERVICES = {str(port): service for port, service in NAMED.items()}
_PASSWORD = {"auth_method": "password"}
_WEB = {"service": str(Service.WEB)}
_VPN = {"service": str(Service.VPN)}
_FLOW = ("rhost", "src_port", "dhost", "dst_port={port}", f"x_proto={ANY}", "x_policy")


def _flow(what: str, port: str) -> tuple[str, ...]:
    """Return the regex of a flow laid out, towards a port that fits *port*."""
    ends = tuple(group.format(port=f"(?P<service>{port})") if "{port}" in group else group for group in _FLOW)
    return (layout((f"={what}", *ends)),)


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "junos-session",
        ("UI_LOGIN_EVE",),
        (
            (
                r"^UI_LOGIN_EVENT: User '(?P<user>[^']*)' login, class '[^']*' ?(?:\[[0-9]+\])?,? ?(?:ssh-connection '(?P<rhost>[^' ]*)"
                r"(?: (?P<src_port>[0-9]+))?[^']*')?(?:, client-mode '[^']*')?$"
            ),
        ),
        Kind.SESSION_START,
        set={"service": None},
    ),
    Pattern(
        "junos-session-ended", ("UI_LOGOUT_EV",), (r"^UI_LOGOUT_EVENT: User '(?P<user>[^']*)' logout$",), Kind.SESSION_END, set={"service": None}
    ),
    Pattern(
        "junos-committed",
        ("UI_COMMIT: ",),
        (
            (
                r"^UI_COMMIT: User '(?P<user>[^']*)' (?:requested|performed) '?(?P<object>commit[^'()]*)'?(?: operation)?"
                r"(?: \(comment: (?P<x_comment>.*)\))?$"
            ),
        ),
        Kind.CONFIG_CHANGE,
        set={"service": None},
    ),
    Pattern(
        "junos-portal-accepted",
        ("FWAUTH_",),
        (rf"^FWAUTH_[A-Z_]*(?:SUCCESS|ACCEPT)[A-Z_]*: [A-Za-z ]*user (?P<user>[^ ]+) at (?P<rhost>{_IP}) is accepted[^<>]*$",),
        Kind.AUTH_SUCCESS,
        set={**_PASSWORD, **_WEB},
    ),
    Pattern(
        "junos-portal-refused",
        ("FWAUTH_",),
        (rf"^FWAUTH_[A-Z_]*FAIL[A-Z_]*: [A-Za-z ]*user (?P<user>[^ ]+) at (?P<rhost>{_IP}) is (?:rejected|refused|failed)[^<>]*$",),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, **_WEB},
    ),
    Pattern(
        "junos-vpn-accepted",
        ("DYNAMIC_VPN_",),
        (r"^DYNAMIC_VPN_AUTH_OK: The dynamic vpn authentication for username (?P<user>[^ ]+) (?:is successful|succeeded)\.?$",),
        Kind.AUTH_SUCCESS,
        set={**_PASSWORD, **_VPN},
    ),
    Pattern(
        "junos-vpn-refused",
        ("DYNAMIC_VPN_",),
        (r"^DYNAMIC_VPN_AUTH_FAIL: The dynamic vpn authentication for username (?P<user>[^ ]+) failed\.?$",),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, **_VPN},
    ),
    Pattern("junos-denied", ("flow-deny",), _flow("flow-deny", ALTERNATIVES), Kind.CONNECTION_DENIED, services=_SERVICES),
    Pattern("junos-flow", ("flow-create", "flow-deny"), _flow("flow-(?:create|deny)", ANY), Kind.CONNECTION, services=_SERVICES),
    Pattern("junos-flow-closed", ("flow-close",), _flow("flow-close", ANY), Kind.CONNECTION_CLOSED, services=_SERVICES),
    Pattern("junos-other", (), (r"^(?:[A-Z][A-Z0-9]*_[A-Z0-9_]+(?::|$| )|[a-z_]+: )",), why="the device, no access"),
)

_TEXT = rf"(?P<rhost>{_IP})/(?P<src_port>[0-9]+)->(?P<dhost>{_IP})/(?P<dst_port>[0-9]+)(?: 0x[0-9a-f]+)? "


def _arrange(records: pl.DataFrame) -> pl.DataFrame:
    """Lay out the flows, whichever way they were written; the name of a message stands before its text."""
    text = records["message"].fill_null("")
    data = records["fields"].fill_null("") if "fields" in records.columns else pl.Series([""], dtype=pl.String).new_from_index(0, len(text))
    flow = text.str.contains(r"^(?:RT_FLOW: )?RT_FLOW_SESSION_(?:CREATE|DENY|CLOSE)") | data.str.contains(r"^\[junos@[^\n]* source-address=")
    if not flow.any():
        return records
    part = pl.DataFrame({"text": text, "data": data}).filter(flow)
    said = pl.col("text").str.extract_groups(_TEXT)

    def told(key: str) -> pl.Expr:
        both = pl.concat_str("data", pl.lit(" "), "text")
        return both.str.extract(rf'[ \[]{key}="([^"]*)"')

    verb = (
        pl.when(
            pl.col("text").str.contains("session denied|SESSION_DENY")
            | (told("reason").str.contains("(?i)deny|denied") & told("elapsed-time").is_null())
        )
        .then(pl.lit("flow-deny"))
        .when(pl.col("text").str.contains("session closed|SESSION_CLOSE") | told("elapsed-time").is_not_null())
        .then(pl.lit("flow-close"))
        .otherwise(pl.lit("flow-create"))
    )
    table = part.select(
        verb.alias("verb"),
        pl.coalesce(told("source-address"), said.struct["rhost"]).alias("rhost"),
        pl.coalesce(told("source-port"), said.struct["src_port"]).alias("src_port"),
        pl.coalesce(told("destination-address"), said.struct["dhost"]).alias("dhost"),
        pl.coalesce(told("destination-port"), said.struct["dst_port"]).alias("dst_port"),
        told("protocol-id").alias("proto"),
        told("policy-name").alias("policy"),
    )
    laid = lay_out(table, table.columns)
    return records.with_columns(text.scatter(flow.arg_true(), laid).alias("message"))


SOURCE = PatternSource(
    name="junos",
    title="Juniper Junos",
    programs=("mgd", "RT_FLOW", "fwauthd", "RT_IDS", "dynamic-vpn", "cscript"),
    patterns=PATTERNS,
    claims_message=r"^(?:UI_(?:LOGIN|LOGOUT|COMMIT)[A-Z_]*: |(?:RT_FLOW: )?RT_FLOW_SESSION_|FWAUTH_[A-Z_]+: |DYNAMIC_VPN_AUTH_)",
    prepare=_arrange,
    references=("https://apps.juniper.net/syslog-explorer/",),
)
