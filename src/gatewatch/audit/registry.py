"""The checks there are, and the steps that make facts out of facts; one line for each module."""

from __future__ import annotations

from gatewatch.audit import openvpn_path, server_path, ssh_path, windows_path
from gatewatch.audit.check import Check
from gatewatch.audit.checks import (
    asa,
    attestation,
    desktop,
    file_share,
    firewall,
    fortios,
    gateway_mfa,
    gateway_plane,
    ivanti,
    linux_service,
    listener,
    netscaler,
    panos,
    pf,
    pfsense,
    rd_gateway,
    scan,
    segment,
    software,
    ssh,
    ssh_mfa,
    vpn_server,
    windows_firewall,
    windows_logon,
    windows_rdp,
    windows_right,
    windows_winrm,
)
from gatewatch.audit.run import Derivation

DERIVATIONS: tuple[Derivation, ...] = (
    Derivation("doors of sshd", ssh_path.derive),
    Derivation("doors of OpenVPN", openvpn_path.derive),
    Derivation("doors of Windows", windows_path.derive),
    Derivation("doors of xrdp and VNC", server_path.derive),
)
CHECKS: tuple[Check, ...] = (
    *ssh.CHECKS,
    *ssh_mfa.CHECKS,
    *firewall.CHECKS,
    *segment.CHECKS,
    *listener.CHECKS,
    *windows_rdp.CHECKS,
    *windows_winrm.CHECKS,
    *windows_logon.CHECKS,
    *windows_right.CHECKS,
    *windows_firewall.CHECKS,
    *rd_gateway.CHECKS,
    *software.CHECKS,
    *desktop.CHECKS,
    *file_share.CHECKS,
    *linux_service.CHECKS,
    *scan.CHECKS,
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
