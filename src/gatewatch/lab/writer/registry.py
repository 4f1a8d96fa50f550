"""The writers there are, in one place."""

from __future__ import annotations

from gatewatch.lab.writer.auditd import Auditd
from gatewatch.lab.writer.cisco_asa import CiscoAsa
from gatewatch.lab.writer.fortigate import FortiGate
from gatewatch.lab.writer.gateway import Gateway
from gatewatch.lab.writer.globalprotect import GlobalProtect
from gatewatch.lab.writer.identity import Entra, Okta
from gatewatch.lab.writer.kubernetes import DockerEvents, Kubernetes
from gatewatch.lab.writer.macos import MacOs
from gatewatch.lab.writer.netscaler import NetScaler
from gatewatch.lab.writer.openvpn import OpenVpn
from gatewatch.lab.writer.sshd import Sshd
from gatewatch.lab.writer.windows import Windows
from gatewatch.lab.writer.zeek import Zeek

GATEWAYS: dict[str, type[Gateway]] = {
    "asa": CiscoAsa, "fortigate": FortiGate, "globalprotect": GlobalProtect, "openvpn": OpenVpn, "netscaler": NetScaler,
}  # fmt: skip
WRITERS = (Auditd, CiscoAsa, DockerEvents, Entra, FortiGate, GlobalProtect, Kubernetes, MacOs, NetScaler, Okta, OpenVpn, Sshd, Windows, Zeek)
