r"""The stamps of firewalls that bear their own within the text, beside a collector's header or without any.

===========  =========================================================================================================
SonicWall    ``id=firewall sn=… time="2026-01-05 12:00:00 UTC" fw=…``; without ``UTC`` the wall clock of the device
Sophos       ``device="SFW" date=2026-01-05 time=12:00:00 timezone="CET" …``, ``… timestamp="2026-01-05T12:00:00+0100" …``
WatchGuard   ``Jan  5 13:00:00 fw01 80A1… (2026-01-05T12:00:00) admd[123]: …``: the time in brackets is UTC
Meraki       ``<134>1 1767614400.123456789 fw01 events …``
Cisco IOS    ``<189>123: *Jan  5 12:00:00.123: %SEC_LOGIN-5-…``: the message's name becomes the program
RouterOS     ``jan/05/2026 12:00:00 system,info,account …``, and with the topics first of all
===========  =========================================================================================================

References: the sources of these names.
"""

from __future__ import annotations

import polars as pl

from gatewatch.intake.header import ISO, ZONES, TextFraming, in_turn
from gatewatch.schema.framing import Framing

_PRI = r"^(?:<[0-9]{1,3}>)? ?(?:1 )?"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_DAY = r"[A-Z][a-z]{2} [ 0-9]?[0-9]"
_BSD = rf"{_DAY} {_CLOCK}(?:\.[0-9]{{1,6}})?"
_ABOVE = "\x1f"
_OUTER = rf"(?:(?:{_BSD}|{_DAY} [12][0-9]{{3}} {_CLOCK}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[^ ]+) +(?:(?P<host>[^ =,]+) +)?(?:- ){{0,4}})?"

_SONICWALL = r"id=[^ =]+ +sn=[0-9A-Za-z]+ +time="
SONICWALL = TextFraming(Framing.SYSLOG_ISO, rf'{_PRI} ?{_OUTER}(?:[0-9A-Fa-f.:]+ +)?(?P<message>{_SONICWALL}"{ISO}".*)$', "iso", "sonicwall")

_SOPHOS = r'(?:device="SFW" date=[0-9-]{10} time=[0-9:]{8} timezone="[^"]*" |device_name="[^"]*" timestamp="[0-9-]{10}T)'
_SOPHOS_TOLD = TextFraming(
    Framing.SYSLOG_ISO,
    rf'{_PRI}{_OUTER}(?P<message>device_name="[^"]*" timestamp="{ISO}".*)$',
    "iso",
    "sophos",
)
_SOPHOS_PUT = TextFraming(
    Framing.SYSLOG_ISO,
    rf"^{ISO.replace('| UTC| GMT)', f'| (?:{ZONES}))')}(?: [A-Za-z]*)?{_ABOVE}(?:<[0-9]{{1,3}}>)? ?{_OUTER}(?P<message>device=.*)$",
    "iso",
    "sophos",
)

_MERAKI = (
    r"(?:events|flows|firewall|vpn_firewall|cellular_firewall|urls|ids-alerts|security_event|airmarshal_events|ip_flow_start|ip_flow_end|l7_firewall)"
)
MERAKI = TextFraming(
    Framing.SYSLOG_ISO,
    rf"{_PRI}(?:(?:{_BSD}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[^ ]+) +(?:[^ ]+ +)?(?:1 )?)?"
    rf"(?P<stamp>[0-9]{{9,10}}\.[0-9]{{1,9}}) (?P<host>[^ ]+) (?P<message>{_MERAKI}\b.*)$",
    "epoch",
    "meraki",
)

_IOS = r"%[A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+)?-[0-7]-[A-Z0-9_]+"
_IOS_TEXT = rf"(?P<program>{_IOS}): ?(?P<message>.*)$"
_IOS_HEAD = rf"{_PRI}(?:{_BSD} +(?P<host>[^ ]+) +)?(?:[0-9]+: +)?(?:[A-Za-z0-9_.-]+: +)?(?:[0-9]+: +)?[*.]?"
_ZONE = r"(?: [A-Z]{3,5})?"
IOS = (
    TextFraming(Framing.SYSLOG_BSD, rf"{_IOS_HEAD}(?P<stamp>{_DAY} [12][0-9]{{3}} {_CLOCK}(?:\.[0-9]{{1,6}})?){_ZONE}: {_IOS_TEXT}", "bsd-year"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_IOS_HEAD}(?P<stamp>[12][0-9]{{3}} {_DAY} {_CLOCK}(?:\.[0-9]{{1,6}})?){_ZONE}: +{_IOS_TEXT}", "year-first"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_IOS_HEAD}(?P<stamp>{_BSD}){_ZONE}: {_IOS_TEXT}", "bsd"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_PRI}(?P<stamp>{_BSD}) +(?P<host>[^ ]+) +(?:[0-9]+: +)?(?:[A-Za-z0-9_.-]+: +)?{_IOS_TEXT}", "bsd"),
    TextFraming(Framing.SYSLOG_ISO, rf"{_PRI}{ISO} +(?P<host>[^ ]+) +(?:[0-9]+: +)?(?:[^%]{{0,60}}: +)?{_IOS_TEXT}", "iso"),
)

