"""Ports and protocol names of remote access: which service they stand for."""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Service
from gatewatch.sources.resolver import map_values

PORTS: dict[int, Service | None] = {
    22: Service.SSH,
    23: Service.TELNET,
    135: None,  # the way to DCOM and RPC
    139: Service.SMB,
    445: Service.SMB,
    1494: Service.CITRIX,
    1723: Service.VPN,
    2375: Service.DOCKER_API,
    2376: Service.DOCKER_API,
    2598: Service.CITRIX,
    3389: Service.RDP,
    **dict.fromkeys(range(5900, 5911), Service.VNC),
    5985: Service.WINRM,
    5986: Service.WINRM,
    6443: Service.KUBE_API,
    10250: Service.KUBELET,
}
"""The TCP ports of remote access. An attempt at one of them that is turned away is told apart from other refused traffic."""

NAMED: dict[int, Service] = {port: service for port, service in PORTS.items() if service is not None} | {
    21: Service.FTP,
    88: Service.KERBEROS,
    3283: Service.VNC,
    5500: Service.VNC,
}
"""What a port says about the service of a connection."""

PLANES = (2375, 2376, 10250)
"""The ports by which hosts of containers are ruled: Docker's API, plain and with TLS, and the kubelet's. What speaks HTTP there is no web site."""

PROTOCOLS: dict[str, Service] = {
    "ssh": Service.SSH,
    "rdp": Service.RDP,
    "rdpeudp": Service.RDP,
    "rdpudp": Service.RDP,
    "rfb": Service.VNC,
    "krb": Service.KERBEROS,
    "krb_tcp": Service.KERBEROS,
    "krb5": Service.KERBEROS,
    "smb": Service.SMB,
    "telnet": Service.TELNET,
    "ftp": Service.FTP,
    "http": Service.WEB,
    "openvpn": Service.VPN,
    "wireguard": Service.VPN,
    "ike": Service.VPN,
    "ipsec": Service.VPN,
}
"""What Zeek and Suricata call the protocol they saw, most telling first: several may be seen in one connection."""

OUTWARD = (22, 3283, 5500, *range(5900, 5911))
"""The TCP ports of SSH, Screen Sharing, Remote Management and of a VNC viewer that waits for a desktop, as who goes out uses them."""

ALTERNATIVES = "|".join(str(port) for port in PORTS)
"""The ports of remote access as a piece of a regex."""


def is_door(port: str) -> pl.Expr:
    """Return whether the column *port* is a port of remote access; never null."""
    return pl.col(port).is_in(list(PORTS)).fill_null(False)


def is_plane(port: str) -> pl.Expr:
    """Return whether the column *port* is one of :data:`PLANES`; never null."""
    return pl.col(port).is_in(list(PLANES)).fill_null(False)


def is_outward(port: str) -> pl.Expr:
    """Return whether the column *port* is one of :data:`OUTWARD`; never null."""
    return pl.col(port).is_in(list(OUTWARD)).fill_null(False)


def by_port(port: str) -> pl.Expr:
    """Return the service that the column *port* stands for; null where it stands for none."""
    return (
        pl.col(port)
        .replace_strict({number: str(service) for number, service in NAMED.items()}, default=None, return_dtype=pl.String)
        .cast(ev.SERVICE)
    )


def by_protocol(names: pl.Series) -> pl.Series:
    """Return the service of protocol *names*, lists with commas; null where none of them is of remote access."""
    return map_values(names, _service).cast(ev.SERVICE)


def _service(names: str) -> str | None:
    seen = frozenset(names.lower().split(","))
    found = next((service for name, service in PROTOCOLS.items() if name in seen), None)
    return None if found is None else str(found)
