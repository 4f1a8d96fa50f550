"""Headers that gateways write in ways of their own, recognised before the general framings, which would misread them.

Cisco puts a colon between host and message, bears two stamps where a collector added one, or no header at all; OpenVPN's own log and strongSwan's
have neither host nor program; some devices put a whole RFC 5424 header behind a classic one. CEF and LEEF, NetScaler, FortiGate and PAN-OS have
readers of their own (:mod:`.cef`, :mod:`.netscaler`, :mod:`.fortigate`, :mod:`.panos`), as have macOS and PF (:mod:`.macos_text`, :mod:`.pf_text`),
and the logs that xrdp, Guacamole, Tor, unbound and VNC servers write themselves (:mod:`.xrdp`, :mod:`.guacamole`, :mod:`.tor`, :mod:`.unbound`,
:mod:`.vnc`).
A line is tried here only where a gate, one regex over all of them, says that it may be one.

A stamp without a year may name its zone, also where a collector put its own stamp before it: then the device's own counts, with its zone.
Cisco's message number becomes the program, ``%ASA-6-113039``, as it does where the classic header takes it for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from gatewatch.intake import (
    carried_text,
    cef,
    container_text,
    firewall_stamp,
    fortigate,
    guacamole,
    junos_data,
    keycloak_text,
    login_text,
    macos_text,
    netscaler,
    nps,
    openvpn_status,
    panos,
    pf_text,
    runtime_stamp,
    table,
    tor,
    unbound,
    vnc,
    windows_text,
    xrdp,
)
from gatewatch.intake.header import ISO, ZONES, TextFraming, in_turn
from gatewatch.schema.framing import Framing

_PRI = r"^(?:<[0-9]{1,3}>)?"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
_DAY = r"[A-Z][a-z]{2} [ 0-9]?[0-9]"
_BSD = rf"{_DAY} {_CLOCK}"
_BSD_YEAR = rf"{_DAY} [12][0-9]{{3}} {_CLOCK}"
_GAP = r"(?: *:)? +"
_HOST = r"(?P<host>[^ %:](?:[^ %]*[^ %:])?)"
_NAMES = r"(?:UTC|GMT|WES?T|CES?T|EES?T|MES?Z|MSK|[ECMP][DS]T|AK[DS]T|HST|A[DS]T|JST|KST|IST|BST|SGT|HKT|AE[DS]T)"
_ZONE = rf"(?P<zone>Z| {_NAMES})?"
_KNOWN = rf"(?P<zone> (?:{ZONES}))"
_INNER = rf"(?:{_DAY} (?:[12][0-9]{{3}} )?{_CLOCK}(?: [A-Z]{{3,5}})?{_GAP})?"
_NUMBER = r"%(?:ASA|FTD|PIX|FWSM)-(?:[A-Za-z]+-)?[0-7]-[0-9]{6}"
_CISCO = rf"(?P<program>{_NUMBER})(?:: ?| )(?:{_NUMBER}: )?(?P<message>.*)$"

_CISCO_FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, rf"{_PRI}{ISO}{_GAP}(?:{_HOST}{_GAP})?{_INNER}{_CISCO}", "iso"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_PRI}:? ?(?:{_BSD} +{_HOST}{_GAP})?(?P<stamp>{_BSD_YEAR}){_ZONE}{_GAP}{_CISCO}", "bsd-year"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_PRI}:? ?(?:{_BSD} +[^ ]+{_GAP})?(?P<stamp>{_BSD_YEAR}){_ZONE}{_GAP}{_HOST}{_GAP}{_CISCO}", "bsd-year"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_PRI}:? ?{_BSD} +{_HOST}{_GAP}(?P<stamp>{_BSD}){_KNOWN}{_GAP}{_CISCO}", "bsd"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_PRI}:? ?(?P<stamp>{_BSD}){_KNOWN}{_GAP}(?:{_HOST}{_GAP})?{_CISCO}", "bsd"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_PRI}:? ?(?P<stamp>{_BSD})(?: {_NAMES})?{_GAP}(?:{_HOST}{_GAP})?{_INNER}{_CISCO}", "bsd"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_PRI}(?P<stamp>{_BSD}) +[^ %]+{_GAP}{_HOST}{_GAP}{_INNER}{_CISCO}", "bsd"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_PRI}[: ]*(?P<stamp>[12][0-9]{{3}} {_DAY} {_CLOCK}){_ZONE}{_GAP}(?:{_HOST}{_GAP})?{_CISCO}", "year-first"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_PRI}[: ]*(?:(?:Local[0-7]|User|Auth)\.[A-Z][a-z]+[ \t]+)?(?:{_HOST}{_GAP})?{_CISCO}", "none"),
)

_PEER = (
    r"(?:[^ ]+(?: [^ :/]+){0,4}/)?(?:\[AF_INET6?\]|(?:udp|tcp)[46](?:-server)?:)?(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[?[0-9a-fA-F]*:[0-9a-fA-F:.]*\]?)"
    r":[0-9]{1,5}(?:/[^ ]+)? "
)
_OPENVPN_TEXT = (
    r"(?:OpenVPN [0-9]|library versions: |Initialization Sequence Completed|Incoming Control Channel |Outgoing Control Channel |MULTI: |MULTI TCP: |"
    r"TLS Error: |TLS Auth Error: |TLS: |SENT CONTROL \[|VERIFY (?:OK|ERROR|KU|EKU|SCRIPT|PLUGIN)|TCP connection established with \[AF_INET|"
    r"Connection Attempt |Peer Connection Initiated|\[[^\]]*\] Peer Connection Initiated|(?:TCP|UDP)v[46](?:_SERVER)? link |"
    r"Listening for incoming TCP connection|Diffie-Hellman initialized|(?:PLUGIN )?AUTH-PAM: |PLUGIN_CALL: |PLUGIN_INIT: |CLIENT_LIST,|"
    r"MANAGEMENT: |Could not determine IPv4/IPv6 protocol|ifconfig_pool_read\(\)|TUN/TAP device |SIGTERM\[|SIGUSR1\[|SIGHUP\[|SIGINT\[|"
    r"(?:\[[a-z#-]*\] )*\[?OVPN [0-9]+\]? OUT: |Incorrect password supplied for LDAP DN |OTP-AUTH: |"
    r"(?:openvpn server '[^']*' )?user '[^']*' (?:authenticated|could not authenticate|address '))"
)
_OPENVPN_PLUGIN = "(?:PLUGIN )?AUTH-PAM: BACKGROUND: "  # the plug-in's process writes no time
_CONTAINER = r"(?:[A-Za-z0-9_.-]+ +\| )?"  # what compose puts before the lines of each container
_OPENVPN = "(?: us=[0-9]+)? (?P<message>.*)$"  # what follows the stamp is one of these: the gate has seen it
_DATE_TIME = r"(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
_C_TIME = r"[A-Z][a-z]{2} (?P<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [12][0-9]{3})"
_OPENVPN_FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, f"^{_CONTAINER}{_DATE_TIME}{_OPENVPN}", "iso", "openvpn"),
    TextFraming(Framing.SYSLOG_BSD, f"^{_CONTAINER}{_C_TIME}{_OPENVPN}", "ctime", "openvpn"),
    TextFraming(Framing.SYSLOG_BSD, rf"^{_CONTAINER}(?P<message>{_OPENVPN_PLUGIN}.*)$", "none", "openvpn"),
)

_RADIUS = rf"^{_C_TIME} ?: (?P<message>(?:Auth|Info|Error|Warning|Warn|Debug|Proxy|Acct|INFO|ERROR|WARN): .*)$"
_RADIUS_FRAMINGS = (TextFraming(Framing.SYSLOG_BSD, _RADIUS, "ctime", "radiusd"),)

# a collector that keeps only the text, or puts its own stamp before it
_DATE_TIME_PLAIN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}[0-9.,]*(?:Z|[+-][0-9:]{4,6})?"
_RADIUS_BARE = r"\([0-9]+\) +(?:Login OK|Login incorrect|Invalid user|Rejected in post-auth|Rejected|Multiple logins)(?: \(|: ?\[)"
_RADIUS_BARE_FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} (?P<message>{_RADIUS_BARE}.*)$", "iso", "radiusd"),
    TextFraming(Framing.SYSLOG_BSD, rf"^(?P<message>{_RADIUS_BARE}.*)$", "none", "radiusd"),
)

_IVANTI_TEXT = r"(?:- - - )?[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} - [^ ]+ - \[[0-9A-Fa-f.:]+\] "
_IVANTI_WELF = r'id=firewall time="[0-9-]{10} [0-9:]{8}" pri=[0-9] fw=[^ ]* vpn='
_IVANTI_FRAMINGS = (
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"{_PRI} ?(?:- - - )?(?P<stamp>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}) - (?P<message>.*)$",
        "iso",
        "PulseSecure",
    ),
    TextFraming(Framing.SYSLOG_ISO, rf'{_PRI} ?id=firewall time="(?P<stamp>[0-9-]{{10}} [0-9:]{{8}})" (?P<message>.*)$', "iso", "PulseSecure"),
)

_CHARON = r"(?P<message>[0-9]{2}\[[A-Z]{3}[0-9]?\] .*)$"
_CHARON_FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} {_CHARON}", "iso", "charon"),
    TextFraming(Framing.SYSLOG_BSD, rf"^(?:[A-Z][a-z]{{2}}, )?(?P<stamp>{_BSD_YEAR}),? {_CHARON}", "bsd-year", "charon"),
    TextFraming(Framing.SYSLOG_BSD, rf"^(?P<stamp>{_BSD}) {_CHARON}", "bsd", "charon"),
    TextFraming(
        Framing.SYSLOG_ISO, rf"^(?:[A-Z][a-z]{{2}}, )?(?P<stamp>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}, {_CLOCK}) {_CHARON}", "iso-comma", "charon"
    ),
)

_DOUBLE_FRAMINGS = (
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"{_PRI}{_BSD} +[^ ]+ [0-9] {ISO} (?P<host>[^ ]+) (?P<program>[^ :\[]+):? (?P<pid>[^ ]+) [^ ]+ - *(?P<message>.*)$",
        "iso",
    ),
)


@dataclass(frozen=True, slots=True)
class Appliance:
    """A kind of device: which framing its lines count as, the regex a line of it fits, and what takes its header apart.

    ``take``: lines (``record, offset, …, line``) in; records (:data:`FRAMED`) and the lines left out. ``holds``: literals, one of which every
    line holds that ``gate`` fits; to look for them is several times cheaper.
    """

    name: Framing
    gate: str
    take: Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]]
    holds: str = ""

    def fits(self, lines: pl.DataFrame) -> pl.Series:
        """Return which of *lines* may be of this device."""
        if not self.holds:
            return lines["line"].str.contains(self.gate)
        may = lines["line"].str.contains(self.holds)
        if not may.any():
            return may
        return may.scatter(may.arg_true(), lines["line"].filter(may).str.contains(self.gate))


APPLIANCES = (
    Appliance(Framing.SYSLOG_BSD, cef.GATE, in_turn(cef.FRAMINGS)),
    Appliance(Framing.SYSLOG_BSD, windows_text.GATE, in_turn(windows_text.FRAMINGS)),
    Appliance(Framing.SYSLOG_ISO, container_text.GATE, container_text.take_daemons),
    Appliance(Framing.SYSLOG_ISO, macos_text.GATE, macos_text.take_unified),
    Appliance(Framing.SYSLOG_BSD, macos_text.SECURITY_GATE, macos_text.take_security),
    Appliance(Framing.SYSLOG_ISO, pf_text.GATE, pf_text.take_pf),
    Appliance(Framing.SYSLOG_BSD, r"%(?:ASA|FTD|PIX|FWSM)-(?:[A-Za-z]+-)?[0-7]-[0-9]{6}[: ]", in_turn(_CISCO_FRAMINGS)),
    Appliance(Framing.SYSLOG_ISO, firewall_stamp.GATE, firewall_stamp.take, firewall_stamp.HOLDS),
    Appliance(Framing.SYSLOG_5424, junos_data.GATE, junos_data.take, junos_data.HOLDS),
    Appliance(Framing.SYSLOG_ISO, fortigate.GATE, fortigate.take),
    Appliance(Framing.SYSLOG_ISO, netscaler.GATE, netscaler.take, netscaler.HOLDS),
    Appliance(Framing.SYSLOG_ISO, panos.GATE, panos.take, panos.HOLDS),
    Appliance(
        Framing.SYSLOG_ISO,
        rf"^{_CONTAINER}(?:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?"
        rf"|{_C_TIME.replace('?P<stamp>', '?:')})"
        rf"(?: us=[0-9]+)? (?:{_PEER}|{_OPENVPN_TEXT})|^{_CONTAINER}{_OPENVPN_PLUGIN}",
        in_turn(_OPENVPN_FRAMINGS),
    ),
    Appliance(Framing.SYSLOG_ISO, rf"{_PRI} ?(?:{_IVANTI_TEXT}|{_IVANTI_WELF})", in_turn(_IVANTI_FRAMINGS)),
    Appliance(Framing.SYSLOG_BSD, rf"^(?:{_DATE_TIME_PLAIN} )?{_RADIUS_BARE}", in_turn(_RADIUS_BARE_FRAMINGS)),
    Appliance(Framing.SYSLOG_BSD, openvpn_status.GATE, in_turn(openvpn_status.FRAMINGS)),
    Appliance(Framing.SYSLOG_ISO, nps.GATE, in_turn(nps.FRAMINGS)),
    Appliance(Framing.SYSLOG_ISO, nps.SPREAD, nps.take_spread),
    Appliance(Framing.SYSLOG_BSD, rf"^{_C_TIME.replace('?P<stamp>', '?:')} ?: [A-Z][A-Za-z]+: ", in_turn(_RADIUS_FRAMINGS)),
    Appliance(Framing.SYSLOG_ISO, r"^[0-9A-Z][0-9A-Za-z :,.T+-]{14,34} [0-9]{2}\[[A-Z]{3}[0-9]?\] ", in_turn(_CHARON_FRAMINGS)),
    Appliance(Framing.SYSLOG_ISO, xrdp.GATE, in_turn(xrdp.FRAMINGS)),
    Appliance(Framing.SYSLOG_ISO, guacamole.GATE, guacamole.take_guacamole),
    Appliance(Framing.SYSLOG_BSD, tor.GATE, in_turn(tor.FRAMINGS)),
    Appliance(Framing.SYSLOG_ISO, unbound.GATE, in_turn(unbound.FRAMINGS)),
    Appliance(Framing.SYSLOG_ISO, vnc.GATE, vnc.take_vnc),
    Appliance(Framing.SYSLOG_ISO, runtime_stamp.GATE, in_turn(runtime_stamp.FRAMINGS)),
    Appliance(Framing.SYSLOG_BSD, login_text.GATE, login_text.take_logins),
    Appliance(Framing.TABLE, table.FLOW_GATE, table.take_flow),
    Appliance(Framing.TABLE, table.FIREWALL_GATE, table.take_firewall),
    Appliance(Framing.SYSLOG_ISO, rf"{_PRI}{_BSD} +[^ ]+ [0-9] [0-9]{{4}}-[0-9]{{2}}-", in_turn(_DOUBLE_FRAMINGS)),
    Appliance(Framing.SYSLOG_ISO, keycloak_text.GATE, in_turn(keycloak_text.FRAMINGS)),
    Appliance(Framing.SYSLOG_ISO, carried_text.GATE, in_turn(carried_text.FRAMINGS)),  # last: what stands behind may be of another
)

_ANY = "|".join(f"(?:{appliance.gate})" for appliance in APPLIANCES)


def take_appliances(lines: pl.DataFrame, only: Framing | None = None) -> tuple[list[tuple[Framing, pl.DataFrame]], pl.DataFrame]:
    """Return the records of the *lines* that bear an appliance's header, by framing, and the other lines.

    ``only``: the framing the user insists on; lines that would count as another are left.
    """
    maybe = lines.select(pl.col("line").str.contains(_ANY).alias("m"))["m"]
    if not maybe.any():
        return [], lines
    kept, rest = lines.filter(~maybe), lines.filter(maybe)
    parts: list[tuple[Framing, pl.DataFrame]] = []
    for appliance in APPLIANCES:
        if not rest.height:
            break
        if only is not None and appliance.name is not only:
            continue
        fits = appliance.fits(rest)
        if not fits.any():
            continue
        every = bool(fits.all())
        taken, left = appliance.take(rest if every else rest.filter(fits))
        if taken.height:
            parts.append((appliance.name, taken))
        rest = left if every else pl.concat([rest.filter(~fits), left])
    return parts, pl.concat([kept, rest]).sort("record")
