"""The application firewall of macOS: ``appfirewall.log`` and ``socketfilterfw``.

``socketfilterfw[112] <Info>: sshd: Deny TCP CONNECT (in:2 out:0)`` · ``Stealth Mode connection attempt to TCP 10.0.0.5:22 from 192.0.2.7:51234``

Most lines name the program and how many connections they stand for, but no address; a line that denies counts its inward connections.

References: socketfilterfw(8), https://support.apple.com/guide/security/firewall-security
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import SERVICE, Kind, Service
from gatewatch.sources.macos import MacSource
from gatewatch.sources.pattern import Pattern

_QUAD = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_HOST = rf"{_QUAD}|\[?[0-9A-Fa-f:]+(?:%[a-z0-9]+)?\]?"
_FROM = rf"from (?P<rhost>{_HOST}):(?P<src_port>[0-9]+)"
_APP = r"(?P<process>[^:]+)"
PORTS = {22: Service.SSH, **dict.fromkeys((3283, 5500, *range(5900, 5911)), Service.VNC), 445: Service.SMB, 88: Service.KERBEROS}
"""The ports of remote services of a Mac; 3283 is Remote Management's, 5500 that of a viewer that waits."""

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "stealth",
        ("Stealth Mode",),
        (rf"^Stealth Mode connection attempt to (?P<x_protocol>TCP|UDP) (?P<dhost>{_HOST}):(?P<dst_port>[0-9]+) {_FROM}$",),
        Kind.CONNECTION_DENIED,
    ),
    Pattern(
        "stealth-counted",
        ("Stealth Mode",),
        (r"^Stealth Mode connection attempt to (?P<x_protocol>TCP|UDP) (?P<count>[0-9]+) times?$",),
        Kind.CONNECTION_DENIED,
    ),
    Pattern(
        "denied-from",
        ("Deny ",),
        (rf"^Deny (?P<process>.+) (?:data in|connecting) {_FROM} to port (?P<dst_port>[0-9]+) proto=(?P<x_protocol>[0-9]+)$",),
        Kind.CONNECTION_DENIED,
    ),
    Pattern(
        "allowed-from",
        ("Allow ",),
        (rf"^Allow (?P<process>.+) (?:data in|connecting) {_FROM} to port (?P<dst_port>[0-9]+) proto=(?P<x_protocol>[0-9]+)$",),
        Kind.CONNECTION,
    ),
    Pattern(
        "app-denied",
        (),
        (
            rf"^{_APP}: Deny (?P<x_protocol>TCP|UDP) (?P<x_act>[A-Z]+) +\(in:(?P<count>[1-9][0-9]*) out:[0-9]+\)$",
            rf"^{_APP}: Deny (?P<x_protocol>TCP|UDP) (?P<x_act>[A-Z]+) +\(in:0 out:[0-9]+\)$",
        ),
        Kind.CONNECTION_DENIED,
    ),
    Pattern(
        "app-allowed",
        (),
        (rf"^{_APP}:? Allow (?P<x_protocol>TCP|UDP) (?P<x_act>[A-Z]+) +\(in:[0-9]+ out:[0-9]+\)$",),
        Kind.CONNECTION,
    ),
    Pattern("logging", ("Logging: ",), (r"^Logging: ",), why="the log itself"),
    Pattern("library", ("(",), (r"^\([A-Za-z0-9_.+-]+\) ",), why="said by a library, not by the firewall"),
)


def by_port(events: pl.DataFrame) -> pl.DataFrame:
    """Add the remote service whose port a connection went to."""
    if "dst_port" not in events.columns:
        return events
    ports = {port: str(service) for port, service in PORTS.items()}
    service = pl.col("dst_port").replace_strict(ports, default=None, return_dtype=pl.String)
    return events.with_columns(service.cast(SERVICE).alias("service"))


SOURCE = MacSource(
    name="macos-firewall",
    title="Application firewall of macOS",
    programs=("socketfilterfw", "macos:socketfilterfw", "Firewall", "macos:Firewall"),
    patterns=PATTERNS,
    finish=by_port,
    references=("https://support.apple.com/guide/security/firewall-security",),
)
