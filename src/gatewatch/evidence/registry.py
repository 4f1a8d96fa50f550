"""The formats of evidence there are; one line each."""

from __future__ import annotations

from gatewatch.evidence import addresses, iptables, manifest, nftables, pam, probe, sockets, sshd, sshd_effective
from gatewatch.evidence.format import Format

EVIDENCE: tuple[Format, ...] = (
    manifest.FORMAT,
    sshd.FORMAT,
    sshd_effective.FORMAT,
    pam.FORMAT,
    iptables.FORMAT,
    nftables.FORMAT,
    probe.FORMAT,
    sockets.FORMAT,
    addresses.FORMAT,
)
