"""The formats of evidence there are; one line each."""

from __future__ import annotations

from gatewatch.evidence import (
    addresses,
    asa,
    fortios,
    iptables,
    manifest,
    nftables,
    openvpn,
    pam,
    panos,
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
)
