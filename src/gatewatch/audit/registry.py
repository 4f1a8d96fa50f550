"""The checks there are, and the steps that make facts out of facts; one line for each module."""

from __future__ import annotations

from gatewatch.audit import conditional_access, container, openvpn_path, ssh_path
from gatewatch.audit.check import Check
from gatewatch.audit.checks import (
    api_server,
    asa,
    attestation,
    browser,
    cloud,
    cluster,
    csp,
    dns_filter,
    docker,
    firewall,
    fortios,
    gateway_mfa,
    gateway_plane,
    identity,
    ivanti,
    kubelet,
    listener,
    netscaler,
    panos,
    pf,
    pfsense,
    segment,
    ssh,
    ssh_mfa,
    vpn_server,
    web_alert,
    web_proxy,
)
from gatewatch.audit.run import Derivation

DERIVATIONS: tuple[Derivation, ...] = (
    Derivation("doors of sshd", ssh_path.derive),
    Derivation("doors of OpenVPN", openvpn_path.derive),
    Derivation("settings of containers in force", container.derive),
    Derivation("doors of Entra ID", conditional_access.derive),
)
CHECKS: tuple[Check, ...] = (
    *ssh.CHECKS,
    *ssh_mfa.CHECKS,
    *firewall.CHECKS,
    *segment.CHECKS,
    *listener.CHECKS,
    *api_server.CHECKS,
    *cluster.CHECKS,
    *docker.CHECKS,
    *kubelet.CHECKS,
    *cloud.CHECKS,
    *identity.CHECKS,
    *web_proxy.CHECKS,
    *dns_filter.CHECKS,
    *csp.CHECKS,
    *browser.CHECKS,
    *web_alert.CHECKS,
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
