"""The formats of evidence there are; one line each."""

from __future__ import annotations

from gatewatch.evidence import (
    addresses,
    asa,
    fortios,
    iptables,
    ivanti,
    manifest,
    netscaler,
    nftables,
    openvpn,
    pam,
    panos,
    pf,
    pfsense,
    sockets,
    sshd,
    sshd_effective,
    strongswan,
    wireguard,
)
from gatewatch.evidence.format import Format

EVIDENCE: tuple[Format, ...] = (
    manifest.FORMAT,
    sshd.FORMAT,
    sshd_effective.FORMAT,
    pam.FORMAT,
    iptables.FORMAT,
    nftables.FORMAT,
    sockets.FORMAT,
    addresses.FORMAT,
    asa.FORMAT,
    fortios.FORMAT,
    openvpn.FORMAT,
    wireguard.FORMAT,
    strongswan.FORMAT,
    panos.FORMAT,
    netscaler.FORMAT,
    ivanti.FORMAT,
    pf.FORMAT,
    pfsense.FORMAT,
)