_WATCHGUARD = rf"\([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}\) [A-Za-z0-9_-]+(?:\[[0-9]+\])?: "
WATCHGUARD = TextFraming(
    Framing.SYSLOG_ISO,
    rf"^(?P<stamp>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} {_CLOCK})(?P<zone>Z){_ABOVE}(?:<[0-9]{{1,3}}>)? ?"
    rf"(?:{_BSD}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[^ ]+) +"
    rf"(?P<host>[^ ]+) +(?:[^ ]+ +)?\([^)]*\) (?P<program>[A-Za-z0-9_-]+)(?:\[(?P<pid>[0-9]+)\])?: (?P<message>.*)$",
    "iso",
)

_TOPICS = r"(?:system|ppp|pptp|l2tp|sstp|ovpn|pppoe|ipsec|hotspot|manager|firewall|account|radius|ssh|web-proxy|wireguard)(?:,[a-z0-9-]+){1,5}"
ROUTEROS = TextFraming(
    Framing.SYSLOG_ISO,
    rf"^(?:(?P<stamp>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} {_CLOCK})|{_CLOCK}) (?P<message>{_TOPICS}:? .*)$",
    "iso",
    "routeros",
)
_ROUTEROS_OLD = TextFraming(
    Framing.SYSLOG_ISO,
    rf"^(?P<stamp>[0-9]{{2}}/[A-Z][a-z]{{2}}/[0-9]{{4}} {_CLOCK}){_ABOVE}(?P<message>{_TOPICS}:? .*)$",
    "common",
    "routeros",
)
_ROUTEROS_DATE = rf"^([a-z])([a-z]{{2}})/([0-9]{{2}})/([0-9]{{4}}) ({_CLOCK}) ({_TOPICS}:? .*)$"

GATE = (
    rf"{_SONICWALL}\"[0-9]|{_SOPHOS}|[0-9]{{9,10}}\.[0-9]{{1,9}} [^ ]+ {_MERAKI} |{_CLOCK}(?:\.[0-9]{{1,6}})?[^%]{{0,120}} ?{_IOS}:|{_WATCHGUARD}|"
    rf"^(?:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} |[a-z]{{3}}/[0-9]{{2}}/[0-9]{{4}} ){_CLOCK} {_TOPICS}:? "
)
HOLDS = (
    r' sn=|device="SFW"|device_name="| (?:events|flows|firewall|ids-alerts|security_event|urls|ip_flow|vpn_firewall|l7_firewall) |%[A-Z]|'
    r"T[0-9:]{8}\) |,[a-z]+:? "
)
_CISCO = r"%(?:ASA|FTD|PIX|FWSM)-"
_ALL = in_turn((SONICWALL, _SOPHOS_TOLD, _SOPHOS_PUT, MERAKI, *IOS, WATCHGUARD, ROUTEROS, _ROUTEROS_OLD))


def take(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of *lines* of these devices (:data:`gatewatch.intake.framed.FRAMED`), and the other lines."""
    text = pl.col("line")
    sophos = text.str.extract_groups(r'device="SFW" date=(?P<date>[0-9-]{10}) time=(?P<clock>[0-9:]{8}) timezone="(?P<zone>[A-Za-z]*)"')
    put = pl.concat_str(sophos.struct["date"], pl.lit(" "), sophos.struct["clock"], pl.lit(" "), sophos.struct["zone"], pl.lit(_ABOVE), text)
    bracket = text.str.extract_groups(rf"\((?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})T(?P<clock>{_CLOCK})\) [A-Za-z0-9_-]+(?:\[[0-9]+\])?: ")
    utc = pl.concat_str(bracket.struct["date"], pl.lit(" "), bracket.struct["clock"], pl.lit("Z"), pl.lit(_ABOVE), text)
    old = text.str.extract_groups(_ROUTEROS_DATE)
    dated = pl.concat_str(
        old.struct["3"],
        pl.lit("/"),
        old.struct["1"].str.to_uppercase(),
        old.struct["2"],
        pl.lit("/"),
        old.struct["4"],
        pl.lit(" "),
        old.struct["5"],
        pl.lit(_ABOVE),
        old.struct["6"],
    )
    cisco = lines.select(text.str.contains(_CISCO).alias("c"))["c"]
    ours, others = lines.filter(~cisco), lines.filter(cisco)
    taken, left = _ALL(ours.with_columns(pl.coalesce(put, utc, dated, text).alias("line")))
    back = ours.filter(pl.col("record").is_in(left["record"].implode())) if left.height else ours.clear()
    return taken, pl.concat([back, others]).sort("record")
