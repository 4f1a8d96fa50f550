r"""Cisco ASA and Firepower Threat Defense, by message number (also PIX).

``Jan  5 2026 12:00:00 fw01 : %ASA-6-113039: Group <staff> User <ann> IP <192.0.2.7> AnyConnect parent session started.``

One logon over AnyConnect gives several messages. Exactly one is the ``auth_success``, and has user and public address: 113039, for clientless
sessions 716001, for IKEv1 clients 713052. The others corroborate:

==============================  ====================================================================================
message                         becomes
==============================  ====================================================================================
113039, 716001, 713052          ``auth_success``; whether a password, a certificate or SAML was used is not told: method unknown
716059                          ``auth_success``, method token: the session goes on from another address (``extra.previous_ip``)
113004, 113012                  ``session_start``: the AAA server or local database said yes; no address
716038, 611101, 722022, 721016  ``session_start``
722051, 751025, 713228, 737026  ``session_start`` with ``assigned_ip``; 109201 likewise
113005, 113015                  ``auth_failure``; ``auth_stopped`` where the reason is told only to who knows the password (expired, disabled)
716039, 605004, 611102          ``auth_failure``: the same attempt as 113005 or 113015, told again
113029, 113035, 113038, 734002  ``auth_stopped`` (as 713905 for a user with too many sessions): the logon was good, the session was refused
113019, 716002, 713050          ``session_end``; ``bytes_in`` is what the device received from the client
716058                          ``session_end`` of the connection only: the session waits to be resumed, from wherever (716059)
603104, 603106, 603108          ``auth_success`` of PPTP or L2TP, with ``assigned_ip``; 603105, 603107, 603109 ``session_end``
605005                          ``auth_success`` of an administrator
109005, 109006                  ``auth_success``, ``auth_failure`` of a user who wants through; 308001 ``auth_failure``: the enable password
109011, 109012                  ``session_start``, ``session_end`` of that user
606001, 606002                  ``connection`` of ASDM, and its end
111008, 111010, 5021xx          ``exec``, ``config_change``, ``account_change``
106xxx, 302013 …, 710003        flows; a denied one towards a port of remote access is ``connection_denied``, one that led out to SSH or VNC
                                ``logon_out``, pattern ``outbound-flow``
==============================  ====================================================================================

The messages bear no session id, so ``session`` is ``user@address`` of the client, which all messages of a logon share; 716058 and 716059 keep the
one of the address the session began with. ``asa:0x…`` is the id of the messages that have one. A name hidden by the device (``*****``) is null.
A number not in the table is ignored as another message.

References: https://www.cisco.com/c/en/us/td/docs/security/asa/syslog/b_syslog.html
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import KIND, Kind, Service, ensure
from gatewatch.schema.platform import OUTBOUND
from gatewatch.sources import cisco_asa_admin, cisco_asa_vpn
from gatewatch.sources.cisco_asa_admin import GONE_OUT
from gatewatch.sources.flow import OUTWARD_PORTS, inner, public
from gatewatch.sources.pattern import Pattern, PatternSource
from gatewatch.sources.resolver import map_values

_TABLE = cisco_asa_vpn.PATTERNS + cisco_asa_admin.PATTERNS
_NUMBERS = sorted({head[:6] for pattern in _TABLE for head in pattern.heads})
_OTHER = "other message"
_STAMP = r"(?:[A-Z][a-z]{2} [ 0-9]?[0-9] (?:[0-9]{4} )?[0-9:.]{8,18}(?: [A-Z]{3,5})?: ?)?"
_MARK = rf"^[: ]*{_STAMP}%(?:ASA|FTD|PIX|FWSM)-(?:[A-Za-z]+-)?[0-7]-([0-9]{{6}})(?:: ?| )"
# a collector that keeps only the text: what these words begin is 113005 and its like
_BARE = r"^: AAA user authentication Rejected"
_NO_SESSION = (
    *(Kind.LOGON_OUT, Kind.CONNECTION, Kind.CONNECTION_CLOSED, Kind.CONNECTION_DENIED),
    *(Kind.BAN, Kind.EXEC, Kind.CONFIG_CHANGE, Kind.ACCOUNT_CHANGE),
)


def _number(records: pl.DataFrame) -> pl.DataFrame:
    """Put the number of each message before its text; a number of no pattern leaves no text."""
    text = pl.col("message").fill_null("")
    coded = records.with_columns(
        pl.when(pl.col("program").str.starts_with("%")).then(pl.col("program").str.tail(6)).alias("zz_code"),
        text.str.extract(_MARK).alias("zz_mark"),
        text.str.contains(_BARE).alias("zz_bare"),
    )
    inner = pl.col("zz_mark").is_not_null()
    code = pl.coalesce("zz_mark", "zz_code", pl.when("zz_bare").then(pl.lit("113005")))
    body = pl.when(inner).then(text.str.replace(_MARK, "")).otherwise(text.str.strip_prefix(": "))
    known = code.is_in(_NUMBERS)
    code = pl.when((code == "302014") & body.str.contains(rf"/(?:{OUTWARD_PORTS}) to ")).then(pl.lit(GONE_OUT)).otherwise(code)
    message = pl.when(known).then(pl.concat_str(code, pl.lit(": "), body)).when(code.is_not_null()).then(pl.lit(_OTHER)).otherwise(text)
    return coded.with_columns(message.alias("message")).drop("zz_code", "zz_mark", "zz_bare")


def _pair(events: pl.DataFrame) -> pl.DataFrame:
    """Give the events of a client the session ``user@address``; the address of a site is no user, and an inner address may be IPv6 only."""
    events = ensure(events, "user", "src_ip", "session", "extra", "assigned_ip", "host_ip", "dst_ip", "src_port", "dst_port", "service")
    inner = pl.col("pattern").is_in(["address-assigned", "ikev2-address-assigned"]) & pl.col("assigned_ip").is_null()
    events = events.with_columns(pl.when(pl.col("user").ne_missing(pl.col("src_ip"))).then("user").alias("user"))
    if events.select(inner.any()).item():
        told = events["extra"].str.json_path_match("$.ipv6")
        events = events.with_columns(pl.when(inner).then(pl.lit(map_values(told, canonical_address))).otherwise("assigned_ip").alias("assigned_ip"))
    events = _led_out(events)
    resumed = pl.col("pattern") == "session-resumed"
    began = pl.when(resumed).then(pl.coalesce(pl.col("extra").str.json_path_match("$.previous_ip"), "src_ip")).otherwise("src_ip")
    made = pl.concat_str(pl.col("user").fill_null(""), pl.lit("@"), began)
    apart = pl.col("kind").is_in([str(kind) for kind in _NO_SESSION])
    return events.with_columns(pl.when(pl.col("session").is_null() & ~apart).then(made).otherwise("session").alias("session"))


def _led_out(events: pl.DataFrame) -> pl.DataFrame:
    """Keep as such only the connections that led from an inner address to a public one; the others are ended flows like any."""
    led = pl.col("pattern") == OUTBOUND
    wrong = led & ~(inner("src_ip") & public("dst_ip"))
    if not events.select(wrong.any()).item():
        return events
    cleared = [pl.when(~wrong).then(pl.col(name)).alias(name) for name in ("host_ip", "service", "src_ip", "src_port", "dst_ip", "dst_port")]
    return events.with_columns(
        *cleared,
        pl.when(wrong).then(pl.lit(str(Kind.CONNECTION_CLOSED), KIND)).otherwise("kind").alias("kind"),
        pl.when(wrong).then(pl.lit("flow-ended")).otherwise("pattern").alias("pattern"),
        pl.when(wrong).then("observer").otherwise("host").alias("host"),
    )


SOURCE = PatternSource(
    name="cisco-asa",
    title="Cisco ASA and Firepower Threat Defense",
    programs=("CiscoASA", "ciscoasa"),
    patterns=(*_TABLE, Pattern("other-message", (_OTHER,), (rf"^{_OTHER}$",), why="a message about other things than access")),
    service=Service.VPN,
    claims=r"^%(?:ASA|FTD|PIX|FWSM)-(?:[A-Za-z]+-)?[0-7]-[0-9]{6}$",
    claims_message=rf"{_MARK}|{_BARE}",
    prepare=_number,
    finish=_pair,
    references=("https://www.cisco.com/c/en/us/td/docs/security/asa/syslog/b_syslog.html",),
)
