r"""Cisco IOS, IOS XE and NX-OS: logons to the device itself and changes of its configuration.

``%SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: ann] [Source: 203.0.113.7] [localport: 22] at 12:00:00 UTC Mon Jan 5 2026``

=============================================  ============================================================================
message                                        becomes
=============================================  ============================================================================
SEC_LOGIN LOGIN_SUCCESS, LOGIN_FAILED          ``auth_success``, ``auth_failure``; the service is told by the local port
SSH SSH2_USERAUTH                              ``session_start``, ``auth_failure``: the same logon, told by SSH
SSH SSH2_SESSION                               ``connection``
DMI AUTH_PASSED, AUTHENTICATION_FAIL           ``auth_success``, ``auth_failure`` (NETCONF)
AUTHPRIV SYSTEM_MSG                            ``auth_failure`` (NX-OS)
SYS LOGOUT                                     ``session_end``
SYS CONFIG_I, PARSER CFGLOG_LOGGEDCMD          ``config_change``
=============================================  ============================================================================

Without ``login on-success log`` and its like a device tells of no logon. Other messages are ignored.

References: https://www.cisco.com/c/en/us/td/docs/ios-xml/ios/sec_usr_cfg/configuration/xe-16/sec-usr-cfg-xe-16-book/sec-login-enhance.html
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource

_IP = r"[0-9A-Fa-f.:]*[0-9A-Fa-f:]"
_PASSWORD = {"auth_method": "password"}
_UNKNOWN = {"auth_method": "unknown"}
_PORTS = {"22": Service.SSH, "23": Service.TELNET, "80": Service.WEB, "443": Service.WEB, "0": Service.LOCAL}
_LOGIN = (
    r"\[user: ?(?P<user>[^\]]*)\] ?\[Source: ?(?P<rhost>[^\] ]*)\] ?\[localport: ?(?P<service>[0-9]+)\]"
    r"(?: \[Reason: ?(?P<object>[^\]]*)\])?(?: at [ -~]*)?"
)
_OTHER = "other message"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "ios-login",
        ("SEC_LOGIN-LO",),
        (rf"^SEC_LOGIN-LOGIN_SUCCESS: Login Success {_LOGIN}$",),
        Kind.AUTH_SUCCESS,
        set=_UNKNOWN,
        services=_PORTS,
    ),
    Pattern(
        "ios-failed",
        ("SEC_LOGIN-LO",),
        (rf"^SEC_LOGIN-LOGIN_FAILED: Login failed {_LOGIN}$",),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        services=_PORTS,
    ),
    Pattern(
        "ios-ssh-accepted",
        ("SSH-SSH2_USE",),
        (rf"^SSH-SSH2_USERAUTH: User '(?P<user>[^']*)' authentication for SSH2 Session from (?P<rhost>{_IP}) [^']*using [ -~]* Succeeded$",),
        Kind.SESSION_START,
        set={"service": str(Service.SSH)},
    ),
    Pattern(
        "ios-ssh-failed",
        ("SSH-SSH2_USE",),
        (rf"^SSH-SSH2_USERAUTH: User '(?P<user>[^']*)' authentication for SSH2 Session from (?P<rhost>{_IP}) [^']*using [ -~]* Failed$",),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, "service": str(Service.SSH)},
    ),
    Pattern(
        "ios-ssh-connected",
        ("SSH-SSH2_SES",),
        (rf"^SSH-SSH2_SESSION: SSH2 Session request from (?P<rhost>{_IP}) [ -~]*$",),
        Kind.CONNECTION,
        set={"service": str(Service.SSH)},
    ),
    Pattern(
        "ios-netconf",
        ("DMI-AUTH_PAS",),
        (
            (
                rf"^DMI-AUTH_PASSED: [^']*User '(?P<user>[^']*)' authenticated successfully from (?P<rhost>{_IP}):(?P<src_port>[0-9]+)"
                r"[^']*$"
            ),
        ),
        Kind.AUTH_SUCCESS,
        set={**_UNKNOWN, "service": str(Service.SSH)},
    ),
    Pattern(
        "ios-netconf-failed",
        ("DMI-AUTHENTI",),
        (rf"^DMI-AUTHENTICATION_FAIL: [^']*Authentication failure from (?P<rhost>{_IP}):(?P<src_port>[0-9]+) [^']*$",),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, "service": str(Service.SSH)},
    ),
    Pattern(
        "nxos-failed",
        ("AUTHPRIV-SYS",),
        (rf"^AUTHPRIV-SYSTEM_MSG: pam_aaa: ?Authentication failed for user (?P<user>[^ ]*) from (?P<rhost>{_IP}) - [a-z]+\[[0-9]+\]$",),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, "service": str(Service.SSH)},
    ),
    Pattern(
        "ios-logout",
        ("SYS-LOGOUT: ",),
        (r"^SYS-LOGOUT: User (?P<user>[^ ]*) has exited tty session (?P<object>[0-9]+)\((?P<rhost>[^)]*)\)\.?$",),
        Kind.SESSION_END,
        set={"service": None},
    ),
    Pattern(
        "ios-configured",
        ("SYS-CONFIG_I", "VSHD-VSHD_SY"),
        (
            (
                rf"^(?:SYS-CONFIG_I|VSHD-VSHD_SYSLOG_CONFIG_I): Configured from (?P<object>[^ ]+(?: [^ ]+)?) by (?P<user>[^ ]+) "
                rf"on (?P<x_line>[^ ]+)(?: \((?P<rhost>{_IP})\)|@{_IP})?$"
            ),
            rf"^(?:SYS-CONFIG_I|VSHD-VSHD_SYSLOG_CONFIG_I): Configured from (?P<object>[^ ]+(?: by [^ ]+)?)(?: \((?P<rhost>{_IP})\))?$",
        ),
        Kind.CONFIG_CHANGE,
        set={"service": None},
    ),
    Pattern(
        "ios-command",
        ("PARSER-CFGLO",),
        (r"^PARSER-CFGLOG_LOGGEDCMD: User: ?(?P<user>[^ ]+) +logged command: ?(?P<command>.*)$",),
        Kind.CONFIG_CHANGE,
        set={"service": None},
    ),
    Pattern("ios-other", (_OTHER,), (rf"^{_OTHER}$",), why="a message about other things than access"),
)
_FACILITY = (
    r"(?:SEC_LOGIN|SSH|DMI|AUTHPRIV|SYS|VSHD|PARSER|AAA|LINK|LINEPROTO|LOGIN|AUTHMGR|DOT1X|CRYPTO|CDP|LLDP|OSPF|BGP|HSRP|SNMP|TACACS|RADIUS|HA_EM|"
    r"SW_MATM|ILPOWER|PLATFORM|IOSXE|SMART_LIC|ACL_LOG|ETHPORT|DAEMON|USER)"
)
_STAMP = r"[*.]?(?:[A-Z][a-z]{2} [ 0-9]?[0-9] (?:[0-9]{4} )?[0-9:.]{8,15}(?: [A-Z]{3,5})?: )?"
_CODE = r"%([A-Z][A-Z0-9_]*)(?:-[A-Z0-9_]+)?-[0-7]-([A-Z0-9_]+)"


def _coded(records: pl.DataFrame) -> pl.DataFrame:
    """Put facility and mnemonic, which the header may have as program, before the text; a message of no pattern leaves no text."""
    inner = pl.col("message").fill_null("").str.extract_groups(rf"^{_STAMP}{_CODE}: ?")
    outer = pl.col("program").fill_null("").str.extract_groups(rf"^{_CODE}$")
    within = inner.struct["1"].is_not_null()
    code = pl.coalesce(
        pl.concat_str(inner.struct["1"], pl.lit("-"), inner.struct["2"]), pl.concat_str(outer.struct["1"], pl.lit("-"), outer.struct["2"])
    )
    heads = sorted({head[:8] for pattern in PATTERNS for head in pattern.heads if pattern.kind is not None})
    known = pl.any_horizontal(code.str.starts_with(head) for head in heads).fill_null(value=False)
    body = pl.when(within).then(pl.col("message").str.replace(rf"^{_STAMP}{_CODE}: ?", "")).otherwise(pl.col("message").fill_null(""))
    text = pl.when(known).then(pl.concat_str(code, pl.lit(": "), body)).otherwise(pl.lit(_OTHER))
    return records.with_columns(text.alias("message"))


SOURCE = PatternSource(
    name="cisco-ios",
    title="Cisco IOS, IOS XE and NX-OS",
    programs=(),
    patterns=PATTERNS,
    claims=rf"^%{_FACILITY}(?:-[A-Z0-9_]+)?-[0-7]-[A-Z0-9_]+$",
    claims_message=rf"^{_STAMP}%{_FACILITY}(?:-[A-Z0-9_]+)?-[0-7]-[A-Z0-9_]+: ",
    prepare=_coded,
    references=("https://www.cisco.com/c/en/us/td/docs/ios-xml/ios/sec_usr_cfg/configuration/xe-16/sec-usr-cfg-xe-16-book/sec-login-enhance.html",),
)
