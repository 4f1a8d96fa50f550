"""The checks there are, and the steps that make facts out of facts; one line for each module."""

from __future__ import annotations

from gatewatch.audit import openvpn_path, ssh_path
from gatewatch.audit.check import Check
from gatewatch.audit.checks import (
    asa,
    attestation,
    firewall,
    fortios,
    gateway_mfa,
    gateway_plane,
    ivanti,
    listener,
    netscaler,
    panos,
    pf,
    pfsense,
    segment,
    ssh,
    ssh_mfa,
    vpn_server,
)
from gatewatch.audit.run import Derivation

DERIVATIONS: tuple[Derivation, ...] = (
    Derivation("doors of sshd", ssh_path.derive),
    Derivation("doors of OpenVPN", openvpn_path.derive),
)
CHECKS: tuple[Check, ...] = (
    *ssh.CHECKS,
    *ssh_mfa.CHECKS,
    *firewall.CHECKS,
    *segment.CHECKS,
    *listener.CHECKS,
    *attestation.CHECKS,
    *gateway_mfa.CHECKS,
    *gateway_plane.CHECKS,
    *asa.CHECKS,
    *fortios.CHECKS,
    *vpn_server.CHECKS,
    *panos.CHECKS,
    *netscaler.CHECKS,
    *ivanti.CHECKS,
    *pf.CHECKS,
    *pfsense.CHECKS,
)
